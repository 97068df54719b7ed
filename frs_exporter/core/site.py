"""Which cloud an endpoint belongs to, whatever its region and API: the public one, another site, a partner's (pure)."""

import re
from collections.abc import Mapping
from typing import NamedTuple

PUBLIC_SITE = "myhuaweicloud.com"
"""Where the vendor's own public cloud is."""
ANY_REGION = "{region}"
REGION = re.compile(r"[a-z]{2}-[a-z]+-[0-9]+")
"""As the vendor names regions, `cn-north-4` and `ap-southeast-1`."""
SERVICES = {"face", "frs", "iam", "ces", "bss", "bss-intl"}
"""What endpoints of one site differ in beside the region."""
HOST_AND_PORT = re.compile(r"(.*?)((?::[0-9]+)?)$")
PORTS = {"http": ":80", "https": ":443"}


class AccountSite(NamedTuple):
    """Where accounts of a site are asked about: the billing service, IAM, and a region in which IAM is, too."""

    bss: str
    iam: str
    region: str


ACCOUNT_SITES: Mapping[str, AccountSite] = {
    "china": AccountSite("https://bss.myhuaweicloud.com", "https://iam.cn-north-4.myhuaweicloud.com", "cn-north-4"),
    "international": AccountSite(
        "https://bss-intl.myhuaweicloud.com", "https://iam.ap-southeast-1.myhuaweicloud.com", "ap-southeast-1"
    ),
    "europe": AccountSite("https://bss.myhuaweicloud.eu", "https://iam.eu-west-101.myhuaweicloud.eu", "eu-west-101"),
}
"""Source: bss_region.py and bssintl_region.py of the vendor's SDK 3.1.219."""


def site_of(endpoint: str) -> str:
    """The site of an endpoint, `myhuaweicloud.com` for `https://iam.{region}.myhuaweicloud.com`.

    A user is the same one in all regions of a site, so `iam.cn-north-4.myhuaweicloud.com` is of that site, too.
    """
    scheme, _, rest = endpoint.lower().partition("://")
    authority, _, path = rest.removesuffix("/").partition("/")
    host, port = HOST_AND_PORT.findall(authority.removesuffix(PORTS.get(scheme, "")))[0]
    labels = without_region(host.split("."))
    if len(labels) > 1 and labels[0] in SERVICES:
        del labels[0]
    parts = [part for part in without_region(path.split("/")) if part and part not in SERVICES]
    return "/".join((".".join(labels or [host]) + port, *parts))


def without_region(parts: list[str]) -> list[str]:
    """The parts that name no region."""
    return [part for part in parts if part != ANY_REGION and not REGION.fullmatch(part)]
