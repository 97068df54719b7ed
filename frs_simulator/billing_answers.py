"""What the billing API answers: the facts of an account in the vendor's shapes, its units, forms and languages.

Source: the models of huaweicloudsdkbss 3.1.219, and pages of api-oce.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from frs_simulator.billing_queries import CardsQuery, CouponsQuery, PackagesQuery, Query, ServicesQuery
from frs_simulator.catalog import HUNDREDTH, TENTH
from frs_simulator.money import AmountForm, Balance, Billing, Card, Coupon
from frs_simulator.packages import Package
from frs_simulator.world import Account

PARTS = {TENTH: 10, HUNDREDTH: 100}
"""How many of a unit there are in one of the currency's."""


@dataclass(frozen=True)
class Inquiry:
    """What an account asks in its language; `parameters` are those of the query or of the body."""

    account: Account
    now: float
    language: str
    parameters: Mapping[str, Any]

    @property
    def billing(self) -> Billing:
        """What there is to tell."""
        return self.account.billing


class Text(Decimal):
    """An amount that is a string in the vendor's models; the others are numbers."""


def balances(inquiry: Inquiry) -> dict[str, Any]:
    """`GET /v2/accounts/customer-accounts/balances`."""
    billing, now = inquiry.billing, inquiry.now
    return {
        "account_balances": [balance_item(inquiry, balance) for balance in billing.balances_at(now)],
        **if_any("debt_amount", in_parts(billing.debt_at(now), billing.measure_id)),
        "measure_id": billing.measure_id,
        "currency": billing.currency,
    }


def balance_item(inquiry: Inquiry, balance: Balance) -> dict[str, Any]:
    """A balance in the list."""
    return {
        "account_id": balance.id or f"{inquiry.account.domain_id}-{balance.type}",
        "account_type": balance.type,
        "amount": in_parts(balance.amount, balance.measure_id),
        "currency": inquiry.billing.currency,
        **if_any("designated_amount", in_parts(balance.designated, balance.measure_id)),
        **if_any("credit_amount", in_parts(balance.credit, balance.measure_id)),
        "measure_id": balance.measure_id,
    }


def packages(inquiry: Inquiry) -> dict[str, Any]:
    """`POST /v3/payments/free-resources/query`: those of enterprise projects only for who asks about these."""
    query, now = PackagesQuery.model_validate(inquiry.parameters), inquiry.now
    items = [package_item(inquiry, package) for package in inquiry.billing.packages if package.kept(now)]
    return page_of([item for item in items if wanted(item, query)], query, "free_resource_packages", "total_count")


def wanted(item: dict[str, Any], query: PackagesQuery) -> bool:
    """Whether a package is one that is asked for."""
    codes = {code.lower() for code in query.service_type_code_list}
    equal = ("region_code", "order_id", "product_id", "product_name")
    return (
        (item["enterprise_project_id"] or "") == query.enterprise_project_id
        and all(getattr(query, name) in ("", item[name]) for name in equal)
        and query.status in (None, item["status"])
        and (not codes or item["service_type_code"].lower() in codes)
    )


def package_item(inquiry: Inquiry, package: Package) -> dict[str, Any]:
    """A package in the list."""
    language, service = inquiry.language, package.service_type
    return {
        "order_instance_id": package.id,
        "order_id": None if package.gift else package.order_id or f"CS-{package.id}",
        "product_id": package.product_id or f"OFFI-{package.id}",
        "product_name": package.name.text(language),
        "enterprise_project_id": package.enterprise_project_id or None,
        "enterprise_project_scope": int(bool(package.enterprise_project_id)),
        "effective_time": iso(package.effective),
        "expire_time": iso(package.expires),
        "status": package.status(inquiry.now),
        "service_type_code": service.code,
        "service_type_name": service.name.text(language),
        "region_code": package.region,
        "source_type": int(package.gift),
        "bundle_type": "BUNDLE_PKG" if package.bundle else "ATOMIC_PKG",
        "quota_reuse_mode": 1 if package.resets_every else 2,
        "free_resources": list(resource_items(inquiry, package)),
    }


def resource_items(inquiry: Inquiry, package: Package) -> Iterator[dict[str, Any]]:
    """What is in a package."""
    remaining = package.remaining(inquiry.now)
    for number, (resource, amount) in enumerate(zip(package.resources, remaining, strict=True), 1):
        yield {
            "free_resource_id": resource.id or f"{package.id}-{number}",
            "usage_type_name": resource.usage_type_name.text(inquiry.language),
            "amount": Text(amount),
            "original_amount": Text(resource.original),
            "measure_id": resource.measure_id,
        }


def service_types(inquiry: Inquiry) -> dict[str, Any]:
    """`GET /v2/products/service-types`: those whose name in the language has what is asked for in it."""
    query = ServicesQuery.model_validate(inquiry.parameters)
    items = [
        {"service_type_name": name, "service_type_code": service.code, "abbreviation": service.abbreviation}
        for service in inquiry.billing.service_types
        if (query.service_type_name or "").lower() in (name := service.name.text(inquiry.language)).lower()
    ]
    return page_of(items, query, "service_types", "total_count")


def measurements(inquiry: Inquiry) -> dict[str, Any]:
    """`GET /v2/bases/measurements`: all units, without paging."""
    items = [
        {
            "measure_id": unit.id,
            "measure_name": unit.name.text(inquiry.language),
            "abbreviation": unit.abbreviation,
            "measure_type": unit.type,
        }
        for unit in inquiry.billing.measure_units
    ]
    return {"measure_units": items}


def coupons(inquiry: Inquiry) -> dict[str, Any]:
    """`GET /v2/promotions/benefits/coupons`: the only list whose total has another name."""
    query = CouponsQuery.model_validate(inquiry.parameters)
    filters = query.model_dump(exclude={"offset", "limit"}, exclude_none=True).items()
    items = [coupon_item(inquiry, coupon) for coupon in inquiry.billing.coupons if coupon.kept(inquiry.now)]
    matching = [item for item in items if all((item[name] or "") == value for name, value in filters)]
    return page_of(matching, query, "user_coupons", "count")


def coupon_item(inquiry: Inquiry, coupon: Coupon) -> dict[str, Any]:
    """A coupon in the list."""
    return {
        "coupon_id": coupon.id,
        "coupon_code": f"CP{coupon.id}",
        "status": coupon.status(inquiry.now),
        "customer_id": inquiry.account.domain_id,
        "coupon_type": coupon.type,
        "measure_id": coupon.measure_id,
        "face_value": in_parts(coupon.face_value, coupon.measure_id),
        "valid_time": iso(coupon.valid),
        "expire_time": iso(coupon.expires),
        "order_id": coupon.order_id,
        "promotion_plan_id": coupon.promotion_plan_id,
        "plan_name": coupon.plan_name,
        "plan_desc": None,
        "media_type": 1,
        "fetch_method": 3,
        "use_limits": [],
        "active_time": iso(coupon.valid),
        "reserve_time": None,
        "promotion_id": None,
        "create_time": iso(coupon.valid),
        "coupon_version": 1 if coupon.balance is None else 2,
        "balance": in_parts(coupon.balance, coupon.measure_id),
        "lock_order_id": None,
        "coupon_usage": None,
        "is_frozen": str(int(coupon.frozen)),
        "currency": inquiry.billing.currency,
        "source_id": coupon.source_id,
    }


def cards(inquiry: Inquiry) -> dict[str, Any]:
    """`GET /v2/promotions/benefits/stored-value-cards`: those of a status, which is neither's once they expire."""
    query = CardsQuery.model_validate(inquiry.parameters)
    matching = [
        card_item(card)
        for card in inquiry.billing.cards
        if card.status(inquiry.now) == query.status and query.card_id in ("", card.id)
    ]
    return page_of([{**item, "status": query.status} for item in matching], query, "stored_value_cards", "total_count")


def card_item(card: Card) -> dict[str, Any]:
    """A stored-value card in the list, but for its status."""
    return {
        "card_id": card.id,
        "card_name": card.name,
        "face_value": Text(card.face_value),
        "balance": Text(card.balance),
        "effective_time": iso(card.effective),
        "expire_time": iso(card.expires),
    }


def page_of(items: list[dict[str, Any]], query: Query, name: str, total: str) -> dict[str, Any]:
    """The page that is asked for, and how many items there are in all."""
    return {name: items[query.offset : query.offset + query.limit], total: len(items)}


def if_any(name: str, value: Decimal | None) -> dict[str, Decimal]:
    """A field of an answer that is left out where there is nothing to say."""
    return {} if value is None else {name: value}


def in_parts(amount: Decimal | None, measure_id: int) -> Decimal | None:
    """A sum in the unit that it is sent in."""
    return None if amount is None else amount * PARTS.get(measure_id, 1)


def iso(unix_seconds: float) -> str:
    """A time as the billing API writes it."""
    return datetime.fromtimestamp(unix_seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def sent(value: Any, form: AmountForm) -> Any:
    """An answer with its amounts in the form in which they are sent."""
    match value:
        case dict():
            absent = form is AmountForm.ABSENT
            return {key: sent(item, form) for key, item in value.items() if not (absent and isinstance(item, Decimal))}
        case list():
            return [sent(item, form) for item in value]
        case Decimal():
            return amount_sent(value, form)
        case _:
            return value


def amount_sent(amount: Decimal, form: AmountForm) -> str | float | None:
    """An amount as it is sent: a string or a number as in the vendor's models, or whatever else is wanted."""
    if form is AmountForm.NULL:
        return None
    as_text = isinstance(amount, Text) if form is AmountForm.DOCUMENTED else form is AmountForm.STRING
    return f"{amount:f}" if as_text else float(amount)
