"""A Keystone for all tests of a process, where each has customers of its own, the vendor's clients, and programs."""

from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio

from tests.conformance.keystone import Keystone, running_keystone
from tests.conformance.vendor.client import VendorClients, vendor_clients
from tests.e2e.conftest import programs

__all__ = ["keystone", "programs"]


@pytest.fixture(scope="session")
def keystone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Keystone]:
    with running_keystone(tmp_path_factory.mktemp("keystone")) as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def clients() -> AsyncIterator[VendorClients]:
    """Those of today, for all tests of a file, which have its loop."""
    async with vendor_clients() as started:
        yield started
