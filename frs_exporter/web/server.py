"""HTTP on connections: each request passes the guard first, and what is no request is answered, too."""

import asyncio
import logging
import socket

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError, LineTooLong

from frs_exporter.runtime.frames import let_go_of_frames
from frs_exporter.web.listener import Slots
from frs_exporter.web.middleware import Guard, Handler
from frs_exporter.web.slots import Slot

STOP_WITHIN = 1.0
"""Seconds that a scrape under way gets when the process is told to stop; aiohttp waits so long twice."""
KEEP_IDLE = 120.0
"""Seconds for which a connection is kept on which nothing is asked, or not to its end."""
LINGER = 1.0
"""Seconds for which the rest of a body is read that nobody wants, before its connection is closed."""
STALLED = 1.0
"""Seconds after which a client that reads nothing of its answer counts as idle."""
MAX_UNSENT = 1 << 15
"""Bytes that the kernel holds for a client which has not room for them yet; what is on its way comes on top of them."""
MAX_LINE = 8190
"""Bytes of the request line, and of each header."""


class Connection(web.RequestHandler):
    """One connection; what aiohttp would answer by itself is answered in our words, with the headers of all answers."""

    __slots__ = ("_guard", "_slots", "_stalling", "slot")

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
        self._stalling: asyncio.TimerHandle | None = None
        self.slot: Slot | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin; the slot is the one that was given to the socket."""
        super().connection_made(transport)
        sock = transport.get_extra_info("socket")
        if isinstance(transport, asyncio.Transport):
            bound_unread(transport, sock)
        self.slot = self._slots.of(sock.fileno())
        if self.slot and isinstance(transport, asyncio.Transport):
            self.slot.end = transport.abort

    def connection_lost(self, exc: BaseException | None) -> None:
        """End."""
        super().connection_lost(exc)
        self._end_stalling()
        if self.slot:
            self.slot.end = None  # which keeps the socket

    def pause_writing(self) -> None:
        """Remember since when the client does not read: who reads nothing may have to make room, as the idle do."""
        super().pause_writing()
        if self.slot:
            loop = asyncio.get_running_loop()
            self._stalling = loop.call_later(STALLED, stall, self.slot, loop.time())

    def resume_writing(self) -> None:
        """The client reads again."""
        super().resume_writing()
        self._end_stalling()

    def _end_stalling(self) -> None:
        if self._stalling and self.slot:
            self._stalling.cancel()
            self._stalling = self.slot.stalled_since = None

    def handle_error(
        self, request: web.BaseRequest, status: int = 500, exc: BaseException | None = None, message: str | None = None
    ) -> web.StreamResponse:
        """What is answered where no request could be read, which is nobody's error but the client's, or by a bug."""
        if isinstance(exc, HttpProcessingError):
            let_go_of_frames(exc)
            long = f"the request line or a header is longer than {MAX_LINE} bytes"
            return self._guard.malformed(long if isinstance(exc, LineTooLong) else "this is no HTTP/1.1 request")
        gone = self.transport is None or self.transport.is_closing()
        if not (isinstance(exc, ConnectionError) and gone):  # who hangs up before the answer begins is no error of ours
            super().handle_error(request, status, exc, message)  # logs, and ends what is half answered
        return self._guard.answer(status, "internal error: the exporter's log has more")


def bound_unread(transport: asyncio.WriteTransport, sock: socket.socket) -> None:
    """Let little of an answer wait for a client to read it: it waits as a copy for each client.

    By default these are 64 KiB in the process, with TLS 512, and up to 4 MiB in the kernel, which counts them, too.
    """
    transport.set_write_buffer_limits(high=1)
    if sock.family != socket.AF_UNIX:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, MAX_UNSENT)


def stall(slot: Slot, since: float) -> None:
    """Mark a slot whose client reads nothing."""
    slot.stalled_since = since


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
