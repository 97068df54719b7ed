"""The benchmark runs and tells each figure with its goal; how large they are is for `make bench` to tell."""

import asyncio
import json
from pathlib import Path

import pytest

from frs_exporter.collectors import COLLECTORS
from tests.benchmarks import hour, memory, shards
from tests.benchmarks.__main__ import Lengths, Turns, main
from tests.benchmarks.figures import Figure, as_json, differences

SHORT = Lengths(sizes=(1, 100, 200), first_round=0.2, scrape_interval=0.9, turn=0.6, rounds=1)


def test_the_benchmark_tells_each_figure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    figures, chart = tmp_path / "figures.json", tmp_path / "cost.svg"
    main(["--whole", f"--json={figures}", f"--chart={chart}"], SHORT)
    found = {figure["what"]: figure for figure in json.loads(figures.read_text())}
    assert sum(figure["at_most"] is not None for figure in found.values()) == 13
    assert all(figure["value"] for figure in found.values())
    told = capsys.readouterr().out
    assert "times cheaper than client_golang" in told
    assert all(what in told for what in found)
    assert [row.split()[0] for row in told.splitlines() if " bytes gzipped" in row] == ["1", "100", "200"]
    assert chart.read_text().startswith("<?xml")


def test_two_runs_are_compared_by_the_least_of_each() -> None:
    before = as_json([Figure("a poll", "ms", (1.0, 3.0)), Figure("a scrape", "ms", (10.0,))])
    lines = list(differences([Figure("a poll", "ms", (1.2, 1.4, 1.2)), Figure("a scrape", "ms", (10.0,))], before))
    assert [line.split()[2:] for line in lines[1:]] == [["1", "1.2", "+20.0", "%", "!"], ["10", "10", "+0.0", "%"]]


def test_a_ratio_of_two_runs_is_that_of_the_least() -> None:
    turns = Turns(list, {"theirs": [300.0, 200.0], "ours": [10.0, 5.0], "seldom": [20.0, 40.0, 60.0]})
    ratio = turns.ratio("times cheaper", "theirs", "ours", {"at_least": 36})
    assert (ratio.values, ratio.value, ratio.compared, ratio.met) == ((30.0, 40.0), 35.0, 40.0, False)
    assert turns.ratio("of medians", "theirs", "seldom", {}).values == (7.5, 5.0)


def test_the_slowest_of_all_counts_and_two_runs_agree_when_both_meet_the_goal() -> None:
    runs = [Figure("a scrape", "ms", values, at_most=60, judged=max) for values in ((9.0, 70.0), (9.0, 30.0))]
    assert [(run.value, run.met) for run in runs] == [(70.0, False), (30.0, True)]
    assert list(differences(runs[1:], as_json(runs[:1])))[1].split()[2:] == ["70", "30", "met", "!"]
    assert list(differences(runs[1:], as_json(runs[1:])))[1].split()[2:] == ["30", "30", "met"]


def test_memory_is_told_for_each_collector(capsys: pytest.CaptureFixture[str]) -> None:
    asyncio.run(memory.by_collector((20, 40), (0.1, 0.1)))
    told = [line.rpartition("  ")[0].strip() for line in capsys.readouterr().out.splitlines()]
    assert told[-len(COLLECTORS) :] == [*COLLECTORS]


def test_shards_are_planned_and_too_many_projects_of_a_credential_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert shards.main(4000, 2, 40)
    assert "4,000 projects, each of one shard: True" in capsys.readouterr().out
    assert not shards.main(4000, 2, 4)


def test_a_long_run_is_shown_row_by_row(capsys: pytest.CaptureFixture[str]) -> None:
    hour.main(["--projects=20", "--minutes=0.03", "--row=0.01"])
    told = capsys.readouterr().out.splitlines()
    assert [len(line.split()) for line in told[1:4]] == [7] * 3
    assert any(line.startswith("memory, MiB ") for line in told)
