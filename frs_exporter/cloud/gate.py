"""How many requests may be sent, and when: gates keep to the vendor's quota, and heed what a throttled answer says."""

import asyncio
from dataclasses import dataclass

from aiolimiter import AsyncLimiter

from frs_exporter.cloud.cooldown import Pauses
from frs_exporter.core.errors import ApiError, Failure, Reason
from frs_exporter.core.model import Limit
from frs_exporter.core.schedule import LONGEST_RETRY_AFTER

LONGEST_FOR_ONE = 60.0
"""Seconds for which all wait at most for what was said to one: a usual poll interval, whatever its own is."""


class Gate:
    """A token bucket and a number of slots; whoever enters waits for both.

    The bucket holds one token: a larger one would let a burst through on top of the rate, and over the vendor's quota.
    A throttled answer that says when to come back keeps its project out until then. As the quota is the user's, it also
    closes the gate for all, but for one poll interval at most: it may be about one. Once further projects are throttled
    all wait, as long as two of them are to.
    """

    def __init__(self, limit: Limit) -> None:
        self._concurrency = limit.concurrency
        self._slots = asyncio.Semaphore(limit.concurrency)
        self._surplus = 0
        # FRS grants 10 requests per second for most APIs, above that it says FRS.0033 (productdesc-face, face_01_0016).
        self._bucket = AsyncLimiter(1, 1 / limit.rate)
        self._pauses = Pauses()
        self._throttled: dict[str, float] = {}

    def change(self, limit: Limit) -> None:
        """Keep to another limit from now on; whoever is inside, or next, may go on."""
        self._bucket = AsyncLimiter(1, 1 / limit.rate)
        # A semaphore can only grow: slots that are too many do not come back.
        self._surplus += self._concurrency - limit.concurrency
        self._concurrency = limit.concurrency
        while self._surplus < 0:
            self._surplus += 1
            self._slots.release()

    def entered(self, project: str, poll_interval: float) -> "Passage":
        """Hold a slot for a project that is asked every `poll_interval` seconds; raises ApiError while it is closed."""
        return Passage(self, project, poll_interval)

    async def enter(self, project: str) -> None:
        """Wait for a slot and a token; raises ApiError.

        The slot comes first, or a token taken while waiting for it would be spent late, in a burst.
        """
        self._pauses.check(project)
        await self._slots.acquire()
        try:
            # Asked again after each wait: what others were told meanwhile stands for this one, too.
            self._pauses.check(project)
            await self._bucket.acquire()
            self._pauses.check(project)
        except BaseException:
            self._give_back_slot()
            raise

    def exit(self, project: str, poll_interval: float, error: BaseException | None) -> None:
        """Give the slot back, and heed how the request ended."""
        self._give_back_slot()
        if isinstance(error, ApiError):
            self._failed(project, poll_interval, error.failure)
        elif error is None:
            self._throttled.clear()

    def _failed(self, project: str, poll_interval: float, failure: Failure) -> None:
        if failure.reason is Reason.THROTTLED and failure.retry_after:
            # A 429 may have a Retry-After (RFC 6585, 4); whether the vendor's has one is not documented. Without it the
            # job's own delay grows, with full jitter, or who was throttled together would come back together.
            self._throttled[project] = wanted = min(failure.retry_after, LONGEST_RETRY_AFTER)
            self._pauses.pause(project, failure, wanted)
            second = sorted(self._throttled.values())[-2:][0] if len(self._throttled) > 1 else 0.0
            self._pauses.everybody.start(failure, max(second, min(wanted, poll_interval, LONGEST_FOR_ONE)))
        elif failure.answered and failure.reason not in (Reason.THROTTLED, Reason.AUTH):
            self._throttled.clear()  # a refusal may be an older one that stands

    def _give_back_slot(self) -> None:
        if self._surplus > 0:
            self._surplus -= 1
        else:
            self._slots.release()


@dataclass(frozen=True, slots=True)
class Passage:
    """One way in and out of a gate: no generator, as that costs each request some hundredths of its time."""

    gate: Gate
    project: str
    poll_interval: float

    async def __aenter__(self) -> None:
        await self.gate.enter(self.project)

    async def __aexit__(self, _: object, error: BaseException | None, __: object) -> None:
        self.gate.exit(self.project, self.poll_interval, error)
