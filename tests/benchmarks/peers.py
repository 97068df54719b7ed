"""`python -m tests.benchmarks.peers`: what others do of the same, to be measured beside the exporter.

`tick URL PACE`: GETs of aiohttp, so many a second, begun each 100 ms. `saturated URL CONNECTIONS`: as fast as it can.
`prometheus_client PROJECTS`: the page of as many projects by its own handler; it prints its port.
"""

import asyncio
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import aiohttp
from prometheus_client import CollectorRegistry, start_http_server

from tests.benchmarks.page import Collected, answers
from tests.benchmarks.processes import first_line, process

TICK = 0.1
GO = Path(__file__).with_name("collector.go")
LIBRARIES = Path("/usr/share/gocode")
"""Where Debian has the source of libraries in Go."""
PACKAGES = ("golang-go", "golang-github-prometheus-client-golang-dev")
"""Debian's, for the collector in Go."""


async def get(session: aiohttp.ClientSession, url: str) -> None:
    """One request, its answer read."""
    async with session.get(url) as response:
        await response.read()


async def tick(url: str, pace: float) -> None:
    """So many GETs a second, for ever; what was missed while the process was stopped is not made up for."""
    loop = asyncio.get_running_loop()
    async with aiohttp.ClientSession() as session:
        tasks, due, owed = set[asyncio.Task[None]](), loop.time(), 0.0
        while True:
            due = max(due, loop.time() - 1) + TICK
            await asyncio.sleep(max(0.0, due - loop.time()))
            owed += TICK * pace
            for _ in range(int(owed)):
                tasks.add(task := asyncio.create_task(get(session, url)))
                task.add_done_callback(tasks.discard)
            owed -= int(owed)


async def saturated(url: str, connections: int) -> None:
    """GETs without a pause, for ever."""

    async def again() -> None:
        while True:
            await get(session, url)

    async with aiohttp.ClientSession() as session:
        await asyncio.gather(*(again() for _ in range(connections)))


def prometheus_client(projects: int) -> None:
    """Serve for ever."""
    registry = CollectorRegistry()
    registry.register(Collected(answers(projects)))
    server, _ = start_http_server(0, "127.0.0.1", registry)
    print(server.server_port, flush=True)
    threading.Event().wait()


def peer(*arguments: str) -> tuple[str, ...]:
    """The command of one of them."""
    return (sys.executable, "-m", "tests.benchmarks.peers", *arguments)


def golang_is_there() -> bool:
    """Whether a collector of client_golang can be built."""
    return bool(shutil.which("go")) and (LIBRARIES / "src/github.com/prometheus/client_golang").is_dir()


@contextmanager
def client_golang(projects: int, folder: Path) -> Iterator[tuple[subprocess.Popen[str], str] | None]:
    """A collector in Go and its port, None where Debian's Go or its library is not installed."""
    if not golang_is_there():
        yield None
        return
    environ = {**os.environ, "GO111MODULE": "off", "GOPATH": str(LIBRARIES), "GOCACHE": str(folder / "go")}
    binary = folder / "collector"
    subprocess.run(["go", "build", "-o", str(binary), str(GO)], check=True, env=environ)
    with process(str(binary), str(projects)) as started:
        yield started, first_line(started)


def main(kind: str, *arguments: str) -> None:
    """Be one of them."""
    match kind, arguments:
        case "tick", (url, pace):
            asyncio.run(tick(url, float(pace)))
        case "saturated", (url, connections):
            asyncio.run(saturated(url, int(connections)))
        case "prometheus_client", (projects,):
            prometheus_client(int(projects))
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    main(*sys.argv[1:])
