"""The flag --state.directory, what takes its place, and who writes there."""

import asyncio
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from frs_exporter.cli.state import state_directory, state_file
from frs_exporter.config.load import Config, load
from frs_exporter.config.source import Source
from frs_exporter.exposition.telemetry import Telemetry
from frs_exporter.polling.exporter import Exporter
from frs_exporter.polling.one_shot import Check
from tests.conftest import LIMITS, CloudContext, account, run_virtual, virtual_now
from tests.e2e.conftest import ROOT, free_port
from tests.root import without_root
from tests.test_cli import FILES, run

HOME = {"HOME": "/home/ops"}
XDG = {"XDG_STATE_HOME": "/state"}
SYSTEMD = {"STATE_DIRECTORY": "/var/lib/frs-exporter"}


@pytest.mark.parametrize(
    ("option", "environ", "expected"),
    [
        (None, {}, None),
        (None, HOME, "/home/ops/.local/state/frs-exporter"),
        (None, HOME | XDG, "/state/frs-exporter"),
        (None, XDG, "/state/frs-exporter"),
        (None, HOME | XDG | SYSTEMD, "/var/lib/frs-exporter"),
        (None, {"STATE_DIRECTORY": "/var/lib/a:/var/lib/b"}, "/var/lib/a"),
        (None, HOME | {"STATE_DIRECTORY": ""}, "/home/ops/.local/state/frs-exporter"),
        (None, HOME | {"STATE_DIRECTORY": "relative"}, "/home/ops/.local/state/frs-exporter"),
        (None, HOME | {"STATE_DIRECTORY": ":/var/lib/b"}, "/home/ops/.local/state/frs-exporter"),
        (None, HOME | {"XDG_STATE_HOME": ""}, "/home/ops/.local/state/frs-exporter"),
        (None, HOME | {"XDG_STATE_HOME": "relative"}, "/home/ops/.local/state/frs-exporter"),
        (None, {"HOME": ""}, None),
        (None, {"HOME": "relative"}, None),
        (None, {"HOME": "/"}, "/.local/state/frs-exporter"),
        ("none", HOME | XDG | SYSTEMD, None),
        ("/srv/frs", HOME | XDG | SYSTEMD, "/srv/frs"),
        ("/srv/a:b", {}, "/srv/a:b"),
        ("state", HOME, "state"),
        ("./none", HOME, "none"),
    ],
)
def test_where_state_is_kept(option: str | None, environ: Mapping[str, str], expected: str | None) -> None:
    assert state_directory(option, environ) == (expected and Path(expected))


def test_no_place_at_all_is_one_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a container that has no home; who wants none is not warned."""
    for name in ("STATE_DIRECTORY", "XDG_STATE_HOME", "HOME"):
        monkeypatch.delenv(name, raising=False)
    with capture_logs() as logs:
        assert state_file("none").folder.path is None
        assert state_file("/srv/frs").folder.path == Path("/srv/frs")
        assert not logs
        file = state_file(None)
        file.flush()
    event = "state is kept in memory only: set --state.directory"
    assert logs == [{"event": event, "error": "no home directory", "log_level": "warning"}]
    assert list(file.folder.problems.values()) == [f"{event}: no home directory"]


@pytest.mark.parametrize("command", [[], ["check"]])
def test_an_empty_name_is_refused(command: list[str]) -> None:
    result = run(*command, "--config.file=x", "--state.directory=")
    assert result.exit_code == 2
    assert "--state.directory" in result.stderr
    assert "must be a folder, or none" in result.stderr


def test_tests_write_nothing_to_the_home_of_who_runs_them(state_of_tests: Path) -> None:
    """Neither here nor in processes that are started here."""
    shown = subprocess.run(
        [sys.executable, "-c", "from frs_exporter.cli.state import *; print(state_directory(None, os.environ))"],
        capture_output=True,
        text=True,
        check=True,
    )
    here = state_directory(None, os.environ)
    assert shown.stdout == f"{here}\n"
    assert here is not None
    assert here.is_relative_to(state_of_tests)
    assert not here.exists()


def exporter(*arguments: str, **environ: str) -> tuple[int, str]:
    """Exit code and standard error of a process."""
    command = [sys.executable, "-m", "frs_exporter", *arguments]
    done = subprocess.run(command, env=os.environ | environ, capture_output=True, text=True, timeout=60, check=False)
    return done.returncode, without_root(done.stderr)


def started(*arguments: str, **environ: str) -> tuple[int, str]:
    """Exit code and log of a daemon that cannot listen, so that it ends at once."""
    config, address = f"--config.file={FILES}/minimal.good.yaml", f"--web.listen-address=192.0.2.1:{free_port()}"
    return exporter(config, address, *arguments, **environ)


def test_the_daemon_makes_its_file_before_it_needs_it(tmp_path: Path) -> None:
    """So that who has just set it up is told if it cannot."""
    for folder, arguments, environ in (
        (tmp_path / "flag", [f"--state.directory={tmp_path}/flag"], {}),
        (tmp_path / "systemd", [], {"STATE_DIRECTORY": f"{tmp_path}/systemd:{tmp_path}/other"}),
        (tmp_path / "home/frs-exporter", [], {"XDG_STATE_HOME": f"{tmp_path}/home"}),
    ):
        code, log = started(*arguments, **environ)
        assert (code, log.count("\n")) == (1, 1), log
        assert log.startswith("Error: cannot listen on 192.0.2.1:")
        assert {path.name for path in folder.iterdir()} == {"state.json", "state.lock"}
    assert not (tmp_path / "other").exists()


def test_the_daemon_starts_without_a_place_for_its_state(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    code, log = started(f"--state.directory={tmp_path}/file")
    warning, error = log.splitlines()
    assert 'level=warning msg="state is kept in memory only"' in warning
    assert f'directory={tmp_path}/file error="Not a directory"' in warning
    assert (code, error[:22]) == (1, "Error: cannot listen o")
    assert started("--state.directory=none")[1].count("\n") == 1
    assert os.listdir(tmp_path) == ["file"]


def test_a_check_of_the_config_writes_nothing(tmp_path: Path) -> None:
    good = shutil.copy(FILES / "minimal.good.yaml", tmp_path)
    result = run(f"--config.file={good}", "--config.check", f"--state.directory={tmp_path}/x")
    assert (result.exit_code, result.stderr, os.listdir(tmp_path)) == (0, "", ["minimal.good.yaml"])


def test_what_is_given_no_state_writes_nothing_and_knows_nothing_of_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each of them tries a wrong password once."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))

    async def main() -> list[int]:
        async with CloudContext(account("token", "t1")) as cloud:
            config = Config(tuple(cloud.targets()), LIMITS)
            cloud.world.accounts[0].password = "another"

            async def live() -> None:
                exporter = Exporter(Source("", load), config, Telemetry(), now=virtual_now)
                await exporter.start()
                await asyncio.sleep(120)
                await exporter.stop()

            logins = list[int]()
            for run in (live, live, Check(config, now=virtual_now).run, Check(config, now=virtual_now).run):
                await run()
                logins.append(sum(count for key, count in cloud.world.requests.items() if key[0] == "iam"))
            return logins

    assert run_virtual(main()) == [1, 2, 3, 4]
    assert os.listdir(tmp_path) == []


def test_the_demo_writes_nothing(tmp_path: Path) -> None:
    address = f"--web.listen-address=192.0.2.1:{free_port()}"
    code, log = exporter("demo", address, XDG_STATE_HOME=str(tmp_path / "x"), STATE_DIRECTORY=str(tmp_path / "y"))
    assert (code, log[:22]) == (1, "Error: cannot listen o")
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    ("arguments", "warnings"),
    [
        ([], ["warning: state is kept in memory only: set --state.directory: no home directory"]),
        (["--state.directory=none"], []),
        (["--state.directory=/dev/null/x"], ["warning: state is kept in memory only: /dev/null/x: Not a directory"]),
    ],
)
@pytest.mark.parametrize("adhoc", [False, True])
def test_check_says_what_is_not_remembered(
    adhoc: bool, arguments: list[str], warnings: list[str], tmp_path: Path
) -> None:
    """With a config and without one; a folder that cannot be used matters only where there is something to remember."""
    (tmp_path / "token").write_text("TOKEN\n")
    look = ["--project-id", "0" * 32, "--region=cn-north-4", "--endpoint=http://127.0.0.1:9", "--token-file=token"]
    (tmp_path / "config.yaml").write_text(
        "endpoints: {frs: 'http://127.0.0.1:9'}\n"
        "credentials: {keys: {ak_sk: {access_key: A, secret_key: S}}}\n"
        f"projects: [{{name: a, project_id: '{'0' * 32}', region: cn-north-4, credential: keys}}]\n"
    )
    if adhoc and arguments:
        warnings = []  # a token is nothing to remember
    command = [sys.executable, "-m", "frs_exporter", "check", *arguments]
    command += look if adhoc else ["--config.file=config.yaml", "--collector=subscription"]
    done = subprocess.run(
        command, cwd=tmp_path, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, without_root(done.stderr).splitlines()) == (1, warnings)
    assert sorted(os.listdir(tmp_path)) == ["config.yaml", "token"]
