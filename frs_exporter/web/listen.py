"""Where connections come in: bound sockets, secured as the web config says, which may change at any time."""

import asyncio
import socket
import ssl
from collections.abc import Sequence

import structlog
from aiohttp import web

from frs_exporter.background import in_background
from frs_exporter.config.source import Source
from frs_exporter.errors import ConfigError
from frs_exporter.exposition.telemetry import Telemetry
from frs_exporter.web.config import WebConfig
from frs_exporter.web.guard import Guard

Address = tuple[str | None, int]
"""Host, None for all of the machine's addresses, and port."""

BACKLOG = 1024
MAX_CONNECTIONS = 512
"""Connections at once: more than any number of Prometheus servers needs, fewer than the files a process may open."""
HANDSHAKE_WITHIN = 10.0
LOOK_EVERY = 2.0
"""Seconds between two looks whether the web config, or a file it names, has changed."""
SETTLE = 0.5
"""Seconds between seeing that and reading: a certificate and its key are two files."""
LONGEST_READ = 10.0

log = structlog.get_logger()


async def bind(address: Address) -> list[socket.socket]:
    """Sockets that listen at an address, of each family that it has; raises OSError and UnicodeError."""
    host, port = address
    server = await asyncio.get_running_loop().create_server(asyncio.Protocol, host, port, start_serving=False)
    bound = [each.dup() for each in server.sockets]
    server.close()
    for each in bound:
        each.listen(BACKLOG)
    return bound


class Refused(asyncio.Protocol):
    """One connection too many."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Close it at once."""
        transport.abort()  # type: ignore[attr-defined]


class Door:
    """Hands connections to `server`; what comes in the meantime, while the web config changes, just waits."""

    def __init__(
        self,
        server: web.Server,
        guard: Guard,
        source: Source[WebConfig],
        sockets: Sequence[socket.socket],
        telemetry: Telemetry,
    ) -> None:
        self._server = server
        self._guard = guard
        self._source = source
        self._sockets = sockets
        self._telemetry = telemetry
        self._open: list[asyncio.Server] = []

    async def open(self) -> None:
        """Let connections in, as the guard's web config says."""
        tls = self._guard.config.tls
        before, self._open = self._open, await self._listen(tls.context if tls else None)
        for server in before:  # the sockets stay, so that nobody is turned away
            server.close()

    def close(self) -> None:
        """Let nobody in any more."""
        for server in self._open:
            server.close()
        for each in self._sockets:
            each.close()

    async def watch(self) -> None:
        """Take up what the web config, or a file it names, becomes; what is wrong changes nothing."""
        while True:
            await asyncio.sleep(LOOK_EVERY)
            try:
                if await in_background(self._source.changed, within=LONGEST_READ):
                    await asyncio.sleep(SETTLE)
                    await self._renew()
            except Exception:
                log.exception("unexpected error while looking at the web config")

    async def _renew(self) -> None:
        try:
            config = await in_background(self._source.load, within=LONGEST_READ)
        except (ConfigError, TimeoutError) as error:
            self._telemetry.web_config_good.set(0)
            for problem in getattr(error, "problems", ("it, or a file it names, cannot be read to its end",)):
                log.error("web config not reloaded", problem=problem)
            return
        before, self._guard.config = self._guard.config, config
        if config.tls != before.tls:
            await self.open()
        self._telemetry.web_config_good.set(1)
        log.info("web config reloaded", file=self._source.path, tls=config.tls is not None, users=len(config.users))

    async def _listen(self, context: ssl.SSLContext | None) -> list[asyncio.Server]:
        loop = asyncio.get_running_loop()
        within = HANDSHAKE_WITHIN if context else None
        return [
            await loop.create_server(
                self._accept, sock=each.dup(), ssl=context, backlog=BACKLOG, ssl_handshake_timeout=within
            )
            for each in self._sockets
        ]

    def _accept(self) -> asyncio.Protocol:
        """What talks to a new connection."""
        return Refused() if len(self._server.connections) >= MAX_CONNECTIONS else self._server()
