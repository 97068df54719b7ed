"""What the jobs ask of each gate, against what it lets through (pure): told at load, with numbers."""

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from frs_exporter.collectors import COLLECTORS
from frs_exporter.config.load import Config
from frs_exporter.core.counting import counted
from frs_exporter.core.model import Api, Job, Limit, Notice

VENDOR_RATES = {Api.FRS: 10.0, Api.CES: 500 / 60}
"""Requests per second that the vendor grants a user (FRS API reference, error FRS.0033; Cloud Eye, ces_03_0034)."""


def notices(config: Config) -> tuple[Notice, ...]:
    """All that is allowed in a config but probably not meant."""
    return (*config.notices, *overloads(config.jobs, config.limits))


def overloads(jobs: Iterable[Job], limits: Mapping[Api, Limit]) -> Iterator[Notice]:
    """A notice for each gate that is asked for more than it lets through."""
    gates: defaultdict[tuple[Api, str, str], list[Job]] = defaultdict(list)
    for job in jobs:
        api, target = COLLECTORS[job.collector].api, job.target
        gates[api, target.endpoints[api], target.credential.name].append(job)
    for (api, endpoint, credential), asking in gates.items():
        rate = limits[api].rate
        wanted = sum(COLLECTORS[job.collector].demand(job.target.poll_interval) for job in asking)
        if exceeds(wanted, rate):
            yield notice(f"credential {credential} at {endpoint}", api, wanted, rate, asking)


def notice(where: str, api: Api, wanted: float, rate: float, jobs: Sequence[Job]) -> Notice:
    """What becomes of too much demand, and what to do about it."""
    asking = [job.target for job in jobs]
    intervals = [target.poll_interval for target in asking]
    requests = wanted / sum(1 / interval for interval in intervals)  # of a poll, on average
    interval = math.ceil(shared_interval(intervals, rate / requests) - 1e-9)
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
        f"{where}: {counted(len(jobs), 'job')} {want} {counted(f'{wanted:.3g}', 'request')} per second,"
        f" limits.{api}.rate allows {rate:g}: {they} will be polled every {interval}s; {remedy}"
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
