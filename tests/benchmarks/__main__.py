"""`make bench`: every figure that the project names, with its goal, as a table, as JSON and as a chart.

`--json=FILE` and `--chart=FILE` say where to write the last two, `--against=FILE` compares with the JSON of before.
Exits with 1 when a goal is missed.
"""

import argparse
import asyncio
import sys
import tempfile
import time
from contextlib import AsyncExitStack
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
    """Seconds and repeats of each measurement; `repeats` of what takes long."""

    sizes: tuple[int, ...] = (1, 100, 1_000, FLEET, 3 * FLEET)
    first_round: float = 65.0
    scrapes: int = 2
    scrape_interval: float = 15.0
    turn: float = 5.0
    turns: int = 5
    repeats: int = 3


async def whole(folder: Path, lengths: Lengths) -> tuple[list[Figure], list[Point]]:
    """All that is measured from outside; the last two sizes are the fleet and what is beyond it."""
    fleet = lengths.sizes[-2]
    async with aiohttp.ClientSession(auto_decompress=False) as session:
        starts = [await started(1, folder, session) for _ in range(lengths.repeats)]
        starts_fleet = [await started(fleet, folder, session) for _ in range(lengths.repeats)]
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
                *await of_a_fleet(daemon, session, lengths),
            ]
        return figures + await beside(fleet, folder, session, lengths), points


async def started(projects: int, folder: Path, session: aiohttp.ClientSession) -> float:
    """Seconds from the start to the first page."""
    async with exporter(projects, folder, session) as daemon:
        return daemon.start


async def of_a_fleet(daemon: Exporter, session: aiohttp.ClientSession, lengths: Lengths) -> list[Figure]:
    """Polls, scrapes, latencies; at last the config is loaded again, with polls each 5 s."""
    shares = [await busy(daemon, session, lengths.scrapes, lengths.scrape_interval) for _ in range(2)]
    polls, gets = await beside_bare_gets(daemon, session, lengths)
    used, took = list[float](), list[float]()
    for _ in range(lengths.turns):
        each, found = await scrapes(daemon, session, max(1, round(lengths.turn)), min(polls))
        used.append(each)
        took += [1000 * one.seconds for one in found]
    waits = [1000 * one for one in await healthy(daemon, session, 2 * lengths.turn)]
    daemon.poll_each("5s")
    await asyncio.sleep(2 * lengths.turn)
    counted, begun = await daemon.cloud.count(), time.monotonic()
    full = [await per_poll(daemon.pid, daemon.cloud, lengths.turn / 2) for _ in range(lengths.turns)]
    pace = (await daemon.cloud.count() - counted) / (time.monotonic() - begun)
    return [
        Figure(f"{daemon.projects:,} projects a minute and a gzipped scrape each 15 s", "%", tuple(shares), at_most=8),
        Figure("memory at most, while a config is loaded again", "MiB", (peak(daemon.pid),)),
        Figure(f"{POLL}, {daemon.projects:,} a minute", "ms", polls),
        Figure(f"{GET}, as many on a tick of 100 ms, meanwhile", "ms", gets),
        Figure(f"{POLL}, {daemon.projects:,} each 5 s", "ms", tuple(full), at_most=0.30),
        Figure("polls a second then", "", (pace,)),
        Figure(SCRAPE, "ms", tuple(used), at_most=20),
        Figure("gzipped scrape while polls go on, half of them", "ms", (median(took),), at_most=30),
        Figure("gzipped scrape while polls go on, the slowest", "ms", (max(took),), at_most=60),
        Figure("/-/healthy while scraped without a pause, the slowest", "ms", (max(waits),), at_most=50),
    ]


async def beside_bare_gets(
    daemon: Exporter, session: aiohttp.ClientSession, lengths: Lengths
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Milliseconds of CPU per poll, and per GET of a client that does nothing else, in the same seconds on one core."""
    async with cloud(session) as its_cloud:
        with process(*peers.peer("tick", its_cloud.url, str(daemon.projects / 60))) as client:
            await asyncio.sleep(2)
            turns = [
                await asyncio.gather(
                    per_poll(daemon.pid, daemon.cloud, lengths.turn), per_poll(client.pid, its_cloud, lengths.turn)
                )
                for _ in range(lengths.turns)
            ]
    return tuple(poll for poll, _ in turns), tuple(get for _, get in turns)


async def beside(fleet: int, folder: Path, session: aiohttp.ClientSession, lengths: Lengths) -> list[Figure]:
    """What others take for the same, each alone on its core as the exporter was."""
    figures = [Figure(f"{GET}, without a pause", "ms", await saturated_gets(session, lengths))]
    with process(*peers.peer("prometheus_client", str(fleet))) as theirs:
        figures.append(await scraped("prometheus_client", theirs.pid, first_line(theirs), session, lengths.repeats))
    with peers.client_golang(fleet, folder) as golang:
        if golang:
            figures.append(await scraped("client_golang", golang[0].pid, golang[1], session, lengths.repeats))
    return figures


async def saturated_gets(session: aiohttp.ClientSession, lengths: Lengths) -> tuple[float, ...]:
    """Milliseconds of CPU per GET of a client that does nothing else, and that never waits."""
    async with cloud(session) as its_cloud:
        with process(*peers.peer("saturated", its_cloud.url, str(CONNECTIONS))) as client:
            await asyncio.sleep(2)
            return tuple([await per_poll(client.pid, its_cloud, lengths.turn / 2) for _ in range(lengths.turns)])


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


async def scraped(whose: str, pid: int, port: str, session: aiohttp.ClientSession, times: int) -> Figure:
    """What a gzipped scrape of somebody else's handler takes."""
    url, used = f"http://127.0.0.1:{port}", []
    await scrape(session, url)
    for _ in range(times):
        used.append(1000 * await cost(pid, scrape(session, url)))
    return Figure(f"{SCRAPE}, {whose}", "ms", tuple(used))


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
            tuple(check(size, folder) for _ in range(lengths.repeats)),
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
