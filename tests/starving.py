"""A process that has no file descriptor left, as the system itself makes it."""

import contextlib
import os
import resource
from collections.abc import Iterator


@contextlib.contextmanager
def no_descriptors(free: int = 0) -> Iterator[None]:
    """In this process so many descriptors can be opened, and not one more: EMFILE."""
    held = [os.open(os.devnull, os.O_RDONLY) for _ in range(free + 1)]
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    for number in held:
        os.close(number)
    resource.setrlimit(resource.RLIMIT_NOFILE, (held[-1], hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
