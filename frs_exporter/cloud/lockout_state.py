"""What is known of a secret, what happens to it, and how careful one has to be: the values of the lockout (pure)."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from types import MappingProxyType
from typing import Any, NamedTuple

from frs_exporter.core.errors import Failure, Reason, proves_secret

LAST_HOLD = 3600.0
"""Each hold is twice as long as the one before, up to this."""


class Phase(StrEnum):
    """What is known of a secret."""

    UNPROVEN = "unproven"
    PROVEN = "proven"
    HELD = "held"


class Kind(StrEnum):
    """What happens to a secret: an attempt begins, or ends in one of five ways; or it is about no attempt."""

    BEGUN = "begun"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    """Somebody looks whether there is another secret by now: nobody goes before it is kept, or replaced."""
    UNANSWERED = "no answer"
    ANSWERED = "answered"
    """By the endpoint, which has said nothing of the secret."""
    FAILED = "failed"
    """Before anything could be said of the secret, as where a name has no address."""
    KEPT = "kept"
    REPLACED = "another secret"
    CLOCK_JUMPED = "clock jumped"
    RETRIED = "retried"
    """A person knows of a reason to try again: what stands ends, but refusals of the user count as before."""


def kind_of(failure: Failure) -> Kind:
    """What a failed attempt tells of the secret."""
    if failure.reason is Reason.TIMEOUT:
        return Kind.UNANSWERED
    # Of a password or a signature: a refused token is Reason.TOKEN, which says nothing against the password.
    if failure.reason is Reason.AUTH:
        return Kind.REFUSED
    if proves_secret(failure):
        return Kind.ACCEPTED
    # ANSWERED is also a 2xx that could not be read: the endpoint is there, but that proves no secret.
    return Kind.ANSWERED if failure.answered else Kind.FAILED


NOTHING: Mapping[str, Any] = MappingProxyType({})

MOST_COUNTED = 8
"""Refusals whose times are kept: more than any limit."""


@dataclass(frozen=True, slots=True)
class Ladder:
    """A failure that stands until a time; the next one stands longer, by the rung."""

    failure: Failure
    until: float
    rung: int = 1


@dataclass(frozen=True, slots=True)
class Refusals:
    """When a secret or a user was refused since the last success, or may have been, and the newest failure."""

    times: tuple[float, ...] = ()
    failure: Failure | None = None

    def one_more(self, failure: Failure, now: float) -> "Refusals":
        """With one that has just come; those too old to matter are left out."""
        return Refusals((*self.times[1 - MOST_COUNTED :], now), failure)

    def since(self, time: float) -> bool:
        """Whether any came at or after a time."""
        return bool(self.times) and self.times[-1] >= time


@dataclass(frozen=True, slots=True)
class Budget:
    """So many refusals within so many seconds, and no attempt begins."""

    limit: int
    window: float

    def spent(self, refusals: Refusals) -> Ladder | None:
        """Until when no attempt may begin, if there were that many."""
        if refusals.failure is None or len(refusals.times) < self.limit:
            return None
        return Ladder(refusals.failure, refusals.times[-self.limit] + self.window)

    def recent(self, refusals: Refusals, now: float) -> int:
        """How many refusals still count."""
        return sum(time + self.window > now for time in refusals.times)


@dataclass(frozen=True, slots=True)
class Policy:
    """How careful one has to be with secrets of a kind; `hold` is the first one, in seconds.

    `secret` and `user` count since the last success, `quarantined` whatever was accepted in between: that quarantined
    projects are refused again, as nobody knows whether the vendor forgets them. `logins` says that it is used to log
    in: no answer may be a refusal though it has worked, and a login without a scope proves it.
    """

    hold: float
    max_in_flight: int
    secret: Budget
    user: Budget
    quarantined: Budget
    logins: bool

    def hold_seconds(self, rung: int) -> float:
        """Seconds that a hold or a quarantine lasts, after so many refusals."""
        return min(self.hold * 2.0 ** min(rung - 1, 16), LAST_HOLD)


PASSWORDS = Policy(
    hold=1860.0,
    max_in_flight=2,
    secret=Budget(2, 3610.0),
    user=Budget(4, 900.0),
    quarantined=Budget(3, 900.0),
    logins=True,
)
"""Two within any hour never lock, whatever is set; ten seconds are for clocks that do not run alike. What got no answer
was hardly refused, and several passwords one after the other are somebody who tries: of all these together four within
a quarter of an hour, fewer than the five that lock by default."""
KEYS = Policy(
    hold=360.0,
    max_in_flight=4,
    secret=Budget(4, 360.0),
    user=Budget(4, 360.0),
    quarantined=Budget(3, 360.0),
    logins=False,
)
"""Longer than the five minutes for which a key is locked, and fewer than the refusals that lock it."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One place where a secret is used: who got no answer there in a row, and who has to wait for that."""

    unanswered: int = 0
    first_unanswered: str | None = None
    spread: bool = False
    cooling: Ladder | None = None
    paused: Mapping[str, Ladder] = field(default_factory=dict)

    def keeps_waiting(self, now: float) -> bool:
        """Whether anybody has to wait."""
        return any(ladder.until > now for ladder in (self.cooling, *self.paused.values()) if ladder)


class State(NamedTuple):
    """All that is known of a secret, and of its `user`, whose other secrets are refused, too.

    `accepted` is which project was when, the last two of them; `refused_count` is since the last success, as `refusals`
    are, but not `all_refusals`; `suspect` is whose refusal it was; `in_flight` are the attempts under way at each
    endpoint, `others_in_flight` those with other secrets of the user; `doubts` are refusals after which somebody looks
    for another secret.
    """

    phase: Phase = Phase.UNPROVEN
    user: Refusals = Refusals()
    hold: Ladder | None = None
    refusals: Refusals = Refusals()
    refused_count: int = 0
    all_refusals: Refusals = Refusals()
    suspect: str | None = None
    deferred: frozenset[str] = frozenset()
    quarantined: Mapping[str, Ladder] = NOTHING
    accepted: tuple[tuple[str, float], ...] = ()
    endpoints: Mapping[str, Endpoint] = NOTHING
    in_flight: Mapping[str, int] = NOTHING
    others_in_flight: int = 0
    doubts: int = 0

    @property
    def rejection(self) -> "Rejection | None":
        """Why the secret is held, since when, and until when; None where it is not."""
        if self.phase is not Phase.HELD or self.hold is None:
            return None
        return Rejection(self.hold.failure, self.refusals.times[0] if self.refusals.times else None, self.hold.until)

    def with_attempts(self, endpoint: str, change: int) -> "State":
        """With one attempt more or less under way at an endpoint."""
        count = max(0, self.in_flight.get(endpoint, 0) + change)
        return self._replace(in_flight={**self.in_flight, endpoint: count})

    def with_endpoint(self, name: str, **changes: Any) -> "State":
        """With something else known of an endpoint."""
        place = replace(self.endpoints.get(name, Endpoint()), **changes)
        return self._replace(endpoints={**self.endpoints, name: place})

    def retained(self, endpoints: Collection[str], now: float) -> "State":
        """Without the endpoints that are used no more, of which nothing needs to be known."""
        kept = {name: place for name, place in self.endpoints.items() if name in endpoints or place.keeps_waiting(now)}
        in_flight = {name: count for name, count in self.in_flight.items() if name in endpoints or count}
        return self._replace(endpoints=kept, in_flight=in_flight)

    def forgettable(self, now: float, policy: Policy) -> bool:
        """Whether it may be forgotten: a secret that nobody wants could come back, and be tried anew without harm."""
        held_of_late = self.hold is not None and self.hold.until + LAST_HOLD > now
        recent = policy.secret.recent(self.refusals, now) or policy.user.recent(self.user, now)
        waiting = any(place.keeps_waiting(now) for place in self.endpoints.values())
        return not (held_of_late or recent or waiting or any(self.in_flight.values()))


class Event(NamedTuple):
    """Something that happens to a secret; `begun` is when the attempt was that ends."""

    kind: Kind
    project: str = ""
    endpoint: str = ""
    begun: float = 0.0
    failure: Failure | None = None

    @property
    def why(self) -> Failure:
        """The failure of an attempt that has failed."""
        assert self.failure is not None
        return self.failure


@dataclass(frozen=True, slots=True)
class Go:
    """The attempt may begin."""


@dataclass(frozen=True, slots=True)
class Wait:
    """Once somebody has ended, it is to be seen again."""


@dataclass(frozen=True, slots=True)
class Deny:
    """It may not begin for so many seconds, and this is why."""

    failure: Failure
    seconds: float


@dataclass(frozen=True, slots=True)
class Rejection:
    """That a secret is held: the newest failure, the first refusal that counts, and until when; by the loop's clock."""

    failure: Failure
    since: float | None
    until: float


@dataclass(frozen=True, slots=True)
class Rejected:
    """To be told: the secret is held, for so many seconds."""

    failure: Failure
    seconds: float


@dataclass(frozen=True, slots=True)
class AcceptedAgain:
    """To be told: the hold has ended, after so many refusals."""

    refusals: int


Effect = Rejected | AcceptedAgain
