"""Document and schema become a frozen Config, or every problem at once as `file:line:column: path: message`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pydantic import ValidationError

from frs_exporter.config import schema
from frs_exporter.config.build import Maker
from frs_exporter.config.credentials import CredentialReader
from frs_exporter.config.cross_checks import check, check_files_say_something
from frs_exporter.config.endpoints import resolved_endpoints
from frs_exporter.config.files import Paths, config_files, in_order, overlooked
from frs_exporter.config.http_client import read_http_clients
from frs_exporter.config.join import LISTS, join
from frs_exporter.config.problems import note, read_text, refused
from frs_exporter.config.warnings import notices
from frs_exporter.config.yaml import EXTENSION, MAX_NODES, Document, OnRead, Problem, read, unwatched
from frs_exporter.core.discovery import Discovery
from frs_exporter.core.errors import ConfigError
from frs_exporter.core.model import KEY_SERVICES, Api, Job, Limit, Notice, Target
from frs_exporter.runtime.offload import drain, without_collections

MAX_CONFIG = 1 << 26
"""Bytes of a config that are read, of all its files together; 100,000 projects are a third of it."""
EMPTY = "the file is empty; remove it, or write a comment in it if that is meant"
"""One of several files that has lost what was in it would take its projects along, and nobody would be told."""
KEYS_LIMIT = Limit(rate=1.0, concurrency=1)
"""Of each service that is asked for temporary keys now and then."""


@dataclass(frozen=True, slots=True)
class Config:
    """What the exporter is to do; `notices` tell what the file says but probably does not mean.

    `sources` tell where credentials were found that could have been anywhere.
    """

    targets: tuple[Target, ...]
    limits: Mapping[Api, Limit]
    discovery: tuple[Discovery, ...] = ()
    notices: tuple[Notice, ...] = ()
    sources: tuple[str, ...] = ()

    @property
    def jobs(self) -> tuple[Job, ...]:
        """Each target of the file with each of its collectors."""
        return tuple(Job(target, collector) for target in self.targets for collector in target.display.collectors)


@without_collections()
def load(path: Paths, on_read: OnRead = unwatched) -> Config:
    """Read a config; `on_read` gets each file before it is read. Raises ConfigError with all that is wrong.

    It is made of a file, of the files in a folder, or of several such.
    """
    document = read_document(in_order(path), on_read)
    config = build(document, on_read)
    if config is None or document.problems:
        raise refused(document, schema.File)
    sections = (section for section in document.data.values() if isinstance(section, dict | list))
    for large in (document.marks, document.keys, document.raw, document.origins, *sections):
        drain(large)
    return replace(config, notices=(*overlooked(in_order(path)), *config.notices))


def read_document(paths: Sequence[str], on_read: OnRead) -> Document:
    """The document that all files make together; raises ConfigError where there are none, or they are too long."""
    files = config_files(paths, on_read)
    if len(files) == 1:
        return read(read_text(files[0], MAX_CONFIG, on_read, regular=files[0] not in paths), files[0], on_read=on_read)
    whole = Document(", ".join(paths))
    for file, text in read_texts(files, paths, on_read):
        part = unread(file, text) if isinstance(text, ConfigError) else read_part(text, file, on_read, whole)
        whole.incomplete |= part.data is None and bool(part.problems)
        join(whole, part)
        if whole.nodes > MAX_NODES:
            break  # each file after this one would be too large, too
    return whole


def read_texts(files: Sequence[str], given: Sequence[str], on_read: OnRead) -> list[tuple[str, str | ConfigError]]:
    """All files with their texts, or with what keeps one from being read; raises ConfigError if they are too long.

    A pipe is read where it was `given` by its name.
    """
    texts: list[tuple[str, str | ConfigError]] = []
    size = 0
    for file in files:
        try:
            text = read_text(file, MAX_CONFIG, on_read, regular=file not in given)
        except ConfigError as error:
            texts.append((file, error))
            continue
        texts.append((file, text))
        size += len(text.encode())
        if size > MAX_CONFIG:
            raise ConfigError([f"{', '.join(given)}: all files together are longer than {MAX_CONFIG} bytes"])
    return texts


def read_part(text: str, file: str, on_read: OnRead, after: Document) -> Document:
    """One of several files; it may be empty only if it says so."""
    if text.strip():
        return read(text, file, on_read=on_read, after=after)
    part = Document(file)
    part.problem((), EMPTY)
    return part


def unread(file: str, error: ConfigError) -> Document:
    """What a file that cannot be read adds to the others: what is wrong with it."""
    problems = [Problem(file, 0, 0, (), problem.removeprefix(f"{file}: ")) for problem in error.problems]
    return Document(file, problems=problems, temporary=error.temporary)


def build(document: Document, on_read: OnRead = unwatched) -> Config | None:
    """The Config that a document describes, or None; problems are added to those of the document."""
    if document.data is None and not document.problems:
        what = "the files are" if document.origins else "the file is"
        document.problem((), f"{what} empty; frs-exporter config-example shows what goes in")
    if document.data is None:
        return None
    clients = {}
    if not document.incomplete:  # what stands in one part may be meant for what another says
        check(document)
        clients = read_http_clients(document, on_read)
    try:
        file = schema.File.model_validate(without_extras(document.data))
    except ValidationError as error:
        note(error, document, schema.File)
        return None
    if document.incomplete:
        return None
    check_files_say_something(document)
    endpoints = resolved_endpoints(file)
    reader = CredentialReader(document, on_read)
    credentials = reader.read(file.credentials, endpoints)
    if document.problems:
        return None
    make = Maker(file, clients, endpoints, credentials)
    config = Config(
        targets=(*map(make.project, file.projects), *map(make.account, file.accounts)),
        limits=limits_of(file),
        discovery=tuple(map(make.discovery, file.discovery)),
        sources=tuple(reader.sources),
        notices=(*notices(file, clients, endpoints, credentials, document), *reader.notices),
    )
    drain(file.projects)
    return config


def limits_of(file: schema.File) -> dict[Api, Limit]:
    """How politely each API is called."""
    return {
        **dict.fromkeys(KEY_SERVICES, KEYS_LIMIT),
        **{Api(api): Limit(**limit.model_dump()) for api, limit in file.limits},
    }


def without_extras(data: Any) -> Any:
    """The data without what is there for anchors only, and without lists in which every line is commented out."""
    if not isinstance(data, dict):
        return data
    return {k: v for k, v in data.items() if not k.startswith(EXTENSION) and (v is not None or k not in LISTS)}
