"""The steps of CONTRIBUTING.md for a new collector, followed: one file, one line, and all else is there."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from frs_exporter.collectors import COLLECTORS
from frs_exporter.collectors.collector import ApiClient, Collector, whole_number
from frs_exporter.config.load import load
from frs_exporter.core.model import Api, CollectResult, Family, Sample, Target
from frs_exporter.polling import exporter
from tests.conftest import account, run_virtual
from tests.polling.living import living

QUOTA = Family("frs_max_face_set_number_again", "gauge", "The limit once more (max_face_set_number).", ("project",))
POLLS = Family("frs_times_asked_total", "counter", "How often it was asked.", ("project",))


async def collect(door: ApiClient, target: Target, memory: int | None) -> CollectResult:
    payload = await door.get(Api.FRS, f"/v1/{target.project_id}/subscribe")
    times = (memory or 0) + 1
    return CollectResult((*parse(payload, target), Sample(POLLS, (target.project,), times)), memory=times)


def parse(payload: Any, target: Target) -> tuple[Sample, ...]:
    number = whole_number("$.max_face_set_number", payload["max_face_set_number"])
    return (Sample(QUOTA, (target.project,), number),)


def test_one_file_and_one_line_make_a_collector(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(COLLECTORS, "again", Collector(Api.FRS, (QUOTA, POLLS), collect))
    monkeypatch.setattr(exporter, "PAGE_FAMILIES", (*exporter.PAGE_FAMILIES, QUOTA, POLLS))  # made of it at import

    def both(config: dict[str, Any]) -> None:
        config["defaults"] = {"collectors": ["subscription", "again"], "poll_interval": "10s"}

    async def run() -> dict[str, float]:
        async with living(tmp_path, account("ak_sk", "gate-1"), config=both) as alive:
            await asyncio.sleep(30)
            return alive.shown()

    shown = run_virtual(run())
    assert shown['frs_max_face_set_number_again{project="gate-1"}'] == 10
    assert shown['frs_times_asked_total{project="gate-1"}'] >= 4


def test_without_the_line_the_config_says_what_there_is(tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text(json.dumps({"defaults": {"collectors": ["again"]}}))
    with pytest.raises(Exception, match="must be one of subscription, face_sets, cloud_eye"):
        load(str(tmp_path / "c.yaml"))
