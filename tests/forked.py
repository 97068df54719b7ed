"""A program that has imported the exporter and forks for each run of it: the import takes half a second each time.

What a run has of its own is told to the fork: arguments, environment, folder, umask and standard streams. It ends as
any process does. A test of signals, or of what is read before the start, starts a process anew.
"""

import atexit
import functools
import gc
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

COMMANDS = ("serve", "check", "demo", "simulate")
"""Those that are imported before there is a fork."""
MAX_ORDER = 1 << 17
ONE_AT_A_TIME = threading.Lock()
CODE = """
import sys
from frs_exporter.__main__ import main
from tests.forked import serve
serve(int(sys.argv[1]))
main()
"""


class Forked:
    """A fork that runs a command; what subprocess.Popen has as well is named as there."""

    def __init__(
        self, arguments: Sequence[str], streams: Sequence[int], cwd: Path | None = None, umask: int = -1
    ) -> None:
        order = {"arguments": arguments, "environment": dict(os.environ), "cwd": str(cwd or Path.cwd()), "umask": umask}
        self.stdout: IO[str] | None = None
        self.returncode: int | None = None
        self.pid = int(ask(order, streams))

    def poll(self) -> int | None:
        """The exit code, None before the end."""
        if self.returncode is None and (code := ask(self.pid).strip()):
            self.returncode = int(code)
        return self.returncode

    def wait(self, timeout: float = 60) -> int:
        """The exit code; raises TimeoutError."""
        end = time.monotonic() + timeout
        while (code := self.poll()) is None:
            if time.monotonic() > end:
                raise TimeoutError
            time.sleep(0.01)
        return code

    def communicate(self, *, timeout: float) -> tuple[str, None]:
        """What is left on standard output, where a pipe has room for all of it; raises TimeoutError."""
        self.wait(timeout)
        return self.stdout.read() if self.stdout else "", None

    def send_signal(self, number: int) -> None:
        """Nobody else gets it: the number of a fork is free only after `poll` has told the exit code."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


def start(*arguments: str, stderr: int) -> Forked:
    """A command that reads nothing, and whose standard output can be read."""
    reader, writing = os.pipe()
    with open(os.devnull) as nothing, os.fdopen(writing, "w"):
        started = Forked(arguments, (nothing.fileno(), writing, stderr))
    started.stdout = os.fdopen(reader)
    return started


def run(
    *arguments: str, stdin: IO[Any] | None = None, cwd: Path | None = None, umask: int = -1, timeout: float = 60
) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of a command; raises TimeoutError if it does not end."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err, open(os.devnull) as nothing:
        started = Forked(arguments, ((stdin or nothing).fileno(), out.fileno(), err.fileno()), cwd, umask)
        try:
            code = started.wait(timeout)
        finally:
            started.kill()
            started.wait()
        told = []
        for file in (out, err):
            file.seek(0)
            told.append(file.read().decode())
    return code, told[0], told[1]


def ask(order: Any, streams: Sequence[int] = ()) -> str:
    """What the program that forks answers."""
    with ONE_AT_A_TIME:
        connection = program()
        socket.send_fds(connection, [json.dumps(order).encode()], streams)
        return connection.recv(100).decode()


@functools.cache
def program() -> socket.socket:
    """A connection to the program that forks, which ends with this process."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    root = Path(__file__).parents[1]
    with theirs:
        command = [sys.executable, "-c", CODE, str(theirs.fileno())]
        started = subprocess.Popen(command, pass_fds=[theirs.fileno()], cwd=root, stdin=subprocess.DEVNULL)
    atexit.register(started.wait)
    atexit.register(ours.close)
    return ours


def serve(descriptor: int) -> None:
    """Fork for each order and tell its number, and later its exit code; return in each fork, which is the command then.

    An order that is a number asks for an exit code, which is blank before the end.
    """
    from frs_exporter.cli.main import command  # noqa: PLC0415  # not where tests run

    for name in COMMANDS:
        command(name)
    gc.freeze()  # a fork that collects would have all these objects copied
    with socket.socket(fileno=descriptor) as connection:
        while True:
            data, streams, _, _ = socket.recv_fds(connection, MAX_ORDER, 3)
            if not data:
                sys.exit()
            if isinstance(order := json.loads(data), int):
                ended, status = os.waitpid(order, os.WNOHANG)
                connection.send(str(os.waitstatus_to_exitcode(status)).encode() if ended else b" ")
                continue
            if (child := os.fork()) == 0:
                break
            connection.send(str(child).encode())
            for stream in streams:
                os.close(stream)
    become(order, streams)


def become(order: dict[str, Any], streams: list[int]) -> None:
    """Take on what a run has of its own."""
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    os.environ.clear()
    os.environ.update(order["environment"])
    time.tzset()
    os.chdir(order["cwd"])
    if order["umask"] >= 0:
        os.umask(order["umask"])
    sys.argv = ["frs-exporter", *order["arguments"]]
