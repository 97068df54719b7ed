"""Copy the rules to where kustomize can reach them: it reads no file outside its own folder."""

from pathlib import Path

import yaml

DEPLOY = Path(__file__).parents[1]
RULES, CHINESE_RULES = Path("prometheus/frs.rules.yml"), Path("prometheus/frs.rules.zh-CN.yml")
BASE = Path("kubernetes/base/prometheusrule.yaml")
COMPONENT = Path("kubernetes/components/chinese/prometheusrule.yaml")

NOTICE = "# Made by build.py from deploy/{source}: change that, then run make deploy.\n"


class Dumper(yaml.SafeDumper):
    """Writes texts of several lines as they are; of folded ones kustomize would change the ends of lines."""


def text(dumper: Dumper, value: str) -> yaml.ScalarNode:
    """A text as YAML: a block if it has several lines."""
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style="|" if "\n" in value else None)


Dumper.add_representer(str, text)


def prometheus_rule(source: Path) -> str:
    """The rules of a file as an object."""
    rule = {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PrometheusRule",
        "metadata": {"name": "frs-exporter"},
        "spec": yaml.safe_load((DEPLOY / source).read_text()),
    }
    return NOTICE.format(source=source) + yaml.dump(rule, Dumper=Dumper, sort_keys=False, allow_unicode=True, width=120)


def build(target: Path = DEPLOY) -> None:
    """Write the copies below `target`."""
    for copy, source in ((BASE, RULES), (COMPONENT, CHINESE_RULES)):
        write(target / copy, prometheus_rule(source))


def write(file: Path, text: str) -> None:
    """Write a file, with the folder that it is in."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


if __name__ == "__main__":
    build()
