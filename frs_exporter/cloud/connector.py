"""How connections are made: directly, or through a proxy's tunnel, and how far that has got."""

import asyncio
import ssl
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, cast
from weakref import WeakSet

import aiohttp
from aiohttp.abc import AbstractResolver
from aiohttp.client_proto import ResponseHandler
from aiohttp.connector import Connection
from aiohttp.tracing import Trace

from frs_exporter.cloud import socks
from frs_exporter.cloud.proxy import proxy_for
from frs_exporter.core.http_options import HttpOptions, Proxy

# What is sent while the gateway closes (after 300 s: FRS FAQ) is lost. aiohttp repeats a GET, but not a login's POST
# (RFC 9110, 9.2.2). Its default of 15 s is shorter than a usual poll interval: each poll would need a handshake.
KEEP_ALIVE = 240.0
"""Seconds an idle connection is kept; the gateway closes its side after 300."""


@dataclass(slots=True)
class Progress:
    """How far a task's newest request got.

    `reached` says that a proxy has opened the way to the endpoint; `connected` that the connection stands, with tunnel
    and TLS where it needs them.
    """

    reached: bool = False
    connected: bool = False

    @classmethod
    def begin(cls) -> "Progress":
        """That of the request which this task sends next."""
        PROGRESS.set(progress := cls())
        return progress


PROGRESS: ContextVar[Progress] = ContextVar("progress")


class Connector(aiohttp.TCPConnector):
    """Connects as the options say, and tells the task's Progress.

    aiohttp itself connects through proxies that speak HTTP; those that speak SOCKS5 are our own business, and it does
    not know of them. A kept connection on which something has come that nobody asked for is not used again.
    """

    def __init__(self, options: HttpOptions, resolver: AbstractResolver) -> None:
        super().__init__(
            limit=0,  # the gates bound what is open
            keepalive_timeout=KEEP_ALIVE,
            # Not aiohttp's own: that knows the authorities of when the process began.
            ssl=options.context or ssl.create_default_context(),
            resolver=resolver,
        )
        self._options = options
        self._used: WeakSet[ResponseHandler] = WeakSet()

    # The same is told by aiohttp's trace_configs, but these cost each request a tenth of its time.
    async def connect(
        self, req: aiohttp.ClientRequest, traces: list[Trace], timeout: aiohttp.ClientTimeout
    ) -> Connection:
        """A connection, a kept one or a new one; raises aiohttp's errors and SocksError."""
        progress = PROGRESS.get()
        progress.reached = progress.connected = False  # also for a second try
        connection = await super().connect(req, traces, timeout)
        # aiohttp takes a kept connection as long as it stands. What has come on it since its last answer was asked for
        # by nobody: taken for the answer to this request, it would tell of another project.
        while (protocol := connection.protocol) is not None and protocol in self._used and protocol.should_close:
            connection.close()
            connection = await super().connect(req, traces, timeout)
        if protocol is not None:
            self._used.add(protocol)
        progress.connected = True
        # Over plain http aiohttp's proxies open no way, they answer themselves.
        progress.reached = req.proxy is None or req.is_ssl()
        return connection

    async def _create_connection(
        self, req: aiohttp.ClientRequest, traces: list[Trace], timeout: aiohttp.ClientTimeout
    ) -> ResponseHandler:
        proxy = proxy_for(req.url, self._options)
        if proxy is None or not proxy.speaks_socks:
            return await super()._create_connection(req, traces, timeout)
        *others, last = await self._hosts_for(proxy, req)
        for host in others:
            try:
                return await self._connect_through(proxy, host, req, timeout)
            except socks.SocksError as error:
                if not error.other_address:
                    raise
        return await self._connect_through(proxy, last, req, timeout)

    async def _hosts_for(self, proxy: Proxy, req: aiohttp.ClientRequest) -> list[str]:
        """What the proxy is asked for, one after the other: a name that it looks up, or the addresses of it."""
        host = req.url.raw_host or ""
        if proxy.looks_up:
            return [host]
        try:
            return [found["host"] for found in await self._resolve_host(host, req.port or 0)]
        except OSError as error:
            raise aiohttp.ClientConnectorDNSError(req.connection_key, error) from error

    async def _connect_through(
        self, proxy: Proxy, host: str, req: aiohttp.ClientRequest, timeout: aiohttp.ClientTimeout
    ) -> ResponseHandler:
        to_proxy = aiohttp.ClientRequest("GET", proxy.url.with_scheme("http"), loop=asyncio.get_running_loop())
        transport, protocol = await self._create_direct_connection(
            to_proxy, [], timeout, client_error=aiohttp.ClientProxyConnectionError
        )
        try:
            await open_tunnel(transport, proxy, host, req.port or 0, req.url.host or "")
        except BaseException:
            transport.abort()
            raise
        PROGRESS.get().reached = True
        if req.is_ssl():
            return (await self._start_tls_connection(transport, req, timeout))[1]
        transport.set_protocol(protocol)
        return protocol

    async def _start_tls_connection(
        self,
        underlying_transport: asyncio.Transport,
        req: aiohttp.ClientRequest,
        timeout: aiohttp.ClientTimeout,
        client_error: type[Exception] = aiohttp.ClientConnectorError,
    ) -> tuple[asyncio.BaseTransport, ResponseHandler]:
        # TLS with the endpoint begins when a proxy of either kind has said that the way is open.
        PROGRESS.get().reached = True
        if underlying_transport.get_extra_info("sslcontext"):
            underlying_transport = cast(asyncio.Transport, OuterTls(underlying_transport))
        return await super()._start_tls_connection(underlying_transport, req, timeout, client_error)


class OuterTls:
    """The TLS transport to a proxy, for TLS within it.

    Until 3.11.8 and 3.12.2 Python fails to close one when the TLS within has failed, logs a traceback, and loses the
    reason (https://github.com/python/cpython/issues/113214).
    """

    _start_tls_compatible = True  # asks loop.start_tls

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport

    def _force_close(self, _: BaseException | None) -> None:
        self._transport.abort()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)


async def open_tunnel(transport: asyncio.Transport, proxy: Proxy, host: str, port: int, name: str) -> None:
    """Have a SOCKS5 proxy connect to host and port, which messages call `name`; raises SocksError."""
    reader = asyncio.StreamReader()
    protocol = asyncio.StreamReaderProtocol(reader)
    transport.set_protocol(protocol)
    protocol.connection_made(transport)
    try:
        transport.write(socks.greeting(proxy))
        if socks.wants_login(await reader.readexactly(2), proxy):
            transport.write(socks.login_message(proxy))
            socks.check_login(await reader.readexactly(2))
        transport.write(socks.connect_message(host, port))
        socks.check_reply(await reader.readexactly(2), name)
        _, kind, first = await reader.readexactly(3)
        await reader.readexactly(socks.length_of_rest(kind, first))
    except (asyncio.IncompleteReadError, ConnectionError):
        raise socks.closed() from None
