"""Where connections come in: so many at once, and each secured as is said at that moment."""

import asyncio
import errno
import socket
from collections.abc import Callable, Iterable
from typing import Any
from weakref import WeakSet

import structlog

from frs_exporter.runtime.tasks import cancel_and_wait
from frs_exporter.web.bind import BACKLOG
from frs_exporter.web.tls import Tls

MAX_CONNECTIONS = 512
"""Connections at once: more than any number of Prometheus servers needs, fewer than the files a process may open."""
HANDSHAKE_TIMEOUT = 10.0
PAUSE = 1.0
"""Seconds without new connections after one could not be accepted, as for want of file descriptors."""
QUIET = 60.0
"""Seconds in which what was logged is not logged again."""
NOBODY = {errno.EAGAIN, errno.EINTR, errno.ECONNABORTED, errno.EPROTO}
"""What accept() says where nobody waits, or has hung up already."""

Connection = tuple[socket.socket, Any]
"""What accept() returns: a socket, and the client's address."""

log = structlog.get_logger()


class Entrance(socket.socket):
    """A listening socket, taken over from `sock`, that accepts whom `admit` lets in."""

    def __init__(self, sock: socket.socket, admit: Callable[[Callable[[], Connection]], Connection]) -> None:
        super().__init__(fileno=sock.detach())
        self._admit = admit

    def accept(self) -> Connection:
        """The next connection; raises no OSError but those that asyncio takes for the end of a queue."""
        return self._admit(super().accept)


class Listener:
    """Hands connections at sockets that it takes over to what `server` makes; nobody comes in before `secure`."""

    def __init__(
        self,
        server: Callable[[], asyncio.Protocol],
        sockets: Iterable[socket.socket],
        *,
        max_connections: int = MAX_CONNECTIONS,
        handshake_timeout: float = HANDSHAKE_TIMEOUT,
    ) -> None:
        self._server = server
        self._entrances = [Entrance(sock, self._admit) for sock in sockets]
        self._max_connections = max_connections
        self._handshake_timeout = handshake_timeout
        self._tls: Tls | None = None
        self._connections: WeakSet[socket.socket] = WeakSet()
        self._pause: asyncio.Task[None] | None = None
        self._quiet_until: dict[str, float] = {}

    async def secure(self, tls: Tls | None) -> None:
        """Secure connections by `tls` from now on, with None by nothing; those that are open stay as they are."""
        self._tls = tls
        await self._serve()

    async def close(self) -> None:
        """Let nobody in any more; those who are in may stay."""
        if self._pause:
            await cancel_and_wait([self._pause])
        self._stop_accepting()
        for entrance in self._entrances:
            entrance.close()

    async def _serve(self, after: float = 0.0) -> None:
        """Hand the sockets on to new servers of asyncio's, after some seconds in which connections wait.

        Nothing changes the TLS context of a server. The old ones are not closed: that would lose connections which they
        have accepted, but begin to serve in the loop's next turn only, and close the socket.
        """
        self._stop_accepting()
        await asyncio.sleep(after)
        for entrance in self._entrances:
            await asyncio.get_running_loop().create_server(
                self._server,
                sock=entrance,
                backlog=BACKLOG,
                ssl=self._tls.context if self._tls else None,
                ssl_handshake_timeout=self._handshake_timeout if self._tls else None,
            )

    def _stop_accepting(self) -> None:
        for entrance in self._entrances:
            asyncio.get_running_loop().remove_reader(entrance)

    def _admit(self, accept: Callable[[], Connection]) -> Connection:
        try:
            connection, address = accept()
        except OSError as error:
            if error.errno not in NOBODY:
                self._complain("cannot accept connections", error.strerror or str(error))
                self._stop_accepting()
                if self._pause is None or self._pause.done():
                    self._pause = asyncio.create_task(self._serve(after=PAUSE), name="pause")
            # Of EMFILE asyncio would log a traceback, each second, as often as the backlog is long.
            raise BlockingIOError from None
        if self._open_connections() >= self._max_connections:
            self._complain("connections refused", f"{self._max_connections} are open")
            connection.close()
            raise ConnectionAbortedError
        self._connections.add(connection)
        return connection, address

    def _open_connections(self) -> int:
        """Handshakes under way are among them, which are none to the server yet."""
        return sum(connection.fileno() >= 0 for connection in self._connections)

    def _complain(self, event: str, problem: str) -> None:
        """Log what may happen many times a second, but once a minute."""
        now = asyncio.get_running_loop().time()
        if now >= self._quiet_until.get(event, now):
            log.error(event, problem=problem)
            self._quiet_until[event] = now + QUIET
