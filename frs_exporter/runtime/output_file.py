"""The file that a result goes to: a regular one is replaced as a whole, a device or FIFO is written to."""

import contextlib
import errno
import os
import re
import stat
import tempfile
from pathlib import Path

MODE = 0o644
"""Of a file that was not there before, whatever the umask: another user, say node_exporter, is to read it."""
DESCRIPTOR = re.compile(r"/(?:dev|proc/self)/fd/(\d{1,6})|/dev/(stdout|stderr)")
PREFIX = ".frs-exporter."
"""Of the name that a file has before it is whole."""


def output_file(name: str) -> Path | None:
    """The file of this name, None for standard output; raises ValueError for what no result can be written to."""
    if name == "-":
        return None
    if os.path.basename(name) in ("", ".", ".."):
        raise ValueError("must be the name of a file, or - for standard output")
    try:
        found = os.stat(name)
    except OSError:
        return Path(name)  # if it is more than not there yet, writing to it tells what
    if is_standard_output(found):
        return None
    if descriptor_of(name) is not None:
        return Path(name)
    if stat.S_ISDIR(found.st_mode):
        raise ValueError(f"{name} is a directory: name a file in it")
    if not (stat.S_ISREG(found.st_mode) or stat.S_ISCHR(found.st_mode) or stat.S_ISFIFO(found.st_mode)):
        raise ValueError(f"{name} is a socket or a block device: name a file, or - for standard output")
    return Path(name)


def descriptor_of(name: str) -> int | None:
    """The open file that a name stands for: what a shell appends to there must not be replaced."""
    match = DESCRIPTOR.fullmatch(name)
    return int(match[1] or {"stdout": 1, "stderr": 2}[match[2]]) if match else None


def is_standard_output(found: os.stat_result) -> bool:
    """Whether a file is what standard output goes to, by whatever name."""
    with contextlib.suppress(OSError):
        return os.path.samestat(found, os.fstat(1))
    return False


def write(text: str, file: Path) -> None:
    """Replace a regular file, or the one that a link names, as a whole, or write to anything else; raises OSError."""
    data, path = text.encode("utf-8", "replace"), os.path.realpath(file)
    if (descriptor := descriptor_of(str(file))) is not None:
        with open(os.dup(descriptor), "wb") as stream:
            stream.write(data)
        return
    try:
        before = os.stat(file)
    except FileNotFoundError:
        replace(path, data, None)
        return
    if stat.S_ISREG(before.st_mode) and os.path.exists(path) and os.path.samestat(before, os.stat(path)):
        replace(path, data, before)
    else:  # or one without a name, as in /proc/self/fd
        write_to(file, data)


def replace(path: str, data: bytes, before: os.stat_result | None) -> None:
    """Put a new file in the place of the old one, as readable as that was: nobody ever reads half of it."""
    descriptor, new = tempfile.mkstemp(prefix=PREFIX, dir=os.path.dirname(path))
    try:
        with open(descriptor, "wb") as stream:
            set_owner_and_mode(descriptor, before)
            stream.write(data)
            stream.flush()
            os.fsync(descriptor)
        os.replace(new, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(new)
        raise


def set_owner_and_mode(descriptor: int, before: os.stat_result | None) -> None:
    """Those of the file before, as far as this user may give files away; a new file is for all to read."""
    if not (hasattr(os, "fchown") and hasattr(os, "fchmod")):  # Windows: the folder says who may read
        return
    if before is None:
        os.fchmod(descriptor, MODE)
        return
    for owner, group in ((before.st_uid, -1), (-1, before.st_gid)):
        with contextlib.suppress(PermissionError):
            os.fchown(descriptor, owner, group)
    os.fchmod(descriptor, before.st_mode & 0o777)


def write_to(file: Path, data: bytes) -> None:
    """Write to a device or FIFO; who reads a FIFO may take its time, but one that nobody has open is refused."""
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_TRUNC | os.O_NONBLOCK | os.O_NOCTTY)
    except OSError as error:
        if error.errno == errno.ENXIO and file.is_fifo():
            raise OSError(error.errno, "nobody reads from it") from None
        raise
    os.set_blocking(descriptor, True)
    with open(descriptor, "wb") as stream:
        stream.write(data)
