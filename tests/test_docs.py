"""What the pages say is what is there."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import promql_parser
import pytest
import yaml

from docs import build
from frs_exporter.cli import chinese_help
from frs_exporter.cli.main import COMMANDS, command
from frs_exporter.cloud.lockout_state import KEYS, PASSWORDS
from frs_exporter.collectors import COLLECTORS
from frs_exporter.config.load import load
from frs_exporter.config.schema import Account
from frs_exporter.core.chinese import own_chinese
from frs_exporter.core.errors import ConfigError
from frs_exporter.core.site import PUBLIC_SITE
from frs_exporter.polling.exporter import PAGE_FAMILIES
from frs_simulator.faults import Fault

ROOT = Path(__file__).parents[1]
ENDINGS = (".md", ".zh-CN.md")
BESIDE = dict(zip(ENDINGS, ("## Beside other exporters\n", "## 与其他 exporter 比较\n"), strict=True))
"""The heading of the last section of each README."""
README = (ROOT / "README.md").read_text()
METRICS, OPERATIONS, CONFIGURATION = (
    (ROOT / f"docs/{name}.md").read_text() for name in ("metrics", "operations", "configuration")
)
PAGES = sorted({*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")} - {ROOT / "CHANGELOG.md"})
each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
LINKING = [*PAGES, *sorted(page for folder in ("deploy", "tests") for page in (ROOT / folder).rglob("*.md"))]
"""With the pages beside what they are about."""
each_linking = pytest.mark.parametrize("page", LINKING, ids=lambda page: str(page.relative_to(ROOT)))
BLOCK = re.compile(r"^(?:> )?```\w*\n(.*?)^(?:> )?```$", re.DOTALL | re.MULTILINE)
FAMILIES = set(re.findall(r"^\| `(frs_\w+)` \|", METRICS, re.MULTILINE))


@pytest.mark.parametrize("page", build.PAGES, ids=lambda page: page.name)
def test_what_is_made_of_the_code_is_in_step(page: Path) -> None:
    """Fails after a change of metrics, flags, settings, reasons or codes: run make docs, and look at its Chinese."""
    assert build.rendered(page) == page.read_text()


def test_each_part_is_in_both_languages() -> None:
    for name in build.PARTS:
        mark = f"<!-- begin {name}: made by make docs -->"
        having = [page.name for page in build.PAGES if mark in page.read_text()]
        assert [name.endswith(".zh-CN.md") for name in having] == [False, True], name


def test_each_text_of_the_code_has_chinese_and_none_is_left_over() -> None:
    """Of a text that has changed the Chinese is looked at again."""
    assert build.texts() <= set(build.chinese())
    assert set(own_chinese()) <= build.texts()
    assert not set(own_chinese()) & set(chinese_help.TEXTS)


def test_all_families_flags_and_settings_are_there() -> None:
    assert {family.name for family in PAGE_FAMILIES} < FAMILIES
    assert {"frs_exporter_api_requests_total", "frs_exporter_web_certificate_expiry_timestamp_seconds"} < FAMILIES
    for name in COMMANDS:
        assert f"\n### {name}\n" in CONFIGURATION
        for option in command(name).params:
            assert all(f"`{flag}`" in CONFIGURATION for flag in option.opts if flag.startswith("--"))
    settings = re.findall(r"^\| `([\w.\[\]]+)` \| [\w ]+ \|", CONFIGURATION, re.MULTILINE)
    assert {"defaults.poll_interval", "credentials.NAME.oidc.duration", "limits.frs.rate"} < set(settings)
    assert {"pricing.API[].cny", "accounts[].site", "http_client.tls_config.ca_file"} < set(settings)
    assert "| `accounts[].poll_interval` | duration | `1h` |" in CONFIGURATION
    assert "| `projects[].project_id` | string | required |" in CONFIGURATION


@pytest.mark.parametrize("ending", ENDINGS)
def test_the_readme_is_short(ending: str) -> None:
    text, beside = (ROOT / f"README{ending}").read_text().split(BESIDE[ending])
    assert len(text.splitlines()) <= 100
    assert len([line for line in beside.splitlines() if not line.startswith("|")]) <= 20


@pytest.mark.parametrize("ending", ENDINGS)
def test_whatever_is_said_to_be_there_beside_other_exporters_has_its_test(ending: str) -> None:
    """A test that is renamed or goes is missed; what we have in part, or not, is told as well."""
    table = re.findall(r"(?m)^\|.*$", (ROOT / f"README{ending}").read_text().split(BESIDE[ending])[1])[2:]
    found = [re.fullmatch(r"\| [^|]+ \| ([^|]+) \|(?: [●◐–·] \|){10}", row) for row in table]
    assert None not in found, table[found.index(None)]
    rows = [row[1] for row in found if row]
    claims = [re.fullmatch(r'\[●\]\((tests/[\w/]+\.py)(?: "(test_\w+)")?\)', claim) for claim in rows if "●" in claim]
    assert len(claims) >= 30
    assert set(rows) >= {"◐", "–"}
    for claim in claims:
        assert claim
        assert f"def {claim[2] or 'test_'}" in (ROOT / claim[1]).read_text(), claim[0]


def prose(text: str) -> Iterator[str]:
    """The lines that people wrap: no code, no rows of tables, and nothing that is made; boxes are quoted."""
    in_code = False
    for line in build.PLACE.sub("", text).splitlines():
        inner = line.lstrip("> ")
        if inner.startswith("```"):
            in_code = not in_code
        elif not in_code and not inner.startswith("|"):
            yield line
    assert not in_code, "a block of code ends"


@each_linking
def test_prose_is_wrapped(page: Path) -> None:
    assert [line for line in prose(page.read_text()) if len(line) > 128] == []


def test_prose_goes_on_behind_tables_and_code() -> None:
    text = "one\n\n| a |\n|---|\n\ntwo\n\n```sh\nls\n```\n\n> three\n>\n> ```\n> | b |\n> ```\n\n- | four\n"
    assert [line for line in prose(text) if line] == ["one", "two", "> three", ">", "- | four"]


@pytest.mark.parametrize("ending", ENDINGS)
def test_the_table_of_collectors_tells_what_each_costs(ending: str) -> None:
    text = (ROOT / f"docs/metrics{ending}").read_text()
    rows = re.findall(r"^\| `(\w+)` \| [^|]+ \| (\w+) \| ([\d.]+) \|", text, re.MULTILINE)
    assert {name: (api, float(requests)) for name, api, requests in rows} == {
        name: (collector.api, round(60 * collector.demand(60), 1)) for name, collector in COLLECTORS.items()
    }
    assert all(f"\n### {name}\n" in text for name in COLLECTORS)


def test_every_command_is_named() -> None:
    assert all(
        re.search(rf"^\| (?:`\w+`, )?`{name}[ `]", CONFIGURATION, re.MULTILINE) for name in set(COMMANDS) - {"serve"}
    )


def code(text: str) -> list[str]:
    """What stands in backticks, and the lines of the blocks of code."""
    lines = "".join(BLOCK.findall(text)).replace("\\\n", "").splitlines()
    return [*re.findall(r"`([^`\n]+)`", text), *(re.sub(r"\s#\s.*", "", line.removeprefix("> ")) for line in lines)]


@each_page
def test_flags_that_are_named_exist(page: Path) -> None:
    """By themselves or in a command of the exporter."""
    options = [option for name in COMMANDS for option in command(name).params]
    flags = {flag for option in options for flag in (*option.opts, *option.secondary_opts)}
    starts = re.compile(rf"(?:\S*/)?(?:(?:frs-exporter|{'|'.join(COMMANDS)})\b(?!/)|--)")
    own = [each for each in code(page.read_text()) if starts.match(each)]
    assert set(re.findall(r"(?<!\S)--[a-z][\w.-]*\w", " ".join(own))) - flags <= {"--help", "--version"}


def test_the_config_problem_shown_is_the_one_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The README's example config, with the README's own mistake in it, and the examples of docs/configuration.md."""
    monkeypatch.setenv("HUAWEI_AK", "AK")
    monkeypatch.setenv("PARTNER_AK", "AK2")
    (config,) = re.findall(r"```yaml\n(.*?)```", README, re.DOTALL)
    rule, partner = re.findall(r"```yaml\n(.*?)```", CONFIGURATION, re.DOTALL)
    for name in re.findall(r"!file /run/secrets/([\w-]+)", config + partner):
        (tmp_path / name).write_text("secret")
    broken = config.replace("/run/secrets/", "").replace("credential: ops-keys", "credential: ops-key")
    (tmp_path / "config.yaml").write_text(broken)
    (tmp_path / "finding.yaml").write_text(config.replace("/run/secrets/", "") + rule)
    assert len(load(str(tmp_path / "finding.yaml")).discovery) == 1
    abroad = config.replace("credentials:\n", partner).replace("credential: ops-keys", "credential: partner")
    (tmp_path / "partner.yaml").write_text(abroad.replace("/run/secrets/", ""))
    assert [target.credential.site for target in load(str(tmp_path / "partner.yaml")).targets] == [
        PUBLIC_SITE,
        "partner.example",
    ]
    with pytest.raises(ConfigError) as caught:
        load(str(tmp_path / "config.yaml"))
    (problem,) = caught.value.problems
    assert problem.removeprefix(f"{tmp_path}/") in README.splitlines()


def test_the_holds_and_the_faults_are_those_there_are() -> None:
    chinese = " ".join((ROOT / "docs/operations.zh-CN.md").read_text().split()).replace("， ", "，")
    holds = f"for {KEYS.hold / 60:g} minutes (a key) or {PASSWORDS.hold / 60:g} (a password)"
    assert holds in " ".join(OPERATIONS.split())
    assert f"密钥 {KEYS.hold / 60:g} 分钟，密码 {PASSWORDS.hold / 60:g} 分钟" in chinese
    (listed,) = re.findall(r"A fault is any of (.*?), for one", OPERATIONS, re.DOTALL)
    assert re.findall(r"`(\w+)`", listed) == list(Fault.model_fields)


def anchors(page: Path) -> set[str]:
    """What GitHub calls the headings of a page in links."""
    text = re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.DOTALL | re.MULTILINE)
    return {
        re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in re.findall(r"(?m)^#+ (.*)$", text)
    }


@each_linking
def test_links_lead_somewhere(page: Path) -> None:
    """To a file that is there, and to one of its headings."""
    for link in re.findall(r"\]\((?!https?:)([^)]+)\)", page.read_text()):
        path, _, anchor = link.partition(' "')[0].partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


@each_page
def test_metrics_that_are_named_exist(page: Path) -> None:
    """As a whole, a histogram without its endings, or as the beginning of some, like `frs_last_success_...`."""
    known = {"frs_exporter", "frs_simulator", *FAMILIES, *(name.removesuffix("_bucket") for name in FAMILIES)}
    for name in re.findall(r"\bfrs_\w+(?!/|\.\w)\b", page.read_text()):
        assert name in known or (name.endswith("_") and any(metric.startswith(name) for metric in FAMILIES)), name


@each_linking
def test_targets_of_make_that_are_named_exist(page: Path) -> None:
    """All of a command, also behind another one."""
    makefile = (ROOT / "Makefile").read_text()
    named = re.findall(r"(?m)(?:^|&& )(?:\w+=\S+ )*make ([^#&;|\n]+)", "\n".join(code(page.read_text())))
    for target in (word for words in named for word in words.split() if not re.search("=|^-", word)):
        assert re.search(rf"^(?:[\w-]+ )*{re.escape(target)}(?: [\w-]+)*:", makefile, re.MULTILINE), target


@pytest.mark.parametrize("ending", ENDINGS)
def test_examples_are_what_they_are_said_to_be(ending: str) -> None:
    """Queries that are PromQL, accounts that a config may have, and a policy that is JSON."""
    text = (ROOT / f"docs/metrics{ending}").read_text()
    (policy,) = re.findall(r"```json\n(.*?)```", text, re.DOTALL)
    (queries,) = re.findall(r"```promql\n(.*?)```", text, re.DOTALL)
    for query in queries.splitlines():
        promql_parser.parse(query)
    (example,) = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    assert [Account(**account).site for account in yaml.safe_load(example)["accounts"]] == ["china"]
    assert json.loads(policy)["Statement"][0]["Effect"] == "Allow"


def test_ci_calls_the_readmes_own_test_commands() -> None:
    called = re.findall(r"^make (?:--\S+ )*((?:test\S* ?)+)", (ROOT / ".ci/run").read_text(), re.MULTILINE)
    wanted = {"test", "test-conformance", "test-image", "test-systemd", "test-debian"}
    assert {target for targets in called for target in targets.split()} == wanted
    for readme in (README, (ROOT / "README.zh-CN.md").read_text()):
        assert "`make test`" in readme
        assert "`make test-conformance`" in readme
        assert "`make test-image test-systemd test-debian`" in readme


def test_each_attack_has_its_test() -> None:
    """A test that is renamed or goes is missed in the table."""
    folder, known = ROOT / "tests/attacks", set[str]()
    for row in re.findall(r"(?m)^\|(?! \*\*).*$", (folder / "README.md").read_text())[2:]:
        text, named = "", re.findall(r"`([\w/]+\.py)?:*(test_\w+)?`", row)
        assert named, row
        for path, test in named:
            text = (ROOT / path if "/" in path else folder / path).read_text() if path else text
            assert f"def {test}" in text, (path, test)
            known.add(test)
    for file in folder.glob("test_*.py"):
        assert set(re.findall(r"def (test_\w+)\(", file.read_text())) & known, file
