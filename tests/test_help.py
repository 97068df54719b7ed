"""`--help` in Chinese: asked for by a flag or by the locale, complete, and as wide as a terminal."""

import inspect
import re
import unicodedata
from collections.abc import Iterator

import click
import pytest
from click.testing import CliRunner

from frs_exporter.cli.chinese_help import COMMANDS, EXTRAS, HEADINGS, TEXTS
from frs_exporter.cli.main import COMMANDS as NAMES
from frs_exporter.cli.main import cli, command

NO_LOCALE = dict.fromkeys(("LC_ALL", "LC_MESSAGES", "LANG", "FRS_LANG"), "")
ALL = ("", *NAMES)
CHINESE = re.compile(r"[\u4e00-\u9fff]")


def run(*args: str, **environ: str) -> str:
    """What the exporter prints, and with which it ends well."""
    result = CliRunner().invoke(cli, [*filter(None, args)], env={**NO_LOCALE, "COLUMNS": "80", **environ})
    assert result.exit_code == 0, result.output
    return result.output


def texts() -> Iterator[str]:
    """All that help says: each paragraph, each text of a flag, each part of a line that is not to be wrapped."""
    for found in (cli, *map(command, NAMES)):
        for text in (found.help or "", found.epilog or ""):
            for paragraph in inspect.cleandoc(text).split("\n\n"):
                if paragraph.startswith("\b\n"):
                    yield from (part for line in paragraph.splitlines()[1:] for part in re.split(r"\s{2,}", line))
                else:
                    yield " ".join(paragraph.split())
        yield from (option.help or "" for option in found.params if isinstance(option, click.Option))
    yield "Show this message and exit."  # click adds it


def is_command(text: str) -> bool:
    """Whether it is to be typed, and so has no language; the names of shells stand before what is for them."""
    return not text or text.startswith(("frs-exporter", "export ")) or text in ("bash", "zsh", "fish")


def test_all_that_help_says_has_a_chinese_text_and_nothing_else_has() -> None:
    said = {text for text in texts() if not is_command(text)}
    assert said == TEXTS.keys(), said ^ TEXTS.keys()
    assert list(COMMANDS) == list(NAMES)
    assert all(CHINESE.search(text) for table in (TEXTS, COMMANDS, HEADINGS) for text in table.values())


@pytest.mark.parametrize("name", ALL)
def test_flags_values_and_variables_stay_as_they_are(name: str) -> None:
    both = run(name, "--help"), run(name, "--help", "--lang=zh")
    english, chinese = (re.sub(r"^(Commands|命令):\n(  .*\n)+", "", text, flags=re.MULTILINE) for text in both)
    named = r"--[\w.-]+\w|\[[\w|]+\]|\b[A-Z][A-Z_]{2,}\b|\d<=x<=\d+|\*\.yaml|/-/\w+"
    assert set(re.findall(named, chinese)) == set(re.findall(named, english))
    flags = r"^  (-.*?)(?:  .*)?$"
    assert re.findall(flags, chinese, re.MULTILINE) == re.findall(flags, english, re.MULTILINE)


@pytest.mark.parametrize("name", ALL)
def test_chinese_fits_a_terminal(name: str) -> None:
    """A character of Chinese takes two columns. Lines to be typed are as they are."""
    text = run(name, "--help", LC_ALL="zh_CN.UTF-8")
    assert not re.search(r"^ *[，。；：、）\]]|[\[（]$", text, re.MULTILINE), "a mark stays with what it belongs to"
    for line in text.splitlines():
        width = sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in line)
        assert width <= 80 or any(map(is_command, re.split(r"\s{2,}", line.strip()))), line


@pytest.mark.parametrize("name", ALL)
def test_nothing_but_names_is_english(name: str) -> None:
    text = run(name, "--help", "--lang=zh")
    for english in (*EXTRAS, *HEADINGS, *TEXTS):
        assert english == "; " or english not in text.replace("[OPTIONS]", ""), english


@pytest.mark.parametrize(
    ("args", "environ"),
    [
        (("--lang", "zh", "check", "--help"), {}),
        (("--lang=zh", "check", "-h"), {}),
        (("check", "--help", "--lang", "zh"), {}),
        (("check", "--lang=zh", "--help"), {}),
        (("help", "check", "--lang", "zh"), {}),
        (("check", "--help"), {"LC_ALL": "zh_CN.UTF-8", "LANG": "en_US.UTF-8"}),
        (("check", "--help"), {"LC_MESSAGES": "zh_CN.UTF-8", "LANG": "en_US.UTF-8"}),
        (("check", "--help"), {"LANG": "zh_TW"}),
        (("check", "--help"), {"FRS_LANG": "zh", "LANG": "C.UTF-8"}),
        (("check", "--help", "--lang=zh"), {"FRS_LANG": "en", "LC_ALL": "C"}),
    ],
)
def test_each_way_to_ask_for_chinese_gives_the_same_help(args: tuple[str, ...], environ: dict[str, str]) -> None:
    assert run(*args, **environ) == run("check", "--help", "--lang=zh")


@pytest.mark.parametrize(
    ("args", "environ"),
    [
        (("check", "--help", "--lang=en"), {"LC_ALL": "zh_CN.UTF-8"}),
        (("check", "--help"), {"LC_ALL": "C", "LANG": "zh_CN.UTF-8"}),
        (("check", "--help"), {"LANG": "de_DE.UTF-8"}),
    ],
)
def test_english_is_what_is_left(args: tuple[str, ...], environ: dict[str, str]) -> None:
    assert run(*args, **environ) == run("check", "--help")
    assert not CHINESE.search(run("check", "--help"))


def test_a_command_without_the_flag_takes_it_for_its_help_only() -> None:
    assert run("serve", "--lang", "zh", "--help") == run("--lang", "zh", "serve", "--help")
    assert run("--lang", "zh", "--help") == run("--help", LANG="zh_CN.UTF-8")
    refused = CliRunner().invoke(cli, ["serve", "--lang=zh", "--config.file=x"], env=NO_LOCALE)
    assert refused.exit_code == 2
    assert re.search("No such option:? '?--lang'?", refused.output), "in the words of any click"


def test_before_a_command_the_flag_is_the_commands() -> None:
    assert run("--lang", "zh", "explain", "FRS.0202") == run("explain", "FRS.0202", "--lang=zh")
    assert run("--lang=zh", "config-example") == run("config-example", LANG="zh_CN.UTF-8")
    assert CHINESE.search(run("config-example", LANG="zh_CN.UTF-8"))
