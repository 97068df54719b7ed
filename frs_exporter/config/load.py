"""Document and schema become a frozen Config, or every problem at once as `file:line:column: path: message`."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path as FilePath
from typing import Any, get_args
from urllib.parse import urlsplit

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from frs_exporter import model
from frs_exporter.config import schema
from frs_exporter.config.checks import DEFAULTS, check, longest_pause, suggestion
from frs_exporter.config.document import Document, Path, read
from frs_exporter.errors import ConfigError
from frs_exporter.model import Api, HttpOptions, Job, KeyCredential, Limit, Notice, Target, TokenCredential

FALLBACK = schema.Settings.model_validate(DEFAULTS)
STALE_INTERVALS = 3


@dataclass(frozen=True, slots=True)
class Config:
    """What the exporter is to do; `notices` tell what the file says but probably does not mean."""

    targets: tuple[Target, ...]
    limits: Mapping[Api, Limit]
    http: HttpOptions
    notices: tuple[Notice, ...] = ()

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
    check(document, folder)
    try:
        file = schema.File.model_validate(without_empty_sections(document.data))
    except ValidationError as error:
        note(error, document)
        return None
    if document.problems:
        return None
    ca_file = file.http_client.tls_config.ca_file
    return Config(
        targets=tuple(make_target(file, project) for project in file.projects),
        limits={api: Limit(**getattr(file.limits, api).model_dump()) for api in Api},
        http=HttpOptions(file.http_client.proxy_url, str(folder / ca_file) if ca_file else None),
        notices=(*plain_http(file.endpoints), *same_user(file.credentials)),
    )


def without_empty_sections(data: Any) -> Any:
    """The data without sections in which every line is commented out: their defaults hold."""
    optional = {name for name, field in schema.File.model_fields.items() if not field.is_required()}
    return {k: v for k, v in data.items() if v is not None or k not in optional} if isinstance(data, dict) else data


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


def make_target(file: schema.File, project: schema.Project) -> Target:
    """The target of one project, with the defaults filled in."""

    def setting(name: str) -> Any:
        values = (getattr(source, name) for source in (project, file.defaults, FALLBACK))
        return next((value for value in values if value is not None), None)

    interval, timeout = setting("poll_interval"), setting("poll_timeout")
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
        poll_timeout=timeout,
        stale_after=setting("stale_after") or max(STALE_INTERVALS * interval, longest_pause(interval, timeout)),
    )


def make_credential(name: str, credential: schema.Credential) -> model.Credential:
    """The credential of its kind."""
    if credential.token:
        token = credential.token
        return TokenCredential(name, token.domain_name, token.user_name, token.password)
    assert credential.ak_sk
    keys = credential.ak_sk
    return KeyCredential(name, keys.access_key, keys.secret_key, keys.security_token)


def plain_http(endpoints: schema.Endpoints) -> Iterator[Notice]:
    """A notice for each endpoint to which secrets would travel readably."""
    for name, url in endpoints:
        parts = urlsplit(url)
        if parts.scheme == "http" and not is_loopback(parts.hostname or ""):
            yield Notice(f"endpoints.{name} is plain http: tokens and signatures can be read on the way")


def same_user(credentials: Mapping[str, schema.Credential]) -> Iterator[Notice]:
    """A notice for each credential that is another one's user or key: what the vendor counts, it counts for both."""
    first: dict[tuple[str, ...], str] = {}
    for name, credential in credentials.items():
        made = make_credential(name, credential)
        user = (made.domain_name, made.user_name) if isinstance(made, TokenCredential) else (made.access_key,)
        if first.setdefault(user, name) != name:
            text = (
                f"credentials.{name} is the same user as credentials.{first[user]}: the vendor's quota and lock count "
            )
            yield Notice(text + "them together, the exporter does not; use one of them for all projects")


def is_loopback(host: str) -> bool:
    """Whether a host is this machine itself."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def dotted(path: Path) -> str:
    """A path as people write it, `projects[2].region: `; empty for the whole file."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return f"{text.removeprefix('.')}: " if text else ""
