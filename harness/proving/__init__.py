"""The proof that the smoke catches broken releases: a catalogue of them, and which clause fails which."""
