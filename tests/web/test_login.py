"""Basic authentication: who comes in, what it costs, and that it tells nobody who is there."""

import asyncio
import base64
import hashlib
import time
from collections.abc import Callable

import bcrypt
import pytest

from frs_exporter.web.basic_auth import MAX_REFUSED, Logins, matches, parse_basic, stand_in
from frs_exporter.web.login_queue import TooManyLogins


def hashed(password: str, rounds: int = 4) -> str:
    return bcrypt.hashpw(password.encode(), bcrypt.gensalt(rounds)).decode()


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def noted_in(computed: list[str]) -> Callable[[bytes, str], bool]:
    """Compares, and notes the hash of each comparison that is really made."""

    def verify(password: bytes, hash: str) -> bool:
        computed.append(hash)
        return matches(password, hash)

    return verify


@pytest.fixture
def computed() -> list[str]:
    """The hash of each comparison of `logins`."""
    return []


@pytest.fixture
def logins(computed: list[str]) -> Logins:
    return Logins(noted_in(computed))


USERS = {"alice": hashed("correct"), "bob": hashed("horse:battery")}
BOB = basic("bob", "horse:battery")


@pytest.mark.parametrize(
    ("authorization", "accepted"),
    [
        (basic("alice", "correct"), True),
        (basic("alice", "correct").replace("Basic", "bAsIc"), True),
        (basic("bob", "horse:battery"), True),
        (basic("alice", "wrong"), False),
        (basic("alice", ""), False),
        (basic("bob", "correct"), False),
        (basic("", "correct"), False),
        (basic("mallory", "correct"), False),
        ("", False),
        ("Basic", False),
        ("Basic !!!", False),
        ("Basic " + base64.b64encode(b"alice").decode(), False),
        ("Bearer " + basic("alice", "correct")[6:], False),
        (basic("alice\0", "correct"), False),
        ("Basic " + base64.b64encode(b"\xff\xfe:\xff").decode(), False),
    ],
)
async def test_who_comes_in(authorization: str, accepted: bool) -> None:
    logins = Logins()
    for _ in range(2):  # known the second time
        assert await logins.accepts(USERS, authorization) is accepted


async def test_a_long_password_counts_as_far_as_bcrypt_looks() -> None:
    users = {"alice": hashed("x" * 72)}
    assert await Logins().accepts(users, basic("alice", "x" * 100))
    assert not await Logins().accepts(users, basic("alice", "x" * 71))


async def test_a_login_is_computed_once(logins: Logins, computed: list[str]) -> None:
    for _ in range(3):
        assert await logins.accepts(USERS, basic("alice", "correct"))
        assert not await logins.accepts(USERS, basic("alice", "wrong"))
        assert not await logins.accepts(USERS, basic("nobody", "wrong"))
    assert len(computed) == 3


async def test_300_at_once_are_computed_once_and_one_at_a_time(logins: Logins, computed: list[str]) -> None:
    answers = await asyncio.gather(*(logins.accepts(USERS, basic("alice", "correct")) for _ in range(300)))
    assert all(answers)
    assert len(computed) == 1
    answers = await asyncio.gather(*(logins.accepts(USERS, basic("alice", f"wrong {i}")) for i in range(300)))
    assert not any(answers)
    assert len(computed) == 301


async def test_wrong_ones_do_not_push_out_the_right_one(logins: Logins, computed: list[str]) -> None:
    """Of the wrong ones themselves only so many are remembered."""
    assert await logins.accepts(USERS, basic("alice", "correct"))
    wrong = [basic("alice", f"wrong {i}") for i in range(MAX_REFUSED + 20)]
    for login in wrong:
        assert not await logins.accepts(USERS, login)
    before = len(computed)
    assert await logins.accepts(USERS, basic("alice", "correct"))
    assert not await logins.accepts(USERS, wrong[-1])
    assert len(computed) == before
    for login in wrong:
        assert not await logins.accepts(USERS, login)
    assert 20 <= len(computed) - before < len(wrong)


async def test_another_hash_is_another_login(logins: Logins) -> None:
    assert await logins.accepts({"alice": hashed("old")}, basic("alice", "old"))
    assert not await logins.accepts({"alice": hashed("new")}, basic("alice", "old"))
    assert await logins.accepts({"alice": hashed("new")}, basic("alice", "new"))
    assert not await logins.accepts({"bob": hashed("old")}, basic("alice", "old"))


async def test_no_password_is_kept() -> None:
    logins = Logins()
    assert await logins.accepts(USERS, BOB)
    assert not await logins.accepts(USERS, basic("bob", "horse:zebra"))
    kept = repr(vars(logins))
    assert "bob" in kept
    for password in ("horse:battery", "horse:zebra"):
        assert password not in kept
        assert hashlib.blake2b(password.encode(), digest_size=32).hexdigest() not in kept


async def test_an_unknown_user_is_compared_with_the_hash_of_a_known_one(computed: list[str]) -> None:
    """Whatever the hashes cost, an unknown user costs what one of the known does, and always the same."""
    users = {"cheap": hashed("a", 4), "dear": hashed("b", 6)}
    for i in range(20):
        assert not await Logins(noted_in(computed)).accepts(users, basic(f"unknown {i}", "a"))
    assert set(computed) == set(users.values())
    assert len({stand_in(users, "unknown") for _ in range(5)}) == 1


async def test_an_unknown_user_with_a_known_ones_password_stays_out_until_it_is_a_user(logins: Logins) -> None:
    users = {"alice": hashed("correct")}
    assert not await logins.accepts(users, basic("mallory", "correct"))
    assert not await logins.accepts(users, basic("mallory", "correct"))
    assert await logins.accepts({**users, "mallory": users["alice"]}, basic("mallory", "correct"))
    assert not await logins.accepts(users, basic("mallory", "correct"))


async def test_more_than_can_be_looked_at_are_told_to_come_again() -> None:
    logins = Logins(max_waiting=5)
    logging_in = (logins.accepts(USERS, basic("alice", f"wrong {i}")) for i in range(20))
    answers = await asyncio.gather(*logging_in, return_exceptions=True)
    assert answers[:6] == [False] * 6  # one is computed, five wait
    assert all(isinstance(answer, TooManyLogins) for answer in answers[6:])
    assert not await logins.accepts(USERS, basic("alice", "wrong again"))


async def test_who_hangs_up_leaves_the_queue(computed: list[str]) -> None:
    logins = Logins(noted_in(computed), max_waiting=10)
    tasks = [asyncio.create_task(logins.accepts(USERS, basic("alice", f"wrong {i}"))) for i in range(10)]
    await asyncio.sleep(0)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert await logins.accepts(USERS, basic("alice", "correct"))
    assert len(computed) <= 2
    assert all(await asyncio.gather(*(logins.accepts({"bob": USERS["bob"]}, BOB) for _ in range(10)))), "there is room"


async def test_who_hangs_up_does_not_let_another_be_computed_beside_it() -> None:
    under_way, most = 0, 0

    def verify(_password: bytes, _hash: str) -> bool:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        time.sleep(0.01)
        under_way -= 1
        return False

    logins = Logins(verify)
    for i in range(30):
        task = asyncio.create_task(logins.accepts(USERS, basic("alice", f"wrong {i}")))
        await asyncio.sleep(0.002)
        task.cancel()
    assert not await logins.accepts(USERS, basic("alice", "wrong at last"))
    assert most == 1


async def test_what_bcrypt_does_not_take_for_a_hash_lets_nobody_in() -> None:
    assert not await Logins().accepts({"alice": "$2y$10$" + "!" * 53}, basic("alice", "x"))


def test_a_header_is_parsed_strictly() -> None:
    assert parse_basic(basic("a", "b:c")) == ("a", b"b:c")
    assert parse_basic("Basic YTpi YTpi") is None


@pytest.mark.uncounted
async def test_a_flood_from_elsewhere_costs_a_new_right_login_some_turns(logins: Logins, computed: list[str]) -> None:
    users = {"alice": hashed("correct", 8)}
    flood = [
        asyncio.create_task(logins.accepts(users, basic("alice", f"wrong {number}"), f"192.0.2.{number % 3}"))
        for number in range(90)
    ]
    await asyncio.sleep(0.05)
    before = len(computed)
    assert await logins.accepts(users, basic("alice", "correct"), "192.0.2.200")
    assert len(computed) - before <= 6
    assert not any(await asyncio.gather(*flood))


async def flood_from(logins: Logins, users: dict[str, str], address: str) -> None:
    """Log in wrongly, and again as soon as that is known."""
    for number in range(10_000):
        await logins.accepts(users, basic("alice", f"wrong {number} of {address}"), address)


@pytest.mark.parametrize("address", ["192.0.2.{}", "2001:db8:{}::1"])
async def test_400_addresses_do_not_keep_the_first_right_login_waiting(
    logins: Logins, computed: list[str], address: str
) -> None:
    """And then not the next one of the same client, say with another password."""
    users = {"alice": hashed("correct", 8), "bob": hashed("also correct", 8)}
    names = [address.format(number) for number in range(400)]
    flood = [asyncio.create_task(flood_from(logins, users, name)) for name in names]
    await asyncio.sleep(0.1)
    for user, password in (("alice", "correct"), ("bob", "also correct")):
        before = len(computed)
        assert await logins.accepts(users, basic(user, password), "198.51.100.1")
        assert len(computed) - before <= 8
    for task in flood:
        task.cancel()
    await asyncio.gather(*flood, return_exceptions=True)


async def test_a_network_of_one_machine_has_one_line(computed: list[str]) -> None:
    """Whoever has a /64 has as many addresses as he likes."""
    logins, users = Logins(noted_in(computed), max_waiting=20), {"alice": hashed("correct", 8)}
    flood = [
        asyncio.create_task(logins.accepts(users, basic("alice", f"wrong {number}"), f"2001:db8::{number:x}"))
        for number in range(21)
    ]
    await asyncio.sleep(0)
    with pytest.raises(TooManyLogins):
        await logins.accepts(users, basic("alice", "wrong"), "2001:db8::ffff")
    assert await logins.accepts(users, basic("alice", "correct"), "2001:db8:0:1::1"), "it has a line of its own"
    answers = await asyncio.gather(*flood, return_exceptions=True)
    assert sum(isinstance(answer, TooManyLogins) for answer in answers) == 1
