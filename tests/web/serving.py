"""A running exporter behind real sockets, and what it answers."""

import asyncio
import random
import ssl
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import aiohttp

from frs_exporter.cli.daemon import ServerOptions, running_server
from frs_exporter.collectors.subscription import DOCUMENTED, SUBSCRIBED
from frs_exporter.config.load import Config
from frs_exporter.config.source import Source
from frs_exporter.core.errors import Failure, Reason
from frs_exporter.core.model import CollectResult, Sample, Target
from frs_exporter.core.schedule import Shard
from frs_exporter.exposition.telemetry import Telemetry
from frs_exporter.polling.exporter import Exporter
from frs_exporter.polling.times import USUAL, Times
from frs_exporter.web.layout import Layout
from frs_exporter.web.reload import WEB_CONFIG
from frs_exporter.web.web_config import load_web_config
from frs_simulator import Simulator
from tests.conftest import LIMITS, target_of
from tests.polling.living import Given

IMPATIENT = replace(WEB_CONFIG, interval=0.05, settle=0.05)
"""For whoever changes the web config and waits for what comes of it."""


@dataclass(frozen=True, slots=True)
class Served:
    """A running exporter, started with `config`, and `source` for its reloads."""

    exporter: Exporter
    telemetry: Telemetry
    source: Given
    config: Config
    url: str
    session: aiohttp.ClientSession

    async def becomes(self, *targets: Target) -> None:
        """Reload a config of these targets."""
        self.source.loads.append(Config(targets, LIMITS))
        await self.exporter.reload()

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    async def get(self, path: str, **options: Any) -> tuple[int, Any, bytes]:
        async with self.session.request(options.pop("method", "GET"), path, **options) as response:
            return response.status, response.headers, await response.read()

    async def ready(self, **options: Any) -> None:
        async with asyncio.timeout(10):
            while (await self.get("/-/ready", **options))[0] != 200:  # noqa: ASYNC110  # it is across a socket
                await asyncio.sleep(0.02)


def fill(exporter: Exporter) -> None:
    """Let every project have been polled, every tenth in vain, without asking anybody."""
    for number, (key, state) in enumerate(list(exporter.states.items())):
        samples = tuple(Sample(SUBSCRIBED, (name,), 1.0) for name in DOCUMENTED)
        state = state.succeeded(time.time(), 0.1, CollectResult(samples), exporter.clock() + 3600)  # noqa: PLW2901
        if number % 10 == 0:
            state = state.failed(time.time(), 0.1, Failure(Reason.SERVER, "busy", status=503, code="APIGW.0613"))  # noqa: PLW2901
        exporter.runners[key].state = state
        exporter.runners[key].show()


def trusting(folder: Path) -> ssl.SSLContext:
    """What a client believes: the authority whose certificate is in a folder."""
    return ssl.create_default_context(cafile=str(folder / "authority.pem"))


@asynccontextmanager
async def serving(
    simulator: Simulator,
    layout: Layout | None = None,
    web_config: Path | str = "",
    *,
    shard: Shard | None = None,
    times: Times = USUAL,
    lifecycle: bool = True,
    **settings: Any,
) -> AsyncIterator[Served]:
    """The projects of a simulator, served as the daemon does; over TLS when a folder with `authority.pem` says so."""
    targets = [target_of(owner, project, simulator.url, **settings) for owner, project in simulator.world.projects()]
    telemetry, source = Telemetry(), Source(str(web_config), load_web_config)
    given, projects, rng = Given(), Config(tuple(targets), LIMITS), random.Random(1)
    exporter = Exporter(given, projects, telemetry, rng=rng, spread=0.01, shard=shard or Shard(), times=times)
    config = source.load()
    how = ServerOptions([("127.0.0.1", 0)], config, source, layout or Layout(), IMPATIENT, lifecycle)
    plain = {"Accept-Encoding": "identity"}
    async with running_server(exporter, telemetry, how) as (address,):
        scheme, trust = ("https", trusting(Path(web_config).parent)) if config.tls else ("http", True)
        connector = aiohttp.TCPConnector(ssl=trust, limit=0)  # as many at once as a test wants
        url = f"{scheme}://{address}"
        async with aiohttp.ClientSession(url, headers=plain, auto_decompress=False, connector=connector) as session:
            yield Served(exporter, telemetry, given, projects, url, session)
