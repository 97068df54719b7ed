"""Standard output and standard error, whatever was done to them: closed, full, not read, in a locale of few letters."""

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from frs_simulator import Simulator, World
from frs_simulator.faults import Fault
from tests.conftest import account
from tests.root import without_root
from tests.test_check import config_of
from tests.test_cli import FILES
from tests.test_sweep import wait_for_listener

FULL = "Error: cannot write to standard output: No space left on device\n"
NOWHERE = "endpoints: {frs: 'http://127.0.0.1:1', iam: 'http://127.0.0.1:1', ces: 'http://127.0.0.1:1'}\n"
PROGRAM = [sys.executable, "-m", "frs_exporter"]


def shell(arguments: str, redirection: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    """How the program ends whose standard streams a shell has redirected."""
    command = f"{sys.executable} -m frs_exporter {arguments} {redirection}"
    return subprocess.run(
        ["bash", "-c", command], capture_output=True, env={**os.environ, **environment}, timeout=60, check=False
    )


@pytest.mark.parametrize("arguments", ["--version", "--help", "--config.file=good.yaml --config.check"])
def test_a_full_disk_is_one_line(arguments: str, tmp_path: Path) -> None:
    arguments = arguments.replace("good.yaml", str(shutil.copy(FILES / "minimal.good.yaml", tmp_path)))
    result = shell(arguments, ">/dev/full")
    assert (result.returncode, without_root(result.stderr.decode())) == (3, FULL)
    assert shell(arguments, ">/dev/full 2>&1").returncode == 3


def test_who_has_read_enough_is_no_error() -> None:
    result = shell("config-schema", "| head -1; exit ${PIPESTATUS[0]}")
    assert (result.returncode, result.stdout, result.stderr) == (0, b"{\n", b"")


def test_a_pipe_that_waits_for_nobody_gets_everything() -> None:
    """Another process may have made it so, and read late."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    with subprocess.Popen([*PROGRAM, "config-schema"], stdout=writer, stderr=subprocess.PIPE) as started:
        os.close(writer)
        with open(reader, "rb") as stream:
            text = stream.read()
    assert started.returncode == 0
    assert json.loads(text)["additionalProperties"] is False


@pytest.mark.parametrize("redirection", ["<&- >&- 2>&-", ">/dev/full 2>/dev/full"])
def test_a_daemon_that_can_say_nothing_ends_as_any(redirection: str, tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text((FILES / "minimal.good.yaml").read_text() + NOWHERE)
    flags = f"--config.file={tmp_path}/c.yaml --web.listen-address=127.0.0.1:0 --state.directory=none"
    with subprocess.Popen(["bash", "-c", f"exec {sys.executable} -m frs_exporter {flags} {redirection}"]) as started:
        wait_for_listener(started.pid)
        started.send_signal(signal.SIGTERM)
        assert started.wait(20) == 0


ENCODINGS = {"gbk": "贵宾室–é", "iso-8859-1": "???-é", "utf-8": "贵宾室–é"}
"""What each can show of a name; for ASCII Python and click take UTF-8."""


@pytest.mark.parametrize(("encoding", "name"), ENCODINGS.items())
async def test_machines_get_utf_8_and_people_what_their_terminal_shows(
    tmp_path: Path, encoding: str, name: str
) -> None:
    world = World([account("ak_sk", "贵宾室–é")])
    async with Simulator(world) as simulator:
        world.faults.set("frs", Fault(status=503, code="APIGW.0613", message="繁忙"))
        config_of(world, simulator.url, tmp_path)
        check = f"check --config.file={tmp_path}/config.yaml --state.directory=none --lang=zh"
        for output in ("json", "prometheus"):
            result = await asyncio.to_thread(shell, f"{check} --output={output}", "", PYTHONIOENCODING=encoding)
            assert (result.returncode, result.stderr.count(b"Traceback")) == (1, 0)
            assert "贵宾室–é" in result.stdout.decode()
        result = await asyncio.to_thread(shell, check, "", PYTHONIOENCODING=encoding)
        assert (result.returncode, result.stderr.count(b"Traceback")) == (1, 0)
        assert name in result.stdout.decode(encoding)


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_the_example_of_a_config_is_one_in_any_locale(encoding: str) -> None:
    example = shell("config-example --lang=zh", "", PYTHONIOENCODING=encoding)
    assert (example.returncode, example.stderr) == (0, b"")
    assert "# 适用于所有项目" in example.stdout.decode()


async def test_a_check_that_cannot_tell_has_failed_itself(tmp_path: Path) -> None:
    """Exit code 1 says that something is down, of which nothing is known here."""
    async with Simulator(World([account("ak_sk", "full")])) as simulator:
        config_of(simulator.world, simulator.url, tmp_path)
        check = f"check --config.file={tmp_path}/config.yaml --state.directory=none"
        result = await asyncio.to_thread(shell, check, ">/dev/full")
        assert (result.returncode, without_root(result.stderr.decode())) == (3, FULL)
        result = await asyncio.to_thread(shell, f"{check} --output-file={tmp_path}/no/where", "")
        assert result.returncode == 3
        result = await asyncio.to_thread(shell, f"{check} --output=json", "| head -1; exit ${PIPESTATUS[0]}")
        assert (result.returncode, result.stdout, without_root(result.stderr.decode())) == (0, b"{\n", "")
        for closed in (">&-", "2>&-"):
            assert (await asyncio.to_thread(shell, check, closed)).returncode == 0
