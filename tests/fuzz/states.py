"""Any file in the place of what is kept between two starts: nothing fails for it, and what is good in it is kept."""

import asyncio
import json
import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from frs_exporter.cloud.lockout_state import LAST_HOLD, MOST_COUNTED, State
from frs_exporter.cloud.memory_entry import LONGEST, Entry, restored
from frs_exporter.collectors import COLLECTORS, ApiClient, EndpointStates
from frs_exporter.core.errors import NO_SUCH_API, ApiError, Failure, Reason
from frs_exporter.core.model import Api
from frs_exporter.polling.probe_memory import ProbesOnDisk
from frs_exporter.runtime.facts import encoded, parsed
from frs_exporter.runtime.journal import HEAD, Journal
from frs_exporter.runtime.state_file import FAR, KEY, MAX_DEPTH, StateFile
from tests.cloud.test_memory import guard, use
from tests.conftest import EPOCH, loop_time, run_virtual, virtual_now
from tests.fuzz.answers import TARGET, check_page, check_samples
from tests.fuzz.inputs import in_memory

OURS = {"ours": {"until": EPOCH + 3600.0, "attempts": [EPOCH]}}
"""What is written beside what was found."""
UNSURE = 400
"""Brackets from which on it depends on the caller's own depth whether JSON can be read."""
PROBING = replace(TARGET, probes=("compare", "live_detect_face", "live_detect"))
ABSENT = Failure(Reason.ABSENT, "no such API", status=404, code=NO_SUCH_API, api=Api.FRS, sent=True)
REFUSED = Failure(Reason.CLIENT, "no face", status=400, code="FRS.0501", api=Api.FRS, sent=True)
LONGEST_NOTE = 300


def check_state(data: bytes) -> None:
    """What must hold of any bytes as the state file."""
    with in_memory() as folder:
        (folder / "state.json").write_bytes(data)
        file = StateFile(folder, lambda: EPOCH)
        entries = file.read()
        if data.count(b"[") + data.count(b"{") < UNSURE:
            assert written(entries) == written(good_entries(data))
        file.update(lambda known: known.update(OURS))
        assert not file.unsaved
        again = StateFile(folder, lambda: EPOCH)
        assert written(again.read()) == written({**entries, **OURS}), "what was read is written"
        assert not again.folder.problems
        for entry in entries.values():
            check_entry(entry)
        (folder / "state.json").write_bytes(data)
        run_virtual(check_secret(folder))


def written(entries: Mapping[str, Any]) -> str:
    """Entries as they can be compared: NaN is like itself."""
    return json.dumps(entries, sort_keys=True)


def good_entries(data: bytes) -> dict[str, Any]:
    """The entries that a file of these bytes has for its readers."""
    try:
        document = json.loads(data)
    except ValueError:
        return {}
    match document:
        case {"version": 1, "key": str(key), "entries": dict(entries)} if KEY.fullmatch(key):
            return {name: entry for name, entry in entries.items() if is_good(entry)}
    return {}


def is_good(entry: Any) -> bool:
    """Whether an entry has an end to come, and can be copied."""
    end = entry.get("until") if isinstance(entry, dict) else None
    return isinstance(end, int | float) and EPOCH < end < FAR and depth_of(entry) <= MAX_DEPTH


def depth_of(value: Any) -> int:
    """In how many levels something is nested."""
    pending, depth = [value], -1
    while pending:
        depth += 1
        inner = [each.values() if isinstance(each, dict) else each for each in pending if isinstance(each, dict | list)]
        pending = [each for several in inner for each in several]
    return depth


def check_entry(raw: Any) -> None:
    """What is believed of an entry is written as it was read, and no time in it is endless."""
    entry = Entry.read(raw)
    again = Entry.read(json.loads(json.dumps(entry.as_json(), allow_nan=False)))
    assert again.attempts == set(sorted(entry.attempts)[-MOST_COUNTED:])
    assert (again.held, again.answered) == (entry.held, entry.answered)
    state = restored(State(), entry, EPOCH, 0.0)
    assert all(math.isfinite(time) and time <= 0.0 for time in state.user.times)
    assert state.hold is None or state.hold.until < LONGEST


async def check_secret(folder: Path) -> None:
    """Whatever is held against a secret that is right, it is used within hours, and nothing is held from then on."""
    while (failure := await use(guard(folder), None)) and loop_time() < 3 * LAST_HOLD:
        assert failure.reason is Reason.AUTH
        assert failure.retry_after
        assert 0.0 < failure.retry_after < LONGEST
        await asyncio.sleep(failure.retry_after)
    assert failure is None
    assert await use(guard(folder), None) is None


def check_probes(data: bytes) -> None:
    """What must hold of any bytes as the file of what probes have told."""
    with in_memory() as folder:
        file = folder / "probes.jsonl"
        file.write_bytes(data)
        journal = Journal(folder, "probes", lambda: EPOCH)
        journal.read()
        readable = not data or bool(HEAD.match(data))
        assert journal.was_read is readable
        journal.update(put_ours)
        if not readable:
            assert file.read_bytes() == data, "it may be of a newer version"
        else:
            assert not journal.unsaved
            check_facts(data, folder)
            file.write_bytes(data)
        run_virtual(check_results(folder))


def put_ours(journal: Journal) -> None:
    """Another fact beside what was found."""
    journal.put("ours", EPOCH, EPOCH + 1.0, 1)


def check_facts(data: bytes, folder: Path) -> None:
    """Each line that tells a fact is known, whatever stands beside it, unless there is a newer one of its name."""
    again = Journal(folder, "probes", lambda: EPOCH)
    again.read()
    for line in data.split(b"\n")[1:-1]:
        if told := parsed(line):
            name, fact = told
            assert parsed(encoded({name: fact}).rstrip(b"\n")) == told
            assert fact.until <= EPOCH or again.order(name) >= fact.order
    assert again.get("ours") is not None


async def check_results(folder: Path) -> None:
    """A poll that looks at probes makes a proper page of what is there, and what it leaves there does so, too."""

    async def get(api: Api, path: str, body: Any = None) -> Any:
        if path.endswith("/face-sets"):
            return {"face_sets_info": []}
        raise ApiError(ABSENT if path.endswith("/subscribe") else REFUSED)

    for _ in range(2):
        memory = ProbesOnDisk(folder, virtual_now)
        client = ApiClient(get, get, virtual_now, EndpointStates(loop_time), memory)
        result = await COLLECTORS["subscription"].collect(client, PROBING, None)
        check_samples(result.samples)
        check_page(PROBING, result.samples)
        for note in result.warnings:
            assert note.text.en.isprintable()
            assert len(note.text.en) < LONGEST_NOTE
        for known in await memory.results(PROBING, client.endpoint_states.of(PROBING)):
            assert all(math.isfinite(time) for time in (known.at, known.sent_at, known.due))
            assert max(known.at, known.sent_at) <= virtual_now()
        await memory.flush()
