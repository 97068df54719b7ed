"""Who may use a secret, and when: one that is refused is held, so that the vendor never locks it."""

import asyncio
import math
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager

import structlog

from frs_exporter.advice import advice
from frs_exporter.cloud.gate import Standing
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
"""Seconds by which the project that was refused comes after the others: they tell whether it was the secret."""
CLOCK_JUMP = 60.0
"""A wall clock set by more seconds than this may be the end of signatures that were good until now."""
FIRST_SILENCE = 60.0
"""Seconds between logins where IAM does not answer."""
LONGEST_SILENCE = 960.0
"""Seconds between logins where IAM never answers, to a user whose password has never worked: as each may be a refusal
that comes too late, four in a quarter of an hour are enough."""

log = structlog.get_logger()


class Hold:
    """Guards a secret: refused once, it is not used for longer than the vendor's lock lasts, and then by one alone.

    Until it has worked, one at a time uses it, after that at most `width`: those under way could lock it together.
    A project that is refused where others are accepted is held by itself.
    """

    def __init__(self, credential: str, first: float, telemetry: Telemetry, *, width: int) -> None:
        self.worked = False
        self._credential = credential
        self._first = self._length = first
        self._rejected = telemetry.credential_rejected.labels(credential)
        self._one, self._some = asyncio.Semaphore(1), asyncio.Semaphore(width)
        self._turns = self._one
        self._offset = 0.0
        self._refusals = self._unanswered = 0
        self._standing = Standing()
        self._suspect = ""
        self._odd: set[str] = set()
        self._odd_standing = Standing()

    def check(self, project: str) -> None:
        """Raise the refusal again, while the secret is held, or its use for this project."""
        self._standing.check(longer=BEHIND if project == self._suspect else 0.0)
        if project in self._odd:
            self._odd_standing.check()

    @asynccontextmanager
    async def attempt(
        self, project: str, *, patience: float = math.inf, clock_offset: float = 0.0
    ) -> AsyncIterator[None]:
        """Use the secret for a project; raises ApiError.

        `patience` are the seconds after which others need not wait any longer for the outcome, while nothing speaks
        against the secret; `clock_offset` is in seconds, the wall clock against the loop's.
        """
        if abs(clock_offset - self._offset) > CLOCK_JUMP:
            self._turns, self._offset = self._one, clock_offset
        async with self._turn(patience):
            self.check(project)
            refusals = self._refusals
            try:
                yield
            except ApiError as error:
                if error.reason is Reason.AUTH:
                    raise self._refuse(project, error) from None
                if error.reason is Reason.TIMEOUT:
                    raise self._doubt(error, patience) from None
                if proves_secret(error):
                    self._accept(project, refusals)
                raise
            self._accept(project, refusals)

    @asynccontextmanager
    async def _turn(self, patience: float) -> AsyncIterator[None]:
        turns = None
        while turns is not self._turns:  # who may go may change while one waits
            if turns is not None:
                turns.release()
            turns = self._turns
            await turns.acquire()
        with ExitStack() as stack:
            stack.callback(turns.release)
            if not (self._refusals or self._unanswered) and patience < math.inf:
                timer = asyncio.get_running_loop().call_later(patience, stack.close)
                stack.callback(timer.cancel)
            yield

    def _refuse(self, project: str, error: ApiError) -> ApiError:
        """Hold the secret, or an odd project; what to tell who was refused."""
        if project in self._odd:
            self._odd_standing.stand(error, self._first)
            return error.but(retry_after=self._odd_standing.left)
        if not self._refusals:
            names = {"credential": self._credential, "api": error.api, "code": error.code}
            details = {"request_id": error.request_id, "message": error.message, "advice": advice(error)}
            log.error("credential rejected", **names, held_seconds=self._length, **details)
        new = self._standing.left <= 0
        self._standing.stand(error, self._length)
        if new:  # more that were under way make the hold as long as a second refusal does, and no longer
            self._length = min(2 * self._length, LAST_HOLD)
        self._turns, self._suspect = self._one, project
        self._refusals += 1
        self._rejected.set(1)
        return error.but(retry_after=self._standing.left + BEHIND)

    def _doubt(self, error: ApiError, patience: float) -> ApiError:
        """What was not answered may have been refused: a secret that does not work is not tried again so soon."""
        if self._refusals:
            self._standing.prolong(self._length)
        elif not self.worked and patience < math.inf:
            self._unanswered = min(self._unanswered + 1, 4)
            self._standing.stand(error, self._first / 2 ** (4 - self._unanswered))
        else:
            return error
        return error.but(retry_after=self._standing.left)

    def _accept(self, project: str, refusals: int) -> None:
        """Lift the hold, unless the secret was refused since the attempt began."""
        self._odd.discard(project)
        if refusals != self._refusals:
            return
        if refusals:
            log.info("credential accepted again", credential=self._credential, refusals=refusals)
            self._odd |= {self._suspect} - {project}
        self._standing.lift()
        self._length, self._refusals, self._unanswered, self._suspect = self._first, 0, 0, ""
        self._turns, self.worked = self._some, True
        self._rejected.set(0)


class Door:
    """An endpoint of IAM for one user: one login at a time, and none for a while after one without an answer.

    Logins of a user are few at once, so an endpoint that is slow or silent must not take all of them.
    """

    def __init__(self) -> None:
        self.silence = Standing()
        self._turn = asyncio.Lock()
        self._pause = FIRST_SILENCE

    @asynccontextmanager
    async def entered(self, hold: Hold) -> AsyncIterator[None]:
        """Be the only one to log in here; raises ApiError."""
        async with self._turn:
            self.silence.check()
            try:
                yield
            except ApiError as error:
                if error.reason is Reason.TIMEOUT:
                    self._pause = FIRST_SILENCE if hold.worked else min(2 * self._pause, LONGEST_SILENCE)
                    self.silence.stand(error, self._pause)
                raise
            self._pause = FIRST_SILENCE
