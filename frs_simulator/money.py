"""What accounts pay with and owe at any time, by fixed rules: nothing happens but that time passes."""

from dataclasses import dataclass, field, replace
from decimal import Decimal
from enum import IntEnum, StrEnum

from frs_simulator.catalog import MEASURE_UNITS, MONEY, SERVICE_TYPES, MeasureUnit, ServiceType
from frs_simulator.packages import CENT, DAY, NEVER, NOTHING, Package

COUPONS_KEPT = 365 * DAY
"""For 12 months after its end a coupon is still in the list."""


class Purse(IntEnum):
    """The types of an account's balances; arrears are none of them."""

    CASH = 1
    CREDIT = 2
    BONUS = 5
    DEPOSIT = 7


class AmountForm(StrEnum):
    """In what form amounts are sent, which the vendor's pages do not agree about."""

    DOCUMENTED = "documented"
    """As the models have them: balances and coupons as numbers, packages and cards as strings."""
    STRING = "string"
    NUMBER = "number"
    NULL = "null"
    ABSENT = "absent"


class Failure(StrEnum):
    """Why an account is not answered."""

    NO_PERMISSION = "no permission"
    WRONG_SITE = "wrong site"
    RESELLER = "reseller"
    TOKEN = "token"  # noqa: S105
    NOT_PUBLISHED = "not published"
    """As stored-value cards are nowhere but in China."""
    OTHER = "other"
    FAILED_WITH_200 = "failed with 200"
    """A failure that the status does not show."""


@dataclass(frozen=True)
class Balance:
    """What there is of a type, in units of the currency; `measure_id` says what it is sent in."""

    amount: Decimal = NOTHING
    type: int = Purse.CASH
    credit: Decimal | None = None
    """The limit of a credit account, which the others have not."""
    designated: Decimal | None = NOTHING
    measure_id: int = MONEY
    id: str = ""


class CouponStatus(IntEnum):
    """What a coupon has come to."""

    INACTIVE = 1
    READY = 2
    USED = 3
    EXPIRED = 4
    RECALLED = 5


@dataclass(frozen=True)
class Coupon:
    """A coupon; times in Unix seconds. One of the old version has no balance, as it can be used once only."""

    id: str
    face_value: Decimal
    balance: Decimal | None = None
    valid: float = 0.0
    expires: float = NEVER
    state: CouponStatus = CouponStatus.READY
    """Before it expires."""
    type: int = 1
    frozen: bool = False
    plan_name: str = "代金券"
    order_id: str | None = None
    promotion_plan_id: str | None = None
    source_id: str | None = None
    measure_id: int = MONEY

    def status(self, now: float) -> CouponStatus:
        """What it has come to; what was used or recalled does not expire."""
        ends = self.state in (CouponStatus.INACTIVE, CouponStatus.READY)
        return CouponStatus.EXPIRED if ends and now >= self.expires else self.state

    def kept(self, now: float) -> bool:
        """Whether it is still in the list."""
        return now < self.expires + COUPONS_KEPT


class CardStatus(IntEnum):
    """What a stored-value card has come to; there is no status for one that has expired."""

    READY = 1
    USED_UP = 2


@dataclass(frozen=True)
class Card:
    """A stored-value card; times in Unix seconds."""

    id: str
    face_value: Decimal
    balance: Decimal
    effective: float = 0.0
    expires: float = NEVER
    name: str = "储值卡"

    def status(self, now: float) -> CardStatus | None:
        """What it has come to; None once it has expired, as it is in no list then."""
        if now >= self.expires:
            return None
        return CardStatus.READY if self.balance else CardStatus.USED_UP


@dataclass
class Billing:
    """What an account pays with, owes and has bought; sums in units of the currency, times in Unix seconds.

    So it was at `since`. From then on `spend` a second goes off the first cash balance, and once that is used up, the
    debt grows; a top-up pays the debt first. `freezes_after` so many seconds of debt the account's projects are frozen.
    """

    balances: list[Balance] = field(default_factory=lambda: [Balance()])
    debt: Decimal | None = NOTHING
    """None for an account that is told nothing about it while it has none."""
    packages: list[Package] = field(default_factory=list)
    coupons: list[Coupon] = field(default_factory=list)
    cards: list[Card] = field(default_factory=list)
    currency: str = "CNY"
    measure_id: int = MONEY
    """What the debt is sent in."""
    since: float = 0.0
    spend: Decimal = NOTHING
    top_ups: dict[float, Decimal] = field(default_factory=dict)
    """What was paid in, by when."""
    freezes_after: float | None = None
    failures: dict[str, Failure] = field(default_factory=dict)
    """Why it is not answered, by API, or with the key "" by any API."""
    amounts: AmountForm = AmountForm.DOCUMENTED
    says_success: bool = False
    """Whether answers have the code CBC.0000, too."""
    service_types: tuple[ServiceType, ...] = SERVICE_TYPES
    measure_units: tuple[MeasureUnit, ...] = MEASURE_UNITS

    def balances_at(self, now: float) -> list[Balance]:
        """What there is of all types."""
        cash = self._cash()
        if cash is None or not self._moves(now):
            return list(self.balances)
        current = replace(cash, amount=max(NOTHING, self._net(now)))
        return [current if balance is cash else balance for balance in self.balances]

    def debt_at(self, now: float) -> Decimal | None:
        """What is owed."""
        if not self._moves(now):
            return self.debt
        return max(NOTHING, -self._net(now)) or (None if self.debt is None else NOTHING)

    def debt_since(self, now: float) -> float | None:
        """Since when something is owed without a break; None while nothing is."""
        if not self.debt_at(now):
            return None
        for time in sorted({self.since, *self._top_ups_until(now)}, reverse=True):
            net = self._net(time)
            if net >= 0 and self.spend:
                return time + float(net / self.spend)
        return self.since

    def frozen(self, now: float) -> bool:
        """Whether the account's projects are frozen, as something has been owed for too long."""
        if self.freezes_after is None:
            return False
        since = self.debt_since(now)
        return since is not None and now - since >= self.freezes_after

    def failure_of(self, api: str, *, free_for_all: bool) -> Failure | None:
        """Why an API does not answer; one that asks for no permission answers those who have none."""
        failure = self.failures.get("")
        if free_for_all and failure in (Failure.NO_PERMISSION, Failure.RESELLER):
            failure = None
        return self.failures.get(api, failure)

    def _cash(self) -> Balance | None:
        return next((balance for balance in self.balances if balance.type == Purse.CASH), None)

    def _top_ups_until(self, now: float) -> list[float]:
        return [time for time in self.top_ups if self.since <= time <= now]

    def _moves(self, now: float) -> bool:
        return bool(self.spend or self._top_ups_until(now))

    def _net(self, now: float) -> Decimal:
        """What is there, less what is owed."""
        cash, elapsed = self._cash(), Decimal(max(0.0, now - self.since))
        paid_in = sum((self.top_ups[time] for time in self._top_ups_until(now)), NOTHING)
        begun = (cash.amount if cash else NOTHING) - (self.debt or NOTHING)
        return begun + paid_in - (self.spend * elapsed).quantize(CENT)
