"""The vendor's own client of IAM reads what the simulated one tells."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
import pytest_asyncio

from frs_simulator import Account, Project, Simulator, World
from frs_simulator.demo import subscribed
from frs_simulator.faults import Fault
from frs_simulator.issuers import Agency
from frs_simulator.world import TOKEN_LENGTH
from tests.conformance.vendor.client import VendorClients, VendorError
from tests.conformance.vendor.wrong import CLIENT, SERVER

pytestmark = pytest.mark.asyncio(loop_scope="module")  # in which the clients' process lives

Ask = Callable[..., Awaitable[Any]]

LOGIN = "keystone_create_user_token_by_password"
BY_TOKEN = "create_temporary_access_key_by_token"
BY_AGENCY = "create_temporary_access_key_by_agency"
REGION = "cn-north-4"
ANSWER = subscribed("2026-01-02 03:04:05")


@pytest_asyncio.fixture(loop_scope="module")
async def simulator() -> AsyncIterator[Simulator]:
    projects = [
        Project("first", REGION, ANSWER),
        Project("shop", REGION, ANSWER, enabled=False),
        Project("far", "cn-south-1", ANSWER),
    ]
    operator, customer = Account("operator", "ak_sk", projects), Account("customer", "agency", [])
    world = World([operator, customer])
    world.agencies["customer", "readers"] = Agency(customer, {"operator"})
    async with Simulator(world) as started:
        yield started


@pytest.fixture
def ask(clients: VendorClients, simulator: Simulator) -> Ask:
    """Asks with the key of the first account."""
    owner = simulator.world.accounts[0]

    async def of_iam(operation: str, **fields: Any) -> Any:
        return await clients.ask(simulator, f"iam.{operation}", subject=owner.domain_id, **fields)

    return of_iam


def login_body(owner: Account, password: str | None = None, **scope: Any) -> dict[str, Any]:
    """The body of a login with the right password or another one."""
    user = {"name": owner.user_name, "password": password or owner.password, "domain": {"name": owner.domain_name}}
    return {"auth": {"identity": {"methods": ["password"], "password": {"user": user}}, "scope": scope}}


async def test_it_reads_tokens_of_a_project_of_the_account_and_of_neither(ask: Ask, simulator: Simulator) -> None:
    owner = simulator.world.accounts[0]
    sub_project = owner.projects[1]
    for scope in ({"id": sub_project.id}, {"name": f"{REGION}_shop"}):
        answer = await ask(LOGIN, nocatalog="true", body=login_body(owner, project=scope))
        assert len(answer.x_subject_token) == TOKEN_LENGTH
        token = answer.token
        assert (token.project.id, token.project.name) == (sub_project.id, f"{REGION}_shop")
        assert (token.user.id, token.user.domain.id) == (owner.user_id, owner.domain_id)
        assert token.methods == ["password"]
        assert token.expires_at > token.issued_at
        assert token.catalog == []
    of_account = (await ask(LOGIN, body=login_body(owner, domain={"id": owner.domain_id}))).token
    assert (of_account.domain.name, of_account.project) == ("operator", None)
    assert [service.name for service in of_account.catalog] == ["frs"]
    of_neither = (await ask(LOGIN, body=login_body(owner))).token
    assert (of_neither.domain, of_neither.project) == (None, None)


async def test_it_reads_lists_of_projects_and_accounts(ask: Ask, simulator: Simulator) -> None:
    owner = simulator.world.accounts[0]
    names = [REGION, f"{REGION}_shop", "cn-south-1"]
    mine = (await ask("keystone_list_auth_projects")).projects
    assert [(each.name, each.enabled, each.domain_id) for each in mine] == [
        (name, name != names[1], owner.domain_id) for name in names
    ]
    assert mine[1].parent_id == mine[0].id == owner.projects[0].id

    async def listed(**query: Any) -> list[str]:
        return [each.name for each in (await ask("keystone_list_projects", **query)).projects]

    assert await listed() == names
    assert await listed(enabled=False) == names[1:2]
    assert await listed(name="cn-south-1", enabled=True, domain_id=owner.domain_id) == names[2:]
    assert await listed(parent_id=mine[0].id) == names[1:2]
    assert [await listed(page=page, per_page=2) for page in (1, 2, 3)] == [names[:2], names[2:], []]
    assert (await ask("keystone_show_project", project_id=mine[2].id)).project.name == names[2]
    (account,) = (await ask("keystone_list_auth_domains")).domains
    assert (account.id, account.name, account.enabled) == (owner.domain_id, "operator", True)


async def test_a_token_may_take_the_place_of_a_key(ask: Ask, simulator: Simulator) -> None:
    owner = simulator.world.accounts[0]
    token = (await ask(LOGIN, body=login_body(owner))).x_subject_token
    nobody = {"key": ("NOBODY", "nothing"), "headers": {"X-Auth-Token": token}}
    assert len((await ask("keystone_list_auth_projects", **nobody)).projects) == 3
    simulator.world.outdated.add(token)
    with pytest.raises(VendorError) as caught:
        await ask("keystone_list_auth_projects", **nobody)
    assert (caught.value.status_code, caught.value.error_code) == (401, "APIGW.0307")


@pytest.mark.parametrize("in_header", [True, False])
async def test_it_reads_temporary_keys_of_a_token(ask: Ask, simulator: Simulator, in_header: bool) -> None:
    owner = simulator.world.accounts[0]
    value, _ = simulator.world.issue(owner, None)

    async def keys(token: str) -> Any:
        inside = {} if in_header else {"id": token}
        identity = {"methods": ["token"], "token": {"duration_seconds": 1000, **inside}}
        headers = {"X-Auth-Token": token} if in_header else {}
        return await ask(BY_TOKEN, headers=headers, body={"auth": {"identity": identity}})

    key = (await keys(value)).credential
    issued = simulator.world.temporary_keys[key.access]
    assert (issued.account, issued.secret_key, issued.security_token) == (owner, key.secret, key.securitytoken)
    assert issued.expires_at == pytest.approx(simulator.world.now() + 1000, abs=60)
    listed = await ask(
        "keystone_list_auth_projects",
        key=(key.access, key.secret),
        headers={"X-Security-Token": key.securitytoken},
    )
    assert len(listed.projects) == 3
    with pytest.raises(VendorError) as caught:
        await keys("unknown")
    assert caught.value.status_code == 401


@pytest.mark.parametrize("by", ["domain_name", "domain_id"])
async def test_it_reads_temporary_keys_of_an_agency(ask: Ask, simulator: Simulator, by: str) -> None:
    customer = simulator.world.accounts[1]

    async def keys(agency: str) -> Any:
        role = {by: getattr(customer, by), "agency_name": agency, "duration_seconds": 86400}
        identity = {"methods": ["assume_role"], "assume_role": role}
        return await ask(BY_AGENCY, body={"auth": {"identity": identity}})

    assert simulator.world.temporary_keys[(await keys("readers")).credential.access].account is customer
    for agency, delegates, status, code in (("unknown", {"operator"}, 404, 404), ("readers", set(), 403, 403)):
        simulator.world.agencies["customer", "readers"] = Agency(customer, delegates)
        with pytest.raises(VendorError) as caught:
            await keys(agency)
        assert (caught.value.status_code, caught.value.error_code) == (status, code)


def wrong_password(world: World) -> None:
    world.accounts[0].password = "another"


def locked(world: World) -> None:
    world.lock(world.accounts[0])


def no_role(world: World) -> None:
    world.refused.add(world.accounts[0].projects[0].id)


def no_role_told(world: World) -> None:
    no_role(world)
    world.missing_role_status = 403


def unavailable(world: World) -> None:
    world.faults.set("iam", Fault(status=503, code="IAM.0006", message="down"))


ERRORS: list[tuple[Callable[[World], None], str, int, str, str]] = [
    (wrong_password, CLIENT, 401, "401", "The username or password is wrong."),
    (locked, CLIENT, 401, "401", "The account is locked."),
    (no_role, CLIENT, 401, "401", "requires authentication"),
    (no_role_told, CLIENT, 403, "403", "not authorized"),
    (unavailable, SERVER, 503, "IAM.0006", "down"),
]
"""What is wrong in this world, the class of the error, its status and code, and a part of its message."""


@pytest.mark.parametrize(("change", "kind", "status", "code", "message"), ERRORS)
async def test_a_login_is_told_why_not(
    ask: Ask, simulator: Simulator, change: Callable[[World], None], kind: str, status: int, code: str, message: str
) -> None:
    """IAM names a request in a header that the client does not look at."""
    owner = simulator.world.accounts[0]
    body = login_body(owner, project={"id": owner.projects[0].id})
    change(simulator.world)
    with pytest.raises(VendorError) as caught:
        await ask(LOGIN, body=body)
    error = caught.value
    assert (error.kind, error.status_code, str(error.error_code), error.request_id) == (kind, status, code, None)
    assert message in str(error.error_msg)


async def test_what_is_signed_is_told_why_not(ask: Ask, simulator: Simulator) -> None:
    """As at the other services: the gateway speaks."""
    owner = simulator.world.accounts[0]
    right = (owner.access_key, owner.secret_key)
    simulator.world.clock_offset = 1000.0
    for part in ("15 minutes off", "verify aksk signature fail"):
        with pytest.raises(VendorError) as caught:
            await ask("keystone_list_projects", key=right)
        assert (caught.value.status_code, caught.value.error_code) == (401, "APIGW.0301")
        assert part in str(caught.value.error_msg)
        simulator.world.clock_offset, owner.secret_key = 0.0, "another"
    with pytest.raises(VendorError) as caught:
        await ask("keystone_list_projects", page=1, per_page=9999, key=(right[0], "another"))
    assert (caught.value.status_code, str(caught.value.error_code)) == (400, "400")
