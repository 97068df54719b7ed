"""Files are read whole or not at all; what keeps one from being read passes by itself, or a change ends it."""

import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO

from frs_exporter.core.errors import ConfigError

Fingerprint = tuple[int, ...]
"""What changes when a file is written, replaced, or reached by another link; the errno alone where there is no look."""

LASTING = {
    *(errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.ELOOP, errno.ENAMETOOLONG, errno.ENXIO),
    *(errno.EACCES, errno.EPERM),
}
"""What is to be said of the file itself: trying again is of no use before its fingerprint is another one. All else is
about the machine at that moment, as EMFILE, ENFILE, ENOMEM, EIO, ESTALE, EINTR and time limits are, and passes."""


def read_file(file: Path, limit: int, *, regular: bool = True) -> bytes:
    """What is in a file of at most `limit` bytes; raises OSError, and ValueError where it is longer or no file.

    With `regular`, pipes and the like are refused: reading them may wait for ever, and they cannot be read again.
    """
    if regular and stat.S_IFMT(file.stat().st_mode) not in (stat.S_IFREG, stat.S_IFDIR):
        raise ValueError("it is not a regular file")
    with file.open("rb") as stream:
        return read_stream(stream, limit)


def read_stream(stream: BinaryIO, limit: int) -> bytes:
    """All of at most `limit` bytes that come; raises OSError, and ValueError where there are more."""
    content = stream.read(limit + 1)
    if len(content) > limit:
        raise ValueError(f"it is longer than {limit} bytes")
    return content


def decode_text(content: bytes) -> str:
    """The text that UTF-8 bytes are; a byte order mark at the head is no part of it. Raises UnicodeDecodeError."""
    return str(content, "utf-8").removeprefix("\N{BYTE ORDER MARK}")


def is_open_to_all(file: Path) -> bool:
    """Whether every user of this machine can read a file, as all folders on the way to it let them through."""
    try:
        real = file.resolve()
        return bool(real.stat().st_mode & stat.S_IROTH) and all(
            folder.stat().st_mode & stat.S_IXOTH for folder in real.parents
        )
    except (OSError, RuntimeError, ValueError):  # gone by now, or whoever cannot look can say nothing
        return False


def may_be_changed_by_all(folder: Path) -> bool:
    """Whether every user of this machine may delete files in a folder: in those with the sticky bit only their own."""
    try:
        mode = folder.stat().st_mode
    except (OSError, ValueError):
        return False
    return bool(mode & stat.S_IWOTH) and not mode & stat.S_ISVTX


def fingerprint(file: Path) -> Fingerprint:
    """What tells one state of a file from another, links followed."""
    try:
        status = os.stat(file)
    except OSError as error:
        return (error.errno or 0,)
    except ValueError:  # no name that a file can have
        return ()
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


def is_temporary(error: Exception) -> bool:
    """Whether a file that could not be read may be readable a moment later, though nobody has changed it."""
    return isinstance(error, MemoryError) or (isinstance(error, OSError) and error.errno not in LASTING)


def is_incomplete(error: Exception | None) -> bool:
    """Whether an attempt that ended like this has not read everything, for a reason that passes."""
    if isinstance(error, ConfigError):
        return error.temporary
    return error is not None and is_temporary(error)


def reason_of(error: Exception) -> str:
    """Why a file could not be read, in the words of the system where it has some."""
    if isinstance(error, TimeoutError) and not error.args:
        return "it takes too long; is the disk busy, or the file on a server that does not answer?"
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
