"""The vendor's own client of the billing API reads what the simulated one tells."""

import asyncio
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import pytest
from huaweicloudsdkbss.v2 import (
    BssClient,
    ListFreeResourceInfosReq,
    ListFreeResourceInfosRequest,
    ListMeasureUnitsRequest,
    ListServiceTypesRequest,
    ListStoredValueCardsRequest,
    ListSubCustomerCouponsRequest,
    ShowCustomerAccountBalancesRequest,
)
from huaweicloudsdkcore.auth.credentials import GlobalCredentials
from huaweicloudsdkcore.exceptions.exceptions import ClientRequestException
from huaweicloudsdkcore.region.region import Region

from frs_simulator import Account, Simulator, World
from frs_simulator.money import Balance, Billing, Card, Coupon, Failure, Purse
from frs_simulator.packages import FreeResource, Package


@pytest.fixture
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


async def client_of(simulator: Simulator, *, knows_account: bool = True) -> BssClient:
    """A client of the account; one that does not know its id asks IAM, and then STS."""
    (owner,) = simulator.world.accounts
    domain_id = owner.domain_id if knows_account else None
    credentials = GlobalCredentials(owner.access_key, owner.secret_key, domain_id).with_iam_endpoint(simulator.url)
    builder = BssClient.new_builder().with_credentials(credentials).with_region(Region("anywhere", simulator.url))
    return await asyncio.to_thread(builder.build)


async def test_it_reads_balances_and_debt(simulator: Simulator) -> None:
    client = await client_of(simulator)
    answer = await asyncio.to_thread(client.show_customer_account_balances, ShowCustomerAccountBalancesRequest())
    found = [(item.account_type, item.amount, item.credit_amount) for item in answer.account_balances]
    assert found == [(1, Decimal("12.34"), None), (2, 0, 500)]
    assert (answer.debt_amount, answer.currency, answer.measure_id) == (Decimal("0.5"), "CNY", 1)


async def test_it_reads_packages_page_by_page(simulator: Simulator) -> None:
    client, total = await client_of(simulator), 1
    packages: list[Any] = []
    while len(packages) < total:
        query = ListFreeResourceInfosReq(
            offset=len(packages), limit=10, status=1, service_type_code_list=["hws.service.type.frs"]
        )
        request = ListFreeResourceInfosRequest(body=query)
        answer = await asyncio.to_thread(client.list_free_resource_infos, request)
        packages += answer.free_resource_packages
        total = answer.total_count
    assert [package.order_instance_id for package in packages] == [f"p{number}" for number in range(23)]
    (resource,) = packages[-1].free_resources
    assert (resource.amount, resource.original_amount, resource.measure_id) == ("7", "9", 14)
    (owner,) = simulator.world.accounts
    assert simulator.world.requests["bss", owner.login, owner.domain_id] == 3


async def test_it_reads_services_and_units(simulator: Simulator) -> None:
    client = await client_of(simulator)
    request = ListServiceTypesRequest(service_type_name="人脸识别")
    answer = await asyncio.to_thread(client.list_service_types, request)
    assert [(item.service_type_code, item.abbreviation) for item in answer.service_types] == [
        ("hws.service.type.frs", "FRS")
    ]
    units = await asyncio.to_thread(client.list_measure_units, ListMeasureUnitsRequest(x_language="en_US"))
    assert {unit.measure_id: unit.measure_name for unit in units.measure_units}[14] == "Count"


async def test_it_reads_coupons_and_cards(simulator: Simulator) -> None:
    client = await client_of(simulator)
    answer = await asyncio.to_thread(client.list_sub_customer_coupons, ListSubCustomerCouponsRequest(status=2))
    assert [(item.coupon_id, item.face_value, item.balance) for item in answer.user_coupons] == [
        ("new", 10, 4),
        ("old", 10, None),
    ]
    assert answer.count == 2
    answer = await asyncio.to_thread(client.list_stored_value_cards, ListStoredValueCardsRequest(status=1))
    assert [(item.card_id, item.face_value, item.balance) for item in answer.stored_value_cards] == [
        ("card", "100", "99.90")
    ]


async def test_it_is_told_why_not(simulator: Simulator) -> None:
    simulator.world.accounts[0].billing.failures["balances"] = Failure.WRONG_SITE
    client = await client_of(simulator)
    with pytest.raises(ClientRequestException) as caught:
        await asyncio.to_thread(client.show_customer_account_balances, ShowCustomerAccountBalancesRequest())
    assert (caught.value.status_code, caught.value.error_code) == (403, "CBC.0156")


@pytest.mark.parametrize("listed", [True, False])
async def test_it_finds_the_account_itself(simulator: Simulator, listed: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """By IAM, and by STS where the user has no role on the account."""
    monkeypatch.setenv("HUAWEICLOUD_SDK_STS_ENDPOINT", simulator.url)
    (owner,) = simulator.world.accounts
    owner.access_key = f"NEVERSEEN{listed}"  # what the client has found it keeps by key
    if not listed:
        simulator.world.refused.add(owner.domain_id)
    client = await client_of(simulator, knows_account=False)
    answer = await asyncio.to_thread(client.show_customer_account_balances, ShowCustomerAccountBalancesRequest())
    assert answer.currency == "CNY"
    assert simulator.world.requests["sts", owner.login, ""] == (0 if listed else 1)
