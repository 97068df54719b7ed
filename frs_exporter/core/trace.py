"""What happens on the way of one poll, and how long it takes, told to whoever asked for that poll (pure)."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar

from frs_exporter.core.redact import blanked, brief

Trace = Callable[[str], None]

SHOWN_HEADERS = frozenset(
    (
        *("accept", "content-length", "content-type", "date", "host", "retry-after", "server"),
        *("x-project-id", "x-request-id", "x-sdk-date", "x-iam-trace-id", "x-ratelimit-remaining"),
    )
)
"""Headers whose values are told: all others may hold a secret."""

_trace: ContextVar[Trace | None] = ContextVar("told", default=None)
_seconds: ContextVar[list[float] | None] = ContextVar("taken", default=None)


@contextmanager
def telling(trace: Trace) -> Iterator[None]:
    """What is begun meanwhile tells its steps, however long it takes."""
    before = _trace.set(trace)
    try:
        yield
    finally:
        _trace.reset(before)


def event(text: str) -> None:
    """Tell of a step, if anybody wants to know."""
    if trace := _trace.get():
        trace(text)


@contextmanager
def timing() -> Iterator[list[float]]:
    """The seconds that each request took, without its wait for a turn, of what is begun meanwhile."""
    seconds: list[float] = []
    before = _seconds.set(seconds)
    try:
        yield seconds
    finally:
        _seconds.reset(before)


def add_seconds(seconds: float) -> None:
    """Note what a request took, if anybody wants to know."""
    if (taken := _seconds.get()) is not None:
        taken.append(seconds)


def event_with_headers(text: str, headers: Mapping[str, str], secrets: Callable[[], Iterable[str]] = tuple) -> None:
    """Tell of a step with headers, without the values of those that may hold a secret, or of those that do."""
    if _trace.get():
        kept = list(secrets())
        visible = {
            name: brief(blanked(value, kept)) if name.lower() in SHOWN_HEADERS else "***"
            for name, value in headers.items()
        }
        event(text + "".join(f"\n  {name}: {value}" for name, value in visible.items()))
