"""Keys of the first service that gives some: a machine's own, or the agent of a pod's node."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from frs_exporter.core.credentials import AgencyCredential, FirstOf, PodIdentityCredential
from frs_exporter.core.errors import ApiError
from frs_exporter.core.explanations import advice
from frs_exporter.core.model import Target
from frs_simulator.cce import PATH
from frs_simulator.issuers import Machine
from tests.cloud.temporary import ask, with_keys
from tests.conftest import Cloud, account


def with_both(file: Path, then: Callable[[Cloud, Target], Any]) -> Any:
    """Run in a pod on a machine; neither has an agency yet."""
    file.write_text("jwt")

    def give(cloud: Cloud) -> FirstOf:
        cloud.world.cluster.tokens.add("jwt")
        services = (AgencyCredential("c", cloud.url), PodIdentityCredential("c", f"{cloud.url}{PATH}", str(file)))
        return FirstOf("c", services, ("HUAWEICLOUD_SDK_AK is not set",))

    return with_keys(account("sdk", "p1"), give, lambda cloud, targets: then(cloud, targets[0]))


def test_the_machine_comes_first(tmp_path: Path) -> None:
    async def then(cloud: Cloud, target: Target) -> None:
        owner = cloud.world.accounts[0]
        cloud.world.machine, cloud.world.cluster.account = Machine(owner), owner
        visits = cloud.world.watched()
        assert await ask(cloud, target)
        assert [visit.api for visit in visits] == ["ecs", "ecs", "frs"]

    with_both(tmp_path / "t", then)


def test_the_pod_comes_second_and_is_asked_from_then_on(tmp_path: Path) -> None:
    async def then(cloud: Cloud, target: Target) -> None:
        owner = cloud.world.accounts[0]
        cloud.world.cluster.account = owner
        assert await ask(cloud, target)
        visits = cloud.world.watched()
        await asyncio.sleep(21_600)
        cloud.world.machine = Machine(owner)
        assert await ask(cloud, target)
        assert [visit.api for visit in visits] == ["cce", "frs"], "who has answered goes on"

    with_both(tmp_path / "t", then)


def test_another_token_of_the_pod_is_tried_at_once(tmp_path: Path) -> None:
    async def then(cloud: Cloud, target: Target) -> None:
        cloud.world.cluster.account, cloud.world.cluster.tokens = cloud.world.accounts[0], {"another"}
        with pytest.raises(ApiError):
            await ask(cloud, target)
        (tmp_path / "t").write_text("another")
        assert await ask(cloud, target)

    with_both(tmp_path / "t", then)


def test_where_none_gives_any_it_is_told_where_was_looked(tmp_path: Path) -> None:
    async def then(cloud: Cloud, target: Target) -> None:
        with pytest.raises(ApiError) as caught:
            await ask(cloud, target)
        assert caught.value.failure.message == (
            "no keys found: HUAWEICLOUD_SDK_AK is not set; "
            "the machine is given no keys: Please configure Cloud Service Agency first; "
            "the pod is given no keys: no pod identity association for the service account"
        )
        assert advice(caught.value.failure).startswith("set HUAWEICLOUD_SDK_AK"), "and no advice for one of the places"

    with_both(tmp_path / "t", then)
