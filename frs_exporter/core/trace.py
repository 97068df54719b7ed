"""What happens on the way of one poll: data that travels with its requests, for whoever wants to know (pure)."""

from collections.abc import Callable, Iterable, Mapping

from frs_exporter.core.error_body import REQUEST_IDS
from frs_exporter.core.redact import blanked, brief

SHOWN_HEADERS = frozenset(
    (
        *("accept", "content-length", "content-type", "date", "host", "retry-after", "server"),
        *("x-project-id", "x-sdk-date", "x-ratelimit-remaining"),
        *REQUEST_IDS,
    )
)
"""Headers whose values are told: all others may hold a secret."""


class Trace:
    """Tells each event of a poll to `tell`, if there is one; `slowest` is what its slowest request took, in seconds.

    A request's wait for its turn is none of that.
    """

    def __init__(self, tell: Callable[[str], None] | None = None) -> None:
        self._tell = tell
        self.slowest = 0.0

    def event(self, text: str, *values: object) -> None:
        """Something has happened; `values` take the places of % in the text, if anybody wants to know."""
        if self._tell:
            self._tell(text % values if values else text)

    def headers(
        self, headers: Mapping[str, str], secrets: Callable[[], Iterable[str]], text: str, *values: object
    ) -> None:
        """Something with headers, without the values of those that may hold a secret, or of those that do."""
        if self._tell:
            kept = list(secrets())
            visible = {
                name: brief(blanked(value, kept)) if name.lower() in SHOWN_HEADERS else "***"
                for name, value in headers.items()
            }
            lines = "".join(f"\n  {name}: {value}" for name, value in visible.items())
            self.event(f"{text}%s", *values, lines)

    def body(self, data: bytes) -> None:
        """An answer of success has been read: who wants to know its body says so."""

    def refused_body(self, data: bytes) -> None:
        """An answer that is none of success has been read; `headers` came before, and knows what of it is secret."""

    def request_took(self, seconds: float) -> None:
        """A request has ended."""
        self.slowest = max(self.slowest, seconds)


UNTRACED = Trace()
"""For polls of which nobody wants to know more than their end."""
