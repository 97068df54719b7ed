"""Which hosts are reached without the proxy."""

import pytest
from yarl import URL

from frs_exporter.cloud.proxy import proxy_for
from frs_exporter.core.http_options import HttpOptions
from tests.conftest import proxied

PROXY = "http://proxy.example:3128"


def goes_direct(url: str, no_proxy: str | None) -> bool:
    options = HttpOptions(proxies=proxied(PROXY).proxies, no_proxy=no_proxy)
    return proxy_for(URL(url), options) is None


@pytest.mark.parametrize(
    ("url", "no_proxy"),
    [
        ("https://face.example", "face.example"),
        ("https://a.face.example", "face.example"),
        ("https://FACE.example", "other, Face.Example ,"),
        ("https://a.face.example", ".face.example"),
        ("https://a.face.example", "*.face.example"),
        ("https://face.example:8443", "face.example:8443"),
        ("https://face.example", "face.example:443"),
        ("https://10.1.2.3", "10.0.0.0/8"),
        ("https://10.1.2.3", "10.1.2.3"),
        ("https://10.1.2.3:99", "10.1.2.3:99"),
        ("https://[2001:db8::5]", "2001:db8::/32"),
        ("https://[2001:db8::5]:99", "[2001:db8::5]:99"),
        ("https://[2001:db8::5]", "2001:db8::5"),
        ("https://anything", "*"),
        ("http://localhost:1", ""),
        ("http://127.0.0.9:1", ""),
        ("http://[::1]:1", "other"),
    ],
)
def test_what_is_reached_directly(url: str, no_proxy: str) -> None:
    assert goes_direct(url, no_proxy)


@pytest.mark.parametrize(
    ("url", "no_proxy"),
    [
        ("https://face.example", None),
        ("http://127.0.0.1:1", None),
        ("https://face.example", ""),
        ("https://notface.example", "face.example"),
        ("https://face.example", ".face.example"),
        ("https://face.example", "*.face.example"),
        ("https://face.example:8443", "face.example:443"),
        ("https://face.example.evil", "face.example"),
        ("https://11.1.2.3", "10.0.0.0/8"),
        ("https://10.example", "10.0.0.0/8"),
        ("https://10.1.2.33", "10.1.2.3"),
        ("https://face.example", "10.0.0.0/99,[x,a:b:c,:"),
    ],
)
def test_what_is_not(url: str, no_proxy: str | None) -> None:
    assert not goes_direct(url, no_proxy)


def test_a_proxy_is_for_its_scheme() -> None:
    options = HttpOptions(proxies=(("https", proxied(PROXY).proxies[0][1]),))
    assert str(proxy_for(URL("https://face.example"), options)) == "proxy.example:3128"
    assert proxy_for(URL("http://face.example"), options) is None
    assert proxy_for(URL("https://face.example"), HttpOptions()) is None
