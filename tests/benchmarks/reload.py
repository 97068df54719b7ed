"""`make bench`: what a reload of 10,000 projects does to the loop, and so to a scrape under way.

The cloud and the scraper are processes of their own. Prints the longest time between two turns of the loop while one
project is changed and the config reloaded; exits with 1 when it is over 50 ms, or more than that one job starts anew.
"""

import asyncio
import gc
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import structlog
from aiohttp import web

from frs_exporter.config.load import load
from frs_exporter.config.source import Source
from frs_exporter.exposition.telemetry import Telemetry
from frs_exporter.polling.exporter import Exporter
from frs_exporter.web.app import build_app

PROJECTS = 10_000
RELOADS = 5
GOAL = 0.050
TICK = 0.001

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


def simulated(projects: int) -> tuple[subprocess.Popen[str], str]:
    """A cloud in a process of its own, and the config for it: one job per project."""
    arguments = ("simulate", f"--projects={projects}", "--poll-interval=1h")
    process = started(sys.executable, "-m", "frs_exporter", *arguments, output=subprocess.PIPE)
    assert process.stdout
    with process.stdout:
        return process, process.stdout.read().replace("defaults:\n", "defaults:\n  collectors: [subscription]\n")


def started_anew(exporter: Exporter, before: dict[str, int]) -> int:
    """How many jobs have another task than before."""
    return sum(before.get(name) != task for name, task in polling().items())


def polling() -> dict[str, int]:
    """The tasks that poll, by name."""
    return {task.get_name(): id(task) for task in asyncio.all_tasks() if task.get_name().startswith("poll ")}


async def measure(projects: int, folder: Path) -> bool:
    """Start, scrape, reload, print; whether the goals are met."""
    cloud, text = simulated(projects)
    file = folder / "config.yaml"
    file.write_text(text)
    source = Source(str(file), load)
    config = source.load()
    gc.freeze()  # as the daemon does
    exporter, watch = Exporter(source, config, Telemetry()), Watch()
    runner = web.AppRunner(build_app(exporter), access_log=None, shutdown_timeout=0.5)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    watching = asyncio.create_task(watch.run())
    await exporter.start()
    starting = watch.read()
    gc.collect()
    gc.freeze()  # as the daemon does
    url = f"http://127.0.0.1:{runner.addresses[0][1]}/metrics"
    scraper = started(sys.executable, "-c", SCRAPER, url)
    try:
        await asyncio.sleep(3)
        watch.read()
        await asyncio.sleep(3)
        scraping, pauses, seconds, jobs = watch.read(), [], [], []
        for number in range(RELOADS):
            changed = re.sub(r"(name: fleet-00042\n)", rf"\1  poll_interval: {40 + number}m\n", text)
            assert changed != text
            file.write_text(changed)
            before = polling()
            watch.read()
            begun = time.perf_counter()
            await exporter.reload()
            seconds.append(time.perf_counter() - begun)
            await asyncio.sleep(0.5)
            pauses.append(watch.read())
            jobs.append(started_anew(exporter, before))
    finally:
        for process in (scraper, cloud):
            process.terminate()
            process.wait()
        watching.cancel()
        await runner.cleanup()
        await exporter.stop()
    print(f"{projects:,} projects, scraped all the time, one of them changed and the config reloaded, {RELOADS} times:")
    print(f"  longest pause of the loop at the start      {1000 * starting:6.1f} ms")
    print(f"  longest pause of the loop between reloads   {1000 * scraping:6.1f} ms")
    print(f"  longest pause of the loop in a reload       {' '.join(f'{1000 * pause:6.1f}' for pause in pauses)} ms")
    print(f"  a reload takes                              {' '.join(f'{second:6.1f}' for second in seconds)} s")
    print(f"  jobs started anew                           {' '.join(f'{count:6d}' for count in jobs)}")
    return max(pauses) <= GOAL and set(jobs) == {1}


def main(projects: int = PROJECTS) -> bool:
    """Run; whether the goals are met."""
    structlog.configure(processors=[], logger_factory=structlog.ReturnLoggerFactory())  # the figures stand alone
    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(measure(projects, Path(folder)))


if __name__ == "__main__":
    sys.exit(0 if main() else 1)
