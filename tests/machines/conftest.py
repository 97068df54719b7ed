"""One machine, and one image, for all tests of a file; the reason stands at the end where this machine cannot."""

from collections.abc import Iterator

import pytest

from tests.machines.booted import Machine, booted
from tests.machines.container import Image, build, store
from tests.machines.needs import install, skip_where_impossible


@pytest.fixture(scope="session")
def able() -> None:
    skip_where_impossible()


@pytest.fixture(scope="module")
def machine(able: None) -> Iterator[Machine]:
    with booted() as started:
        yield started


@pytest.fixture(scope="module")
def image(able: None) -> Iterator[Image]:
    install("podman", "buildah", "runc")
    with store() as where:
        yield build(where, VERSION="1.2.3", REVISION="abc", CREATED="2026-01-02T03:04:05Z")
