"""Whose turn it is, without anything that is computed."""

import asyncio
from collections.abc import Awaitable

import pytest

from frs_exporter.web.login_queue import MAX_KNOWN, LoginQueue, TooManyLogins
from tests.garbage import only_by_hand


class Turns:
    """A queue in which somebody has the turn, and who had it since."""

    def __init__(self, max_waiting: int = 1000) -> None:
        self.queue = LoginQueue(max_waiting)
        self.had: list[str] = []
        self.tasks: list[asyncio.Task[None]] = []

    async def begin(self, *peers: str) -> "Turns":
        await self.queue.take("first")
        for peer in peers:
            await self.join(peer)
        return self

    async def join(self, peer: str) -> asyncio.Task[None]:
        task = asyncio.create_task(self._wait(peer))
        self.tasks.append(task)
        await asyncio.sleep(0)
        return task

    async def _wait(self, peer: str) -> None:
        await self.queue.take(peer)
        self.had.append(peer)

    async def go(self, count: int) -> list[str]:
        """Who has the next turns."""
        before = len(self.had)
        for _ in range(count):
            self.queue.give_back()
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        return self.had[before:]


async def raises(task: Awaitable[None]) -> bool:
    try:
        await task
    except TooManyLogins:
        return True
    return False


async def test_those_who_were_let_in_before_have_every_other_turn() -> None:
    turns = Turns()
    turns.queue.let_in("known")
    await turns.begin(*[f"stranger {number}" for number in range(50)], *["known"] * 5)
    had = await turns.go(10)
    assert [peer == "known" for peer in had] == [True, False] * 5


async def test_of_strangers_the_one_that_came_last_goes_soon() -> None:
    """Though each of the others comes back as soon as it had its turn."""
    turns = await Turns().begin(*[f"stranger {number}" for number in range(50)])
    for number in range(50, 70):
        for peer in await turns.go(3):
            await turns.join(peer)
        await turns.join(f"stranger {number}")
        assert f"stranger {number}" in await turns.go(2)


async def test_who_has_had_fewer_turns_goes_first() -> None:
    """Also who was refused once, in the middle of those who are refused all the time."""
    turns = await Turns().begin("seldom", *[f"often {number}" for number in range(5)])
    assert "seldom" in await turns.go(6)
    for _ in range(10):
        for number in range(5):
            await turns.join(f"often {number}")
        await turns.go(5)
    for number in range(5):
        await turns.join(f"often {number}")
    await turns.join("seldom")
    assert await turns.go(1) == ["seldom"]
    await turns.go(5)


async def test_a_long_line_goes_after_short_ones() -> None:
    turns = await Turns().begin("short", *["long"] * 50)
    assert "short" in await turns.go(2)
    await turns.go(49)


async def test_each_has_a_turn_and_lines_are_gone_with_the_last_in_them() -> None:
    peers = [f"{number % 7}" for number in range(50)]
    turns = await Turns().begin(*peers)
    assert sorted(await turns.go(50)) == sorted(peers)
    assert turns.queue.clients == []
    await turns.go(1)
    await asyncio.wait_for(turns.queue.take("at once"), 1)


async def test_who_hangs_up_leaves_and_a_turn_that_came_too_late_goes_on() -> None:
    turns = await Turns().begin("a", "b")
    gone = turns.tasks[0]
    gone.cancel()
    await asyncio.gather(gone, return_exceptions=True)
    assert turns.queue.clients == ["b"]
    turns.queue.give_back()
    turns.tasks[1].cancel()  # it has the turn, and does not know yet
    await asyncio.gather(turns.tasks[1], return_exceptions=True)
    await asyncio.wait_for(turns.queue.take("next"), 1)
    assert turns.had == []


async def test_who_hangs_up_in_the_moment_of_its_turn_stops_nobody() -> None:
    turns = await Turns().begin("a")
    turns.tasks[0].cancel()  # and is in line until its task runs
    turns.queue.give_back()
    await asyncio.gather(*turns.tasks, return_exceptions=True)
    assert turns.had == []
    await asyncio.wait_for(turns.queue.take("next"), 1)


async def test_who_hangs_up_in_the_moment_in_which_it_makes_room_stops_nobody() -> None:
    turns = await Turns(max_waiting=3).begin("a", "a", "a")
    new = asyncio.create_task(turns.queue.take("b"))
    turns.tasks[2].cancel()  # and is in line until its task runs, which is after the new one's
    await asyncio.gather(turns.tasks[2], return_exceptions=True)
    assert turns.queue.clients == ["a", "b"]
    await turns.go(3)
    await asyncio.wait_for(new, 1)


async def test_when_it_is_full_the_longest_line_makes_room_for_a_new_client() -> None:
    turns = await Turns(max_waiting=5).begin("a", "a", "a", "b", "b")
    new = await turns.join("c")
    assert sorted(turns.queue.clients) == ["a", "b", "c"]
    assert await raises(turns.tasks[2]), "the last of the longest"
    assert await raises(await turns.join("b")), "who has one in line already"
    assert not new.done()
    await turns.go(5)


async def test_a_flood_of_somebody_who_was_let_in_before_does_not_keep_others_out() -> None:
    turns = Turns(max_waiting=5)
    turns.queue.let_in("known")
    await turns.begin(*["known"] * 5)
    await turns.join("stranger")
    assert await raises(turns.tasks[4])
    assert "stranger" in await turns.go(2)
    await turns.go(3)


async def test_when_it_is_full_of_clients_only_those_who_were_let_in_before_come_in() -> None:
    turns = Turns(max_waiting=3)
    turns.queue.let_in("known")
    await turns.begin("a", "b", "c")
    assert await raises(await turns.join("d"))
    await turns.join("known")
    assert "known" in turns.queue.clients
    assert len(turns.queue.clients) == 3
    assert await turns.go(1) == ["known"]
    await turns.go(2)
    await asyncio.gather(*turns.tasks, return_exceptions=True)


async def test_so_many_are_known_and_the_oldest_is_forgotten() -> None:
    turns = Turns()
    for number in range(MAX_KNOWN + 1):
        turns.queue.let_in(f"known {number}")
    await turns.begin("stranger", "known 0", "known 1")
    assert (await turns.go(1)) == ["known 1"]
    await turns.go(2)


@pytest.mark.parametrize("count", [1, 2, 100])
async def test_one_at_a_time(count: int) -> None:
    turns = await Turns().begin(*["a"] * count)
    assert turns.had == []
    for number in range(count):
        assert len(await turns.go(1)) == 1, number


async def test_a_login_that_is_turned_away_is_let_go_of() -> None:
    """Its frames hold the password."""
    turns = await Turns(max_waiting=3).begin("a", "a", "a")
    with only_by_hand() as found:
        new = asyncio.create_task(turns.queue.take("b"))
        await asyncio.sleep(0.01)
        assert isinstance(turns.tasks.pop().exception(), TooManyLogins)
        assert found() == set()
    new.cancel()
    for task in turns.tasks:
        task.cancel()
