"""Defends the exporter against a hostile cloud: bombs, endless and false answers, cookies, redirects, odd headers."""

import asyncio
import contextlib
import gzip
import itertools
import json
import math
import time
import tracemalloc
import zlib
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import cache

import pytest

from frs_exporter.cloud.transport import Transport
from frs_exporter.core.errors import ApiError, Reason
from frs_exporter.core.model import Api
from frs_exporter.core.schedule import LONGEST_RETRY_AFTER, next_delay
from frs_exporter.exposition.telemetry import Telemetry
from frs_simulator.faults import Fault
from tests.attacks.hostile import Answer, hostile, told
from tests.cloud.test_transport import authorized, request_to, send
from tests.conftest import LIMITS, CloudContext, account, run_virtual
from tests.polling.test_poller import UP, polled

MEGABYTE = 1 << 20
HEAD = b"HTTP/1.1 200 OK\r\n"


@contextmanager
def little_memory(megabytes: int = 24) -> Iterator[None]:
    """What is done meanwhile needs no more than so much at any time."""
    tracemalloc.start()
    try:
        yield
        peak = tracemalloc.get_traced_memory()[1] / MEGABYTE
    finally:
        tracemalloc.stop()
    assert peak < megabytes, f"{peak:.0f} MB"


@cache
def packed(window: int) -> bytes:
    """64 megabytes in 64 kilobytes; packed when they are asked for, as all who collect tests would wait for it."""
    packer = zlib.compressobj(9, zlib.DEFLATED, window)
    return packer.compress(bytes(64 * MEGABYTE)) + packer.flush()


BOMBS: dict[str, tuple[bytes, Callable[[], bytes]]] = {
    "gzip": (b"gzip", lambda: packed(31)),
    "deflate": (b"deflate", lambda: packed(15)),
    "raw deflate": (b"deflate", lambda: packed(-15)),
    "gzip in gzip, said so": (b"gzip, gzip", lambda: gzip.compress(packed(31))),
    "gzip in gzip, not said": (b"gzip", lambda: gzip.compress(packed(31))),
    "many members": (b"gzip", lambda: gzip.compress(bytes(MEGABYTE)) * 64),
    "a coding that nobody knows": (b"bomb", lambda: packed(31)),
    "codings without end": (b", ".join([b"gzip"] * 500), lambda: packed(31)),
}


@pytest.mark.parametrize("name", BOMBS)
async def test_what_is_packed_is_unpacked_as_far_as_an_answer_may_be_long(name: str) -> None:
    coding, pack = BOMBS[name]
    body = pack()
    with little_memory():
        async with hostile(lambda _: [told(body, b"Content-Encoding: " + coding)]) as server:
            answer, failure = await send(server.url)
    assert answer is None
    assert failure is not None
    assert failure.reason is Reason.PAYLOAD


def forever(first: bytes, again: bytes) -> Answer:
    """An answer without an end."""
    return lambda _: itertools.chain([first], itertools.repeat(again))


CHUNK = b"10000\r\n" + bytes(0x10000) + b"\r\n"
ENDLESS = {
    "a body of chunks": forever(HEAD + b"Transfer-Encoding: chunked\r\n\r\n", CHUNK),
    "a body of a length": forever(HEAD + b"Content-Length: 999999999999\r\n\r\n", CHUNK),
    "a body up to the end": forever(HEAD + b"Connection: close\r\n\r\n", CHUNK),
    "a body of a refusal": forever(b"HTTP/1.1 500 x\r\nTransfer-Encoding: chunked\r\n\r\n", CHUNK),
    "a packed body": forever(
        HEAD + b"Content-Encoding: gzip\r\nConnection: close\r\n\r\n", gzip.compress(bytes(99999))
    ),
    "fields": forever(HEAD, b"X-Field: value\r\n" * 100),
    "fields of tokens": forever(HEAD, b"X-Subject-Token: " + b"M" * 60_000 + b"\r\n"),
    "a field": forever(HEAD + b"X-Field: ", b"x" * 10_000),
    "a name": forever(HEAD, b"X" * 10_000),
    "a reason": forever(b"HTTP/1.1 200 ", b"x" * 10_000),
    "a chunk's extension": forever(HEAD + b"Transfer-Encoding: chunked\r\n\r\n1;", b"x" * 10_000),
    "trailers": forever(HEAD + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n", b"X-Field: value\r\n" * 1000),
    "no HTTP": forever(b"", bytes(range(256)) * 100),
    "100 Continue": forever(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 100),
    "102 with fields": forever(b"", (b"HTTP/1.1 102 x\r\n" + b"X-Field: value\r\n" * 20 + b"\r\n") * 20),
    "103 Early Hints": forever(b"", b"HTTP/1.1 103 x\r\nLink: </x>; rel=preload\r\n\r\n" * 100),
    "empty lines": forever(b"", b"\r\n" * 1000),
}


@pytest.mark.parametrize("name", ENDLESS)
async def test_an_answer_without_an_end_costs_little_and_no_more_than_the_timeout(name: str) -> None:
    started = time.monotonic()
    with little_memory():
        async with hostile(ENDLESS[name]) as server:
            answer, failure = await send(server.url, timeout=0.5)
    assert answer is None
    assert failure is not None
    assert failure.reason in (Reason.PAYLOAD, Reason.TIMEOUT, Reason.CONNECT, Reason.SERVER)
    assert time.monotonic() - started < 4
    assert len(server.heads) == 1, "nobody asks for it again"


async def test_an_answer_may_come_after_a_few_others() -> None:
    """As RFC 9110 has it of 1xx; of 101, which nobody has asked for, nothing is believed."""
    first = b"HTTP/1.1 103 x\r\nLink: </x>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n"
    async with hostile(lambda _: [first + told(b'{"a": 1}')]) as server:
        answer, _ = await send(server.url)
    assert answer.data == {"a": 1}
    switching = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n"
    async with hostile(lambda _: [switching + told(b'{"a": 1}')]) as server:
        answer, failure = await send(server.url, timeout=0.5)
    assert answer is None
    assert failure is not None


FALSE_LENGTHS = {
    "shorter than it says": told(b"{}").replace(b": 2", b": 9"),
    "two lengths": told(b"{}", b"Content-Length: 3"),
    "a length and chunks": told(b"2\r\n{}\r\n0\r\n\r\n", b"Transfer-Encoding: chunked"),
    "a negative length": told(b"{}").replace(b": 2", b": -2"),
    "a length that is none": told(b"{}").replace(b": 2", b": 0x2"),
    "a length beyond all": told(b"{}").replace(b": 2", b": " + b"9" * 30),
    "chunks that are none": HEAD + b"Transfer-Encoding: chunked\r\n\r\nxyz\r\n{}\r\n0\r\n\r\n",
    "a field without a colon": told(b"{}", b"X"),
    "a line break in a field": told(b"{}", b"X: a\rX-Subject-Token: b"),
    "a NUL in a field": told(b"{}", b"X: a\0b"),
    "no status": b"HTTP/1.1 OK\r\n\r\n{}",
    "a status of four digits": told(b"{}", status=b"2000 OK"),
    "no protocol": told(b"{}").replace(b"HTTP/1.1 ", b""),
}


@pytest.mark.parametrize("name", FALSE_LENGTHS)
async def test_what_is_no_proper_answer_is_a_failure(name: str) -> None:
    async with hostile(lambda _: [FALSE_LENGTHS[name]]) as server:
        answer, failure = await send(server.url, timeout=0.3)
    assert (answer and answer.data, failure and failure.reason) in (
        *((None, reason) for reason in (Reason.PAYLOAD, Reason.TIMEOUT, Reason.CONNECT)),
    )
    assert len(server.heads) == 1


@asynccontextmanager
async def transport() -> AsyncIterator[Transport]:
    made = Transport(LIMITS, Telemetry(), time.time)
    try:
        yield made
    finally:
        await made.close()


def number(answered: int) -> bytes:
    return told(b'{"answer": %d}' % answered)


STRAY = told(b'{"answer": -1}')
STRAYS: dict[str, bytes] = {
    "one": STRAY,
    "many": STRAY * 1000,
    "of an idle connection": told(b"", status=b"408 Request Timeout"),
}


@pytest.mark.parametrize("name", STRAYS)
@pytest.mark.parametrize("later", [False, True])
async def test_an_answer_to_nobody_is_no_answer_to_the_next_request(name: str, later: bool) -> None:
    """Which may be about another project: the connection is not used again."""

    def answer(answered: int) -> list[bytes]:
        parts = [number(answered), STRAYS[name]]
        return parts if later else [b"".join(parts)]

    async with transport() as made, hostile(answer) as server:
        for expected in range(5):
            response = await made.send(request_to(server.url), authorized)
            assert response.data == {"answer": expected}
            await asyncio.sleep(0.05)
    assert server.connections == 5


@pytest.mark.parametrize("more", [b"}", STRAY[:30], b"\0\0", b"\r\n", STRAY + STRAY[:30]])
async def test_what_is_half_an_answer_is_none(more: bytes) -> None:
    """A request fails, or has its own answer."""
    async with transport() as made, hostile(lambda answered: [number(answered) + more]) as server:
        for expected in range(5):
            try:
                response = await made.send(request_to(server.url), authorized)
            except ApiError as error:
                reason: Reason | None = error.failure.reason
            else:
                reason = None
                assert response.data == {"answer": expected}
            assert reason in (None, Reason.PAYLOAD, Reason.CONNECT)
            await asyncio.sleep(0.02)


async def test_a_connection_without_strays_is_kept() -> None:
    async with transport() as made, hostile(lambda answered: [number(answered)]) as server:
        for _ in range(5):
            await made.send(request_to(server.url), authorized)
            await asyncio.sleep(0.02)
    assert server.connections == 1


COOKIES = (
    b"Set-Cookie: a=b; Path=/",
    b"Set-Cookie: session=marker; Domain=127.0.0.1; Max-Age=9999",
    b"Set-Cookie2: c=d",
)


@pytest.mark.parametrize("status", [b"200 OK", b"401 x", b"500 x", b"302 x"])
async def test_no_cookie_is_sent_back(status: bytes) -> None:
    """Credentials share connections and would share cookies."""
    async with transport() as made, hostile(lambda _: [told(b"{}", *COOKIES, status=status)]) as server:
        for _ in range(3):
            with contextlib.suppress(ApiError):
                await made.send(request_to(server.url), authorized)
    assert len(server.heads) == 3
    assert "cookie" not in "".join(server.heads).lower()


@pytest.mark.parametrize("status", [300, 301, 302, 303, 304, 305, 307, 308, 399])
@pytest.mark.parametrize(
    "place", ["{}/x", "//{}/x", "/elsewhere", "{}@evil.example", "\\\\{}", "http://[", "", "file:///x"]
)
async def test_no_redirect_is_followed_and_no_token_leaves(status: int, place: str) -> None:
    async with hostile(lambda _: [told(b"{}")]) as other:
        location = place.replace("//{}", "//" + other.url[7:]).replace("{}", other.url)
        fields = [f"{name}: {location}".encode() for name in ("Location", "Content-Location", "URI")]
        fields += [f"Refresh: 0; url={location}".encode(), f'Alt-Svc: h2="{other.url[7:]}"; ma=9999'.encode()]
        line = f"{status} x".encode()
        async with hostile(lambda _: [told(b"", *fields, status=line)]) as server:
            answer, failure = await send(server.url)
    assert answer is None
    assert failure is not None
    assert (failure.reason, failure.status) == (Reason.CLIENT, status)
    assert (len(server.heads), other.connections) == (1, 0)


@pytest.mark.parametrize(("kind", "api"), [("token", "iam"), ("token", "frs"), ("ak_sk", "frs")])
def test_no_kind_of_secret_follows_a_redirect(kind: str, api: str) -> None:
    """Neither a password, nor a token, nor a signature; and nothing that was held back is sent later."""

    async def main() -> None:
        async with hostile(lambda _: [told(b"{}")]) as other, polled(account(kind, "p1")) as (cloud, polls):
            cloud.world.faults.set(api, Fault(status=307, headers={"Location": f"{other.url}/v1/x"}))
            cloud.world.expire_tokens()
            await asyncio.sleep(3600)
            assert not polls.shown()[UP % "p1"]
            assert other.connections == 0

    run_virtual(main())


NONSENSE = [
    *("", "0", "-5", "soon", "nan", "inf", "-inf", "1e9", "9" * 30, "0x10", "5.5", "5, 10", "\uff15", "+5", " 7 "),
    *("Fri, 31 Dec 9999 23:59:59 GMT", "Mon, 01 Jan 0001 00:00:00 GMT", "Fri, 99 Jan 2027 99:99:99 GMT", "Thu"),
    *("Fri, 15 Jan 2027 08:00:00 +9999", "Fri, 15 Jan 2027 08:00:00", "15/01/2027", "P1D", "\x80" * 1000),
]


@pytest.mark.parametrize("text", NONSENSE)
@pytest.mark.parametrize("date", ["Fri, 15 Jan 2027 08:00:00 GMT", "", "nonsense"])
async def test_nobody_waits_longer_than_an_hour_whatever_is_asked_for(text: str, date: str) -> None:
    fields = f"Retry-After: {text}\r\nDate: {date}".encode("utf-8", "surrogateescape").split(b"\r\n")
    async with hostile(lambda _: [told(b"", *fields, status=b"429 x")]) as server:
        _, failure = await send(server.url)
    assert failure is not None
    assert failure.reason is Reason.THROTTLED
    assert failure.retry_after is None or (math.isfinite(failure.retry_after) and failure.retry_after >= 0)
    assert next_delay(60, 1, failure.retry_after, lambda _, high: high) <= LONGEST_RETRY_AFTER


@pytest.mark.parametrize("text", ["9" * 30, "Fri, 31 Dec 9999 23:59:59 GMT", "-5"])
def test_all_is_well_an_hour_after_a_nonsense_is_over(text: str) -> None:
    """Nothing that was said to everybody, or about everybody, keeps a gate shut."""

    async def main() -> None:
        async with polled(account("token", "t1", "t2", "t3")) as (cloud, polls):
            await asyncio.sleep(90)
            for api in ("frs", "iam"):
                cloud.world.faults.set(api, Fault(status=429, headers={"Retry-After": text}))
            cloud.world.expire_tokens()
            await asyncio.sleep(600)
            assert not any(polls.shown()[UP % name] for name in ("t1", "t2", "t3"))
            cloud.world.faults.faults.clear()
            await asyncio.sleep(LONGEST_RETRY_AFTER + 600)
            assert all(polls.shown()[UP % name] for name in ("t1", "t2", "t3"))

    run_virtual(main())


@pytest.mark.parametrize("text", NONSENSE)
async def test_no_date_spoils_an_answer_or_a_metric(text: str) -> None:
    telemetry = Telemetry()
    field = f"Date: {text}".encode("utf-8", "surrogateescape")
    async with hostile(lambda _: [told(b"{}", field, field)]) as server:
        answer, failure = await send(server.url, telemetry=telemetry)
    assert (answer and answer.data, failure) == ({}, None)
    skew = telemetry.registry.get_sample_value("frs_exporter_clock_skew_seconds", {"api": "frs"})
    assert skew is None or math.isfinite(skew)


TOKENS = ["M\tI", "M I", "M\xe9", "M\x80", "", " ", "MII, MII", "M\x0bI"]


@pytest.mark.parametrize("token", TOKENS)
def test_no_value_of_an_answer_becomes_a_field_of_a_request(token: str) -> None:
    """A token goes from an answer's header into a request's: one that is none is not sent."""

    async def main() -> None:
        now = "2027-01-15T08:00:00.000000Z", "2027-01-16T08:00:00.000000Z"
        async with CloudContext(account("token", "t1")) as cloud:
            (target,) = cloud.targets()
            body = {"issued_at": now[0], "expires_at": now[1], "project": {"id": target.project_id}}
            answer = told(json.dumps({"token": body}).encode(), b"X-Subject-Token: " + token.encode("latin-1"))
            async with hostile(lambda _: [answer]) as server:
                for api in target.endpoints:
                    target.endpoints[api] = server.url  # type: ignore[index]
                with pytest.raises(ApiError) as caught:
                    await cloud.client.get(target, Api.FRS, "/v1/x")
            assert caught.value.failure.reason is Reason.PAYLOAD
            assert [head.split()[:2] for head in server.heads] == [["POST", "/v3/auth/tokens?nocatalog=true"]]

    run_virtual(main())
