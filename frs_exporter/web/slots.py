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
    """What one connection has: `idle_since` is None while a request of its is answered; `end` is how it is ended."""

    peer: str
    idle_since: float | None
    end: Callable[[], object] | None = None


@dataclass(frozen=True, slots=True)
class Admission:
    """Whether a newcomer gets a slot, and whose it is, None for a free one."""

    admitted: bool
    instead_of: Slot | None = None


def longest_idle(slots: Collection[Slot]) -> Slot | None:
    """The slot on which nothing has been asked for the longest time, half a request or handshake being nothing."""
    idle = [slot for slot in slots if slot.idle_since is not None]
    return min(idle, key=lambda slot: slot.idle_since or 0.0, default=None)


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
