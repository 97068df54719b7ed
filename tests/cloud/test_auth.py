"""Tokens: bought once, shared, renewed ahead, dropped when refused; what IAM may answer; keys have nothing to keep."""

import asyncio
import json
import random
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
import structlog
from pydantic import SecretStr

from frs_exporter.cloud.auth import Authorizer, TokenAuthorizer, authorizer, guard_of
from frs_exporter.cloud.guard import Guard, User, nothing_new
from frs_exporter.cloud.iam import iam_time, password_login, read_token
from frs_exporter.cloud.lease import Grant
from frs_exporter.cloud.lockout_state import PASSWORDS
from frs_exporter.cloud.tokens import Token
from frs_exporter.cloud.transport import Authorize, Request, Response
from frs_exporter.core.credentials import KeyCredential, TokenCredential
from frs_exporter.core.errors import ApiError, Reason
from frs_exporter.core.model import Api, Target
from frs_exporter.exposition.telemetry import Telemetry
from frs_simulator.faults import Fault
from tests.conftest import EPOCH, Cloud, CloudContext, account, run_virtual

REQUEST = Request(Api.FRS, "http://h", "ops", "GET", "/v1/x", 1.0)
PASSWORD = TokenCredential("ops", "acme", "frs-monitor", SecretStr("hunter2"))
ISSUED, EXPIRES = "2020-01-04T09:05:22.701000Z", "2020-01-05T09:05:22.701000Z"


def answer(**changes: Any) -> Response:
    token = {"issued_at": ISSUED, "expires_at": EXPIRES, "project": {"id": "p"}, **changes}
    return Response(201, {"x-subject-token": "MII"}, json.dumps({"token": token}).encode())


def guard() -> Guard:
    return Guard("ops", PASSWORDS, User(), Telemetry())


def keeper_of(cloud: Cloud, target: Target) -> Authorizer:
    return authorizer(
        target.credential, cloud.transport.send, lambda: EPOCH, random.Random(1), new_guard(target, cloud)
    )


def new_guard(target: Target, cloud: Cloud) -> Guard:
    return guard_of(target.credential, cloud.telemetry, User())


async def made(authorization: Authorize) -> Mapping[str, str]:
    """The headers of a request sent now."""
    async with authorization(REQUEST) as headers:
        return headers


def test_a_thousand_concurrent_needs_of_one_token_make_one_request() -> None:
    async def main() -> None:
        async with CloudContext(account("token", "t1")) as cloud:
            (target,) = cloud.targets()
            keeper = keeper_of(cloud, target)
            tokens = await asyncio.gather(*(keeper.authorize(target) for _ in range(1000)))
            assert len(set(map(id, tokens))) == 1
            assert cloud.counted("frs_exporter_api_requests_total", api="iam") == 1
            assert len(cloud.world.tokens) == 1

    run_virtual(main())


def test_a_cancelled_waiter_cancels_nobody_else() -> None:
    async def main() -> None:
        async with CloudContext(account("token", "t1")) as cloud:
            cloud.world.faults.set("iam", Fault(delay=1.0))
            (target,) = cloud.targets()
            keeper = keeper_of(cloud, target)
            impatient = asyncio.create_task(keeper.authorize(target))
            patient = asyncio.create_task(keeper.authorize(target))
            await asyncio.sleep(0.5)
            impatient.cancel()
            assert (await made(await patient))["x-auth-token"].startswith("MII")
            assert len(cloud.world.tokens) == 1

    run_virtual(main())


def test_a_failure_is_not_kept() -> None:
    async def main() -> None:
        async with CloudContext(account("token", "t1")) as cloud:
            (target,) = cloud.targets()
            keeper = keeper_of(cloud, target)
            cloud.world.faults.set("iam", Fault(status=503))
            with pytest.raises(ApiError):
                await keeper.authorize(target)
            assert keeper.expires_at(target) is None
            cloud.world.faults.set("iam", None)
            await keeper.authorize(target)
            assert keeper.expires_at(target) == pytest.approx(EPOCH + 86400)

    run_virtual(main())


def test_a_token_is_renewed_ahead_while_the_old_one_is_used() -> None:
    """At nine tenths of its life it is kept; at 98 % a new one is on its way and the old one still serves."""

    async def main() -> None:
        async with CloudContext(account("token", "t1"), token_life=1000.0) as cloud:
            (target,) = cloud.targets()
            keeper = keeper_of(cloud, target)
            first = await keeper.authorize(target)
            await asyncio.sleep(900)
            assert await keeper.authorize(target) is first
            await asyncio.sleep(75)
            assert await keeper.authorize(target) is first
            await asyncio.sleep(1)
            assert await keeper.authorize(target) is not first
            assert len(cloud.world.tokens) == 2

    run_virtual(main())


@pytest.mark.parametrize("life", [3.0, 10.0, 30.0, 86400.0])
def test_no_token_is_used_in_its_last_two_seconds_however_short_it_lives(life: float) -> None:
    """Keystone's times are whole seconds: a token may have ended a second before it says so."""

    async def main() -> None:
        async with CloudContext(account("token", "t1"), token_life=life) as cloud:
            (target,) = cloud.targets()
            keeper = keeper_of(cloud, target)
            first = await keeper.authorize(target)
            ends = keeper.expires_at(target)
            assert ends is not None
            assert ends == pytest.approx(EPOCH + life, abs=0.1)
            await asyncio.sleep(life - 1.9)
            assert await keeper.authorize(target) is not first
            assert keeper.expires_at(target) == pytest.approx(ends + life - 1.9, abs=0.1)

    run_virtual(main())


def test_while_iam_is_down_a_valid_token_is_used_to_its_end_and_iam_is_asked_once_a_minute() -> None:
    async def main() -> None:
        async with CloudContext(account("token", "t1"), token_life=10_000.0) as cloud:
            (target,) = cloud.targets()
            keeper = keeper_of(cloud, target)
            first = await keeper.authorize(target)
            cloud.world.faults.set("iam", Fault(status=503))
            await asyncio.sleep(9_700)
            asked = cloud.counted("frs_exporter_api_requests_total", api="iam")
            for _ in range(29):
                assert await made(await keeper.authorize(target)) == await made(first)
                await asyncio.sleep(10)
            assert 4 <= cloud.counted("frs_exporter_api_requests_total", api="iam") - asked <= 6
            await asyncio.sleep(20)
            with pytest.raises(ApiError) as caught:
                await keeper.authorize(target)
            assert caught.value.failure.reason is Reason.SERVER

    run_virtual(main())


@pytest.mark.parametrize("drift", [-1e6, 1e6])
def test_a_wrong_local_clock_does_no_harm(drift: float) -> None:
    """The life of a token is measured between two times of IAM's clock."""

    async def main() -> None:
        async with CloudContext(account("token", "t1"), token_life=1000.0) as cloud:
            (target,) = cloud.targets()
            cloud.world.clock_offset = drift
            keeper = keeper_of(cloud, target)
            first = await keeper.authorize(target)
            await asyncio.sleep(900)
            assert await keeper.authorize(target) is first

    run_virtual(main())


def test_each_project_has_its_own_token() -> None:
    async def main() -> None:
        async with CloudContext(account("token", "t1", "t2", "t3")) as cloud:
            targets = cloud.targets()
            keeper = keeper_of(cloud, targets[0])
            tokens = [await keeper.authorize(target) for target in targets * 2]
            assert len(set(map(id, tokens))) == 3

    run_virtual(main())


async def test_only_the_refused_token_is_dropped(target: Target) -> None:
    """A slow request that comes back refused must not cost the token bought in the meantime."""
    issued = iter("ab")

    async def send(request: Request, headers: Authorize) -> Response:
        await made(headers)
        raw = Response(201, {"x-subject-token": next(issued)}, answer(project={"id": target.project_id}).data)
        return replace(raw, data=request.read(raw))

    keeper = TokenAuthorizer(PASSWORD, send, random.Random(1), guard(), nothing_new)
    old = await keeper.authorize(target)
    keeper.reject(target, old)
    new = await keeper.authorize(target)
    keeper.reject(target, old)
    assert await keeper.authorize(target) is new


async def test_a_token_of_another_project_is_refused(target: Target) -> None:
    async def send(request: Request, headers: Authorize) -> Response:
        await made(headers)
        raw = answer(project={"id": "another"})
        return replace(raw, data=request.read(raw))

    keeper = TokenAuthorizer(PASSWORD, send, random.Random(1), guard(), nothing_new)
    with pytest.raises(ApiError) as caught:
        await keeper.authorize(target)
    assert caught.value.failure.reason is Reason.PROJECT_MISMATCH


@pytest.mark.parametrize(
    "broken",
    [
        Response(201, {}, answer().data),
        Response(201, {"x-subject-token": "MII\tx"}, answer().data),
        Response(201, {"x-subject-token": "MII\xe9"}, answer().data),
        Response(201, {"x-subject-token": "MII"}, b"{}"),
        Response(201, {"x-subject-token": "MII"}, b"[]"),
        answer(issued_at=EXPIRES, expires_at=ISSUED),
        answer(expires_at="soon"),
        answer(expires_at=5),
        answer(project=None),
        answer(project={"id": 5}),
    ],
)
def test_an_answer_without_a_usable_token_is_a_payload_error(broken: Response) -> None:
    with pytest.raises(ApiError) as caught:
        read_token(broken)
    assert caught.value.failure.reason is Reason.PAYLOAD
    assert "MII" not in str(caught.value)


def test_iam_writes_its_times_in_utc_with_or_without_saying_so() -> None:
    assert iam_time(ISSUED) == iam_time(ISSUED.removesuffix("Z")) == 1578128722.701


def test_no_value_shows_its_secrets() -> None:
    login = Request(Api.IAM, "http://h", "ops", "POST", "/", 1.0, body=password_login(PASSWORD, "p"))
    answered = Response(201, {"x-subject-token": "hunter2"}, {"password": "hunter2"})
    shown = repr([Token("hunter2"), Grant(Token("hunter2"), 0, 0, 0), answered, login, PASSWORD])
    assert "hunter2" not in shown
    assert PASSWORD.password.get_secret_value() in login.body.decode()


async def test_a_bug_in_a_background_renewal_is_logged(target: Target) -> None:
    """Nobody waits for it, so nobody else would tell."""
    issued = iter([Response(201, {"x-subject-token": "MII"}, answer(project={"id": target.project_id}).data)])

    async def send(request: Request, headers: Authorize) -> Response:
        await made(headers)
        try:
            raw = next(issued)
            return replace(raw, data=request.read(raw))
        except StopIteration:
            raise ZeroDivisionError from None

    keeper = TokenAuthorizer(PASSWORD, send, Late(), guard(), nothing_new)
    await keeper.authorize(target)
    with structlog.testing.capture_logs() as logs:
        await keeper.authorize(target)
        for _ in range(3):
            await asyncio.sleep(0)
    assert [entry["event"] for entry in logs] == ["unexpected error in the renewal of a token"]


class Late(random.Random):
    """Draws the start of a token's life as the time to renew it."""

    def uniform(self, a: float, b: float) -> float:
        return 0.0


async def test_a_security_token_is_sent_and_signed(target: Target) -> None:
    assert isinstance(target.credential, KeyCredential)
    keys = replace(target.credential, security_token=SecretStr("STS"))
    keeper = authorizer(keys, None, lambda: EPOCH, random.Random(1), guard())  # type: ignore[arg-type]
    authorization = await keeper.authorize(target)
    headers = await made(authorization)
    assert headers["x-security-token"] == "STS"
    assert "x-security-token" in headers["authorization"]
    assert headers["x-project-id"] == target.project_id
    assert keeper.expires_at(target) is None
    keeper.reject(target, authorization)
    assert await keeper.authorize(target) == authorization


def test_a_renewal_that_fails_is_told_while_the_token_still_serves() -> None:
    """Once, with what to do and how long it still serves; and when it is over."""

    async def main() -> list[Any]:
        async with CloudContext(account("token", "t1"), token_life=10_000.0) as cloud:
            (target,) = cloud.targets()
            keeper = keeper_of(cloud, target)
            await keeper.authorize(target)
            cloud.world.faults.set("iam", Fault(status=201, body="{}"))
            await asyncio.sleep(9_700)
            with structlog.testing.capture_logs() as logs:
                for _ in range(20):
                    await keeper.authorize(target)
                    await asyncio.sleep(10)
                cloud.world.faults.set("iam", None)
                await asyncio.sleep(60)
                await keeper.authorize(target)
                await asyncio.sleep(1)
        return [entry for entry in logs if entry["log_level"] != "debug"]

    late, renewed = run_virtual(main())
    assert [late[name] for name in ("event", "project", "reason", "api")] == [
        "token not renewed",
        "t1",
        "payload",
        "iam",
    ]
    assert late["valid_seconds"] == pytest.approx(300, abs=5)
    assert late["message"] == "no usable token.issued_at, token.expires_at and token.project.id in IAM's answer"
    assert renewed["event"] == "token renewed"


def test_a_renewal_that_has_failed_comes_at_once_when_a_person_hurries_it() -> None:
    async def main() -> None:
        async with CloudContext(account("token", "t1"), token_life=10_000.0) as cloud:
            (target,) = cloud.targets()
            keeper = keeper_of(cloud, target)
            await keeper.authorize(target)
            cloud.world.faults.set("iam", Fault(status=500, body=""))
            await asyncio.sleep(9_700)
            await keeper.authorize(target)
            await asyncio.sleep(1)
            cloud.world.faults.set("iam", None)
            keeper.hurry()
            await keeper.authorize(target)
            await asyncio.sleep(1)
            assert len(cloud.world.tokens) == 2

    run_virtual(main())


def test_a_token_that_claims_to_live_for_ever_is_renewed_all_the_same() -> None:
    async def main() -> None:
        async with CloudContext(account("token", "t1"), token_life=1e9) as cloud:
            (target,) = cloud.targets()
            keeper = keeper_of(cloud, target)
            first = await keeper.authorize(target)
            await asyncio.sleep(86400)
            assert await keeper.authorize(target) is not first

    run_virtual(main())


def test_a_renewal_that_fails_does_not_bring_a_refused_token_back() -> None:
    async def main() -> None:
        async with CloudContext(account("token", "t1"), token_life=1000.0) as cloud:
            (target,) = cloud.targets()
            keeper = keeper_of(cloud, target)
            first = await keeper.authorize(target)
            cloud.world.faults.set("iam", Fault(delay=5.0, status=503))
            await asyncio.sleep(980)
            assert await keeper.authorize(target) is first
            await asyncio.sleep(1)
            keeper.reject(target, first)
            await asyncio.sleep(10)
            assert keeper.expires_at(target) is None

    run_virtual(main())
