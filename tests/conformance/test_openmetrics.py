"""The pages that no parser of OpenMetrics may take, and those that each must take, tell whether our own judge is right.

OpenMetrics' test data is not packaged. Its cases are those of prometheus_client's own tests, which are read in the
source of that library: tests/tools/sources names it, and none is copied.
"""

import ast
from functools import cache
from typing import Any

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics

from tests.conformance.openmetrics import BrokenRule, check
from tests.e2e.conftest import ROOT, missing

CASES = ROOT / ".tools/sources/test_parser.py"
PARSE = "text_string_to_metric_families"
BAD = "test_invalid_input"

BROKEN = [
    ("a line of the grammar", "\ufeffa 1\n# EOF\n"),
    ("no carriage returns", "a 1\r\n# EOF\n"),
    ("no carriage returns", "# HELP a b\r\na 1\n# EOF\n"),
    ("EOF has a line of its own", "a 1 # EOF\n"),
    ("a line of the grammar", '# HELP a "b"\na 1\n# EOF\n'),
    ("each series is there once", 'a{b="c"} 1\na{b="c"} 2\n# EOF\n'),
    ("each series is there once", 'a{b="c",d="e"} 1\na{d="e",b="c"} 2\n# EOF\n'),
    ("no interleaved families", "a 1\nb 1\na 2 3\n# EOF\n"),
    ("no interleaved families", "# TYPE a gauge\na 1\n# TYPE b gauge\n# HELP a c\n# EOF\n"),
    ("no interleaved metrics", '# TYPE a summary\na_count{b="c"} 1\na_count{b="d"} 1\na_sum{b="c"} 1\n# EOF\n'),
    ("labels that begin with _ are reserved", 'a{_b="c"} 1\n# EOF\n'),
    ("names that begin with _ are reserved", "_a 1\n# EOF\n"),
    ("a sum is negative only", '# TYPE a gaugehistogram\na_bucket{le="+Inf"} 1\na_gcount 1\na_gsum NaN\n# EOF\n'),
    ("the last bucket is", '# TYPE a histogram\na_bucket{le="1"} 1\n# EOF\n'),
    ("the count is the bucket", '# TYPE a histogram\na_bucket{le="+Inf"} 1\na_count 2\na_sum 1\n# EOF\n'),
    (
        "buckets are sorted",
        '# TYPE a histogram\na_bucket{le="1"} 1\na_bucket{le="1.0"} 1\na_bucket{le="+Inf"} 1\n# EOF\n',
    ),
]
"""Pages that break a rule which none of the cases is about, or not so."""


@cache
def source() -> ast.Module:
    """The tests of the library."""
    if not CASES.exists():
        missing("the cases of OpenMetrics are not there: run tests/install-tools on Debian")
    return ast.parse(CASES.read_text())


def function(name: str) -> ast.FunctionDef:
    """A test of the library."""
    (found,) = (node for node in ast.walk(source()) if isinstance(node, ast.FunctionDef) and node.name == name)
    return found


def bad_pages() -> list[str]:
    """Those that its strict parser refuses."""
    loops = (node for node in ast.walk(function(BAD)) if isinstance(node, ast.For))
    return [ast.literal_eval(case) for loop in loops if isinstance(loop.iter, ast.List) for case in loop.iter.elts]


def good_pages() -> list[str]:
    """Those that it takes: what is parsed in its other tests, where it is written down whole."""
    texts: list[Any] = []
    for node in ast.walk(source()):
        match node:
            case ast.Call(func=ast.Name(id=name), args=[ast.Constant(value=text)]) if name == PARSE:
                texts.append(text)
            case ast.Assign(value=ast.Constant(value=str(text))) if "# EOF" in text:
                texts.append(text)
    return texts


def taken(page: str) -> bool:
    """Whether our judge takes a page."""
    try:
        check(page)
    except BrokenRule:
        return False
    return True


def taken_by_library(page: str) -> bool:
    """Whether prometheus_client's strict parser does."""
    try:
        list(parse_openmetrics(page))
    except ValueError:
        return False
    return True


def test_what_no_parser_may_take_is_refused() -> None:
    pages = bad_pages()
    assert len(pages) > 150
    assert [page for page in pages if taken(page)] == []
    assert [page for page in pages if taken_by_library(page)] == []


def test_what_each_parser_must_take_is_taken() -> None:
    pages = good_pages()
    assert len(pages) > 40
    assert [page for page in pages if not taken(page)] == []


@pytest.mark.parametrize(("rule", "page"), BROKEN)
def test_what_breaks_another_rule_is_refused(rule: str, page: str) -> None:
    with pytest.raises(BrokenRule, match=rule):
        check(page)
