"""FRS: what a project has subscribed, and its face sets."""

from typing import Any

from aiohttp import web

from frs_simulator.gateway import CALLER, WORLD, Refusal
from frs_simulator.world import QUOTA, Project


async def subscribe(request: web.Request) -> web.Response:
    """`GET /v1/{project_id}/subscribe`; raises HTTPNotFound in regions that have it no more."""
    project = request[CALLER].project_at(request.match_info["project_id"])
    if project and project.region in request.app[WORLD].without_subscribe:
        raise web.HTTPNotFound
    _, answer = subscription_of(request, "subscribe")
    return web.json_response(answer)


async def face_sets(request: web.Request) -> web.Response:
    """`GET /v2/{project_id}/face-sets`."""
    return web.json_response({"face_sets_info": face_sets_of(request).face_sets})


async def face_set(request: web.Request) -> web.Response:
    """`GET /v2/{project_id}/face-sets/{name}`."""
    name = request.match_info["name"]
    for found in face_sets_of(request).face_sets:
        if found["face_set_name"] == name:
            return web.json_response({"face_set_info": found})
    raise Refusal(400, "FRS.0302", "The face set does not exist.")


def face_sets_of(request: web.Request) -> Project:
    """The project whose face sets are asked about, if search is subscribed; raises Refusal."""
    project, answer = subscription_of(request, "face-sets")
    if not answer.get("search_service", {}).get("subscribe_status"):
        raise Refusal(400, "FRS.0020", "The sub-service has not been subscribed.")
    return project


def subscription_of(request: web.Request, api: str) -> tuple[Project, dict[str, Any]]:
    """The project that is asked about, and what it has subscribed, if it is anything; raises Refusal."""
    project = project_of(request, api)
    if project.answer is None:
        raise Refusal(400, "FRS.0019", "The service has not been subscribed.")
    return project, project.answer


def project_of(request: web.Request, api: str, quota: int = QUOTA) -> Project:
    """The project that is asked about, within the user's quota of this API; raises Refusal."""
    caller = request[CALLER]
    project_id = request.match_info["project_id"]
    project = caller.project_at(project_id)
    signed_for = request.headers.get("X-Project-Id", project_id)
    if (
        project is None
        or signed_for != project_id
        or request.match_info.get("region", project.region) != project.region
    ):
        raise Refusal(403, "FRS.0028", "The project ID does not match the token.")
    world = request.app[WORLD]
    if not world.within_quota(caller.user, api, quota):
        raise Refusal(429, "FRS.0033", "Too many requests, over flow control.")
    project.freeze_if_due(world.now())
    if project.frozen or caller.account.billing.frozen(world.now()):
        raise Refusal(400, "FRS.0202", "The service has been freeze.")
    return project
