"""IAM: the lists of projects and accounts, and the shapes that its answers have."""

from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from frs_simulator.gateway import CALLER, WORLD, Caller
from frs_simulator.issuers import TemporaryKey
from frs_simulator.world import Account, Project, digest

MAX_PER_PAGE = 5000


async def auth_projects(request: web.Request) -> web.Response:
    """`GET /v3/auth/projects`: all that the caller may use, without paging."""
    return list_of(request, "projects", items_of(request[CALLER].account))


async def auth_domains(request: web.Request) -> web.Response:
    """`GET /v3/auth/domains`: the account that the caller is a user of, if the user has a role on it."""
    account = request[CALLER].account
    links = {"self": f"/v3/domains/{account.domain_id}"}
    domains = [{**domain(account), "enabled": True, "description": "", "links": links}]
    if account.domain_id in request.app[WORLD].refused:
        domains.clear()
    return list_of(request, "domains", domains)


async def list_projects(request: web.Request) -> web.Response:
    """`GET /v3/projects`: filtered, and in pages where `page` and `per_page` are given."""
    items = [entry for entry in items_of(request[CALLER].account) if matches(entry, request)]
    if "page" not in request.query and "per_page" not in request.query:
        return list_of(request, "projects", items)
    try:
        page, size = int(request.query["page"]), int(request.query["per_page"])
    except (KeyError, ValueError):
        page, size = 0, 0
    if page < 1 or not 1 <= size <= MAX_PER_PAGE:
        return keystone(400, "Bad Request", "page and per_page must be given together.")
    size = min(size, request.app[WORLD].projects_per_page)
    return list_of(request, "projects", items[(page - 1) * size : page * size])


def list_of(request: web.Request, kind: str, items: list[dict[str, Any]]) -> web.Response:
    """A list, with links as every list of IAM's has them."""
    return web.json_response({kind: items, "links": {"self": request.path, "next": None, "previous": None}})


def matches(entry: dict[str, Any], request: web.Request) -> bool:
    """Whether a project is one that the query of a list asks for."""
    if "enabled" in request.query and (request.query["enabled"].lower() == "true") is not entry["enabled"]:
        return False
    return all(request.query.get(key, entry[key]) == entry[key] for key in ("name", "parent_id", "domain_id"))


async def show_project(request: web.Request) -> web.Response:
    """`GET /v3/projects/{project_id}`: one project of the caller's account."""
    caller: Caller = request[CALLER]
    project_id = request.match_info["project_id"]
    found = next((entry for entry in items_of(caller.account) if entry["id"] == project_id), None)
    if found is None:
        return keystone(404, "Not Found", f"Could not find project: {project_id}.")
    return web.json_response({"project": found})


def built_in(account: Account, project: Project) -> Project:
    """The project that a region has from the start: an account's first one there; the others are its sub-projects."""
    return next(first for first in account.projects if first.region == project.region)


def iam_name(project: Project, first: Project) -> str:
    """IAM names a built-in project, the `first` of its region, as that, and a sub-project after it."""
    return project.region if first is project else f"{project.region}_{project.name}"


def items_of(account: Account) -> list[dict[str, Any]]:
    """All projects of an account in a list, those without FRS included."""
    firsts = {project.region: project for project in reversed(account.projects)}  # looked for once, as they are many
    items = []
    for project in account.projects:
        first = firsts[project.region]
        parent_id = "" if first is project else first.id
        items.append(item(account, project.id, iam_name(project, first), parent_id, enabled=project.enabled))
    others = (item(account, digest("project", account.domain_name, name), name) for name in account.other_projects)
    return [*items, *others]


def item(account: Account, project_id: str, name: str, parent_id: str = "", *, enabled: bool = True) -> dict[str, Any]:
    """A project in a list."""
    return {
        "id": project_id,
        "name": name,
        "domain_id": account.domain_id,
        "parent_id": parent_id or account.domain_id,
        "enabled": enabled,
        "is_domain": False,
        "description": "",
        "links": {"self": f"/v3/projects/{project_id}"},
    }


def domain(account: Account) -> dict[str, str]:
    """An account as IAM shows it."""
    return {"id": account.domain_id, "name": account.domain_name}


def temporary(key: TemporaryKey) -> dict[str, Any]:
    """A temporary key as IAM tells it, and the metadata service of a machine."""
    parts = {"access": key.access_key, "secret": key.secret_key, "securitytoken": key.security_token}
    return {"credential": {**parts, "expires_at": iso(key.expires_at)}}


def iso(unix_seconds: float) -> str:
    """A time as IAM writes it."""
    return datetime.fromtimestamp(unix_seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def keystone(status: int, title: str, message: str) -> web.Response:
    """IAM's error body."""
    return web.json_response({"error": {"code": status, "message": message, "title": title}}, status=status)
