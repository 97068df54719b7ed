"""What is to be done about an account: arrears, packages and vouchers that end, by the limits of the rules (pure)."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from frs_exporter.collectors.billing.balance import DEBT
from frs_exporter.collectors.billing.packages import EXPIRE, INFO, PACKAGE_ACTIVE, QUOTA, REMAINING
from frs_exporter.collectors.billing.vouchers import BALANCE
from frs_exporter.collectors.billing.vouchers import EXPIRE as VOUCHER_EXPIRE
from frs_exporter.status.samples import Fresh
from frs_exporter.status.trouble_words import some_of

SOON, LITTLE = 14 * 86400.0, 0.1
"""What ends within so many seconds, or packages with less than this part left, are for somebody to look at."""

Values = Mapping[str, object]
Packages = Mapping[str, tuple[str, ...]]
"""What is known of packages, by their ids: name, region, type of service and enterprise project."""


def of_account(fresh: Fresh, now: float) -> Iterator[tuple[str, Values]]:
    """The kinds of its troubles, with what their texts need."""
    if owed := [f"{debt:,.2f} {labels[0]}" for labels, debt in fresh.of(DEBT).items() if debt > 0]:
        yield "debt", {"amounts": ", ".join(owed)}
    in_force = {labels[0]: labels[1:] for labels in fresh.of(INFO) if fresh.of(PACKAGE_ACTIVE).get(labels[:1])}
    yield from named("package_ends", ending(fresh, in_force, now))
    for kind, names in exhausted(fresh, in_force, now).items():
        yield from named(kind, names)
    yield from named("voucher_ends", vouchers(fresh, now))


def named(kind: str, names: Sequence[str]) -> Iterator[tuple[str, Values]]:
    """A trouble of those that are named, if any are."""
    if names:
        yield kind, {"names": some_of(names)}


def ending(fresh: Fresh, in_force: Packages, now: float) -> list[str]:
    """Packages that end soon: those of one name, region and enterprise project together."""
    ends, latest = fresh.of(EXPIRE), dict[tuple[str, ...], float]()
    for package, kind in in_force.items():
        if (end := ends.get((package,))) is not None and end > now:
            latest[kind] = max(end, latest.get(kind, end))
    return sorted({kind[0] for kind, end in latest.items() if end - now < SOON})


def exhausted(fresh: Fresh, in_force: Packages, now: float) -> dict[str, list[str]]:
    """Packages of which nothing or little is left, by the kind of trouble: those of one kind and resource together."""
    ends = fresh.of(EXPIRE)
    amounts: defaultdict[tuple[str, ...], list[float]] = defaultdict(lambda: [0.0, 0.0])
    others = {labels[0]: labels[1:] for labels in fresh.of(INFO) if ends.get(labels[:1], 0.0) > now}
    gone: set[tuple[str, ...]] = set()
    for labels, quota in fresh.of(QUOTA).items():
        rest = fresh.of(REMAINING).get(labels)
        if facts := in_force.get(labels[0]):
            both = amounts[(*facts, *labels[1:])]
            both[0] += rest or 0.0
            both[1] += quota
        elif rest == 0 and quota > 0 and (facts := others.get(labels[0])):  # its status says that it is used up
            gone.add((*facts, *labels[1:]))
    low = {key[0]: rest for key, (rest, quota) in amounts.items() if quota > 0 and rest < LITTLE * quota}
    used = {name for name, rest in low.items() if rest <= 0} | {key[0] for key in gone - amounts.keys()}
    return {"package_used": sorted(used), "package_low": sorted(name for name, rest in low.items() if rest > 0)}


def vouchers(fresh: Fresh, now: float) -> list[str]:
    """Coupons and cards with something left that end soon."""
    ends = fresh.of(VOUCHER_EXPIRE)
    return sorted(
        f"{labels[0]} ({amount:,.2f} {labels[2]})"
        for labels, amount in fresh.of(BALANCE).items()
        if amount > 0 and 0 < ends.get(labels[:2], 0.0) - now < SOON
    )
