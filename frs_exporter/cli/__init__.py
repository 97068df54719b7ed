"""The command line: commands, flags, signals and exit codes."""
