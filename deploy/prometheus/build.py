"""Make the rules in Chinese, and the alerts that `explain` knows: the package reads nothing outside itself."""

import re
import textwrap
from pathlib import Path
from typing import Any

import yaml

FOLDER = Path(__file__).parent
RULES, RUNBOOKS = FOLDER / "frs.rules.yml", {"en": FOLDER / "runbooks.md", "zh": FOLDER / "runbooks.zh-CN.md"}
TARGET = FOLDER.parents[1] / "frs_exporter/core/alerts.yaml"
CHINESE_TEXTS, CHINESE_RULES = FOLDER / "annotations.zh-CN.yml", FOLDER / "frs.rules.zh-CN.yml"
PARTS = ("meaning", "impact", "diagnosis", "mitigation")
NOTICE = "# Made by deploy/prometheus/build.py of the rules and runbooks there: change those, then run make deploy.\n"
CHINESE_NOTICE = """\
# frs.rules.yml with Chinese texts: load one of the two files, not both. Expressions and comments are those of it.
# Made by build.py of that file and annotations.zh-CN.yml: change those, then run make deploy.
# runbook_url: put the address where you publish runbooks.zh-CN.md in place of https://runbooks.example.com/frs-exporter.
# page_url: where people reach the exporter at another address, put that in place of http://{{ $labels.instance }}.
"""
ANNOTATIONS = re.compile(r"(- alert: (\w+)\n(?:(?!      - ).*\n)*?        annotations:\n)(?:.*\n)+?(?= +runbook_url:)")
"""The texts of an alert, after its name and all that is between."""
FULL_WIDTH = "\u3000-\u303f\uff00-\uffef"
"""Marks of Chinese, which have their own blank."""
HAN = "\u4e00-\u9fff"
BLANKS = re.compile(rf"(?<=[{FULL_WIDTH}]) +| +(?=[{FULL_WIDTH}])|(?<=[{HAN}]) +(?=[{HAN}])")
"""Blanks that YAML puts where a line ends, and Chinese does not have."""


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


def wrapped(description: str) -> str:
    """A text in several lines, as far as it has blanks; none of those in {{ }} becomes an end of line."""
    held = re.sub(r"{{.*?}}", lambda part: part[0].replace(" ", "\0"), description)
    lines = textwrap.wrap(held, width=90, break_long_words=False, break_on_hyphens=False)
    return "\n".join(lines).replace("\0", " ")


def chinese_rules() -> str:
    """The rules with Chinese texts, all else as it is; raises KeyError for an alert without them."""
    texts = yaml.safe_load(CHINESE_TEXTS.read_text())

    def annotations(match: re.Match[str]) -> str:
        said, indent = texts[match[2]], " " * 12
        description = textwrap.indent(wrapped(BLANKS.sub("", said["description"])), indent)
        return f"{match[1]}          summary: {said['summary']}\n          description: >-\n{description}\n"

    _, groups = RULES.read_text().split("groups:\n")
    return f"{CHINESE_NOTICE}groups:\n{ANNOTATIONS.sub(annotations, groups)}"


if __name__ == "__main__":
    TARGET.write_text(rendered())
    CHINESE_RULES.write_text(chinese_rules())
