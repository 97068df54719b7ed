"""The credentials of a validated file, as frozen values; what they leave out the environment may have."""

import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from pydantic import SecretStr, TypeAdapter, ValidationError

from frs_exporter.config import kinds, schema
from frs_exporter.config.endpoints import site_of_user
from frs_exporter.config.problems import location
from frs_exporter.config.sdk_chain import OIDC, OIDC_TOKENS, POD, Environment, SdkChain
from frs_exporter.config.suggestions import Suggestions
from frs_exporter.config.types import Url
from frs_exporter.config.yaml import Document, OnRead, Path
from frs_exporter.core.credentials import (
    AgencyCredential,
    AssumedAgency,
    Credential,
    KeyCredential,
    OidcCredential,
    PodIdentityCredential,
    Signing,
    TokenCredential,
)
from frs_exporter.core.model import Notice

POD_URI, POD_TOKEN_FILE = POD
OIDC_PROVIDER, OIDC_AGENCY = OIDC
OIDC_TOKEN, OIDC_FILE = OIDC_TOKENS
OIDC_SESSION, OIDC_DURATION, OIDC_POLICY, OIDC_POLICY_IDS = (
    f"HUAWEICLOUD_OIDC_{name}" for name in ("SESSION_NAME", "DURATION_SECONDS", "POLICY", "POLICY_IDS")
)
STS_ENDPOINT = "HUAWEICLOUD_SDK_STS_ENDPOINT"
"""What the vendor's own clients read."""
URL: TypeAdapter[str] = TypeAdapter(Url)


class CredentialReader:
    """Makes credentials; what is wrong is noted in the document."""

    def __init__(self, document: Document, on_read: OnRead) -> None:
        self._document = document
        self._environment: Environment = os.environ
        self._on_read = on_read
        self.sources: list[str] = []
        """Where credentials were found that could have been anywhere."""
        self.notices: list[Notice] = []
        """What is odd about those."""

    def read(
        self, credentials: Mapping[str, schema.Credential], endpoints: Mapping[str, schema.Endpoints]
    ) -> dict[str, Credential]:
        """The credentials by their names, each at the site of its endpoints, without those that cannot be had."""
        own = {name: self._credential(name, raw) for name, raw in credentials.items() if not raw.agency}
        found = {name: at_site(credential, endpoints[name]) for name, credential in own.items() if credential}
        for name, raw in credentials.items():
            if raw.agency and (agency := self._agency(name, raw.agency, found, credentials)):
                found[name] = at_site(agency, endpoints[name])
        return {name: found[name] for name in credentials if name in found}

    def _agency(
        self,
        name: str,
        raw: kinds.Agency,
        found: Mapping[str, Credential],
        credentials: Mapping[str, schema.Credential],
    ) -> Credential | None:
        path: Path = ("credentials", name, "agency", "credential")
        base = found.get(raw.credential)
        if raw.credential not in credentials:
            remedy = Suggestions()(raw.credential, [known for known in credentials if known != name])
            self._document.problem(path, f"no credential is named {self._document.raw[path]}{remedy}")
        elif isinstance(base, TokenCredential) or credentials[raw.credential].agency:
            self._document.problem(path, "must be a credential that signs, as ak_sk does: no token and no agency")
        return AssumedAgency(name, base, raw.domain_name, raw.agency_name) if isinstance(base, Signing) else None

    def _credential(self, name: str, raw: schema.Credential) -> Credential | None:
        path: Path = ("credentials", name)
        if token := raw.token:
            return TokenCredential(name, token.domain_name, token.user_name, token.password)
        if keys := raw.ak_sk:
            return KeyCredential(name, keys.access_key, keys.secret_key, keys.security_token)
        if raw.ecs_agency:
            return AgencyCredential(name, raw.ecs_agency.endpoint)
        if raw.oidc:
            return self._oidc((*path, "oidc"), name, raw.oidc)
        if raw.sdk:
            return self._sdk((*path, "sdk"), name)
        if raw.pod_identity:
            return self._pod_identity((*path, "pod_identity"), name, raw.pod_identity)
        return None  # none of the kinds, which check_one_kind has noted

    def _pod_identity(self, path: Path, name: str, pod: kinds.PodIdentity) -> Credential | None:
        uri = pod.uri or self._from_environment(path, POD_URI, "uri", URL.validate_python)
        file = self._file(path, pod.token_file) or self._from_environment(path, POD_TOKEN_FILE, "token_file")
        return PodIdentityCredential(name, uri, file) if uri and file else None

    def _oidc(self, path: Path, name: str, raw: kinds.Oidc) -> Credential | None:
        provider = raw.provider_urn or self._from_environment(path, OIDC_PROVIDER, "provider_urn")
        agency = raw.agency_urn or self._from_environment(path, OIDC_AGENCY, "agency_urn")
        token = "" if raw.id_token_file else self._environment.get(OIDC_TOKEN, "").strip()
        file: str | None = ""
        if not token:
            file = self._file(path, raw.id_token_file) or self._from_environment(path, OIDC_FILE, "id_token_file")
        settings = self._oidc_settings(path, raw)
        if not (provider and agency and file is not None and settings):
            return None
        return OidcCredential(name, provider, agency, file, SecretStr(token) if token else None, **settings)

    def _sdk(self, path: Path, name: str) -> Credential | None:
        chain = SdkChain(self._document, path, name, self._environment, self._on_read)
        oidc, pod = kinds.Oidc.model_validate({}), kinds.PodIdentity.model_validate({})
        found = chain.find(partial(self._oidc, path, name, oidc), partial(self._pod_identity, path, name, pod))
        where = location(self._document, path)
        self.sources += [f"{where}: {chain.source}"] if found else []
        self.notices += [Notice(f"{where}: {text}") for text in chain.oddities]
        return found

    def _oidc_settings(self, path: Path, raw: kinds.Oidc) -> dict[str, Any] | None:
        """What need not be said at all; None, and a problem, where what the environment says of it cannot be used."""
        environment, defaults = self._environment, OidcCredential("", "", "")
        seconds = environment.get(OIDC_DURATION, "") or str(defaults.duration)
        if raw.duration is None and not (seconds.isdecimal() and 900 <= int(seconds) <= 43200):
            self._document.problem(path, f"{OIDC_DURATION} in the environment must be 900 to 43200 seconds")
            return None
        endpoint: str | None = raw.endpoint or defaults.endpoint
        if raw.endpoint is None and environment.get(STS_ENDPOINT):
            endpoint = self._from_environment(path, STS_ENDPOINT, "endpoint", URL.validate_python)
        if endpoint is None:
            return None
        return {
            "session_name": raw.session_name or environment.get(OIDC_SESSION) or defaults.session_name,
            "duration": int(seconds if raw.duration is None else raw.duration),
            "endpoint": endpoint.rstrip("/"),
            "policy": environment.get(OIDC_POLICY, ""),
            "policy_ids": tuple(filter(None, map(str.strip, environment.get(OIDC_POLICY_IDS, "").split(",")))),
        }

    def _from_environment(
        self, path: Path, variable: str, setting: str, check: Callable[[str], str] = str
    ) -> str | None:
        """What a variable says in place of a setting; None, and a problem, if that is nothing that can be used."""
        value = self._environment.get(variable)
        if not value:
            self._document.problem(path, f"{setting} is missing, and {variable} is not set")
            return None
        try:
            return check(value)
        except ValidationError as error:
            self._document.problem(path, f"{variable} in the environment {error.errors()[0]['ctx']['error']}")
            return None

    def _file(self, path: Path, name: str | None) -> str | None:
        return str(self._document.folder(path) / name) if name else None


def at_site(credential: Credential, endpoints: schema.Endpoints) -> Credential:
    """A credential at the site that knows its user."""
    return replace(credential, site=site_of_user(credential, endpoints))
