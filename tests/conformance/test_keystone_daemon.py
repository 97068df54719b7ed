"""The whole exporter with a Keystone of its customer's own, and an FRS that asks this Keystone about tokens."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from frs_exporter.config.load import load
from frs_exporter.config.source import Source
from frs_exporter.core.errors import Reason
from frs_exporter.exposition.telemetry import Telemetry
from frs_exporter.polling.exporter import Exporter
from frs_simulator import Simulator
from tests import forked
from tests.conformance.keystone import Customer, Keystone

NOBODY = "http://127.0.0.1:9"
NAMES = ("gate-1", "gate-2", "gate-3")


@pytest.fixture
def customer(keystone: Keystone) -> Customer:
    return keystone.customer(*NAMES)


class Running:
    """A started exporter."""

    def __init__(self, exporter: Exporter, telemetry: Telemetry) -> None:
        self.exporter, self.telemetry = exporter, telemetry

    def value(self, name: str, **labels: str) -> float:
        return self.telemetry.registry.get_sample_value(f"frs_exporter_{name}", labels) or 0.0

    def reasons(self) -> dict[str, Reason | None]:
        """Why each project that was polled is down, None where it is not."""
        jobs = [job for job in self.exporter.snapshot().jobs if job.state.polls]
        return {job.job.target.project: job.state.failure.reason if job.state.failure else None for job in jobs}

    async def until(self, wanted: dict[str, Reason | None]) -> None:
        end = time.monotonic() + 30
        while self.reasons() != wanted:
            assert time.monotonic() < end, self.reasons()
            await asyncio.sleep(0.05)


@asynccontextmanager
async def running(customer: Customer, folder: Path, password: str = "", **changes: Any) -> AsyncIterator[Running]:
    """The exporter with the customer's config in a file."""
    async with Simulator(customer.world()) as frs:
        file = folder / "config.yaml"
        file.write_text(json.dumps({**customer.config(frs.url, password=password), **changes}))
        source, telemetry = Source(str(file), load), Telemetry()
        exporter = Exporter(source, source.load(), telemetry, spread=0.0)
        await exporter.start()
        try:
            yield Running(exporter, telemetry)
        finally:
            await exporter.stop()


async def test_a_project_without_a_role_is_held_alone(customer: Customer, tmp_path: Path) -> None:
    """Keystone says the same of it as of a wrong password (row X1), also of the first that is asked about."""
    customer.set_role(customer.projects["gate-1"], given=False)
    async with running(customer, tmp_path) as it:
        await it.until({"gate-1": Reason.AUTH, "gate-2": None, "gate-3": None})
        assert it.value("credential_rejected", credential="own") == 0
        assert it.value("api_request_failures_total", api="iam", reason="auth") == 1


async def test_a_wrong_password_is_used_once(customer: Customer, tmp_path: Path) -> None:
    async with running(customer, tmp_path, "wrong") as it:
        await it.until(dict.fromkeys(NAMES, Reason.AUTH))
        assert it.value("credential_rejected", credential="own") == 1
        assert it.value("api_requests_total", api="iam") == 1


async def test_a_user_who_is_enabled_again_is_tried_when_told_to(customer: Customer, tmp_path: Path) -> None:
    """With the same password, which was refused meanwhile (row X6)."""
    customer.change(enabled=False)
    async with running(customer, tmp_path) as it:
        await it.until(dict.fromkeys(NAMES, Reason.AUTH))
        await asyncio.sleep(1.1)  # also what is issued within the second in which it was disabled would be revoked
        customer.change(enabled=True)
        assert it.exporter.retry("own") == len(NAMES)
        await it.until(dict.fromkeys(NAMES))
        assert it.value("credential_rejected", credential="own") == 0


async def test_projects_that_are_found_are_polled(customer: Customer, tmp_path: Path) -> None:
    """By the whole road: a login without a scope, the list, a token of what was found."""
    region = customer.keystone.project(customer.domain_id, "cn-north-4")
    customer.set_role(region)
    customer.projects = {"cn-north-4": region}
    rule = {"credential": "own", "regions": ["cn-north-4"]}
    async with running(customer, tmp_path, projects=[], discovery=[rule]) as it:
        await it.until({"cn-north-4": None})
        assert it.value("api_requests_total", api="iam") == 3


def check(folder: Path, config: Any, *arguments: str) -> tuple[int, str]:
    """Exit code and output of `check` with a config."""
    file = folder / "config.yaml"
    file.write_text(json.dumps(config))
    code, out, err = forked.run("check", f"--config.file={file}", *arguments)
    return code, out + err


def test_check_in_a_loop_never_locks_the_user(customer: Customer, tmp_path: Path) -> None:
    """Keystone locks at the fifth refusal; what was refused is remembered from run to run."""
    config = customer.config(NOBODY, password="wrong-but-secret")
    for _ in range(6):
        code, out = check(tmp_path, config)
        assert (code, "correct it in the config" in out, "wrong-but-secret" in out) == (1, True, False)
    assert customer.login().status == 201


def test_check_tells_what_to_do_about_a_second_factor(customer: Customer, tmp_path: Path) -> None:
    rules = [["password", "totp"]]
    customer.change(options={"multi_factor_auth_enabled": True, "multi_factor_auth_rules": rules})
    code, out = check(tmp_path, customer.config(NOBODY))
    assert code == 1
    assert "What to do: use an IAM user without login protection" in out
    assert "request id: req-" in out
