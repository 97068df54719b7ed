"""Render the mixin: the rules in each language, those that the chart fills in, and what names the settings."""

import json
import re
from pathlib import Path
from typing import Any

import _gojsonnet  # type: ignore[import-not-found]
import yaml

DEPLOY = Path(__file__).parents[1]
MIXIN = DEPLOY / "mixin"
RULES, CHINESE_RULES = Path("prometheus/frs.rules.yml"), Path("prometheus/frs.rules.zh-CN.yml")
CHART_RULES = Path("helm/frs-exporter/files/frs.rules.yml")
SCHEMA = Path("helm/frs-exporter/values.schema.json")
READMES = {"en": Path("mixin/README.md"), "zh-CN": Path("mixin/README.zh-CN.md")}

NOTICE = """\
# Recording and alerting rules for frs_exporter; runbooks.md beside this file says what to do about each alert.
# Rendered from deploy/mixin, where the reasons stand and all can be set: change that, then run make deploy.
#
# Nothing here names a job, so the rules hold however the exporter is scraped: /metrics, or /sd and /probe. How old an
# answer is, is counted in poll intervals, which the exporter tells: nothing here needs to change with the config.
# An exporter is known by cluster, namespace, job and instance: those who join or group keep all four, or all but
# instance where another instance may tell of the same, as after a move. A label that nobody sets matches as an empty
# one, so one cluster without any such label is as good as many.
# runbook_url: put the address where you publish runbooks.md in place of https://runbooks.example.com/frs-exporter.
# page_url: the exporter's own page of what an alert is about. Where people reach it at another address than Prometheus
# does, put that in place of http://{{ $labels.instance }}.
"""
CHINESE_NOTICE = """\
# frs.rules.yml with Chinese texts: load one of the two files, not both.
# Rendered from deploy/mixin, where the reasons stand and all can be set: change that, then run make deploy.
# runbook_url: put the address where you publish runbooks.zh-CN.md in place of https://runbooks.example.com/frs-exporter.
# page_url: where people reach the exporter at another address, put that in place of http://{{ $labels.instance }}.
"""
CHART_NOTICE = """\
# The rules as templates/_rules.tpl fills them in: what is in %( )s comes from prometheusRule in values.yaml.
# Rendered from deploy/mixin, as frs.rules.yml there is: change that, then run make deploy.
"""
ORDER = (
    *("thresholds", "groups", "name", "alert", "record", "expr", "enabled", "severity", "for", "keepFiringFor"),
    *("keep_firing_for", "labels", "settings", "page", "annotations", "texts", "summary", "description"),
)
"""Keys as people read them; the others follow."""
FOLDED = 90
"""Texts that are longer are in several lines."""
TYPES = {str: {"$ref": "#/$defs/prometheusWindow"}, float: {"type": "number", "exclusiveMinimum": 0}}
DEFINITION = """\
    "{name}": {{
      "type": "object",
      "additionalProperties": false,
      "properties": {{
{lines}
      }}
    }}"""
RATIO = {"type": "number", "exclusiveMinimum": 0, "maximum": 1}


class Dumper(yaml.SafeDumper):
    """Writes expressions of several lines as they are, folds long texts, and indents lists."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)


def text(dumper: Dumper, value: str) -> yaml.ScalarNode:
    """A text as YAML."""
    style = "|" if "\n" in value else ">" if len(value) > FOLDED else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


Dumper.add_representer(str, text)


def evaluated(program: str = "import 'committed.jsonnet'") -> Any:
    """What a program, which may import all of the mixin, stands for."""
    return json.loads(_gojsonnet.evaluate_snippet(str(MIXIN / "program.jsonnet"), program))


def ordered(value: Any) -> Any:
    """The same with its keys in ORDER: jsonnet has sorted them."""
    if isinstance(value, list):
        return [ordered(one) for one in value]
    if not isinstance(value, dict):
        return value
    known = [name for name in ORDER if name in value]
    return {name: ordered(value[name]) for name in (*known, *(name for name in value if name not in ORDER))}


def written(document: Any, notice: str) -> str:
    """A file of rules, with a blank line before each of them."""
    plain = yaml.dump(ordered(document), Dumper=Dumper, sort_keys=False, allow_unicode=True, width=120)
    return notice + re.sub(r"(?<!s:)\n(?=  - name: |      - (?:alert|record): )", "\n\n", plain)


def schema(text: str, made: dict[str, Any]) -> str:
    """The chart's schema with the names of all alerts and thresholds, in definitions of these names."""
    alerts = [rule["alert"] for group in made["chart"]["groups"] for rule in group["rules"] if "alert" in rule]
    thresholds = {
        name: RATIO if name.endswith("Ratio") else TYPES[float if isinstance(value, int) else type(value)]
        for name, value in made["chart"]["thresholds"].items()
    }
    settings = {alert: {"$ref": "#/$defs/alert"} for alert in alerts}
    for name, properties in (("alerts", settings), ("thresholds", thresholds)):
        lines = ",\n".join(f"        {json.dumps(key)}: {json.dumps(value)}" for key, value in properties.items())
        (old,) = re.findall(rf'^    "{name}": {{$.*?^    }}', text, flags=re.MULTILINE | re.DOTALL)
        text = text.replace(old, DEFINITION.format(name=name, lines=lines))
    return text


def readme(page: str, language: str, made: dict[str, Any]) -> str:
    """A page with the table of thresholds in its place."""
    rows = [
        f"| `{name}` | `{json.dumps(each['value'])}` | {each['meaning'][language]} |"
        for name, each in made["thresholds"].items()
    ]
    begin, end = "<!-- begin thresholds: made by make deploy -->", "<!-- end thresholds -->"
    before, _, rest = page.partition(begin)
    head = "| threshold | as shipped | meaning |" if language == "en" else "| 阈值 | 默认值 | 含义 |"
    table = "\n".join((begin, head, "|---|---|---|", *rows, ""))
    return before + table + end + rest.partition(end)[2]


def files() -> dict[Path, str]:
    """All that is rendered, by its place below deploy/."""
    made = evaluated()
    return {
        RULES: written(made["rules"], NOTICE),
        CHINESE_RULES: written(made["rules_zh"], CHINESE_NOTICE),
        CHART_RULES: written(made["chart"], CHART_NOTICE),
        SCHEMA: schema((DEPLOY / SCHEMA).read_text(), made),
        **{path: readme((DEPLOY / path).read_text(), language, made) for language, path in READMES.items()},
    }


if __name__ == "__main__":
    for path, content in files().items():
        (DEPLOY / path).write_text(content)
