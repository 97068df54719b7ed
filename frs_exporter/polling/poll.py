"""One poll of a job, and what is known of it afterwards."""

import asyncio
import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import structlog

from frs_exporter.cloud.client import Client, Digests
from frs_exporter.cloud.transport import Response
from frs_exporter.collectors import ApiClient, Collector, EndpointStates, ProbeMemory
from frs_exporter.core.errors import ApiError, Failure, Reason, Unchanged
from frs_exporter.core.model import Job, JobState
from frs_exporter.core.schedule import LAST_RETRY
from frs_exporter.core.trace import UNTRACED, Trace

log = structlog.get_logger()


@dataclass(slots=True, kw_only=True)
class TracedDigests(Digests):
    """Digests that show each answer to a trace."""

    trace: Trace

    def read(self, raw: Response) -> Any:
        """The JSON of an answer, as ever."""
        self.trace.body(raw.data)
        return Digests.read(self, raw)


@dataclass(frozen=True, slots=True)
class Asking:
    """What jobs are asked with; `now` is the wall clock in Unix seconds."""

    client: Client
    collectors: Mapping[str, Collector]
    now: Callable[[], float]
    endpoint_states: EndpointStates
    probe_memory: ProbeMemory


async def poll(asking: Asking, job: Job, before: JobState, *, trace: Trace = UNTRACED) -> JobState:
    """The state after asking: an answer, or a failure and what it proves; a bug of ours is a failure, too."""
    clock = asyncio.get_running_loop().time
    started = clock()
    try:
        collector, now = asking.collectors[job.collector], asking.now
        digests = TracedDigests(before.digest, trace=trace) if collector.repeatable else None
        # What is never repeated is compared with nothing, and still shown.
        unread = TracedDigests(b"", trace=trace)
        read = digests or unread
        get = functools.partial(asking.client.get, job.target, trace=trace)
        first, more = functools.partial(get, digests=read), functools.partial(get, digests=unread)
        api = ApiClient(first, more, now, asking.endpoint_states, asking.probe_memory)
        return await collected(api, collector, job, before, digests)
    except Exception as error:
        log.exception("unexpected error in a poll", project=job.target.project, collector=job.collector)
        return broken(before, error, asking.now(), clock() - started)


async def collected(
    client: ApiClient, collector: Collector, job: Job, before: JobState, digests: Digests | None
) -> JobState:
    """The state after asking; raises only what is a bug of ours."""
    clock, target = asyncio.get_running_loop().time, job.target
    started = clock()
    try:
        result = await collector.collect(client, target, before.memory)
    except Unchanged:
        return before.confirmed(client.now(), clock() - started, clock() + target.display.stale_after)
    except ApiError as error:
        # A failing job may be asked again that late: until then, and as long as any answer, what it proved holds.
        proven_until = clock() + max(target.poll_interval, LAST_RETRY) + target.display.stale_after
        failure = replace(error.failure, api=error.failure.api or collector.api)
        proven_samples = collector.proven_samples(target, failure)
        return before.failed(client.now(), clock() - started, failure, proven_samples, proven_until)
    digest, fresh_until = digests.newest if digests else b"", clock() + target.display.stale_after
    return before.succeeded(client.now(), clock() - started, result, fresh_until, digest)


def broken(before: JobState, error: Exception, now: float, seconds: float) -> JobState:
    """The state after a bug of ours, which has cost so many seconds."""
    message = f"unexpected {type(error).__name__}; the log has the traceback"
    return before.failed(now, seconds, Failure(Reason.INTERNAL, message))
