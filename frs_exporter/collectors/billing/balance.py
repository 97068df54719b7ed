"""What an account has, and what it owes (pure).

Source: API page `GET /v2/accounts/customer-accounts/balances`. Arrears are `debt_amount` alone: no account type means
them, and a credit line is no money.
"""

from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from frs_exporter.collectors.billing.wire import money, number_of, succeeded
from frs_exporter.collectors.collector import label_value, members, wrong_shape
from frs_exporter.core.model import Family, Sample

PATH = "/v2/accounts/customer-accounts/balances"
ACCOUNT_TYPES = {1: "balance", 2: "credit", 5: "bonus", 7: "deposit"}

BALANCE = Family(
    "frs_account_balance",
    "gauge",
    "What an account has, by type: balance, credit, bonus, deposit (amount, in units of the currency).",
    ("account", "account_type", "currency"),
)
CREDIT_LIMIT = Family(
    "frs_account_credit_limit",
    "gauge",
    "The credit line of an account that has one (credit_amount, in units of the currency).",
    ("account", "currency"),
)
DEBT = Family(
    "frs_account_debt",
    "gauge",
    "What an account owes (debt_amount, in units of the currency): 0 where it is in no arrears.",
    ("account", "currency"),
)
FAMILIES = (BALANCE, CREDIT_LIMIT, DEBT)


def parse(data: Any) -> Iterator[Sample]:
    """The samples of an answer; raises ApiError with the JSON path when it is not what the API promises."""
    items = members("$", succeeded(data), "account_balances")
    common = {name: data.get(name) for name in ("currency", "measure_id")}
    have, limits = defaultdict[tuple[str, str], Decimal](Decimal), defaultdict[str, Decimal](Decimal)
    for index, item in enumerate(items):
        where = f"$.account_balances[{index}]"
        if not isinstance(item, dict):
            raise wrong_shape(where, "an object", item)
        facts = {name: item[name] if item.get(name) is not None else value for name, value in common.items()}
        currency, measure = currency_of(facts["currency"]), facts["measure_id"]
        if (amount := money(f"{where}.amount", item.get("amount"), measure)) is not None:
            have[account_type(item), currency] += amount
        if (limit := money(f"{where}.credit_amount", item.get("credit_amount"), measure)) is not None:
            limits[currency] += limit
    yield from (Sample(BALANCE, labels, float(amount)) for labels, amount in have.items())
    yield from (Sample(CREDIT_LIMIT, (currency,), float(limit)) for currency, limit in limits.items())
    debt = money("$.debt_amount", data.get("debt_amount"), common["measure_id"])
    if debt is not None:
        yield Sample(DEBT, (currency_of(common["currency"]),), float(debt))


def account_type(item: dict[str, Any]) -> str:
    """What kind of money it is: the vendor's number where that is new."""
    number = number_of(item, "account_type")
    return "unknown" if number is None else ACCOUNT_TYPES.get(number, str(number))


def currency_of(value: Any) -> str:
    """The currency as a label value, empty where none is told."""
    return label_value(value) if isinstance(value, str) else ""
