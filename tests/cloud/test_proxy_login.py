"""Logins reach the proxy as they are, nobody else, and no text; and what fails at a proxy is said of the proxy."""

import asyncio
import json
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from frs_exporter.cloud.transport import Request, Transport
from frs_exporter.config.load import load
from frs_exporter.core.errors import ApiError, Failure, Reason
from frs_exporter.core.explanations import explain, others
from frs_exporter.core.http_options import HttpOptions
from frs_exporter.core.model import Api
from frs_exporter.core.trace import UNTRACED, Trace
from frs_exporter.exposition.telemetry import Telemetry
from tests.cloud.proxies import Serve, TwoDoors, request
from tests.cloud.test_http_options import CREDENTIAL, PROJECT, options_of
from tests.cloud.test_transport import authorized
from tests.config.test_proxy_url import MUST_BE_ENCODED, PRINTABLE
from tests.conftest import LIMITS, StartProxy, VirtualLoop, proxied, run_virtual
from tests.e2e.conftest import free_port, tool

PASSWORD = "hunter2-tOpSeCrEt"
TLS = {"tls_config": {"ca_file": "ca.pem"}}


async def ask(
    transport: Transport, options: HttpOptions, url: str, timeout: float = 5.0, trace: Trace = UNTRACED
) -> Any:
    """What is answered; raises ApiError."""
    request = Request(Api.FRS, url, "keys", "GET", "/v1/x", timeout, options, trace=trace)
    return (await transport.send(request, authorized)).data


async def failure(options: HttpOptions, url: str, timeout: float = 5.0, trace: Trace = UNTRACED) -> Failure:
    """Why there is no answer."""
    transport = Transport(LIMITS, Telemetry(), time.time)
    with pytest.raises(ApiError) as caught:
        await ask(transport, options, url, timeout, trace)
    await transport.close()
    return caught.value.failure


def options_of_each(folder: Path, urls: list[str]) -> list[HttpOptions]:
    """What the config makes of proxies that credentials have of their own."""
    credentials = {f"c{n}": {**CREDENTIAL, "http_client": {"proxy_url": url, **TLS}} for n, url in enumerate(urls)}
    projects = [
        {**PROJECT, "name": name, "project_id": f"{number:032}", "credential": name}
        for number, name in enumerate(credentials)
    ]
    (folder / "c.yaml").write_text(json.dumps({"credentials": credentials, "projects": projects}))
    return [target.http for target in load(str(folder / "c.yaml")).targets]


@pytest.mark.parametrize("source", ["credential", "file", "environment"])
@pytest.mark.uncounted
async def test_every_character_reaches_the_proxy_as_it_is_and_nobody_else(
    tmp_path: Path, doors: TwoDoors, start_proxy: StartProxy, monkeypatch: pytest.MonkeyPatch, source: str
) -> None:
    """All that ASCII can print, and Chinese, through tunnels and plain http; what must be encoded is."""
    proxy = await start_proxy(None)
    logins, urls = [], []
    for character in (*PRINTABLE, "密"):
        logins.append(f"u{character}r:p{character}w")
        written = quote(character, safe="") if character in MUST_BE_ENCODED else character
        urls.append(f"http://u{written}r:p{written}w@{proxy.address}")
    logins.append("用户:密码")
    urls.append(f"http://{quote('用户')}:{quote('密码')}@{proxy.address}")
    if source == "credential":
        options = options_of_each(tmp_path, urls)
    elif source == "file":
        options = [options_of(tmp_path, {"proxy_url": url, **TLS}) for url in urls]
    else:
        options = []
        monkeypatch.setenv("NO_PROXY", "")
        for url in urls:
            monkeypatch.setenv("HTTP_PROXY", url)
            monkeypatch.setenv("HTTPS_PROXY", url.removeprefix("http://"))
            taken = options_of(tmp_path, {"proxy_from_environment": True, **TLS})
            # Without exceptions: with any, even none, this machine is reached directly.
            options.append(HttpOptions(taken.proxies, None, files=taken.files, context=taken.context))
    transport = Transport(LIMITS, Telemetry(), time.time)
    for each in options:
        for url in doors.urls.values():
            assert "proxy-authorization" not in await ask(transport, each, url)
    assert proxy.asked == [(method, login) for login in logins for method in ("GET", "CONNECT")]
    await transport.close()


async def test_a_proxy_without_a_login_is_sent_none(doors: TwoDoors, start_proxy: StartProxy, tmp_path: Path) -> None:
    proxy = await start_proxy(None)
    transport = Transport(LIMITS, Telemetry(), time.time)
    options = options_of(tmp_path, {"proxy_url": f"http://{proxy.address}/", **TLS})
    for url in doors.urls.values():
        await ask(transport, options, url)
    assert proxy.asked == [("GET", None), ("CONNECT", None)]
    await transport.close()


async def test_a_tunnel_is_kept(doors: TwoDoors, start_proxy: StartProxy, tmp_path: Path) -> None:
    proxy = await start_proxy(None)
    transport = Transport(LIMITS, Telemetry(), time.time)
    options = options_of(tmp_path, {"proxy_url": f"http://user:pw@{proxy.address}", **TLS})
    for _ in range(3):
        await ask(transport, options, doors.urls["https"])
    assert (proxy.connections, len(proxy.asked)) == (1, 1)
    await transport.close()


def saying(answer: bytes) -> Serve:
    """Answer a request with these bytes."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await request(reader)
        writer.write(answer)

    return serve


def status(code: int, page: str = "<html>squid</html>", more: str = "") -> Serve:
    """Answer a request with a page of the proxy's own."""
    return saying(f"HTTP/1.1 {code} No\r\n{more}Content-Length: {len(page)}\r\n\r\n{page}".encode())


async def silent(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
    await reader.read()


BOTH = ("http", "https")
FAILURES: list[tuple[str, tuple[str, ...], Serve, Reason, str]] = [
    ("407", BOTH, status(407), Reason.CONNECT, "the proxy PROXY wants another login"),
    ("403", BOTH, status(403), Reason.CONNECT, "the proxy PROXY does not allow face.example"),
    *(
        (str(code), BOTH, status(code), Reason.CONNECT, "the proxy PROXY cannot reach face.example")
        for code in (500, 502, 503, 504)
    ),
    ("405", ("https",), status(405), Reason.CONNECT, "the proxy PROXY refuses to connect to face.example"),
    ("silent", BOTH, silent, Reason.TIMEOUT, "the proxy PROXY did not answer within 0.2 s"),
    ("hangs up", BOTH, saying(b""), Reason.CONNECT, "the proxy PROXY closed the connection without an answer"),
    ("garbage", BOTH, saying(b"SSH-2.0\r\n\r\n"), Reason.PAYLOAD, "what the proxy PROXY answers is not proper HTTP"),
    (
        "ends halfway",
        ("http",),
        saying(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx"),
        Reason.CONNECT,
        "the proxy PROXY ended its answer halfway",
    ),
]


@pytest.mark.parametrize("serve_row", FAILURES, ids=lambda row: row[0])
async def test_a_proxy_that_fails_is_blamed_itself(
    start_proxy: StartProxy, serve_row: tuple[str, tuple[str, ...], Serve, Reason, str]
) -> None:
    name, schemes, serve, reason, message = serve_row
    proxy = await start_proxy(serve)
    for scheme in schemes:
        timeout = 0.2 if name == "silent" else 5.0
        error = await failure(proxied(f"http://user:{PASSWORD}@{proxy.address}"), f"{scheme}://face.example", timeout)
        assert (error.reason, error.message) == (reason, message.replace("PROXY", proxy.address))
        assert (error.code, error.status) == ((name, int(name)) if name.isdigit() else ("", None))
        assert error.by_proxy
        assert explain(error) is others()["proxy"]


async def test_a_proxy_that_is_not_there_is_blamed_itself() -> None:
    for scheme in BOTH:
        for address, told in (
            ("nowhere.invalid:1", "dns: the name of the proxy nowhere.invalid does not resolve"),
            ("127.0.0.1:9", "connect: no connection to the proxy 127.0.0.1:9: Connection refused"),
        ):
            error = await failure(proxied(f"http://user:{PASSWORD}@{address}"), f"{scheme}://face.example")
            assert (str(error), error.by_proxy) == (told, True)


async def test_a_proxy_that_wants_a_login_and_is_given_none_is_said_to_want_one(start_proxy: StartProxy) -> None:
    proxy = await start_proxy(status(407))
    for scheme in BOTH:
        error = await failure(proxied(f"http://{proxy.address}"), f"{scheme}://face.example")
        assert str(error) == f"connect: the proxy {proxy.address} wants a login (HTTP 407)"


async def test_a_proxy_may_say_for_how_long_it_cannot(start_proxy: StartProxy) -> None:
    proxy = await start_proxy(status(503, more="Retry-After: 7\r\n"))
    assert (await failure(proxied(f"http://{proxy.address}"), "http://face.example")).retry_after == 7


async def test_what_the_cloud_says_through_a_proxy_stays_the_clouds(start_proxy: StartProxy) -> None:
    proxy = await start_proxy(status(403, json.dumps({"error_code": "APIGW.0302", "error_msg": "not yours"})))
    error = await failure(proxied(f"http://{proxy.address}"), "http://face.example")
    assert (str(error), error.by_proxy) == ("forbidden: not yours (APIGW.0302 HTTP 403)", False)
    empty = await start_proxy(status(401, ""))
    error = await failure(proxied(f"http://{empty.address}"), "http://face.example")
    assert (error.reason, error.by_proxy) == (Reason.TOKEN, False)


async def tunnel_to_nobody(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Say that the way is open, and end it at the first byte."""
    await request(reader)
    writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
    await reader.read(1)


async def test_whose_fault_it_is_beyond_the_tunnel_nobody_knows(
    start_proxy: StartProxy, doors: TwoDoors, tmp_path: Path
) -> None:
    proxy = await start_proxy(tunnel_to_nobody)
    error = await failure(proxied(f"http://{proxy.address}"), "https://face.example")
    assert error.message.startswith(f"no connection to face.example (through the proxy {proxy.address}): ")
    assert not error.by_proxy
    passing = await start_proxy(None)
    error = await failure(proxied(f"http://{passing.address}"), doors.urls["https"])
    assert str(error).startswith(f"tls: the certificate of 127.0.0.1 (through the proxy {passing.address}) is refused")


@pytest.mark.parametrize("through", ["", "http://user:pw@proxy.example:3128"])
def test_name_servers_that_hang_are_said_to(through: str) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        loop.hosts |= {"face.example": None, "proxy.example": None}
        error = await failure(proxied(through) if through else HttpOptions(), "https://face.example", 10.0)
        name = "the proxy proxy.example" if through else "face.example"
        assert (str(error), error.by_proxy) == (f"dns: the name of {name} did not resolve within 10 s", bool(through))

    run_virtual(main())


@pytest.fixture
def tinyproxy(tmp_path: Path) -> Iterator[str]:
    """A real proxy that wants a login."""
    port = free_port()
    settings = (f"Port {port}", "Listen 127.0.0.1", "BasicAuth user p-w.1", "MaxClients 20", "Timeout 10")
    (tmp_path / "tinyproxy.conf").write_text("".join(f"{line}\n" for line in settings))
    process = subprocess.Popen([tool("tinyproxy"), "-d", "-c", f"{tmp_path}/tinyproxy.conf"], stdout=subprocess.PIPE)
    assert process.stdout
    for line in process.stdout:
        if b"Accepting connections" in line:
            break
    yield f"127.0.0.1:{port}"
    process.kill()
    process.communicate()


@pytest.mark.programs
async def test_a_real_proxy_lets_in_who_has_the_login(doors: TwoDoors, tinyproxy: str, tmp_path: Path) -> None:
    transport = Transport(LIMITS, Telemetry(), time.time)
    options = options_of(tmp_path, {"proxy_url": f"http://user:p-w%2E1@{tinyproxy}", **TLS})
    for url in doors.urls.values():
        assert "proxy-authorization" not in await ask(transport, options, url)
    await transport.close()
    for scheme, url in doors.urls.items():
        for login, does in (("", "wants a login"), (f"user:{PASSWORD}@", "wants another login")):
            error = await failure(proxied(f"http://{login}{tinyproxy}"), url)
            assert (error.message, error.by_proxy) == (f"the proxy {tinyproxy} {does}", True)
        error = await failure(options, f"{scheme}://127.0.0.1:9")
        assert (error.reason, error.message) == (Reason.CONNECT, f"the proxy {tinyproxy} cannot reach 127.0.0.1")
