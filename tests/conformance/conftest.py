"""A Keystone for all tests of a process: each has customers of its own there."""

from collections.abc import Iterator

import pytest

from tests.conformance.keystone import Keystone, running_keystone


@pytest.fixture(scope="session")
def keystone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Keystone]:
    with running_keystone(tmp_path_factory.mktemp("keystone")) as running:
        yield running
