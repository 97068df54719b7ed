"""Tasks that nobody wants any more come to their end."""

import asyncio

from frs_exporter.runtime.tasks import cancel_and_wait


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
