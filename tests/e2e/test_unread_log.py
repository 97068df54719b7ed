"""A daemon whose log nobody reads, or nobody can: it scrapes, answers and stops as ever."""

import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator

import pytest

from tests.e2e.conftest import EXPORTER, Programs, eventually, fetch, free_port
from tests.e2e.test_unattended import polled, post

DROPPED = "frs_exporter_log_messages_dropped_total"
LONG_LINES = "".join(f"? {'x' * 20_000}{number}\n: 1\n" for number in range(20))
"""In a config, each is a mistake, and a line of the log whenever the config is loaded."""


def counted(url: str) -> float:
    """The lines dropped so far."""
    return float(fetch(f"{url}/metrics").split(f"\n{DROPPED} ")[1].split()[0])


@pytest.fixture
def daemon(programs: Programs) -> Iterator["Unread"]:
    started = Unread(programs)
    with started.reader:
        yield started


class Unread:
    """A daemon, its log being a pipe that is not read yet, and its URL."""

    def __init__(self, programs: Programs) -> None:
        _, self.config = programs.simulator("--poll-interval=1s", "--projects=4")
        port = free_port()
        command = [*EXPORTER, f"--config.file={self.config}", f"--web.listen-address=127.0.0.1:{port}"]
        reader, writing = os.pipe()
        self.process = programs.start(*command, "--log.level=debug", "--log.format=json", stderr=writing)
        os.close(writing)
        self.reader = os.fdopen(reader)
        self.url = f"http://127.0.0.1:{port}"
        eventually(lambda: fetch(f"{self.url}/-/ready") == "ready\n")

    def log_until_lines_are_dropped(self) -> None:
        """Load a config with long mistakes again and again."""
        good = self.config.read_text()
        self.config.write_text(good + LONG_LINES)
        while not counted(self.url):
            assert post(f"{self.url}/-/reload")[0] == 500
        self.config.write_text(good)


def test_nobody_reads_the_log(daemon: Unread) -> None:
    assert counted(daemon.url) == 0
    daemon.log_until_lines_are_dropped()
    polls = polled(daemon.url)
    eventually(lambda: polled(daemon.url) > polls + 2)
    assert fetch(f"{daemon.url}/-/healthy") == "healthy\n"
    code, seconds = daemon.process.stop()
    assert code == 0
    assert seconds < 5


def test_when_the_log_is_read_again_it_says_how_many_lines_are_missing(daemon: Unread) -> None:
    daemon.log_until_lines_are_dropped()
    dropped = 0
    entries = []
    for line in daemon.reader:
        entries.append(entry := json.loads(line))
        if entry["msg"] == "log lines dropped":
            dropped += entry["lines"]
            break
    assert counted(daemon.url) == dropped
    assert [entry["ts"] for entry in entries] == sorted(entry["ts"] for entry in entries)
    assert post(f"{daemon.url}/-/reload")[0] == 200
    daemon.process.popen.send_signal(signal.SIGTERM)
    rest = [json.loads(line) for line in daemon.reader]
    assert {"config reloaded", "stopping"} <= {entry["msg"] for entry in rest}
    assert daemon.process.popen.wait(15) == 0


@pytest.mark.parametrize("redirected", ["2>&-", "2>/dev/full"])
def test_nobody_can_write_the_log(programs: Programs, redirected: str) -> None:
    _, config = programs.simulator("--poll-interval=1s", "--projects=4")
    port = free_port()
    command = [*EXPORTER, f"--config.file={config}", f"--web.listen-address=127.0.0.1:{port}", "--log.level=debug"]
    process = programs.start("sh", "-c", f'exec "$@" {redirected}', "sh", *command)
    url = f"http://127.0.0.1:{port}"
    eventually(lambda: fetch(f"{url}/-/ready") == "ready\n")
    eventually(lambda: polled(url) > 2)
    assert (counted(url) > 0) == (redirected == "2>/dev/full"), "where there is no log, none of it is missing"
    code, seconds = process.stop()
    assert code == 0
    assert seconds < 5
    assert process.log == ""


def test_nobody_reads_what_the_demo_announces(programs: Programs) -> None:
    """It stands in one pipe with the log, which is full already."""
    port = free_port()
    reader, writing = os.pipe()
    os.set_blocking(writing, False)
    with contextlib.suppress(BlockingIOError):
        while os.write(writing, b"x" * 4096):
            pass
    os.set_blocking(writing, True)
    options = ["demo", "--projects=3", f"--web.listen-address=127.0.0.1:{port}"]
    demo = subprocess.Popen([*EXPORTER, *options], stdout=writing, stderr=writing)
    os.close(writing)
    try:
        eventually(lambda: fetch(f"http://127.0.0.1:{port}/-/ready") == "ready\n")
        started = time.monotonic()
        demo.terminate()
        assert demo.wait(15) == 0
        assert time.monotonic() - started < 5
    finally:
        demo.kill()
        demo.wait()
        os.close(reader)
