"""Document and schema become a frozen Config, or every problem at once as `file:line:column: path: message`."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from frs_exporter.background import release
from frs_exporter.config import schema
from frs_exporter.config.checks import check, suggestion
from frs_exporter.config.document import Document, Path, See, read, unwatched
from frs_exporter.config.http_client import read_http_clients
from frs_exporter.config.make import Maker
from frs_exporter.config.notices import notices
from frs_exporter.discovery import Discovery
from frs_exporter.errors import ConfigError
from frs_exporter.model import Api, Job, Limit, Notice, Target

MAX_CONFIG = 1 << 26
"""Bytes of a config that are read; 100,000 projects are a third of it."""
LISTS = ("projects", "discovery")
METADATA_LIMIT = Limit(rate=1.0, concurrency=1)
"""Of the machine's metadata service, which is asked for keys now and then."""


@dataclass(frozen=True, slots=True)
class Config:
    """What the exporter is to do; `notices` tell what the file says but probably does not mean."""

    targets: tuple[Target, ...]
    limits: Mapping[Api, Limit]
    discovery: tuple[Discovery, ...] = ()
    notices: tuple[Notice, ...] = ()

    @property
    def jobs(self) -> tuple[Job, ...]:
        """Each target of the file with each of its collectors."""
        return tuple(Job(target, collector) for target in self.targets for collector in target.collectors)


def load(path: str, see: See = unwatched) -> Config:
    """Read a config file; `see` is told of each file before it is read. Raises ConfigError with all that is wrong."""
    file = FilePath(path)
    see(file)
    try:
        with file.open("rb") as stream:
            text = str(stream.read(MAX_CONFIG), "utf-8")
    except OSError as error:
        raise ConfigError([f"{path}: cannot read the config file: {error.strerror}"]) from None
    except UnicodeDecodeError as error:
        raise ConfigError([f"{path}: not UTF-8 text: {error.reason} at byte {error.start}"]) from None
    document = read(text, file.parent, see=see)
    config = build(document, file.parent, see)
    if config is None or document.problems:
        problems = sorted(set(document.problems), key=lambda problem: (problem.line, problem.column, problem.message))
        raise ConfigError([f"{path}:{p.line}:{p.column}: {dotted(p.path)}{p.message}" for p in problems])
    for places in (document.places, document.keys, document.written):
        release(places)
    return config


def build(document: Document, folder: FilePath, see: See = unwatched) -> Config | None:
    """The Config that a document describes, or None; problems are added to those of the document."""
    if document.data is None and not document.problems:
        document.problem((), "the file is empty; config.example.yaml shows what goes in")
    if document.data is None:
        return None
    check(document)
    clients = read_http_clients(document, folder, see)
    try:
        file = schema.File.model_validate(without_empty_lists(document.data))
    except ValidationError as error:
        note(error, document)
        return None
    if document.problems:
        return None
    make = Maker(file, clients)
    config = Config(
        targets=tuple(map(make.project, file.projects)),
        limits={Api.ECS: METADATA_LIMIT, **{Api(api): Limit(**limit.model_dump()) for api, limit in file.limits}},
        discovery=tuple(map(make.discovery, file.discovery)),
        notices=tuple(notices(file, clients)),
    )
    release(file.projects)
    return config


def without_empty_lists(data: Any) -> Any:
    """The data without lists in which every line is commented out."""
    return {k: v for k, v in data.items() if v is not None or k not in LISTS} if isinstance(data, dict) else data


def note(error: ValidationError, document: Document) -> None:
    """Note what does not fit the schema, except where the document itself is already to blame."""
    blamed = {problem.path for problem in document.problems if problem.path}
    for detail in error.errors():
        path, message, at_key = explain(detail)
        if path in blamed or (detail["type"] == "missing" and path[:-1] in blamed):
            continue
        # An unknown key among secrets may be part of one, after a comma or a colon that should have been quoted.
        hidden = detail["type"] == "extra_forbidden" and path[0] == "credentials" and len(path) > 3
        document.problem(path, message, at_key=at_key, shown=path[:-1] if hidden else path)


def explain(detail: ErrorDetails) -> tuple[Path, str, bool]:
    """Path, message and whether it is about the key, of one of pydantic's errors; no value is ever told."""
    path: Path = tuple(part for part in detail["loc"] if part != "[key]")
    about_key = detail["loc"][-1:] == ("[key]",)
    match detail["type"]:
        case "extra_forbidden":
            return path, f"unknown key{suggestion(str(path[-1]), known_keys(path[:-1]))}", True
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


def known_keys(path: Path) -> list[str]:
    """The keys that may stand in the mapping at `path`."""
    annotation: Any = schema.File
    for part in path:
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            annotation = annotation.model_fields[str(part)].annotation
        else:
            annotation = get_args(annotation)[-1]  # the values of a dict, the items of a list
        annotation = schema.section(annotation) or annotation
    return list(annotation.model_fields)


def dotted(path: Path) -> str:
    """A path as people write it, `projects[2].region: `; empty for the whole file."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return f"{text.removeprefix('.')}: " if text else ""
