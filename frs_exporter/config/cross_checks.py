"""Checks across parts of the config: they read the document itself, so a mistake in one part hides none in another."""

import re
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from frs_exporter.config.endpoints import DEFAULT_ENDPOINTS, verified_at, written_endpoints
from frs_exporter.config.kinds import KINDS
from frs_exporter.config.problems import location
from frs_exporter.config.suggestions import Suggestions
from frs_exporter.config.types import seconds
from frs_exporter.config.yaml import Document, Path, mapping
from frs_exporter.core.discovery import FRS_REGIONS
from frs_exporter.core.schedule import JITTER
from frs_exporter.core.site import ACCOUNT_SITES, site_of

DEFAULTS: dict[str, Any] = {
    "poll_interval": "1m",
    "poll_timeout": "10s",
    "collectors": ["subscription", "face_sets"],
    "probes": [],
    "probe_interval": "6h",
    "max_face_sets": 100,
    "create_time_zone": "UTC",
    "require": [],
}
"""What holds for a project when neither it nor the file's `defaults` say otherwise."""
WATCHED = ("projects", "discovery", "accounts")
"""Sections that say what is to be watched."""
ACCOUNT_INTERVAL = "1h"
"""How often an account is asked unless it says otherwise."""


def check(document: Document) -> None:
    """Note all that the schema cannot see."""
    check_something_to_watch(document)
    check_credentials_exist(document)
    check_one_kind(document)
    check_duplicates(document)
    check_accounts(document)
    check_discovery(document)
    check_names_apart(document)
    check_stale_after(document)


def check_files_say_something(document: Document) -> None:
    """Note files that are empty where the schema takes an empty text, too: it is hardly what was in the file."""
    for path in document.files:
        name = document.raw.get(path, "").partition("!file ")[2]
        if name and value_at(document.data, path) == "":
            document.problem(path, f"cannot read the file {name}: it is empty")


def value_at(data: Any, path: Path) -> Any:
    """What stands at a path of a document; None for nothing."""
    for part in path:
        try:
            data = data[part]
        except (LookupError, TypeError):
            return None
    return data


def entries_of(document: Document, section: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """The entries of a list that are mappings, with their indexes."""
    entries = mapping(document.data).get(section)
    yield from ((i, e) for i, e in enumerate(entries if isinstance(entries, list) else ()) if isinstance(e, dict))


def check_something_to_watch(document: Document) -> None:
    """Note a file without projects and without a rule to find any."""
    data = mapping(document.data)
    if any(problem.path in {(section,) for section in WATCHED} for problem in document.problems):
        return  # what is to be watched is there, but is no list
    if any(isinstance(data.get(section), dict) for section in WATCHED):
        return  # which is told with its type
    if data and not any(data.get(section) for section in WATCHED):
        remedy = "list some under projects or accounts, or let discovery find them"
        document.problem(("projects",) if "projects" in data else (), f"there is nothing to watch: {remedy}")


def check_credentials_exist(document: Document) -> None:
    """Note projects and rules whose credential is not there."""
    known, suggestion = mapping(mapping(document.data).get("credentials")), Suggestions()
    for section in WATCHED:
        for index, entry in entries_of(document, section):
            name, path = entry.get("credential"), (section, index, "credential")
            if known and isinstance(name, str) and name not in known:
                remedy = suggestion(name, known)
                document.problem(path, f"no credential is named {document.raw[path]}{remedy}")


def check_one_kind(document: Document) -> None:
    """Note credentials with none or several of the kinds: which one is used would be anybody's guess."""
    for name, credential in mapping(mapping(document.data).get("credentials")).items():
        given = [kind for kind in KINDS if kind in credential] if isinstance(credential, dict) else []
        if isinstance(credential, dict) and len(given) != 1:
            has = f"has {' and '.join(given)}" if given else "has none"
            document.problem(("credentials", name), f"must have exactly one of {', '.join(KINDS)}; it {has}")


def check_discovery(document: Document) -> None:
    """Note rules of one name, and rules for several regions whose endpoints are all of one."""
    # One IAM serves all regions of a cloud.
    fixed = {
        name: [
            p.path
            for api, p in endpoints.items()
            if api != "iam" and isinstance(p.url, str) and "{region}" not in p.url
        ]
        for name, endpoints in written_endpoints(document.data).items()
    }
    first: dict[str, int] = {}
    for index, rule in entries_of(document, "discovery"):
        name, regions = rule.get("name", rule.get("credential")), rule.get("regions", FRS_REGIONS)
        if isinstance(name, str) and first.setdefault(name, index) != index:
            same = location(document, ("discovery", first[name]))
            message = f"the same name as {same}; give each rule of a credential a name of its own"
            document.problem(("discovery", index, "name" if "name" in rule else "credential"), message)
        of_one = fixed.get(str(rule.get("credential")), fixed[""])
        if isinstance(regions, list | tuple) and len(set(map(str, regions))) > 1 and of_one:
            remedy = "put {region} in it, or name one region"
            message = f"several regions, but {location(document, of_one[0])} is the same for all: {remedy}"
            document.problem(("discovery", index, "regions"), message)


def check_duplicates(document: Document) -> None:
    """Note projects that share a name, or are the same project asked as the same user.

    What is subscribed is a user's own (FRS FAQ, face_06_0060): two users of a project may both be watched.
    """
    users = users_of(document)
    first: dict[tuple[Any, ...], int] = {}
    for index, project in entries_of(document, "projects"):
        name, credential = project.get("name"), project.get("credential")
        place = (project.get("region"), project.get("project_id"))
        user = users.get(credential, credential) if isinstance(credential, str) else None
        if isinstance(name, str) and (same := first.setdefault((name,), index)) != index:
            message = f"the same name as {location(document, ('projects', same))}; each needs one of its own"
            document.problem(("projects", index, "name"), message)
        if all(isinstance(value, str) for value in place) and user:
            same = first.setdefault((*place, user), index)
            if same != index:
                other = location(document, ("projects", same))
                message = f"the same region, project_id and user as {other}; a user's project is watched once"
                document.problem(("projects", index, "project_id"), message)


def check_accounts(document: Document) -> None:
    """Note accounts that have the name of a project or of another account, or a user whom their site does not know.

    A user is of one account: two that are asked about as the same user would be one.
    """
    users = users_of(document)
    names: dict[Any, Path] = {}
    for section in ("projects", "accounts"):
        for index, entry in entries_of(document, section):
            name = entry.get("name")
            first = names.setdefault(name, (section, index)) if isinstance(name, str) else (section, index)
            if section == "accounts" and first != (section, index):
                message = f"the same name as {location(document, first)}; projects and accounts need names of their own"
                document.problem((section, index, "name"), message)
    first_of: dict[Any, int] = {}
    endpoints, usual = written_endpoints(document.data), site_of(DEFAULT_ENDPOINTS["iam"])
    elsewhere = [name for name, site in ACCOUNT_SITES.items() if site_of(site.iam) != usual]
    for index, entry in entries_of(document, "accounts"):
        credential, site = entry.get("credential"), entry.get("site")
        user = users.get(credential, credential) if isinstance(credential, str) else None
        if user and (same := first_of.setdefault(user, index)) != index:
            other = location(document, ("accounts", same))
            document.problem(("accounts", index, "credential"), f"the same user as {other}; an account is watched once")
        # Whom IAM does not know is told the same as with a wrong password, which would be held for its projects, too.
        by_password = isinstance(user, tuple) and user[0] == "token"
        if by_password and site in elsewhere and endpoints[str(credential)]["iam"].url == DEFAULT_ENDPOINTS["iam"]:
            message = f"{site} has an IAM of its own; write it in endpoints.iam of the credential {credential}"
            document.problem(("accounts", index, "site"), message)


def users_of(document: Document) -> dict[str, str | tuple[str, ...]]:
    """The user behind each credential and the site where it is one, as far as it tells."""
    users: dict[str, str | tuple[str, ...]] = {}
    endpoints = written_endpoints(document.data)
    for name, credential in mapping(mapping(document.data).get("credentials")).items():
        for kind, keys in (("token", ("domain_name", "user_name")), ("ak_sk", ("access_key",))):
            facts = mapping(mapping(credential).get(kind))
            values = tuple(facts.get(key) for key in keys)
            if all(isinstance(value, str) for value in values):
                users[name] = (kind, site_of(str(endpoints[name][verified_at(kind)].url)), *map(str, values))
    return users


def check_names_apart(document: Document) -> None:
    """Note rules that name their projects as a rule of another credential does: all accounts have the same names."""
    first: defaultdict[tuple[str, str], dict[str, int]] = defaultdict(dict)
    """The first rule of each credential, by how it names projects and where."""
    for index, rule in entries_of(document, "discovery"):
        template, credential = str(rule.get("name_template", "{project_name}")), str(rule.get("credential"))
        if re.search(r"\{(credential|project_id)\}", template):
            continue
        regions = rule.get("regions")
        alike = [first[template, str(r)] for r in (regions if regions and isinstance(regions, list) else FRS_REGIONS)]
        # Of the first two credentials one is another: none of the others is looked at.
        others = (next((n for name, n in rules.items() if name != credential), index) for rules in alike)
        earliest = min(others)
        for rules in alike:
            rules.setdefault(credential, index)
        if earliest < index:
            other = location(document, ("discovery", earliest))
            message = f"the projects would be named as those of {other}: put {{credential}} in it"
            document.problem(("discovery", index, "name_template"), message)


def check_stale_after(document: Document) -> None:
    """Note where an answer could go stale before the next one can be there."""
    defaults = mapping(mapping(document.data).get("defaults"))
    of_account = {"poll_interval": ACCOUNT_INTERVAL, "stale_after": None}
    sources: list[tuple[Path, dict[str, Any], dict[str, Any]]] = [
        ((section, index), entry, of_account if section == "accounts" else {})
        for section in WATCHED
        for index, entry in entries_of(document, section)
    ]
    for path, own, usual in [(("defaults",), defaults, {}), *sources]:
        settings = {**DEFAULTS, **defaults, **usual, **own}
        blamed = next((key for key in ("stale_after", "poll_interval", "poll_timeout") if key in own), None)
        stale_after, interval = seconds_or_none(settings.get("stale_after")), seconds_or_none(settings["poll_interval"])
        if stale_after is None or interval is None:
            continue  # nothing to compare, or a problem of its own
        needed = longest_pause(interval, seconds_or_none(settings["poll_timeout"]) or 0.0)
        if blamed and stale_after < needed:
            names = "poll_interval ({poll_interval}), a twentieth of it, and poll_timeout ({poll_timeout})"
            message = f"stale_after ({{stale_after}}) must be at least {needed:g}s: {names}".format(**settings)
            document.problem((*path, blamed), message)


def seconds_or_none(duration: Any) -> float | None:
    """The seconds of a duration, None for what is none."""
    try:
        return seconds(duration)
    except ValueError:
        return None


def longest_pause(interval: float, timeout: float) -> float:
    """Seconds that may pass between two answers of a cloud that is well."""
    return interval * (1 + JITTER) + timeout
