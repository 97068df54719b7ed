"""A running exporter keeps its protection until a file says that it is not wanted, and shows what it has."""

import asyncio
import os
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path

import pytest
import structlog

from frs_exporter.core.errors import ConfigError
from frs_exporter.web.protection import lost
from frs_exporter.web.web_config import MAX_WEB_CONFIG, WebConfig, load_web_config
from frs_simulator import Simulator, demo_world
from tests.web.authority import keep, prepare
from tests.web.serving import Served, serving
from tests.web.test_guard import users
from tests.web.test_tls import client, refused, shake_hands

TLS = """\
tls_server_config:
  cert_file: server.pem
  key_file: server.key
  client_auth_type: RequireAndVerifyClientCert
  client_ca_file: clients.pem
  client_allowed_sans: [prometheus.example.com]
"""
USERS = users(alice="correct")
GOOD = "frs_exporter_web_config_last_reload_successful"
GAUGES = ("web_tls_enabled", "web_client_certificates_required", "web_basic_auth_users")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where certificates are, and files are put."""
    made = tmp_path_factory.mktemp("web-config")
    prepare(made)
    return made


def loaded(folder: Path, text: str) -> WebConfig:
    (folder / "web.yml").write_text(text)
    return load_web_config(str(folder / "web.yml"))


def lost_between(folder: Path, before: str, after: str) -> list[str]:
    """What is told of a file that follows another, without the remedy."""
    first, second = loaded(folder, before), loaded(folder, after)
    problems = lost(first.protections, second.protections, second.waived)
    assert all(problem.startswith("nothing is said of ") for problem in problems)
    return [problem.removeprefix("nothing is said of ").split(", as it was")[0] for problem in problems]


def without(*keys: str) -> str:
    """The section with some of its keys taken out."""
    return "".join(line for line in TLS.splitlines(True) if not line.strip().startswith(keys))


NAMES = "client_allowed_sans"
WAIVED = "tls_server_config: {}\nbasic_auth_users: {}\n"


@pytest.mark.parametrize(
    ("after", "told"),
    [
        ("", ["TLS", "logins"]),
        ("# nothing\n", ["TLS", "logins"]),
        ("{}\n", ["TLS", "logins"]),
        ("tls_server_config:\nbasic_auth_users:\n", ["TLS", "logins"]),
        (USERS, ["TLS"]),
        (TLS, ["logins"]),
        (without("client_") + USERS, ["client certificates"]),
        (without("client_ca_file") + USERS, ["client_ca"]),
        (without(NAMES) + USERS, [NAMES]),
        (TLS + "basic_auth_users: {}\n", []),
        ("tls_server_config: {}\n" + USERS, []),
        ("tls_server_config: {}\n", ["logins"]),
        (without("client_") + "  client_auth_type: NoClientCert\n" + USERS, []),
        (without("client_auth", NAMES) + "  client_auth_type: VerifyClientCertIfGiven\n" + USERS, []),
        (TLS.replace("prometheus.", "other.") + users(bob="another"), []),
        (WAIVED, []),
    ],
)
def test_only_a_file_that_says_so_takes_protection_away(folder: Path, after: str, told: list[str]) -> None:
    assert lost_between(folder, TLS + USERS, after) == told


@pytest.mark.parametrize("after", ["", "tls_server_config: {}\n", TLS, USERS, TLS + USERS])
def test_what_was_not_there_cannot_be_lost(folder: Path, after: str) -> None:
    assert lost_between(folder, "", after) == []


@pytest.mark.uncounted
@pytest.mark.parametrize("text", [TLS + USERS, USERS + TLS])
def test_no_beginning_of_a_file_that_is_being_written_takes_protection_away(folder: Path, text: str) -> None:
    whole = loaded(folder, text)
    for length in range(len(text)):
        try:
            part = loaded(folder, text[:length])
        except ConfigError:
            continue
        kept = part.protections == whole.protections
        assert kept or lost(whole.protections, part.protections, part.waived), text[:length]


def gauges(served: Served) -> list[float | None]:
    return [served.telemetry.registry.get_sample_value(f"frs_exporter_{name}") for name in GAUGES]


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110  # it is for a thread and a clock
            await asyncio.sleep(0.02)


@pytest.mark.uncounted
@pytest.mark.parametrize("change", ["emptied", "commented out", "begun", "gone", "a folder", "too long"])
async def test_a_file_that_says_nothing_changes_nothing(tmp_path: Path, change: str) -> None:
    prepare(tmp_path)
    file = tmp_path / "web.yml"
    text = TLS + USERS
    file.write_text(text)
    async with Simulator(demo_world(1)) as simulator, serving(simulator, web_config=file) as served:
        value = served.telemetry.registry.get_sample_value
        assert (value(GOOD), gauges(served)) == (1, [1, 1, 1])
        match change:
            case "emptied":
                file.write_text("")
            case "commented out":
                file.write_text("# " + text.replace("\n", "\n# "))
            case "begun":
                file.write_text(TLS)
            case "too long":
                file.write_text("#" * MAX_WEB_CONFIG + "\n" + text)
            case _:
                file.unlink()
        if change == "a folder":
            file.mkdir()
        with structlog.testing.capture_logs() as logs:
            await until(lambda: value(GOOD) == 0)
        assert {entry["log_level"] for entry in logs if entry["event"].startswith("web config")} == {"error"}
        assert gauges(served) == [1, 1, 1]
        assert await refused(served.port, client(tmp_path))
        status, _, _ = await served.get("/metrics", ssl=client(tmp_path, "prometheus"))
        assert status == 401
        if change == "a folder":
            file.rmdir()
        file.write_text(WAIVED)
        with structlog.testing.capture_logs() as logs:
            await until(lambda: value(GOOD) == 1)
        (entry,) = [entry for entry in logs if entry["log_level"] == "warning"]
        assert entry["event"] == "web config gives protection up"
        assert entry["protection"] == "TLS, client certificates, client_allowed_sans, client_ca, logins"
        assert gauges(served) == [0, 0, 0]


async def test_a_connection_that_is_older_than_the_protection_does_not_come_in_by_it(tmp_path: Path) -> None:
    """It had to log in; now certificates are asked for instead, of which it never showed one."""
    prepare(tmp_path)
    file = tmp_path / "web.yml"
    file.write_text(USERS)
    async with Simulator(demo_world(1)) as simulator, serving(simulator, web_config=file) as served:
        reader, writer = await asyncio.open_connection("127.0.0.1", served.port)

        async def status(authorization: str = "") -> bytes:
            writer.write(f"GET /-/healthy HTTP/1.1\r\nHost: x\r\n{authorization}\r\n".encode())
            head = await reader.readuntil(b"\r\n\r\n")
            length = next(line for line in head.lower().splitlines() if line.startswith(b"content-length"))
            await reader.readexactly(int(length.split()[1]))
            return head.split()[1]

        login = b64encode(b"alice:correct").decode()
        assert await status(f"Authorization: Basic {login}\r\n") == b"200"
        file.write_text(without(NAMES) + "basic_auth_users: {}\n")
        await until(lambda: gauges(served) == [1, 1, 0])
        assert await status() == b"403"
        writer.close()


COMMENTS = [b"\xef\xbb\xbf", "# Zürich, 北京\n".encode(), "Aussteller: Müller\r\n".encode("latin-1")]


@pytest.mark.parametrize("around", COMMENTS)
async def test_certificates_may_have_anything_around_their_blocks_and_are_taken_up_with_it(
    tmp_path: Path, around: bytes
) -> None:
    prepare(tmp_path)
    keep(tmp_path, "authority.pem", "next.pem")
    for name in ("server.pem", "server.key", "clients.pem", "next.pem"):
        (tmp_path / name).write_bytes(around + (tmp_path / name).read_bytes() + around)
    (tmp_path / "web.yml").write_text(without(NAMES))
    async with Simulator(demo_world(1)) as simulator, serving(simulator, web_config=tmp_path / "web.yml") as served:
        await shake_hands(served.port, client(tmp_path, "prometheus"))
        keep(tmp_path, "next.pem", "clients.pem")
        async with asyncio.timeout(20):
            while not await refused(served.port, client(tmp_path, "prometheus")):  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        await shake_hands(served.port, client(tmp_path, "server"))
        assert served.telemetry.registry.get_sample_value(GOOD) == 1


def test_an_authority_that_is_cut_off_is_refused(folder: Path) -> None:
    os.truncate(folder / "clients.pem", (folder / "clients.pem").stat().st_size - 30)
    with pytest.raises(ConfigError, match=r"cannot read the file clients.pem: .* part of it is missing"):
        loaded(folder, TLS)
