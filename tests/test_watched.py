"""What comes of a reload that fails: the config before, the gauge at 0, a line in the log, another try if it helps."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import structlog
from prometheus_client import CollectorRegistry, Gauge

from frs_exporter.config.source import Source
from frs_exporter.core.errors import ConfigError
from frs_exporter.runtime.files import read_file
from frs_exporter.runtime.offload import run_offloaded
from frs_exporter.runtime.tasks import cancel_and_wait
from frs_exporter.runtime.watched import QUIET, RETRY_AFTER, Watched, WatchOptions
from tests.conftest import loop_time, run_virtual
from tests.starving import no_descriptors


class Text:
    """A file whose text is the config in force."""

    def __init__(
        self,
        file: Path,
        read: Callable[[Path], str] | None = None,
        *,
        interval: float = 0.0,
        settle: float = 0.1,
        timeout: float = 5.0,
    ) -> None:
        self.file, self.read, self.in_force = file, read, ["first"]
        self.file.write_text("first")
        self.registry = CollectorRegistry()
        gauges = Gauge("good", "", registry=self.registry), Gauge("at", "", registry=self.registry)
        source = Source(str(file), self._load)
        source.load()
        options = WatchOptions("config", interval, settle, timeout)
        self.watched = Watched(source, options, *gauges, now=loop_time)
        self.watched.begin()

    @property
    def succeeded(self) -> float | None:
        return self.registry.get_sample_value("good")

    @asynccontextmanager
    async def watching(self) -> AsyncIterator[None]:
        """Look and load meanwhile."""
        task = asyncio.create_task(self.watched.watch(self._apply))
        yield
        await cancel_and_wait([task])

    def _load(self, path: str, see: Callable[[Path], None]) -> str:
        see(self.file)
        try:
            return self.read(self.file) if self.read else str(read_file(self.file, 100), "utf-8")
        except FileNotFoundError as error:
            raise ConfigError([str(error.strerror)]) from None

    async def _apply(self, text: str) -> dict[str, Any]:
        if text == "refused":
            raise ConfigError(["nobody wants it"])
        self.in_force.append(text)
        return {}

    async def problem(self) -> str:
        """What a reload is refused for."""
        with pytest.raises(ConfigError) as caught:
            await self.watched.reload(self._apply)
        assert self.succeeded == 0
        assert self.watched.problems == caught.value.problems
        (problem,) = caught.value.problems
        return problem

    async def becomes(self, text: str) -> None:
        """Wait for a config that is taken up by itself."""
        async with asyncio.timeout(20):
            while self.in_force[-1] != text:  # noqa: ASYNC110  # it is for a thread
                await asyncio.sleep(0.01)
        assert (self.succeeded, self.watched.problems) == (1, ())


def test_a_bug_is_logged_once_and_the_next_change_is_taken_up(tmp_path: Path) -> None:
    def broken(file: Path) -> str:
        return str(1 / (file.read_text() != "bug"))

    async def main() -> list[Any]:
        kept = Text(tmp_path / "c", broken, interval=1.0)
        with structlog.testing.capture_logs() as logs:
            async with kept.watching():
                kept.file.write_text("bug")
                await asyncio.sleep(100)
                assert kept.succeeded == 0
                kept.file.write_text("good")
                await kept.becomes("1.0")
        return logs

    assert [entry["event"] for entry in run_virtual(main())] == [
        "unexpected error in a reload",
        "config not reloaded",
        "config reloaded",
    ]


@pytest.mark.parametrize("interval", [0.0, 1.0, 86400.0])
def test_what_cannot_be_read_for_a_while_is_read_by_itself_and_not_logged_all_the_time(
    tmp_path: Path, interval: float
) -> None:
    async def main() -> list[Any]:
        kept = Text(tmp_path / "c", interval=interval)
        kept.file.write_text("second")
        with structlog.testing.capture_logs() as logs:
            with no_descriptors():
                problem = await kept.problem()
                assert problem == f"{kept.file}: it, or a file it names, cannot be read: Too many open files"
                async with kept.watching():
                    await asyncio.sleep(10 * QUIET)
                assert (kept.succeeded, kept.in_force) == (0, ["first"])
            async with kept.watching():
                await asyncio.sleep(RETRY_AFTER + 1)
                await kept.becomes("second")
        return logs

    *refused, reloaded = run_virtual(main())
    assert {entry["event"] for entry in refused} == {"config not reloaded"}
    assert all(entry["retried"] for entry in refused)
    assert 5 <= len(refused) <= 11
    assert reloaded["event"] == "config reloaded"


async def test_a_read_that_takes_too_long_is_given_up_and_tried_again(tmp_path: Path) -> None:
    """What it finds when it ends at last is not taken for what the file is then."""
    answers, reads = threading.Event(), list[str]()

    def slow(file: Path) -> str:
        reads.append(file.read_text())
        answers.wait(10)
        return reads[-1]

    kept = Text(tmp_path / "c", interval=0.05, settle=0.01, timeout=0.1)
    kept.read = slow
    kept.file.write_text("second")
    assert (await kept.problem()).endswith("it, or a file it names, cannot be read to its end")
    assert (await kept.problem()).endswith("cannot be read to its end"), "it has not ended yet"
    answers.set()
    async with kept.watching():
        await kept.becomes("second")
    assert reads[:2] == ["second", "second"]


def test_what_is_refused_when_it_is_to_be_put_in_force_is_not_tried_again(tmp_path: Path) -> None:
    async def main() -> list[Any]:
        kept = Text(tmp_path / "c", interval=1.0)
        kept.file.write_text("refused")
        with structlog.testing.capture_logs() as logs:
            async with kept.watching():
                await asyncio.sleep(100)
        assert kept.in_force == ["first"]
        return logs

    (entry,) = run_virtual(main())
    assert (entry["event"], entry["problem"], entry["retried"]) == ("config not reloaded", "nobody wants it", False)


def test_a_file_is_read_when_whoever_writes_it_has_finished(tmp_path: Path) -> None:
    async def main() -> None:
        kept = Text(tmp_path / "c", interval=0.05)
        async with kept.watching():
            with kept.file.open("w") as stream:
                for letter in "writing":
                    stream.write(letter)
                    stream.flush()
                    await asyncio.sleep(0.09)
            await asyncio.sleep(1)
        assert kept.in_force == ["first", "writing"]

    run_virtual(main())


async def test_a_thread_that_cannot_be_had_is_no_thread_under_way() -> None:
    usual = threading.stack_size(1 << 46)  # no machine has so much
    try:
        with pytest.raises(OSError, match="can't start new thread"):
            await run_offloaded(divmod, 7, 2, timeout=1.0)
    finally:
        threading.stack_size(usual)
    assert await run_offloaded(divmod, 7, 2, timeout=1.0) == (3, 1)
