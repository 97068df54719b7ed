"""Packages of resources that an account has bought: what is left of them at any time, and what they have come to."""

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import ROUND_DOWN, Decimal
from enum import IntEnum

from frs_simulator.catalog import FRS, TIMES, Name, ServiceType

NOTHING, CENT = Decimal(0), Decimal("0.01")
CALLS, CALLS_PACKAGE = Name("调用次数", "Number of calls"), Name("人脸识别按需套餐包", "Face Recognition package")
DAY = 86400.0
KEPT = 548 * DAY
"""For 18 months after their end packages are still in the list."""
NEVER = datetime(2099, 12, 31, 15, 59, 59, tzinfo=UTC).timestamp()


class PackageStatus(IntEnum):
    """What a package has come to."""

    NOT_YET = 0
    ACTIVE = 1
    USED_UP = 2
    EXPIRED = 3
    UNSUBSCRIBED = 4


@dataclass(frozen=True)
class FreeResource:
    """So much of something; `used` of it is gone when use begins, and from then on `rate` a second."""

    original: Decimal
    used: Decimal = NOTHING
    rate: Decimal = NOTHING
    usage_type_name: Name = CALLS
    measure_id: int = TIMES
    id: str = ""

    def remaining(self, seconds: float, used: Decimal) -> Decimal:
        """What is left of it when `used` was gone so many seconds ago; there are no parts of a call."""
        step = Decimal(1) if self.measure_id == TIMES else CENT
        since = (self.rate * Decimal(seconds)).quantize(step, ROUND_DOWN)
        return max(NOTHING, self.original - used - since)


@dataclass(frozen=True)
class Package:
    """A package as the vendor lists it, by the `order_instance_id`; times in Unix seconds.

    Its resources are in use from `used_since` on, or from when it is effective; they may be reset every so often.
    """

    id: str
    resources: tuple[FreeResource, ...] = (FreeResource(Decimal(10_000)),)
    name: Name = CALLS_PACKAGE
    effective: float = 0.0
    expires: float = NEVER
    used_since: float | None = None
    resets_every: float | None = None
    unsubscribed: bool = False
    service_type: ServiceType = FRS
    region: str = "cn-north-4"
    enterprise_project_id: str = ""
    """Empty for a package that is for all enterprise projects."""
    gift: bool = False
    bundle: bool = False
    order_id: str = ""
    product_id: str = ""

    def remaining(self, now: float) -> list[Decimal]:
        """What is left of the resources, of the current period where they are reset; after its end nothing is used."""
        elapsed = max(0.0, min(now, self.expires) - (self.effective if self.used_since is None else self.used_since))
        first = self.resets_every is None or elapsed < self.resets_every
        seconds = elapsed % self.resets_every if self.resets_every else elapsed
        return [resource.remaining(seconds, resource.used if first else NOTHING) for resource in self.resources]

    def status(self, now: float) -> PackageStatus:
        """What it has come to; one that is used up expires, too."""
        if self.unsubscribed:
            return PackageStatus.UNSUBSCRIBED
        if now < self.effective:
            return PackageStatus.NOT_YET
        if now >= self.expires:
            return PackageStatus.EXPIRED
        return PackageStatus.ACTIVE if any(self.remaining(now)) else PackageStatus.USED_UP

    def kept(self, now: float) -> bool:
        """Whether it is still in the list."""
        return now < self.expires + KEPT
