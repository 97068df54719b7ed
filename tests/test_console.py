"""Links to the vendor's console: only where it is known which one is meant."""

from typing import Any

import pytest

from frs_exporter.core import model
from frs_exporter.core.console import consoles
from frs_exporter.core.site import ACCOUNT_SITES
from frs_simulator import Account, Project
from frs_simulator.demo import subscribed
from tests.conftest import target_of


def linked(endpoint: str, **settings: Any) -> dict[str, str]:
    """The links of a project, or of an account, that is asked about at an endpoint."""
    project = Project("p", "cn-south-1", subscribed("2024-09-02 03:00:00"))
    target = target_of(Account("acme", "token", [project]), project, endpoint, **settings)
    return dict(consoles(target))


def test_a_project_is_in_the_console_of_its_region() -> None:
    """Its endpoint does not tell which site its user is of, so both are linked to."""
    assert linked("https://face.cn-south-1.myhuaweicloud.com") == {
        "console_china": "https://console.huaweicloud.com/frs/?region=cn-south-1",
        "console_international": "https://console-intl.huaweicloud.com/frs/?region=cn-south-1",
    }
    europe = linked("https://face.eu-west-101.myhuaweicloud.eu")
    assert europe == {"console": "https://console.eu.huaweicloud.com/console/?region=cn-south-1"}


@pytest.mark.parametrize("endpoint", ["http://127.0.0.1:8080", "https://face.cn-south-1.myhuaweicloud.com.example.com"])
def test_a_cloud_of_which_nothing_is_known_has_no_link(endpoint: str) -> None:
    assert linked(endpoint) == {}
    assert linked(endpoint, account=model.Account(domain_id="d", service_types=())) == {}


@pytest.mark.parametrize(
    ("site", "place"),
    [
        ("china", "https://account.huaweicloud.com/usercenter/"),
        ("international", "https://account-intl.huaweicloud.com/usercenter/"),
        ("europe", "https://console.eu.huaweicloud.com/console/?region=eu-west-101"),
    ],
)
def test_an_account_is_in_the_billing_center_of_its_site(site: str, place: str) -> None:
    account = model.Account(domain_id="d", service_types=())
    assert linked(ACCOUNT_SITES[site].bss, account=account) == {"console": place}
