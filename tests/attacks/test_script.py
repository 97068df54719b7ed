"""Defends whoever reads a page, a log or a terminal against names and messages that are script, lines or escapes."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import quote

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from frs_exporter.cli.check_output import as_table
from frs_exporter.config.load import load
from frs_exporter.core.redact import brief
from frs_simulator import Account, Project, Simulator, World
from frs_simulator.demo import subscribed
from frs_simulator.faults import Fault
from frs_simulator.server import credential
from tests.e2e.conftest import Programs, eventually, fetch
from tests.test_check import EN, checked, ended
from tests.web.test_status import Text

NAMES = (
    *(
        "<script>alert(1)</script>",
        '"><img src=x onerror=alert(1)>',
        "</title></textarea></style><svg/onload=alert(1)>",
    ),
    *("' onmouseover='alert(1)", "{{ 7*7 }}{% include '/etc/passwd' %}", "javascript:alert(1)", "&lt;b&gt;&amp;#x3c;"),
    *('x"} 1', "back\\slash\\", '\\"', "\\n# TYPE frs_evil gauge", "frs_evil 1", 'a" level=error msg="forged'),
    *(
        "[bold red]x[/]",
        "[link=http://evil.example]x[/link]",
        ":skull:",
        "${jndi:ldap://evil}",
        "=1+1",
        "%s%n%d",
        "{0}",
    ),
)
"""Names of projects as IAM may list them: it takes nearly anything that can be printed."""
FOUND = {"cn-north-4", *(f"cn-north-4_{name}" for name in NAMES)}
"""What they are called in IAM: the first is the region's own, the others belong to it."""
ODD = ["a\nb", "a\x1b[31mb", "a\u202eb", "a\u2028b", "a\x9bb", "a\0b", "x" * 129]
"""Those that are refused, as nothing could show them."""
SAID = (
    "<script>alert(2)</script>\r\nfrs_evil 1\nts=0 level=error msg=forged\n\x1b]0;owned\x07\x1b[2J\x9b31m\u202e\u2028\0"
    ' {"level": "error", "msg": "forged"} [bold red]x[/]'
)
SUBSERVICES = ('x"} 1\nfrs_evil 1\n#', "<script>alert(3)</script>", "\x1b[31m", "a\u202eb", "a b", "")


def hostile_world() -> World:
    """A cloud whose every name and message is an attack."""
    projects = []
    for number, name in enumerate(("cn-north-4", *NAMES)):
        answer = subscribed("2024-01-01 00:00:00")
        answer |= {f"{odd}_service": {"subscribe_status": True, "create_time": SAID} for odd in SUBSERVICES}
        sets = [{"face_set_name": name, "face_set_id": SAID, "face_number": 1, "face_set_capacity": 100000}]
        projects.append(Project(name, "cn-north-4", answer, face_sets=sets, id=f"{number:032x}"))
    world = World([Account("acme", "token", projects)])
    for project in projects[::2]:
        world.faults.set("frs", Fault(status=400, code="FRS.0010", message=SAID), project.id)
    return world


def config_of(world: World, url: str, folder: Path) -> Path:
    """A config that finds them all."""
    rule = {"credential": "acme", "poll_interval": "2s", "labels": {"team": NAMES[0]}, "require": ["search"]}
    config = {
        "credentials": {"acme": credential(world.accounts[0], url)},
        "discovery": [{**rule, "regions": ["cn-north-4"], "collectors": ["subscription", "face_sets"]}],
        "endpoints": dict.fromkeys(("frs", "iam", "ces"), url),
        "limits": {api: {"rate": 1000} for api in ("frs", "iam")},
    }
    file = folder / "config.yaml"
    file.write_text(json.dumps(config))
    return file


@asynccontextmanager
async def simulated(folder: Path) -> AsyncIterator[Path]:
    """The config for a hostile cloud that runs meanwhile."""
    async with Simulator(hostile_world()) as simulator:
        yield config_of(simulator.world, simulator.url, folder)


def all_polled(url: str) -> bool:
    page = fetch(f"{url}/metrics")
    return page.count("\nfrs_polls_total{") == 2 * len(FOUND) and not re.search(r"(?m)^frs_polls_total{.* 0\.0$", page)


class Pages:
    """All that a running daemon shows, and what it has written to its log."""

    def __init__(self, programs: Programs, config: Path, format: str) -> None:
        daemon, url = programs.daemon(config, f"--log.format={format}", "--log.level=debug", "--state.directory=none")
        eventually(lambda: all_polled(url))
        self.html = [fetch(f"{url}/"), fetch(f"{url}/?q={quote(NAMES[0])}"), fetch(f"{url}/?lang=zh&all=1")]
        self.status = json.loads(fetch(f"{url}/api/v1/status"))
        self.targets = json.loads(fetch(f"{url}/sd"))
        self.text = fetch(f"{url}/metrics")
        self.openmetrics = fetch(f"{url}/metrics", Accept="application/openmetrics-text")
        self.probes = [fetch(f"{url}/probe?debug=true&project={quote(name, safe='')}") for name in list(FOUND)[:6]]
        daemon.popen.terminate()
        daemon.popen.wait(10)
        self.log = daemon.log


@pytest.mark.parametrize("format", ["logfmt", "json"])
async def test_names_and_messages_are_text_wherever_they_are_shown(
    programs: Programs, tmp_path: Path, format: str
) -> None:
    async with simulated(tmp_path) as config:
        pages = await asyncio.to_thread(Pages, programs, config, format)
    check_html(pages.html)
    check_json(pages)
    check_exposition(pages)
    check_log(pages.log, format)
    assert not [text for text in pages.probes if not printable(text)]


def printable(text: str) -> bool:
    """Whether a terminal shows all of it, and does nothing else."""
    return all(line.isprintable() for line in text.split("\n"))


def check_html(pages: list[str]) -> None:
    """No name has become markup: the only script is ours, and nothing loads or runs anything."""
    for page in pages:
        shown = Text(page)
        assert shown.tags.count("script") == 1
        assert not {"img", "svg", "iframe", "object"} & set(shown.tags)
        assert not re.search(r"<[^>]*\son\w+\s*=", page)
        assert not [link for link in shown.links if link.startswith(("javascript:", "data:", "//"))]
        assert "49" not in "".join(re.findall(r"\{\{.*?\}\}", page))
        assert printable(page)
    assert all(name in " ".join(Text(pages[0]).words) for name in NAMES if "  " not in name)


def check_json(pages: Pages) -> None:
    """Names are as they are, messages on one line that can be printed."""
    assert {project["project"] for project in pages.status["projects"]} == FOUND
    assert {target["labels"]["__param_project"] for target in pages.targets} == FOUND
    failures = [job["failure"] for project in pages.status["projects"] for job in project["jobs"] if job["failure"]]
    assert {failure["message"] for failure in failures} == {brief(SAID)}
    assert brief(SAID).isprintable()


def check_exposition(pages: Pages) -> None:
    """The series of one project are those of any other; no label ends early, and no line is anybody's own."""
    for families in (parse_text(pages.text), parse_openmetrics(pages.openmetrics)):
        series = [sample for family in families for sample in family.samples]
        assert not [sample for sample in series if "evil" in sample.name]
        subservices = {sample.labels["subservice"] for sample in series if sample.name == "frs_subscribed"}
        assert all(re.fullmatch(r"[a-z0-9_]+", name) for name in subservices)
        ups = [sample for sample in series if sample.name == "frs_up"]
        assert sorted(sample.labels["project"] for sample in ups) == sorted([*FOUND, *FOUND])
        assert {frozenset(sample.labels) for sample in ups} == {frozenset(("project", "collector"))}
    assert printable(pages.text)


def check_log(log: str, format: str) -> None:
    """One line for each event, and no line that a message has made."""
    assert printable(log)
    for line in log.splitlines():
        if format == "json":
            entry = json.loads(line)
            assert (entry["msg"], entry["level"]) != ("forged", "error")
        else:
            assert re.match(r"ts=\d{4}-\S+ level=(debug|info|warning) msg=", line), line
    assert "forged" in log, "the message itself is told"


@pytest.mark.parametrize("output", ["table", "json", "prometheus", "raw"])
async def test_a_check_does_nothing_to_a_terminal(tmp_path: Path, output: str) -> None:
    how = ("--raw",) if output == "raw" else (f"--output={output}",)
    async with simulated(tmp_path) as config:
        code, out, err = await ended(f"--config.file={config}", "--state.directory=none", *how)
    assert code == 1
    assert printable(out)
    assert printable(err)
    assert not re.search(r"(?m)^(frs_evil|ts=0|forged)", out)
    if output == "json":
        assert {project["project"] for project in json.loads(out)["projects"]} == FOUND
    if output == "prometheus":
        assert list(parse_text(out))


@pytest.mark.parametrize("terminal_width", [60, 200])
async def test_a_table_on_a_terminal_has_our_own_colours_and_no_others(tmp_path: Path, terminal_width: int) -> None:
    async with simulated(tmp_path) as config:
        _, report = await checked(load(str(config)), EN)
    text = as_table(report, terminal=True, terminal_width=terminal_width)
    assert "\x1b[" in text
    assert printable(re.sub(r"\x1b\[[0-9;]*m", "", text))
    marked = {"[bold red]x[/]", "[link=http://evil.example]x[/link]"}
    assert terminal_width < 100 or all(name in text for name in marked), "text, and no markup"


@pytest.mark.parametrize("name", ODD)
async def test_a_name_that_cannot_be_shown_is_told_by_its_id(tmp_path: Path, name: str) -> None:
    own, odd = (Project(each, "cn-north-4", None, id=digit * 32) for each, digit in (("cn-north-4", "a"), (name, "b")))
    world = World([Account("acme", "token", [own, odd])])
    async with Simulator(world) as simulator:
        _, report = await checked(load(str(config_of(world, simulator.url, tmp_path))), EN)
    text = as_table(report, terminal=False)
    assert printable(text)
    assert f"{'b' * 32}, is no name" in text
