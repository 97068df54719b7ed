"""The log of jobs is bounded in an outage of many, and tells few jobs one by one."""

import asyncio
from collections import Counter
from typing import Any

import pytest
import structlog

from frs_exporter.core.errors import Failure, Reason
from frs_exporter.core.explanations import Text, advice
from frs_exporter.core.model import Api, CollectResult, Job, JobState, Limit
from frs_exporter.core.notes import note
from frs_exporter.polling.job_lines import MAX_LINE, VENDORS, failure_fields, some_projects
from frs_exporter.polling.job_log import FEW, MAX_CAUSES, SETTLE, JobLog
from frs_exporter.runtime.log import rendering_as
from frs_simulator.faults import Fault
from tests.conftest import CloudContext, account, run_virtual, target_of
from tests.polling.test_poller import Polled

OWNER = account("ak_sk", "p")
UP = JobState().succeeded(0.0, 0.1, CollectResult(), 60.0)
GONE = note(Text("gone: {why}", "没有了：{why}"), region="cn-north-4", why="a")
REASONS = (Reason.TIMEOUT, Reason.CONNECT, Reason.SERVER, Reason.DNS)


def jobs(count: int) -> list[Job]:
    return [Job(target_of(OWNER, OWNER.projects[0], "http://h"), f"c{number}") for number in range(count)]


def failed(before: JobState, reason: Reason, code: str = "") -> JobState:
    return before.failed(1.0, 0.1, Failure(reason, "m", code=code))


def written(logs: list[Any]) -> list[Any]:
    """The lines that are written by default."""
    return [entry for entry in logs if entry["log_level"] != "debug"]


def as_logfmt(entry: Any) -> str:
    """A line as it is written, but for what the vendor said."""
    fields = {name: value for name, value in entry.items() if name not in {*VENDORS, "log_level"}}
    line: Any = {"ts": "2026-11-27T17:00:00.000000Z", "level": entry["log_level"], **fields}
    for process in rendering_as("logfmt"):
        line = process(None, "", line)
    return str(line)


@pytest.mark.uncounted
def test_an_outage_of_a_region_is_one_line_and_so_is_its_end() -> None:
    async def main() -> list[Any]:
        names = [f"p{number:03}" for number in range(50)]
        async with CloudContext(account("ak_sk", *names), limits=dict.fromkeys(Api, Limit())) as cloud:
            with structlog.testing.capture_logs() as logs:
                polls = await Polled.started(cloud)
                await asyncio.sleep(200)
                cloud.world.faults.set("frs", Fault(status=503))
                await asyncio.sleep(1200)
                cloud.world.faults.set("frs", None)
                await asyncio.sleep(600)
                await polls.poller.stop()
        return logs

    logs = run_virtual(main())
    assert len([entry for entry in logs if entry["event"] == "down" and "jobs" not in entry]) == 50, "each is told"
    lines = written(logs)
    start, *others = lines
    assert (start["event"], start["jobs"], start["region"]) == ("up", 50, "cn-north-4")
    down = [entry for entry in others if entry["event"] == "down"]
    up = [entry for entry in others if entry["event"] == "up"]
    assert len(down) <= FEW + 1
    assert len(up) <= FEW + 4
    assert sum(entry.get("jobs", 1) for entry in down) == sum(entry.get("jobs", 1) for entry in up) == 50
    assert (down[-1]["reason"], down[-1]["region"], down[-1]["log_level"]) == ("server", "cn-north-4", "warning")
    assert down[0]["advice"] == advice(Failure(Reason.SERVER, ""))
    assert len(down[-1]["request_id"]) == 32, "one that the vendor's support can look up"
    assert up[-1]["was"] == "server"
    assert "still_down" not in up[-1]
    assert up[-1]["down_seconds"] >= 1000
    assert max(len(as_logfmt(entry)) for entry in lines) <= MAX_LINE


def test_a_secret_that_is_refused_is_one_line_for_all_its_projects() -> None:
    async def main() -> list[Any]:
        async with CloudContext(account("token", *(f"p{number:03}" for number in range(100)))) as cloud:
            (owner,), targets = cloud.world.accounts, cloud.targets()
            owner.password = "another"
            with structlog.testing.capture_logs() as logs:
                polls = await Polled.started(cloud, targets)
                await asyncio.sleep(600)
                await polls.poller.stop()
        return logs

    rejected, down = written(run_virtual(main()))
    assert (rejected["event"], rejected["log_level"]) == ("credential rejected", "error")
    assert (down["event"], down["jobs"], down["credential"]) == ("down", 100, "token-account")
    assert down["projects"].endswith(" and 97 more")
    assert down["message"] == "The username or password is wrong."
    assert len(as_logfmt(down)) <= MAX_LINE


def test_two_thousand_projects_that_start_are_one_line() -> None:
    async def main() -> list[Any]:
        log = JobLog()
        with structlog.testing.capture_logs() as logs:
            for job in jobs(2000):
                log.report(job, JobState(), UP, 60.0)
                await asyncio.sleep(0.025)
            log.flush()
        return logs

    lines = written(run_virtual(main()))
    assert [(line["event"], line["region"], line.get("still_down")) for line in lines] == [("up", "cn-north-4", None)]
    assert lines[0]["jobs"] == 2000


def test_few_jobs_are_told_one_by_one_within_seconds() -> None:
    async def main() -> list[Any]:
        log = JobLog()
        with structlog.testing.capture_logs() as logs:
            for job in jobs(FEW):
                log.report(job, UP, failed(UP, Reason.TIMEOUT), 10.0)
            await asyncio.sleep(SETTLE + 0.1)
            return [*logs]

    lines = run_virtual(main())
    assert [(line["event"], line["collector"], line["message"]) for line in lines] == [
        ("down", f"c{number}", "m") for number in range(FEW)
    ]
    assert max(len(as_logfmt(line)) for line in lines) <= MAX_LINE


@pytest.mark.uncounted
def test_what_goes_on_for_a_day_is_told_ever_more_seldom() -> None:
    """Ten jobs a minute join and leave a trouble: lines with numbers, an hour apart in the end."""

    async def main() -> list[Any]:
        fleet, log = jobs(1000), JobLog()
        with structlog.testing.capture_logs() as logs:
            for minute in range(24 * 60):
                for number in range(10):
                    job = fleet[(10 * minute + number) % 1000]
                    log.report(job, UP, down := failed(UP, Reason.SERVER), 10.0)
                    await asyncio.sleep(3)
                    log.report(job, down, UP, 10.0)
                    await asyncio.sleep(3)
        return logs

    lines = written(run_virtual(main()))
    assert len(lines) < 2 * (FEW + 6 + 24)
    assert {"down", "up"} == {entry["event"] for entry in lines}
    assert max(entry.get("jobs", 1) for entry in lines) > 500


def test_advice_that_is_too_long_for_a_line_is_told_by_its_name() -> None:
    """But where `explain` knows it by no name it stays, however long."""
    names = {"project": "p" * 60, "collector": "subscription"}
    refused = Failure(Reason.AUTH, "m")
    assert failure_fields(refused, {})["advice"] == advice(refused)
    assert failure_fields(refused, names)["advice"] == "frs-exporter explain auth"
    coded = Failure(Reason.ABSENT, "m", code="APIG.0101", status=404)
    assert failure_fields(coded, names)["advice"] == "frs-exporter explain APIG.0101"
    agency = Failure(Reason.AUTH, "m", of_agency=True)
    assert failure_fields(agency, names)["advice"] == advice(agency)


def test_few_of_many_projects_are_named_however_long_their_names_are() -> None:
    assert some_projects(["a", "b", "c"]) == "a, b, c"
    assert some_projects([f"p{number}" for number in range(300)]) == "p0, p1, p2 and 297 more"
    assert some_projects(["x" * 60, "b"]) == "x" * 60 + " and 1 more"


@pytest.mark.uncounted
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
    assert len(lines) == 4
    assert {entry["jobs"] for entry in lines} == {1000}


@pytest.mark.uncounted
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

    assert len(written(run_virtual(main()))) <= 2 * 5


def test_statuses_that_a_gateway_mixes_are_one_trouble() -> None:
    """Without a code of the vendor's a status says no more than that a server has failed."""

    async def main() -> list[Any]:
        (job,), log, before = jobs(1), JobLog(), UP
        with structlog.testing.capture_logs() as logs:
            for status in 3 * ("500", "502", "503", "504"):
                log.report(job, before, after := failed(before, Reason.SERVER, status), 10.0)
                before = after
                await asyncio.sleep(200)
        return logs

    assert [entry["code"] for entry in run_virtual(main())] == ["500"]


def test_codes_that_somebody_makes_up_are_told_together() -> None:
    async def main() -> list[Any]:
        log = JobLog()
        with structlog.testing.capture_logs() as logs:
            for number, job in enumerate(jobs(1000)):
                log.report(job, UP, failed(UP, Reason.CLIENT, f"X.{number}"), 10.0)
            log.flush()
        return logs

    lines = written(run_virtual(main()))
    assert len(lines) == MAX_CAUSES + 1
    assert lines[-1]["jobs"] == 1000 - MAX_CAUSES


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
    assert Counter(entry["event"] for entry in logs) == {"down": MAX_CAUSES + 2, "up": 1}


def test_each_trouble_of_a_job_is_told_once_and_anew_after_it_was_up() -> None:
    async def main() -> list[Any]:
        (job,), log, before = jobs(1), JobLog(), UP
        with structlog.testing.capture_logs() as logs:
            for reason in (Reason.TIMEOUT, Reason.SERVER, Reason.TIMEOUT, Reason.SERVER, None, Reason.TIMEOUT):
                after = failed(before, reason) if reason else before.succeeded(0.0, 0.1, CollectResult(), 60.0)
                log.report(job, before, after, 10.0)
                before = after
                await asyncio.sleep(200)
            log.forget(job.key)  # it is another project by now
            log.report(job, before, failed(before, Reason.TIMEOUT), 10.0)
            log.flush()
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
        noted = UP.succeeded(1.0, 0.1, CollectResult(warnings=(GONE, note(Text("of this one: b", "")))), 60.0)
        with structlog.testing.capture_logs() as logs:
            for before, after in ((UP, noted), (noted, noted), (noted, UP), (UP, noted)):
                for job in fleet:
                    log.report(job, before, after, 10.0)
                await asyncio.sleep(70)
        return logs

    lines = written(run_virtual(main()))
    assert [line["note"] for line in lines if "note" in line].count("cn-north-4: gone: a") == 2
    assert [line["jobs"] for line in lines if "jobs" in line] == [10, 10], "what is of each is said of all of them"


def test_what_is_so_of_a_region_is_said_again_once_those_it_was_said_of_are_gone() -> None:
    async def main() -> list[Any]:
        fleet, log = jobs(3), JobLog()
        noted = UP.succeeded(1.0, 0.1, CollectResult(warnings=(GONE,)), 60.0)
        with structlog.testing.capture_logs() as logs:
            for job in fleet[:2]:
                log.report(job, UP, noted, 10.0)
            for job in fleet[:2]:
                log.forget(job.key)
            await asyncio.sleep(70)
            log.report(fleet[2], UP, noted, 10.0)
            log.flush()
        return logs

    assert [entry["note"] for entry in run_virtual(main())] == ["cn-north-4: gone: a"] * 2


def test_a_line_that_comes_late_does_not_say_of_a_job_that_is_up_that_it_is_down() -> None:
    """Lines of a cause are up to an hour apart, and of its end they begin anew: so an end may be told before."""

    async def main() -> list[Any]:
        (busy, job), log = jobs(2), JobLog()
        down = failed(UP, Reason.TIMEOUT)
        with structlog.testing.capture_logs() as logs:
            for _ in range(38):  # another job has the lines far apart by now
                log.report(busy, UP, down, 10.0)
                log.forget(busy.key)
                await asyncio.sleep(50)
            await asyncio.sleep(100)
            for before, after in ((UP, down), (down, UP)):
                log.report(job, before, after, 10.0)
                await asyncio.sleep(30)
            await asyncio.sleep(8000)
            log.flush()
        return logs

    lines = [line for line in written(run_virtual(main())) if line.get("collector") == "c1"]
    assert [line["event"] for line in lines] == ["up", "down"]
    assert lines[-1]["still_down"] == 0


def test_a_line_that_comes_late_does_not_say_of_a_job_that_is_down_that_it_is_up() -> None:
    async def main() -> list[Any]:
        (busy, job), log = jobs(2), JobLog()
        down, other = failed(UP, Reason.TIMEOUT), failed(UP, Reason.SERVER)
        with structlog.testing.capture_logs() as logs:
            for _ in range(38):
                log.report(busy, UP, down, 10.0)
                log.report(busy, down, UP, 10.0)
                await asyncio.sleep(50)
            await asyncio.sleep(100)
            for before, after in ((UP, down), (down, UP), (UP, other)):
                log.report(job, before, after, 10.0)
            await asyncio.sleep(8000)
            log.flush()
        return logs

    lines = [line for line in written(run_virtual(main())) if line.get("collector") == "c1"]
    assert [(line["event"], line.get("still_down")) for line in lines] == [("down", None), ("down", None), ("up", 1)]
