"""The whole process over HTTP: what it costs to start, to poll, to be scraped and to wait, at any size.

A cloud that answers at once, and all who ask the exporter, are on another core than the exporter.
"""

import asyncio
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import aiohttp

from frs_simulator.world import digest
from tests.benchmarks.processes import OTHER, cpu, first_line, process
from tests.e2e.conftest import free_port
from tests.fleet import written

CREDENTIALS = 10
CONNECTIONS = 40
GZIP, PLAIN = {"Accept-Encoding": "gzip"}, {"Accept-Encoding": "identity"}


def config(projects: int, url: str, interval: str = "1m") -> str:
    """The text of such a config."""
    return written(config_of(projects, url, interval))


def config_of(projects: int, url: str, interval: str = "1m") -> dict[str, Any]:
    """A fleet whose limits are out of the way, but for as many connections as a saturated one has."""
    limit = {"rate": 1000, "concurrency": CONNECTIONS // CREDENTIALS}
    return {
        "defaults": {"poll_interval": interval, "poll_timeout": "5m", "collectors": ["subscription"]},
        "credentials": {f"k{n}": {"ak_sk": {"access_key": f"AK{n}", "secret_key": "sk"}} for n in range(CREDENTIALS)},
        "projects": [
            {
                "name": f"fleet-{number:05}",
                "project_id": digest("fleet", str(number)),
                "region": "cn-north-4",
                "credential": f"k{number % CREDENTIALS}",
            }
            for number in range(projects)
        ],
        "endpoints": dict.fromkeys(("frs", "iam", "ces"), url),
        "limits": dict.fromkeys(("frs", "iam", "ces"), limit),
    }


@dataclass(frozen=True)
class Scrape:
    """What one scrape took: seconds until it was read, and bytes."""

    seconds: float
    size: int


@dataclass(frozen=True)
class Rate:
    """Seconds of CPU per poll, and per second."""

    poll: float
    second: float


class Cloud:
    """The loopback cloud, and how much it has answered."""

    def __init__(self, url: str, session: aiohttp.ClientSession) -> None:
        self.url = url
        self._session = session

    async def count(self) -> int:
        """Polls that were answered, of all who ask it."""
        async with self._session.get(f"{self.url}/count") as response:
            return int(await response.text())


@asynccontextmanager
async def cloud(session: aiohttp.ClientSession) -> AsyncIterator[Cloud]:
    """A cloud of its own."""
    with process(sys.executable, "-m", "tests.benchmarks.cloud", core=OTHER) as running:
        yield Cloud(f"http://127.0.0.1:{first_line(running)}", session)


class Exporter:
    """A running daemon with its cloud."""

    def __init__(self, running: subprocess.Popen[str], url: str, its_cloud: Cloud, file: Path, projects: int) -> None:
        self.pid, self.url, self.cloud, self.file, self.projects = running.pid, url, its_cloud, file, projects
        self._process = running

    def poll_each(self, interval: str) -> None:
        """Change the interval of all projects."""
        self.file.write_text(config(self.projects, self.cloud.url, interval))
        self._process.send_signal(signal.SIGHUP)


@asynccontextmanager
async def exporter(
    projects: int, folder: Path, session: aiohttp.ClientSession, interval: str = "1m"
) -> AsyncIterator[Exporter]:
    """A daemon that has shown its first page."""
    async with AsyncExitStack() as stack:
        its_cloud = await stack.enter_async_context(cloud(session))
        file = Path(stack.enter_context(TemporaryDirectory(dir=folder))) / "config.yaml"
        file.write_text(config(projects, its_cloud.url, interval))
        running, url = await stack.enter_async_context(daemon(file, session))
        yield Exporter(running, url, its_cloud, file, projects)


async def started(file: Path, session: aiohttp.ClientSession) -> float:
    """Seconds from the start to the first page."""
    begun = time.monotonic()
    async with daemon(file, session):
        return time.monotonic() - begun


@asynccontextmanager
async def daemon(file: Path, session: aiohttp.ClientSession) -> AsyncIterator[tuple[subprocess.Popen[str], str]]:
    """A process for a config file, once it has shown its first page, and its address."""
    address = f"127.0.0.1:{free_port()}"
    flags = (f"--config.file={file}", f"--web.listen-address={address}", "--state.directory=none")
    with process(sys.executable, "-m", "frs_exporter", *flags) as running:
        while True:
            try:
                await scrape(session, f"http://{address}")
                break
            except aiohttp.ClientConnectionError:
                await asyncio.sleep(0.002)
        yield running, f"http://{address}"


async def scrape(
    session: aiohttp.ClientSession, url: str, path: str = "/metrics", headers: Mapping[str, str] = GZIP
) -> Scrape:
    """Read a page, packed as it comes; raises aiohttp.ClientError."""
    begun = time.monotonic()
    async with session.get(url + path, headers=headers) as response:
        assert response.status == 200, response.status
        size = len(await response.read())
    return Scrape(time.monotonic() - begun, size)


async def cost(pid: int, during: Awaitable[object]) -> float:
    """The seconds of CPU that a process uses during something."""
    before = cpu(pid)
    await during
    return cpu(pid) - before


async def polled(pid: int, cloud: Cloud, seconds: float) -> Rate:
    """What a process uses meanwhile that alone asks a cloud; longer, where nothing was answered yet.

    Raises TimeoutError when it does not ask for a minute.
    """
    begun, counted, before, answered = time.monotonic(), await cloud.count(), cpu(pid), 0
    async with asyncio.timeout(60 + seconds):
        while not answered:
            await asyncio.sleep(seconds)
            answered = await cloud.count() - counted
    used = cpu(pid) - before
    return Rate(used / answered, used / (time.monotonic() - begun))


async def each(seconds: float, times: int, work: Callable[[], Awaitable[Scrape]]) -> list[Scrape]:
    """Do it so many times, so many seconds apart."""
    begun, done = time.monotonic(), []
    for number in range(1, times + 1):
        done.append(await work())
        await asyncio.sleep(max(0.0, begun + number * seconds - time.monotonic()))
    return done


async def busy(daemon: Exporter, session: aiohttp.ClientSession, times: int, seconds: float) -> float:
    """The percent of a core that polls, and gzipped scrapes so many seconds apart, take."""
    begun = time.monotonic()
    used = await cost(daemon.pid, each(seconds, times, lambda: scrape(session, daemon.url)))
    return 100 * used / (time.monotonic() - begun)


async def healthy(daemon: Exporter, session: aiohttp.ClientSession, seconds: float) -> list[float]:
    """Seconds that `/-/healthy` takes, again and again, while somebody scrapes without a pause."""

    async def always() -> None:
        while True:
            await scrape(session, daemon.url)

    scraping, end, took = asyncio.create_task(always()), time.monotonic() + seconds, []
    async with aiohttp.ClientSession() as asking:
        while time.monotonic() < end:
            took.append((await scrape(asking, daemon.url, "/-/healthy")).seconds)
            await asyncio.sleep(0.01)
    scraping.cancel()
    return took
