"""`python -m tests.benchmarks.hour`: one process with 30,000 projects for an hour, scraped all the while.

Prints a row for each five minutes, and exits with 1 where a figure is beyond its line, or grows. `--projects`,
`--minutes` and `--row`, in minutes, change what is run; there are three rows at least, the first is the first round.
"""

import argparse
import asyncio
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import aiohttp

from frs_exporter.cli.adhoc import build_config
from frs_exporter.core.past_polls import MAX_RECENT
from frs_exporter.polling.forecast import Forecast, forecast
from tests.benchmarks.processes import aside, cpu, resident
from tests.benchmarks.whole import Exporter, Scrape, config_of, each, exporter, scrape

SCRAPE_INTERVAL = 15.0
LATENCY = 0.060 * 3
"""Seconds of the slowest scrape at most: the goal for 10,000 projects, for three times as many."""
HEALTHY = 0.050 * 3
SPARE = 1.15
"""Figures may be so many times what was forecast."""
GROWTH = 1.03
"""Memory may be so many times at the end what it was when each project was asked as often as is remembered."""
STEADY = 0.02
"""Polls of a row may differ so much from what the interval asks for."""


@dataclass(frozen=True)
class Row:
    """What happened within some minutes."""

    minute: float
    percent: float
    mib: float
    polls: int
    scrapes: list[Scrape]
    healthy: list[float]
    seconds: float

    def text(self) -> str:
        """As a line of the table."""
        took = sorted(1000 * one.seconds for one in self.scrapes)
        return (
            f"{self.minute:6.0f}{self.percent:9.2f}{self.mib:9.1f}{self.polls / self.seconds:9.1f}"
            f"{median(took):9.0f}{took[-1]:9.0f}{1000 * max(self.healthy):9.0f}"
        )


async def row(daemon: Exporter, session: aiohttp.ClientSession, minute: float, seconds: float) -> Row:
    """Scrape, ask `/-/healthy` meanwhile, and look at the process before and after."""
    before, polled, begun = cpu(daemon.pid), await daemon.cloud.count(), time.monotonic()
    times = max(1, round(seconds / SCRAPE_INTERVAL))
    scraping = asyncio.create_task(each(seconds / times, times, lambda: scrape(session, daemon.url)))
    healthy = list[float]()
    while not scraping.done():  # so that it is also asked while somebody scrapes
        healthy.append((await scrape(session, daemon.url, "/-/healthy")).seconds)
        await asyncio.sleep(0.2)
    scrapes = await scraping
    took = time.monotonic() - begun
    percent, polls = 100 * (cpu(daemon.pid) - before) / took, await daemon.cloud.count() - polled
    return Row(minute, percent, resident(daemon.pid), polls, scrapes, healthy, took)


def beyond(rows: list[Row], known: Forecast) -> list[str]:
    """What is not as it should be; the first row is that of the first round."""
    wanted, steady = sum(demand.wanted for demand in known.demands), rows[1:]
    memory, settled = known.memory_of(1), next((row for row in steady if row.minute > MAX_RECENT), steady[-1])
    checks = {
        "CPU, %": (max(row.percent for row in steady), SPARE * known.cpu),
        "memory, MiB": (max(row.mib for row in steady), SPARE * memory),
        "memory at the end, MiB": (steady[-1].mib, GROWTH * settled.mib),
        "slowest scrape, s": (max(one.seconds for row in steady for one in row.scrapes), LATENCY),
        "slowest /-/healthy, s": (max(max(row.healthy) for row in steady), HEALTHY),
        "polls a second off the plan": (
            max(abs(row.polls / row.seconds / wanted - 1) for row in steady) * wanted,
            STEADY * wanted,
        ),
    }
    for name, (value, line) in checks.items():
        print(f"{name:32}{value:9.3g}  at most {line:.3g}")
    return [name for name, (value, line) in checks.items() if value > line]


async def run(projects: int, minutes: float, length: float) -> bool:
    """Print the rows; whether no figure is beyond its line."""
    known = forecast(build_config(config_of(projects, "http://127.0.0.1:9")))
    async with aiohttp.ClientSession(auto_decompress=False) as session:
        with aside(), tempfile.TemporaryDirectory() as folder:
            async with exporter(projects, Path(folder), session) as daemon:
                heads = ("minute", "% core", "MiB", "polls/s", "scrape", "slowest", "healthy")
                print("".join(f"{head:>{6 if head == 'minute' else 9}}" for head in heads), flush=True)
                rows = list[Row]()
                for number in range(1, max(3, round(minutes / length)) + 1):
                    rows.append(await row(daemon, session, number * length, 60 * length))
                    print(rows[-1].text(), flush=True)
    found = beyond(rows, known)
    for name in found:
        print(f"beyond its line: {name}", file=sys.stderr)
    return not found


def main(arguments: list[str] | None = None) -> int:
    """The exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.hour", description=__doc__)
    parser.add_argument("--projects", type=int, default=30_000)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--row", type=float, default=5.0)
    wanted = parser.parse_args(arguments)
    return 0 if asyncio.run(run(wanted.projects, wanted.minutes, wanted.row)) else 1


if __name__ == "__main__":
    sys.exit(main())
