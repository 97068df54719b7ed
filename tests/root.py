"""Who runs the tests may be root, as in many containers, and is told so by each command: tests look at the rest."""

from frs_exporter.runtime.process_safety import ROOT


def without_root(text: str) -> str:
    """What was said but for the line about root; tests/test_process_safety.py is about that line."""
    return "".join(line for line in text.splitlines(keepends=True) if ROOT not in line)
