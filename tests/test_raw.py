"""What `check --raw` shows of an answer has no secret in it, nor half of one, however the answer is made."""

import json

from frs_exporter.cli.raw import RawTrace

SECRET = 'k-Hunter2/"Hunter2Hunter2Hunter2"'


def shown(body: bytes, *secrets: str) -> str:
    """The lines about an answer."""
    trace = RawTrace()
    trace.headers({}, lambda: secrets, "< %s", 400)
    trace.body(body)
    return "\n".join(trace.lines)


def test_half_a_secret_at_the_end_is_not_shown() -> None:
    """Of an answer that repeats a secret so often that what is starred leaves room for what is far behind."""
    for shift in range(40):
        text = shown(("." * shift + (SECRET + " ") * 9000).encode(), SECRET)
        assert "*** ***" in text
        assert "Hun" not in text


def test_half_a_word_at_the_end_that_may_be_a_secret_is_not_shown() -> None:
    word = "Hunter" * 20
    for shift in range(0, 130, 7):
        assert "Hun" not in shown(("." * shift + (word + " ") * 9000).encode())


def test_a_header_that_is_shown_as_a_list_has_its_lines_starred() -> None:
    text = shown(json.dumps({"headers": {"X-Auth-Token": ["hunter2", "hunter3"], "Server": "nginx"}}).encode())
    assert "hunter" not in text
    assert "nginx" in text


def test_an_answer_in_utf_16_is_read() -> None:
    text = shown(json.dumps({"error_msg": f"for {SECRET}"}).encode("utf-16-le"), SECRET)
    assert '"error_msg": "for ***"' in text
