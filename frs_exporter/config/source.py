"""Where the config comes from: its file, and all that the file refers to; tells whether any of them has changed."""

import os
from collections.abc import Callable
from pathlib import Path as FilePath
from typing import Generic, TypeVar

from frs_exporter.config.document import See
from frs_exporter.errors import ConfigError

T_co = TypeVar("T_co", covariant=True)

Stamp = tuple[int, ...]
"""What changes when a file is written, replaced, or reached by another link: empty where there is none."""


class Source(Generic[T_co]):
    """A config file and what reads it; it may be loaded again and again, by one thread at a time."""

    def __init__(self, path: str, read: Callable[[str, See], T_co]) -> None:
        self.path = path
        self._read = read
        self._stamps: dict[FilePath, Stamp] = {}
        self._loaded = False

    def load(self) -> T_co:
        """Read it, and remember what all files were like just before; raises ConfigError."""
        stamps: dict[FilePath, Stamp] = {}
        if self._loaded and FilePath(self.path).exists() and not FilePath(self.path).is_file():
            raise ConfigError([f"{self.path}: not a regular file: it cannot be read again"])

        def see(file: FilePath) -> None:
            stamps.setdefault(file, stamp(file))

        try:
            config = self._read(self.path, see)
        finally:
            self._stamps = stamps
        self._loaded = True
        return config

    def changed(self) -> bool:
        """Whether any file that was read, or was to be read, is not as it was."""
        return any(stamp(file) != before for file, before in self._stamps.items())


def stamp(file: FilePath) -> Stamp:
    """What tells one state of a file from another, links followed."""
    try:
        status = os.stat(file)
    except (OSError, ValueError):
        return ()
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns
