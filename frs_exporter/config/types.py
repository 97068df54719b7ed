"""What a single value of the config may be: durations, names, URLs, secrets."""

import re
import unicodedata
from collections.abc import Callable, Collection
from decimal import Decimal
from functools import partial
from ipaddress import ip_address
from typing import Annotated, Any
from urllib.parse import quote, unquote

from pydantic import AfterValidator, BeforeValidator, SecretStr
from pydantic.json_schema import WithJsonSchema
from yarl import URL

from frs_exporter.config.known_names import check_placeholders, name_template, region, subservice, time_zone
from frs_exporter.config.suggestions import did_you_mean
from frs_exporter.core import regex
from frs_exporter.core.http_options import Proxy

DURATION = re.compile("".join(rf"(?:([0-9]{{1,9}}){unit})?" for unit in ("y", "w", "d", "h", "m", "s", "ms")))
LABEL = "[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?"
SHOWN = r"[^\x00-\x1f\x7f-\x9f\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufeff]"
"""What may be in a name: no control characters, which terminals obey, nothing that ends a line, and nothing that is not
seen or turns the direction of what follows."""
HOST = re.compile(rf"(?=.{{1,253}}\Z){LABEL}(\.{LABEL})*", re.ASCII | re.IGNORECASE)
"""A name in ASCII, no longer than DNS has them (RFC 1035, 2.3.4: 255 with their lengths); SOCKS can send no longer one.
"""
UNITS = (31536000, 604800, 86400, 3600, 60, 1, 0.001)
CONTROLS = {"\n": "line feed", "\r": "carriage return", "\t": "tab", "\0": "null"}
"""What characters are called that Unicode has no name for."""
PROXY = "http://proxy.example.com:3128"
PROXY_PORTS = {"http": 80, "https": 443, "socks5": 1080, "socks5h": 1080}
"""Schemes of proxies, and the port of each where the URL names none."""
RESERVED_LABELS = {
    *("project", "project_id", "region", "credential", "auth"),  # frs_project_info has these already
    *("collector", "subservice", "face_set", "api", "reason", "code"),  # joins with our other metrics would clash
    # Labels of targets, by which rules join: on one family alone, they would match nothing.
    *("job", "instance", "cluster", "namespace", "service", "pod", "container", "endpoint"),
}
RESERVED_FOR_ACCOUNTS = RESERVED_LABELS | {
    *("account", "site"),  # frs_account_info has these already
    *("account_type", "currency", "package", "resource", "unit", "name", "service_type", "enterprise_project"),
    *("voucher", "kind"),
}


def seconds(value: Any) -> float:
    """The seconds of a duration as Prometheus writes it, `1m30s`; raises ValueError."""
    match = DURATION.fullmatch(value) if isinstance(value, str) and value else None
    if match is None:
        raise ValueError("must be a duration like 30s, 1m30s or 2h")
    return sum(int(number) * unit for number, unit in zip(match.groups(), UNITS, strict=True) if number)


def between(low: str, high: str) -> AfterValidator:
    """Durations from `low` to `high`, both included."""

    def check(value: float) -> float:
        if not seconds(low) <= value <= seconds(high):
            raise ValueError(f"must be between {low} and {high}")
        return value

    return AfterValidator(check)


def matching(pattern: str, meaning: str) -> AfterValidator:
    """Text that a regular expression matches as a whole."""

    def check(value: str) -> str:
        if not re.fullmatch(pattern, value):
            raise ValueError(f"must be {meaning}")
        return value

    return AfterValidator(check)


def endpoint(value: str) -> str:
    """A base URL in which only `{region}` is to be filled in; raises ValueError."""
    check_placeholders(value, ("region",))
    filled = value.replace("{region}", "region")
    if not re.fullmatch(r"https?://[\w.:/~\[\]-]+", filled, re.ASCII) or not has_host(filled):
        raise ValueError("must be a URL like https://face.{region}.myhuaweicloud.com, without user, query or fragment")
    return value.rstrip("/")


def service_url(value: str) -> str:
    """The URL of a service, maybe with a path and a query; raises ValueError."""
    if not re.fullmatch(r"https?://[\w.:\[\]-]+(/[\w.:/~%&=?+-]*)?", value, re.ASCII) or not has_host(value):
        raise ValueError("must be a URL like http://127.0.0.1:8080/v1/credentials, without user and fragment")
    return value


def has_host(url: str) -> bool:
    """Whether a URL, read as it is read when it is asked, has a host that can be one, and a port if it has any."""
    try:
        read = URL(url, encoded=True)
        return is_host(read.raw_host or "") and read.port != 0
    except ValueError:
        return False


def is_host(host: str) -> bool:
    """Whether a text can be a URL's host: a name in ASCII, an IPv4 address, or an IPv6 one without its brackets."""
    try:
        if ":" in host or re.fullmatch("[0-9]+|0x[0-9a-f]*", host.rpartition(".")[2], re.IGNORECASE):
            return bool(ip_address(host))  # 127.1 and 2130706433 are none: each program reads them otherwise
        # What is written in punycode must be readable: messages name hosts as people do.
        return bool(HOST.fullmatch(host)) and bool(URL.build(scheme="https", host=host).host)
    except ValueError:
        return False


def host_name(value: str) -> str:
    """A name that a host can have; raises ValueError."""
    if ":" in value or not is_host(value):
        raise ValueError("must be a host name, without port")
    return value


def label_name(value: str, reserved: Collection[str] = RESERVED_LABELS) -> str:
    """A label name that Prometheus accepts and that clashes with no other; raises ValueError."""
    if not re.fullmatch(r"[a-zA-Z_][a-zA-Z0-9_]*", value) or value.startswith("__"):
        near = re.sub(r"\W+", "_", value.strip(), flags=re.ASCII).strip("_")
        near = near if near not in reserved and re.match("[a-zA-Z]", near) else ""
        raise ValueError(
            f"is not a legal label name: letters, digits and _, no digit first, no __ first{did_you_mean(near)}"
        )
    if value in reserved:
        raise ValueError("clashes with a label that is already there; choose another name")
    return value


def pattern(value: str) -> str:
    """A regular expression; raises ValueError."""
    try:
        regex.pattern(value)
    except ValueError as error:
        raise ValueError(f"is not a regular expression (RE2): {error}") from None
    return value


def cny(value: Any) -> Decimal:
    """An amount of money, exactly as it is written; raises ValueError."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < float("inf"):
        raise ValueError("must be a number of CNY from 0, like 0.0005")
    return Decimal(repr(value))


def not_blank(value: SecretStr) -> SecretStr:
    """A secret with something in it, on one line; raises ValueError."""
    if not value.get_secret_value().strip():
        raise ValueError("the secret is empty")
    if found := hidden_character(value.get_secret_value()):
        raise ValueError(f"the secret has {found}: take it out")
    return value


def hidden_character(text: str, is_visible: Callable[[str], bool] = str.isprintable) -> str:
    """The first character of a text that is not visible, and its place, without a word of the rest; empty for none."""
    for place, character in enumerate(text, 1):
        if not is_visible(character):
            name = CONTROLS.get(character) or unicodedata.name(character, "a character that does not show").lower()
            return f"U+{ord(character):04X} ({name}) as character {place}"
    return ""


def proxy(text: str) -> Proxy:
    """The proxy that a URL names; raises ValueError, which tells how to write it and never what is written.

    The last @ ends a login, in which characters stand for themselves or are percent-encoded as UTF-8 (RFC 3986, 3.2.1).
    """
    parts = re.fullmatch(r"([A-Za-z][A-Za-z0-9+.-]*)://([^/?#]*)(.*)", text, re.DOTALL)
    if parts is None:
        raise ValueError(f"must be a URL like {PROXY}")
    scheme, authority, rest = parts[1].lower(), parts[2], parts[3]
    if scheme not in PROXY_PORTS:
        raise ValueError(f"must begin with one of {', '.join(f'{known}://' for known in PROXY_PORTS)}")
    if "@" in rest:
        end = rest[0]
        raise ValueError(f'has a "{end}" before its last @: in a user name or password write {quote(end, safe="")}')
    if rest not in ("", "/"):
        raise ValueError(f"must end after host and port, as {PROXY} does: a proxy has no path, query or fragment")
    login, _, address = authority.rpartition("@")
    host, port = host_and_port(address, PROXY_PORTS[scheme])
    user, _, password = login.partition(":")
    read = (decoded(user), SecretStr(decoded(password))) if login else None
    return Proxy(URL.build(scheme=scheme, host=host, port=port), checked_login(read, scheme))


def checked_login(login: tuple[str, SecretStr] | None, scheme: str) -> tuple[str, SecretStr] | None:
    """A login that can be sent to a proxy of a scheme; raises ValueError."""
    socks = scheme.startswith("socks5")
    if login and socks and max(len(login[0].encode()), len(login[1].get_secret_value().encode())) > 255:
        raise ValueError("has a user name or password of more than 255 bytes, which SOCKS cannot send (RFC 1929)")
    if login and not socks and ":" in login[0]:
        raise ValueError("has a colon in the user name, where no proxy can read one (RFC 7617)")
    return login


def host_and_port(address: str, default: int) -> tuple[str, int]:
    """What `host:port` or `[::1]:port` says, with a default port where none is named; raises ValueError."""
    match = re.fullmatch(r"(?:\[([0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*)\]|([^:\[\]]+))(?::([0-9]{1,5}))?", address)
    host, port = (match[1] or match[2], int(match[3] or default)) if match else ("", 0)
    if not is_host(host) or not 0 < port < 1 << 16:
        raise ValueError(f"must be a URL like {PROXY}")
    return host.lower(), port


def decoded(part: str) -> str:
    """A user name or password without its percent-encoding; raises ValueError."""
    if " " in part:
        raise ValueError("has a space: in a user name or password write %20")
    if re.search("%(?![0-9A-Fa-f]{2})", part):
        raise ValueError("has a % that encodes nothing: in a user name or password write %25")
    try:
        text = unquote(part, errors="strict")
    except UnicodeDecodeError:
        raise ValueError("has a user name or password that is not percent-encoded as UTF-8") from None
    if found := hidden_character(text):
        raise ValueError(f"has {found} of the user name or password: take it out")
    return text


Duration = Annotated[
    float,
    BeforeValidator(seconds),
    WithJsonSchema({"type": "string", "pattern": r"^(\d+(y|w|d|h|m|s|ms))+$", "examples": ["30s", "1m30s"]}),
]
SessionDuration = Annotated[Duration, between("15m", "12h")]
PollInterval = Annotated[Duration, between("1s", "1d")]
AccountInterval = Annotated[Duration, between("10m", "1d")]
PollTimeout = Annotated[Duration, between("100ms", "5m")]
ProbeInterval = Annotated[Duration, between("1h", "4w")]
StaleAfter = Annotated[Duration, between("1s", "4w")]
RefreshInterval = Annotated[Duration, between("30s", "1d")]
Text = Annotated[str, matching(rf"(?=.*\S){SHOWN}{{1,128}}", "1 to 128 characters on one line, no control characters")]
LabelValue = Annotated[str, matching(f"{SHOWN}{{0,256}}", "at most 256 characters on one line, no control characters")]
LabelName = Annotated[str, AfterValidator(label_name)]
AccountLabelName = Annotated[str, AfterValidator(partial(label_name, reserved=RESERVED_FOR_ACCOUNTS))]
Secret = Annotated[SecretStr, AfterValidator(not_blank)]
ProjectId = Annotated[
    str,
    matching(r"[0-9a-f]{32}", "32 hexadecimal digits, in lower case"),
    WithJsonSchema({"type": "string", "pattern": "^[0-9a-f]{32}$"}),
]
Code = Annotated[str, matching(r"[0-9A-Za-z._-]{1,64}", "a code of letters, digits, dots, hyphens and underscores")]
Region = Annotated[str, AfterValidator(region)]
Endpoint = Annotated[str, AfterValidator(endpoint)]
Url = Annotated[str, AfterValidator(service_url)]
Pattern = Annotated[str, AfterValidator(pattern)]
HostName = Annotated[str, AfterValidator(host_name)]
NameTemplate = Annotated[Text, AfterValidator(name_template)]
FileName = Annotated[str, matching(r"[^\x00]+", "the name of a file")]
Cny = Annotated[Decimal, BeforeValidator(cny), WithJsonSchema({"type": "number", "minimum": 0})]
TimeZone = Annotated[str, AfterValidator(time_zone)]
Subservice = Annotated[str, AfterValidator(subservice)]
