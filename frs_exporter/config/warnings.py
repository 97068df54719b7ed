"""What a config says but probably does not mean."""

import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from ipaddress import ip_address
from urllib.parse import urlsplit

from frs_exporter.config import schema
from frs_exporter.config.certificate import Validity
from frs_exporter.config.cross_checks import DEFAULTS
from frs_exporter.config.endpoints import DEFAULT_ENDPOINTS, verified_at
from frs_exporter.config.kinds import KINDS
from frs_exporter.config.known_names import KNOWN_SUBSERVICES
from frs_exporter.config.pem import trusts_nobody
from frs_exporter.config.problems import SECRET_SECTIONS, location
from frs_exporter.config.secret_checks import odd_secrets, open_config, open_files, secret_places
from frs_exporter.config.suggestions import Suggestions
from frs_exporter.config.yaml import EXTENSION, Document, Path
from frs_exporter.core.credentials import Credential, user_of
from frs_exporter.core.discovery import FRS_REGIONS
from frs_exporter.core.http_options import HttpOptions
from frs_exporter.core.model import Notice
from frs_exporter.core.site import ACCOUNT_SITES, site_of


def notices(
    file: schema.File,
    clients: Mapping[Path, HttpOptions],
    endpoints: Mapping[str, schema.Endpoints],
    credentials: Mapping[str, Credential],
    document: Document,
) -> Iterator[Notice]:
    """All that a file alone tells, and how it is written; `endpoints` are those of each credential."""
    yield from plain_http(file, document)
    yield from same_user(credentials, document)
    yield from unverified(clients, document)
    yield from odd_certificates(clients, document)
    yield from without_authorities(file, endpoints)
    yield from at_another_site(file, endpoints, document)
    yield from accounts_at_another_site(file, endpoints, document)
    yield from odd_regions(file, endpoints, document)
    yield from odd_requirements(file, document)
    yield from settings_without_collector(file, document)
    yield from odd_secrets(file.credentials, document)
    yield from open_files(document, filter(keeps_secrets, document.files))
    yield from open_config(document, secret_places(file))
    yield from files_that_show(document)


def plain_http(file: schema.File, document: Document) -> Iterator[Notice]:
    """A notice for each endpoint to which secrets would travel readably."""
    own = ((("credentials", name, "endpoints"), credential.endpoints) for name, credential in file.credentials.items())
    found: list[tuple[Path, str | None]] = [
        ((*path, api), url)
        for path, endpoints in ((("endpoints",), file.endpoints), *own)
        for api, url in endpoints or ()
    ]
    found += ((("accounts", index, "endpoint"), account.endpoint) for index, account in enumerate(file.accounts))
    for place, url in found:
        parts = urlsplit(url or "")
        if parts.scheme == "http" and not is_loopback(parts.hostname or ""):
            where = location(document, place)
            yield Notice(f"{where} is plain http: tokens and signatures can be read on the way")


def same_user(credentials: Mapping[str, Credential], document: Document) -> Iterator[Notice]:
    """A notice for each credential that is another one's user or key: what the vendor counts, it counts for both."""
    first: dict[tuple[str, ...], str] = {}
    for name, credential in credentials.items():
        user = user_of(credential)
        if first.setdefault(user, name) != name:
            where, other = (location(document, ("credentials", key)) for key in (name, first[user]))
            text = "the vendor's quota and lock count them together, the exporter does not"
            yield Notice(f"{where} is the same user as {other}: {text}; use one of them for all projects")


def unverified(clients: Mapping[Path, HttpOptions], document: Document) -> Iterator[Notice]:
    """A loud notice for each place where certificates are not looked at."""
    for path, options in clients.items():
        if options.insecure_skip_verify:
            where = location(document, (*path, "tls_config", "insecure_skip_verify"))
            text = f"{where}: certificates are not verified: anybody on the way can read passwords, tokens and answers"
            yield Notice(f"{text}; name the certificate's issuer in ca_file instead", serious=True)


def odd_certificates(clients: Mapping[Path, HttpOptions], document: Document) -> Iterator[Notice]:
    """A notice for each certificate for servers that want to see one, and that will refuse this one, now or soon."""
    for path, options in clients.items():
        for text in Validity(*options.validity).oddities(time.time()) if options.validity else ():
            yield Notice(f"{location(document, (*path, 'tls_config', 'cert_file'))}: {text}")


def without_authorities(file: schema.File, endpoints: Mapping[str, schema.Endpoints]) -> Iterator[Notice]:
    """A loud notice where certificates are to be verified on a machine that believes no authority."""

    def verifies(name: str, credential: schema.Credential) -> bool:
        options = (credential.http_client or file.http_client).tls_config
        by_system = not options.ca_file and not options.insecure_skip_verify
        return by_system and any(url.startswith("https:") for _, url in endpoints[name])

    if any(verifies(name, credential) for name, credential in file.credentials.items()) and trusts_nobody():
        text = "this machine trusts nobody, as it has no certificates of authorities: install ca-certificates, or name"
        yield Notice(f"{text} http_client.tls_config.ca_file", serious=True)


def at_another_site(
    file: schema.File, endpoints: Mapping[str, schema.Endpoints], document: Document
) -> Iterator[Notice]:
    """A notice for each API that a credential asks at another site than its own: its tokens go there, too."""
    asked = asked_apis(file)
    for name, credential in file.credentials.items():
        own = {api for api, url in credential.endpoints or () if url is not None}
        sites = {api: site_of(url) for api, url in endpoints[name]}
        for api in sorted(asked.get(name, set()) - own if own else ()):
            if sites[api] not in {sites[other] for other in own}:
                where = location(document, ("credentials", name, "endpoints"))
                text = f"{api} is not written here, so it is asked at another site than the rest, {sites[api]}"
                yield Notice(f"{where}: {text}; write where {api} is for this credential")


def accounts_at_another_site(
    file: schema.File, endpoints: Mapping[str, schema.Endpoints], document: Document
) -> Iterator[Notice]:
    """A notice for each account whose bills are asked for at another site than that where its user is one."""
    usual = {site_of(url) for url in DEFAULT_ENDPOINTS.values()}
    for index, account in enumerate(file.accounts):
        credential = file.credentials[account.credential]
        kind = next(name for name in KINDS if getattr(credential, name))
        user = site_of(str(getattr(endpoints[account.credential], verified_at(kind))))
        bills = site_of(ACCOUNT_SITES[account.site].bss)
        if account.endpoint is None and user not in {bills, *usual}:
            where = location(document, ("accounts", index))
            text = f"endpoint is not written here, so the bills are asked for at another site than the rest, {bills}"
            yield Notice(f"{where}: {text}; write where the billing service of {user} is")


def asked_apis(file: schema.File) -> dict[str, set[str]]:
    """The APIs that are asked in the name of each credential, as far as the file tells."""
    default, asked = file.defaults.collectors or DEFAULTS["collectors"], defaultdict[str, set[str]](set)
    users: tuple[schema.Project | schema.Discovery, ...] = (*file.projects, *file.discovery)
    for user in users:
        asked[user.credential] |= {
            "ces" if collector == "cloud_eye" else "frs" for collector in user.collectors or default
        }
        credential = file.credentials[user.credential]
        if credential.token or credential.agency or isinstance(user, schema.Discovery):
            asked[user.credential].add("iam")
    return asked


def odd_regions(file: schema.File, endpoints: Mapping[str, schema.Endpoints], document: Document) -> Iterator[Notice]:
    """A notice for each region that is not known to have FRS, at its first place: it may be mistyped."""
    rules: Iterator[tuple[Path, str, str]] = (
        (("discovery", index, "regions", number), rule.credential, region)
        for index, rule in enumerate(file.discovery)
        for number, region in enumerate(rule.regions)
    )
    projects: Iterator[tuple[Path, str, str]] = (
        (("projects", index, "region"), project.credential, project.region)
        for index, project in enumerate(file.projects)
    )
    # Another cloud has its own regions.
    known_clouds = {name for name, own in endpoints.items() if own.frs == DEFAULT_ENDPOINTS["frs"]}
    known, suggestion = set(FRS_REGIONS), Suggestions()
    for path, credential, region in (*projects, *rules):
        if credential in known_clouds and region not in known:
            known.add(region)
            where = location(document, path)
            yield Notice(f"{where}: {region} is not known to have FRS{suggestion(region, FRS_REGIONS)}")


def odd_requirements(file: schema.File, document: Document) -> Iterator[Notice]:
    """A notice for each sub-service that is required and that nobody knows, at its first place."""
    known, suggestion = set(KNOWN_SUBSERVICES), Suggestions()
    for path, settings in sections(file):
        for number, name in enumerate(settings.require or ()):
            if name not in known:
                known.add(name)
                where = location(document, (*path, "require", number))
                yield Notice(f"{where}: no sub-service {name} is known{suggestion(name, KNOWN_SUBSERVICES)}")


def settings_without_collector(file: schema.File, document: Document) -> Iterator[Notice]:
    """A notice for each place of a setting that needs a collector, where that is not asked for."""
    for path in places_without("cloud_eye", "month_budget_cny", file):
        yield Notice(f"{location(document, path)}: nothing is counted against it; add cloud_eye to collectors")
    for path in places_without("subscription", "require", file):
        text = "nothing tells what is on without subscription; add it to collectors"
        yield Notice(f"{location(document, path)}: {text}")
    for path in places_without("subscription", "probes", file):
        yield Notice(f"{location(document, path)}: none is sent without subscription; add it to collectors")


def places_without(collector: str, setting: str, file: schema.File) -> Iterator[Path]:
    """Where a setting is given, and a collector is not."""
    defaults, parts = file.defaults.collectors, sections(file)
    anywhere = any(collector in (settings.collectors or ()) for _, settings in parts)
    for path, settings in parts:
        collectors = settings.collectors or defaults or DEFAULTS["collectors"]
        given = collector in collectors or (settings is file.defaults and anywhere)
        if getattr(settings, setting) not in (None, []) and not given:
            yield *path, setting


def files_that_show(document: Document) -> Iterator[Notice]:
    """A notice of values from files that are no part of how to log in, so that they are on the page and in the log."""
    showing = [
        path
        for path in document.files
        if (not keeps_secrets(path) or "endpoints" in path[2:]) and not str(path[0]).startswith(EXTENSION)
    ]
    if showing:
        more = f" (and {len(showing) - 1} more)" if len(showing) > 1 else ""
        text = "what is in this file can be seen in metrics, on the status page and in the log; !file is for secrets"
        yield Notice(f"{location(document, showing[0])}: {text}{more}")


def keeps_secrets(path: Path) -> bool:
    """Whether a path is in a section that tells how to log in."""
    return path[:1] in SECRET_SECTIONS


def sections(file: schema.File) -> list[tuple[Path, schema.Settings]]:
    """All that settings are written in, with where it is."""
    return [
        (("defaults",), file.defaults),
        *((("projects", index), project) for index, project in enumerate(file.projects)),
        *((("discovery", index), rule) for index, rule in enumerate(file.discovery)),
    ]


def is_loopback(host: str) -> bool:
    """Whether a host is this machine itself."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
