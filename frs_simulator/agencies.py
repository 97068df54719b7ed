"""IAM's temporary keys: of the user of a token, or of an agency of another account, for whom it is delegated to."""

import json
from typing import Any

from aiohttp import web

from frs_simulator.gateway import CALLER, WORLD, Refusal, by_token
from frs_simulator.iam import keystone, temporary
from frs_simulator.world import World

PATH = "/v3.0/OS-CREDENTIAL/securitytokens"
DURATIONS = range(900, 86401)


async def security_tokens(request: web.Request) -> web.Response:
    """`POST /v3.0/OS-CREDENTIAL/securitytokens`: the methods assume_role and token, another key each time."""
    world = request.app[WORLD]
    try:
        identity = json.loads(await request.read())["auth"]["identity"]
        (method,) = identity["methods"]
        fields = identity[method]
        life = int(fields.get("duration_seconds", 900))
        if life not in DURATIONS:
            raise ValueError("duration_seconds")
        if method == "token":
            return of_token(world, fields.get("id") or request.headers["X-Auth-Token"], life)
        if method != "assume_role":
            raise ValueError("methods")
        where = (domain_name(world, fields), fields["agency_name"])
    except (ValueError, KeyError, TypeError, AttributeError):
        return keystone(400, "Bad Request", "The request body is invalid.")
    agency = world.agencies.get(where)
    if agency is None:
        return keystone(404, "Not Found", f"Could not find agency: {where[1]}.")
    if request[CALLER].account.domain_name not in agency.delegates:
        return keystone(403, "Forbidden", "You are not authorized to perform the requested action.")
    return web.json_response(temporary(world.issue_key(agency.account, life)), status=201)


def of_token(world: World, value: str, life: float) -> web.Response:
    """The answer to the user of a token."""
    try:
        account = by_token(value, world).account
    except Refusal as error:
        return keystone(401, "Unauthorized", error.message)
    return web.json_response(temporary(world.issue_key(account, life)), status=201)


def domain_name(world: World, fields: dict[str, Any]) -> str:
    """The name of the account whose agency is asked for, by that or by its id; raises KeyError."""
    if "domain_name" in fields:
        return str(fields["domain_name"])
    wanted = fields["domain_id"]
    return next((account.domain_name for account in world.accounts if account.domain_id == wanted), wanted)
