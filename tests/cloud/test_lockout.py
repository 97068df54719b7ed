"""The lockout's decisions, walked through without a loop: nobody is ever locked, and nobody waits for ever."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import pytest

from frs_exporter.cloud import lockout
from frs_exporter.cloud.lockout import admit, step
from frs_exporter.cloud.lockout_state import (
    KEYS,
    LAST_HOLD,
    PASSWORDS,
    Deny,
    Endpoint,
    Event,
    Go,
    Kind,
    Ladder,
    Phase,
    Policy,
    State,
)
from frs_exporter.core.errors import Failure, Reason

REFUSED = Failure(Reason.AUTH, "wrong", status=401)
SILENT = Failure(Reason.TIMEOUT, "no answer")


@dataclass(frozen=True)
class Rule:
    """So many in a row within a window lock, as the vendor counts."""

    failures: int
    window: float

    def locks(self, times: tuple[float, ...]) -> bool:
        """Whether the last of these would lock."""
        return len(times) >= self.failures and times[-1] - times[-self.failures] < self.window


class World(NamedTuple):
    """A secret, its vendor's count of refusals and of what may have been one, and who is under way since when."""

    state: State = State()
    now: float = 0.0
    refused: tuple[float, ...] = ()
    maybe: tuple[float, ...] = ()
    under_way: tuple[tuple[str, str, float], ...] = ()

    def stepped(self, event: Event, policy: Policy) -> "World":
        state, _ = step(self.state, event, self.now, policy)
        return self._replace(state=state)

    def begun(self, project: str, endpoint: str, policy: Policy) -> "World | None":
        """After it has begun, as soon as it may; None where others must end first."""
        world = self
        for _ in range(5):
            verdict = admit(world.state, world.now, project, endpoint, policy)
            if isinstance(verdict, Go):
                world = world.stepped(Event(Kind.BEGUN, project, endpoint), policy)
                return world._replace(under_way=(*world.under_way, (project, endpoint, world.now)))
            if not isinstance(verdict, Deny):
                assert world.under_way, "who waits, waits for somebody"
                return None
            assert 0 < verdict.seconds <= LAST_HOLD + 2 * lockout.DEFERRAL + 10, "everybody has a next attempt"
            world = world._replace(now=world.now + verdict.seconds)
        raise AssertionError("denied again and again")

    def ended(self, kind: Kind, policy: Policy, after: float = 1.0) -> "World":
        """After the oldest attempt has ended."""
        (project, endpoint, begun), *others = self.under_way
        failure = {Kind.REFUSED: REFUSED, Kind.UNANSWERED: SILENT}.get(kind)
        world = self._replace(now=self.now + after, under_way=tuple(others))
        world = world.stepped(Event(kind, project, endpoint, begun, failure), policy)
        if kind is Kind.REFUSED:
            world = world.stepped(Event(Kind.KEPT), policy)._replace(refused=(*self.refused, world.now)[-8:])
        if kind in (Kind.REFUSED, Kind.UNANSWERED):
            return world._replace(maybe=(*self.maybe, world.now)[-8:])
        return world._replace(refused=(), maybe=()) if kind is Kind.ACCEPTED else world


def seen(world: World) -> object:
    """What of a world decides how it goes on: times are from now, and what is long over is all the same."""
    state = world.state

    def ago(times: Iterable[float], window: float) -> tuple[float, ...]:
        return tuple(round(time - world.now) for time in times if time > world.now - window)

    def ladder(known: Ladder | None) -> object:
        return known and (max(round(known.until - world.now), -4 * round(lockout.DEFERRAL)), known.rung)

    def place(endpoint: Endpoint) -> object:
        paused = sorted((who, ladder(known)) for who, known in endpoint.paused.items() if known.until > world.now)
        unanswered = min(endpoint.unanswered, 4), endpoint.first_unanswered, endpoint.spread
        return *unanswered, ladder(endpoint.cooling), tuple(paused)

    return (
        (state.phase, state.suspect, state.deferred, ladder(state.hold)),
        (ago(state.user.times, 3700), ago(state.refusals.times, 3700), ago(state.all_refusals.times, 900)),
        tuple((who, *ago([time], lockout.FRESH)) for who, time in state.accepted),
        tuple(sorted((who, ladder(known)) for who, known in state.quarantined.items())),
        tuple(sorted((name, place(endpoint)) for name, endpoint in state.endpoints.items())),
        tuple(sorted(state.in_flight.items())),
        (ago(world.refused, 3700), ago(world.maybe, 3700)),
        tuple((project, endpoint, round(begun - world.now)) for project, endpoint, begun in world.under_way),
    )


OUTCOMES = (Kind.ACCEPTED, Kind.REFUSED, Kind.UNANSWERED)
STRICTEST, USUAL, OF_KEYS = Rule(3, 3600.0), Rule(5, 900.0), Rule(5, 300.0)


def one_after_the_other(world: World, policy: Policy) -> Iterator[World]:
    """Each way in which one attempt of two projects ends, as soon as it may begin."""
    for project in "a" if world == World() else "ab":  # which of them begins makes no difference
        begun = world.begun(project, "north", policy)
        assert begun, "nobody else is under way"
        yield from (begun.ended(kind, policy) for kind in OUTCOMES)


def anywhere_at_any_time(world: World, policy: Policy) -> Iterator[World]:
    """The same with a third project at another endpoint, clocks that jump, and times when nothing happens."""
    yield from one_after_the_other(world, policy)
    begun = world.begun("c", "south", policy)
    assert begun, "nobody else is under way"
    yield from (begun.ended(kind, policy) for kind in OUTCOMES)
    yield world.stepped(Event(Kind.CLOCK_JUMPED), policy)
    yield world._replace(now=world.now + 1200.0)


def with_other_secrets(world: World, policy: Policy) -> Iterator[World]:
    """The same, and at any time somebody puts another secret in place."""
    yield from one_after_the_other(world, policy)
    yield world.stepped(Event(Kind.REPLACED), policy)


def side_by_side(world: World, policy: Policy) -> Iterator[World]:
    """Each way in which an attempt begins, or the oldest ends."""
    for project, endpoint in (("a", "north"), ("b", "south")):
        if begun := world.begun(project, endpoint, policy):
            yield begun
    if world.under_way:
        yield from (world.ended(kind, policy) for kind in OUTCOMES)


@pytest.mark.parametrize(("policy", "rule"), [(PASSWORDS, STRICTEST), (KEYS, OF_KEYS)], ids=["passwords", "keys"])
@pytest.mark.parametrize(
    ("way", "events"),
    [(one_after_the_other, 8), (side_by_side, 10), (anywhere_at_any_time, 4), (with_other_secrets, 6)],
)
def test_no_sequence_of_events_locks_anything(
    way: Callable[[World, Policy], Iterator[World]], events: int, policy: Policy, rule: Rule
) -> None:
    """All sequences of so many events: those after which a world goes on alike are followed once."""
    if way is with_other_secrets and policy is PASSWORDS:
        rule = USUAL  # nobody can try passwords one after the other where three lock
    worlds = {seen(World()): World()}
    walked = 0
    for number in range(events):
        after = {}
        for world in worlds.values():
            for following in way(world, policy):
                walked += 1
                assert not rule.locks(following.refused), following
                assert not USUAL.locks(following.maybe) or policy is KEYS, following
                grow(world.state, following.state)
                if number < events - 1:
                    after[seen(following)] = following
        worlds = after
    assert walked > 1000


def grow(before: State, after: State) -> None:
    """Ladders only grow until they are lifted."""
    if before.hold and after.hold:
        assert after.hold.until >= before.hold.until
        assert after.hold.rung >= before.hold.rung
    for project in before.quarantined.keys() & after.quarantined.keys():
        assert after.quarantined[project].rung >= before.quarantined[project].rung


def test_there_is_a_rule_for_each_line_of_the_theory() -> None:
    ends = (Kind.ACCEPTED, Kind.REFUSED, Kind.UNANSWERED, Kind.CLOCK_JUMPED, Kind.REPLACED, Kind.RETRIED)
    missing = {(phase, kind) for phase in Phase for kind in ends} - lockout.TABLE.keys()
    assert missing == {(Phase.HELD, Kind.CLOCK_JUMPED)}, "which leaves it held"


@pytest.mark.parametrize(("policy", "rule"), [(KEYS, OF_KEYS), (PASSWORDS, USUAL)], ids=["keys", "passwords"])
def test_whoever_retries_again_and_again_leaves_room_for_those_under_way(policy: Policy, rule: Rule) -> None:
    """Refusals of the user count beside attempts under way, though what stood against the secret has been lifted."""
    world = World()
    for project, endpoint in (("a", "north"), ("b", "south")):
        world = after_one(world, project, endpoint, policy)
    for project, endpoint in 10 * (("a", "north"), ("b", "north"), ("c", "south"), ("d", "south")):
        world = world.begun(project, endpoint, policy) or world.ended(Kind.REFUSED, policy)
        world = world.stepped(Event(Kind.RETRIED), policy)
        assert not rule.locks(world.refused), world.refused
    assert world.refused


def after_one(world: World, project: str, endpoint: str, policy: Policy) -> World:
    """After an attempt that was accepted."""
    begun = world.begun(project, endpoint, policy)
    assert begun
    return begun.ended(Kind.ACCEPTED, policy)
