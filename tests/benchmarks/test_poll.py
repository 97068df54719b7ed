"""The benchmark runs and prints its figures; how large they are is for `make bench` to tell."""

import re

import pytest

from tests.benchmarks import poll


def test_the_benchmark_prints_its_figures(capsys: pytest.CaptureFixture[str]) -> None:
    poll.main(600, 0.5, first_round=0.5)
    title, polls, gets = capsys.readouterr().out.splitlines()
    assert title == "600 projects a minute:"
    assert re.fullmatch(r"  CPU per poll     ( *\d+\.\d\d){3} ms", polls)
    assert re.fullmatch(r"  CPU per bare GET ( *\d+\.\d\d){3} ms, on a tick of 100 ms", gets)
