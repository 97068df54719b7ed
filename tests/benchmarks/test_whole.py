"""The benchmark runs and tells each figure with its goal; how large they are is for `make bench` to tell."""

import asyncio
import json
from pathlib import Path
from statistics import median

import pytest

from frs_exporter.polling.forecast import JOB_KIB
from tests.benchmarks import hour, memory, shards
from tests.benchmarks.__main__ import Lengths, main
from tests.benchmarks.figures import Figure, as_json, differences

SHORT = Lengths(sizes=(1, 300, 600), first_round=0.2, scrapes=1, scrape_interval=0.2, turn=0.6, rounds=2)


def test_the_benchmark_tells_each_figure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    figures, chart = tmp_path / "figures.json", tmp_path / "cost.svg"
    main(["--whole", f"--json={figures}", f"--chart={chart}"], SHORT)
    found = {figure["what"]: figure for figure in json.loads(figures.read_text())}
    assert sum(figure["at_most"] is not None for figure in found.values()) == 13
    assert all(figure["value"] for figure in found.values())
    told = capsys.readouterr().out
    assert "times cheaper than client_golang" in told
    assert all(what in told for what in found)
    assert [row.split()[0] for row in told.splitlines() if " bytes gzipped" in row] == ["1", "300", "600"]
    assert chart.read_text().startswith("<?xml")


def test_two_runs_are_compared() -> None:
    before = as_json([Figure("a poll", "ms", (1.0,)), Figure("a scrape", "ms", (10.0,))])
    lines = list(differences([Figure("a poll", "ms", (1.2, 1.4, 1.2)), Figure("a scrape", "ms", (10.0,))], before))
    assert [line.split()[2:] for line in lines[2:]] == [["1", "1.2", "+20.0", "%", "!"], ["10", "10", "+0.0", "%"]]


def test_how_fast_the_machine_is_makes_no_difference_to_what_is_compared() -> None:
    quick = Figure("a poll", "ms", (4.0, 5.0, 4.4), yardstick=(1.0, 1.0, 1.0))
    slow = Figure("a poll", "ms", (8.0, 10.0, 4.4), yardstick=(2.0, 2.0, 1.0))
    assert quick.common == slow.common == pytest.approx(4.2)
    assert slow.value == 8.0


def test_the_slowest_of_all_rounds_counts_and_a_ratio_is_compared_by_its_median() -> None:
    slowest = Figure("a scrape", "ms", (30.0, 70.0, 40.0), at_most=60, judged=max)
    assert (slowest.value, slowest.common, slowest.met) == (70.0, 35.0, False)
    assert Figure("in GETs", "", (2.0, 3.0, 9.0), at_most=3, compared=median).common == 3.0


def test_memory_is_told_for_each_collector(capsys: pytest.CaptureFixture[str]) -> None:
    asyncio.run(memory.by_collector((20, 40), 0.1))
    told = [line.rpartition("  ")[0].strip() for line in capsys.readouterr().out.splitlines()]
    assert told[-len(JOB_KIB) :] == [*JOB_KIB]


def test_shards_are_planned_and_too_many_projects_of_a_credential_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert shards.main(4000, 2, 40)
    assert "4,000 projects, each of one shard: True" in capsys.readouterr().out
    assert not shards.main(4000, 2, 4)


def test_a_long_run_is_shown_row_by_row(capsys: pytest.CaptureFixture[str]) -> None:
    hour.main(["--projects=20", "--minutes=0.03", "--row=0.01"])
    told = capsys.readouterr().out.splitlines()
    assert [len(line.split()) for line in told[1:4]] == [7] * 3
    assert any(line.startswith("memory, MiB ") for line in told)
