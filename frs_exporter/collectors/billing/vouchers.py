"""Coupons and stored-value cards of an account: what is left on them, and until when.

Source: API pages `GET /v2/promotions/benefits/coupons` and `.../stored-value-cards`; cards are China's alone. An IAM
user needs billing:coupon:view.
"""

from collections.abc import AsyncIterator, Awaitable, Iterator
from typing import Any

from frs_exporter.collectors.billing.balance import currency_of
from frs_exporter.collectors.billing.wire import items_of, money, unix_seconds
from frs_exporter.collectors.collector import ApiClient, Collector, label_value, text
from frs_exporter.core.explanations import Text
from frs_exporter.core.model import Account, Api, CollectResult, Family, Sample, Target
from frs_exporter.core.notes import note

PER_PAGE = 100
"""The most that a page of cards may have (api-oce, mac_00002)."""
MAX_VOUCHERS = 500
"""Of one account that are shown: those that end first."""
HIDDEN = Text("vouchers not shown: {number}", "未显示的代金券和储值卡数：{number}")
COUPONS = "/v2/promotions/benefits/coupons?status=2"
CARDS = "/v2/promotions/benefits/stored-value-cards?status=1"
"""Those that can be used."""
CNY = "CNY"
"""Of cards, which name no currency."""

BALANCE = Family(
    "frs_voucher_balance",
    "gauge",
    "What is left on a coupon or stored-value card that can be used (balance, in units of the currency).",
    ("account", "voucher", "kind", "currency"),
)
EXPIRE = Family(
    "frs_voucher_expire_timestamp_seconds",
    "gauge",
    "When a coupon or stored-value card ends (expire_time).",
    ("account", "voucher", "kind"),
)


async def collect(client: ApiClient, target: Target, _: None) -> CollectResult:
    """Ask for coupons, and for cards where there are any; raises ApiError."""
    account = target.account or Account()
    found = [it async for it in listed_as(client, COUPONS, "user_coupons", "coupon")]
    if account.site == "china":
        found += [it async for it in listed_as(client, CARDS, "stored_value_cards", "card")]
    first = sorted(found, key=lambda it: (unix_seconds(it[1].get("expire_time")) or float("inf"), it[2]))
    known = {(kind, voucher): (where, item) for where, item, voucher, kind in first}
    samples = tuple(
        sample
        for (kind, voucher), (where, item) in [*known.items()][:MAX_VOUCHERS]
        for sample in samples_of(where, item, voucher, kind)
    )
    hidden = len(known) - MAX_VOUCHERS
    return CollectResult(samples, (note(HIDDEN, number=hidden),) if hidden > 0 else ())


async def listed_as(
    client: ApiClient, path: str, name: str, kind: str
) -> AsyncIterator[tuple[str, dict[str, Any], str, str]]:
    """The items on all pages, each with its place in the answer, its id and its kind; raises ApiError."""

    def query(offset: int) -> Awaitable[Any]:
        return client.get_more(Api.BSS, f"{path}&limit={PER_PAGE}&offset={offset}")

    async for where, item in items_of(name, query):
        yield where, item, label_value(text(f"{where}.{kind}_id", item.get(f"{kind}_id"))), kind


def samples_of(where: str, item: dict[str, Any], voucher: str, kind: str) -> Iterator[Sample]:
    """The samples of one; an old coupon has no balance."""
    remaining = money(f"{where}.balance", item.get("balance"), item.get("measure_id"))
    if remaining is not None:
        currency = CNY if kind == "card" else currency_of(item.get("currency"))
        yield Sample(BALANCE, (voucher, kind, currency), float(remaining))
    if (end := unix_seconds(item.get("expire_time"))) is not None:
        yield Sample(EXPIRE, (voucher, kind), end)


COLLECTOR = Collector(Api.BSS, (BALANCE, EXPIRE), collect, demand=lambda interval: 2 / interval, of_account=True)
