"""A Keystone for all tests of a process, where each has customers of its own, and programs as in tests/e2e."""

from collections.abc import Iterator

import pytest

from tests.conformance.keystone import Keystone, running_keystone
from tests.e2e.conftest import programs

__all__ = ["keystone", "programs"]


@pytest.fixture(scope="session")
def keystone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Keystone]:
    with running_keystone(tmp_path_factory.mktemp("keystone")) as running:
        yield running
