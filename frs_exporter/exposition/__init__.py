"""What is known becomes the page that Prometheus reads."""
