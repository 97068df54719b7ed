"""Each kind of proxy, before endpoints with and without TLS: what comes through, and what is said if nothing does."""

import asyncio
import logging
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import trustme

from frs_exporter.cloud.transport import Transport
from frs_exporter.core.errors import Failure, Reason
from frs_exporter.core.explanations import explain, others
from frs_exporter.core.http_options import HttpOptions
from frs_exporter.core.trace import Trace
from frs_exporter.exposition.telemetry import Telemetry
from tests.cloud.proxies import ANY, ForwardProxy, Serve, SocksProxy, TwoDoors
from tests.cloud.test_http_options import options_of
from tests.cloud.test_proxy_login import PASSWORD, ask, failure, silent
from tests.config.test_proxy_url import MUST_BE_ENCODED, PRINTABLE
from tests.conftest import LIMITS, VirtualLoop, proxied, run_virtual

KINDS = ("http", "https", "socks5", "socks5h")
SOCKS = ("socks5", "socks5h")
LOGIN = f"user:{PASSWORD}"
TLS = {"tls_config": {"ca_file": "both.pem"}}

Start = Callable[..., Awaitable[ForwardProxy]]


@pytest.fixture
def proxy_tls(tmp_path: Path, doors: TwoDoors) -> ssl.SSLContext:
    """TLS of a proxy, by another authority than the endpoint's; both are in both.pem."""
    authority = trustme.CA()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    (tmp_path / "proxy-ca.pem").write_bytes(authority.cert_pem.bytes())
    (tmp_path / "both.pem").write_bytes((tmp_path / "ca.pem").read_bytes() + authority.cert_pem.bytes())
    return context


@pytest.fixture
async def start(proxy_tls: ssl.SSLContext) -> AsyncIterator[Start]:
    """Start a proxy of a kind."""
    started: list[ForwardProxy] = []

    async def begin(kind: str, instead: Serve | None = None, **options: Any) -> ForwardProxy:
        started.append((SocksProxy if kind in SOCKS else ForwardProxy)(instead, **options))
        await started[-1].start(proxy_tls if kind == "https" else None)
        return started[-1]

    yield begin
    for each in started:
        await each.stop()


def through(folder: Path, kind: str, address: str, login: str = "") -> HttpOptions:
    """What the config makes of a proxy."""
    return options_of(folder, {"proxy_url": f"{kind}://{login + '@' if login else ''}{address}", **TLS})


async def answered(options: HttpOptions, *urls: str) -> list[Any]:
    """The headers that arrive at the endpoint, over connections that are kept."""
    transport = Transport(LIMITS, Telemetry(), time.time)
    found = [await ask(transport, options, url) for url in urls]
    await transport.close()
    return found


async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(1)


async def speak_in_tongues(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(1)
    writer.write(b"SSH-2.0-what\r\n\r\n" * 9)


async def refuse_as_http(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(1)
    writer.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")


FAILURES: list[tuple[str, dict[str, Any], str, str]] = [
    ("wants the login that is not given", {"login": LOGIN}, "", "connect: the proxy PROXY wants a login"),
    ("wants another login", {"login": "user:else"}, LOGIN, "connect: the proxy PROXY wants another login"),
    (
        "allows it to nobody",
        {"refusal": {"http": 403, "socks": 2}},
        LOGIN,
        "connect: the proxy PROXY does not allow HOST",
    ),
    ("reaches nobody", {"refusal": {"http": 502, "socks": 1}}, "", "connect: the proxy PROXY cannot reach HOST"),
    ("is silent", {"instead": silent}, LOGIN, "timeout: the proxy PROXY did not answer within 0.3 s"),
    ("hangs up", {"instead": hang_up}, LOGIN, "connect: the proxy PROXY closed the connection without an answer"),
    ("is another server", {"instead": speak_in_tongues}, LOGIN, "payload: OTHER"),
]
OTHER = {"http": "what the proxy PROXY answers is not proper HTTP", "socks": "the proxy PROXY does not speak SOCKS5"}


@pytest.mark.uncounted
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("row", FAILURES, ids=lambda row: row[0])
async def test_a_proxy_of_any_kind_that_fails_is_blamed_itself(
    tmp_path: Path,
    start: Start,
    doors: TwoDoors,
    caplog: pytest.LogCaptureFixture,
    kind: str,
    scheme: str,
    row: tuple[str, dict[str, Any], str, str],
) -> None:
    """By reason, words and advice, with its port; what was its login is in no text."""
    name, does, login, told = row
    tongue = "socks" if kind in SOCKS else "http"
    does = {key: value[tongue] if isinstance(value, dict) else value for key, value in does.items()}
    proxy = await start(kind, **does)
    lines: list[str] = []
    timeout = 0.3 if name == "is silent" else 5.0
    options = through(tmp_path, kind, proxy.address, login)
    error = await failure(options, doors.urls[scheme], timeout, Trace(lines.append))
    words = told.replace("OTHER", OTHER[tongue]).replace("PROXY", proxy.address).replace("HOST", "127.0.0.1")
    assert str(error).split(" (HTTP ")[0] == words
    assert error.by_proxy
    assert explain(error) is others()["proxy"]
    texts = "".join((repr(error), *lines, caplog.text, repr(options)))
    assert PASSWORD not in texts
    assert any(f"through the proxy {proxy.address}" in line for line in lines)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_a_proxy_of_any_kind_that_is_not_there_is_blamed_itself(
    tmp_path: Path, doors: TwoDoors, proxy_tls: ssl.SSLContext, kind: str, scheme: str
) -> None:
    for address, told in (
        ("nowhere.invalid:1", "dns: the name of the proxy nowhere.invalid does not resolve"),
        ("127.0.0.1:9", "connect: no connection to the proxy 127.0.0.1:9: Connection refused"),
    ):
        error = await failure(through(tmp_path, kind, address, LOGIN), doors.urls[scheme])
        assert (str(error), error.by_proxy) == (told, True)
        assert explain(error) is others()["proxy"]


@pytest.mark.parametrize("kind", KINDS)
async def test_what_is_sent_through_any_kind_arrives_over_kept_connections(
    tmp_path: Path, start: Start, doors: TwoDoors, kind: str
) -> None:
    """With the login that is wanted, with one that nobody wants, and with none; the endpoint sees no login."""
    for wanted, given in (("user:密 码", "user:密%20码"), (None, LOGIN), (None, "")):
        proxy = await start(kind, login=wanted)
        urls = [doors.urls["https"]] * 3
        for headers in await answered(through(tmp_path, kind, proxy.address, given), *urls, doors.urls["http"]):
            assert "proxy-authorization" not in headers
            assert headers["host"].startswith("127.0.0.1:")
        assert proxy.connections == len(proxy.asked) == 2, "a tunnel is kept"
        if wanted:
            assert {login for _, login in proxy.asked} == {wanted}


@pytest.mark.parametrize("kind", SOCKS)
async def test_plain_http_goes_through_a_kept_tunnel_of_socks(
    tmp_path: Path, start: Start, doors: TwoDoors, kind: str
) -> None:
    proxy = await start(kind)
    assert len(await answered(through(tmp_path, kind, proxy.address), *[doors.urls["http"]] * 3)) == 3
    assert proxy.connections == 1


@pytest.mark.parametrize("kind", ["https", *SOCKS])
@pytest.mark.uncounted
async def test_every_character_of_a_login_reaches_any_kind_as_it_is(
    tmp_path: Path, start: Start, doors: TwoDoors, kind: str
) -> None:
    """All that ASCII can print, and Chinese; to SOCKS goes a colon in the user's name, an empty part, and 255 bytes."""
    proxy = await start(kind, login=ANY)
    logins = [(f"u{character}r", f"p{character}w") for character in (*PRINTABLE, "密")]
    if kind in SOCKS:
        logins += [("密" * 85, "x" * 255), ("user", ""), ("", "pw")]
    else:
        logins.remove(("u:r", "p:w"))
    for user, password in logins:
        parts = ["".join(quote(c, safe="") if c in MUST_BE_ENCODED else c for c in part) for part in (user, password)]
        parts[0] = parts[0].replace(":", "%3A")
        await answered(through(tmp_path, kind, proxy.address, ":".join(parts)), doors.urls["http"])
    assert [login for _, login in proxy.asked] == [":".join(login) for login in logins]


@pytest.mark.parametrize("trusted", ["ca.pem", "proxy-ca.pem"])
@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_whose_certificate_is_refused_is_told(
    tmp_path: Path, start: Start, doors: TwoDoors, caplog: pytest.LogCaptureFixture, trusted: str, scheme: str
) -> None:
    """The proxy's or the endpoint's; ca_file is for both, and nothing else is logged."""
    proxy = await start("https")
    client = {"proxy_url": f"https://{LOGIN}@{proxy.address}", "tls_config": {"ca_file": trusted}}
    if trusted == "proxy-ca.pem" and scheme == "http":
        await answered(options_of(tmp_path, client), doors.urls[scheme])
        return
    error = await failure(options_of(tmp_path, client), doors.urls[scheme])
    by_proxy = trusted == "ca.pem"
    whose = f"the proxy {proxy.address}" if by_proxy else f"127.0.0.1 (through the proxy {proxy.address})"
    assert str(error) == f"tls: the certificate of {whose} is refused: unable to get local issuer certificate"
    assert error.by_proxy == by_proxy
    assert (explain(error) is others()["proxy"]) == by_proxy
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


async def test_a_port_without_tls_is_told_of_the_proxy(tmp_path: Path, start: Start, doors: TwoDoors) -> None:
    """And what hangs up in the handshake, and what hangs there."""
    for instead in (speak_in_tongues, refuse_as_http):
        plain = await start("http", instead)
        error = await failure(through(tmp_path, "https", plain.address), doors.urls["https"])
        assert (error.reason, error.by_proxy) == (Reason.TLS, True)
        assert error.message == (
            f"no TLS with the proxy {plain.address}: it does not speak TLS; "
            f"write http://{plain.address} in proxy_url, HTTPS_PROXY or wherever it is given"
        )
    closing = await start("http", hang_up)
    error = await failure(through(tmp_path, "https", closing.address), doors.urls["https"])
    assert str(error) == f"connect: no connection to the proxy {closing.address}: Connection reset by peer"
    hanging = await start("http", silent)
    error = await failure(through(tmp_path, "https", hanging.address), doors.urls["https"], 0.3)
    assert str(error) == f"timeout: the proxy {hanging.address} did not answer within 0.3 s"
    assert error.by_proxy


@pytest.mark.parametrize("kind", [None, *KINDS])
async def test_an_endpoint_without_tls_is_told_with_its_port(
    tmp_path: Path, start: Start, doors: TwoDoors, kind: str | None
) -> None:
    url = doors.urls["http"].replace("http:", "https:")
    proxy = await start(kind) if kind else None
    options = through(tmp_path, kind, proxy.address) if kind and proxy else HttpOptions()
    error = await failure(options, url)
    peer = f"127.0.0.1 (through the proxy {proxy.address})" if proxy else "127.0.0.1"
    port = url.rpartition(":")[2]
    assert error.message == (
        f"no TLS with {peer}: its port {port} does not speak TLS; is the endpoint http://, or on another port?"
    )
    assert (error.reason, error.by_proxy) == (Reason.TLS, False)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_an_endpoint_that_hangs_behind_a_tunnel_is_blamed_itself(
    tmp_path: Path, start: Start, kind: str, scheme: str
) -> None:
    """Also in its TLS handshake; over plain http a proxy that speaks HTTP answers itself, and nobody knows."""
    endpoint = ForwardProxy(silent)
    await endpoint.start()
    proxy = await start(kind)
    error = await failure(through(tmp_path, kind, proxy.address), f"{scheme}://{endpoint.address}", 0.3)
    own = scheme == "http" and kind not in SOCKS
    whose = f"the proxy {proxy.address}" if own else f"127.0.0.1 (through the proxy {proxy.address})"
    assert (str(error), error.by_proxy) == (f"timeout: {whose} did not answer within 0.3 s", own)
    await endpoint.stop()


async def test_the_servers_name_is_not_the_proxys(tmp_path: Path, start: Start) -> None:
    """A tls_config's server_name is what the endpoint's certificate must have; that of an https proxy has its own."""
    async with TwoDoors(tmp_path, "face.example") as doors:
        proxy = await start("https")
        both = (tmp_path / "ca.pem").read_bytes() + (tmp_path / "proxy-ca.pem").read_bytes()
        (tmp_path / "both.pem").write_bytes(both)
        named = {"tls_config": {"ca_file": "both.pem", "server_name": "face.example"}}
        options = options_of(tmp_path, {"proxy_url": f"https://{proxy.address}", **named})
        await answered(options, doors.urls["https"])


@pytest.mark.parametrize("kind", SOCKS)
@pytest.mark.parametrize("given", [None, LOGIN])
async def test_another_kind_of_login_is_said_to_be_wanted(start: Start, kind: str, given: str | None) -> None:
    async def no_method(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(9)
        writer.write(b"\x05\xff")

    proxy = await start(kind, no_method)
    error = await failure(proxied(f"{kind}://{given + '@' if given else ''}{proxy.address}"), "https://10.0.0.1")
    assert error.message.endswith(" wants another kind of login" if given else " wants a login")


@pytest.mark.parametrize(
    ("reply", "does"),
    [
        (1, "cannot reach 127.0.0.1"),
        (2, "does not allow 127.0.0.1"),
        (3, "cannot reach 127.0.0.1: it has no route to that network"),
        (4, "cannot reach 127.0.0.1: it does not find the host, or no route to it"),
        (5, "cannot reach 127.0.0.1: the connection was refused"),
        (6, "cannot reach 127.0.0.1: the way is too long"),
        (7, "makes no connections for its clients"),
        (8, "does not take this kind of address for 127.0.0.1"),
        (99, "refuses to connect to 127.0.0.1 (SOCKS reply 99)"),
    ],
)
async def test_what_a_reply_of_socks_says(tmp_path: Path, start: Start, doors: TwoDoors, reply: int, does: str) -> None:
    proxy = await start("socks5h", refusal=reply)
    error = await failure(through(tmp_path, "socks5h", proxy.address), doors.urls["http"])
    assert (str(error), error.by_proxy) == (f"connect: the proxy {proxy.address} {does}", True)


@pytest.mark.parametrize(
    "answers",
    [b"\x04\x00", b"\x05\x01", b"\x05\x02", b"\x05\x00\x04\x00", b"\x05\x00\x05\x00\x00\x09\x00"],
    ids=["version", "method", "method without a login", "version of the reply", "kind of address"],
)
async def test_what_is_no_answer_of_socks_is_said_to_be_none(start: Start, answers: bytes) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(3)
        writer.write(answers)
        await reader.read()

    proxy = await start("socks5", answer)
    error = await failure(proxied(f"socks5://{proxy.address}"), "https://10.0.0.1")
    assert (str(error), error.by_proxy) == (f"payload: the proxy {proxy.address} does not speak SOCKS5", True)


def test_who_looks_the_endpoints_name_up() -> None:
    """Of socks5 it is this machine, which then tries one address after the other; of socks5h it is the proxy."""

    async def main() -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        proxy, refusing = SocksProxy(), SocksProxy(refusal=2)
        await proxy.start()
        await refusing.start()
        loop.hosts["face.example"] = "127.0.0.7 127.0.0.8"
        for kind, targets in (("socks5", [(1, "127.0.0.7"), (1, "127.0.0.8")]), ("socks5h", [(3, "face.example")])):
            proxy.targets.clear()
            error = await failure(proxied(f"{kind}://{proxy.address}"), "http://face.example:9")
            assert error.message == f"the proxy {proxy.address} cannot reach face.example: the connection was refused"
            assert proxy.targets == targets
        error = await failure(proxied(f"socks5://{refusing.address}"), "http://face.example:9")
        assert error.message.endswith(" does not allow face.example")
        assert len(refusing.targets) == 1, "what is not allowed is not tried in other ways"
        await failure(proxied(f"socks5h://{proxy.address}"), "http://[2001:db8::1]:9")
        assert proxy.targets[-1] == (4, "2001:db8::1")
        for started in (proxy, refusing):
            await started.stop()

    run_virtual(main())


@pytest.mark.parametrize("kind", KINDS)
def test_name_servers_that_do_not_help_are_told_with_whose_name_it_is(kind: str) -> None:
    async def told(of: str, url: str, hosts: dict[str, str | None]) -> tuple[str, bool]:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        loop.hosts = hosts
        error: Failure = await failure(proxied(f"{kind}://{of}:1"), url, 10.0)
        return str(error), error.by_proxy

    async def main() -> None:
        proxy, hint = "the name of the proxy proxy.example", "; with socks5h:// the proxy looks it up"
        address = "https://10.0.0.1"
        assert await told("proxy.example", address, {}) == (f"dns: {proxy} does not resolve", True)
        hangs: dict[str, str | None] = {"proxy.example": None}
        assert await told("proxy.example", address, hangs) == (f"dns: {proxy} did not resolve within 10 s", True)
        if kind == "socks5":
            name = "dns: the name of face.example"
            url = "https://face.example"
            assert await told("127.0.0.1", url, {}) == (f"{name} does not resolve{hint}", False)
            both: dict[str, str | None] = {"face.example": None, **hangs}
            assert await told("proxy.example", url, both) == (f"{name} did not resolve within 10 s{hint}", False)

    run_virtual(main())


@pytest.mark.parametrize("kind", KINDS)
async def test_what_no_proxy_lists_goes_through_no_kind(
    tmp_path: Path, doors: TwoDoors, proxy_tls: ssl.SSLContext, kind: str
) -> None:
    options = options_of(tmp_path, {"proxy_url": f"{kind}://127.0.0.1:9", "no_proxy": "127.0.0.0/8", **TLS})
    assert len(await answered(options, *doors.urls.values())) == 2
