"""One language: no name in the code is a word that docs/architecture.md has another one for."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FILES = sorted(file for package in ("frs_exporter", "frs_simulator") for file in (ROOT / package).rglob("*.py"))
OTHER_WORDS = """
told Told took Hold stands length Door odd silences behind ask Answer payload Findings notes Standing stand lift
left asks_like tells_like worked trusted width Access like bring_forward in_hand Kept Term GivenToken Seen SeenJob
judged usable refusal but Serving served serve_until_told See stamp places written refuse_twins signs_of_life leave
Asked Words Trouble mark strip fill in_background Turn release within otherwise most how one each made fed shown listed
"""


def names(tree: ast.AST) -> Iterator[str]:
    """Every name that a module defines: functions, classes, arguments, variables and attributes."""
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                yield node.name
            case ast.arg():
                yield node.arg
            case ast.Name(ctx=ast.Store()):
                yield node.id
            case ast.Attribute(ctx=ast.Store()):
                yield node.attr
            case ast.alias(asname=str(name)) | ast.ExceptHandler(name=str(name)):
                yield name
            case ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)) | ast.MatchMapping(rest=str(name)):
                yield name


@pytest.mark.uncounted
@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(ROOT)))
def test_names_are_the_words_of_the_glossary(file: Path) -> None:
    found = {name.lstrip("_") for name in names(ast.parse(file.read_text()))}
    assert not found & set(OTHER_WORDS.split())


def test_each_kind_of_name_is_looked_at() -> None:
    text = "def each(how):\n  told = odd = 1\n  self.left = 2\n  import x as ask\n  match x:\n    case one: ...\n"
    text += "    case [*most]: ...\n    case {**made}: ...\n  try: ...\n  except E as fed: ...\n"
    found = {"each", "how", "told", "odd", "left", "ask", "one", "most", "made", "fed"}
    assert set(names(ast.parse(text))) == found
