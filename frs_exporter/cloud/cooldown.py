"""Errors that stand for a while: for one project, or for all that ask at the same place."""

import asyncio
import math
from collections import defaultdict
from dataclasses import replace

from frs_exporter.core.errors import ApiError, Failure


def as_told(failure: Failure, seconds: float) -> Failure:
    """What whoever comes while a failure stands is told: the same, and for how many seconds."""
    message = f"as told to another request: {failure.message}; not asked for another {math.ceil(seconds)} s"
    return replace(failure, message=message, retry_after=seconds)


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
