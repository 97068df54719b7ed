"""What probes have told is on the disk before it is needed, and what is there is believed no more than it can be."""

import asyncio
import json
import math
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from frs_exporter.cloud.cooldown import as_told
from frs_exporter.collectors import ApiClient, EndpointStates
from frs_exporter.collectors.endpoint_state import GAP, EndpointState
from frs_exporter.collectors.other_sources import BILLED, longest_turn, planned, probed, sent
from frs_exporter.collectors.probe_results import ProbeResult
from frs_exporter.core.errors import ApiError, Failure, Reason
from frs_exporter.core.model import Api, Target
from frs_exporter.polling.probe_memory import ProbesOnDisk, probe_name
from frs_exporter.runtime.private_folder import locked_folder
from frs_exporter.runtime.state_writer import LONGEST_WAIT
from frs_exporter.runtime.tasks import interrupt
from tests.conftest import run_virtual, virtual_now

NOW = 1_800_000_000.0
FAILED = Failure(Reason.SERVER, "no", api=Api.FRS, sent=True)
YEAR = 365 * 86400.0


@pytest.fixture
def probing(target: Target) -> Target:
    """A project that wants probes."""
    return replace(target, probes=("compare", "live_detect"))


def memory(folder: Path | None) -> ProbesOnDisk:
    """As each process has one."""
    return ProbesOnDisk(folder, virtual_now)


async def ready(folder: Path | None, target: Target) -> ProbesOnDisk:
    """One that knows what is on the disk."""
    kept = memory(folder)
    await kept.results(target, EndpointState())
    return kept


def facts(folder: Path) -> dict[str, Any]:
    """The values of what is on the disk."""
    lines = [json.loads(line) for line in (folder / "probes.jsonl").read_text().splitlines()[1:]]
    return {line["name"]: line["value"] for line in sorted(lines, key=lambda line: line["order"])}


async def claimed(kept: ProbesOnDisk, target: Target, subservice: str) -> ProbeResult:
    """What is known of a probe that may be sent, and has ended then."""
    result = await kept.claim(target, subservice)
    assert result
    await kept.end(target, result, EndpointState())
    return result


def test_that_a_probe_is_sent_is_on_the_disk_before_it_is(tmp_path: Path, target: Target) -> None:
    wanted, seen = replace(target, probes=("compare",)), list[Any]()

    async def answer(api: Api, path: str, body: Any = None) -> Any:
        seen.append(facts(tmp_path))
        raise ApiError(FAILED)

    async def main() -> None:
        clock = asyncio.get_running_loop().time
        client = ApiClient(answer, answer, virtual_now, EndpointStates(clock), memory(tmp_path))
        (known,) = await probed(client, wanted, EndpointState())
        assert seen[0][probe_name(wanted, "compare")][-1] == 1
        assert await memory(tmp_path).results(wanted, EndpointState()) == (known,)
        assert (known.sent, known.due > virtual_now() + 0.9 * wanted.probe_interval) == (1, True)

    run_virtual(main())


def test_what_is_known_of_an_endpoint_is_noted_there(tmp_path: Path, probing: Target) -> None:
    async def main() -> None:
        until = virtual_now() + 1e6
        found = EndpointState(useless={"compare": BILLED}, refused={"live_detect": until})
        first, second = memory(tmp_path), memory(tmp_path)
        await second.results(probing, EndpointState())
        await first.note(probing, found)
        await second.note(probing, EndpointState(refused={"compare": until}))
        for each in (second, memory(tmp_path)):
            after = EndpointState()
            await each.results(probing, after)
            assert after.useless == {"compare": BILLED}
            assert after.refused == {"compare": until, "live_detect": until}

    run_virtual(main())


def test_of_all_who_share_a_folder_one_sends_a_probe(tmp_path: Path, probing: Target) -> None:
    async def main() -> None:
        first, second = await ready(tmp_path, probing), await ready(tmp_path, probing)
        granted = await claimed(first, probing, "compare")
        assert granted.sent == 1
        await asyncio.sleep(2 * GAP)
        assert await second.claim(probing, "compare") is None
        assert (await second.results(probing, EndpointState()))[0] == granted, "and knows why"
        await first.note(probing, EndpointState(useless={"live_detect": BILLED}))
        await asyncio.sleep(2 * GAP)
        assert await second.claim(probing, "live_detect") is None

    run_virtual(main())


def test_a_credential_has_one_turn_at_a_time_whoever_uses_it(tmp_path: Path, probing: Target) -> None:
    """For the vendor it does not matter how many processes a user has, nor whose project it is."""
    other = replace(probing, project_id="f" * 32, credential=replace(probing.credential, name="other"))

    async def main() -> None:
        first, second = await ready(tmp_path, probing), await ready(tmp_path, probing)
        result = await first.claim(probing, "compare")
        assert result
        for each in (first, second):
            assert await each.claim(probing, "live_detect") is None, "one is under way"
        assert await second.claim(other, "live_detect"), "this is no matter of another credential"
        await first.end(probing, result, EndpointState())
        await asyncio.sleep(0.9 * GAP)
        for each in (first, second):
            assert await each.claim(probing, "live_detect") is None
        await asyncio.sleep(0.2 * GAP)
        assert await second.claim(probing, "live_detect")
        await asyncio.sleep(0.9 * longest_turn(probing))
        assert await first.claim(replace(probing, project_id="e" * 32), "compare") is None
        await asyncio.sleep(0.2 * longest_turn(probing))
        assert await first.claim(replace(probing, project_id="e" * 32), "compare"), (
            "a process that has ended sends none"
        )

    run_virtual(main())


def test_a_turn_is_waited_for_no_longer_than_it_can_take(tmp_path: Path, probing: Target) -> None:
    async def main() -> None:
        ahead = ProbesOnDisk(tmp_path, lambda: virtual_now() + 9e6)
        await ahead.results(probing, EndpointState())
        assert await ahead.claim(replace(probing, project_id="e" * 32), "compare")
        kept = await ready(tmp_path, probing)
        assert await kept.claim(probing, "compare"), "the clock was set back"

    run_virtual(main())


def test_what_is_not_wanted_for_a_while_is_not_forgotten(tmp_path: Path, probing: Target) -> None:
    async def main() -> None:
        kept = await ready(tmp_path, probing)
        await claimed(kept, probing, "live_detect")
        await asyncio.sleep(2 * GAP)
        await claimed(kept, replace(probing, probes=("compare",)), "compare")
        assert [result.sent for result in await memory(tmp_path).results(probing, EndpointState())] == [1, 1]

    run_virtual(main())


def test_a_process_remembers_without_a_disk(probing: Target) -> None:
    """Where no folder is wanted."""

    async def main() -> None:
        kept = memory(None)
        await kept.results(probing, EndpointState())
        granted = await kept.claim(probing, "compare")
        assert granted
        assert await kept.claim(probing, "compare") is None
        result = granted._replace(on=True, code="FRS.0501", at=virtual_now())
        await kept.end(probing, result, EndpointState())
        assert (await kept.results(probing, EndpointState()))[0] == result

    run_virtual(main())


def test_a_disk_that_hangs_makes_nothing_be_sent_twice_or_forgotten(tmp_path: Path, probing: Target) -> None:
    """Whoever holds the lock does what a hanging disk does: it lets nobody on, and comes to life at some time."""

    async def main() -> None:
        def now() -> float:
            return NOW

        begin = ProbesOnDisk(tmp_path, now)
        await begin.results(probing, EndpointState())
        await claimed(begin, probing, "compare")
        kept = ProbesOnDisk(tmp_path, lambda: NOW + 1e5, timeout=0.05)
        await kept.results(probing, EndpointState())
        billed = EndpointState(useless={"live_detect": BILLED})
        with locked_folder(tmp_path, "probes.lock"):
            for _ in range(2):
                assert await kept.claim(probing, "compare") is None, "what cannot be remembered is not sent"
            assert bool(kept.problem) is True
            await kept.note(probing, billed)
        await kept.flush()
        assert bool(kept.problem) is False
        for each in (kept, ProbesOnDisk(tmp_path, lambda: NOW + 1e5)):
            endpoint = EndpointState()
            assert (await each.results(probing, endpoint))[0].sent == 1
            assert endpoint.useless == billed.useless
            assert await each.claim(probing, "live_detect") is None
        assert await kept.claim(probing, "compare")

    asyncio.run(main())


def test_what_is_older_on_the_disk_takes_the_place_of_nothing(tmp_path: Path, probing: Target) -> None:
    """As a process that has hung for long writes what it knew before."""

    async def main() -> None:
        kept = await ready(tmp_path, probing)
        await claimed(kept, probing, "compare")
        older = (tmp_path / "probes.jsonl").read_bytes().splitlines(keepends=True)[1:]
        await asyncio.sleep(2 * probing.probe_interval)
        newer = await claimed(kept, probing, "compare")
        assert newer.sent == 2
        with (tmp_path / "probes.jsonl").open("ab") as file:
            file.writelines(older)
        for each in (kept, memory(tmp_path)):
            await each.note(probing, EndpointState())
            assert (await each.results(probing, EndpointState()))[0] == newer

    run_virtual(main())


def test_what_nobody_can_read_is_replaced_by_what_is_sent(tmp_path: Path, probing: Target) -> None:
    """However new it says it is: else each poll would send a probe that cannot be remembered."""

    async def main() -> None:
        await claimed(await ready(tmp_path, probing), probing, "compare")
        await asyncio.sleep(2 * GAP)
        line = {"name": probe_name(probing, "live_detect"), "order": 9e9, "until": 9e10, "value": "of version 7"}
        with (tmp_path / "probes.jsonl").open("a") as file:
            file.write(json.dumps(line) + "\n")
        sent = await claimed(await ready(tmp_path, probing), probing, "live_detect")
        assert (await (await ready(tmp_path, probing)).results(probing, EndpointState()))[1] == sent

    run_virtual(main())


def test_nothing_is_sent_before_it_is_known_what_was(tmp_path: Path, probing: Target) -> None:
    """A disk may hang when the process starts, too."""

    async def main() -> None:
        await claimed(await ready(tmp_path, probing), probing, "compare")
        slow = memory(tmp_path)
        assert await slow.claim(probing, "live_detect") is None
        await slow.results(probing, EndpointState())
        await asyncio.sleep(2 * GAP)
        assert await slow.claim(probing, "live_detect")

    run_virtual(main())


def test_a_folder_that_cannot_be_read_makes_nothing_be_sent_until_it_can(tmp_path: Path, probing: Target) -> None:
    """As one of another user, or that of a server that does not answer."""

    async def main() -> None:
        folder, aside = tmp_path / "state", tmp_path / "aside"
        kept = await ready(folder, probing)
        sent = await claimed(kept, probing, "compare")
        await kept.note(probing, EndpointState(useless={"live_detect": BILLED}))
        folder.rename(aside)
        folder.touch()
        await asyncio.sleep(2 * GAP)
        for _ in range(3):
            new = await ready(folder, probing)
            assert new.problem
            assert [await new.claim(probing, name) for name in probing.probes] == [None, None]
        folder.unlink()
        aside.rename(folder)
        await new.results(probing, EndpointState())
        await asyncio.sleep(1)  # nobody waits for it
        assert (await new.results(probing, EndpointState()))[0] == sent
        assert await new.claim(probing, "live_detect") is None

    run_virtual(main())


def test_a_disk_that_is_full_makes_nothing_be_sent(tmp_path: Path, probing: Target) -> None:
    """A process that is started again and again because of it would send one each time."""

    async def main() -> None:
        (tmp_path / "probes.jsonl.new").mkdir()
        kept = await ready(tmp_path, probing)
        for _ in range(3):
            assert await kept.claim(probing, "compare") is None
            assert (not kept.problem, (await kept.results(probing, EndpointState()))[0].sent) == (False, 0)
            await asyncio.sleep(2 * GAP)
        (tmp_path / "probes.jsonl.new").rmdir()
        await asyncio.sleep(1.1 * LONGEST_WAIT)
        granted = await kept.claim(probing, "compare")
        assert granted
        assert (not kept.problem, granted.sent) == (True, 1)

    run_virtual(main())


@pytest.mark.parametrize("seconds", [-50 * YEAR, -YEAR, YEAR, 10 * YEAR])
@pytest.mark.uncounted
def test_what_was_billed_is_never_sent_again_by_whichever_clock(
    seconds: float, tmp_path: Path, probing: Target
) -> None:
    """Neither of who notes it, nor of who has replaced the file."""

    async def main() -> None:
        wrong = ProbesOnDisk(tmp_path, lambda: virtual_now() + seconds)
        await wrong.results(probing, EndpointState())
        await wrong.note(probing, EndpointState(useless={"compare": BILLED}))
        for number in range(1100):  # so that it is replaced
            await wrong.note(probing, EndpointState(refused={"live_detect": virtual_now() + 1e9 + number}))
        kept = await ready(tmp_path, probing)
        assert await kept.claim(probing, "compare") is None

    run_virtual(main())


def test_a_disk_that_is_full_for_a_moment_forgets_nothing(tmp_path: Path, probing: Target) -> None:
    async def main() -> None:
        kept = await ready(tmp_path, probing)
        (tmp_path / "probes.jsonl.new").mkdir()
        await kept.note(probing, EndpointState(useless={"compare": BILLED}))
        (tmp_path / "probes.jsonl.new").rmdir()
        await asyncio.sleep(1.1 * LONGEST_WAIT)
        assert list(facts(tmp_path).values()) == [BILLED]

    run_virtual(main())


def test_a_poll_that_is_given_up_still_notes_what_its_probe_was_answered(tmp_path: Path, probing: Target) -> None:
    """As when the config is loaded again just then."""
    begun = asyncio.Event()

    async def answer(api: Api, path: str, body: Any = None) -> Any:
        begun.set()
        await asyncio.sleep(2)
        return {}

    async def main() -> None:
        clock = asyncio.get_running_loop().time
        client = ApiClient(answer, answer, virtual_now, EndpointStates(clock), memory(tmp_path))
        poll = asyncio.create_task(probed(client, replace(probing, probes=("compare",)), EndpointState()))
        await begun.wait()
        interrupt(poll)
        await asyncio.wait({poll})
        assert poll.cancelled()
        assert BILLED in facts(tmp_path).values()

    run_virtual(main())


def test_a_note_that_nobody_can_read_hides_none(tmp_path: Path, probing: Target) -> None:
    async def main() -> None:
        kept = await ready(tmp_path, probing)
        await kept.note(probing, EndpointState(useless={"live_detect": BILLED}))
        name = next(name for name in facts(tmp_path) if name.startswith("useless"))
        line = {"name": name.replace("live_detect", "compare"), "order": 9e9, "until": 9e10, "value": {"version": 7}}
        with (tmp_path / "probes.jsonl").open("a") as file:
            file.write(json.dumps(line) + "\n")
        kept = await ready(tmp_path, probing)
        await kept.note(probing, EndpointState(useless={"compare": BILLED}))
        endpoint = EndpointState()
        await (await ready(tmp_path, probing)).results(probing, endpoint)
        assert endpoint.useless == {"compare": BILLED, "live_detect": BILLED}

    run_virtual(main())


def test_what_was_not_sent_after_all_is_due_at_once(tmp_path: Path, probing: Target) -> None:
    """As where the credential rests, as another request was told to."""
    wanted, told = replace(probing, probes=("compare",)), list[Failure]()

    async def answer(api: Api, path: str, body: Any = None) -> Any:
        raise ApiError(told[0])

    async def main() -> None:
        clock = asyncio.get_running_loop().time
        client = ApiClient(answer, answer, virtual_now, EndpointStates(clock), memory(tmp_path))
        for failure in (as_told(FAILED, 9.0), Failure(Reason.AUTH, "no token", api=Api.IAM, sent=True), FAILED):
            told[:] = [failure]
            await asyncio.sleep(2 * GAP)
            (known,) = await probed(client, wanted, EndpointState())
            assert known.sent == (failure is FAILED)
        assert (await (await ready(tmp_path, wanted)).results(wanted, EndpointState()))[0].sent == 1

    run_virtual(main())


def test_that_a_probe_was_billed_is_on_the_disk_when_the_poll_ends(tmp_path: Path, probing: Target) -> None:
    async def answer(api: Api, path: str, body: Any = None) -> Any:
        return {}

    async def main() -> None:
        clock = asyncio.get_running_loop().time
        client = ApiClient(answer, answer, virtual_now, EndpointStates(clock), memory(tmp_path))
        await probed(client, probing, EndpointState())
        assert list(facts(tmp_path).values()).count(BILLED) == 2

    run_virtual(main())


def test_the_time_for_a_probe_begins_with_its_turn(target: Target) -> None:
    """A slow disk must not put two of them on the way at once."""
    waited = list[float]()

    async def never(api: Api, path: str, body: Any = None) -> Any:
        begun = virtual_now()
        try:
            await asyncio.Event().wait()
        finally:
            waited.append(virtual_now() - begun)

    async def main() -> None:
        client = ApiClient(never, never, virtual_now, EndpointStates(virtual_now), memory(None))
        for late in (0.0, 1.0, 1e6, -1e6):
            claimed = ProbeResult("compare", sent_at=virtual_now() - late, sent=1)
            failure = await sent(client, target, claimed)
            assert failure
            assert (failure.reason, failure.sent) == (Reason.TIMEOUT, True)

    run_virtual(main())
    longest = longest_turn(target)
    assert waited == pytest.approx([longest, longest - 1, 0, longest])


def test_what_was_deleted_is_there_again_when_the_process_ends(tmp_path: Path, probing: Target) -> None:
    async def main() -> None:
        kept = await ready(tmp_path, probing)
        await claimed(kept, probing, "compare")
        (tmp_path / "probes.jsonl").unlink()
        await kept.flush()
        assert (await (await ready(tmp_path, probing)).results(probing, EndpointState()))[0].sent == 1

    run_virtual(main())


def test_of_two_intervals_each_keeps_to_its_own(tmp_path: Path, probing: Target) -> None:
    """From the newest probe on, whoever has sent it."""
    hours = [replace(probing, probe_interval=3600.0 * number) for number in (6, 5)]

    async def main() -> None:
        both = [await ready(tmp_path, probing), await ready(tmp_path, probing)]
        await claimed(both[0], hours[0], "compare")
        await asyncio.sleep(0.94 * 5 * 3600)
        for each, target in zip(both, hours, strict=True):
            assert await each.claim(target, "compare") is None
        await asyncio.sleep(0.12 * 5 * 3600)
        assert await both[0].claim(hours[0], "compare") is None
        assert await both[1].claim(hours[1], "compare")

    run_virtual(main())


def test_a_turn_lasts_as_long_as_its_own_limits_say(tmp_path: Path, probing: Target) -> None:
    slow, quick = replace(probing, poll_timeout=60.0), replace(probing, poll_timeout=5.0, project_id="e" * 32)

    async def main() -> None:
        kept = await ready(tmp_path, probing)
        assert await kept.claim(slow, "compare")
        await asyncio.sleep(0.9 * longest_turn(slow))
        assert await kept.claim(quick, "compare") is None

    run_virtual(main())


def test_a_clock_that_is_set_back_makes_nothing_due(tmp_path: Path, probing: Target) -> None:
    """Nor does it put off a probe by as much as it was ahead."""

    async def main() -> None:
        ahead = ProbesOnDisk(tmp_path, lambda: virtual_now() + 9e6)
        await ahead.results(probing, EndpointState())
        await claimed(ahead, probing, "compare")
        kept = await ready(tmp_path, probing)
        (result, _) = await kept.results(probing, EndpointState())
        assert 0.9 * probing.probe_interval < result.due - virtual_now() < 1.1 * probing.probe_interval
        await kept.flush()
        assert facts(tmp_path)[probe_name(probing, "compare")][3] <= virtual_now(), "though it is killed before that"
        await asyncio.sleep(1.1 * probing.probe_interval)
        assert await kept.claim(probing, "compare")

    run_virtual(main())


def test_that_a_probe_succeeds_may_be_found_out_while_the_disk_is_waited_for(tmp_path: Path, probing: Target) -> None:
    other = replace(probing, credential=replace(probing.credential, name="other"), project_id="e" * 32)

    async def main() -> None:
        kept = await ready(tmp_path, probing)
        granted = asyncio.create_task(kept.claim(probing, "compare"))
        await asyncio.sleep(0)
        kept.note(other, EndpointState(useless={"compare": BILLED}))
        assert await granted is None

    run_virtual(main())


def test_who_notes_something_of_an_endpoint_ends_nobodys_turn(tmp_path: Path, probing: Target) -> None:
    async def main() -> None:
        first, second = await ready(tmp_path, probing), await ready(tmp_path, probing)
        assert await first.claim(probing, "compare")
        for each in (first, second):
            await each.note(probing, EndpointState())
            await asyncio.sleep(2 * GAP)
            assert await second.claim(replace(probing, project_id="e" * 32), "compare") is None

    run_virtual(main())


def test_a_claim_that_is_given_up_while_the_disk_is_waited_for_is_not_granted(tmp_path: Path, probing: Target) -> None:
    async def main() -> None:
        kept = ProbesOnDisk(tmp_path, lambda: NOW)
        await kept.results(probing, EndpointState())
        with locked_folder(tmp_path, "probes.lock"):
            claim = asyncio.create_task(kept.claim(probing, "compare"))
            await asyncio.sleep(0.05)
            claim.cancel()
            await asyncio.wait({claim})
        await kept.flush()
        granted = await kept.claim(probing, "compare")
        assert granted
        assert granted.sent == 1

    asyncio.run(main())


@pytest.mark.uncounted
def test_a_thousand_projects_add_lines_and_no_more(tmp_path: Path, probing: Target) -> None:
    """What is written for a probe does not grow with how many there are."""

    async def main() -> None:
        kept, sizes = await ready(tmp_path, probing), list[int]()
        for number in range(1000):
            one = replace(probing, project_id=f"{number:032x}")
            await claimed(kept, replace(one, credential=replace(one.credential, name=str(number))), "compare")
            sizes.append((tmp_path / "probes.jsonl").stat().st_size)
        added = [after - before for before, after in pairwise(sizes)]
        assert max(added) < 1.2 * min(added)

    run_virtual(main())


@pytest.mark.parametrize(
    ("value", "known"),
    [
        ([True, "FRS.0501", NOW - 50, NOW - 60, 2], ProbeResult("compare", True, "FRS.0501", NOW - 50, NOW - 60, 2)),
        ([None, "FRS.0011", 0.0, NOW - 60, 2], ProbeResult("compare", None, "FRS.0011", 0.0, NOW - 60, 2)),
        ([True, "x", NOW + 9e6, NOW + 9e6, 2], ProbeResult("compare", None, "x", 0.0, NOW, 2)),
        ([True, "x", NOW - 9.0, NOW + 9e6, 2], ProbeResult("compare", True, "x", NOW - 9.0, NOW, 2)),
        ([True, "x", math.nan, math.nan, 2], ProbeResult("compare")),
        ([True, "x", None, NOW, 2], ProbeResult("compare")),
        ([None, "x", NOW, "soon", 2], ProbeResult("compare")),
        ([1, "x", NOW, NOW, 2], ProbeResult("compare")),
        ([], ProbeResult("compare")),
        ([True, "x", NOW, NOW, 10**400], ProbeResult("compare")),
        ([True, "x", NOW, NOW, -3], ProbeResult("compare")),
        ([True, "x", NOW, NOW, True], ProbeResult("compare")),
        ({}, ProbeResult("compare")),
        ("compare", ProbeResult("compare")),
        (None, ProbeResult("compare")),
    ],
)
def test_a_file_is_believed_no_more_than_it_can_be(
    value: Any, known: ProbeResult, tmp_path: Path, target: Target
) -> None:
    """Nothing was proven later than now, and nothing waits for longer than an interval, whatever that was before."""
    wanted = replace(target, probe_interval=200.0, probes=("compare",))
    head = {"version": 1, "file": "0" * 32}
    line = {"name": probe_name(wanted, "compare"), "order": NOW, "until": NOW + 9e6, "value": value}
    (tmp_path / "probes.jsonl").write_text(f"{json.dumps(head)}\n{json.dumps(line)}\n")
    kept = ProbesOnDisk(tmp_path, lambda: NOW)
    assert asyncio.run(kept.results(wanted, EndpointState())) == (planned(known, wanted),)


@pytest.mark.parametrize("processes", [1, 2])
@pytest.mark.uncounted
def test_many_projects_of_a_credential_take_turns(processes: int, tmp_path: Path, probing: Target) -> None:
    """At most one probe in 1.1 seconds, and hardly fewer, whoever sends them."""
    projects, interval, took = 100, 60.0, 0.1
    sent = list[tuple[float, str]]()

    async def main() -> None:
        clock = asyncio.get_running_loop().time

        async def answer(api: Api, path: str, body: Any = None) -> Any:
            sent.append((clock(), path))
            await asyncio.sleep(took)
            raise ApiError(FAILED)

        async def poll(number: int, client: ApiClient) -> None:
            one = replace(probing, project_id=f"{number:032x}", project=f"{number}")
            await asyncio.sleep(interval * number / projects)
            for _ in range(projects):
                if all(result.sent for result in await probed(client, one, EndpointState())):
                    break
                await asyncio.sleep(interval)

        start, known = clock(), [memory(tmp_path) for _ in range(processes)]
        clients = [ApiClient(answer, answer, virtual_now, EndpointStates(clock), it) for it in known]
        await asyncio.gather(*(poll(number, client) for number in range(projects) for client in clients))
        assert clock() - start < 1.1 * len(sent) * (GAP + took) + 2 * interval

    run_virtual(main())
    assert len(sent) == len({path for _, path in sent}) == projects * len(probing.probes)
    assert min(after - before for (before, _), (after, _) in pairwise(sent)) >= GAP
