"""What tests of the way to the cloud have in common."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.cloud.proxies import TwoDoors
from tests.cloud.temporary import ID_TOKEN


@pytest.fixture
async def doors(tmp_path: Path) -> AsyncIterator[TwoDoors]:
    """A cloud at an http and an https URL, whose authority is in ca.pem."""
    async with TwoDoors(tmp_path) as doors:
        yield doors


@pytest.fixture
def token_file(tmp_path: Path) -> Path:
    """A file with a token in it that others issue."""
    file = tmp_path / "token"
    file.write_text(f"{ID_TOKEN}\n")
    return file
