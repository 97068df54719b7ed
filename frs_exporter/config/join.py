"""Several files become one document: lists are joined, and what stands in a section by name stands there once."""

from collections.abc import Iterator
from typing import Any

from pydantic import ValidationError

from frs_exporter.config import schema
from frs_exporter.config.problems import explain
from frs_exporter.config.suggestions import Suggestions
from frs_exporter.config.yaml import EXTENSION, Document, Origin, Path

LISTS = ("projects", "discovery", "accounts")
"""Sections that are lists; all others are mappings."""


def join(whole: Document, part: Document) -> None:
    """Add what a file says that was read after the whole; its problems, and new ones, are noted in the whole."""
    whole.problems += part.problems
    whole.temporary |= part.temporary
    whole.nodes = max(whole.nodes, part.nodes)
    whole.origins[()] = Origin(whole.file)
    if part.data is None:
        return
    if not isinstance(part.data, dict):
        part.problem((), "must be a mapping, as every file of a config is")
        whole.problems.append(part.problems[-1])
        whole.incomplete = True
        return
    whole.data = whole.data or {}
    if wrong := set(wrong_types(part)):
        whole.problems += part.problems[-len(wrong) :]
        forget(part, wrong)
    twice = set(names_twice(whole, part))
    if twice:
        forget(part, twice)
    for section, value in part.data.items():
        if not section.startswith(EXTENSION):
            add(whole, part, section, value)
    part.marks.pop((), None)
    whole.marks.update(part.marks)
    whole.keys.update(part.keys)
    whole.raw.update(part.raw)
    whole.files.update(part.files)
    whole.key_files.update(part.key_files)
    whole.cut_off |= part.cut_off


def wrong_types(part: Document) -> Iterator[Path]:
    """The paths of sections that are no list, or no mapping, where they should be one: that is noted, as of one file.

    They cannot be joined with what other files say.
    """
    for section, value in part.data.items():
        expected = list if section in LISTS else dict
        if section not in schema.File.model_fields or value is None or isinstance(value, expected):
            continue
        try:
            schema.File.model_validate({section: value})
        except ValidationError as error:
            detail = next(detail for detail in error.errors() if detail["loc"] == (section,))
            path, message, _ = explain(detail, schema.File, Suggestions())
            part.problem(path, message)
            yield path


def names_twice(whole: Document, part: Document) -> Iterator[Path]:
    """The paths of what a file must not say, as one before it says it: that is noted, with both places."""
    for section, value in part.data.items():
        before = whole.data.get(section)
        if section.startswith(EXTENSION) or before is None or value is None:
            continue
        if isinstance(before, dict) and isinstance(value, dict):
            paths: list[Path] = [(section, name) for name in value if name in before]
        else:
            paths = [] if isinstance(before, list) and isinstance(value, list) else [(section,)]
        for path in paths:
            first = f"{whole.origin(path).file}:{whole.keys[path][0]}"
            part.problem(path, f"this key was given before, in {first}", at_key=True)
            whole.problems.append(part.problems[-1])
        yield from paths


def forget(part: Document, paths: set[Path]) -> None:
    """Take out of a document what stands at these paths and below them."""
    for path in paths:
        inner: Any = part.data
        for name in path[:-1]:
            inner = inner[name]
        del inner[path[-1]]
    for about in (part.marks, part.keys, part.raw, part.files, part.key_files):
        gone = [path for path in about if path[:1] in paths or path[:2] in paths]
        for path in gone:
            del about[path]
    part.cut_off = {path for path in part.cut_off if path[:1] not in paths and path[:2] not in paths}


def add(whole: Document, part: Document, section: str, value: Any) -> None:
    """Put a section, or what it adds to the same section of files before, into the whole."""
    before = whole.data.get(section)
    if before is None:
        whole.data[section], whole.origins[section,] = value, Origin(part.file)
    else:
        for about in (part.marks, part.keys, part.raw):
            about.pop((section,), None)
    if isinstance(value, list):
        origin = Origin(part.file, len(before or ()))
        whole.origins.update(((section, origin.before + index), origin) for index in range(len(value)))
    elif isinstance(value, dict):
        whole.origins.update(((section, name), Origin(part.file)) for name in value)
    if before is not None and value is not None:
        before.extend(value) if isinstance(before, list) else before.update(value)
