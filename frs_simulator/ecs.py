"""The metadata service of a machine (ECS): temporary keys of its agency, behind a token if it wants one."""

import secrets

from aiohttp import web

from frs_simulator.gateway import WORLD
from frs_simulator.iam import temporary


async def create_token(request: web.Request) -> web.Response:
    """`PUT /meta-data/latest/api/token`: the token is the body, as text."""
    machine = request.app[WORLD].machine
    if machine.token_status != 200:
        return web.Response(status=machine.token_status, text="no such thing")
    life = request.headers.get("X-Metadata-Token-Ttl-Seconds", "")
    if not life.isdigit() or not 1 <= int(life) <= 21600:
        return web.Response(status=400, text="X-Metadata-Token-Ttl-Seconds must be 1 to 21600")
    token = secrets.token_urlsafe(40)
    machine.tokens.add(token)
    return web.Response(text=token)


async def security_key(request: web.Request) -> web.Response:
    """`GET /openstack/latest/securitykey`: the key of now."""
    world = request.app[WORLD]
    token = request.headers.get("X-Metadata-Token")
    if (token is None and world.machine.token_required) or (token is not None and token not in world.machine.tokens):
        return web.Response(status=401, text="Unauthorized")
    if world.machine.account is None:
        return web.Response(status=401, text="Please configure Cloud Service Agency first")
    return web.json_response(temporary(world.temporary_key(world.machine.account)))
