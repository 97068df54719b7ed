"""`make bench`: what logins cost and tell, and what the status of 10,000 projects does to the loop.

Prints the median times of a wrong password and of an unknown user, and their ratio; then, for each long page, how long
it takes and the longest time between two turns of the loop meanwhile. Exits with 1 when the ratio is over 1.3, or a
pause over 50 ms.
"""

import asyncio
import base64
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from statistics import median

import aiohttp
import bcrypt

from frs_exporter.cli.daemon import ServerOptions, running_server
from frs_exporter.collectors.subscription import CREATED, SUBSCRIBED
from frs_exporter.config.load import Config, load
from frs_exporter.config.source import Source
from frs_exporter.core.errors import Failure, Reason
from frs_exporter.core.model import Api, CollectResult, Limit, Sample
from frs_exporter.exposition.telemetry import Telemetry
from frs_exporter.polling.exporter import Exporter
from frs_exporter.runtime.offload import freeze_objects
from frs_exporter.web.layout import Layout
from frs_exporter.web.web_config import load_web_config
from frs_simulator import Account, Project
from tests.benchmarks.reload import Watch
from tests.conftest import target_of

PROJECTS = 10_000
RATIO, PAUSE = 1.3, 0.050
LOGINS = 40
PAGES = ("/", "/?all=1", "/?q=fleet-004", "/api/v1/status", "/sd")
CURL = ("curl", "--silent", "--compressed", "--output", "/dev/null", "--write-out", "%{http_code} %{size_download}")
NAMES = ("detect", "compare", "search", "live_detect")


def config_of(projects: int) -> Config:
    """Projects that are asked about once a day, at an address where nobody is."""
    owner = Account("fleet", "ak_sk", [Project(f"fleet-{i:05}", "cn-north-4", None) for i in range(projects)])
    where = {"poll_interval": 86400.0, "require": NAMES[:3], "labels": (("team", "vision"),)}
    targets = (target_of(owner, project, "http://127.0.0.1:9", **where) for project in owner.projects)
    return Config(tuple(targets), dict.fromkeys(Api, Limit()))


def fill(exporter: Exporter) -> None:
    """Let every project have been polled, and each tenth be down."""
    now, fresh = time.time(), exporter.clock() + 86400
    for number, (key, state) in enumerate(list(exporter.states.items())):
        samples = [Sample(SUBSCRIBED, (name,), 1.0) for name in NAMES]
        samples += [Sample(CREATED, (name,), 1.7e9) for name in NAMES]
        for _ in range(20):
            state = state.succeeded(now, 0.1, CollectResult(tuple(samples)), fresh)  # noqa: PLW2901
        if number % 10 == 0:
            state = state.failed(now, 0.1, Failure(Reason.SERVER, "busy", status=503, code="APIGW.0613"))  # noqa: PLW2901
        exporter.runners[key].state = state


@asynccontextmanager
async def serving(projects: int, web_config: str = "") -> AsyncIterator[tuple[Exporter, str]]:
    """So many projects, served as the daemon does."""
    source, telemetry = Source(web_config, load_web_config), Telemetry()
    exporter = Exporter(Source("", load), config_of(projects), telemetry)
    async with running_server(
        exporter, telemetry, ServerOptions([("127.0.0.1", 0)], source.load(), source, Layout())
    ) as (address,):
        fill(exporter)
        freeze_objects()  # as the daemon does
        yield exporter, f"http://{address}"


async def logins(folder: Path, count: int) -> float:
    """Print what refused logins cost; returns the ratio of the two medians, 1 or more."""
    hashed = bcrypt.hashpw(b"correct", bcrypt.gensalt(10)).decode()
    (folder / "web.yml").write_text(f"basic_auth_users: {{alice: {hashed}}}\n")
    seconds: dict[str, list[float]] = {"alice": [], "mallory": []}
    async with serving(1, str(folder / "web.yml")) as (_, url), aiohttp.ClientSession() as session:
        for number in range(count):
            for user, times in seconds.items():
                login = base64.b64encode(f"{user}:wrong {number}".encode()).decode()
                begun = time.perf_counter()
                async with session.get(f"{url}/-/healthy", headers={"Authorization": f"Basic {login}"}) as response:
                    assert response.status == 401
                    await response.read()
                times.append(time.perf_counter() - begun)
    known, unknown = (1000 * median(times) for times in seconds.values())
    ratio = max(known, unknown) / min(known, unknown)
    print(f"refused logins, hash of cost 10, medians of {count}:")
    print(f"  wrong password of a known user   {known:6.1f} ms")
    print(f"  unknown user                     {unknown:6.1f} ms")
    print(f"  ratio                            {ratio:6.2f}")
    return ratio


async def pages(projects: int) -> float:
    """Print what long pages cost; returns the longest pause of the loop in seconds."""
    watch, pauses = Watch(), []
    async with serving(projects) as (_, url):
        watching = asyncio.create_task(watch.run())
        print(f"{projects:,} projects, each page read by another process:")
        for path in PAGES:
            watch.read()
            begun = time.perf_counter()
            process = await asyncio.create_subprocess_exec(*CURL, url + path, stdout=subprocess.PIPE)
            told, _ = await process.communicate()
            status, size = told.decode().split()
            assert status == "200", told
            pauses.append(watch.read())
            took, size_mb = time.perf_counter() - begun, int(size) / 1e6
            print(f"  {path:16}{size_mb:7.2f} MB gzipped {took:6.2f} s, longest pause {1000 * pauses[-1]:5.1f} ms")
        watching.cancel()
    return max(pauses)


def main(projects: int = PROJECTS, count: int = LOGINS) -> bool:
    """Run; whether the goals are met."""
    with tempfile.TemporaryDirectory() as folder:
        ratio = asyncio.run(logins(Path(folder), count))
    pause = asyncio.run(pages(projects))
    return ratio <= RATIO and pause <= PAUSE


if __name__ == "__main__":
    sys.exit(0 if main() else 1)
