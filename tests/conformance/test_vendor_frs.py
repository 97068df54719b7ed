"""The vendor's clients of FRS read what the simulated one tells: an old one the subscription, the newest the rest."""

import base64
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest
import pytest_asyncio

from frs_simulator import Account, Project, Simulator, World
from frs_simulator.demo import face_set, subscribed
from frs_simulator.faults import Fault
from frs_simulator.pictures import FACE, JPEG, SMALLEST
from frs_simulator.world import QUOTA
from tests.conformance.vendor.client import VendorClients, VendorError, vendor_clients
from tests.conformance.vendor.wrong import CLIENT, SERVER, another_users_now, skewed, wrong_key

pytestmark = pytest.mark.asyncio(loop_scope="module")  # in which the clients' processes live

Ask = Callable[..., Awaitable[Any]]

REGION = "cn-north-4"
"""Here IAM has a project of this name."""
SUBSCRIBE = "frs_v1.show_subscribes"
FACE_SETS = "frs.show_all_face_sets"
OPERATIONS = [SUBSCRIBE, FACE_SETS]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def clients() -> AsyncIterator[dict[str, VendorClients]]:
    """By service."""
    async with AsyncExitStack() as stack:
        environments = {"frs": "vendor", "frs_v1": "vendor-frs-v1"}
        yield {name: await stack.enter_async_context(vendor_clients(each)) for name, each in environments.items()}


@pytest_asyncio.fixture(loop_scope="module")
async def simulator() -> AsyncIterator[Simulator]:
    project = Project("shop", REGION, subscribed("2026-01-02 03:04:05", off=("compare",)))
    project.face_sets = [face_set("staff", 7), face_set("guests", 0)]
    async with Simulator(World([Account("acme", "ak_sk", [project])])) as started:
        yield started


@pytest.fixture
def ask(clients: dict[str, VendorClients], simulator: Simulator) -> Ask:
    """Asks about the only project, which the client knows unless it is told otherwise."""
    (project,) = simulator.world.accounts[0].projects

    async def of_frs(operation: str, subject: str | None = project.id, **fields: Any) -> Any:
        service, _, _ = operation.partition(".")
        return await clients[service].ask(simulator, operation, subject=subject, region=REGION, **fields)

    return of_frs


async def test_it_reads_what_is_subscribed(ask: Ask) -> None:
    answer = await ask(SUBSCRIBE)
    services = {name: getattr(answer, f"{name}_service") for name in ("detect", "compare", "search", "live_detect")}
    assert {name: service.subscribe_status for name, service in services.items()} == {
        "detect": True,
        "compare": False,
        "search": True,
        "live_detect": True,
    }
    assert {service.create_time for service in services.values()} == {"2026-01-02 03:04:05"}
    assert answer.max_face_set_number == 10


async def test_it_reads_face_sets(ask: Ask, simulator: Simulator) -> None:
    answer = await ask(FACE_SETS)
    assert [(each.face_set_name, each.face_number, each.face_set_capacity) for each in answer.face_sets_info] == [
        ("staff", 7, 100_000),
        ("guests", 0, 100_000),
    ]
    assert len(answer.x_request_id) == 32
    one = await ask("frs.show_face_set", face_set_name="staff")
    assert vars(one.face_set_info) | {"external_fields": {}} == face_set("staff", 7)
    with pytest.raises(VendorError) as caught:
        await ask("frs.show_face_set", face_set_name="nobody")
    assert (caught.value.status_code, caught.value.error_code) == (400, "FRS.0302")


def picture(*, face: bool) -> str:
    """A picture, as it is sent."""
    return base64.b64encode(JPEG[0] + FACE * face + bytes(SMALLEST) + JPEG[1]).decode()


CALLS: list[tuple[str, dict[str, str], dict[str, str], str, Callable[[Any], Any]]] = [
    (
        "frs.compare_face_by_base64",
        {"image1_base64": picture(face=False), "image2_base64": picture(face=False)},
        {"image1_base64": picture(face=True)},
        "FRS.0501",
        lambda answer: answer.similarity == 0.97,
    ),
    (
        "frs.detect_live_by_base64",
        {"video_base64": picture(face=False), "actions": "1"},
        {"video_base64": picture(face=True)},
        "FRS.0701",
        lambda answer: answer.video_result.alive,
    ),
    (
        "frs.detect_live_face_by_base64",
        {"image_base64": picture(face=False)},
        {"image_base64": picture(face=True)},
        "FRS.0707",
        lambda answer: answer.result.alive,
    ),
]


@pytest.mark.parametrize(("operation", "empty", "with_face", "code", "is_read"), CALLS)
async def test_it_reads_calls_with_a_picture(
    ask: Ask,
    simulator: Simulator,
    operation: str,
    empty: dict[str, str],
    with_face: dict[str, str],
    code: str,
    is_read: Callable[[Any], Any],
) -> None:
    """One without a face fails, as those that probes send do."""
    (project,) = simulator.world.accounts[0].projects
    on = {"subscribe_status": True, "create_time": "2026-01-02 03:04:05"}
    project.answer = {f"{name}_service": on for name in ("compare", "live_detect", "live_detect_face")}
    with pytest.raises(VendorError) as caught:
        await ask(operation, body=empty)
    assert (caught.value.kind, caught.value.status_code) == ("ClientRequestException", 400)
    assert caught.value.error_code == code
    assert not simulator.world.billed
    simulator.world.recent.clear()  # the video's quota is one in a second
    assert is_read(await ask(operation, body=empty | with_face))
    assert simulator.world.billed.total() == 1
    project.answer = None
    simulator.world.recent.clear()
    with pytest.raises(VendorError) as caught:
        await ask(operation, body=empty)
    assert caught.value.error_code == "FRS.0019"


async def test_it_finds_the_project_itself(ask: Ask, simulator: Simulator) -> None:
    """By the name of the region, of which IAM lists one project."""
    for operation in OPERATIONS:
        await ask(operation, subject=None)
    world, (owner,) = simulator.world, simulator.world.accounts
    assert world.requests["iam", owner.login, ""] == 2
    assert world.requests["frs", owner.login, owner.projects[0].id] == 2


def frozen(world: World) -> None:
    world.accounts[0].projects[0].frozen = True


def unsubscribed(world: World) -> None:
    world.accounts[0].projects[0].answer = None


def unknown_key(world: World) -> None:
    world.accounts[0].access_key = "ANOTHER"


def unavailable(world: World) -> None:
    world.faults.set("frs", Fault(status=503, code="APIGW.0201", message="Backend timeout."))


def page(world: World) -> None:
    world.faults.set("frs", Fault(status=502, body="<html>", content_type="text/html"))


ERRORS: list[tuple[Callable[[World], None], str, int, str, str]] = [
    (frozen, CLIENT, 400, "FRS.0202", "freeze"),
    (unsubscribed, CLIENT, 400, "FRS.0019", "not been subscribed"),
    (wrong_key, CLIENT, 401, "APIGW.0301", "verify aksk signature fail"),
    (unknown_key, CLIENT, 401, "APIGW.0301", "ak not exist"),
    (another_users_now, CLIENT, 403, "FRS.0028", "does not match"),
    (skewed, CLIENT, 401, "APIGW.0301", "15 minutes off"),
    (unavailable, SERVER, 503, "APIGW.0201", "Backend timeout."),
    (page, SERVER, 502, "502", "<html>"),
]
"""What is wrong in this world, the class of the error, its status and code, and a part of its message."""


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize(("change", "kind", "status", "code", "message"), ERRORS)
async def test_it_is_told_why_not(
    ask: Ask,
    simulator: Simulator,
    operation: str,
    change: Callable[[World], None],
    kind: str,
    status: int,
    code: str,
    message: str,
) -> None:
    (owner,) = simulator.world.accounts
    right = (owner.access_key, owner.secret_key)
    change(simulator.world)
    with pytest.raises(VendorError) as caught:
        await ask(operation, key=right)
    error = caught.value
    assert (error.kind, error.status_code, error.error_code) == (kind, status, code)
    assert message in str(error.error_msg)
    assert len(str(error.request_id)) == 32


@pytest.mark.parametrize("operation", OPERATIONS)
async def test_it_is_told_of_throttling_by_the_status_alone(ask: Ask, simulator: Simulator, operation: str) -> None:
    """It looks at neither the body nor the request's id of a 429, and asks once."""
    world, (owner,) = simulator.world, simulator.world.accounts
    now = time.time()
    world.clock = lambda: now
    for _ in range(QUOTA):
        await ask(operation)
    with pytest.raises(VendorError) as caught:
        await ask(operation)
    assert (caught.value.kind, caught.value.status_code, caught.value.error_code) == (CLIENT, 429, "429")
    assert not caught.value.request_id
    assert world.requests["frs", owner.login, owner.projects[0].id] == QUOTA + 1


@pytest.mark.parametrize("operation", OPERATIONS)
async def test_it_may_come_with_a_token(ask: Ask, simulator: Simulator, operation: str) -> None:
    """Whatever the key is that it signs with."""
    world, (owner,) = simulator.world, simulator.world.accounts
    value, _ = world.issue(owner, owner.projects[0])
    headers = {"X-Auth-Token": value}
    await ask(operation, key=("NOBODY", "nothing"), headers=headers)
    world.outdated.add(value)
    with pytest.raises(VendorError) as caught:
        await ask(operation, headers=headers)
    assert (caught.value.status_code, caught.value.error_code) == (401, "APIGW.0307")


async def test_it_may_come_with_a_temporary_key(ask: Ask, simulator: Simulator) -> None:
    world, (owner,) = simulator.world, simulator.world.accounts
    key = world.issue_key(owner, 900.0)
    login = (key.access_key, key.secret_key)
    for operation in OPERATIONS:
        await ask(operation, key=login, headers={"X-Security-Token": key.security_token})
        with pytest.raises(VendorError) as caught:
            await ask(operation, key=login)
        assert (caught.value.status_code, caught.value.error_code) == (401, "APIGW.0301")
