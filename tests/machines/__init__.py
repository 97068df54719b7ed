"""What is deployed, run: the unit under a systemd that was booted, the image in a container that was started."""
