"""The benchmark runs and starts no job anew for a label; its times are for `make bench` to tell."""

import pytest

from tests.benchmarks.reload import Length, main


def test_the_benchmark_prints_its_figures(capsys: pytest.CaptureFixture[str]) -> None:
    main(60, Length(reloads=2, watch=0.1))
    rows = capsys.readouterr().out.splitlines()
    assert rows[0].startswith("60 projects, a file of")
    assert rows[-1].split() == ["jobs", "started", "anew", "0", "of", "180"]
