"""The vendor's own client of Cloud Eye reads what the simulated one tells."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
import pytest_asyncio

from frs_simulator import Account, Project, Simulator, World
from frs_simulator.cloud_eye import QUOTA
from frs_simulator.demo import face_set, subscribed
from frs_simulator.traffic import HOUR, METRICS, MINUTE, Traffic
from tests.conformance.vendor.client import VendorClients, VendorError
from tests.conformance.vendor.wrong import CLIENT, another_users_now, skewed, wrong_key

pytestmark = pytest.mark.asyncio(loop_scope="module")  # in which the clients' process lives

Ask = Callable[..., Awaitable[Any]]

REGION = "cn-north-4"


@pytest_asyncio.fixture(loop_scope="module")
async def simulator() -> AsyncIterator[Simulator]:
    project = Project("shop", REGION, subscribed("2026-01-02 03:04:05"), traffic=Traffic({"detect": 60, "search": 7}))
    project.face_sets = [face_set("staff", 7)]
    async with Simulator(World([Account("acme", "ak_sk", [project])])) as started:
        yield started


@pytest.fixture
def ask(clients: VendorClients, simulator: Simulator) -> Ask:
    """Asks about the only project, which the client knows unless it is told otherwise."""
    (project,) = simulator.world.accounts[0].projects

    async def of_ces(operation: str, subject: str | None = project.id, **fields: Any) -> Any:
        return await clients.ask(simulator, f"ces.{operation}", subject=subject, region=REGION, **fields)

    return of_ces


def names_of(answer: Any) -> list[tuple[str, str, str]]:
    """The metrics of a list: each name, and the name and value of its dimension."""
    return [(each.metric_name, each.dimensions[0].name, each.dimensions[0].value) for each in answer.metrics]


ALL = [(metric, "call_of_api", api) for api in ("detect", "search") for metric in METRICS]
ALL += [("face_number", "face_set", "staff")]
FILTERS: list[tuple[dict[str, Any], Callable[[tuple[str, str, str]], bool]]] = [
    ({}, lambda metric: True),
    ({"namespace": "SYS.FRS"}, lambda metric: True),
    ({"namespace": "SYS.ECS"}, lambda metric: False),
    ({"metric_name": "api_calls"}, lambda metric: metric[0] == "api_calls"),
    ({"dim_0": "call_of_api,search"}, lambda metric: metric[2] == "search"),
    ({"dim_0": "face_set,staff", "metric_name": "face_number"}, lambda metric: metric[2] == "staff"),
]


@pytest.mark.parametrize(("query", "is_wanted"), FILTERS)
async def test_it_reads_the_list_of_metrics(
    ask: Ask, query: dict[str, Any], is_wanted: Callable[[tuple[str, str, str]], bool]
) -> None:
    wanted = list(filter(is_wanted, ALL))
    assert names_of(await ask("list_metrics", **query)) == wanted
    ascending = await ask("list_metrics", order="asc", **query)
    assert names_of(ascending) == sorted(wanted)
    assert names_of(await ask("list_metrics", order="desc", **query)) == names_of(ascending)[::-1]
    assert ascending.meta_data.total == len(wanted)


@pytest.mark.parametrize("limit", [1, 4, 9, 1000])
async def test_it_reads_the_list_page_by_page(ask: Ask, limit: int) -> None:
    found: list[tuple[str, str, str]] = []
    marker: dict[str, str] = {}
    while len(found) < len(ALL):
        answer = await ask("list_metrics", limit=limit, **marker)
        assert answer.meta_data.count == len(answer.metrics) == min(limit, len(ALL) - len(found))
        found += names_of(answer)
        marker = {"start": answer.meta_data.marker}
    assert found == ALL
    assert (await ask("list_metrics", limit=limit, **marker)).metrics == []


async def test_it_reads_points_of_one_metric_and_of_several(ask: Ask, simulator: Simulator) -> None:
    (project,) = simulator.world.accounts[0].projects
    start = int(simulator.world.now()) // HOUR * HOUR - 2 * HOUR
    times = {"_from": start * 1000, "to": (start + HOUR) * 1000}
    wanted = [
        (time * 1000, project.traffic.minute("api_calls", "search", time))
        for time in range(start, start + HOUR, MINUTE)
    ]
    about = {"namespace": "SYS.FRS", "metric_name": "api_calls"}
    one = await ask("show_metric_data", **about, dim_0="call_of_api,search", filter="sum", period=1, **times)
    assert [(point.timestamp, point.sum) for point in one.datapoints] == wanted
    assert {(point.unit, point.average) for point in one.datapoints} == {("count", None)}
    metrics = [{**about, "dimensions": [{"name": "call_of_api", "value": api}]} for api in ("search", "unknown")]
    body = {"metrics": metrics, "period": "1", "filter": "sum", **times}
    search, unknown = (await ask("batch_list_metric_data", body=body)).metrics
    assert [(point.timestamp, point.sum) for point in search.datapoints] == wanted
    assert (search.unit, search.namespace, names_of(one_of(search))) == ("count", "SYS.FRS", [ALL[4]])
    assert unknown.datapoints == []
    (hourly, _) = (await ask("batch_list_metric_data", body=body | {"period": "3600", "filter": "average"})).metrics
    assert [point.average for point in hourly.datapoints] == [sum(value or 0 for _, value in wanted)]


def one_of(metric: Any) -> Any:
    """A list of one."""
    return type("Answer", (), {"metrics": [metric]})


CES = "not done"
ERRORS: list[tuple[Callable[[World], None], dict[str, Any], int, str, str]] = [
    (wrong_key, {}, 401, "APIGW.0301", "verify aksk signature fail"),
    (skewed, {}, 401, "APIGW.0301", "15 minutes off"),
    (another_users_now, {}, 403, "403", CES),
    (lambda world: None, {"limit": 1001}, 400, "400", CES),
    (lambda world: None, {"start": "nowhere"}, 400, "400", CES),
    (lambda world: None, {"dim_0": "call_of_api"}, 400, "400", CES),
]
"""What is wrong in this world, and with the query; the status, the code, and a part of the message.

Of a body of Cloud Eye the client takes the code and message outside, and not those in the details.
"""


@pytest.mark.parametrize(("change", "query", "status", "code", "message"), ERRORS)
async def test_it_is_told_why_not(
    ask: Ask,
    simulator: Simulator,
    change: Callable[[World], None],
    query: dict[str, Any],
    status: int,
    code: str,
    message: str,
) -> None:
    (owner,) = simulator.world.accounts
    right = (owner.access_key, owner.secret_key)
    change(simulator.world)
    with pytest.raises(VendorError) as caught:
        await ask("list_metrics", key=right, **query)
    error = caught.value
    assert (error.kind, error.status_code, str(error.error_code)) == (CLIENT, status, code)
    assert message in str(error.error_msg)
    assert len(str(error.request_id)) == 32


async def test_it_is_told_of_throttling_by_the_status_alone(ask: Ask, simulator: Simulator) -> None:
    world, (owner,) = simulator.world, simulator.world.accounts
    world.recent[owner.login, "ces metrics"].extend([world.clock() + 60] * QUOTA)
    with pytest.raises(VendorError) as caught:
        await ask("list_metrics")
    assert (caught.value.kind, caught.value.status_code, caught.value.error_code) == (
        "ClientRequestException",
        429,
        "429",
    )
    assert world.requests["ces", owner.login, owner.projects[0].id] == 1
