"""`make fuzz` tells what it tried and what failed, keeps the input that failed, and tries it again."""

from pathlib import Path

import pytest

from tests.e2e.conftest import ROOT, missing
from tests.fuzz.__main__ import ATHERIS, by_atheris, by_hypothesis, escaped, main


def refuse_zero(data: bytes) -> None:
    """A property that does not hold."""
    assert b"0" not in data, "there is a zero"


def test_what_fails_is_kept_and_fails_again(tmp_path: Path) -> None:
    outcome = by_hypothesis("headers", 60.0, tmp_path, refuse_zero)
    (file,) = tmp_path.iterdir()
    with pytest.raises(AssertionError, match="there is a zero"):
        refuse_zero(file.read_bytes())
    assert outcome.inputs > 1
    assert str(file) in outcome.failed
    assert "there is a zero" in outcome.failed


def test_what_holds_is_tried_until_the_time_is_over(tmp_path: Path) -> None:
    outcome = by_hypothesis("headers", 0.5, tmp_path)
    assert (outcome.failed, list(tmp_path.iterdir())) == ("", [])
    assert outcome.seconds >= 0.5
    assert outcome.inputs >= 300


def test_an_input_is_tried_again(tmp_path: Path) -> None:
    file = tmp_path / "input"
    file.write_bytes(b"text/plain\ngzip\nzh\n")
    assert main(["--replay", "headers", str(file)]) == 0


def test_atheris_runs_a_target_and_tells_what_it_reached(tmp_path: Path) -> None:
    if not (ROOT / ".venv/fuzz").exists():
        missing("atheris is not installed: run make .venv/fuzz")
    if not ATHERIS.is_dir():
        pytest.skip("there is no wheel of atheris for this Python and machine")
    outcome = by_atheris("headers", 2.0, tmp_path)
    assert outcome.failed == ""
    assert outcome.inputs > 100
    assert int(outcome.reached) > 10


def test_a_piece_is_written_as_dictionaries_have_it() -> None:
    assert escaped(b'a"\\\n\xff') == "a\\x22\\x5c\\x0a\\xff"
