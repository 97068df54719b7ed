"""`python -m tests.benchmarks.memory`: where the memory goes: by import, and for each project by type and by collector.

What collectors add to the subscription is what `frs_exporter.polling.forecast` counts for them. It takes three
quarters of an hour.
"""

import asyncio
import gc
import logging
import subprocess
import sys
import types
from collections import Counter
from contextlib import AsyncExitStack
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory

import aiohttp
import structlog
import yaml

from frs_exporter.config.load import load
from frs_exporter.config.source import Source
from frs_exporter.exposition.telemetry import Telemetry
from frs_exporter.polling.exporter import Exporter
from frs_exporter.polling.forecast import TEXT_BYTES, USUAL
from frs_simulator.demo import face_set, subscribed
from frs_simulator.money import Balance, Billing, Card, Coupon, Purse
from frs_simulator.packages import FreeResource, Package
from frs_simulator.server import Simulator, config_text
from frs_simulator.traffic import Traffic
from frs_simulator.world import Account, Project, World
from tests.benchmarks.processes import aside, resident
from tests.benchmarks.whole import PLAIN, cloud, config, daemon, scrape
from tests.fleet import PER_CREDENTIAL, written

IMPORTS = (
    *("asyncio", "aiohttp", "aiohttp.web", "frs_exporter.runtime.log", "click", "yaml", "pydantic"),
    *("prometheus_client", "isal.isal_zlib", "frs_exporter.cli.main", "frs_exporter.cli.serve"),
    *("re2", "bcrypt", "jinja2", "frs_exporter.web.status_page", "rich.table", "frs_exporter.cli.check"),
)
"""In the order of a start, and after `serve` what only those import who use it."""
SIZES = (1000, 3000)
"""Projects: what the second fleet has more is divided by how many more it has."""
PROGRAM = (type, types.ModuleType, types.FunctionType, types.BuiltinFunctionType, types.CodeType)
"""What is not of any project."""
SHOWN = 30
PACKAGES = 5
COLLECTED = (("subscription",), ("subscription", "face_sets"), ("subscription", "face_sets", "cloud_eye"))
OF_ACCOUNTS = (("billing",), ("billing", "vouchers"))
"""One after the other: what a set takes more than the one before is the last one's."""
INTERVALS, SETTLED = ("2m", "10m"), (270.0, 650.0)
"""Of projects and of accounts: how often they are asked, and the seconds until each was asked and they have settled."""


def imports() -> None:
    """Print the resident memory after each import, in a process of its own."""
    code = """
import os, sys
from importlib import import_module
def resident():
    return int(open("/proc/self/statm").read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / (1 << 20)
before = resident()
print(f"{'Python itself':34}{before:7.1f}{before:7.1f}")
for name in sys.argv[1:]:
    import_module(name)
    now = resident()
    print(f"{name:34}{now - before:7.1f}{now:7.1f}")
    before = now
"""
    print(f"{'MiB by import':34}{'more':>7}{'in all':>7}", flush=True)
    subprocess.run([sys.executable, "-c", code, *IMPORTS], check=True)


def held(roots: list[object]) -> tuple[Counter[str], Counter[str]]:
    """The bytes, and the number, of all objects that some hold, by type."""
    sizes, numbers, seen = Counter[str](), Counter[str](), set[int]()
    waiting = list(roots)
    while waiting:
        found = waiting.pop()
        if id(found) in seen or isinstance(found, PROGRAM):
            continue
        seen.add(id(found))
        name = type(found).__qualname__
        sizes[name] += sys.getsizeof(found, 0)
        numbers[name] += 1
        waiting += gc.get_referents(found)
    return sizes, numbers


async def of_fleet(projects: int, folder: Path, session: aiohttp.ClientSession) -> tuple[Counter[str], Counter[str]]:
    """What an exporter holds that has polled each of so many projects."""
    async with cloud(session) as its_cloud:
        file = folder / "config.yaml"
        file.write_text(config(projects, its_cloud.url, "10s"))
        source = Source((str(file),), load)
        exporter = Exporter(source, source.load(), Telemetry())
        await exporter.start()
        async with asyncio.timeout(120):
            while not all(state.polls > 1 for state in exporter.states.values()):  # noqa: ASYNC110
                await asyncio.sleep(0.5)
        gc.collect()
        found = held([exporter, asyncio.get_running_loop()])
        await exporter.stop()
        return found


async def by_type() -> None:
    """Print the bytes per project by type."""
    async with aiohttp.ClientSession() as session:
        with TemporaryDirectory() as folder:
            fleets = [await of_fleet(size, Path(folder), session) for size in SIZES]
    more = SIZES[1] - SIZES[0]
    sizes, numbers = (fleets[1][kind] - fleets[0][kind] for kind in (0, 1))
    print(f"\n{'bytes per project by type':34}{'bytes':>7}{'number':>8}")
    for name, size in sizes.most_common(SHOWN):
        if size / more >= 1:
            print(f"{name:34}{size / more:7.0f}{numbers[name] / more:8.2f}")
    print(f"{'all':34}{sizes.total() / more:7.0f}{numbers.total() / more:8.2f}")


def rich_world(accounts: int) -> World:
    """Accounts without projects, each with what is usual of money."""
    packages = [Package(f"package-{n}", (FreeResource(Decimal(1_000_000), Decimal(1)),)) for n in range(PACKAGES)]
    coupons, cards = [Coupon("coupon", Decimal(9), Decimal(8))], [Card("card", Decimal(9), Decimal(8))]
    money = [Balance(Decimal("25310.42")), Balance(Decimal(48000), Purse.CREDIT, credit=Decimal(50000))]
    billing = Billing(money, packages=packages, coupons=coupons, cards=cards)
    return World([Account(f"account-{n:05}", "ak_sk", [], billing=billing) for n in range(accounts)])


def world(projects: int) -> World:
    """Accounts with projects that tell what is usual."""
    sets = [face_set(name, 1_000) for name in USUAL["face_set"]]
    calls = dict.fromkeys(USUAL["api"], 30)
    answer = subscribed("2024-09-02 03:00:00")
    fleet = [
        Project(f"fleet-{n:05}", "cn-north-4", answer, face_sets=sets, traffic=Traffic(calls)) for n in range(projects)
    ]
    firsts = range(0, projects, PER_CREDENTIAL)
    return World([Account(f"account-{n:05}", "ak_sk", fleet[n : n + PER_CREDENTIAL]) for n in firsts])


async def of_collectors(collectors: tuple[str, ...], sizes: tuple[int, int], interval: str, seconds: float) -> float:
    """The KiB that each project more takes, without what its part of the page does, once its jobs have settled."""
    figures = list[tuple[float, int]]()
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory()))
        session = await stack.enter_async_context(aiohttp.ClientSession())
        daemons = list[tuple[subprocess.Popen[str], str]]()
        for size in sizes:
            its_world = rich_world(size) if collectors[0] in OF_ACCOUNTS[0] else world(size)
            simulator = await stack.enter_async_context(Simulator(its_world))
            wanted = yaml.safe_load(config_text(its_world, simulator.url, interval))
            for entry in (*wanted["projects"], *wanted.get("accounts", ())):
                entry |= {"collectors": list(collectors), "poll_interval": interval}
            file = folder / f"{size}.yaml"
            file.write_text(written(wanted))
            daemons.append(await stack.enter_async_context(daemon(file, session)))
        await asyncio.sleep(seconds)
        for size, (started, url) in zip(sizes, daemons, strict=True):
            page = (await scrape(session, url, headers=PLAIN)).size
            figures.append((resident(started.pid), page))
            print(f"{', '.join(collectors):42}{size:9,}{figures[-1][0]:9.1f}{page:12,}", flush=True)
    (some, its_page), (many, their_page) = figures
    return (1024 * (many - some) - TEXT_BYTES * (their_page - its_page) / 1024) / (sizes[1] - sizes[0])


async def by_collector(sizes: tuple[int, int] = (1000, 4000), seconds: tuple[float, float] = SETTLED) -> None:
    """Print what each job takes; that of the subscription with its project and its part of a credential."""
    print(f"\n{'MiB by collector':42}{'projects':>9}{'MiB':>9}{'page, bytes':>12}")
    with aside():
        kib = [
            [await of_collectors(wanted, sizes, interval, settled) for wanted in sets]
            for sets, interval, settled in zip((COLLECTED, OF_ACCOUNTS), INTERVALS, seconds, strict=True)
        ]
    print(f"\n{'KiB of each project or account more':36}{'KiB':>7}")
    for sets, taken in zip((COLLECTED, OF_ACCOUNTS), kib, strict=True):
        for collectors, before, now in zip(sets, (0.0, *taken), taken, strict=False):
            print(f"{collectors[-1]:36}{now - before:7.1f}")


def main() -> None:
    """Print all tables."""
    logging.disable()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    imports()
    asyncio.run(by_type())
    asyncio.run(by_collector())


if __name__ == "__main__":
    main()
