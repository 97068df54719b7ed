"""Accounts are asked about as projects are, and in nobody's way, whatever becomes of their money."""

import asyncio
from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from frs_exporter.core.schedule import Shard
from frs_exporter.status.view import Projects
from frs_simulator import Account, Project
from frs_simulator.faults import Fault
from frs_simulator.money import Balance, Billing, Failure
from frs_simulator.packages import DAY, FreeResource, Package
from tests.conftest import run_virtual, virtual_now
from tests.polling.living import UP, Living, living

HOUR = 3600.0
ANSWER = {"max_face_set_number": 10, "detect_service": {"subscribe_status": True, "create_time": "2024-01-01 00:00:00"}}
BILLING_UP = 'frs_up{project="acme",collector="billing"}'


def owner(kind: str = "ak_sk", **billing: Any) -> Account:
    """An account with one project, and with money."""
    return Account("keys", kind, [Project("p0", "cn-north-4", ANSWER)], billing=Billing(**billing))


def with_account(**settings: Any) -> Callable[[Any], None]:
    """Changes a config so that the account is watched, too."""

    def change(config: Any) -> None:
        url = config["endpoints"]["iam"]
        config["defaults"]["poll_interval"] = "30m"
        config["accounts"] = [{"name": "acme", "credential": "keys", "endpoint": url, **settings}]

    return change


def of_account(it: Living) -> dict[str, float]:
    """What the page tells of the account's money, without its name."""
    start = '{account="acme"'
    return {
        name.replace(f"{start},", "{"): value
        for name, value in it.shown().items()
        if start in name and "info" not in name
    }


@pytest.mark.parametrize("kind", ["ak_sk", "token"])
def test_an_account_costs_two_requests_an_hour(kind: str, tmp_path: Path) -> None:
    async def main() -> None:
        money = owner(kind, balances=[Balance(Decimal("100.05"))])
        async with living(tmp_path, money, config=with_account(service_types=["hws.service.type.frs"])) as it:
            assert of_account(it)['frs_account_balance{account_type="balance",currency="CNY"}'] == 100.05
            visits = it.world.watched()
            await asyncio.sleep(30 * HOUR)
            asked = Counter(visit.path for visit in visits if visit.api == "bss")
            assert 2 * 29 <= sum(asked.values()) <= 2 * 31
            assert len(asked) == 2
            assert it.shown()[UP % "p0"] == 1.0

    run_virtual(main())


def test_what_is_asked_once_a_day_is(tmp_path: Path) -> None:
    async def main() -> None:
        async with living(tmp_path, owner(), config=with_account()) as it:
            visits = it.world.watched()
            await asyncio.sleep(3 * DAY)
            asked = Counter(visit.path.split("?")[0] for visit in visits if visit.api in ("bss", "iam"))
            assert 2 <= asked["/v2/products/service-types"] <= 3
            assert "/v3/auth/domains" not in asked, "the account's id stays"

    run_virtual(main())


@pytest.mark.parametrize(
    ("failure", "reason", "code"),
    [
        (Failure.NO_PERMISSION, "forbidden", "CBC.0151"),
        (Failure.WRONG_SITE, "forbidden", "CBC.0156"),
        (Failure.RESELLER, "forbidden", "CBC.18000016"),
        (Failure.OTHER, "server", "CBC.0999"),
        (Failure.FAILED_WITH_200, "client", "CBC.0100"),
    ],
)
@pytest.mark.parametrize("kind", ["ak_sk", "token"])
def test_who_may_not_see_bills_is_told_and_no_project_suffers(
    kind: str, failure: Failure, reason: str, code: str, tmp_path: Path
) -> None:
    async def main() -> None:
        async with living(tmp_path, owner(kind), config=with_account()) as it:
            it.world.accounts[0].billing.failures[""] = failure
            await asyncio.sleep(6 * HOUR)
            shown = it.shown()
            info = f'frs_poll_error_info{{project="acme",collector="billing",reason="{reason}",code="{code}"}}'
            assert (shown[BILLING_UP], shown[info]) == (0.0, 1.0)
            assert (shown[UP % "p0"], shown['frs_polls_total{project="p0",collector="subscription"}'] > 10) == (
                1.0,
                True,
            )
            it.world.accounts[0].billing.failures.clear()
            await asyncio.sleep(2 * HOUR)
            assert it.shown()[BILLING_UP] == 1.0

    run_virtual(main())


def test_a_user_without_a_role_on_the_account_keeps_its_password_for_its_projects(tmp_path: Path) -> None:
    """IAM says the same of it as of a wrong password."""

    async def main() -> None:
        async with living(tmp_path, owner("token"), config=with_account()) as it:
            it.world.refused.add(it.world.accounts[0].domain_id)
            it.world.expire_tokens()
            with capture_logs() as logs:
                await asyncio.sleep(3 * DAY)
            shown = it.shown()
            assert (shown[BILLING_UP], shown[UP % "p0"]) == (0.0, 1.0)
            assert shown['frs_exporter_credential_rejected{credential="keys"}'] == 0.0
            assert not it.world.locks[it.world.accounts[0].login].times
            assert "credential rejected" not in {entry["event"] for entry in logs}
            failed = it.shown()['frs_poll_failures_total{project="p0",collector="subscription"}']
            assert failed <= 2, "that of the moment in which all tokens died"

    run_virtual(main())


def test_money_goes_in_the_order_in_which_it_does(tmp_path: Path) -> None:
    async def main() -> None:
        now = virtual_now()
        package = Package(
            "p-1",
            (FreeResource(Decimal(1000), rate=Decimal(1000) / Decimal(3 * DAY)),),
            effective=now,
            expires=now + 5 * DAY,
            used_since=now,
        )
        money = owner(
            balances=[Balance(Decimal(600))],
            since=now,
            spend=Decimal(100) / Decimal(DAY),
            freezes_after=1 * DAY,
            packages=[package],
        )
        seen = list[tuple[float, dict[str, float]]]()
        async with living(tmp_path, money, config=with_account()) as it:
            for day in range(10):
                seen.append(
                    (day, {**of_account(it), "frozen": it.shown().get('frs_service_frozen{project="p0"}', 0.0)})
                )
                await asyncio.sleep(DAY)

        def first(name: str, wanted: Callable[[float], bool]) -> float:
            return next(day for day, samples in seen if name in samples and wanted(samples[name]))

        used_up = first(
            'frs_package_remaining{package="p-1",resource="调用次数",unit="times"}', lambda value: value == 0
        )
        inactive = first('frs_package_active{package="p-1"}', lambda value: value == 0)
        in_debt = first('frs_account_debt{currency="CNY"}', lambda value: value > 0)
        frozen = first("frozen", lambda value: value == 1)
        assert (used_up, inactive, in_debt, frozen) == (4, 4, 7, 8)
        balance = [samples['frs_account_balance{account_type="balance",currency="CNY"}'] for _, samples in seen[:6]]
        assert balance == sorted(balance, reverse=True)

    run_virtual(main())


def test_names_of_accounts_and_projects_are_apart(tmp_path: Path) -> None:
    async def main() -> None:
        async with living(tmp_path, owner(), config=with_account()) as it:
            config = {**it.config, "accounts": [{**it.config["accounts"][0], "name": "p0"}]}
            (problem,) = await it.reload(config)
            assert problem.endswith("; projects and accounts need names of their own")
            twice = [it.config["accounts"][0], {**it.config["accounts"][0], "name": "again"}]
            (problem,) = await it.reload({**it.config, "accounts": twice})
            assert problem.endswith("; an account is watched once")
            assert not await it.reload({**it.config, "accounts": []})
            await asyncio.sleep(HOUR)
            assert not [name for name in it.shown() if "acme" in name]
            assert not await it.reload({**it.config, "projects": []})
            await asyncio.sleep(2 * HOUR)
            assert it.shown()[BILLING_UP] == 1.0

    run_virtual(main())


def test_an_account_alone_is_something_to_watch(tmp_path: Path) -> None:
    async def main() -> None:
        def change(config: Any) -> None:
            with_account(collectors=["billing", "vouchers"])(config)
            del config["projects"]

        async with living(tmp_path, owner(), config=change) as it:
            assert it.shown()[BILLING_UP] == it.shown()[BILLING_UP.replace("billing", "vouchers")] == 1.0
            it.world.faults.set("bss", Fault(status=503))
            await asyncio.sleep(5 * HOUR)
            assert it.shown()[BILLING_UP] == 0.0
            assert not [name for name in of_account(it) if "balance" in name], "what is old is not shown"

    run_virtual(main())


def test_an_account_is_asked_now_and_shown_as_a_project_is(tmp_path: Path) -> None:
    async def main() -> None:
        async with living(tmp_path, owner(balances=[Balance(Decimal(5))]), config=with_account()) as it:
            runner = it.exporter.runners[("acme", "billing")]
            before = runner.state.polls
            polled = await runner.poll_now()
            assert polled
            await polled
            assert runner.state.polls == before + 1
            projects = Projects(it.exporter.snapshot())
            assert {*projects.names()} == {"acme", "p0"}
            view = projects.view("acme")
            assert view.account
            assert view.account.balances == {"balance": {"CNY": 5.0}}
            assert projects.matches("acme", "keys")

    run_virtual(main())


def test_of_shards_one_has_the_account(tmp_path: Path) -> None:
    async def main() -> None:
        for number, whole in enumerate((0, 1)):
            folder = tmp_path / str(number)
            folder.mkdir()
            async with living(folder, owner(), config=with_account(), shard=Shard(whole, 2)) as it:
                have.append(BILLING_UP in it.shown())

    have = list[bool]()
    run_virtual(main())
    assert sorted(have) == [False, True]
