"""The exporter's own certificate and key: what is told of their end, and of who can read them."""

import datetime
import tempfile
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from frs_exporter.web.web_config import load_web_config
from frs_simulator import Simulator, demo_world
from tests.web.authority import FILES, prepare, put, write
from tests.web.serving import Served, serving
from tests.web.test_tls import until

GAUGE = "frs_exporter_web_certificate_expiry_timestamp_seconds"


def issue(folder: Path, days: float) -> datetime.datetime:
    """Put a server's certificate there that ends in so many days, or has ended; returns when."""
    end = datetime.datetime.now(datetime.UTC) + datetime.timedelta(days)
    begin = end - datetime.timedelta(60)
    write(folder, "server", prepare(folder).issue_cert("localhost", "127.0.0.1", not_before=begin, not_after=end))
    return end


@pytest.mark.parametrize(("days", "told"), [(30.1, ""), (29.9, "ends on "), (-0.1, "ended on ")])
def test_a_certificate_that_ends_soon_is_told(tmp_path: Path, days: float, told: str) -> None:
    end = issue(tmp_path, days)
    config = load_web_config(str(put(tmp_path, "tls.good.yml")))
    assert config.tls
    assert config.tls.validity
    assert config.tls.validity.end == int(end.timestamp())
    about = f"tls_server_config.cert_file: the certificate {told}{end:%Y-%m-%d}; put a new one there"
    assert config.notices == ((about,) if told else ())


def test_a_key_that_everybody_can_read_is_told() -> None:
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        folder = Path(name)
        folder.chmod(0o755)
        prepare(folder)
        (folder / "server.key").chmod(0o644)
        (told,) = load_web_config(str(put(folder, "tls.good.yml"))).notices
        assert told.startswith("tls_server_config.key_file: every user of this machine can read the file")


@pytest.mark.parametrize(
    ("text", "section"),
    [
        ("basic_auth_users: {u: !file secret}\n", "basic_auth_users.u"),
        ("tls_server_config: {cert_file: server.pem, key: !file secret}\n", "tls_server_config.key"),
    ],
)
def test_secrets_in_files_that_everybody_can_read_are_told(open_folder: Path, text: str, section: str) -> None:
    prepare(open_folder)
    key = (open_folder / "server.key").read_text()
    (open_folder / "secret").write_text(key if "key" in section else "$2y$10$" + 53 * "a")
    (open_folder / "secret").chmod(0o644)
    (open_folder / "web.yml").write_text(text)
    about = f"{section}: every user of this machine can read the file; chmod o-r takes that away"
    assert about in load_web_config(str(open_folder / "web.yml")).notices
    (open_folder / "secret").chmod(0o640)
    assert about not in load_web_config(str(open_folder / "web.yml")).notices


async def test_the_gauge_is_there_with_tls_and_follows_the_certificate(tmp_path: Path) -> None:
    first, web = issue(tmp_path, 50), tmp_path / "web.yml"
    web.write_text("")

    def told(served: Served) -> float | None:
        return served.telemetry.registry.get_sample_value(GAUGE)

    async with Simulator(demo_world(1)) as simulator, serving(simulator, web_config=web) as served:
        assert told(served) is None
        web.write_text((FILES / "tls.good.yml").read_text())
        await until(lambda: told(served) == int(first.timestamp()))
        with capture_logs() as logs:
            second = issue(tmp_path, 20)
            await until(lambda: told(served) == int(second.timestamp()))
        assert any(f"the certificate ends on {second:%Y-%m-%d}" in entry["event"] for entry in logs)
        web.write_text("tls_server_config: {}\n")
        await until(lambda: told(served) is None)
