"""A validated file becomes frozen values: targets, and rules that find some."""

from collections.abc import Iterable, Mapping
from typing import Any

from frs_exporter.config import schema
from frs_exporter.config.cross_checks import DEFAULTS, longest_pause
from frs_exporter.config.endpoints import DEFAULT_ENDPOINTS
from frs_exporter.config.http_client import GLOBAL
from frs_exporter.config.yaml import Path
from frs_exporter.core.credentials import Credential
from frs_exporter.core.discovery import Discovery, endpoints_in
from frs_exporter.core.http_options import HttpOptions
from frs_exporter.core.model import Account, Api, Display, Target
from frs_exporter.core.pricing import LIST_PRICE_2018, Price, Tier
from frs_exporter.core.regex import pattern
from frs_exporter.core.sharing import shared
from frs_exporter.core.site import ACCOUNT_SITES, ANY_REGION

FALLBACK = schema.Settings.model_validate(DEFAULTS)
STALE_INTERVALS = 3


class Maker:
    """Makes frozen values of a validated file, and of its credentials, each with its endpoints."""

    def __init__(
        self,
        file: schema.File,
        clients: Mapping[Path, HttpOptions],
        endpoints: Mapping[str, schema.Endpoints],
        credentials: Mapping[str, Credential],
    ) -> None:
        self._clients = clients
        self._pricing = prices(file)
        self._credentials = credentials
        self._endpoints = {name: {Api(api): url for api, url in own} for name, own in endpoints.items()}
        self._in_region: dict[tuple[str, str], dict[Api, str]] = {}
        self._displays: dict[Display, Display] = {}
        """One for all that are equal: that is quicker to compare, and to let go of."""
        defaults = {name: value for name, value in file.defaults if value is not None}
        self._defaults = {**dict(FALLBACK), **defaults}

    def project(self, project: schema.Project) -> Target:
        """The target of a project."""
        region = shared(project.region)
        place = project.credential, region
        if place not in self._in_region:
            self._in_region[place] = endpoints_in(region, self._endpoints[project.credential])
        facts = {"project_id": apart(project.project_id), "region": region, "endpoints": self._in_region[place]}
        return self._target(project, project=apart(project.name), **facts)

    def discovery(self, rule: schema.Discovery) -> Discovery:
        """A rule, with what the targets it finds have in common."""
        name = rule.name or rule.credential
        facts = {"project_id": "", "region": "", "endpoints": self._endpoints[rule.credential]}
        template = self._target(rule, project=f"discovery {name}", **facts)
        return Discovery(
            name=name,
            template=template,
            regions=tuple(dict.fromkeys(rule.regions)),
            include=rule.include,
            exclude=rule.exclude,
            sub_projects=rule.sub_projects,
            name_template=rule.name_template,
            refresh_interval=rule.refresh_interval,
            max_projects=rule.max_projects,
        )

    def account(self, raw: schema.Account) -> Target:
        """The target of an account: it has no region, and IAM is where the account's site has one."""
        site, iam = ACCOUNT_SITES[raw.site], self._endpoints[raw.credential][Api.IAM]
        iam = site.iam if iam == DEFAULT_ENDPOINTS[Api.IAM] else iam.replace(ANY_REGION, site.region)
        timeout = raw.poll_timeout or self._defaults["poll_timeout"]
        interval = raw.poll_interval
        display = Display(
            collectors=once(raw.collectors),
            labels=tuple(sorted(raw.labels.items())),
            stale_after=raw.stale_after or max(STALE_INTERVALS * interval, longest_pause(interval, timeout)),
        )
        return Target(
            project=raw.name,
            project_id="",
            credential=self._credentials[raw.credential],
            endpoints={Api.BSS: (raw.endpoint or site.bss).replace(ANY_REGION, site.region), Api.IAM: iam},
            account=Account(raw.site, raw.domain_id or "", once(raw.service_types), once(raw.enterprise_projects)),
            http=self._http(raw.credential),
            poll_interval=interval,
            poll_timeout=timeout,
            display=display,
        )

    def _http(self, credential: str) -> HttpOptions:
        return self._clients.get(("credentials", credential, "http_client"), self._clients[GLOBAL])

    def _target(self, raw: schema.Project | schema.Discovery, **facts: Any) -> Target:
        """What is asked in the same way of projects and of what a rule finds: with the defaults filled in."""

        def setting(name: str) -> Any:
            own = getattr(raw, name)
            return self._defaults[name] if own is None else own

        interval, timeout = setting("poll_interval"), setting("poll_timeout")
        display = Display(
            collectors=once(setting("collectors")),
            require=once(setting("require")),
            month_budget_cny=setting("month_budget_cny"),
            labels=tuple(sorted((shared(name), apart(value)) for name, value in raw.labels.items())),
            stale_after=setting("stale_after") or max(STALE_INTERVALS * interval, longest_pause(interval, timeout)),
        )
        return Target(
            **facts,
            credential=self._credentials[raw.credential],
            http=self._http(raw.credential),
            create_time_zone=setting("create_time_zone"),
            max_face_sets=setting("max_face_sets"),
            probes=once(setting("probes")),
            probe_interval=setting("probe_interval"),
            pricing=self._pricing,
            poll_interval=interval,
            poll_timeout=timeout,
            display=self._ready(display),
        )

    def _ready(self, display: Display) -> Display:
        """The first display that is equal; what it will take to show it is made ready now, and not within a poll."""
        if "cloud_eye" in display.collectors:
            for price in self._pricing:
                pattern(price.apis)
        return self._displays.setdefault(display, display)


def once(names: Iterable[str]) -> tuple[str, ...]:
    """Names that many projects have in common, each once; one tuple for all that are equal."""
    return shared(tuple(map(shared, dict.fromkeys(names))))


def apart(text: str) -> str:
    """A copy of a text that stays: away from all that was made to read it, and is let go of.

    Memory is given back in blocks that are empty altogether: one short text of each project, among what tells where it
    stood in the file, would keep most of that.
    """
    return text.encode().decode()


def prices(file: schema.File) -> tuple[Price, ...]:
    """What calls cost, in the order in which it is written."""
    if file.pricing is None:
        return (LIST_PRICE_2018,)
    return tuple(
        Price(apis, tuple(Tier(tier.up_to, tier.cny) for tier in tiers)) for apis, tiers in file.pricing.items()
    )
