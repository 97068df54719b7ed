"""Credentials whose parts the environment may have, and files that are read each time they are needed."""

from pathlib import Path

import pytest
from pydantic import SecretStr

from frs_exporter.config.load import Config, load
from frs_exporter.core.credentials import (
    AssumedAgency,
    Credential,
    KeyCredential,
    OidcCredential,
    PodIdentityCredential,
    names_of,
)
from frs_exporter.core.errors import ConfigError

POD = {
    "HC_CONTAINER_CREDENTIALS_FULL_URI": "http://127.0.0.1:8080/v1/credentials",
    "HC_CONTAINER_AUTHORIZATION_TOKEN_FILE": "/var/run/secrets/token",
}
OIDC = {
    "HUAWEICLOUD_OIDC_PROVIDER_URN": "iam::0123:oidcProvider:cluster",
    "HUAWEICLOUD_OIDC_AGENCY_URN": "iam::0123:agency:frs-readers",
    "HUAWEICLOUD_OIDC_TOKEN_FILE": "/var/run/secrets/id-token",
}
MORE_OF_OIDC = {
    "HUAWEICLOUD_OIDC_SESSION_NAME": "night",
    "HUAWEICLOUD_OIDC_DURATION_SECONDS": "900",
    "HUAWEICLOUD_OIDC_POLICY": "{}",
    "HUAWEICLOUD_OIDC_POLICY_IDS": "a, b,",
    "HUAWEICLOUD_SDK_STS_ENDPOINT": "https://sts.example.com/",
    "HUAWEICLOUD_OIDC_ID_TOKEN": "hunter2",
}
PROJECT = "projects: [{name: p, project_id: d3f8e6476fbf416689f209e168ef4d31, region: cn-north-4, credential: c}]"


@pytest.fixture(autouse=True)
def nothing_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*POD, *OIDC, *MORE_OF_OIDC):
        monkeypatch.delenv(name, raising=False)


def loaded(folder: Path, credential: str, more: str = "") -> Config:
    file = folder / "c.yaml"
    file.write_text(f"credentials:\n  c: {credential}\n{more}\n{PROJECT}\n")
    return load(str(file))


def made(folder: Path, credential: str, more: str = "") -> Credential:
    return loaded(folder, credential, more).targets[0].credential


def problems(folder: Path, credential: str, more: str = "") -> list[str]:
    with pytest.raises(ConfigError) as caught:
        loaded(folder, credential, more)
    return [problem.removeprefix(f"{folder}/c.yaml:") for problem in caught.value.problems]


@pytest.mark.parametrize(
    "written", ["{}", "{http_client: {}}", "{endpoints: {frs: https://face.{region}.example.com}}"]
)
def test_one_of_no_kind_at_all_is_told_also_where_nothing_else_is_wrong(tmp_path: Path, written: str) -> None:
    (problem,) = problems(tmp_path, written.replace("{region}", "cn-north-4"))
    assert problem.startswith("2:6: credentials.c: must have exactly one of token, ak_sk, ")


@pytest.mark.parametrize("text", ["{pod_identity: {}}", "{pod_identity: }"])
def test_a_pod_knows_its_identity_from_its_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    for name, value in POD.items():
        monkeypatch.setenv(name, value)
    assert made(tmp_path, text) == PodIdentityCredential("c", *POD.values())


def test_what_the_config_says_of_a_pod_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in POD:
        monkeypatch.setenv(name, "nonsense")
    text = "{pod_identity: {uri: 'https://agent.example.com:1/keys?a=b', token_file: run/token}}"
    expected = PodIdentityCredential("c", "https://agent.example.com:1/keys?a=b", f"{tmp_path}/run/token")
    assert made(tmp_path, text) == expected, "a file is relative to the config, and need not be there yet"


def test_what_is_missing_of_a_pod_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    where = "2:21: credentials.c.pod_identity: "
    missing = "is missing, and"
    assert problems(tmp_path, "{pod_identity: {}}") == [
        f"{where}token_file {missing} HC_CONTAINER_AUTHORIZATION_TOKEN_FILE is not set",
        f"{where}uri {missing} HC_CONTAINER_CREDENTIALS_FULL_URI is not set",
    ]
    monkeypatch.setenv("HC_CONTAINER_CREDENTIALS_FULL_URI", "http://user:hunter2@host/")
    (problem,) = problems(tmp_path, "{pod_identity: {token_file: x}}")
    assert problem.startswith(f"{where}HC_CONTAINER_CREDENTIALS_FULL_URI in the environment must be a URL like http://")
    assert "hunter2" not in problem


@pytest.mark.parametrize("uri", ["host/path", "ftp://h/", "http://", "http://h/a b", "http://u@h/", "http://h/#f"])
def test_a_uri_that_is_none_is_refused(tmp_path: Path, uri: str) -> None:
    (problem,) = problems(tmp_path, f"{{pod_identity: {{uri: '{uri}', token_file: x}}}}")
    assert "credentials.c.pod_identity.uri: must be a URL like http://127.0.0.1:8080/v1/credentials" in problem


def test_two_credentials_of_one_pod_are_one_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in POD.items():
        monkeypatch.setenv(name, value)
    notices = loaded(tmp_path, "{pod_identity: {}}", "  d: {pod_identity: {}}").notices
    assert notices[0].text.startswith("credentials.d is the same user as credentials.c")


KEYS = "  keys: {ak_sk: {access_key: AK, secret_key: sk}}"


def test_an_agency_is_assumed_by_another_credential(tmp_path: Path) -> None:
    text = "{agency: {credential: keys, domain_name: customer, agency_name: frs-readers}}"
    credential = made(tmp_path, text, KEYS)
    assert isinstance(credential, AssumedAgency)
    assert credential.base == KeyCredential("keys", "AK", SecretStr("sk"))
    assert credential.user == ("customer", "frs-readers")
    assert names_of(credential) == ("c", "keys")


@pytest.mark.parametrize(
    ("base", "problem"),
    [
        ("kyes", "no credential is named kyes; did you mean keys?"),
        ("user", "must be a credential that signs, as ak_sk does: no token and no agency"),
        ("c", "must be a credential that signs, as ak_sk does: no token and no agency"),
        ("d", "must be a credential that signs, as ak_sk does: no token and no agency"),
    ],
)
def test_who_cannot_assume_an_agency_is_told(tmp_path: Path, base: str, problem: str) -> None:
    text = f"{{agency: {{credential: {base}, domain_name: customer, agency_name: frs-readers}}}}"
    more = f"""{KEYS}
  user: {{token: {{domain_name: acme, user_name: u, password: p}}}}
  d: {{agency: {{credential: keys, domain_name: customer, agency_name: frs-readers}}}}"""
    assert problems(tmp_path, text, more) == [f"2:28: credentials.c.agency.credential: {problem}"]


def test_what_comes_from_a_file_is_not_told_where_a_name_should_be(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("hunter2")
    text = "{agency: {credential: !file secret, domain_name: customer, agency_name: frs-readers}}"
    (problem,) = problems(tmp_path, text, KEYS)
    assert "no credential is named !file secret" in problem


def test_what_is_wrong_with_who_assumes_an_agency_is_told_once(tmp_path: Path) -> None:
    text = "{agency: {credential: pod, domain_name: customer, agency_name: frs-readers}}"
    (problem,) = problems(tmp_path, text, "  pod: {pod_identity: {token_file: x}}")
    assert "credentials.pod.pod_identity: uri is missing" in problem


def test_oidc_is_told_by_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in OIDC.items():
        monkeypatch.setenv(name, value)
    provider, agency, file = OIDC.values()
    assert made(tmp_path, "{oidc: {}}") == OidcCredential("c", provider, agency, file)
    for name, value in MORE_OF_OIDC.items():
        monkeypatch.setenv(name, value)
    told = made(tmp_path, "{oidc: {}}")
    assert isinstance(told, OidcCredential)
    assert told == OidcCredential(
        *("c", "iam::0123:oidcProvider:cluster", "iam::0123:agency:frs-readers", ""),
        id_token=SecretStr("hunter2"),
        session_name="night",
        duration=900,
        endpoint="https://sts.example.com",
        policy="{}",
        policy_ids=("a", "b"),
    )
    assert "hunter2" not in repr(told)


def test_what_the_config_says_of_oidc_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*OIDC, *MORE_OF_OIDC):
        monkeypatch.setenv(name, "nonsense")
    text = (
        "{oidc: {provider_urn: p, agency_urn: a, id_token_file: t, session_name: s, duration: 2h, endpoint: http://h}}"
    )
    expected = OidcCredential("c", "p", "a", f"{tmp_path}/t", None, "s", 7200, "http://h", "nonsense", ("nonsense",))
    assert made(tmp_path, text) == expected


def test_what_is_missing_or_wrong_of_oidc_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = problems(tmp_path, "{oidc: {}}")
    for setting, name in zip(("provider_urn", "agency_urn", "id_token_file"), OIDC, strict=True):
        text = f"{setting} is missing, and {name} is not set"
        assert f"2:13: credentials.c.oidc: {text}" in found
    for name, value in OIDC.items():
        monkeypatch.setenv(name, value)
    for value in ("899", "43201", "1h", "-1"):
        monkeypatch.setenv("HUAWEICLOUD_OIDC_DURATION_SECONDS", value)
        (problem,) = problems(tmp_path, "{oidc: {}}")
        assert "HUAWEICLOUD_OIDC_DURATION_SECONDS in the environment must be 900 to 43200 seconds" in problem
    monkeypatch.delenv("HUAWEICLOUD_OIDC_DURATION_SECONDS")
    monkeypatch.setenv("HUAWEICLOUD_SDK_STS_ENDPOINT", "sts.example.com")
    (problem,) = problems(tmp_path, "{oidc: {}}")
    assert "HUAWEICLOUD_SDK_STS_ENDPOINT in the environment must be a URL like" in problem
    (problem,) = problems(tmp_path, "{oidc: {endpoint: http://h, duration: 10m}}")
    assert problem.endswith("credentials.c.oidc.duration: must be between 15m and 12h")
