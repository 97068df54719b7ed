"""`python -m tests.benchmarks.memory`: where the memory goes: by what is imported, and by type for each project."""

import asyncio
import gc
import logging
import subprocess
import sys
import types
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

import aiohttp
import structlog

from frs_exporter.config.load import load
from frs_exporter.config.source import Source
from frs_exporter.exposition.telemetry import Telemetry
from frs_exporter.polling.exporter import Exporter
from tests.benchmarks.whole import cloud, config

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


def main() -> None:
    """Print both tables."""
    logging.disable()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    imports()
    asyncio.run(by_type())


if __name__ == "__main__":
    main()
