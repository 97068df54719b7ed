"""Who may use a secret, and when: one that is refused is held, so that the vendor never locks it."""

import asyncio
from collections import Counter, defaultdict, deque
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from contextlib import asynccontextmanager

import structlog

from frs_exporter.advice import advice
from frs_exporter.cloud.pauses import Pauses, Standing
from frs_exporter.errors import ApiError, Reason, proves_secret
from frs_exporter.exposition.telemetry import Telemetry

KEY_HOLD = 360.0
"""Seconds without a signature after a refused one: more than the 300 for which the gateway locks a key after five
refused in a row (devg-apisign, api-sign-0001)."""
KEY_WIDTH = 4
"""Signed requests under way at once: if all turn out to be refused, the key is not locked yet."""
PASSWORD_HOLD = 1860.0
"""Seconds without a login after a refused one. An account locks a user after 3 to 10 wrong passwords within 15 to 60
minutes, as it is set (IAM API, iam_17_0005); two within any hour never lock, whatever is set."""
PASSWORD_WIDTH = 2
"""Logins under way at once: if both turn out to be refused, the next one is more than an hour later."""
LAST_HOLD = 3600.0
"""Each hold is twice as long as the one before, up to this."""
BEHIND = 30.0
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

    def __init__(self, most: int, within: float) -> None:
        self._times: deque[float] = deque(maxlen=most)
        self._most, self._within = most, within
        self._standing = Standing()

    def add(self, error: ApiError) -> None:
        """Count one."""
        now = asyncio.get_running_loop().time()
        self._times.append(now)
        if len(self._times) == self._most:
            self._standing.stand(error, self._times[0] + self._within - now)

    def clear(self) -> None:
        """One of the user's secrets was accepted."""
        self._times.clear()
        self._standing.lift()

    def check(self) -> None:
        """Raise the newest again while there are too many."""
        self._standing.check()


class Hold:
    """Guards a secret: refused once, it is not used for longer than the vendor's lock lasts, and then by one alone.

    Until it has worked, one at a time uses it, after that at most `width`, as those under way could lock it together;
    of those each endpoint has its share, so that one that is slow takes nothing from the others. A project that is
    refused where others are accepted is held by itself; one that gets no answer waits by itself, until another one gets
    none, too. `of_endpoint` says that no answer may be a refusal though the secret has worked, as it may for logins.
    """

    def __init__(
        self,
        credential: str,
        first: float,
        telemetry: Telemetry,
        user: Refusals,
        *,
        width: int,
        of_endpoint: bool = False,
    ) -> None:
        self._credential = credential
        self._user = user
        self._retired = False
        self._first = self._length = first
        self._telemetry = telemetry
        self._width = width
        self._of_endpoint = of_endpoint
        self._worked = self._trusted = False
        self._offset = 0.0
        self._under_way: Counter[str] = Counter()
        self._line: deque[asyncio.Future[None]] = deque()
        self._refusals = 0
        self._standing = Standing()
        self._suspect: str | None = None
        self._behind: frozenset[str] = frozenset()
        self._odd: set[str] = set()
        self._odd_standing = Standing()
        self._silences: defaultdict[str, Pauses] = defaultdict(Pauses)
        self._unanswered: Counter[str] = Counter()
        self._show()

    @property
    def stands(self) -> bool:
        """Whether the secret is held, or just was: what is known of it must not be forgotten."""
        return self._refusals > 0 and self._standing.left > -LAST_HOLD

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
        behind = {project, endpoint} & (self._behind | self._odd)
        self._standing.check(longer=BEHIND * len(behind))
        if project in self._odd:
            self._odd_standing.check()
        if endpoint is not None and endpoint in self._silences:
            self._silences[endpoint].check(project)

    @asynccontextmanager
    async def attempt(
        self, project: str, endpoint: str, clock_offset: float = 0.0, replaced: Replaced = nothing_new
    ) -> AsyncIterator[None]:
        """Use the secret; raises ApiError.

        `clock_offset` is in seconds, the wall clock against the loop's; `replaced` is asked before anything is held.
        """
        if abs(clock_offset - self._offset) > CLOCK_JUMP:
            self._trusted, self._offset = False, clock_offset
        async with self._turn(endpoint):
            self.check(project, endpoint)
            refusals = self._refusals
            try:
                yield
            except ApiError as error:
                if error.reason is Reason.TIMEOUT:
                    raise self._doubt(project, endpoint, error) from None
                if error.status is not None and not error.by_proxy:
                    self._answered(endpoint)
                if error.reason is Reason.AUTH:
                    raise await self._refused(project, error, replaced) from None
                if proves_secret(error):
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
        if not self._trusted:
            return self._under_way.total() == 0
        share = max(1, self._width // len(self._under_way))
        return self._under_way.total() < self._width and self._under_way[endpoint] < share

    async def _refused(self, project: str, error: ApiError, replaced: Replaced) -> ApiError:
        """What to tell who was refused; another secret, if there is one, has to prove itself."""
        self._user.add(error)
        self._trusted = False  # nobody goes meanwhile
        if not await replaced():
            return self._refuse(project, error)
        self._forget()
        return error.replace()

    def _refuse(self, project: str, error: ApiError) -> ApiError:
        """Hold the secret, or an odd project; what to tell who was refused."""
        if project in self._odd and not self._refusals:
            self._length = min(2 * self._length, LAST_HOLD)  # as it may be the secret after all
            self._odd_standing.stand(error, self._length)
            return error.replace(retry_after=self._odd_standing.left)
        if not self._refusals and not self._retired:
            names = {"credential": self._credential, "api": error.api, "code": error.code}
            details = {"request_id": error.request_id, "message": error.message, "advice": advice(error)}
            log.error("credential rejected", **names, held_seconds=self._length, **details)
        new = self._standing.left <= 0
        self._standing.stand(error, self._length)
        if new:  # more that were under way make the hold as long as a second refusal does, and no longer
            self._length = min(2 * self._length, LAST_HOLD)
        self._trusted, self._suspect, self._behind = False, project, frozenset({project})
        self._refusals += 1
        self._show()
        return error.replace(retry_after=self._standing.left + BEHIND)

    def _answered(self, endpoint: str) -> None:
        self._silences[endpoint].well()
        self._unanswered.pop(endpoint, None)

    def _doubt(self, project: str, endpoint: str, error: ApiError) -> ApiError:
        """What was not answered may have been refused: it is not tried again so soon; what to tell."""
        if self._refusals:
            self._standing.restart(self._length)
            # The endpoint may be what is silent, or the project: whoever else is there comes before it.
            self._behind = frozenset(who for who in self._behind if who != self._suspect) | {endpoint, project}
            return error.replace(retry_after=self._standing.left + BEHIND)
        if self._worked and not self._of_endpoint:
            return error
        self._trusted = False  # one at a time, until somebody is accepted: several could all have been refused
        silence, step = self._silences[endpoint], min(self._unanswered[endpoint], len(PROJECT_PAUSES) - 1)
        self._unanswered[endpoint] += 1
        silence.pause(project, error, PROJECT_PAUSES[step])
        if silence.spreads(project):
            silence.everybody.stand(error, ENDPOINT_PAUSES[step])
        return error.replace(retry_after=PROJECT_PAUSES[step])

    def _accept(self, project: str, refusals: int) -> None:
        """Lift the hold, unless the secret was refused since the attempt began."""
        self._odd.discard(project)
        self._user.clear()
        if refusals != self._refusals:
            return
        if refusals:
            log.info("credential accepted again", credential=self._credential, refusals=refusals)
            if self._suspect is not None and self._suspect != project:
                self._odd.add(self._suspect)
        self._forget()
        self._worked = self._trusted = True

    def _forget(self) -> None:
        self._standing.lift()
        self._length, self._refusals, self._suspect, self._behind = self._first, 0, None, frozenset()
        self._show()

    def _show(self) -> None:
        if not self._retired:
            self._telemetry.credential_rejected.labels(self._credential).set(self._refusals > 0)
