"""Processes that write to one folder at once, and are killed."""

import subprocess
import sys
from pathlib import Path


def writer(script: str, folder: Path, name: str, times: int) -> subprocess.Popen[str]:
    """A process that counts something in a file of a folder, once its script has printed `begun`."""
    command = [sys.executable, "-c", script, str(folder), name, str(times)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout
    assert process.stdout.read(5) == "begun"
    return process


def write_at_once(script: str, folder: Path) -> None:
    """Let four processes count a hundred times each, two of them the same thing."""
    processes = [writer(script, folder, name, 100) for name in ("a", "b", "both", "both")]
    assert [process.wait(60) for process in processes] == [0] * 4
    for process in processes:
        process.communicate()
