"""`GET /v1/{project_id}/subscribe`: the sub-services of FRS that a project has, since when, and its face sets' limit.

Source: API page face_02_0025 and the real answer of 2018, which has `face_quality_service` and `max_face_size` instead
of the documented names; so sub-services are found by their shape and both names of the limit are read.
"""

import functools
import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from frs_exporter.collectors.collector import ApiClient, Collector, Samples, whole_number, wrong_shape
from frs_exporter.collectors.endpoint_state import EndpointState
from frs_exporter.collectors.other_sources import WHY_USELESS, holding, misled, probed, searches
from frs_exporter.collectors.probe_results import Results
from frs_exporter.core.errors import NO_SUCH_API, NOT_SUBSCRIBED, ApiError, Failure, Reason, Unchanged, canonical
from frs_exporter.core.explanations import Text
from frs_exporter.core.model import FIELD_ENDING, SUBSERVICE_NAME, Api, CollectResult, Family, Sample, Target
from frs_exporter.core.notes import Note, note
from frs_exporter.core.redact import brief
from frs_exporter.core.sharing import shared

DOCUMENTED = ("detect", "compare", "search", "live_detect")
"""Sub-services on the API page; live detect is offered in some regions only."""
NAME = re.compile(SUBSERVICE_NAME)
MAX_SUBSERVICES = 32
"""Sub-services of one project that are shown: label values from the wire must not grow without end."""

SUBSCRIBED = Family(
    "frs_subscribed",
    "gauge",
    "Whether a sub-service is subscribed (subscribe_status): 1 yes, 0 no.",
    ("project", "subservice"),
)
CREATED = Family(
    "frs_subscription_create_timestamp_seconds",
    "gauge",
    "When a sub-service was subscribed (create_time, read in the configured zone).",
    ("project", "subservice"),
)
MAX_FACE_SETS = Family(
    "frs_max_face_set_number", "gauge", "How many face sets the project may have (max_face_set_number).", ("project",)
)
FROZEN = Family(
    "frs_service_frozen", "gauge", "Whether FRS is frozen, as in arrears (error FRS.0202): 1 yes, 0 no.", ("project",)
)
SOURCE = Family(
    "frs_subscription_source",
    "gauge",
    "What tells of the subscription: subscribe, or where that is absent face_sets, and probe if wanted; always 1.",
    ("project", "source"),
)
PROBES_SENT = Family(
    "frs_subscription_probes_total",
    "counter",
    "Probes that were sent, each of which Cloud Eye should count as a call with an error 4xx.",
    ("project", "subservice"),
)
PROBE_USELESS = Family(
    "frs_subscription_probe_useless",
    "gauge",
    "Probes that prove nothing in the project's region, as was found out there; always 1.",
    ("project", "subservice"),
)
IGNORED = Family(
    "frs_subservices_ignored",
    "gauge",
    "Sub-services in the answer that are not shown: their names are no label values, or there are more than 32.",
    ("project",),
)

BY_SUBSCRIBE = Sample(SOURCE, ("subscribe",), 1)

ABSENT = Text(
    "subscribe is absent, face sets tell of search",
    "没有 subscribe 接口，由人脸库得知 search 是否开通",
)
ABSENT_PROBED = Text(
    "subscribe is absent, face sets tell of search, and probes of {names}",
    "没有 subscribe 接口，由人脸库得知 search 是否开通，由探测得知 {names}",
)
USELESS = Text("probes of {name} are not sent: {why}", "不发送对 {name} 的探测：{why}")
UNDETERMINED = Text(
    "the last probe of {name} determined nothing: {answer}",
    "最近一次对 {name} 的探测未得出结论：{answer}",
)
NO_ANSWER = Text("no answer", "没有应答")
NOT_REMEMBERED = Text(
    "no probe is sent, as that cannot be remembered: {problem}",
    "不发送探测，因为无法记录已发送：{problem}",
)
NOT_SENT_YET = Text(
    "probes not sent yet, a credential sends one at a time: {names}",
    "尚未发送的探测（每个凭证一次只发送一个）：{names}",
)
HIDDEN = Text(
    "sub-services not shown, see frs_subservices_ignored: {names}",
    "未显示的子服务，见 frs_subservices_ignored：{names}",
)
NO_DATE = Text("$.{key}.create_time is no date and time", "$.{key}.create_time 不是日期和时间")


async def collect(client: ApiClient, target: Target, seen: Collection[str] | None) -> CollectResult:
    """Ask for the subscription, where that is absent for what else tells of it. Raises ApiError.

    That nothing is subscribed is an answer, too. What is remembered are the names of sub-services.
    """
    endpoint, clock = client.endpoint_states.of(target), client.endpoint_states.clock
    if endpoint.absent(clock()):
        return await from_others(client, target, seen, endpoint)
    # With probes the same answer has more to tell each time: of those that were sent meanwhile.
    get = client.get_more if target.probes else client.get
    try:
        result = parse(await get(Api.FRS, f"/v1/{target.project_id}/subscribe"), target)
    except Unchanged:
        endpoint.present()
        raise
    except ApiError as error:
        if error.failure.code == NOT_SUBSCRIBED:
            result = not_subscribed(target, seen or ())
        elif canonical(error.failure.code) == NO_SUCH_API and endpoint.missed(clock()):
            return await from_others(client, target, seen, endpoint)
        else:
            raise
    endpoint.present()
    return await calibrated(client, target, result, endpoint) if target.probes else result


async def calibrated(
    client: ApiClient, target: Target, result: CollectResult, endpoint: EndpointState
) -> CollectResult:
    """What `subscribe` tells, and what that tells of probes."""
    on = {sample.labels[0]: bool(sample.value) for sample in result.samples if sample.family is SUBSCRIBED}
    off = [name for name in target.probes if on.get(name) is False]
    results = await (probed(client, target, endpoint, off) if off else client.probe_memory.results(target, endpoint))
    if misled(target, results, endpoint, on, client.now()):
        await client.probe_memory.note(target, endpoint)
    samples, warnings = of_probes(target, results, endpoint)
    return replace(result, samples=(*result.samples, *samples), warnings=(*result.warnings, *warnings))


def of_probes(target: Target, results: Results, endpoint: EndpointState) -> tuple[list[Sample], list[Note]]:
    """Samples of how many probes were sent and which are useless, and warnings of the latter."""
    useless = {name: endpoint.useless[name] for name in target.probes if name in endpoint.useless}
    samples = [shared(Sample(PROBES_SENT, (result.subservice,), result.sent)) for result in results]
    samples += (shared(Sample(PROBE_USELESS, (name,), 1)) for name in useless)
    return samples, [
        note(USELESS, region=target.region, name=name, why=WHY_USELESS.get(why, why)) for name, why in useless.items()
    ]


async def from_others(
    client: ApiClient, target: Target, seen: Collection[str] | None, endpoint: EndpointState
) -> CollectResult:
    """What can be known without `subscribe`; what is not has no sample. Raises ApiError."""
    searched = await searches(client, target)
    results = await probed(client, target, endpoint)
    now = client.now()
    on = dict(holding(target, results, endpoint, now))
    samples, warnings = of_probes(target, results, endpoint)
    samples += (shared(Sample(SUBSCRIBED, (name,), value)) for name, value in (("search", searched), *on.items()))
    samples += (shared(Sample(SOURCE, (source,), 1)) for source in ("face_sets", *(["probe"] if on else [])))
    samples.append(shared(Sample(FROZEN, (), 0)))
    believed = [name for name in target.probes if name not in endpoint.useless]
    problem = client.probe_memory.problem if believed else ""
    if believed and not problem:
        absent = note(ABSENT_PROBED, region=target.region, names=tuple(believed))
    else:
        absent = note(ABSENT, region=target.region)
    nothing = [
        note(UNDETERMINED, name=result.subservice, answer=result.code or NO_ANSWER)
        for result in results
        if result.sent and result.subservice not in on and result.subservice not in endpoint.useless
    ]
    waiting = [result.subservice for result in results if not result.sent and result.subservice not in endpoint.useless]
    if problem:
        nothing.append(note(NOT_REMEMBERED, region=target.region, problem=problem))
    elif waiting:
        nothing.append(note(NOT_SENT_YET, region=target.region, names=tuple(waiting)))
    return CollectResult(tuple(samples), (absent, *warnings, *nothing), seen)


def parse(data: Any, target: Target) -> CollectResult:
    """The result of an answer; raises ApiError with the JSON path when it is not what the API promises."""
    if not isinstance(data, dict):
        raise wrong_shape("$", "an object", data)
    offered = {key: value for key, value in data.items() if is_subservice(key, value)}
    chosen = choose(offered, target)
    if not chosen:
        raise ApiError(
            Failure(Reason.PAYLOAD, "$: wanted at least one *_service with a subscribe_status, found none", status=200)
        )
    samples, warnings = list[Sample](), list[Note]()
    for key, value in offered.items():
        if key in chosen:
            its, undated = subservice(key, value, target)
            samples += its
            warnings += undated
    samples += max_face_sets(data, target)
    samples += (shared(Sample(IGNORED, (), len(offered) - len(chosen))), shared(Sample(FROZEN, (), 0)), BY_SUBSCRIBE)
    if ignored := offered.keys() - chosen:
        hidden = brief(", ".join(key[:60] for key in sorted(ignored)))
        warnings.append(note(HIDDEN, names=hidden))
    return CollectResult(tuple(samples), tuple(warnings), shared(tuple(sorted(map(name_of, chosen)))))


def is_subservice(key: str, value: Any) -> bool:
    """Whether a member of the answer tells of a sub-service: an object `*_service` with a subscribe_status."""
    return key.endswith(FIELD_ENDING) and isinstance(value, dict) and "subscribe_status" in value


def name_of(key: str) -> str:
    """What a sub-service is called, of which an answer tells at a key."""
    return key.removesuffix(FIELD_ENDING)


def choose(keys: Iterable[str], target: Target) -> set[str]:
    """The sub-services to show: of those whose names may be label values the first 32, well-known ones first."""
    fit = {key for key in keys if NAME.fullmatch(name_of(key))}
    if len(fit) <= MAX_SUBSERVICES:
        return fit
    known = (*DOCUMENTED, *target.display.require)
    return set(sorted(fit, key=lambda key: (name_of(key) not in known, key))[:MAX_SUBSERVICES])


def subservice(key: str, value: dict[str, Any], target: Target) -> tuple[tuple[Sample, ...], tuple[Note, ...]]:
    """The samples of one sub-service, and a note where it has a date that is none; raises ApiError."""
    labels, status = shared((name_of(key),)), value["subscribe_status"]
    if not isinstance(status, bool):
        raise wrong_shape(f"$.{key}.subscribe_status", "a boolean", status)
    subscribed = shared(Sample(SUBSCRIBED, labels, status))
    created = timestamp(value.get("create_time"), target.create_time_zone)
    if created is not None:
        return (subscribed, Sample(CREATED, labels, created)), ()
    return (subscribed,), (note(NO_DATE, key=key),) if value.get("create_time") else ()


def max_face_sets(data: dict[str, Any], target: Target) -> Iterator[Sample]:
    """The limit on face sets, if it is told; the name `max_face_size` is that of the real answer of 2018."""
    key = next((key for key in ("max_face_set_number", "max_face_size") if data.get(key) is not None), None)
    if key is not None:
        yield shared(Sample(MAX_FACE_SETS, (), whole_number(f"$.{key}", data[key])))


def timestamp(text: Any, zone: str) -> float | None:
    """Unix seconds of a create_time, `2018-09-03 08:16:48`; None where there is none that can be read.

    The field is no more than a date of record: one that cannot be read must not hide what is subscribed.
    """
    try:
        return unix_seconds(text, zone)
    except (TypeError, ValueError, OverflowError):
        return None


@functools.lru_cache(maxsize=1 << 12)
def unix_seconds(text: str, zone: str) -> float:
    """Unix seconds of a date and time; asked for again and again, as answers hardly change."""
    time = datetime.fromisoformat(text)
    return (time if time.tzinfo else time.replace(tzinfo=ZoneInfo(zone))).timestamp()


def not_subscribed(target: Target, seen: Collection[str]) -> CollectResult:
    """Every sub-service known of is off: the documented ones, those required, and those seen in the last answer."""
    names = tuple(dict.fromkeys((*DOCUMENTED, *target.display.require, *seen)))
    off = (Sample(SUBSCRIBED, (name,), 0) for name in names)
    return CollectResult((*off, Sample(IGNORED, (), 0), Sample(FROZEN, (), 0), BY_SUBSCRIBE), memory=names)


def proven_samples(target: Target, failure: Failure) -> Samples:
    """A frozen service says so by failing."""
    return (Sample(FROZEN, (), 1),) if failure.reason is Reason.FROZEN else ()


COLLECTOR = Collector(
    Api.FRS,
    (SUBSCRIBED, CREATED, MAX_FACE_SETS, FROZEN, IGNORED, SOURCE, PROBES_SENT, PROBE_USELESS),
    collect,
    proven_samples,
    repeatable=True,
)
