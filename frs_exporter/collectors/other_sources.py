"""What else tells of a subscription where `subscribe` is absent: the list of face sets, and probes if they are wanted.

What is not known has no sample: it is never 0.
"""

import asyncio
from collections.abc import Iterator, Mapping

from frs_exporter.collectors.collector import ApiClient, members
from frs_exporter.collectors.endpoint_state import GAP, EndpointState, Useless
from frs_exporter.collectors.probe_results import ProbeResult, Results
from frs_exporter.collectors.probes import PROBES, about_the_request, proven
from frs_exporter.core.errors import (
    NOT_SUBSCRIBED_EITHER,
    SUBSERVICE_NOT_SUBSCRIBED,
    ApiError,
    Failure,
    Reason,
    canonical,
)
from frs_exporter.core.model import Api, Target
from frs_exporter.core.schedule import jittered

BILLED = "it succeeds, and may be billed"
YEAR, MONTH = 365 * 86400.0, 28 * 86400.0
"""Seconds for which a probe that has succeeded is not sent again, and one that has been shown to prove nothing."""
REQUESTS = 4
"""Of a probe, with those for a token and those again: so many times the limit of one it is under way, at most."""
PAUSE = 1.1 * GAP
"""Seconds after which it is this user's turn again, whichever clock they are measured by."""
HOLDS = 2
"""Intervals of probes for which a proof holds when no newer one comes."""


async def searches(client: ApiClient, target: Target) -> bool:
    """Whether search is on, by the list of face sets, which costs nothing (face_02_0032); raises ApiError."""
    try:
        members("$", await client.get_more(Api.FRS, f"/v2/{target.project_id}/face-sets"), "face_sets_info")
    except ApiError as error:
        if canonical(error.failure.code) not in NOT_SUBSCRIBED_EITHER:
            raise
        return False
    return True


async def probed(client: ApiClient, target: Target, endpoint: EndpointState) -> Results:
    """What probes have told, once those that are due were sent, one after the other."""
    if not target.probes:
        return ()
    memory = client.probe_memory
    results = await memory.results(target, endpoint)
    while name := next_due(results, endpoint, client.now()):
        claimed = await memory.claim(target, name)
        if claimed:
            failure = await sent(client, target, name)
            memory.end(target, after(claimed, failure, endpoint, client.now()), endpoint)
        results = await memory.results(target, endpoint)
        if not claimed:  # it is another's turn: the next poll looks again
            break
        if next_due(results, endpoint, client.now()):
            await asyncio.sleep(PAUSE)
    return results


def longest_turn(target: Target) -> float:
    """Seconds that a probe may be under way."""
    return REQUESTS * target.poll_timeout


def next_due(results: Results, endpoint: EndpointState, now: float) -> str:
    """The sub-service of which a probe may be sent, empty where there is none."""
    due = (result.subservice for result in results if result.due <= now)
    return next((name for name in due if not endpoint.useless_because(name, now)), "")


def begun(before: ProbeResult, target: Target, now: float) -> ProbeResult:
    """As it is while a probe is under way."""
    return planned(before._replace(sent_at=now, sent=before.sent + 1), target)


def planned(result: ProbeResult, target: Target) -> ProbeResult:
    """With when the next probe is due, an interval after the newest; at once where none was sent."""
    key = f"{target.project}/{result.subservice}/{result.sent}"
    return result._replace(due=result.sent_at + jittered(target.probe_interval, key) if result.sent else 0.0)


async def sent(client: ApiClient, target: Target, name: str) -> Failure | None:
    """How a probe has failed, None if it has not: 2xx is a success of the vendor's, whoever can read the answer."""
    probe, longest = PROBES[name], longest_turn(target)
    path = probe.path_in(target.region).format(project_id=target.project_id)
    try:
        async with asyncio.timeout(longest):  # it may have to wait for long before it is sent: then it is not
            await client.get_more(Api.FRS, path, probe.body)
    except TimeoutError:
        return Failure(Reason.TIMEOUT, f"the probe of {name} was not answered within {longest:g} s")
    except ApiError as error:
        accepted = error.failure.status is not None and error.failure.status // 100 == 2
        return None if accepted else error.failure
    return None


def after(before: ProbeResult, failure: Failure | None, endpoint: EndpointState, now: float) -> ProbeResult:
    """What is known after a probe; what is so of all such probes is noted of the endpoint."""
    name, code = before.subservice, canonical(failure.code) if failure else ""
    if failure is None:
        endpoint.useless[name] = Useless(BILLED, now + YEAR)
    if code == SUBSERVICE_NOT_SUBSCRIBED:
        endpoint.refused[name] = now + MONTH
    on = proven(PROBES[name], failure, looked_at_first=now < endpoint.refused.get(name, 0.0))
    if on is not None:
        return before._replace(on=on, code=code, at=now)
    # FRS says something else of the same request than when it proved something: that is over. Others prove nothing.
    return before._replace(on=None if about_the_request(code) else before.on, code=code)


def holding(target: Target, results: Results, endpoint: EndpointState, now: float) -> Iterator[tuple[str, bool]]:
    """Sub-services of which probes have proven whether they are on, as long as that holds."""
    for result in results:
        holds = now < result.at + HOLDS * target.probe_interval
        if result.on is not None and holds and not endpoint.useless_because(result.subservice, now):
            yield result.subservice, result.on


def misled(
    target: Target, results: Results, endpoint: EndpointState, subscribed: Mapping[str, bool], now: float
) -> Results:
    """Probes of late of what `subscribe` tells is off, which have not told so: they prove nothing here, which is noted.

    A sub-service that was switched off meanwhile makes this happen, too: then less is known, and nothing wrong shown.
    """
    found = tuple(
        result
        for result in results
        if subscribed.get(result.subservice) is False
        and (result.on or (result.on is None and about_the_request(result.code)))
        and now < result.due + target.probe_interval
        and not endpoint.useless_because(result.subservice, now)
    )
    for result in found:
        why = f"what is off was answered {result.code}"
        endpoint.useless[result.subservice] = Useless(why, now + MONTH)
    return found
