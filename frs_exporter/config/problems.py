"""What is wrong with a file, in words: each problem as `file:line:column: path: message`, and no value ever told."""

from pathlib import Path as FilePath
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from frs_exporter.config.cross_checks import suggestion
from frs_exporter.config.schema import section
from frs_exporter.config.yaml import Document, OnRead, Path
from frs_exporter.core.errors import ConfigError
from frs_exporter.runtime.files import decode_text, is_temporary, read_file, reason_of


def read_text(path: str, limit: int, on_read: OnRead) -> str:
    """The text of a file of at most `limit` bytes, which may be a pipe; raises ConfigError."""
    file = FilePath(path)
    on_read(file)
    try:
        return decode_text(read_file(file, limit, regular=False))
    except UnicodeDecodeError as error:
        raise ConfigError([f"{path}: not UTF-8 text: {error.reason} at byte {error.start}"]) from None
    except (OSError, ValueError) as error:
        problem = f"{path}: cannot read the config file: {reason_of(error)}"
        raise ConfigError([problem], temporary=is_temporary(error)) from None


def refused(path: str, document: Document) -> ConfigError:
    """All problems of a document, as they stand in the file."""
    problems = sorted(set(document.problems), key=lambda problem: (problem.line, problem.column, problem.message))
    lines = [f"{path}:{p.line}:{p.column}: {dotted(p.path)}{p.message}" for p in problems]
    return ConfigError(lines, temporary=document.temporary)


def note(error: ValidationError, document: Document, root: type[BaseModel], secret: str) -> None:
    """Note what does not fit the schema `root`, except where the document itself is already to blame.

    `secret` is the section in which even a key may be part of a secret.
    """
    blamed = {problem.path for problem in document.problems if problem.path}
    for detail in error.errors():
        path, message, at_key = explain(detail, root)
        if path in blamed or (detail["type"] == "missing" and path[:-1] in blamed):
            continue
        # An unknown key among secrets may be part of one, after a comma or a colon that should have been quoted.
        hidden = detail["type"] == "extra_forbidden" and path[0] == secret and len(path) > 3
        document.problem(path, message, at_key=at_key, shown_path=path[:-1] if hidden else path)


def explain(detail: ErrorDetails, root: type[BaseModel]) -> tuple[Path, str, bool]:
    """Path, message and whether it is about the key, of one of pydantic's errors; no value is ever told."""
    path: Path = tuple(part for part in detail["loc"] if part != "[key]")
    about_key = detail["loc"][-1:] == ("[key]",)
    match detail["type"]:
        case "extra_forbidden":
            return path, f"unknown key{suggestion(str(path[-1]), known_keys(path[:-1], root))}", True
        case "missing":
            return path, "required, but missing", False
        case "value_error":
            return path, str(detail["ctx"]["error"]), about_key
        case "string_type":
            remedy = "" if isinstance(detail["input"], list | dict | None) else ": put it in quotes"
            return path, f"must be text, but YAML reads it as {kind(detail['input'])}{remedy}", about_key
        case "list_type" | "tuple_type":
            return path, f"must be a list, but is {kind(detail['input'])}", about_key
        case "dict_type" | "model_type" | "model_attributes_type":
            return path, f"must be a mapping, but is {kind(detail['input'])}", about_key
        case "too_short" | "string_too_short":
            return path, "must not be empty", about_key
        case _:
            return path, detail["msg"].replace("Input should be", "must be"), about_key


def kind(value: Any) -> str:
    """What YAML made of a value."""
    match value:
        case None:
            return "nothing"
        case bool():
            return "true or false"
        case int() | float():
            return "a number"
        case str():
            return "text"
        case list():
            return "a list"
        case dict():
            return "a mapping"
        case _:
            return "a date"


def known_keys(path: Path, root: type[BaseModel]) -> list[str]:
    """The keys that may stand in the mapping at `path`."""
    annotation: Any = root
    for part in path:
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            annotation = annotation.model_fields[str(part)].annotation
        else:
            annotation = get_args(annotation)[-1]  # the values of a dict, the items of a list
        annotation = section(annotation) or annotation
    return list(annotation.model_fields)


def dotted(path: Path) -> str:
    """A path as people write it, `projects[2].region: `; empty for the whole file."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return f"{text.removeprefix('.')}: " if text else ""
