"""Whose login is computed next: one at a time, and no flood from elsewhere keeps a right one waiting for long."""

import asyncio
import itertools
import random
from collections import OrderedDict, deque

MAX_KNOWN = 1000
"""Clients that are known to have been let in; who was let in last stays."""
MAX_COUNTED = 10_000
"""Clients of which it is known how many turns they have had; who had one last stays."""

Lines = OrderedDict[str, deque["asyncio.Future[None]"]]


class TooManyLogins(Exception):
    """More logins wait than can be looked at in reasonable time."""


class LoginQueue:
    """A line of each client, of which one login is taken at a time.

    Those who were let in before have every other turn. Of the strangers, those who have had the fewest turns go first,
    and among them by turns the one that came last and any of them. In the order of arrival a new right login would wait
    for a flood from very many addresses, until whoever scrapes gives up, again and again.
    """

    def __init__(self, max_waiting: int) -> None:
        self._max_waiting = max_waiting
        self._busy = False
        self._waiting = 0
        self._known: OrderedDict[str, None] = OrderedDict()
        self._friends: Lines = OrderedDict()
        self._strangers: Lines = OrderedDict()
        self._turns: OrderedDict[str, int] = OrderedDict()
        self._choices = itertools.cycle((self._friend, self._newest_stranger, self._friend, self._any_stranger))

    @property
    def clients(self) -> list[str]:
        """Who waits."""
        return [*self._friends, *self._strangers]

    def let_in(self, peer: str) -> None:
        """Remember that a client had a right login."""
        self._known[peer] = None
        self._known.move_to_end(peer)
        if len(self._known) > MAX_KNOWN:
            self._known.popitem(last=False)

    async def take(self, peer: str) -> None:
        """Wait for a turn, which `give_back` ends; raises TooManyLogins."""
        if not self._busy:
            self._busy = True
            return
        lines = self._friends if peer in self._known else self._strangers
        if self._waiting >= self._max_waiting:
            self._make_room(peer, lines)
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        lines.setdefault(peer, deque()).append(turn)
        self._waiting += 1
        try:
            await turn
        except asyncio.CancelledError:
            if turn.cancelled():
                self._remove(peer, lines, turn)
            elif turn.exception() is None:
                self.give_back()
            raise
        finally:
            del turn  # it may hold an error that holds this frame

    def give_back(self) -> None:
        """Let the next one have its turn."""
        while self._waiting:
            lines, peer = next(found for choice in self._choices if (found := choice()))
            turn = lines[peer][0]
            self._remove(peer, lines, turn)
            if turn.cancelled():
                continue  # who has hung up just now is in line until its task runs
            if lines is self._strangers:
                self._count(peer)
            elif peer in lines:
                lines.move_to_end(peer)
            turn.set_result(None)
            return
        self._busy = False

    def _friend(self) -> tuple[Lines, str] | None:
        return (self._friends, next(iter(self._friends))) if self._friends else None

    def _newest_stranger(self) -> tuple[Lines, str] | None:
        return (self._strangers, self._served_least()[-1]) if self._strangers else None

    def _any_stranger(self) -> tuple[Lines, str] | None:
        return (self._strangers, random.choice(self._served_least())) if self._strangers else None  # noqa: S311

    def _served_least(self) -> list[str]:
        fewest = min(self._turns.get(peer, 0) for peer in self._strangers)
        return [peer for peer in self._strangers if self._turns.get(peer, 0) == fewest]

    def _count(self, peer: str) -> None:
        self._turns[peer] = self._turns.pop(peer, 0) + 1
        if len(self._turns) > MAX_COUNTED:
            self._turns.popitem(last=False)

    def _make_room(self, peer: str, lines: Lines) -> None:
        """Turn away the last of the longest line for somebody who has nothing in line yet; raises TooManyLogins."""
        if peer in lines:
            raise TooManyLogins
        everybody = [(kind, name) for kind in (self._strangers, self._friends) for name in kind]
        kind, longest = max(everybody, key=lambda found: len(found[0][found[1]]))
        if len(kind[longest]) < 2 and (lines is self._strangers or kind is self._friends):
            raise TooManyLogins
        turn = kind[longest][-1]
        self._remove(longest, kind, turn)
        if not turn.cancelled():
            turn.set_exception(TooManyLogins())

    def _remove(self, peer: str, lines: Lines, turn: "asyncio.Future[None]") -> None:
        """Take somebody out of a line, who may be out of it already."""
        if turn not in lines.get(peer, ()):
            return
        lines[peer].remove(turn)
        self._waiting -= 1
        if not lines[peer]:
            del lines[peer]
