"""What fuzzers give are bytes: here they become what a target wants."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

from tests.conftest import IN_MEMORY


def parts(data: bytes, number: int) -> list[bytes]:
    """So many parts: all but the last end with a line, and those that are missing are empty."""
    found = data.split(b"\n", number - 1)
    return [*found, *[b""] * (number - len(found))]


def text_of(data: bytes) -> str:
    """Text as headers have it: any byte is a character."""
    return data.decode("latin-1").replace("\r", "")


def steps(data: bytes, most: int) -> list[tuple[int, int]]:
    """Pairs of bytes: what to do, and with what."""
    return list(islice(zip(data[::2], data[1::2], strict=False), most))


@contextmanager
def in_memory() -> Iterator[Path]:
    """A folder, on no disk where this system has such."""
    with tempfile.TemporaryDirectory(dir=IN_MEMORY) as name:
        yield Path(name)
