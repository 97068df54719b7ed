"""The table of values in the chart's README, made of values.yaml and its comments."""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

CHART = Path(__file__).parent / "frs-exporter"
HEAD = "| value | default | what it is for |\n| --- | --- | --- |\n"
LONG = 40
"""Defaults of more characters are to be looked up."""


def paths(schema: Mapping[str, Any], path: str = "") -> Iterator[str]:
    """The paths of all fields that a schema knows."""
    for name, inner in schema["properties"].items():
        if "properties" in inner:
            yield from paths(inner, f"{path}{name}.")
        else:
            yield path + name


def comments(text: str) -> dict[str, str]:
    """What the comments of a YAML file say of each key, by its path; what is said of a group is said of its first."""
    found: dict[str, str] = {}
    parents: list[tuple[int, str]] = []
    said = ""
    for line in text.splitlines():
        if comment := re.fullmatch(r" *# (.*)", line):
            said = f"{said} {comment[1]}".strip()
        elif key := re.match(r"( *)([A-Za-z]+):(.*)", line):
            parents = [parent for parent in parents if parent[0] < len(key[1])] + [(len(key[1]), key[2])]
            found[".".join(name for _, name in parents)] = said
            said = "" if key[3] else said
        elif not line.strip():
            said = ""
    return found


def rows(schema: Mapping[str, Any], text: str) -> Iterator[str]:
    """A row for each value that can be set."""
    values, said = yaml.safe_load(text), comments(text)
    for path in paths(schema):
        value: Any = values
        for name in path.split("."):
            value = value.get(name) if isinstance(value, dict) else None
        if value is None:  # of Helm, for the chart that this one is a part of
            continue
        default = json.dumps(value)
        shown = f"`{default}`" if len(default) <= LONG else "[values.yaml](values.yaml)"
        yield f"| `{path}` | {shown} | {said[path]} |".replace("  |", " |")


def with_table(readme: str) -> str:
    """The README with its table as the values are now."""
    schema, text = json.loads((CHART / "values.schema.json").read_text()), (CHART / "values.yaml").read_text()
    table = HEAD + "\n".join(rows(schema, text)) + "\n"
    start, end = readme.index(HEAD), readme.find("\n\n", readme.index(HEAD))
    return readme[:start] + table + (readme[end + 1 :] if end >= 0 else "")


if __name__ == "__main__":
    file = CHART / "README.md"
    file.write_text(with_table(file.read_text()))
