"""What the README says is what is there."""

import re
from pathlib import Path

import click
import pytest

from frs_exporter.cli.main import COMMANDS, command
from frs_exporter.cloud.lockout_state import KEYS, PASSWORDS
from frs_exporter.collectors import COLLECTORS
from frs_exporter.config.load import load
from frs_exporter.core.errors import ConfigError, Reason
from frs_exporter.core.explanations import reasons
from frs_exporter.core.site import PUBLIC_SITE
from frs_exporter.exposition.telemetry import Telemetry
from frs_exporter.polling.exporter import PAGE_FAMILIES
from frs_exporter.status.i18n import CHINESE, ENGLISH, Translator
from frs_simulator.faults import Fault

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()


def table() -> dict[str, tuple[str, str]]:
    """Type and labels of each metric in the README's table."""
    rows = re.findall(r"^\| `(frs_\w+)` \| (\w+) \|([^|]*)\|", README, re.MULTILINE)
    return {name: (kind, labels.strip()) for name, kind, labels in rows}


def test_the_metrics_table_is_what_is_exposed() -> None:
    declared = {family.name: (family.type, ", ".join(family.labels)) for family in PAGE_FAMILIES}
    telemetry = Telemetry()
    telemetry.credential_rejected.labels("ops")
    telemetry.clock_skew.labels("frs")
    telemetry.show_credentials({"ops": False})
    telemetry.shard.labels(0, 1)
    telemetry.web_certificate_expiry.seconds = 1e9
    for by_rule in telemetry.by_rule:
        by_rule.labels("ops")
    for metric in telemetry.registry.collect():
        if metric.name.startswith("frs_"):
            plain = [s.labels for s in metric.samples if not s.name.endswith("_bucket")]
            name = metric.name + ("_total" if metric.type == "counter" else "")
            declared[name] = (metric.type, ", ".join(plain[0]))
    assert {name: (kind, set(labels.split(", "))) for name, (kind, labels) in table().items()} == {
        name: (kind, set(labels.split(", "))) for name, (kind, labels) in declared.items()
    }


@pytest.mark.parametrize("file", ["README.md", "README.zh-CN.md"])
def test_the_table_of_collectors_tells_what_each_costs(file: str) -> None:
    rows = re.findall(r"^\| `(\w+)` \| [^|]+ \| (\w+) \| ([\d.]+) \|", (ROOT / file).read_text(), re.MULTILINE)
    assert {name: (api, float(requests)) for name, api, requests in rows} == {
        name: (collector.api, round(60 * collector.demand(60), 1)) for name, collector in COLLECTORS.items()
    }


def test_each_collector_has_a_section() -> None:
    assert all(f"\n### {name}\n" in README for name in COLLECTORS)


def test_the_chinese_readme_keeps_up() -> None:
    """The same metrics, reasons, flags and paths, and links that lead somewhere."""
    chinese = (ROOT / "README.zh-CN.md").read_text()
    assert set(re.findall(r"^\| `(frs_\w+)` \|", chinese, re.MULTILINE)) == set(table())
    assert all(f"`{reason}`" in chinese for reason in Reason)
    for cell in re.findall(r"^\| `(--[a-z.-]+|/[a-z/-]*)` ", README, re.MULTILINE):
        assert cell == "--version" or f"| `{cell}` |" in chinese
    for link in re.findall(r"\]\(([^)#]+)\)", chinese):
        assert (ROOT / link).exists(), link


@pytest.mark.parametrize(
    ("file", "words"), [("README.md", Translator(ENGLISH)), ("README.zh-CN.md", Translator(CHINESE))]
)
def test_the_table_of_reasons_is_what_explain_says(file: str, words: Translator) -> None:
    text = (ROOT / file).read_text()
    for reason, explanation in reasons().items():
        assert f"\n| `{reason}` | {words(explanation.means)} | {words(explanation.do)} |\n" in text


def test_every_flag_of_serve_is_in_the_table() -> None:
    serve = command("serve")
    flags = {option.opts[0] for option in serve.params if isinstance(option, click.Option)}
    assert set(re.findall(r"^\| `(--[a-z.-]+)` ", README, re.MULTILINE)) == flags


def test_every_command_is_named() -> None:
    assert all(re.search(rf"`{name}[ `]", README) for name in set(COMMANDS) - {"serve"})


def test_the_config_problem_shown_is_the_one_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The README's example config, with the README's own mistake in it."""
    monkeypatch.setenv("HUAWEI_AK", "AK")
    monkeypatch.setenv("PARTNER_AK", "AK2")
    config, rule, partner = re.findall(r"```yaml\n(.*?)```", README, re.DOTALL)
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
    assert f"for {KEYS.hold / 60:g} minutes (a key) or {PASSWORDS.hold / 60:g} (a password)" in README
    assert f"密钥 {KEYS.hold / 60:g} 分钟，密码 {PASSWORDS.hold / 60:g} 分钟" in (ROOT / "README.zh-CN.md").read_text()
    (listed,) = re.findall(r"A fault is any of (.*?), for one", README, re.DOTALL)
    assert re.findall(r"`(\w+)`", listed) == list(Fault.model_fields)


def test_links_lead_somewhere() -> None:
    for link in re.findall(r"\]\((?!https?:)([^)#]+)\)", README):
        assert (ROOT / link).exists(), link


def test_metrics_in_examples_exist() -> None:
    for name in re.findall(r"\b(frs_[a-z_]+[a-z])\b(?!\.)", README):
        known = name in table() or name in ("frs_exporter",) or any(metric.startswith(name) for metric in table())
        assert known, name


def test_ci_calls_the_readmes_own_test_command() -> None:
    assert "make test" in README
    assert (ROOT / ".ci/run").read_text().rstrip().endswith("exec make test")


def test_each_attack_has_its_test() -> None:
    """A test that is renamed or goes is missed in the table."""
    folder, known = ROOT / "tests/attacks", set[str]()
    for row in re.findall(r"(?m)^\| .* \| (`.*) \|$", (folder / "README.md").read_text()):
        text = ""
        for path, test in re.findall(r"`([\w/]+\.py)?:*(test_\w+)?`", row):
            text = (ROOT / path if "/" in path else folder / path).read_text() if path else text
            assert f"def {test}" in text, (path, test)
            known.add(test)
    for file in folder.glob("test_*.py"):
        assert set(re.findall(r"def (test_\w+)\(", file.read_text())) & known, file
