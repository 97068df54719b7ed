"""Who may use a secret, and when: one that is refused is held, so that the vendor never locks it."""

import asyncio
from collections import Counter, defaultdict, deque
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from contextlib import asynccontextmanager
from dataclasses import replace

import structlog

from frs_exporter.cloud.cooldown import Cooldown, Pauses
from frs_exporter.core.errors import ApiError, Failure, Reason, proves_secret
from frs_exporter.core.explanations import advice
from frs_exporter.exposition.telemetry import Telemetry

KEY_HOLD = 360.0
"""Seconds without a signature after a refused one: more than the 300 for which the gateway locks a key after five
refused in a row (devg-apisign, api-sign-0001)."""
KEYS_IN_FLIGHT = 4
"""Signed requests under way at once: if all turn out to be refused, the key is not locked yet."""
PASSWORD_HOLD = 1860.0
"""Seconds without a login after a refused one. An account locks a user after 3 to 10 wrong passwords within 15 to 60
minutes, as it is set (IAM API, iam_17_0005); two within any hour never lock, whatever is set."""
LOGINS_IN_FLIGHT = 2
"""Logins under way at once: if both turn out to be refused, the next one is more than an hour later."""
LAST_HOLD = 3600.0
"""Each hold is twice as long as the one before, up to this."""
DEFERRAL = 30.0
"""Seconds by which the project that was refused comes after the others, or the endpoint that did not answer: the
others tell whether it was the secret."""
CLOCK_JUMP = 60.0
"""A wall clock set by more seconds than this may be the end of signatures that were good until now."""
PROJECT_PAUSES = (60.0, 300.0, 600.0, 960.0)
"""Seconds for which a project waits that got no answer, by how many attempts at its endpoint have had none in a row: it
may have been a refusal."""
ENDPOINT_PAUSES = (60.0, 120.0, 600.0, 960.0)
"""Seconds for which all wait there, once two projects in a row got none: one alone may be what hangs. Whoever they are,
there are four attempts there within a quarter of an hour at most, fewer than the five that lock by default."""

PASSWORDS = (3, 900.0)
KEYS = (4, 360.0)
"""So many refusals of one user within so many seconds, whichever of its secrets they were about, and all of them wait:
fewer than the five that lock by default."""

log = structlog.get_logger()

Replaced = Callable[[], Awaitable[bool]]
"""Looks whether there is another secret by now; it may also put another authorizer, with its own hold, in place."""


async def nothing_new() -> bool:
    """For secrets that nobody replaces."""
    return False


class Refusals:
    """What was refused to one user of late: the vendor counts it together, also when each secret is another one."""

    def __init__(self, limit: int, window: float) -> None:
        self._times: deque[float] = deque(maxlen=limit)
        self._limit, self._window = limit, window
        self._cooldown = Cooldown()

    def add(self, failure: Failure) -> None:
        """Count one."""
        now = asyncio.get_running_loop().time()
        self._times.append(now)
        if len(self._times) == self._limit:
            self._cooldown.start(failure, self._times[0] + self._window - now)

    def clear(self) -> None:
        """One of the user's secrets was accepted."""
        self._times.clear()
        self._cooldown.clear()

    def check(self) -> None:
        """Raise the newest again while there are too many."""
        self._cooldown.check()


class Lockout:
    """Guards a secret: refused once, it is not used for longer than the vendor's lock lasts, and then by one alone.

    Until it has worked, one at a time uses it, after that at most `max_in_flight`, as those under way could lock it
    together; of those each endpoint has its share, so that one that is slow takes nothing from the others. A project
    that is refused where others are accepted is held by itself; one that gets no answer waits by itself, until another
    one gets none, too. `of_endpoint` says that no answer may be a refusal though the secret has worked, as it may for
    logins.
    """

    def __init__(
        self,
        credential: str,
        first: float,
        telemetry: Telemetry,
        user: Refusals,
        *,
        max_in_flight: int,
        of_endpoint: bool = False,
    ) -> None:
        self._credential = credential
        self._user = user
        self._retired = False
        self._first = self._current = first
        self._telemetry = telemetry
        self._max_in_flight = max_in_flight
        self._of_endpoint = of_endpoint
        self._proven_once = self._proven = False
        self._offset = 0.0
        self._under_way: Counter[str] = Counter()
        self._line: deque[asyncio.Future[None]] = deque()
        self._refusals = 0
        self._cooldown = Cooldown()
        self._suspect: str | None = None
        self._deferred: frozenset[str] = frozenset()
        self._quarantined: set[str] = set()
        self._quarantine = Cooldown()
        self._cooling: defaultdict[str, Pauses] = defaultdict(Pauses)
        self._unanswered: Counter[str] = Counter()
        self._show()

    @property
    def is_held(self) -> bool:
        """Whether the secret is held, or just was: what is known of it must not be forgotten."""
        return self._refusals > 0 and self._cooldown.remaining > -LAST_HOLD

    def retire(self) -> None:
        """Go on for what is under way; a secret that nobody wants any more is not told of."""
        self._retired = True

    def restore(self) -> None:
        """The secret is wanted again, and what stood still stands."""
        self._retired = False
        self._show()

    def retain(self, endpoints: Collection[str]) -> None:
        """Share among these endpoints only, and those at which somebody is."""
        for endpoint in [held for held, count in self._under_way.items() if held not in endpoints and not count]:
            del self._under_way[endpoint]

    def check(self, project: str, endpoint: str | None = None) -> None:
        """Raise the error that stands: for the secret, for its use for this project, or at an endpoint."""
        self._user.check()
        deferred = {project, endpoint} & (self._deferred | self._quarantined)
        self._cooldown.check(longer=DEFERRAL * len(deferred))
        if project in self._quarantined:
            self._quarantine.check()
        if endpoint is not None and endpoint in self._cooling:
            self._cooling[endpoint].check(project)

    @asynccontextmanager
    async def attempt(
        self, project: str, endpoint: str, clock_offset: float = 0.0, replaced: Replaced = nothing_new
    ) -> AsyncIterator[None]:
        """Use the secret; raises ApiError.

        `clock_offset` is in seconds, the wall clock against the loop's; `replaced` is asked before anything is held.
        """
        if abs(clock_offset - self._offset) > CLOCK_JUMP:
            self._proven, self._offset = False, clock_offset
        async with self._turn(endpoint):
            self.check(project, endpoint)
            refusals = self._refusals
            try:
                yield
            except ApiError as error:
                failure = error.failure
                if failure.reason is Reason.TIMEOUT:
                    raise ApiError(self._doubt(project, endpoint, failure)) from None
                if failure.status is not None and not failure.by_proxy:
                    self._answered(endpoint)
                if failure.reason is Reason.AUTH:
                    raise ApiError(await self._refused(project, failure, replaced)) from None
                if proves_secret(failure):
                    self._accept(project, refusals)
                raise
            self._answered(endpoint)
            self._accept(project, refusals)

    @asynccontextmanager
    async def _turn(self, endpoint: str) -> AsyncIterator[None]:
        self._under_way.setdefault(endpoint, 0)
        while not self._may_go(endpoint):
            place = asyncio.get_running_loop().create_future()
            self._line.append(place)
            try:
                await place
            finally:
                self._line.remove(place)
        self._under_way[endpoint] += 1
        try:
            yield
        finally:
            self._under_way[endpoint] -= 1
            for place in self._line:  # whoever may go now, goes
                if not place.done():
                    place.set_result(None)

    def _may_go(self, endpoint: str) -> bool:
        if not self._proven:
            return self._under_way.total() == 0
        share = max(1, self._max_in_flight // len(self._under_way))
        return self._under_way.total() < self._max_in_flight and self._under_way[endpoint] < share

    async def _refused(self, project: str, failure: Failure, replaced: Replaced) -> Failure:
        """What to tell who was refused; another secret, if there is one, has to prove itself."""
        self._user.add(failure)
        self._proven = False  # nobody goes meanwhile
        if not await replaced():
            return self._refuse(project, failure)
        self._forget()
        return failure

    def _refuse(self, project: str, failure: Failure) -> Failure:
        """Hold the secret, or an odd project; what to tell who was refused."""
        if project in self._quarantined and not self._refusals:
            self._current = min(2 * self._current, LAST_HOLD)  # as it may be the secret after all
            self._quarantine.start(failure, self._current)
            return replace(failure, retry_after=self._quarantine.remaining)
        if not self._refusals and not self._retired:
            details = {"held_seconds": self._current, **failure.log_fields(), "advice": advice(failure)}
            log.error("credential rejected", credential=self._credential, **details)
        new = self._cooldown.remaining <= 0
        self._cooldown.start(failure, self._current)
        if new:  # more that were under way make the hold as long as a second refusal does, and no longer
            self._current = min(2 * self._current, LAST_HOLD)
        self._proven, self._suspect, self._deferred = False, project, frozenset({project})
        self._refusals += 1
        self._show()
        return replace(failure, retry_after=self._cooldown.remaining + DEFERRAL)

    def _answered(self, endpoint: str) -> None:
        self._cooling[endpoint].well()
        self._unanswered.pop(endpoint, None)

    def _doubt(self, project: str, endpoint: str, failure: Failure) -> Failure:
        """What was not answered may have been refused: it is not tried again so soon; what to tell."""
        if self._refusals:
            self._cooldown.restart(self._current)
            # The endpoint may be what is silent, or the project: whoever else is there comes before it.
            self._deferred = frozenset(who for who in self._deferred if who != self._suspect) | {endpoint, project}
            return replace(failure, retry_after=self._cooldown.remaining + DEFERRAL)
        if self._proven_once and not self._of_endpoint:
            return failure
        self._proven = False  # one at a time, until somebody is accepted: several could all have been refused
        cooling, level = self._cooling[endpoint], min(self._unanswered[endpoint], len(PROJECT_PAUSES) - 1)
        self._unanswered[endpoint] += 1
        cooling.pause(project, failure, PROJECT_PAUSES[level])
        if cooling.spreads(project):
            cooling.everybody.start(failure, ENDPOINT_PAUSES[level])
        return replace(failure, retry_after=PROJECT_PAUSES[level])

    def _accept(self, project: str, refusals: int) -> None:
        """Lift the hold, unless the secret was refused since the attempt began."""
        self._quarantined.discard(project)
        self._user.clear()
        if refusals != self._refusals:
            return
        if refusals:
            log.info("credential accepted again", credential=self._credential, refusals=refusals)
            if self._suspect is not None and self._suspect != project:
                self._quarantined.add(self._suspect)
        self._forget()
        self._proven_once = self._proven = True

    def _forget(self) -> None:
        self._cooldown.clear()
        self._current, self._refusals, self._suspect, self._deferred = self._first, 0, None, frozenset()
        self._show()

    def _show(self) -> None:
        if not self._retired:
            self._telemetry.credential_rejected.labels(self._credential).set(self._refusals > 0)
