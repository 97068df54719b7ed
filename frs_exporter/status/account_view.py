"""What a person wants to know of an account: what it has, what it owes, and which packages end (pure)."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from frs_exporter.collectors.billing.balance import BALANCE, DEBT
from frs_exporter.collectors.billing.packages import EXPIRE, INFO, PACKAGE_ACTIVE, QUOTA, REMAINING
from frs_exporter.collectors.billing.vouchers import BALANCE as VOUCHER_BALANCE
from frs_exporter.collectors.billing.vouchers import EXPIRE as VOUCHER_EXPIRE
from frs_exporter.core.model import Sample


@dataclass(frozen=True, slots=True)
class PackageView:
    """A package: `part_left` of its resource with the least; `expires` is in Unix seconds."""

    package: str
    name: str
    active: bool
    part_left: float | None
    expires: float | None


@dataclass(frozen=True, slots=True)
class VoucherView:
    """A coupon or a stored-value card with something left on it; `expires` is in Unix seconds."""

    kind: str
    voucher: str
    currency: str
    amount: float
    expires: float | None


@dataclass(frozen=True, slots=True)
class AccountView:
    """What an account has by type and currency, and owes by currency; packages and vouchers, the next to end first."""

    balances: Mapping[str, Mapping[str, float]]
    debts: Mapping[str, float]
    packages: tuple[PackageView, ...]
    vouchers: tuple[VoucherView, ...]

    @property
    def in_debt(self) -> bool:
        """Whether it is in arrears."""
        return any(debt > 0 for debt in self.debts.values())


def account_view(samples: Sequence[Sample]) -> AccountView:
    """What fresh samples tell."""
    balances: defaultdict[str, dict[str, float]] = defaultdict(dict)
    for sample in samples:
        if sample.family is BALANCE:
            kind, currency = sample.labels
            balances[kind][currency] = sample.value
    debts = {sample.labels[0]: sample.value for sample in samples if sample.family is DEBT}
    return AccountView(dict(balances), debts, packages(samples), vouchers(samples))


def vouchers(samples: Sequence[Sample]) -> tuple[VoucherView, ...]:
    """The coupons and cards with something left, the next to end first."""
    ends = {labels: value for family, labels, value in samples if family is VOUCHER_EXPIRE}
    views = (
        VoucherView(labels[1], labels[0], labels[2], value, ends.get(labels[:2]))
        for family, labels, value in samples
        if family is VOUCHER_BALANCE and value > 0
    )
    return tuple(sorted(views, key=lambda it: (it.expires or float("inf"), it.kind, it.voucher, it.currency)))


def packages(samples: Sequence[Sample]) -> tuple[PackageView, ...]:
    """The packages, the next to end first."""
    names, active, ends = dict[str, str](), dict[str, bool](), dict[str, float]()
    part_left: dict[str, float] = {}
    remaining = {sample.labels: sample.value for sample in samples if sample.family is REMAINING}
    for family, labels, value in samples:
        if family is INFO:
            names[labels[0]] = labels[1]
        elif family is PACKAGE_ACTIVE:
            active[labels[0]] = bool(value)
        elif family is EXPIRE:
            ends[labels[0]] = value
        elif family is QUOTA and value:
            part_left[labels[0]] = min(part_left.get(labels[0], 1.0), remaining.get(labels, 0.0) / value)
    views = (PackageView(it, names.get(it, ""), on, part_left.get(it), ends.get(it)) for it, on in active.items())
    return tuple(sorted(views, key=lambda it: (not it.active, it.expires or float("inf"), it.package)))
