"""The simulated billing API keeps the vendor's limits, refuses as the vendor does, and tells what an account has."""

import asyncio
import json
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import aiohttp
import pytest

from frs_exporter.cloud.signing import Signable, sdk_date, sign
from frs_simulator import Account, Project, Simulator, World
from frs_simulator.billing import APIS, FREE_FOR_ALL, QUOTA
from frs_simulator.catalog import HUNDREDTH, OBS, TENTH, Name
from frs_simulator.demo import subscribed
from frs_simulator.faults import Fault
from frs_simulator.money import AmountForm, Balance, Billing, Card, Coupon, CouponStatus, Failure, Purse
from frs_simulator.packages import DAY, FreeResource, Package

NOW = 1_800_000_000.0
BALANCES, PACKAGES, SERVICES, UNITS, COUPONS, CARDS = (api.path for api in APIS.values())
QUERIES = {"cards": "?status=1"}
"""What APIs must be asked with."""


def account(name: str = "acme") -> Account:
    """An account with some of everything."""
    credit = Balance(Decimal("250.5"), Purse.CREDIT, credit=Decimal(1000))
    billing = Billing(
        [Balance(Decimal("1234.56")), credit],
        packages=[
            Package("p1", effective=NOW - DAY, expires=NOW + DAY),
            Package("p2", (FreeResource(Decimal(5), Decimal(5)),), effective=NOW - DAY, region="cn-east-3"),
            Package("p3", service_type=OBS, gift=True, resets_every=30 * DAY, name=Name("对象存储包")),
            Package("p4", enterprise_project_id="ep-1"),
        ],
        coupons=[
            Coupon("c1", Decimal(100), Decimal("99.5"), expires=1_764_431_999.0 + 500 * DAY, source_id="partner"),
            Coupon("c2", Decimal(50), frozen=True),
            Coupon("c3", Decimal(50), Decimal(0), state=CouponStatus.USED),
        ],
        cards=[Card("k1", Decimal(1000), Decimal("750.25"), NOW - DAY, NOW + DAY), Card("k2", Decimal(10), Decimal(0))],
    )
    return Account(
        name, "ak_sk", [Project(f"{name}-1", "cn-north-4", subscribed("2024-01-01 00:00:00"))], billing=billing
    )


class Remote:
    """A simulator whose time stands still, and a client of its."""

    def __init__(self, simulator: Simulator, session: aiohttp.ClientSession) -> None:
        self.simulator, self.world, self.session = simulator, simulator.world, session
        self.owner = simulator.world.accounts[0]

    @property
    def billing(self) -> Billing:
        """What the account has."""
        return self.owner.billing

    def signed(self, method: str, target: str, body: bytes, **changes: str) -> dict[str, str]:
        """Headers of a request signed for the account, with others put in, or left out where they are empty."""
        headers = {
            "host": self.simulator.url.removeprefix("http://"),
            "x-sdk-date": sdk_date(self.world.now()),
            "x-domain-id": self.owner.domain_id,
            **{name.replace("_", "-"): value for name, value in changes.items()},
        }
        headers = {name: value for name, value in headers.items() if value}
        claim = sign(Signable(method, target, headers, body), self.owner.access_key, self.owner.secret_key)
        return {**headers, "authorization": str(claim)}

    async def send(self, method: str, target: str, headers: dict[str, str], body: bytes = b"") -> tuple[int, Any]:
        """The answer to a request as it is."""
        async with self.session.request(method, target, headers=headers, data=body) as response:
            assert len(response.headers["X-Request-Id"]) == 32
            return response.status, await response.json()

    async def ask(self, target: str, body: Any = None, **changes: str) -> tuple[int, Any]:
        """The answer to a signed request."""
        method = "POST" if target == PACKAGES else "GET"
        sent = json.dumps({} if body is None else body).encode() if method == "POST" else b""
        return await self.send(method, target, self.signed(method, target, sent, **changes), sent)

    async def name(self, api: str, **changes: str) -> tuple[int, Any]:
        """The answer of an API by its name."""
        return await self.ask(APIS[api].path + QUERIES.get(api, ""), **changes)

    async def code(self, api: str, **changes: str) -> tuple[int, str]:
        """Status and code of an answer, the code empty where all is well."""
        status, body = await self.name(api, **changes)
        return status, body.get("error_code", "")

    async def told(self, target: str, body: Any = None, **changes: str) -> Any:
        """The answer to a signed request, which is a good one."""
        status, answer = await self.ask(target, body, **changes)
        assert status == 200
        assert "error_code" not in answer
        return answer


@pytest.fixture
async def remote() -> AsyncIterator[Remote]:
    world = World([account(), account("globex")], clock=lambda: NOW)
    async with (
        Simulator(world) as simulator,
        aiohttp.ClientSession(simulator.url, max_field_size=1 << 16) as session,
    ):
        yield Remote(simulator, session)


def later(remote: Remote, seconds: float = 1.0) -> None:
    """Let time pass, and with it the quotas."""
    now = remote.world.clock() + seconds
    remote.world.clock = lambda: now


async def login(remote: Remote, scope: dict[str, Any] | None) -> tuple[int, Any, str]:
    """Status, body and token of a login of the account's user."""
    owner = remote.owner
    user = {"name": owner.user_name, "password": owner.password, "domain": {"name": owner.domain_name}}
    auth: dict[str, Any] = {"identity": {"methods": ["password"], "password": {"user": user}}}
    if scope:
        auth["scope"] = scope
    async with remote.session.post("/v3/auth/tokens?nocatalog=true", json={"auth": auth}) as response:
        return response.status, await response.json(), response.headers.get("X-Subject-Token", "")


async def test_balances_are_numbers_with_the_limit_of_credit(remote: Remote) -> None:
    owner = remote.owner
    assert await remote.told(BALANCES) == {
        "account_balances": [
            {
                "account_id": f"{owner.domain_id}-1",
                "account_type": 1,
                "amount": 1234.56,
                "currency": "CNY",
                "designated_amount": 0.0,
                "measure_id": 1,
            },
            {
                "account_id": f"{owner.domain_id}-2",
                "account_type": 2,
                "amount": 250.5,
                "currency": "CNY",
                "designated_amount": 0.0,
                "credit_amount": 1000.0,
                "measure_id": 1,
            },
        ],
        "debt_amount": 0.0,
        "measure_id": 1,
        "currency": "CNY",
    }


async def test_the_balance_moves_while_one_asks(remote: Remote) -> None:
    remote.billing.since, remote.billing.spend = NOW, Decimal("200")
    seen = []
    for _ in range(3):
        later(remote, 5)
        body = await remote.told(BALANCES)
        seen.append((body["account_balances"][0]["amount"], body["debt_amount"]))
    assert seen == [(234.56, 0), (0, 765.44), (0, 1765.44)]


async def test_projects_freeze_after_so_much_debt_and_thaw_once_it_is_paid(remote: Remote) -> None:
    remote.billing.since, remote.billing.spend, remote.billing.freezes_after = NOW, Decimal("1234.56"), 10.0
    path = f"/v1/{remote.owner.projects[0].id}/subscribe"

    async def code() -> str:
        return str((await remote.ask(path, x_domain_id=""))[1].get("error_code", ""))

    assert await code() == ""
    later(remote, 10.9)
    assert await code() == ""
    later(remote, 0.1)
    assert await code() == "FRS.0202"
    remote.billing.top_ups[NOW + 12] = Decimal(1_000_000)
    later(remote, 1)
    assert await code() == ""


@pytest.mark.parametrize(
    ("form", "amount", "text"),
    [
        (AmountForm.DOCUMENTED, 1234.56, "750.25"),
        (AmountForm.STRING, "1234.56", "750.25"),
        (AmountForm.NUMBER, 1234.56, 750.25),
        (AmountForm.NULL, None, None),
    ],
)
async def test_amounts_are_sent_as_is_wanted(remote: Remote, form: AmountForm, amount: Any, text: Any) -> None:
    remote.billing.amounts = form
    assert (await remote.told(BALANCES))["account_balances"][0]["amount"] == amount
    assert (await remote.told(f"{CARDS}?status=1"))["stored_value_cards"][0]["balance"] == text


async def test_amounts_may_be_left_out(remote: Remote) -> None:
    remote.billing.amounts = AmountForm.ABSENT
    body = await remote.told(BALANCES)
    assert set(body) == {"account_balances", "measure_id", "currency"}
    assert set(body["account_balances"][0]) == {"account_id", "account_type", "currency", "measure_id"}


async def test_sums_are_the_same_in_whatever_unit_they_are_sent(remote: Remote) -> None:
    remote.owner.billing = Billing(
        [Balance(Decimal("1.23"), measure_id=HUNDREDTH)], Decimal("4.5"), currency="USD", measure_id=TENTH
    )
    body = await remote.told(BALANCES)
    (balance,) = body["account_balances"]
    assert (balance["amount"], balance["measure_id"], balance["currency"]) == (123, 3, "USD")
    assert (body["debt_amount"], body["measure_id"], body["currency"]) == (45, 2, "USD")


async def test_a_package_is_told_as_in_the_model(remote: Remote) -> None:
    body = await remote.told(PACKAGES, {"limit": 1})
    assert body == {
        "free_resource_packages": [
            {
                "order_instance_id": "p1",
                "order_id": "CS-p1",
                "product_id": "OFFI-p1",
                "product_name": "人脸识别按需套餐包",
                "enterprise_project_id": None,
                "enterprise_project_scope": 0,
                "effective_time": "2027-01-14T08:00:00Z",
                "expire_time": "2027-01-16T08:00:00Z",
                "status": 1,
                "service_type_code": "hws.service.type.frs",
                "service_type_name": "人脸识别服务",
                "region_code": "cn-north-4",
                "source_type": 0,
                "bundle_type": "ATOMIC_PKG",
                "quota_reuse_mode": 2,
                "free_resources": [
                    {
                        "free_resource_id": "p1-1",
                        "usage_type_name": "调用次数",
                        "amount": "10000",
                        "original_amount": "10000",
                        "measure_id": 14,
                    }
                ],
            }
        ],
        "total_count": 3,
    }
    (package,) = (await remote.told(PACKAGES, {"limit": 1}, x_language="en_US"))["free_resource_packages"]
    assert (package["product_name"], package["service_type_name"], package["free_resources"][0]["usage_type_name"]) == (
        "Face Recognition package",
        "Face Recognition Service",
        "Number of calls",
    )


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, "p1 p2 p3"),
        ({"service_type_code_list": ["HWS.Service.Type.FRS"]}, "p1 p2"),
        ({"service_type_code_list": ["hws.service.type.obs", "hws.service.type.frs"]}, "p1 p2 p3"),
        ({"service_type_code_list": []}, "p1 p2 p3"),
        ({"service_type_code_list": None, "status": None, "region_code": ""}, "p1 p2 p3"),
        ({"region_code": "cn-east-3"}, "p2"),
        ({"status": 2}, "p2"),
        ({"status": "1"}, "p1 p3"),
        ({"enterprise_project_id": "ep-1"}, "p4"),
        ({"enterprise_project_id": "ep-2"}, ""),
        ({"order_id": "CS-p2"}, "p2"),
        ({"product_id": "OFFI-p3"}, "p3"),
        ({"product_name": "对象存储包"}, "p3"),
        ({"offset": 1}, "p2 p3"),
        ({"offset": 1, "limit": 1}, "p2"),
        ({"offset": 3}, ""),
    ],
)
async def test_packages_are_filtered(remote: Remote, query: dict[str, Any], found: str) -> None:
    body = await remote.told(PACKAGES, query)
    assert " ".join(package["order_instance_id"] for package in body["free_resource_packages"]) == found


@pytest.mark.parametrize(
    "query",
    [
        {"limit": 0},
        {"limit": 1001},
        {"offset": -1},
        {"status": 5},
        {"status": "active"},
        {"service_type_code_list": ["x"] * 11},
        {"service_type_code_list": "x"},
        [],
        "no object",
    ],
)
async def test_a_query_of_packages_that_is_none_is_refused(remote: Remote, query: Any) -> None:
    status, body = await remote.ask(PACKAGES, query)
    assert (status, body["error_code"]) == (400, "CBC.0100")


async def test_a_body_that_is_no_json_is_refused(remote: Remote) -> None:
    headers = remote.signed("POST", PACKAGES, b"{")
    assert (await remote.send("POST", PACKAGES, headers, b"{"))[0] == 400


async def test_ten_packages_are_a_page_unless_more_are_asked_for(remote: Remote) -> None:
    remote.billing.packages = [Package(f"p{number}") for number in range(1500)]
    pages = []
    for query in ({}, {"limit": 1000}, {"limit": 1000, "offset": 1000}):
        body = await remote.told(PACKAGES, query)
        assert body["total_count"] == 1500
        pages.append([package["order_instance_id"] for package in body["free_resource_packages"]])
    assert [len(page) for page in pages] == [10, 1000, 500]
    assert [*pages[1], *pages[2]] == [f"p{number}" for number in range(1500)]


async def test_a_package_that_ended_long_ago_is_not_in_the_list(remote: Remote) -> None:
    remote.billing.packages = [Package("old", expires=NOW - 600 * DAY), Package("newer", expires=NOW - 500 * DAY)]
    body = await remote.told(PACKAGES)
    assert [(package["order_instance_id"], package["status"]) for package in body["free_resource_packages"]] == [
        ("newer", 3)
    ]
    assert body["total_count"] == 1


@pytest.mark.parametrize(
    ("query", "language", "found"),
    [
        ("service_type_name=%E4%BA%BA%E8%84%B8", "", "人脸识别服务"),
        ("service_type_name=%E8%AF%86%E5%88%AB", "zh_CN", "人脸识别服务 图像识别"),
        ("service_type_name=face", "en_US", "Face Recognition Service"),
        ("service_type_name=face", "", ""),
        ("service_type_name=RECOGNITION&offset=1&limit=5", "en_US", "Image Recognition"),
    ],
)
async def test_services_are_found_by_parts_of_their_names(
    remote: Remote, query: str, language: str, found: str
) -> None:
    body = await remote.told(f"{SERVICES}?{query}", x_language=language)
    assert " ".join(service["service_type_name"] for service in body["service_types"]) == found


async def test_the_first_page_of_services_has_ten_and_not_frs(remote: Remote) -> None:
    body = await remote.told(SERVICES)
    assert (len(body["service_types"]), body["total_count"]) == (10, 13)
    assert "FRS" not in {service["abbreviation"] for service in body["service_types"]}
    assert set(body["service_types"][0]) == {"service_type_name", "service_type_code", "abbreviation"}


async def test_units_are_named_in_a_language(remote: Remote) -> None:
    chinese, english = [await remote.told(UNITS, x_language=language) for language in ("", "en_US")]
    names = [
        {unit["measure_id"]: unit["measure_name"] for unit in body["measure_units"]} for body in (chinese, english)
    ]
    assert [(found[14], found[10]) for found in names] == [("个（次）", "GB"), ("Count", "GB")]
    assert chinese["measure_units"][2] == {
        "measure_id": 10,
        "measure_name": "GB",
        "abbreviation": "G",
        "measure_type": 3,
    }


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", "c1 c2 c3"),
        ("?status=2", "c1 c2"),
        ("?status=3", "c3"),
        ("?coupon_id=c2", "c2"),
        ("?coupon_type=2", ""),
        ("?source_id=partner", "c1"),
        ("?source_id=", "c2 c3"),
        ("?offset=1&limit=1", "c2"),
    ],
)
async def test_coupons_are_filtered_and_counted(remote: Remote, query: str, found: str) -> None:
    body = await remote.told(COUPONS + query)
    assert " ".join(coupon["coupon_id"] for coupon in body["user_coupons"]) == found
    assert set(body) == {"count", "user_coupons"}
    assert body["count"] == (3 if "limit" in query else len(found.split()))


async def test_coupons_of_the_old_version_have_no_balance(remote: Remote) -> None:
    new, old, _ = (await remote.told(COUPONS))["user_coupons"]
    assert (new["balance"], new["face_value"], new["coupon_version"], new["is_frozen"]) == (99.5, 100, 2, "0")
    assert (old["balance"], old["face_value"], old["coupon_version"], old["is_frozen"]) == (None, 50, 1, "1")
    assert new["expire_time"] == "2027-04-13T15:59:59Z"


@pytest.mark.parametrize(
    ("path", "query"),
    [
        *((COUPONS, query) for query in ("status=6", "offset=1", "limit=0", "limit=x", "coupon_type=")),
        *((CARDS, query) for query in ("", "status=0", "status=3", "status=1&limit=1001")),
        *((SERVICES, query) for query in ("service_type_name=", f"service_type_name={'x' * 129}", "offset=-1")),
    ],
)
async def test_a_list_that_is_asked_for_wrongly_is_refused(remote: Remote, path: str, query: str) -> None:
    status, body = await remote.ask(f"{path}?{query}".rstrip("?"))
    assert (status, body["error_code"]) == (400, "CBC.0100")


async def test_cards_are_told_by_status_until_they_expire(remote: Remote) -> None:
    body = await remote.told(f"{CARDS}?status=1")
    assert body == {
        "stored_value_cards": [
            {
                "card_id": "k1",
                "card_name": "储值卡",
                "face_value": "1000",
                "balance": "750.25",
                "effective_time": "2027-01-14T08:00:00Z",
                "expire_time": "2027-01-16T08:00:00Z",
                "status": 1,
            }
        ],
        "total_count": 1,
    }
    assert (await remote.told(f"{CARDS}?status=2"))["stored_value_cards"][0]["card_id"] == "k2"
    assert (await remote.told(f"{CARDS}?status=1&card_id=k2"))["total_count"] == 0
    later(remote, DAY)
    assert (await remote.told(f"{CARDS}?status=1"))["total_count"] == 0


@pytest.mark.parametrize("api", APIS)
async def test_the_accounts_id_must_be_signed(remote: Remote, api: str) -> None:
    other = remote.world.accounts[1].domain_id
    assert await remote.code(api) == (200, "")
    for changes in ({"x_domain_id": ""}, {"x_domain_id": other}, {"x_domain_id": "", "x_project_id": other}):
        assert await remote.code(api, **changes) == (403, "CBC.0155")


async def test_an_account_id_that_is_sent_but_not_signed_does_not_count(remote: Remote) -> None:
    headers = remote.signed("GET", BALANCES, b"", x_domain_id="")
    headers["X-Domain-Id"] = remote.owner.domain_id
    status, body = await remote.send("GET", BALANCES, headers)
    assert (status, body["error_code"]) == (403, "CBC.0155")


async def test_a_signature_must_be_right(remote: Remote) -> None:
    headers = remote.signed("GET", BALANCES, b"") | {"x-domain-id": "0" * 32}
    status, body = await remote.send("GET", BALANCES, headers)
    assert (status, body["error_code"]) == (401, "APIGW.0301")
    assert (await remote.send("GET", BALANCES, {}))[1]["error_code"] == "APIGW.0301"


@pytest.mark.parametrize("by", ["id", "name"])
@pytest.mark.parametrize("api", APIS)
async def test_a_token_of_the_account_is_good(remote: Remote, api: str, by: str) -> None:
    named = {"id": remote.owner.domain_id, "name": remote.owner.domain_name}[by]
    status, body, token = await login(remote, {"domain": {by: named}})
    assert (status, body["token"]["domain"]["id"]) == (201, remote.owner.domain_id)
    assert "project" not in body["token"]
    target, method = APIS[api].path + QUERIES.get(api, ""), APIS[api].method
    headers = {"X-Auth-Token": token}
    assert (await remote.send(method, target, headers, b"{}" if method == "POST" else b""))[0] == 200
    own, other = (account.domain_id for account in remote.world.accounts)
    assert (await remote.send("GET", BALANCES, {**headers, "X-Domain-Id": own}))[0] == 200
    assert (await remote.send("GET", BALANCES, {**headers, "X-Domain-Id": other}))[1]["error_code"] == "CBC.0155"


async def test_other_tokens_are_not(remote: Remote) -> None:
    for scope in ({"project": {"id": remote.owner.projects[0].id}}, None):
        status, body, token = await login(remote, scope)
        assert (status, "domain" in body["token"]) == (201, False)
        status, body = await remote.send("GET", BALANCES, {"X-Auth-Token": token})
        assert (status, body["error_code"]) == (403, "CBC.0155")
    status, body = await remote.send("GET", BALANCES, {"X-Auth-Token": "MII"})
    assert (status, body["error_code"]) == (401, "APIGW.0301")


@pytest.mark.parametrize("status", [401, 403])
async def test_a_user_without_a_role_on_the_account_gets_no_token_of_it(remote: Remote, status: int) -> None:
    remote.world.refused.add(remote.owner.domain_id)
    remote.world.missing_role_status = status
    assert (await login(remote, {"domain": {"name": remote.owner.domain_name}}))[0] == status
    assert (await login(remote, {"project": {"id": remote.owner.projects[0].id}}))[0] == 201


async def test_sts_tells_the_account_that_iam_does_not_list(remote: Remote) -> None:
    path = "/v5/caller-identity"
    for headers, method in ((remote.signed("GET", path, b"", x_domain_id=""), "GET"), ({}, "GET")):
        async with remote.session.request(method, path, headers=headers) as response:
            body = await response.json()
            assert (response.status, body.get("account_id")) in ((200, remote.owner.domain_id), (401, None))
            assert (response.status == 200) == bool(headers)
    remote.world.refused.add(remote.owner.domain_id)
    path = "/v3/auth/domains"
    async with remote.session.get(path, headers=remote.signed("GET", path, b"", x_domain_id="")) as response:
        assert (await response.json())["domains"] == []


async def test_a_second_has_ten_requests_of_each_api(remote: Remote) -> None:
    answers = await asyncio.gather(*(remote.name("balances") for _ in range(QUOTA + 1)))
    assert sorted(status for status, _ in answers) == [200] * QUOTA + [429]
    (throttled,) = (body for status, body in answers if status == 429)
    assert len(throttled.pop("request_id")) == 32
    assert throttled == {
        "status_code": 429,
        "error_code": "APIGW.0308",
        "error_message": "The throttling threshold has been reached: policy user over ratelimit,limit:10,time:1 second",
    }
    assert await remote.code("coupons") == (200, "")
    later(remote)
    assert await remote.code("balances") == (200, "")


@pytest.mark.parametrize(
    ("failure", "status", "code"),
    [
        (Failure.NO_PERMISSION, 403, "CBC.0151"),
        (Failure.WRONG_SITE, 403, "CBC.0156"),
        (Failure.RESELLER, 400, "CBC.18000016"),
        (Failure.TOKEN, 401, "CBC.0154"),
        (Failure.NOT_PUBLISHED, 404, "APIGW.0101"),
        (Failure.OTHER, 500, "CBC.0999"),
        (Failure.FAILED_WITH_200, 200, "CBC.0100"),
    ],
)
async def test_an_account_has_failures_of_its_own(remote: Remote, failure: Failure, status: int, code: str) -> None:
    remote.billing.failures["coupons"] = failure
    assert await remote.code("coupons") == (status, code)
    assert await remote.code("balances") == (200, "")
    remote.billing.failures = {"": failure}
    for api in APIS:
        unasked = api in FREE_FOR_ALL and failure in (Failure.NO_PERMISSION, Failure.RESELLER)
        assert await remote.code(api) == ((200, "") if unasked else (status, code))
    remote.owner = remote.world.accounts[1]
    assert await remote.code("coupons") == (200, "")


async def test_success_may_have_a_code_too(remote: Remote) -> None:
    remote.billing.says_success = True
    status, body = await remote.name("balances")
    assert (status, body["error_code"], body["currency"]) == (200, "CBC.0000", "CNY")


async def test_requests_are_counted_by_account(remote: Remote) -> None:
    visits = remote.world.watched()
    for _ in range(3):
        await remote.name("balances")
    later(remote, 3600)
    remote.owner = other = remote.world.accounts[1]
    _, _, token = await login(remote, {"domain": {"id": other.domain_id}})
    await remote.send("GET", UNITS, {"X-Auth-Token": token})
    first, second = remote.world.accounts
    assert remote.world.requests["bss", first.login, first.domain_id] == 3
    assert remote.world.requests["bss", second.login, second.domain_id] == 1
    asked = [(visit.path, visit.project_id, visit.time - NOW) for visit in visits if visit.api == "bss"]
    assert asked == [(BALANCES, first.domain_id, 0)] * 3 + [(UNITS, second.domain_id, 3600)]


async def test_faults_strike_the_api_or_an_account(remote: Remote) -> None:
    first, second = remote.world.accounts
    remote.world.faults.set("bss", Fault(status=503, code="X"), first.domain_id)
    assert await remote.code("balances") == (503, "X")
    remote.owner = second
    assert await remote.code("balances") == (200, "")
    remote.world.faults.set("bss", Fault(status=502, code="Y"))
    assert await remote.code("balances") == (502, "Y")


async def test_faults_of_an_account_are_set_by_its_name(remote: Remote) -> None:
    order = {"api": "bss", "project": "globex", "fault": {"status": 503}}
    async with remote.session.post("/_simulator/faults", json=order) as response:
        assert (await response.json())["faults"] == [order]
    assert remote.world.faults.of("bss", remote.world.accounts[1].domain_id) == Fault(status=503)
    async with remote.session.post("/_simulator/faults", json={**order, "project": "globex-1"}) as response:
        assert response.status == 400


async def test_an_account_that_says_nothing_of_money_has_none(remote: Remote) -> None:
    remote.owner.billing = Billing()
    body = await remote.told(BALANCES)
    assert [balance["amount"] for balance in body["account_balances"]] == [0]
    assert (await remote.told(PACKAGES))["total_count"] == 0
    assert (await remote.told(COUPONS))["count"] == 0
