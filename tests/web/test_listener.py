"""The listener alone: who comes in, who does not, and that nobody is lost while servers change."""

import asyncio
import contextlib
import os
import resource
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import structlog
from aiohttp import web

from frs_exporter.web.bind import bind
from frs_exporter.web.listener import Listener, Slots, slot_limits
from frs_exporter.web.middleware import Guard
from frs_exporter.web.peers import LOCAL, peer_of
from frs_exporter.web.server import HttpServer
from frs_exporter.web.slots import SlotLimits
from frs_exporter.web.tls import Tls
from frs_exporter.web.web_config import WebConfig, load_web_config
from tests.calls import counting
from tests.web.authority import keep, prepare, put
from tests.web.serving import trusting

GET = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"


async def answer(request: web.Request) -> web.StreamResponse:
    return web.Response(text=f"{request.scheme}\n")


async def never(_: web.Request) -> web.StreamResponse:
    await asyncio.Event().wait()
    raise AssertionError


async def http_server(slots: Slots | None = None) -> HttpServer:
    """Answers every request with its scheme, but at `/never`."""
    app = web.Application()
    app.router.add_get("/", answer)
    app.router.add_get("/never", never)
    server = HttpServer(app, Guard(WebConfig()), slots)
    await server.start()
    return server


@asynccontextmanager
async def listening(
    tls: Tls | None, limits: SlotLimits | None = None, peer: Callable[[str], str] = peer_of, **options: Any
) -> AsyncIterator[tuple[Listener, int]]:
    """A listener and its port."""
    server = await http_server(Slots(limits, peer))
    sockets = await bind(("127.0.0.1", 0))
    port = sockets[0].getsockname()[1]
    listener = Listener(server, sockets, server.slots, **options)
    await listener.secure(tls)
    try:
        yield listener, port
    finally:
        await listener.close()
        await server.stop()


def load(folder: Path) -> Tls:
    config = load_web_config(str(put(folder, "tls.good.yml")))
    assert config.tls
    return config.tls


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    prepare(tmp_path)
    return tmp_path


async def ask(port: int, context: ssl.SSLContext | None = None) -> str:
    """The scheme that a new connection has."""
    scheme = "https" if context else "http"
    connector = aiohttp.TCPConnector(ssl=context or True, force_close=True)
    async with (
        aiohttp.ClientSession(connector=connector) as session,
        session.get(f"{scheme}://127.0.0.1:{port}/") as response,
    ):
        return (await response.text()).strip()


async def ask_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Ask once more on a connection that is kept."""
    writer.write(GET.replace(b"close", b"keep-alive"))
    assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")
    await reader.readline()


async def hang_up(*writers: asyncio.StreamWriter) -> None:
    for writer in writers:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


async def is_closed(reader: asyncio.StreamReader) -> bool:
    async with asyncio.timeout(5):
        with contextlib.suppress(ConnectionError):
            return await reader.read() == b""
    return True


def by_address(host: str) -> str:
    """127.0.0.1 and so on are clients as any other here, but for 127.0.0.9."""
    return LOCAL if host == "127.0.0.9" else host


async def connect(
    port: int, host: str, path: str = "", **options: Any
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection from one of the addresses of loopback, on which a path may be asked for."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(host, 0), **options)
    if path:
        writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        await asyncio.sleep(0.02)
    return reader, writer


THREE = SlotLimits(total=3, per_peer=3, local_extra=1)


@pytest.mark.parametrize("secured", [False, True])
async def test_the_longest_idle_makes_room_at_once(folder: Path, secured: bool) -> None:
    """One that does not shake hands is idle like one that asks nothing."""
    tls = load(folder) if secured else None
    async with listening(tls, THREE) as (_, port):
        idle = []
        for _ in range(3):
            idle.append(await asyncio.open_connection("127.0.0.1", port))
            await asyncio.sleep(0.01)
        with structlog.testing.capture_logs() as logs:
            for reader, _ in idle:
                assert await ask(port, trusting(folder) if secured else None)
                await asyncio.sleep(0.05)  # until it is gone, as the next is one too many again
                more = await asyncio.open_connection("127.0.0.1", port)
                assert await is_closed(reader)
                idle.append(more)
                if len(idle) == 6:
                    break
        assert [entry["event"] for entry in logs] == ["idle connections closed"]
        await hang_up(*(writer for _, writer in idle))


async def test_half_a_hello_makes_room_for_a_whole_one(folder: Path) -> None:
    async with listening(load(folder), THREE) as (_, port):
        halves = [await asyncio.open_connection("127.0.0.1", port) for _ in range(3)]
        for _, writer in halves:
            writer.write(b"\x16\x03\x01\x02\x00\x01")
        await asyncio.sleep(0.05)
        async with asyncio.timeout(2):
            assert await ask(port, trusting(folder)) == "https"
        assert await is_closed(halves[0][0])
        await hang_up(*(writer for _, writer in halves))


async def test_those_that_are_at_work_stay_and_newcomers_are_closed_at_once() -> None:
    """But this machine's own come in."""
    async with listening(None, THREE, by_address) as (_, port):
        busy = [await connect(port, f"127.0.0.{number}", "/never") for number in (1, 2, 3)]
        with structlog.testing.capture_logs() as logs:
            over = [await connect(port, "127.0.0.4") for _ in range(5)]
            assert all([await is_closed(reader) for reader, _ in over])
        problem = "3 are open, or 3 of one client"
        assert logs == [{"event": "connections refused", "problem": problem, "log_level": "error"}]
        own = await connect(port, "127.0.0.9")
        await ask_on(*own)
        await hang_up(*(writer for _, writer in (*over, *busy, own)))
        await asyncio.sleep(0.1)
        assert await ask(port)


async def test_what_has_been_answered_is_idle_again_and_youngest() -> None:
    async with listening(None, THREE) as (_, port):
        first, second, third = [await connect(port, "127.0.0.1", "/") for _ in range(3)]
        await first[0].readuntil(b"http\n")
        await ask_on(*first)
        fourth = await connect(port, "127.0.0.1")
        await second[0].readuntil(b"http\n")
        assert await is_closed(second[0])
        await ask_on(*first)
        await hang_up(*(writer for _, writer in (first, second, third, fourth)))


async def test_one_client_has_its_share_and_no_more() -> None:
    """A crowd of one address makes room for itself alone; the others keep what they have."""
    async with listening(None, SlotLimits(total=8, per_peer=3), by_address) as (_, port):
        other = await connect(port, "127.0.0.2")
        await asyncio.sleep(0.02)
        crowd = [await connect(port, "127.0.0.1") for _ in range(20)]
        await asyncio.sleep(0.1)
        still_open = [not reader.at_eof() for reader, _ in crowd]
        assert sum(still_open) == 3
        await ask_on(*other)
        await hang_up(*(writer for _, writer in (*crowd, other)))


async def test_a_storm_of_connections_does_not_use_descriptors_up() -> None:
    """More at once than one turn of the loop accepts: those that have to go are gone before the next come."""
    async with listening(None, SlotLimits(total=20, per_peer=20)) as (_, port):
        clients = [socket.socket() for _ in range(400)]
        before = len(os.listdir("/proc/self/fd"))
        for client in clients:
            client.connect(("127.0.0.1", port))
        most = 0
        for _ in range(200):
            await asyncio.sleep(0)
            most = max(most, len(os.listdir("/proc/self/fd")) - before)
        assert 20 <= most <= 20 + 2 * 16
        assert await ask(port) == "http"
        for client in clients:
            client.close()


@pytest.mark.uncounted
async def test_a_connection_costs_no_more_after_many_that_are_closed() -> None:
    """They are forgotten at once, not when garbage is collected, which is seldom: a storm would feed on itself."""
    async with listening(None, THREE) as (_, port):
        clients = [socket.create_connection(("127.0.0.1", port)) for _ in range(3)]
        with counting() as calls:
            for number in range(300):
                clients.append(socket.create_connection(("127.0.0.1", port)))
                if number % 3 == 0:
                    clients.pop().close()  # the others have to make room
                await asyncio.sleep(0.001)
        for client in clients:
            client.close()
        looked = sum(number for (_, called), number in calls.items() if "fileno" in str(called))
        assert 300 < looked < 300 * 30
        assert await ask(port) == "http"


@pytest.mark.parametrize(
    ("descriptors", "total", "per_peer"), [(256, 128, 32), (1024, 512, 128), (8192, 512, 128), (64, 32, 8), (10, 8, 2)]
)
def test_connections_may_have_half_of_all_descriptors(descriptors: int, total: int, per_peer: int) -> None:
    usual = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors, usual[1]))
    try:
        limits = slot_limits()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, usual)
    assert (limits.total, limits.per_peer) == (total, per_peer)


async def test_who_says_nothing_or_hangs_up_before_the_handshake_is_let_go(folder: Path) -> None:
    async with listening(load(folder), handshake_timeout=0.2) as (_, port):
        _, gone = await asyncio.open_connection("127.0.0.1", port)
        gone.close()
        reader, silent = await asyncio.open_connection("127.0.0.1", port)
        assert await is_closed(reader)
        silent.close()
        assert await ask(port, trusting(folder)) == "https"


async def test_what_is_no_handshake_is_not_logged(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Scans, plain HTTP, and clients that do not believe the certificate come at any time."""
    async with listening(load(folder), handshake_timeout=0.2) as (_, port):
        with structlog.testing.capture_logs() as logs:
            for word in (b"", GET, b"\x16\x03\x01\x00\x02xx", bytes(range(256)), None):
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.write(word or b"")
                if word is None:
                    writer.transport.abort()
                else:
                    await is_closed(reader)
                await hang_up(writer)
            with pytest.raises(aiohttp.ClientError):
                await ask(port, ssl.create_default_context())
            assert await ask(port, trusting(folder)) == "https"
        assert not logs
        assert not caplog.records


async def test_nobody_is_lost_while_servers_change(folder: Path) -> None:
    """Connections come in every turn of the loop, and servers change in every other one."""
    tls, context = load(folder), trusting(folder)
    async with listening(tls) as (listener, port):
        changing = True

        async def change() -> None:
            while changing:
                await listener.secure(tls)
                await asyncio.sleep(0)

        task = asyncio.create_task(change())
        for _ in range(10):
            assert await asyncio.gather(*(ask(port, context) for _ in range(20))) == ["https"] * 20
        changing = False
        await task


async def test_a_connection_that_is_accepted_as_servers_change_is_served(folder: Path) -> None:
    """At any distance from it, in turns of the loop."""
    async with listening(None) as (listener, port):
        for turns in range(6):
            client = socket.create_connection(("127.0.0.1", port))
            client.sendall(GET)
            client.setblocking(False)
            for _ in range(turns):
                await asyncio.sleep(0)
            await listener.secure(None)
            async with asyncio.timeout(5):
                assert await asyncio.get_running_loop().sock_recv(client, 100)
            client.close()


async def test_kept_connections_live_on_and_new_ones_are_as_is_said(folder: Path) -> None:
    async with listening(load(folder)) as (listener, port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=trusting(folder))
        await ask_on(reader, writer)
        await listener.secure(None)
        assert await ask(port) == "http"
        await ask_on(reader, writer)
        with pytest.raises(aiohttp.ClientError):
            await ask(port, trusting(folder))
        keep(folder, "other.pem", "server.pem", "other.key", "server.key")
        await listener.secure(load(folder))
        await ask_on(reader, writer)
        with pytest.raises(aiohttp.ClientError):
            await ask(port)
        await hang_up(writer)


@contextlib.contextmanager
def no_descriptors() -> Iterator[None]:
    """Nothing more can be opened."""
    usual = resource.getrlimit(resource.RLIMIT_NOFILE)
    free = os.dup(0)
    os.close(free)
    resource.setrlimit(resource.RLIMIT_NOFILE, (free, usual[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, usual)


async def test_without_descriptors_connections_wait_and_it_is_logged_once(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    tls, loop = load(folder), asyncio.get_running_loop()
    async with listening(None) as (listener, port):
        await ask(port)
        clients = [socket.socket() for _ in range(5)]
        with structlog.testing.capture_logs() as logs, no_descriptors():
            for client in clients:
                client.setblocking(False)
                await loop.sock_connect(client, ("127.0.0.1", port))
                client.sendall(GET)
            used = os.times()
            await asyncio.sleep(0.1)
            await listener.secure(tls)  # in the middle of a pause
            await listener.secure(None)
            await asyncio.sleep(2.5)
            assert sum(os.times()[:2]) - sum(used[:2]) < 0.5
        async with asyncio.timeout(5):
            for client in clients:
                assert await loop.sock_recv(client, 100)
                client.close()
        assert logs == [{"event": "cannot accept connections", "problem": "Too many open files", "log_level": "error"}]
        assert not caplog.records
        await listener.secure(tls)
        await asyncio.sleep(1.2)  # the end of the pause does not bring back what was before
        assert await ask(port, trusting(folder)) == "https"


@pytest.mark.parametrize("family", [socket.AF_INET6, socket.AF_UNIX])
async def test_sockets_of_other_families(tmp_path: Path, family: socket.AddressFamily) -> None:
    """systemd hands over whatever a unit names."""
    sock = socket.socket(family)
    sock.bind(("::1", 0) if family is socket.AF_INET6 else str(tmp_path / "socket"))
    sock.listen()
    address = sock.getsockname()
    server = await http_server()
    listener = Listener(server, [sock], server.slots)
    for _ in range(2):
        await listener.secure(None)
        with socket.socket(family) as client:
            client.setblocking(False)
            await asyncio.get_running_loop().sock_connect(client, address)
            client.sendall(GET)
            assert (await asyncio.get_running_loop().sock_recv(client, 100)).startswith(b"HTTP/1.1 200")
    await listener.close()
    await server.stop()


async def test_who_is_in_stays_when_it_is_closed() -> None:
    server, (sock,) = await http_server(), await bind(("127.0.0.1", 0))
    port, listener = sock.getsockname()[1], Listener(server, [sock], server.slots)
    await listener.secure(None)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    await ask_on(reader, writer)
    await listener.close()
    with pytest.raises(OSError, match=r"refused|failed"):
        await asyncio.open_connection("127.0.0.1", port)
    await ask_on(reader, writer)
    await hang_up(writer)
    await server.stop()
