"""What probes have told outlives the process, in `probes.json` beside the state: none is sent before it is due.

It has an entry for each project and for each endpoint, by what they are called, with times in Unix seconds. Secrets are
not in it.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from frs_exporter.collectors.endpoint_state import EndpointState, Useless
from frs_exporter.collectors.other_sources import HOLDS, MONTH, YEAR, begun
from frs_exporter.collectors.probe_results import ProbeResult, Results
from frs_exporter.core.model import Api, Target
from frs_exporter.core.schedule import JITTER
from frs_exporter.runtime.files import reason_of
from frs_exporter.runtime.offload import run_offloaded
from frs_exporter.runtime.state_file import Entries, StateFile
from frs_exporter.runtime.state_writer import LONGEST_WAIT, StateWriter

PAUSE = 2.0
"""Seconds from one write to the next: of many projects each would be one."""


class ProbesFile(StateFile):
    """A file of its own, so that probes of many projects push no refused secret out."""

    name = "probes.json"


class ProbesOnDisk:
    """Remembers probes in a file beside `state`; `now` is the wall clock in Unix seconds.

    The file is read at first, and again whenever a probe is to be sent: others may have sent it.
    """

    def __init__(self, state: StateFile, now: Callable[[], float]) -> None:
        self._file = ProbesFile(state.directory, now)
        self._writer = StateWriter(self._file, pause=PAUSE)
        self._now = now
        self._reading: asyncio.Task[None] | None = None
        self._entries: Entries = {}

    async def results(self, target: Target, endpoint: EndpointState) -> Results:
        """What is known of the probes that a project wants; what is of its endpoint is noted there."""
        if self._reading is None:
            self._reading = asyncio.create_task(self._read(), name="probes")
        await asyncio.shield(self._reading)
        learn(endpoint, target, self._entries)
        return tuple(result_in(self._entries, target, name, self._now()) for name in target.probes)

    async def claim(self, target: Target, subservice: str) -> ProbeResult | None:
        """What is known of a probe that is to be sent now; None where another has sent it, or found out why not."""
        now, claims = self._now(), list[ProbeResult | None]()

        def change(entries: Entries) -> None:
            endpoint, result = EndpointState(), result_in(entries, target, subservice, now)
            learn(endpoint, target, entries)
            free = result.due <= now and not endpoint.useless_because(subservice, now)
            claims.append(begun(result, target, now) if free else None)
            if claims[-1]:
                put(entries, target, claims[-1], now)
            self._take(target, entries)

        await self._writer.put(change)
        if not claims:  # the disk does not answer
            change(self._entries)
        return claims[-1]

    def note(self, target: Target, result: ProbeResult, endpoint: EndpointState) -> asyncio.Future[None]:
        """Remember this; done when it is on the disk, as far as it can be."""
        now, useless, refused = self._now(), dict(endpoint.useless), set(endpoint.refused)

        def change(entries: Entries) -> None:
            known = EndpointState()
            learn(known, target, entries)
            known.learn(useless, refused)
            put(entries, target, result, now)
            entries[endpoint_name(target)] = {
                "until": now + YEAR,
                "useless": {name: [*it] for name, it in sorted(known.useless.items())},
                "refused": sorted(known.refused),
            }
            self._take(target, entries)

        change(self._entries)
        return self._writer.put(change)

    def _take(self, target: Target, entries: Entries) -> None:
        """Know what these tell of a project and its endpoint."""
        names = (project_name(target), endpoint_name(target))
        self._entries.update({name: entries[name] for name in names if name in entries})

    async def flush(self) -> None:
        """Return when all is on the disk, as far as it can be."""
        await self._writer.flush()

    async def _read(self) -> None:
        try:
            self._entries = await run_offloaded(self._file.read, timeout=LONGEST_WAIT) | self._entries
        except (OSError, TimeoutError) as error:
            self._file.report("state is not read", error=reason_of(error))


def endpoint_name(target: Target) -> str:
    """What the entry of an endpoint is called."""
    return f"{target.region} {target.endpoints[Api.FRS]}"


def project_name(target: Target) -> str:
    """What the entry of a project is called."""
    return f"{target.project_id} {endpoint_name(target)}"


def learn(endpoint: EndpointState, target: Target, entries: Entries) -> None:
    """Note of an endpoint what its entry tells."""
    match entries.get(endpoint_name(target)):
        case {"useless": dict(useless), "refused": list(refused)}:
            endpoint.learn(dict(useless_in(useless)), map(str, refused))


def useless_in(entry: Mapping[str, Any]) -> Iterator[tuple[str, Useless]]:
    """What an entry tells of probes that prove nothing."""
    for name, it in entry.items():
        match it:
            case [str(why), float(until)]:
                yield name, Useless(why, until)


def result_in(entries: Entries, target: Target, subservice: str, now: float) -> ProbeResult:
    """What is known of a probe; where the clock was set back, or the interval is shorter now, no time ahead counts."""
    match entries.get(project_name(target)):
        case {"probes": {**probes}}:
            latest = now + target.probe_interval * (1 + JITTER)
            match probes.get(subservice):
                case [bool() | None as on, str(code), float(at), float(due), int(sent)]:
                    proof = (on, code, at) if at <= now else (None, code, 0.0)
                    return ProbeResult(subservice, *proof, due if due <= latest else 0.0, sent)
    return ProbeResult(subservice)


def put(entries: Entries, target: Target, result: ProbeResult, now: float) -> None:
    """Have entries tell a result; what they tell of other probes of the project stays."""
    entry = entries.get(project_name(target))
    probes = entry.get("probes") if isinstance(entry, dict) else None
    entries[project_name(target)] = {
        "until": now + max(MONTH, (HOLDS + 1) * target.probe_interval),
        "probes": {**(probes if isinstance(probes, dict) else {}), result.subservice: [*result[1:]]},
    }
