"""What probes have told is on the disk before it is needed, and what is there is believed no more than it can be."""

import asyncio
import json
import math
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from frs_exporter.collectors import ApiClient, EndpointStates
from frs_exporter.collectors.endpoint_state import GAP, EndpointState, Useless
from frs_exporter.collectors.other_sources import BILLED, longest_turn, planned, probed
from frs_exporter.collectors.probe_results import ProbeResult
from frs_exporter.core.errors import ApiError, Failure, Reason
from frs_exporter.core.model import Api, Target
from frs_exporter.polling.probe_memory import ProbesOnDisk, probe_name
from frs_exporter.runtime.private_folder import locked_folder
from tests.conftest import run_virtual, virtual_now

NOW = 1_800_000_000.0


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
        raise ApiError(Failure(Reason.SERVER, "no"))

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
        found = EndpointState(useless={"compare": Useless(BILLED, until)}, refused={"live_detect": until})
        first, second = memory(tmp_path), memory(tmp_path)
        await second.results(probing, EndpointState())
        await first.note(probing, found)
        await second.note(probing, EndpointState(refused={"compare": until}))
        for each in (second, memory(tmp_path)):
            after = EndpointState()
            await each.results(probing, after)
            assert after.useless == {"compare": Useless(BILLED, until)}
            assert after.refused == {"compare": until, "live_detect": until}
        assert not EndpointState(useless={"compare": Useless("why", 5.0)}).useless_because("compare", 5.0)

    run_virtual(main())


def test_of_all_who_share_a_folder_one_sends_a_probe(tmp_path: Path, probing: Target) -> None:
    async def main() -> None:
        first, second = await ready(tmp_path, probing), await ready(tmp_path, probing)
        granted = await claimed(first, probing, "compare")
        assert granted.sent == 1
        await asyncio.sleep(2 * GAP)
        assert await second.claim(probing, "compare") is None
        assert (await second.results(probing, EndpointState()))[0] == granted, "and knows why"
        await first.note(probing, EndpointState(useless={"live_detect": Useless(BILLED, 9e9)}))
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


@pytest.mark.parametrize("folder", [None, Path("/dev/null/none")], ids=["none", "unusable"])
def test_a_process_remembers_without_a_disk(folder: Path | None, probing: Target) -> None:
    async def main() -> None:
        kept = memory(folder)
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
        billed = EndpointState(useless={"live_detect": Useless(BILLED, NOW + 1e7)})
        with locked_folder(tmp_path, "probes.lock"):
            granted = await kept.claim(probing, "compare")
            assert granted
            assert granted.sent == 2
            assert await kept.claim(probing, "compare") is None
            proof = granted._replace(on=True, code="FRS.0501", at=NOW)
            await kept.end(probing, proof, billed)
            assert (await kept.results(probing, EndpointState()))[0] == proof
        await kept.flush()
        for each in (kept, ProbesOnDisk(tmp_path, lambda: NOW + 1e5)):
            endpoint = EndpointState()
            assert (await each.results(probing, endpoint))[0] == proof
            assert endpoint.useless == billed.useless
            assert await each.claim(probing, "live_detect") is None

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


def test_who_did_not_know_what_was_sent_before_is_believed_all_the_same(tmp_path: Path, probing: Target) -> None:
    """As one who could not read the file when it began, and can write it later."""

    async def main() -> None:
        kept = await ready(tmp_path / "state", probing)
        for _ in range(3):
            await claimed(kept, probing, "compare")
            await asyncio.sleep(2 * probing.probe_interval)
        folder, aside = tmp_path / "state", tmp_path / "aside"
        folder.rename(aside)
        folder.touch()
        alone = await ready(folder, probing)
        sent = await claimed(alone, probing, "compare")
        folder.unlink()
        aside.rename(folder)
        await alone.note(probing, EndpointState())
        for each in (alone, await ready(folder, probing)):
            assert (await each.results(probing, EndpointState()))[0] == sent
            assert await each.claim(probing, "compare") is None

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
        await asyncio.sleep(1.1 * probing.probe_interval)
        assert await kept.claim(probing, "compare")

    run_virtual(main())


def test_that_a_probe_succeeds_may_be_found_out_while_the_disk_is_waited_for(tmp_path: Path, probing: Target) -> None:
    other = replace(probing, credential=replace(probing.credential, name="other"), project_id="e" * 32)

    async def main() -> None:
        kept = await ready(tmp_path, probing)
        granted = asyncio.create_task(kept.claim(probing, "compare"))
        await asyncio.sleep(0)
        kept.note(other, EndpointState(useless={"compare": Useless(BILLED, virtual_now() + 1e7)}))
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
def test_many_projects_of_a_credential_take_turns(processes: int, tmp_path: Path, probing: Target) -> None:
    """At most one probe in 1.1 seconds, and hardly fewer, whoever sends them."""
    projects, interval, took = 100, 60.0, 0.1
    sent = list[tuple[float, str]]()

    async def main() -> None:
        clock = asyncio.get_running_loop().time

        async def answer(api: Api, path: str, body: Any = None) -> Any:
            sent.append((clock(), path))
            await asyncio.sleep(took)
            raise ApiError(Failure(Reason.SERVER, "no"))

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
