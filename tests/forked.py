"""A program that has imported the command `check` forks for each run of it: the import takes half a second each time.

What a run has of its own is told to the fork: arguments, environment, folder, umask and standard streams. It ends as
any process does. A test of signals, or of what is read before the start, starts a process anew.
"""

import atexit
import functools
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import IO, Any

MAX_ORDER = 1 << 17
ONE_AT_A_TIME = threading.Lock()
CODE = """
import sys
from frs_exporter.__main__ import main
from tests.forked import serve
serve(int(sys.argv[1]))
main()
"""


def run(
    *arguments: str, stdin: IO[Any] | None = None, cwd: Path | None = None, umask: int = -1, timeout: float = 60
) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of a command; raises TimeoutError if it does not end."""
    order = {"arguments": arguments, "environment": dict(os.environ), "cwd": str(cwd or Path.cwd()), "umask": umask}
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err, open(os.devnull) as nothing, ONE_AT_A_TIME:
        connection = program()
        connection.settimeout(timeout)
        streams = [(stdin or nothing).fileno(), out.fileno(), err.fileno()]
        socket.send_fds(connection, [json.dumps(order).encode()], streams)
        started = int(connection.recv(100))
        try:
            code = int(connection.recv(100))
        except TimeoutError:
            os.kill(started, signal.SIGKILL)
            connection.recv(100)
            raise
        told = []
        for file in (out, err):
            file.seek(0)
            told.append(file.read().decode())
    return code, told[0], told[1]


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
    """Fork for each order and tell how that ended; return in each fork, which is the command from then on."""
    from frs_exporter.cli.main import command  # noqa: PLC0415  # not where tests run

    command("check")
    with socket.socket(fileno=descriptor) as connection:
        while True:
            order, streams, _, _ = socket.recv_fds(connection, MAX_ORDER, 3)
            if not order:
                sys.exit()
            if (child := os.fork()) == 0:
                break
            connection.send(str(child).encode())
            for stream in streams:
                os.close(stream)
            connection.send(str(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])).encode())
    become(json.loads(order), streams)


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
