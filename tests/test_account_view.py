"""What people are shown of an account: what it has and owes, and which packages end, in both languages."""

import math
from collections.abc import Sequence

import pytest
from pydantic import SecretStr

from frs_exporter.collectors.billing.balance import BALANCE, DEBT
from frs_exporter.collectors.billing.packages import EXPIRE, INFO, PACKAGE_ACTIVE, QUOTA, REMAINING
from frs_exporter.collectors.billing.vouchers import BALANCE as VOUCHER_BALANCE
from frs_exporter.collectors.billing.vouchers import EXPIRE as VOUCHER_EXPIRE
from frs_exporter.core.credentials import KeyCredential
from frs_exporter.core.model import Account, CollectResult, Display, Job, JobState, Sample, Target
from frs_exporter.core.schedule import Shard
from frs_exporter.status.account_view import account_view
from frs_exporter.status.i18n import CHINESE, ENGLISH, Translator
from frs_exporter.status.snapshot import JobSnapshot, Snapshot
from frs_exporter.status.summary import MAX_LINES, account_lines, plain, state
from frs_exporter.status.view import Projects, ProjectView

NOW = 1_800_000_000.0
DAY = 86400.0
WORDS = Translator(ENGLISH)


def package(name: str, left: float, days: float, *, active: bool = True) -> list[Sample]:
    """The samples of a package that has so many parts in a hundred left, and so many days."""
    resource = (name, "calls", "times")
    return [
        Sample(REMAINING, resource, left),
        Sample(QUOTA, resource, 100.0),
        Sample(PACKAGE_ACTIVE, (name,), active),
        Sample(EXPIRE, (name,), NOW + days * DAY),
        Sample(INFO, (name, f"name of {name}", "", "", ""), 1.0),
    ]


def view_of(samples: Sequence[Sample]) -> ProjectView:
    """The view of an account that has told this."""
    credential = KeyCredential("keys", "AK", SecretStr("sk"))
    target = Target(
        project="acme",
        project_id="",
        credential=credential,
        endpoints={},
        account=Account(),
        display=Display(collectors=("billing",)),
    )
    known = JobState().succeeded(NOW, 0.1, CollectResult(tuple(samples)), math.inf)
    seen = Snapshot(NOW, 0.0, Shard(), NOW, (), None, [JobSnapshot(Job(target, "billing"), known, NOW)])
    projects = Projects(seen)
    assert [*projects.names()] == ["acme"]
    return projects.view("acme")


def test_vouchers_and_credit_are_told_like_money() -> None:
    samples = [
        Sample(BALANCE, ("balance", "CNY"), 12.5),
        Sample(BALANCE, ("credit", "CNY"), 48000.0),
        Sample(BALANCE, ("deposit", "CNY"), 7.0),
        Sample(VOUCHER_BALANCE, ("c1", "card", "CNY"), 640.0),
        Sample(VOUCHER_BALANCE, ("c2", "coupon", "CNY"), 132.5),
        Sample(VOUCHER_BALANCE, ("c3", "coupon", "CNY"), 0.0),
        Sample(VOUCHER_EXPIRE, ("c2", "coupon"), NOW + 3 * DAY),
    ]
    view = account_view(samples)
    assert [it.voucher for it in view.vouchers] == ["c2", "c1"], "the next to end first, and none that is used up"
    assert account_lines(WORDS, view, NOW) == [
        ("balance 12.50 CNY", "unknown"),
        ("credit 48,000.00 CNY", "unknown"),
        ("coupon 132.50 CNY, ends in 3 d", "blind"),
        ("stored-value card 640.00 CNY", "unknown"),
    ]


def test_the_next_to_end_comes_first_and_what_is_no_more_in_use_last() -> None:
    samples = [*package("late", 50, 90), *package("over", 0, 1, active=False), *package("soon", 5, 3)]
    view = account_view(samples)
    assert [(it.package, it.active, it.part_left) for it in view.packages] == [
        ("soon", True, 0.05),
        ("late", True, 0.5),
        ("over", False, 0.0),
    ]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (
            WORDS,
            [
                ("balance 1,234.50 CNY", "unknown"),
                ("debt 7.00 CNY", "lost"),
                ("name of a 5% left, ends in 3 d", "blind"),
            ],
        ),
        (
            Translator(CHINESE),
            [("余额 1,234.50 CNY", "unknown"), ("欠费 7.00 CNY", "lost"), ("name of a 剩余 5%，3 天后到期", "blind")],
        ),
    ],
    ids=["en", "zh"],
)
def test_an_account_is_put_in_lines(words: Translator, expected: list[tuple[str, str]]) -> None:
    money = [Sample(BALANCE, ("balance", "CNY"), 1234.5), Sample(BALANCE, ("bonus", "CNY"), 5.0)]
    view = account_view([*money, Sample(DEBT, ("CNY",), 7.0), *package("a", 5, 3)])
    assert account_lines(words, view, NOW) == expected


def test_of_many_packages_the_first_are_shown() -> None:
    view = account_view([sample for number in range(20) for sample in package(f"p{number:02}", 50, 90 + number)])
    lines = account_lines(WORDS, view, NOW)
    assert (len(lines), lines[0]) == (MAX_LINES, ("name of p00 50% left, ends in 90 d", "unknown"))


@pytest.mark.parametrize(("debt", "told", "trouble"), [(0.0, "well", "well"), (0.5, "in debt", "down")])
def test_an_account_in_arrears_is_in_trouble(debt: float, told: str, trouble: str) -> None:
    view = view_of([Sample(BALANCE, ("balance", "CNY"), 1.0), Sample(DEBT, ("CNY",), debt)])
    document = plain(view, WORDS)
    assert (state(WORDS, view), document["trouble"]) == (told, trouble)
    assert document["account"]["debts"] == {"CNY": debt}
    assert document["subservices"] == {}
    assert [(it["level"], it["alert"]) for it in document["troubles"]] == [("down", "FrsAccountInDebt")] * bool(debt)


def test_an_account_that_tells_nothing_is_shown_so() -> None:
    view = view_of([])
    assert view.account is not None
    assert account_lines(WORDS, view.account, NOW) == []
