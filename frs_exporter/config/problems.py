"""What is wrong with a file, in words: each problem as `file:line:column: path: message`, and no value ever told."""

from pathlib import Path as FilePath
from typing import Annotated, Any, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from frs_exporter.config.section import section
from frs_exporter.config.suggestions import Suggestions, nearest
from frs_exporter.config.yaml import EXTENSION, Document, OnRead, Path
from frs_exporter.core.errors import ConfigError
from frs_exporter.runtime.files import decode_text, is_temporary, read_file, reason_of

SECRET_SECTIONS = (("credentials",), ("http_client",))


def read_text(path: str, limit: int, on_read: OnRead, *, regular: bool = False) -> str:
    """The text of a file of at most `limit` bytes, which is no pipe where it is to be `regular`; raises ConfigError."""
    file = FilePath(path)
    on_read(file)
    try:
        return decode_text(read_file(file, limit, regular=regular))
    except UnicodeDecodeError as error:
        raise ConfigError([f"{path}: not UTF-8 text: {error.reason} at byte {error.start}"]) from None
    except (OSError, ValueError) as error:
        problem = f"{path}: cannot read the config file: {reason_of(error)}"
        raise ConfigError([problem], temporary=is_temporary(error)) from None


def refused(document: Document, root: type[BaseModel]) -> ConfigError:
    """All problems of a document that should fit the schema `root`, as they stand in its files."""
    problems = sorted(set(document.problems), key=lambda p: (p.file, p.line, p.column, p.message, dotted(p.path)))
    lines = [
        f"{p.file}:{f'{p.line}:{p.column}:' * bool(p.line)} "
        f"{dotted(known_part(document.path_in_file(p.path), root))}{p.message}"
        for p in problems
    ]
    return ConfigError([visible(line) for line in lines], temporary=document.temporary)


def location(document: Document, path: Path) -> str:
    """How to find a part of a document: its path, and where there are several files its file and line, too."""
    file, (line, _) = document.place(path)
    path_in_file = dotted(document.path_in_file(path)).removesuffix(": ")
    return f"{path_in_file} in {file}:{line}" if document.origins else path_in_file


def note(error: ValidationError, document: Document, root: type[BaseModel], users: str = "") -> None:
    """Note what does not fit the schema `root`, except where the document itself is already to blame.

    `users` is the section in which keys are names, and values are secrets.
    """
    blamed = {problem.path for problem in document.problems if problem.path}
    suggestion = Suggestions()
    for detail in error.errors():
        path, message, at_key = explain(detail, root, suggestion)
        elsewhere = document.incomplete and len(path) == 1  # a section may be in the file that says nothing
        if path in blamed or (detail["type"] == "missing" and (elsewhere or path[:-1] in blamed)):
            continue
        # What has no value may be part of one, after a comma that should have been quoted.
        hidden = detail["type"] == "string_type" and detail["input"] is None and path[0] == users
        document.problem(path, message, at_key=at_key, shown_path=path[:-1] if hidden else path)


def explain(detail: ErrorDetails, root: type[BaseModel], suggestion: Suggestions) -> tuple[Path, str, bool]:
    """Path, message and whether it is about the key, of one of pydantic's errors; no value is ever told."""
    path: Path = tuple(part for part in detail["loc"] if part != "[key]")
    about_key = detail["loc"][-1:] == ("[key]",)
    match detail["type"]:
        case "extra_forbidden":
            return path, f"unknown key{suggestion(str(path[-1]), known_keys(path[:-1], root))}", True
        case "missing":
            return path, "required, but missing", False
        case "value_error":
            error = detail["ctx"]["error"]
            return path, f"{error}{suggestion.near(error)}", about_key
        case "string_type":
            remedy = "" if isinstance(detail["input"], list | dict | None) else ": put it in quotes"
            return path, f"must be text, but YAML reads it as {kind(detail['input'])}{remedy}", about_key
        case "list_type" | "tuple_type":
            return path, f"must be a list, but is {kind(detail['input'])}", about_key
        case "dict_type" | "model_type" | "model_attributes_type":
            remedy = as_a_key(detail["input"], known_keys(path, root)) if path and detail["type"] != "dict_type" else ""
            return path, f"must be a mapping, but is {kind(detail['input'])}{remedy}", about_key
        case "too_short" | "string_too_short":
            return path, "must not be empty", about_key
        case _:
            return path, detail["msg"].replace("Input should be", "must be"), about_key


def as_a_key(value: Any, known: list[str]) -> str:
    """How to write a text that should be a key, as in `here: ecs_agency`; empty where it is near to none."""
    key = nearest(value, known) if isinstance(value, str) else ""
    return f"; did you mean {{{key}: {{}}}}?" if key else ""


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
        annotation = section(annotation) or container(annotation)
    return list(annotation.model_fields)


def container(annotation: Any) -> Any:
    """The dict or list that an annotation is of, without what else it says: that it is optional, or how long it is."""
    while get_origin(annotation) is Annotated or type(None) in get_args(annotation):
        annotation = get_args(annotation)[0]
    return annotation


def known_part(path: Path, root: type[BaseModel]) -> Path:
    """A path without the keys that nobody knows, where secrets are.

    Such a key may be part of a secret, after a comma or a colon that should have been quoted.
    """
    if path and str(path[0]).startswith(EXTENSION):
        return path[:1]
    if path[:1] not in SECRET_SECTIONS:
        return path
    annotation: Any = root
    for depth, part in enumerate(path):
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            if part not in annotation.model_fields:
                return path[:depth]
            annotation = annotation.model_fields[str(part)].annotation
        elif get_origin(annotation) is dict:
            annotation = get_args(annotation)[-1]
        else:
            return path[:depth]
        annotation = section(annotation) or annotation
    return path


def visible(text: str) -> str:
    """A text in which characters that do not show are escaped: it goes to logs and terminals."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def dotted(path: Path) -> str:
    """A path as people write it, `projects[2].region: `; empty for the whole file."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return f"{text.removeprefix('.')}: " if text else ""
