"""pip-audit, asked by us, finds a version that its service knows to be vulnerable."""

import http.server
import json
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.audit import PIP_AUDIT, ask, audited
from tests.e2e.conftest import missing

FLAW = {
    "id": "PYSEC-2026-1",
    "details": "bad",
    "affected": [
        {
            "package": {"name": "pyyaml", "ecosystem": "PyPI"},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "9.0"}]}],
        }
    ],
}
"""As OSV tells it (ossf.github.io/osv-schema)."""


HASH = f"--hash=sha256:{0:064}"


class Advisories(http.server.BaseHTTPRequestHandler):
    """Knows of one package."""

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        body = json.dumps({"vulns": [FLAW]} if asked["package"]["name"] == "pyyaml" else {}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing is told of requests."""


@pytest.fixture
def service() -> Iterator[tuple[str, ...]]:
    """The options that have pip-audit ask this service."""
    if not PIP_AUDIT.exists():
        missing("pip-audit is not installed: run make .venv/audit")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Advisories) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield ("--vulnerability-service=osv", f"--osv-url=http://127.0.0.1:{server.server_address[1]}/v1/query")
        server.shutdown()


def test_a_vulnerable_version_is_found(service: tuple[str, ...], tmp_path: Path) -> None:
    lock = tmp_path / "lock.txt"
    lock.write_text(f"pyyaml==6.0.1 {HASH}\nrich==14.3.0 {HASH}\n")
    found = audited(ask(lock, service))
    assert found.vulnerable == ("pyyaml 6.0.1: PYSEC-2026-1, mended in 9.0",)
    assert (found.known, found.unknown) == (2, ())


def test_a_service_that_is_not_there_is_an_error(service: tuple[str, ...], tmp_path: Path) -> None:
    lock = tmp_path / "lock.txt"
    lock.write_text(f"pyyaml==6.0.1 {HASH}\n")
    with pytest.raises(subprocess.CalledProcessError):
        ask(lock, (service[0], "--osv-url=http://127.0.0.1:9/v1/query"))
