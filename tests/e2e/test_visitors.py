"""A process that may have few file descriptors, and more visitors than those: polls, reloads and scrapes go on."""

import re
import socket
import urllib.request

from tests.e2e.conftest import EXPORTER, Programs, eventually, fetch, free_port

LIMIT, VISITORS = 256, 700


def post(url: str, body: bytes = b"") -> int:
    with urllib.request.urlopen(urllib.request.Request(url, body, method="POST"), timeout=10) as response:
        return int(response.status)


def up(page: str) -> int:
    return len(re.findall(r"(?m)^frs_up{.*} 1\.0$", page))


def test_visitors_do_not_take_what_polls_and_reloads_need(programs: Programs) -> None:
    """The cloud resets its connections, so that each poll needs a descriptor anew."""
    _, config = programs.simulator("--projects=16", "--poll-interval=1s")
    cloud = re.findall(r"(?m)^# frs_exporter config for the simulator at (\S+)$", config.read_text())[0]
    port = free_port()
    command = [*EXPORTER, f"--config.file={config}", f"--web.listen-address=127.0.0.1:{port}", "--state.directory=none"]
    daemon = programs.start("bash", "-c", f'ulimit -n {LIMIT}; exec "$0" "$@"', *command)
    url = f"http://127.0.0.1:{port}"
    eventually(lambda: up(fetch(f"{url}/metrics")) == 16)
    visitors = [socket.create_connection(("127.0.0.1", port)) for _ in range(VISITORS)]
    try:
        post(f"{cloud}/_simulator/faults", b'{"fault": {"reset": true}}')
        eventually(lambda: up(fetch(f"{url}/metrics")) == 0)
        post(f"{cloud}/_simulator/faults", b'{"fault": null}')
        eventually(lambda: up(fetch(f"{url}/metrics")) == 16, 90.0)
        assert post(f"{url}/-/reload") == 200
        assert fetch(f"{url}/-/healthy") == "healthy\n"
    finally:
        for visitor in visitors:
            visitor.close()
    assert "Too many open files" not in daemon.log
    assert "idle connections closed" in daemon.log
