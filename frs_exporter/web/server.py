"""HTTP on connections: each request passes the guard first, and what is no request is answered, too."""

import asyncio
import logging

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError, LineTooLong

from frs_exporter.web.listener import Slots
from frs_exporter.web.middleware import Guard, Handler
from frs_exporter.web.slots import Slot

STOP_WITHIN = 1.0
"""Seconds that a scrape under way gets when the process is told to stop; aiohttp waits so long twice."""
KEEP_IDLE = 120.0
"""Seconds for which a connection is kept on which nothing is asked, or not to its end."""
LINGER = 1.0
"""Seconds for which the rest of a body is read that nobody wants, before its connection is closed."""
MAX_LINE = 8190
"""Bytes of the request line, and of each header."""


class Connection(web.RequestHandler):
    """One connection; what aiohttp would answer by itself is answered in our words, with the headers of all answers."""

    __slots__ = ("_guard", "_slots", "slot")

    def __init__(self, server: web.Server, guard: Guard, slots: Slots) -> None:
        super().__init__(
            server,
            loop=asyncio.get_running_loop(),
            access_log=None,  # type: ignore[arg-type]  # as aiohttp's own runner has it
            keepalive_timeout=KEEP_IDLE,
            max_line_size=MAX_LINE,
            max_field_size=MAX_LINE,
            lingering_time=LINGER,
            auto_decompress=False,  # no body is wanted: none is unpacked
        )
        self._guard = guard
        self._slots = slots
        self.slot: Slot | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin; the slot is the one that was given to the socket."""
        super().connection_made(transport)
        self.slot = self._slots.of(transport.get_extra_info("socket").fileno())
        if self.slot and isinstance(transport, asyncio.Transport):
            self.slot.end = transport.abort

    def connection_lost(self, exc: BaseException | None) -> None:
        """End."""
        super().connection_lost(exc)
        if self.slot:
            self.slot.end = None  # which keeps the socket

    def handle_error(
        self, request: web.BaseRequest, status: int = 500, exc: BaseException | None = None, message: str | None = None
    ) -> web.StreamResponse:
        """What is answered where no request could be read, which is nobody's error but the client's, or by a bug."""
        if isinstance(exc, HttpProcessingError):
            long = f"the request line or a header is longer than {MAX_LINE} bytes"
            return self._guard.malformed(long if isinstance(exc, LineTooLong) else "this is no HTTP/1.1 request")
        super().handle_error(request, status, exc, message)  # logs, and ends what is half answered
        return self._guard.answer(status, "internal error: the exporter's log has more")


class HttpServer:
    """An application behind a guard: called, once started, it makes the protocol of a connection."""

    def __init__(self, app: web.Application, guard: Guard, slots: Slots | None = None) -> None:
        guard.install(app)
        self._guard = guard
        self.slots = slots or Slots()
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=STOP_WITHIN, handler_cancellation=True)
        self._server: web.Server | None = None

    async def start(self) -> None:
        """Be ready for connections."""
        logging.getLogger("aiohttp.server").addFilter(not_a_clients_mistake)
        await self._runner.setup()
        assert self._runner.server is not None
        self._server = self._runner.server
        # Not a middleware: aiohttp finds the route and answers `Expect` before those.
        self._server.request_handler = at_work(self._guard.before(self._server.request_handler))

    def __call__(self) -> Connection:
        assert self._server is not None
        return Connection(self._server, self._guard, self.slots)

    async def stop(self) -> None:
        """End all connections, those on which something is asked a little later."""
        await self._runner.cleanup()


def at_work(handler: Handler) -> Handler:
    """A handler that marks the slot of a connection as in use meanwhile."""

    async def marked(request: web.BaseRequest) -> web.StreamResponse:
        slot = request.protocol.slot if isinstance(request.protocol, Connection) else None
        if slot is None:
            return await handler(request)
        slot.idle_since = None
        try:
            return await handler(request)
        finally:
            slot.idle_since = asyncio.get_running_loop().time()

    return marked


def not_a_clients_mistake(record: logging.LogRecord) -> bool:
    """Keep out what aiohttp logs, traceback and all, when the body of a request is not HTTP."""
    return not (record.exc_info and isinstance(record.exc_info[1], HttpProcessingError))
