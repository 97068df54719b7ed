"""Where the vendor's own clients look for credentials, in their order: the first place that has some is taken.

Source: huaweicloudsdkcore, auth/provider.py. Terraform's variables come after what the clients read, and before the
services that give keys to machines and pods: what somebody has set comes before what a machine has anyway.
"""

import configparser
import os
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path as FilePath

from pydantic import SecretStr

from frs_exporter.config import kinds
from frs_exporter.config.sdk_profile import PROFILE, SECTIONS, mistake
from frs_exporter.config.secret_checks import oddities
from frs_exporter.config.types import hidden_character
from frs_exporter.config.yaml import MAX_FILE, Document, OnRead, Path
from frs_exporter.core.credentials import AgencyCredential, Credential, FirstOf, KeyCredential, PodIdentityCredential
from frs_exporter.runtime.files import decode_text, is_temporary, read_file, reason_of

Environment = Mapping[str, str]
Make = Callable[[], Credential | None]
"""Makes a credential of what the environment says, and notes what is wrong with that."""

SDK = tuple(f"HUAWEICLOUD_SDK_{name}" for name in ("AK", "SK", "SECURITY_TOKEN"))
TERRAFORM = ("HW_ACCESS_KEY", "HW_SECRET_KEY", "HW_SECURITY_TOKEN")
LOGIN = ("HUAWEICLOUD_SDK_IDP_ID", "HUAWEICLOUD_SDK_ID_TOKEN_FILE")
FILE = "HUAWEICLOUD_SDK_CREDENTIALS_FILE"
USUAL_FILE = ".huaweicloud/credentials"
OIDC = ("HUAWEICLOUD_OIDC_PROVIDER_URN", "HUAWEICLOUD_OIDC_AGENCY_URN")
OIDC_TOKENS = ("HUAWEICLOUD_OIDC_ID_TOKEN", "HUAWEICLOUD_OIDC_TOKEN_FILE")
POD = ("HC_CONTAINER_CREDENTIALS_FULL_URI", "HC_CONTAINER_AUTHORIZATION_TOKEN_FILE")
METADATA = kinds.EcsAgency.model_validate({}).endpoint


def home_file(environment: Environment, variable: str, usual: str) -> FilePath | None:
    """The file that a variable names, or the usual one in the home folder; None without a home."""
    home = environment.get("USERPROFILE" if os.name == "nt" else "HOME")
    named = environment.get(variable)
    return FilePath(named) if named else FilePath(home, usual) if home else None


class SdkChain:
    """Looks for the credential `name`, which stands at `path` in the document; `source` tells where it was found."""

    def __init__(self, document: Document, path: Path, name: str, environment: Environment, on_read: OnRead) -> None:
        self._document = document
        self._path = path
        self._name = name
        self._environment = environment
        self._on_read = on_read
        self._nothing: list[str] = []
        self.source = ""
        self.oddities: list[str] = []
        """What is probably not meant in what was found."""

    def find(self, oidc: Make, pod: Make) -> Credential | None:
        """The first that there is; None, and a problem, where what is there cannot be used."""
        before = len(self._document.problems)
        from_sdk, from_terraform = (partial(self._keys_of, names) for names in (SDK, TERRAFORM))
        for look in (partial(self._oidc, oidc), self._login, from_sdk, self._profile, from_terraform):
            found = look()
            if found or len(self._document.problems) > before:
                return found
        return self._given(pod)

    def _oidc(self, make: Make) -> Credential | None:
        if not self._all_set(OIDC):
            return None
        token, file = (self._environment.get(name, "") for name in OIDC_TOKENS)
        if not token:
            if not file:
                return self._without(f"{OIDC_TOKENS[1]} is not set")
            if not os.path.isfile(file):
                self._on_read(FilePath(file))  # which may be there at the next look
                return self._without(f"{OIDC_TOKENS[1]}: there is no {file}")
        self.source = f"OIDC, as {OIDC[0]} says"
        return make()

    def _login(self) -> None:
        if all(self._environment.get(name) for name in LOGIN):
            text = f"{LOGIN[0]} and {LOGIN[1]} are set, and a login by an identity provider is not supported"
            self._document.problem(self._path, f"{text}; use oidc, or unset them")

    def _keys_of(self, names: tuple[str, ...]) -> Credential | None:
        if not self._all_set(names[:2]):
            return None
        self.source = f"the access key of the environment ({names[0]})"
        return self._keys(names, self._environment)

    def _profile(self) -> Credential | None:
        file = home_file(self._environment, FILE, USUAL_FILE)
        if file is None:
            return self._without(f"there is no home folder for {USUAL_FILE}")
        self._document.files[self._path] = file
        self._on_read(file)  # a file that is not there may be there at the next look
        parser = configparser.ConfigParser()
        try:
            parser.read_string(decode_text(read_file(file, MAX_FILE)))
            for section in filter(parser.has_section, SECTIONS):
                values = {key: value for key, value in parser.items(section) if value}
                if PROFILE[0] in values and PROFILE[1] in values:
                    self.source = f"the access key in {file} [{section}]"
                    return self._keys(PROFILE, values, f"{file} [{section}] ")
        except (configparser.Error, UnicodeDecodeError) as error:
            self._document.problem(self._path, f"the credentials file {file} cannot be read: {mistake(error)}")
            return None
        except (OSError, ValueError) as error:
            if isinstance(error, OSError) and is_temporary(error):
                self._document.unreadable(self._path, f"cannot read the file {file}", error)
            return self._without(f"{file}: {reason_of(error)}")
        return self._without(f"{file} has no ak and sk in [basic] or [global]")

    def _given(self, pod: Make) -> Credential | None:
        """What only those can tell who give keys: the machine's service, and for pods the agent of their node."""
        services: list[AgencyCredential | PodIdentityCredential] = [AgencyCredential(self._name, METADATA)]
        titles = ["the metadata service of the machine"]
        if self._all_set(POD):
            agent = pod()
            if not isinstance(agent, PodIdentityCredential):
                return None
            services.append(agent)
            titles.append("the pod identity agent")
        self.source = f"what gives keys first: {', then '.join(titles)} ({'; '.join(self._nothing)})"
        return FirstOf(self._name, tuple(services), tuple(self._nothing))

    def _all_set(self, names: tuple[str, ...]) -> bool:
        """Whether all these variables are set; the first that is not is remembered."""
        missing = next((name for name in names if not self._environment.get(name)), None)
        if missing:
            self._without(f"{missing} is not set")
        return missing is None

    def _without(self, why: str) -> Credential | None:
        """There is nothing at this place."""
        self._nothing.append(why)
        return None

    def _keys(self, names: tuple[str, ...], values: Mapping[str, str], where: str = "") -> Credential | None:
        access, secret, token = (values.get(name, "") for name in names)
        for name, value in zip(names, (access, secret, token), strict=True):
            if problem := odd_character(value):
                self._document.problem(self._path, f"{where}{name} is no key: {problem}")
                return None
            self.oddities += [f"{where}{name}: {text}" for text in oddities(value, in_a_file=False)]
        return KeyCredential(self._name, access, SecretStr(secret), SecretStr(token) if token else None)


def odd_character(secret: str) -> str:
    """What no key and no token has: the first character that is no visible one of ASCII; empty for none."""
    found = hidden_character(secret, lambda character: "!" <= character <= "~")
    return f"it has {found}" if found else ""
