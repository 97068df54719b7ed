"""The benchmark runs and prints its figures; how large they are is for `make bench` to tell."""

import re

import pytest

from tests.benchmarks import web


def test_the_benchmark_prints_its_figures(capsys: pytest.CaptureFixture[str]) -> None:
    web.main(30, 3)
    rows = capsys.readouterr().out.splitlines()
    assert re.fullmatch(r"  ratio +\d+\.\d\d", rows[3])
    assert rows[4] == "30 projects, each page read by another process:"
    assert [row.split()[0] for row in rows[5:]] == list(web.PAGES)
