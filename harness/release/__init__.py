"""What is tested: artifacts, how they are built and installed, the contract they are held to."""
