"""What tests of temporary keys have in common, whoever gives them."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from frs_exporter.core.credentials import TemporaryKeys
from frs_exporter.core.errors import ApiError, Failure
from frs_exporter.core.model import Api, Display, Target
from frs_simulator.faults import HANG, Fault
from frs_simulator.issuers import TemporaryKey
from frs_simulator.world import Account
from tests.conftest import Cloud, CloudContext, run_virtual, secrets_of, target_of

ID_TOKEN = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJzeXN0ZW06c2VydmljZWFjY291bnQifQ.c2lnbmF0dXJl"
"""Of somebody whom the service trusts; `token_file` has it."""
POLLED = 'frs_polls_total{project="p1",collector="subscription"}'
FAILED = 'frs_poll_failures_total{project="p1",collector="subscription"}'

Then = Callable[[Cloud, list[Target]], Any]


def with_keys(owner: Account, give: Callable[[Cloud], TemporaryKeys], then: Then, *others: Account) -> Any:
    """Run with the projects of an account, asked by the credential of which `give` tells the simulated cloud."""

    async def main() -> Any:
        async with CloudContext(owner, *others) as cloud:
            credential = give(cloud)
            targets = [target_of(owner, project, cloud.url, credential=credential) for project in owner.projects]
            return await then(cloud, targets)

    return run_virtual(main())


async def ask(cloud: Cloud, target: Target) -> Any:
    """What is subscribed; raises ApiError."""
    return await cloud.client.get(target, Api.FRS, f"/v1/{target.project_id}/subscribe")


def every(seconds: float, targets: list[Target], *, stale_after: float) -> list[Target]:
    """The targets, asked so often."""
    return [replace(t, poll_interval=seconds, display=Display(stale_after=stale_after)) for t in targets]


def faults(title: str, timeout: int, *own: tuple[Fault, str, str]) -> pytest.MarkDecorator:
    """What goes wrong with any service, and what is its `own`, each with the reason and message of the failure."""
    rows = [
        *own,
        (Fault(status=500, body=""), "server", "no message"),
        (Fault(body="<html>"), "payload", "the answer is not usable: it is a page of HTML"),
        (Fault(body="{}"), "payload", f"no usable credential in {title}'s answer"),
        (HANG, "timeout", f"127.0.0.1 did not answer within {timeout} s"),
    ]
    return pytest.mark.parametrize(
        ("fault", "reason", "message"), rows, ids=lambda value: value if isinstance(value, str) else ""
    )


async def failure_by(fault: Fault, api: str, cloud: Cloud, target: Target) -> Failure:
    """Why nothing is known of a project while something goes wrong with an API."""
    cloud.world.faults.set(api, fault)
    with pytest.raises(ApiError) as caught:
        await ask(cloud, target)
    return caught.value.failure


def parts(key: TemporaryKey) -> tuple[str, str, str]:
    """What signs."""
    return key.access_key, key.secret_key, key.security_token


def told_secrets(text: str, cloud: Cloud, *others: str) -> set[str]:
    """The secrets of the cloud, and others, that are in a text."""
    keys = {part for key in cloud.world.temporary_keys.values() for part in parts(key)}
    return {secret for secret in {*secrets_of(cloud.world), *keys, *others} if secret in text}
