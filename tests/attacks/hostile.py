"""A server that is asked and answers whatever a test wants it to, and keeps what it was asked."""

import asyncio
import contextlib
import re
import ssl
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from tests.resilience.front import Serve

Answer = Callable[[int], Iterable[bytes]]
"""What is sent after the request with this number, from 0 on; it may have no end."""


@dataclass
class Hostile:
    """Where it is, the heads of all requests that came, and how many connections there were."""

    url: str = ""
    heads: list[str] = field(default_factory=list)
    connections: int = 0


@asynccontextmanager
async def hostile(answer: Answer, context: ssl.SSLContext | None = None) -> AsyncIterator[Hostile]:
    """Answer all requests like this; where an answer has no end, for as long as somebody reads it.

    With a context over TLS; what does not shake hands is no connection.
    """
    server, tasks = Hostile(), set[asyncio.Task[None]]()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server.connections += 1
        if task := asyncio.current_task():
            tasks.add(task)
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                server.heads.append(head)
                if length := re.search(r"(?im)^content-length: (\d+)\r$", head):
                    await reader.readexactly(int(length[1]))
                for part in answer(len(server.heads) - 1):
                    writer.write(part)
                    await writer.drain()
                    await asyncio.sleep(0)  # drain() waits for nobody as long as the kernel takes what is sent
        writer.transport.abort()

    async with listening(serve, context) as server.url:
        yield server
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@asynccontextmanager
async def listening(serve: Serve, context: ssl.SSLContext | None = None) -> AsyncIterator[str]:
    """Serve connections on a port of this machine; yields its URL."""
    listener = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    try:
        yield f"{'https' if context else 'http'}://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
    finally:
        listener.close()


def told(body: bytes, *fields: bytes, status: bytes = b"200 OK") -> bytes:
    """A proper answer."""
    length = b"Content-Length: %d" % len(body)
    return b"\r\n".join([b"HTTP/1.1 " + status, length, *fields, b"", body])
