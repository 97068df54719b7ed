"""Where a config comes from: its file, and all that the file refers to; tells whether they are to be read again."""

from collections.abc import Callable, Mapping
from pathlib import Path as FilePath
from typing import Generic, TypeVar

from frs_exporter.config.yaml import OnRead
from frs_exporter.core.errors import ConfigError
from frs_exporter.runtime.files import Fingerprint, fingerprint, is_incomplete
from frs_exporter.runtime.watched import Attempt

T = TypeVar("T")


class Source(Generic[T]):
    """A config file and what reads it; it may be loaded again and again.

    Files count as seen once an attempt to read them all is accepted. One that has not read everything, for a reason
    that passes, leaves it `incomplete`: the files are to be read again, though none of them changes.
    """

    def __init__(self, path: str, read: Callable[[str, OnRead], T]) -> None:
        self.path = path
        self._read = read
        self._seen: Mapping[FilePath, Fingerprint] = {}
        self._in_force: frozenset[FilePath] = frozenset()
        self._loaded = False
        self.incomplete = False

    def load(self) -> T:
        """Read it and accept what came of it; raises ConfigError."""
        return self.accept(self.attempt())

    def attempt(self) -> Attempt[T]:
        """Read it, which changes nothing here: a thread may do it that is given up and ends much later."""
        # A failed attempt may end before it comes to files that the config in force has.
        before = {file: fingerprint(file) for file in self._in_force}
        read: dict[FilePath, Fingerprint] = {}

        def on_read(file: FilePath) -> None:
            read.setdefault(file, fingerprint(file))

        try:
            if self._loaded and FilePath(self.path).exists() and not FilePath(self.path).is_file():
                raise ConfigError([f"{self.path}: not a regular file: it cannot be read again"])
            return Attempt(self._read(self.path, on_read), None, read)
        except Exception as error:
            return Attempt(None, error, {**before, **read})

    def accept(self, attempt: Attempt[T]) -> T:
        """The config that was read; raises what it was that kept it from being read."""
        self.incomplete = is_incomplete(attempt.error)
        if not self.incomplete:
            self._seen = attempt.files
        if attempt.error is not None:
            raise attempt.error from None
        assert attempt.config is not None
        self._in_force, self._loaded = frozenset(attempt.files), True
        return attempt.config

    def changed(self) -> bool:
        """Whether any file is not as it was when it was read, or not everything was read."""
        return self.incomplete or self.look() != self._seen

    def look(self) -> Mapping[FilePath, Fingerprint]:
        """What all files are like now that were read, or were to be read."""
        return {file: fingerprint(file) for file in self._seen}
