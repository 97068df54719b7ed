"""What `tls_server_config` says becomes a TLS context, made of what its files hold at one moment."""

import contextlib
import hashlib
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, SecretStr

from frs_exporter.config.certificate import Validity, validity
from frs_exporter.config.pem import check_key, read_pem, trust, use_certificate
from frs_exporter.config.section import Model
from frs_exporter.config.suggestions import suggestion
from frs_exporter.config.yaml import Document, OnRead

SECTION = "tls_server_config"
PEMS = ("cert", "key", "client_ca")
"""What may be given inline or, with `_file` after the name, in a file."""
UNUSABLE = "cannot be used"

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
ALWAYS_ON = "names suites of TLS 1.3 only, which are always on; set min_version: TLS13 instead"

REQUIRED = "RequireAndVerifyClientCert"
POLICIES = {
    "NoClientCert": ssl.CERT_NONE,
    "VerifyClientCertIfGiven": ssl.CERT_OPTIONAL,
    REQUIRED: ssl.CERT_REQUIRED,
}
VERSIONS = {"TLS12": ssl.TLSVersion.TLSv1_2, "TLS13": ssl.TLSVersion.TLSv1_3}
BELIEVES_ANY = f"it believes any certificate; use {REQUIRED}"
BROKEN = "it is broken (RFC 8996); use TLS12 or TLS13"
REFUSED: Mapping[str, str] = {
    **dict.fromkeys(("RequestClientCert", "RequireAnyClientCert", "RequireClientCert"), BELIEVES_ANY),
    **dict.fromkeys(("TLS10", "TLS11"), BROKEN),
}
"""Policies and versions that the toolkit has, and why they are not to be had here."""


def choice(values: Mapping[str, Any], unknown: str) -> BeforeValidator:
    """The value that is written as one of some names; `unknown` is said of any other."""

    def chosen(name: Any) -> Any:
        if str(name) in REFUSED:
            raise ValueError(f"{name} is not supported: {REFUSED[name]}")
        if str(name) not in values:
            raise ValueError(unknown)
        return values[str(name)]

    return BeforeValidator(chosen)


def known_suite(name: str) -> str:
    """Go's name of a suite that it counts as secure; raises ValueError."""
    if name not in SUITES and name not in SUITES_OF_13:
        raise ValueError(f"is none of those that Go's crypto/tls counts as secure{suggestion(name, SUITES)}")
    return name


NO_POLICY = f"there is no such policy; there are {', '.join(POLICIES)}"
Policy = Annotated[ssl.VerifyMode, choice({"": ssl.CERT_NONE, **POLICIES}, NO_POLICY)]
Version = Annotated[ssl.TLSVersion, choice(VERSIONS, "must be TLS12 or TLS13")]
Suite = Annotated[str, AfterValidator(known_suite)]


class TlsServerConfig(Model):
    """What `tls_server_config` may hold; files are relative to the file that names them."""

    cert: SecretStr | None = None
    key: SecretStr | None = None
    client_ca: SecretStr | None = None
    cert_file: str | None = None
    key_file: str | None = None
    client_ca_file: str | None = None
    client_auth_type: Policy | None = None
    client_allowed_sans: list[str] | None = None
    min_version: Version | None = None
    max_version: Version | None = None
    cipher_suites: list[Suite] | None = None
    prefer_server_cipher_suites: bool = True
    curve_preferences: list[str] | None = None

    @property
    def verifies(self) -> bool:
        """Whether certificates of clients are looked at."""
        return self.client_auth_type in (ssl.CERT_OPTIONAL, ssl.CERT_REQUIRED)

    @property
    def authority(self) -> bool:
        """Whether it is said who must have signed the certificates of clients."""
        return bool(self.source("client_ca"))

    def source(self, name: str) -> str:
        """The key under which one of PEMS is given, empty where it is not."""
        return next((key for key in (f"{name}_file", name) if getattr(self, key)), "")


@dataclass(frozen=True, slots=True)
class Tls:
    """How connections are secured; equal where nothing that counts is different. `allowed_sans` of None is anybody.

    `validity` is that of the exporter's own certificate; None where it cannot be read.
    """

    fingerprint: str
    allowed_sans: frozenset[str] | None = None
    validity: Validity | None = None
    context: ssl.SSLContext = field(default_factory=lambda: ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), compare=False)

    def allows(self, certificate: Mapping[str, Any] | None) -> bool:
        """Whether a client may talk to us that has shown this certificate, as `getpeercert` tells it."""
        if self.context.verify_mode is ssl.CERT_REQUIRED and not certificate:
            return False  # a connection that is older than this config: nobody asked it for one
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


def read_tls(document: Document, config: TlsServerConfig, on_read: OnRead) -> Tls | None:
    """What the section describes, None where it is not there; problems are noted in the document."""
    if not config.model_fields_set:
        return None
    before = len(document.problems)
    check(document, config)
    pems = {name: read_blocks(document, config, name, on_read) for name in PEMS}
    check_key(document, (SECTION, config.source("key")), pems["key"])
    for name in ("cert", "key"):
        if not config.source(name) and len(document.problems) == before:
            document.problem((SECTION,), f"{name} or {name}_file is missing: without both there is no TLS")
    if len(document.problems) > before:
        return None
    context = make_context(config)
    load_pems(document, config, context, pems)
    if len(document.problems) > before:
        return None
    sans = config.client_allowed_sans
    digest = hashlib.blake2b(repr((sorted(pems.items()), config)).encode(), digest_size=16).hexdigest()
    valid = None
    with contextlib.suppress(ValueError):  # OpenSSL takes it: that is enough to serve with it
        valid = validity(pems["cert"])
    return Tls(digest, None if sans is None else frozenset(map(normal, sans)), valid, context)


def check(document: Document, config: TlsServerConfig) -> None:
    """Note keys that do not go together, or cannot be had; what single values may be is their types' business."""
    authority, suites = config.source("client_ca"), set(config.cipher_suites or ())
    anybody = config.client_allowed_sans is not None and config.client_auth_type is not ssl.CERT_REQUIRED
    backwards = (config.min_version, config.max_version) == (VERSIONS["TLS13"], VERSIONS["TLS12"])
    twice = [name for name in PEMS if None not in (getattr(config, name), getattr(config, f"{name}_file"))]
    curves = "is not supported: Python cannot choose curves; OpenSSL's own choice is X25519, then P-256"
    rules = (
        *((True, f"{name}_file", f"cannot be combined with {name}; which one is meant?") for name in twice),
        (authority and not config.verifies, authority, f"is of no use without client_auth_type: {REQUIRED}"),
        (anybody, "client_allowed_sans", f"needs client_auth_type: {REQUIRED}, or clients come in without any name"),
        (backwards, "max_version", "is below min_version: nobody could connect"),
        (config.curve_preferences is not None, "curve_preferences", curves),
        (suites and suites <= set(SUITES_OF_13), "cipher_suites", ALWAYS_ON),
    )
    for is_broken, key, text in rules:
        if is_broken:
            document.problem((SECTION, key), text, at_key=key != "max_version")


def read_blocks(document: Document, config: TlsServerConfig, name: str, on_read: OnRead) -> bytes:
    """The PEM blocks of one of PEMS, none where it is not given or not readable."""
    if file := getattr(config, f"{name}_file"):
        path = (SECTION, f"{name}_file")
        return read_pem(document, path, f"cannot read the file {file}", document.folder(path) / file, on_read)
    return read_pem(document, (SECTION, name), UNUSABLE, getattr(config, name) or SecretStr(""), on_read)


def make_context(config: TlsServerConfig) -> ssl.SSLContext:
    """A context that does as the section says, without certificates yet."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = config.min_version or VERSIONS["TLS12"]
    context.maximum_version = config.max_version or VERSIONS["TLS13"]
    if suites := [SUITES[name] for name in config.cipher_suites or () if name in SUITES]:
        context.set_ciphers(":".join(suites))
    if not config.prefer_server_cipher_suites:
        context.options &= ~ssl.OP_CIPHER_SERVER_PREFERENCE
    context.set_alpn_protocols(["http/1.1"])
    context.verify_mode = config.client_auth_type or ssl.CERT_NONE
    if config.verifies and not config.authority:
        context.load_default_certs(ssl.Purpose.CLIENT_AUTH)
    return context


def load_pems(document: Document, config: TlsServerConfig, context: ssl.SSLContext, pems: Mapping[str, bytes]) -> None:
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
