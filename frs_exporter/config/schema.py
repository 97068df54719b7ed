"""What may be written in the config file: names, types, bounds and defaults of every setting."""

import re
from ipaddress import ip_address
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr
from pydantic.json_schema import WithJsonSchema

from frs_exporter.model import SUBSERVICE_NAME

DURATION = re.compile("".join(rf"(?:([0-9]{{1,9}}){unit})?" for unit in ("y", "w", "d", "h", "m", "s", "ms")))
UNITS = (31536000, 604800, 86400, 3600, 60, 1, 0.001)
RESERVED_LABELS = {
    *("project", "project_id", "region", "credential", "auth"),  # frs_project_info has these already
    *("collector", "subservice", "face_set", "api", "reason", "code"),  # joins with our other metrics would clash
    *("job", "instance", "service", "namespace", "pod", "container", "endpoint"),  # Prometheus' own target labels
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
    filled = value.replace("{region}", "region")
    if (
        not filled.startswith(("http://", "https://"))
        or not usable(filled)
        or not re.fullmatch(r"[\w.:/~\[\]-]+", filled)
    ):
        raise ValueError("must be a URL like https://face.{region}.myhuaweicloud.com, without user, query or fragment")
    return value.rstrip("/")


def usable(url: str) -> bool:
    """Whether a URL has a host that can be one, and a port that can be one if it has any."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
        if ":" in host:
            ip_address(host)
    except ValueError:
        return False
    labels = re.fullmatch(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)*", host)
    return port != 0 and (":" in host or bool(labels))


def time_zone(value: str) -> str:
    """A zone of the IANA database; raises ValueError."""
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError("must be a time zone like UTC or Asia/Shanghai") from None
    return value


def label_name(value: str) -> str:
    """A label name that Prometheus accepts and that clashes with no other; raises ValueError."""
    if not re.fullmatch(r"[a-zA-Z_][a-zA-Z0-9_]*", value) or value.startswith("__"):
        raise ValueError("is not a legal label name: letters, digits and _, no digit first, no __ first")
    if value in RESERVED_LABELS:
        raise ValueError("clashes with a label that is already there; choose another name")
    return value


def not_blank(value: SecretStr) -> SecretStr:
    """A secret with something in it, on one line; raises ValueError."""
    if not value.get_secret_value().strip():
        raise ValueError("the secret is empty")
    if not value.get_secret_value().isprintable():
        raise ValueError("the secret has a line break or another control character in it")
    return value


def proxy(value: SecretStr) -> SecretStr:
    """The URL of a proxy; raises ValueError without telling the URL, which may hold a password."""
    url = value.get_secret_value()
    if not url.startswith("http://") or not usable(url):
        raise ValueError("must be a URL like http://proxy.example.com:3128")
    return value


Duration = Annotated[
    float,
    BeforeValidator(seconds),
    WithJsonSchema({"type": "string", "pattern": r"^(\d+(y|w|d|h|m|s|ms))+$", "examples": ["30s", "1m30s"]}),
]
PollInterval = Annotated[Duration, between("1s", "1d")]
PollTimeout = Annotated[Duration, between("100ms", "5m")]
StaleAfter = Annotated[Duration, between("1s", "4w")]
Text = Annotated[str, matching(r"(?=.*\S)[^\x00-\x1f\x7f\ud800-\udfff]{1,128}", "1 to 128 characters on one line")]
LabelValue = Annotated[str, matching(r"[^\x00-\x1f\x7f\ud800-\udfff]{0,256}", "at most 256 characters on one line")]
LabelName = Annotated[str, AfterValidator(label_name)]
Secret = Annotated[SecretStr, AfterValidator(not_blank)]
ProjectId = Annotated[
    str,
    matching(r"[0-9a-f]{32}", "32 hexadecimal digits, in lower case"),
    WithJsonSchema({"type": "string", "pattern": "^[0-9a-f]{32}$"}),
]
Region = Annotated[str, matching(r"[a-z0-9](-?[a-z0-9]){0,62}", "a region like cn-north-4")]
Endpoint = Annotated[str, AfterValidator(endpoint)]
TimeZone = Annotated[str, AfterValidator(time_zone)]
Collector = Literal["subscription"]
Subservice = Annotated[str, matching(SUBSERVICE_NAME, "a sub-service like detect, compare, search or live_detect")]


class Model(BaseModel):
    """Nothing unknown is accepted, and nothing is taken for what it is not."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, hide_input_in_errors=True)


class Settings(Model):
    """What `defaults` sets for every project and each project may set for itself."""

    poll_interval: PollInterval | None = Field(None, description="How often a project is asked (default 1m).")
    poll_timeout: PollTimeout | None = Field(None, description="How long one request may take (default 10s).")
    stale_after: StaleAfter | None = Field(
        None, description="How long an answer is shown when no newer one comes (default 3 poll intervals)."
    )
    collectors: list[Collector] | None = Field(None, min_length=1, description="What is asked of a project.")
    create_time_zone: TimeZone | None = Field(
        None, description="The zone of the vendor's create_time, which names none (default UTC)."
    )
    require: list[Subservice] | None = Field(None, description="Sub-services that must be on, for alerts.")


class Token(Model):
    """An IAM user with a password. Accounts that are a HUAWEI ID cannot get tokens: create an IAM user."""

    domain_name: Text = Field(description="The account's name.")
    user_name: Text = Field(description="The IAM user's name.")
    password: Secret = Field(description="The IAM user's password: use !env NAME or !file PATH.")


class AkSk(Model):
    """An access key, permanent or temporary."""

    access_key: Annotated[str, matching(r"[A-Za-z0-9_-]{1,128}", "an access key: letters and digits")]
    secret_key: Secret = Field(description="The secret key: use !env NAME or !file PATH.")
    security_token: Secret | None = Field(None, description="What temporary keys come with.")


class Credential(Model):
    """One way to authenticate: exactly one of the keys, which the loader checks."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1, "maxProperties": 1})

    token: Token | None = None
    ak_sk: AkSk | None = None


class Project(Settings):
    """A project to watch."""

    name: Text = Field(description="The label `project`: unique.")
    project_id: ProjectId
    region: Region
    credential: str = Field(description="A name from `credentials`.")
    labels: dict[LabelName, LabelValue] = Field({}, description="Labels of frs_project_info.")


class Limit(Model):
    """What one credential may ask of one API at one endpoint; the vendor's own limit is 10 requests per second."""

    rate: float = Field(5.0, ge=0.01, le=1000, description="Requests per second.")
    concurrency: int = Field(5, ge=1, le=1000, description="Requests at once.")


class Limits(Model):
    """How politely each API is called."""

    frs: Limit = Limit()
    iam: Limit = Limit(rate=2.0, concurrency=2)
    ces: Limit = Limit()


class Endpoints(Model):
    """Where each API is: base URLs with `{region}` in them."""

    frs: Endpoint = "https://face.{region}.myhuaweicloud.com"
    iam: Endpoint = "https://iam.{region}.myhuaweicloud.com"
    ces: Endpoint = "https://ces.{region}.myhuaweicloud.com"


class TlsConfig(Model):
    """Whom to believe."""

    ca_file: str | None = Field(
        None, min_length=1, description="Certificates to trust instead of the system's, relative to this file."
    )


class HttpClient(Model):
    """How to reach the cloud, named as in Prometheus' own http_config."""

    proxy_url: Annotated[SecretStr, AfterValidator(proxy)] | None = None
    tls_config: TlsConfig = TlsConfig()


class File(Model):
    """The configuration of frs_exporter."""

    defaults: Settings = Settings()
    credentials: dict[Text, Credential] = Field(min_length=1)
    projects: list[Project] = Field(min_length=1)
    limits: Limits = Limits()
    endpoints: Endpoints = Endpoints()
    http_client: HttpClient = HttpClient()
