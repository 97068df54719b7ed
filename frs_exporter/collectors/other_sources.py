"""What else tells of a subscription where `subscribe` is absent: the list of face sets, and probes if they are wanted.

What is not known has no sample: it is never 0.
"""

import asyncio
from collections.abc import Collection, Iterator, Mapping

from frs_exporter.collectors.collector import ApiClient, members
from frs_exporter.collectors.endpoint_state import GAP, EndpointState
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
from frs_exporter.core.explanations import Text
from frs_exporter.core.model import Api, Target
from frs_exporter.core.schedule import jittered

BILLED = "it succeeds, and may be billed"
SUSPECT = "what was switched off was answered as if it were on"
"""Once: it may have been switched off after that. Another is sent while `subscribe` says that it is off."""
MISLED = "what is off is answered as if it were on"
WHY_USELESS = {
    BILLED: Text(BILLED, "探测会成功，可能被计费"),
    SUSPECT: Text(SUSPECT, "已关闭的子服务得到的应答与已开通的相同"),
    MISLED: Text(MISLED, "未开通的子服务得到的应答与已开通的相同"),
}
"""The same for people: what is remembered, and outlives the process, is in English."""
MONTH = 28 * 86400.0
"""Seconds for which it is believed that the subscription is looked at first."""
REQUESTS = 4
"""Of a probe, with those for a token and those again: so many times the limit of one it is under way, at most."""
LONGEST_TURN = REQUESTS * 300.0
"""Seconds, as poll_timeout is five minutes at most."""
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


async def probed(client: ApiClient, target: Target, endpoint: EndpointState, off: Collection[str] = ()) -> Results:
    """What probes have told, once those that are due were sent, one after the other.

    Of what is known to be `off` those that are suspect are, and nothing else.
    """
    if not target.probes:
        return ()
    memory = client.probe_memory
    results = await memory.results(target, endpoint)
    while name := next_due(results, endpoint, client.now(), off):
        claimed = await memory.claim(target, name, verify=bool(off))
        if claimed:
            with memory.uninterrupted():  # what it was answered is known then, whoever wants the poll
                failure = await sent(client, target, claimed)
                if failure and not (failure.sent and failure.api == Api.FRS):
                    memory.take_back(target, claimed)
                    break
                ended = memory.end(target, after(claimed, failure, endpoint, client.now()), endpoint)
                if failure is None:  # never again, not even if the process is killed now
                    await ended
        results = await memory.results(target, endpoint)
        if not claimed:  # it is another's turn: the next poll looks again
            break
        if next_due(results, endpoint, client.now(), off):
            await asyncio.sleep(PAUSE)
    return results


def longest_turn(target: Target) -> float:
    """Seconds that a probe may be under way."""
    return REQUESTS * target.poll_timeout


def next_due(results: Results, endpoint: EndpointState, now: float, off: Collection[str] = ()) -> str:
    """The sub-service of which a probe may be sent, empty where there is none."""
    wanted = (result.subservice for result in results if result.due <= now and (not off or result.subservice in off))
    return next((name for name in wanted if may_tell(endpoint, name, verify=bool(off))), "")


def may_tell(endpoint: EndpointState, subservice: str, *, verify: bool = False) -> bool:
    """Whether a probe may tell something: whether the sub-service is on, or to `verify` it whether it can."""
    return endpoint.useless.get(subservice) == (SUSPECT if verify else None)


def begun(before: ProbeResult, target: Target, now: float) -> ProbeResult:
    """As it is while a probe is under way."""
    return planned(before._replace(sent_at=now, sent=before.sent + 1), target)


def planned(result: ProbeResult, target: Target) -> ProbeResult:
    """With when the next probe is due, an interval after the newest; at once where none was sent."""
    key = f"{target.project}/{result.subservice}/{result.sent}"
    return result._replace(due=result.sent_at + jittered(target.probe_interval, key) if result.sent else 0.0)


async def sent(client: ApiClient, target: Target, claimed: ProbeResult) -> Failure | None:
    """How a probe has failed, None if it has not: 2xx is a success of the vendor's, whoever can read the answer."""
    name, longest = claimed.subservice, longest_turn(target)
    probe = PROBES[name]
    path = probe.path_in(target.region).format(project_id=target.project_id)
    try:
        # It may have to wait for long before it is sent, and the turn began with the claim.
        async with asyncio.timeout(min(longest, longest - (client.now() - claimed.sent_at))):
            await client.get_more(Api.FRS, path, probe.body)
    except TimeoutError:
        # It may have been sent: so it counts.
        return Failure(Reason.TIMEOUT, f"the probe of {name} was not answered in time", api=Api.FRS, sent=True)
    except ApiError as error:
        accepted = error.failure.status is not None and error.failure.status // 100 == 2
        return None if accepted else error.failure
    return None


def after(before: ProbeResult, failure: Failure | None, endpoint: EndpointState, now: float) -> ProbeResult:
    """What is known after a probe, which was sent just now; what is so of all such is noted of the endpoint."""
    before, name = before._replace(sent_at=max(now, before.sent_at)), before.subservice
    code = canonical(failure.code) if failure else ""
    if failure is None:
        endpoint.useless[name] = BILLED
    if code == SUBSERVICE_NOT_SUBSCRIBED:
        endpoint.refused[name] = now + MONTH
    if endpoint.useless.get(name) == SUSPECT:
        if code in NOT_SUBSCRIBED_EITHER:
            del endpoint.useless[name]
        elif about_the_request(code):
            endpoint.useless[name] = MISLED
    on = proven(PROBES[name], failure, looked_at_first=now < endpoint.refused.get(name, 0.0))
    if on is not None:
        return before._replace(on=on, code=code, at=now)
    # FRS says something else of the same request than when it proved something: that is over. Others prove nothing.
    return before._replace(on=None if about_the_request(code) else before.on, code=code)


def holding(target: Target, results: Results, endpoint: EndpointState, now: float) -> Iterator[tuple[str, bool]]:
    """Sub-services of which probes have proven whether they are on, as long as that holds."""
    for result in results:
        holds = now < result.at + HOLDS * target.probe_interval
        if result.on is not None and holds and result.subservice not in endpoint.useless:
            yield result.subservice, result.on


def misled(
    target: Target, results: Results, endpoint: EndpointState, subscribed: Mapping[str, bool], now: float
) -> Results:
    """Probes of late of what `subscribe` tells is off, which have not told so: they are suspect here, which is noted.

    A sub-service that was switched off meanwhile makes this happen, too.
    """
    found = tuple(
        result
        for result in results
        if subscribed.get(result.subservice) is False
        and (result.on or (result.on is None and about_the_request(result.code)))
        and now < result.due + target.probe_interval
        and result.subservice not in endpoint.useless
    )
    for result in found:
        endpoint.useless[result.subservice] = SUSPECT
    return found
