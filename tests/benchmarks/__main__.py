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
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TypedDict

import aiohttp

from tests.benchmarks import page, peers, reload, web
from tests.benchmarks.chart import Point, draw
from tests.benchmarks.figures import Figure, as_json, differences, table
from tests.benchmarks.processes import aside, first_line, peak, process, resident
from tests.benchmarks.whole import (
    CONNECTIONS,
    Cloud,
    Exporter,
    busy,
    cloud,
    config,
    cost,
    each,
    exporter,
    healthy,
    polled,
    scrape,
    started,
)

FLEET = 10_000
"""What one process is meant for: the goals are for as many."""
POLL, GET, SCRAPE = "CPU per poll", "CPU per bare GET of aiohttp", "CPU per gzipped scrape"
GOLANG = 40.0
"""A gzipped scrape is to be so many times cheaper than that of a collector in Go."""


class Goal(TypedDict, total=False):
    """What a figure is to be at most, or at least."""

    at_most: float
    at_least: float


@dataclass(frozen=True)
class Lengths:
    """Seconds and repeats of each measurement.

    In a round each has a turn: what else the machine does comes in waves of a minute, and several turns that follow
    each other may all be from within one.
    """

    sizes: tuple[int, ...] = (1, 100, 1_000, FLEET, 3 * FLEET)
    first_round: float = 62.0
    scrape_interval: float = 15.0
    turn: float = 3.0
    rounds: int = 5


async def whole(folder: Path, lengths: Lengths) -> tuple[list[Figure], list[Point]]:
    """All that is measured from outside; the last two sizes are the fleet and what is beyond it."""
    fleet = lengths.sizes[-2]
    async with aiohttp.ClientSession(auto_decompress=False) as session:
        async with AsyncExitStack() as stack:
            daemon = await stack.enter_async_context(exporter(fleet, folder, session))
            async with AsyncExitStack() as others:
                daemons = [
                    daemon if size == fleet else await others.enter_async_context(exporter(size, folder, session))
                    for size in lengths.sizes
                ]
                await asyncio.sleep(lengths.first_round)
                shares = await asyncio.gather(*(busy(one, session, 2, lengths.scrape_interval) for one in daemons))
                points = [
                    Point(one.projects, share, resident(one.pid), (await scrape(session, one.url)).size)
                    for one, share in zip(daemons, shares, strict=True)
                ]
            figures = [
                Figure("memory, 1 project", "MiB", (points[0].mib,), at_most=45),
                Figure(f"memory, {fleet:,} projects", "MiB", (points[-2].mib,), at_most=110),
                *await in_rounds(daemon, folder, session, lengths),
                *await loaded_again(daemon, lengths),
            ]
        return figures, points


async def in_rounds(daemon: Exporter, folder: Path, session: aiohttp.ClientSession, lengths: Lengths) -> list[Figure]:
    """What polls, scrapes and checks take, of ours and of others, by turns; who else polls sleeps between its own."""
    fleet, turn = daemon.projects, lengths.turn
    async with AsyncExitStack() as stack:
        full = await stack.enter_async_context(exporter(fleet, folder, session, "5s"))
        clouds = [await stack.enter_async_context(cloud(session)) for _ in range(3)]
        tick = stack.enter_context(process(*peers.peer("tick", clouds[0].url, str(fleet / 60))))
        bare = stack.enter_context(process(*peers.peer("saturated", clouds[1].url, str(CONNECTIONS))))
        theirs = stack.enter_context(process(*peers.peer("prometheus_client", str(fleet))))
        others = {"prometheus_client": Peer(theirs.pid, first_line(theirs))}
        if golang := stack.enter_context(peers.client_golang(fleet, folder)):
            others["client_golang"] = Peer(golang[0].pid, golang[1], scrapes=3)
        for other in others.values():
            await other.costs(session)
        files = {size: folder / f"{size}.yaml" for size in (1, fleet, 2 * fleet)}
        for size, file in files.items():
            file.write_text(config(size, clouds[2].url))
        await asyncio.sleep(2 * turn)
        turns, pauseless = Turns(list), {"full": (full.pid, full.cloud), "bare": (bare.pid, clouds[1])}
        for pid in (full.pid, bare.pid, tick.pid):
            os.kill(pid, signal.SIGSTOP)
        for _ in range(lengths.rounds):
            await of_polls_and_scrapes(turns, daemon, session, lengths)
            with awake(tick.pid):
                await asyncio.sleep(turn / 4)
                for _ in range(2):
                    both = (polled(daemon.pid, daemon.cloud, turn / 2), polled(tick.pid, clouds[0], turn / 2))
                    for name, rate in zip(("poll beside", "get beside"), await asyncio.gather(*both), strict=True):
                        turns[name].append(1000 * rate.poll)
            await of_gets_without_a_pause(turns, pauseless, turn)
            for name, other in others.items():
                turns[name] += await other.costs(session)
            for name, size in (("start", 1), ("start", 1), ("start of fleet", fleet)):
                turns[name].append(await started(files[size], session))
            await of_gets_without_a_pause(turns, pauseless, turn)
            for name, size in 2 * (("check", fleet), ("check of two", 2 * fleet)):
                # on the other core: meanwhile what came late is made up for
                turns[name].append(await asyncio.to_thread(reload.check_seconds, files[size]))
    return [*shown(turns, fleet), *compared(turns, others)]


@dataclass(frozen=True)
class Peer:
    """Who else serves a page, and how often to scrape it in a row."""

    pid: int
    port: str
    scrapes: int = 1

    async def costs(self, session: aiohttp.ClientSession) -> list[float]:
        """Milliseconds of CPU of each gzipped scrape."""
        url = f"http://127.0.0.1:{self.port}"
        return [1000 * await cost(self.pid, scrape(session, url)) for _ in range(self.scrapes)]


class Turns(defaultdict[str, list[float]]):
    """What was measured, in the order of the rounds, by name."""

    def figure(self, name: str, what: str, unit: str, at_most: float | None = None) -> Figure:
        """What something takes."""
        return Figure(what, unit, tuple(self[name]), at_most=at_most)

    def slowest(self, name: str, what: str, at_most: float) -> Figure:
        """What something takes at most, in ms."""
        return Figure(what, "ms", tuple(self[name]), at_most=at_most, judged=max)

    def ratio(self, what: str, dividend: str, divisor: str, goal: Goal) -> Figure:
        """How many times as much one takes as another in the same turn, or as the other does in half of its turns."""
        ours, theirs = self[dividend], self[divisor]
        others = theirs if len(theirs) == len(ours) else [median(theirs)] * len(ours)
        values = tuple(one / other for one, other in zip(ours, others, strict=True))
        return Figure(what, "", values, **goal, common=min(ours) / min(theirs))


async def of_polls_and_scrapes(
    turns: Turns, daemon: Exporter, session: aiohttp.ClientSession, lengths: Lengths
) -> None:
    """Polls between two scrapes as they usually are, then more scrapes, then without a pause; nobody else polls."""
    scrapes = [await cost(daemon.pid, scrape(session, daemon.url))]
    rates = [await polled(daemon.pid, daemon.cloud, lengths.scrape_interval / 3) for _ in range(3)]
    scrapes.append(await cost(daemon.pid, scrape(session, daemon.url)))
    turns["scrape"] += (1000 * one for one in scrapes)
    turns["poll"] += (1000 * rate.poll for rate in rates)
    turns["share"] += (100 * (rate.second + median(scrapes) / lengths.scrape_interval) for rate in rates)
    await asyncio.sleep(0.5)
    found = await each(0.5, max(1, round(2 * lengths.turn)), lambda: scrape(session, daemon.url))
    turns["scraped"] += (1000 * one.seconds for one in found)
    turns["healthy"] += (1000 * seconds for seconds in await healthy(daemon, session, lengths.turn / 2))


def shown(turns: Turns, fleet: int) -> list[Figure]:
    """What our own takes, and bare GETs."""
    return [
        turns.figure("start", "start to the first page, 1 project", "s", 0.4),
        turns.figure("start of fleet", f"start to the first page, {fleet:,} projects", "s", 2.0),
        turns.figure("share", f"{fleet:,} projects a minute and a gzipped scrape each 15 s", "%", 8),
        turns.figure("poll", f"{POLL}, {fleet:,} a minute", "ms"),
        turns.figure("poll beside", f"{POLL}, {fleet:,} a minute, bare GETs beside it", "ms"),
        turns.figure("get beside", f"{GET}, as many on a tick of 100 ms, beside it", "ms"),
        turns.ratio("a poll in bare GETs", "poll beside", "get beside", {"at_most": 3}),
        turns.figure("full", f"{POLL}, {fleet:,} each 5 s", "ms", 0.30),
        turns.figure("bare", f"{GET}, without a pause", "ms"),
        turns.figure("scrape", SCRAPE, "ms", 20),
        turns.figure("scraped", "gzipped scrape while polls go on, half of them", "ms", 30),
        turns.slowest("scraped", "gzipped scrape while polls go on, the slowest", 60),
        turns.slowest("healthy", "/-/healthy while scraped without a pause, the slowest", 50),
        turns.figure("check", f"CPU of --config.check, {fleet:,} projects", "s", 1.8 * fleet / FLEET),
        turns.figure("check of two", f"CPU of --config.check, {2 * fleet:,} projects", "s", 3.6 * fleet / FLEET),
    ]


def compared(turns: Turns, others: Iterable[str]) -> list[Figure]:
    """What a scrape of others takes."""
    goals: dict[str, Goal] = {"client_golang": {"at_least": GOLANG}}
    return [
        figure
        for name in others
        for figure in (
            turns.figure(name, f"{SCRAPE}, {name}", "ms"),
            turns.ratio(f"times cheaper than {name}", name, "scrape", goals.get(name, {})),
        )
    ]


async def of_gets_without_a_pause(turns: Turns, whose: Mapping[str, tuple[int, Cloud]], turn: float) -> None:
    """Who asks as fast as it can, one after the other."""
    for name, (pid, its_cloud) in whose.items():
        with awake(pid):
            await asyncio.sleep(turn / 4)
            for _ in range(2):
                turns[name].append(1000 * (await polled(pid, its_cloud, turn / 6)).poll)


@contextmanager
def awake(pid: int) -> Iterator[None]:
    """Let a stopped process run meanwhile."""
    os.kill(pid, signal.SIGCONT)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGSTOP)


async def loaded_again(daemon: Exporter, lengths: Lengths) -> list[Figure]:
    """What it takes to load the config again, alone."""
    daemon.poll_each("5s")
    await asyncio.sleep(2 * lengths.turn)
    return [Figure("memory at most, while a config is loaded again", "MiB", (peak(daemon.pid),))]


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
