"""Processes for attacks on a whole daemon."""

from tests.e2e.conftest import programs

__all__ = ["programs"]
