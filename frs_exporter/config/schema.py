"""What may be written in the config file: names, types and defaults of every setting."""

from collections.abc import Callable, Collection
from itertools import pairwise
from typing import Annotated

from pydantic import AfterValidator, ConfigDict, Field, SecretStr
from pydantic.json_schema import WithJsonSchema

from frs_exporter.collectors import OF_ACCOUNTS, OF_PROJECTS
from frs_exporter.collectors.probes import NEVER_PROBED, PROBES
from frs_exporter.config import kinds
from frs_exporter.config.section import Model
from frs_exporter.config.suggestions import did_you_mean, nearest
from frs_exporter.config.types import (
    AccountInterval,
    AccountLabelName,
    Cny,
    Code,
    Endpoint,
    FileName,
    HostName,
    LabelName,
    LabelValue,
    NameTemplate,
    Pattern,
    PollInterval,
    PollTimeout,
    ProbeInterval,
    ProjectId,
    RefreshInterval,
    Region,
    StaleAfter,
    Subservice,
    Text,
    TimeZone,
)
from frs_exporter.core.discovery import FRS_REGIONS
from frs_exporter.core.site import ACCOUNT_SITES


def known(names: Collection[str]) -> Callable[[str], str]:
    """Takes some names as they are, and raises ValueError for any other."""

    def is_known(name: str) -> str:
        if name not in names:
            raise ValueError(f"must be one of {', '.join(names)}{did_you_mean(nearest(name, names))}")
        return name

    return is_known


def enum(names: Collection[str]) -> WithJsonSchema:
    """The JSON Schema of what is one of some names."""
    return WithJsonSchema({"type": "string", "enum": list(names)})


Collector = Annotated[str, AfterValidator(known(OF_PROJECTS)), enum(OF_PROJECTS)]
AccountCollector = Annotated[str, AfterValidator(known(OF_ACCOUNTS)), enum(OF_ACCOUNTS)]
AccountSite = Annotated[str, AfterValidator(known(ACCOUNT_SITES)), enum(ACCOUNT_SITES)]


def known_probe(name: str) -> str:
    """The name of a sub-service that can be probed; raises ValueError."""
    if name not in PROBES:
        why = NEVER_PROBED.get(name)
        hint = f"; {name} has no probe: {why}" if why else did_you_mean(nearest(name, PROBES))
        raise ValueError(f"must be one of {', '.join(PROBES)}{hint}")
    return name


Probe = Annotated[str, AfterValidator(known_probe), enum(PROBES)]


class Settings(Model):
    """What `defaults` sets for every project and each project may set for itself."""

    poll_interval: PollInterval | None = Field(None, description="How often a project is asked (default 1m).")
    poll_timeout: PollTimeout | None = Field(None, description="How long one request may take (default 10s).")
    stale_after: StaleAfter | None = Field(
        None, description="How long an answer is shown when no newer one comes (default 3 poll intervals)."
    )
    collectors: list[Collector] | None = Field(
        None, min_length=1, description="What is asked of a project (default subscription and face_sets)."
    )
    probes: list[Probe] | None = Field(
        None,
        description="Sub-services to tell of by calls that fail on purpose, where subscribe is absent.",
    )
    probe_interval: ProbeInterval | None = Field(
        None, description="How often each of them is proven for a project (default 6h)."
    )
    max_face_sets: int | None = Field(
        None, ge=1, le=1000, description="Face sets of a project that have samples of their own (default 100)."
    )
    create_time_zone: TimeZone | None = Field(
        None, description="The zone of the vendor's create_time, which names none (default UTC)."
    )
    require: list[Subservice] | None = Field(None, description="Sub-services that must be on, for alerts.")
    month_budget_cny: Cny | None = Field(
        None, description="What a month's calls of a project may cost, for alerts; collector cloud_eye counts them."
    )


class TlsConfig(Model):
    """Whom to believe, and who to be; files are relative to this one."""

    ca_file: FileName | None = Field(None, description="Certificates to trust instead of the system's.")
    cert_file: FileName | None = Field(None, description="A certificate for servers that want to see one.")
    key_file: FileName | None = Field(None, description="Its private key, not encrypted.")
    server_name: HostName | None = Field(
        None, description="The name that the server's certificate must have, if not the endpoint's."
    )
    insecure_skip_verify: bool = Field(False, description="Believe anybody. Everybody on the way can read secrets.")


class HttpClient(Model):
    """How to reach the cloud, named as in Prometheus' own http_config."""

    proxy_url: SecretStr | None = Field(
        None,
        description="Where to send requests instead: http://, https://, socks5:// or socks5h://, which looks up names"
        " itself; special characters of a login are percent-encoded.",
    )
    no_proxy: str | None = Field(
        None, description="Hosts to reach without proxy_url: names, .domains, addresses, CIDR."
    )
    proxy_from_environment: bool = Field(False, description="Take HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY.")
    tls_config: TlsConfig = TlsConfig()


class Endpoints(Model):
    """Where each API is: base URLs with `{region}` in them."""

    frs: Endpoint = "https://face.{region}.myhuaweicloud.com"
    iam: Endpoint = "https://iam.{region}.myhuaweicloud.com"
    ces: Endpoint = "https://ces.{region}.myhuaweicloud.com"


class OwnEndpoints(Model):
    """Where each API is for one credential; what is not said here is where it is for all."""

    frs: Endpoint | None = Field(None, description="Instead of the file's own endpoints.frs.")
    iam: Endpoint | None = Field(None, description="Instead of the file's own endpoints.iam.")
    ces: Endpoint | None = Field(None, description="Instead of the file's own endpoints.ces.")


class Credential(Model):
    """One way to authenticate: exactly one of the kinds, which the loader checks."""

    model_config = ConfigDict(json_schema_extra={"oneOf": [{"required": [kind]} for kind in kinds.KINDS]})

    token: kinds.Token | None = None
    ak_sk: kinds.AkSk | None = None
    ecs_agency: kinds.EcsAgency | None = None
    pod_identity: kinds.PodIdentity | None = None
    oidc: kinds.Oidc | None = None
    agency: kinds.Agency | None = None
    sdk: kinds.Sdk | None = None
    endpoints: OwnEndpoints | None = Field(None, description="Where this credential's cloud is, if it is another one.")
    http_client: HttpClient | None = Field(None, description="Instead of the file's own http_client.")


class Project(Settings):
    """A project to watch."""

    name: Text = Field(description="The label `project`: unique.")
    project_id: ProjectId
    region: Region
    credential: str = Field(description="A name from `credentials`.")
    labels: dict[LabelName, LabelValue] = Field({}, description="Labels of frs_project_info.")


class Account(Model):
    """An account to watch: what it has left, and what it owes."""

    name: Text = Field(description="The label `account`: unique, among projects, too.")
    credential: str = Field(description="A name from `credentials`: of a user of the account who may see its bills.")
    site: AccountSite = Field("china", description="Where the account was opened: china, international or europe.")
    endpoint: Endpoint | None = Field(None, description="Where its billing service (BSS) is, if not the site's own.")
    domain_id: ProjectId | None = Field(None, description="The account's id (default: asked for).")
    service_types: list[Code] = Field(
        [], max_length=10, description="The billing service's codes of FRS (default: asked for once a day)."
    )
    enterprise_projects: list[Code] = Field(
        [], max_length=20, description="Enterprise projects, by id, whose packages are asked for, too."
    )
    collectors: list[AccountCollector] = Field(
        ["billing"], min_length=1, description="What is asked of the account (default billing)."
    )
    poll_interval: AccountInterval = Field(3600.0, description="How often it is asked, 10m to 1d (default 1h).")
    poll_timeout: PollTimeout | None = Field(None, description="How long one request may take (default 10s).")
    stale_after: StaleAfter | None = Field(
        None, description="How long an answer is shown when no newer one comes (default 3 poll intervals)."
    )
    labels: dict[AccountLabelName, LabelValue] = Field({}, description="Labels of frs_account_info.")


class Limit(Model):
    """What one credential may ask of one API at one endpoint; the vendor's own limit is 10 requests per second."""

    rate: float = Field(5.0, ge=0.01, le=1000, description="Requests per second.")
    concurrency: int = Field(5, ge=1, le=1000, description="Requests at once.")


class Limits(Model):
    """How politely each API is called."""

    frs: Limit = Limit()
    iam: Limit = Limit(rate=2.0, concurrency=2)
    ces: Limit = Limit()
    bss: Limit = Limit(rate=2.0, concurrency=2)


class Discovery(Settings):
    """Projects that are not listed here but found: all that a credential may see in regions with FRS."""

    name: Text | None = Field(None, description="The label `discovery`: unique (default: the credential's name).")
    credential: str = Field(description="A name from `credentials`.")
    regions: Annotated[list[Region], Field(min_length=1)] = Field(
        list(FRS_REGIONS), description="Only these (default: all regions known to have FRS)."
    )
    include: Pattern = Field(".*", min_length=1, description="Only projects whose whole name in IAM matches (RE2).")
    exclude: Pattern = Field("", description="None whose whole name in IAM matches.")
    sub_projects: bool = Field(True, description="Whether sub-projects are watched, too.")
    name_template: NameTemplate = Field(
        "{project_name}", description="The label `project`: {project_name}, {project_id}, {region}, {credential}."
    )
    refresh_interval: RefreshInterval = Field(600.0, description="How often the list is asked for (default 10m).")
    max_projects: int = Field(10_000, ge=1, description="No more than so many, the first by their names.")
    labels: dict[LabelName, LabelValue] = Field({}, description="Labels of frs_project_info.")


class Tier(Model):
    """What each call costs, from where the tier before ends."""

    up_to: int | None = Field(None, ge=1, description="Calls of the month; the last tier has none.")
    cny: Cny = Field(description="CNY per call.")


def ascending(tiers: list[Tier]) -> list[Tier]:
    """Tiers that leave no call without a price; raises ValueError."""
    ends = [tier.up_to for tier in tiers]
    if ends[-1] is not None:
        raise ValueError("the last tier must have no up_to: it is for all further calls")
    if None in ends[:-1]:
        raise ValueError("only the last tier may have no up_to")
    if any(low >= high for low, high in pairwise(end for end in ends if end is not None)):
        raise ValueError("each up_to must be greater than the one before")
    return tiers


Tiers = Annotated[list[Tier], Field(min_length=1), AfterValidator(ascending)]


class File(Model):
    """The configuration of frs_exporter."""

    model_config = ConfigDict(
        json_schema_extra={
            "anyOf": [{"required": ["projects"]}, {"required": ["discovery"]}, {"required": ["accounts"]}],
            "patternProperties": {"^x-": True},  # for anchors, as in Compose files
            "description": "The whole configuration of frs_exporter. Where it is made of several files, each may have a"
            " part of it: what this schema says is missing may stand in another file.",
        }
    )

    defaults: Settings = Settings()
    credentials: dict[Text, Credential] = Field(min_length=1)
    projects: list[Project] = Field([])
    discovery: list[Discovery] = Field([])
    accounts: list[Account] = Field([])
    limits: Limits = Limits()
    endpoints: Endpoints = Endpoints()
    http_client: HttpClient = HttpClient()
    pricing: dict[Pattern, Tiers] | None = Field(
        None, description="What calls cost, by API as Cloud Eye calls it (RE2): the first that matches counts."
    )
