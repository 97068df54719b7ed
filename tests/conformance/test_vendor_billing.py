"""The vendor's own client of the billing API reads what the simulated one tells."""

from collections.abc import AsyncIterator, Awaitable, Callable
from decimal import Decimal
from typing import Any

import pytest
import pytest_asyncio

from frs_simulator import Account, Simulator, World
from frs_simulator.money import Balance, Billing, Card, Coupon, Failure, Purse
from frs_simulator.packages import FreeResource, Package
from tests.conformance.vendor.client import VendorClients, VendorError

Ask = Callable[..., Awaitable[Any]]

pytestmark = pytest.mark.asyncio(loop_scope="module")  # in which the client's process lives


@pytest_asyncio.fixture(loop_scope="module")
async def simulator() -> AsyncIterator[Simulator]:
    billing = Billing(
        [Balance(Decimal("12.34")), Balance(Decimal(0), Purse.CREDIT, credit=Decimal(500))],
        debt=Decimal("0.5"),
        packages=[Package(f"p{number}", (FreeResource(Decimal(9), Decimal(2)),)) for number in range(23)],
        coupons=[Coupon("new", Decimal(10), Decimal(4)), Coupon("old", Decimal(10))],
        cards=[Card("card", Decimal(100), Decimal("99.90"))],
    )
    async with Simulator(World([Account("acme", "ak_sk", [], billing=billing)])) as started:
        yield started


@pytest.fixture
def ask(clients: VendorClients, simulator: Simulator) -> Ask:
    """Asks for the only account, which the client knows unless it is told otherwise."""
    (owner,) = simulator.world.accounts

    async def of_billing(operation: str, subject: str | None = owner.domain_id, **fields: Any) -> Any:
        return await clients.ask(simulator, f"bss.{operation}", subject=subject, **fields)

    return of_billing


async def test_it_reads_balances_and_debt(ask: Ask) -> None:
    answer = await ask("show_customer_account_balances")
    found = [(item.account_type, item.amount, item.credit_amount) for item in answer.account_balances]
    assert found == [(1, Decimal("12.34"), None), (2, 0, 500)]
    assert (answer.debt_amount, answer.currency, answer.measure_id) == (Decimal("0.5"), "CNY", 1)


async def test_it_reads_packages_page_by_page(ask: Ask, simulator: Simulator) -> None:
    packages: list[Any] = []
    total = 1
    while len(packages) < total:
        query = {"offset": len(packages), "limit": 10, "status": 1, "service_type_code_list": ["hws.service.type.frs"]}
        answer = await ask("list_free_resource_infos", body=query)
        packages += answer.free_resource_packages
        total = answer.total_count
    assert [package.order_instance_id for package in packages] == [f"p{number}" for number in range(23)]
    (resource,) = packages[-1].free_resources
    assert (resource.amount, resource.original_amount, resource.measure_id) == ("7", "9", 14)
    (owner,) = simulator.world.accounts
    assert simulator.world.requests["bss", owner.login, owner.domain_id] == 3


async def test_it_reads_services_and_units(ask: Ask, simulator: Simulator) -> None:
    answer = await ask("list_service_types", service_type_name="人脸识别")
    assert [(item.service_type_code, item.abbreviation) for item in answer.service_types] == [
        ("hws.service.type.frs", "FRS")
    ]
    units = await ask("list_measure_units", x_language="en_US")
    assert {unit.measure_id: unit.measure_name for unit in units.measure_units}[14] == "Count"


async def test_it_reads_coupons_and_cards(ask: Ask, simulator: Simulator) -> None:
    answer = await ask("list_sub_customer_coupons", status=2)
    assert [(item.coupon_id, item.face_value, item.balance) for item in answer.user_coupons] == [
        ("new", 10, 4),
        ("old", 10, None),
    ]
    assert answer.count == 2
    answer = await ask("list_stored_value_cards", status=1)
    assert [(item.card_id, item.face_value, item.balance) for item in answer.stored_value_cards] == [
        ("card", "100", "99.90")
    ]


async def test_it_is_told_why_not(ask: Ask, simulator: Simulator) -> None:
    simulator.world.accounts[0].billing.failures["balances"] = Failure.WRONG_SITE
    with pytest.raises(VendorError) as caught:
        await ask("show_customer_account_balances")
    assert caught.value.kind == "ClientRequestException"
    assert (caught.value.status_code, caught.value.error_code) == (403, "CBC.0156")


@pytest.mark.parametrize("listed", [True, False])
async def test_it_finds_the_account_itself(ask: Ask, simulator: Simulator, listed: bool) -> None:
    """By IAM, and by STS where the user has no role on the account."""
    (owner,) = simulator.world.accounts
    owner.access_key = f"NEVERSEEN{listed}"  # what the client has found it keeps by key
    if not listed:
        simulator.world.refused.add(owner.domain_id)
    answer = await ask("show_customer_account_balances", subject=None)
    assert answer.currency == "CNY"
    assert simulator.world.requests["sts", owner.login, ""] == (0 if listed else 1)
