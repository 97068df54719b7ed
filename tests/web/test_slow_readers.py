"""Whoever reads slowly, or not at all: answers are shared, of bounded size and age, and nobody else waits."""

import asyncio
import gc
import gzip
import itertools
import json
import socket
import time
import tracemalloc
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from statistics import median

import pytest
from aiohttp import ClientSession

from frs_exporter.config.load import Config
from frs_exporter.core.errors import ConfigError
from frs_exporter.core.model import Api, Limit
from frs_exporter.exposition.telemetry import Telemetry
from frs_exporter.polling.exporter import Exporter
from frs_exporter.web.app import build_app
from frs_exporter.web.bind import bind
from frs_exporter.web.listener import Listener, Slots
from frs_exporter.web.middleware import Guard
from frs_exporter.web.renderings import RenderingLimits, Renderings
from frs_exporter.web.server import HttpServer
from frs_exporter.web.slots import SlotLimits
from frs_exporter.web.web_config import WebConfig
from frs_simulator import Account, Project
from tests.conftest import target_of
from tests.polling.living import Given
from tests.web.serving import fill

PROJECTS = 700
READERS = 60
OPENMETRICS = "Accept: application/openmetrics-text\r\n"
GZIP = "Accept-Encoding: gzip\r\n"
OVERHEAD = 96 << 10
"""Bytes that a connection costs, with what waits in it to be read."""


@dataclass(frozen=True, slots=True)
class Fleet:
    """A large exporter that is served."""

    exporter: Exporter
    source: Given
    renderings: Renderings
    port: int
    session: ClientSession
    stack: AsyncExitStack

    def reader(self, path: str, headers: str = "", method: str = "GET", host: str = "127.0.0.1") -> socket.socket:
        """Asks, and has room for next to nothing."""
        sock = self.stack.enter_context(socket.socket())
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        sock.bind((host, 0))
        sock.connect(("127.0.0.1", self.port))
        sock.sendall(f"{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{headers}\r\n".encode())
        sock.setblocking(False)
        return sock

    async def get(self, path: str, encoding: str = "identity") -> bytes:
        async with self.session.get(path, headers={"Accept-Encoding": encoding}) as response:
            assert response.status == 200
            return await response.read()

    async def healthy(self) -> float:
        """Seconds until `/-/healthy` has answered."""
        begun = time.perf_counter()
        assert await self.get("/-/healthy") == b"healthy\n"
        return time.perf_counter() - begun


def fleet_config() -> Config:
    """Projects that are asked about once a day, at an address where nobody is."""
    owner = Account("fleet", "ak_sk", [Project(f"fleet-{i:04}", "cn-north-4", None) for i in range(PROJECTS)])
    where = {"poll_interval": 86400.0, "labels": (("team", "vision"),)}
    targets = tuple(target_of(owner, project, "http://127.0.0.1:9", **where) for project in owner.projects)
    return Config(targets, dict.fromkeys(Api, Limit()))


@asynccontextmanager
async def fleet(limits: RenderingLimits | None = None, slots: Slots | None = None) -> AsyncIterator[Fleet]:
    """Started, and stopped at the end."""
    source, renderings = Given(), Renderings(limits)
    exporter = Exporter(source, fleet_config(), Telemetry())
    server = HttpServer(build_app(exporter, renderings=renderings), Guard(WebConfig()), slots)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(exporter.stop)
        await server.start()
        stack.push_async_callback(server.stop)
        sockets = await bind(("127.0.0.1", 0))
        port = sockets[0].getsockname()[1]
        listener = Listener(server, sockets, server.slots)
        stack.push_async_callback(listener.close)
        await listener.secure(None)
        await exporter.start()
        fill(exporter)
        session = ClientSession(f"http://127.0.0.1:{port}", auto_decompress=False)
        await stack.enter_async_context(session)
        yield Fleet(exporter, source, renderings, port, session, stack)


async def read_on(sock: socket.socket, pause: float = 0.0) -> bytes:
    """The body that is still to come, its chunks put together; raises ConnectionError."""
    parts = list[bytes]()
    async with asyncio.timeout(20):
        while part := await asyncio.get_running_loop().sock_recv(sock, 1 << 16):
            parts.append(part)
            await asyncio.sleep(pause)
    body, rest = b"", b"".join(parts).partition(b"\r\n\r\n")[2]
    while rest:
        size, _, rest = rest.partition(b"\r\n")
        if not int(size, 16):
            return body
        body, rest = body + rest[: int(size, 16)], rest[int(size, 16) + 2 :]
    raise ConnectionResetError


async def is_cut(sock: socket.socket) -> bool:
    """Whether the answer ends before its end."""
    try:
        await read_on(sock)
    except ConnectionError:
        return True
    return False


def close(*socks: socket.socket) -> None:
    for sock in socks:
        sock.close()


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/", ""),
        ("/?all=1", ""),
        ("/?all=1", GZIP),
        ("/?all=1&lang=zh", ""),
        ("/api/v1/status", ""),
        ("/sd", ""),
        ("/metrics", ""),
        ("/metrics", OPENMETRICS),
        ("/metrics", GZIP),
        ("/metrics?name[]=frs_up&name[]=frs_subscribed&name[]=frs_project_info", ""),
    ],
)
async def test_who_does_not_read_costs_a_connection_and_no_copy(path: str, headers: str) -> None:
    """What is left afterwards is next to nothing."""
    async with fleet() as served:
        tracemalloc.start()
        try:
            whole = len(await served.get(path, "gzip" if headers == GZIP else "identity"))
            before = tracemalloc.get_traced_memory()[0]
            readers = [served.reader(path, headers) for _ in range(READERS)]
            times, end = list[float](), time.perf_counter() + 1.5
            while time.perf_counter() < end:
                times.append(await served.healthy())
                await asyncio.sleep(0.02)
            copies = (tracemalloc.get_traced_memory()[0] - before - READERS * OVERHEAD) / whole
            close(*readers)
            for _ in range(20):  # until the server has seen it of all of them
                await asyncio.sleep(0.2)
                gc.collect()
                if (after := tracemalloc.get_traced_memory()[0] - before) < 2 * whole + (1 << 20):
                    break
        finally:
            tracemalloc.stop()
        assert copies < 5
        assert served.renderings.begun <= 5
        assert median(times) < 0.5
        assert max(times) < 3.0  # where this machine does much else at the same time
        assert after < 2 * whole + (1 << 20)
        assert served.renderings.size == 0


def is_rendering() -> bool:
    """Whether an answer is still made, which whoever comes meanwhile gets, too."""
    return any(task.get_name().startswith("render ") for task in asyncio.all_tasks())


async def test_all_who_come_meanwhile_get_the_same_and_who_comes_later_what_is_new_then() -> None:
    async with fleet() as served:
        for path in ("/api/v1/status", "/metrics"):
            before = served.renderings.begun
            bodies = await asyncio.gather(*(served.get(path, encoding) for encoding in 20 * ("identity", "gzip")))
            assert served.renderings.begun - before == 2
            assert len({gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body for body in bodies}) <= 2
            assert len(set(bodies)) == 2
        before = served.renderings.begun
        slow = served.reader("/api/v1/status")
        async with asyncio.timeout(60):
            while served.renderings.begun == before or is_rendering():  # noqa: ASYNC110  # across a socket
                await asyncio.sleep(0.02)
        served.source.loads.append(Config(fleet_config().targets[:1], dict.fromkeys(Api, Limit())))
        await served.exporter.reload()
        assert len(json.loads(await served.get("/api/v1/status"))["projects"]) == 1
        assert len(json.loads(await read_on(slow))["projects"]) == PROJECTS


async def test_many_different_answers_are_of_bounded_size() -> None:
    """The slowest have to go, and whoever comes is served."""
    limit = 1 << 20
    async with fleet(RenderingLimits(size=limit, stalled=0.1)) as served:
        whole = len(await served.get("/api/v1/status"))
        sizes, readers = [], list[socket.socket]()
        for text, lang in itertools.product(("fleet", "cn-north-4", "visio", "fleet-0"), ("en", "zh")):
            readers.append(served.reader(f"/api/v1/status?q={text}&lang={lang}"))
            async with asyncio.timeout(10):
                while served.renderings.begun <= len(readers):  # it is across a socket
                    sizes.append(served.renderings.size)
                    await asyncio.sleep(0.02)
        assert max(sizes) < limit + 2 * whole
        assert len(await served.get("/?all=1")) > limit // 2
        cut = await asyncio.gather(*map(is_cut, readers))
        assert cut[0]
        assert cut.count(False) <= 2 + limit // whole


async def test_a_slow_reader_gets_all_of_it_while_nobody_wants_its_room() -> None:
    async with fleet() as served:
        slow, fast = (served.reader("/api/v1/status") for _ in range(2))
        body = await read_on(fast)
        assert len(json.loads(body)["projects"]) == PROJECTS
        assert await read_on(slow, pause=0.005) == body


async def test_readers_that_stand_still_make_room_for_others() -> None:
    """All places are taken by clients that read nothing: a new one comes in."""

    def by_address(host: str) -> str:
        return host

    slots = Slots(SlotLimits(total=6, per_peer=3, local_extra=0), by_address)
    async with fleet(slots=slots) as served:
        for number in range(6):
            served.reader("/?all=1", host=f"127.0.0.{2 + number // 3}")
        await asyncio.sleep(0.3)
        at_once = served.reader("/-/healthy", host="127.0.0.9")
        assert await is_cut(at_once)  # they may have begun to read
        await asyncio.sleep(1.2)
        later = served.reader("/-/healthy", host="127.0.0.9")
        async with asyncio.timeout(5):
            assert b"healthy" in await asyncio.get_running_loop().sock_recv(later, 1000)


async def test_problems_of_a_config_are_told_to_many_and_held_once() -> None:
    async with fleet() as served:
        problems = [f"config.yaml, line {number}: there is no such thing" + 50 * " here" for number in range(3000)]
        served.source.loads += [ConfigError(problems)] * 2
        served.source.answers.clear()
        tracemalloc.start()
        readers = [served.reader("/-/reload", "Content-Length: 0\r\n", "POST") for _ in range(READERS)]
        await asyncio.sleep(0.5)
        before = tracemalloc.get_traced_memory()[0]
        served.source.answers.set()
        await asyncio.sleep(2)
        copies = (tracemalloc.get_traced_memory()[0] - before - READERS * OVERHEAD) / sum(map(len, problems))
        tracemalloc.stop()
        assert copies < 5
        assert (await read_on(readers[0])).decode().splitlines() == problems
