"""The agent of a cluster (CCE): a pod's service account token for temporary keys of the agency that it is bound to."""

from aiohttp import web

from frs_simulator.gateway import WORLD
from frs_simulator.iam import iso

PATH = "/v1/credentials"


async def credentials(request: web.Request) -> web.Response:
    """`POST /v1/credentials`: another key each time, for a token that is good."""
    world = request.app[WORLD]
    if request.headers.get("Authorization") not in world.cluster.tokens:
        return web.json_response({"error_code": "CCE.01401001", "error_msg": "invalid token"}, status=401)
    if world.cluster.account is None:
        text = "no pod identity association for the service account"
        return web.json_response({"error_code": "CCE.01404001", "error_msg": text}, status=404)
    key = world.issue_key(world.cluster.account, world.cluster.life)
    parts = {"accessKeyId": key.access_key, "secretAccessKey": key.secret_key, "securityToken": key.security_token}
    return web.json_response({"credentials": {**parts, "expiration": iso(key.expires_at)}})
