"""`plan`: what it prints for a config and for a fleet, and what it refuses."""

import re
from pathlib import Path

import pytest

from tests.e2e.conftest import ROOT
from tests.test_cli import FILES, run


@pytest.mark.uncounted
def test_a_fleet_is_planned_without_a_config() -> None:
    result = run("plan", "--projects=10000", "--credentials=40", "--collector=subscription", "--poll-interval=5m")
    assert result.exit_code == 0
    first, _, heading, *rows = result.stdout.splitlines()
    assert first == "10,000 projects, 10,000 jobs, 40 credentials"
    assert heading.split() == ["requests", "a", "minute", "wanted", "limit", "vendor"]
    assert rows[0].split() == ["keys-1", "and", "39", "more,", "frs", "(250", "jobs", "each)", "50", "300", "600"]
    facts = dict(re.split(r"  +", row, maxsplit=1) for row in rows[2:] if not row.startswith(" "))
    assert list(facts) == ["first round", "steady state", "CPU", "memory", "page", "shards"]
    assert facts["first round"] == "5 min"
    assert facts["steady state"] == "2,000 requests a minute, answers get 5 min old"
    assert re.fullmatch(r"\d+ MiB, \d+ once a changed config was loaded", facts["memory"])
    assert facts["shards"] == "1"


@pytest.mark.uncounted
def test_what_is_more_than_a_gate_or_a_scraper_takes_is_told() -> None:
    result = run("plan", "--projects=20000", "--collector=subscription")
    assert "keys-1, frs (20,000 jobs)" in result.stdout
    assert "  polled every 4000s\n" in result.stdout
    share = r"each [\d.]+ % of a core, \d+ MiB, [\d.]+ MB"
    assert re.search(
        rf"^shards +1\n +3 where VictoriaMetrics or vmagent scrapes, {share}: they refuse pages of\n"
        r" +16 MiB, unpacked, unless -promscrape.maxScrapeSize says otherwise$",
        result.stdout,
        re.MULTILINE,
    )
    assert "\nserious warning: credential keys-1 at " in result.stdout
    assert "will lose their samples in between" in result.stdout


@pytest.mark.uncounted
def test_of_many_warnings_some_are_told_the_serious_first(tmp_path: Path) -> None:
    result = run("plan", "--projects=6000", "--collector=subscription", "--credentials=5")
    warned = [line for line in result.stdout.splitlines() if "warning" in line]
    assert [line.split(":")[0] for line in warned[:3]] == ["serious warning"] * 3
    assert warned[3:] == ["and 2 warnings more"]


def test_a_limit_beyond_the_vendors_quota_is_told(tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    config.write_text(
        "credentials: {k: {ak_sk: {access_key: AK, secret_key: s}}}\nlimits: {frs: {rate: 20}}\n"
        'projects: [{name: p, project_id: "0123456789abcdef0123456789abcdef", region: cn-north-4, credential: k}]\n'
    )
    row = run("plan", f"--config.file={config}").stdout.splitlines()[3]
    assert row == f"{'k, frs (2 jobs)':44}       2   1,200     600  more than the vendor grants"


def test_a_config_is_planned_and_nothing_is_asked(tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    config.write_text(
        "credentials:\n  ops: {token: {domain_name: d, user_name: u, password: p}}\n"
        "projects:\n- {name: door, project_id: 0123456789abcdef0123456789abcdef, region: cn-north-4, credential: ops}\n"
        "discovery:\n- {name: all, credential: ops}\n"
    )
    result = run("plan", f"--config.file={config}")
    assert result.exit_code == 0, result.output
    assert "1 project, 2 jobs, 1 credential\n1 discovery rule will find further projects" in result.stdout
    assert "logins        2 a day" in result.stdout
    assert "probes" not in result.stdout
    config.write_text(f"defaults: {{probes: [compare, live_detect], probe_interval: 12h}}\n{config.read_text()}")
    told = run("plan", f"--config.file={config}").stdout
    assert "probes        4 a day, if subscribe is absent everywhere" in told


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((), "--config.file is missing: give a config, or --projects for a plan without one"),
        (("--poll-interval=5m",), "--config.file is missing"),
        (
            (f"--config.file={FILES}/minimal.good.yaml", "--projects=3"),
            "--projects is for a plan without --config.file",
        ),
        ((f"--config.file={FILES}/minimal.good.yaml", "--collector=face_sets"), "--collector is for a plan without"),
        (("--projects=0",), "0 is not in the range"),
        (("--projects=2", "--poll-interval=0s"), "--poll-interval: must be"),
        (("--projects=2", "--poll-interval=soon"), "'--poll-interval': must be a duration"),
        (("--config.file=/nowhere",), "/nowhere: cannot read the config file: No such file or directory"),
    ],
)
def test_what_cannot_be_planned_is_told_in_a_line(arguments: tuple[str, ...], told: str) -> None:
    result = run("plan", *arguments)
    assert result.exit_code == 2
    assert told in result.stderr
    assert result.stderr.count("\n") == 1
    assert not result.stdout


@pytest.mark.uncounted
def test_the_plan_of_the_pages_is_what_is_printed() -> None:
    text = (ROOT / "docs/operations.md").read_text()
    asked, shown = re.findall(r"```sh\nfrs-exporter (plan [^\n]*)\n```\n\n```\n(.*?)```", text, re.DOTALL)[0]
    assert run(*asked.split()).stdout == shown


def test_of_many_gates_that_differ_the_busiest_are_told(tmp_path: Path) -> None:
    credentials = [f"  key{n}: {{ak_sk: {{access_key: AK{n}, secret_key: s}}}}" for n in range(12)]
    projects = [
        f'- {{name: p{n}-{i}, project_id: "{100 * n + i:032x}", region: cn-north-4, credential: key{n}}}'
        for n in range(12)
        for i in range(n + 1)
    ]
    config = tmp_path / "config.yaml"
    config.write_text("\n".join(["credentials:", *credentials, "projects:", *projects]))
    result = run("plan", f"--config.file={config}")
    assert result.exit_code == 0, result.stderr
    rows = result.stdout.splitlines()[3:]
    assert [row.split(",")[0] for row in rows[:10]] == [f"key{n}" for n in range(11, 1, -1)]
    assert rows[10] == "and 2 more gates, each less busy than these"


def test_flags_win_over_the_environment_of_an_exporter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FRS_CONFIG_FILE", "/nowhere")
    assert run("plan", "--projects=3").stdout.startswith("3 projects, ")
    monkeypatch.setenv("FRS_PROJECTS", "3")
    result = run("plan")
    assert result.exit_code == 2
    assert "FRS_PROJECTS is for a plan without FRS_CONFIG_FILE" in result.stderr
    assert "cannot read" in run("plan", "--config.file=/nowhere").stderr  # the flag wins over FRS_PROJECTS
