"""What is known of refused secrets outlives the process: a restart loop, or `check` in cron, must not lock a user.

Each user has one entry, under a keyed name. It has the times of attempts that were refused or whose end is not known
yet, as an attempt with a secret that has not worked is written down before it is made; and for each secret that is
held, under a slow digest of it, until when and on which rung. A success takes both back.
"""

import asyncio
import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from frs_exporter.cloud.lockout_state import Policy, State
from frs_exporter.cloud.memory_entry import AGAIN, SAME, Entry, Held, Secret, end_for_any_site, near
from frs_exporter.core.credentials import Credential, KeyCredential, TokenCredential
from frs_exporter.core.site import PUBLIC_SITE
from frs_exporter.runtime.files import reason_of
from frs_exporter.runtime.offload import run_offloaded
from frs_exporter.runtime.state_file import Entries, StateFile
from frs_exporter.runtime.state_writer import LONGEST_WAIT, StateWriter

Change = Callable[[Entries], None]


def secret_of(credential: Credential) -> Secret | None:
    """What a credential's refusals are remembered of; None where the secret is another one after each start."""
    match credential:
        case TokenCredential():
            value = credential.password
        case KeyCredential():
            value = credential.secret_key
        case _:
            return None
    user, anywhere = ((credential.kind, *it.user) for it in (credential, replace(credential, site=PUBLIC_SITE)))
    return Secret(user, value.get_secret_value(), anywhere)


class Memory:
    """The state file of this process and of others, for lockouts; `now` is the wall clock in Unix seconds.

    A file of None remembers nothing.
    """

    def __init__(self, file: StateFile, now: Callable[[], float]) -> None:
        self.writer = StateWriter(file, self._make)
        self._changes: deque[Change] = deque()
        self._file = file
        self._now = now

    def of(self, credential: Credential) -> "SecretMemory | None":
        """What remembers a credential's secret, if anything does."""
        secret = secret_of(credential)
        return SecretMemory(self, secret) if secret and self._file.folder.path else None

    def offset(self) -> float:
        """Seconds to add to the loop's clock for Unix time."""
        return self._now() - asyncio.get_running_loop().time()

    async def change(self, change: Change) -> None:
        """Change the file; return when that is on the disk, as far as it can be."""
        self._changes.append(change)
        await self.writer.write()

    def _make(self, entries: Entries) -> None:
        applied = list[Change]()
        while self._changes:
            applied.append(self._changes.popleft())
            try:
                applied[-1](entries)
            except Exception:  # then no change is made: the next write has the others
                self._changes.extendleft(reversed(applied[:-1]))
                raise

    async def read(self, secret: Secret) -> Entry:
        """The entry of a secret's user, of whose held secrets at most this one is in it; empty where there is none."""

        def look() -> Entry:
            entries = self._file.read()
            entry, older = Entry.read(entries.get(self.name(secret))), self.older(secret, entries)
            known = entry.of(secret, self.digest)
            if end_for_any_site(older) in (0.0, entry.answered):
                return known
            return known.joined(Entry.read(older).of(secret.of_any_site, self.digest))

        try:
            return await run_offloaded(look, timeout=LONGEST_WAIT)
        except (OSError, TimeoutError) as error:
            self._file.folder.report("state is not read", error=reason_of(error))
            return Entry()

    def older(self, secret: Secret, entries: Entries) -> Any:
        """The entry that is about a secret's user if it is about the users of any site; None where that is its own."""
        return None if secret.user == secret.anywhere else entries.get(self.name(secret.of_any_site))

    def digest(self, secret: Secret) -> str:
        """What tells a secret from others; takes 40 ms of CPU the first time."""
        return self._file.digest(*secret.user, secret.value)

    def name(self, secret: Secret) -> str:
        """What a user's entry is called."""
        return self._file.identifier(*secret.user)


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
    held: Held | None = None
    recalled: bool = False
    reading: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def recall(self) -> Entry:
        """What is known of the secret and its user."""
        entry = await self.memory.read(self.secret)
        self.noted, self.recalled = bool(entry.attempts or entry.held), True
        return entry

    async def before_attempt(self, state: State, policy: Policy) -> Entry:
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

    async def _note(self, state: State, attempt: float | None, hold: Held | None) -> Entry:
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

        await self.memory.change(change)
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
            entry.answered = end_for_any_site(self.memory.older(self.secret, entries))
            # Another password of the same user stays held: that one works says nothing for the other.
            if entry.held or entry.answered:
                entries[self.memory.name(self.secret)] = entry.as_json()

        self.noted, self.attempt = False, None
        await self.memory.change(change)
