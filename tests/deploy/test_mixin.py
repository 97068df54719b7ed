"""The mixin: what is rendered from it, all that can be set in it and in the chart, and what it refuses."""

import functools
import json
import re
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import _gojsonnet  # type: ignore[import-not-found]
import promql_parser
import pytest
import yaml

from deploy.mixin.build import MIXIN, evaluated, files
from tests.deploy.artifacts import CHINESE_DASHBOARDS, DASHBOARDS, DEPLOY, RULE_TESTS, RULES, rules
from tests.deploy.rule_tests import cases, check, expected, interval, placed
from tests.e2e.conftest import tool

ALERTS = list(rules("alert"))
RECORDS = list(rules("record"))
SHIPPED: dict[str, Any] = {name: each["value"] for name, each in evaluated("import 'thresholds.libsonnet'").items()}
CHART = DEPLOY / "helm/frs-exporter"
SOURCES = sorted((*MIXIN.rglob("*.libsonnet"), *MIXIN.glob("*.jsonnet")))


def other(index: int, name: str) -> float | str:
    """A value of a threshold that none has that is shipped, and no other threshold."""
    if name.endswith("Ratio"):
        return round(0.3 + index / 1000 if "Nearly" in name else 0.6 + index / 1000, 3)
    return f"{index + 201}h" if isinstance(SHIPPED[name], str) else index + 2001


OTHERS = {name: other(index, name) for index, name in enumerate(SHIPPED)}
TUNED = {
    name: {"severity": "page", "for": "97m", "keepFiringFor": "98m", "labels": {"team": name.lower()}}
    for name in ALERTS
}
OFF = {name: {"enabled": False} for name in ALERTS}
VARIANTS: Mapping[str, dict[str, Any]] = {
    "as shipped": {},
    "in Chinese": {"languages": ["zh-CN"]},
    "in both": {
        "languages": ["zh-CN", "en"],
        "pageUrl": "https://frs.example.com/x/",
        "runbookUrl": "https://a.example/b",
    },
    "other places": {"selector": 'job!="other", job!="none"', "clusterLabel": "k8s"},
    "other thresholds": {"thresholds": OTHERS, "additionalRuleLabels": {"team": "doors", "tier": "1"}},
    "tuned": {"alerts": TUNED, "additionalRuleLabels": {"team": "doors"}, "languages": ["en", "zh-CN"]},
    "long times": {
        "alerts": {"FrsExporterDown": {"for": "1d1h30m"}},
        "thresholds": {"voucherDays": 0.5, "balanceDays": 1},
    },
    "odd numbers": {
        "thresholds": {
            "apiCalls": 1e21,
            "apiLatencySeconds": 1e6,
            "tokenSeconds": 86400000,
            "clockSkewSeconds": 1e-7,
            "apiServerErrorRatio": 0.1 + 0.2,
        },
        "pageUrl": "https://frs.example.com//",
    },
    "half of them off": {"alerts": dict(list(OFF.items())[::2])},
    "all off": {"alerts": OFF},
}
"""Settings, by the same names for mixin and chart."""

Groups = list[dict[str, Any]]


@functools.cache
def all_rendered() -> dict[str, Groups]:
    """The groups of each variant; in one program, so that what they share is read once."""
    variants = {name: f"(mixin {{ _config+:: {json.dumps(config)} }}).frsGroups" for name, config in VARIANTS.items()}
    fields = ", ".join(f"{json.dumps(name)}: {expression}" for name, expression in variants.items())
    found: dict[str, Groups] = evaluated(f"local mixin = import 'mixin.libsonnet'; {{ {fields} }}")
    return found


def rendered(variant: str) -> Groups:
    return all_rendered()[variant]


def each(groups: Groups) -> Iterator[dict[str, Any]]:
    return (rule for group in groups for rule in group["rules"])


def alerts(variant: str) -> dict[str, dict[str, Any]]:
    return {rule["alert"]: rule for rule in each(rendered(variant)) if "alert" in rule}


# What is committed


def test_the_committed_files_are_what_the_mixin_renders() -> None:
    for path, content in files().items():
        assert (DEPLOY / path).read_text() == content, f"{path}: run make deploy"


def test_the_rules_are_those_of_the_variant_as_shipped() -> None:
    assert yaml.safe_load(RULES.read_text())["groups"] == rendered("as shipped")


def test_another_jsonnet_renders_the_same() -> None:
    """That of Debian, of years before."""
    done = subprocess.run(
        [tool("jsonnet"), str(MIXIN / "committed.jsonnet")], capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout) == evaluated()


def test_the_sources_are_formatted() -> None:
    done = subprocess.run(
        [tool("jsonnetfmt"), "--test", *map(str, SOURCES)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, "run jsonnetfmt -i deploy/mixin/FILE"


def test_each_source_says_what_it_is_for_and_is_short() -> None:
    for path in SOURCES:
        lines = path.read_text().splitlines()
        assert re.match(r"// [A-Z].*[.:]", lines[0]), path
        assert len(lines) <= 300, path


# What can be set


def test_promtool_accepts_each_variant(tmp_path: Path) -> None:
    for name, groups in all_rendered().items():
        (tmp_path / f"{name}.yml").write_text(json.dumps({"groups": groups}))
    command = [tool("promtool"), "check", "rules", *map(str, tmp_path.iterdir())]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.count("SUCCESS")) == (0, len(VARIANTS)), done.stderr


def test_each_alert_can_be_switched_off() -> None:
    assert list(alerts("half of them off")) == ALERTS[1::2]
    assert not alerts("all off")
    assert [rule["record"] for rule in each(rendered("all off"))] == RECORDS
    assert all(group["rules"] for group in rendered("all off"))


def test_each_alert_can_be_tuned() -> None:
    for name, rule in alerts("tuned").items():
        assert (rule["for"], rule["keep_firing_for"]) == ("97m", "98m")
        assert rule["labels"] == {"severity": "page", "team": name.lower()}
        assert rule["expr"] == alerts("as shipped")[name]["expr"]


def test_labels_are_added_to_all_alerts_alike() -> None:
    for name, rule in alerts("other thresholds").items():
        shipped = alerts("as shipped")[name]["labels"]
        assert rule["labels"] == {**shipped, "team": "doors", "tier": "1"}


def test_each_threshold_is_in_an_expression_and_texts_follow() -> None:
    expressions = [rule["expr"] for rule in each(rendered("other thresholds"))]
    for name, value in OTHERS.items():
        assert any(re.search(rf"(?<![\w.]){re.escape(str(value))}(?![\d.])", one) for one in expressions), name
    # What a text names of a threshold is what is set, and never what is shipped.
    words = {words for rule in each(all_rendered()["other thresholds"]) for words in lengths(rule)}
    times = {f"{value[:-1]} hours" for value in OTHERS.values() if isinstance(value, str)}
    times |= {f"{value} days" for name, value in OTHERS.items() if name.endswith("Days")}
    own = {"30 minutes", "5 minutes", "15 minutes", "10 minutes", "1 hour"}  # of `for`, or a fact of the vendor's
    assert {"of a threshold": words - own - times} == {"of a threshold": set()}
    assert words & times


def lengths(rule: dict[str, Any]) -> set[str]:
    """The lengths of time that the texts of an alert name."""
    texts = rule.get("annotations", {})
    said = " ".join(texts[part] for part in texts if part.startswith(("summary", "description")))
    return set(re.findall(r"\d+ (?:second|minute|hour|day|week)s?", said))


def test_texts_name_for_as_it_is_set() -> None:
    for name, rule in alerts("tuned").items():
        shipped = lengths(alerts("as shipped")[name])
        if lengths(rule) != shipped:
            assert "97 minutes" in rule["annotations"]["description"]
            assert "97 分钟" in rule["annotations"]["description_zh_CN"]
    assert "for 1 day 1 hour 30 minutes:" in alerts("long times")["FrsExporterDown"]["annotations"]["description"]


def test_each_metric_has_the_matchers_and_each_join_the_label() -> None:
    for rule in each(rendered("other places")):
        found: list[Any] = []
        promql_parser.walk(promql_parser.parse(rule["expr"]), found.append)
        for node in found:
            if isinstance(node, promql_parser.VectorSelector) and ":" not in str(node.name):
                assert {(one.name, one.value) for one in node.matchers.matchers} >= {
                    ("job", "other"),
                    ("job", "none"),
                }
        assert not re.search(r"\bcluster\b", json.dumps(rule)), rule


@pytest.mark.parametrize("path", [path for path in RULE_TESTS if path.stem in ("exporter", "polls", "subscriptions")])
def test_with_another_label_of_the_cluster_others_are_left_alone(path: Path, tmp_path: Path) -> None:
    """The tests of the rules hold for those that the selector means, while all happens to others, too."""
    place, tests = {"k8s": "a"}, []
    for case in cases(path):
        mine = [placed(one, place) for one in case["input_series"]]
        theirs = [{**one, "series": re.sub(r'job="[^"]*"', 'job="other"', one["series"])} for one in mine]
        checks = [{**look, "exp_alerts": expected(look, [place])} for look in case.get("alert_rule_test", ())]
        tests.append({"interval": case["interval"], "input_series": mine + theirs, "alert_rule_test": checks})
    others = tmp_path / "other-places.json"
    others.write_text(json.dumps({"groups": rendered("other places")}))
    check(tests, tmp_path, every=interval(path), rules=others)


def test_both_languages_stand_beside_each_other() -> None:
    for name, rule in alerts("in both").items():
        texts = rule["annotations"]
        for part in ("summary", "description"):
            assert texts[part] == alerts("in Chinese")[name]["annotations"][part]
            assert texts[f"{part}_en"] == alerts("as shipped")[name]["annotations"][part]
        assert texts["runbook_url"] == f"https://a.example/b#{name.lower()}"
        if "page_url" in alerts("as shipped")[name]["annotations"]:
            assert texts["page_url"].startswith("https://frs.example.com/x/")
            assert "x//" not in texts["page_url"]


# As a mixin


def test_the_mixin_has_what_mixins_have() -> None:
    program = "local m = import 'mixin.libsonnet'; [m.prometheusAlerts, m.prometheusRules, m.grafanaDashboards]"
    found, recorded, dashboards = evaluated(program)
    assert [rule["alert"] for rule in each(found["groups"])] == ALERTS
    assert [rule["record"] for rule in each(recorded["groups"])] == RECORDS
    names = [group["name"] for document in (found, recorded) for group in document["groups"]]
    assert len(set(names)) == len(names)
    assert dashboards == {f"frs-{path.stem}.json": json.loads(path.read_text()) for path in DASHBOARDS} | {
        "frs-exporter.json": json.loads((DEPLOY / "grafana/dashboards/exporter.json").read_text())
    }


def test_the_dashboards_are_in_the_first_language() -> None:
    program = "((import 'mixin.libsonnet') { _config+:: { languages: ['zh-CN', 'en'] } }).grafanaDashboards"
    titles = {json.loads(path.read_text())["title"] for path in CHINESE_DASHBOARDS}
    assert {one["title"] for one in evaluated(program).values()} == titles


BAD: Mapping[str, tuple[dict[str, Any], str]] = {
    "an alert": ({"alerts": {"FrsExporterDwn": {"enabled": False}}}, "there is no alert FrsExporterDwn"),
    "a setting of an alert": (
        {"alerts": {"FrsApiSlow": {"keep_firing_for": "1h"}}},
        "alert FrsApiSlow has no setting keep_firing_for; there are enabled, for, keepFiringFor, labels, severity",
    ),
    "a threshold": ({"thresholds": {"voucherDay": 3}}, "there is no threshold voucherDay"),
    "a setting": (
        {"runbookURL": "https://x.example"},
        "there is no setting runbookURL; there are additionalRuleLabels, ",
    ),
    "a language": ({"languages": ["zh"]}, "there is no language zh; there are en, zh-CN"),
    "no language": ({"languages": []}, "languages must name one at least"),
    "a language twice": ({"languages": ["en", "en"]}, "languages must name each once"),
    "a text as a number": ({"thresholds": {"voucherDays": "14"}}, "threshold voucherDays must be a number"),
    "a number as a text": (
        {"thresholds": {"lostWindow": 24}},
        "threshold lostWindow must be a length of time like '24h'",
    ),
    "a time without a unit": (
        {"alerts": {"FrsApiSlow": {"for": "15"}}},
        "alert FrsApiSlow: for must be a length of time",
    ),
    "a time of no unit": ({"thresholds": {"lostWindow": "3 days"}}, "threshold lostWindow must be a length of time"),
    "units the wrong way round": (
        {"thresholds": {"lostWindow": "30m1h"}},
        "threshold lostWindow must be a length of time",
    ),
    "half an hour as a fraction": (
        {"thresholds": {"lostWindow": "0.5h"}},
        "threshold lostWindow must be a length of time",
    ),
    "percent": ({"thresholds": {"faceSetFullRatio": 95}}, "threshold faceSetFullRatio must be above 0 and at most 1"),
    "nothing": ({"thresholds": {"balanceDays": 0}}, "threshold balanceDays must be above 0"),
    "nearly full after full": (
        {"thresholds": {"faceSetNearlyFullRatio": 0.97}},
        "threshold faceSetNearlyFullRatio must be below faceSetFullRatio",
    ),
    "no time at all": (
        {"thresholds": {"lostWindow": "0h0m"}},
        "threshold lostWindow must be a length of time like '24h'",
    ),
    "a label that Alertmanager does not take": (
        {"alerts": {"FrsApiSlow": {"labels": {"my-team": "x"}}}},
        "alert FrsApiSlow: labels: my-team cannot be the name of a label",
    ),
    "a label for all that Alertmanager does not take": (
        {"additionalRuleLabels": {"1st": "x"}},
        "additionalRuleLabels: 1st cannot be the name of a label",
    ),
    "braces after a blank": ({"selector": ' {job="x"}'}, "selector must have no braces around it"),
    "braces": ({"selector": '{job="x"}'}, "selector must have no braces around it"),
    "an alert that is switched": ({"alerts": {"FrsApiSlow": False}}, "alert FrsApiSlow must be of type object"),
    "off as a text": (
        {"alerts": {"FrsApiSlow": {"enabled": "no"}}},
        "alert FrsApiSlow: enabled must be of type boolean",
    ),
    "no severity": ({"alerts": {"FrsApiSlow": {"severity": ""}}}, "alert FrsApiSlow: severity must not be empty"),
    "a label as a number": ({"additionalRuleLabels": {"tier": 1}}, "additionalRuleLabels must be texts"),
    "no label": ({"clusterLabel": ""}, "clusterLabel must be the name of a label"),
    "no name of a label": ({"clusterLabel": "k8s-cluster"}, "clusterLabel must be the name of a label"),
}


def test_what_is_wrong_is_said() -> None:
    wrong = json.dumps([config for config, _ in BAD.values()])
    program = f"""
      local check = import 'lib/check.libsonnet', mixin = import 'mixin.libsonnet';
      [check(mixin._config + config, import 'thresholds.libsonnet', {json.dumps(ALERTS)}) for config in {wrong}]
    """
    for (name, (_, message)), problems in zip(BAD.items(), evaluated(program), strict=True):
        assert len(problems) == 1, name
        assert problems[0].startswith(message), name


@pytest.mark.parametrize("field", ["prometheusAlerts", "prometheusRules", "grafanaDashboards"])
def test_nothing_is_made_of_what_is_wrong(field: str) -> None:
    config, message = BAD["an alert"]
    with pytest.raises(RuntimeError, match=re.escape(f"frs_exporter mixin: {message}")):
        evaluated(f"((import 'mixin.libsonnet') {{ _config+:: {json.dumps(config)} }}).{field}")


def test_all_that_is_wrong_is_said_at_once() -> None:
    config = {"thresholds": {"x": 1, "voucherDays": -1}, "alerts": {"FrsX": {}}}
    with pytest.raises(
        RuntimeError, match=r"no threshold x; .*; threshold voucherDays must be above 0; there is no alert"
    ):
        evaluated(f"((import 'mixin.libsonnet') {{ _config+:: {json.dumps(config)} }}).prometheusAlerts")


# The chart


def helm(prometheus_rule: Mapping[str, Any]) -> subprocess.CompletedProcess[str]:
    """Helm's rendering of the rules with these settings."""
    command = [tool("helm"), "template", "x", str(CHART), "--show-only", "templates/prometheusrule.yaml", "-f", "-"]
    values = json.dumps({"prometheusRule": {"enabled": True, **prometheus_rule}})
    return subprocess.run(command, input=values, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_chart_makes_the_same_of_the_same_settings(variant: str) -> None:
    done = helm(VARIANTS[variant])
    assert done.returncode == 0, done.stderr
    assert yaml.load(done.stdout, Loader=yaml.CSafeLoader)["spec"]["groups"] == rendered(variant)


REFUSED = [name for name in BAD if name != "no language"]


@pytest.mark.parametrize("name", REFUSED)
def test_the_chart_refuses_what_the_mixin_refuses(name: str) -> None:
    """But for no language, which is that of the chart."""
    config, _ = BAD[name]
    done = helm(config)
    assert done.returncode == 1, done.stdout
    assert re.search(r"at '/prometheusRule|prometheusRule: threshold", done.stderr)


@pytest.mark.parametrize("selector", ["job=frs", "job", 'job="a" env="b"', 'job=="a"', 'job="a}"}', 'job="a'])
def test_the_chart_refuses_what_are_no_matchers(selector: str) -> None:
    done = helm({"selector": selector})
    assert done.returncode == 1, done.stdout
    assert "at '/prometheusRule/selector'" in done.stderr


def test_the_chart_takes_all_that_are_matchers(tmp_path: Path) -> None:
    for selector in ("job=~'a{1,2}|b', env!=`x`", r'job!~"a\\d}\"," , env = "b",', " "):
        done = helm({"selector": selector})
        assert done.returncode == 0, done.stderr
        (tmp_path / "rules.yml").write_text(json.dumps(yaml.safe_load(done.stdout)["spec"]))
        command = [tool("promtool"), "check", "rules", str(tmp_path / "rules.yml")]
        assert subprocess.run(command, capture_output=True, check=False).returncode == 0, selector


def test_the_chart_takes_what_its_readme_shows() -> None:
    blocks = re.findall(r"```yaml\n(.*?)```", (CHART / "README.md").read_text(), re.DOTALL)
    shown = yaml.safe_load(next(block for block in blocks if block.startswith("prometheusRule:")))["prometheusRule"]
    done = helm(shown)
    assert done.returncode == 0, done.stderr
    assert set(ALERTS) - {rule.get("alert") for rule in each(yaml.safe_load(done.stdout)["spec"]["groups"])} == {
        name for name, settings in shown["alerts"].items() if settings.get("enabled") is False
    }


def test_the_mixin_is_used_as_its_readme_shows(tmp_path: Path) -> None:
    """With all of deploy/ where jsonnet-bundler puts it."""
    (program,) = re.findall(r"```jsonnet\n(.*?)```", (MIXIN / "README.md").read_text(), re.DOTALL)
    vendor = tmp_path / "vendor/git.example.com/monitoring/frs_exporter"
    vendor.mkdir(parents=True)
    (vendor / "deploy").symlink_to(DEPLOY)
    (tmp_path / "frs.libsonnet").write_text(program)
    program = 'local m = import "frs.libsonnet"; [m.prometheusRules, m.prometheusAlerts, m.grafanaDashboards]'
    text = _gojsonnet.evaluate_snippet(str(tmp_path / "x"), program, jpathdir=[str(tmp_path / "vendor")])
    recorded, found, dashboards = json.loads(text)
    assert all('env="prod"' in rule["expr"] for rule in each(found["groups"]) if ":" not in rule["expr"])
    assert {rule["alert"] for rule in each(found["groups"])} == {*ALERTS} - {"FrsExporterAbsent"}
    assert len(dashboards) == len(DASHBOARDS)
    assert recorded["groups"]


def test_the_chart_names_what_it_does_not_know() -> None:
    for name in ("an alert", "a threshold"):
        (names,) = BAD[name][0].values()
        assert f"additional properties '{next(iter(names))}' not allowed" in helm(BAD[name][0]).stderr
