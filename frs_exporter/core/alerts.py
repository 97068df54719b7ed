"""What each alert of deploy/prometheus means and what to do about it: its rule and its runbook, in alerts.yaml.

deploy/prometheus/build.py makes that file of them: a wheel has no folder deploy/.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from frs_exporter.core.explanations import Text, parse, text_of

LINK = re.compile(r"\[([^\]]+)\]\(#(\w+)\)")
RUNBOOKS = Text("deploy/prometheus/runbooks.md", "deploy/prometheus/runbooks.zh-CN.md")


@dataclass(frozen=True, slots=True)
class Alert:
    """An alert as its rule has it, and its runbook: one Markdown text for each of the parts, without their headings."""

    name: str
    severity: str
    summary: str
    meaning: Text
    impact: Text
    diagnosis: Text
    mitigation: Text

    @property
    def page(self) -> Text:
        """The place of its runbook, in the repository."""
        return Text(f"{RUNBOOKS.en}#{self.name.lower()}", f"{RUNBOOKS.zh}#{self.name.lower()}")


@cache
def alerts() -> Mapping[str, Alert]:
    """All alerts, by their names, as the rules have them in order."""
    return {
        name: Alert(
            name=name,
            severity=about["severity"],
            summary=about["summary"],
            **{part: Text(**about[part]) for part in ("meaning", "impact", "diagnosis", "mitigation")},
        )
        for name, about in parse(text_of("alerts.yaml")).items()
    }


@cache
def lower_case() -> Mapping[str, Alert]:
    """All alerts, by their names in lower case, as links to runbooks have them, and who types one."""
    return {name.lower(): alert for name, alert in alerts().items()}


def without_links(text: str) -> str:
    """Markdown in which each link to another runbook is the name of its alert."""

    def named(link: re.Match[str]) -> str:
        alert = lower_case().get(link[2])
        name = alert.name if alert else link[2]
        return name if link[1] == name else f"{link[1]} ({name})"

    return LINK.sub(named, text)
