"""What `tls_server_config` says becomes a TLS context, made of what its files hold at one moment."""

import hashlib
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path as FilePath
from typing import Any

from pydantic import SecretStr

from frs_exporter.config.cross_checks import suggestion
from frs_exporter.config.pem import check_key, read_pem, trust, use_certificate
from frs_exporter.config.schema import Model
from frs_exporter.config.yaml import Document, OnRead

SECTION = "tls_server_config"
PEMS = ("cert", "key", "client_ca")
"""What may be given inline or, with `_file` after the name, in a file."""
UNUSABLE = "cannot be used"

VERSIONS = {"TLS12": ssl.TLSVersion.TLSv1_2, "TLS13": ssl.TLSVersion.TLSv1_3}
OLD_VERSIONS = ("TLS10", "TLS11")

SUITES: Mapping[str, str] = {
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA": "ECDHE-ECDSA-AES128-SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA": "ECDHE-ECDSA-AES256-SHA",
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA": "ECDHE-RSA-AES128-SHA",
    "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA": "ECDHE-RSA-AES256-SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256": "ECDHE-ECDSA-AES128-GCM-SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384": "ECDHE-ECDSA-AES256-GCM-SHA384",
    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256": "ECDHE-RSA-AES128-GCM-SHA256",
    "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384": "ECDHE-RSA-AES256-GCM-SHA384",
    "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256": "ECDHE-ECDSA-CHACHA20-POLY1305",
    "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256": "ECDHE-RSA-CHACHA20-POLY1305",
}
"""The suites of TLS 1.2 that Go counts as secure (crypto/tls, CipherSuites), and what OpenSSL calls them."""
SUITES_OF_13 = ("TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256")
"""Those of TLS 1.3 may be listed, too; they are always on, in Go as well."""

REQUIRED = "RequireAndVerifyClientCert"
CLIENT_AUTH = {
    "": ssl.CERT_NONE,
    "NoClientCert": ssl.CERT_NONE,
    "VerifyClientCertIfGiven": ssl.CERT_OPTIONAL,
    REQUIRED: ssl.CERT_REQUIRED,
}
UNVERIFIED = ("RequestClientCert", "RequireAnyClientCert", "RequireClientCert")
"""Policies that ask for a certificate and believe whatever comes."""


class TlsServerConfig(Model):
    """What `tls_server_config` may hold; files are relative to the file that names them."""

    cert: SecretStr | None = None
    key: SecretStr | None = None
    client_ca: SecretStr | None = None
    cert_file: str | None = None
    key_file: str | None = None
    client_ca_file: str | None = None
    client_auth_type: str | None = None
    client_allowed_sans: list[str] | None = None
    min_version: str | None = None
    max_version: str | None = None
    cipher_suites: list[str] | None = None
    prefer_server_cipher_suites: bool = True
    curve_preferences: list[str] | None = None

    @property
    def verifies(self) -> bool:
        """Whether certificates of clients are looked at."""
        return CLIENT_AUTH.get(self.client_auth_type or "", ssl.CERT_NONE) is not ssl.CERT_NONE

    @property
    def authority(self) -> bool:
        """Whether it is said who must have signed the certificates of clients."""
        return bool(self.source("client_ca"))

    def source(self, name: str) -> str:
        """The key under which one of PEMS is given, empty where it is not."""
        return next((key for key in (f"{name}_file", name) if getattr(self, key)), "")


@dataclass(frozen=True, slots=True)
class Tls:
    """How connections are secured; equal where nothing that counts is different. `allowed_sans` of None is anybody."""

    fingerprint: str
    allowed_sans: frozenset[str] | None = None
    context: ssl.SSLContext = field(default_factory=lambda: ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), compare=False)

    def allows(self, certificate: Mapping[str, Any] | None) -> bool:
        """Whether a client may talk to us that has shown this certificate, as `getpeercert` tells it."""
        if self.allowed_sans is None:
            return True
        names = (certificate or {}).get("subjectAltName", ())
        return any(normal(value) in self.allowed_sans for _, value in names)


def normal(name: str) -> str:
    """A name of a certificate as it is compared: addresses in their shortest form, all else as it is."""
    try:
        return str(ip_address(name.strip()))
    except ValueError:
        return name


def read_tls(document: Document, config: TlsServerConfig, folder: FilePath, on_read: OnRead) -> Tls | None:
    """What the section describes, None where it is not there; problems are noted in the document."""
    if not config.model_fields_set:
        return None
    before = len(document.problems)
    check_policy(document, config)
    check_versions(document, config)
    pems = {name: read_blocks(document, config, name, folder, on_read) for name in PEMS}
    check_key(document, (SECTION, config.source("key")), pems["key"])
    for name in ("cert", "key"):
        if not config.source(name) and len(document.problems) == before:
            document.problem((SECTION,), f"{name} or {name}_file is missing: without both there is no TLS")
    if len(document.problems) > before:
        return None
    context = make_context(config)
    load_blocks(document, config, context, pems)
    if len(document.problems) > before:
        return None
    sans = config.client_allowed_sans
    digest = hashlib.blake2b(repr((sorted(pems.items()), config)).encode(), digest_size=16).hexdigest()
    return Tls(digest, None if sans is None else frozenset(map(normal, sans)), context)


def check_policy(document: Document, config: TlsServerConfig) -> None:
    """Note who may not be let in as the section says."""
    policy = config.client_auth_type or ""
    if policy in UNVERIFIED:
        text = f"{policy} is not supported: it believes any certificate; use RequireAndVerifyClientCert"
        document.problem((SECTION, "client_auth_type"), text)
    elif policy not in CLIENT_AUTH:
        known = ", ".join(name for name in CLIENT_AUTH if name)
        document.problem((SECTION, "client_auth_type"), f"there is no such policy; there are {known}")
    elif config.authority and not config.verifies:
        name = "client_ca" if config.client_ca else "client_ca_file"
        text = "is of no use without client_auth_type: RequireAndVerifyClientCert"
        document.problem((SECTION, name), text, at_key=True)
    if config.client_allowed_sans is not None and policy not in ("RequireAndVerifyClientCert", *UNVERIFIED):
        text = "needs client_auth_type: RequireAndVerifyClientCert, or clients come in without any name"
        document.problem((SECTION, "client_allowed_sans"), text, at_key=True)


def check_versions(document: Document, config: TlsServerConfig) -> None:
    """Note versions, suites and curves that cannot be had."""
    for name in ("min_version", "max_version"):
        version = getattr(config, name)
        if version in OLD_VERSIONS:
            document.problem(
                (SECTION, name), f"{version} is not supported: it is broken (RFC 8996); use TLS12 or TLS13"
            )
        elif version is not None and version not in VERSIONS:
            document.problem((SECTION, name), "must be TLS12 or TLS13")
    if (config.min_version, config.max_version) == ("TLS13", "TLS12"):
        document.problem((SECTION, "max_version"), "is below min_version: nobody could connect")
    if config.curve_preferences is not None:
        text = "is not supported: Python cannot choose curves; OpenSSL's own choice is X25519, then P-256"
        document.problem((SECTION, "curve_preferences"), text, at_key=True)
    suites = config.cipher_suites or []
    for index, suite in enumerate(suites):
        if suite not in SUITES and suite not in SUITES_OF_13:
            text = f"is none of those that Go's crypto/tls counts as secure{suggestion(suite, list(SUITES))}"
            document.problem((SECTION, "cipher_suites", index), text)
    if suites and not any(suite in SUITES for suite in suites) and set(suites) <= set(SUITES_OF_13):
        text = "names suites of TLS 1.3 only, which are always on; set min_version: TLS13 instead"
        document.problem((SECTION, "cipher_suites"), text, at_key=True)


def read_blocks(document: Document, config: TlsServerConfig, name: str, folder: FilePath, on_read: OnRead) -> bytes:
    """The PEM blocks of one of PEMS, none where it is not given or not readable."""
    inline, file = getattr(config, name), getattr(config, f"{name}_file")
    if inline is not None and file is not None:
        document.problem((SECTION, f"{name}_file"), f"cannot be combined with {name}; which one is meant?", at_key=True)
        return b""
    if file:
        return read_pem(document, (SECTION, f"{name}_file"), f"cannot read the file {file}", folder / file, on_read)
    return read_pem(document, (SECTION, name), UNUSABLE, inline or SecretStr(""), on_read)


def make_context(config: TlsServerConfig) -> ssl.SSLContext:
    """A context that does as the section says, without certificates yet."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = VERSIONS[config.min_version or "TLS12"]
    context.maximum_version = VERSIONS[config.max_version or "TLS13"]
    if suites := [SUITES[name] for name in config.cipher_suites or () if name in SUITES]:
        context.set_ciphers(":".join(suites))
    if not config.prefer_server_cipher_suites:
        context.options &= ~ssl.OP_CIPHER_SERVER_PREFERENCE
    context.set_alpn_protocols(["http/1.1"])
    context.verify_mode = CLIENT_AUTH[config.client_auth_type or ""]
    if config.verifies and not config.authority:
        context.load_default_certs(ssl.Purpose.CLIENT_AUTH)
    return context


def load_blocks(
    document: Document, config: TlsServerConfig, context: ssl.SSLContext, pems: Mapping[str, bytes]
) -> None:
    """Take certificates and the key into use, or note what is wrong with them."""
    key = config.source("key")
    mismatch, neither = f"the key in {key} is not this certificate's", f"no PEM certificate, or no key in {key}"
    try:
        use_certificate(context, pems["cert"], pems["key"], mismatch, neither)
    except (OSError, ValueError) as error:
        document.unreadable((SECTION, config.source("cert")), UNUSABLE, error)
    try:
        if config.authority:
            trust(context.load_verify_locations, pems["client_ca"])
    except (OSError, ValueError) as error:
        document.unreadable((SECTION, config.source("client_ca")), UNUSABLE, error)
