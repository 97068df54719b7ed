"""What Cloud Eye tells of FRS: the APIs that are called, and values by time, asked for within the vendor's limits.

Source: Cloud Eye API reference, pages ces_03_0023 (list) and ces_03_0034 (batch query); FRS product description,
face_01_0005 (the metrics of SYS.FRS, each told once a minute and API).
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from urllib.parse import quote

from frs_exporter.collectors.cloud_eye.tally import Points
from frs_exporter.collectors.collector import ApiClient, members, number, text, whole_number, wrong_shape
from frs_exporter.core.errors import ApiError, Failure, Reason
from frs_exporter.core.model import Api, Target

NAMESPACE = "SYS.FRS"
DIMENSION = "call_of_api"
MINUTE, HOUR, DAY = 60, 3600, 86400
MAX_METRICS = 500
"""Metrics of a batch query."""
MAX_POINTS = 3000
"""Metrics times periods of a batch query; of a longer one the beginning would silently be left out."""
PER_PAGE = 1000
MAX_PAGES = 20
"""A list that never ends is none."""


class Series(NamedTuple):
    """One metric of one API."""

    metric: str
    api: str


@dataclass(frozen=True, slots=True)
class Span:
    """The time from `start` until before `end`, in Unix seconds and whole periods."""

    start: int
    end: int
    period: int

    def parts(self, metrics: int) -> Iterator["Span"]:
        """The spans, in order, for which so many metrics may be asked at once."""
        seconds = MAX_POINTS // metrics * self.period
        for start in range(self.start, self.end, seconds):
            yield Span(start, min(start + seconds, self.end), self.period)

    def first(self, requests: int, metrics: int) -> "Span":
        """As much of it as so many requests can tell of so many metrics, at most MAX_METRICS."""
        return Span(
            self.start, min(self.end, self.start + requests * (MAX_POINTS // metrics) * self.period), self.period
        )


async def list_apis(client: ApiClient, target: Target) -> tuple[str, ...]:
    """The names of the APIs of which there is data, sorted; raises ApiError."""
    names: set[str] = set()
    path = f"/V1.0/{target.project_id}/metrics?limit={PER_PAGE}&namespace={NAMESPACE}"
    marker = ""
    for _ in range(MAX_PAGES):
        data = await client.get(Api.CES, path + (f"&start={quote(marker, safe='')}" if marker else ""))
        items = members("$", data, "metrics")
        for index, item in enumerate(items):
            names.update(filter(None, [api_of(f"$.metrics[{index}]", item)]))
        last, marker = marker, next_page(data)
        if not items or marker in ("", last):
            return tuple(sorted(names))
    raise ApiError(Failure(Reason.PAYLOAD, f"the list of metrics has not ended after {MAX_PAGES} pages"))


def next_page(data: Any) -> str:
    """The marker of the next page, empty where there is none; raises ApiError."""
    about = data.get("meta_data")
    marker = about.get("marker") if isinstance(about, dict) else None
    return text("$.meta_data.marker", marker) if marker is not None else ""


def api_of(where: str, item: Any) -> str | None:
    """The API that a metric is of, None where it is of something else; raises ApiError."""
    for index, dimension in enumerate(members(where, item, "dimensions")):
        if not isinstance(dimension, dict):
            raise wrong_shape(f"{where}.dimensions[{index}]", "an object", dimension)
        if dimension.get("name") == DIMENSION:
            return text(f"{where}.dimensions[{index}].value", dimension.get("value"))
    return None


async def query(
    client: ApiClient, target: Target, series: Sequence[Series], span: Span, rollup: str
) -> dict[Series, Points]:
    """The values of each series in a span, rolled up by `rollup` (`sum`, `average`); raises ApiError."""
    found: dict[Series, dict[int, float]] = {key: {} for key in series}
    path = f"/V1.0/{target.project_id}/batch-query-metric-data"
    for first in range(0, len(series), MAX_METRICS):
        some = series[first : first + MAX_METRICS]
        for part in span.parts(len(some)):
            data = await client.get(Api.CES, path, question(some, part, rollup))
            for key, points in answers(data, some, part, rollup):
                for time, value in points.items():
                    found[key][time] = max(value, found[key].get(time, 0.0))
    return dict(found)


def question(series: Sequence[Series], span: Span, rollup: str) -> dict[str, Any]:
    """The body of a batch query; a period of a minute is that of the data as it was told, which is called 1."""
    return {
        "metrics": [
            {
                "namespace": NAMESPACE,
                "metric_name": metric,
                "dimensions": [{"name": DIMENSION, "value": api}],
            }
            for metric, api in series
        ],
        "from": span.start * 1000,
        "to": span.end * 1000,
        "period": "1" if span.period == MINUTE else str(span.period),
        "filter": rollup,
    }


def answers(data: Any, series: Collection[Series], span: Span, rollup: str) -> Iterator[tuple[Series, Points]]:
    """What an answer tells of what was asked for; raises ApiError with the JSON path of what is not as promised."""
    for index, item in enumerate(members("$", data, "metrics")):
        where = f"$.metrics[{index}]"
        api = api_of(where, item)
        key = Series(text(f"{where}.metric_name", item.get("metric_name")), api or "")
        if key in series:
            points: dict[int, float] = {}
            for number_of, point in enumerate(members(where, item, "datapoints")):
                time, value = datapoint(f"{where}.datapoints[{number_of}]", point, rollup)
                if span.start <= time < span.end:
                    points[time] = max(value, points.get(time, 0.0))
            yield key, points


def datapoint(where: str, point: Any, rollup: str) -> tuple[int, float]:
    """Unix seconds and value of a data point; raises ApiError."""
    if not isinstance(point, dict):
        raise wrong_shape(where, "an object", point)
    milliseconds = whole_number(f"{where}.timestamp", point.get("timestamp"))
    return int(milliseconds) // 1000, number(f"{where}.{rollup}", point.get(rollup))
