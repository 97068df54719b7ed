"""What calls cost, exactly."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from frs_exporter.core.pricing import LIST_PRICE_2018, Price, Tier, cost, price_of

TIERS = LIST_PRICE_2018.tiers


@pytest.mark.parametrize(
    ("calls", "cny"),
    [
        (0, "0"),
        (1, "0"),
        (1_999, "0"),
        (2_000, "0"),
        (2_001, "0.0005"),
        (2_999_999, "1498.9995"),
        (3_000_000, "1499"),
        (3_000_001, "1499.0004"),
        (9_999_999, "4298.9996"),
        (10_000_000, "4299"),
        (10_000_001, "4299.0003"),
        (1_000_000_000, "301299"),
    ],
)
def test_every_boundary_of_the_list_price(calls: int, cny: str) -> None:
    """As in the vendor's table of 2018: (0, 2000] free, (2000, 3M] 0.0005, (3M, 10M] 0.0004, beyond 0.0003."""
    assert cost(Decimal(calls), TIERS) == Decimal(cny)


def call_by_call(calls: int, tiers: tuple[Tier, ...]) -> Decimal:
    """The definition: the n-th call costs what the first tier says that reaches to it."""
    return sum(
        (next(tier.cny for tier in tiers if tier.up_to is None or call <= tier.up_to) for call in range(1, calls + 1)),
        Decimal(0),
    )


@given(
    st.integers(0, 60),
    st.lists(st.integers(1, 50), unique=True, max_size=4).map(sorted),
    st.lists(st.decimals(0, 9, places=4), min_size=5, max_size=5),
)
def test_it_is_what_each_call_costs(calls: int, ends: list[int], prices: list[Decimal]) -> None:
    tiers = tuple(Tier(end, cny) for end, cny in zip([*ends, None], prices[: len(ends) + 1], strict=True))
    assert cost(Decimal(calls), tiers) == call_by_call(calls, tiers)


@pytest.mark.parametrize(
    ("api", "priced"),
    [
        *((name, True) for name in ("detect", "Detect", "face-detect", "faceDetect", "FACE_DETECT", "facedetect")),
        *((name, True) for name in ("/v2/{project_id}/face-detect", "POST:/v1/face/detect")),
        *((name, False) for name in ("compare", "livedetect", "detect-live", "search", "", "detects")),
    ],
)
def test_which_apis_the_list_price_is_for(api: str, priced: bool) -> None:
    """Nobody says how Cloud Eye calls them."""
    assert (price_of(api, (LIST_PRICE_2018,)) is not None) == priced


def test_live_detection_is_not_face_detection() -> None:
    for api in ("live-detect", "live_detect", "live-detect-face", "LiveDetect", "/v1/live-detect"):
        assert price_of(api, (LIST_PRICE_2018,)) is None, api


def test_the_first_price_that_matches_counts() -> None:
    first, second = Price("search.*", (Tier(None, Decimal(1)),)), Price(".*", (Tier(None, Decimal(2)),))
    assert price_of("search-face", (first, second)) is first
    assert price_of("compare", (first, second)) is second
    assert price_of("compare", ()) is None
