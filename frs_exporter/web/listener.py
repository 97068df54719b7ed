"""Where connections come in: each is secured as the web config says at that moment."""

import asyncio
import contextlib
import errno
import socket
from collections.abc import Sequence

import structlog
from aiohttp import web

from frs_exporter.runtime.tasks import cancel_and_wait
from frs_exporter.web.middleware import Guard

Address = tuple[str | None, int]
"""Host, None for all of the machine's addresses, and port."""

BACKLOG = 1024
MAX_CONNECTIONS = 512
"""Connections at once: more than any number of Prometheus servers needs, fewer than the files a process may open."""
HANDSHAKE_WITHIN = 10.0
HANDSHAKE = b"\x16"
"""The first byte of a client's first record in TLS (RFC 8446, 5.1)."""
MAX_PLAIN = 1 << 16
PLAIN_HTTP = b"HTTP/1.0 400 Bad Request\r\nContent-Type: text/plain\r\n\r\nThis address wants TLS: ask by https://.\n"
AFTER_TROUBLE = 1.0
"""Seconds without new connections after one could not be accepted, as for want of file descriptors."""
QUIET = 60.0
"""Seconds in which a trouble is not told again."""
GONE = {errno.EAGAIN, errno.EINTR, errno.ECONNABORTED, errno.EPROTO}
"""What accept() says of a client that has hung up already."""

log = structlog.get_logger()


async def bind(address: Address) -> list[socket.socket]:
    """Sockets that listen at an address, of each family that it has; raises OSError and UnicodeError."""
    host, port = address
    server = await asyncio.get_running_loop().create_server(asyncio.Protocol, host, port, start_serving=False)
    bound = [sock.dup() for sock in server.sockets]
    server.close()
    for sock in bound:
        sock.listen(BACKLOG)
    return bound


async def wants_tls(connection: socket.socket) -> bool:
    """Whether a client begins a handshake; who speaks plain HTTP is told so, and let go. Raises OSError."""
    loop, readable = asyncio.get_running_loop(), asyncio.Event()
    loop.add_reader(connection, readable.set)
    try:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(readable.wait(), HANDSHAKE_WITHIN)
    finally:
        loop.remove_reader(connection)
    try:
        if connection.recv(1, socket.MSG_PEEK) == HANDSHAKE:
            return True
        connection.recv(MAX_PLAIN)  # or closing would reset the connection, and the words be lost
        connection.sendall(PLAIN_HTTP)
    except OSError:
        pass
    connection.close()
    return False


class Listener:
    """Hands connections to `server`, each as the web config says at that moment."""

    def __init__(self, server: web.Server, guard: Guard, sockets: Sequence[socket.socket]) -> None:
        self._server = server
        self._guard = guard
        self._sockets = sockets
        self._tasks: list[asyncio.Task[None]] = []
        self._arriving: set[asyncio.Task[None]] = set()
        self._quiet_until: dict[str, float] = {}

    def open(self) -> None:
        """Let connections in."""
        for sock in self._sockets:
            sock.setblocking(False)
            self._tasks.append(asyncio.create_task(self._let_in(sock), name="accept"))

    async def close(self) -> None:
        """Let nobody in any more; those who are in may stay."""
        await cancel_and_wait([*self._tasks, *self._arriving])
        for sock in self._sockets:
            sock.close()

    async def _let_in(self, listener: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                connection, _ = await loop.sock_accept(listener)
            except OSError as error:
                if error.errno not in GONE:
                    self._trouble("cannot accept connections", error.strerror or str(error))
                    await asyncio.sleep(AFTER_TROUBLE)
                continue
            if len(self._arriving) + len(self._server.connections) >= MAX_CONNECTIONS:
                self._trouble("connections refused", f"{MAX_CONNECTIONS} are open")
                connection.close()
                continue
            task = asyncio.create_task(self._hand_over(connection), name="handshake")
            self._arriving.add(task)
            task.add_done_callback(self._arriving.discard)

    async def _hand_over(self, connection: socket.socket) -> None:
        """Shake hands and let the server talk; who cannot is gone."""
        tls = self._guard.config.tls
        context, timeout = (tls.context, HANDSHAKE_WITHIN) if tls else (None, None)
        with contextlib.suppress(OSError):  # the client's mistake, or it has hung up
            if tls and not await wants_tls(connection):
                return
            await asyncio.get_running_loop().connect_accepted_socket(
                self._server, connection, ssl=context, ssl_handshake_timeout=timeout
            )

    def _trouble(self, event: str, problem: str) -> None:
        """Log what may happen many times a second, but once a minute."""
        now = asyncio.get_running_loop().time()
        if now >= self._quiet_until.get(event, now):
            log.error(event, problem=problem)
            self._quiet_until[event] = now + QUIET
