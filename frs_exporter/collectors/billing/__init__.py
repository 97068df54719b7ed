"""The money behind FRS: what an account has and owes, and its packages, in two requests a poll.

The account itself may ask; an IAM user needs billing:balance:view and billing:resourcePackages:view (api-oce,
jac_000053), in a policy, as system roles are not honoured.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from frs_exporter.collectors.billing import balance, packages
from frs_exporter.collectors.billing.wire import items_of, succeeded
from frs_exporter.collectors.collector import ApiClient, Collector, members
from frs_exporter.core.errors import ApiError, Reason
from frs_exporter.core.explanations import Text
from frs_exporter.core.model import Account, Api, CollectResult, Target
from frs_exporter.core.notes import Note, note

SERVICE_TYPES = f"/v2/products/service-types?service_type_name={quote('人脸识别')}&limit=1000"
"""Services with this in their names: codes do not follow names, and that of FRS is not published."""
ASK_AGAIN = 86400.0
"""Seconds for which the codes of FRS are taken for the same."""
MAX_TYPES = 10
"""Codes that one query may name."""

NOT_SEEN = Text("packages may not be seen: {code}", "无权查看套餐包：{code}")
NO_TYPES = Text("service types are not told: {code}", "未能得知云服务类型：{code}")


@dataclass(frozen=True, slots=True)
class Memory:
    """The codes of FRS, none where nothing tells them, and when they were asked for, in Unix seconds."""

    service_types: tuple[str, ...] = ()
    asked_at: float = 0.0


async def collect(client: ApiClient, target: Target, memory: Memory | None) -> CollectResult:
    """Ask for balance and packages; raises ApiError."""
    account, now = target.account or Account(), client.now()
    samples = list(balance.parse(await client.get(Api.BSS, balance.PATH)))
    memory, warnings = await service_types(client, account, memory or Memory())
    try:
        found = [
            packages.package(where, item)
            for project in ("", *account.enterprise_projects)
            async for where, item in items_of("free_resource_packages", asking(client, project, memory.service_types))
            if memory.service_types or packages.is_about_faces(item)
        ]
    except ApiError as error:  # who may see the balance alone is shown that
        if error.failure.reason is not Reason.FORBIDDEN:
            raise
        return CollectResult(tuple(samples), (*warnings, note(NOT_SEEN, code=error.failure.code)), memory)
    samples += packages.samples(found, now)
    return CollectResult(tuple(samples), warnings, memory)


async def service_types(client: ApiClient, account: Account, memory: Memory) -> tuple[Memory, tuple[Note, ...]]:
    """The codes of FRS: those of the config, or what the billing service says once a day; and what is to be noted."""
    if account.service_types:
        return Memory(account.service_types), ()
    if client.now() < memory.asked_at + ASK_AGAIN:
        return memory, ()
    try:
        items = members("$", succeeded(await client.get_more(Api.BSS, SERVICE_TYPES)), "service_types")
    except ApiError as error:  # packages are told of all the same, by their names
        unknown = note(NO_TYPES, code=error.failure.code or str(error.failure.reason))
        return Memory(memory.service_types, client.now()), (unknown,)
    codes = (item.get("service_type_code") for item in items if isinstance(item, dict))
    known = tuple(code for code in codes if isinstance(code, str) and code)[:MAX_TYPES]
    return Memory(known, client.now()), ()


def asking(client: ApiClient, project: str, types: tuple[str, ...]) -> Callable[[int], Awaitable[Any]]:
    """Asks for a page of packages from an offset: of FRS, if its codes are known; of an enterprise project, or none."""
    body: dict[str, Any] = {"limit": packages.PER_PAGE}
    body |= {"enterprise_project_id": project} if project else {}
    body |= {"service_type_code_list": list(types)} if types else {}
    return lambda offset: client.get_more(Api.BSS, packages.PATH, {**body, "offset": offset})


def demand(interval: float) -> float:
    """Two requests a poll, and those for what is asked for once a day."""
    return 2 / interval + 1 / ASK_AGAIN


COLLECTOR = Collector(Api.BSS, (*balance.FAMILIES, *packages.FAMILIES), collect, demand=demand, of_account=True)
