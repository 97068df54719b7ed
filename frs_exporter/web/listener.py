"""Where connections come in: so many at once, and each secured as is said at that moment."""

import asyncio
import contextlib
import errno
import socket
from collections.abc import Callable, Iterable
from typing import Any
from weakref import WeakValueDictionary

import structlog

from frs_exporter.runtime.process_safety import descriptor_limit
from frs_exporter.runtime.seldom import SeldomLog
from frs_exporter.runtime.tasks import cancel_and_wait
from frs_exporter.web.bind import BACKLOG
from frs_exporter.web.peers import peer_of
from frs_exporter.web.slots import Slot, SlotLimits, admit
from frs_exporter.web.tls import Tls

MAX_CONNECTIONS = 512
"""Connections at once: more than any number of Prometheus servers needs."""
MIN_CONNECTIONS = 8
HANDSHAKE_TIMEOUT = 5.0
PAUSE = 1.0
"""Seconds without new connections after one could not be accepted, as for want of file descriptors."""
MAX_ENDING = 16
"""Connections that are made to end before the next one is accepted: each still has its descriptor."""
NOBODY = {errno.EAGAIN, errno.EINTR, errno.ECONNABORTED, errno.EPROTO}
"""What accept() says where nobody waits, or has hung up already."""

Connection = tuple[socket.socket, Any]
"""What accept() returns: a socket, and the client's address."""

log = structlog.get_logger()


def slot_limits() -> SlotLimits:
    """Half of the file descriptors that the process may have: the others are for polls, reloads and the log."""
    descriptors = descriptor_limit()
    half = MAX_CONNECTIONS if descriptors is None else descriptors // 2
    total = max(MIN_CONNECTIONS, min(MAX_CONNECTIONS, half))
    return SlotLimits(total, per_peer=total // 4)


class Entrance(socket.socket):
    """A listening socket, taken over from `sock`, that accepts whom `admit` lets in."""

    def __init__(self, sock: socket.socket, admit: Callable[[Callable[[], Connection]], Connection]) -> None:
        super().__init__(fileno=sock.detach())
        self._admit = admit

    def accept(self) -> Connection:
        """The next connection; raises no OSError but those that asyncio takes for the end of a queue."""
        return self._admit(super().accept)


def is_open(sock: socket.socket) -> bool:
    """Whether a socket is not closed yet."""
    return sock.fileno() >= 0


class Slots:
    """The slots that are taken; a connection finds its own by the number of its socket.

    Those of closed sockets are forgotten here, at the next connection: a collection of garbage may be thousands away.
    """

    def __init__(self, limits: SlotLimits | None = None, peer: Callable[[str], str] = peer_of) -> None:
        self.limits = limits or slot_limits()
        self._peer = peer
        self._taken: dict[socket.socket, Slot] = {}
        self._by_number: WeakValueDictionary[int, Slot] = WeakValueDictionary()
        self._ending: list[socket.socket] = []

    def of(self, number: int) -> Slot | None:
        """The slot of the open socket with a number."""
        return self._by_number.get(number)

    @property
    def hurried(self) -> bool:
        """Whether connections that were made to end should be gone before others come in."""
        self._ending = [sock for sock in self._ending if is_open(sock)]
        return len(self._ending) >= MAX_ENDING

    def take(self, sock: socket.socket, address: Any) -> tuple[bool, bool]:
        """Whether a new connection gets a slot, and whether another had to end for it."""
        self._taken = {taker: slot for taker, slot in self._taken.items() if is_open(taker)}
        peer = self._peer(address[0] if isinstance(address, tuple) else "")
        admission = admit(peer, self._taken.values(), self.limits)
        if admission.instead_of:
            self._end(admission.instead_of)
        if admission.admitted:
            slot = Slot(peer, asyncio.get_running_loop().time())
            self._taken[sock] = self._by_number[sock.fileno()] = slot
        return admission.admitted, admission.instead_of is not None

    def _end(self, slot: Slot) -> None:
        sock = next(sock for sock, taken in self._taken.items() if taken is slot)
        del self._taken[sock]
        self._ending.append(sock)
        if slot.end:
            slot.end()
            return
        with contextlib.suppress(OSError):  # the client was faster
            sock.shutdown(socket.SHUT_RDWR)  # asyncio, which shakes hands on it, sees the end and closes it


class Listener:
    """Hands connections at sockets that it takes over to what `server` makes; nobody comes in before `secure`."""

    def __init__(
        self,
        server: Callable[[], asyncio.Protocol],
        sockets: Iterable[socket.socket],
        slots: Slots | None = None,
        *,
        handshake_timeout: float = HANDSHAKE_TIMEOUT,
    ) -> None:
        self._server = server
        self._entrances = [Entrance(sock, self._admit) for sock in sockets]
        self._slots = slots or Slots()
        self._handshake_timeout = handshake_timeout
        self._tls: Tls | None = None
        self._pause: asyncio.Task[None] | None = None
        self._log = SeldomLog()

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
        if self._slots.hurried:
            raise BlockingIOError  # the loop asks again in its next turn
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
        admitted, ended_another = self._slots.take(connection, address)
        limits = self._slots.limits
        if ended_another:
            self._complain("idle connections closed", f"more than {limits.total}, or {limits.per_peer} of one client")
        if not admitted:
            self._complain("connections refused", f"{limits.total} are open, or {limits.per_peer} of one client")
            connection.close()
            raise ConnectionAbortedError
        return connection, address

    def _complain(self, event: str, problem: str) -> None:
        self._log.write(log.error, event, problem=problem)
