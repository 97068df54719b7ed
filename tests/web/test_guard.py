"""What every request passes, and every answer carries."""

import asyncio
import base64
from pathlib import Path

import bcrypt
import pytest

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
