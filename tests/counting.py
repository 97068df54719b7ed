"""Which lines are counted: those that run where tests run, but for those of tests that are uncounted."""

import os
from collections.abc import Generator

import coverage
import pytest


def count_no_processes() -> None:
    """Leave alone the many processes that tests start, which would take half as long again.

    Those that may not write, or to a full disk, would tell of it.
    """
    if "PYTEST_XDIST_WORKER" in os.environ:
        os.environ.pop("COVERAGE_PROCESS_CONFIG", None)


@pytest.hookimpl(wrapper=True)
def count_but_uncounted(item: pytest.Item) -> Generator[None, object, object]:
    """Where lines are counted, those of an `uncounted` test are not, as counting takes as long as the test itself."""
    counting = coverage.Coverage.current() if item.get_closest_marker("uncounted") else None
    if counting is None:
        return (yield)
    counting.stop()
    try:
        return (yield)
    finally:
        counting.start()
        count_no_processes()  # to start is to have them counted again
