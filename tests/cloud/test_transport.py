"""The outbound socket: each failure it can produce becomes one reason, bodies are bounded, gates keep the rate."""

import asyncio
import json
import ssl
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import aiohttp
import pytest
import trustme
from aiohttp import web
from aiohttp.client_reqrep import ConnectionKey
from aioresponses import aioresponses

from frs_exporter.cloud.bodies import MAX_BODY
from frs_exporter.cloud.clock_skew import clock_skew, skew_hint
from frs_exporter.cloud.iam import read_token
from frs_exporter.cloud.transport import Request, Response, Transport, read_json
from frs_exporter.core.errors import ApiError, Failure, Reason
from frs_exporter.core.explanations import advice
from frs_exporter.core.http_options import DIRECT, HttpOptions
from frs_exporter.core.model import Api, Limit
from frs_exporter.exposition.telemetry import Telemetry
from tests.conftest import LIMITS, believing, proxied, run_virtual

KEY = ConnectionKey("frs.example", 443, True, True, None, None, None)
URL = "https://frs.example/v1/x"


@asynccontextmanager
async def authorized(_: Request) -> AsyncIterator[Mapping[str, str]]:
    yield {"x-auth-token": "MIIsecret"}


@asynccontextmanager
async def unauthorized(_: Request) -> AsyncIterator[Mapping[str, str]]:
    yield {}


def request_to(endpoint: str, target: str = "/v1/x", timeout: float = 5.0, **options: Any) -> Request:
    return Request(Api.FRS, endpoint, "ops", "GET", target, timeout, **options)


async def test_an_error_has_nothing_of_the_librarys() -> None:
    """Whose errors hold the request, secrets and all."""
    transport = Transport(LIMITS, Telemetry(), time.time)
    with aioresponses() as mocked:
        mocked.get(URL, exception=aiohttp.ClientConnectionError("MIIsecret"))
        with pytest.raises(ApiError) as caught:
            await transport.send(request_to("https://frs.example"), authorized)
    await transport.close()
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


async def send(
    endpoint: str, options: HttpOptions | None = None, telemetry: Telemetry | None = None, **request: Any
) -> tuple[Any, Failure | None]:
    """What one request came to: its answer or its error."""
    transport = Transport(LIMITS, telemetry or Telemetry(), time.time)
    try:
        answer = await transport.send(replace(request_to(endpoint, **request), http=options or DIRECT), authorized)
    except ApiError as error:
        return None, error.failure
    else:
        return answer, None
    finally:
        await transport.close()


def failures(telemetry: Telemetry) -> set[str]:
    """The reasons counted, after one request."""
    assert telemetry.registry.get_sample_value("frs_exporter_api_requests_total", {"api": "frs"}) == 1
    (counter,) = (m for m in telemetry.registry.collect() if m.name == "frs_exporter_api_request_failures")
    return {sample.labels["reason"] for sample in counter.samples if sample.value}


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
        (aiohttp.ClientResponseError(None, (), status=400), Reason.PAYLOAD),  # type: ignore[arg-type]
        (ConnectionResetError(104, "Connection reset by peer"), Reason.CONNECT),
    ],
    ids=lambda value: value.value if isinstance(value, Reason) else type(value).__name__,
)
async def test_each_failure_of_a_socket_is_one_reason(failure: Exception, reason: Reason) -> None:
    telemetry = Telemetry()
    with aioresponses() as mocked:
        mocked.get(URL, exception=failure)
        _, error = await send("https://frs.example", telemetry=telemetry)
    assert error is not None
    assert error.reason is reason
    assert "MIIsecret" not in str(error)
    assert failures(telemetry) == {reason}


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
    assert answer.data == {"a": 1}
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

    telemetry = Telemetry()
    _, error = await send(await serve(handler), telemetry=telemetry)
    assert error is not None
    assert (error.reason, error.status) == (reason, status)
    assert failures(telemetry) == {reason}


async def test_a_failure_says_whether_the_request_has_left_the_machine(serve: Serve) -> None:
    async def refuse(_: web.Request) -> web.Response:
        return web.Response(status=503, text='{"error_code": "APIGW.0613", "error_msg": "no"}')

    async def hang_up(request: web.Request) -> web.Response:
        assert request.transport
        request.transport.close()
        return web.Response()

    for url, sent in ((await serve(refuse), True), (await serve(hang_up), True), ("http://127.0.0.1:9", False)):
        _, failure = await send(url)
        assert failure
        assert failure.sent is sent, url


async def test_that_nothing_is_subscribed_counts_as_an_answer(serve: Serve) -> None:
    async def handler(_: Any) -> web.Response:
        return web.json_response({"error_code": "FRS.0019", "error_msg": "..."}, status=400)

    telemetry = Telemetry()
    _, error = await send(await serve(handler), telemetry=telemetry)
    assert error is not None
    assert failures(telemetry) == set()


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


async def test_a_long_body_that_is_allowed_is_read_in_a_thread(serve: Serve) -> None:
    """The loop has its turns meanwhile; refusals, and what nobody allows, are as short as ever."""
    readers: list[threading.Thread] = []

    def read(raw: Response) -> Any:
        readers.append(threading.current_thread())
        return json.loads(raw.data)

    async def handler(request: web.Request) -> web.Response:
        return web.json_response(" " * int(request.query["length"]))

    endpoint = await serve(handler)
    for length, offloaded in ((1000, False), (2 * MAX_BODY, True)):
        answer, _ = await send(endpoint, target=f"/v1/x?length={length}", read=read, max_body=3 * MAX_BODY)
        assert len(answer.data) == length
        assert (readers.pop() is not threading.main_thread()) is offloaded
    _, error = await send(endpoint, target=f"/v1/x?length={3 * MAX_BODY}", read=read, max_body=3 * MAX_BODY)
    assert error is not None
    assert (error.reason, error.too_long, readers) == (Reason.PAYLOAD, True, [])
    assert error.message == f"the answer is longer than {3 * MAX_BODY} bytes"


@pytest.mark.uncounted
async def test_what_is_wrong_with_a_long_body_is_a_failure_as_of_a_short_one(serve: Serve) -> None:
    async def handler(_: Any) -> web.Response:
        return web.Response(body=b"[" + b"0," * MAX_BODY)

    _, error = await send(await serve(handler), max_body=3 * MAX_BODY)
    assert error is not None
    assert error.reason is Reason.PAYLOAD
    assert error.message.startswith("the answer is not usable: ")


@pytest.mark.parametrize(("api", "advised"), [("iam", "access key"), ("frs", "portal"), ("iam", "under projects")])
def test_what_is_too_long_is_more_than_a_bug_to_report(api: str, advised: str) -> None:
    failure = Failure(Reason.PAYLOAD, "the answer is longer than 5 bytes", api=api, too_long=True)
    assert advised in advice(failure)
    assert advice(failure) != advice(replace(failure, too_long=False))


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


@asynccontextmanager
async def short_token(_: Request) -> AsyncIterator[Mapping[str, str]]:
    yield {"x-auth-token": "short-token"}


async def test_what_was_sent_is_blanked_where_an_error_echoes_it(serve: Serve) -> None:
    async def handler(request: Any) -> web.Response:
        sent = f"{request.headers['x-auth-token']} {(await request.read()).decode()}"
        echo = {"X-Request-Id": "short-token"}
        return web.json_response({"error_code": "FRS.0010", "error_msg": f"you sent {sent}"}, status=400, headers=echo)

    request = replace(request_to(await serve(handler)), method="POST", body=b"p,w;d", secret="p,w;d")
    transport = Transport(LIMITS, Telemetry(), time.time)
    with pytest.raises(ApiError) as caught:
        await transport.send(request, short_token)
    await transport.close()
    assert (caught.value.failure.message, caught.value.failure.request_id, caught.value.failure.api) == (
        "you sent *** ***",
        "",
        "frs",
    )


@pytest.mark.parametrize(
    ("read", "body"), [(read_json, "no JSON"), (read_token, "no JSON"), (read_token, '{"token": {}}')]
)
async def test_an_id_that_quotes_what_was_sent_is_not_told_of_a_success_either(
    serve: Serve, read: Callable[[Response], Any], body: str
) -> None:
    async def handler(request: Any) -> web.Response:
        return web.Response(text=body, headers={"X-Request-Id": request.headers["X-Auth-Token"]})

    request = replace(request_to(await serve(handler)), read=read)
    transport = Transport(LIMITS, Telemetry(), time.time)
    with pytest.raises(ApiError) as caught:
        await transport.send(request, short_token)
    await transport.close()
    assert (caught.value.failure.reason, caught.value.failure.request_id) == (Reason.PAYLOAD, "")


async def test_a_proxy_that_quotes_its_password_is_not_quoted(serve: Serve) -> None:
    async def proxy(request: Any) -> web.Response:
        return web.Response(status=407, text=f"no: us#r:hunter2 {request.headers['Proxy-Authorization']}")

    url = (await serve(proxy)).replace("http://", "http://us%23r:hunter2@")
    _, error = await send("http://frs.example", proxied(url))
    assert error is not None
    assert (error.reason, error.code) == (Reason.CONNECT, "407")
    assert "hunter2" not in error.message
    assert "Basic" not in error.message or "***" in error.message


async def test_a_refusal_is_one_though_its_body_is_cut_off(serve: Serve) -> None:
    async def handler(request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse(status=401, headers={"Content-Length": "100"})
        await response.prepare(request)
        await response.write(b"x")
        assert request.transport
        request.transport.close()
        return response

    _, error = await send(await serve(handler))
    assert error is not None
    assert (error.reason, error.status, error.code) == (Reason.TOKEN, 401, "401")


@pytest.mark.parametrize("end", [True, False], ids=["cut off", "hangs"])
async def test_an_answer_without_its_body_tells_how_it_ended(end: bool, serve: Serve) -> None:
    """What was asked for has been done, and may be billed."""

    async def handler(request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse(status=200, headers={"Content-Length": "100"})
        await response.prepare(request)
        await response.write(b"x")
        assert request.transport
        if end:
            request.transport.close()
        else:
            await asyncio.sleep(1.5)
        return response

    _, error = await send(await serve(handler), timeout=0.5)
    assert error is not None
    assert (error.reason, error.status) == (Reason.CONNECT if end else Reason.TIMEOUT, 200)


async def test_an_error_says_when_it_is_the_proxys() -> None:
    for proxy, told in (
        ("http://user:hunter2@nowhere.invalid:1", "dns: the name of the proxy nowhere.invalid does not resolve"),
        ("http://user:hunter2@127.0.0.1:9", "connect: no connection to the proxy 127.0.0.1:9: Connection refused"),
    ):
        _, error = await send("http://frs.example", proxied(proxy))
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
    answer, error = await send(url, believing(str(tmp_path / "ca.pem")))
    assert error is None
    assert answer.data == []
    await runner.cleanup()


async def test_requests_go_through_the_configured_proxy(serve: Serve) -> None:
    async def proxy(request: Any) -> web.Response:
        assert request.headers["Proxy-Authorization"].startswith("Basic ")
        return web.json_response({"asked": request.raw_path})

    url = (await serve(proxy)).replace("http://", "http://user:password@")
    answer, error = await send("http://frs.example", proxied(url))
    assert error is None
    assert answer.data == {"asked": "http://frs.example/v1/x"}


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
        transport = Transport({api: Limit(1, 1) for api in Api}, Telemetry(), time.time)
        sends = (transport.send(request_to(url, timeout=1.0), unauthorized) for _ in range(10))
        answers = await asyncio.gather(*sends, return_exceptions=True)
        await transport.close()
        await runner.cleanup()
        return answers

    assert [answer.data for answer in run_virtual(main())] == [{}] * 10


@pytest.mark.parametrize(
    ("date", "expected"),
    [
        ("Fri, 15 Jan 2027 08:00:00 GMT", 600.0),
        ("Fri, 15 Jan 2027 08:20:00 GMT", -600.0),
        ("Fri, 15 Jan 2027 08:10:00 GMT", 0.0),
        ("", None),
        ("yesterday", None),
        ("Fri, 99 Jan 2027 08:10:00 GMT", None),
    ],
)
def test_clock_skew_is_measured_from_the_middle_of_the_exchange(date: str, expected: float | None) -> None:
    at = 1_800_000_600.5
    skew = clock_skew({"date": date}, at - 2, at + 2)
    assert skew == (None if expected is None else pytest.approx(expected))


@pytest.mark.parametrize(
    ("skew", "hint"),
    [
        (299.0, ""),
        (-300.0, ""),
        (301.4, "; this machine's clock is 301 s ahead of the cloud's: set it right"),
        (-1200.0, "; this machine's clock is 1200 s behind the cloud's: set it right"),
    ],
)
def test_only_a_notable_skew_is_hinted_at(skew: float, hint: str) -> None:
    assert skew_hint(skew) == hint


def test_whoever_is_cancelled_leaves_nothing_waiting_and_what_was_sent_ends() -> None:
    async def main() -> None:
        asked = 0

        async def handler(_: Any) -> web.Response:
            nonlocal asked
            asked += 1
            await asyncio.sleep(2)
            return web.json_response({})

        runner = web.ServerRunner(web.Server(handler), shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        transport = Transport({api: Limit(10, 1) for api in Api}, Telemetry(), time.time)
        request = request_to(f"http://127.0.0.1:{runner.addresses[0][1]}")
        for pause in (None, 0.5):  # before any begins; when one is sent and two are in the gate's line
            tasks = [asyncio.create_task(transport.send(request, authorized)) for _ in range(3)]
            if pause is not None:
                await asyncio.sleep(pause)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await asyncio.sleep(5)
            assert transport.longest_wait() == 0
        assert asked == 1, "only the one that was sent when nobody wanted it any more"
        sent = asyncio.create_task(transport.send(request, authorized))
        await asyncio.sleep(0.5)
        sent.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sent
        await transport.close()
        await runner.cleanup()

    run_virtual(main())
