"""What happens on the way of one poll, told to whoever asked for that poll to see it (pure)."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar

from frs_exporter.redact import brief

Told = Callable[[str], None]

SHOWN_HEADERS = frozenset(
    (
        *("accept", "content-length", "content-type", "date", "host", "retry-after", "server"),
        *("x-project-id", "x-request-id", "x-sdk-date", "x-iam-trace-id", "x-ratelimit-remaining"),
    )
)
"""Headers whose values are told: all others may hold a secret."""

_told: ContextVar[Told | None] = ContextVar("told", default=None)


@contextmanager
def telling(told: Told) -> Iterator[None]:
    """What is begun meanwhile tells its steps, however long it takes."""
    before = _told.set(told)
    try:
        yield
    finally:
        _told.reset(before)


def step(text: str) -> None:
    """Tell of a step, if anybody wants to know."""
    if told := _told.get():
        told(text)


def headers(these: Mapping[str, str]) -> str:
    """Headers, one to a line, without the values of those that may hold a secret."""
    told = {name: brief(value) if name.lower() in SHOWN_HEADERS else "***" for name, value in these.items()}
    return "".join(f"\n  {name}: {value}" for name, value in told.items())
