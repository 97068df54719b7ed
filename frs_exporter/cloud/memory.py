"""What is known of refused secrets outlives the process: a restart loop, or `check` in cron, must not lock a user.

Each user has one entry, under a keyed name. It has the times of attempts that were refused or whose end is not known
yet, as an attempt with a secret that has not worked is written down before it is made; and for each secret that is
held, under a slow digest of it, until when and on which rung. A success takes both back.
"""

import asyncio
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from frs_exporter.cloud.lockout_state import LAST_HOLD, MOST_COUNTED, Ladder, Phase, Policy, Refusals, State
from frs_exporter.core.credentials import Credential, KeyCredential, TokenCredential
from frs_exporter.core.errors import Failure, Reason
from frs_exporter.runtime.files import reason_of
from frs_exporter.runtime.offload import run_offloaded
from frs_exporter.runtime.state_file import StateFile

LONGEST = LAST_HOLD + 10.0
"""Seconds for which anything is believed: a time further away was written by a clock that was wrong."""
LONGEST_WAIT = 5.0
"""Seconds for the disk: then the process goes on without it."""
AGAIN = 60.0
"""Seconds before one more attempt with a secret that has not worked is written down."""
SAME = 1.0
"""Seconds within which two times are the same one."""
FAR = 1e11
"""In Unix seconds: a time from here on is none."""
MAX_RUNG = 16

Entries = dict[str, Any]
Change = Callable[[Entries], None]


@dataclass(frozen=True, slots=True)
class Secret:
    """A secret and whose it is."""

    user: tuple[str, ...]
    value: str = field(repr=False)


def secret_of(credential: Credential) -> Secret | None:
    """What a credential's refusals are remembered of; None where the secret is another one after each start."""
    match credential:
        case TokenCredential():
            return Secret((credential.kind, *credential.user), credential.password.get_secret_value())
        case KeyCredential():
            return Secret((credential.kind, *credential.user), credential.secret_key.get_secret_value())
    return None


class Memory:
    """The state file of this process and of others, for lockouts; written in a thread, many changes at once.

    `now` is the wall clock in Unix seconds. A file of None remembers nothing.
    """

    def __init__(self, file: StateFile, now: Callable[[], float]) -> None:
        self._file = file
        self._now = now
        self._changes: list[tuple[Change, asyncio.Future[None]]] = []
        self._writing: asyncio.Task[None] | None = None

    def of(self, credential: Credential) -> "SecretMemory | None":
        """What remembers a credential's secret, if anything does."""
        secret = secret_of(credential)
        return SecretMemory(self, secret) if secret and self._file.directory else None

    def offset(self) -> float:
        """Seconds to add to the loop's clock for Unix time."""
        return self._now() - asyncio.get_running_loop().time()

    async def read(self, secret: Secret) -> "Entry":
        """The entry of a secret's user, of whose held secrets at most this one is in it; empty where there is none."""

        def look() -> Entry:
            return Entry.read(self._file.read().get(self.name(secret))).of(secret, self.digest)

        try:
            return await run_offloaded(look, timeout=LONGEST_WAIT)
        except (OSError, TimeoutError) as error:
            self._file.report("state is not read", error=reason_of(error))
            return Entry()

    def digest(self, secret: Secret) -> str:
        """What tells a secret from others; takes 40 ms of CPU the first time."""
        return self._file.digest(*secret.user, secret.value)

    def name(self, secret: Secret) -> str:
        """What a user's entry is called."""
        return self._file.identifier(*secret.user)

    async def write(self, change: Change) -> None:
        """Change the file; returns when that is on the disk, as far as it can be."""
        saved = asyncio.get_running_loop().create_future()
        self._changes.append((change, saved))
        if self._writing is None:
            self._writing = asyncio.create_task(self._write(), name="state file")
        await saved

    async def flush(self) -> None:
        """Return when all is on the disk that is to be, as far as it can be."""
        if self._writing:
            await asyncio.wait({self._writing}, timeout=LONGEST_WAIT)

    async def _write(self) -> None:
        """Write until nothing is left: who comes meanwhile shares the next write. Whatever happens, nobody hangs."""
        while self._changes:
            changes, self._changes = self._changes, []
            try:
                await run_offloaded(self._file.update, partial(make, changes), timeout=LONGEST_WAIT)
            except Exception as error:
                self._file.report("state is not kept", error=reason_of(error))
            for _, saved in changes:
                if not saved.done():
                    saved.set_result(None)
        self._writing = None


def make(changes: list[tuple[Change, asyncio.Future[None]]], entries: Entries) -> None:
    """All these changes."""
    for change, _ in changes:
        change(entries)


@dataclass(slots=True)
class SecretMemory:
    """What is remembered of one secret.

    `noted` says that there is something to take back, `attempt` is the Unix time of the newest that was written down
    before it was made, `answered` says that the secret had no part in what came of it, and `held` is the hold that this
    process has written last.
    """

    memory: Memory
    secret: Secret
    noted: bool = False
    attempt: float | None = None
    answered: bool = False
    held: "Held | None" = None
    recalled: bool = False
    reading: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def recall(self) -> "Entry":
        """What is known of the secret and its user."""
        entry = await self.memory.read(self.secret)
        self.noted, self.recalled = bool(entry.attempts or entry.held), True
        return entry

    async def before_attempt(self, state: State, policy: Policy) -> "Entry":
        """Write down that a secret is used which may be refused, and return what others have written meanwhile.

        Once a minute, and each time after a hold: the next one is written down then, as if the secret was refused.
        """
        now = asyncio.get_running_loop().time() + self.memory.offset()
        self.answered = False
        if not state.hold and now - (self.attempt or -math.inf) < AGAIN:
            return Entry()
        rung = state.hold.rung + 1 if state.hold else 0
        hold = Held(now + policy.hold_seconds(rung), rung, now) if state.hold else None
        return await self._note(state, now, hold)

    async def note(self, state: State) -> None:
        """Write down what is known."""
        hold = Held(state.hold.until + self.memory.offset(), state.hold.rung) if state.hold else None
        await self._note(state, None, hold)

    async def settle(self, state: State) -> None:
        """The process ends: an attempt that had nothing to do with the secret is none."""
        if self.attempt is not None and self.answered:
            await self.note(state)

    async def _note(self, state: State, attempt: float | None, hold: "Held | None") -> "Entry":
        """Write down refusals, an attempt and a hold; what others have written, as it was before."""
        offset, before, mine, others = self.memory.offset(), self.attempt, self.held, Entry()
        now = asyncio.get_running_loop().time() + offset
        own = {time + offset for time in state.user.times}
        self.attempt, self.answered, self.noted, self.held = attempt, False, True, hold

        def change(entries: Entries) -> None:
            entry = Entry.read(entries.get(self.memory.name(self.secret)))
            entry.attempts = {time for time in entry.attempts if time < now + SAME and not near(time, {*own, before})}
            known = entry.of(self.secret, self.memory.digest)
            others.attempts = set(known.attempts)
            others.held = {digest: held for digest, held in known.held.items() if held != mine}
            if hold:
                entry.held[self.memory.digest(self.secret)] = hold
            entry.attempts.update(own if attempt is None else {*own, attempt})
            entries[self.memory.name(self.secret)] = entry.as_json()

        await self.memory.write(change)
        return others

    async def take_back(self) -> None:
        """The secret works: nothing is held against it, or its user."""
        if not self.noted:
            return

        def change(entries: Entries) -> None:
            entry = Entry.read(entries.pop(self.memory.name(self.secret), None))
            entry.attempts.clear()
            if entry.held:
                entry.held.pop(self.memory.digest(self.secret), None)
            # Another password of the same user stays held: that one works says nothing for the other.
            if entry.held:
                entries[self.memory.name(self.secret)] = entry.as_json()

        self.noted, self.attempt = False, None
        await self.memory.write(change)


@dataclass(frozen=True, slots=True)
class Held:
    """Until when a secret is held, in Unix seconds, and on which rung of its ladder.

    `ahead` is when it was written, if that was before the attempt that it is for: a success takes it back at once.
    """

    until: float
    rung: int
    ahead: float = 0.0

    def believed(self, now: float) -> float:
        """Until when others wait: while the attempt may be under way, for no longer than that takes."""
        return min(self.until, self.ahead + AGAIN) if now < self.ahead + AGAIN else self.until


@dataclass(slots=True)
class Entry:
    """What the file has of a user: times of attempts in Unix seconds, and its held secrets by their digests."""

    attempts: set[float] = field(default_factory=set)
    held: dict[str, Held] = field(default_factory=dict)

    def of(self, secret: Secret, digest: Callable[[Secret], str]) -> "Entry":
        """The same, with this secret alone of those that are held."""
        name = digest(secret) if self.held else ""
        return Entry(set(self.attempts), {name: self.held[name]} if name in self.held else {})

    @classmethod
    def read(cls, raw: Any) -> "Entry":
        """What of an entry can be believed, whoever wrote it."""
        entry = cls()
        if isinstance(raw, dict):
            times, held = raw.get("attempts"), raw.get("held")
            entry.attempts = {time for time in times if number(time)} if isinstance(times, list) else set()
            for digest, known in held.items() if isinstance(held, dict) else ():
                if isinstance(known, dict) and number(known.get("until")) and number(known.get("rung")):
                    ahead = known["ahead"] if number(known.get("ahead")) else 0.0
                    entry.held[digest] = Held(known["until"], max(1, min(int(known["rung"]), MAX_RUNG)), ahead)
        return entry

    def as_json(self) -> dict[str, Any]:
        """The entry as it is written, with the time when it is of no use any more."""
        attempts = sorted(self.attempts)[-MOST_COUNTED:]
        ends = [*(time + LONGEST for time in attempts), *(held.until + LAST_HOLD for held in self.held.values())]
        held = {
            digest: {"until": known.until, "rung": known.rung, "ahead": known.ahead}
            for digest, known in self.held.items()
        }
        return {"until": max(ends, default=0.0), "attempts": attempts, "held": held}


def restored(state: State, entry: Entry, offset: float, now: float) -> State:
    """The state with what was read; `offset` is the wall clock against the loop's, `now` by the loop's."""
    failure = Failure(Reason.AUTH, "refused, or hardly tried, by another process or before this one", status=401)
    before = {time - offset for time in entry.attempts if abs(time - offset - now) < LONGEST}
    new = {min(time, now) for time in before if not near(time, state.user.times)}
    if new:
        times = tuple(sorted({*new, *state.user.times}))[-MOST_COUNTED:]
        state = state._replace(user=Refusals(times, state.user.failure or failure))
    for held in entry.held.values():
        until = held.believed(now + offset) - offset
        if now - LAST_HOLD < until < now + LONGEST and (state.hold is None or until > state.hold.until + SAME):
            hold = Ladder(state.hold.failure if state.hold else failure, until, held.rung)
            state = state._replace(phase=Phase.HELD, hold=hold, refused_count=max(held.rung, state.refused_count))
    return state


def near(time: float, others: Iterable[float | None]) -> bool:
    """Whether a time is one of others: a wall clock and the loop's do not run quite alike."""
    return any(other is not None and abs(time - other) < SAME for other in others)


def number(value: Any) -> bool:
    """Whether something is a number, as a time is."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < FAR
