"""A soak of seconds runs all that an hour does; whether it is flat is for `make soak` to tell."""

import re

import pytest

from tests.e2e.conftest import Programs
from tests.soak.__main__ import run, tracebacks


def test_it_tells_rows_and_slopes_and_ends_the_exporter(programs: Programs, capsys: pytest.CaptureFixture[str]) -> None:
    wrong = run(10, 0.1, 0.01, programs)
    rows = re.findall(r"(?m)^ +(\d\.\d)((?: +[\d.]+){4}) +(\d+)$", capsys.readouterr().out)
    assert len(rows) == 10
    assert all(float(figure) > 0 for _, figures, _ in rows for figure in figures.split())
    assert sum(int(times) for _, _, times in rows) >= 10
    assert not [line for line in wrong if "in an hour" not in line]


def test_a_traceback_is_found_within_a_line_of_the_log_and_beside_it() -> None:
    line = r'level=error msg="poll failed" exception="Traceback (most recent call last):\n  File ..."'
    found = tracebacks(f"level=info msg=up\n{line}\nTraceback (most recent call last):\n")
    assert found == [f"a traceback: {line}", "a traceback: Traceback (most recent call last):"]
