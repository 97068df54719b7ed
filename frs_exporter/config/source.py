"""Where a config comes from: its files, and all that these refer to; tells whether they are to be read again."""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path as FilePath
from typing import Generic, TypeVar

from frs_exporter.config.files import Paths, fingerprint_of, in_order
from frs_exporter.config.yaml import OnRead
from frs_exporter.core.errors import ConfigError
from frs_exporter.runtime.files import Fingerprint, is_incomplete
from frs_exporter.runtime.watched import Attempt

T = TypeVar("T")
P = TypeVar("P", bound=Paths)


class Source(Generic[T]):
    """The files of a config, or folders of them, and what reads them; it may be loaded again and again.

    Files count as seen once an attempt to read them all is accepted. One that has not read everything, for a reason
    that passes, leaves it `incomplete`: the files are to be read again, though none of them changes.
    """

    def __init__(self, path: P, read: Callable[[P, OnRead], T]) -> None:
        self._paths = in_order(path)
        self.path = ", ".join(self._paths)
        self._read = partial(read, path)
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
        before = {file: fingerprint_of(file) for file in self._in_force}
        read: dict[FilePath, Fingerprint] = {}

        def on_read(file: FilePath) -> None:
            read.setdefault(file, fingerprint_of(file))

        try:
            if self._loaded and (pipes := [path for path in self._paths if is_pipe(FilePath(path))]):
                raise ConfigError([f"{path}: not a regular file: it cannot be read again" for path in pipes])
            return Attempt(self._read(on_read), None, read)
        except Exception as error:
            return Attempt(None, error, {**before, **read})

    def accept(self, attempt: Attempt[T]) -> T:
        """The config that was read; raises what it was that kept it from being read."""
        self.incomplete = is_incomplete(attempt.error)
        if not self.incomplete:
            self._seen = attempt.files
        if attempt.error is not None:
            try:
                raise attempt.error from None
            finally:
                del attempt  # it holds an error that holds this frame
        assert attempt.config is not None
        self._in_force, self._loaded = frozenset(attempt.files), True
        return attempt.config

    def changed(self) -> bool:
        """Whether any file is not as it was when it was read, or not everything was read."""
        return self.incomplete or self.look() != self._seen

    def look(self) -> Mapping[FilePath, Fingerprint]:
        """What all files are like now that were read, or were to be read."""
        return {file: fingerprint_of(file) for file in self._seen}


def is_pipe(path: FilePath) -> bool:
    """Whether something is there that is neither a file nor a folder, and can be read once at best."""
    return path.exists() and not path.is_file() and not path.is_dir()
