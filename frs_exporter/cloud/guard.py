"""Lets uses of a secret begin as the lockout says, and tells it how they end."""

import asyncio
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import structlog

from frs_exporter.cloud.attempt_line import Place
from frs_exporter.cloud.cooldown import as_told
from frs_exporter.cloud.lockout import FRESH, admit, step
from frs_exporter.cloud.lockout_state import (
    AcceptedAgain,
    Deny,
    Effect,
    Event,
    Go,
    Kind,
    Phase,
    Policy,
    Refusals,
    Rejected,
    Rejection,
    State,
    Wait,
    kind_of,
)
from frs_exporter.cloud.memory import SecretMemory
from frs_exporter.cloud.memory_entry import Entry, restored
from frs_exporter.core.errors import ApiError, Failure, Reason
from frs_exporter.core.explanations import advice
from frs_exporter.exposition.telemetry import Telemetry
from frs_exporter.runtime.tasks import uninterrupted

CLOCK_JUMP = 60.0
"""A wall clock set by more seconds than this may be the end of signatures that were good until now."""
GIVEN_UP = Failure(Reason.TIMEOUT, "given up before it was answered")

log = structlog.get_logger()

Replaced = Callable[[], Awaitable[bool]]
"""Looks whether there is another secret by now; it may also put another authorizer, with its own guard, in place."""


async def nothing_new() -> bool:
    """For secrets that nobody replaces."""
    return False


@dataclass(slots=True)
class User:
    """A user's refusals and attempts, whichever of its secrets they are about, and its guards at which somebody is."""

    refusals: Refusals = field(default_factory=Refusals)
    in_flight: int = 0
    waiting: "set[Guard]" = field(default_factory=set)


class Guard:
    """Guards one secret, on a running event loop. Who comes too early gets the failure that stands, or waits."""

    def __init__(
        self, credential: str, policy: Policy, user: User, telemetry: Telemetry, memory: SecretMemory | None = None
    ) -> None:
        self._credential = credential
        self._policy = policy
        self._user = user
        self._telemetry = telemetry
        self._state = State()
        self._clock_offset = 0.0
        self._lines: defaultdict[str, deque[Place]] = defaultdict(deque)
        self._wanted = True
        self._memory = memory
        self._now = asyncio.get_running_loop().time
        self._show()

    @property
    def forgettable(self) -> bool:
        """Whether nothing is known of the secret that could keep it, or its user, from being locked."""
        return self._state.forgettable(self._now(), self._policy)

    @property
    def proven(self) -> bool:
        """Whether the secret was accepted, and nothing has raised a doubt since."""
        return self._state.phase is Phase.PROVEN

    @property
    def fresh(self) -> bool:
        """Whether the secret was accepted of late: so lately that another refusal is about what was asked for."""
        return self.proven and any(self._now() - time <= FRESH for _, time in self._state.accepted)

    @property
    def rejection(self) -> Rejection | None:
        """Why the secret is held, and for how long; None where it is not, or nobody wants it."""
        return self._state.rejection if self._wanted else None

    def retire(self) -> None:
        """Go on for what is under way; of a secret that nobody wants any more nothing is told."""
        self._wanted = False

    def restore(self) -> None:
        """The secret is wanted again, and what stood still stands."""
        self._wanted = True
        self._show()

    def retain(self, endpoints: Collection[str]) -> None:
        """Share among these endpoints only, and those at which somebody is."""
        self._state = self._state.retained(endpoints, self._now())
        self._show()  # a guard of another secret by the same name may have shown itself last

    def retry(self) -> None:
        """Let whoever waits come now; raises ApiError where one refusal more could lock the user."""
        self._ended(Event(Kind.RETRIED))
        self.check("")

    def check(self, project: str, endpoint: str | None = None) -> None:
        """Raise the failure that stands: for the secret, for its use for this project, or at an endpoint."""
        if isinstance(verdict := self._admit(project, endpoint), Deny):
            raise ApiError(as_told(verdict.failure, verdict.seconds))

    @asynccontextmanager
    async def attempt(
        self,
        project: str,
        endpoint: str,
        clock_offset: float = 0.0,
        replaced: Replaced = nothing_new,
        used: Callable[[], Any] = lambda: None,
    ) -> AsyncIterator[Any]:
        """Use the secret, and give what `used` makes of it once nobody has to be waited for; raises ApiError.

        `clock_offset` is in seconds, the wall clock against the loop's. After a refusal `replaced` is asked, and nobody
        goes meanwhile. What was sent is waited for, unless the process stops, though nobody may want the answer any
        more: a secret that is refused was used all the same.
        """
        if self._memory and not self._memory.recalled:
            await self._recall(self._memory)
        if abs(clock_offset - self._clock_offset) > CLOCK_JUMP:
            self._clock_offset = clock_offset
            self._step(Event(Kind.CLOCK_JUMPED))
        ended = partial(Event, project=project, endpoint=endpoint, begun=await self._begun(project, endpoint))
        with uninterrupted():
            if self._memory and not self.proven:
                await self._write_ahead(self._memory, ended(Kind.FAILED))
            try:
                yield used()
            except ApiError as error:
                failure = error.failure
                await self._failed(ended(kind_of(failure), failure=failure), replaced)
                raise ApiError(self._advised(project, endpoint, failure)) from None
            except BaseException:
                # The request may have come to the vendor, and have been refused: so it counts as one without answer.
                self._ended(ended(Kind.UNANSWERED, failure=GIVEN_UP))
                raise
            if effects := self._ended(ended(Kind.ACCEPTED)):
                self._tell(effects)
            await self._remember(Kind.ACCEPTED)

    async def settle(self) -> None:
        """The process ends: what was written down and was no refusal is taken back."""
        if self._memory:
            await self._memory.settle(self._current())

    async def _begun(self, project: str, endpoint: str) -> float:
        """The time when this attempt has begun, which may be after others have ended; raises ApiError."""
        self.check(project, endpoint)
        if isinstance(self._admit(project, endpoint), Go):
            return self._begin(endpoint)
        place = Place(project, self._now(), asyncio.get_running_loop().create_future())
        self._lines[endpoint].append(place)
        self._user.waiting.add(self)
        try:
            return await place.begun
        except asyncio.CancelledError:
            # Let in and given up in the same turn of the loop: nothing was sent, but its place has to be given back.
            if place.begun.done() and not place.begun.cancelled() and not place.begun.exception():
                self._ended(Event(Kind.FAILED, project, endpoint))
            raise
        finally:
            del place  # it may hold an error that holds this frame

    async def _recall(self, memory: SecretMemory) -> None:
        """Learn, once, what other processes have met."""
        async with memory.reading:
            if not memory.recalled:
                self._learn(memory, await memory.recall())

    def _learn(self, memory: SecretMemory, entry: Entry) -> None:
        was_held = self._state.phase is Phase.HELD
        self._state = restored(self._current(), entry, memory.memory.offset(), self._now())
        self._user.refusals = self._state.user
        if self._state.hold and not was_held:
            self._tell([Rejected(self._state.hold.failure, self._state.hold.until - self._now())])

    async def _write_ahead(self, memory: SecretMemory, given_up: Event) -> None:
        """Write an attempt down before it is made; raises ApiError where other processes have left no room for it."""
        try:
            self._learn(memory, await memory.before_attempt(self._current(), self._policy))
            self.check(given_up.project, given_up.endpoint)
        except ApiError:
            self._ended(given_up)
            await memory.note(self._current())
            raise
        except BaseException:
            self._ended(given_up)
            memory.answered = True
            raise

    async def _remember(self, kind: Kind) -> None:
        if self._memory and kind is Kind.ACCEPTED and self._state.phase is Phase.PROVEN:
            await self._memory.take_back()
        elif self._memory and (kind in (Kind.REFUSED, Kind.UNANSWERED) or self._state.phase is Phase.HELD):
            await self._memory.note(self._current())
        elif self._memory:
            self._memory.answered = True

    def _begin(self, endpoint: str) -> float:
        self._step(Event(Kind.BEGUN, endpoint=endpoint))
        return self._now()

    def _let_in(self) -> None:
        """Let go whoever may by now, in the order in which they came, and tell whoever may not any more."""
        for endpoint, line in sorted(self._lines.items(), key=lambda item: item[1][0].since):
            while line:
                if not line[0].begun.done():  # who has given up is gone
                    verdict = self._admit(line[0].project, endpoint)
                    if isinstance(verdict, Wait):
                        break
                    if isinstance(verdict, Go):
                        line[0].begun.set_result(self._begin(endpoint))
                    else:
                        line[0].begun.set_exception(ApiError(as_told(verdict.failure, verdict.seconds)))
                line.popleft()
            if not line:
                del self._lines[endpoint]
        if not self._lines:
            self._user.waiting.discard(self)

    async def _failed(self, event: Event, replaced: Replaced) -> None:
        """An attempt has failed. Where the secret was refused, it may be another one by now."""
        effects, verdict = self._ended(event), Kind.KEPT
        if event.kind is Kind.REFUSED:
            try:
                if await replaced():
                    effects, verdict = (), Kind.REPLACED
                await self._remember(event.kind)  # before anybody hears of it, and may end the process
            finally:
                # However the look for another secret ends, the doubt ends with it: while it lasts, all others wait.
                self._ended(Event(verdict))
        else:
            await self._remember(event.kind)
        self._tell(effects)

    def _advised(self, project: str, endpoint: str, failure: Failure) -> Failure:
        """What to tell who failed: when it may come again, where that is about the secret."""
        verdict = self._admit(project, endpoint)
        if isinstance(verdict, Deny) and kind_of(failure) in (Kind.REFUSED, Kind.UNANSWERED):
            return replace(failure, retry_after=verdict.seconds)
        return failure

    def _admit(self, project: str, endpoint: str | None) -> Go | Wait | Deny:
        return admit(self._current(), self._now(), project, endpoint, self._policy)

    def _current(self) -> State:
        """What is known, with what other secrets of the user have met meanwhile."""
        others = self._user.in_flight - sum(self._state.in_flight.values())
        if self._state.user is not self._user.refusals or self._state.others_in_flight != others:
            self._state = self._state._replace(user=self._user.refusals, others_in_flight=others)
        return self._state

    def _step(self, event: Event) -> tuple[Effect, ...]:
        self._state, effects = step(self._current(), event, self._now(), self._policy)
        self._user.refusals = self._state.user
        self._user.in_flight = self._state.others_in_flight + sum(self._state.in_flight.values())
        return effects

    def _ended(self, event: Event) -> tuple[Effect, ...]:
        effects = self._step(event)
        for guard in tuple(self._user.waiting):
            guard._let_in()
        return effects

    def _tell(self, effects: Collection[Effect]) -> None:
        """Log what is new of the secret, as long as anybody wants it."""
        for effect in effects:
            match effect:
                case Rejected(failure, seconds) if self._wanted:
                    details = {"held_seconds": seconds, **failure.log_fields(), "advice": advice(failure)}
                    log.error("credential rejected", credential=self._credential, **details)
                case AcceptedAgain(refusals):
                    log.info("credential accepted again", credential=self._credential, refusals=refusals)
        self._show()

    def _show(self) -> None:
        if self._wanted:
            self._telemetry.credential_rejected.labels(self._credential).set(self._state.phase is Phase.HELD)
