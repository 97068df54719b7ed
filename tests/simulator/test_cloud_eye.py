"""The simulated Cloud Eye keeps the vendor's limits, and takes what the vendor's own client signs."""

import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from huaweicloudsdkcore.auth.credentials import BasicCredentials
from huaweicloudsdkcore.sdk_request import SdkRequest

from frs_exporter.cloud.signing import sdk_date
from frs_simulator import Account, Project, Simulator, World
from frs_simulator.cloud_eye import QUOTA
from frs_simulator.demo import face_set, subscribed
from frs_simulator.traffic import HOUR, METRICS, MINUTE, Traffic

NOW = 1_800_000_000.0
START = int(NOW) // HOUR * HOUR - 4 * HOUR
QUERY = "batch-query-metric-data"


def account() -> Account:
    """One project that is used, and one where nothing is subscribed."""
    used = Project(
        "used",
        "cn-north-4",
        subscribed("2024-01-01 00:00:00"),
        face_sets=[face_set("staff", 12)],
        traffic=Traffic({"detect": 60, "search": 7}, delay=30.0),
    )
    off = Project("off", "cn-north-4", subscribed("2024-01-01 00:00:00", off=("search",)))
    return Account("acme", "ak_sk", [used, off, Project("none", "cn-north-4", None)])


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    async with Simulator(World([account()], clock=lambda: NOW)) as started:
        yield started


async def ask(simulator: Simulator, method: str, path: str, body: Any = None, project: int = 0) -> tuple[int, Any]:
    """An answer to a request that the vendor's own client has signed."""
    (owner,) = simulator.world.accounts
    project_id = owner.projects[project].id
    path, _, query = path.partition("?")
    request = SdkRequest(
        method=method,
        schema="http",
        host=simulator.url.removeprefix("http://"),
        resource_path=path.replace("{project_id}", project_id),
        query_params=[tuple(pair.split("=", 1)) for pair in query.split("&") if pair],
        header_params={"Content-Type": "application/json", "X-Sdk-Date": sdk_date(NOW)},
        body=json.dumps(body) if body is not None else "",
    )
    BasicCredentials(owner.access_key, owner.secret_key, project_id).sign_request(request)
    async with (
        aiohttp.ClientSession() as session,
        session.request(
            method, simulator.url + request.uri, headers=request.header_params, data=request.body or None
        ) as response,
    ):
        return response.status, await response.json()


def question(*apis: str, **changes: Any) -> dict[str, Any]:
    """The body of a batch query for calls of these APIs in the hour from START on."""
    metrics = [
        {
            "namespace": "SYS.FRS",
            "metric_name": "api_calls",
            "dimensions": [{"name": "call_of_api", "value": api}],
        }
        for api in apis
    ]
    times = {"from": START * 1000, "to": (START + HOUR) * 1000}
    return {"metrics": metrics, **times, "period": "1", "filter": "sum", **changes}


async def test_the_list_is_filtered_and_ordered(simulator: Simulator) -> None:
    async def listed(query: str) -> list[tuple[str, str]]:
        status, body = await ask(simulator, "GET", f"/V1.0/{{project_id}}/metrics?namespace=SYS.FRS&{query}")
        assert status == 200
        assert body["meta_data"]["total"] == len(body["metrics"])
        return [(item["metric_name"], item["dimensions"][0]["value"]) for item in body["metrics"]]

    assert await listed("metric_name=api_calls") == [("api_calls", "detect"), ("api_calls", "search")]
    assert await listed("metric_name=api_calls&dim.0=call_of_api,search") == [("api_calls", "search")]
    assert await listed("dim.0=face_set,staff") == [("face_number", "staff")]
    ascending = await listed("order=asc")
    assert ascending == sorted(ascending)
    assert await listed("order=desc") == ascending[::-1]
    for bad in ("order=up", "dim.0=call_of_api", "dim.0=,x"):
        status, body = await ask(simulator, "GET", f"/V1.0/{{project_id}}/metrics?{bad}")
        assert (status, body["details"]["code"]) == (400, "ces.0013")


async def test_one_metrics_points_are_those_of_the_batch_with_its_unit(simulator: Simulator) -> None:
    for metric in METRICS:
        asked = question("detect", filter="average")
        asked["metrics"][0]["metric_name"] = metric
        _, body = await ask(simulator, "POST", f"/V1.0/{{project_id}}/{QUERY}", asked)
        (batch,) = body["metrics"]
        assert batch["unit"] == ("ms" if metric == "average_latency" else "count")
        query = f"namespace=SYS.FRS&metric_name={metric}&dim.0=call_of_api,detect&period=1&filter=average"
        times = f"from={asked['from']}&to={asked['to']}"
        path = "/V1.0/{project_id}/metric-data"
        status, body = await ask(simulator, "GET", f"{path}?{query}&{times}")
        assert (status, body["metric_name"]) == (200, metric)
        assert body["datapoints"] == [{**point, "unit": batch["unit"]} for point in batch["datapoints"]] != []
        for bad in (
            query,
            f"{query}&from={asked['to']}&to={asked['from']}",
            f"{times}&{query}".replace("dim.0", "dim"),
        ):
            status, body = await ask(simulator, "GET", f"{path}?{bad}")
            assert (status, body["details"]["code"]) == (400, "ces.0013")


async def test_the_list_has_a_page_for_each_marker(simulator: Simulator) -> None:
    status, body = await ask(simulator, "GET", "/V1.0/{project_id}/metrics?limit=5&namespace=SYS.FRS")
    assert (status, len(body["metrics"]), body["meta_data"]["total"]) == (200, 5, 9)
    assert body["metrics"][0] == {
        "namespace": "SYS.FRS",
        "metric_name": "api_calls",
        "unit": "count",
        "dimensions": [{"name": "call_of_api", "value": "detect"}],
    }
    marker = body["meta_data"]["marker"]
    _, rest = await ask(simulator, "GET", f"/V1.0/{{project_id}}/metrics?limit=5&namespace=SYS.FRS&start={marker}")
    assert [item["metric_name"] for item in rest["metrics"]] == [*METRICS[1:], "face_number"]
    last = rest["meta_data"]["marker"]
    _, none = await ask(simulator, "GET", f"/V1.0/{{project_id}}/metrics?namespace=SYS.FRS&start={last}")
    assert none == {"metrics": [], "meta_data": {"count": 0, "marker": "", "total": 9}}
    assert (await ask(simulator, "GET", "/V1.0/{project_id}/metrics?namespace=SYS.ECS"))[1]["metrics"] == []


@pytest.mark.parametrize(
    ("query", "code"),
    [("limit=0", "ces.0013"), ("limit=1001", "ces.0013"), ("limit=x", "ces.0013"), ("start=gone", "ces.0006")],
)
async def test_a_list_that_is_asked_for_wrongly_is_refused(simulator: Simulator, query: str, code: str) -> None:
    status, body = await ask(simulator, "GET", f"/V1.0/{{project_id}}/metrics?{query}")
    assert (status, body["details"]["code"]) == (400, code)


@pytest.mark.parametrize("period", ["1", "300", "1200", "3600", "14400"])
async def test_every_period_adds_up_to_the_same(simulator: Simulator, period: str) -> None:
    four_hours = {"from": (START - 4 * HOUR) // (4 * HOUR) * 4 * HOUR * 1000}
    four_hours["to"] = four_hours["from"] + 4 * HOUR * 1000
    status, body = await ask(
        simulator, "POST", f"/V1.0/{{project_id}}/{QUERY}", question("detect", period=period, **four_hours)
    )
    assert status == 200
    (series,) = body["metrics"]
    seconds = 60 if period == "1" else int(period)
    assert len(series["datapoints"]) == 4 * HOUR // seconds
    (owner,) = simulator.world.accounts
    first = four_hours["from"] // 1000
    minutes = [owner.projects[0].traffic.minute("api_calls", "detect", first + at) for at in range(0, 4 * HOUR, MINUTE)]
    assert sum(point["sum"] for point in series["datapoints"]) == sum(value or 0 for value in minutes)


async def test_data_comes_late_and_single_minutes_are_kept_two_days(simulator: Simulator) -> None:
    last = int(NOW) // MINUTE * MINUTE
    body = question("detect", **{"from": (last - 180) * 1000, "to": (last + 180) * 1000})
    _, told = await ask(simulator, "POST", f"/V1.0/{{project_id}}/{QUERY}", body)
    times = [point["timestamp"] // 1000 for point in told["metrics"][0]["datapoints"]]
    assert times == [time for time in range(last - 180, last + 180, 60) if time + 60 + 30 <= NOW]
    days = 3 * 86400 * 1000
    old = {"from": START * 1000 - days, "to": (START + HOUR) * 1000 - days}
    for period, points in (("1", 0), ("300", 0), ("3600", 1)):
        body = question("detect", period=period, **old)
        _, told = await ask(simulator, "POST", f"/V1.0/{{project_id}}/{QUERY}", body)
        assert len(told["metrics"][0]["datapoints"]) == points


async def test_of_too_many_points_the_first_are_left_out_silently(simulator: Simulator) -> None:
    """metrics x (to - from) / period <= 3000, or `from` is moved."""
    names = [f"other-{n}" for n in range(99)]
    body = question("detect", *names)
    _, told = await ask(simulator, "POST", f"/V1.0/{{project_id}}/{QUERY}", body)
    times = [point["timestamp"] // 1000 for point in told["metrics"][0]["datapoints"]]
    assert (len(times), times[0]) == (30, START + 30 * MINUTE)
    assert all(series["datapoints"] == [] for series in told["metrics"][1:])


@pytest.mark.parametrize(
    "changes",
    [
        {"metrics": []},
        {"metrics": question("x")["metrics"] * 501},
        {"metrics": [{"namespace": "SYS.FRS", "metric_name": "api_calls", "dimensions": []}]},
        {"period": "60s"},
        {"filter": "median"},
        {"from": START * 1000, "to": START * 1000},
        {"from": START},
        {"more": 1},
    ],
)
async def test_a_question_that_is_none_is_refused(simulator: Simulator, changes: dict[str, Any]) -> None:
    status, body = await ask(simulator, "POST", f"/V1.0/{{project_id}}/{QUERY}", question("detect", **changes))
    assert (status, body["details"]["code"]) == (400, "ces.0014")


async def test_a_minute_has_five_hundred_requests_of_each(simulator: Simulator) -> None:
    for _ in range(QUOTA - 1):
        assert simulator.world.within_quota("acme/frs-monitor", "ces batch-query", QUOTA, window=60.0)
    assert (await ask(simulator, "POST", f"/V1.0/{{project_id}}/{QUERY}", question("detect")))[0] == 200
    status, body = await ask(simulator, "POST", f"/V1.0/{{project_id}}/{QUERY}", question("detect"))
    assert (status, body["details"]["code"]) == (429, "ces.0429")
    assert (await ask(simulator, "GET", "/V1.0/{project_id}/metrics"))[0] == 200


async def test_face_sets_are_told_where_search_is_on(simulator: Simulator) -> None:
    path = "/v2/{project_id}/face-sets"
    status, body = await ask(simulator, "GET", path)
    assert (status, [item["face_set_name"] for item in body["face_sets_info"]]) == (200, ["staff"])
    for project, code in ((1, "FRS.0020"), (2, "FRS.0019")):
        status, body = await ask(simulator, "GET", path, project=project)
        assert (status, body["error_code"]) == (400, code)


async def test_nobody_is_told_of_a_project_without_a_proof(simulator: Simulator) -> None:
    (owner,) = simulator.world.accounts
    async with aiohttp.ClientSession() as session:
        for method, path in (("GET", "metrics"), ("POST", QUERY)):
            url = f"{simulator.url}/V1.0/{owner.projects[0].id}/{path}"
            async with session.request(method, url, json=question("detect")) as response:
                assert (response.status, (await response.json())["error_code"]) == (401, "APIGW.0301")
