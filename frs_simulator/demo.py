"""What the demo shows: two accounts with an example of each odd case, and as many more projects as asked for."""

import time
from decimal import Decimal
from typing import Any

from frs_simulator.catalog import Name
from frs_simulator.money import Balance, Billing, Card, Coupon, Purse
from frs_simulator.packages import DAY, FreeResource, Package
from frs_simulator.traffic import Traffic
from frs_simulator.world import Account, Project, World, digest


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


def face_set(name: str, faces: int) -> dict[str, Any]:
    """A face set as documented, of the capacity that they have by default."""
    return {
        "face_number": faces,
        "face_set_id": digest("face set", name)[:8],
        "face_set_name": name,
        "create_date": "2024-03-12 01:00:00",
        "face_set_capacity": 100_000,
        "external_fields": {},
    }


FREEZES_AFTER = 15.0

FLEET_SIZE = 20
"""Projects per generated account: at one poll every ten seconds well within a user's quota."""


def demo_world(projects: int | None = None) -> World:
    """Two accounts with an example of each odd case, and as many more projects as asked for.

    The machine has an agency of the last account.
    """
    accounts = examples()
    wanted = 6 if projects is None else projects
    for account in accounts:
        account.projects, wanted = account.projects[:wanted], max(0, wanted - len(account.projects))
    for first in range(0, wanted, FLEET_SIZE):
        numbers = range(first, min(first + FLEET_SIZE, wanted))
        fleet = [Project(f"fleet-{n + 1:05}", "cn-north-4", subscribed("2024-09-02 03:00:00")) for n in numbers]
        accounts.append(Account(f"fleet-{first // FLEET_SIZE + 1:03}", ("token", "ak_sk")[len(accounts) % 2], fleet))
    world = World([account for account in accounts if account.projects])
    world.machine.account = world.accounts[-1]
    return world


def examples() -> list[Account]:
    """An account of each kind."""
    return [
        Account("acme", "token", [vision_prod(), door_access(), visitor_kiosk()], billing=well_off(time.time())),
        Account(
            "globex",
            "ak_sk",
            [vip_lounge(), Project("new-branch", "ap-southeast-1", None), in_arrears()],
            billing=broke(time.time()),
        ),
    ]


def well_off(now: float) -> Billing:
    """All is paid, though one package ends within days, and another is nearly used up."""
    detect, search = Name("人脸检测套餐包", "Face detection package"), Name("人脸搜索套餐包", "Face search package")
    begun = now - 300 * DAY
    return Billing(
        [
            Balance(Decimal("25310.42")),
            Balance(Decimal("48000.00"), Purse.CREDIT, credit=Decimal("50000.00")),
            Balance(Decimal("120.00"), Purse.BONUS),
        ],
        packages=[
            Package(
                "detect-1m",
                (FreeResource(Decimal(1_000_000), Decimal(412_000), Decimal(2)),),
                detect,
                begun,
                begun + 365 * DAY,
                used_since=now,
            ),
            Package(
                "search-100k",
                (FreeResource(Decimal(100_000), Decimal(99_100), Decimal("0.5")),),
                search,
                begun,
                begun + 305 * DAY,
                used_since=now,
            ),
        ],
        coupons=[Coupon("coupon-1", Decimal("500.00"), Decimal("132.50"), begun, now + 20 * DAY)],
        cards=[Card("card-1", Decimal("1000.00"), Decimal("640.00"), begun, now + 200 * DAY)],
        since=now,
        spend=Decimal("0.05"),
    )


def broke(now: float) -> Billing:
    """It is in arrears, which grow while one looks on: soon it is frozen. Its only package has expired."""
    package = Package("search-10k", effective=now - 400 * DAY, expires=now - 35 * DAY, region="cn-east-3")
    return Billing([Balance()], debt=Decimal("86.40"), packages=[package], since=now, spend=Decimal("0.05"))


def vision_prod() -> Project:
    """All is well, though one of its face sets is nearly full."""
    return Project(
        "vision-prod",
        "cn-north-4",
        subscribed("2024-03-11 02:15:00"),
        face_sets=[face_set("employees", 96_400), face_set("visitors", 12_750), face_set("vip", 340)],
        traffic=Traffic({"detect": 420, "compare": 60, "search": 150}),
    )


def door_access() -> Project:
    """It answers as in 2018, and may have one more face set."""
    sets = [face_set(f"building-{n}", 9_000 * n) for n in range(1, 10)]
    return Project(
        "door-access", "cn-north-1", SCREENSHOT, face_sets=sets, traffic=Traffic({"detect": 30, "search": 90})
    )


def visitor_kiosk() -> Project:
    """Somebody has switched search off."""
    return Project(
        "visitor-kiosk",
        "cn-south-1",
        subscribed("2025-01-20 06:30:00", off=("search",)),
        traffic=Traffic({"detect": 12, "compare": 12, "live-detect": 3}),
    )


def vip_lounge() -> Project:
    """It needs no live detection."""
    return Project(
        "vip-lounge",
        "cn-east-3",
        subscribed("2023-07-01 01:44:39", off=("live_detect",)),
        face_sets=[face_set("vip", 1_204)],
        traffic=Traffic({"search": 4}),
    )


def in_arrears() -> Project:
    """Its account runs out of money while one looks on."""
    return Project("in-arrears", "cn-north-4", subscribed("2022-05-05 07:49:40"), freezes_after=FREEZES_AFTER)
