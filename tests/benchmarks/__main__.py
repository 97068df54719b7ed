"""`make bench`: every figure that the project names, with its goal, as a table, as JSON and as a chart.

`--json=FILE` and `--chart=FILE` say where to write the last two, `--against=FILE` compares with the JSON of before.
Exits with 1 when a goal is missed.
"""

import argparse
import asyncio
import os
import signal
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import aiohttp

from tests.benchmarks import page, peers, reload, web
from tests.benchmarks.chart import Point, draw
from tests.benchmarks.figures import Figure, as_json, differences, table
from tests.benchmarks.processes import aside, first_line, peak, process, resident
from tests.benchmarks.whole import (
    CONNECTIONS,
    Exporter,
    busy,
    cloud,
    config,
    cost,
    exporter,
    healthy,
    per_poll,
    scrape,
    scrapes,
)

FLEET = 10_000
"""What one process is meant for: the goals are for as many."""
POLL, GET, SCRAPE = "CPU per poll", "CPU per bare GET of aiohttp", "CPU per gzipped scrape"
GOLANG = 40.0
"""A gzipped scrape is to be so many times cheaper than that of a collector in Go."""


@dataclass(frozen=True)
class Lengths:
    """Seconds and repeats of each measurement.

    In a round each has a turn: what else the machine does comes in waves of a minute, and the least of several turns
    that follow each other may be from within one.
    """

    sizes: tuple[int, ...] = (1, 100, 1_000, FLEET, 3 * FLEET)
    first_round: float = 65.0
    scrapes: int = 2
    scrape_interval: float = 15.0
    turn: float = 4.0
    rounds: int = 5
    starts: int = 3


async def whole(folder: Path, lengths: Lengths) -> tuple[list[Figure], list[Point]]:
    """All that is measured from outside; the last two sizes are the fleet and what is beyond it."""
    fleet = lengths.sizes[-2]
    async with aiohttp.ClientSession(auto_decompress=False) as session:
        starts = [await started(1, folder, session) for _ in range(lengths.starts)]
        starts_fleet = [await started(fleet, folder, session) for _ in range(lengths.starts)]
        figures = [
            Figure("start to the first page, 1 project", "s", tuple(starts), at_most=0.4),
            Figure(f"start to the first page, {fleet:,} projects", "s", tuple(starts_fleet), at_most=2.0),
        ]
        async with AsyncExitStack() as stack:
            daemon = await stack.enter_async_context(exporter(fleet, folder, session))
            async with AsyncExitStack() as others:
                daemons = [
                    daemon if size == fleet else await others.enter_async_context(exporter(size, folder, session))
                    for size in lengths.sizes
                ]
                await asyncio.sleep(lengths.first_round)
                shares = await asyncio.gather(
                    *(busy(one, session, lengths.scrapes, lengths.scrape_interval) for one in daemons)
                )
                points = [
                    Point(one.projects, share, resident(one.pid), (await scrape(session, one.url)).size)
                    for one, share in zip(daemons, shares, strict=True)
                ]
            figures += [
                Figure("memory, 1 project", "MiB", (points[0].mib,), at_most=45),
                Figure(f"memory, {fleet:,} projects", "MiB", (points[-2].mib,), at_most=110),
                *await in_rounds(daemon, folder, session, lengths),
                *await extremes(daemon, session, lengths),
            ]
        return figures, points


async def started(projects: int, folder: Path, session: aiohttp.ClientSession) -> float:
    """Seconds from the start to the first page."""
    async with exporter(projects, folder, session) as daemon:
        return daemon.start


async def in_rounds(daemon: Exporter, folder: Path, session: aiohttp.ClientSession, lengths: Lengths) -> list[Figure]:
    """What polls and scrapes cost, of ours and of others, by turns; who is saturated sleeps between its own."""
    fleet, turn = daemon.projects, lengths.turn
    async with AsyncExitStack() as stack:
        full = await stack.enter_async_context(exporter(fleet, folder, session, "5s"))
        clouds = [await stack.enter_async_context(cloud(session)) for _ in range(2)]
        tick = stack.enter_context(process(*peers.peer("tick", clouds[0].url, str(fleet / 60))))
        bare = stack.enter_context(process(*peers.peer("saturated", clouds[1].url, str(CONNECTIONS))))
        theirs = stack.enter_context(process(*peers.peer("prometheus_client", str(fleet))))
        others = {"prometheus_client": (theirs.pid, first_line(theirs))}
        if golang := stack.enter_context(peers.client_golang(fleet, folder)):
            others["client_golang"] = (golang[0].pid, golang[1])
        for pid, port in others.values():
            await cost(pid, scrape(session, f"http://127.0.0.1:{port}"))
        await asyncio.sleep(2 * turn)
        turns = defaultdict[str, list[float]](list)
        for pid in (full.pid, bare.pid):
            os.kill(pid, signal.SIGSTOP)
        for _ in range(lengths.rounds):
            turns["share"].append(await busy(daemon, session, 1, lengths.scrape_interval))
            poll, get = await asyncio.gather(
                per_poll(daemon.pid, daemon.cloud, turn), per_poll(tick.pid, clouds[0], turn)
            )
            turns["poll"].append(poll)
            turns["get"].append(get)
            turns["scrape"].append((await scrapes(daemon, session, max(1, round(turn)), min(turns["poll"])))[0])
            for name, pid, its_cloud in (("full", full.pid, full.cloud), ("bare", bare.pid, clouds[1])):
                with awake(pid):
                    await asyncio.sleep(turn / 4)
                    turns[name].append(await per_poll(pid, its_cloud, turn / 2))
            for name, (pid, port) in others.items():
                turns[name].append(1000 * await cost(pid, scrape(session, f"http://127.0.0.1:{port}")))
    return [
        Figure(f"{fleet:,} projects a minute and a gzipped scrape each 15 s", "%", tuple(turns["share"]), at_most=8),
        Figure(f"{POLL}, {fleet:,} a minute", "ms", tuple(turns["poll"])),
        Figure(f"{GET}, as many on a tick of 100 ms, meanwhile", "ms", tuple(turns["get"])),
        Figure(f"{POLL}, {fleet:,} each 5 s", "ms", tuple(turns["full"]), at_most=0.30),
        Figure(f"{GET}, without a pause", "ms", tuple(turns["bare"])),
        Figure(SCRAPE, "ms", tuple(turns["scrape"]), at_most=20),
        *(Figure(f"{SCRAPE}, {name}", "ms", tuple(turns[name])) for name in others),
    ]


@contextmanager
def awake(pid: int) -> Iterator[None]:
    """Let a stopped process run meanwhile."""
    os.kill(pid, signal.SIGCONT)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGSTOP)


async def extremes(daemon: Exporter, session: aiohttp.ClientSession, lengths: Lengths) -> list[Figure]:
    """How long others wait, all alone; at last the config is loaded again, with polls each 5 s."""
    _, found = await scrapes(daemon, session, round(4 * lengths.turn), 0.0)
    took = [1000 * one.seconds for one in found]
    waits = [1000 * one for one in await healthy(daemon, session, 2 * lengths.turn)]
    daemon.poll_each("5s")
    await asyncio.sleep(2 * lengths.turn)
    counted, begun = await daemon.cloud.count(), time.monotonic()
    await asyncio.sleep(lengths.turn)
    pace = (await daemon.cloud.count() - counted) / (time.monotonic() - begun)
    return [
        Figure("gzipped scrape while polls go on, half of them", "ms", (median(took),), at_most=30),
        Figure("gzipped scrape while polls go on, the slowest", "ms", (max(took),), at_most=60),
        Figure("/-/healthy while scraped without a pause, the slowest", "ms", (max(waits),), at_most=50),
        Figure("memory at most, while a config is loaded again", "MiB", (peak(daemon.pid),)),
        Figure("polls a second then, each 5 s", "", (pace,)),
    ]


def compared(figures: list[Figure]) -> list[Figure]:
    """How many times as much, or as little, as what others take."""
    found = {figure.what: figure for figure in figures}
    polls = next(figure for figure in figures if figure.what.startswith(POLL))
    gets = next(figure for figure in figures if figure.what.startswith(GET))
    ratios = [Figure("a poll in bare GETs", "", (polls.value / gets.value,), at_most=3)]
    scrape_ms = found[SCRAPE].value
    for what, figure in found.items():
        whose = what.removeprefix(f"{SCRAPE}, ")
        if whose != what:
            goal = GOLANG if whose == "client_golang" else None
            ratios.append(Figure(f"times cheaper than {whose}", "", (figure.value / scrape_ms,), at_least=goal))
    return ratios


def check(projects: int, folder: Path) -> float:
    """The seconds of CPU of `--config.check`, its start included."""
    file = folder / "check.yaml"
    file.write_text(config(projects, "http://127.0.0.1:9"))
    return reload.check_seconds(file)


def checks(folder: Path, lengths: Lengths) -> list[Figure]:
    """What it takes to read a config."""
    fleet = lengths.sizes[-2]
    return [
        Figure(
            f"CPU of --config.check, {size:,} projects",
            "s",
            tuple(check(size, folder) for _ in range(lengths.starts)),
            at_most=1.8 * size / FLEET,
        )
        for size in (fleet, 2 * fleet)
    ]


def main(arguments: list[str] | None = None, lengths: Lengths = Lengths()) -> int:
    """Measure, print; the exit code."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--whole", action="store_true", help="measure the whole process only")
    parser.add_argument("--against", type=Path, help="a JSON of before, to be compared with")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--chart", type=Path)
    wanted = parser.parse_args(arguments)
    begun = time.monotonic()
    with aside(), tempfile.TemporaryDirectory() as folder:
        figures, points = asyncio.run(whole(Path(folder), lengths))
        figures += checks(Path(folder), lengths)
    figures += compared(figures)
    print(table(figures))
    if not peers.golang_is_there():
        missing = " ".join(peers.PACKAGES)
        print(f"not measured: times cheaper than client_golang, >= {GOLANG:g}; it needs {missing}")
    for point in points:
        print(f"{point.projects:7,} projects {point.percent:6.2f} % {point.mib:6.1f} MiB {point.page:9,} bytes gzipped")
    print(f"measured in {time.monotonic() - begun:.0f} s\n")
    if wanted.against:
        print("\n".join(differences(figures, wanted.against.read_text())), "\n")
    if wanted.json:
        wanted.json.write_text(as_json(figures))
    if wanted.chart:
        draw(points, wanted.chart)
    met = [figure.met for figure in figures]
    if not wanted.whole:
        met += [part() for part in (page.main, reload.main, web.main)]
    return 0 if all(met) else 1


if __name__ == "__main__":
    sys.exit(main())
