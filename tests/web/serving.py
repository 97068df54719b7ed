"""A running exporter behind real sockets, and what it answers."""

import asyncio
import random
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

from frs_exporter.cli.daemon import ServerOptions, running_server
from frs_exporter.collectors.subscription import DOCUMENTED, SUBSCRIBED
from frs_exporter.config.load import Config, load
from frs_exporter.config.source import Source
from frs_exporter.core.errors import Failure, Reason
from frs_exporter.core.model import CollectResult, Sample
from frs_exporter.exposition.telemetry import Telemetry
from frs_exporter.polling.exporter import Exporter
from frs_exporter.web.layout import Layout
from frs_exporter.web.web_config import load_web_config
from frs_simulator import Simulator
from tests.conftest import LIMITS, target_of


class Served:
    """A running exporter."""

    def __init__(self, exporter: Exporter, telemetry: Telemetry, url: str, session: aiohttp.ClientSession) -> None:
        self.exporter, self.telemetry, self.url, self.session = exporter, telemetry, url, session

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
        samples = tuple(Sample(SUBSCRIBED, (key[0], name), 1.0) for name in DOCUMENTED)
        state = state.succeeded(1e9, 0.1, CollectResult(samples), exporter.clock() + 3600)  # noqa: PLW2901
        if number % 10 == 0:
            state = state.failed(1e9, 0.1, Failure(Reason.SERVER, "busy", status=503, code="APIGW.0613"))  # noqa: PLW2901
        exporter.runners[key].state = state
        exporter.runners[key].show()


def trusting(folder: Path) -> ssl.SSLContext:
    """What a client believes: the authority whose certificate is in a folder."""
    return ssl.create_default_context(cafile=str(folder / "authority.pem"))


@asynccontextmanager
async def serving(
    simulator: Simulator, layout: Layout | None = None, web_config: Path | str = "", **settings: Any
) -> AsyncIterator[Served]:
    """The projects of a simulator, served as the daemon does; over TLS when a folder with `authority.pem` says so."""
    targets = [target_of(owner, project, simulator.url, **settings) for owner, project in simulator.world.projects()]
    telemetry, source = Telemetry(), Source(str(web_config), load_web_config)
    exporter = Exporter(Source("", load), Config(tuple(targets), LIMITS), telemetry, rng=random.Random(1), spread=0.01)
    config = source.load()
    how = ServerOptions([("127.0.0.1", 0)], config, source, layout or Layout(), look_every=0.05, settle=0.05)
    plain = {"Accept-Encoding": "identity"}
    async with running_server(exporter, telemetry, how) as ports:
        scheme, trust = ("https", trusting(Path(web_config).parent)) if config.tls else ("http", True)
        connector = aiohttp.TCPConnector(ssl=trust, limit=0)  # as many at once as a test wants
        url = f"{scheme}://127.0.0.1:{ports[0]}"
        async with aiohttp.ClientSession(url, headers=plain, auto_decompress=False, connector=connector) as session:
            yield Served(exporter, telemetry, url, session)
