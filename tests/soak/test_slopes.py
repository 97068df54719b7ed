"""What grows is found however little an hour shows of it, and what only trembles is not."""

import random

import pytest

from tests.soak.slopes import LIMITS, Look, least, slopes


def looks(minutes: int, **an_hour: float) -> list[Look]:
    """Looks of each minute at a process that has trembled, and of which some figures grow by so much in an hour."""
    rng = random.Random(3)

    def figure(what: str, size: float, tremble: float) -> float:
        return size + an_hour.get(what, 0.0) * minute / 60 + rng.uniform(-tremble, tremble)

    found = []
    for minute in range(1, minutes + 1):
        mib, descriptors = figure("mib", 90, 0.8), round(figure("descriptors", 30, 4))
        found.append(Look(60.0 * minute, mib, descriptors, 4, round(figure("tasks", 12, 3))))
    return found


def test_what_trembles_is_flat() -> None:
    assert all(slope.flat for slope in slopes(looks(60)))


@pytest.mark.parametrize("what", ["mib", "descriptors", "tasks"])
def test_what_grows_by_twice_what_it_may_is_told(what: str) -> None:
    found = {slope.what: slope for slope in slopes(looks(60, **{what: 2.5 * LIMITS[what]}))}
    assert [name for name, slope in found.items() if not slope.flat] == [what]
    assert found[what].text().endswith("  grows")


def test_one_thread_in_an_hour_may_be_left_and_no_more() -> None:
    more = [Look(look.second, look.mib, 30, 4 + int(look.second // 1800), 12) for look in looks(60)]
    assert [slope.what for slope in slopes(more) if not slope.flat] == ["threads"]


def test_growing_to_size_is_no_slope() -> None:
    growing = [Look(60.0 * minute, 40 + min(2.0 * minute, 40), 30, 4, 12) for minute in range(1, 61)]
    assert all(slope.flat for slope in slopes(growing))


def test_what_shrinks_is_flat() -> None:
    assert all(slope.flat for slope in slopes(looks(60, mib=-30.0, tasks=-30.0)))


def test_two_looks_are_no_slope() -> None:
    with pytest.raises(ValueError, match="three looks"):
        slopes(looks(3)[:2])


def test_the_least_of_each_figure_counts() -> None:
    assert least([Look(1.0, 90.5, 130, 5, 9), Look(2.0, 90.0, 16, 4, 11)]) == Look(2.0, 90.0, 16, 4, 9)
