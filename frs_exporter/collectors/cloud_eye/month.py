"""Calls of the calendar month so far, as the vendor bills them: in Asia/Shanghai, whatever this machine's zone is."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from frs_exporter.collectors.cloud_eye.metric_data import DAY, HOUR, MINUTE, Series, Span, query
from frs_exporter.collectors.cloud_eye.tally import Points
from frs_exporter.collectors.collector import ApiClient
from frs_exporter.core.model import Target

CALLS = "api_calls"
BILLING_ZONE = ZoneInfo("Asia/Shanghai")
REFRESH = 600
"""Seconds between two looks at the month."""
ROLLED_UP = HOUR
"""Seconds after which an hour's sum is taken for made; what is younger is told by minutes."""
LATE = 3 * HOUR
"""Seconds for which hours are asked for again, beyond that: minutes that come late change their sums."""


@dataclass(frozen=True, slots=True)
class Month:
    """Calls by API since `start`, and those of them before `settled`, which are not asked for again.

    Times in Unix seconds; `asked_at` is when it was asked for.
    """

    start: int
    settled: int
    before: Mapping[str, float]
    calls: Mapping[str, float]
    asked_at: float


async def month_to_date(
    client: ApiClient, target: Target, apis: Sequence[str], known: Month | None, now: float
) -> Month:
    """The calls of each API in the month of `now`, asked for anew where what is known is too old; raises ApiError."""
    start = month_start(now)
    if known is None or known.start != start or known.before.keys() != set(apis):
        known = Month(start, start, dict.fromkeys(apis, 0.0), {}, now - REFRESH)
    if abs(now - known.asked_at) < REFRESH:
        return known
    minutes_from = max(known.settled, int(now - ROLLED_UP) // HOUR * HOUR)
    settled = max(known.settled, minutes_from - LATE)
    until = max(minutes_from, int(now) // MINUTE * MINUTE)
    series = [Series(CALLS, api) for api in apis]
    rolled_up = await sums(client, target, series, Span(known.settled, minutes_from, HOUR), settled)
    minutes = await query(client, target, series, Span(minutes_from, until, MINUTE), "sum")
    before, calls = dict(known.before), {}
    for key in series:
        points = rolled_up[key]
        before[key.api] += sum(value for time, value in points.items() if time < settled)
        later = sum(value for time, value in points.items() if time >= settled)
        calls[key.api] = before[key.api] + later + sum(minutes[key].values())
    return replace(known, settled=settled, before=before, calls=calls, asked_at=now)


def month_start(now: float) -> int:
    """When the month of `now` began, both in Unix seconds."""
    first = datetime.fromtimestamp(now, BILLING_ZONE).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return int(first.timestamp())


async def sums(
    client: ApiClient, target: Target, series: Sequence[Series], span: Span, settled: int
) -> dict[Series, Points]:
    """Sums of days where whole ones lie before `settled`, of hours elsewhere.

    No page says in which zone the vendor's days begin, so only those are taken that tell so by their timestamp.
    """
    found: dict[Series, dict[int, float]] = {key: {} for key in series}
    days: set[int] = set()
    if settled - span.start >= 2 * DAY:
        rolled_up = await query(client, target, series, Span(span.start, settled, DAY), "sum")
        days.update(whole_days((time for points in rolled_up.values() for time in points), span.start, settled))
        for key, points in rolled_up.items():
            found[key].update({time: value for time, value in points.items() if time in days})
    for part in gaps(days, span):
        for key, points in (await query(client, target, series, part, "sum")).items():
            found[key].update(points)
    return dict(found)


def whole_days(times: Iterable[int], start: int, end: int) -> Iterator[int]:
    """Those of these times at which days begin that lie in a span, begin on the hour, and do not overlap."""
    free_from = start
    for time in sorted(set(times)):
        if time >= free_from and time + DAY <= end and not (time - start) % HOUR:
            yield time
            free_from = time + DAY


def gaps(days: Iterable[int], span: Span) -> Iterator[Span]:
    """What the days leave of a span."""
    start = span.start
    for day in sorted(days):
        if start < day:
            yield Span(start, day, span.period)
        start = day + DAY
    if start < span.end:
        yield Span(start, span.end, span.period)
