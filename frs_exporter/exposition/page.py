"""The page: chunks kept by owner and family, handed out joined in a format; negotiation (pure)."""

import math
import re
from collections.abc import Callable, Collection, Hashable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, Protocol, TypeVar

from frs_exporter.core.model import Family
from frs_exporter.core.sharing import shared
from frs_exporter.exposition.coding import Packed, Part, pack, unpack
from frs_exporter.exposition.render import Chunk, header


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


class Lines:
    """The lines of a family by owner, and all of them packed, as long as none of them changes."""

    def __init__(self) -> None:
        self._by_owner: dict[Hashable, bytes] = {}
        self.changes = 0
        self.packed: Packed | None = None

    def __bool__(self) -> bool:
        return bool(self._by_owner)

    def put(self, owner: Hashable, lines: bytes) -> None:
        """Have these lines instead of others of the same owner."""
        if self._by_owner.get(owner) != lines:
            self._by_owner[owner] = lines
            self._changed()

    def drop(self, owner: Hashable) -> None:
        """Have none of an owner."""
        if self._by_owner.pop(owner, None) is not None:
            self._changed()

    def _changed(self) -> None:
        self.changes += 1
        self.packed = None

    def all(self) -> list[bytes]:
        """Those of all owners."""
        return list(self._by_owner.values())


class Joined:
    """All lines of a family as of the moment when this was made.

    To take hold of each of ten thousand texts, and to let go of it, takes longer than to send them packed. So where
    they are packed already that is kept instead, and unpacked if somebody wants the text.
    """

    def __init__(self, lines: Lines) -> None:
        self._lines = lines
        self._changes = lines.changes
        self._packed = lines.packed
        self._all = [] if lines.packed else lines.all()

    def plain(self) -> bytes:
        """The lines."""
        if self._packed is None:
            return b"".join(self._all)
        return b"".join(self._lines.all()) if self._lines.changes == self._changes else unpack(self._packed)

    def packed(self) -> Packed:
        """The lines packed, now or before."""
        if self._packed is None:
            self._packed = pack(self.plain())
            if self._lines.changes == self._changes:
                self._lines.packed = self._packed
        return self._packed


class Page:
    """Chunks by owner; a scrape joins them as they are."""

    def __init__(self, families: Sequence[Family]) -> None:
        self._headers = {
            format: {family.name: header(family, openmetrics=format is OPENMETRICS) for family in families}
            for format in FORMATS
        }
        self._lines = {family.name: Lines() for family in families}
        self._families: dict[Hashable, frozenset[str]] = {}
        self._ends: dict[Hashable, float] = {}
        self._facts: dict[Hashable, Any] = {}
        self._next_end = math.inf
        """No chunk ends earlier. It may be too early, where a chunk was replaced: then a scrape looks once in vain."""

    def put(self, owner: Hashable, chunk: Chunk, until: float = math.inf) -> None:
        """Show `chunk` instead of what `owner` showed before; from `until` on it is not shown any more."""
        if not chunk:
            self.drop(owner)
            return
        known = self._families.get(owner, frozenset())
        if known != chunk.keys():
            for name in known - chunk.keys():
                self._lines[name].drop(owner)
            known = shared(frozenset(chunk))
        for name, lines in chunk.items():
            self._lines[name].put(owner, lines)
        self._families[owner] = known
        self._end(owner, until)

    def refresh(self, owner: Hashable, facts: T, render: Callable[[T], Chunk], until: float = math.inf) -> None:
        """As `put`, but facts are rendered only if others are shown: most answers are like the one before.

        Where there are no facts nothing is shown.
        """
        if not facts:
            self.drop(owner)
        elif owner not in self._facts or self._facts[owner] != facts:
            chunk = render(facts)
            self.put(owner, chunk, until)
            if chunk:
                self._facts[owner] = facts
        else:
            self._end(owner, until)

    def _end(self, owner: Hashable, until: float) -> None:
        if until == math.inf:
            self._ends.pop(owner, None)
        else:
            self._ends[owner] = until
            self._next_end = min(self._next_end, until)

    def drop(self, owner: Hashable) -> None:
        """Show nothing of `owner` any more."""
        self._facts.pop(owner, None)
        for name in self._families.pop(owner, frozenset()):
            self._lines[name].drop(owner)
        self._ends.pop(owner, None)

    def parts(self, format: Format, now: float, names: Collection[str] = ()) -> Iterator[bytes | Part]:
        """The page at `now`, each family's header and lines: all as of this call, however slowly it is read.

        With `names` only the families that are called so.
        """
        if self._next_end <= now:
            for owner in [owner for owner, end in self._ends.items() if end <= now]:
                self.drop(owner)
            self._next_end = min(self._ends.values(), default=math.inf)
        headers = self._headers[format]
        wanted = [(name, lines) for name, lines in self._lines.items() if lines and (not names or name in names)]
        return chain.from_iterable([(headers[name], Joined(lines)) for name, lines in wanted])

    def blocks(self, format: Format, now: float, names: Collection[str] = ()) -> Iterator[bytes]:
        """As `parts`, as texts."""
        return (part if isinstance(part, bytes) else part.plain() for part in self.parts(format, now, names))
