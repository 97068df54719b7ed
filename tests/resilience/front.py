"""A door before the simulator, at a name and port that stay: it can be shut, silent, talk TLS or be a proxy."""

import asyncio
import ssl
from collections.abc import Awaitable, Callable

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
NAME = "face.example"


class Front:
    """Passes bytes on to a port of this machine, until it is told to do something else."""

    def __init__(self, behind: int) -> None:
        self.behind = behind
        self.address = "127.0.0.1"
        self.port = 0
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def open(self, serve: Serve | None = None, context: ssl.SSLContext | None = None) -> None:
        """Serve like this from now on; connections there are end."""
        await self.shut()
        self._server = await asyncio.start_server(serve or self.passing, self.address, self.port, ssl=context)
        self.port = self._server.sockets[0].getsockname()[1]

    async def shut(self) -> None:
        """Refuse connections; those there are end."""
        if self._server:
            self._server.close()
        self.hang_up()
        await asyncio.sleep(0)

    def hang_up(self) -> None:
        """End the connections there are, as servers do with idle ones."""
        for writer in self._open:
            writer.close()
        self._open.clear()

    async def passing(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Pass bytes on, both ways."""
        try:
            back, forth = await asyncio.open_connection("127.0.0.1", self.behind)
        except OSError:
            writer.close()
            return
        self._open |= {writer, forth}
        absolute = f" http://{NAME}:{self.port}/".encode()  # as proxies are asked
        for source, drain in ((reader, forth), (back, writer)):
            task = asyncio.create_task(copy(source, drain, absolute))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def silent(self, _: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Read nothing, say nothing: a half-open connection."""
        self._open.add(writer)

    def saying(self, answer: bytes) -> Serve:
        """Answer every request with these bytes."""

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            self._open.add(writer)
            await reader.read(1)
            writer.write(answer)
            writer.close()

        return serve


async def copy(source: asyncio.StreamReader, drain: asyncio.StreamWriter, absolute: bytes) -> None:
    """All bytes of one connection to another, and its end; where `absolute` begins a URL, its path is left."""
    try:
        while data := await source.read(65536):
            drain.write(data.replace(absolute, b" /"))
    except (ConnectionError, ssl.SSLError):
        pass
    finally:
        drain.close()
