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
from frs_exporter.collectors.other_sources import HOLDS, MONTH, YEAR, begun
from frs_exporter.collectors.probe_results import ProbeResult, Results
from frs_exporter.collectors.probes import PROBES
from frs_exporter.core.model import Api, Target
from frs_exporter.core.schedule import JITTER
from frs_exporter.runtime.files import reason_of
from frs_exporter.runtime.journal import Journal
from frs_exporter.runtime.offload import run_offloaded
from frs_exporter.runtime.state_writer import LONGEST_WAIT, StateWriter

REQUESTS = 4
"""Of a probe, with those for a token and those again: so many times the limit of one it is under way, at most."""


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
        if not self._is_due(target, subservice) or (looked_lately and not self._is_turn(target)):
            return None
        claim = Claim(target, subservice)
        self._claims.append(claim)
        await self._writer.write()
        if not claim.decided:  # the disk does not answer
            self._journal.apply(self._decide)
        return claim.granted

    def note(self, target: Target, result: ProbeResult, endpoint: EndpointState) -> asyncio.Future[None]:
        """Remember how a probe has ended, and what is so at its endpoint; done when that is on the disk."""
        now, where = self._now(), endpoint_name(target)
        self._put(target, result, ended=True)
        for name, useless in endpoint.useless.items():
            self._journal.put(f"useless {name} {where}", [useless.until], useless.until, [*useless])
        for name in endpoint.refused:
            self._journal.put(f"refused {name} {where}", [1], now + YEAR, True)
        turn, _ = self._turn(target)
        self._journal.put(turn_name(target), [turn, 1], now + MONTH, [turn, now + GAP])
        return self._writer.write()

    async def flush(self) -> None:
        """Return when all is on the disk, as far as it can be."""
        await self._writer.flush()

    async def _read(self) -> None:
        try:
            await run_offloaded(self._journal.read, timeout=self._timeout)
        except (OSError, TimeoutError) as error:
            self._journal.report("state is not read", error=reason_of(error))

    def _decide(self, journal: Journal) -> None:
        """Grant claims, those of probes that may be sent by all that anybody knows."""
        self._looked = self._now()
        while self._claims:
            claim = self._claims.popleft()
            target, name, now = claim.target, claim.subservice, self._now()
            result = begun(self._result(target, name), target, now)
            may_be_sent = self._is_due(target, name) and self._is_turn(target)
            if may_be_sent and self._put(target, result, ended=False):
                claim.granted = result
                turn = self._turn(target)[0] + 1
                journal.put(turn_name(target), [turn, 0], now + MONTH, [turn, now + REQUESTS * target.poll_timeout])
            claim.decided = True

    def _is_due(self, target: Target, subservice: str) -> bool:
        """Whether a probe may prove something now."""
        now, endpoint = self._now(), EndpointState()
        self._learn(endpoint, target)
        return self._result(target, subservice).due <= now and not endpoint.useless_because(subservice, now)

    def _is_turn(self, target: Target) -> bool:
        """Whether a project's credential may send one."""
        return self._turn(target)[1] <= self._now()

    def _put(self, target: Target, result: ProbeResult, *, ended: bool) -> bool:
        """Know this of a probe, if it is newer: each than the one before it, and its end than its begin."""
        until = self._now() + max(MONTH, (HOLDS + 1) * target.probe_interval)
        return self._journal.put(probe_name(target, result.subservice), [result.sent, ended], until, [*result[1:]])

    def _result(self, target: Target, subservice: str) -> ProbeResult:
        """What is known of a probe.

        Where the clock was set back, or the interval is shorter now, nothing was proven in time to come, and no probe
        is due later than an interval from now.
        """
        now = self._now()
        match self._journal.get(probe_name(target, subservice)):
            case [bool() | None as on, str(code), float(at), float(due), int(sent)]:
                proof = (on, code, at) if at <= now else (None, code, 0.0)
                latest = now + target.probe_interval * (1 + JITTER)
                return ProbeResult(subservice, *proof, due if due <= latest else 0.0, sent)
        return ProbeResult(subservice)

    def _turn(self, target: Target) -> tuple[int, float]:
        """How many probes a credential has sent at an endpoint, and when the next one may be."""
        match self._journal.get(turn_name(target)):
            case [int(number), float(turn)]:
                # The clock may have been set back since.
                latest = self._now() + max(GAP, REQUESTS * target.poll_timeout)
                return number, turn if turn <= latest else 0.0
        return 0, 0.0

    def _learn(self, endpoint: EndpointState, target: Target) -> None:
        """Note of an endpoint what is known."""
        where = endpoint_name(target)
        for name in PROBES:
            match self._journal.get(f"useless {name} {where}"):
                case [str(why), float(until)]:
                    endpoint.learn({name: Useless(why, until)}, ())
            if self._journal.get(f"refused {name} {where}"):
                endpoint.learn({}, (name,))


def endpoint_name(target: Target) -> str:
    """What an endpoint is called."""
    return f"{target.region} {target.endpoints[Api.FRS]}"


def probe_name(target: Target, subservice: str) -> str:
    """What the fact of a project's probe is called."""
    return f"probe {subservice} {target.project_id} {endpoint_name(target)}"


def turn_name(target: Target) -> str:
    """What the fact of a credential's turn at an endpoint is called."""
    return f"turn {target.credential.name} {endpoint_name(target)}"
