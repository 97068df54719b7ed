"""Cloud Eye is asked within its limits, and its answers are read as they are promised."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from frs_exporter.collectors import ApiClient
from frs_exporter.collectors.cloud_eye.metric_data import (
    DAY,
    HOUR,
    MAX_METRICS,
    MAX_PAGES,
    MAX_POINTS,
    MINUTE,
    Series,
    Span,
    list_apis,
    query,
)
from frs_exporter.core.errors import ApiError, Reason
from frs_exporter.core.model import Api, Target
from frs_simulator.traffic import Traffic
from tests.collectors.asking import CloudEye, client_of, now

START = 1_700_000_040 // MINUTE * MINUTE
SERIES = [Series("api_calls", "detect")]


def said(payload: Any) -> ApiClient:
    """A door behind which always the same is said."""

    async def ask(api: Api, path: str, body: Any = None) -> Any:
        return payload

    return client_of(ask)


@given(st.integers(1, 1200), st.integers(0, 4000), st.sampled_from([MINUTE, HOUR, DAY]))
def test_every_period_is_asked_for_once_and_within_the_limits(metrics: int, periods: int, period: int) -> None:
    span = Span(0, periods * period, period)
    asked = [
        (min(MAX_METRICS, metrics - first), part)
        for first in range(0, metrics, MAX_METRICS)
        for part in span.parts(min(MAX_METRICS, metrics - first))
    ]
    assert sum(some * (part.end - part.start) // period for some, part in asked) == metrics * periods
    assert all(some * (part.end - part.start) // period <= MAX_POINTS and part.start < part.end for some, part in asked)


@given(st.integers(1, MAX_METRICS), st.integers(0, 4000), st.integers(1, 10))
def test_a_part_takes_no_more_requests_than_there_may_be(metrics: int, periods: int, requests: int) -> None:
    part = Span(0, periods * MINUTE, MINUTE).first(requests, metrics)
    assert len(list(part.parts(metrics))) <= requests
    assert part.end == periods * MINUTE or len(list(part.parts(metrics))) == requests


def test_the_question_is_the_vendors(target: Target) -> None:
    """As in the example of the API reference, ces_03_0034."""
    cloud_eye = CloudEye(Traffic({"detect": 1}), START + HOUR)
    now(query(cloud_eye.client, target, SERIES, Span(START, START + 300, MINUTE), "sum"))
    assert cloud_eye.asked == [
        {
            "metrics": [
                {
                    "namespace": "SYS.FRS",
                    "metric_name": "api_calls",
                    "dimensions": [{"name": "call_of_api", "value": "detect"}],
                }
            ],
            "from": START * 1000,
            "to": START * 1000 + 300_000,
            "period": "1",
            "filter": "sum",
        }
    ]


def test_the_list_is_read_page_by_page(target: Target) -> None:
    """1,000 metrics a page: 600 APIs have 2,400."""
    names = [f"api/{n:03} & more" for n in range(600)]
    cloud_eye = CloudEye(Traffic(dict.fromkeys(names, 1)), START)
    assert now(list_apis(cloud_eye.client, target)) == tuple(names)
    assert len(cloud_eye.asked) == 4, "the last one is empty"
    assert cloud_eye.asked[0] == f"/V1.0/{target.project_id}/metrics?limit=1000&namespace=SYS.FRS"
    assert cloud_eye.asked[1].endswith("&start=SYS.FRS.average_latency.call_of_api%3Aapi%2F249%20%26%20more")


def test_an_account_that_is_never_called_has_no_apis(target: Target) -> None:
    assert now(list_apis(CloudEye(Traffic(), START).client, target)) == ()
    assert now(list_apis(said({"metrics": []}), target)) == ()


def test_a_list_that_never_ends_is_none(target: Target) -> None:
    pages = 0

    async def ask(api: Api, path: str, body: Any = None) -> Any:
        nonlocal pages
        pages += 1
        return {"metrics": [{"dimensions": []}], "meta_data": {"marker": str(pages)}}

    with pytest.raises(ApiError, match=f"has not ended after {MAX_PAGES} pages"):
        now(list_apis(client_of(ask), target))
    assert pages == MAX_PAGES


def test_a_marker_that_stays_ends_the_list(target: Target) -> None:
    item = {"dimensions": [{"name": "call_of_api", "value": "detect"}]}
    assert now(list_apis(said({"metrics": [item], "meta_data": {"marker": "same"}}), target)) == ("detect",)


@pytest.mark.parametrize(
    ("payload", "message"),
    [
        (None, "$: wanted an object, found null"),
        ({"metrics": None}, "$.metrics: wanted an array, found null"),
        ({"metrics": [1]}, "$.metrics[0]: wanted an object, found a number"),
        ({"metrics": [{"dimensions": [[]]}]}, "$.metrics[0].dimensions[0]: wanted an object, found an array"),
        (
            {"metrics": [{"dimensions": [{"name": "call_of_api", "value": 5}]}]},
            "$.metrics[0].dimensions[0].value: wanted a string, found a number",
        ),
        (
            {"metrics": [{"dimensions": []}], "meta_data": {"marker": 5}},
            "$.meta_data.marker: wanted a string, found a number",
        ),
    ],
)
def test_a_list_of_a_wrong_shape_is_told_with_its_path(target: Target, payload: Any, message: str) -> None:
    with pytest.raises(ApiError) as caught:
        now(list_apis(said(payload), target))
    assert (caught.value.failure.reason, caught.value.failure.message) == (Reason.PAYLOAD, message)


def told(*points: Any, **changes: Any) -> Any:
    """An answer with data points of detect's calls."""
    item = {
        "metric_name": "api_calls",
        "dimensions": [{"name": "call_of_api", "value": "detect"}],
        "datapoints": list(points),
    }
    return {"metrics": [{**item, **changes}]}


SPAN = Span(START, START + 300, MINUTE)


def test_points_are_read_by_their_time_and_those_beyond_the_span_are_left(target: Target) -> None:
    """`from` is rounded down and `to` may be included; a point twice counts once, the larger."""
    points = [{"sum": n, "timestamp": (START + at) * 1000 + 7} for n, at in enumerate((-60, 0, 60, 12, 300, 60))]
    assert now(query(said(told(*points)), target, SERIES, SPAN, "sum")) == {
        SERIES[0]: {START: 1, START + 60: 5, START + 12: 3}
    }


def test_what_was_not_asked_for_is_left(target: Target) -> None:
    point = {"sum": 1, "timestamp": START * 1000}
    others: list[Any] = [told(point, metric_name="error_4xx"), told(point, dimensions=[]), {"metrics": []}]
    for other in others:
        assert now(query(said(other), target, SERIES, SPAN, "sum")) == {SERIES[0]: {}}


@pytest.mark.parametrize(
    ("payload", "message"),
    [
        (told(datapoints=None), "$.metrics[0].datapoints: wanted an array, found null"),
        (told(5), "$.metrics[0].datapoints[0]: wanted an object, found a number"),
        (
            told({"average": 1, "timestamp": START * 1000}),
            "$.metrics[0].datapoints[0].sum: wanted a number from 0, found null",
        ),
        (
            told({"sum": -1, "timestamp": START * 1000}),
            "$.metrics[0].datapoints[0].sum: wanted a number from 0, found a number",
        ),
        (
            told({"sum": 1, "timestamp": "now"}),
            "$.metrics[0].datapoints[0].timestamp: wanted a whole number from 0, found a string",
        ),
        (told(metric_name=None), "$.metrics[0].metric_name: wanted a string, found null"),
    ],
)
def test_data_of_a_wrong_shape_is_told_with_its_path(target: Target, payload: Any, message: str) -> None:
    with pytest.raises(ApiError) as caught:
        now(query(said(payload), target, SERIES, SPAN, "sum"))
    assert (caught.value.failure.reason, caught.value.failure.message) == (Reason.PAYLOAD, message)
