"""Files that are this program's alone, in a folder where others may write: read, locked and replaced as a whole.

No name in the folder is trusted: links are not followed, pipes are not waited for, and a file that neither this user
nor the folder's owner has put there counts for nothing. The owner may replace all of it anyway, and on some network
file systems owns whatever is put there. The folder's own path is followed wherever it leads: with DynamicUser= systemd
makes a link of it.
"""

import contextlib
import errno
import os
import stat
import time
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from frs_exporter.runtime.files import read_stream

try:
    import fcntl
except ImportError:  # Windows has other locks, and folders that cannot be opened
    USABLE = False
else:
    USABLE = True
"""Whether this system has what it takes."""

SAFE = sum(getattr(os, name, 0) for name in ("O_NOFOLLOW", "O_NONBLOCK", "O_NOCTTY", "O_CLOEXEC"))
LOCK_TIMEOUT = 5.0
"""Seconds to wait for whoever has the lock: milliseconds are enough, but a process that was stopped keeps it."""
LOCK_PAUSE = 0.002
"""Seconds between two tries: a lock without a time limit is all that the system has."""


@contextlib.contextmanager
def open_folder(path: Path) -> Iterator[int]:
    """The descriptor of a folder; raises OSError."""
    if not USABLE:
        raise OSError(errno.ENOTSUP, "this system has no such locks; use --state.directory none")
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def locked_folder(path: Path, lock: str, timeout: float = LOCK_TIMEOUT) -> Iterator[int]:
    """The descriptor of a folder, made if it is not there, in which nobody else has the file `lock` locked meanwhile.

    Raises OSError; TimeoutError, which is one, after `timeout` seconds.
    """
    if not os.path.exists(path):
        with contextlib.suppress(FileExistsError):  # somebody else has made it; of a link to nowhere opening it tells
            os.makedirs(path, 0o700)
    with open_folder(path) as folder:
        descriptor = open_locked(folder, lock, timeout)
        try:
            yield folder
        finally:
            os.close(descriptor)


def open_locked(folder: int, name: str, timeout: float) -> int:
    """The descriptor of a file that nobody else has locked; raises OSError.

    It is to be there under its name: whoever has one that was deleted meanwhile would be alone with it.
    """
    while True:
        descriptor = open_lock(folder, name)
        try:
            wait_for_lock(descriptor, timeout)
            if os.fstat(descriptor).st_ino == os.stat(name, dir_fd=folder, follow_symlinks=False).st_ino:
                return descriptor
        except FileNotFoundError:
            pass
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)


def open_lock(folder: int, name: str) -> int:
    """The descriptor of a file to lock; it stays for ever: two processes with two files would not see each other."""
    with contextlib.suppress(FileExistsError):
        return create(folder, name)
    return os.open(name, os.O_RDWR | SAFE, dir_fd=folder)


def create(folder: int, name: str) -> int:
    """The descriptor of a new file; raises FileExistsError, where there is one, or a link, of this name.

    Root gives it to the folder's owner: a `check` by root must not take the file away from the service.
    """
    descriptor = os.open(name, os.O_RDWR | os.O_CREAT | os.O_EXCL | SAFE, 0o600, dir_fd=folder)
    owner = os.fstat(folder)
    if os.geteuid() == 0 != owner.st_uid:
        with contextlib.suppress(OSError):
            os.fchown(descriptor, owner.st_uid, owner.st_gid)
    return descriptor


def wait_for_lock(descriptor: int, timeout: float) -> None:
    """Lock an open file until it is closed; raises OSError."""
    end = time.monotonic() + timeout
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= end:
                raise TimeoutError(errno.ETIMEDOUT, "another process keeps it locked") from None
            time.sleep(LOCK_PAUSE)
        else:
            return


@contextlib.contextmanager
def open_private(folder: int, name: str, mode: int = os.O_RDONLY) -> Iterator[BinaryIO | None]:
    """The stream of a file, None where there is none; raises OSError, and ValueError for one that is not trusted."""
    try:
        descriptor = os.open(name, mode | SAFE, dir_fd=folder)
    except FileNotFoundError:
        yield None
        return
    try:
        check_trusted(os.fstat(descriptor), os.fstat(folder))
        with open(descriptor, "rb" if mode == os.O_RDONLY else "r+b", closefd=False) as stream:
            yield stream
    finally:
        os.close(descriptor)


def read_private(folder: int, name: str, limit: int) -> bytes | None:
    """What is in a file of at most `limit` bytes, None where there is none; raises OSError, and ValueError."""
    with open_private(folder, name) as stream:
        return read_stream(stream, limit) if stream else None


def check_trusted(file: os.stat_result, folder: os.stat_result) -> None:
    """Raise ValueError for what is no file, or that of somebody else, who may want us to believe what is in it."""
    if not stat.S_ISREG(file.st_mode):
        raise ValueError("it is not a regular file")
    if file.st_uid not in (os.geteuid(), folder.st_uid):
        raise ValueError("it belongs to another user")


def replace_private(folder: int, name: str, content: bytes) -> None:
    """Put a new file, for this user alone, in the place of whatever has this name; raises OSError.

    Who reads meanwhile, or after a crash of the machine, finds the old one or the new one. Only while the folder is
    locked: the name of a file that is not whole yet is always the same, so that processes that are killed leave one.
    """
    new = f"{name}.new"
    with contextlib.suppress(FileNotFoundError):
        os.unlink(new, dir_fd=folder)
    descriptor = create(folder, new)
    try:
        with open(descriptor, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(descriptor)
        os.replace(new, name, src_dir_fd=folder, dst_dir_fd=folder)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(new, dir_fd=folder)
        raise
    os.fsync(folder)


def append_private(folder: int, name: str, lines: bytes) -> None:
    """Add lines to a file; raises OSError, and ValueError for one that is not trusted. Only while the folder is locked.

    What somebody has left who was interrupted becomes a line of its own.
    """
    with open_private(folder, name, os.O_RDWR | os.O_APPEND) as stream:
        if stream is None:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), name)
        if stream.seek(0, os.SEEK_END):
            stream.seek(-1, os.SEEK_END)
            lines = lines if stream.read() == b"\n" else b"\n" + lines
        stream.write(lines)
        stream.flush()
        os.fsync(stream.fileno())
