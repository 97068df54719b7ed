"""The benchmark runs and starts no job anew for a label; its times are for `make bench` to tell."""

import pytest

from tests.benchmarks import reload


def test_the_benchmark_prints_its_figures(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reload, "RELOADS", 2)
    monkeypatch.setattr(reload, "WATCH", 0.1)
    reload.main([60])
    rows = capsys.readouterr().out.splitlines()
    assert rows[0].startswith("60 projects, a file of")
    assert rows[-1].split() == ["jobs", "started", "anew", "0", "of", "180"]
