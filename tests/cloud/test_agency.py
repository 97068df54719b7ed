"""The temporary keys of a machine's agency: had from its metadata service, renewed ahead, and when they are refused."""

import asyncio
import random
from dataclasses import replace
from typing import Any

import pytest
import structlog
from pydantic import SecretStr

from frs_exporter.cloud.auth import authorizer
from frs_exporter.core.credentials import AgencyCredential, KeyCredential
from frs_exporter.core.errors import ApiError, Reason
from frs_exporter.core.model import Target
from frs_simulator.faults import HANG, Fault
from frs_simulator.issuers import Machine
from tests.cloud.temporary import FAILED, POLLED, Then, ask, every, failure_by, faults, told_secrets, with_keys
from tests.cloud.test_auth import new_guard
from tests.conftest import EPOCH, Cloud, account, virtual_now
from tests.polling.test_poller import UP, Polled


def on_a_machine(then: Then, **machine: Any) -> Any:
    """Run on a machine of a simulated cloud, with two projects of its agency's account."""
    owner = account("ecs_agency", "p1", "p2")

    def give(cloud: Cloud) -> AgencyCredential:
        cloud.world.machine = Machine(owner, **machine)
        return AgencyCredential("on-ecs", cloud.url)

    return with_keys(owner, give, then)


@pytest.mark.parametrize("machine", [{}, {"token_required": True}, *({"token_status": n} for n in (404, 405, 503))])
def test_keys_come_from_the_metadata_service_with_a_token_where_it_wants_one(machine: dict[str, Any]) -> None:
    async def then(cloud: Cloud, targets: list[Target]) -> None:
        polls = await Polled.started(cloud, targets)
        await asyncio.sleep(10)
        shown = polls.shown()
        assert (shown[UP % "p1"], shown[UP % "p2"]) == (1, 1)
        assert shown['frs_token_expiry_timestamp_seconds{project="p1"}'] == pytest.approx(EPOCH + 86400, abs=5)
        assert any('auth="ecs_agency"' in name for name in shown)
        assert len(cloud.world.temporary_keys) == 1
        assert cloud.counted("frs_exporter_api_requests_total", api="ecs") == 2, "one token, one key, for both"
        await polls.poller.stop()

    on_a_machine(then, **machine)


@pytest.mark.uncounted
def test_keys_are_renewed_ahead_and_no_poll_fails_for_a_week() -> None:
    async def then(cloud: Cloud, targets: list[Target]) -> None:
        polls = await Polled.started(cloud, every(1800.0, targets, stale_after=5400.0))
        visits = cloud.world.watched()
        await asyncio.sleep(7 * 86400)
        shown = polls.shown()
        assert (shown[FAILED], shown[POLLED] > 300) == (0, True)
        assert 7 <= len(cloud.world.temporary_keys) <= 12
        asked = [visit for visit in visits if visit.api == "ecs"]
        assert len(asked) <= 2 * 25
        await polls.poller.stop()

    on_a_machine(then)


@pytest.mark.parametrize("life", [3.0, 30.0, 86400.0])
def test_no_key_is_used_in_its_last_two_seconds_however_short_it_lives(life: float) -> None:
    async def then(cloud: Cloud, targets: list[Target]) -> None:
        cloud.world.machine.overlap = 2.5
        guard = new_guard(targets[0], cloud)
        keeper = authorizer(targets[0].credential, cloud.transport.send, virtual_now, random.Random(1), guard)
        await keeper.authorize(targets[0])
        assert keeper.expires_at(targets[0]) == pytest.approx(EPOCH + life, abs=0.1)
        await asyncio.sleep(life - 1.9)
        await keeper.authorize(targets[0])
        assert keeper.expires_at(targets[0]) == pytest.approx(EPOCH + 2 * life - 1.9, abs=0.1)
        keeper.close()

    on_a_machine(then, life=life)


@pytest.mark.uncounted
def test_while_the_service_is_down_keys_are_used_to_their_end_and_after_it_is_back_all_is_well() -> None:
    async def then(cloud: Cloud, targets: list[Target]) -> list[Any]:
        polls = await Polled.started(cloud, every(300.0, targets, stale_after=900.0))
        await asyncio.sleep(60)
        with structlog.testing.capture_logs() as logs:
            cloud.world.faults.set("ecs", HANG)
            await asyncio.sleep(85_000)
            assert polls.shown()[FAILED] == 0
            await asyncio.sleep(5_000)
            shown = polls.shown()
            info = 'frs_poll_error_info{project="p1",collector="subscription",reason="timeout",code=""}'
            assert (shown[UP % "p1"], shown[info]) == (0, 1)
            cloud.world.faults.set("ecs", None)
            await asyncio.sleep(700)
            assert polls.shown()[UP % "p1"] == 1
        assert not any(lock.times for lock in cloud.world.locks.values())
        await polls.poller.stop()
        return logs

    logs = [entry for entry in on_a_machine(then) if entry["log_level"] != "debug"]
    assert logs[0]["event"] == "temporary key not renewed"
    assert (logs[0]["credential"], logs[0]["api"]) == ("on-ecs", "ecs")
    assert logs[0]["advice"].startswith("give this machine (ECS) an agency")
    assert any(entry["event"] == "temporary key renewed" for entry in logs)


def test_keys_that_die_early_are_replaced_without_a_failed_poll() -> None:
    async def then(cloud: Cloud, targets: list[Target]) -> None:
        polls = await Polled.started(cloud, targets)
        await asyncio.sleep(60)
        for _ in range(3):
            cloud.world.temporary_keys.clear()  # as when the agency's permissions change
            cloud.world.machine.key = None
            await asyncio.sleep(600)
        shown = polls.shown()
        assert (shown[FAILED], shown[UP % "p1"], shown[UP % "p2"]) == (0, 1, 1)
        assert cloud.counted("frs_exporter_credential_rejected", credential="on-ecs") == 0
        await polls.poller.stop()

    on_a_machine(then)


def test_keys_that_are_refused_though_there_are_no_others_are_held() -> None:
    async def then(cloud: Cloud, targets: list[Target]) -> None:
        polls = await Polled.started(cloud, targets)
        await asyncio.sleep(60)
        cloud.world.temporary_keys.clear()
        await asyncio.sleep(300)
        assert cloud.counted("frs_exporter_credential_rejected", credential="on-ecs") == 1
        assert polls.shown()[UP % "p1"] == 0
        asked = cloud.world.requests.total()
        await asyncio.sleep(60)
        assert cloud.world.requests.total() == asked
        cloud.world.machine.key = None  # another one at last
        await asyncio.sleep(1200)
        assert (polls.shown()[UP % "p1"], polls.shown()[UP % "p2"]) == (1, 1)
        assert cloud.counted("frs_exporter_credential_rejected", credential="on-ecs") == 0
        await polls.poller.stop()

    on_a_machine(then)


@faults(
    *("the metadata service", 3),
    (Fault(status=401, body="Unauthorized"), "forbidden", "the machine is given no keys: Unauthorized"),
    (Fault(status=404, body=""), "forbidden", "the machine is given no keys: no message"),
)
def test_why_there_are_no_keys_is_told(fault: Fault, reason: str, message: str) -> None:
    async def then(cloud: Cloud, targets: list[Target]) -> None:
        cloud.world.machine.token_status = 404
        error = await failure_by(fault, "ecs", cloud, targets[0])
        assert (error.reason, error.message, error.api) == (reason, message, "ecs")

    on_a_machine(then)


def test_a_machine_without_an_agency_says_what_to_do() -> None:
    async def then(cloud: Cloud, targets: list[Target]) -> None:
        cloud.world.machine.account = None
        with pytest.raises(ApiError, match="Please configure Cloud Service Agency first"):
            await ask(cloud, targets[0])

    on_a_machine(then)


def test_keys_that_have_ended_are_none() -> None:
    async def then(cloud: Cloud, targets: list[Target]) -> None:
        late = authorizer(
            targets[0].credential,
            cloud.transport.send,
            lambda: virtual_now() + 10 * 86400,
            random.Random(1),
            new_guard(targets[0], cloud),
        )
        with pytest.raises(ApiError, match="keys that have ended; is this machine's clock right"):
            await late.authorize(targets[0])
        assert late.expires_at(targets[0]) is None
        late.close()

    on_a_machine(then)


@pytest.mark.uncounted
def test_no_secret_of_the_machine_is_told() -> None:
    async def then(cloud: Cloud, targets: list[Target]) -> None:
        with structlog.testing.capture_logs() as logs:
            polls = await Polled.started(cloud, targets)
            await asyncio.sleep(60)
            cloud.world.faults.set("frs", Fault(code="FRS.0010", echo=True))
            cloud.world.faults.set("ecs", Fault(code="X.1", echo=True, status=500))
            await asyncio.sleep(90_000)
            text = f"{logs} {polls.shown()} {polls.poller.states}"
        assert not told_secrets(text, cloud, *cloud.world.machine.tokens)
        await polls.poller.stop()

    on_a_machine(then, token_required=True)


def test_static_temporary_keys_need_their_security_token() -> None:
    async def then(cloud: Cloud, targets: list[Target]) -> None:
        key = cloud.world.temporary_key(cloud.world.accounts[0])
        for token, outcome in ((key.security_token, None), (None, Reason.AUTH), ("another", Reason.AUTH)):
            secret = SecretStr(token) if token else None
            credential = KeyCredential(f"sts-{token}", key.access_key, SecretStr(key.secret_key), secret)
            target = replace(targets[0], credential=credential)
            try:
                await ask(cloud, target)
                reason = None
            except ApiError as error:
                reason = error.failure.reason
            assert reason == outcome

    on_a_machine(then)
