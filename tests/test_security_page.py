"""The security page: each line of what somebody can and cannot do names a test that is there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = ("SECURITY.md", "SECURITY.zh-CN.md")
SHOWN = re.compile(r"(?m)^\| .+ \| .+ \| (`tests/.+`) \|$")
ATTACKERS = 5


def tables(page: str) -> list[str]:
    """The tables that say what somebody can do and cannot, with what shows it."""
    text = (ROOT / page).read_text()
    return [table for table in re.findall(r"(?m)(?:^\|.*\n)+", text) if table.splitlines()[0].count("|") == 4]


def missing(row: str) -> list[str]:
    """The tests that a row names, and that are not there; one without a file is in that of the one before."""
    lost, file = [], ""
    for name in re.findall(r"`([^`]+)`", row):
        file = name.partition("::")[0] if "::" in name else file
        path, test = ROOT / file, name.rpartition("::")[2]
        if not path.is_file() or not re.search(rf"(?m)^(?:async )?def {test}\(", path.read_text()):
            lost.append(name)
    return lost


@pytest.mark.parametrize("page", PAGES)
def test_each_line_names_tests_that_are_there(page: str) -> None:
    assert len(tables(page)) == ATTACKERS
    for table in tables(page):
        _, _, *rows = table.splitlines()
        assert rows
        for row in rows:
            shown = SHOWN.match(row)
            assert shown, f"no test: {row}"
            assert missing(shown[1]) == [], row


def test_a_test_that_is_not_there_is_missed() -> None:
    here = "`tests/test_security_page.py::test_a_test_that_is_not_there_is_missed`"
    assert missing(f"{here}, `test_that_is_gone`") == ["test_that_is_gone"]
    assert missing("`tests/test_gone.py::test_x`") == ["tests/test_gone.py::test_x"]
