"""Who gets a slot: decisions alone."""

import pytest

from frs_exporter.web.peers import LOCAL, peer_of
from frs_exporter.web.slots import Admission, Slot, SlotLimits, admit

LIMITS = SlotLimits(total=8, per_peer=3, local_extra=2)


def slots(*idle_since: float | None, peer: str = "") -> list[Slot]:
    """One slot each, of clients of their own where none is named."""
    return [Slot(peer or f"192.0.2.{number}", since) for number, since in enumerate(idle_since)]


@pytest.mark.parametrize(
    ("host", "peer"),
    [
        ("", LOCAL),
        ("127.0.0.1", LOCAL),
        ("127.8.8.8", LOCAL),
        ("::1", LOCAL),
        ("::ffff:127.0.0.1", LOCAL),
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::9", "2001:db8:1:3::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("what", "what"),
    ],
)
def test_who_is_one_client(host: str, peer: str) -> None:
    assert peer_of(host) == peer


def test_there_is_room() -> None:
    assert admit("new", slots(*[1.0] * 7), LIMITS) == Admission(True)


def test_when_all_are_taken_the_longest_idle_goes() -> None:
    taken = slots(5.0, None, 3.0, None, 4.0, None, None, None)
    assert admit("new", taken, LIMITS) == Admission(True, taken[2])


def test_when_all_are_at_work_nobody_goes_but_this_machine_comes_in() -> None:
    """So many times, that is."""
    for extra, admitted in ((0, True), (1, True), (2, False)):
        taken = slots(*[None] * (8 + extra))
        assert admit("new", taken, LIMITS) == Admission(False)
        assert admit(LOCAL, taken, LIMITS) == Admission(admitted)


def test_one_client_makes_room_for_itself() -> None:
    """Though there is room, and others are idle for longer."""
    others, own = slots(1.0, 1.0), slots(7.0, 5.0, None, peer="one")
    assert admit("one", [*others, *own], LIMITS) == Admission(True, own[1])
    assert admit("two", [*others, *own], LIMITS) == Admission(True)


def test_one_client_that_is_at_work_with_all_it_may_have_gets_no_more() -> None:
    assert admit("one", slots(None, None, None, peer="one"), LIMITS) == Admission(False)
    assert admit(LOCAL, slots(None, None, None, peer=LOCAL), LIMITS) == Admission(True)
