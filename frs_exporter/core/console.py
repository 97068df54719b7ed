"""Where the vendor's console has what a trouble is about (pure).

Its addresses are not documented. These are as public projects have them: `console.huaweicloud.com/frs`, other services
with `?region=`, on the international site too, and the billing centers of both at `/usercenter/`.
"""

from collections.abc import Mapping

from frs_exporter.core.model import Api, Target
from frs_exporter.core.site import ACCOUNT_SITES, PUBLIC_SITE, site_of

EUROPE = "https://console.eu.huaweicloud.com/console/?region={region}"
FRS: Mapping[str, Mapping[str, str]] = {
    PUBLIC_SITE: {
        "console_china": "https://console.huaweicloud.com/frs/?region={region}",
        "console_international": "https://console-intl.huaweicloud.com/frs/?region={region}",
    },
    "myhuaweicloud.eu": {"console": EUROPE},
}
"""By the site of the endpoint: users of the Chinese and of the international site are asked about at one."""
BILLING: Mapping[str, Mapping[str, str]] = {
    ACCOUNT_SITES["china"].bss: {"console": "https://account.huaweicloud.com/usercenter/"},
    ACCOUNT_SITES["international"].bss: {"console": "https://account-intl.huaweicloud.com/usercenter/"},
    ACCOUNT_SITES["europe"].bss: {"console": EUROPE.format(region=ACCOUNT_SITES["europe"].region)},
}
"""By the endpoint of the billing service."""


def consoles(target: Target) -> Mapping[str, str]:
    """Links by what each is called; none in a cloud of which nothing is known."""
    if target.account:
        return BILLING.get(target.endpoints.get(Api.BSS, ""), {})
    found = FRS.get(site_of(target.endpoints.get(Api.FRS, "")), {})
    return {name: link.format(region=target.region) for name, link in found.items()}
