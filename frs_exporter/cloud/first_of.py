"""Several services that may give keys: the first that does is asked from then on."""

from collections.abc import Sequence
from dataclasses import replace

from frs_exporter.cloud.key_services import Keys, KeyService
from frs_exporter.core.credentials import FirstOf
from frs_exporter.core.errors import ApiError, Failure
from frs_exporter.core.model import RequestScope
from frs_exporter.core.trace import Trace


def first_of(credential: FirstOf, services: Sequence[KeyService]) -> KeyService:
    """The services of a credential as one."""
    chosen: KeyService | None = None

    async def fetch(access: RequestScope, trace: Trace) -> Keys:
        nonlocal chosen
        if chosen:
            return await chosen.fetch(access, trace)
        failures: list[Failure] = []
        for service in services:
            try:
                keys = await service.fetch(access, trace)
            except ApiError as error:
                failures.append(error.failure)
            else:
                chosen = service
                return keys
        looked_at = (*credential.nothing, *(failure.message for failure in failures))
        raise ApiError(replace(failures[-1], message=f"no keys found: {'; '.join(looked_at)}", lacks="keys"))

    async def changed() -> bool:
        for service in (chosen,) if chosen else services:
            if await service.changed():
                return True
        return False

    titles = " or ".join(service.title for service in services)
    return KeyService(services[0].api, titles, fetch, changed)
