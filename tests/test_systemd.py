"""What is told to systemd, and what it hands over."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from frs_exporter.runtime import systemd


@pytest.fixture(params=["path", "abstract"])
def manager(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """The service manager's end."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        name = str(tmp_path / "notify")
        listener.bind(name if request.param == "path" else f"\0{name}")
        listener.settimeout(5)
        monkeypatch.setenv("NOTIFY_SOCKET", name if request.param == "path" else f"@{name}")
        yield listener


def test_states_come_as_one_message(manager: socket.socket) -> None:
    systemd.notify("WATCHDOG=1", "STATUS=3 of 4 jobs up")
    assert manager.recv(1000) == b"WATCHDOG=1\nSTATUS=3 of 4 jobs up"


def test_a_reload_begins_at_a_time(manager: socket.socket) -> None:
    systemd.notify(*systemd.reloading())
    first, second = manager.recv(1000).decode().splitlines()
    assert first == "RELOADING=1"
    assert second.removeprefix("MONOTONIC_USEC=").isdecimal()


@pytest.mark.parametrize("address", ["", "vsock:2:1", "/nowhere/at/all", "@nobody-listens"])
def test_nobody_who_listens_is_no_failure(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", address)
    systemd.notify("READY=1")


@pytest.mark.parametrize(
    ("interval", "process", "seconds"),
    [
        ("30000000", None, 30.0),
        ("500000", "own", 0.5),
        ("30000000", "1", None),
        ("0", None, None),
        ("", None, None),
        ("-1", None, None),
        ("soon", None, None),
    ],
)
def test_the_watchdog_is_told_when_it_is_asked_for(
    interval: str, process: str | None, seconds: float | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WATCHDOG_USEC", interval)
    monkeypatch.delenv("WATCHDOG_PID", raising=False)
    if process is not None:
        monkeypatch.setenv("WATCHDOG_PID", str(os.getpid()) if process == "own" else process)
    assert systemd.watchdog() == seconds


@pytest.mark.parametrize(("count", "process"), [("1", "1"), ("0", None), ("", None), ("x", None)])
def test_no_sockets_are_told(count: str, process: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LISTEN_FDS", count)
    monkeypatch.setenv("LISTEN_PID", process or str(os.getpid()))
    with pytest.raises(OSError, match="systemd has handed over no socket: start the service by its"):
        systemd.sockets()
