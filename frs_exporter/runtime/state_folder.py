"""The folder in which a program keeps what must outlive it: where it cannot be used, memory does, with one warning."""

import contextlib
from collections.abc import Callable
from pathlib import Path

import structlog

from frs_exporter.runtime.files import reason_of
from frs_exporter.runtime.private_folder import LOCK_TIMEOUT, locked_folder, open_folder

log = structlog.get_logger()


class StateFolder:
    """A folder, or with None none, in which the file `lock` is locked by who writes; for any thread.

    Never raises for what is wrong with the folder. Its methods wait for the disk, and up to `timeout` seconds for the
    lock.
    """

    def __init__(self, path: Path | None, lock: str, *, timeout: float = LOCK_TIMEOUT) -> None:
        self.path = path
        self._lock = lock
        self._timeout = timeout
        self.problems: dict[str, str] = {}
        """Why something is not kept, or was not read: what was logged, each once."""

    def look(self, take: Callable[[int], None]) -> bool:
        """Let `take` read there, by the folder's descriptor, if it is made yet; whether it is known what is there."""
        if self.path is None:
            return True
        try:
            with open_folder(self.path) as folder:
                take(folder)
        except FileNotFoundError:  # it is made when there is something to put there
            pass
        except OSError as error:
            self.memory_will_do(error)
            return False
        return True

    def lock(self, stack: contextlib.ExitStack, take: Callable[[int], None]) -> int | None:
        """The descriptor, locked until the stack ends, once `take` has read there; None where memory must do."""
        if self.path is None:
            return None
        try:
            folder = stack.enter_context(locked_folder(self.path, self._lock, self._timeout))
            take(folder)
        except OSError as error:
            self.memory_will_do(error)
            self.look(take)  # reading may be possible
            return None
        return folder

    def memory_will_do(self, error: Exception) -> None:
        """Warn that something could not be written, or locked."""
        self.report("state is kept in memory only", directory=str(self.path), error=reason_of(error))

    def ignore(self, file: str, error: Exception) -> None:
        """Warn that a file there is not read."""
        self.report("state file ignored", file=f"{self.path}/{file}", error=reason_of(error))

    def report(self, event: str, **fields: str) -> None:
        """Log a warning, once."""
        if event not in self.problems:
            self.problems[event] = ": ".join((event, *fields.values()))
            log.warning(event, **fields)
