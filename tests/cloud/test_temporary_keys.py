"""Temporary keys at work, whoever gives them."""

import asyncio
import random

import pytest

from frs_exporter.cloud.guard import Guard, User
from frs_exporter.cloud.key_services import Keys, KeyService
from frs_exporter.cloud.lockout_state import KEYS
from frs_exporter.cloud.temporary_keys import LOOK_AGAIN, TemporaryKeyAuthorizer
from frs_exporter.core.errors import ApiError, Failure, Reason
from frs_exporter.core.model import Api, RequestScope, Target
from frs_exporter.core.trace import Trace
from frs_exporter.exposition.telemetry import Telemetry
from tests.conftest import run_virtual, virtual_now


def test_of_all_who_meet_a_held_secret_one_looks_whether_it_is_another_one(target: Target) -> None:
    """A look may read a file, in a thread: ten thousand projects a minute must not have one each."""
    fetched, looks = 0, 0

    async def fetch(_access: RequestScope, _trace: Trace) -> Keys:
        nonlocal fetched
        fetched += 1
        raise ApiError(Failure(Reason.AUTH, "no", status=401, api=Api.STS))

    async def changed() -> bool:
        nonlocal looks
        looks += 1
        await asyncio.sleep(0.1)
        return False

    async def main() -> None:
        guard = Guard("ops", KEYS, User(), Telemetry())
        service = KeyService(Api.STS, "STS", fetch, changed)
        authorizer = TemporaryKeyAuthorizer("ops", service, virtual_now, random.Random(1), guard)
        for _ in range(3):
            for _ in range(100):
                with pytest.raises(ApiError):
                    await authorizer.authorize(target)
            await asyncio.gather(*(authorizer.authorize(target) for _ in range(100)), return_exceptions=True)
            await asyncio.sleep(LOOK_AGAIN)
        assert fetched == 1
        assert 3 <= looks <= 6

    run_virtual(main())
