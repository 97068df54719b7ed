"""Where the vendor's own clients are told that services are: read as they read it."""

from pathlib import Path

import pytest
from huaweicloudsdkcore.region.provider import EnvRegionProvider, ProfileRegionProvider

from frs_exporter.config.sdk_regions import region_endpoint

FILE = """
FRS:
  - {id: cn-north-4, endpoint: "https://face.one.example.com"}
  - {id: cn-east-3, endpoints: ["https://face.two.example.com", "https://face.three.example.com"]}
  - {id: cn-south-1}
  - {endpoint: "https://no.id.example.com"}
iam:
  - {id: cn-north-4, endpoint: "https://iam.example.com"}
"""
PLACES = [
    (service, region) for service in ("FRS", "IAM", "CES") for region in ("cn-north-4", "cn-east-3", "cn-south-1")
]


def test_a_file_of_regions_is_read_as_the_vendors_client_reads_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".huaweicloud").mkdir()
    file = tmp_path / ".huaweicloud/regions.yaml"
    file.write_text(FILE)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("HUAWEICLOUD_SDK_REGIONS_FILE", raising=False)
    for service, region in PLACES:
        theirs = ProfileRegionProvider(service).get_region(region)
        ours = region_endpoint(service, region, {"HOME": str(tmp_path)})
        assert ours == ((theirs.endpoints[0], str(file)) if theirs else None), (service, region)


def test_the_environment_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "r.yaml").write_text(FILE)
    name = "HUAWEICLOUD_SDK_REGION_FRS_CN_NORTH_4"
    monkeypatch.setenv(name, "https://a.example.com,https://b.example.com")
    theirs = EnvRegionProvider("FRS").get_region("cn-north-4").endpoints[0]
    environment = {"HUAWEICLOUD_SDK_REGIONS_FILE": f"{tmp_path}/r.yaml", name: "https://a.example.com,https://b"}
    assert region_endpoint("FRS", "cn-north-4", environment) == (theirs, name)
    assert region_endpoint("IAM", "cn-north-4", environment) == ("https://iam.example.com", f"{tmp_path}/r.yaml")


@pytest.mark.parametrize(
    "text",
    ["", "[]", "FRS: 5", "FRS: [5]", "FRS: [{id: cn-north-4, endpoints: 5}]", "5: []", "FRS: !!int ''"],
)
def test_what_says_nothing_is_no_override(tmp_path: Path, text: str) -> None:
    (tmp_path / "r.yaml").write_text(text)
    environment = {"HUAWEICLOUD_SDK_REGIONS_FILE": f"{tmp_path}/r.yaml"}
    assert region_endpoint("FRS", "cn-north-4", environment) is None
    assert region_endpoint("FRS", "cn-north-4", {}) is None
    assert region_endpoint("FRS", "cn-north-4", {"HOME": str(tmp_path)}) is None


@pytest.mark.parametrize("text", ["a: [", "[" * 100, "&a [*a]"])
def test_a_file_that_is_no_yaml_is_told(tmp_path: Path, text: str) -> None:
    (tmp_path / "r.yaml").write_text(text)
    with pytest.raises(ValueError, match=r"r\.yaml: it is not YAML"):
        region_endpoint("FRS", "x", {"HUAWEICLOUD_SDK_REGIONS_FILE": f"{tmp_path}/r.yaml"})


def test_a_name_that_no_file_can_have_is_no_override() -> None:
    """As a folder that only others may look into: it says so in no other way."""
    assert region_endpoint("FRS", "cn-north-4", {"HUAWEICLOUD_SDK_REGIONS_FILE": "x" * 5000}) is None
