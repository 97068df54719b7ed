"""One poll of a job, and what is known of it afterwards."""

import asyncio
import functools
from collections.abc import Callable, Mapping

from frs_exporter.cloud.client import Client
from frs_exporter.collectors import ApiClient, Collector
from frs_exporter.core.errors import ApiError, Reason
from frs_exporter.core.model import Job, JobState
from frs_exporter.core.schedule import LAST_RETRY


async def poll(
    client: Client, collectors: Mapping[str, Collector], job: Job, before: JobState, now: Callable[[], float]
) -> JobState:
    """The state after asking: an answer, or a failure and what it tells; raises only what is a bug of ours."""
    clock = asyncio.get_running_loop().time
    collector, target, started = collectors[job.collector], job.target, clock()
    try:
        client_of_target = ApiClient(functools.partial(client.get, target), now)
        findings = await collector.collect(client_of_target, target, before.memory)
    except ApiError as error:
        # A failing job may be asked again that late: until then, and as long as any answer, what it told holds.
        proven_until = clock() + max(target.poll_interval, LAST_RETRY) + target.stale_after
        proven_samples = collector.proven_samples(target, error)
        about = error.replace(api=error.api or collector.api)
        return before.failed(now(), clock() - started, about, proven_samples, proven_until)
    return before.succeeded(now(), clock() - started, findings, clock() + target.stale_after)


def broken(before: JobState, error: Exception, now: float, seconds: float) -> JobState:
    """The state after a bug of ours, which has cost so many seconds."""
    message = f"unexpected {type(error).__name__}; the log has the traceback"
    return before.failed(now, seconds, ApiError(Reason.INTERNAL, message))
