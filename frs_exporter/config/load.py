"""Document and schema become a frozen Config, or every problem at once as `file:line:column: path: message`."""

import difflib
import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from frs_exporter import model
from frs_exporter.config import schema
from frs_exporter.config.document import Document, Path, read
from frs_exporter.errors import ConfigError
from frs_exporter.model import Api, HttpOptions, Job, KeyCredential, Limit, Target, TokenCredential

DEFAULTS: dict[str, Any] = {
    "poll_interval": "1m",
    "poll_timeout": "10s",
    "collectors": ["subscription"],
    "create_time_zone": "UTC",
    "require": [],
}
STALE_INTERVALS = 3


@dataclass(frozen=True, slots=True)
class Config:
    """What the exporter is to do; `warnings` are allowed but probably not meant."""

    targets: tuple[Target, ...]
    limits: Mapping[Api, Limit]
    http: HttpOptions
    warnings: tuple[str, ...] = ()

    @property
    def jobs(self) -> tuple[Job, ...]:
        """Each target with each of its collectors."""
        return tuple(Job(target, collector) for target in self.targets for collector in target.collectors)


def load(path: str) -> Config:
    """Read a config file; raises ConfigError with all that is wrong with it."""
    file = FilePath(path)
    try:
        text = file.read_text("utf-8")
    except OSError as error:
        raise ConfigError([f"{path}: cannot read the config file: {error.strerror}"]) from None
    except UnicodeDecodeError as error:
        raise ConfigError([f"{path}: not UTF-8 text: {error.reason} at byte {error.start}"]) from None
    document = read(text, file.parent)
    config = build(document, file.parent)
    if config is None or document.problems:
        problems = sorted(set(document.problems), key=lambda problem: (problem.line, problem.column, problem.message))
        raise ConfigError([f"{path}:{p.line}:{p.column}: {dotted(p.path)}{p.message}" for p in problems])
    return config


def build(document: Document, folder: FilePath) -> Config | None:
    """The Config that a document describes, or None; problems are added to those of the document."""
    if document.data is None and not document.problems:
        document.problem((), "the file is empty; config.example.yaml shows what goes in")
    if document.data is None:
        return None
    if isinstance(document.data, dict):
        check_credentials_exist(document)
        refuse_twins(document)
        check_stale_after(document)
    try:
        file = schema.File.model_validate(document.data)
    except ValidationError as error:
        note(error, document)
        return None
    tls = file.http_client.tls_config
    ca_file = str(folder / tls.ca_file) if tls.ca_file else None
    if ca_file:
        check_ca_file(ca_file, document)
    if document.problems:
        return None
    return Config(
        targets=tuple(make_target(file, project) for project in file.projects),
        limits={api: Limit(**getattr(file.limits, api).model_dump()) for api in Api},
        http=HttpOptions(file.http_client.proxy_url, ca_file),
        warnings=tuple(plain_http(file.endpoints)),
    )


def note(error: ValidationError, document: Document) -> None:
    """Note what does not fit the schema, except where the document itself is already to blame."""
    blamed = [problem.path for problem in document.problems if problem.path]
    for detail in error.errors():
        path, message, at_key = explain(detail)
        if not any(path[: len(bad)] == bad for bad in blamed):
            document.problem(path, message, at_key=at_key)


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
            return path, f"must be text, but YAML reads it as {kind(detail['input'])}: put it in quotes", about_key
        case "list_type" | "tuple_type":
            return path, f"must be a list, but is {kind(detail['input'])}", about_key
        case "dict_type" | "model_type" | "model_attributes_type":
            return path, f"must be a mapping, but is {kind(detail['input'])}", about_key
        case "too_short":
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
        annotation = next((arm for arm in get_args(annotation) if arm in (schema.Token, schema.AkSk)), annotation)
    return list(annotation.model_fields)


def suggestion(name: str, known: list[str]) -> str:
    """The nearest known name, or all of them."""
    near = difflib.get_close_matches(name, known, n=1)
    return f"; did you mean {near[0]}?" if near else f"; known here: {', '.join(sorted(known))}"


def make_target(file: schema.File, project: schema.Project) -> Target:
    """The target of one project, with the defaults filled in."""
    fallback = schema.Settings.model_validate(DEFAULTS)

    def setting(name: str) -> Any:
        values = (getattr(source, name) for source in (project, file.defaults, fallback))
        return next((value for value in values if value is not None), None)

    interval: float = setting("poll_interval")
    return Target(
        project=project.name,
        project_id=project.project_id,
        region=project.region,
        credential=make_credential(project.credential, file.credentials[project.credential]),
        endpoints={api: getattr(file.endpoints, api).replace("{region}", project.region) for api in Api},
        collectors=tuple(dict.fromkeys(setting("collectors"))),
        require=tuple(dict.fromkeys(setting("require"))),
        labels=tuple(sorted(project.labels.items())),
        create_time_zone=setting("create_time_zone"),
        poll_interval=interval,
        poll_timeout=setting("poll_timeout"),
        stale_after=setting("stale_after") or STALE_INTERVALS * interval,
    )


def make_credential(name: str, credential: schema.Credential) -> model.Credential:
    """The credential of its kind."""
    if credential.token:
        token = credential.token
        return TokenCredential(name, token.domain_name, token.user_name, token.password)
    assert credential.ak_sk
    keys = credential.ak_sk
    return KeyCredential(name, keys.access_key, keys.secret_key, keys.security_token)


# The checks across parts read the document itself, so that a mistake in one part hides none in another.


def raw_projects(document: Document) -> Iterator[tuple[int, dict[str, Any]]]:
    """The projects that are mappings, with their indexes."""
    projects = document.data.get("projects")
    yield from ((i, p) for i, p in enumerate(projects if isinstance(projects, list) else ()) if isinstance(p, dict))


def check_credentials_exist(document: Document) -> None:
    """Note projects whose credential is not there."""
    credentials = document.data.get("credentials")
    names = list(credentials) if isinstance(credentials, dict) else []
    for index, project in raw_projects(document):
        name, path = project.get("credential"), ("projects", index, "credential")
        if names and isinstance(name, str) and name not in names:
            document.problem(path, f"no credential is named {document.written[path]}{suggestion(name, names)}")


def refuse_twins(document: Document) -> None:
    """Note projects that share a name or are the same project of the same region."""
    for keys, what in ((("name",), "name"), (("region", "project_id"), "region and project_id")):
        first: dict[tuple[Any, ...], int] = {}
        for index, project in raw_projects(document):
            values = tuple(project.get(key) for key in keys)
            if all(isinstance(value, str) for value in values) and first.setdefault(values, index) != index:
                message = f"the same {what} as projects[{first[values]}]; a project is watched once"
                document.problem(("projects", index, keys[-1]), message)


def check_stale_after(document: Document) -> None:
    """Note where answers would go stale before the next one can come."""
    defaults = document.data.get("defaults")
    sources: list[tuple[Path, Any]] = [(("projects", index), project) for index, project in raw_projects(document)]
    for path, source in [(("defaults",), defaults), *sources]:
        settings = {
            **DEFAULTS,
            **(defaults if isinstance(defaults, dict) else {}),
            **(source if isinstance(source, dict) else {}),
        }
        own = next((key for key in ("stale_after", "poll_interval") if key in (source or ())), None)
        try:
            stale_after = schema.seconds(settings["stale_after"])
            interval = schema.seconds(settings["poll_interval"])
        except (KeyError, ValueError):
            continue  # nothing to compare, or a problem of its own
        if own and stale_after <= interval:
            values = settings["stale_after"], settings["poll_interval"]
            document.problem((*path, own), "stale_after ({}) must be longer than poll_interval ({})".format(*values))


def check_ca_file(ca_file: str, document: Document) -> None:
    """Note a file that holds no certificates."""
    try:
        ssl.create_default_context(cafile=ca_file)
    except OSError as error:  # ssl.SSLError is one too
        problem = "no PEM certificates in it" if isinstance(error, ssl.SSLError) else error.strerror
        document.problem(("http_client", "tls_config", "ca_file"), f"cannot use the file: {problem}")


def plain_http(endpoints: schema.Endpoints) -> Iterator[str]:
    """A warning for each endpoint to which secrets would travel readably."""
    for name, url in endpoints:
        host = url.split("://", 1)[1]
        if url.startswith("http:") and not host.startswith(("127.", "localhost", "[::1]")):
            yield f"endpoints.{name} is plain http: tokens and signatures can be read on the way"


def dotted(path: Path) -> str:
    """A path as people write it, `projects[2].region: `; empty for the whole file."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return f"{text.removeprefix('.')}: " if text else ""
