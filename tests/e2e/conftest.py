"""Processes: the daemon, the simulator, and real tools from Debian."""

import contextlib
import itertools
import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn

import pytest

from tests import forked

EXPORTER = [sys.executable, "-m", "frs_exporter"]
ROOT = Path(__file__).parents[2]


OURS = (ROOT / ".tools/bin", ROOT / ".tools/node_modules/.bin", Path(sys.executable).parent)
PROGRAMS = os.pathsep.join((*map(str, OURS), os.environ["PATH"], "/usr/sbin"))
NEWEST = str(ROOT / ".tools/engines")
ENGINES = [pytest.param(False, id="as in Debian"), pytest.param(True, id="newest")]
"""Which Prometheus and Alertmanager a test runs: the oldest that we support, or those of tests/tools/engines."""


def tool(name: str, *, newest: bool = False) -> str:
    """The path of a real program, as Debian has it or the newest; without it the test is skipped, and fails in CI.

    With PROGRAMS=none it fails always: a test that needs one has the marker `programs`.
    """
    assert os.environ.get("PROGRAMS") != "none", "this test needs the marker programs"
    path = shutil.which(name, path=NEWEST if newest else PROGRAMS)
    if path is None:
        missing(f"{'the newest ' if newest else ''}{name} is not installed: run tests/install-tools as root on Debian")
    return path


def missing(message: str) -> NoReturn:
    """Where something is not installed that a test needs, it is skipped, and fails in CI."""
    if os.environ.get("CI") == "true":
        pytest.fail(message)
    pytest.skip(message)


PORTS = itertools.cycle(random.sample(range(20_000, 32_000), 12_000))
"""Below those that connections are given, so that none has one before the program it is meant for."""


def free_port() -> int:
    """A port of this machine that nobody listens at."""
    for port in PORTS:
        with socket.socket() as listener, contextlib.suppress(OSError):
            listener.bind(("127.0.0.1", port))
            return port
    raise AssertionError


def fetch(url: str, **headers: str) -> str:
    """The body of an answer of any status; raises OSError when there is none."""
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=10) as response:
            return str(response.read(), "utf-8")
    except urllib.error.HTTPError as error:
        with error:
            return str(error.read(), "utf-8")


def eventually(condition: Callable[[], Any], seconds: float = 40.0) -> Any:
    """The first true value of a condition; an OSError counts as not yet."""
    end, last = time.monotonic() + seconds, None
    while time.monotonic() < end:
        try:
            if last := condition():
                return last
        except OSError as error:
            last = error
        time.sleep(0.1)
    raise AssertionError(f"not within {seconds} s: {last}")


CHROMIUM = [
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update", "--remote-debugging-port=0", "about:blank"),
]


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where a browser takes commands: its start takes longer than most of what it is asked to do."""
    profile = tmp_path_factory.mktemp("profile")
    command = [tool("chromium"), f"--user-data-dir={profile}", *CHROMIUM]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    told = profile / "DevToolsActivePort"
    try:
        eventually(lambda: len(told.read_text().split()) == 2, 60.0)
        port, path = told.read_text().split()
        yield f"ws://127.0.0.1:{port}{path}"
    finally:
        process.kill()
        process.wait()


class Process:
    """A program under test, with its log in a file."""

    def __init__(self, popen: subprocess.Popen[str] | forked.Forked, log: Path) -> None:
        self.popen = popen
        self.log_file = log

    @property
    def log(self) -> str:
        return self.log_file.read_text()

    def stop(self, number: int = signal.SIGTERM) -> tuple[int, float]:
        """Exit code, and the seconds it took."""
        started = time.monotonic()
        self.popen.send_signal(number)
        try:
            self.popen.communicate(timeout=15)
        finally:
            self.popen.kill()
            code = self.popen.wait()
        return code, time.monotonic() - started


class Programs:
    """Starts programs and stops them all."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.processes: list[Process] = []

    def start(self, *command: str, stderr: int | None = None) -> Process:
        """A program, with its log in a file, or in what else is given."""
        log = self.folder / f"{len(self.processes)}.log"
        with log.open("w") as file:
            popen = subprocess.Popen(
                command, stdout=subprocess.PIPE, stderr=file if stderr is None else stderr, text=True
            )
        self.processes.append(Process(popen, log))
        return self.processes[-1]

    def exporter(self, *arguments: str) -> Process:
        """The exporter, forked by a program that has imported it: for tests of what comes after that."""
        log = self.folder / f"{len(self.processes)}.log"
        with log.open("w") as file:
            self.processes.append(Process(forked.start(*arguments, stderr=file.fileno()), log))
        return self.processes[-1]

    def simulator(self, *arguments: str) -> tuple[Process, Path]:
        """A simulator, and the projects of the config it printed, in a file, each asked for its subscription only."""
        process = self.exporter("simulate", *arguments)
        assert process.popen.stdout
        text = process.popen.stdout.read()
        config = self.folder / "config.yaml"
        of_projects, _, _ = text.partition("accounts:\n")
        own = re.sub(r"  collectors:\n(  - \w+\n)+  month_budget_cny: 5000\n", "", of_projects)
        assert "collectors" not in own
        config.write_text(own.replace("defaults:\n", "defaults:\n  collectors: [subscription]\n"))
        return process, config

    def daemon(self, config: Path, *arguments: str) -> tuple[Process, str]:
        """A daemon, and its URL."""
        port = free_port()
        address = f"--web.listen-address=127.0.0.1:{port}"
        process = self.exporter(f"--config.file={config}", address, *arguments)
        url = f"http://127.0.0.1:{port}"
        eventually(lambda: process.popen.poll() is not None or fetch(f"{url}/-/healthy"))
        assert process.popen.poll() is None, process.log
        return process, url

    def stop(self) -> None:
        for process in self.processes:
            if process.popen.poll() is None:
                process.stop(signal.SIGKILL)
            if process.popen.stdout:
                process.popen.stdout.close()


@pytest.fixture
def programs(tmp_path: Path) -> Iterator[Programs]:
    started = Programs(tmp_path)
    yield started
    started.stop()


def query(prometheus: str, expression: str) -> list[dict[str, Any]]:
    """The series that a PromQL expression gives now."""
    return ask(prometheus, "query", query=expression)


def query_range(prometheus: str, expression: str, start: float) -> list[dict[str, Any]]:
    """The series that a PromQL expression gives every two seconds from `start`, in Unix seconds, until now."""
    return ask(prometheus, "query_range", query=expression, start=start, end=time.time(), step=2)


def ask(prometheus: str, endpoint: str, **asked: Any) -> list[dict[str, Any]]:
    """The series that Prometheus' API answers with; an expression that fails is an error."""
    answer = json.loads(fetch(f"{prometheus}/api/v1/{endpoint}?{urllib.parse.urlencode(asked)}"))
    assert answer["status"] == "success", answer
    series: list[dict[str, Any]] = answer["data"]["result"]
    return series
