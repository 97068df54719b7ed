"""What every request passes, and every answer carries."""

import asyncio
import base64
import re
from pathlib import Path

import bcrypt
import pytest
from aiohttp import web

from frs_exporter.web.bind import bind
from frs_exporter.web.listener import Listener
from frs_exporter.web.middleware import Guard
from frs_exporter.web.server import HttpServer
from frs_exporter.web.web_config import WebConfig
from frs_simulator import Simulator, demo_world
from tests.web.serving import serving

SALT = b"$2b$04$SaltForAllTestsThatWau"
"""The same in every process: names of tests have hashes in them."""
PATHS = ("/", "/metrics", "/probe", "/sd", "/api/v1/status", "/-/healthy", "/-/ready", "/-/reload", "/nowhere")


def login(user: str, password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


def users(**passwords: str) -> str:
    hashes = {user: bcrypt.hashpw(word.encode(), SALT).decode() for user, word in passwords.items()}
    return "basic_auth_users:\n" + "".join(f"  {user}: {hash}\n" for user, hash in hashes.items())


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PROPFIND"])
async def test_nobody_gets_anything_without_a_login(tmp_path: Path, method: str) -> None:
    """No endpoint is exempt, and it is not told which there are."""
    file = tmp_path / "web.yml"
    file.write_text(users(alice="correct"))
    async with Simulator(demo_world(1)) as simulator, serving(simulator, web_config=file) as served:
        for headers in ({}, login("alice", "wrong"), login("mallory", "correct"), {"Authorization": "Basic"}):
            for path in PATHS:
                status, told, body = await served.get(path, method=method, headers=headers)
                assert (status, told["WWW-Authenticate"]) == (401, 'Basic realm="frs_exporter"')
                assert body in (b"", b"user or password is missing or wrong\n")
        status, _, _ = await served.get("/metrics", headers=login("alice", "correct"))
        assert status == 200


@pytest.mark.uncounted
async def test_300_logins_at_once(tmp_path: Path) -> None:
    file = tmp_path / "web.yml"
    file.write_text(users(alice="correct"))
    async with Simulator(demo_world(1)) as simulator, serving(simulator, web_config=file) as served:
        right, wrong = login("alice", "correct"), [login("alice", f"wrong {i}") for i in range(150)]
        answers = await asyncio.gather(
            *(served.get("/-/healthy", headers=right) for _ in range(150)),
            *(served.get("/-/healthy", headers=headers) for headers in wrong),
        )
        assert [answer[0] for answer in answers] == [200] * 150 + [401] * 150


async def test_every_answer_carries_the_headers(tmp_path: Path) -> None:
    file = tmp_path / "web.yml"
    file.write_text("http_server_config: {headers: {X-Frame-Options: deny, Strict-Transport-Security: max-age=1}}\n")
    async with Simulator(demo_world(1)) as simulator, serving(simulator, web_config=file) as served:
        for path in PATHS:
            _, headers, _ = await served.get(path)
            assert (headers["X-Frame-Options"], headers["Strict-Transport-Security"]) == ("deny", "max-age=1")
            assert (headers["X-Content-Type-Options"], headers["Server"]) == ("nosniff", "frs_exporter")


async def test_the_rate_limit_is_a_bucket_before_everything_else(tmp_path: Path) -> None:
    file = tmp_path / "web.yml"
    file.write_text("rate_limit: {interval: 30s, burst: 3}\n" + users(alice="correct"))
    async with Simulator(demo_world(1)) as simulator, serving(simulator, web_config=file) as served:
        assert [(await served.get("/-/healthy"))[0] for _ in range(5)] == [401, 401, 401, 429, 429]
        status, _, body = await served.get("/metrics", headers=login("alice", "correct"))
        assert (status, body) == (429, b"too many requests: rate_limit of the web config is reached\n")


async def test_the_rate_limit_fills_up_again(tmp_path: Path) -> None:
    file = tmp_path / "web.yml"
    file.write_text("rate_limit: {interval: 100ms, burst: 2}\n")
    async with Simulator(demo_world(1)) as simulator, serving(simulator, web_config=file) as served:
        answers = [(await served.get("/-/healthy"))[0] for _ in range(2)]
        await asyncio.sleep(0.3)
        answers += [(await served.get("/-/healthy"))[0] for _ in range(2)]
        assert answers == [200] * 4


NO_HTTP = "this is no HTTP/1.1 request"
TOO_LONG = "the request line or a header is longer than 8190 bytes"
MALFORMED = [
    (b"get / HTTP/1.1\r\nHost: x\r\n\r\n", NO_HTTP),
    (b"GET / HTTP/1.1\nHost: x\n\n", NO_HTTP),
    (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", NO_HTTP),
    (b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", TOO_LONG),
    (b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 20_000 + b"\r\n\r\n", TOO_LONG),
    (b"GET / HTTP/1.1\r\nHost : x\r\n\r\n", NO_HTTP),
    (b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", NO_HTTP),
    (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", NO_HTTP),
    (b"\x00" * 100, NO_HTTP),
]
SET = "http_server_config: {headers: {X-Frame-Options: deny}}\n"


async def said(port: int, request: bytes) -> tuple[int, str, str]:
    """Status, headers and body of what comes back, to the end of the connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    async with asyncio.timeout(5):
        head, _, body = (await reader.read()).decode().partition("\r\n\r\n")
    writer.close()
    return int(head.split()[1]), head, body


@pytest.mark.parametrize(("request_", "text"), MALFORMED)
async def test_what_is_no_request_is_answered_in_our_words(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, request_: bytes, text: str
) -> None:
    (tmp_path / "web.yml").write_text(SET)
    async with Simulator(demo_world(1)) as simulator, serving(simulator, web_config=tmp_path / "web.yml") as served:
        status, head, body = await said(served.port, request_)
        assert (status, body) == (400, f"{text}\n")
        assert re.findall("(?m)^Server: (.*)\r$", head) == ["frs_exporter"]
        assert "\r\nX-Frame-Options: deny\r\n" in head
        assert "\r\nX-Content-Type-Options: nosniff\r\n" in head
    assert not caplog.records


async def test_what_is_no_request_counts_for_the_rate_limit(tmp_path: Path) -> None:
    (tmp_path / "web.yml").write_text(SET + "rate_limit: {interval: 30s, burst: 3}\n" + users(alice="correct"))
    async with Simulator(demo_world(1)) as simulator, serving(simulator, web_config=tmp_path / "web.yml") as served:
        answers = [await said(served.port, MALFORMED[0][0]) for _ in range(4)]
        assert [status for status, _, _ in answers] == [400, 400, 400, 429]
        assert answers[-1][2] == "too many requests: rate_limit of the web config is reached\n"
        assert all("X-Frame-Options: deny" in head for _, head, _ in answers)
        assert (await served.get("/-/healthy"))[0] == 429


def expecting(path: str, expectation: str, **headers: str) -> bytes:
    lines = [f"POST {path} HTTP/1.1", "Host: x", "Content-Length: 5", f"Expect: {expectation}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode()


@pytest.mark.parametrize("path", ["/metrics", "/-/reload", "/nowhere", "/%2e%2e"])
async def test_an_expectation_is_looked_at_behind_rate_limit_and_login(tmp_path: Path, path: str) -> None:
    """One that is met as well: nobody is told to send what nobody wants to have of him."""
    (tmp_path / "web.yml").write_text(SET + "rate_limit: {interval: 30s, burst: 3}\n" + users(alice="correct"))
    async with Simulator(demo_world(1)) as simulator, serving(simulator, web_config=tmp_path / "web.yml") as served:
        assert (await said(served.port, expecting(path, "nonsense")))[0] == 401
        assert (await said(served.port, expecting(path, "100-continue")))[0] == 401
        status, head, body = await said(served.port, expecting(path, "nonsense", **login("alice", "correct")))
        assert (status, body) == (417, "no other Expect is known here than 100-continue\n")
        assert "X-Frame-Options: deny" in head
        assert "Server: frs_exporter" in head
        assert (await said(served.port, expecting(path, "nonsense")))[0] == 429


async def test_who_may_come_in_is_told_to_go_on(tmp_path: Path) -> None:
    async with Simulator(demo_world(1)) as simulator, serving(simulator) as served:
        reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
        writer.write(expecting("/-/reload", "100-continue", Connection="close"))
        async with asyncio.timeout(5):
            assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
            writer.write(b"hello")
            assert (await reader.read()).startswith(b"HTTP/1.1 500 ")  # there is no config to load
        writer.close()


async def test_what_is_not_there_is_told_in_our_words() -> None:
    async with Simulator(demo_world(1)) as simulator, serving(simulator) as served:
        assert (await served.get("/nowhere"))[::2] == (404, b"there is nothing at this path\n")
        status, headers, body = await served.get("/metrics", method="DELETE")
        assert (status, headers["Allow"], body) == (405, "GET,HEAD", b"this path is for GET, HEAD\n")


async def test_a_bug_is_told_in_our_words_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    """A browser, too, gets no page of aiohttp's."""

    async def broken(_: web.Request) -> web.Response:
        raise RuntimeError("a bug")

    app = web.Application()
    app.router.add_get("/", broken)
    server = HttpServer(app, Guard(WebConfig(headers={"X-Frame-Options": "deny"})))
    await server.start()
    sockets = await bind(("127.0.0.1", 0))
    port, listener = sockets[0].getsockname()[1], Listener(server, sockets)
    await listener.secure(None)
    status, head, body = await said(port, b"GET / HTTP/1.1\r\nHost: x\r\nAccept: text/html\r\n\r\n")
    assert (status, body) == (500, "internal error: the exporter's log has more\n")
    assert "X-Frame-Options: deny" in head
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    await listener.close()
    await server.stop()
