"""The benchmark runs and compares equal pages; its figures are for `make bench` to tell."""

import pytest

from tests.benchmarks.page import main


def test_the_benchmark_prints_a_row_for_each_size(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([3, 10])
    rows = capsys.readouterr().out.splitlines()[2:-1]
    assert [row.split()[0] for row in rows] == ["3", "10"]
