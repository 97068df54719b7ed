"""The process and its machine: threads, files, the log, systemd."""
