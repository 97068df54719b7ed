"""STS: who a caller is, and temporary keys of an agency for an id token of somebody whom the account trusts."""

import json

from aiohttp import web

from frs_simulator.gateway import CALLER, WORLD
from frs_simulator.iam import iso

PATH = "/v5/agencies/assume-with-oidc"
IDENTITY = "/v5/caller-identity"
DURATIONS = range(900, 43201)


async def assume_with_oidc(request: web.Request) -> web.Response:
    """`POST /v5/agencies/assume-with-oidc`: not signed; the token in the body is all the proof there is."""
    world = request.app[WORLD]
    trust = world.trust
    try:
        body = json.loads(await request.read())
        token, life, session = body["id_token"], body.get("duration_seconds", 3600), body["agency_session_name"]
        if life not in DURATIONS or not session:
            raise ValueError("duration_seconds")
    except (ValueError, KeyError, TypeError):
        return denied(400, "STS5.0400", "The request body is invalid.")
    if token not in trust.tokens:
        return denied(401, "STS5.0401", "The id token is invalid or has expired.")
    if trust.account is None or (body.get("provider_urn"), body.get("agency_urn")) != (
        trust.provider_urn,
        trust.agency_urn,
    ):
        return denied(403, "STS5.0403", "The agency does not trust the provider.")
    key = world.issue_key(trust.account, life)
    parts = {"access_key_id": key.access_key, "secret_access_key": key.secret_key, "security_token": key.security_token}
    agency = {"urn": f"{trust.agency_urn}/{session}", "id": "0"}
    return web.json_response({"assumed_agency": agency, "credentials": {**parts, "expiration": iso(key.expires_at)}})


async def caller_identity(request: web.Request) -> web.Response:
    """`GET /v5/caller-identity`: whose key or token it is, which needs no permission."""
    account = request[CALLER].account
    urn = f"iam::{account.domain_id}:user:{account.user_name}"
    return web.json_response({"account_id": account.domain_id, "principal_id": account.user_id, "principal_urn": urn})


def denied(status: int, code: str, message: str) -> web.Response:
    """An error in the shape of STS."""
    return web.json_response({"error_code": code, "error_msg": message, "request_id": "0"}, status=status)
