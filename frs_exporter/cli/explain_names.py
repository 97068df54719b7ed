"""What a metric, a collector or a key of the config is: as the page, the collectors and the schema themselves say."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from frs_exporter.collectors import COLLECTORS
from frs_exporter.config.schema import File
from frs_exporter.core.chinese import translated
from frs_exporter.core.explanations import Text
from frs_exporter.exposition.render import FAMILIES
from frs_exporter.exposition.telemetry import Telemetry

METRIC = re.compile(r"(?<![\w:])frs_[a-z_]+")
PROJECTS, ACCOUNTS = Text("collector of projects", "项目的采集器"), Text("collector of accounts", "账号的采集器")
KEY = Text("key of the config", "配置项")
TYPES = {"gauge": Text("metric, gauge", "指标，gauge"), "counter": Text("metric, counter", "指标，counter")}
LABELS = Text("labels: {names}", "标签：{names}")
NONE = Text("no labels", "无标签")


@dataclass(frozen=True, slots=True)
class Topic:
    """A name, what kind of thing it is, and what is said of it: each line has a name and a text."""

    name: str
    kind: Text
    lines: tuple[tuple[str, Text], ...]
    labels: tuple[str, ...] | None = None


@cache
def metrics() -> Mapping[str, Topic]:
    """All metrics of the page, the exporter's own among them."""
    families = (*FAMILIES, *(family for collector in COLLECTORS.values() for family in collector.families))
    found = {
        family.name: Topic(family.name, TYPES[family.type], ((family.name, translated(family.help)),), family.labels)
        for family in families
    }
    for family in Telemetry().registry.collect():
        if family.name.startswith("frs_") and family.type in TYPES:
            name = family.name + ("_total" if family.type == "counter" else "")
            found[name] = Topic(name, TYPES[family.type], ((name, translated(family.documentation)),))
    return found


@cache
def collectors() -> Mapping[str, Topic]:
    """All collectors, with the metrics that come of each."""
    return {
        name: Topic(
            name,
            ACCOUNTS if collector.of_account else PROJECTS,
            tuple((family.name, translated(family.help)) for family in collector.families),
        )
        for name, collector in COLLECTORS.items()
    }


@cache
def keys() -> Mapping[str, Topic]:
    """All keys of the config, with each place where one may stand."""
    found: dict[str, list[tuple[str, Text]]] = {}
    schema = File.model_json_schema()
    for path, text in described(schema, schema["$defs"], ""):
        found.setdefault(path.rpartition(".")[2].removesuffix("[]"), []).append((path, translated(text)))
    return {name: Topic(name, KEY, tuple(lines)) for name, lines in found.items()}


def described(part: Mapping[str, Any], parts: Mapping[str, Any], path: str) -> Iterator[tuple[str, str]]:
    """The keys below a part of the schema that it describes, each with its path."""
    for name, about in part.get("properties", {}).items():
        here = f"{path}.{name}" if path else name
        if text := about.get("description") or parts.get(about.get("$ref", "").rpartition("/")[2], {}).get(
            "description"
        ):
            yield here, text
        yield from below(about, parts, here)


def below(about: Mapping[str, Any], parts: Mapping[str, Any], path: str) -> Iterator[tuple[str, str]]:
    """The keys below one: of what it refers to, of each of a list, of whatever name, of each kind that it may be."""
    if reference := about.get("$ref"):
        yield from described(parts[reference.rpartition("/")[2]], parts, path)
    if isinstance(items := about.get("items"), dict):
        yield from below(items, parts, f"{path}[]")
    if isinstance(named := about.get("additionalProperties"), dict):
        yield from below(named, parts, f"{path}.NAME")
    for kind in about.get("anyOf", ()):
        yield from below(kind, parts, path)


def named_topics(text: str) -> list[Topic]:
    """What a text as a whole is the name of."""
    word = text.strip().rstrip(":")
    return [found for kind in (metrics(), collectors(), keys()) if (found := kind.get(word))]


def metrics_in(text: str) -> list[Topic]:
    """The metrics that a text names."""
    return [metrics()[name] for name in dict.fromkeys(METRIC.findall(text)) if name in metrics()]


def topic_names() -> list[str]:
    """All names, as a shell completes them."""
    return [*metrics(), *collectors(), *keys()]
