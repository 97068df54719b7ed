"""Cloud Eye: the list of metrics and the batch query, with the vendor's limits, and data that comes late."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Self

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from frs_simulator.gateway import CALLER, WORLD, Refusal
from frs_simulator.traffic import METRICS, Traffic
from frs_simulator.world import Project

NAMESPACE = "SYS.FRS"
DIMENSION = "call_of_api"
QUOTA = 500
"""Requests per minute, of each of the two APIs (ces_03_0034)."""
MAX_POINTS = 3000
MAX_BODY = 512 * 1024
PERIODS = {"1": 60, "60": 60, "300": 300, "1200": 1200, "3600": 3600, "14400": 14400, "86400": 86400}
MINUTES_KEPT = 2 * 86400
DEFAULT_LIMIT = 1000


class Dimension(BaseModel):
    """What a metric is of."""

    model_config = ConfigDict(extra="forbid", strict=True)

    name: str = Field(min_length=1, max_length=32)
    value: str = Field(min_length=1, max_length=256)


class Metric(BaseModel):
    """A metric that is asked about."""

    model_config = ConfigDict(extra="forbid", strict=True)

    namespace: str
    metric_name: str
    dimensions: list[Dimension] = Field(min_length=1, max_length=4)


class Question(BaseModel):
    """The body of a batch query; times in Unix milliseconds."""

    model_config = ConfigDict(extra="forbid", strict=True)

    metrics: list[Metric] = Field(min_length=1, max_length=500)
    start: int = Field(alias="from", ge=1111111111111, le=9999999999999)
    to: int = Field(ge=1111111111111, le=9999999999999)
    period: str
    filter: str = Field(pattern="^(average|max|min|sum|variance)$")

    @model_validator(mode="after")
    def check_times(self) -> Self:
        """A period that there is, and a time that does not end before it begins; raises ValueError."""
        if self.period not in PERIODS or self.start >= self.to:
            raise ValueError("period, from or to")
        return self


def bad_url() -> Refusal:
    """What is said of a query that cannot be read."""
    return Refusal(400, "ces.0013", "The URL parameter is invalid or does not exist.")


def bad_body(status: int = 400) -> Refusal:
    """What is said of a body that cannot be read."""
    return Refusal(status, "ces.0014", "Some content in message body is not correct.")


async def metrics(request: web.Request) -> web.Response:
    """`GET /V1.0/{project_id}/metrics`: those of the APIs that are called, page by page."""
    project = project_of(request, "metrics")
    return web.json_response(page_of(list(list_metrics(project)), request.query))


def page_of(items: list[dict[str, Any]], query: Mapping[str, str]) -> dict[str, Any]:
    """The page that a query asks for; raises Refusal."""
    limit, marker = query.get("limit", str(DEFAULT_LIMIT)), query.get("start", "")
    if not limit.isdigit() or not 1 <= int(limit) <= DEFAULT_LIMIT:
        raise bad_url()
    order = query.get("order", "desc")
    if order not in ("asc", "desc"):
        raise bad_url()
    wanted = dimensions_of(query)
    matching = [item for item in items if matches(item, query, wanted)]
    if "order" in query:
        matching.sort(key=marker_of, reverse=order == "desc")
    names = [marker_of(item) for item in matching]
    if marker and marker not in names:
        raise Refusal(400, "ces.0006", "The paging address is incorrect.")
    first = names.index(marker) + 1 if marker else 0
    page = matching[first : first + int(limit)]
    about = {"count": len(page), "marker": marker_of(page[-1]) if page else "", "total": len(matching)}
    return {"metrics": page, "meta_data": about}


def matches(item: dict[str, Any], query: Mapping[str, str], dimensions: list[Dimension]) -> bool:
    """Whether a metric is one that the query of the list asks for."""
    facts = ("namespace", "metric_name")
    return all(query.get(key, item[key]) == item[key] for key in facts) and all(
        dimension.model_dump() in item["dimensions"] for dimension in dimensions
    )


def dimensions_of(query: Mapping[str, str]) -> list[Dimension]:
    """What `dim.0` to `dim.3` say, each as name,value; raises Refusal."""
    found = []
    for number in range(4):
        name, comma, value = query.get(f"dim.{number}", "").partition(",")
        if comma and name and value:
            found.append(Dimension(name=name, value=value))
        elif name or comma:
            raise bad_url()
    return found


async def metric_data(request: web.Request) -> web.Response:
    """`GET /V1.0/{project_id}/metric-data`: one metric's points."""
    project, query = project_of(request, "metric-data"), request.query
    try:
        metric = {"namespace": query["namespace"], "metric_name": query["metric_name"]}
        question = Question.model_validate(
            {
                "metrics": [Metric.model_validate({**metric, "dimensions": dimensions_of(query)})],
                "from": int(query["from"]),
                "to": int(query["to"]),
                **{key: query[key] for key in ("period", "filter")},
            }
        )
    except (ValidationError, ValueError, KeyError):
        raise bad_url() from None
    data = answer(question.metrics[0], question, project.traffic, request.app[WORLD].now())
    points = [{**point, "unit": data["unit"]} for point in data["datapoints"]]
    return web.json_response({"metric_name": data["metric_name"], "datapoints": points})


async def batch_query(request: web.Request) -> web.Response:
    """`POST /V1.0/{project_id}/batch-query-metric-data`."""
    project, body = project_of(request, "batch-query"), await request.read()
    if len(body) > MAX_BODY:
        raise bad_body(413)
    try:
        question = Question.model_validate(json.loads(body))
    except (ValidationError, ValueError):
        raise bad_body() from None
    now = request.app[WORLD].now()
    return web.json_response(
        {"metrics": [answer(metric, question, project.traffic, now) for metric in question.metrics]}
    )


def project_of(request: web.Request, api: str) -> Project:
    """The project that is asked about, within the user's quota of this API; raises Refusal."""
    caller, project_id = request[CALLER], request.match_info["project_id"]
    project = caller.project_at(project_id)
    if project is None or request.headers.get("X-Project-Id", project_id) != project_id:
        raise Refusal(403, "ces.0015", "Authentication fails or the authentication information is not provided.")
    if not request.app[WORLD].within_quota(caller.user, f"ces {api}", QUOTA, window=60.0):
        raise Refusal(429, "ces.0429", "Too Many Requests")
    return project


def list_metrics(project: Project) -> Iterator[dict[str, Any]]:
    """The metrics of a project as the list has them; one is of a face set, as FRS tells of those, too."""
    for api in project.traffic.calls:
        for metric in METRICS:
            unit = unit_of(metric)
            yield {
                "namespace": NAMESPACE,
                "metric_name": metric,
                "unit": unit,
                "dimensions": [{"name": DIMENSION, "value": api}],
            }
    for face_set in project.face_sets[:1]:
        dimensions = [{"name": "face_set", "value": face_set["face_set_name"]}]
        yield {"namespace": NAMESPACE, "metric_name": "face_number", "unit": "count", "dimensions": dimensions}


def unit_of(metric: str) -> str:
    """What a metric is measured in."""
    return "ms" if metric == "average_latency" else "count"


def marker_of(item: dict[str, Any]) -> str:
    """What names an item of the list."""
    (dimension,) = item["dimensions"]
    return f"{item['namespace']}.{item['metric_name']}.{dimension['name']}:{dimension['value']}"


def answer(metric: Metric, question: Question, traffic: Traffic, now: float) -> dict[str, Any]:
    """What is told of one metric."""
    (dimension, *_) = metric.dimensions
    known = (
        metric.namespace == NAMESPACE
        and metric.metric_name in METRICS
        and dimension.name == DIMENSION
        and dimension.value in traffic.calls
    )
    points = datapoints(metric.metric_name, dimension.value, question, traffic, now) if known else ()
    return {**metric.model_dump(), "unit": unit_of(metric.metric_name), "datapoints": list(points)}


def datapoints(
    metric: str, api: str, question: Question, traffic: Traffic, now: float
) -> Iterator[dict[str, float | int]]:
    """The points that are there already, of not more periods than an answer may have: the first ones are left out."""
    period = PERIODS[question.period]
    end = question.to // 1000
    earliest = end - MAX_POINTS // len(question.metrics) * period
    start = max(question.start // 1000, earliest) // period * period
    for time in range(start, end, period):
        kept = period >= 1200 or time >= now - MINUTES_KEPT
        if kept and time + period <= traffic.known_until(now):
            value = traffic.rolled_up(metric, api, time, period, question.filter)
            if value is not None:
                yield {question.filter: value, "timestamp": time * 1000}
