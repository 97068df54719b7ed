"""Standard output and standard error that can always be written to, whatever was done to them before the start.

A stream that is closed leads nowhere, and who has stopped reading is no error: exit codes are as with open streams.
Standard output that is full raises OutputError, once. What a locale cannot show is replaced.
"""

import codecs
import io
import os
import select
import sys
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

ERRORS = "frs_exporter.plain"
"""The name under which codecs have the error handler."""
PLAIN = str.maketrans("–…─━│╭╮╰╯├┤┬┴┼✓", "-.--|+++++++++*")
"""What stands for characters of tables where the locale has none of them."""


class OutputError(OSError):
    """Standard output cannot be written to, say as the disk is full."""


class Stream(io.FileIO):
    """What goes to a descriptor; after an error nothing more does, as a buffer would offer the same again and again.

    `strict` says that an error is raised, as OutputError.
    """

    def __init__(self, descriptor: int, *, strict: bool) -> None:
        super().__init__(descriptor, "w", closefd=False)
        self._strict = strict
        self._broken = False

    def write(self, data: "ReadableBuffer", /) -> int:
        """Write some of it, and wait for room; the number of bytes that are dealt with."""
        if not self._broken:
            try:
                return self._write(data)
            except OSError as error:
                self._broken = True
                if self._strict and not isinstance(error, BrokenPipeError):
                    raise OutputError(error.errno, error.strerror) from None
        return memoryview(data).nbytes

    def _write(self, data: "ReadableBuffer") -> int:
        count: int | None
        while (count := super().write(data)) is None:  # whoever made the pipe may have made it non-blocking
            wait_for_room(self.fileno())
        return count


def wait_for_room(descriptor: int) -> None:
    """Return when something can be written, or nothing ever will."""
    room = select.poll()
    room.register(descriptor, select.POLLOUT)
    room.poll()


def plain(error: UnicodeError) -> tuple[str, int]:
    """Something simple in the place of what an encoding does not have; raises what is no such error."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    text = error.object[error.start : error.end].translate(PLAIN)
    return "".join(character if character.isascii() else "?" for character in text), error.end


def open_standard_streams() -> None:
    """Put such streams in place; before anything else is opened, which would get the number of a closed one."""
    codecs.register_error(ERRORS, plain)
    if os.name == "nt":  # its console is written to in another way, which Python knows
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(errors=ERRORS)
        return
    fill_descriptors()
    sys.stdout = text_stream(1, sys.stdout, strict=True, errors=ERRORS)
    sys.stderr = text_stream(2, sys.stderr, strict=False, errors="backslashreplace")


def fill_descriptors() -> None:
    """Let descriptors 0 to 2 lead nowhere where they are closed."""
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:  # it gets the lowest number that is free
        os.set_inheritable(descriptor, True)
    os.close(descriptor)


def text_stream(descriptor: int, before: TextIO | None, *, strict: bool, errors: str) -> io.TextIOWrapper:
    """A stream of text like the one before, if there was one."""
    raw = io.BufferedWriter(Stream(descriptor, strict=strict))
    encoding = before.encoding if before is not None else "utf-8"
    return io.TextIOWrapper(raw, encoding=encoding, errors=errors, line_buffering=True)
