"""The log of jobs is bounded in an outage of many, and tells few jobs one by one."""

import asyncio
from typing import Any

import structlog

from frs_exporter.core.errors import Failure, Reason
from frs_exporter.core.explanations import advice
from frs_exporter.core.model import CollectResult, Job, JobState
from frs_exporter.polling.job_log import IN_FULL, MAX_CAUSES, JobLog
from frs_simulator.faults import Fault
from tests.conftest import CloudContext, account, run_virtual, target_of
from tests.polling.test_poller import Polled

OWNER = account("ak_sk", "p")
UP = JobState().succeeded(0.0, 0.1, CollectResult(), 60.0)
REASONS = (Reason.TIMEOUT, Reason.CONNECT, Reason.SERVER, Reason.DNS)


def jobs(count: int) -> list[Job]:
    return [Job(target_of(OWNER, OWNER.projects[0], "http://h"), f"c{number}") for number in range(count)]


def failed(before: JobState, reason: Reason, code: str = "") -> JobState:
    return before.failed(1.0, 0.1, Failure(reason, "m", code=code))


def written(logs: list[Any]) -> list[Any]:
    """The lines that are written by default."""
    return [entry for entry in logs if entry["log_level"] != "debug"]


def test_an_outage_of_a_fleet_is_one_line_per_cause_beside_the_first_few() -> None:
    async def main() -> list[Any]:
        names = [f"p{number:03}" for number in range(60)]
        async with CloudContext(account("ak_sk", *names)) as cloud:
            with structlog.testing.capture_logs() as logs:
                polls = await Polled.started(cloud)
                await asyncio.sleep(200)
                cloud.world.faults.set("frs", Fault(status=503))
                await asyncio.sleep(400)
                await polls.poller.stop()
        return logs

    logs = run_virtual(main())
    assert len([entry for entry in logs if entry["event"] == "down"]) == 60 + 1, "each job is told at debug"
    lines = written(logs)
    assert [entry["event"] for entry in lines] == ["up"] * IN_FULL + ["up"] + ["down"] * IN_FULL + ["down"]
    up, down = lines[IN_FULL], lines[-1]
    assert (up["jobs"], down["jobs"]) == (60 - IN_FULL, 60 - IN_FULL)
    assert down["projects"].endswith(f"and {60 - IN_FULL - 10} more")
    assert (down["reason"], down["log_level"]) == ("server", "warning")
    assert down["advice"] == advice(Failure(Reason.SERVER, ""))
    assert "message" not in down, "that is one job's own"


def test_reasons_that_alternate_are_one_trouble() -> None:
    """An outage of 1,000 jobs that fail for another reason each time: a few lines, however long it lasts."""

    async def main() -> list[Any]:
        fleet, log = jobs(1000), JobLog()
        states = dict.fromkeys(fleet, UP)
        with structlog.testing.capture_logs() as logs:
            for turn in range(60):
                for number, job in enumerate(fleet):
                    before = states[job]
                    states[job] = failed(before, REASONS[(number + turn) % 4])
                    log.report(job, before, states[job], 10.0)
                await asyncio.sleep(10)
            log.flush()
        return logs

    lines = written(run_virtual(main()))
    assert {entry["event"] for entry in lines} == {"down"}
    assert len(lines) == 4 * (IN_FULL + 1)
    assert {entry["jobs"] for entry in lines if "jobs" in entry} == {1000 - IN_FULL}


def test_a_fleet_that_goes_up_and_down_all_the_time_is_bounded_as_well() -> None:
    async def main() -> list[Any]:
        fleet, log = jobs(1000), JobLog()
        with structlog.testing.capture_logs() as logs:
            for _ in range(60):
                for job in fleet:
                    log.report(job, UP, down := failed(UP, Reason.TIMEOUT), 10.0)
                    log.report(job, down, UP, 10.0)
                await asyncio.sleep(10)
        return logs

    assert len(written(run_virtual(main()))) <= 2 * (IN_FULL + 1) * 10


def test_codes_that_somebody_makes_up_are_told_together() -> None:
    async def main() -> list[Any]:
        log = JobLog()
        with structlog.testing.capture_logs() as logs:
            for number, job in enumerate(jobs(1000)):
                log.report(job, UP, failed(UP, Reason.CLIENT, f"X.{number}"), 10.0)
            log.flush()
        return logs

    lines = written(run_virtual(main()))
    assert len(lines) == MAX_CAUSES + IN_FULL + 1
    assert lines[-1]["jobs"] == 1000 - MAX_CAUSES - IN_FULL


def test_codes_that_somebody_makes_up_for_one_job_come_to_an_end() -> None:
    async def main() -> list[Any]:
        (job,), log, before = jobs(1), JobLog(), UP
        with structlog.testing.capture_logs() as logs:
            for number in range(1000):
                after = failed(before, Reason.CLIENT, f"X.{number}")
                log.report(job, before, after, 10.0)
                before = after
            log.report(job, before, UP, 10.0)
            log.report(job, UP, failed(UP, Reason.CLIENT, "X.999"), 10.0)
            log.flush()
        return logs

    logs = run_virtual(main())
    assert [entry["event"] for entry in logs] == ["down"] * MAX_CAUSES + ["up", "down"]


def test_each_trouble_of_a_job_is_told_once_and_anew_after_it_was_up() -> None:
    async def main() -> list[Any]:
        (job,), log, before = jobs(1), JobLog(), UP
        with structlog.testing.capture_logs() as logs:
            for reason in (Reason.TIMEOUT, Reason.SERVER, Reason.TIMEOUT, Reason.SERVER, None, Reason.TIMEOUT):
                after = failed(before, reason) if reason else before.succeeded(0.0, 0.1, CollectResult(), 60.0)
                log.report(job, before, after, 10.0)
                before = after
            log.forget(job.key)  # it is another project by now
            log.report(job, before, failed(before, Reason.TIMEOUT), 10.0)
        return logs

    logs = run_virtual(main())
    assert [(entry["event"], entry.get("reason")) for entry in logs] == [
        ("down", "timeout"),
        ("down", "server"),
        ("up", None),
        ("down", "timeout"),
        ("down", "timeout"),
    ]


def test_what_is_so_of_a_region_is_said_once_and_again_when_it_is_so_again() -> None:
    async def main() -> list[Any]:
        fleet, log = jobs(10), JobLog()
        noted = UP.succeeded(1.0, 0.1, CollectResult(warnings=("cn-north-4: gone: a", "of this one: b")), 60.0)
        with structlog.testing.capture_logs() as logs:
            for before, after in ((UP, noted), (noted, noted), (noted, UP), (UP, noted)):
                for job in fleet:
                    log.report(job, before, after, 10.0)
                await asyncio.sleep(70)
        return logs

    lines = written(run_virtual(main()))
    assert [line["note"] for line in lines if "note" in line].count("cn-north-4: gone: a") == 2
    assert {line["jobs"] for line in lines if "jobs" in line} == {10 - IN_FULL}, "what is of each is said of each"


def test_what_is_so_of_a_region_is_said_again_once_those_it_was_said_of_are_gone() -> None:
    async def main() -> list[Any]:
        fleet, log = jobs(3), JobLog()
        noted = UP.succeeded(1.0, 0.1, CollectResult(warnings=("cn-north-4: gone: a",)), 60.0)
        with structlog.testing.capture_logs() as logs:
            for job in fleet[:2]:
                log.report(job, UP, noted, 10.0)
            for job in fleet[:2]:
                log.forget(job.key)
            await asyncio.sleep(70)
            log.report(fleet[2], UP, noted, 10.0)
        return logs

    assert [entry["note"] for entry in run_virtual(main())] == ["cn-north-4: gone: a"] * 2
