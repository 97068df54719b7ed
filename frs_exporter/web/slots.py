"""Who gets a slot where not all can be in: so many in all, so many of one client, and the longest idle goes first."""

from collections.abc import Callable, Collection
from dataclasses import dataclass

from frs_exporter.web.peers import LOCAL


@dataclass(frozen=True, slots=True)
class SlotLimits:
    """Connections at once: in all, of one client, and how many more of this machine's own."""

    total: int
    per_peer: int
    local_extra: int = 8


@dataclass(slots=True, weakref_slot=True, eq=False)
class Slot:
    """What one connection has: `idle_since` is None while a request of its is answered; `end` is how it is ended.

    `stalled_since` is None while the client reads its answer, if there is one.
    """

    peer: str
    idle_since: float | None
    end: Callable[[], object] | None = None
    stalled_since: float | None = None

    @property
    def unused_since(self) -> float | None:
        """Since when the client has done nothing with it, None while it is at work."""
        return self.stalled_since if self.idle_since is None else self.idle_since


@dataclass(frozen=True, slots=True)
class Admission:
    """Whether a newcomer gets a slot, and whose it is, None for a free one."""

    admitted: bool
    instead_of: Slot | None = None


def longest_idle(slots: Collection[Slot]) -> Slot | None:
    """The slot on which nothing has been asked or read for the longest time.

    Half a request or handshake is nothing.
    """
    idle = [(slot.unused_since, number, slot) for number, slot in enumerate(slots) if slot.unused_since is not None]
    return min(idle)[2] if idle else None


def admit(peer: str, slots: Collection[Slot], limits: SlotLimits) -> Admission:
    """Whether a client gets one more slot beside those that are taken.

    One client cannot take all; where it has its share, or all are taken, the longest idle connection makes room. This
    machine's own health check comes in when all others are at work, too.
    """
    if peer != LOCAL:
        own = [slot for slot in slots if slot.peer == peer]
        if len(own) >= limits.per_peer:
            idle = longest_idle(own)
            return Admission(idle is not None, idle)
    if len(slots) < limits.total:
        return Admission(True)
    if idle := longest_idle(slots):
        return Admission(True, idle)
    return Admission(peer == LOCAL and len(slots) < limits.total + limits.local_extra)
