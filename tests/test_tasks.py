"""Tasks that nobody wants any more come to their end."""

import asyncio

from frs_exporter.runtime.tasks import cancel_and_wait, interrupt, uninterrupted, unless


async def test_all_have_ended_however_they_did() -> None:
    ends: list[str] = []

    async def clean_up() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0.01)
            ends.append("cleaned up")

    async def fail() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ends.append("failed")
            raise ValueError

    tasks = {asyncio.create_task(clean_up()), asyncio.create_task(fail())}
    for task in tasks:
        task.add_done_callback(tasks.discard)  # as where they are kept
    await asyncio.sleep(0)
    await cancel_and_wait(tasks)
    assert sorted(ends) == ["cleaned up", "failed"]
    assert not tasks
    await cancel_and_wait([])


async def test_what_must_be_finished_is_finished_and_then_it_ends() -> None:
    steps: list[str] = []

    async def work() -> None:
        steps.append("begun")
        with uninterrupted():
            with uninterrupted():
                await asyncio.sleep(0.02)
            steps.append("finished")
        steps.append("went on")

    task = asyncio.create_task(work())
    await asyncio.sleep(0)
    interrupt(task)
    await asyncio.wait({task})
    assert task.cancelled()
    assert steps == ["begun", "finished"]


async def test_what_need_not_be_finished_ends_at_once_also_before_and_after_it() -> None:
    async def work() -> None:
        with uninterrupted():
            pass
        await asyncio.sleep(60)

    task = asyncio.create_task(work())
    await asyncio.sleep(0)
    interrupt(task)
    await asyncio.wait({task}, timeout=1)
    assert task.cancelled()


async def test_work_ends_where_something_else_comes_first() -> None:
    event, ends = asyncio.Event(), list[str]()

    async def work(seconds: float) -> str:
        try:
            await asyncio.sleep(seconds)
            return "done"
        finally:
            ends.append(f"{seconds}")

    assert await unless(event, work(0.01)) == "done"
    asyncio.get_running_loop().call_later(0.01, event.set)
    assert await unless(event, work(60)) is None
    assert ends == ["0.01", "60"]
