"""What works on systems that lack what Linux has: fcntl, resource, signals in the event loop. Windows was not tried."""

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from frs_simulator import Simulator, World
from tests.conftest import account
from tests.test_check import config_of

GOOD = Path(__file__).parent / "config/files/minimal.good.yaml"
WITHOUT = """
import os
os.supports_dir_fd = set()
import asyncio, select, signal, sys
sys.modules["fcntl"] = sys.modules["resource"] = None
for name in ("O_NOFOLLOW", "O_NONBLOCK", "O_NOCTTY", "O_CLOEXEC", "O_DIRECTORY", "geteuid", "fchown", "fchmod"):
    delattr(os, name)
del select.PIPE_BUF, select.poll, signal.SIGHUP
class Loop(asyncio.SelectorEventLoop):
    def add_signal_handler(self, *_):
        raise NotImplementedError
class Policy(asyncio.DefaultEventLoopPolicy):
    _loop_factory = Loop
asyncio.set_event_loop_policy(Policy())
sys.argv[0] = "frs-exporter"
from frs_exporter.__main__ import main
main()
"""


def program(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """How a command ends on such a system."""
    return subprocess.run(
        [sys.executable, "-W", "ignore", "-c", WITHOUT, *arguments],
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("arguments", ["explain FRS.0019", "config-example", "config-schema", "--help", "check --help"])
def test_what_needs_nothing_works(arguments: str) -> None:
    result = program(*arguments.split())
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout


def test_a_config_is_checked(tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text("projects: []\n")
    result = program("--config.check", f"--config.file={tmp_path}/c.yaml")
    assert result.returncode == 2
    assert "c.yaml:1:1: credentials: required, but missing" in result.stderr


@pytest.mark.parametrize("command", [("demo",), ("simulate",), (f"--config.file={GOOD}", "--state.directory=none")])
def test_what_runs_until_a_signal_says_that_it_cannot(command: tuple[str, ...]) -> None:
    address = () if command == ("simulate",) else ("--web.listen-address=127.0.0.1:0",)
    result = program(*command, *address)
    assert result.returncode == 1
    assert result.stderr.splitlines()[-1].startswith("Error: this runs on Linux only; here check, explain, ")
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize("directory", [None, "none", "here"])
async def test_a_check_works_and_remembers_nothing(tmp_path: Path, directory: str | None) -> None:
    async with Simulator(World([account("token", "full")])) as simulator:
        config_of(simulator.world, simulator.url, tmp_path)
        where = {"here": str(tmp_path / "state"), "none": "none"}.get(directory or "")
        flags = [f"--state.directory={where}"] if where else []
        file = f"--config.file={tmp_path}/config.yaml"
        out = tmp_path / "out.json"
        result = await asyncio.to_thread(
            program, "check", file, "--output=json", f"--output-file={out}", *flags, XDG_STATE_HOME=str(tmp_path)
        )
    assert (result.returncode, result.stdout) == (0, "")
    assert json.loads(out.read_text())["well"] is True
    expected = "no such locks; use --state.directory none" if directory == "here" else ""
    assert (expected in result.stderr, result.stderr.count("\n")) == (True, int(bool(expected)))
