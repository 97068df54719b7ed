"""A file becomes a Config."""
