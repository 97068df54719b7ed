"""One or several files become a Config."""
