"""What is JSON, what is not, and that nothing of what is not is quoted."""

import contextlib
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from frs_exporter.cloud.strict_json import decode


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"", "it is empty"),
        (b" \r\n", "it is empty"),
        (b"<html>", "it is a page of HTML"),
        (b'{"a": NaN}', "NaN is not a JSON number"),
        (b'{"a": -Infinity}', "-Infinity is not a JSON number"),
        (b'{"a": 1e999}', "a number is too large"),
        (b'{"a": 1, "a": 2}', "a name occurs twice in one object"),
        (b'{"a": ' + b"9" * 5000 + b"}", "a number is too long"),
        (b"[" * 100_000, "it is nested too deeply"),
        (b'"\xff"', "it is not UTF-8 text"),
        (b'{"a": 1', "Expecting ',' delimiter: line 1 column 8 (char 7)"),
        (b"{} {}", "Extra data: line 1 column 4 (char 3)"),
    ],
)
def test_what_is_not_strict_json_is_refused(body: bytes, told: str) -> None:
    with pytest.raises(ValueError, match=rf"^{re.escape(told)}$"):
        decode(body)


def test_what_is_json_is_read() -> None:
    assert decode(b' {"a": [1, -2.5e3, "\\ud800", true, null]}\n') == {"a": [1, -2500.0, "\ud800", True, None]}


@given(st.binary(max_size=200))
def test_no_body_gets_anything_but_a_value_or_a_value_error(body: bytes) -> None:
    with contextlib.suppress(ValueError):
        decode(body)
