"""What probes have told outlives the process, in `probes.jsonl` beside the state: none is sent before it is due.

Its facts are about a probe of a project, a probe at an endpoint, and the turn of a credential there. Times are in Unix
seconds; secrets are not in it.
"""

import asyncio
import math
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from frs_exporter.collectors.collector import is_number, label_value
from frs_exporter.collectors.endpoint_state import GAP, EndpointState
from frs_exporter.collectors.other_sources import (
    BILLED,
    LONGEST_TURN,
    MONTH,
    SUSPECT,
    begun,
    longest_turn,
    may_tell,
    planned,
)
from frs_exporter.collectors.probe_results import ProbeResult, Results
from frs_exporter.collectors.probes import PROBES
from frs_exporter.core.model import Api, Target
from frs_exporter.runtime.files import reason_of
from frs_exporter.runtime.journal import Journal
from frs_exporter.runtime.offload import run_offloaded
from frs_exporter.runtime.state_writer import LONGEST_WAIT, StateWriter
from frs_exporter.runtime.tasks import uninterrupted

KEPT = 13 * MONTH
"""Seconds for which a probe is remembered."""
ALWAYS = 9e10
"""In Unix seconds: what is known until then, the year 4821, does not end, by whichever clock."""
NEXT = 0.001
"""How much greater the order of what is newer is where the clock does not say so."""


@dataclass(slots=True)
class Claim:
    """Somebody wants to send a probe; `granted` is what is known of it, None where it must not be sent.

    `before` is what was known of it, and `order` that of the fact that it is its credential's turn.
    """

    target: Target
    subservice: str
    verify: bool
    decided: bool = False
    granted: ProbeResult | None = None
    before: ProbeResult | None = None
    order: float = 0.0


class ProbesOnDisk:
    """Remembers probes in a file of a directory, or with None in memory only; `now` is the wall clock in Unix seconds.

    The file is read at first, and again whenever a probe is to be sent: others may have sent it. A disk that has not
    answered after `timeout` seconds is gone on without. What cannot be remembered is not sent.
    """

    def __init__(self, directory: Path | None, now: Callable[[], float], *, timeout: float = LONGEST_WAIT) -> None:
        self._journal = Journal(directory, "probes", now)
        self._writer = StateWriter(self._journal, self._decide, timeout=timeout)
        self._now = now
        self._timeout = timeout
        self._reading: asyncio.Task[None] | None = None
        self._claims: deque[Claim] = deque()
        self._granted: dict[str, Claim] = {}
        """Those that are under way, by the names of their probes."""
        self._tried = False
        """Whether the file was to be read once: from then on nobody waits for it."""
        self._looked = -math.inf
        """When the file was looked at."""

    async def results(self, target: Target, endpoint: EndpointState) -> Results:
        """What is known of the probes that a project wants; what is of its endpoint is noted there."""
        if not self._journal.was_read:
            if self._reading is None or self._reading.done():
                self._reading = asyncio.create_task(self._read(), name="probes")
            if not self._tried:
                await asyncio.shield(self._reading)
        self._learn(endpoint, target)
        unsaved = self._journal.unsaved
        results = tuple(self._result(target, name) for name in target.probes)
        if self._journal.unsaved and not unsaved:  # a clock was set back
            self._writer.write()
        return results

    @property
    def problem(self) -> str:
        """Why it cannot be remembered that a probe is sent, so that none is; empty where it can."""
        if self._journal.was_read and not self._writer.failed:
            return ""
        return next(reversed([*self.problems.values()]), "it was not read yet")

    @property
    def problems(self) -> Mapping[str, str]:
        """What was logged of the file, by event."""
        return self._journal.folder.problems

    async def claim(self, target: Target, subservice: str, *, verify: bool = False) -> ProbeResult | None:
        """What is known of a probe that is to be sent now; None where it must not be: others may have sent it."""
        looked_lately = self._now() < self._looked + GAP
        if not self._journal.was_read or self._writer.failed or not self._is_due(target, subservice, verify):
            return None
        if looked_lately and not self._is_turn(target):
            return None
        claim = Claim(target, subservice, verify)
        self._claims.append(claim)
        saved = False
        try:
            await self._writer.write()
            saved = self._journal.is_saved(probe_name(target, subservice))
        finally:
            # The disk may not have answered: whoever decides later has nothing to grant.
            self._journal.apply(lambda _: setattr(claim, "decided", True))
            # Another may have found out meanwhile that it proves nothing.
            if claim.granted and not (saved and self._may_tell(target, subservice, verify)):
                self.take_back(target, claim.granted)
                claim.granted = None
        return claim.granted

    def uninterrupted(self) -> AbstractContextManager[None]:
        """What is done in here is finished, though nobody may want the poll any more."""
        return uninterrupted()

    def take_back(self, target: Target, claimed: ProbeResult) -> None:
        """Remember that a claimed probe was not sent after all."""
        name = probe_name(target, claimed.subservice)
        claim, known = self._granted.pop(name, None), self._result(target, claimed.subservice)
        if claim and claim.before and known.sent == claimed.sent:
            self._journal.put(name, self._journal.order(name) + NEXT, self._now() + KEPT, as_fact(claim.before))
        self._end_turn(target, claim)
        self._writer.write()

    def end(self, target: Target, result: ProbeResult, endpoint: EndpointState) -> asyncio.Future[None]:
        """Remember how a claimed probe has ended, and what is so at its endpoint; done when that is on the disk."""
        self._put(target, result)
        fact = f"useless {result.subservice} {endpoint_name(target)}"
        if self._journal.get(fact) == SUSPECT and result.subservice not in endpoint.useless:
            self._journal.put(fact, self._journal.order(fact) + NEXT, ALWAYS, None)
        self._end_turn(target, self._granted.pop(probe_name(target, result.subservice), None))
        return self.note(target, endpoint)

    def note(self, target: Target, endpoint: EndpointState) -> asyncio.Future[None]:
        """Remember what is so at a project's endpoint; done when that is on the disk."""
        where = endpoint_name(target)
        for name, why in endpoint.useless.items():
            fact = f"useless {name} {where}"
            if self._journal.get(fact) not in (why, BILLED):
                self._journal.put(fact, self._journal.order(fact) + NEXT, ALWAYS, why)
        for name, until in endpoint.refused.items():
            self._journal.put(f"refused {name} {where}", until, until, until)
        return self._writer.write()

    async def flush(self) -> None:
        """Return when all is on the disk, as far as it can be, though the file was deleted."""
        if not self._journal.is_empty:
            self._writer.write()
        await self._writer.flush()

    async def _read(self) -> None:
        try:
            await run_offloaded(self._journal.read, timeout=self._timeout)
        except Exception as error:
            self._journal.folder.report("state is not read", error=reason_of(error))
        self._tried = True

    def _decide(self, _: Journal) -> None:
        """Grant claims, those of probes that may be sent by all that anybody knows."""
        self._looked = self._now()
        while self._claims:
            claim = self._claims.popleft()
            target, name = claim.target, claim.subservice
            if not claim.decided and self._is_due(target, name, claim.verify) and self._is_turn(target):
                claim.before = self._result(target, name)
                result = begun(claim.before, target, self._now())
                if self._put(target, result):
                    claim.granted, claim.order = result, self._begin_turn(target)
                    self._granted[probe_name(target, name)] = claim
            claim.decided = True

    def _is_due(self, target: Target, subservice: str, verify: bool) -> bool:
        """Whether a probe may tell something now."""
        return self._result(target, subservice).due <= self._now() and self._may_tell(target, subservice, verify)

    def _may_tell(self, target: Target, subservice: str, verify: bool) -> bool:
        endpoint = EndpointState()
        self._learn(endpoint, target)
        return may_tell(endpoint, subservice, verify=verify)

    def _result(self, target: Target, subservice: str) -> ProbeResult:
        """What is known of a probe; where the clock was set back, nothing was proven in time to come."""
        now, name = self._now(), probe_name(target, subservice)
        match self._journal.get(name):
            case [bool() | None as on, str(code), float(at), float(sent_at), int(sent)] if is_number(sent):
                code = label_value(code)  # whoever has written it, people are to read it
                proof = (on, code, at) if at <= now else (None, code, 0.0)
                result = ProbeResult(subservice, *proof, sent_at if sent_at <= now else now, int(sent))
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
        return self._journal.put(name, order, self._now() + KEPT, as_fact(result))

    def _is_turn(self, target: Target) -> bool:
        """Whether a project's credential may send one: no other one is under way, or has ended lately."""
        match self._journal.get(turn_name(target)):
            case [float(since), float(seconds)]:
                seconds = min(seconds, LONGEST_TURN)
                # As seen by a clock that was set back it is no longer than that either.
                return not since - seconds <= self._now() < since + seconds
        return True

    def _begin_turn(self, target: Target) -> float:
        """Its order."""
        name, now = turn_name(target), self._now()
        order = max(now, self._journal.order(name) + 2 * NEXT)
        self._journal.put(name, order, now + MONTH, [now, longest_turn(target)])
        return order

    def _end_turn(self, target: Target, claim: Claim | None) -> None:
        """Only that of a claim: it may have taken so long that it is another's by now, whose order is greater."""
        now = self._now()
        if claim:
            self._journal.put(turn_name(target), claim.order + NEXT, now + MONTH, [now, GAP])

    def _learn(self, endpoint: EndpointState, target: Target) -> None:
        """Note of an endpoint what is known."""
        where = endpoint_name(target)
        useless = {name: self._journal.get(f"useless {name} {where}") for name in PROBES}
        refused = {name: self._journal.get(f"refused {name} {where}") for name in PROBES}
        endpoint.learn(
            {name: label_value(why) for name, why in useless.items() if isinstance(why, str)},
            {name: until for name, until in refused.items() if isinstance(until, float)},
        )


def as_fact(result: ProbeResult) -> list[Any]:
    """What is remembered of a probe, under its name: all but when the next one is due."""
    return [*result[1:-1]]


def endpoint_name(target: Target) -> str:
    """What an endpoint is called."""
    return f"{target.region} {target.endpoints[Api.FRS]}"


def probe_name(target: Target, subservice: str) -> str:
    """What the fact of a project's probe is called."""
    return f"probe {subservice} {target.project_id} {endpoint_name(target)}"


def turn_name(target: Target) -> str:
    """What the fact of a credential's turn at an endpoint is called."""
    return f"turn {target.credential.name} {endpoint_name(target)}"
