"""What the state file has of a user, and what it says of a secret (pure)."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from frs_exporter.cloud.lockout_state import LAST_HOLD, MOST_COUNTED, Ladder, Phase, Refusals, State
from frs_exporter.core.errors import Failure, Reason

LONGEST = LAST_HOLD + 10.0
"""Seconds for which anything is believed: a time further away was written by a clock that was wrong."""
AGAIN = 60.0
"""Seconds before one more attempt with a secret that has not worked is written down."""
SAME = 1.0
"""Seconds within which two times are the same one."""
FAR = 1e11
"""In Unix seconds: a time from here on is none."""
MAX_RUNG = 16
SITED = "sited"
"""What marks the entry of one site's user: earlier versions wrote one for the users of a name at all sites."""


@dataclass(frozen=True, slots=True)
class Secret:
    """A secret and whose it is; `anywhere` is the user without the site."""

    user: tuple[str, ...]
    value: str = field(repr=False)
    anywhere: tuple[str, ...] = ()

    @property
    def of_any_site(self) -> "Secret":
        """The same, as it was written when sites were not told apart."""
        return Secret(self.anywhere, self.value)


@dataclass(frozen=True, slots=True)
class Held:
    """Until when a secret is held, in Unix seconds, and on which rung of its ladder.

    `ahead` is when it was written, if that was before the attempt that it is for: a success takes it back at once.
    """

    until: float
    rung: int
    ahead: float = 0.0

    def believed(self, now: float) -> float:
        """Until when others wait: while the attempt may be under way, for no longer than that takes."""
        return min(self.until, self.ahead + AGAIN) if now < self.ahead + AGAIN else self.until


@dataclass(slots=True)
class Entry:
    """What the file has of a user: times of attempts in Unix seconds, and its held secrets by their digests.

    `answered` is the end of the entry for any site that a success has answered for this one; others may still mind it.
    """

    attempts: set[float] = field(default_factory=set)
    held: dict[str, Held] = field(default_factory=dict)
    answered: float = 0.0

    def of(self, secret: Secret, digest: Callable[[Secret], str]) -> "Entry":
        """The same, with this secret alone of those that are held."""
        name = digest(secret) if self.held else ""
        return Entry(set(self.attempts), {name: self.held[name]} if name in self.held else {})

    def joined(self, other: "Entry") -> "Entry":
        """What both say."""
        return Entry(self.attempts | other.attempts, {**self.held, **other.held})

    @classmethod
    def read(cls, raw: Any) -> "Entry":
        """What of an entry can be believed, whoever wrote it."""
        entry = cls()
        if isinstance(raw, dict):
            times, held = raw.get("attempts"), raw.get("held")
            entry.answered = raw["answered"] if number(raw.get("answered")) else 0.0
            entry.attempts = {time for time in times if number(time)} if isinstance(times, list) else set()
            for digest, known in held.items() if isinstance(held, dict) else ():
                if isinstance(known, dict) and number(known.get("until")) and number(known.get("rung")):
                    ahead = known["ahead"] if number(known.get("ahead")) else 0.0
                    entry.held[digest] = Held(known["until"], max(1, min(int(known["rung"]), MAX_RUNG)), ahead)
        return entry

    def as_json(self) -> dict[str, Any]:
        """The entry as it is written, with the time when it is of no use any more."""
        attempts = sorted(self.attempts)[-MOST_COUNTED:]
        ends = [*(time + LONGEST for time in attempts), *(held.until + LAST_HOLD for held in self.held.values())]
        held = {
            digest: {"until": known.until, "rung": known.rung, "ahead": known.ahead}
            for digest, known in self.held.items()
        }
        known = {"until": max(*ends, self.answered, 0.0), "attempts": attempts, "held": held, SITED: True}
        return {**known, "answered": self.answered} if self.answered else known


def restored(state: State, entry: Entry, offset: float, now: float) -> State:
    """The state with what was read; `offset` is the wall clock against the loop's, `now` by the loop's."""
    failure = Failure(Reason.AUTH, "refused, or hardly tried, by another process or before this one", status=401)
    before = {time - offset for time in entry.attempts if abs(time - offset - now) < LONGEST}
    new = {min(time, now) for time in before if not near(time, state.user.times)}
    if new:
        times = tuple(sorted({*new, *state.user.times}))[-MOST_COUNTED:]
        state = state._replace(user=Refusals(times, state.user.failure or failure))
    for held in entry.held.values():
        until = held.believed(now + offset) - offset
        if now - LAST_HOLD < until < now + LONGEST and (state.hold is None or until > state.hold.until + SAME):
            hold = Ladder(state.hold.failure if state.hold else failure, until, held.rung)
            state = state._replace(phase=Phase.HELD, hold=hold, refused_count=max(held.rung, state.refused_count))
    return state


def tells_sites_apart(raw: Any) -> bool:
    """Whether an entry is of the user of one site; otherwise it may be of any user of that name."""
    return isinstance(raw, dict) and raw.get(SITED) is True


def end_for_any_site(raw: Any) -> float:
    """When an entry ends that may be of any site's user, in Unix seconds; zero where there is none."""
    return raw["until"] if isinstance(raw, dict) and not tells_sites_apart(raw) and number(raw.get("until")) else 0.0


def near(time: float, others: Iterable[float | None]) -> bool:
    """Whether a time is one of others: a wall clock and the loop's do not run quite alike."""
    return any(other is not None and abs(time - other) < SAME for other in others)


def number(value: Any) -> bool:
    """Whether something is a number, as a time is."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < FAR
