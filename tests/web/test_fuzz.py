"""Whatever is sent, it is answered, or the connection ends; it is never an error of ours."""

import asyncio
import random
import re

import pytest

from frs_simulator import Simulator, demo_world
from tests.web.serving import serving
from tests.web.test_guard import login, users

PATHS = ["/", "/metrics", "/probe", "/sd", "/api/v1/status", "/-/healthy", "/-/ready", "/-/reload", "/nowhere", "*", ""]
PARTS = [
    *("project", "collector", "debug", "name[]", "q", "lang", "all", "vision-prod", "subscription", "true", "zh", "1"),
    *("%00", "%ff", "%F0%9F%98%80", "%E4%B8%AD", "..", "//", "\\", "'", '"', "<b>", "{{7*7}}", "%s", "\x7f", "é", ";"),
]
METHODS = ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "CONNECT", "BREW", "get", ""]
HEADERS = [
    *("Accept", "Accept-Encoding", "Accept-Language", "Authorization", "X-Prometheus-Scrape-Timeout-Seconds", "Host"),
    *("Expect", "Content-Length", "Transfer-Encoding", "Content-Type", "Range", "If-None-Match", "Upgrade"),
]
VALUES = [
    *(
        "",
        "*/*",
        "gzip;q=0",
        "q=;,;=,",
        "text/plain;q=nan",
        "zh-\xff",
        "Basic",
        "Basic ====",
        "1e309",
        "-1",
        "nan",
        "0",
    ),
    *("100-continue", "chunked", "99999999999999999999", "a" * 5000, "\x01", "é", "h2c", "localhost", "[::1"),
    *("application/openmetrics-text", "evil.example/path?x", "127.0.0.1:99999", "bytes=0-1", "websocket"),
]


def request_of(rng: random.Random) -> bytes:
    """A request that is more or less one."""
    query = "&".join(f"{rng.choice(PARTS)}={rng.choice(PARTS)}" for _ in range(rng.randrange(4)))
    target = rng.choice(PATHS) + rng.choice(["", rng.choice(PARTS)]) + (f"?{query}" if query else "")
    lines = [f"{rng.choice(METHODS)} {target} {rng.choice(['HTTP/1.1'] * 8 + ['HTTP/1.0', 'HTTP/2.0', 'FTP/1'])}"]
    lines += [f"{rng.choice(HEADERS)}: {rng.choice(VALUES)}" for _ in range(rng.randrange(5))]
    if rng.random() < 0.7:
        lines.append("Host: localhost")
    end = rng.choice(["", "", "", "{}", "a=b", "5\r\nhello\r\n0\r\n\r\n"])
    return ("\r\n".join([*lines, "Connection: close", "", ""]) + end).encode("utf-8", "surrogateescape")


async def answer(port: int, request: bytes) -> bytes:
    """What comes back until the connection ends, or for a second."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(request)
        async with asyncio.timeout(0.3):
            return await reader.read(1 << 20)
    except (ConnectionError, TimeoutError):
        return b""  # what has no end yet has no answer yet
    finally:
        writer.transport.abort()


@pytest.mark.parametrize("logins", [False, True])
@pytest.mark.uncounted
async def test_no_request_is_an_error_of_ours(tmp_path: object, logins: bool, capsys: object) -> None:
    file = f"{tmp_path}/web.yml"
    with open(file, "w") as stream:  # noqa: ASYNC230  # there is nobody to wait yet
        stream.write(users(alice="correct") if logins else "")
    rng, statuses = random.Random(5), set[bytes]()
    async with Simulator(demo_world(2)) as simulator, serving(simulator, web_config=file) as served:
        for _ in range(1500):
            request = request_of(rng)
            told = await answer(served.port, request)
            status = re.match(rb"HTTP/\d\.\d (\d{3})", told)
            assert status or told == b"", (request, told[:200])
            if status:
                statuses.add(status[1])
                assert not status[1].startswith(b"5") or b"/-/reload" in request, (request, told[:500])
            assert b"Traceback" not in told
        good = login("alice", "correct") if logins else {}
        assert (await served.get("/metrics", headers=good))[0] == 200
    assert statuses >= ({b"400", b"401"} if logins else {b"200", b"400", b"404", b"405"})
