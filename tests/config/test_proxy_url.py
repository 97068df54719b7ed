"""How a proxy's URL is read: each is one proxy with one login, or refused in words that hold nothing of it."""

import re
import string
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from frs_exporter.config.load import load
from frs_exporter.config.types import proxy
from frs_exporter.core.errors import ConfigError
from frs_exporter.core.http_options import Proxy
from tests.test_cli import FILES, run

PRINTABLE = [chr(code) for code in range(0x20, 0x7F)]
"""All of ASCII that shows, and the space."""
MUST_BE_ENCODED = " #%/?"


def login(read: Proxy) -> tuple[str, str] | None:
    """User name and password."""
    return (read.login[0], read.login[1].get_secret_value()) if read.login else None


@pytest.mark.parametrize(
    ("url", "address", "expected"),
    [
        ("http://proxy.example:3128", "proxy.example:3128", None),
        ("http://proxy.example:3128/", "proxy.example:3128", None),
        ("http://Proxy.example", "proxy.example:80", None),
        ("HTTPS://proxy.example", "proxy.example:443", None),
        ("https://user:pw@proxy.example:3129", "proxy.example:3129", ("user", "pw")),
        ("socks5://proxy.example", "proxy.example:1080", None),
        ("socks5h://us%3Aer:密码@[::1]:1081/", "[::1]:1081", ("us:er", "密码")),
        (f"socks5://{'u' * 255}:{'密' * 85}@proxy:80", "proxy:80", ("u" * 255, "密" * 85)),
        ("http://@10.0.0.1:8080", "10.0.0.1:8080", None),
        ("http://user@proxy:1", "proxy:1", ("user", "")),
        ("http://:pw@proxy:1", "proxy:1", ("", "pw")),
        ("http://user:pw@[::1]:3128", "[::1]:3128", ("user", "pw")),
        (r"http://CORP\jdoe:PW@127.0.0.1:3128", "127.0.0.1:3128", ("CORP\\jdoe", "PW")),
        ("http://user:p@ss:w@proxy:1", "proxy:1", ("user", "p@ss:w")),
        ("http://user:1234%23abc@proxy:3128", "proxy:3128", ("user", "1234#abc")),
        ("http://user:密码@proxy:1", "proxy:1", ("user", "密码")),
        ("http://%E7%94%A8:%e5%af%86%E7%A0%81@proxy:1", "proxy:1", ("用", "密码")),
        ("http://user:a+b%2Bc%2520@proxy:1", "proxy:1", ("user", "a+b+c%20")),
    ],
)
def test_what_is_a_proxy(url: str, address: str, expected: tuple[str, str] | None) -> None:
    read = proxy(url)
    assert (str(read), login(read)) == (address, expected)
    assert read.url.raw_user is None
    assert "PW" not in repr(read)


SCHEMES = "must begin with one of http://, https://, socks5://, socks5h://"
TOO_LONG = "has a user name or password of more than 255 bytes, which SOCKS cannot send (RFC 1929)"
URL_LIKE = "must be a URL like http://proxy.example.com:3128"
BARE = "must end after host and port, as http://proxy.example.com:3128 does: a proxy has no path, query or fragment"


@pytest.mark.parametrize(
    ("url", "message"),
    [
        *((url, URL_LIKE) for url in ("", "proxy:3128", "http://", "https://", "socks5:proxy:1", "//u:secret@p:1")),
        *(
            (f"{scheme}://u:secret@p:1", SCHEMES)
            for scheme in ("ftp", "socks", "socks4", "socks4a", "socks5+tls", "httpx")
        ),
        *((f"{scheme}://u:{'密' * 86}@p:1", TOO_LONG) for scheme in ("socks5", "socks5h")),
        (f"socks5://{'u' * 256}@p:1", TOO_LONG),
        ("socks5h://u:secret@p:1/x", BARE),
        ("socks5://u:se#cret@p:1", 'has a "#" before its last @: in a user name or password write %23'),
        ("https://us%3Aer:secret@p:1", "has a colon in the user name, where no proxy can read one (RFC 7617)"),
        *((f"http://user:secret@{bad}", URL_LIKE) for bad in ("", ":1", "a b", "a:x", "a:0", "a:65536", "a:", "-a")),
        *((f"http://user:secret@{bad}", URL_LIKE) for bad in ("[::g]", "[::1", "::1", "[1.2.3.4]", "a..b", "a\\b")),
        *(
            (f"http://user:secret@{bad}", URL_LIKE)
            for bad in ("127.1", "0x7f.1", "1.2.3.999", "xn--a", "\u212aa", "人")
        ),
        *(
            (f"http://user:secret@proxy:3128{more}", BARE)
            for more in ("/proxy.pac", "/?", "?a=secret", "#secret", "//")
        ),
        ("http://user:1234#secret@proxy:3128", 'has a "#" before its last @: in a user name or password write %23'),
        ("http://user:se/cret@proxy:3128", 'has a "/" before its last @: in a user name or password write %2F'),
        ("http://user?:secret@proxy:3128", 'has a "?" before its last @: in a user name or password write %3F'),
        ("http://user:secret%@proxy:1", "has a % that encodes nothing: in a user name or password write %25"),
        ("http://user:se cret@proxy:1", "has a space: in a user name or password write %20"),
        ("http://us%3Aer:secret@proxy:1", "has a colon in the user name, where no proxy can read one (RFC 7617)"),
        ("http://user:secret%E9@proxy:1", "has a user name or password that is not percent-encoded as UTF-8"),
        *(
            (
                f"http://user:secret{hidden}@proxy:1",
                f"has {name} as character 7 of the user name or password: take it out",
            )
            for hidden, name in (
                ("%0D%0A", "U+000D (carriage return)"),
                ("\n", "U+000A (line feed)"),
                ("\t", "U+0009 (tab)"),
                ("%00", "U+0000 (null)"),
                ("\udcff", "U+DCFF (a character that does not show)"),
                ("\u200b", "U+200B (zero width space)"),
            )
        ),
    ],
)
def test_what_is_none(url: str, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        proxy(url)
    assert "secret" not in message


@pytest.mark.parametrize("character", PRINTABLE)
def test_each_character_of_a_login_is_itself_or_is_refused(character: str) -> None:
    """And whoever does as the refusal says gets just that login."""
    user, password = f"u{character}r", f"p{character}w"
    written = character
    if character in MUST_BE_ENCODED:
        written = quote(character, safe="")
        with pytest.raises(ValueError, match=f"write {written}$"):
            proxy(f"http://{user}:{password}@proxy:3128")
    read = login(proxy(f"http://u{written}r:p{written}w@proxy:3128"))
    assert read
    assert ":".join(read) == f"{user}:{password}", "what the header holds"
    if character != ":":
        assert read == (user, password)


shown = st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "S"]), max_size=20)


@pytest.mark.uncounted
@given(shown.filter(lambda text: ":" not in text), shown)
def test_whatever_is_percent_encoded_comes_out_as_it_was(user: str, password: str) -> None:
    assert login(proxy(f"http://{quote(user, safe='')}:{quote(password, safe='')}@proxy:1")) == (user, password)


@given(
    st.text(st.sampled_from(string.printable + "人\u212a\udcff"), max_size=30),
    st.sampled_from(["", "http://", "socks5://"]),
)
def test_any_text_is_a_proxy_or_one_line_about_it(text: str, before: str) -> None:
    try:
        read = proxy(before + text)
    except ValueError as refusal:
        words = str(refusal)
    else:
        words = f"{read}"
        assert 0 < (read.url.port or 0) < 65536
    assert words.isascii()
    assert words.isprintable()


CONFIG = """\
credentials:
  keys: {ak_sk: {access_key: AK, secret_key: sk}, http_client: {OWN}}
projects:
  - {name: a, project_id: d3f8e6476fbf416689f209e168ef4d31, region: cn-north-4, credential: keys}
http_client: {FILE}
"""


@pytest.mark.parametrize(("key", "path"), [("OWN", "credentials.keys.http_client"), ("FILE", "http_client")])
@pytest.mark.parametrize("character", MUST_BE_ENCODED)
def test_the_check_tells_the_place_and_how_to_write_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, character: str, key: str, path: str
) -> None:
    url = f"http://user:hunter{character}two@proxy.example:3128"
    monkeypatch.setenv("HTTPS_PROXY", url)
    for setting, words in (
        (f"proxy_url: '{url}'", "proxy_url: has a "),
        ("proxy_from_environment: true", "proxy_from_environment: HTTPS_PROXY in the environment has a "),
    ):
        text = CONFIG.replace(key, setting).replace("OWN", "").replace("FILE", "")
        (tmp_path / "c.yaml").write_text(text)
        before = text[: text.index(setting) + setting.index(" ") + 1].splitlines()
        result = run(f"--config.file={tmp_path}/c.yaml", "--config.check")
        assert (result.exit_code, result.stdout) == (2, "")
        assert result.stderr.startswith(f"{tmp_path}/c.yaml:{len(before)}:{len(before[-1]) + 1}: {path}.{words}")
        assert result.stderr.endswith(f"write {quote(character, safe='')}\n")
        assert "hunter" not in result.stderr
        assert "two" not in result.stderr


def test_what_is_no_text_is_said_to_be_none(tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text((FILES / "minimal.good.yaml").read_text() + "http_client: {proxy_url: 5}\n")
    with pytest.raises(ConfigError, match=r"http_client\.proxy_url: must be text, but YAML reads it as a number"):
        load(str(tmp_path / "c.yaml"))
