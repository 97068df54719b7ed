"""What probes have told is on the disk before it is needed, and what is there is believed no more than it can be."""

import asyncio
import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from frs_exporter.collectors import ApiClient, EndpointStates
from frs_exporter.collectors.endpoint_state import EndpointState, Useless
from frs_exporter.collectors.other_sources import BILLED, probed
from frs_exporter.collectors.probe_results import ProbeResult
from frs_exporter.core.errors import ApiError, Failure, Reason
from frs_exporter.core.model import Api, Target
from frs_exporter.polling.probe_memory import ProbesFile, ProbesOnDisk, project_name, result_in
from frs_exporter.runtime.state_file import StateFile
from tests.conftest import run_virtual, virtual_now

NOW = 1_800_000_000.0


@pytest.fixture
def probing(target: Target) -> Target:
    """A project that wants probes."""
    return replace(target, probes=("compare", "live_detect"))


def memory(folder: Path | None) -> ProbesOnDisk:
    """As each process has one."""
    return ProbesOnDisk(StateFile(folder, virtual_now), virtual_now)


def test_that_a_probe_is_sent_is_on_the_disk_before_it_is(tmp_path: Path, target: Target) -> None:
    wanted, seen = replace(target, probes=("compare",)), list[Any]()

    async def answer(api: Api, path: str, body: Any = None) -> Any:
        seen.append(json.loads((tmp_path / ProbesFile.name).read_text())["entries"])
        raise ApiError(Failure(Reason.SERVER, "no"))

    async def main() -> None:
        clock = asyncio.get_running_loop().time
        client = ApiClient(answer, answer, virtual_now, EndpointStates(clock), memory(tmp_path))
        (known,) = await probed(client, wanted, EndpointState())
        assert [*seen[0][project_name(wanted)]["probes"]] == ["compare"]
        assert await memory(tmp_path).results(wanted, EndpointState()) == (known,)
        assert (known.sent, known.due > virtual_now() + 0.9 * wanted.probe_interval) == (1, True)

    run_virtual(main())


def test_what_is_known_of_an_endpoint_is_noted_there(tmp_path: Path, probing: Target) -> None:
    async def main() -> None:
        until = virtual_now() + 1e6
        found = EndpointState(useless={"compare": Useless(BILLED, until)}, refused={"live_detect"})
        first, second = memory(tmp_path), memory(tmp_path)
        await second.results(probing, EndpointState())
        await first.note(probing, ProbeResult("compare"), found)
        await second.note(probing, ProbeResult("live_detect"), EndpointState(refused={"compare"}))
        for each in (second, memory(tmp_path)):
            after = EndpointState()
            await each.results(probing, after)
            assert (after.useless, after.refused) == ({"compare": Useless(BILLED, until)}, {"compare", "live_detect"})
        assert not EndpointState(useless={"compare": Useless("why", 5.0)}).useless_because("compare", 5.0)

    run_virtual(main())


def test_of_all_who_share_a_folder_one_sends_a_probe(tmp_path: Path, probing: Target) -> None:
    async def main() -> None:
        first, second = memory(tmp_path), memory(tmp_path)
        for each in (first, second):
            await each.results(probing, EndpointState())
        claimed = await first.claim(probing, "compare")
        assert claimed
        assert claimed.sent == 1
        assert await second.claim(probing, "compare") is None
        assert (await second.results(probing, EndpointState()))[0] == claimed, "and knows why"
        await first.note(probing, ProbeResult("compare"), EndpointState(useless={"live_detect": Useless(BILLED, 9e9)}))
        assert await second.claim(probing, "live_detect") is None

    run_virtual(main())


def test_what_is_not_wanted_for_a_while_is_not_forgotten(tmp_path: Path, probing: Target) -> None:
    async def main() -> None:
        kept = memory(tmp_path)
        await kept.claim(probing, "live_detect")
        await kept.claim(replace(probing, probes=("compare",)), "compare")
        assert [result.sent for result in await memory(tmp_path).results(probing, EndpointState())] == [1, 1]

    run_virtual(main())


@pytest.mark.parametrize("folder", [None, Path("/dev/null/none")], ids=["none", "unusable"])
def test_a_process_remembers_without_a_disk(folder: Path | None, probing: Target) -> None:
    async def main() -> None:
        kept = memory(folder)
        assert await kept.claim(probing, "compare")
        assert await kept.claim(probing, "compare") is None
        result = ProbeResult("compare", True, "FRS.0501", virtual_now(), virtual_now() + 100.0, 3)
        await kept.note(probing, result, EndpointState())
        assert (await kept.results(probing, EndpointState()))[0] == result

    run_virtual(main())


@pytest.mark.parametrize(
    ("entry", "known"),
    [
        ([True, "FRS.0501", NOW - 50, NOW + 50, 2], ProbeResult("compare", True, "FRS.0501", NOW - 50, NOW + 50, 2)),
        ([None, "FRS.0011", 0.0, NOW + 50, 2], ProbeResult("compare", None, "FRS.0011", 0.0, NOW + 50, 2)),
        ([True, "x", NOW + 9e6, NOW + 9e6, 2], ProbeResult("compare", None, "x", sent=2)),
        ([True, "x", NOW - 9.0, NOW + 9e6, 2], ProbeResult("compare", True, "x", NOW - 9.0, sent=2)),
        ([True, "x", math.nan, math.nan, 2], ProbeResult("compare", None, "x", sent=2)),
        ([True, "x", None, NOW, 2], ProbeResult("compare")),
        ([None, "x", NOW, "soon", 2], ProbeResult("compare")),
        ([1, "x", NOW, NOW, 2], ProbeResult("compare")),
        ([], ProbeResult("compare")),
        ({}, ProbeResult("compare")),
        ("compare", ProbeResult("compare")),
    ],
)
def test_a_file_is_believed_no_more_than_it_can_be(entry: Any, known: ProbeResult, target: Target) -> None:
    """Nothing was proven later than now, and nothing waits for longer than an interval, whatever that was before."""
    wanted = replace(target, probe_interval=200.0)
    assert result_in({project_name(wanted): {"probes": {"compare": entry}}}, wanted, "compare", NOW) == known
    assert result_in({project_name(wanted): {"probes": entry}}, wanted, "compare", NOW) == ProbeResult("compare")
