"""FRS's calls with a picture or a video: what is wrong is told in one order or another, and who succeeds pays.

Source: API pages face_02_0027 and 0101, and the models of huaweicloudsdkfrs 3.1.219. In which order the vendor checks
the subscription, the parameters and the picture is not published.
"""

import base64
import binascii
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from frs_simulator.frs import project_of
from frs_simulator.gateway import WORLD, Handler, Refusal
from frs_simulator.world import QUOTA, Call, FirstCheck, Project, World

FACE = b"a face"
"""What a picture or a video has in it that shows a face here."""
JPEG = (b"\xff\xd8", b"\xff\xd9")
"""How one begins and ends."""
SMALLEST = 100
"""Bytes of a picture; fewer are no picture."""


@dataclass(frozen=True)
class SubserviceCalls:
    """The calls of a sub-service: its parameters, its quota of requests a second, and what it says without a face."""

    parameters: tuple[str, ...]
    no_face: Refusal
    answer: Callable[[], Any]
    quota: int = QUOTA
    video: bool = False


CALLS = {
    "detect": SubserviceCalls(("image_base64",), Refusal(400, "FRS.0501", "Detect no face."), lambda: {"faces": []}),
    "compare": SubserviceCalls(
        ("image1_base64", "image2_base64"),
        Refusal(400, "FRS.0501", "Detect no face, check out your picture."),
        lambda: {"similarity": 0.97},
    ),
    "live_detect_face": SubserviceCalls(
        ("image_base64",),
        Refusal(400, "FRS.0707", "Detect no face, check out your picture."),
        lambda: {"result": {"alive": True}},
    ),
    "live_detect": SubserviceCalls(
        ("video_base64", "actions"),
        Refusal(400, "FRS.0701", "Parse video data failed."),
        lambda: {"video-result": {"alive": True}},
        quota=1,
        video=True,
    ),
}
PATHS = (
    ("/v2/{project_id}/face-detect", "detect"),
    ("/v2/{project_id}/face-compare", "compare"),
    ("/v1/{project_id}/live-detect-face", "live_detect_face"),
    ("/v1/{project_id}/live-detect", "live_detect"),
    ("/v2/{project_id}/live-detect", "live_detect"),
)


def handler(subservice: str) -> Handler:
    """What answers the calls of a sub-service."""

    async def handle(request: web.Request) -> web.Response:
        world, calls = request.app[WORLD], CALLS[subservice]
        project = project_of(request, subservice, calls.quota)
        try:
            for wrong in checks(project, subservice, await body_of(request), world):
                raise wrong
        except Refusal as error:
            world.calls.append(Call(world.now(), project.id, subservice, error.code))
            raise
        world.calls.append(Call(world.now(), project.id, subservice, ""))
        world.billed[project.id, subservice] += 1
        return web.json_response(calls.answer())

    return handle


async def body_of(request: web.Request) -> dict[str, Any]:
    """The JSON that was sent, empty for anything else."""
    try:
        body = json.loads(await request.read())
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def checks(project: Project, subservice: str, body: dict[str, Any], world: World) -> Iterator[Refusal]:
    """All that is wrong with a call, in the order in which this world looks; what shows a face shows at last."""
    calls = CALLS[subservice]
    if subservice in world.codes:
        yield Refusal(400, world.codes[subservice], "simulated")
    subscription, parameters = list(unsubscribed(project, subservice)), list(missing(calls, body))
    picture = [] if parameters else list(undecodable(calls, body))
    orders = {
        FirstCheck.SUBSCRIPTION: (subscription, parameters, picture),
        FirstCheck.PARAMETERS: (parameters, subscription, picture),
        FirstCheck.PICTURE: (parameters, picture, subscription),
    }
    for found in orders[world.first_check]:
        yield from found
    if not any(FACE in data for data in decoded(calls, body)):
        yield calls.no_face


def unsubscribed(project: Project, subservice: str) -> Iterator[Refusal]:
    """That it is not subscribed."""
    if project.answer is None:
        yield Refusal(400, "FRS.0019", "The service has not been subscribed.")
    elif not project.answer.get(f"{subservice}_service", {}).get("subscribe_status"):
        yield Refusal(400, "FRS.0020", "The sub-service has not been subscribed.")


def missing(calls: SubserviceCalls, body: dict[str, Any]) -> Iterator[Refusal]:
    """Parameters that are not there."""
    for name in calls.parameters:
        if not isinstance(body.get(name), str) or not body[name]:
            yield Refusal(400, "FRS.0011", f"The parameter {name} is missing.")


def undecodable(calls: SubserviceCalls, body: dict[str, Any]) -> Iterator[Refusal]:
    """Pictures that are none; of a video what it is shows when it is played."""
    for data in decoded(calls, body):
        if calls.video and not data.strip(b"\0"):
            yield calls.no_face
        elif not calls.video and not (len(data) >= SMALLEST and data.startswith(JPEG[0]) and data.endswith(JPEG[1])):
            yield Refusal(400, "FRS.0015", "The image format is not supported.")


def decoded(calls: SubserviceCalls, body: dict[str, Any]) -> Iterator[bytes]:
    """The pictures, or the video."""
    for name in calls.parameters:
        if name.endswith("_base64"):
            try:
                yield base64.b64decode(body[name], validate=True)
            except (KeyError, TypeError, binascii.Error):
                yield b""
