"""What it means: clauses, evidence, the verdict and how people read it."""
