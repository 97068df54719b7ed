"""Every command, whatever its streams, its locale and its values are: no traceback, and exit codes as documented.

Commands, flags and locales are combined so that each pair of them occurs, which costs a tenth of all combinations.
"""

import contextlib
import itertools
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from frs_exporter.cli.main import COMMANDS, command
from tests.test_cli import run

ENCODINGS = ("ascii", "gbk", "iso-8859-1")
STREAMS = (">&-", "2>&-", ">&- 2>&-", ">/dev/full", "2>/dev/full")
RUNS = {
    "check": ("check --config.file=/nowhere", 2),
    "completion": ("completion bash", 0),
    "config-example": ("config-example --lang=zh", 0),
    "config-schema": ("config-schema", 0),
    "demo": ("demo --web.listen-address=127.0.0.1:0 --projects=1", None),
    "explain": ("explain FRS.0019 --lang=zh", 0),
    "health": ("health --url=http://127.0.0.1:1", 1),
    "plan": ("plan --projects=10", 0),
    "serve": ("--config.file=/nowhere", 2),
    "simulate": ("simulate --projects=1", None),
}
"""How each command is run, and its exit code; None for those that run until they are stopped, which is 0."""
SAYS_ITS_RESULT = {"completion", "config-example", "config-schema", "explain", "plan", "simulate"}
"""Whose result is on standard output: where that is full they have failed themselves."""
ANY_TEXT = {"config_file", "projects", "project_id", "region", "token_file", "endpoint", "web_config_file", "code"}
ANY_TEXT |= {"state_directory", "url", "cert_file", "key_file", "output_file", "ca_file"}
"""Whose value may be any text at first, and is refused, or not found, when it is used."""
FILES = {"config_file", "web_config_file"}
WRONG = ("", " ", "\u96ea\u2603", "-1", "1e99", "nan", "..", "/", "9" * 400, "\x1b[31m", "a\nb", "%s{0}")


@pytest.fixture(autouse=True)
def nothing_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder of one's own in one: `..` is a folder without anything that could be a config."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")


def environment(encoding: str) -> dict[str, str]:
    """That of a locale, also where it is not installed."""
    return {**os.environ, "PYTHONIOENCODING": encoding, "LC_ALL": "C", "PYTHONUTF8": "0", "XDG_STATE_HOME": "/nowhere"}


def runs() -> Iterator[tuple[str, str, str]]:
    """Each command with each state of the streams; the locales take turns, so that they meet each of both."""
    for number, (name, streams) in enumerate(itertools.product(COMMANDS, STREAMS)):
        yield name, streams, ENCODINGS[number % len(ENCODINGS)]


def test_each_command_is_run() -> None:
    assert RUNS.keys() == COMMANDS.keys()
    for name, encoding in itertools.product(COMMANDS, ENCODINGS):
        assert any(run[::2] == (name, encoding) for run in runs())
    for streams, encoding in itertools.product(STREAMS, ENCODINGS):
        assert any(run[1:] == (streams, encoding) for run in runs())


@pytest.mark.uncounted
@pytest.mark.parametrize(("name", "streams", "encoding"), list(runs()))
def test_streams_that_are_not_there_change_no_exit_code(name: str, streams: str, encoding: str) -> None:
    arguments, code = RUNS[name]
    shell = ["bash", "-c", f"exec {sys.executable} -m frs_exporter {arguments} {streams}"]
    with subprocess.Popen(shell, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment(encoding)) as started:
        expected = 3 if streams == ">/dev/full" and name in SAYS_ITS_RESULT else code
        if expected is None:
            wait_for_listener(started.pid)
            started.send_signal(signal.SIGTERM)
        out, err = started.communicate(timeout=60)
    assert started.returncode == (expected or 0)
    assert b"Traceback" not in out + err
    if expected == 3:
        assert err == b"Error: cannot write to standard output: No space left on device\n"
    elif expected and "2>" not in streams:
        assert err.count(b"\n") == 1


def links_in(folder: Path) -> Iterator[str]:
    """Where the links of a folder lead, but for those that go meanwhile."""
    for name in folder.iterdir() if folder.exists() else ():
        with contextlib.suppress(FileNotFoundError):
            yield os.readlink(name)


def wait_for_listener(pid: int) -> None:
    """Wait until a process handles SIGTERM by its loop: it listens by then."""
    for _ in range(400):
        names = Path(f"/proc/{pid}/fd")
        sockets = {match[1] for link in links_in(names) if (match := re.fullmatch(r"socket:\[(\d+)\]", link))}
        rows = (row.split() for row in Path("/proc/net/tcp").read_text().splitlines()[1:])
        if sockets & {row[9] for row in rows if row[3] == "0A"}:
            return
        signal.sigtimedwait([], 0.05)
    raise AssertionError("it listens nowhere")


def values() -> Iterator[tuple[str, click.Parameter]]:
    """Each flag and argument of each command that takes a value."""
    for name in COMMANDS:
        for parameter in command(name).params:
            if not (isinstance(parameter, click.Option) and (parameter.is_flag or parameter.count)):
                yield name, parameter


@pytest.mark.uncounted
@pytest.mark.parametrize(("name", "parameter"), [pytest.param(*v, id=f"{v[0]}-{v[1].name}") for v in values()])
def test_a_wrong_value_is_one_line(name: str, parameter: click.Parameter, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", "/nowhere")
    base = ["--config.file=/nowhere"] if name in ("serve", "check") and parameter.name != "config_file" else []
    for value in WRONG:
        given = [f"{parameter.opts[0]}={value}"] if isinstance(parameter, click.Option) else ["--", value]
        if parameter.name == "url":
            base = ["--timeout=200ms"]
        result = run(name, *base, *given)
        assert result.exception is None or isinstance(result.exception, SystemExit), value
        if parameter.name in ANY_TEXT:
            assert result.exit_code in (0, 1, 2), value
        else:
            assert result.exit_code == 2, value
        assert "\x1b" not in result.output
        if result.exit_code:
            assert result.stdout == "", value
            lines = 3 if parameter.name in FILES else 1  # one for each file, whose name may be two
            assert 1 <= result.stderr.count("\n") <= lines, value


def flags() -> Iterator[tuple[str, click.Option]]:
    """Each flag of each command, those without a value, too."""
    for name in COMMANDS:
        yield from ((name, option) for option in command(name).params if isinstance(option, click.Option))


@pytest.mark.uncounted
@pytest.mark.parametrize(("name", "option"), [pytest.param(*flag, id=f"{flag[0]}-{flag[1].name}") for flag in flags()])
def test_a_wrong_value_by_environment_is_one_line_that_names_the_variable(
    name: str, option: click.Option, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", "/nowhere")
    variable = str(option.envvar)
    base = ["--config.file=/nowhere"] if name in ("serve", "check") and option.name != "config_file" else []
    base += ["--timeout=200ms"] if option.name == "url" else []
    told = False
    for value in filter(None, WRONG):
        monkeypatch.setenv(variable, value)
        result = run(name, *base)
        assert result.exception is None or isinstance(result.exception, SystemExit), value
        assert result.exit_code in (0, 1, 2), value
        assert "\x1b" not in result.output
        if result.exit_code:
            assert result.stdout == "", value
            assert 1 <= result.stderr.count("\n") <= (3 if option.name in FILES else 1), value
        told |= variable in result.stderr
        if option.name not in ANY_TEXT and value.strip():  # blanks are no, and none of several
            assert result.exit_code == 2, value
            assert variable in result.stderr or "/nowhere: cannot read" in result.stderr, value
    assert told or option.name in ANY_TEXT


@pytest.mark.parametrize("name", COMMANDS)
def test_flags_that_do_not_exist_are_one_line(name: str) -> None:
    for arguments in (["--nothing"], ["--nothing=x"], ["-Z"], ["too", "many", "words"]):
        result = run(name, *arguments)
        code = (
            1 if name == "explain" and arguments[0] == "too" else 2
        )  # whose words are a text, if one that says nothing
        assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (code, "", 1), arguments
