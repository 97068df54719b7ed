"""What accounts have and owe is a function of time alone, as is what is left of packages."""

from dataclasses import replace
from decimal import Decimal

import pytest

from frs_simulator.catalog import GIGABYTES
from frs_simulator.money import Balance, Billing, Card, CardStatus, Coupon, CouponStatus, Failure, Purse
from frs_simulator.packages import DAY, FreeResource, Package, PackageStatus

START = 1_800_000_000.0
BONUS = Balance(Decimal(7), Purse.BONUS)


def spending(**changes: object) -> Billing:
    """A hundred, of which two a second are spent."""
    facts = {"balances": [BONUS, Balance(Decimal(100))], "since": START, "spend": Decimal(2), **changes}
    return Billing(**facts)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("seconds", "amount", "debt"),
    [(-5, "100", "0"), (0, "100", "0"), (0.005, "99.99", "0"), (10, "80", "0"), (50, "0", "0"), (65, "0", "30")],
)
def test_the_balance_falls_until_it_is_debt(seconds: float, amount: str, debt: str) -> None:
    billing, now = spending(), START + seconds
    assert billing.balances_at(now) == [BONUS, Balance(Decimal(amount))]
    assert billing.debt_at(now) == Decimal(debt)


def test_who_is_told_nothing_of_no_debt_is_told_of_debt() -> None:
    billing = spending(debt=None)
    assert (billing.debt_at(START + 1), billing.debt_at(START + 51)) == (None, Decimal(2))
    assert Billing(debt=None).debt_at(START) is None


def test_a_top_up_pays_the_debt_first() -> None:
    billing = spending(top_ups={START + 60: Decimal(30), START - 1: Decimal(1000)})
    assert billing.debt_at(START + 59.9) == Decimal("19.8")
    assert billing.debt_at(START + 60) == 0
    assert billing.balances_at(START + 60)[1].amount == 10
    assert billing.debt_at(START + 70) == 10


def test_what_does_not_move_stays_as_it_is() -> None:
    """Both at once, too: what is on a credit account may be owed beside a balance."""
    still = Billing([Balance(Decimal(100))], debt=Decimal(40))
    assert still.balances_at(START) == still.balances
    assert (still.debt_at(START), still.debt_since(START)) == (Decimal(40), 0.0)
    assert Billing([BONUS], since=START, spend=Decimal(1)).debt_at(START + 3) == 3


@pytest.mark.parametrize(
    ("seconds", "since"), [(50, None), (50.5, 50), (59, 50), (60, None), (64, None), (66, 65), (500, 65)]
)
def test_debt_stands_since_the_last_time_that_it_began(seconds: float, since: float | None) -> None:
    billing = spending(top_ups={START + 60: Decimal(30)})
    assert billing.debt_since(START + seconds) == (None if since is None else START + since)


def test_a_top_up_that_does_not_pay_all_ends_no_debt() -> None:
    billing = spending(top_ups={START + 60: Decimal(5)}, freezes_after=30.0)
    assert billing.debt_since(START + 70) == START + 50
    assert (billing.frozen(START + 79), billing.frozen(START + 80)) == (False, True)


def test_projects_freeze_and_thaw() -> None:
    billing = spending(freezes_after=30.0, top_ups={START + 100: Decimal(1000)})
    assert [billing.frozen(START + seconds) for seconds in (79.9, 80, 99.9, 100)] == [False, True, True, False]
    assert not spending().frozen(START + 10_000)
    assert Billing(debt=Decimal(1), since=START, freezes_after=5.0).frozen(START + 5)


def test_a_package_begins_is_used_up_and_expires() -> None:
    package = Package("p", (FreeResource(Decimal(100), Decimal(20), Decimal("0.5")),), effective=0.0, expires=1000.0)
    assert package.status(-1) is PackageStatus.NOT_YET
    assert package.status(0) is PackageStatus.ACTIVE
    assert package.remaining(0) == [80]
    assert package.remaining(3) == [79]  # no part of a call
    assert (package.status(159), package.status(160)) == (PackageStatus.ACTIVE, PackageStatus.USED_UP)
    assert package.remaining(500) == [0]
    assert package.status(1000) is PackageStatus.EXPIRED
    assert replace(package, unsubscribed=True).status(5) is PackageStatus.UNSUBSCRIBED


def test_a_package_is_active_while_there_is_some_of_a_resource() -> None:
    quick, slow = FreeResource(Decimal(10), rate=Decimal(1)), FreeResource(Decimal(10), rate=Decimal("0.1"))
    package = Package("p", (quick, slow), used_since=100.0)
    assert [*package.remaining(50), *package.remaining(110)] == [10, 10, 0, 9]
    assert (package.status(110), package.status(200)) == (PackageStatus.ACTIVE, PackageStatus.USED_UP)


def test_nothing_is_used_once_a_package_has_expired() -> None:
    package = Package("p", (FreeResource(Decimal(1000), rate=Decimal(1)),), expires=100.0)
    assert package.remaining(500) == [900]


def test_a_package_that_is_reset_is_full_again() -> None:
    """What was gone before is of the first period alone."""
    package = Package("p", (FreeResource(Decimal(100), Decimal(50), Decimal(1)),), resets_every=60.0)
    assert [package.remaining(time)[0] for time in (0, 49, 50, 59, 60, 70)] == [50, 1, 0, 0, 100, 90]
    assert [package.status(time) for time in (50, 60)] == [PackageStatus.USED_UP, PackageStatus.ACTIVE]


def test_traffic_is_used_in_hundredths() -> None:
    package = Package("p", (FreeResource(Decimal(40), rate=Decimal("0.001"), measure_id=GIGABYTES),))
    assert package.remaining(27) == [Decimal("39.98")]


def test_lists_forget_what_has_ended_long_ago() -> None:
    package, coupon = Package("p", expires=START), Coupon("c", Decimal(1), expires=START)
    assert [package.kept(START + days * DAY) for days in (0, 547, 548)] == [True, True, False]
    assert [coupon.kept(START + days * DAY) for days in (0, 364, 365)] == [True, True, False]


@pytest.mark.parametrize("state", CouponStatus)
def test_coupons_expire_unless_they_are_gone(state: CouponStatus) -> None:
    coupon = Coupon("c", Decimal(1), expires=START, state=state)
    assert coupon.status(START - 1) is state
    ended = state if state in (CouponStatus.USED, CouponStatus.RECALLED) else CouponStatus.EXPIRED
    assert coupon.status(START) is ended


def test_a_card_is_ready_used_up_or_in_no_list() -> None:
    card = Card("c", Decimal(100), Decimal(1), expires=START)
    assert (card.status(START - 1), card.status(START)) == (CardStatus.READY, None)
    assert replace(card, balance=Decimal(0)).status(START - 1) is CardStatus.USED_UP


def test_a_failure_is_of_an_api_or_of_any_that_needs_a_permission() -> None:
    billing = Billing(failures={"": Failure.NO_PERMISSION, "cards": Failure.NOT_PUBLISHED})
    assert billing.failure_of("cards", free_for_all=False) is Failure.NOT_PUBLISHED
    assert billing.failure_of("coupons", free_for_all=False) is Failure.NO_PERMISSION
    assert billing.failure_of("service-types", free_for_all=True) is None
    assert Billing(failures={"": Failure.OTHER}).failure_of("measurements", free_for_all=True) is Failure.OTHER
