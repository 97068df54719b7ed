"""What secrets look like that were probably meant otherwise: told by their place, and never by what is in them."""

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path as FilePath

from pydantic import BaseModel, SecretStr

from frs_exporter.config import schema
from frs_exporter.config.problems import location
from frs_exporter.config.yaml import Document, Path
from frs_exporter.core.model import Notice
from frs_exporter.runtime.files import is_open_to_all

FILLED_IN = "nobody fills in what looks like a placeholder: use !env NAME or !file PATH"
BLANKS = "it begins or ends with a blank, which is taken for a part of it"
QUOTES = "it has quotes around it, which are taken for a part of it"
NAMED = "the file seems to hold a name before the secret; write nothing but the secret into it"
OPEN_FILE = "every user of this machine can read the file; chmod o-r takes that away"
OPEN_CONFIG = "the secret stands in this file, which every user of this machine can read; use !file, or chmod o-r"
CUT_OFF = "what comes after the # is not read, as a blank stands before it; put the whole secret in quotes"

PLACEHOLDER = re.compile(
    r"[$@#%]\{.*\}#?|\$\(.*\)|\$[A-Z_][A-Z0-9_]*|\{\{.*\}\}|<[^<>]*>|%[A-Z_]+%|@[A-Z_]+@|__[A-Z_]+__|ENC\[.*\]"
    r"|change[-_ ]?me|your[-_ ](password|secret|key|sk)|\*{3,}|x{3,}|\.{3,}|…",
    re.IGNORECASE,
)
"""As shells, Compose, CI, Helm, SOPS, manuals and Windows write what is to be filled in, or was blacked out."""
PAIRS = ('""', "''", "``", "\u201c\u201d", "\u2018\u2019")
"""Quotes, those of word processors among them."""
NAME = re.compile(
    r"(export +)?[A-Z_.-]{0,40}(password|passwd|pwd|pw|secret|token|key|sk)[A-Z_.-]{0,40}\s*[=:]", re.IGNORECASE
)


def odd_secrets(credentials: Mapping[str, schema.Credential], document: Document) -> Iterator[Notice]:
    """A notice for each secret that is probably not the one that is meant."""
    for name, credential in credentials.items():
        for path, secret in secrets_of(credential, ("credentials", name)):
            for text in oddities(secret, in_a_file=path in document.files):
                yield Notice(f"{location(document, path)}: {text}")
            if path in document.cut_off:
                yield Notice(f"{location(document, path)}: {CUT_OFF}")


def open_files(document: Document, secrets: Iterable[Path]) -> Iterator[Notice]:
    """A notice for each file with a secret or a private key in it that every user of this machine can read.

    `secrets` are the paths at which secrets stand; those that are not in files of their own are nothing here.
    """
    files = {path: document.files[path] for path in secrets if path in document.files}
    for path, file in (*files.items(), *document.key_files.items()):
        if is_open_to_all(file):
            yield Notice(f"{location(document, path)}: {OPEN_FILE}")


def open_config(document: Document, secrets: Iterable[Path]) -> Iterator[Notice]:
    """A notice for each file of a config in which secrets stand, and which every user of this machine can read.

    Those that `!env` and `!file` fill in stand elsewhere.
    """
    inside: dict[str, list[Path]] = {}
    for path in secrets:
        if not document.raw.get(path, "").startswith(("!env ", "!file ")):
            inside.setdefault(document.origin(path).file, []).append(path)
    for file, paths in inside.items():
        if file and is_open_to_all(FilePath(file)):  # what flags say stands in none
            more = f" (and {len(paths) - 1} more)" if len(paths) > 1 else ""
            yield Notice(f"{location(document, paths[0])}: {OPEN_CONFIG}{more}")


def secret_places(file: schema.File) -> Iterator[Path]:
    """Where a config has secrets: a proxy's URL is one if there is a login in it."""
    for path, secret in (
        *secrets_of(file.http_client, ("http_client",)),
        *(
            found
            for name, credential in file.credentials.items()
            for found in secrets_of(credential, ("credentials", name))
        ),
    ):
        if path[-1] != "proxy_url" or "@" in secret:
            yield path


def secrets_of(model: BaseModel, path: Path) -> Iterator[tuple[Path, str]]:
    """All secrets in a section, with their paths."""
    for name, value in model:
        if isinstance(value, SecretStr):
            yield (*path, name), value.get_secret_value()
        elif isinstance(value, BaseModel):
            yield from secrets_of(value, (*path, name))


def oddities(secret: str, *, in_a_file: bool) -> Iterator[str]:
    """What is odd about a secret."""
    if PLACEHOLDER.fullmatch(secret.strip()):
        yield FILLED_IN
    if secret != secret.strip():
        yield BLANKS
    if len(secret) > 1 and secret[0] + secret[-1] in PAIRS:
        yield QUOTES
    if in_a_file and NAME.match(secret):
        yield NAMED
