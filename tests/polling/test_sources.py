"""Where `subscribe` is absent: what is shown is true, what is not known is not shown, and nobody is billed for it."""

import asyncio
import re
from collections import Counter
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from frs_exporter.collectors import EndpointStates
from frs_exporter.collectors.endpoint_state import ABSENT_FOR, EndpointState
from frs_exporter.collectors.other_sources import BILLED, MONTH, after, misled, probed
from frs_exporter.collectors.probe_results import ProbeResult
from frs_exporter.collectors.probes import PROBES
from frs_exporter.core.errors import ApiError, Failure, Reason
from frs_exporter.core.model import Api, Target
from frs_exporter.runtime.state_file import StateFile
from frs_simulator import Account, Project
from frs_simulator.faults import Fault
from frs_simulator.world import FirstCheck
from tests.collectors.asking import client_of
from tests.conftest import run_virtual, virtual_now
from tests.polling.living import UP, Living, living

REGION = "cn-north-4"
HOUR = 3600.0
NAMES = ("detect", "compare", "search", "live_detect", "live_detect_face")


def answer(*on: str) -> dict[str, Any]:
    """What `subscribe` would tell of a project that has these on."""
    services = {
        f"{name}_service": {"subscribe_status": name in on, "create_time": "2024-01-01 00:00:00"} for name in NAMES
    }
    return {"max_face_set_number": 10, **services}


def owner(*answers: dict[str, Any] | None) -> Account:
    """An account with such projects: p0, p1, and so on."""
    return Account("keys", "ak_sk", [Project(f"p{number}", REGION, told) for number, told in enumerate(answers)])


def told(it: Living, project: str = "p0") -> dict[str, float]:
    """What the page tells of each sub-service."""
    pattern = rf'frs_subscribed\{{project="{project}",subservice="(.*)"\}}'
    return {match[1]: value for name, value in it.shown().items() if (match := re.fullmatch(pattern, name))}


def sources(it: Living, project: str = "p0") -> set[str]:
    """What it tells that this is known from."""
    pattern = rf'frs_subscription_source\{{project="{project}",source="(.*)"\}}'
    return {match[1] for name, value in it.shown().items() if (match := re.fullmatch(pattern, name)) and value == 1}


def with_probes(*names: str, **more: str) -> Any:
    """Changes a config so that these are wanted."""
    return lambda config: config["defaults"].update(probes=list(names), **more)


def test_what_answers_is_the_source(tmp_path: Path) -> None:
    async def main() -> None:
        async with living(tmp_path, owner(answer("detect", "search")), config=with_probes(*PROBES)) as it:
            await asyncio.sleep(7 * HOUR)
            assert (sources(it), len(told(it))) == ({"subscribe"}, 5)
            assert not it.world.calls

    run_virtual(main())


def test_where_it_is_absent_the_face_sets_tell_of_search_alone(tmp_path: Path) -> None:
    async def main() -> None:
        both = owner(answer("detect", "search"), answer("detect"))
        async with living(tmp_path, both, config=lambda config: None) as it:
            it.world.without_subscribe.add(REGION)
            await asyncio.sleep(600)
            assert (told(it), sources(it)) == ({"search": 1.0}, {"face_sets"})
            assert told(it, "p1") == {"search": 0.0}
            assert it.shown()[UP % "p0"] == 1.0
            assert not it.world.calls

    run_virtual(main())


def test_it_is_asked_again_now_and_then_and_comes_back(tmp_path: Path) -> None:
    async def main() -> None:
        async with living(tmp_path, owner(answer("detect"), answer("detect"))) as it:
            it.world.without_subscribe.add(REGION)
            await asyncio.sleep(300)
            visits = it.world.watched()
            await asyncio.sleep(20 * HOUR)
            asked = [visit for visit in visits if visit.path.endswith("/subscribe")]
            assert 2 <= len(asked) <= 2 * (3 + 20 * HOUR / ABSENT_FOR[-1])
            it.world.without_subscribe.clear()
            await asyncio.sleep(ABSENT_FOR[-1] + 120)
            assert (sources(it), told(it)["detect"]) == ({"subscribe"}, 1.0)

    run_virtual(main())


def test_one_answer_that_there_is_no_such_api_is_no_proof_that_it_is_gone(tmp_path: Path) -> None:
    async def main() -> None:
        async with living(tmp_path, owner(answer("detect"))) as it:
            it.world.without_subscribe.add(REGION)
            await asyncio.sleep(65)
            assert it.shown()[UP % "p0"] == 0.0
            it.world.without_subscribe.clear()
            await asyncio.sleep(120)
            assert (sources(it), len(told(it))) == ({"subscribe"}, 5)

    run_virtual(main())


def test_an_endpoint_that_knows_neither_is_no_source_of_anything(tmp_path: Path) -> None:
    async def main() -> None:
        async with living(tmp_path, owner(answer("detect"))) as it:
            it.world.faults.set(
                "frs", Fault(status=404, body='{"error_code": "APIGW.0101", "error_msg": "no such API"}')
            )
            await asyncio.sleep(3600)
            assert (told(it), sources(it), it.shown()[UP % "p0"]) == ({}, set(), 0.0)

    run_virtual(main())


@pytest.mark.parametrize("order", FirstCheck)
def test_probes_prove_what_is_on_and_off(order: FirstCheck, tmp_path: Path) -> None:
    async def main() -> None:
        both = owner(answer("compare", "live_detect", "live_detect_face"), answer("search"))

        def absent(config: Any) -> None:
            with_probes(*PROBES)(config)

        async with living(tmp_path, both, config=absent) as it:
            it.world.first_check = order
            it.world.without_subscribe.add(REGION)
            await asyncio.sleep(13 * HOUR)
            on = {"search": 0.0, "compare": 1.0, "live_detect_face": 1.0, "live_detect": 1.0}
            off = {"search": 1.0, "compare": 0.0, "live_detect_face": 0.0, "live_detect": 0.0}
            if order is FirstCheck.PICTURE:  # it reads the video first, so nothing of what it says proves anything
                del on["live_detect"], off["live_detect"]
            assert (told(it), told(it, "p1")) == (on, off)
            assert sources(it) == {"face_sets", "probe"}
            assert not it.world.billed

    run_virtual(main())


def test_a_probe_that_waits_for_its_turn_is_told_of(tmp_path: Path) -> None:
    async def main() -> None:
        with capture_logs() as logs:
            async with living(tmp_path, owner(*[answer("compare")] * 30), config=with_probes(*PROBES)) as it:
                it.world.without_subscribe.add(REGION)
                await asyncio.sleep(HOUR)
        notes = [entry["note"] for entry in logs if "not sent yet" in str(entry.get("note"))]
        assert f"{REGION}: probes not sent yet, a credential sends one at a time: {', '.join(PROBES)}" in notes
        assert len(notes) < 5, "it is so of the region: it is not said of each project"

    run_virtual(main())


@pytest.mark.parametrize(
    "body", ["{}", "null", '{"message": "please log in"}', '{"error_code": "FRS.0019"}', '{"face_sets_info": {}}']
)
def test_an_answer_without_a_list_of_face_sets_proves_nothing(body: str, tmp_path: Path) -> None:
    async def main() -> None:
        async with living(tmp_path, owner(answer("detect"))) as it:
            it.world.without_subscribe.add(REGION)
            await asyncio.sleep(300)
            assert told(it) == {"search": 0.0}
            it.world.faults.set("frs", Fault(status=200, body=body))
            await asyncio.sleep(60)
            assert (told(it), it.shown()[UP % "p0"]) == ({"search": 0.0}, 0.0), (
                "what was true is shown until it is stale"
            )
            await asyncio.sleep(600)
            assert told(it) == {}

    run_virtual(main())


def test_a_probe_that_misled_is_not_sent_again_though_the_process_ends(tmp_path: Path) -> None:
    async def main() -> None:
        state, wanted = tmp_path / "state", with_probes("compare", probe_interval="1h")
        useless = 'frs_subscription_probe_useless{project="p0",subservice="compare"}'
        async with living(tmp_path, owner(answer()), config=wanted, memory=StateFile(state, virtual_now)) as it:
            it.world.codes["compare"] = "FRS.0501"  # whether it is on or not
            it.world.without_subscribe.add(REGION)
            await asyncio.sleep(300)
            assert told(it)["compare"] == 1.0
            it.world.without_subscribe.clear()
            await asyncio.sleep(700)
            assert (told(it)["compare"], it.shown()[useless], len(it.world.calls)) == (0.0, 1.0, 1)
            await asyncio.sleep(3 * HOUR)
            sent = len(it.world.calls)
            assert sent == 2, "one more, to verify it"
            it.world.without_subscribe.add(REGION)
            await restarted(it, state)
            await asyncio.sleep(5 * HOUR)
            assert (told(it), it.shown()[useless], len(it.world.calls)) == ({"search": 0.0}, 1.0, sent)

    run_virtual(main())


def test_what_was_switched_off_after_its_probe_is_no_reason_to_send_none(tmp_path: Path) -> None:
    async def main() -> None:
        useless = 'frs_subscription_probe_useless{project="p0",subservice="compare"}'
        async with living(tmp_path, owner(answer("compare")), config=with_probes("compare", probe_interval="2h")) as it:
            it.world.without_subscribe.add(REGION)
            await asyncio.sleep(300)
            assert told(it)["compare"] == 1.0
            (project,) = it.world.accounts[0].projects
            project.answer = answer()
            it.world.without_subscribe.clear()
            await asyncio.sleep(700)
            assert (told(it)["compare"], it.shown()[useless]) == (0.0, 1.0)
            it.world.without_subscribe.add(REGION)
            await asyncio.sleep(600)
            assert told(it) == {"search": 0.0}, "it may have misled"
            it.world.without_subscribe.clear()
            await asyncio.sleep(3 * HOUR)
            assert (told(it)["compare"], useless in it.shown()) == (0.0, False), "it has not"
            it.world.without_subscribe.add(REGION)
            project.answer = answer("compare")
            await asyncio.sleep(5 * HOUR)
            assert told(it)["compare"] == 1.0

    run_virtual(main())


def test_a_config_that_is_loaded_again_sends_no_probe_before_it_is_due(tmp_path: Path) -> None:
    async def main() -> None:
        async with living(tmp_path, owner(answer("compare")), config=with_probes("compare", "live_detect")) as it:
            it.world.without_subscribe.add(REGION)
            await asyncio.sleep(600)
            assert Counter(call.subservice for call in it.world.calls) == {"compare": 1, "live_detect": 1}
            for number in range(6):
                names = ["compare"] if number % 2 else ["compare", "live_detect"]
                it.config["defaults"].update(probes=names, poll_timeout=f"{20 + number}s")
                assert not await it.reload(it.config)
                await asyncio.sleep(90)
            assert Counter(call.subservice for call in it.world.calls) == {"compare": 1, "live_detect": 1}

    run_virtual(main())


def test_a_moment_in_which_the_gateway_knows_no_api_is_no_proof_that_it_is_gone() -> None:
    """However many projects are asked about in it."""
    now = 1000.0
    endpoint = EndpointState()
    endpoint.present()
    assert not any(endpoint.missed(now + 0.05 * number) for number in range(300))
    assert not endpoint.missed(now + 61)
    assert endpoint.missed(now + 92)
    assert all(endpoint.missed(now + 92 + 0.05 * number) for number in range(300))
    assert (endpoint.absent(now + 92 + 599), endpoint.absent(now + 92 + 601)) == (True, False)


@pytest.mark.parametrize(
    ("code", "on", "useless"),
    [
        ("FRS.0015", None, True),
        ("FRS.0501", True, True),
        ("503", True, True),
        ("FRS.0033", None, False),
        ("FRS.0018", None, False),
        ("FRS.0028", None, False),
        ("404", None, False),
        ("FRS.0020", False, False),
    ],
)
def test_only_what_looked_at_a_probe_and_did_not_see_that_it_is_off_is_useless(
    code: str, on: bool | None, useless: bool, target: Target
) -> None:
    endpoint, results = EndpointState(), (ProbeResult("compare", on, code, due=target.probe_interval),)
    for subscribed, now in (({"compare": True}, 0.0), ({}, 0.0), ({"compare": False}, 2 * target.probe_interval)):
        assert misled(target, results, endpoint, subscribed, now) == (), "is on, not known, or was asked long ago"
    assert bool(misled(target, results, endpoint, {"compare": False}, 0.0)) is useless
    assert ("compare" in endpoint.useless) is useless
    assert misled(target, results, endpoint, {"compare": False}, 0.0) == (), "it is known"


def test_that_the_subscription_is_looked_at_first_is_believed_for_four_weeks(target: Target) -> None:
    """The vendor may change its order: what is off would be told to be on."""
    endpoint, before = EndpointState(), ProbeResult("live_detect")
    parsed, refused = (Failure(Reason.CLIENT, "", status=400, code=code) for code in ("FRS.0701", "FRS.0020"))
    assert after(before, parsed, endpoint, 0.0).on is None
    assert after(before, refused, endpoint, 0.0).on is False
    assert after(before, parsed, endpoint, MONTH - 1).on is True
    assert after(before, parsed, endpoint, MONTH).on is None


def test_whoever_can_read_it_a_success_is_a_success(target: Target) -> None:
    wanted = replace(target, probes=("compare",))

    async def main() -> None:
        clock, asked, endpoint = asyncio.get_running_loop().time, list[str](), EndpointState()

        async def answer(api: Api, path: str, body: Any = None) -> Any:
            asked.append(path)
            raise ApiError(Failure(Reason.PAYLOAD, "no JSON", status=200))

        client = replace(client_of(answer, virtual_now), endpoint_states=EndpointStates(clock))
        for _ in range(5):
            await probed(client, wanted, endpoint)
            await asyncio.sleep(7 * HOUR)
        assert (len(asked), endpoint.useless["compare"]) == (1, BILLED)

    run_virtual(main())


def test_another_answer_to_the_same_probe_ends_what_was_proven(tmp_path: Path) -> None:
    async def main() -> None:
        off = owner(answer())
        async with living(tmp_path, off, config=with_probes("compare")) as it:
            it.world.without_subscribe.add(REGION)
            await asyncio.sleep(600)
            assert told(it)["compare"] == 0.0
            it.world.faults.set("frs", Fault(status=503))
            await asyncio.sleep(6.6 * HOUR)
            it.world.faults.set("frs", None)
            await asyncio.sleep(600)
            assert told(it)["compare"] == 0.0
            off.projects[0].answer = answer("compare")
            it.world.codes["compare"] = "FRS.0015"
            await asyncio.sleep(6.6 * HOUR)
            assert "compare" not in told(it)

    run_virtual(main())


def states() -> st.SearchStrategy[Any]:
    """What a project has on, None where it has nothing of FRS."""
    return st.none() | st.frozensets(st.sampled_from(NAMES)).map(lambda on: answer(*on))


Change = tuple[Fault | None, int, Any]
FAULTS = (
    None,
    Fault(status=503),
    Fault(status=429),
    Fault(status=400, body='{"error_code": "FRS.0012", "error_msg": ""}'),
)


CODES = [f"FRS.{number:04}" for number in (*range(10, 19), 33, 304, 404, 706, 708, 709, 851)]
"""About parameters, formats and what is in a picture: none tells of the subscription."""


@settings(max_examples=40)
@given(
    st.sampled_from(FirstCheck),
    st.lists(states(), min_size=1, max_size=3),
    st.lists(st.tuples(st.sampled_from(FAULTS), st.integers(0, 2), states()), max_size=4),
    st.sets(st.sampled_from(sorted(PROBES))),
    st.dictionaries(st.sampled_from(sorted(PROBES)), st.sampled_from(CODES), max_size=2),
    st.sampled_from((5, 5, 5, 1)),  # most of what this costs is polls
)
def test_nothing_wrong_is_ever_told(
    order: FirstCheck,
    answers: list[Any],
    changes: list[tuple[Fault | None, int, Any]],
    probes: set[str],
    codes: dict[str, str],
    minutes: int,
) -> None:
    """Whatever the order of checks, the faults, the states and the interval; and what is sent is what is allowed."""

    async def main(folder: str) -> None:
        config = with_probes(*sorted(probes), probe_interval="1h", poll_interval=f"{minutes}m")
        async with living(Path(folder), owner(*answers), config=config) as it:
            it.world.first_check = order
            it.world.without_subscribe.add(REGION)
            it.world.codes.update(codes)
            for fault, number, told_next in [*changes, (None, 0, answers[0])]:
                it.world.faults.set("frs", fault)
                projects = it.world.accounts[0].projects
                projects[number % len(projects)].answer = told_next
                # So that what was proven before has been proven again.
                await asyncio.sleep(2 * HOUR * 1.05 + 300 * minutes)
                for project in projects:
                    for name, value in told(it, project.name).items():
                        assert value == is_on(project, name), (name, value)
            assert not it.world.billed
            hours = Counter((call.project_id, call.subservice, call.time // HOUR) for call in it.world.calls)
            assert all(count <= 2 for count in hours.values())
            assert {call.subservice for call in it.world.calls} <= probes

    with TemporaryDirectory() as folder:
        run_virtual(main(folder))


def is_on(project: Project, name: str) -> bool:
    """What is so."""
    return bool(project.answer) and bool((project.answer or {})[f"{name}_service"]["subscribe_status"])


async def restarted(it: Living, folder: Path) -> None:
    """As after a crash of the process, or an upgrade."""
    await it.exporter.stop()
    it.options["memory"] = StateFile(folder, virtual_now)
    await it.start()


def test_a_restart_neither_forgets_nor_asks_again(tmp_path: Path) -> None:
    async def main() -> None:
        state, wanted = tmp_path / "state", with_probes("compare")
        on = owner(answer("compare"))
        async with living(tmp_path, on, config=wanted, memory=StateFile(state, virtual_now)) as it:
            it.world.without_subscribe.add(REGION)
            await asyncio.sleep(300)
            for _ in range(20):
                await restarted(it, state)
                await asyncio.sleep(90)
                assert told(it) == {"search": 0.0, "compare": 1.0}
            assert len(it.world.calls) == 1
            on.projects[0].answer = answer()
            await asyncio.sleep(7 * HOUR)
            assert (told(it)["compare"], len(it.world.calls)) == (0.0, 2)

    run_virtual(main())


def test_a_probe_that_has_succeeded_once_is_never_sent_again(tmp_path: Path) -> None:
    """Whoever is asked about there, and though the process ends."""

    async def main() -> None:
        state = tmp_path / "state"
        both, wanted = owner(answer("compare"), answer("compare")), with_probes("compare", probe_interval="1h")
        async with living(tmp_path, both, config=wanted, memory=StateFile(state, virtual_now)) as it:
            visits = it.world.watched()
            it.world.without_subscribe.add(REGION)
            await asyncio.sleep(1200)  # now it is taken for absent for an hour
            assert len(it.world.calls) == 2
            it.world.faults.set("frs", Fault(status=200, body='{"similarity": 1, "face_sets_info": []}'))
            await asyncio.sleep(0.9 * HOUR)
            it.world.faults.set("frs", None)
            await restarted(it, state)
            await asyncio.sleep(30 * HOUR)
            assert len([visit for visit in visits if visit.path.endswith("/face-compare")]) == 2 + 1
            assert "compare" not in told(it)

    run_virtual(main())
