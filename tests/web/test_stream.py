"""Where a streamed answer ends, for clients that know no chunks."""

import asyncio
import gzip
import itertools
import subprocess
from collections.abc import AsyncIterator

import pytest

from frs_simulator import Simulator, demo_world
from tests.e2e.conftest import tool
from tests.web.serving import Served, serving

STREAMED = ("/metrics", "/", "/sd", "/api/v1/status", "/probe?project=vision-prod")
WHOLE = ("/-/healthy", "/-/ready", "/elsewhere", "/probe")


@pytest.fixture
async def served() -> AsyncIterator[Served]:
    async with Simulator(demo_world()) as simulator, serving(simulator) as started:
        await started.ready()
        yield started


async def answered(served: Served, request: str, *headers: str) -> tuple[str, bytes]:
    """The head and the body of an answer on a connection of its own, which must end."""
    reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
    writer.write("\r\n".join((request, *headers, "", "")).encode())
    try:
        async with asyncio.timeout(10):
            head, _, body = (await reader.read()).partition(b"\r\n\r\n")
    finally:
        writer.close()
    return head.decode(), body


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("kept", [(), ("Connection: keep-alive",)], ids=["close", "keep-alive"])
async def test_without_chunks_the_end_of_the_connection_is_the_end_of_the_answer(
    served: Served, kept: tuple[str, ...], method: str
) -> None:
    for path, encoding in itertools.product(STREAMED, ("identity", "gzip")):
        head, body = await answered(served, f"{method} {path} HTTP/1.0", f"Accept-Encoding: {encoding}", *kept)
        status, *headers = head.lower().split("\r\n")
        assert status == "http/1.0 200 ok"
        framing = ("connection:", "transfer-encoding:", "content-length:")
        assert not [line for line in headers if line.startswith(framing)]
        assert ("content-encoding: gzip" in headers) == (encoding == "gzip")
        if method == "HEAD":
            assert body == b""
        else:
            plain = gzip.decompress(body) if encoding == "gzip" else body
            assert b"vision-prod" in plain
            assert plain.endswith((b"\n", b"</html>"))


async def test_without_chunks_an_answer_of_known_length_keeps_the_connection(served: Served) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
    async with asyncio.timeout(10):
        for path in (*WHOLE, *WHOLE):
            writer.write(f"GET {path} HTTP/1.0\r\nConnection: keep-alive\r\n\r\n".encode())
            head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
            assert "\r\nconnection: keep-alive\r\n" in head
            await reader.readexactly(int(head.partition("content-length: ")[2].split()[0]))
    writer.close()


async def test_with_chunks_the_connection_is_kept(served: Served) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
    async with asyncio.timeout(10):
        for path in (*STREAMED, *STREAMED):
            writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
            assert "\r\ntransfer-encoding: chunked\r\n" in head
            while size := int(await reader.readline(), 16):
                await reader.readexactly(size + 2)
            await reader.readline()
    writer.close()


@pytest.mark.programs
async def test_curl_sees_the_end(served: Served) -> None:
    kept = ("--http1.0", "--header", "Connection: keep-alive", "--max-time", "10")
    for path, flags in itertools.product(STREAMED, ((), ("--compressed",), ("--head",))):
        command = [tool("curl"), "--silent", "--show-error", *kept, *flags, f"{served.url}{path}"]
        run = await asyncio.to_thread(subprocess.run, command, capture_output=True, timeout=30, check=False)
        assert (run.returncode, run.stderr) == (0, b"")
        assert (b"HTTP/1.0 200 OK" if "--head" in flags else b"vision-prod") in run.stdout
