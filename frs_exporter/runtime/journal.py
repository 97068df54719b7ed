"""Facts that outlive the process, in a file to which each adds a line, and which processes may share.

`NAME.jsonl` in a folder, made 0700, with 0600; `NAME.lock` beside it is locked by who writes. Its lines are JSON:

    {"version": 1, "file": "32 hexadecimal digits, made with the file"}
    {"name": "NAME", "order": 1770000000.5, "until": 1800000000.0, "value": ...}

Of facts of one name the one with the greatest `order` holds, wherever it stands: so nothing takes the place of what is
newer, whoever writes it, how often, or how late. `until` is when it is of no use any more, in Unix seconds. A fact
costs a line, however many there are; when most lines hold no more, the file is replaced by one with those that do.
"""

import contextlib
import json
import re
import secrets
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from frs_exporter.runtime.facts import Fact, Facts, encoded, parsed
from frs_exporter.runtime.files import is_temporary, read_stream, reason_of
from frs_exporter.runtime.private_folder import LOCK_TIMEOUT, append_private, open_private, replace_private
from frs_exporter.runtime.state_folder import StateFolder

HEAD = re.compile(rb'\{"version": 1, "file": "[0-9a-f]{32}"\}\n')
MAX_HEAD = 80
MAX_SIZE = 256 << 20
"""Bytes that are read at once: the file of 100,000 projects has a third."""
SPARE = 1000
"""Lines that may hold no more before the file is replaced."""


class Position(NamedTuple):
    """How far a file was read, in bytes and lines; which one that was is known by its first line and the last one."""

    head: bytes = b""
    offset: int = 0
    lines: int = 0
    last: bytes = b""


class Journal:
    """Facts in a file of a directory, or with None in memory only; `now` is the wall clock in Unix seconds.

    Never raises: where the directory cannot be used, memory does, with one warning, and each write tries again. `read`
    and `update` wait for the disk, and for each other: make them off the event loop. The rest is for any thread.
    """

    def __init__(
        self, directory: Path | None, name: str, now: Callable[[], float] = time.time, *, timeout: float = LOCK_TIMEOUT
    ) -> None:
        self.folder = StateFolder(directory, f"{name}.lock", timeout=timeout)
        self._file = f"{name}.jsonl"
        self._facts = Facts(now)
        self._position = Position()
        self._longest = 0
        """In lines: how long the file may be, where it could not be made shorter."""
        self._reading = threading.RLock()
        """Held while the disk is waited for: what a position has behind it must be known."""
        self.was_read = directory is None
        """Whether it is known what is in the file, if that can be."""

    @property
    def unsaved(self) -> bool:
        """Whether something is known that could not be written."""
        return self.folder.path is not None and self._facts.has_unsaved

    @property
    def is_empty(self) -> bool:
        """Whether nothing is known."""
        return not len(self._facts)

    def is_saved(self, name: str) -> bool:
        """Whether what is known under a name outlives the process, as far as anything is to."""
        return self.folder.path is None or self._facts.is_saved(name)

    def get(self, name: str) -> Any:
        """What is known under a name, None where nothing is."""
        return self._facts.get(name)

    def order(self, name: str) -> float:
        """The order of what is known under a name, 0 where nothing is."""
        return self._facts.order(name)

    def put(self, name: str, order: float, until: float, value: Any) -> bool:
        """Know this, unless what is known is as new; whether it is known."""
        return self._facts.put(name, Fact(order, until, value))

    def apply(self, change: Callable[["Journal"], None]) -> None:
        """Let `change` get and put, and nobody else of this process meanwhile."""
        with self._facts.mutex:
            change(self)

    def read(self) -> None:
        """Get to know what is in the file; as lines are only added, the file need not be locked."""
        with self._reading:
            if self.folder.look(self._catch_up):
                self.was_read = True

    def update(self, change: Callable[["Journal"], None]) -> None:
        """Let `change` get what anybody has put, and put, and nobody else meanwhile; then write what is new."""
        with self._reading, contextlib.ExitStack() as stack:
            folder = self.folder.lock(stack, self._catch_up)
            self.apply(change)
            if folder is not None and self._facts.has_unsaved:
                try:
                    self._save(folder)
                except (OSError, ValueError) as error:
                    self.folder.memory_will_do(error)

    def _catch_up(self, folder: int) -> None:
        """Get to know the lines that were added; raises OSError that passes."""
        try:
            position, added = lines_after(self._position, folder, self._file)
        except (OSError, ValueError) as error:
            self._position = Position()
            if is_temporary(error):
                raise
            # What is in it must not be lost: it may be another user's, or of a newer version.
            raise OSError(f"{self._file}: {reason_of(error)}; to begin anew delete it") from None
        else:
            if position.lines == len(added):  # it is read from its begin: what is not there was lost, or is another's
                self._facts.forget_saved()
            self._facts.learn(filter(None, map(parsed, added)))
            self._position = position
        self.was_read = True

    def _save(self, folder: int) -> None:
        """Add what is new to the file, and replace it where most of it holds no more; raises OSError."""
        if not self._position.head:
            self._replace(folder, b"")  # where there is no room for a line, it is not tried with all of them
        append_private(folder, self._file, encoded(self._facts.unsaved()))
        self._catch_up(folder)  # what is there is saved
        lines = self._position.lines
        if lines > max(self._longest, 2 * len(self._facts) + SPARE):
            self._longest = 2 * lines  # where there is no room for a copy, it is not tried at each write
            self._replace(folder, encoded(self._facts.current()))
            self._longest = 0

    def _replace(self, folder: int, lines: bytes) -> None:
        """Put a new file with these lines there; raises OSError."""
        head = json.dumps({"version": 1, "file": secrets.token_hex(16)}).encode() + b"\n"
        replace_private(folder, self._file, head + lines)
        self._catch_up(folder)


def lines_after(position: Position, folder: int, name: str) -> tuple[Position, list[bytes]]:
    """The whole lines of a file after a position, all where it is another file; raises OSError, and ValueError.

    A file that is not there, or empty, has none.
    """
    with open_private(folder, name) as stream:
        if stream is None:
            return Position(), []
        head = stream.readline(MAX_HEAD)
        if not head:
            return Position(), []
        if not HEAD.fullmatch(head):
            raise ValueError("it is no state of this program")
        start = position if position.head == head else Position(head, len(head))
        stream.seek(start.offset - len(start.last))
        if stream.read(len(start.last)) != start.last:  # an older copy was put back, say, and went on
            start = Position(head, len(head))
            stream.seek(start.offset)
        content = read_stream(stream, MAX_SIZE)
    whole, newline, _ = content.rpartition(b"\n")
    lines = whole.split(b"\n") if newline else []
    last = lines[-1] + newline if lines else start.last
    return Position(head, start.offset + len(whole) + len(newline), start.lines + len(lines), last), lines
