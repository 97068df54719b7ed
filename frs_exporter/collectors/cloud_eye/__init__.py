"""Cloud Eye's SYS.FRS: calls, errors and latency of each API, the month's calls so far, and what they may cost."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from frs_exporter.collectors.cloud_eye.metric_data import MINUTE, Series, Span, list_apis, query
from frs_exporter.collectors.cloud_eye.month import CALLS, REFRESH, Month, month_to_date
from frs_exporter.collectors.cloud_eye.tally import Tally
from frs_exporter.collectors.cloud_eye.usage import last_used
from frs_exporter.collectors.collector import ApiClient, Collector, label_value
from frs_exporter.core.explanations import Text
from frs_exporter.core.model import Api, CollectResult, Family, Sample, Target
from frs_exporter.core.notes import Note, note
from frs_exporter.core.pricing import cost, price_of
from frs_exporter.core.redact import brief

LABELS = ("project", "api")
API_CALLS = Family(
    "frs_api_calls_total",
    "counter",
    "Successful calls since the exporter's start, by Cloud Eye's minutes (api_calls).",
    LABELS,
)
API_ERRORS = Family(
    "frs_api_errors_total",
    "counter",
    "Failed calls since the exporter's start, by Cloud Eye's minutes (error_4xx, error_5xx).",
    (*LABELS, "class"),
)
LATENCY = Family(
    "frs_api_latency_average_seconds",
    "gauge",
    "Average latency in the newest minute that Cloud Eye tells of, none older than 15 minutes (average_latency).",
    LABELS,
)
MONTH_CALLS = Family(
    "frs_month_api_calls",
    "gauge",
    "Successful calls since the first of the month in Asia/Shanghai, by Cloud Eye's sums (api_calls).",
    LABELS,
)
MONTH_COST = Family(
    "frs_month_api_cost_cny",
    "gauge",
    "Estimated cost of frs_month_api_calls by the config's pricing, packages not counted; unless set, the list price "
    "of face detection of 2018.",
    LABELS,
)

LAST_USED = Family(
    "frs_subservice_last_used_timestamp_seconds",
    "gauge",
    "When a sub-service was last used with success, by Cloud Eye's minutes since the start; none older than a day.",
    ("project", "subservice"),
)

ERRORS = {"error_4xx": "4xx", "error_5xx": "5xx"}
AVERAGE_LATENCY = "average_latency"
LOOK_BACK = 15 * MINUTE
"""Seconds for which minutes may come late."""
KEPT = 47 * 60 * MINUTE
"""Seconds for which Cloud Eye tells single minutes, which is two days (ces_03_0034), and an hour to spare."""
LIST_EVERY = 60 * MINUTE
MAX_APIS = 100
LOST = Text(
    "minutes not counted: {number}, as Cloud Eye was not asked in time; it tells single ones for two days",
    "未计入的分钟数：{number}，因为未及时查询云监控；单独的分钟数据只保留两天",
)
HIDDEN = Text("APIs not shown: {names}", "未显示的 API：{names}")
MAX_REQUESTS = 10
"""Batch queries of a poll that make up for minutes not asked about in time; the next poll goes on."""


@dataclass(frozen=True, slots=True)
class Memory:
    """What has been counted; `began` and `listed_at` are in Unix seconds."""

    began: int
    listed_at: int = 0
    tallies: Mapping[Series, Tally] = field(default_factory=dict)
    month: Month | None = None
    used: Mapping[str, int] = field(default_factory=dict)


async def collect(client: ApiClient, target: Target, memory: Memory | None) -> CollectResult:
    """Ask for the minutes since the last poll and those that may come late, and now and then for more.

    That is for the APIs once an hour, for the month every ten minutes. Raises ApiError.
    """
    now = client.now()
    until = int(now) // MINUTE * MINUTE
    memory = memory or Memory(until)
    tallies, warnings = await counted(client, target, memory.tallies, until)
    listed_at = memory.listed_at
    if abs(until - listed_at) >= LIST_EVERY:
        apis_listed, ignored = choose_apis(await list_apis(client, target), {key.api for key in tallies})
        # A counter is first shown as 0, so that Prometheus sees what is added; then its minutes are asked for.
        new = Tally(max(memory.began, listed_at - LOOK_BACK))
        tallies |= {key: new for key in series_of(apis_listed) if key not in tallies}
        warnings, listed_at = (*warnings, *ignored), until
    apis = tuple(dict.fromkeys(key.api for key in tallies))
    latencies = await newest(client, target, apis, until)
    month = await month_to_date(client, target, apis, memory.month, now)
    used = last_used(memory.used, tallies, until)
    samples = (
        *counters(tallies),
        *(Sample(LAST_USED, (subservice,), time) for subservice, time in used.items()),
        *(Sample(LATENCY, (api,), latency / 1000) for api, latency in latencies.items()),
        *month_samples(target, month),
    )
    return CollectResult(samples, warnings, Memory(memory.began, listed_at, tallies, month, used))


async def counted(
    client: ApiClient, target: Target, tallies: Mapping[Series, Tally], until: int
) -> tuple[dict[Series, Tally], tuple[Note, ...]]:
    """The tallies with every complete minute until now, and a note if there are some that nobody can know any more."""
    if not tallies:
        return {}, ()
    tallies = {key: tally.not_after(until) for key, tally in tallies.items()}
    since = min(tally.since for tally in tallies.values())
    start = max(since, until - KEPT)
    span = Span(start, until, MINUTE).first(MAX_REQUESTS, len(tallies))
    points = await query(client, target, list(tallies), span, "sum")
    tallies = {key: tally.feed(points[key], span.end).settled(span.end - LOOK_BACK) for key, tally in tallies.items()}
    lost = (start - since) // MINUTE
    return tallies, (note(LOST, number=lost),) if lost else ()


def choose_apis(apis_listed: Iterable[str], known: Iterable[str]) -> tuple[list[str], tuple[Note, ...]]:
    """The APIs to show, those known first, as long as there are not too many; and a note about others."""
    apis_listed = list(apis_listed)
    fit = [api for api in apis_listed if api and label_value(api) == api]
    apis = list(dict.fromkeys((*known, *fit)))
    chosen, beyond = apis[:MAX_APIS], apis[MAX_APIS:]
    ignored = [*beyond, *(api for api in apis_listed if api not in fit)]
    names = brief(", ".join(label_value(api)[:60] for api in ignored))
    return chosen, (note(HIDDEN, names=names),) if ignored else ()


def series_of(apis: Iterable[str]) -> Iterator[Series]:
    """All that is counted of these APIs."""
    return (Series(metric, api) for api in apis for metric in (CALLS, *ERRORS))


async def newest(client: ApiClient, target: Target, apis: Sequence[str], until: int) -> dict[str, float]:
    """The newest latency of each API in milliseconds, where there is any in the look-back; raises ApiError."""
    series = [Series(AVERAGE_LATENCY, api) for api in apis]
    latencies = await query(client, target, series, Span(until - LOOK_BACK, until, MINUTE), "average")
    return {key.api: points[max(points)] for key, points in latencies.items() if points}


def counters(tallies: Mapping[Series, Tally]) -> Iterator[Sample]:
    """The samples of the tallies."""
    for key, tally in tallies.items():
        if key.metric == CALLS:
            yield Sample(API_CALLS, (key.api,), tally.total)
        else:
            yield Sample(API_ERRORS, (key.api, ERRORS[key.metric]), tally.total)


def month_samples(target: Target, month: Month) -> Iterator[Sample]:
    """Calls of the month, and cost where there is a price."""
    for api, calls in month.calls.items():
        yield Sample(MONTH_CALLS, (api,), calls)
        if price := price_of(api, target.pricing):
            yield Sample(MONTH_COST, (api,), float(cost(Decimal(calls), price.tiers)))


def demand(interval: float) -> float:
    """Requests per second: counts and latency each poll, a month's hours and minutes, the list."""
    return 2 / interval + 2 / max(interval, REFRESH) + 1 / max(interval, LIST_EVERY)


COLLECTOR = Collector(
    Api.CES, (API_CALLS, API_ERRORS, LATENCY, MONTH_CALLS, MONTH_COST, LAST_USED), collect, demand=demand
)
