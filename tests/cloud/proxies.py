"""A forward proxy on loopback that writes down who asked it for what, and a cloud behind it, with and without TLS."""

import asyncio
import base64
import ssl
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import trustme
from aiohttp import web

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
LOGIN = "proxy-authorization"


class ForwardProxy:
    """Passes on what it is asked for, or does what it is told instead; each request's method and login is kept."""

    def __init__(self, instead: Serve | None = None) -> None:
        self.asked: list[tuple[str, str | None]] = []
        self.connections = 0
        self._instead = instead
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Listen on a port of its own."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.address = f"127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def stop(self) -> None:
        """End all there is."""
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.current_task()
        assert task
        self._tasks.add(task)
        try:
            await (self._instead or self._pass)(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # whoever asks may go
        finally:
            writer.close()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        method, target, fields = await request(reader)
        self.asked.append((method, login_of(fields)))
        host, _, port = target.removeprefix("http://").partition("/")[0].rpartition(":")
        far_reader, far_writer = await asyncio.open_connection(host, int(port))
        if method == "CONNECT":
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            await asyncio.gather(pump(reader, far_writer), pump(far_reader, writer))
        else:
            kept = {**fields, "connection": "close"}
            kept.pop(LOGIN, None)
            head = "".join(f"{name}: {value}\r\n" for name, value in kept.items())
            far_writer.write(f"{method} {target} HTTP/1.1\r\n{head}\r\n".encode())
            await pump(far_reader, writer)
            far_writer.close()


class TwoDoors:
    """A cloud that tells the headers it was sent, at an http and an https URL."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def start(self) -> None:
        """Serve at both."""
        authority = trustme.CA()
        authority.cert_pem.write_to_path(self._folder / "ca.pem")
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        authority.issue_cert("127.0.0.1").configure_cert(context)
        self._runner = web.ServerRunner(web.Server(headers), shutdown_timeout=0.1)
        await self._runner.setup()
        for ssl_context in (None, context):
            await web.TCPSite(self._runner, "127.0.0.1", 0, ssl_context=ssl_context).start()
        http, https = (address[1] for address in self._runner.addresses)
        self.urls = {"http": f"http://127.0.0.1:{http}", "https": f"https://127.0.0.1:{https}"}

    async def stop(self) -> None:
        """End all there is."""
        await self._runner.cleanup()


async def headers(request: web.BaseRequest) -> web.Response:
    return web.json_response({name.lower(): value for name, value in request.headers.items()})


async def request(reader: asyncio.StreamReader) -> tuple[str, str, dict[str, str]]:
    """Method, target and header fields of a request without a body."""
    line, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin1").strip().split("\r\n")
    method, target, _ = line.split(" ")
    fields: dict[str, str] = {}
    for name, _, value in (each.partition(": ") for each in lines):
        assert name.lower() not in fields, "each once"
        fields[name.lower()] = value
    return method, target, fields


def login_of(fields: dict[str, Any]) -> str | None:
    """`user:password` as RFC 7617 puts them into a header, in UTF-8; None without any."""
    scheme, _, value = fields.get(LOGIN, "").partition(" ")
    return base64.b64decode(value, validate=True).decode() if scheme == "Basic" else None


async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(1 << 16):
        writer.write(data)
    writer.close()
