"""The daemon as systemd runs it: told when it serves, reloads, lives and stops, and handed its sockets."""

import signal
import socket
import ssl
import urllib.request
from pathlib import Path

import pytest

from tests.e2e.conftest import EXPORTER, Programs, eventually, fetch, free_port, tool
from tests.web.authority import prepare, put


def test_readiness_reloads_signs_of_life_and_the_end(programs: Programs, monkeypatch: pytest.MonkeyPatch) -> None:
    _, config = programs.simulator()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(programs.folder / "notify"))
        manager.settimeout(20)
        monkeypatch.setenv("NOTIFY_SOCKET", str(programs.folder / "notify"))
        monkeypatch.setenv("WATCHDOG_USEC", "600000")
        process, url = programs.daemon(config)

        def told(state: str) -> str:
            while not (message := manager.recv(1000).decode()).startswith(state):
                pass
            return message

        assert told("READY=1") == "READY=1"
        assert fetch(f"{url}/-/healthy") == "healthy\n"
        assert told("WATCHDOG=1").startswith("WATCHDOG=1\nSTATUS=")
        eventually(lambda: told("WATCHDOG=1") == "WATCHDOG=1\nSTATUS=6 of 6 jobs up")
        process.popen.send_signal(signal.SIGHUP)
        assert "MONOTONIC_USEC=" in told("RELOADING=1")
        assert told("READY=1") == "READY=1\nSTATUS=6 of 6 jobs up"
        config.write_text(config.read_text() + "bogus: 1\n")
        process.popen.send_signal(signal.SIGHUP)
        assert told("RELOADING=1")
        refused = "the config cannot be used, the one before is in force"
        assert told("READY=1") == f"READY=1\nSTATUS=6 of 6 jobs up; {refused}"
        process.popen.send_signal(signal.SIGSTOP)
        assert silent(manager)
        process.popen.send_signal(signal.SIGCONT)
        told("WATCHDOG=1")
        process.popen.send_signal(signal.SIGTERM)
        assert told("STOPPING=1")
        assert process.popen.wait(10) == 0


def silent(manager: socket.socket) -> bool:
    """Whether nothing comes for twice as long as the watchdog waits."""
    manager.settimeout(1.2)
    try:
        while manager.recv(1000):
            pass
    except TimeoutError:
        manager.settimeout(20)
        return True
    return False


@pytest.mark.parametrize("secured", [False, True])
def test_sockets_from_systemd(programs: Programs, secured: bool) -> None:
    """Two of them, with systemd's own program; the first connection starts the daemon."""
    _, config = programs.simulator()
    # systemd does not pass on the environment, which says where tests keep state.
    ports, flags = (free_port(), free_port()), ["--web.systemd-socket", f"--state.directory={programs.folder}/state"]
    if secured:
        prepare(programs.folder)
        flags.append(f"--web.config.file={put(programs.folder, 'tls.good.yml')}")
    listen = [f"--listen=127.0.0.1:{port}" for port in ports]
    process = programs.start(tool("systemd-socket-activate"), *listen, *EXPORTER, f"--config.file={config}", *flags)
    scheme = "https" if secured else "http"
    for port in ports:
        url = f"{scheme}://127.0.0.1:{port}/-/healthy"
        assert eventually(lambda url=url: get(url, programs.folder)) == "healthy\n"  # type: ignore[misc]
    code, seconds = process.stop()
    assert (code, seconds < 5) == (0, True)


def get(url: str, folder: Path) -> str:
    """The body at a URL whose certificate is the folder's authority's, if it has one."""
    context = ssl.create_default_context(cafile=str(folder / "authority.pem")) if url.startswith("https") else None
    with urllib.request.urlopen(url, timeout=10, context=context) as response:
        return str(response.read(), "utf-8")


def test_without_a_socket_it_says_so(programs: Programs) -> None:
    _, config = programs.simulator()
    process = programs.start(*EXPORTER, f"--config.file={config}", "--web.systemd-socket")
    assert process.popen.wait(20) == 1
    assert process.log.splitlines()[-1] == (
        "Error: systemd has handed over no socket: start the service by its .socket unit"
    )
