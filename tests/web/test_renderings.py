"""Renderings alone: who shares one, who waits, and what ends."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from aiohttp import ClientPayloadError, ClientSession, web
from aiohttp.test_utils import BaseTestServer, TestServer

from frs_exporter.exposition.coding import IDENTITY, Coder
from frs_exporter.web.rendering import PIECE, Blocks, Piece, Reader, Rendering
from frs_exporter.web.renderings import RenderingLimits, Renderings, Subject, slowest_of
from frs_exporter.web.stream import ReadingTimes, in_turns, stream
from tests.garbage import only_by_hand

TIMES = ReadingTimes(idle=0.5, total=2.0)


@asynccontextmanager
async def serving(
    blocks: Callable[[], Blocks], limits: RenderingLimits | None = None
) -> AsyncIterator[tuple[BaseTestServer, Renderings]]:
    """Answers `/KIND?VARIANT` with the blocks."""
    renderings = Renderings(limits)

    async def page(request: web.Request) -> web.StreamResponse:
        subject = Subject(request.path, request.query_string)
        return await stream(request, renderings, subject, blocks, {}, times=TIMES)

    app = web.Application()
    app.router.add_get("/{kind}", page)
    async with TestServer(app) as server:
        yield server, renderings


async def get(server: BaseTestServer, path: str) -> tuple[int, str, bytes]:
    async with ClientSession() as session, session.get(server.make_url(path)) as response:
        return response.status, response.headers.get("Retry-After", ""), await response.read()


async def large() -> Blocks:
    async for block in in_turns(200 * [bytes(1 << 16)]):  # more than the kernel keeps for a client
        yield block


async def endless() -> Blocks:
    while True:
        yield b"x"
        await asyncio.sleep(0.01)


async def broken() -> Blocks:
    yield bytes(2 * PIECE)
    await asyncio.sleep(0.1)
    raise RuntimeError("a bug")


async def read(reader: Reader) -> list[Piece]:
    return [piece async for piece in reader]


@pytest.mark.parametrize("sizes", [[], [0], [1], [PIECE], [PIECE - 1, 1], [PIECE, 1], [1, 2 * PIECE, 5], 999 * [100]])
async def test_all_of_it_comes_in_pieces_of_some_size(sizes: list[int]) -> None:
    blocks = [bytes([number % 251]) * size for number, size in enumerate(sizes)]
    rendering = Rendering()
    readers = [Reader(rendering, print) for _ in range(2)]
    early = asyncio.create_task(read(readers[0]))
    await rendering.make(lambda: in_turns(blocks), Coder(IDENTITY))
    for pieces in (await early, await read(readers[1])):
        assert b"".join(pieces) == b"".join(blocks)
        assert all(0 < len(piece) <= PIECE for piece in pieces)
    assert rendering.size == sum(sizes)


async def test_what_all_have_read_is_let_go_of() -> None:
    rendering = Rendering()
    slow, fast = (Reader(rendering, print) for _ in range(2))
    await rendering.make(lambda: in_turns([bytes(100_000 * 10)]), Coder(IDENTITY))
    first = await anext(aiter(fast))
    await read(fast)
    assert await anext(aiter(slow)) is first


async def test_a_chain_of_any_length_is_let_go_of() -> None:
    rendering = Rendering()
    reader = Reader(rendering, print)
    await rendering.make(lambda: in_turns([bytes(PIECE) for _ in range(5000)]), Coder(IDENTITY))
    del reader
    rendering.readers.clear()


async def test_a_client_that_stops_reading_is_dropped_and_one_that_reads_on_is_not() -> None:
    """The connection ends, and with it what was still to be read."""
    async with serving(large) as (server, renderings):
        with socket.socket() as still:
            still.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            still.connect(("127.0.0.1", server.port))
            still.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
            reader, writer = await asyncio.open_connection("127.0.0.1", server.port, limit=4096)
            writer.write(b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            size = 0
            async with asyncio.timeout(10):
                while part := await reader.read(1 << 18):
                    size += len(part)
                    await asyncio.sleep(0.015)  # longer in all than it may stand still
            assert size > 200 << 16
            assert renderings.begun == 1
            assert await asyncio.to_thread(is_cut, still)
            assert renderings.size == 0
            writer.close()


def is_cut(reader: socket.socket) -> bool:
    """Whether the connection ends before the answer does."""
    reader.settimeout(3)
    data = b""
    try:
        while part := reader.recv(1 << 20):
            data = data[-5:] + part
    except ConnectionResetError:
        return True
    except TimeoutError:
        return False
    return not data.endswith(b"0\r\n\r\n")


async def test_who_waits_too_long_for_others_of_its_kind_is_told_to_come_again() -> None:
    """Other kinds go on, and so do those who want what is being made."""
    async with serving(endless, RenderingLimits(turn=0.2)) as (server, renderings):
        async with ClientSession() as session, session.get(server.make_url("/status?a")) as response:
            assert response.status == 200
            status, retry_after, body = await get(server, "/status?b")
            assert (status, retry_after, body[:4]) == (503, "10", b"too ")
            async with session.get(server.make_url("/metrics")) as other, session.get(response.url) as same:
                assert other.status == same.status == 200
            assert renderings.begun == 2
        async with asyncio.timeout(5):
            while renderings.size:  # noqa: ASYNC110  # it is across a socket
                await asyncio.sleep(0.02)


async def test_what_nobody_reads_any_more_is_not_made_to_its_end() -> None:
    ended = asyncio.Event()

    async def watched() -> Blocks:
        try:
            while True:
                yield bytes(PIECE)
                await asyncio.sleep(0.01)
        finally:
            ended.set()

    async with serving(watched) as (server, _), ClientSession() as session:
        first = await session.get(server.make_url("/x"))
        second = await session.get(server.make_url("/x"))
        first.close()
        await asyncio.sleep(0.1)
        assert not ended.is_set()
        second.close()
        async with asyncio.timeout(5):
            await ended.wait()


async def test_a_bug_ends_the_answer_for_all_and_the_next_is_made_anew(caplog: pytest.LogCaptureFixture) -> None:
    async with serving(broken) as (server, renderings):
        results = await asyncio.gather(*(get(server, "/x") for _ in range(3)), return_exceptions=True)
        assert [type(result) for result in results] == 3 * [ClientPayloadError]
        assert renderings.begun == 1
        with pytest.raises(ClientPayloadError):
            await get(server, "/x")
        assert renderings.begun == 2
    assert "a bug" in caplog.text


async def test_the_one_that_gets_on_least_goes_and_none_that_is_made() -> None:
    made = []
    for progress in (5.0, 3.0, 4.0):
        made.append(Rendering())
        await made[-1].make(lambda: in_turns([b"x"]), Coder(IDENTITY))
        made[-1].last_progress = progress
    under_way = Rendering()
    under_way.last_progress = 1.0
    assert slowest_of([*made, under_way]) is made[1]
    assert slowest_of([under_way]) is None


async def test_an_end_that_fails_when_nobody_reads_any_more_is_let_go_of() -> None:
    """The error holds frames that hold the rendering, which holds it no more."""

    async def failing() -> Blocks:
        try:
            yield bytes(2 * PIECE)
            await asyncio.Event().wait()
        finally:
            raise RuntimeError("a bug")

    with only_by_hand() as found:
        rendering = Rendering()
        rendering.task = asyncio.create_task(rendering.make(failing, Coder(IDENTITY)))
        reader = Reader(rendering, list)
        await anext(reader)
        rendering.remove(reader)
        del rendering, reader
        await asyncio.sleep(0.01)
        assert "frs_exporter.web.rendering.Rendering" not in found()
