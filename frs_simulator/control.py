"""`/_simulator/faults`: what goes wrong, told over HTTP while the simulator runs alone."""

import json
from typing import Any, Literal

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from frs_simulator.faults import Fault
from frs_simulator.gateway import WORLD
from frs_simulator.world import FirstCheck, World

PATH = "/_simulator/faults"


class Order(BaseModel):
    """What is to go wrong from now on; a fault of null lifts the one in force."""

    model_config = ConfigDict(extra="forbid")

    api: Literal["frs", "iam", "ces", "ecs", "cce", "sts", "bss"] = "frs"
    project: str = Field("", description="A project's name, with the API bss an account's; empty for all.")
    fault: Fault | None = None
    expire_tokens: bool = Field(False, description="Let all tokens issued so far die now.")
    new_secrets: dict[str, str] = Field(
        {}, description="By account: another password and secret key; tokens bought with the one before die now."
    )
    lock: str = Field("", description="Lock the user of this account for 15 minutes, its key for 5.")
    subscribed: dict[str, bool] = Field({}, description="Switch sub-services of the project on or off, by name.")
    faces: dict[str, int] = Field({}, description="Let face sets of the project have so many faces, by name.")
    subscribe_absent: dict[str, bool] = Field(
        {}, description="By region: whether its gateway knows no API subscribe, as one that was retired."
    )
    first_check: FirstCheck | None = Field(
        None,
        description="What calls with a picture have looked at first: subscription, parameters, picture.",
    )
    clock_offset: float | None = Field(None, description="Seconds by which the cloud's clock is ahead.")


async def change(request: web.Request) -> web.Response:
    """`POST`: carry out an order; the answer is what is in force then."""
    world = request.app[WORLD]
    try:
        order = Order.model_validate_json(await request.read())
        carry_out(order, world)
    except ValidationError as error:
        problems = [f"{'.'.join(map(str, detail['loc'])) or 'body'}: {detail['msg']}" for detail in error.errors()]
        return web.json_response({"problems": problems}, status=400)
    except LookupError as error:
        return web.json_response({"problems": [str(error.args[0])]}, status=400)
    return await show(request)


async def clear(request: web.Request) -> web.Response:
    """`DELETE`: all is well again; tokens that died stay dead."""
    world = request.app[WORLD]
    world.faults.faults.clear()
    world.locks.clear()
    world.clock_offset = 0.0
    world.without_subscribe.clear()
    world.first_check = FirstCheck.SUBSCRIPTION
    return await show(request)


async def show(request: web.Request) -> web.Response:
    """`GET`: what is in force."""
    world = request.app[WORLD]
    names = {account.domain_id: account.domain_name for account in world.accounts}
    names.update((project.id, project.name) for _, project in world.projects())
    faults: list[dict[str, Any]] = [
        {"api": api, "project": names.get(project_id, ""), "fault": fault.model_dump(exclude_defaults=True)}
        for (api, project_id), fault in world.faults.faults.items()
    ]
    locked = [login for login in world.locks if world.locked(login)]
    body = {
        "faults": faults,
        "locked": locked,
        "clock_offset": world.clock_offset,
        "subscribe_absent": sorted(world.without_subscribe),
        "first_check": world.first_check,
    }
    return web.json_response(body, dumps=lambda value: json.dumps(value, indent=2) + "\n")


def carry_out(order: Order, world: World) -> None:
    """Do what an order says; raises LookupError for a name that nobody has."""
    accounts = {account.domain_name: account for account in world.accounts}
    ids = {project.name: project.id for _, project in world.projects()}
    if order.api == "bss":
        ids = {name: account.domain_id for name, account in accounts.items()}
    if order.project and order.project not in ids:
        raise LookupError(f"project: there is no {order.project!r}; there are {', '.join(list(ids)[:10])}")
    for field, named in (("lock", filter(None, [order.lock])), ("new_secrets", order.new_secrets)):
        for unknown in set(named) - accounts.keys():
            raise LookupError(f"{field}: there is no account {unknown!r}; there are {', '.join(list(accounts)[:10])}")
    switch_and_fill(order, world)
    if "fault" in order.model_fields_set:
        world.faults.set(order.api, order.fault, ids.get(order.project, ""))
    if order.clock_offset is not None:  # first, as locks end by the cloud's clock
        world.clock_offset = order.clock_offset
    for name, secret in order.new_secrets.items():
        world.change_secret(accounts[name], secret)
    if order.expire_tokens:
        world.expire_tokens()
    if order.lock:
        world.lock(accounts[order.lock])
    for region, absent in order.subscribe_absent.items():
        (world.without_subscribe.add if absent else world.without_subscribe.discard)(region)
    if order.first_check is not None:
        world.first_check = order.first_check


def switch_and_fill(order: Order, world: World) -> None:
    """Change what the project has; raises LookupError for what it has not."""
    if not order.subscribed and not order.faces:
        return
    project = next((project for _, project in world.projects() if project.name == order.project), None)
    if project is None:
        raise LookupError("project: subscribed and faces are about one project: name it")
    answered = (project.answer or {}).items()
    services = {name.removesuffix("_service"): value for name, value in answered if name.endswith("_service")}
    sets = {face_set["face_set_name"]: face_set for face_set in project.face_sets}
    for field, named, known in (("subscribed", order.subscribed, services), ("faces", order.faces, sets)):
        for unknown in set(named) - known.keys():
            raise LookupError(f"{field}: {project.name} has no {unknown!r}; it has {', '.join(list(known)[:10])}")
    for name, on in order.subscribed.items():
        services[name]["subscribe_status"] = on
    for name, faces in order.faces.items():
        sets[name]["face_number"] = faces
