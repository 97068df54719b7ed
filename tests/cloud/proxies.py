"""Forward proxies on loopback that write down who asked them for what, and a cloud behind, with and without TLS."""

import asyncio
import base64
import ssl
from collections.abc import Awaitable, Callable
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import trustme
from aiohttp import web

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
LOGIN = "proxy-authorization"


ANY = "*"
"""Stands for every login."""


class ForwardProxy:
    """Passes on what it is asked for, or does what it is told instead; each request's method and login is kept.

    With a `login` it wants that one; with `refusal`, a status of its own, it goes nowhere, and with `port` always to
    that one of this machine.
    """

    def __init__(
        self, instead: Serve | None = None, *, login: str | None = None, refusal: int = 0, port: int | None = None
    ) -> None:
        self.asked: list[tuple[str, str | None]] = []
        self.connections = 0
        self.login = login
        self.refusal = refusal
        self.port = port
        self._instead = instead
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self, tls: ssl.SSLContext | None = None) -> None:
        """Listen on a port of its own."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=tls)
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

    async def connect(self, host: str, port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A connection to where it leads; raises OSError."""
        return await asyncio.open_connection(*((host, port) if self.port is None else ("127.0.0.1", self.port)))

    def lets_in(self, login: str | None) -> bool:
        """Whether this is the login that it wants."""
        return self.login is None or (login is not None and self.login in (ANY, login))

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        method, target, fields = await request(reader)
        self.asked.append((method, login_of(fields)))
        if refusal := self.refusal if self.lets_in(login_of(fields)) else 407:
            writer.write(f"HTTP/1.1 {refusal} No\r\nContent-Length: 0\r\n\r\n".encode())
            return
        authority, _, path = target.removeprefix("http://").partition("/")
        host, _, port = authority.partition(":")
        far_reader, far_writer = await self.connect(host, int(port or 80))
        if method == "CONNECT":
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            try:
                await asyncio.gather(pump(reader, far_writer), pump(far_reader, writer))
            finally:
                far_writer.close()
        else:
            kept = {**fields, "connection": "close"}
            kept.pop(LOGIN, None)
            head = "".join(f"{name}: {value}\r\n" for name, value in kept.items())
            far_writer.write(f"{method} /{path} HTTP/1.1\r\n{head}\r\n".encode())
            await pump(far_reader, writer)
            far_writer.close()


class SocksProxy(ForwardProxy):
    """The same in SOCKS5 (RFC 1928, 1929); a refusal is a reply, and `targets` are what it was asked for, as it came.

    Answers come byte by byte.
    """

    def __init__(self, instead: Serve | None = None, **options: Any) -> None:
        super().__init__(instead, **options)
        self.targets: list[tuple[int, str]] = []

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        version, count = await reader.readexactly(2)
        wanted = 0 if self.login is None else 2
        offered = wanted in await reader.readexactly(count)
        await say(writer, bytes([5, wanted if offered else 0xFF]))
        if not offered:
            self.asked.append(("CONNECT", None))
            return
        login = await self._login_of(reader) if wanted else None
        self.asked.append(("CONNECT", login))
        if wanted:
            await say(writer, bytes([1, int(not self.lets_in(login))]))
            if not self.lets_in(login):
                return
        _, command, _, kind = await reader.readexactly(4)
        host = await target(reader, kind)
        port = int.from_bytes(await reader.readexactly(2), "big")
        assert (version, command) == (5, 1)
        self.targets.append((kind, host))
        reply = self.refusal
        if not reply:
            try:
                far_reader, far_writer = await self.connect(host, port)
            except OSError:
                reply = 5
        # A name for its own address, as some have.
        await say(writer, bytes([5, reply, 0, 3, 3]) + b"abc\0\0")
        if not reply:
            try:
                await asyncio.gather(pump(reader, far_writer), pump(far_reader, writer))
            finally:
                far_writer.close()

    async def _login_of(self, reader: asyncio.StreamReader) -> str:
        assert await reader.readexactly(1) == b"\x01"
        user = await reader.readexactly((await reader.readexactly(1))[0])
        password = await reader.readexactly((await reader.readexactly(1))[0])
        return f"{user.decode()}:{password.decode()}"


async def say(writer: asyncio.StreamWriter, answer: bytes) -> None:
    """Send an answer in pieces."""
    for byte in answer:
        writer.write(bytes([byte]))
        await writer.drain()
        await asyncio.sleep(0)


async def target(reader: asyncio.StreamReader, kind: int) -> str:
    """The address or name that a client of a SOCKS5 proxy asks for."""
    if kind == 3:
        return (await reader.readexactly((await reader.readexactly(1))[0])).decode("ascii")
    return str(ip_address(await reader.readexactly({1: 4, 4: 16}[kind])))


class TwoDoors:
    """A cloud that tells the headers it was sent, at an http and an https URL."""

    def __init__(self, folder: Path, name: str = "127.0.0.1") -> None:
        self._folder = folder
        self._name = name

    async def __aenter__(self) -> "TwoDoors":
        authority = trustme.CA()
        authority.cert_pem.write_to_path(self._folder / "ca.pem")
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        authority.issue_cert(self._name).configure_cert(context)
        self._runner = web.ServerRunner(web.Server(headers), shutdown_timeout=0.1)
        await self._runner.setup()
        for ssl_context in (None, context):
            await web.TCPSite(self._runner, "127.0.0.1", 0, ssl_context=ssl_context).start()
        http, https = (address[1] for address in self._runner.addresses)
        self.urls = {"http": f"http://127.0.0.1:{http}", "https": f"https://127.0.0.1:{https}"}
        return self

    async def __aexit__(self, *_: object) -> None:
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
