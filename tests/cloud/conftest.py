"""What tests of the way to the cloud have in common."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.cloud.proxies import TwoDoors


@pytest.fixture
async def doors(tmp_path: Path) -> AsyncIterator[TwoDoors]:
    """A cloud at an http and an https URL, whose authority is in ca.pem."""
    async with TwoDoors(tmp_path) as doors:
        yield doors
