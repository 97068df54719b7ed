"""What systemd and a service tell each other: readiness, signs of life, sockets (sd_notify(3), sd_listen_fds(3))."""

import contextlib
import os
import socket
import time

FIRST_SOCKET = 3


def notify(*states: str) -> None:
    """Tell the service manager, if there is one, like `READY=1`; one that does not listen is no reason to fail."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")):
        return
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.setblocking(False)
        sender.sendto("\n".join(states).encode(), f"\0{address[1:]}" if address[0] == "@" else address)


def reloading() -> tuple[str, str]:
    """What to tell when a reload begins; with Type=notify-reload it needs the time."""
    return "RELOADING=1", f"MONOTONIC_USEC={time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000}"


def watchdog() -> float | None:
    """Seconds within which the manager wants a sign of life (WatchdogSec), None where it wants none."""
    interval, process = os.environ.get("WATCHDOG_USEC", ""), os.environ.get("WATCHDOG_PID", "")
    if not interval.isdecimal() or int(interval) == 0 or process not in ("", str(os.getpid())):
        return None
    return int(interval) / 1e6


def sockets() -> list[socket.socket]:
    """The listening sockets that the manager has handed over; raises OSError where there are none."""
    count = os.environ.get("LISTEN_FDS", "")
    if os.environ.get("LISTEN_PID") != str(os.getpid()) or not count.isdecimal() or int(count) == 0:
        raise OSError("systemd has handed over no socket: start the service by its .socket unit")
    handed = [socket.socket(fileno=number) for number in range(FIRST_SOCKET, FIRST_SOCKET + int(count))]
    for sock in handed:
        os.set_inheritable(sock.fileno(), False)
        if sock.type != socket.SOCK_STREAM or not sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
            raise OSError("systemd has handed over a socket that is not for connections: use ListenStream=")
    return handed
