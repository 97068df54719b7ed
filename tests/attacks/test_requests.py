"""Defends our port against strangers: smuggled, pipelined, oversized and endless requests, odd targets and hosts."""

import asyncio
import contextlib
import gzip
import json
import re
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import structlog
from aiohttp import web

from frs_exporter.web.bind import bind
from frs_exporter.web.layout import Layout
from frs_exporter.web.listener import Listener
from frs_exporter.web.middleware import Guard
from frs_exporter.web.renderings import Renderings, Subject
from frs_exporter.web.server import HttpServer
from frs_exporter.web.stream import in_turns, stream
from frs_exporter.web.web_config import WebConfig
from frs_simulator import Simulator, demo_world
from tests.attacks.hostile import hostile
from tests.web.serving import Served, serving
from tests.web.test_guard import login, said, users

CLOSE = b"Connection: close"
SMUGGLED = b"POST /-/reload HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
"""What would show as a second answer where a body, or a line, is taken for a request of its own."""
END = b"0\r\n\r\n"


def request(*fields: bytes, method: bytes = b"GET", target: bytes = b"/-/healthy", host: bytes = b"x") -> bytes:
    """A request without a body."""
    return b"\r\n".join([method + b" " + target + b" HTTP/1.1", b"Host: " + host, *fields, b"", b""])


def post(*fields: bytes, body: bytes = b"") -> bytes:
    """A request that nothing is found for, with a body or what may be taken for one."""
    return request(*fields, method=b"POST", target=b"/nowhere") + body + SMUGGLED


def chunked(body: bytes) -> bytes:
    return post(b"Transfer-Encoding: chunked", body=body)


@asynccontextmanager
async def connected(port: int) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A connection that ends with a reset."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield reader, writer
    finally:
        writer.transport.abort()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


async def statuses(port: int, sent: bytes, timeout: float = 10.0) -> list[int]:
    """The status of each answer, up to the end of the connection, which has to come."""
    told = bytearray()
    async with connected(port) as (reader, writer), asyncio.timeout(timeout):
        writer.write(sent)
        with contextlib.suppress(ConnectionError):  # the rest of a flood may be answered with a reset
            while data := await reader.read(1 << 16):
                told += data
    return [int(status) for status in re.findall(rb"HTTP/\d\.\d (\d{3}) ", told)]


async def all_statuses(port: int, table: Mapping[str, bytes]) -> dict[str, list[int]]:
    """The same for each row of a table, a few at once."""
    told: dict[str, list[int]] = {}
    names = list(table)
    for first in range(0, len(names), 20):
        some = names[first : first + 20]
        told.update(zip(some, await asyncio.gather(*(statuses(port, table[name]) for name in some)), strict=True))
    return told


@pytest.fixture
async def served(caplog: pytest.LogCaptureFixture) -> AsyncIterator[Served]:
    """A server that is as well afterwards as it was before, and has not said a word in between."""
    async with Simulator(demo_world(1)) as simulator, serving(simulator, lifecycle=False) as started:
        await started.ready()
        with structlog.testing.capture_logs() as logs:
            yield started
            assert (await started.get("/-/healthy"))[::2] == (200, b"healthy\n")
            assert b"\nfrs_up{" in (await started.get("/metrics"))[2]
        assert [entry for entry in logs if entry["log_level"] in ("warning", "error")] == []
        assert not caplog.records


TWO_WAYS_TO_READ = {
    "a length and chunks": post(b"Content-Length: 4", b"Transfer-Encoding: chunked", body=END),
    "chunks and a length": post(b"Transfer-Encoding: chunked", b"Content-Length: 4", body=END),
    "two lengths": post(b"Content-Length: 0", b"Content-Length: 36"),
    "one length twice": post(b"Content-Length: 0", b"Content-Length: 0"),
    **{
        f"a length of {value!r}": post(b"Content-Length: " + value)
        for value in (
            b"+0",
            b"-0",
            b"-1",
            b"0, 0",
            b"0 0",
            b"0x0",
            b"0_0",
            b"1e1",
            b"",
            b"\xd9\xa0",
            b"0\x0b",
            b"9" * 20,
        )
    },
    **{
        f"a coding of {value!r}": post(b"Transfer-Encoding: " + value, body=END)
        for value in (
            *(b"xchunked", b"chunked, identity", b"identity", b"chunked, chunked", b"", b"chun\tked"),
            *(b"\x0bchunked", b"chunked\x0b", b'"chunked"', b"\r\n chunked"),
        )
    },
    "two codings": post(b"Transfer-Encoding: chunked", b"Transfer-Encoding: identity", body=END),
    "a space before a colon": post(b"Transfer-Encoding : chunked", body=END),
    "chunks in HTTP/1.0": chunked(END).replace(b"/nowhere HTTP/1.1", b"/nowhere HTTP/1.0"),
    "a field behind a CR": post(b"X: a\rTransfer-Encoding: chunked", body=END),
    "a field behind an LF": post(b"X: a\nTransfer-Encoding: chunked", body=END),
    **{
        f"a chunk {body[:20]!r}": chunked(body)
        for body in (
            *(b"0\n\n", b"0\r\n\n", b"0x0\r\n\r\n", b"-0\r\n\r\n", b"+0\r\n\r\n", b" 0\r\n\r\n", b"0 \r\n\r\n"),
            *(b"\r\n0\r\n\r\n", b"5\r\nhello0\r\n\r\n", b"5\r\nhelloXX0\r\n\r\n", b"f" * 17 + b"\r\n"),
            *(b'0;a="b\r\n\r\n', b"0;a\nb\r\n\r\n", b"5;\r\nhello\r\n0\r\n\r\n"),
            *(b"0\r\nContent-Length: 5\r\n\r\n", b"0\r\nHost: y\r\n\r\n"),
        )
    },
    "more after the last request": request(CLOSE) + SMUGGLED,
}


async def test_what_may_be_read_in_two_ways_is_refused_and_nothing_more_is_read(served: Served) -> None:
    told = await all_statuses(served.port, TWO_WAYS_TO_READ)
    assert told == {key: [400] for key in TWO_WAYS_TO_READ}


ONE_WAY_TO_READ = {
    "a length": post(b"Content-Length: 5", body=b"hello"),
    "a length of zeros": post(b"Content-Length: 00"),
    "a request in a body": post(b"Content-Length: %d" % len(SMUGGLED), body=SMUGGLED),
    "a request in a chunk": chunked(b"%x\r\n%b\r\n" % (len(SMUGGLED), SMUGGLED) + END),
    "chunks": chunked(b"5\r\nhello\r\n" + END),
    "capital letters": post(b"TRANSFER-ENCODING: CHUNKED", body=END),
    "an extension of a chunk": chunked(b"0;a=b\r\n\r\n"),
    "a long extension": chunked(b"0;" + b"a" * 100_000 + b"\r\n\r\n"),
    "empty lines first": b"\r\n\r\n" + post(b"Content-Length: 0"),
}


async def test_a_body_is_no_request_and_the_next_request_is_where_it_ends(served: Served) -> None:
    """The last answer is that of the reload, which is switched off here."""
    told = await all_statuses(served.port, ONE_WAY_TO_READ)
    assert told == {key: [404, 403] for key in ONE_WAY_TO_READ}


async def test_pipelined_requests_are_answered_in_their_order(served: Served) -> None:
    paths = [b"/-/healthy", b"/nowhere", b"/probe", b"/-/reload", b"/metrics"] * 20
    sent = b"".join(request(target=path, method=(b"GET", b"HEAD")[i % 2]) for i, path in enumerate(paths))
    assert await statuses(served.port, sent + request(CLOSE)) == [200, 404, 400, 405, 200] * 20 + [200]


@pytest.mark.parametrize("bad", [b"no request\r\n\r\n", request(b"Content-Length: x"), chunked(b"x")])
async def test_after_what_is_no_request_there_is_no_other(served: Served, bad: bytes) -> None:
    """Where one ends and the next begins is not known any more; what came before it at once may go unanswered."""
    told = await statuses(served.port, request() + request() + bad + request() + SMUGGLED)
    assert told in ([400], [200, 400], [200, 200, 400])


async def test_each_pipelined_request_needs_its_own_login(tmp_path: Path) -> None:
    (tmp_path / "web.yml").write_text(users(alice="correct"))
    right, wrong = (f"Authorization: {login('alice', word)['Authorization']}".encode() for word in ("correct", "no"))
    sent = request(right) + request() + request(wrong) + request(right) + request(right, CLOSE)
    async with (
        Simulator(demo_world(1)) as simulator,
        serving(simulator, web_config=tmp_path / "web.yml") as served,
    ):
        assert await statuses(served.port, sent) == [200, 401, 401, 200, 200]
        assert await statuses(served.port, request(wrong, right, CLOSE)) == [401]


HEADS = {
    "no host": (request().replace(b"Host: x\r\n", b""), 400),
    "two hosts": (request(b"Host: y"), 400),
    "one host twice": (request(b"Host: x"), 400),
    **{
        f"a field {field!r}": (request(field), 400)
        for field in (
            *(b"X\x00: y", b"X: y\x00z", b"X: y\x01z", b"X: y\x7fz", b"X: a\rb", b"X: a\nb", b"X: y\r\n z"),
            *(b"X y: z", b"X", b": y", b" X: y", b"X\xff: y", b"(X): y"),
        )
    },
    "a host with NUL": (request(host=b"x\0y"), 400),
    "a method with NUL": (request(method=b"G\0T"), 400),
    "an unknown method": (request(method=b"BREW"), 400),
    "TRACE": (request(CLOSE, method=b"TRACE"), 405),
    "OPTIONS": (request(CLOSE, method=b"OPTIONS"), 405),
    "OPTIONS of all": (request(CLOSE, method=b"OPTIONS", target=b"*"), 404),
    "CONNECT": (request(CLOSE, method=b"CONNECT", target=b"127.0.0.1:9"), 404),
    "the preface of HTTP/2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
    "HTTP/3": (request().replace(b"HTTP/1.1", b"HTTP/3"), 400),
    "HTTP/01.1": (request().replace(b"HTTP/1.1", b"HTTP/01.1"), 400),
    "HTTP/0.9, and more": (request().replace(b" HTTP/1.1", b"") + SMUGGLED, 400),
    "a long field": (request(b"X: " + b"y" * 10_000), 400),
    "a long name": (request(b"X" * 10_000 + b": y"), 400),
    "a long target": (request(target=b"/" + b"y" * 10_000), 400),
    "a long method": (request(method=b"G" * 100_000), 400),
    "500 fields": (request(*[b"X-%d: y" % number for number in range(500)]), 400),
    "100,000 fields": (request(*[b"X-%d: y" % number for number in range(100_000)]), 400),
    "100,000 fields after the body": (chunked(b"0\r\n" + b"X: y\r\n" * 100_000 + b"\r\n"), 400),
}


async def test_odd_heads_get_their_one_answer(served: Served) -> None:
    told = await all_statuses(served.port, {name: sent for name, (sent, _) in HEADS.items()})
    assert told == {name: [status] for name, (_, status) in HEADS.items()}


TARGETS = {
    404: (
        *(b"/../../etc/passwd", b"/..%2f..%2fetc/passwd", b"/%2e%2e/%2e%2e/etc/passwd", b"/..%5c..%5cetc/passwd"),
        *(b"/%252e%252e/etc/passwd", b"/....//....//etc/passwd", b"/..%c0%af..%c0%afetc/passwd", b"/metrics/../sd"),
        *(b"/metrics%00.html", b"/%00", b"/./-/healthy", b"//evil.example/-/healthy", b"/-%2fhealthy", b"/.git/config"),
        *(b"/..;/metrics", b"/metrics;x=1", b"/static/../../app.py", b"/%0d%0aX:%20y", b"/config.yaml", b"/_simulator"),
        *(b"/%2e/-/healthy", b"/-/healthy/..", b"/web/templates/status.html", b"/%ff%fe", b"/%zz", b"/debug/pprof"),
    ),
    400: (
        *(b"*", b"", b"-/healthy", b"?x", b"evil:80", b"\\-\\healthy", b"/a b", b"/\0", b"/\x7f", b"/\xff", b"/a\tb"),
        *(
            b"http:///-/healthy",
            b"http://[/",
            b"http://x:99999/-/healthy",
            b"file:///etc/passwd",
            b"javascript:alert(1)",
        ),
    ),
}


@pytest.mark.parametrize("status", TARGETS)
async def test_no_target_leads_anywhere_else(served: Served, status: int) -> None:
    table = {repr(target): request(CLOSE, target=target) for target in TARGETS[status]}
    assert await all_statuses(served.port, table) == {name: [status] for name in table}


async def test_nobody_is_called_for_a_stranger(served: Served) -> None:
    """Neither as a proxy nor as a tunnel, whatever target or host is named; the answer is our own."""
    async with hostile(lambda _: []) as other:
        there = other.url.removeprefix("http://").encode()
        told = await all_statuses(
            served.port,
            {
                "absolute": request(CLOSE, target=b"http://" + there + b"/-/healthy", host=there),
                "absolute, another host": request(CLOSE, target=b"http://" + there + b"/-/healthy"),
                "tunnel": request(method=b"CONNECT", target=there, host=there) + request(CLOSE),
                "forwarded": request(CLOSE, b"X-Forwarded-Host: " + there, b"Forwarded: host=" + there),
                "rewritten": request(CLOSE, b"X-Original-URL: http://" + there, b"X-Rewrite-URL: /metrics"),
                "probe": request(CLOSE, target=b"/probe?target=http://" + there),
            },
        )
    assert other.connections == 0
    assert told == {
        **{key: [200] for key in ("absolute", "absolute, another host", "forwarded", "rewritten")},
        "tunnel": [404, 200],
        "probe": [404],
    }


@pytest.mark.parametrize("method", [b"TRACE", b"CONNECT", b"OPTIONS", b"GET", b"DELETE", b"no"])
async def test_what_was_sent_is_not_sent_back(served: Served, method: bytes) -> None:
    """A page of another site could read what its browser has sent along."""
    fields = (b"Cookie: marker", b"Authorization: Basic marker", b"X-Marker: marker", b"Referer: http://marker/", CLOSE)
    for path in (b"/", b"/metrics", b"/sd", b"/nowhere", b"/api/v1/status"):
        _, head, body = await said(served.port, request(*fields, method=method, target=path))
        assert "marker" not in head + body


UPGRADES = (
    (b"Upgrade: h2c", b"Connection: Upgrade, HTTP2-Settings", b"HTTP2-Settings: AAMAAABkAAQAAP__"),
    (b"Upgrade: websocket", b"Connection: Upgrade", b"Sec-WebSocket-Version: 13", b"Sec-WebSocket-Key: " + b"A" * 24),
    (b"Upgrade: TLS/1.2", b"Connection: Upgrade"),
)


@pytest.mark.parametrize("fields", UPGRADES, ids=lambda fields: fields[0].decode())
async def test_nothing_is_upgraded(served: Served, fields: tuple[bytes, ...]) -> None:
    """It goes on as HTTP/1.1, and what follows is answered as ever."""
    async with connected(served.port) as (reader, writer), asyncio.timeout(5):
        for target, status in ((b"/-/healthy", b"200"), (b"/nowhere", b"404"), (b"/-/healthy", b"200")):
            writer.write(request(*fields, target=target))
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.split()[1] == status
            assert b"Upgrade" not in head
            await reader.readline()


HOSTS = ["", "x/y", "x y", "x@y", "[::1", "x:99999", "x?y", "x,y", 'x"y', "<script>alert(1)</script>", "x'y", "\u00ff"]


@pytest.mark.parametrize("host", HOSTS)
async def test_a_host_is_a_text_like_any_other(served: Served, host: str) -> None:
    """Only `/sd` needs it, which is JSON; no page tells it, and no link or redirect is made of it."""
    for path in (b"/", b"/metrics", b"/nowhere", b"/-/healthy"):
        status, head, body = await said(served.port, request(CLOSE, target=path, host=host.encode("latin-1")))
        assert status in (200, 404)
        assert len(host) < 6 or host not in head + body
    status, head, body = await said(served.port, request(CLOSE, target=b"/sd", host=host.encode("latin-1")))
    assert (status, "Content-Type: application/json" in head, "nosniff" in head) == (200, True, True)
    assert len(json.loads(re.sub(r"(?m)^[0-9a-f]+\r\n|\r\n", "", body))) == 1


async def test_a_redirect_stays_here() -> None:
    """Whatever host and path it is asked for by."""
    layout = Layout(prefix="/frs")
    async with Simulator(demo_world(1)) as simulator, serving(simulator, layout) as served:
        for target in (
            b"/",
            b"//",
            b"/frs",
            b"//evil.example",
            b"//evil.example/..",
            b"/\\evil.example",
            b"/frs?//evil",
        ):
            sent = request(CLOSE, b"X-Forwarded-Prefix: //evil.example", target=target, host=b"evil.example")
            _, head, _ = await said(served.port, sent)
            assert re.findall("(?m)^Location: (.*)\r$", head) in ([], ["/frs/"])
            assert "evil" not in head


@pytest.mark.parametrize(
    "path", ["/probe?project=%s", "/-/retry?credential=%s", "/metrics?name[]=%s", "/?q=%s&lang=%s", "/%s", "/sd?%s"]
)
@pytest.mark.parametrize("method", [b"GET", b"POST"])
async def test_no_line_break_of_a_request_comes_back_as_one_of_a_header(
    served: Served, path: str, method: bytes
) -> None:
    target = path.replace("%s", "a%0d%0aSet-Cookie:%20a=b%0d%0a%0d%0a%0a%e5%98%8a%e5%98%8d").encode()
    _, head, _ = await said(served.port, request(CLOSE, method=method, target=target))
    assert "set-cookie" not in head.lower()
    assert "\n\n" not in head


@pytest.mark.parametrize("path", [b"/-/healthy", b"/-/reload", b"/metrics"])
@pytest.mark.parametrize("head", [b"Content-Length: 99999999999", b"Transfer-Encoding: chunked"])
async def test_an_endless_body_is_not_read(served: Served, path: bytes, head: bytes) -> None:
    """Who sends it has the answer at once, and soon an end of it."""
    started = time.monotonic()
    async with connected(served.port) as (reader, writer):
        writer.write(request(head, method=b"POST", target=path))
        answer = await reader.readuntil(b"\r\n")
        assert answer.startswith((b"HTTP/1.1 405 ", b"HTTP/1.1 403 "))
        with contextlib.suppress(ConnectionError):
            while time.monotonic() - started < 10:
                writer.write(b"1000\r\n" + 0x1000 * b"x" + b"\r\n")
                await writer.drain()
                await asyncio.sleep(0.01)
    assert time.monotonic() - started < 5


async def test_what_is_packed_is_not_unpacked(served: Served) -> None:
    bomb = gzip.compress(bytes(1 << 26), 1)
    fields = (b"Content-Encoding: gzip", b"Content-Length: %d" % len(bomb), CLOSE)
    started = time.process_time()
    told = await statuses(served.port, request(*fields, method=b"POST", target=b"/-/reload") + bomb)
    assert told in ([403], [])  # where the answer was lost in a reset
    assert time.process_time() - started < 1


async def slow_bytes(port: int, sent: bytes) -> None:
    """Send a byte at a time, as long as one is taken."""
    async with connected(port) as (_, writer):
        for byte in sent:
            writer.write(bytes([byte]))
            await writer.drain()
            await asyncio.sleep(0.05)


async def test_slow_heads_keep_nobody_waiting(served: Served) -> None:
    sent = request(*[b"X-%d: y" % number for number in range(100)])
    slow = [asyncio.create_task(slow_bytes(served.port, sent)) for _ in range(100)]
    await asyncio.sleep(0.3)
    for _ in range(10):
        async with asyncio.timeout(2):
            assert (await served.get("/metrics"))[0] == 200
    for task in slow:
        task.cancel()
    await asyncio.gather(*slow, return_exceptions=True)


async def test_endless_fields_have_an_end(served: Served) -> None:
    """Also where each comes by itself."""
    async with connected(served.port) as (reader, writer):
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n")
        taken = 0
        with contextlib.suppress(ConnectionError):
            while not reader.at_eof() and taken < 10_000:
                writer.write(b"X-%d: y\r\n" % taken)
                await writer.drain()
                await asyncio.sleep(0)
                taken += 1
    assert taken < 1000


@pytest.mark.parametrize("streamed", [False, True])
async def test_who_hangs_up_before_the_answer_begins_fills_no_log(
    caplog: pytest.LogCaptureFixture, streamed: bool
) -> None:
    """The end of a connection may be read in the very turn of the loop in which its answer is ready."""

    async def hung_up(request: web.Request) -> web.StreamResponse:
        assert request.transport
        request.transport.close()
        if not streamed:
            return web.Response(text="x")
        return await stream(request, Renderings(), Subject("x"), lambda: in_turns([b"x"]), {})

    app = web.Application()
    app.router.add_get("/-/healthy", hung_up)
    server = HttpServer(app, Guard(WebConfig()))
    await server.start()
    sockets = await bind(("127.0.0.1", 0))
    port, listener = sockets[0].getsockname()[1], Listener(server, sockets)
    await listener.secure(None)
    assert await statuses(port, request()) == []
    assert not caplog.records
    await listener.close()
    await server.stop()
