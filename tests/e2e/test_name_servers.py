"""A process whose name servers do not answer: it says so, and ends when it is told to."""

import contextlib
import json
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.conftest import EXPORTER, Programs, eventually, tool

SILENT = ("127.53.53.53", "127.53.53.54", "127.53.53.55")
CONFIG = """
defaults: {{poll_interval: 1s, poll_timeout: {timeout}}}
credentials:
  keys: {{ak_sk: {{access_key: AK, secret_key: sk}}}}
  user: {{token: {{domain_name: acme, user_name: frs-monitor, password: secret}}}}
projects:
  - {{name: signs, project_id: {id}, region: cn-north-4, credential: keys}}
  - {{name: logs-in, project_id: {id}, region: cn-east-3, credential: user}}
discovery:
  - {{credential: keys, name_template: "{{credential}}-{{project_name}}"}}
"""

pytestmark = pytest.mark.programs


@pytest.fixture
def alone(tmp_path: Path) -> Iterator[list[str]]:
    """What runs a command where name servers take every question and answer none."""
    resolver = tmp_path / "resolv.conf"
    lines = [f"nameserver {address}" for address in SILENT]
    resolver.write_text("\n".join((*lines, "options timeout:10 attempts:3", "")))
    script = f'mount --bind {resolver} /etc/resolv.conf && exec "$@"'
    command = [tool("unshare"), "--map-root-user", "--mount", "sh", "-c", script, "sh"]
    if subprocess.run([*command, "true"], capture_output=True, check=False).returncode:
        pytest.skip("this machine lets nobody have an /etc/resolv.conf of its own")
    with contextlib.ExitStack() as stack:
        for address in SILENT:
            server = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
            try:
                server.bind((address, 53))
            except OSError:
                pytest.skip("this machine has no port 53 for us")
        yield command


@pytest.mark.parametrize("timeout", ["1s", "10s"])
def test_the_daemon_ends_within_five_seconds(programs: Programs, alone: list[str], timeout: str) -> None:
    config = programs.folder / "config.yaml"
    config.write_text(CONFIG.format(timeout=timeout, id="d3f8e6476fbf416689f209e168ef4d31"))
    arguments = (f"--config.file={config}", "--web.listen-address=127.0.0.1:0", "--log.format=json")
    daemon = programs.start(*alone, *EXPORTER, *arguments)
    expected = '"reason":"dns"' if timeout == "1s" else '"msg":"serving"'
    eventually(lambda: expected in daemon.log.replace('": "', '":"'))
    code, seconds = daemon.stop()
    assert (code, seconds < 5) == (0, True), seconds
    assert "Traceback" not in daemon.log
    messages = [json.loads(line)["msg"] for line in daemon.log.splitlines()]
    # A poll that is under way may still end, as they do after a second here.
    assert set(messages[messages.index("stopping") + 1 :]) <= {"down"}


def test_the_daemon_ends_while_it_looks_up_where_to_listen(programs: Programs, alone: list[str]) -> None:
    config = programs.folder / "config.yaml"
    config.write_text(CONFIG.format(timeout="10s", id="d3f8e6476fbf416689f209e168ef4d31"))
    arguments = (f"--config.file={config}", "--web.listen-address=frs.example.com:10377", "--log.format=json")
    daemon = programs.start(*alone, *EXPORTER, *arguments)
    eventually(lambda: "runs as root" in daemon.log)
    time.sleep(1)  # for a name server to be asked
    code, seconds = daemon.stop()
    assert (code, seconds < 5) == (0, True), seconds
    assert [json.loads(line)["msg"] for line in daemon.log.splitlines()][-1] == "stopping"


def test_a_check_ends_when_its_time_is_over(programs: Programs, alone: list[str]) -> None:
    config = programs.folder / "config.yaml"
    config.write_text(CONFIG.format(timeout="30s", id="d3f8e6476fbf416689f209e168ef4d31"))
    check = programs.start(*alone, *EXPORTER, "check", f"--config.file={config}", "--timeout=2s")
    try:
        assert check.popen.wait(8) == 1
    finally:
        check.popen.kill()
