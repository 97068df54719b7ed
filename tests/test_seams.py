"""Tests go through seams: none of them looks into what is private, and none puts something else in its place."""

import ast
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
FILES = sorted(str(file.relative_to(TESTS)) for file in TESTS.rglob("*.py"))
PATCHED = {"cloud/test_transport.py", "conftest.py"}
"""Where something is patched for good: what sockets do to the transport, and the clock and threads of virtual time."""
BY_NAME = {"getattr", "setattr", "hasattr", "delattr"}
PATCHES = {"setattr", "delattr", "setitem", "delitem", "__setattr__"}
"""Of pytest's MonkeyPatch, which is for the environment only, and what changes a frozen value."""
PATCHING = {"unittest.mock", "mock", "pytest_mock", "aioresponses"}

Look = Callable[[ast.AST], Iterator[str]]


def is_private(name: object) -> bool:
    """A namedtuple's `_replace` is as public as its fields are."""
    return isinstance(name, str) and name.startswith("_") and not name.endswith("__") and name != "_replace"


def reaches(tree: ast.AST) -> Iterator[str]:
    """Each use of what is private to others, with its line."""
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(value=ast.Name(id="self" | "cls")):
                pass
            case ast.Attribute(attr=name) if is_private(name):
                yield f"{node.lineno}: {ast.unparse(node)}"
            case ast.Call(func=ast.Name(id=function), args=[_, ast.Constant(value=name), *_]):
                if function in BY_NAME and is_private(name):
                    yield f"{node.lineno}: {ast.unparse(node)}"
            case ast.ImportFrom(names=names) if any(is_private(alias.name) for alias in names):
                yield f"{node.lineno}: {ast.unparse(node)}"


def patches(tree: ast.AST) -> Iterator[str]:
    """Each replacement of something in a module or an object, or the import of what makes them, with its line."""
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(attr=name) if name in PATCHES:
                yield f"{node.lineno}: {ast.unparse(node)}"
            case ast.Import(names=names) if PATCHING & {alias.name for alias in names}:
                yield f"{node.lineno}: {ast.unparse(node)}"
            case ast.ImportFrom(module=str(module), names=names):
                if PATCHING & {module, *(f"{module}.{alias.name}" for alias in names)}:
                    yield f"{node.lineno}: {ast.unparse(node)}"


def found(look: Look, file: str) -> list[str]:
    """What there is of it in a file of the tests."""
    return list(look(ast.parse((TESTS / file).read_text())))


@pytest.mark.parametrize("file", FILES)
def test_a_test_goes_through_seams(file: str) -> None:
    assert found(reaches, file) == []
    assert file in PATCHED or found(patches, file) == []


@pytest.mark.parametrize("file", sorted(PATCHED))
def test_what_may_patch_does(file: str) -> None:
    assert found(patches, file), f"{file} patches nothing: take it off PATCHED"


@pytest.mark.parametrize(
    ("look", "text"),
    [
        (reaches, "exporter._lock"),
        (reaches, "exporter._lock = None"),
        (reaches, "del exporter._lock"),
        (reaches, "exporter.client._transport.send()"),
        (reaches, "self.exporter._lock"),
        (reaches, "keeper._of(1).lease"),
        (reaches, "__x._y"),
        (reaches, "x.__mangled"),
        (reaches, "getattr(exporter, '_lock')"),
        (reaches, "setattr(self, '_lock', None)"),
        (reaches, "from frs_exporter.web import _hidden as shown"),
        (patches, "monkeypatch.setattr(module, 'NAME', 1)"),
        (patches, "pytest.MonkeyPatch().setattr('module.NAME', 1)"),
        (patches, "monkeypatch.setitem(COLLECTORS, 'a', None)"),
        (patches, "monkeypatch.delattr(os, 'memfd_create')"),
        (patches, "object.__setattr__(target, 'project', 'other')"),
        (patches, "from unittest import mock"),
        (patches, "from unittest.mock import patch as put"),
        (patches, "import unittest.mock"),
        (patches, "def test():\n    from aioresponses import aioresponses"),
    ],
)
def test_each_way_around_a_seam_is_found(look: Look, text: str) -> None:
    assert len(list(look(ast.parse(text)))) == 1, text


def test_nothing_else_is_taken_for_one() -> None:
    text = """
from __future__ import annotations
from unittest import TestCase
class Fake:
    def __init__(self):
        self._mine = cls._ours = _local = object.__new__(Fake)
claim._replace(a=1)
x.__dict__
getattr(x, 'name')
setattr(context, attribute, value)
monkeypatch.setenv('_NAME', 'x')
monkeypatch.delenv('NAME')
"""
    assert [*reaches(ast.parse(text)), *patches(ast.parse(text))] == []
