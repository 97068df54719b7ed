"""The manual page, as man shows it: what --help says of all commands."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from deploy.debian.manpage import manual
from frs_exporter import __version__
from frs_exporter.cli.main import COMMANDS, cli, command
from tests.e2e.conftest import tool

TIME = 1_700_000_000


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The page in 80 columns; roff has nothing to warn of."""
    page: Path = tmp_path_factory.mktemp("man") / "frs-exporter.8"
    page.write_text(manual(TIME))
    environment = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "MANWIDTH": "80"}
    man = [tool("man"), "--warnings=w", "-l", str(page)]
    done = subprocess.run(man, env=environment, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return done.stdout


def test_all_commands_and_flags_with_their_variables_are_there(shown: str) -> None:
    for name in COMMANDS:
        assert name == "serve" or re.search(rf"(?m)^   {name}$", shown), name
        for option in command(name).params:
            assert all(re.search(rf"(?<!\S){flag}(?![\w.-])", shown) for flag in option.opts if flag.startswith("-"))
            assert option.envvar is None or f"{option.envvar}" in shown


def test_examples_are_as_they_are_typed(shown: str) -> None:
    """Line by line, with hyphens, quotes and tildes that a shell takes."""
    texts = [cli.help, *(command(name).epilog for name in COMMANDS)]
    kept = [line.strip() for text in texts for part in (text or "").split("\b\n")[1:] for line in part.splitlines()]
    assert len(kept) > 30
    for line in kept:
        assert line in shown, line


def test_no_character_is_left_that_some_roff_prints_as_another_one() -> None:
    """That of Debian 12 prints all of them as they are."""
    lines = [line for line in manual(TIME).splitlines() if not line.startswith(".TH ")]
    assert re.findall(r"[-'`^~]", re.sub(r"\\(?:\(\w\w|.)", "", "\n".join(lines))) == []


def test_it_says_what_it_is_of(shown: str) -> None:
    assert "NAME\n       frs-exporter - Prometheus exporter for Huawei Cloud's Face Recognition" in shown
    assert f"frs-exporter {__version__}" in shown
    assert "2023-11-14" in shown
