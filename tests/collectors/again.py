"""A collector that nobody needs, as its author would write it: `test_a_new_one.py` adds it to a copy of the program."""

from typing import Any

from frs_exporter.collectors.collector import ApiClient, Collector, whole_number
from frs_exporter.core.model import Api, CollectResult, Family, Sample, Target

QUOTA = Family("frs_max_face_set_number_again", "gauge", "The limit once more (max_face_set_number).", ("project",))
POLLS = Family("frs_times_asked_total", "counter", "How often it was asked.", ("project",))


async def collect(client: ApiClient, target: Target, memory: int | None) -> CollectResult:
    """The limit, and how often it was asked for."""
    data = await client.get(Api.FRS, f"/v1/{target.project_id}/subscribe")
    times = (memory or 0) + 1
    return CollectResult((*parse(data, target), Sample(POLLS, (), times)), memory=times)


def parse(data: Any, target: Target) -> tuple[Sample, ...]:
    """The sample in an answer."""
    number = whole_number("$.max_face_set_number", data["max_face_set_number"])
    return (Sample(QUOTA, (), number),)


COLLECTOR = Collector(Api.FRS, (QUOTA, POLLS), collect)
