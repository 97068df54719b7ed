"""IAM's temporary keys: of an agency of another account, for whom it is delegated to."""

import json

from aiohttp import web

from frs_simulator.gateway import CALLER, WORLD
from frs_simulator.iam import keystone, temporary

PATH = "/v3.0/OS-CREDENTIAL/securitytokens"
DURATIONS = range(900, 86401)


async def security_tokens(request: web.Request) -> web.Response:
    """`POST /v3.0/OS-CREDENTIAL/securitytokens`: the method assume_role, another key each time."""
    world = request.app[WORLD]
    try:
        identity = json.loads(await request.read())["auth"]["identity"]
        role = identity["assume_role"]
        life, where = int(role.get("duration_seconds", 900)), (role["domain_name"], role["agency_name"])
        if identity["methods"] != ["assume_role"] or life not in DURATIONS:
            raise ValueError("methods, or duration_seconds")
    except (ValueError, KeyError, TypeError, AttributeError):
        return keystone(400, "Bad Request", "The request body is invalid.")
    agency = world.agencies.get(where)
    if agency is None:
        return keystone(404, "Not Found", f"Could not find agency: {where[1]}.")
    if request[CALLER].account.domain_name not in agency.delegates:
        return keystone(403, "Forbidden", "You are not authorized to perform the requested action.")
    return web.json_response(temporary(world.issue_key(agency.account, life)), status=201)
