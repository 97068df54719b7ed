"""Sites: what of an endpoint tells one cloud from another, and what does not."""

import pytest

from frs_exporter.core.site import PUBLIC_SITE, site_of


@pytest.mark.parametrize(
    "endpoint",
    [
        "https://iam.{region}.myhuaweicloud.com",
        "https://iam.cn-north-4.myhuaweicloud.com",
        "https://iam.ap-southeast-1.MyHuaweiCloud.com:443/",
        "https://face.{region}.myhuaweicloud.com",
        "https://iam.myhuaweicloud.com",
        "http://iam.myhuaweicloud.com:80",
    ],
)
def test_regions_and_apis_are_of_one_site(endpoint: str) -> None:
    assert site_of(endpoint) == PUBLIC_SITE


@pytest.mark.parametrize(
    ("endpoint", "site"),
    [
        ("https://iam.{region}.otc.example.com", "otc.example.com"),
        ("https://iam.example.com:8443", "example.com:8443"),
        ("http://127.0.0.1:8081", "127.0.0.1:8081"),
        ("http://127.0.0.1:8081/cn-north-4", "127.0.0.1:8081"),
        ("http://[::1]:8081/{region}/iam", "[::1]:8081"),
        ("http://[::1]", "[::1]"),
        ("http://[::1]:80", "[::1]"),
        ("https://gateway.example/one/iam", "gateway.example/one"),
        ("https://gateway.example/two/iam", "gateway.example/two"),
        ("http://iam:8080", "iam:8080"),
        ("http://{region}", "{region}"),
        ("https://iam.de-prod.example.com", "de-prod.example.com"),
    ],
)
def test_other_clouds_are_other_sites(endpoint: str, site: str) -> None:
    assert site_of(endpoint) == site


@pytest.mark.parametrize("junk", ["", "5", "None", "https://", "://a:b:c//", "http://[::"])
def test_what_is_no_endpoint_yet_is_borne(junk: str) -> None:
    assert isinstance(site_of(junk), str)
