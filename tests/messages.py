"""All texts that a module could say of a config, read from its source: f-strings with `x` for what is filled in."""

import ast
from collections.abc import Iterable, Iterator
from itertools import product
from pathlib import Path

SAYING = {"problem", "_note", "unreadable", "Notice", "ValueError", "UnknownName", "ConfigError", "matching"}
"""Functions of which some argument is what people read."""
FILLED_IN = "x"
Known = dict[str, list[str]]


def said_in(file: Path) -> set[str]:
    """All texts that a module hands to one of SAYING, or yields."""
    tree = ast.parse(file.read_text())
    constants = assigned([node for node in tree.body if not isinstance(node, ast.FunctionDef | ast.ClassDef)], {})
    return {text for node in tree.body for text in said_by(node, constants)}


def said_by(tree: ast.stmt, constants: Known) -> Iterator[str]:
    """The same of one function or class, in which names stand for what they are assigned there, all of it."""
    parts: list[ast.stmt] = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)] or [tree]
    for part in parts:
        yield from calls(part, constants | assigned([part], constants))


def calls(tree: ast.AST, known: Known) -> Iterator[str]:
    """The texts in calls of SAYING, and those that are yielded."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Yield) and node.value is not None:
            yield from (text for text in texts(node.value, known) if " " in text)
        if isinstance(node, ast.Call) and name_of(node.func) in SAYING:
            prefix = "must be " if name_of(node.func) == "matching" else ""
            suffix = ": x" if name_of(node.func) == "unreadable" else ""
            for argument in node.args:
                yield from (
                    f"{prefix}{text}{suffix}" for text in texts(argument, known) if " " in text.removeprefix("x: ")
                )


def name_of(function: ast.expr) -> str:
    """What a function is called by."""
    return (
        function.attr if isinstance(function, ast.Attribute) else function.id if isinstance(function, ast.Name) else ""
    )


def assigned(trees: Iterable[ast.AST], constants: Known) -> Known:
    """The texts that names stand for, one after the other."""
    known: Known = {}
    for tree in trees:
        for name, value in assignments(tree):
            if (found := texts(value, constants | known)) != [FILLED_IN]:
                known[name] = known.get(name, []) + found
    return known


def assignments(tree: ast.AST) -> Iterator[tuple[str, ast.expr]]:
    """The names that get a value in a tree, each with that."""
    for node in ast.walk(tree):
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                yield name, value
            case ast.Assign(targets=[ast.Tuple(elts=targets)], value=ast.Tuple(elts=values)):
                yield from ((t.id, v) for t, v in zip(targets, values, strict=True) if isinstance(t, ast.Name))
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                yield name, value


def texts(node: ast.expr, known: Known) -> list[str]:
    """All texts that an expression could be, as far as its source tells."""
    match node:
        case ast.Constant(value=str(text)):
            return [text]
        case ast.JoinedStr():
            return ["".join(pieces) for pieces in product(*(texts(part, known) for part in node.values))]
        case ast.FormattedValue():
            return texts(node.value, known)
        case ast.BinOp(op=ast.Add()):
            return [a + b for a in texts(node.left, known) for b in texts(node.right, known)]
        case ast.IfExp():
            return texts(node.body, known) + texts(node.orelse, known)
        case ast.Dict():
            return [text for value in node.values for text in texts(value, known)] or [FILLED_IN]
        case ast.ListComp(elt=element) | ast.GeneratorExp(elt=element):
            return texts(element, known)
        case ast.List(elts=[*items]):
            return [text for item in items for text in texts(item, known)] or [FILLED_IN]
        case ast.Call(func=ast.Name(id="dotted")):
            return [f"{FILLED_IN}: "]
        case ast.Subscript(value=ast.Name(id=name)) | ast.Name(id=name):
            return known.get(name, [FILLED_IN])
        case ast.Call(func=ast.Attribute(attr="format", value=value)):
            return texts(value, known)
        case _:
            return [FILLED_IN]
