"""All settings of the config with type, default and description, as its schema has them."""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from frs_exporter.config.schema import File

Schema = Mapping[str, Any]
Setting = tuple[str, str, str, str]
"""The path of a setting, its type, its default, and what it is."""
UNITS = (("d", 86400), ("h", 3600), ("m", 60), ("s", 1))
UNNAMED = {
    "project_id": "The project's id: 32 hexadecimal digits.",
    "region": "The project's region.",
    "access_key": "The access key's id.",
    "Endpoints.frs": "FRS.",
    "Endpoints.iam": "IAM.",
    "Endpoints.ces": "Cloud Eye.",
}
"""What settings are of which the schema says nothing, as their names say it."""


def parts(schema: Schema) -> list[Schema]:
    """What a value may be, but null."""
    return [part for part in schema.get("anyOf", [schema]) if part.get("type") != "null"]


def within(schema: Schema) -> tuple[str, str] | None:
    """Of a section, or of many of its kind, the name of the kind, and what the path to one ends with."""
    (part, *_) = parts(schema)
    for ending, one in (("", part), ("[]", part.get("items")), (".NAME", part.get("additionalProperties"))):
        if isinstance(one, dict) and "$ref" in one:
            return one["$ref"].rpartition("/")[2], ending
    many = part.get("additionalProperties")
    if isinstance(many, dict) and (found := within(many)):
        return found[0], f".API{found[1]}"
    return None


def kind(schema: Schema) -> str:
    """The type of a setting in a word."""
    (part, *_) = parts(schema)
    if within(schema):
        return {"array": "list", "object": "map"}.get(part.get("type", ""), "section")
    if part.get("writeOnly"):
        return "secret"
    if "30s" in part.get("examples", ()):
        return "duration"
    return {"array": "list", "object": "map", "integer": "whole number"}.get(part["type"], str(part["type"]))


def duration(seconds: float) -> str:
    """A duration as the config has it."""
    unit, length = next((unit, length) for unit, length in UNITS if not seconds % length)
    return f"{seconds / length:g}{unit}"


def default(schema: Schema, required: str) -> str:
    """What holds where a setting is not written; nothing where that is nothing."""
    if "default" not in schema:
        return required
    value = schema["default"]
    if value in (None, [], {}, "") or (isinstance(value, dict) and set(map(type, value.values())) - {int, float}):
        return ""
    text = duration(value) if kind(schema) == "duration" else value if isinstance(value, str) else json.dumps(value)
    return f"`{text}`"


def places(schemas: Mapping[str, Schema]) -> dict[str, str]:
    """Where each kind of section is explained: the shortest path to it."""
    found, waiting = dict[str, str](), [("", "File")]
    while waiting:
        path, name = waiting.pop(0)
        for key, schema in schemas[name]["properties"].items():
            if (inner := within(schema)) and inner[0] not in found:
                found[inner[0]] = f"{path}{key}{inner[1]}"
                waiting.append((f"{found[inner[0]]}.", inner[0]))
    return found


def settings(translate: Callable[[str], str]) -> Iterator[Setting]:
    """All settings, each section below the setting that it is the value of."""
    document = File.model_json_schema()
    schemas = {"File": document, **document["$defs"]}
    explained = places(schemas)
    common = schemas["Settings"]["properties"]

    def of(path: str, name: str) -> Iterator[Setting]:
        about, shown = schemas[name], set(common) if name in ("Project", "Discovery") else set[str]()
        for key, schema in about["properties"].items():
            if key in shown:
                continue
            inner = within(schema)
            text = schema.get("description") or UNNAMED.get(key) or UNNAMED.get(f"{name}.{key}")
            text = text or (schemas[inner[0]]["description"] if inner else "")
            required = translate("required") if key in about.get("required", ()) else ""
            here = f"{path}{key}"
            opened = inner and explained[inner[0]] == f"{here}{inner[1]}"
            yield here, kind(schema), "" if opened and not required else default(schema, required), text
            if inner and opened:
                yield from of(f"{here}{inner[1]}.", inner[0])
        if shown:
            yield f"{path}*", "", "", "All that `defaults` has."

    yield from of("", "File")
