"""IAM: tokens for passwords, and the lists of projects."""

import json
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from frs_simulator.gateway import CALLER, WORLD
from frs_simulator.world import Account, Project, World, digest

MAX_PER_PAGE = 5000


async def create_token(request: web.Request) -> web.Response:
    """`POST /v3/auth/tokens`: a user's password for a token of a project, of the account, or without a scope."""
    world = request.app[WORLD]
    try:
        auth = json.loads(await request.read())["auth"]
        user, scope = auth["identity"]["password"]["user"], auth.get("scope", {})
        domain_name, user_name, password = user["domain"]["name"], user["name"], user["password"]
        whole = "project" not in scope and (not scope or scope["domain"]["name"] == domain_name)
        wanted = (None, None) if whole else (scope["project"].get("id"), scope["project"].get("name"))
        if "password" not in auth["identity"]["methods"] or not (scope or world.unscoped_logins):
            raise ValueError("methods, or scope")
    except (ValueError, KeyError, TypeError, AttributeError):
        return keystone(400, "Bad Request", "The request body is invalid.")
    login = f"{domain_name}/{user_name}"
    world.requests["iam", login, str(wanted[0] or wanted[1] or "")] += 1
    account = world.account_of_user(domain_name, user_name)
    if world.locked(login):
        return keystone(401, "Unauthorized", "The account is locked.")
    if account is None or account.password != password:
        world.login_failed(login, world.user_lock)
        return keystone(401, "Unauthorized", "The username or password is wrong.")
    project = project_of(account, *wanted)
    wanted_id = account.domain_id if whole and scope else project.id if project else None
    if scope and (wanted_id is None or wanted_id in world.refused):
        return without_role(world, login)
    world.login_succeeded(login)
    value, token = world.issue(account, project)
    body = {
        "token": {
            "methods": ["password"],
            "issued_at": iso(token.issued_at),
            "expires_at": iso(token.expires_at),
            **(scoped(account, project) if scope else {}),
            "user": {"name": user_name, "domain": domain(account), "password_expires_at": ""},
            "roles": [{"id": "0", "name": "te_admin"}],
            "catalog": [] if request.query.get("nocatalog") else [{"type": "frs", "name": "frs", "endpoints": []}],
        }
    }
    return web.json_response(body, status=201, headers={"X-Subject-Token": value})


def project_of(account: Account, project_id: str | None, name: str | None) -> Project | None:
    """The project of an account that a login names, by its id or as IAM names it."""
    if project_id is not None:
        return account.by_id.get(str(project_id))
    return next((project for project in account.projects if iam_name(account, project) == name), None)


def without_role(world: World, login: str) -> web.Response:
    """The answer to a user without a role on the project; counted as a wrong password is, as it may be."""
    if world.missing_role_status == 403:
        return keystone(403, "Forbidden", "You are not authorized to perform the requested action.")
    world.login_failed(login, world.user_lock)
    return keystone(401, "Unauthorized", "The request you have made requires authentication.")


def scoped(account: Account, project: Project | None) -> dict[str, Any]:
    """What a token is good for, as IAM tells it."""
    if project is None:
        return {"domain": domain(account)}
    return {"project": {"id": project.id, "name": iam_name(account, project), "domain": domain(account)}}


async def auth_projects(request: web.Request) -> web.Response:
    """`GET /v3/auth/projects`: all that the caller may use, without paging."""
    caller = request[CALLER]
    return web.json_response({"projects": items_of(caller.account)})


async def list_projects(request: web.Request) -> web.Response:
    """`GET /v3/projects`: filtered by name, in pages where `page` and `per_page` are given."""
    caller = request[CALLER]
    name = request.query.get("name")
    items = [entry for entry in items_of(caller.account) if name is None or entry["name"] == name]
    if "page" not in request.query and "per_page" not in request.query:
        return web.json_response({"projects": items, "links": {"next": None, "previous": None}})
    try:
        page, size = int(request.query["page"]), int(request.query["per_page"])
    except (KeyError, ValueError):
        page, size = 0, 0
    if page < 1 or not 1 <= size <= MAX_PER_PAGE:
        return keystone(400, "Bad Request", "page and per_page must be given together.")
    of_page = items[(page - 1) * size : page * size]
    return web.json_response({"projects": of_page, "links": {"next": None, "previous": None}})


def built_in(account: Account, project: Project) -> Project:
    """The project that a region has from the start: an account's first one there; the others are its sub-projects."""
    return next(first for first in account.projects if first.region == project.region)


def iam_name(account: Account, project: Project) -> str:
    """IAM names a built-in project as its region, and a sub-project after it."""
    return project.region if built_in(account, project) is project else f"{project.region}_{project.name}"


def items_of(account: Account) -> list[dict[str, Any]]:
    """All projects of an account in a list, those without FRS included."""
    firsts: dict[str, Project] = {}
    for project in account.projects:
        firsts.setdefault(project.region, project)
    others = [item(account, digest("project", account.domain_name, name), name) for name in account.other_projects]
    return [
        item(account, project.id, project.region)
        if firsts[project.region] is project
        else item(account, project.id, f"{project.region}_{project.name}", firsts[project.region].id)
        for project in account.projects
    ] + others


def item(account: Account, project_id: str, name: str, parent_id: str = "") -> dict[str, Any]:
    """A project in a list."""
    return {
        "id": project_id,
        "name": name,
        "domain_id": account.domain_id,
        "parent_id": parent_id or account.domain_id,
        "enabled": True,
        "is_domain": False,
        "description": "",
        "links": {},
    }


def domain(account: Account) -> dict[str, str]:
    """An account as IAM shows it."""
    return {"id": account.domain_id, "name": account.domain_name}


def iso(unix_seconds: float) -> str:
    """A time as IAM writes it."""
    return datetime.fromtimestamp(unix_seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def keystone(status: int, title: str, message: str) -> web.Response:
    """IAM's error body."""
    return web.json_response({"error": {"code": status, "message": message, "title": title}}, status=status)
