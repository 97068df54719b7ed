"""What can be run: one module a command, or a few that belong together."""
