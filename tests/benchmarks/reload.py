"""`make bench`: what it costs to load the config of 10,000 projects, and what a reload does to the loop.

Each project has three collectors, labels, a budget and requirements; the scraper and the check of the file are
processes of their own. Prints seconds of CPU, and the longest time between two turns of the loop in each reload; exits
with 1 when a goal is missed, or a job starts anew for a label.
"""

import asyncio
import gc
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import structlog
from aiohttp import web

from frs_exporter.config.load import load
from frs_exporter.config.source import Source
from frs_exporter.core.model import Key
from frs_exporter.exposition.telemetry import Telemetry
from frs_exporter.polling.exporter import Exporter
from frs_exporter.polling.runner import JobRunner
from frs_exporter.runtime.offload import freeze_objects
from frs_exporter.web.app import build_app
from tests.fleet import fleet, written
from tests.web.serving import fill

PROJECTS = 10_000
"""As many as one process is meant for."""
CHECK, RELOAD = 4 / 10_000, 3 / 10_000
"""Goals, in seconds of CPU per project."""
PAUSE = 0.050
"""The longest pause in seconds."""
TICK = 0.001


@dataclass(frozen=True)
class Length:
    """How many reloads there are, and for how many seconds the loop is watched while there are none."""

    reloads: int = 3
    watch: float = 3.0


FULL = Length()

SCRAPER = """
import sys, urllib.request
while True:
    with urllib.request.urlopen(urllib.request.Request(sys.argv[1], headers={"Accept-Encoding": "gzip"})) as page:
        while page.read(1 << 16):
            pass
"""


class Watch:
    """Measures how long the loop does not turn."""

    def __init__(self) -> None:
        self.longest = 0.0

    async def run(self) -> None:
        """Watch for ever."""
        while True:
            started = time.perf_counter()
            await asyncio.sleep(TICK)
            self.longest = max(self.longest, time.perf_counter() - started - TICK)

    def read(self) -> float:
        """The longest pause since the last reading, in seconds."""
        longest, self.longest = self.longest, 0.0
        return longest


def started(*command: str, output: int = subprocess.DEVNULL) -> subprocess.Popen[str]:
    """A process of which nobody reads the errors."""
    return subprocess.Popen(command, stdout=output, stderr=subprocess.DEVNULL, text=True)


def write(file: Path, text: str) -> None:
    """Change a file; it keeps the loop waiting, which is not measured here."""
    file.write_text(text)


def started_anew(exporter: Exporter, before: Mapping[Key, JobRunner]) -> int:
    """How many jobs are polled by another than before."""
    return sum(before.get(key) is not runner for key, runner in exporter.runners.items())


def check_seconds(file: Path) -> float:
    """The CPU that `--config.check` needs for a file, in seconds, its start included."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = (sys.executable, "-m", "frs_exporter", f"--config.file={file}", "--config.check")
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def measure(projects: int, file: Path, length: Length) -> bool:
    """Check, start, scrape, reload, print; whether the goals are met."""
    text = written(fleet(projects))
    file.write_text(text)
    checks = [check_seconds(file) for _ in range(3)]
    print(f"{projects:,} projects, a file of {len(text) / 1e6:.1f} MB:")
    print(f"  --config.check                              {median(checks):6.2f} s of CPU, its start included")
    return asyncio.run(reloads(projects, text, file, length)) and median(checks) <= CHECK * projects


async def reloads(projects: int, text: str, file: Path, length: Length) -> bool:
    """Start, reload, scrape, reload, print; whether the goals are met."""
    source = Source(str(file), load)
    config = source.load()
    gc.freeze()  # as the daemon does
    exporter, watch = Exporter(source, config, Telemetry()), Watch()
    runner = web.AppRunner(build_app(exporter), access_log=None, shutdown_timeout=0.5)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    await exporter.start()
    fill(exporter)  # so that there is as much to scrape as once all were asked
    freeze_objects()  # as the daemon does
    before, seconds, pauses = dict(exporter.runners), [], []
    changed = (text.replace("team: team-42", f"team: other-{number}", 1) for number in range(2 * length.reloads))
    for _ in range(length.reloads):
        write(file, next(changed))
        begun = time.process_time()
        await exporter.reload()
        seconds.append(time.process_time() - begun)
    watching = asyncio.create_task(watch.run())
    scraper = started(sys.executable, "-c", SCRAPER, f"http://127.0.0.1:{runner.addresses[0][1]}/metrics")
    try:
        await asyncio.sleep(length.watch)
        watch.read()
        await asyncio.sleep(length.watch)
        scraping = watch.read()
        for _ in range(length.reloads):
            write(file, next(changed))
            watch.read()
            await exporter.reload()
            await asyncio.sleep(0.5)
            pauses.append(watch.read())
        anew = started_anew(exporter, before)
    finally:
        scraper.terminate()
        scraper.wait()
        watching.cancel()
        await runner.cleanup()
        await exporter.stop()
    print(f"  one label changed and the config reloaded   {shown(seconds, 1)} s of CPU")
    print(f"  the same while a scraper never rests, pause {shown(pauses, 1000)} ms, {1000 * scraping:.1f} ms without")
    print(f"  jobs started anew                           {anew:6d} of {len(config.jobs):,}")
    return max(pauses) <= PAUSE and median(seconds) <= RELOAD * projects and not anew


def shown(figures: list[float], factor: float) -> str:
    """Figures, one after the other."""
    return " ".join(f"{factor * each:6.2f}" for each in figures)


def main(projects: int = PROJECTS, length: Length = FULL) -> bool:
    """Run; whether the goals are met."""
    structlog.configure(processors=[], logger_factory=structlog.ReturnLoggerFactory())  # the figures stand alone
    with tempfile.TemporaryDirectory() as folder:
        return measure(projects, Path(folder) / "config.yaml", length)


if __name__ == "__main__":
    sys.exit(0 if main() else 1)
