"""Money as the billing service tells it: exact lines from recorded shapes, and nothing invented from others."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from frs_exporter.collectors import billing
from frs_exporter.collectors.billing import ASK_AGAIN, Memory, vouchers
from frs_exporter.collectors.billing.packages import MAX_PACKAGES, PATH, PER_PAGE
from frs_exporter.collectors.billing.wire import money, succeeded, unit_of
from frs_exporter.core.credentials import KeyCredential
from frs_exporter.core.errors import ApiError, Failure, Reason
from frs_exporter.core.explanations import Text
from frs_exporter.core.model import Account, Api, CollectResult, Target
from tests.collectors.asking import client_of, page

CREDENTIAL = KeyCredential("keys", "AK", SecretStr("sk"))
NOW = 1_764_000_000.0
END = "2025-12-29T15:59:59Z"
BALANCES = {
    "account_balances": [
        {"account_id": "1", "account_type": 1, "amount": 1234.56, "currency": "CNY", "measure_id": 1},
        {"account_id": "2", "account_type": 2, "amount": 48000, "credit_amount": 50000, "currency": "CNY"},
        {"account_id": "3", "account_type": 5, "amount": "12.30", "currency": "CNY", "measure_id": 1},
        {"account_id": "4", "account_type": 7, "amount": None, "currency": "CNY"},
        {"account_id": "5", "account_type": 1, "amount": 0.07, "currency": "CNY", "measure_id": 1},
    ],
    "debt_amount": 0,
    "measure_id": 1,
    "currency": "CNY",
}
"""In the shape of the API page's example; amounts are numbers there, and strings in other answers."""
TYPES = {"service_types": [{"service_type_name": "人脸识别", "service_type_code": "hws.x.frs", "abbreviation": "FRS"}]}


def package(number: int = 1, **other: Any) -> dict[str, Any]:
    """As the list has it."""
    return {
        "order_instance_id": f"01142-{number}",
        "product_name": "人脸比对 10万次",
        "region_code": "cn-north-4",
        "service_type_code": "hws.x.frs",
        "enterprise_project_id": None,
        "effective_time": "2025-01-01T00:00:00Z",
        "expire_time": END,
        "status": 1,
        "free_resources": [
            {
                "free_resource_id": "r",
                "usage_type_name": "次数",
                "amount": "123",
                "original_amount": "100000",
                "measure_id": 14,
            }
        ],
        **other,
    }


class Bss:
    """Answers as they were recorded; `seen` are the paths and bodies."""

    def __init__(self, answers: Mapping[str, Any], packages: list[dict[str, Any]] | None = None) -> None:
        self.answers = {"/v2/accounts": BALANCES, "/v2/products": TYPES, **answers}
        self.packages = packages or []
        self.seen = list[tuple[str, Any]]()

    async def get(self, api: Api, path: str, body: Any = None) -> Any:
        """The answer at a path."""
        assert api is Api.BSS
        self.seen.append((path, body))
        for start, answer in self.answers.items():
            if path.startswith(start):
                if isinstance(answer, ApiError):
                    raise answer
                return answer
        assert path == PATH
        page_of = self.packages[body["offset"] : body["offset"] + body["limit"]]
        return {"free_resource_packages": page_of, "total_count": len(self.packages)}


@pytest.fixture
def account(target: Target) -> Target:
    """An account that is asked about itself."""
    return Target(
        project="gate-1", project_id="", credential=target.credential, endpoints=target.endpoints, account=Account()
    )


def replace_account(target: Target, account: Account) -> Target:
    return replace(target, account=account)


def collected(bss: Bss, target: Target, memory: Memory | None = None, now: float = NOW) -> CollectResult:
    return asyncio.run(billing.collect(client_of(bss.get, lambda: now), target, memory))


def test_the_exposition_of_a_poll(account: Target) -> None:
    result = collected(Bss({}, [package()]), account)
    end = datetime(2025, 12, 29, 15, 59, 59, tzinfo=UTC).timestamp()
    assert page(result.samples) == [
        'frs_account_balance{account="gate-1",account_type="balance",currency="CNY"} 1234.63',
        'frs_account_balance{account="gate-1",account_type="credit",currency="CNY"} 48000.0',
        'frs_account_balance{account="gate-1",account_type="bonus",currency="CNY"} 12.3',
        'frs_account_credit_limit{account="gate-1",currency="CNY"} 50000.0',
        'frs_account_debt{account="gate-1",currency="CNY"} 0.0',
        'frs_package_remaining{account="gate-1",package="01142-1",resource="次数",unit="times"} 123.0',
        'frs_package_quota{account="gate-1",package="01142-1",resource="次数",unit="times"} 100000.0',
        'frs_package_active{account="gate-1",package="01142-1"} 1.0',
        f'frs_package_expire_timestamp_seconds{{account="gate-1",package="01142-1"}} {end!r}',
        'frs_package_info{account="gate-1",package="01142-1",name="人脸比对 10万次",region="cn-north-4",'
        'service_type="hws.x.frs",enterprise_project=""} 1.0',
        'frs_packages_ignored{account="gate-1"} 0.0',
    ]


def test_an_account_without_any(account: Target) -> None:
    nothing: dict[str, Any] = {"account_balances": [], "debt_amount": None, "currency": "CNY", "measure_id": 1}
    result = collected(Bss({"/v2/accounts": nothing}), account)
    assert page(result.samples) == ['frs_packages_ignored{account="gate-1"} 0.0'], "what is not told is not 0"


@pytest.mark.parametrize(
    ("debt", "measure", "shown"), [(12.5, 1, 12.5), ("7.10", 1, 7.1), (1250, 3, 12.5), (125, 2, 12.5)]
)
def test_arrears_are_the_debt_alone(debt: Any, measure: int, shown: float, account: Target) -> None:
    answer = {"account_balances": [], "debt_amount": debt, "measure_id": measure, "currency": "CNY"}
    assert f'frs_account_debt{{account="gate-1",currency="CNY"}} {shown}' in page(
        collected(Bss({"/v2/accounts": answer}), account).samples
    )


def test_all_pages_are_read(account: Target) -> None:
    bss = Bss({}, [package(number) for number in range(PER_PAGE + 1)])
    lines = page(collected(bss, account).samples)
    assert len([line for line in lines if line.startswith("frs_package_active")]) == MAX_PACKAGES
    assert f'frs_packages_ignored{{account="gate-1"}} {PER_PAGE + 1 - MAX_PACKAGES}.0' in lines
    assert [body["offset"] for path, body in bss.seen if path == PATH] == [0, PER_PAGE]


def test_a_list_that_never_ends_is_left_at_some_time(account: Target) -> None:
    class Endless(Bss):
        async def get(self, api: Api, path: str, body: Any = None) -> Any:
            answer = await super().get(api, path, body)
            return {"free_resource_packages": [package()], "total_count": 10**9} if path == PATH else answer

    bss = Endless({})
    lines = page(collected(bss, account).samples)
    assert len([line for line in lines if line.startswith("frs_package_active")]) == 1, "it is the same one"
    assert len(bss.seen) < 20


def test_of_packages_that_have_ended_only_the_newest_are_told(account: Target) -> None:
    ended = {"a": "2025-11-20T00:00:00Z", "b": "2025-09-01T00:00:00Z"}
    items = [package(order_instance_id=name, expire_time=time, status=3) for name, time in ended.items()]
    lines = page(collected(Bss({}, [*items, package(), package(status=0, order_instance_id="c")]), account).samples)
    active = {line.split('package="')[1].split('"')[0]: line[-3:] for line in lines if "_active" in line}
    assert active == {"01142-1": "1.0", "a": "0.0", "c": "0.0"}


def test_what_service_is_of_faces_is_asked_once_a_day(account: Target) -> None:
    bss = Bss({}, [package()])
    result = collected(bss, account)
    assert result.memory == Memory(("hws.x.frs",), NOW)
    collected(bss, account, result.memory, NOW + 0.9 * ASK_AGAIN)
    collected(bss, account, result.memory, NOW + 1.1 * ASK_AGAIN)
    assert sum(path.startswith("/v2/products") for path, _ in bss.seen) == 2
    bodies = [body for path, body in bss.seen if path == PATH]
    assert bodies == [{"limit": PER_PAGE, "offset": 0, "service_type_code_list": ["hws.x.frs"]}] * 3


def test_a_config_that_names_the_service_saves_the_question(account: Target) -> None:
    bss, named = Bss({}, [package()]), Account(service_types=("a", "b"), enterprise_projects=("e-1",))
    collected(bss, replace_account(account, named))
    assert not any(path.startswith("/v2/products") for path, _ in bss.seen)
    bodies = [body for path, body in bss.seen if path == PATH]
    assert [body.get("enterprise_project_id") for body in bodies] == [None, "e-1"]
    assert {tuple(body["service_type_code_list"]) for body in bodies} == {("a", "b")}


@pytest.mark.parametrize("types", [{"service_types": []}, ApiError(Failure(Reason.SERVER, "no", code="CBC.0999"))])
def test_without_a_code_names_tell_what_is_of_faces(types: Any, account: Target) -> None:
    other = package(2, product_name="OBS 100GB", service_type_name="对象存储")
    english = package(3, product_name="Face Compare 100k")
    result = collected(Bss({"/v2/products": types}, [package(), other, english]), account)
    shown = [line for line in page(result.samples) if "_active" in line]
    assert [line.split('package="')[1].split('"')[0] for line in shown] == ["01142-1", "01142-3"]
    noted = [note.text.en for note in result.warnings]
    assert noted == ([] if isinstance(types, dict) else ["service types are not told: CBC.0999"])


@pytest.mark.parametrize("code", ["CBC.0100", "CBC.0151", "CBC.0999"])
def test_a_failure_that_comes_with_http_200_is_one(code: str, account: Target) -> None:
    body = {"error_code": code, "error_msg": "no luck"}
    with pytest.raises(ApiError) as caught:
        collected(Bss({"/v2/accounts": body}), account)
    failure = caught.value.failure
    assert (failure.code, failure.status, failure.message) == (code, 200, "no luck")
    good = {**BALANCES, "error_code": "CBC.0000", "error_msg": "Success."}
    assert collected(Bss({"/v2/accounts": good}), account).samples


@pytest.mark.parametrize(
    ("where", "broken"),
    [
        ("$.account_balances[0].amount", {**BALANCES, "account_balances": [{"amount": "much"}]}),
        ("$.account_balances[0].amount", {**BALANCES, "account_balances": [{"amount": True}]}),
        ("$.account_balances[0].amount", {**BALANCES, "account_balances": [{"amount": 1e300}]}),
        ("$.account_balances[0].amount", {**BALANCES, "account_balances": [{"amount": "1e9999999"}]}),
        ("$.account_balances[0].amount", {**BALANCES, "account_balances": [{"amount": "1_000"}]}),
        ("$.account_balances[0].amount", {**BALANCES, "account_balances": [{"amount": "\uff11\uff12"}]}),
        ("$.account_balances[0].amount", {**BALANCES, "account_balances": [{"amount": "99999999999999.99"}]}),
        ("$.account_balances[0].measure_id", {**BALANCES, "account_balances": [{"amount": 1, "measure_id": True}]}),
        ("$.account_balances[0].measure_id", {**BALANCES, "account_balances": [{"amount": 1, "measure_id": 4}]}),
        ("$.account_balances[0].measure_id", {**BALANCES, "account_balances": [{"amount": 1, "measure_id": []}]}),
        ("$.account_balances[0]", {**BALANCES, "account_balances": [7]}),
        ("$.account_balances", {"debt_amount": 0}),
        ("$.debt_amount", {**BALANCES, "debt_amount": "NaN"}),
        ("$", []),
    ],
)
def test_what_is_not_what_the_api_promises_is_told_with_its_place(where: str, broken: Any, account: Target) -> None:
    with pytest.raises(ApiError) as caught:
        collected(Bss({"/v2/accounts": broken}), account)
    assert caught.value.failure.reason is Reason.PAYLOAD
    assert caught.value.failure.message.startswith(f"{where}: wanted ")


def test_who_may_see_the_balance_alone_is_shown_that(account: Target) -> None:
    refused = ApiError(Failure(Reason.FORBIDDEN, "no", status=403, code="CBC.0151"))
    result = collected(Bss({PATH: refused}), account)
    assert page(result.samples)[0].startswith("frs_account_balance")
    assert not [line for line in page(result.samples) if "package" in line]
    (note,) = result.warnings
    assert note.text == Text("packages may not be seen: CBC.0151", "无权查看套餐包：CBC.0151")
    assert result.memory == Memory(("hws.x.frs",), NOW)
    with pytest.raises(ApiError):
        collected(Bss({PATH: ApiError(Failure(Reason.SERVER, "no"))}), account)


def test_hostile_names_stay_label_values(account: Target) -> None:
    name = 'a"b\\\n\x00\u202e' + "x" * 500
    hostile = package(order_instance_id=name, product_name=name, region_code=name)
    lines = page(collected(Bss({}, [hostile]), account).samples)
    assert all(line.isprintable() for line in lines)
    assert max(map(len, lines)) < 1000


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=20) | st.sampled_from([END, "1", 14]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*package(), *BALANCES, "x"]), inner),
    max_leaves=20,
)


@pytest.mark.uncounted
@given(
    balances=ANYTHING, items=st.lists(ANYTHING | st.dictionaries(st.sampled_from([*package()]), ANYTHING), max_size=3)
)
def test_nothing_that_comes_breaks_a_poll(balances: Any, items: list[Any]) -> None:
    target = Target(project="gate-1", project_id="", credential=CREDENTIAL, endpoints={}, account=Account())
    for answers in ({"/v2/accounts": balances}, {}):
        try:
            result = collected(Bss(answers, items), target)
        except ApiError:
            continue
        assert all(line.isprintable() for line in page(result.samples))


@given(st.decimals(min_value=0, max_value=10**10, places=2))
def test_amounts_are_exact_to_the_last_digit(amount: Decimal) -> None:
    for wire in (json.loads(str(amount)), str(amount)):
        assert money("$.amount", wire, 1) == amount


@pytest.mark.parametrize(
    ("measure", "unit"), [(14, "times"), (4, "hours"), (99, "measure_99"), (None, "unknown"), (True, "unknown")]
)
def test_units_go_by_their_codes(measure: Any, unit: str) -> None:
    assert unit_of(measure) == unit


def test_vouchers_have_an_end_and_what_is_left(account: Target) -> None:
    coupons = {
        "count": 2,
        "user_coupons": [
            {"coupon_id": "CP1", "balance": 132.5, "expire_time": END, "measure_id": 1, "currency": "CNY"},
            {"coupon_id": "CP2", "balance": None, "expire_time": END, "measure_id": 1, "currency": "CNY"},
        ],
    }
    cards = {"total_count": 1, "stored_value_cards": [{"card_id": "SC1", "balance": "640.00", "expire_time": END}]}
    bss = Bss({"/v2/promotions/benefits/coupons": coupons, "/v2/promotions/benefits/stored": cards})
    result = asyncio.run(vouchers.collect(client_of(bss.get, lambda: NOW), account, None))
    end = datetime(2025, 12, 29, 15, 59, 59, tzinfo=UTC).timestamp()
    assert page(result.samples) == [
        'frs_voucher_balance{account="gate-1",voucher="CP1",kind="coupon",currency="CNY"} 132.5',
        'frs_voucher_balance{account="gate-1",voucher="SC1",kind="card",currency="CNY"} 640.0',
        f'frs_voucher_expire_timestamp_seconds{{account="gate-1",voucher="CP1",kind="coupon"}} {end!r}',
        f'frs_voucher_expire_timestamp_seconds{{account="gate-1",voucher="CP2",kind="coupon"}} {end!r}',
        f'frs_voucher_expire_timestamp_seconds{{account="gate-1",voucher="SC1",kind="card"}} {end!r}',
    ]
    abroad = replace_account(account, Account(site="international"))
    bss.seen.clear()
    asyncio.run(vouchers.collect(client_of(bss.get, lambda: NOW), abroad, None))
    assert len(bss.seen) == 1, "there are cards in China alone"


@pytest.mark.uncounted
def test_a_failure_that_is_just_not_too_deep_to_be_read_is_told() -> None:
    for depth in range(880, 1000):
        data: Any = []
        for _ in range(depth):
            data = [data]
        with pytest.raises(ApiError) as caught:
            succeeded({"error_code": "CBC.0155", "error_msg": "no", "more": data})
        assert caught.value.failure.reason is Reason.FORBIDDEN
