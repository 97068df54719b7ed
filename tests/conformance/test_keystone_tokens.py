"""Tokens of a real Keystone: of a project, of the account and without a scope; refused, revoked, expired; discovery."""

import asyncio
import json
import random
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from frs_exporter.cloud.client import Client
from frs_exporter.cloud.iam import password_login
from frs_exporter.cloud.projects import list_projects
from frs_exporter.cloud.transport import Transport
from frs_exporter.config.load import Config, load
from frs_exporter.core.credentials import StaticToken, TokenCredential
from frs_exporter.core.errors import ApiError, Failure, Reason
from frs_exporter.core.model import Account, Api, RequestScope
from frs_exporter.exposition.telemetry import Telemetry
from frs_simulator import Simulator, World
from tests.conformance.keystone import CheckedTokens, Customer, Keystone, ask, password_of
from tests.conftest import LIMITS


@pytest.fixture
def customer(keystone: Keystone) -> Customer:
    return keystone.customer("gate-1", "gate-2")


def config_of(customer: Customer, folder: Path, frs: str = "http://127.0.0.1:9", **changes: Any) -> Config:
    """The customer's config as it is loaded from a file."""
    file = folder / "config.yaml"
    file.write_text(json.dumps({**customer.config(frs), **changes}, ensure_ascii=False))
    return load(str(file))


@asynccontextmanager
async def client(*accesses: RequestScope) -> AsyncIterator[tuple[Client, Telemetry]]:
    """A client as the daemon has it, for these."""
    telemetry = Telemetry()
    made = Client(Transport(LIMITS, telemetry, time.time), telemetry, time.time, random.Random(1))
    await made.adjust(LIMITS, accesses)
    try:
        yield made, telemetry
    finally:
        await made.close()


def logins(telemetry: Telemetry) -> float:
    return telemetry.registry.get_sample_value("frs_exporter_api_requests_total", {"api": "iam"}) or 0.0


def refused_tokens(telemetry: Telemetry) -> float:
    labels = {"api": "frs", "reason": "token"}
    return telemetry.registry.get_sample_value("frs_exporter_api_request_failures_total", labels) or 0.0


def subscription_of(access: RequestScope) -> str:
    return f"/v1/{access.project_id}/subscribe"


async def test_each_project_is_asked_about_with_a_token_of_its_own(customer: Customer, tmp_path: Path) -> None:
    async with Simulator(customer.world()) as frs:
        targets = config_of(customer, tmp_path, frs.url).targets
        async with client(*targets) as (asking, telemetry):
            for target in (*targets, *targets):
                answer = await asking.get(target, Api.FRS, subscription_of(target))
                assert answer["detect_service"]["subscribe_status"] is True
                assert asking.token_expiry(target) == pytest.approx(time.time() + 86400, abs=20)
            assert logins(telemetry) == 3, "one of each, and one without a scope that proves the password"


@pytest.mark.parametrize("password", ["密码-пароль-ü€😀", "with \"quotes\", \\ and 'more' $x ${y}", " spaces "])
async def test_passwords_are_any_text(keystone: Keystone, tmp_path: Path, password: str) -> None:
    customer = keystone.customer("gate-1", password=password)
    async with Simulator(customer.world()) as frs:
        (target,) = config_of(customer, tmp_path, frs.url).targets
        async with client(target) as (asking, _):
            assert await asking.get(target, Api.FRS, subscription_of(target))


@pytest.mark.parametrize("account", [True, False], ids=["account", "no scope"])
async def test_what_the_user_may_use_is_listed_with_a_token_without_a_project(
    keystone: Keystone, customer: Customer, tmp_path: Path, account: bool
) -> None:
    keystone.do("PUT", f"/v3/domains/{customer.domain_id}/users/{customer.user_id}/roles/{keystone.role}", None, 204)
    (target, _) = config_of(customer, tmp_path).targets
    access = replace(target, project_id="", account=Account() if account else None)
    async with client(access) as (asking, _):
        listed = await asking.get(access, Api.IAM, "/v3/auth/projects")
    assert {project["name"] for project in listed["projects"]} == {"gate-1", "gate-2"}


async def test_projects_with_a_role_are_found_unless_they_are_disabled(
    keystone: Keystone, customer: Customer, tmp_path: Path
) -> None:
    """A sub-project, and one that another account shares with this user, are found; who lists needs no role."""
    region = keystone.project(customer.domain_id, "cn-north-4")
    disabled = keystone.project(customer.domain_id, "cn-north-4_old", parent_id=region, enabled=False)
    sub_project = keystone.project(customer.domain_id, "cn-north-4_门", parent_id=region)
    shared = keystone.customer("cn-north-4").projects["cn-north-4"]
    keystone.project(customer.domain_id, "cn-north-4_without-a-role", parent_id=region)
    for project in (disabled, sub_project, shared):
        customer.set_role(project)
    (rule,) = config_of(customer, tmp_path, discovery=[{"credential": "own", "regions": ["cn-north-4"]}]).discovery
    async with client(rule.access) as (asking, telemetry):
        listing = await list_projects(asking, rule)
        assert logins(telemetry) == 2, "one login without a scope, and the list"
    assert not listing.cut
    meant, _ = rule.meant(listing.projects)
    assert {(found.name, found.project_id, found.sub_project) for found in meant} == {
        ("cn-north-4", shared, False),
        ("cn-north-4_门", sub_project, True),
    }
    assert {"gate-1", "gate-2"} < {found.name for found in listing.projects}


async def test_a_list_is_read_on_after_its_token_was_revoked(customer: Customer, tmp_path: Path) -> None:
    """Who disables a user ends its tokens, also for when it is enabled again."""
    (rule,) = config_of(customer, tmp_path, discovery=[{"credential": "own", "regions": ["cn-north-4"]}]).discovery
    async with client(rule.access) as (asking, telemetry):
        before = await list_projects(asking, rule)
        customer.change(enabled=False)
        customer.change(enabled=True)
        await asyncio.sleep(1.1)  # whatever was issued within that second has ended, too
        assert await list_projects(asking, rule) == before
        assert logins(telemetry) == 5, "a login and a list; a list that is refused, a login and a list"


REFUSALS: dict[str, Callable[[Customer], None]] = {
    "disabled user": lambda customer: customer.change(enabled=False),
    "locked user": Customer.lock,
    "changed password": lambda customer: customer.change(password="another-password"),
    "unknown user": lambda customer: customer.change(name="renamed"),
    "disabled account": lambda customer: customer.keystone.do(
        "PATCH", f"/v3/domains/{customer.domain_id}", {"domain": {"enabled": False}}, 200
    ),
    "no role on the project": lambda customer: customer.set_role(customer.projects["gate-1"], given=False),
    "disabled project": lambda customer: customer.keystone.do(
        "PATCH", f"/v3/projects/{customer.projects['gate-1']}", {"project": {"enabled": False}}, 200
    ),
    "deleted project": lambda customer: customer.keystone.do(
        "DELETE", f"/v3/projects/{customer.projects['gate-1']}", None, 204
    ),
}


@pytest.mark.parametrize("why", REFUSALS)
async def test_keystone_says_the_same_whatever_it_refuses_a_login_for(
    customer: Customer, tmp_path: Path, why: str
) -> None:
    """So nobody can tell a wrong password from a missing role by the answer (row X1)."""
    REFUSALS[why](customer)
    failure = await failure_of(config_of(customer, tmp_path))
    assert failure.request_id.startswith("req-")
    assert replace(failure, request_id="", retry_after=None) == Failure(
        Reason.AUTH,
        "The request you have made requires authentication.",
        status=401,
        code="401",
        api="iam",
        by_vendor=True,
        sent=True,
    )


async def failure_of(config: Config) -> Failure:
    """Why a token of the first project is not to be had, asked without a proof of the password before."""
    async with client() as (asking, _):
        with pytest.raises(ApiError) as caught:
            await asking.get(config.targets[0], Api.FRS, subscription_of(config.targets[0]))
    return caught.value.failure


async def test_a_second_factor_is_told(customer: Customer, tmp_path: Path) -> None:
    """Keystone's receipt has neither code nor message (row X5)."""
    rules = [["password", "totp"]]
    customer.change(options={"multi_factor_auth_enabled": True, "multi_factor_auth_rules": rules})
    failure = await failure_of(config_of(customer, tmp_path))
    assert (failure.reason, failure.second_factor, failure.status) == (Reason.AUTH, True, 401)
    methods = failure.message.removeprefix("IAM wants ").removesuffix(" for a login, as login protection is on")
    assert set(methods.split(" and ")) == {"password", "totp"}, "in no order that is promised"
    assert failure.request_id.startswith("req-")


async def test_a_login_that_is_too_long_says_nothing_of_the_password(customer: Customer, tmp_path: Path) -> None:
    """What refuses it is before Keystone, and no JSON."""
    secret = "wrong" * 30_000
    failure = await failure_of(config_of(replace(customer, password=secret), tmp_path))
    assert (failure.reason, failure.status, failure.by_vendor) == (Reason.CLIENT, 413, False)
    assert "too large" in failure.message
    assert "wrong" not in failure.message


def test_a_project_by_its_name_alone_is_refused_so_its_id_is_sent(customer: Customer, tmp_path: Path) -> None:
    target = config_of(customer, tmp_path).targets[0]
    assert isinstance(target.credential, TokenCredential)
    sent = json.loads(password_login(target.credential, target.project_id))["auth"]["scope"]
    assert sent == {"project": {"id": customer.projects["gate-1"]}}
    assert customer.login(**sent).status == 201
    assert customer.login(project={"name": "gate-1"}).status == 400
    assert customer.login(project={"name": "gate-1", "domain": {"name": customer.domain}}).status == 201


async def test_a_token_of_some_seconds_is_replaced_before_it_ends(customer: Customer, tmp_path: Path) -> None:
    """Keystone's times are whole seconds (row X11): FRS is never shown one that has ended."""
    async with Simulator(customer.world()) as frs:
        endpoints = {"frs": frs.url, "iam": f"{customer.keystone.url}/tokens-of-4-seconds"}
        (target, _) = config_of(customer, tmp_path, endpoints=endpoints).targets
        async with client(target) as (asking, telemetry):
            end = time.monotonic() + 5
            while time.monotonic() < end:
                await asking.get(target, Api.FRS, subscription_of(target))
                await asyncio.sleep(0.2)
            assert refused_tokens(telemetry) == 0
            assert 3 <= logins(telemetry) <= 5


async def test_a_token_that_was_revoked_is_replaced_once(customer: Customer, tmp_path: Path) -> None:
    world = customer.world()
    async with Simulator(world) as frs:
        (target, _) = config_of(customer, tmp_path, frs.url).targets
        async with client(target) as (asking, telemetry):
            await asking.get(target, Api.FRS, subscription_of(target))
            (held,) = shown_to(world)
            customer.keystone.revoke(held)
            assert await asking.get(target, Api.FRS, subscription_of(target))
            assert await asking.get(target, Api.FRS, subscription_of(target))
            assert len(shown_to(world)) == 2
            assert (refused_tokens(telemetry), logins(telemetry)) == (1, 2)


def shown_to(world: World) -> set[str]:
    """The tokens that FRS was shown."""
    assert isinstance(world.tokens, CheckedTokens)
    return world.tokens.shown


async def test_a_given_token_that_has_ended_is_told(customer: Customer, tmp_path: Path) -> None:
    """Nobody here can buy another one."""
    short = f"{customer.keystone.url}/tokens-of-1-seconds/v3/auth/tokens"
    scope = {"project": {"id": customer.projects["gate-1"]}}
    body = password_of(customer.user, customer.password, customer.domain, **scope)
    value = ask("POST", short, body).headers["x-subject-token"]
    async with Simulator(customer.world()) as frs, client() as (asking, _):
        target = replace(
            config_of(customer, tmp_path, frs.url).targets[0], credential=StaticToken("given", SecretStr(value))
        )
        await asyncio.sleep(1.1)
        with pytest.raises(ApiError) as caught:
            await asking.get(target, Api.FRS, subscription_of(target))
    assert (caught.value.failure.reason, caught.value.failure.unrenewable) == (Reason.TOKEN, True)
    assert value not in str(caught.value)
