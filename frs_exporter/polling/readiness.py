"""Whether a scrape tells of all there is to tell of, so that others may rely on it."""

import asyncio
from collections.abc import Collection, Mapping

from frs_exporter.core.model import Key
from frs_exporter.polling.runner import JobRunner


class Readiness:
    """From the start until it drains, once every job was tried: that a project is down is no reason against it.

    It would take the page away just when it tells most. `untried` are the discovery rules whose first look for projects
    has not ended; they keep nobody waiting for more than `longest_search` seconds.
    """

    def __init__(self, runners: Mapping[Key, JobRunner], untried: Collection[str], longest_search: float) -> None:
        self._runners = runners
        self._untried = untried
        self._longest_search = longest_search
        self._clock = asyncio.get_running_loop().time
        self._started: float | None = None
        self._tried = False
        self._draining = False

    def start(self) -> None:
        """All jobs of the config are there."""
        self._started = self._clock()

    def drain(self) -> None:
        """Be not ready any more."""
        self._draining = True

    def not_ready(self) -> str:
        """Why it is not ready, empty when it is: each job was tried once, or its interval has passed."""
        if self._draining:
            return "stopping"
        if self._started is None:
            return "starting"
        reason = "" if self._tried else self._not_tried(self._clock() - self._started)
        self._tried = not reason
        return reason

    def _not_tried(self, age: float) -> str:
        runners = self._runners.values()
        untried = sum(not runner.state.polls and runner.job.target.poll_interval > age for runner in runners)
        if untried:
            return f"{untried} of {len(runners)} jobs not polled yet"
        if self._untried and age < self._longest_search:
            return f"projects not discovered yet: {', '.join(sorted(self._untried))}"
        return ""
