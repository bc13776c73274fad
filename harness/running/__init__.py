"""How it is run: environments, commands, trees, processes, sandboxes."""
