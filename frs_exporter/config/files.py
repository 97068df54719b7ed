"""Which files a config is made of: each that is given, and those of a folder in the order of their names."""

import contextlib
import hashlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from frs_exporter.config.yaml import OnRead
from frs_exporter.core.errors import ConfigError
from frs_exporter.core.model import Notice
from frs_exporter.runtime.files import Fingerprint, fingerprint, is_temporary, reason_of

Paths = str | Sequence[str]
"""One file or folder, or several."""
MAX_FILES = 1000
ENDINGS = (".yaml", ".yml")


def in_order(paths: Paths) -> tuple[str, ...]:
    """The paths, however many they are."""
    return (paths,) if isinstance(paths, str) else tuple(paths)


def names_in(folder: Path | str) -> list[str]:
    """The names of the config files in a folder, in their order; raises OSError.

    Hidden ones are none: editors have such, and in a Kubernetes volume they hold the same files once more.
    """
    with os.scandir(folder) as entries:
        return sorted(
            entry.name for entry in entries if entry.name.endswith(ENDINGS) and not entry.name.startswith(".")
        )


def overlooked_in(folder: Path | str) -> list[str]:
    """The names of files in a folder that were probably meant, but are not read; raises OSError.

    `team.yaml.bak` was set aside, but `team.yaml.txt` is what an editor makes of a name whose end it hides.
    """
    with os.scandir(folder) as entries:
        names = sorted(entry.name for entry in entries if not entry.name.startswith("."))
    return [
        name for name in names if name.lower().removesuffix(".txt").endswith(ENDINGS) and not name.endswith(ENDINGS)
    ]


def overlooked(paths: Sequence[str]) -> Iterator[Notice]:
    """A notice for each folder in which there is a file that was probably meant, but is not read."""
    for path in paths:
        with contextlib.suppress(OSError):
            if names := overlooked_in(path):
                more = f" (and {len(names) - 1} more)" if len(names) > 1 else ""
                file = os.path.join(path, names[0])
                yield Notice(f"{file} is not read, as its name does not end in {' or '.join(ENDINGS)}; rename it{more}")


def fingerprint_of(path: Path) -> Fingerprint:
    """What tells one state of a file from another; of a folder, one state of the config files in it."""
    try:
        if not os.path.isdir(path):
            return fingerprint(path)
        states = [(name, fingerprint(path / name)) for name in names_in(path)]
    except OSError as error:
        return (error.errno or 0,)
    digest = hashlib.blake2b(repr(states).encode("utf-8", "surrogateescape"), digest_size=16)
    return (int.from_bytes(digest.digest()),)


def config_files(paths: Sequence[str], on_read: OnRead) -> list[str]:
    """The files that `paths` stand for; `on_read` gets each path before it is looked at. Raises ConfigError."""
    files: list[str] = []
    for path in paths:
        on_read(Path(path))
        try:
            names = names_in(path) if os.path.isdir(path) else None
        except OSError as error:
            problem = f"{path}: cannot list the files of this folder: {reason_of(error)}"
            raise ConfigError([problem], temporary=is_temporary(error)) from None
        if names == []:
            problem = f"{path}: there is no file in this folder whose name ends in {' or '.join(ENDINGS)}"
            raise ConfigError([problem + "".join(f"; rename {name}" for name in overlooked_in(path)[:1])])
        files += [path] if names is None else [os.path.join(path, name) for name in names]
        if len(files) > MAX_FILES:
            raise ConfigError([f"{path}: too many files: a config may be made of {MAX_FILES}"])
    if problems := list(same_twice(files)):
        raise ConfigError(problems)
    return files


def same_twice(files: Sequence[str]) -> Iterator[str]:
    """A problem for each file that is another one of them, by whatever name."""
    first: dict[tuple[int, int], int] = {}
    for index, file in enumerate(files):
        try:
            status = os.stat(file)
        except (OSError, ValueError):  # whoever reads it will say why it cannot be read
            continue
        if (same := first.setdefault((status.st_dev, status.st_ino), index)) != index:
            if file == files[same]:
                yield f"{file}: given twice, maybe also by its folder; a file is given once"
            else:
                yield f"{file}: the same file as {files[same]}; a file is given once"
