"""Checks across parts of the config: they read the document itself, so a mistake in one part hides none in another."""

import difflib
import ssl
from collections.abc import Iterator
from pathlib import Path as FilePath
from typing import Any

from frs_exporter.config.document import Document, Path
from frs_exporter.config.schema import Credential, seconds
from frs_exporter.polling.schedule import JITTER

DEFAULTS: dict[str, Any] = {
    "poll_interval": "1m",
    "poll_timeout": "10s",
    "collectors": ["subscription"],
    "create_time_zone": "UTC",
    "require": [],
}
"""What holds for a project when neither it nor the file's `defaults` say otherwise."""


def check(document: Document, folder: FilePath) -> None:
    """Note all that the schema cannot see; files are relative to `folder`."""
    check_credentials_exist(document)
    check_one_kind(document)
    refuse_twins(document)
    check_stale_after(document)
    check_ca_file(document, folder)


def mapping(value: Any) -> dict[str, Any]:
    """A mapping as it is; what is none is the schema's business, and empty here."""
    return value if isinstance(value, dict) else {}


def projects_of(document: Document) -> Iterator[tuple[int, dict[str, Any]]]:
    """The projects that are mappings, with their indexes."""
    projects = mapping(document.data).get("projects")
    yield from ((i, p) for i, p in enumerate(projects if isinstance(projects, list) else ()) if isinstance(p, dict))


def check_credentials_exist(document: Document) -> None:
    """Note projects whose credential is not there."""
    names = list(mapping(mapping(document.data).get("credentials")))
    for index, project in projects_of(document):
        name, path = project.get("credential"), ("projects", index, "credential")
        if names and isinstance(name, str) and name not in names:
            document.problem(path, f"no credential is named {document.written[path]}{suggestion(name, names)}")


def check_one_kind(document: Document) -> None:
    """Note credentials with none or several of the kinds: which one is used would be anybody's guess."""
    kinds = list(Credential.model_fields)
    for name, credential in mapping(mapping(document.data).get("credentials")).items():
        if isinstance(credential, dict) and len(credential.keys() & set(kinds)) != 1:
            document.problem(("credentials", name), f"must have exactly one of {' and '.join(kinds)}")


def refuse_twins(document: Document) -> None:
    """Note projects that share a name or are the same project of the same region."""
    for keys, what in ((("name",), "name"), (("region", "project_id"), "region and project_id")):
        first: dict[tuple[Any, ...], int] = {}
        for index, project in projects_of(document):
            values = tuple(project.get(key) for key in keys)
            if all(isinstance(value, str) for value in values) and first.setdefault(values, index) != index:
                message = f"the same {what} as projects[{first[values]}]; a project is watched once"
                document.problem(("projects", index, keys[-1]), message)


def check_stale_after(document: Document) -> None:
    """Note where an answer could go stale before the next one can be there."""
    defaults = mapping(mapping(document.data).get("defaults"))
    sources: list[tuple[Path, dict[str, Any]]] = [(("projects", index), p) for index, p in projects_of(document)]
    for path, own in [(("defaults",), defaults), *sources]:
        settings = {**DEFAULTS, **defaults, **own}
        blamed = next((key for key in ("stale_after", "poll_interval", "poll_timeout") if key in own), None)
        stale_after, interval = length(settings.get("stale_after")), length(settings["poll_interval"])
        if stale_after is None or interval is None:
            continue  # nothing to compare, or a problem of its own
        needed = longest_pause(interval, length(settings["poll_timeout"]) or 0.0)
        if blamed and stale_after < needed:
            names = "poll_interval ({poll_interval}), a twentieth of it, and poll_timeout ({poll_timeout})"
            told = f"stale_after ({{stale_after}}) must be at least {needed:g}s: {names}".format(**settings)
            document.problem((*path, blamed), told)


def length(duration: Any) -> float | None:
    """The seconds of a duration, None for what is none."""
    try:
        return seconds(duration)
    except ValueError:
        return None


def longest_pause(interval: float, timeout: float) -> float:
    """Seconds that may pass between two answers of a cloud that is well."""
    return interval * (1 + JITTER) + timeout


def check_ca_file(document: Document, folder: FilePath) -> None:
    """Note a file that holds no certificates."""
    tls = mapping(mapping(mapping(document.data).get("http_client")).get("tls_config"))
    if isinstance(tls.get("ca_file"), str) and tls["ca_file"]:
        try:
            ssl.create_default_context(cafile=str(folder / tls["ca_file"]))
        except OSError as error:  # ssl.SSLError is one too
            problem = "no PEM certificates in it" if isinstance(error, ssl.SSLError) else error.strerror
            document.problem(("http_client", "tls_config", "ca_file"), f"cannot use the file: {problem}")


def suggestion(name: str, known: list[str]) -> str:
    """The nearest known name, or all of them."""
    near = difflib.get_close_matches(name, known, n=1)
    return f"; did you mean {near[0]}?" if near else f"; known here: {', '.join(sorted(known))}"
