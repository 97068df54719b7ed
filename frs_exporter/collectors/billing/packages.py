"""The packages that an account has bought, or was given: what is left, of how much, and until when (pure).

Source: API page `POST /v3/payments/free-resources/query`. Amounts are those of the current period, where a package has
several. Packages that have ended long ago are listed for 18 months.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from frs_exporter.collectors.billing.wire import amount, number_of, unit_of, unix_seconds
from frs_exporter.collectors.collector import label_value, text, wrong_shape
from frs_exporter.core.model import Family, Sample

PATH = "/v3/payments/free-resources/query"
PER_PAGE = 1000
"""The most that a page may have; without a limit it has ten."""
MAX_PACKAGES = 500
"""Of one account that are shown: label values from the wire must not grow without end."""
SHOWN_AFTER = 30 * 86400.0
"""Seconds for which a package is shown that has ended."""
ACTIVE = 1
FACES = ("人脸", "face")
"""What packages of FRS have in their names, where no code of their service is known."""

LABELS = ("account", "package", "resource", "unit")
REMAINING = Family(
    "frs_package_remaining", "gauge", "What is left of a package in its current period (amount).", LABELS
)
QUOTA = Family("frs_package_quota", "gauge", "What a package has in each period (original_amount).", LABELS)
PACKAGE_ACTIVE = Family(
    "frs_package_active",
    "gauge",
    "Whether a package is in use (status): 1 yes, 0 not yet, used up, ended or unsubscribed.",
    ("account", "package"),
)
EXPIRE = Family(
    "frs_package_expire_timestamp_seconds", "gauge", "When a package ends (expire_time).", ("account", "package")
)
INFO = Family(
    "frs_package_info",
    "gauge",
    "What is known of a package beside its amounts; always 1.",
    ("account", "package", "name", "region", "service_type", "enterprise_project"),
)
IGNORED = Family(
    "frs_packages_ignored",
    "gauge",
    "Packages that are not shown: of more than 500 those that end last.",
    ("account",),
)
FAMILIES = (REMAINING, QUOTA, PACKAGE_ACTIVE, EXPIRE, INFO, IGNORED)

Amounts = dict[tuple[str, str], tuple[Decimal, Decimal]]
"""What is left, of how much, by resource and unit."""


@dataclass(frozen=True, slots=True)
class Package:
    """A package; `expires` is in Unix seconds, None where that cannot be read."""

    id: str
    facts: tuple[str, ...]
    active: bool
    expires: float | None
    amounts: Amounts = field(default_factory=dict)

    @property
    def end(self) -> float:
        """When it ends, infinite where that is not known."""
        return float("inf") if self.expires is None else self.expires


def package(where: str, item: Mapping[str, Any]) -> Package:
    """An item of the list; raises ApiError."""
    facts = ("product_name", "region_code", "service_type_code", "enterprise_project_id")
    resources = item.get("free_resources")
    if not isinstance(resources, list | None):
        raise wrong_shape(f"{where}.free_resources", "an array", resources)
    return Package(
        label_value(text(f"{where}.order_instance_id", item.get("order_instance_id"))),
        tuple(label_value(value) if isinstance(value := item.get(name), str) else "" for name in facts),
        number_of(item, "status") == ACTIVE,
        unix_seconds(item.get("expire_time")),
        amounts(f"{where}.free_resources", resources or []),
    )


def amounts(where: str, resources: Sequence[Any]) -> Amounts:
    """What is left of each resource, and of how much; those of one name and unit together. Raises ApiError."""
    totals: defaultdict[tuple[str, str], list[Decimal]] = defaultdict(lambda: [Decimal(), Decimal()])
    for index, item in enumerate(resources):
        place = f"{where}[{index}]"
        if not isinstance(item, dict):
            raise wrong_shape(place, "an object", item)
        remaining = amount(f"{place}.amount", item.get("amount"))
        quota = amount(f"{place}.original_amount", item.get("original_amount"))
        if remaining is not None and quota is not None:
            name = item.get("usage_type_name")
            both = totals[label_value(name) if isinstance(name, str) else "", unit_of(item.get("measure_id"))]
            both[0] += remaining
            both[1] += quota
    return {labels: (remaining, quota) for labels, (remaining, quota) in totals.items()}


def is_about_faces(item: Mapping[str, Any]) -> bool:
    """Whether an item of the list is of FRS, by its names."""
    names = (item.get(name) for name in ("product_name", "service_type_name"))
    return any(word in name.lower() for name in names if isinstance(name, str) for word in FACES)


def samples(packages: Iterable[Package], now: float) -> Iterator[Sample]:
    """The samples of packages, each once: those that have not ended long ago, and of too many those that end first."""
    known = {it.id: it for it in packages if it.end > now - SHOWN_AFTER}
    chosen = sorted(known.values(), key=lambda it: (not it.active, it.end, it.id))[:MAX_PACKAGES]
    for it in chosen:
        for labels, (remaining, quota) in it.amounts.items():
            yield Sample(REMAINING, (it.id, *labels), float(remaining))
            yield Sample(QUOTA, (it.id, *labels), float(quota))
        yield Sample(PACKAGE_ACTIVE, (it.id,), it.active)
        if it.expires is not None:
            yield Sample(EXPIRE, (it.id,), it.expires)
        yield Sample(INFO, (it.id, *it.facts), 1)
    yield Sample(IGNORED, (), len(known) - len(chosen))
