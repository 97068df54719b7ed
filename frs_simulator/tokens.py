"""IAM's tokens: who logs in, by a password or by another token, and what the new one is good for."""

import json
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from frs_simulator.gateway import WORLD, Refusal, by_token
from frs_simulator.iam import built_in, domain, iam_name, iso, keystone
from frs_simulator.world import Account, IssuedToken, Project, World

WRONG = "The username or password is wrong."
NO_ROLE = "The request you have made requires authentication."


class NoSuchMethod(Exception):
    """Nobody logs in this way."""


@dataclass(frozen=True)
class Login:
    """Who logs in: the account, None where there is none, the user's name, and a password or a token."""

    account: Account | None
    user: str
    password: str = ""
    token: str = ""


@dataclass(frozen=True)
class Scope:
    """What a token is wanted for: a project, an account, or without either nothing in particular."""

    project_id: str | None = None
    project_name: str | None = None
    domain_id: str | None = None
    domain_name: str | None = None

    @property
    def project(self) -> str:
        """The project that is named, empty without one."""
        return self.project_id or self.project_name or ""

    @property
    def nothing(self) -> bool:
        """Whether there is no scope."""
        return self == Scope()

    def found(self, account: Account) -> tuple[str | None, Project | None]:
        """The id of the project or account that is meant, None where the account has none such, and the project."""
        if self.project:
            project = self._project(account)
            return project.id if project else None, project
        own = self.domain_id in (None, account.domain_id) and self.domain_name in (None, account.domain_name)
        return (account.domain_id if own else None), None

    def _project(self, account: Account) -> Project | None:
        if self.project_id is not None:
            return account.by_id.get(self.project_id)
        names = ((project, iam_name(project, built_in(account, project))) for project in account.projects)
        return next((project for project, name in names if name == self.project_name), None)


async def create_token(request: web.Request) -> web.Response:
    """`POST /v3/auth/tokens`: a password or a token for a token of a project, of the account, or without a scope."""
    world = request.app[WORLD]
    try:
        auth = json.loads(await request.read())["auth"]
        scope, login = scope_of(auth.get("scope", {})), login_of(auth["identity"], world)
        if scope.nothing and not world.unscoped_logins:
            raise ValueError("scope")
    except NoSuchMethod:
        return keystone(401, "Unauthorized", NO_ROLE)
    except (ValueError, KeyError, TypeError, AttributeError):
        return keystone(400, "Bad Request", "The request body is invalid.")
    world.requests["iam", login.user, scope.project] += 1
    if denial := refused(login, world):
        return denial
    assert login.account
    wanted, project = scope.found(login.account)
    if wanted is None or (not scope.nothing and wanted in world.refused):
        return without_role(world, login)
    if not login.token:
        world.login_succeeded(login.user)
    value, token = world.issue(login.account, project, unscoped=scope.nothing)
    method = "token" if login.token else "password"
    body = {"token": described(token, method, scope)}
    if not scope.nothing:
        catalog = [] if request.query.get("nocatalog") else [{"type": "frs", "name": "frs", "endpoints": []}]
        body["token"] |= {"roles": [{"id": "0", "name": "te_admin"}], "catalog": catalog}
    return web.json_response(body, status=201, headers={"X-Subject-Token": value})


def scope_of(scope: dict[str, Any]) -> Scope:
    """The scope that a login wants: the project where it names both; raises KeyError, TypeError and AttributeError."""
    if not scope:
        return Scope()
    kind = "project" if "project" in scope else "domain"
    names = {key: str(scope[kind][key]) for key in ("id", "name") if scope[kind].get(key) is not None}
    if not names:
        raise KeyError("id")
    return Scope(**{f"{kind}_{key}": value for key, value in names.items()})


def login_of(identity: dict[str, Any], world: World) -> Login:
    """Who logs in, by the user's id, or by a name in an account; raises KeyError, TypeError and NoSuchMethod."""
    if identity["methods"] == ["token"]:
        value = str(identity["token"]["id"])
        token = world.tokens.get(value)
        return Login(token.account if token else None, token.account.login if token else "", token=value)
    if "password" not in identity["methods"]:
        raise NoSuchMethod
    user = identity["password"]["user"]
    password = str(user["password"])
    if "id" in user:
        account = next((account for account in world.accounts if account.user_id == user["id"]), None)
        return Login(account, account.login if account else str(user["id"]), password)
    name, owner = user["name"], user["domain"]
    if "id" in owner:
        domain_name = next((a.domain_name for a in world.accounts if a.domain_id == owner["id"]), str(owner["id"]))
    else:
        domain_name = owner["name"]
    return Login(world.account_of_user(domain_name, name), f"{domain_name}/{name}", password)


def refused(login: Login, world: World) -> web.Response | None:
    """The answer to who is not let in, None for who is; a wrong password is counted."""
    if login.token:
        try:
            by_token(login.token, world)
        except Refusal as error:
            return keystone(401, "Unauthorized", error.message)
        return None
    if world.locked(login.user):
        return keystone(401, "Unauthorized", "The account is locked.")
    if login.account is None or login.account.password != login.password:
        world.login_failed(login.user, world.user_lock)
        return keystone(401, "Unauthorized", WRONG)
    return None


def without_role(world: World, login: Login) -> web.Response:
    """The answer to a user without a role on the project; counted as a wrong password is, as it may be."""
    if world.missing_role_status == 403:
        return keystone(403, "Forbidden", "You are not authorized to perform the requested action.")
    if not login.token:
        world.login_failed(login.user, world.user_lock)
    return keystone(401, "Unauthorized", NO_ROLE)


def described(token: IssuedToken, method: str, scope: Scope) -> dict[str, Any]:
    """A token as IAM tells of it, but for roles and catalog, which are what a scope is good for."""
    account, project = token.account, token.project
    good_for: dict[str, Any] = {"domain": domain(account)}
    if project:
        name = iam_name(project, built_in(account, project))
        good_for = {"project": {"id": project.id, "name": name, "domain": domain(account)}}
    user = {"id": account.user_id, "name": account.user_name, "domain": domain(account), "password_expires_at": ""}
    return {
        "methods": [method],
        "issued_at": iso(token.issued_at),
        "expires_at": iso(token.expires_at),
        **({} if scope.nothing else good_for),
        "user": user,
    }
