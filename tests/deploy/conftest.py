"""The whole stack, started once for the tests of a file: what another has changed in it does not come back at once."""

from collections.abc import Iterator

import pytest

from tests.deploy.stack import Stack, stack
from tests.e2e.conftest import programs

__all__ = ["it", "programs"]


@pytest.fixture(scope="module")
def it(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A cloud of thirteen projects with everything in front of it; pauses before alerts are seconds long."""
    with stack(tmp_path_factory.mktemp("stack"), projects=13) as started:
        started.start_prometheus()
        yield started
