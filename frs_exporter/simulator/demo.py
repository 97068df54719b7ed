"""What the demo shows: two accounts with an example of each odd case, and as many more projects as asked for."""

from typing import Any

from frs_exporter.simulator.world import Account, Project, World


def subscribed(created: str, *, off: tuple[str, ...] = ()) -> dict[str, Any]:
    """An answer as documented, with some sub-services off."""
    names = ("detect", "compare", "search", "live_detect")
    services = {f"{name}_service": {"subscribe_status": name not in off, "create_time": created} for name in names}
    return {"max_face_set_number": 10, **services}


SCREENSHOT = {
    "max_face_size": 10,
    "detect_service": {"subscribe_status": True, "create_time": "2018-08-23 11:09:10"},
    "compare_service": {"subscribe_status": True, "create_time": "2018-08-23 11:09:10"},
    "live_detect_service": {"subscribe_status": True, "create_time": "2018-08-23 11:09:10"},
    "search_service": {"subscribe_status": True, "create_time": "2018-08-23 11:09:10"},
    "face_quality_service": {"subscribe_status": True, "create_time": "2018-09-26 03:12:57"},
}
"""A real answer of 2018, names and all."""

FREEZES_AFTER = 15.0

FLEET_SIZE = 50
"""Projects per generated account: at one poll every ten seconds well within a user's quota."""


def demo_world(projects: int | None = None) -> World:
    """Two accounts with an example of each odd case, and as many more projects as asked for."""
    acme = Account(
        "acme",
        "token",
        [
            Project("vision-prod", "cn-north-4", subscribed("2024-03-11 02:15:00")),
            Project("door-access", "cn-north-1", SCREENSHOT),
            Project("visitor-kiosk", "cn-south-1", subscribed("2025-01-20 06:30:00", off=("search",))),
        ],
    )
    globex = Account(
        "globex",
        "ak_sk",
        [
            Project("vip-lounge", "cn-east-3", subscribed("2023-07-01 01:44:39", off=("live_detect",))),
            Project("new-branch", "ap-southeast-1", None),
            Project("in-arrears", "cn-north-4", subscribed("2022-05-05 07:49:40"), freezes_after=FREEZES_AFTER),
        ],
    )
    accounts = [acme, globex]
    wanted = 6 if projects is None else projects
    for account in accounts:
        account.projects, wanted = account.projects[:wanted], max(0, wanted - len(account.projects))
    for first in range(0, wanted, FLEET_SIZE):
        numbers = range(first, min(first + FLEET_SIZE, wanted))
        fleet = [Project(f"fleet-{n + 1:05}", "cn-north-4", subscribed("2024-09-02 03:00:00")) for n in numbers]
        accounts.append(Account(f"fleet-{first // FLEET_SIZE + 1:03}", ("token", "ak_sk")[len(accounts) % 2], fleet))
    return World([account for account in accounts if account.projects])
