"""`make soak`: an hour of real time with 500 projects, faults, reloads and scrapes; what grows is told.

Each row is a minute: something goes wrong and everybody looks at it, again and again, then all is well for a while, and
the process is looked at. The slopes are those of what follows the warm-up. Exits with 1 where one is not flat, or the
exporter told a traceback, or did not end as it should. `--projects`, `--minutes` and `--row`, in minutes, change it.
"""

import argparse
import random
import socket
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from frs_simulator.control import PATH as FAULTS_PATH
from tests.attacks.test_endurance import size, trouble
from tests.e2e.conftest import Process, Programs, eventually, fetch, free_port
from tests.e2e.test_unattended import post
from tests.soak.slopes import HEADS, WARM, Look, least, slopes

QUIET = 0.25
"""Of a row, at its end: long enough for what was begun to end, and for each project to be polled when all is well."""
APART = 1.0
"""Seconds between two looks at the process."""
PAUSE = 2.0
"""Seconds between two troubles at most."""
SHARE = 0.2
SEED = 11


@dataclass(frozen=True)
class Soak:
    """What runs: the simulated cloud, and the exporter whose tasks a socket tells."""

    daemon: Process
    url: str
    cloud: str
    tasks_at: Path
    begun: float

    def look(self) -> Look:
        """The process as it is now."""
        kilobytes, descriptors, threads = size(self.daemon)
        with socket.socket(socket.AF_UNIX) as asking:
            asking.connect(str(self.tasks_at))
            tasks = int(asking.recv(20))
        return Look(time.monotonic() - self.begun, kilobytes / 1024, descriptors, threads, tasks)

    def row(self, seconds: float, rng: random.Random, *, warm: bool) -> tuple[int, Look]:
        """Trouble, then quiet: how often there was trouble, and the least that there was of anything when it was quiet.

        Before it is warm there is trouble all the time: memory has its size after some hundred times.
        What is under way then comes and goes; what is left behind stays. The cloud lets no connection be kept
        meanwhile: else those of a burst would be there for minutes.
        """
        begun, times = time.monotonic(), 0
        while time.monotonic() < begun + (1 - QUIET * warm) * seconds:
            trouble(self.daemon, self.url, self.cloud, rng)
            times += 1
            time.sleep(warm * min(PAUSE, SHARE * seconds) * rng.random())
        post(f"{self.cloud}{FAULTS_PATH}", {"fault": {"headers": {"Connection": "close"}}})
        eventually(lambda: fetch(f"{self.url}/-/healthy") == "healthy\n")
        looks = [self.look()]
        while (left := begun + seconds - time.monotonic()) > 0:
            time.sleep(min(APART, left))
            looks.append(self.look())
        return times, least(looks)


def started(projects: int, programs: Programs) -> Soak:
    """Both processes, after the first page."""
    port, address, tasks_at = free_port(), free_port(), programs.folder / "tasks"
    _, config = programs.simulator(
        f"--listen-address=127.0.0.1:{port}", f"--projects={projects}", "--poll-interval=15s"
    )
    limits = "limits: {frs: {rate: 100, concurrency: 20}, iam: {rate: 100}}\n"
    config.write_text(config.read_text().split("limits:")[0] + limits)
    flags = (f"--config.file={config}", f"--web.listen-address=127.0.0.1:{address}", "--state.directory=none")
    daemon = programs.start(sys.executable, "-m", "tests.soak.watched", str(tasks_at), *flags)
    url = f"http://127.0.0.1:{address}"
    eventually(lambda: daemon.popen.poll() is not None or fetch(f"{url}/-/healthy"))
    assert daemon.popen.poll() is None, daemon.log
    return Soak(daemon, url, f"http://127.0.0.1:{port}", tasks_at, time.monotonic())


def run(projects: int, minutes: float, length: float, programs: Programs) -> list[str]:
    """Print the rows and the slopes; what is not as it should be."""
    rng, looks = random.Random(SEED), list[Look]()
    soak = started(projects, programs)
    print(f"{'minute':>8}{'MiB':>9}{'descriptors':>13}{'threads':>9}{'tasks':>8}{'troubles':>10}", flush=True)
    rows = max(6, round(minutes / length))
    for number in range(1, rows + 1):
        times, now = soak.row(60 * length, rng, warm=number > WARM * rows)
        looks.append(now)
        counts = f"{now.descriptors:13}{now.threads:9}{now.tasks:8}{times:10}"
        print(f"{number * length:8.1f}{now.mib:9.1f}{counts}", flush=True)
    code, seconds = soak.daemon.stop()
    found = slopes(looks)
    print("", HEADS, *(slope.text() for slope in found), sep="\n")
    wrong = [f"{slope.what}: {slope.an_hour:+.2f} in an hour" for slope in found if not slope.flat]
    wrong += tracebacks(soak.daemon.log)
    return wrong if code == 0 else [*wrong, f"ended with {code} after {seconds:.1f} s"]


def tracebacks(log: str) -> list[str]:
    """The lines of a log with a traceback in them, or of one that was written as it is."""
    return [f"a traceback: {line[:500]}" for line in log.splitlines() if "Traceback (most recent call last)" in line]


def main(arguments: list[str] | None = None) -> int:
    """The exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--projects", type=int, default=500)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--row", type=float, default=1.0)
    wanted = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        programs = Programs(Path(folder))
        try:
            wrong = run(wanted.projects, wanted.minutes, wanted.row, programs)
        finally:
            programs.stop()
    for line in wrong:
        print(line, file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
