"""Flags by variables of the environment: a name for each, flags win, and variables of others are left alone."""

import re
import shutil
from itertools import chain
from pathlib import Path

import click
import pytest

from frs_exporter.cli.main import COMMANDS, command
from frs_exporter.cli.variables import SERVICE_LINK, variables
from tests.test_cli import FILES, run

ROOT = Path(__file__).parents[1]
ALL = set().union(*(variables(command(name)) for name in COMMANDS))
DEPLOYED = (file for file in (ROOT / "deploy").rglob("*") if file.is_file() and file.suffix != ".pyc")
TEXTS = (*ROOT.glob("README*.md"), *(ROOT / "docs").glob("*.md"), *DEPLOYED)


@pytest.fixture
def good(tmp_path: Path) -> str:
    """A config that nobody else can read."""
    return str(shutil.copy(FILES / "minimal.good.yaml", tmp_path))


@pytest.mark.parametrize("name", COMMANDS)
def test_each_flag_has_a_variable_that_help_shows(name: str) -> None:
    options = [option for option in command(name).params if isinstance(option, click.Option)]
    assert len(variables(command(name))) == len(options)
    text = " ".join(run(name, "--help").output.split())
    assert all(f"[env var: {option.envvar}" in text for option in options)


def test_the_names_are_those_of_the_flags() -> None:
    some = {"FRS_CONFIG_FILE", "FRS_WEB_CONFIG_FILE", "FRS_WEB_LISTEN_ADDRESS", "FRS_LOG_LEVEL", "FRS_SHARD"}
    some |= {"FRS_TOTAL_SHARDS", "FRS_STATE_DIRECTORY", "FRS_CONFIG_AUTO_RELOAD_INTERVAL", "FRS_WEB_ENABLE_LIFECYCLE"}
    assert some <= variables(command("serve"))
    assert {"FRS_CONFIG_FILE", "FRS_PROJECT_ID", "FRS_TIMEOUT", "FRS_LOG_LEVEL"} <= variables(command("check"))
    assert {"FRS_HEALTH_URL", "FRS_HEALTH_TIMEOUT"} <= variables(command("health"))
    assert not variables(command("health")) & set().union(*(variables(command(n)) for n in COMMANDS if n != "health"))


def test_what_the_pages_name_is_there() -> None:
    found = set(chain.from_iterable(re.findall(r"\bFRS_[A-Z]+(?:_[A-Z]+)*\b", text.read_text()) for text in TEXTS))
    assert {"FRS_CONFIG_FILE", "FRS_LOG_LEVEL", "FRS_HEALTH_URL"} <= found
    assert found - {"FRS_EXPORTER_FLAGS", "FRS_HEALTH"} <= ALL


@pytest.mark.parametrize(
    ("variable", "value", "name", "expected"),
    [
        ("FRS_CONFIG_FILE", "/a/b.yaml:/c d", "config_file", ("/a/b.yaml", "/c d")),
        ("FRS_LOG_LEVEL", "WARN", "level", "warning"),
        ("FRS_WEB_LISTEN_ADDRESS", "127.0.0.1:1  [::1]:2", "addresses", [("127.0.0.1", 1), ("::1", 2)]),
        ("FRS_WEB_ENABLE_LIFECYCLE", "false", "lifecycle", False),
        ("FRS_WEB_ENABLE_LIFECYCLE", "1", "lifecycle", True),
        ("FRS_CONFIG_CHECK", "true", "config_check", True),
        ("FRS_SHARD", "frs-exporter-3", "shard", 3),
        ("FRS_TOTAL_SHARDS", "7", "total_shards", 7),
        ("FRS_LOG_LEVEL", "", "level", "info"),
        ("FRS_TOTAL_SHARDS", "", "total_shards", 1),
    ],
)
def test_a_variable_sets_what_its_flag_sets(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, name: str, expected: object
) -> None:
    monkeypatch.setenv(variable, value)
    assert command("serve").make_context("serve", []).params[name] == expected


def test_a_flag_wins(good: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FRS_CONFIG_FILE", "/nowhere")
    monkeypatch.setenv("FRS_LOG_LEVEL", "loud")
    result = run(f"--config.file={good}", "--config.check", "--log.level=debug")
    assert (result.exit_code, result.stderr) == (0, "")


def test_the_config_may_be_named_by_the_environment_alone(good: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FRS_CONFIG_FILE", good)
    for arguments in (("--config.check",), ("serve", "--config.check")):
        assert run(*arguments).stdout == f"{good}: good: 1 project, 2 jobs, 1 credential in use\n"
    monkeypatch.setenv("FRS_CONFIG_CHECK", "yes")
    assert run().exit_code == 0
    monkeypatch.setenv("FRS_PROJECT", "nobody")
    result = run("check")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("Error: FRS_PROJECT: none is called 'nobody'; there are a ")


@pytest.mark.parametrize(
    ("command", "variable", "value", "message"),
    [
        ("serve", "FRS_LOG_LEVEL", "loud", "Invalid value for FRS_LOG_LEVEL: 'loud' is not one of"),
        ("serve", "FRS_WEB_LISTEN_ADDRESS", ":1 here", "Invalid value for FRS_WEB_LISTEN_ADDRESS: 'here' is not host"),
        ("serve", "FRS_WEB_LISTEN_ADDRESS", " ", "Invalid value for FRS_WEB_LISTEN_ADDRESS: no address is in it"),
        (
            "serve",
            "FRS_CONFIG_CHECK",
            "maybe",
            "Invalid value for FRS_CONFIG_CHECK: 'maybe' is not a valid b",
        ),
        ("serve", "FRS_TOTAL_SHARDS", "two", "Invalid value for FRS_TOTAL_SHARDS: 'two' is not a whole number (see "),
        ("serve", "FRS_SHARD", "3", "no shard 3 of 1"),
        ("check", "FRS_REQUIRE", "detekt!", "FRS_REQUIRE: 'detekt!' is no sub-service"),
        ("health", "FRS_HEALTH_URL", "here", "FRS_HEALTH_URL must be a URL like"),
        ("health", "FRS_HEALTH_KEY_FILE", "x", "FRS_HEALTH_KEY_FILE needs --cert-file beside it"),
        ("explain", "FRS_LANG", "fr", "Invalid value for FRS_LANG: must be one of en, zh"),
    ],
)
def test_what_is_wrong_names_the_variable(
    monkeypatch: pytest.MonkeyPatch, command: str, variable: str, value: str, message: str
) -> None:
    monkeypatch.setenv(variable, value)
    monkeypatch.setenv("FRS_HEALTH_URL", "https://localhost:1") if variable != "FRS_HEALTH_URL" else None
    result = run(command, *(["--config.file=x"] if command in ("serve", "check") else []))
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith(f"Error: {message}")
    assert result.stderr.count("\n") == 1


def test_what_is_wrong_with_a_flag_names_the_flag(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FRS_LOG_LEVEL", "debug")
    assert run("--log.level=loud").stderr.startswith("Error: Invalid value for '--log.level': 'loud' is not one of")


def test_of_a_config_that_is_not_there_it_is_told_how_it_was_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    missing = "cannot read the config file: No such file or directory"
    several = ", in which a : stands between several files"
    for arguments in (("--config.check",), ("check",)):
        for name, more in (("/gone", ""), ("/a b", several), ("/a,/b", several)):
            monkeypatch.setenv("FRS_CONFIG_FILE", name)
            assert run(*arguments).stderr == f"{name}: {missing}; FRS_CONFIG_FILE names it{more}\n"
        result = run(*arguments, "--config.file=/a,/b", "--config.file=/gone")
        assert result.stderr == (
            f"/a,/b: {missing}; write --config.file before each of several files\n/gone: {missing}\n"
        )
    (tmp_path / "a b.yaml").write_text("{")
    monkeypatch.setenv("FRS_CONFIG_FILE", str(tmp_path / "a b.yaml"))
    assert "FRS_CONFIG_FILE" not in run("--config.check").stderr, "it is there"


def test_an_empty_name_of_a_file_is_told_with_who_has_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It would be the folder that one is in."""
    told = "the name of a file is empty"
    for arguments in ((), ("--config.check",), ("check",)):
        monkeypatch.delenv("FRS_CONFIG_FILE", raising=False)
        for files in (("-c", ""), ("-c", "a.yaml", "-c", "")):
            result = run(*arguments, *files)
            assert result.exit_code == 2
            assert result.stderr.startswith(
                f"Error: Invalid value for '--config.file' / '-c' / '--config-file': {told} (see "
            )
        for names in ("a::b", "a:", ":"):
            monkeypatch.setenv("FRS_CONFIG_FILE", names)
            assert run(*arguments).stderr.startswith(
                f"Error: Invalid value for FRS_CONFIG_FILE: {told}; a : stands between two names, and nowhere else ("
            )
    for flag in ("--token-file", "--ca-file"):
        assert f"'{flag}': {told} (see " in run("check", "--config.file=x", f"{flag}=").stderr
    (tmp_path / "c.yaml").write_text("credentials: {a: {ecs_agency: {}}}\ndiscovery: [{credential: a}]\n")
    monkeypatch.delenv("FRS_CONFIG_FILE")
    good = run("--config.check", f"--config.file={tmp_path}/c.yaml", "--web.config.file=")
    assert good.exit_code == 0, "none is what it stands for"


def test_a_first_look_needs_no_other_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """That of an exporter names its config: what is on the command line wins, and where nothing is both are told."""
    monkeypatch.setenv("FRS_CONFIG_FILE", "/nowhere")
    result = run("check", "--region=Nowhere!")
    assert result.stderr.startswith("Error: --region must be a region like cn-north-4")
    monkeypatch.setenv("FRS_REGION", "Nowhere!")
    assert run("check").stderr.startswith("Error: FRS_REGION is for a first look without FRS_CONFIG_FILE")
    assert (
        run("check", "--config.file=/gone").stderr == "/gone: cannot read the config file: No such file or directory\n"
    )
    both = run("check", "--config.file=/gone", "--region=cn-north-4").stderr
    assert both.startswith("Error: --region is for a first look without --config.file")
    monkeypatch.delenv("FRS_CONFIG_FILE")
    assert run("check").stderr.startswith("Error: FRS_REGION must be a region like cn-north-4")


@pytest.mark.parametrize(
    ("variable", "meant"),
    [
        ("FRS_CONFG_FILE", "FRS_CONFIG_FILE"),
        ("frs_config_file", "FRS_CONFIG_FILE"),
        ("FRS_LOGLEVEL", "FRS_LOG_LEVEL"),
        ("FRS_LISTEN_ADDRESS", "FRS_WEB_LISTEN_ADDRESS"),
        ("FRS_TOTAL_SHARD", "FRS_TOTAL_SHARDS"),
    ],
)
def test_what_is_probably_mistyped_is_warned_about(
    good: str, monkeypatch: pytest.MonkeyPatch, variable: str, meant: str
) -> None:
    monkeypatch.setenv(variable, "secret")
    result = run(f"--config.file={good}", "--config.check")
    assert result.exit_code == 0
    assert result.stderr == f"warning: {variable} in the environment sets nothing; did you mean {meant}?\n"


def test_variables_of_others_are_left_alone(good: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of Kubernetes for Services of any name that begins as ours do, of the unit, and of other commands."""
    port = "tcp://10.0.0.1:9900"
    for service in ("EXPORTER", "SHARD", "LOG_LEVEL", "CONFIG_FILE", "WEB_LISTEN_ADDRESS", "EXPORTER_SHARD"):
        for end in ("PORT", "SERVICE_HOST", "SERVICE_PORT", "SERVICE_PORT_HTTP_METRICS"):
            monkeypatch.setenv(f"FRS_{service}_{end}", port)
        for end in ("", "_PROTO", "_PORT", "_ADDR"):
            monkeypatch.setenv(f"FRS_{service}_PORT_9900_TCP{end}", port)
    monkeypatch.setenv("FRS_EXPORTER_FLAGS", "--log.level=info")
    for variable in ("FRS_HEALTH_URL", "FRS_PASSWORD", "FRS_AK", "FRS"):
        monkeypatch.setenv(variable, "x")
    result = run(f"--config.file={good}", "--config.check")
    assert (result.exit_code, result.stderr) == (0, "")
    assert not any(SERVICE_LINK.fullmatch(variable) or variable.startswith("FRS_EXPORTER_") for variable in ALL)
