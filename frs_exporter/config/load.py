"""Document and schema become a frozen Config, or every problem at once as `file:line:column: path: message`."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import Any

from pydantic import ValidationError

from frs_exporter.config import schema
from frs_exporter.config.build import Maker
from frs_exporter.config.cross_checks import check
from frs_exporter.config.http_client import read_http_clients
from frs_exporter.config.problems import note, read_text, refused
from frs_exporter.config.warnings import notices
from frs_exporter.config.yaml import EXTENSION, Document, OnRead, read, unwatched
from frs_exporter.core.discovery import Discovery
from frs_exporter.core.model import Api, Job, Limit, Notice, Target
from frs_exporter.runtime.offload import drain, without_collections

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
        return tuple(Job(target, collector) for target in self.targets for collector in target.display.collectors)


@without_collections()
def load(path: str, on_read: OnRead = unwatched) -> Config:
    """Read a config file; `on_read` gets each file before it is read. Raises ConfigError with all that is wrong."""
    folder = FilePath(path).parent
    document = read(read_text(path, MAX_CONFIG, on_read), folder, on_read=on_read)
    config = build(document, folder, on_read)
    if config is None or document.problems:
        raise refused(path, document, schema.File)
    for large in (document.marks, document.keys, document.raw, *filter(None, document.data.values())):
        drain(large)
    return config


def build(document: Document, folder: FilePath, on_read: OnRead = unwatched) -> Config | None:
    """The Config that a document describes, or None; problems are added to those of the document."""
    if document.data is None and not document.problems:
        document.problem((), "the file is empty; frs-exporter config-example shows what goes in")
    if document.data is None:
        return None
    check(document)
    clients = read_http_clients(document, folder, on_read)
    try:
        file = schema.File.model_validate(without_extras(document.data))
    except ValidationError as error:
        note(error, document, schema.File)
        return None
    if document.problems:
        return None
    make = Maker(file, clients)
    config = Config(
        targets=tuple(map(make.project, file.projects)),
        limits=limits_of(file),
        discovery=tuple(map(make.discovery, file.discovery)),
        notices=tuple(notices(file, clients, document)),
    )
    drain(file.projects)
    return config


def limits_of(file: schema.File) -> dict[Api, Limit]:
    """How politely each API is called."""
    return {Api.ECS: METADATA_LIMIT, **{Api(api): Limit(**limit.model_dump()) for api, limit in file.limits}}


def without_extras(data: Any) -> Any:
    """The data without what is there for anchors only, and without lists in which every line is commented out."""
    if not isinstance(data, dict):
        return data
    return {k: v for k, v in data.items() if not k.startswith(EXTENSION) and (v is not None or k not in LISTS)}
