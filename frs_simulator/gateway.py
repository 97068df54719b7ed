"""The API gateway: who calls, is that proven by a token or a signature, and how often; codes and bodies are real."""

import json
import re
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from frs_exporter.cloud import signing
from frs_simulator.faults import instead, spoiled
from frs_simulator.world import GATEWAY_QUOTA, Account, Project, Visit, World

WORLD = web.AppKey("world", World)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

UNSIGNED = ("/v3/auth/tokens", "/v5/agencies/assume-with-oidc")
"""What proves who calls in its body."""
BILLING = ("/v2/accounts/", "/v2/bases/", "/v2/products/", "/v2/promotions/", "/v3/payments/")
"""Paths of the billing API, which has neither regions nor projects."""


@dataclass(frozen=True)
class Caller:
    """Who calls; a token is of one project, or of the account, which FRS does not take; a key is of all projects.

    The billing API takes tokens of the account alone, `domain_token`: a token without a scope is of none.
    """

    account: Account
    project: Project | None
    account_token: bool = False
    domain_token: bool = False

    @property
    def user(self) -> str:
        """The user whose quota counts."""
        return self.account.login

    def project_at(self, project_id: str) -> Project | None:
        """The project of that id, if this caller may ask about it."""
        if self.account_token:
            return None
        if self.project:
            return self.project if self.project.id == project_id else None
        return self.account.by_id.get(project_id)


CALLER = web.RequestKey("caller", Caller)


class Refusal(Exception):
    """An answer other than 200, in the vendor's shape."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message

    def body(self, request_id: str) -> dict[str, Any]:
        """What is said: the gateway tells the request's id, Cloud Eye has a shape of its own."""
        if self.code.startswith("ces."):
            details = {"details": self.message, "code": self.code}
            return {"code": self.status, "element": "Refused", "message": "not done", "details": details}
        about = {"request_id": request_id} if self.code.startswith("APIGW.") else {}
        return {"error_code": self.code, "error_msg": self.message, **about}


def not_proven(why: str) -> Refusal:
    """What is said to who does not prove to be a caller."""
    return Refusal(401, "APIGW.0301", f"Incorrect IAM authentication information: {why}")


@web.middleware
async def gateway(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Let faults strike, give each answer a request id and a date, and refuse what the gateway refuses."""
    if request.path.startswith("/_simulator/"):
        return await handler(request)
    world, request_id = request.app[WORLD], uuid.uuid4().hex
    api = api_of(request.path)
    project_id = await subject_of(request, world, api)
    fault = world.faults.of(api, project_id)
    if world.visits is not None:
        struck = fault is not None and fault.spoils
        world.visits.append(Visit(world.clock(), api, request.path, project_id, struck))
    response: web.StreamResponse | None = await instead(fault, request) if fault else None
    if response is None:
        response = await answer(request, handler, api, project_id, request_id)
    response.headers["X-IAM-Trace-Id" if api == "iam" else "X-Request-Id"] = request_id
    response.headers["Date"] = datetime.fromtimestamp(world.now(), UTC).strftime("%a, %d %b %Y %H:%M:%S GMT")
    return await spoiled(fault, request, response) if fault else response


def api_of(path: str) -> str:
    """The service that a path is of; a region may come before it, where one address serves all regions."""
    if path.startswith(("/openstack/", "/meta-data/")):
        return "ecs"
    if path == "/v1/credentials":
        return "cce"
    if path.startswith("/v5/"):
        return "sts"
    if path.startswith(BILLING):
        return "bss"
    version = re.match(r"(/[a-z0-9-]+)?/(v3|v3\.0|V1\.0)/", path)
    return {"v3": "iam", "v3.0": "iam", "V1.0": "ces"}[version[2]] if version else "frs"


async def subject_of(request: web.Request, world: World, api: str) -> str:
    """The id of the project that a request is about; with the billing API that of the account."""
    if api == "bss":
        token = world.tokens.get(request.headers.get("X-Auth-Token", ""))
        return token.account.domain_id if token else request.headers.get("X-Domain-Id", "")
    return request.match_info.get("project_id") or await login_project(request)


async def login_project(request: web.Request) -> str:
    """The project that a login is scoped to by its id, if it is one."""
    try:
        scope: object = json.loads(await request.read())["auth"]["scope"]["project"]["id"]
    except (ValueError, KeyError, TypeError):
        return ""
    return str(scope)


async def answer(
    request: web.Request, handler: Handler, api: str, project_id: str, request_id: str
) -> web.StreamResponse:
    """What the cloud answers when nothing is wrong with it: the service's answer, or a refusal."""
    try:
        return await passed(request, handler, request.app[WORLD], api, project_id)
    except Refusal as error:
        return web.json_response(error.body(request_id), status=error.status)
    except web.HTTPClientError as error:
        body = {
            "error_code": "APIGW.0101",
            "error_msg": "The API does not exist or has not been published in the environment",
            "request_id": request_id,
        }
        return web.json_response(body, status=error.status)


async def passed(request: web.Request, handler: Handler, world: World, api: str, project_id: str) -> web.StreamResponse:
    """The service's answer, once the gateway's checks are passed; a login, or a machine's own, has nothing to check."""
    if request.match_info.http_exception is not None:
        raise request.match_info.http_exception
    if api in ("ecs", "cce") or request.path.endswith(UNSIGNED):
        return await handler(request)
    caller = await authenticated(request, world)
    world.requests[api, caller.user, project_id] += 1
    if not world.within_quota(caller.user, "gateway " + api, GATEWAY_QUOTA):
        raise Refusal(429, "APIGW.0308", "The throttling threshold has been reached: policy user over ratelimit")
    request[CALLER] = caller
    return await handler(request)


async def authenticated(request: web.Request, world: World) -> Caller:
    """Who calls, proven; raises Refusal."""
    if token := request.headers.get("X-Auth-Token"):
        return by_token(token, world)
    claim = signing.parse_authorization(request.headers.get("Authorization", ""))
    if claim is None:
        raise not_proven("no token and no signature")
    return await by_signature(request, claim, world)


def by_token(value: str, world: World) -> Caller:
    """The owner of a token that is known, unexpired and not outdated; raises Refusal."""
    token = world.tokens.get(value)
    if token is None:
        raise not_proven("decrypt token fail")
    if token.expires_at <= world.now():
        raise not_proven("token expired")
    if value in world.outdated:
        raise Refusal(401, "APIGW.0307", "The token must be updated.")
    account_token = token.project is None
    return Caller(token.account, token.project, account_token, domain_token=account_token and not token.unscoped)


async def by_signature(request: web.Request, claim: signing.Authorization, world: World) -> Caller:
    """The owner of a key that signed this very request, derived again from what was received; raises Refusal."""
    temporary = world.temporary_keys.get(claim.access_key)
    account = temporary.account if temporary else world.account_of_key(claim.access_key)
    secret = temporary.secret_key if temporary else account.secret_of(claim.access_key) if account else None
    if account is None or secret is None:
        raise not_proven(f"Get secretKey failed,ak:{claim.access_key},err:ak not exist")
    if world.locked(claim.access_key):
        raise not_proven("AK access failed to reach the limit,forbidden")
    headers = {name.lower(): value for name, value in request.headers.items()}
    if temporary and not temporary.good_with(headers.get("x-security-token", ""), world.now()):
        world.login_failed(claim.access_key, world.key_lock)
        raise not_proven("the security token is wrong or has expired")
    received = signing.Signable(request.method, request.raw_path, headers, await request.read())
    if skew(headers.get("x-sdk-date", ""), world.now()) > signing.MAX_SKEW:
        world.login_failed(claim.access_key, world.key_lock)
        raise not_proven("x-sdk-date is more than 15 minutes off")
    if not signing.verify(received, claim, secret):
        world.login_failed(claim.access_key, world.key_lock)
        echo = signing.canonical_request(received, claim.signed_headers).replace("\n", "|")
        raise not_proven(f"verify aksk signature fail,canonicalRequest:{echo}")
    world.login_succeeded(claim.access_key)
    return Caller(account, None)


def skew(date: str, now: float) -> float:
    """Seconds between an X-Sdk-Date and now; infinite for one that is no date."""
    try:
        return abs(datetime.strptime(date, signing.DATE_FORMAT).replace(tzinfo=UTC).timestamp() - now)
    except ValueError:
        return float("inf")
