"""Processes under measurement: each on a core of its own, with what it costs as the operating system says."""

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

CORES = sorted(os.sched_getaffinity(0))
MEASURED, OTHER = CORES[0], CORES[-1]
"""The core of what is measured, and that of all who ask and answer it; the same where there is only one."""
MIB = 1 << 20


@contextmanager
def aside() -> Iterator[None]:
    """Leave the core of what is measured to it meanwhile."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {OTHER})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


@contextmanager
def process(*command: str, core: int = MEASURED) -> Iterator[subprocess.Popen[str]]:
    """A process of which nobody reads the log, killed at the end."""
    pinned = ("taskset", "--cpu-list", str(core), *command)
    with subprocess.Popen(pinned, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as started:
        try:
            yield started
        finally:
            started.kill()


def first_line(started: subprocess.Popen[str]) -> str:
    """What a process prints first, as soon as it does."""
    assert started.stdout
    return started.stdout.readline().strip()


def cpu(pid: int) -> float:
    """The seconds of CPU that a process has used, to the nanosecond (clock_getcpuclockid(3))."""
    return time.clock_gettime((~pid << 3) | 2)


def peak(pid: int) -> float:
    """The most memory that a process has had, in MiB (VmHWM of proc(5))."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def resident(pid: int) -> float:
    """The memory of a process, in MiB."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / MIB
