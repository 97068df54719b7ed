"""Endpoints per credential: each falls back to the file's own by itself, and what depends on them follows."""

from pathlib import Path

import pytest

from frs_exporter.config.endpoints import DEFAULT_ENDPOINTS
from frs_exporter.config.load import Config, load
from frs_exporter.config.schema import Endpoints, OwnEndpoints
from frs_exporter.core.credentials import KeyCredential, TokenCredential
from frs_exporter.core.model import Api, Notice
from frs_exporter.core.site import PUBLIC_SITE

TEXT = """\
credentials:
  public: {token: {domain_name: acme, user_name: monitor, password: secret}}
  partner:
    token: {domain_name: acme, user_name: monitor, password: secret}
    endpoints: {iam: "https://iam.{region}.partner.example/", ces: }
  plant:
    ak_sk: {access_key: AK, secret_key: sk}
    endpoints:
      frs: https://face.{region}.plant.example
      ces: https://ces.{region}.plant.example
  keys: {ak_sk: {access_key: AK, secret_key: sk}, endpoints: }
projects:
  - &first {name: public, project_id: d3f8e6476fbf416689f209e168ef4d31, region: cn-north-4, credential: public}
  - {<<: *first, name: partner, credential: partner}
  - {<<: *first, name: plant, credential: plant}
  - {<<: *first, name: keys, credential: keys}
endpoints:
  ces: https://metrics.{region}.example.com
"""
RULE = """
discovery:
  - {credential: plant, regions: [plant-2, plant-1], name_template: "{credential}/{project_name}"}
"""


def loaded(folder: Path, text: str) -> Config:
    """The config of a text."""
    (folder / "c.yaml").write_text(text)
    return load(str(folder / "c.yaml"))


def notices(folder: Path, text: str, *, elsewhere: bool = False) -> list[Notice]:
    """What is odd in a text: APIs that are asked at another site than the rest, or all else."""
    return [notice for notice in loaded(folder, text).notices if elsewhere == ("at another site" in notice.text)]


def test_each_api_may_be_elsewhere_for_a_credential() -> None:
    assert {*OwnEndpoints.model_fields} == {*Endpoints.model_fields} == {*DEFAULT_ENDPOINTS}


def test_what_a_credential_does_not_say_is_where_it_is_for_all(tmp_path: Path) -> None:
    targets = {target.project: target for target in loaded(tmp_path, TEXT).targets}
    hosts = {
        name: [target.endpoints[api].removeprefix("https://") for api in (Api.FRS, Api.IAM, Api.CES)]
        for name, target in targets.items()
    }
    common = "metrics.cn-north-4.example.com"
    frs, iam = "face.cn-north-4.myhuaweicloud.com", "iam.cn-north-4.myhuaweicloud.com"
    assert hosts == {
        "public": [frs, iam, common],
        "partner": [frs, "iam.cn-north-4.partner.example", common],
        "plant": ["face.cn-north-4.plant.example", iam, "ces.cn-north-4.plant.example"],
        "keys": [frs, iam, common],
    }
    sites = [target.credential.site for target in targets.values()]
    assert sites == [PUBLIC_SITE, "partner.example", "plant.example", PUBLIC_SITE]


def test_a_user_is_one_of_the_site_that_sees_its_secret(tmp_path: Path) -> None:
    public, partner, plant, keys = (target.credential for target in loaded(tmp_path, TEXT).targets)
    assert isinstance(public, TokenCredential)
    assert isinstance(plant, KeyCredential)
    assert (public.user, partner.user) == (("acme", "monitor"), ("partner.example", "acme", "monitor"))
    assert (plant.user, keys.user) == (("plant.example", "AK"), ("AK",))
    assert not notices(tmp_path, TEXT), "nobody is told that two users are one"


def test_a_rule_looks_where_its_credentials_cloud_is(tmp_path: Path) -> None:
    text = TEXT.replace("      ces: https://ces.{region}.plant", "      iam: https://iam.{region}.plant")
    (rule,) = loaded(tmp_path, text + RULE).discovery
    assert rule.access.endpoints[Api.IAM] == "https://iam.plant-2.plant.example"
    assert rule.template.endpoints[Api.FRS] == "https://face.{region}.plant.example"


def test_regions_of_another_cloud_are_not_thought_mistyped(tmp_path: Path) -> None:
    assert not notices(tmp_path, TEXT.replace("credential: plant}", "credential: plant, region: plant-1}") + RULE)
    (notice,) = notices(tmp_path, TEXT.replace("credential: keys}", "credential: keys, region: plant-1}"))
    assert notice.text.startswith("projects[3].region: plant-1 is not known to have FRS")


def test_plain_http_is_told_where_it_is_written(tmp_path: Path) -> None:
    text = TEXT.replace("https://iam.{region}.partner", "http://iam.{region}.partner").replace("https://m", "http://m")
    assert [notice.text.partition(" is plain http")[0] for notice in notices(tmp_path, text)] == [
        "endpoints.ces",
        "credentials.partner.endpoints.iam",
    ]


def test_the_same_user_by_two_addresses_of_one_site_is_told(tmp_path: Path) -> None:
    text = TEXT.replace(
        'iam: "https://iam.{region}.partner.example/"', 'iam: "https://iam.cn-north-1.myhuaweicloud.com"'
    )
    other = text.replace("name: partner", "name: partner, project_id: d3f8e6476fbf416689f209e168ef4d32")
    (notice,) = notices(tmp_path, other)
    assert notice.text.startswith("credentials.partner is the same user as credentials.public")


@pytest.mark.parametrize("verified", [True, False])
def test_authorities_are_missed_only_where_somebody_is_verified(
    tmp_path: Path, verified: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))
    own = "{frs: 'http://127.0.0.1:1', iam: 'http://127.0.0.1:1'%s}" % (
        "" if verified else ", ces: 'http://127.0.0.1:1'"
    )
    text = f"""
credentials: {{here: {{ak_sk: {{access_key: AK, secret_key: sk}}, endpoints: {own}}}}}
projects: [{{name: a, project_id: d3f8e6476fbf416689f209e168ef4d31, region: here, credential: here}}]
"""
    assert len(notices(tmp_path, text)) == verified


def test_an_endpoint_from_a_file_can_be_seen(tmp_path: Path) -> None:
    (tmp_path / "address").write_text("https://face.{region}.plant.example\n")
    (notice,) = notices(tmp_path, TEXT.replace("https://face.{region}.plant.example", "!file address"))
    assert notice.text.startswith("credentials.plant.endpoints.frs: what is in this file can be seen")


def test_an_api_that_is_asked_at_another_site_than_the_rest_is_told(tmp_path: Path) -> None:
    """A credential's tokens and signatures would go to a cloud that is not its own."""
    (notice,) = notices(tmp_path, TEXT, elsewhere=True)
    assert notice.text == (
        "credentials.partner.endpoints: frs is not written here, so it is asked at another site than the rest, "
        f"{PUBLIC_SITE}; write where frs is for this credential"
    )
    here = TEXT.replace("ces: }", 'frs: "https://face.{region}.partner.example"}')
    assert not notices(tmp_path, here, elsewhere=True), "nobody asks for ces, though it is elsewhere"
    (notice,) = notices(tmp_path, here + "defaults: {collectors: [cloud_eye]}", elsewhere=True)
    assert "credentials.partner.endpoints: ces is not written here" in notice.text
    (notice,) = notices(tmp_path, TEXT.replace("ces: }", "frs: }") + RULE, elsewhere=True)[1:]
    assert "credentials.plant.endpoints: iam is not written here" in notice.text


def test_bills_that_are_asked_for_at_another_site_than_the_rest_are_told(tmp_path: Path) -> None:
    """A user of a partner's cloud is asked about at the vendor's own, unless the account says where."""
    account = "accounts: [{name: money, credential: partner}]\n"
    here = TEXT.replace("ces: }", 'frs: "https://face.{region}.partner.example"}')
    (notice,) = notices(tmp_path, here + account, elsewhere=True)
    assert notice.text == (
        "accounts[0]: endpoint is not written here, so the bills are asked for at another site than the rest, "
        f"{PUBLIC_SITE}; write where the billing service of partner.example is"
    )
    written = account.replace("}", ', endpoint: "https://bss.partner.example"}')
    assert not notices(tmp_path, here + written, elsewhere=True)
    assert not notices(tmp_path, here + account.replace("partner", "public"), elsewhere=True)
