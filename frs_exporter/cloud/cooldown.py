"""Errors that stand for a while: for one project, or for all that ask at the same place."""

import asyncio
import math
from collections import defaultdict
from dataclasses import replace

from frs_exporter.core.errors import ApiError, Failure
from frs_exporter.core.schedule import MAX_DOUBLINGS

FIRST_REST = 60.0
LONGEST_REST = 3600.0
"""What is asked for ahead, and refused, rests for at least and at most so many seconds."""


def as_told(failure: Failure, seconds: float) -> Failure:
    """What whoever comes while a failure stands is told: the same, and for how many seconds."""
    message = f"as told to another request: {failure.message}; not asked for another {math.ceil(seconds)} s"
    return replace(failure, message=message, retry_after=seconds, sent=False)


class Cooldown:
    """An error that stands for a while: whoever comes meanwhile gets it at once, and nothing is sent."""

    def __init__(self) -> None:
        self._failure: Failure | None = None
        self._until = -math.inf

    @property
    def remaining(self) -> float:
        """Seconds for which the error still stands, zero or less when it does not."""
        return self._until - asyncio.get_running_loop().time()

    def start(self, failure: Failure, seconds: float) -> None:
        """Let the error stand for at least so long."""
        self._failure = failure
        # Answers may overtake each other on the way, so a shorter wait may be the older one.
        self._until = max(self._until, asyncio.get_running_loop().time() + seconds)

    def end(self) -> None:
        """Let the error stand no longer."""
        self._failure, self._until = None, -math.inf

    def check(self) -> None:
        """Raise the error again, if it stands."""
        if self._failure is not None and self.remaining > 0:
            raise ApiError(as_told(self._failure, self.remaining))


class Rest:
    """Ever longer rests of what was asked for ahead, and refused: nobody needs it yet, and the answer may stand."""

    def __init__(self) -> None:
        self._cooldown = Cooldown()
        self._refusals = 0

    def start(self, failure: Failure, remaining: float) -> None:
        """It was refused once more, and will be needed in `remaining` seconds."""
        self._refusals += 1
        self._cooldown.start(failure, rest_seconds(self._refusals, remaining))

    def end(self) -> None:
        """It may be asked for at once, and the next rest is a short one."""
        self._cooldown.end()
        self._refusals = 0

    def check(self) -> None:
        """Raise the refusal again, while it rests."""
        self._cooldown.check()


def rest_seconds(refusals: int, remaining: float) -> float:
    """Seconds of rest after so many refusals: twice as long each time, but at most half of what is left."""
    longest = min(FIRST_REST * 2.0 ** min(refusals - 1, MAX_DOUBLINGS), LONGEST_REST)
    return max(FIRST_REST, min(longest, remaining / 2))


class Pauses:
    """What one project ran into, and what it means for all others: trouble of one project is no reason to stop them."""

    def __init__(self) -> None:
        self.everybody = Cooldown()
        self._projects: defaultdict[str, Cooldown] = defaultdict(Cooldown)

    def pause(self, project: str, failure: Failure, seconds: float) -> None:
        """Let the error stand for this project alone."""
        self._projects[project].start(failure, seconds)

    def check(self, project: str) -> None:
        """Raise the error that stands for all, or for this project."""
        self.everybody.check()
        if project in self._projects:
            self._projects[project].check()
            del self._projects[project]  # it has ended
