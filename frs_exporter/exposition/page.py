"""The page: chunks kept by owner and family, handed out joined in a format and an encoding; negotiation (pure)."""

import math
import re
from collections.abc import Callable, Collection, Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from isal import isal_zlib

from frs_exporter.core.model import Family
from frs_exporter.exposition.render import Chunk, header

GZIP_LEVEL = 1
"""isal's level 1 makes pages as small as zlib's level 6 does, in a tenth of the time."""


@dataclass(frozen=True, slots=True)
class Format:
    """A way to write the page: the media type it is asked by, the versions that mean it, the Content-Type sent."""

    media_type: str
    versions: tuple[str, ...]
    content_type: str

    def matches(self, media_range: str, parameters: str) -> int:
        """How specifically a media range of an Accept header names this format; 0 is not at all."""
        version = re.search(r"(?:^|;)\s*version=\"?([^\s;\"]+)", parameters)
        if version and version[1] not in self.versions:
            return 0
        return {self.media_type: 3, self.media_type.split("/")[0] + "/*": 2, "*/*": 1}.get(media_range, 0)


@dataclass(frozen=True, slots=True)
class Encoding:
    """A content coding."""

    name: str

    def matches(self, coding: str, parameters: str) -> int:
        """How specifically a coding of an Accept-Encoding header names this one; 0 is not at all."""
        return {self.name: 2, "*": 1}.get(coding, 0)


class Offer(Protocol):
    """One of the things a client may ask for."""

    def matches(self, item: str, parameters: str) -> int:
        """How specifically an item of the client's list names this offer; 0 is not at all."""


T = TypeVar("T")
OfferT = TypeVar("OfferT", bound=Offer)

TEXT = Format("text/plain", ("0.0.4",), "text/plain; version=0.0.4; charset=utf-8")
OPENMETRICS = Format(
    "application/openmetrics-text", ("1.0.0", "0.0.1"), "application/openmetrics-text; version=1.0.0; charset=utf-8"
)
FORMATS = (TEXT, OPENMETRICS)
IDENTITY = Encoding("identity")
GZIP = Encoding("gzip")
ENCODINGS = (GZIP, IDENTITY)


def negotiate(accept: str, offers: Sequence[OfferT], default: OfferT) -> OfferT:
    """The offer with the highest q-value in an Accept or Accept-Encoding header, the earlier of equals.

    RFC 9110, 12.4: of the items that match an offer the most specific one counts. When the header accepts none of the
    offers it is `default`: a page in a format that was not asked for still tells more than an error does.
    """
    best, best_q = default, 0.0
    items = [item.strip().lower().partition(";") for item in accept.split(",")]
    for offer in offers:
        specificity, q = max((offer.matches(name.strip(), rest), quality(rest)) for name, _, rest in items)
        if specificity and q > best_q:
            best, best_q = offer, q
    return best


def quality(parameters: str) -> float:
    """The q-value among an item's parameters: 1 without one, 0 for one that is not a number from 0 to 1."""
    match = re.search(r"(?:^|;)\s*q\s*=\s*([^\s;]*)", parameters)
    if match is None:
        return 1.0
    return float(match[1]) if re.fullmatch(r"0(\.\d{0,3})?|1(\.0{0,3})?", match[1]) else 0.0


class Page:
    """Chunks by owner; a scrape joins them as they are."""

    def __init__(self, families: Sequence[Family]) -> None:
        self._headers = {
            format: {family.name: header(family, openmetrics=format is OPENMETRICS) for family in families}
            for format in FORMATS
        }
        self._lines: dict[str, dict[Hashable, bytes]] = {family.name: {} for family in families}
        self._families: dict[Hashable, frozenset[str]] = {}
        self._ends: dict[Hashable, float] = {}
        self._facts: dict[Hashable, Any] = {}
        self._next_end = math.inf
        """No chunk ends before this; those that have been replaced may have: a scrape looks at all but rarely."""

    def put(self, owner: Hashable, chunk: Chunk, until: float = math.inf) -> None:
        """Show `chunk` instead of what `owner` showed before; from `until` on it is not shown any more."""
        if not chunk:
            self.drop(owner)
            return
        known = self._families.get(owner, frozenset())
        if known != chunk.keys():
            for name in known - chunk.keys():
                self._lines[name].pop(owner, None)
            known = frozenset(chunk)
        for name, lines in chunk.items():
            self._lines[name][owner] = lines
        self._families[owner] = known
        self._end(owner, until)

    def refresh(self, owner: Hashable, facts: T, render: Callable[[T], Chunk], until: float = math.inf) -> None:
        """As `put`, but facts are rendered only if others are shown: most answers are like the one before."""
        if owner not in self._facts or self._facts[owner] != facts:
            self.put(owner, render(facts), until)
            self._facts[owner] = facts
        elif owner in self._ends:
            self._end(owner, until)

    def _end(self, owner: Hashable, until: float) -> None:
        self._ends[owner] = until
        self._next_end = min(self._next_end, until)

    def drop(self, owner: Hashable) -> None:
        """Show nothing of `owner` any more."""
        self._facts.pop(owner, None)
        for name in self._families.pop(owner, frozenset()):
            self._lines[name].pop(owner, None)
        self._ends.pop(owner, None)

    def blocks(self, format: Format, now: float, names: Collection[str] = ()) -> Iterator[bytes]:
        """The page at `now`, one block per family: all as of this call, however slowly it is read.

        With `names` only the families that are called so.
        """
        if self._next_end <= now:
            for owner in [owner for owner, end in self._ends.items() if end <= now]:
                self.drop(owner)
            self._next_end = min(self._ends.values(), default=math.inf)
        headers = self._headers[format]
        wanted = [(name, lines) for name, lines in self._lines.items() if lines and (not names or name in names)]
        families = [(headers[name], list(lines.values())) for name, lines in wanted]
        return (b"".join((head, *lines)) for head, lines in families)


class Coder:
    """Puts one page into a content coding, block by block."""

    def __init__(self, encoding: Encoding) -> None:
        self._gzip = isal_zlib.compressobj(GZIP_LEVEL, wbits=31) if encoding is GZIP else None

    def code(self, block: bytes) -> bytes:
        """What can be sent so far; it may be nothing."""
        return block if self._gzip is None else bytes(self._gzip.compress(block))

    def end(self) -> bytes:
        """What is left when there are no more blocks."""
        return b"" if self._gzip is None else bytes(self._gzip.flush())
