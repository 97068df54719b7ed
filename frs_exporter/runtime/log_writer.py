"""A thread writes the log: whoever logs waits for nobody, not even for a pipe that is full and that nobody reads."""

import os
import select
import threading
from collections.abc import Callable

from frs_exporter.runtime.standard_streams import wait_for_room

WHOLE = getattr(select, "PIPE_BUF", 512)
"""Bytes that a pipe takes as a whole (PIPE_BUF, pipe(7); not known on Windows)."""
MAX_WAITING = 4 << 20
"""Bytes of lines that wait to be written; as many again may be on their way."""
CLOSE_TIMEOUT = 1.5
"""Seconds that there are for the last lines: the process is to end within five of SIGTERM, whoever reads them."""


class LogWriter:
    """Writes lines to a file descriptor in the order in which they come.

    What finds no room, or cannot be written, is dropped: `count_dropped` is told how many lines, at once. When lines
    can be written again, `notice` makes the one that says how many are missing at that place.
    """

    def __init__(self, descriptor: int, count_dropped: Callable[[int], None], notice: Callable[[int], bytes]) -> None:
        self._descriptor = descriptor
        self._count_dropped = count_dropped
        self._notice = notice
        self._changed = threading.Condition()
        self._waiting = bytearray()
        self._dropped = 0
        self._closed = self._ended = False
        self._thread = threading.Thread(target=self._run, name="log", daemon=True)
        self._thread.start()

    def put(self, line: bytes) -> None:
        """Have a line written, the end of line included."""
        with self._changed:
            if self._ended:  # the last words of a process: nobody else is held up
                self._write(line)
                return
            # Once a line is dropped all are until there is room for many: so they are missing at one place.
            drop = self._dropped > 0 or len(self._waiting) + len(line) > MAX_WAITING
            if drop:
                self._dropped += 1
            else:
                self._waiting += line
            self._changed.notify()
        if drop:
            self._count_dropped(1)

    def close(self) -> None:
        """Write what waits, for so long as somebody reads it and it does not take too long."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join(CLOSE_TIMEOUT)

    def _run(self) -> None:
        missing = 0
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._dropped or self._closed)
                lines, dropped = bytes(self._waiting), self._dropped
                self._waiting, self._dropped = bytearray(), 0
                if not lines and not dropped:
                    self._ended = True
                    return
            unwritten = self._write(lines)
            if unwritten:
                self._count_dropped(unwritten)
            missing += unwritten + dropped
            if missing and not unwritten and not self._write(self._notice(missing)):
                missing = 0

    def _write(self, lines: bytes) -> int:
        """Write, waiting for room; the number of lines that could not be written."""
        start = 0
        while start < len(lines):
            # A pipe takes so much as a whole (PIPE_BUF, pipe(7)): lines of other processes stay between ours.
            end = lines.rfind(b"\n", start, start + WHOLE) + 1 or start + WHOLE
            try:
                start += os.write(self._descriptor, lines[start:end])
            except BlockingIOError:  # whoever made the pipe may have made it so
                wait_for_room(self._descriptor)
            except OSError:  # it is closed, or the disk is full
                return lines.count(b"\n", start)
        return 0
