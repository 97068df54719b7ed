"""Who may use a secret, and when: the rules that keep the vendor from locking a user or a key (pure).

What the vendor does
    A user is locked after so many wrong passwords in a row within a window. An account sets both: 3 to 10 within 15 to
    60 minutes, for 15 minutes to a day (IAM API, iam_17_0005). An access key is locked for five minutes after more than
    five refused signatures in a row (devg-apisign, api-sign-0001). Neither tells how often it was refused already, and
    others may be refused with the same user, too.

What makes it hard
    Thousands of projects share one secret, and all find at the same moment that it is wrong. An answer may be late, or
    never come: then nobody knows whether it was a refusal. And a refusal may not be about the secret: IAM, which is a
    Keystone, says the same 401 of a wrong password and of a user without a role on the project.

What is done about it
    Every use of a secret is an attempt: `admit` says whether it may begin, `step` what its end means. A secret is

    unproven    until it was accepted: one attempt at a time, as several could all be refused
    proven      a few attempts at a time, shared among endpoints, so that a slow one takes nothing from the others
    held        it was refused: nobody uses it for longer than a lock lasts, then one alone

    phase \\ event   accepted   refused                      no answer                    clock jumped   another secret
    unproven         proven     held                         cool the endpoint            unproven       unproven
    proven           proven     quarantine it, then held     logins: cool the endpoint    unproven       unproven
    held             proven     held for twice as long       held anew, defer it          held           unproven

    `TABLE` below is these lines. In words:

    - A hold is as long as `Policy.hold` at first, and twice as long with each refusal, up to an hour.
    - A project that is refused within minutes of another's success is quarantined alone: it is about that project. Once
      a second one is refused, and nobody was accepted in between, it is the secret that is held. A project is also
      quarantined when it was refused and another is accepted after the hold. Its own ladder doubles with each refusal.
    - Who was refused last is deferred: once a hold has ended the others go first, and tell whether it was the secret.
    - No answer may have been a refusal, unless it is a signature of a key that has worked. The project waits. Once a
      second project got no answer at that endpoint, and nobody was answered in between, all wait there.
    - Whatever the phase: refusals since the last success are counted in the vendor's windows, with attempts under way
      as if they were refused, and for the user also what got no answer, whichever of its secrets it was. An attempt
      that could be the one too many does not begin. This is what keeps the lock from happening; all else is for the
      projects' sake.

Times are in seconds of one clock, which the caller reads.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from frs_exporter.cloud.lockout_state import (
    AcceptedAgain,
    Deny,
    Effect,
    Endpoint,
    Event,
    Go,
    Kind,
    Ladder,
    Phase,
    Policy,
    Refusals,
    Rejected,
    State,
    Wait,
)

DEFERRAL = 30.0
"""Seconds by which who is deferred comes after the others."""
FRESH = 300.0
"""Seconds for which a success tells that another project's refusal is not about the secret."""
PROJECT_PAUSES = (60.0, 300.0, 600.0, 960.0)
"""Seconds for which a project waits that got no answer, by how many attempts at its endpoint have had none in a row: it
may have been a refusal."""
ENDPOINT_PAUSES = (60.0, 120.0, 600.0, 960.0)
"""Seconds for which all wait there, once two projects in a row got none: one alone may be what hangs. Whoever they are,
there are at most four attempts there in a quarter of an hour, and five lock by default."""


def admit(state: State, now: float, project: str, endpoint: str | None, policy: Policy) -> Go | Wait | Deny:
    """Whether an attempt may begin; without an endpoint, whether anything stands against it wherever it is made."""
    if state.doubts:
        return Wait() if endpoint is not None else Go()
    known = () if is_calm(state, project, endpoint) else barriers(state, project, endpoint, policy)
    if standing := [ladder for ladder in known if ladder.until > now]:
        longest = max(standing, key=lambda ladder: ladder.until)
        return Deny(longest.failure, longest.until - now)
    return Wait() if endpoint is not None and crowded(state, now, endpoint, policy) else Go()


def is_calm(state: State, project: str, endpoint: str | None) -> bool:
    """Whether nothing at all is known against an attempt, as nearly always."""
    refused = state.hold or state.user.times or state.refusals.times or project in state.quarantined
    return not refused and endpoint not in state.endpoints


def barriers(state: State, project: str, endpoint: str | None, policy: Policy) -> Iterator[Ladder]:
    """All that stands, or stood, against an attempt."""
    yield from filter(None, (policy.user.spent(state.user), policy.secret.spent(state.refusals)))
    if state.hold:
        later = {project, endpoint} & (state.deferred | state.quarantined.keys())
        yield replace(state.hold, until=state.hold.until + DEFERRAL * len(later))
    if project in state.quarantined:
        yield state.quarantined[project]
        yield from filter(None, [policy.quarantined.spent(state.all_refusals)])
    if endpoint is not None and (place := state.endpoints.get(endpoint)):
        yield from (ladder for ladder in (place.cooling, place.paused.get(project)) if ladder)


def crowded(state: State, now: float, endpoint: str, policy: Policy) -> bool:
    """Whether those under way leave no room for one more."""
    in_flight = sum(state.in_flight.values())
    of_user = in_flight + state.others_in_flight
    full = of_user and of_user + policy.user.recent(state.user, now) >= policy.user.limit
    if full or in_flight + policy.secret.recent(state.refusals, now) >= policy.secret.limit:
        return True
    if state.phase is not Phase.PROVEN:
        return in_flight > 0
    share = max(1, policy.max_in_flight // len(state.in_flight.keys() | {endpoint}))
    return in_flight >= policy.max_in_flight or state.in_flight.get(endpoint, 0) >= share


def step(state: State, event: Event, now: float, policy: Policy) -> tuple[State, tuple[Effect, ...]]:
    """The state after an event, and what is to be told of it."""
    after = TABLE.get((state.phase, event.kind), unchanged)(counted(state, event, now), event, now, policy)
    if state.phase is not Phase.HELD and after.phase is Phase.HELD:
        return after, (Rejected(event.why, after.hold.until - now),) if after.hold else ()
    if state.phase is Phase.HELD and after.phase is Phase.PROVEN:
        return after, (AcceptedAgain(state.refused_count),)
    return after, ()


def counted(state: State, event: Event, now: float) -> State:
    """The state with what an event means in any phase: who is under way, who was answered, and the refusals."""
    match event.kind:
        case Kind.CLOCK_JUMPED | Kind.RETRIED:
            return state
        case Kind.KEPT | Kind.REPLACED:
            return state._replace(doubts=max(0, state.doubts - 1))
        case Kind.BEGUN:
            return state.with_attempts(event.endpoint, 1)
        case Kind.REFUSED:
            state = state._replace(
                user=state.user.one_more(event.why, now),
                refusals=state.refusals.one_more(event.why, now),
                all_refusals=state.all_refusals.one_more(event.why, now),
                refused_count=state.refused_count + 1,
                doubts=state.doubts + 1,
            )
    state = state.with_attempts(event.endpoint, -1)
    answered = event.kind not in (Kind.UNANSWERED, Kind.FAILED)
    if answered and event.endpoint in state.endpoints:  # what went before was not about all who ask there
        return state.with_endpoint(event.endpoint, unanswered=0, first_unanswered=None, spread=False)
    return state


def unchanged(state: State, event: Event, now: float, policy: Policy) -> State:
    """The event says nothing of the secret."""
    return state


def prove(state: State, event: Event, now: float, policy: Policy) -> State:
    """The secret is right, unless it was refused since this attempt began; then this may be older news."""
    if state.refusals.since(event.begun) or not news(state, event, now):
        return state
    quarantined = {project: ladder for project, ladder in state.quarantined.items() if project != event.project}
    if state.hold and state.suspect not in (None, event.project):
        known = state.quarantined.get(str(state.suspect))
        quarantined[str(state.suspect)] = replace(state.hold, rung=known.rung if known else 1)
    others = tuple(entry for entry in state.accepted if entry[0] != event.project)
    return forgiven(state)._replace(
        phase=Phase.PROVEN,
        user=state.user if state.user.since(event.begun) else Refusals(),
        quarantined=quarantined,
        accepted=((event.project, now), *others[:1]),
    )


def news(state: State, event: Event, now: float) -> bool:
    """Whether a success changes anything: most come where all is well, and another one is not long ago."""
    if (
        state.phase is not Phase.PROVEN
        or state.user.times
        or state.refusals.times
        or event.project in state.quarantined
    ):
        return True
    return len(state.accepted) < 2 or now - state.accepted[-1][1] > FRESH / 5


def forgiven(state: State) -> State:
    """The state without what is held against the secret."""
    return state._replace(hold=None, refusals=Refusals(), refused_count=0, suspect=None, deferred=frozenset[str]())


def forget(state: State, event: Event, now: float, policy: Policy) -> State:
    """It is another secret, which has to prove itself; what was refused to the user before still counts."""
    return forgiven(state)._replace(phase=Phase.UNPROVEN, accepted=(), quarantined={})


def doubt(state: State, event: Event, now: float, policy: Policy) -> State:
    """What was right may not be any more: one goes first."""
    return state._replace(phase=Phase.UNPROVEN, accepted=())


def hold_secret(state: State, event: Event, now: float, policy: Policy) -> State:
    """Nobody uses the secret for a while, unless this is a project that is refused anyhow."""
    if event.project in state.quarantined:
        return quarantine(state, event, now, policy)
    return held(state, event, Ladder(event.why, now + policy.hold_seconds(1)))


def hold_or_quarantine(state: State, event: Event, now: float, policy: Policy) -> State:
    """The first project that is refused while others are accepted is alone with it."""
    fresh = any(project != event.project and now - time <= FRESH for project, time in state.accepted)
    if state.suspect is None and fresh:
        return quarantine(state, event, now, policy)
    return hold_secret(state, event, now, policy)


def hold_longer(state: State, event: Event, now: float, policy: Policy) -> State:
    """Refused after a hold, or under way when it began: then it is as long as after one refusal more, and no longer."""
    before = state.hold or Ladder(event.why, now)
    until = max(before.until, now + policy.hold_seconds(before.rung + 1))
    return held(state, event, Ladder(event.why, until, before.rung + (now >= before.until)))


def held(state: State, event: Event, ladder: Ladder) -> State:
    """The state with a hold; who was refused comes last when it ends."""
    return state._replace(phase=Phase.HELD, hold=ladder, suspect=event.project, deferred=frozenset({event.project}))


def quarantine(state: State, event: Event, now: float, policy: Policy) -> State:
    """This project alone is held, each time for longer; a password has to prove itself again, before the next login."""
    before = state.quarantined.get(event.project)
    rung = before.rung + 1 if before else 1
    ladder = Ladder(event.why, now + policy.hold_seconds(rung), rung)
    suspect = state.suspect if before else event.project
    phase = Phase.UNPROVEN if policy.logins else state.phase
    return state._replace(phase=phase, suspect=suspect, quarantined={**state.quarantined, event.project: ladder})


def defer(state: State, event: Event, now: float, policy: Policy) -> State:
    """The one attempt after a hold got no answer: its endpoint or its project may be what is silent; both come last."""
    before = state.hold or Ladder(event.why, now)
    ladder = replace(before, until=max(before.until, now + policy.hold_seconds(before.rung + 1)))
    others = frozenset(who for who in state.deferred if who != state.suspect)
    user = state.user.one_more(event.why, now)
    return state._replace(user=user, hold=ladder, deferred=others | {event.project, event.endpoint})


def cool_login(state: State, event: Event, now: float, policy: Policy) -> State:
    """A secret that has worked was hardly refused where no answer came; a login may have been."""
    return cool(state, event, now, policy) if policy.logins else state


def cool(state: State, event: Event, now: float, policy: Policy) -> State:
    """It may have been a refusal: this project waits, and once a second one got no answer, all wait there."""
    place = state.endpoints.get(event.endpoint, Endpoint())
    level = min(place.unanswered, len(PROJECT_PAUSES) - 1)
    spread = place.spread or place.first_unanswered not in (None, event.project)
    paused = {project: ladder for project, ladder in place.paused.items() if ladder.until > now}
    return state._replace(phase=Phase.UNPROVEN, user=state.user.one_more(event.why, now)).with_endpoint(
        event.endpoint,
        unanswered=place.unanswered + 1,
        first_unanswered=event.project if place.first_unanswered is None else place.first_unanswered,
        spread=spread,
        cooling=Ladder(event.why, now + ENDPOINT_PAUSES[level]) if spread else place.cooling,
        paused={**paused, event.project: Ladder(event.why, now + PROJECT_PAUSES[level])},
    )


def end_waits(state: State, event: Event, now: float, policy: Policy) -> State:
    """Whoever waits may come now, and the next wait is longer all the same; what locks by default is still kept to."""
    return state._replace(
        refusals=Refusals(),
        hold=state.hold and replace(state.hold, until=min(state.hold.until, now)),
        deferred=frozenset[str](),
        quarantined={who: replace(ladder, until=min(ladder.until, now)) for who, ladder in state.quarantined.items()},
        endpoints={name: replace(place, cooling=None, paused={}) for name, place in state.endpoints.items()},
    )


Rule = Callable[[State, Event, float, Policy], State]

TABLE: Mapping[tuple[Phase, Kind], Rule] = {
    (Phase.UNPROVEN, Kind.ACCEPTED): prove,
    (Phase.UNPROVEN, Kind.REFUSED): hold_secret,
    (Phase.UNPROVEN, Kind.UNANSWERED): cool,
    (Phase.UNPROVEN, Kind.CLOCK_JUMPED): doubt,
    (Phase.UNPROVEN, Kind.REPLACED): forget,
    (Phase.PROVEN, Kind.ACCEPTED): prove,
    (Phase.PROVEN, Kind.REFUSED): hold_or_quarantine,
    (Phase.PROVEN, Kind.UNANSWERED): cool_login,
    (Phase.PROVEN, Kind.CLOCK_JUMPED): doubt,
    (Phase.PROVEN, Kind.REPLACED): forget,
    (Phase.HELD, Kind.ACCEPTED): prove,
    (Phase.HELD, Kind.REFUSED): hold_longer,
    (Phase.HELD, Kind.UNANSWERED): defer,
    (Phase.HELD, Kind.REPLACED): forget,  # but no (HELD, CLOCK_JUMPED): the vendor's lock runs by the vendor's clock
    **dict.fromkeys([(phase, Kind.RETRIED) for phase in Phase], end_waits),
}
"""What an event does in a phase; what is not here changes nothing."""
