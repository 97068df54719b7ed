"""Authorized calls: both auth kinds against the simulator, and what happens to a token that dies early."""

import asyncio

import pytest

from frs_exporter.core.errors import ApiError, Reason
from frs_exporter.core.model import Api, Target
from frs_simulator.faults import Fault
from tests.conftest import EPOCH, Cloud, CloudContext, account, run_virtual


async def ask(cloud: Cloud, target: Target) -> object:
    return await cloud.client.get(target, Api.FRS, f"/v1/{target.project_id}/subscribe")


def test_both_kinds_of_credential_get_their_answers() -> None:
    async def main() -> None:
        async with CloudContext(account("token", "t1", "t2", "t3"), account("ak_sk", "k1", "k2", "k3")) as cloud:
            for target in cloud.targets():
                answer = await ask(cloud, target)
                assert isinstance(answer, dict)
                assert answer["max_face_set_number"] == 10
                expiry = cloud.client.token_expiry(target)
                assert (expiry is not None) is (target.credential.kind == "token")

    run_virtual(main())


def test_one_token_request_for_each_project_of_a_user() -> None:
    """Three projects on one user, asked at once and again and again: three tokens, whatever else happens."""

    async def main() -> None:
        async with CloudContext(account("token", "t1", "t2", "t3")) as cloud:
            for _ in range(60):
                await asyncio.gather(*(ask(cloud, target) for target in cloud.targets() * 2))
                await asyncio.sleep(1)
            (owner,) = cloud.world.accounts
            login = f"{owner.domain_name}/{owner.user_name}"
            assert {key: n for key, n in cloud.world.requests.items() if key[0] == "iam"} == {
                ("iam", login, project.id): 1 for project in owner.projects
            }

    run_virtual(main())


@pytest.mark.parametrize("harm", ["outdated", "forgotten"])
def test_a_token_that_dies_early_is_renewed_once_and_the_call_succeeds(harm: str) -> None:
    """As on arrears, or when permissions change."""

    async def main() -> None:
        async with CloudContext(account("token", "t1")) as cloud:
            (target,) = cloud.targets()
            await ask(cloud, target)
            if harm == "outdated":
                cloud.world.outdated.update(cloud.world.tokens)
            else:
                cloud.world.tokens.clear()
            assert await asyncio.gather(*(ask(cloud, target) for _ in range(5)))
            assert cloud.counted("frs_exporter_api_requests_total", api="iam") == 2

    run_virtual(main())


def test_a_token_refused_twice_is_a_failure() -> None:
    async def main() -> None:
        async with CloudContext(account("token", "t1")) as cloud:
            (target,) = cloud.targets()
            cloud.world.outdated = Everything()
            with pytest.raises(ApiError) as caught:
                await ask(cloud, target)
            assert caught.value.failure.reason is Reason.TOKEN
            assert cloud.counted("frs_exporter_api_requests_total", api="iam") == 2
            assert cloud.counted("frs_exporter_api_requests_total", api="frs") == 2

    run_virtual(main())


class Everything(set[str]):
    """A set that has everything."""

    def __contains__(self, _: object) -> bool:
        return True


def test_a_refused_signature_is_not_tried_again() -> None:
    """A few of them would lock the key."""

    async def main() -> None:
        async with CloudContext(account("ak_sk", "k1")) as cloud:
            (target,) = cloud.targets()
            cloud.world.accounts[0].secret_key = "rotated"
            with pytest.raises(ApiError) as caught:
                await ask(cloud, target)
            assert caught.value.failure.reason is Reason.AUTH
            assert cloud.counted("frs_exporter_api_requests_total", api="frs") == 1
            assert cloud.world.locks[cloud.world.accounts[0].access_key].failures == [pytest.approx(EPOCH, abs=1)]

    run_virtual(main())


def test_a_wrong_password_is_told_as_such() -> None:
    async def main() -> None:
        async with CloudContext(account("token", "t1")) as cloud:
            (target,) = cloud.targets()
            cloud.world.accounts[0].password = "rotated"
            with pytest.raises(ApiError) as caught:
                await ask(cloud, target)
            assert str(caught.value) == "auth: The username or password is wrong. (HTTP 401)"

    run_virtual(main())


def test_a_token_that_is_no_help_is_not_bought_again_and_again() -> None:
    """As in arrears, when new tokens are refused, too: one login in five minutes, and none for each poll."""

    async def main() -> None:
        async with CloudContext(account("token", "t1")) as cloud:
            (target,) = cloud.targets()
            cloud.world.faults.set("frs", Fault(status=401, code="APIGW.0307"))
            for _ in range(60):
                with pytest.raises(ApiError) as caught:
                    await ask(cloud, target)
                assert caught.value.failure.reason is Reason.TOKEN
                await asyncio.sleep(30)
            assert 6 <= cloud.counted("frs_exporter_api_requests_total", api="iam") <= 8
            cloud.world.faults.set("frs", None)
            await ask(cloud, target)

    run_virtual(main())


async def test_asking_when_a_token_ends_makes_nothing(cloud: Cloud) -> None:
    """A page may still tell of a project whose credential is gone."""
    target = cloud.targets()[0]

    def shown() -> float | None:
        """That of the credential on the page, which has none while nothing is made for it."""
        labels = {"credential": target.credential.name}
        return cloud.telemetry.registry.get_sample_value("frs_exporter_credential_rejected", labels)

    assert cloud.client.token_expiry(target) is None
    assert shown() is None
    await cloud.client.adjust(cloud.limits, [target])
    assert shown() == 0
