"""The first hour's pages, word for word: each command is run against the simulator, and prints what the page shows."""

import os
import pty
import re
import signal
import subprocess
import sys
import termios
import time
import tty
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from frs_exporter.core.errors import Reason
from frs_exporter.status.trouble_words import KINDS
from tests.e2e.conftest import PROGRAMS, ROOT, free_port, tool

PAGES = {"en": ROOT / "docs/first-hour.md", "zh": ROOT / "docs/first-hour.zh-CN.md"}
PORTS = ("10400", "10377", "9099")
INSTALLS = re.compile(r"^(?:python3 -m venv|\S+/pip install) .*\n", re.MULTILINE)
"""What is not run: it takes a minute, and the exporter is installed where tests run."""
WAITS = 40.0
"""Seconds in which a scrape and a rule are through, with the quicker ones of these tests."""
MASKS = {
    r"\b\d+ ms\b": "N ms",
    r"\b\d{8}T\d{6}Z": "TIME",
    r"(?m)^( *(?:Date|Server|X-Request-ID|Content-Length|request id|请求 ID)[:：]).*$": r"\1 X",
    r"\b\d+\.\d+ s\b": "N s",
    r"\bversion \d\S*": "version N",
    r"@\[[\d.]+\]": "@[TIME]",
    r"(?m)^warning: runs as root (?:.*\n)*?.*user\s+65534\)\n": "",
    r"─+": "─",
    r"[ \t]+": " ",
    r"(?m) $": "",
}
"""What is another one each time, and the columns that are as wide as that."""
HAN = re.compile(r"[\u4e00-\u9fff]")


@dataclass(frozen=True, slots=True)
class Block:
    """Commands, and what the page says they print; None where it shows nothing."""

    commands: str
    printed: str | None = None


def blocks(page: str) -> list[Block]:
    """The commands of a page in their order; boxes are quoted in it."""
    found: list[Block] = []
    for box, kind, text in re.findall(r"^(> )?```(\w*)\n(.*?)^(?:> )?```$", page, re.MULTILINE | re.DOTALL):
        body = re.sub(r"(?m)^> ?", "", text) if box else text
        if kind:
            assert kind == "sh", kind
            found.append(Block(body))
        else:
            assert found[-1].printed is None, body
            found[-1] = Block(found[-1].commands, body)
    return found


def masked(text: str) -> str:
    """What is printed, without what differs each time."""
    for pattern, instead in MASKS.items():
        text = re.sub(pattern, instead, text)
    return text.strip()


class Terminal:
    """A bash that is told one block of a page after the other, with ports of its own in place of the page's.

    What it prints goes to a terminal of 80 columns, as for whoever reads the page: tables are drawn for it.
    """

    def __init__(self, home: Path) -> None:
        environment = {**os.environ, "HOME": str(home), "PATH": PROGRAMS, "LC_ALL": "C.UTF-8", "TERM": "dumb"}
        self.ports = {port: str(free_port()) for port in PORTS}
        self.screen, terminal = pty.openpty()
        tty.setraw(terminal)  # a line's end stays one character
        termios.tcsetwinsize(terminal, (24, 80))
        self.bash = subprocess.Popen(
            [tool("bash")],
            stdin=subprocess.PIPE,
            stdout=terminal,
            stderr=terminal,
            cwd=ROOT,
            env=environment,
            start_new_session=True,
        )
        os.close(terminal)

    def run(self, commands: str) -> tuple[str, int]:
        """What they print, with the page's ports, and the exit code of the last."""
        assert self.bash.stdin
        self.bash.stdin.write(f'{self.with_ports(commands)}echo "<end $?>"\n'.encode())
        self.bash.stdin.flush()
        printed = b""
        while not (end := re.search(rb"<end (\d+)>\n$", printed)):
            printed += os.read(self.screen, 1 << 16)
        output = printed[: end.start()].decode()
        for port, own in self.ports.items():
            output = output.replace(f":{own}", f":{port}")
        return output, int(end[1])

    def with_ports(self, text: str) -> str:
        """A text that names the ports of this terminal instead of the page's."""
        for port, own in self.ports.items():
            text = text.replace(f":{port}", f":{own}")
        return text

    def close(self) -> None:
        """End it, and whatever it has left running."""
        os.killpg(self.bash.pid, signal.SIGKILL)
        self.bash.communicate()
        os.close(self.screen)


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    for program in ("curl", "prometheus", "promtool"):
        tool(program)
    programs = tmp_path / "first-hour/bin"
    programs.mkdir(parents=True)
    (programs / "frs-exporter").symlink_to(Path(sys.executable).with_name("frs-exporter"))
    opened = Terminal(tmp_path)
    yield opened
    opened.close()


def hurry(terminal: Terminal, folder: Path) -> None:
    """Let the alert wait for a second, and Prometheus find the exporter where it is this time."""
    rules = folder / "frs.rules.yml"
    text = rules.read_text()
    rule = next(
        rule
        for group in yaml.safe_load(text)["groups"]
        for rule in group["rules"]
        if rule.get("alert") == "FrsRequiredSubserviceMissing"
    )
    assert rule["for"] == "2m"  # the pages say so
    rules.write_text(text.replace("for: 2m", "for: 1s"))
    config = folder / "prometheus.yml"
    config.write_text(terminal.with_ports(config.read_text()))


def typed(block: Block, folder: Path) -> str:
    """What a block asks for: the simulator's own key; nothing for most."""
    if not (asked := re.match(r"read .* HUAWEICLOUD_SDK_([AS])K\n", block.commands)):
        return ""
    keys = next(
        credential["ak_sk"]
        for credential in yaml.safe_load((folder / "cloud.yaml").read_text())["credentials"].values()
        if "ak_sk" in credential
    )
    return f"{keys['access_key' if asked[1] == 'A' else 'secret_key']}\n"


def run_block(terminal: Terminal, block: Block, folder: Path) -> str:
    """Run a block, once more while Prometheus has not seen it yet; what it printed."""
    commands = INSTALLS.sub("", block.commands).replace("15s", "1s") + typed(block, folder)
    end = time.monotonic() + WAITS
    while True:
        output, code = terminal.run(commands)
        printed = block.printed or ""
        if "promtool query" not in commands or masked(output) == masked(printed) or time.monotonic() > end:
            break
        time.sleep(0.3)
    assert code in (0, 1), output
    assert code == 0 or re.search("not well|个异常", output), output
    return output


@pytest.mark.programs
@pytest.mark.parametrize("language", PAGES)
def test_each_command_prints_what_the_page_shows(language: str, terminal: Terminal, tmp_path: Path) -> None:
    folder = tmp_path / "first-hour"
    for number, block in enumerate(blocks(PAGES[language].read_text("utf-8"))):
        output = run_block(terminal, block, folder)
        if block.printed is not None:
            assert masked(output) == masked(block.printed), block.commands
        if number == 0:
            hurry(terminal, folder)
    assert terminal.run("wait; jobs -r\n") == ("", 0)  # nothing is left running
    assert (folder / "secret-key").stat().st_mode & 0o777 == 0o600
    secret = (folder / "secret-key").read_text()
    assert secret in (folder / "cloud.yaml").read_text()
    assert secret not in (folder / "answer.txt").read_text()


def test_both_pages_have_the_same_commands() -> None:
    """What is printed is the same, too, where it is not in Chinese."""
    english, chinese = (blocks(page.read_text("utf-8")) for page in PAGES.values())
    assert [block.commands for block in english] == [block.commands.replace(" --lang=zh", "") for block in chinese]
    for ours, theirs in zip(english, chinese, strict=True):
        assert (ours.printed is None) == (theirs.printed is None), ours.commands
        assert (
            theirs.printed is None or HAN.search(theirs.printed) or masked(ours.printed or "") == masked(theirs.printed)
        )


def test_both_pages_have_the_same_steps_and_sources() -> None:
    """Each heading, each of the vendor's pages, and each word of `check` has its twin."""
    english, chinese = (page.read_text("utf-8") for page in PAGES.values())
    vendors = r"\b(?:face|iam|account_auth)_\d+_?\d*"
    for same in (r"(?m)^##+ (\d*)", r"https?://[^\s)>]+", r"(?m)^\| `([\w-]+)`", vendors):
        assert re.findall(same, english) == re.findall(same, chinese), same


@pytest.mark.parametrize("language", PAGES)
def test_what_is_said_to_fail_is_said_in_the_words_of_check(language: str) -> None:
    """In those of a block that the page shows, which is tested; what no block shows is compared with its source."""
    text = PAGES[language].read_text("utf-8")
    shown = "".join(block.printed or "" for block in blocks(text))
    _, _, table = text.partition("## 8.")
    table, _, _ = table.partition("> **")
    failures = re.findall(r"^\| `([^`]+)` \|", table, re.MULTILINE)
    assert len(failures) == 4
    assert [failure for failure in failures if failure not in shown] == []
    sentence = next(line for line in text.splitlines() if "`dns`" in line)
    assert {"dns", "connect", "tls", "timeout"} <= {*Reason} & {*re.findall(r"`(\w+)`", sentence)}
    unproven = KINDS["unproven"].text
    wording = unproven.zh if language == "zh" else unproven.en
    assert f"`{wording.format(names='detect, compare')}`" in text


@pytest.mark.parametrize("language", PAGES)
def test_links_and_files_are_there(language: str) -> None:
    text = PAGES[language].read_text("utf-8")
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", text)
    assert len(links) > 5
    for link in links:
        assert (ROOT / "docs" / link).exists(), link
    installed = "".join(INSTALLS.findall(text))
    for file in re.findall(r" -r (\S+)", installed):
        assert (ROOT / file).exists(), file
    assert installed.count("\n") == 3
