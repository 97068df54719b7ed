"""The file of `--web.config.file`, the one that all Prometheus exporters share: TLS, logins, headers, rate limit.

Source: Prometheus' exporter-toolkit, docs/web-configuration.md. What cannot be had is refused, or told in a notice.
"""

import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

from pydantic import BeforeValidator, SecretStr, ValidationError

from frs_exporter.config.problems import note, read_text, refused
from frs_exporter.config.secret_checks import open_config, open_files
from frs_exporter.config.section import Model
from frs_exporter.config.yaml import Document, OnRead, Path, read, unwatched
from frs_exporter.web.login_cost import cost_notices
from frs_exporter.web.protection import protections, waived
from frs_exporter.web.tls import Tls, TlsServerConfig, read_tls

MAX_WEB_CONFIG = 1 << 20

HEADERS: Mapping[str, tuple[str, ...]] = {
    "Content-Security-Policy": (),
    "Strict-Transport-Security": (),
    "X-Content-Type-Options": ("nosniff",),
    "X-Frame-Options": ("deny", "sameorigin"),
    "X-XSS-Protection": (),
}
"""Headers that may be set, with the values that they may have, where only some make sense."""

GO_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
GO_PART = r"([0-9]+(?:\.[0-9]*)?|\.[0-9]+)(ns|us|µs|ms|s|m|h)"


def go_seconds(value: Any) -> float:
    """The seconds of a duration as Go writes it, `1m30s` or `0.5s`; raises ValueError."""
    text = str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""
    if text == "0":
        return 0.0
    if not re.fullmatch(f"(?:{GO_PART})+", text):
        raise ValueError("must be a duration with a unit, like 1s, 500ms or 1m30s, or 0 for no limit")
    return sum(float(number) * GO_UNITS[unit] for number, unit in re.findall(GO_PART, text))


class HttpServerConfig(Model):
    """What `http_server_config` may hold."""

    http2: bool | None = None
    headers: dict[str, str] | None = None


class RateLimit(Model):
    """A token bucket: `interval` seconds between two requests, zero for no limit, and so many at once."""

    interval: Annotated[float, BeforeValidator(go_seconds)] = 0.0
    burst: int = 0


UNLIMITED = RateLimit()
HTTP2 = "http_server_config.http2: there is no HTTP/2 here; HTTP/1.1 is negotiated, which every client has, too"
EMPTY = "the file is empty: everybody is let in, over plain HTTP, without a login"


class File(Model):
    """The whole file."""

    tls_server_config: TlsServerConfig = TlsServerConfig()
    http_server_config: HttpServerConfig = HttpServerConfig()
    rate_limit: RateLimit = UNLIMITED
    basic_auth_users: dict[str, SecretStr] | None = None


@dataclass(frozen=True, slots=True)
class WebConfig:
    """How to serve: `tls` is None for plain HTTP, `users` maps names to bcrypt hashes and is empty for no logins.

    `protections` and `waived` name what the file protects by, and what it says that it does not want.
    """

    tls: Tls | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    users: Mapping[str, str] = field(default_factory=dict, repr=False)
    rate_limit: RateLimit = UNLIMITED
    notices: tuple[str, ...] = field(default=(), compare=False)
    protections: frozenset[str] = frozenset()
    waived: frozenset[str] = frozenset()


def load_web_config(path: str, on_read: OnRead = unwatched) -> WebConfig:
    """Read a web-config file; `on_read` gets each file before it is read. Raises ConfigError with all that is wrong.

    An empty path is no file, and an empty file is good: plain HTTP for everybody.
    """
    if not path:
        return WebConfig()
    document = read(read_text(path, MAX_WEB_CONFIG, on_read), path, on_read=on_read)
    config = build(document, on_read)
    if config is None or document.problems:
        raise refused(document, File)
    return config


def build(document: Document, on_read: OnRead) -> WebConfig | None:
    """The WebConfig that a document describes, or None; problems are added to those of the document."""
    if document.problems:
        return None
    try:
        file = File.model_validate({} if document.data is None else document.data)
    except ValidationError as error:
        note(error, document, File, "basic_auth_users")
        return None
    check_http(document, file)
    users = {name: hashed.get_secret_value() for name, hashed in (file.basic_auth_users or {}).items()}
    for name, hashed in users.items():
        if problem := hash_problem(hashed):
            document.problem(("basic_auth_users", name), problem)
        if ":" in name:
            document.problem(("basic_auth_users", name), "no user can log in whose name has a colon", at_key=True)
    tls = read_tls(document, file.tls_server_config, on_read)
    headers = {name: value for name, value in (file.http_server_config.headers or {}).items() if value}
    return WebConfig(
        tls,
        headers,
        users,
        file.rate_limit,
        notices=(EMPTY,) if document.data is None else (*notices(file, tls, users), *exposed(file, document)),
        protections=protections(file.tls_server_config, users),
        waived=waived(document.data),
    )


def exposed(file: File, document: Document) -> Iterator[str]:
    """What every user of this machine can read: keys, and the hashes of passwords, which are guessed from them."""
    secrets: list[Path] = [("basic_auth_users", name) for name in file.basic_auth_users or ()]
    if file.tls_server_config.key:
        secrets.append(("tls_server_config", "key"))
    yield from (notice.text for notice in (*open_files(document, secrets), *open_config(document, secrets)))


def check_http(document: Document, file: File) -> None:
    """Note what of `http_server_config` and `rate_limit` cannot be done."""
    for name, value in (file.http_server_config.headers or {}).items():
        path = ("http_server_config", "headers", name)
        if name not in HEADERS:
            document.problem(path, f"cannot be set; the headers that can are {', '.join(HEADERS)}", at_key=True)
        elif HEADERS[name] and value not in HEADERS[name]:
            document.problem(path, f"must be {' or '.join(HEADERS[name])}")
        elif not value.isprintable() or not value.isascii():
            document.problem(path, "must be printable ASCII on one line")
    if file.rate_limit.interval and file.rate_limit.burst < 1:
        document.problem(("rate_limit", "burst"), "must be at least 1, or no request is ever answered")


def hash_problem(hashed: str) -> str:
    """What is wrong with a bcrypt hash, empty for nothing."""
    if re.fullmatch(r"\$2[abxy]?\$(0[4-9]|[12][0-9]|3[01])\$[./A-Za-z0-9]{53}", hashed):
        return ""
    return "must be a bcrypt hash, as `htpasswd -nBC 10 NAME` prints after the colon; passwords do not stand here"


def notices(file: File, tls: Tls | None, users: Mapping[str, str]) -> tuple[str, ...]:
    """What the file says but probably does not mean, or what of it is not to be had."""
    warnings = []
    if file.http_server_config.http2:
        warnings.append(HTTP2)
    if users and tls is None:
        warnings.append("basic_auth_users without tls_server_config: passwords can be read on the way")
    if tls is not None and file.tls_server_config.verifies and not file.tls_server_config.authority:
        warnings.append(
            "tls_server_config.client_auth_type without client_ca_file: any certificate that this machine trusts opens"
        )
    if tls is not None and tls.validity is not None:
        source = file.tls_server_config.source("cert")
        warnings += [f"tls_server_config.{source}: {text}" for text in tls.validity.oddities(time.time())]
    return (*warnings, *cost_notices(users))
