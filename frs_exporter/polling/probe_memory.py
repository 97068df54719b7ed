"""What probes have told outlives the process, in `probes.jsonl` beside the state: none is sent before it is due.

Its facts are about a probe of a project, a probe at an endpoint, and the turn of a credential there. Times are in Unix
seconds; secrets are not in it.
"""

import asyncio
import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from frs_exporter.collectors.endpoint_state import GAP, EndpointState, Useless
from frs_exporter.collectors.other_sources import MONTH, YEAR, begun, longest_turn, planned
from frs_exporter.collectors.probe_results import ProbeResult, Results
from frs_exporter.collectors.probes import PROBES
from frs_exporter.core.model import Api, Target
from frs_exporter.runtime.files import reason_of
from frs_exporter.runtime.journal import Journal
from frs_exporter.runtime.offload import run_offloaded
from frs_exporter.runtime.state_writer import LONGEST_WAIT, StateWriter

KEPT = YEAR + MONTH
"""Seconds for which a probe is remembered: for longer than one that has succeeded is not sent."""
NEXT = 0.001
"""How much greater the order of what is newer is where the clock does not say so."""


@dataclass(slots=True)
class Claim:
    """Somebody wants to send a probe; `granted` is what is known of it, None where it must not be sent."""

    target: Target
    subservice: str
    decided: bool = False
    granted: ProbeResult | None = None


class ProbesOnDisk:
    """Remembers probes in a file of a directory, or with None in memory only; `now` is the wall clock in Unix seconds.

    The file is read at first, and again whenever a probe is to be sent: others may have sent it. A disk that has not
    answered after `timeout` seconds is gone on without.
    """

    def __init__(self, directory: Path | None, now: Callable[[], float], *, timeout: float = LONGEST_WAIT) -> None:
        self._journal = Journal(directory, "probes", now)
        self._writer = StateWriter(self._journal, self._decide, timeout=timeout)
        self._now = now
        self._timeout = timeout
        self._reading: asyncio.Task[None] | None = None
        self._claims: deque[Claim] = deque()
        self._turns: dict[str, float] = {}
        """The orders of turns of this process that have not ended."""
        self._looked = -math.inf
        """When the file was looked at."""

    async def results(self, target: Target, endpoint: EndpointState) -> Results:
        """What is known of the probes that a project wants; what is of its endpoint is noted there."""
        if self._reading is None:
            self._reading = asyncio.create_task(self._read(), name="probes")
        await asyncio.shield(self._reading)
        self._learn(endpoint, target)
        return tuple(self._result(target, name) for name in target.probes)

    async def claim(self, target: Target, subservice: str) -> ProbeResult | None:
        """What is known of a probe that is to be sent now; None where it must not be: others may have sent it."""
        looked_lately = self._now() < self._looked + GAP
        if not self._journal.was_read or not self._is_due(target, subservice):
            return None
        if looked_lately and not self._is_turn(target):
            return None
        claim = Claim(target, subservice)
        self._claims.append(claim)
        try:
            await self._writer.write()
        except asyncio.CancelledError:
            claim.decided = True
            raise
        if not claim.decided:  # the disk does not answer
            self._journal.apply(self._decide)
        if claim.granted and not self._may_prove(target, subservice):  # as another has found out meanwhile
            self._end_turn(target)
            return None
        return claim.granted

    def end(self, target: Target, result: ProbeResult, endpoint: EndpointState) -> asyncio.Future[None]:
        """Remember how a claimed probe has ended, and what is so at its endpoint; done when that is on the disk."""
        self._put(target, result)
        self._end_turn(target)
        return self.note(target, endpoint)

    def note(self, target: Target, endpoint: EndpointState) -> asyncio.Future[None]:
        """Remember what is so at a project's endpoint; done when that is on the disk."""
        where = endpoint_name(target)
        for name, useless in endpoint.useless.items():
            self._journal.put(f"useless {name} {where}", useless.until, useless.until, [*useless])
        for name, until in endpoint.refused.items():
            self._journal.put(f"refused {name} {where}", until, until, until)
        return self._writer.write()

    async def flush(self) -> None:
        """Return when all is on the disk, as far as it can be."""
        await self._writer.flush()

    async def _read(self) -> None:
        try:
            await run_offloaded(self._journal.read, timeout=self._timeout)
        except (OSError, TimeoutError) as error:
            self._journal.folder.report("state is not read", error=reason_of(error))

    def _decide(self, _: Journal) -> None:
        """Grant claims, those of probes that may be sent by all that anybody knows."""
        self._looked = self._now()
        while self._claims:
            claim = self._claims.popleft()
            target, name = claim.target, claim.subservice
            if not claim.decided and self._is_due(target, name) and self._is_turn(target):
                result = begun(self._result(target, name), target, self._now())
                if self._put(target, result):
                    self._begin_turn(target)
                    claim.granted = result
            claim.decided = True

    def _is_due(self, target: Target, subservice: str) -> bool:
        """Whether a probe may prove something now."""
        return self._result(target, subservice).due <= self._now() and self._may_prove(target, subservice)

    def _may_prove(self, target: Target, subservice: str) -> bool:
        endpoint = EndpointState()
        self._learn(endpoint, target)
        return not endpoint.useless_because(subservice, self._now())

    def _result(self, target: Target, subservice: str) -> ProbeResult:
        """What is known of a probe; where the clock was set back, nothing was proven in time to come."""
        now, name = self._now(), probe_name(target, subservice)
        match self._journal.get(name):
            case [bool() | None as on, str(code), float(at), float(sent_at), int(sent)]:
                proof = (on, code, at) if at <= now else (None, code, 0.0)
                result = ProbeResult(subservice, *proof, sent_at if sent_at <= now else now, sent)
                if sent_at > now:  # so the next one is an interval away, and no more
                    self._put(target, result)
                return planned(result, target)
        return ProbeResult(subservice)

    def _put(self, target: Target, result: ProbeResult) -> bool:
        """Know this of a probe, unless another that was sent later is known; whether it is known."""
        name = probe_name(target, result.subservice)
        match self._journal.get(name):
            case [*_, int(sent)] if sent > result.sent:
                order = result.sent_at
            case _:
                order = max(result.sent_at, self._journal.order(name) + NEXT)
        return self._journal.put(name, order, self._now() + KEPT, [*result[1:-1]])

    def _is_turn(self, target: Target) -> bool:
        """Whether a project's credential may send one: no other one is under way, or has ended lately."""
        match self._journal.get(turn_name(target)):
            case [float(since), float(seconds)]:
                # As seen by a clock that was set back it is no longer than that either.
                return not since - seconds <= self._now() < since + seconds
        return True

    def _begin_turn(self, target: Target) -> None:
        name, now = turn_name(target), self._now()
        order = self._turns[name] = max(now, self._journal.order(name) + 2 * NEXT)
        self._journal.put(name, order, now + MONTH, [now, longest_turn(target)])

    def _end_turn(self, target: Target) -> None:
        """Only one's own: it may have taken so long that it is another's."""
        name, now = turn_name(target), self._now()
        if name in self._turns:
            self._journal.put(name, self._turns.pop(name) + NEXT, now + MONTH, [now, GAP])

    def _learn(self, endpoint: EndpointState, target: Target) -> None:
        """Note of an endpoint what is known."""
        where = endpoint_name(target)
        for name in PROBES:
            match self._journal.get(f"useless {name} {where}"):
                case [str(why), float(until)]:
                    endpoint.learn({name: Useless(why, until)}, {})
            match self._journal.get(f"refused {name} {where}"):
                case float(until):
                    endpoint.learn({}, {name: until})


def endpoint_name(target: Target) -> str:
    """What an endpoint is called."""
    return f"{target.region} {target.endpoints[Api.FRS]}"


def probe_name(target: Target, subservice: str) -> str:
    """What the fact of a project's probe is called."""
    return f"probe {subservice} {target.project_id} {endpoint_name(target)}"


def turn_name(target: Target) -> str:
    """What the fact of a credential's turn at an endpoint is called."""
    return f"turn {target.credential.name} {endpoint_name(target)}"
