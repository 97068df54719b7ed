"""What calls cost by the config's tiers, exact to the last digit (pure)."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from frs_exporter.core.regex import pattern


@dataclass(frozen=True, slots=True)
class Tier:
    """What each call costs in CNY, up to and including this many calls of a month; None is without end."""

    up_to: int | None
    cny: Decimal


@dataclass(frozen=True, slots=True)
class Price:
    """Tiers, from the first call on, for the APIs whose whole name a pattern (RE2) matches."""

    apis: str
    tiers: tuple[Tier, ...]

    def covers(self, api: str) -> bool:
        """Whether calls of this API cost that."""
        return bool(pattern(self.apis).fullmatch(api))


LIST_PRICE_2018 = Price(
    r"(?i)(.*/)?(face[-_]?)?detect",
    (
        Tier(2000, Decimal(0)),
        Tier(3_000_000, Decimal("0.0005")),
        Tier(10_000_000, Decimal("0.0004")),
        Tier(None, Decimal("0.0003")),
    ),
)
"""Face detection in China in 2018, by the vendor's own description of the service; no newer list is to be had."""


def cost(calls: Decimal, tiers: Sequence[Tier]) -> Decimal:
    """CNY for so many calls of one month: each call costs what the tier says that it falls in."""
    total, below = Decimal(0), Decimal(0)
    for tier in tiers:
        top = calls if tier.up_to is None else min(calls, Decimal(tier.up_to))
        total += max(Decimal(0), top - below) * tier.cny
        below = max(below, top)
    return total


def price_of(api: str, prices: Sequence[Price]) -> Price | None:
    """The first price that covers an API, None where there is none."""
    return next((price for price in prices if price.covers(api)), None)
