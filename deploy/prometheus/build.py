"""Make the alerts that `explain` knows of rules and runbooks: the package reads nothing outside itself."""

import re
from pathlib import Path
from typing import Any

import yaml

FOLDER = Path(__file__).parent
RULES, RUNBOOKS = FOLDER / "frs.rules.yml", {"en": FOLDER / "runbooks.md", "zh": FOLDER / "runbooks.zh-CN.md"}
TARGET = FOLDER.parents[1] / "frs_exporter/core/alerts.yaml"
PARTS = ("meaning", "impact", "diagnosis", "mitigation")
NOTICE = "# Made by deploy/prometheus/build.py of the rules and runbooks there: change those, then run make deploy.\n"


class Dumper(yaml.SafeDumper):
    """Writes texts of several lines as they are."""


def text(dumper: Dumper, value: str) -> yaml.ScalarNode:
    """A text as YAML: a block if it has several lines."""
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style="|" if "\n" in value else None)


Dumper.add_representer(str, text)


def runbooks(markdown: str) -> dict[str, dict[str, str]]:
    """The parts of each section, which are in the order of PARTS whatever they are called, by the alert's name."""
    sections = re.split(r"^## ", markdown, flags=re.MULTILINE)[1:]
    found = {}
    for section in sections:
        name, body = section.split("\n", 1)
        texts = re.split(r"^\*\*[^*]+\*\* *", body, flags=re.MULTILINE)[1:]
        found[name] = {part: cleaned(words) for part, words in zip(PARTS, texts, strict=True)}
    return found


def cleaned(words: str) -> str:
    """Without blanks at the ends of lines, which YAML's blocks cannot have."""
    return "\n".join(line.rstrip() for line in words.strip().splitlines())


def alerts() -> dict[str, Any]:
    """All alerts, with what their rules and runbooks say."""
    rules = [
        rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"] if "alert" in rule
    ]
    pages = {language: runbooks(path.read_text()) for language, path in RUNBOOKS.items()}
    return {
        rule["alert"]: {
            "severity": rule["labels"]["severity"],
            "summary": rule["annotations"]["summary"],
            **{part: {language: pages[language][rule["alert"]][part] for language in pages} for part in PARTS},
        }
        for rule in rules
    }


def rendered() -> str:
    """The file as it is to be."""
    return NOTICE + yaml.dump(alerts(), Dumper=Dumper, sort_keys=False, allow_unicode=True, width=120)


if __name__ == "__main__":
    TARGET.write_text(rendered())
