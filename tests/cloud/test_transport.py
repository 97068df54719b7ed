"""The outbound socket: each failure it can produce becomes one reason, bodies are bounded, gates keep the rate."""

import asyncio
import contextlib
import json
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import aiohttp
import pytest
import trustme
from aiohttp import web
from aiohttp.client_reqrep import ConnectionKey
from aioresponses import aioresponses
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from frs_exporter.cloud.transport import MAX_BODY, Gate, Request, Transport, decode
from frs_exporter.errors import ApiError, Reason
from frs_exporter.model import Api, HttpOptions, Limit
from tests.conftest import LIMITS, run_virtual

KEY = ConnectionKey("frs.example", 443, True, True, None, None, None)
URL = "https://frs.example/v1/x"
Observed = list[tuple[Api, Reason | None]]


def request_to(endpoint: str, target: str = "/v1/x", timeout: float = 5.0) -> Request:
    return Request(Api.FRS, endpoint, "ops", "GET", target, timeout)


async def send(
    endpoint: str, options: HttpOptions | None = None, observed: Observed | None = None, **request: Any
) -> tuple[Any, ApiError | None]:
    """What one request came to: its answer or its error."""
    transport = Transport(
        LIMITS,
        options or HttpOptions(),
        lambda api, _, reason: (observed if observed is not None else []).append((api, reason)),
    )
    try:
        answer = await transport.send(request_to(endpoint, **request), lambda _: {"x-auth-token": "MIIsecret"})
    except ApiError as error:
        return None, error
    else:
        return answer, None
    finally:
        await transport.close()


@pytest.mark.parametrize(
    ("failure", "reason"),
    [
        (TimeoutError(), Reason.TIMEOUT),
        (aiohttp.ServerTimeoutError(), Reason.TIMEOUT),
        (aiohttp.ClientConnectorDNSError(KEY, OSError(-2, "Name or service not known")), Reason.DNS),
        (aiohttp.ClientConnectorError(KEY, ConnectionRefusedError(111, "Connection refused")), Reason.CONNECT),
        (aiohttp.ClientConnectorCertificateError(KEY, ssl.SSLCertVerificationError(1, "expired")), Reason.TLS),
        (aiohttp.ClientConnectorSSLError(KEY, OSError(1, "wrong version number")), Reason.TLS),
        (aiohttp.ServerDisconnectedError(), Reason.CONNECT),
        (aiohttp.ClientOSError(104, "Connection reset by peer"), Reason.CONNECT),
        (aiohttp.ClientPayloadError("not all of it came"), Reason.CONNECT),
        (aiohttp.InvalidURL("http://"), Reason.CLIENT),
        (aiohttp.ClientHttpProxyError(None, (), status=407), Reason.CONNECT),  # type: ignore[arg-type]
        (aiohttp.ClientResponseError(None, (), status=400), Reason.PAYLOAD),  # type: ignore[arg-type]
        (ConnectionResetError(104, "Connection reset by peer"), Reason.CONNECT),
    ],
    ids=lambda value: value.value if isinstance(value, Reason) else type(value).__name__,
)
async def test_each_failure_of_a_socket_is_one_reason(failure: Exception, reason: Reason) -> None:
    observed: Observed = []
    with aioresponses() as mocked:
        mocked.get(URL, exception=failure)
        _, error = await send("https://frs.example", observed=observed)
    assert error is not None
    assert error.reason is reason
    assert "MIIsecret" not in str(error)
    assert error.__cause__ is None
    assert error.__suppress_context__
    assert observed == [(Api.FRS, reason)]


Serve = Callable[[Callable[[web.Request], Awaitable[web.StreamResponse]]], Awaitable[str]]


@pytest.fixture
async def serve() -> Any:
    """Start a server around a handler; returns its URL."""
    runners: list[web.ServerRunner] = []

    async def start(handler: Callable[[Any], Awaitable[web.StreamResponse]]) -> str:
        runner = web.ServerRunner(web.Server(handler), shutdown_timeout=0.1)
        runners.append(runner)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        return f"http://127.0.0.1:{runner.addresses[0][1]}"

    yield start
    for runner in runners:
        await runner.cleanup()


async def test_an_answer_is_its_json_and_its_headers_in_lower_case(serve: Serve) -> None:
    async def handler(request: Any) -> web.Response:
        assert request.headers["X-Auth-Token"] == "MIIsecret"
        assert request.headers["User-Agent"].startswith("frs-exporter/")
        assert request.raw_path == "/v1/%2Fa/../b?q=%20"
        return web.json_response({"a": 1}, headers={"X-Some-Header": "x"})

    answer, error = await send(await serve(handler), target="/v1/%2Fa/../b?q=%20")
    assert error is None
    assert answer.payload == {"a": 1}
    assert answer.headers["x-some-header"] == "x"


@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [
        (200, "<html>", Reason.PAYLOAD),
        (400, '{"error_code": "FRS.0202", "error_msg": "frozen"}', Reason.FROZEN),
        (401, "", Reason.TOKEN),
        (429, "", Reason.THROTTLED),
        (503, "<html>busy</html>", Reason.SERVER),
    ],
)
async def test_each_status_is_one_reason(serve: Serve, status: int, body: str, reason: Reason) -> None:
    async def handler(_: Any) -> web.Response:
        return web.Response(status=status, text=body)

    observed: Observed = []
    _, error = await send(await serve(handler), observed=observed)
    assert error is not None
    assert (error.reason, error.status) == (reason, status)
    assert observed == [(Api.FRS, reason)]


async def test_that_nothing_is_subscribed_counts_as_an_answer(serve: Serve) -> None:
    async def handler(_: Any) -> web.Response:
        return web.json_response({"error_code": "FRS.0019", "error_msg": "..."}, status=400)

    observed: Observed = []
    _, error = await send(await serve(handler), observed=observed)
    assert error is not None
    assert observed == [(Api.FRS, None)]


async def test_a_redirect_is_not_followed(serve: Serve) -> None:
    """The token must not leave its host."""
    visits = []

    async def handler(request: Any) -> web.Response:
        visits.append(request.path)
        return web.Response(status=307, headers={"Location": "https://portal.example/x"})

    _, error = await send(await serve(handler))
    assert error is not None
    assert (error.reason, error.status, visits) == (Reason.CLIENT, 307, ["/v1/x"])
    assert error.message == "redirected to portal.example, which is not followed"


@pytest.mark.parametrize("compressed", [False, True])
async def test_a_body_is_bounded_also_when_it_is_a_gzip_bomb(serve: Serve, compressed: bool) -> None:
    async def handler(_: Any) -> web.Response:
        response = web.Response(body=json.dumps(" " * MAX_BODY).encode())
        if compressed:
            response.enable_compression(web.ContentCoding.gzip)
        return response

    _, error = await send(await serve(handler))
    assert error is not None
    assert error.reason is Reason.PAYLOAD
    assert "longer than" in error.message


async def test_a_long_error_page_keeps_its_status(serve: Serve) -> None:
    async def handler(_: Any) -> web.Response:
        return web.Response(status=502, text="<html>" + "x " * MAX_BODY)

    _, error = await send(await serve(handler))
    assert error is not None
    assert (error.reason, error.status) == (Reason.SERVER, 502)


@pytest.mark.parametrize("length", [8_000, 8_190, 20_000, 60_000])
async def test_a_long_token_arrives(serve: Serve, length: int) -> None:
    async def handler(_: Any) -> web.Response:
        return web.json_response({}, headers={"X-Subject-Token": "M" * length})

    answer, _ = await send(await serve(handler))
    assert len(answer.headers["x-subject-token"]) == length


async def test_what_was_sent_is_blanked_where_an_error_echoes_it(serve: Serve) -> None:
    async def handler(request: Any) -> web.Response:
        sent = f"{request.headers['x-auth-token']} {(await request.read()).decode()}"
        echo = {"X-Request-Id": "short-token"}
        return web.json_response({"error_code": "FRS.0010", "error_msg": f"you sent {sent}"}, status=400, headers=echo)

    request = replace(request_to(await serve(handler)), method="POST", body=b"p,w;d", secret="p,w;d")
    transport = Transport(LIMITS, HttpOptions(), lambda *_: None)
    with pytest.raises(ApiError) as caught:
        await transport.send(request, lambda _: {"x-auth-token": "short-token"})
    await transport.close()
    assert (caught.value.message, caught.value.request_id, caught.value.api) == ("you sent *** ***", "", "frs")


async def test_an_error_says_when_it_is_the_proxys() -> None:
    for proxy, told in (
        ("http://user:hunter2@nowhere.invalid:1", "dns: the name of the proxy nowhere.invalid does not resolve"),
        ("http://user:hunter2@127.0.0.1:9", "connect: no connection to the proxy 127.0.0.1: Connection refused"),
    ):
        _, error = await send("http://frs.example", HttpOptions(proxy_url=SecretStr(proxy)))
        assert str(error) == told


async def test_a_hanging_server_is_given_up_after_the_timeout(serve: Serve) -> None:
    async def handler(_: Any) -> web.Response:
        await asyncio.sleep(60)
        return web.Response()

    _, error = await send(await serve(handler), timeout=0.05)
    assert error is not None
    assert (error.reason, error.message) == (Reason.TIMEOUT, "127.0.0.1 did not answer within 0.05 s")


async def test_a_name_that_does_not_resolve_and_a_port_nobody_listens_on() -> None:
    _, error = await send("http://nowhere.invalid")
    assert error is not None
    assert error.reason is Reason.DNS
    _, error = await send("http://127.0.0.1:9")
    assert error is not None
    assert str(error) == "connect: no connection to 127.0.0.1: Connection refused"


async def test_tls_is_verified_against_the_configured_authority(tmp_path: Any) -> None:
    """A certificate of an unknown authority is refused; with `ca_file` it is believed."""
    authority = trustme.CA()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")

    async def handler(_: Any) -> web.Response:
        return web.json_response([])

    runner = web.ServerRunner(web.Server(handler), shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
    url = f"https://127.0.0.1:{runner.addresses[0][1]}"
    _, error = await send(url)
    assert error is not None
    assert error.reason is Reason.TLS
    answer, error = await send(url, HttpOptions(ca_file=str(tmp_path / "ca.pem")))
    assert error is None
    assert answer.payload == []
    await runner.cleanup()


async def test_requests_go_through_the_configured_proxy(serve: Serve) -> None:
    async def proxy(request: Any) -> web.Response:
        assert request.headers["Proxy-Authorization"].startswith("Basic ")
        return web.json_response({"asked": request.raw_path})

    url = (await serve(proxy)).replace("http://", "http://user:password@")
    answer, error = await send("http://frs.example", HttpOptions(proxy_url=SecretStr(url)))
    assert error is None
    assert answer.payload == {"asked": "http://frs.example/v1/x"}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b'{"a": NaN}',
        b'{"a": -Infinity}',
        b'{"a": 1e999}',
        b'{"a": 1, "a": 2}',
        b'{"a": ' + b"9" * 5000 + b"}",
        b"[" * 100_000,
        b'"\xff"',
        b'{"a": 1',
    ],
    ids=[
        "empty",
        "html",
        "nan",
        "infinity",
        "huge-float",
        "duplicate",
        "huge-integer",
        "deep",
        "not-utf8",
        "truncated",
    ],
)
def test_what_is_not_strict_json_is_refused(body: bytes) -> None:
    with pytest.raises(ApiError) as caught:
        decode(body)
    assert caught.value.reason is Reason.PAYLOAD


@given(st.binary(max_size=200))
def test_no_body_gets_anything_but_a_value_or_an_api_error(body: bytes) -> None:
    with contextlib.suppress(ApiError):
        decode(body)


@pytest.mark.parametrize(("held", "most", "last"), [(0.1, 1, 99 / 5), (2.0, 3, 66.0)])
def test_a_gate_keeps_the_rate_and_the_number_of_slots(held: float, most: int, last: float) -> None:
    """Never more than `concurrency` inside, and no burst on top of the rate."""

    async def main() -> tuple[list[float], int]:
        clock = asyncio.get_running_loop().time
        gate, times, inside, seen = Gate(Limit(rate=5, concurrency=3)), [], 0, 0

        async def one() -> None:
            nonlocal inside, seen
            async with gate.entered():
                times.append(clock())
                inside += 1
                seen = max(seen, inside)
                await asyncio.sleep(held)
                inside -= 1

        await asyncio.gather(*(one() for _ in range(100)))
        return times, seen

    times, seen = run_virtual(main())
    assert seen == most
    assert all(sum(start <= time < start + 1 for time in times) <= 6 for start in times)
    assert times[-1] == pytest.approx(last, abs=0.1)


def test_a_slow_rate_spaces_requests() -> None:
    async def main() -> list[float]:
        gate, times = Gate(Limit(rate=0.5, concurrency=5)), []

        async def one() -> None:
            async with gate.entered():
                times.append(asyncio.get_running_loop().time())

        await asyncio.gather(*(one() for _ in range(4)))
        return times

    assert run_virtual(main()) == pytest.approx([0, 2, 4, 6], abs=1e-6)


def test_waiting_for_the_gate_is_not_slowness() -> None:
    """The timeout starts when the gate opens."""

    async def main() -> list[Any]:
        async def handler(_: Any) -> web.Response:
            await asyncio.sleep(0.9)
            return web.json_response({})

        runner = web.ServerRunner(web.Server(handler), shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        transport = Transport({api: Limit(1, 1) for api in Api}, HttpOptions(), lambda *_: None)
        sends = (transport.send(request_to(url, timeout=1.0), lambda _: {}) for _ in range(10))
        answers = await asyncio.gather(*sends, return_exceptions=True)
        await transport.close()
        await runner.cleanup()
        return answers

    assert [answer.payload for answer in run_virtual(main())] == [{}] * 10
