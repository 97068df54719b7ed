"""One machine, and one image, for all tests of a file; where this machine cannot have them it says why."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.machines.booted import Machine, booted
from tests.machines.container import Image, build, store
from tests.machines.needs import cannot, install
from tests.machines.service import Service, install_service


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What a machine cannot is no failure in CI either; the reason is one line at the end of the run."""
    if reason := cannot():
        for item in items:
            if Path(__file__).parent in item.path.parents:
                item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope="module")
def machine() -> Iterator[Machine]:
    with booted() as started:
        yield started


@pytest.fixture(scope="module")
def image() -> Iterator[Image]:
    install("podman", "buildah", "runc")
    with store() as where:
        yield build(where, VERSION="1.2.3", REVISION="abc", CREATED="2026-01-02T03:04:05Z")


@pytest.fixture(scope="module")
def installed(machine: Machine) -> Service:
    return install_service(machine)


@pytest.fixture
def service(installed: Service) -> Service:
    """The service, running well, whatever a test before has done to it."""
    installed.settle()
    return installed
