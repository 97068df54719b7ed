"""An agency of another account: its keys are had in the name of a credential whose secret stays as guarded as ever."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import structlog
from pydantic import SecretStr

from frs_exporter.core.credentials import AgencyCredential, AssumedAgency, KeyCredential, OidcCredential, Signing
from frs_exporter.core.errors import ApiError
from frs_exporter.core.explanations import advice
from frs_exporter.core.model import Target
from frs_simulator.faults import Fault
from frs_simulator.issuers import Agency, Machine, Trust
from frs_simulator.world import Account
from tests.cloud.temporary import FAILED, Then, ask, every, told_secrets, with_keys
from tests.conftest import Cloud, account, credential_of
from tests.polling.test_poller import UP, Polled


def delegated(then: Then, base: Callable[[Cloud, Account], Signing] | None = None) -> Any:
    """Run with two projects of a customer whose agency an operator may assume."""
    customer, operator = account("agency", "p1", "p2"), account("ak_sk", "own")

    def give(cloud: Cloud) -> AssumedAgency:
        cloud.world.agencies[customer.domain_name, "readers"] = Agency(customer, {operator.domain_name})
        who = base(cloud, operator) if base else credential_of(operator)
        assert isinstance(who, Signing)
        return AssumedAgency("customer", who, customer.domain_name, "readers")

    return with_keys(customer, give, then, operator)


@pytest.mark.uncounted
def test_one_request_brings_the_keys_of_all_projects_for_hours() -> None:
    async def then(cloud: Cloud, targets: list[Target]) -> None:
        polls = await Polled.started(cloud, every(900.0, targets, stale_after=3600.0))
        await asyncio.sleep(60)
        assert len(cloud.world.temporary_keys) == 1
        assert cloud.counted("frs_exporter_api_requests_total", api="iam") == 1
        await asyncio.sleep(5 * 86400)
        shown = polls.shown()
        assert (shown[UP % "p1"], shown[UP % "p2"], shown[FAILED]) == (1, 1, 0)
        assert any('auth="agency"' in name for name in shown)
        assert 20 <= len(cloud.world.temporary_keys) <= 26, "each lives for six hours"
        await polls.poller.stop()

    delegated(then)


def test_a_machine_may_assume_an_agency_of_another_account() -> None:
    def on_a_machine(cloud: Cloud, operator: Account) -> Signing:
        cloud.world.machine = Machine(operator)
        return AgencyCredential("machine", cloud.url)

    async def then(cloud: Cloud, targets: list[Target]) -> None:
        assert await ask(cloud, targets[0])
        assert len(cloud.world.temporary_keys) == 2

    delegated(then, on_a_machine)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda world: world.agencies.clear(), "Could not find agency: readers."),
        (
            lambda world: [agency.delegates.clear() for agency in world.agencies.values()],
            "You are not authorized to perform the requested action.",
        ),
    ],
)
def test_an_agency_that_gives_no_keys_is_told_and_asked_once_a_minute(change: Any, message: str) -> None:
    async def then(cloud: Cloud, targets: list[Target]) -> None:
        change(cloud.world)
        visits = cloud.world.watched()
        for _ in range(60):
            for target in targets:
                with pytest.raises(ApiError) as caught:
                    await ask(cloud, target)
                assert caught.value.failure.reason == "forbidden"
            await asyncio.sleep(10)
        text = f"agency readers of agency-account gives no keys to ak_sk-account: {message}"
        assert text in caught.value.failure.message
        assert advice(caught.value.failure).startswith("check domain_name and agency_name")
        assert 9 <= len(visits) <= 11
        assert not any(lock.failures for lock in cloud.world.locks.values())

    delegated(then)


@pytest.mark.parametrize("name", ["customer", "ak_sk-account"])
def test_who_has_mended_the_agency_may_have_it_asked_at_once(name: str) -> None:
    """By its own name, or by that of who assumes it: both stand for the same jobs."""

    async def then(cloud: Cloud, targets: list[Target]) -> None:
        agencies = dict(cloud.world.agencies)
        cloud.world.agencies.clear()
        for _ in range(3):
            with pytest.raises(ApiError):
                await ask(cloud, targets[0])
        cloud.world.agencies.update(agencies)
        with pytest.raises(ApiError, match="not asked for another"):
            await ask(cloud, targets[0])
        cloud.client.retry(name)
        assert await ask(cloud, targets[0])

    delegated(then)


@pytest.mark.parametrize("name", ["customer", "ak_sk-account"])
def test_a_renewal_that_was_put_off_comes_at_once_when_it_is_retried(name: str) -> None:
    async def then(cloud: Cloud, targets: list[Target]) -> None:
        assert await ask(cloud, targets[0])
        agencies = dict(cloud.world.agencies)
        cloud.world.agencies.clear()
        await asyncio.sleep(0.95 * 21600)
        assert await ask(cloud, targets[0])
        await asyncio.sleep(1)
        cloud.world.agencies.update(agencies)
        cloud.client.retry(name)
        assert await ask(cloud, targets[0])
        await asyncio.sleep(1)
        assert len(cloud.world.temporary_keys) == 2
        cloud.client.retry(name)
        assert await ask(cloud, targets[0])
        await asyncio.sleep(1)
        assert len(cloud.world.temporary_keys) == 2, "what is renewed has nothing to be retried"

    delegated(then)


def test_a_wrong_key_of_who_assumes_it_is_held_and_never_locked() -> None:
    def wrong(cloud: Cloud, operator: Account) -> Signing:
        return KeyCredential("operator", operator.access_key, SecretStr("wrong"))

    async def then(cloud: Cloud, targets: list[Target]) -> None:
        polls = await Polled.started(cloud, targets)
        await asyncio.sleep(2 * 86400)
        assert cloud.counted("frs_exporter_credential_rejected", credential="operator") == 1
        assert cloud.counted("frs_exporter_credential_rejected", credential="customer") == 0
        info = 'frs_poll_error_info{project="p1",collector="subscription",reason="auth",code="APIGW.0301"}'
        assert polls.shown()[info] == 1
        assert not any(lock.times for lock in cloud.world.locks.values())
        assert sum(cloud.world.requests.values()) == 0, "none was let in"
        await polls.poller.stop()

    delegated(then, wrong)


def test_a_refused_id_token_of_who_assumes_it_holds_nobody_else(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("jwt-1")

    def by_id_token(cloud: Cloud, operator: Account) -> Signing:
        cloud.world.trust = Trust(operator, "provider", "agency", {"jwt-2"})
        return OidcCredential("operator", "provider", "agency", str(file), endpoint=cloud.url)

    async def then(cloud: Cloud, targets: list[Target]) -> None:
        polls = await Polled.started(cloud, targets)
        await asyncio.sleep(86400)
        assert cloud.counted("frs_exporter_credential_rejected", credential="operator") == 1
        assert cloud.counted("frs_exporter_credential_rejected", credential="customer") == 0
        file.write_text("jwt-2")
        await asyncio.sleep(61)
        assert await ask(cloud, targets[0])
        await polls.poller.stop()

    delegated(then, by_id_token)


def test_who_assumes_it_is_kept_as_long_as_the_agency_is_wanted() -> None:
    async def then(cloud: Cloud, targets: list[Target]) -> None:
        await ask(cloud, targets[0])
        for _ in range(3):
            await cloud.client.adjust(cloud.limits, targets)
            await asyncio.sleep(20_000)
            assert await ask(cloud, targets[1])
        known = {"credential": "ak_sk-account"}
        assert cloud.telemetry.registry.get_sample_value("frs_exporter_credential_rejected", known) == 0
        cloud.client.retry("ak_sk-account")
        await cloud.client.adjust(cloud.limits, [])
        with pytest.raises(LookupError):
            cloud.client.retry("ak_sk-account")

    delegated(then)


def test_dead_keys_of_an_agency_are_replaced_without_a_failed_poll() -> None:
    async def then(cloud: Cloud, targets: list[Target]) -> None:
        polls = await Polled.started(cloud, targets)
        await asyncio.sleep(60)
        cloud.world.temporary_keys.clear()
        await asyncio.sleep(600)
        assert (polls.shown()[FAILED], polls.shown()[UP % "p1"]) == (0, 1)
        await polls.poller.stop()

    delegated(then)


@pytest.mark.uncounted
def test_no_secret_is_told() -> None:
    async def then(cloud: Cloud, targets: list[Target]) -> None:
        with structlog.testing.capture_logs() as logs:
            polls = await Polled.started(cloud, targets)
            await asyncio.sleep(60)
            cloud.world.faults.set("iam", Fault(code="IAM.0002", status=403, echo=True))
            cloud.world.faults.set("frs", Fault(code="FRS.0010", echo=True))
            await asyncio.sleep(90_000)
            text = f"{logs} {polls.shown()} {polls.poller.states} {targets[0]!r}"
        assert "agency readers of agency-account gives no keys" in text
        access_keys = {owner.access_key for owner in cloud.world.accounts}  # which the repr of a credential shows
        assert told_secrets(text, cloud) <= access_keys
        await polls.poller.stop()

    delegated(then)
