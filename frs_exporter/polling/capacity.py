"""What the jobs ask of each gate, against what it lets through (pure): told at load, with numbers."""

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from frs_exporter.collectors import COLLECTORS
from frs_exporter.config.load import Config
from frs_exporter.core.counting import counted
from frs_exporter.core.model import Api, Job, Limit, Notice

VENDOR_RATES = {Api.FRS: 10.0, Api.CES: 500 / 60, Api.BSS: 10.0}
"""Requests per second that the vendor grants a user (FRS API reference, error FRS.0033; Cloud Eye, ces_03_0034; the
billing service, api-oce, fci_00002)."""


def notices(config: Config) -> tuple[Notice, ...]:
    """All that is allowed in a config but probably not meant."""
    return (*config.notices, *overloads(config.jobs, config.limits))


@dataclass(frozen=True, slots=True)
class Demand:
    """What some jobs ask of one gate, in requests per second, and what it lets through."""

    api: Api
    endpoint: str
    credential: str
    jobs: tuple[Job, ...]
    wanted: float
    allowed: float

    @property
    def exceeds(self) -> bool:
        """Whether more is wanted than is let through."""
        return exceeds(self.wanted, self.allowed)

    @property
    def per_poll(self) -> float:
        """Requests of a poll, on average."""
        return self.wanted / sum(1 / job.target.poll_interval for job in self.jobs)

    @property
    def interval(self) -> float:
        """The interval in seconds that all shorter ones stretch to."""
        return shared_interval([job.target.poll_interval for job in self.jobs], self.allowed / self.per_poll)


def demands(jobs: Iterable[Job], limits: Mapping[Api, Limit]) -> Iterator[Demand]:
    """What is asked of each gate."""
    gates: defaultdict[tuple[Api, str, str], list[Job]] = defaultdict(list)
    for job in jobs:
        api, target = COLLECTORS[job.collector].api, job.target
        gates[api, target.endpoints[api], target.credential.name].append(job)
    for (api, endpoint, credential), asking in gates.items():
        wanted = sum(COLLECTORS[job.collector].demand(job.target.poll_interval) for job in asking)
        yield Demand(api, endpoint, credential, tuple(asking), wanted, limits[api].rate)


def overloads(jobs: Iterable[Job], limits: Mapping[Api, Limit]) -> Iterator[Notice]:
    """A notice for each gate that is asked for more than it lets through."""
    return (notice(demand) for demand in demands(jobs, limits) if demand.exceeds)


def notice(demand: Demand) -> Notice:
    """What becomes of too much demand, and what to do about it."""
    api, wanted, jobs = demand.api, demand.wanted, demand.jobs
    interval = math.ceil(demand.interval - 1e-9)
    asking = [job.target for job in jobs]
    late = [target for target in asking if interval + target.poll_timeout > target.display.stale_after]
    granted = VENDOR_RATES[api]
    remedy = f"set poll_interval to at least {interval}s"
    if exceeds(wanted, granted):
        remedy += (
            f", or spread the projects over several users: the vendor grants each {granted:.3g} requests per second"
        )
    else:
        needed = min(math.ceil(wanted - 1e-9), granted)
        remedy += f", or limits.{api}.rate to {needed:.3g} (the vendor grants a user {granted:.3g}, whoever uses it)"
    want, they = ("wants", "it") if len(jobs) == 1 else ("want", "they")
    text = (
        f"credential {demand.credential} at {demand.endpoint}: {counted(len(jobs), 'job')} {want}"
        f" {counted(f'{wanted:.3g}', 'request')} per second, limits.{api}.rate allows {demand.allowed:g}:"
        f" {they} will be polled every {interval}s; {remedy}"
    )
    if late:
        stale = min(target.display.stale_after for target in late)
        some = "it will lose its" if len(jobs) == 1 else f"{len(late)} of them will lose their"
        text += f"; {some} samples in between, stale after {stale:g}s"
    return Notice(text, serious=bool(late))


def exceeds(wanted: float, allowed: float) -> bool:
    """Whether a rate is too high, sums of many fractions being what they are."""
    return wanted > allowed * (1 + 1e-9)


def shared_interval(intervals: Iterable[float], rate: float) -> float:
    """The interval in seconds that all shorter ones stretch to, until `rate` requests per second are enough.

    Whoever asks more rarely than that keeps its own: the root of sum(1 / max(interval, x)) == rate.
    """
    longest_first = sorted(intervals, reverse=True)
    remaining = rate
    for index, interval in enumerate(longest_first):
        waiting = len(longest_first) - index
        if waiting / interval > remaining:
            return waiting / remaining
        remaining -= 1 / interval
    return longest_first[-1]
