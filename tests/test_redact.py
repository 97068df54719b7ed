"""No secret gets through, however it is written, and no text takes long."""

import base64
import html
import json
import random
import re
from collections.abc import Callable, Mapping
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from frs_exporter.core.errors import classify
from frs_exporter.core.redact import MAX_MESSAGE, beginning, blanked, brief, redacted, text_of


@pytest.mark.parametrize(
    "leak",
    [
        "canonicalRequest:GET|/v1/p/subscribe/||host:h|x-security-token:hunter2|x-sdk-date:2|",
        'headers {"X-Auth-Token": "hunter2"}',
        "Authorization: SDK-HMAC-SHA256 Access=AK, Signature=hunter2",
        "password=hunter2",
        'body {"password": "ab,c;d hunter2"}',
        "secret_key: hunter2",
        "pwd = 'x hunter2'",
        "token " + "hunter2" * 8,
        json.dumps({"password": 'ab"cd\\hunter2'}),
        json.dumps(json.dumps({"password": 'ab"cd\\hunter2'})),
        "no URL: http://user:hunter2@proxy:3128",
        "URL('http://hunter2@proxy')",
        '{"X-Auth-Token": ["hunter2"]}',
        '{"Proxy-Authorization":["Basic hunter2", "Basic hunter2"]}',
        'header {"password": {"value": "hunter2"}}',
        r'{"proxy": "http:\/\/CORP\\jdoe:hunter2@proxy"}',
    ],
)
def test_messages_are_blanked_of_secrets(leak: str) -> None:
    assert "hunter2" not in brief(leak)


@pytest.mark.parametrize("character", [chr(code) for code in range(0x21, 0x7F)])
def test_a_url_is_blanked_of_its_login_whatever_it_holds(character: str) -> None:
    line = f"cannot ask http://u{character}r:p{character}w@proxy:3128/x, so https://face.example/v1 is not asked"
    assert redacted(line) == "cannot ask http://***@proxy:3128/x, so https://face.example/v1 is not asked"


def test_what_is_no_login_stays() -> None:
    line = "http://face.example/v1/x: Access Denied; the cache's administrator is root@proxy.example"
    assert redacted(line) == line


def test_messages_are_short_and_on_one_line() -> None:
    assert brief("a\r\n\tb\x00c\u2028d") == "a b c d"
    assert len(brief("word " * 500)) == MAX_MESSAGE


def test_half_a_secret_is_told_no_more_than_a_whole_one() -> None:
    """The cut of a long text may go through one."""
    for before in range(2300, 2420):
        assert "hunter2" not in brief("password: x " * 100 + "w " * ((before - 1200) // 2) + "hunter2" * 8)


@pytest.mark.uncounted
@pytest.mark.parametrize(
    "piece", ["A", "-", "://", "://@", "<", "token", "token:", 'token:"', "authorization=", "\\", '"', "'", "secret "]
)
def test_no_text_takes_long(piece: str) -> None:
    """A poll must not stop the loop, whatever comes back; with a quadratic pattern this would never end."""
    text = piece * (1_000_000 // len(piece))
    brief(text)
    classify(500, text.encode(), {}, by_token=False)
    classify(500, json.dumps({"error_code": "FRS.0500", "error_msg": text}).encode(), {}, by_token=False)
    redacted(text[:100_000])


@pytest.mark.parametrize("blank", [" " * 3000, "\n" * 70_000, "\x00" * 3000, "<p>" * 30_000])
def test_a_blank_page_is_no_message(blank: str) -> None:
    for body in (blank, json.dumps({"error_msg": blank}), json.dumps({"error_code": "FRS.0500", "error_msg": [blank]})):
        assert classify(401, body.encode(), {}, by_token=False).status == 401


QUOTED: Mapping[str, Callable[[str], str]] = {
    "JSON with escaped slashes": lambda text: json.dumps(text)[1:-1].replace("/", "\\/"),
    "JSON with capitals": lambda text: re.sub(r"\\u....", lambda it: "\\u" + it[0][2:].upper(), json.dumps(text)[1:-1]),
    "a URL in small letters": lambda text: re.sub("%..", lambda it: it[0].lower(), quote(text, safe="")),
    "a form": quote_plus,
    "a URL within a URL": lambda text: quote(quote(text, safe=""), safe=""),
    "JSON in a URL": lambda text: quote(json.dumps(text)[1:-1]),
    "HTML by numbers": lambda text: "".join(c if c.isalnum() else f"&#{ord(c)};" for c in text),
    "HTML by hexadecimals": lambda text: "".join(c if c.isalnum() else f"&#x{ord(c):X};" for c in text),
    "HTML within HTML": lambda text: html.escape(html.escape(text)),
}
"""Ways in which servers quote what they were sent."""


@pytest.mark.parametrize("how", QUOTED)
@given(secret=st.text(st.sampled_from("Ab1 é人\U0001f600/\\\"'<>&+%=\n{}"), min_size=2, max_size=12))
@pytest.mark.uncounted
def test_a_secret_is_found_however_it_is_quoted(how: str, secret: str) -> None:
    assert blanked(f"({QUOTED[how](secret)})", [secret]) == "(***)"


@pytest.mark.parametrize("how", QUOTED)
def test_a_token_of_thousands_of_characters_is_found_however_it_is_quoted(how: str) -> None:
    token = "MII" + base64.b64encode(random.Random(1).randbytes(9000)).decode() + "=="
    assert blanked(f"({QUOTED[how](token)})", [token]) == "(***)"


@pytest.mark.uncounted
@pytest.mark.parametrize("piece", ["\\", "%25", "&amp;", "a\\", "%", "&#0", '\\"', "\\u0022"])
@pytest.mark.parametrize("secret", ["\\\\\\\\a", '"\\"\\"\\"', "%%%%%b", "&&&&&c", '""""""'])
def test_no_text_and_no_secret_take_long_together(piece: str, secret: str) -> None:
    blanked("abc" + piece * (100_000 // len(piece)), [secret])


def test_half_a_secret_at_the_end_is_not_begun_with() -> None:
    secret = 'k/"Hunter2Hunter2Hunter2"'
    for shift in range(60):
        found = beginning("." * shift + (quote(secret, safe="") + " ") * 100, [secret], 1000, 500)
        assert "***" in found
        assert "Hun" not in found


def test_a_text_in_utf_16_is_read() -> None:
    for coding in ("utf-16-le", "utf-16-be"):
        assert "hunter2" not in blanked(text_of("you sent hunter2".encode(coding)), ["hunter2"])
        assert "you sent" in text_of("you sent hunter2".encode(coding))


secrets = st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), min_size=8, max_size=30)


@given(secrets, st.sampled_from(["%s", "value <%s> is not allowed", "a=%s&b", "%s%s"]))
@pytest.mark.uncounted
def test_what_was_sent_never_comes_back(secret: str, text: str) -> None:
    message = text.replace("%s", secret)
    for body in (
        json.dumps({"error_code": "IAM.0011", "error_msg": message}),
        json.dumps({"error_code": "IAM.0011", "error_msg": message}, ensure_ascii=False),
        json.dumps({"error_code": "IAM.0011", "error_msg": json.dumps({"x": message})}),
        json.dumps({"error_code": "IAM.0011", "error_msg": json.dumps(json.dumps({"x": message}))}),
        f"<p>{message}</p>",
        f"<p>{html.escape(message).replace('&#x27;', '&#39;')}</p>",
        "x" * 65_500 + message,
        "<p>" * 1000 + message,
        json.dumps({"error_code": "IAM.0011", "error_msg": {"given": message}}),
    ):
        told = classify(400, body.encode(), {}, by_token=False, secrets=[secret]).message
        assert " ".join(secret.split()) not in told
    assert secret not in blanked(message, [secret])
