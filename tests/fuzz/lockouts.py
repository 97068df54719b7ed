"""Any sequence of what happens to a secret: nobody is locked, and a secret that is right is used again before long."""

from frs_exporter.cloud.lockout import DEFERRAL
from frs_exporter.cloud.lockout_state import KEYS, LAST_HOLD, PASSWORDS, Event, Kind, Phase, Policy
from tests.cloud.test_lockout import OF_KEYS, USUAL, World, grow
from tests.fuzz.inputs import steps

PLACES = (("a", "north"), ("b", "north"), ("c", "south"), ("d", "south"))
ENDS = (Kind.ACCEPTED, Kind.REFUSED, Kind.UNANSWERED, Kind.REFUSED, Kind.UNANSWERED)
MOST_STEPS = 200
LIFTS = 6
"""The step that may lift what stands: a clock that jumps, another secret, somebody who knows better."""
LONGEST = 2 * LAST_HOLD + 20 * DEFERRAL
"""Seconds after which a right secret has proved itself, and all its projects have been let in, whatever was before."""


def check_lockout(data: bytes) -> None:
    """What must hold of any sequence of steps; the first byte says of what kind the secret is."""
    policy, rule = ((PASSWORDS, USUAL), (KEYS, OF_KEYS))[data[0] % 2 if data else 0]
    world = World()
    for what, number in steps(data[1:], MOST_STEPS):
        after = stepped(world, what, number, policy)
        assert not rule.locks(after.refused), after
        assert policy is KEYS or not USUAL.locks(after.maybe), after
        if what % 8 != LIFTS and after.state.phase is world.state.phase:
            grow(world.state, after.state)
        world = after
    check_right_secret(world, policy)


def stepped(world: World, what: int, number: int, policy: Policy) -> World:
    """The world after one step."""
    match what % 8:
        case 0 | 1 | 2:
            return world.begun(*PLACES[number % len(PLACES)], policy) or world
        case 3 | 4:
            return world.ended(ENDS[number % len(ENDS)], policy, after=1.0 + number) if world.under_way else world
        case 5:
            return world._replace(now=world.now + number * 20.0)
        case _ if what % 8 == LIFTS:
            return world.stepped(Event((Kind.CLOCK_JUMPED, Kind.REPLACED, Kind.RETRIED)[number % 3]), policy)
    if not world.under_way:
        return world
    begun = world.begun(*world.under_way[0][:2], policy)
    return begun or world


def check_right_secret(world: World, policy: Policy) -> None:
    """From now on all are accepted: each project is let in, and goes on being let in at once."""
    begun_at = world.now
    while world.under_way:
        world = world.ended(Kind.ACCEPTED, policy)
    for place in PLACES * 3:
        begun = world.begun(*place, policy)
        assert begun, "nobody else is under way"
        world = begun.ended(Kind.ACCEPTED, policy)
    assert world.state.phase is Phase.PROVEN, world
    assert world.now - begun_at < LONGEST, world
    for place in PLACES:
        at_once = world.begun(*place, policy)
        assert at_once
        assert at_once.now == world.now, "nothing is held against it any more"
