"""The programs that a soak starts."""

from tests.e2e.conftest import programs

__all__ = ["programs"]
