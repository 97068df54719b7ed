"""Where `sdk` looks for credentials: as the vendor's own clients do, with the same keys found."""

from pathlib import Path

import pytest
from click.testing import CliRunner
from huaweicloudsdkcore.auth.provider import CredentialProviderChain

from frs_exporter.cli.main import cli
from frs_exporter.config.load import load
from frs_exporter.config.source import Source
from frs_exporter.core.credentials import (
    AgencyCredential,
    Credential,
    FirstOf,
    KeyCredential,
    OidcCredential,
    PodIdentityCredential,
)
from frs_exporter.core.errors import ConfigError

SDK = {"HUAWEICLOUD_SDK_AK": "AKENV", "HUAWEICLOUD_SDK_SK": "sk-env"}
TERRAFORM = {"HW_ACCESS_KEY": "AKTF", "HW_SECRET_KEY": "sk-tf"}
OIDC = {"HUAWEICLOUD_OIDC_PROVIDER_URN": "p", "HUAWEICLOUD_OIDC_AGENCY_URN": "a", "HUAWEICLOUD_OIDC_ID_TOKEN": "jwt"}
POD = {"HC_CONTAINER_CREDENTIALS_FULL_URI": "http://127.0.0.1:9/", "HC_CONTAINER_AUTHORIZATION_TOKEN_FILE": "/t"}
LOGIN = {"HUAWEICLOUD_SDK_IDP_ID": "idp", "HUAWEICLOUD_SDK_ID_TOKEN_FILE": "/t"}
PROFILE = "[basic]\nak = AKFILE\nsk = sk-file\n"
CONFIG = """
credentials: {c: {sdk: {}}}
projects: [{name: p, project_id: d3f8e6476fbf416689f209e168ef4d31, region: cn-north-4, credential: c}]
"""


class Place:
    """A home folder, and an environment in which nothing else is told."""

    def __init__(self, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.home = home
        self.config = home / "c.yaml"
        self.config.write_text(CONFIG)
        self.profile = home / ".huaweicloud/credentials"
        self.set = monkeypatch.setenv
        for names in (SDK, TERRAFORM, OIDC, POD, LOGIN):
            for name in names:
                monkeypatch.delenv(name, raising=False)
        for name in ("SDK_SECURITY_TOKEN", "SDK_CREDENTIALS_FILE", "OIDC_TOKEN_FILE"):
            monkeypatch.delenv(f"HUAWEICLOUD_{name}", raising=False)
        monkeypatch.setenv("HOME", str(home))

    def has(self, *variables: dict[str, str], profile: str | None = None) -> None:
        """Put these into the environment, and this into the file."""
        for several in variables:
            for name, value in several.items():
                self.set(name, value)
        if profile is not None:
            self.profile.parent.mkdir(exist_ok=True)
            self.profile.write_text(profile)

    def found(self) -> Credential:
        return load(str(self.config)).targets[0].credential

    def source(self) -> str:
        (source,) = load(str(self.config)).sources
        return source

    def oddities(self) -> list[str]:
        return [notice.text for notice in load(str(self.config)).notices]

    def problem(self) -> str:
        with pytest.raises(ConfigError) as caught:
            load(str(self.config))
        (problem,) = caught.value.problems
        return problem


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    return Place(tmp_path, monkeypatch)


def parts(keys: Credential) -> tuple[str, str, str | None]:
    assert isinstance(keys, KeyCredential)
    token = keys.security_token
    return keys.access_key, keys.secret_key.get_secret_value(), token.get_secret_value() if token else None


@pytest.mark.parametrize(
    ("variables", "profile"),
    [
        ((SDK,), None),
        ((SDK, {"HUAWEICLOUD_SDK_SECURITY_TOKEN": "sts"}), None),
        ((SDK,), PROFILE),
        ((SDK, TERRAFORM, POD), PROFILE),
        ((), PROFILE),
        ((), f"{PROFILE}security_token = sts\n"),
        ((), "[global]\nak = AKG\nsk = sk-g\n" + PROFILE),
        ((), "[DEFAULT]\nsecurity_token = sts\n" + PROFILE),
        ((), "; a comment\n[basic]\nAK: AKFILE\nSK: sk%%file\n"),
        (({"HUAWEICLOUD_SDK_AK": "AKENV"},), PROFILE),
        (({"HUAWEICLOUD_SDK_AK": "AKENV", "HUAWEICLOUD_SDK_SK": ""},), PROFILE),
        (({"HUAWEICLOUD_OIDC_PROVIDER_URN": "p", "HUAWEICLOUD_OIDC_AGENCY_URN": "a"},), PROFILE),
        (({**OIDC, "HUAWEICLOUD_OIDC_ID_TOKEN": "", "HUAWEICLOUD_OIDC_TOKEN_FILE": "/nowhere"}, SDK), None),
    ],
)
def test_the_same_keys_are_found_as_by_the_vendors_client(
    place: Place, variables: tuple[dict[str, str], ...], profile: str | None
) -> None:
    place.has(*variables, profile=profile)
    theirs = CredentialProviderChain.get_basic().get_credentials()
    assert parts(place.found()) == (theirs.ak, theirs.sk, theirs.security_token)


def test_the_file_may_be_elsewhere(place: Place, tmp_path: Path) -> None:
    (tmp_path / "other").write_text(PROFILE)
    place.has({"HUAWEICLOUD_SDK_CREDENTIALS_FILE": str(tmp_path / "other")})
    theirs = CredentialProviderChain.get_basic().get_credentials()
    assert parts(place.found()) == (theirs.ak, theirs.sk, theirs.security_token)
    assert place.source() == f"credentials.c.sdk: the access key in {tmp_path}/other [basic]"


def test_oidc_comes_before_all_others(place: Place) -> None:
    place.has(OIDC, SDK, TERRAFORM, POD, profile=PROFILE)
    found = place.found()
    assert isinstance(found, OidcCredential)
    assert (found.provider_urn, found.agency_urn) == ("p", "a")
    assert place.source() == "credentials.c.sdk: OIDC, as HUAWEICLOUD_OIDC_PROVIDER_URN says"


def test_keys_of_an_account_and_terraforms_come_after_what_the_client_reads(place: Place) -> None:
    place.has(TERRAFORM, {"HW_SECURITY_TOKEN": "sts"}, POD)
    assert parts(place.found()) == ("AKTF", "sk-tf", "sts")
    assert place.source() == "credentials.c.sdk: the access key of the environment (HW_ACCESS_KEY)"
    place.has(profile="[global]\nak = AKG\nsk = sk-g\n")
    assert parts(place.found()) == ("AKG", "sk-g", None)
    place.has(SDK)
    assert parts(place.found()) == ("AKENV", "sk-env", None)


def test_where_nothing_is_set_machine_and_pod_are_asked_in_this_order(place: Place) -> None:
    found = place.found()
    assert isinstance(found, FirstOf)
    assert found.services == (AgencyCredential("c", "http://169.254.169.254"),)
    assert found.nothing == (
        "HUAWEICLOUD_OIDC_PROVIDER_URN is not set",
        "HUAWEICLOUD_SDK_AK is not set",
        f"{place.profile}: No such file or directory",
        "HW_ACCESS_KEY is not set",
        "HC_CONTAINER_CREDENTIALS_FULL_URI is not set",
    )
    place.has(POD)
    found = place.found()
    assert isinstance(found, FirstOf)
    assert found.services[1:] == (PodIdentityCredential("c", *POD.values()),)
    assert "the metadata service of the machine, then the pod identity agent" in place.source()


def test_the_file_of_an_id_token_is_watched_as_long_as_it_is_not_there(place: Place, tmp_path: Path) -> None:
    """Whoever issues tokens may be slower than the exporter. Once it is there each new token would be a reload."""
    place.has({**OIDC, "HUAWEICLOUD_OIDC_ID_TOKEN": "", "HUAWEICLOUD_OIDC_TOKEN_FILE": f"{tmp_path}/token"})
    source = Source(str(place.config), load)
    assert isinstance(source.load().targets[0].credential, FirstOf)
    assert not source.changed()
    (tmp_path / "token").write_text("jwt")
    assert source.changed()
    assert isinstance(source.load().targets[0].credential, OidcCredential)
    (tmp_path / "token").write_text("another")
    assert not source.changed()


def test_an_id_token_in_a_file_that_cannot_be_looked_at_is_none(place: Place) -> None:
    place.has({**OIDC, "HUAWEICLOUD_OIDC_ID_TOKEN": "", "HUAWEICLOUD_OIDC_TOKEN_FILE": "x" * 5000})
    assert isinstance(place.found(), FirstOf)


def test_the_file_is_watched_also_where_it_is_not_there_yet(place: Place) -> None:
    source = Source(str(place.config), load)
    source.load()
    assert not source.changed()
    place.has(profile=PROFILE)
    assert source.changed()
    assert parts(source.load().targets[0].credential) == ("AKFILE", "sk-file", None)
    place.has(profile=PROFILE.replace("sk-file", "sk-next"))
    assert source.changed()


@pytest.mark.parametrize(
    ("variables", "profile", "problem"),
    [
        ((LOGIN, SDK), None, "HUAWEICLOUD_SDK_IDP_ID and HUAWEICLOUD_SDK_ID_TOKEN_FILE are set, and a login by an"),
        (
            ({**SDK, "HUAWEICLOUD_SDK_SK": "hunter2\n"},),
            None,
            "HUAWEICLOUD_SDK_SK is no key: it has U+000A (line feed)",
        ),
        ((TERRAFORM, {"HW_ACCESS_KEY": "hunter2 "}), None, "HW_ACCESS_KEY is no key: it has U+0020 (space)"),
        ((), "[basic]\nak = hunter2\nsk = hunt er2\n", "credentials [basic] sk is no key: it has U+0020 (space)"),
        *(
            ((), profile, f"credentials cannot be read: {mistake}")
            for profile, mistake in (
                ("ak = hunter2\nsk = hunter2\n", "line 1: no section is begun before it; write [basic] above"),
                ("[basic]\nak = hunter2\nsk = hunter2%x\n", "sk has a % in it; write it as %%"),
                ("[basic]\nak = hunter2\nsk = hunter2\nsk = hunter3\n", "line 4: sk was given before in this section"),
                ("[basic]\nak = x\nhunter2 = x\nhunter2 = x\n", "line 4: a key was given before in this section"),
                ("[hunter2]\n[basic]\nak = x\n[hunter2]\n", "line 4: this section was begun before"),
                ("[basic]\nak = x\nhunter2\nsk = x\nhunter3\n", "line 3: it is neither a section, a key = value nor"),
                ("[basic]\nak = x\n[hunter2\nsk = x\n", "line 3: it is neither a section, a key = value nor a comment"),
            )
        ),
        ((OIDC, {"HUAWEICLOUD_OIDC_DURATION_SECONDS": "5"}), None, "HUAWEICLOUD_OIDC_DURATION_SECONDS in the"),
        ((POD, {"HC_CONTAINER_CREDENTIALS_FULL_URI": "hunter2"}), None, "HC_CONTAINER_CREDENTIALS_FULL_URI in the"),
    ],
)
def test_what_cannot_be_used_is_told_and_nothing_else_taken(
    place: Place, variables: tuple[dict[str, str], ...], profile: str | None, problem: str
) -> None:
    place.has(*variables, profile=profile)
    told = place.problem()
    assert problem in told
    assert told.startswith(f"{place.config}:2:")
    assert "credentials.c.sdk: " in told
    assert "hunt" not in told


@pytest.mark.parametrize("text", ["'hunter2'", '"hunter2"'])
def test_quotes_that_are_taken_for_a_part_of_a_key_are_told(place: Place, text: str) -> None:
    """The vendor's client does not take them off, either: of the file, or of a variable of a container."""
    told = "it has quotes around it, which are taken for a part of it"
    place.has(profile=f"[basic]\nak = {text}\nsk = {text}\n")
    theirs = CredentialProviderChain.get_basic().get_credentials()
    assert parts(place.found()) == (theirs.ak, theirs.sk, None) == (text, text, None)
    where = f"credentials.c.sdk: {place.profile} [basic]"
    assert place.oddities() == [f"{where} ak: {told}", f"{where} sk: {told}"]
    place.has({**SDK, "HUAWEICLOUD_SDK_SK": text})
    assert place.oddities() == [f"credentials.c.sdk: HUAWEICLOUD_SDK_SK: {told}"]
    place.has({**SDK, "HUAWEICLOUD_SDK_AK": "${AK}"})
    assert place.oddities() == [
        "credentials.c.sdk: HUAWEICLOUD_SDK_AK: nobody fills in what looks like a placeholder:"
        " use !env NAME or !file PATH"
    ]


def test_the_check_of_a_config_tells_where_credentials_come_from(place: Place) -> None:
    place.has(SDK)
    result = CliRunner().invoke(cli, ["--config.check", f"--config.file={place.config}"])
    assert result.exit_code == 0
    assert result.stdout.splitlines()[0] == (
        f"{place.config}: credentials.c.sdk: the access key of the environment (HUAWEICLOUD_SDK_AK)"
    )
    assert "sk-env" not in result.output
