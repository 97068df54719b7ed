"""A config that is loaded again, when told to or when its files have changed; what cannot be used changes nothing."""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

import structlog
from prometheus_client import Gauge

from frs_exporter.core.errors import ConfigError
from frs_exporter.runtime.files import Fingerprint, is_incomplete, reason_of
from frs_exporter.runtime.offload import run_offloaded

RETRY_AFTER = 10.0
"""Seconds until files that could not be read are tried again, however seldom they are looked at."""
LONGEST_LOOK = 10.0
"""Seconds for looking whether files have changed."""
MAX_SETTLES = 10
"""So many times files are waited for that change all the time."""
QUIET = 60.0
"""Seconds in which what was logged about an attempt is not logged again for the next one like it."""
MAX_LOGGED = 20
"""Problems of one config that are logged; the answer to `/-/reload` and `--config.check` tell all."""

T = TypeVar("T")

Apply = Callable[[T], Awaitable[Mapping[str, Any]]]
"""Puts a config in force and returns what to log about it; raises ConfigError, and all is as it was."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Attempt(Generic[T]):
    """What came of reading a config: itself or an error, and what its files were like just before."""

    config: T | None
    error: Exception | None
    files: Mapping[Path, Fingerprint]


class Source(Protocol[T]):
    """Where a config comes from; all but `accept` may run in a thread that is given up and ends much later."""

    path: str
    incomplete: bool

    def changed(self) -> bool:
        """Whether it is to be read again."""

    def look(self) -> Mapping[Path, Fingerprint]:
        """What its files are like now."""

    def attempt(self) -> Attempt[T]:
        """Read all of it."""

    def accept(self, attempt: Attempt[T]) -> T:
        """The config that was read; raises what kept it from being read."""


@dataclass(frozen=True, slots=True)
class WatchOptions:
    """What a config is called in the log, and its times in seconds.

    It is looked at every `interval`, with 0 only where it could not be read to its end. `settle` goes by between seeing
    that a file has changed and reading it, as whoever writes may not have finished; reading that takes longer than
    `timeout` is given up.
    """

    name: str
    interval: float
    settle: float
    timeout: float


class Watched(Generic[T]):
    """Loads a config off the event loop, and has what is good put in force; `succeeded` and `loaded_at` show it.

    All calls are one task's, one after the other. What was not read to its end, for a reason that passes, is soon to be
    looked at again.
    """

    def __init__(
        self,
        source: Source[T],
        options: WatchOptions,
        succeeded: Gauge,
        loaded_at: Gauge,
        *,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._source = source
        self._options = options
        self._succeeded = succeeded
        self._loaded_at = loaded_at
        self._now = now
        self._logged_at = -QUIET
        self.loaded = now()
        """When the config in use was loaded, in Unix seconds."""
        self.problems: tuple[str, ...] = ()
        """What is wrong with the newest config, empty where that is the one in use."""
        self.next_look: float | None = None
        """When files are to be looked at next, by the loop's clock; None for never."""

    @property
    def due(self) -> bool:
        """Whether the time has come to look at the files."""
        return self.next_look is not None and asyncio.get_running_loop().time() >= self.next_look

    def begin(self) -> None:
        """The config in use was loaded just now."""
        self._in_force()
        self._schedule()

    async def watch(self, apply: Apply[T]) -> None:
        """Look for ever, each time that is due, and put in force what is new."""
        while True:
            await self._sleep()
            with contextlib.suppress(ConfigError):
                if await self.changed():
                    await self.reload(apply)

    async def changed(self) -> bool:
        """Whether to load, as a file has changed, where such are looked for, or could not be read; waits for writers.

        That nobody can tell the log and the metrics tell.
        """
        if not (self._options.interval or self._source.incomplete):
            return False
        try:
            changed = await run_offloaded(self._source.changed, timeout=LONGEST_LOOK)
            if changed:
                await self._settled()
        except Exception as error:
            self._refused(error)
            return False
        finally:
            self._schedule()
        return changed

    async def reload(self, apply: Apply[T]) -> None:
        """Load and apply; raises ConfigError, which the log and the metrics tell of, too."""
        try:
            # The attempt has no name here: an error in it holds this frame.
            accept, timeout = self._source.accept, self._options.timeout
            about = await apply(accept(await run_offloaded(self._source.attempt, timeout=timeout)))
        except Exception as error:
            raise self._refused(error) from None
        finally:
            self._schedule()
        self._in_force()
        log.info(f"{self._options.name} reloaded", file=self._source.path, **about)

    def _schedule(self) -> None:
        """Look again after the interval, and soon where something could not be read."""
        waits = (self._options.interval, RETRY_AFTER if self._source.incomplete else 0.0)
        first = min(filter(None, waits), default=None)
        self.next_look = None if first is None else asyncio.get_running_loop().time() + first

    async def _sleep(self) -> None:
        """Until it is time to look."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout_at(self.next_look):
                await asyncio.Event().wait()

    async def _settled(self) -> None:
        """Wait until files stay as they are."""
        before = None
        for _ in range(MAX_SETTLES):
            files = await run_offloaded(self._source.look, timeout=LONGEST_LOOK)
            if files == before:
                break
            before = files
            await asyncio.sleep(self._options.settle)

    def _in_force(self) -> None:
        self.loaded, self.problems = self._now(), ()
        self._succeeded.set(1)
        self._loaded_at.set(self.loaded)

    def _refused(self, error: Exception) -> ConfigError:
        """Tell why the newest config is not in force, which the one before is; it is tried again if that may help."""
        again = is_incomplete(error)
        self._source.incomplete = again
        self._succeeded.set(0)
        refused = ConfigError(self._problems_of(error), temporary=again)
        clock = asyncio.get_running_loop().time()
        if not again or refused.problems != self.problems or clock >= self._logged_at + QUIET:
            self._logged_at = clock
            for problem in refused.problems[:MAX_LOGGED]:
                event = f"{self._options.name} not reloaded"
                log.error(event, problem=problem, problems=len(refused.problems), retried=again)
        self.problems = refused.problems
        return refused

    def _problems_of(self, error: Exception) -> tuple[str, ...]:
        what = f"{self._source.path}: it, or a file it names, cannot be read"
        match error:
            case ConfigError():
                return error.problems
            case TimeoutError():
                return (f"{what} to its end",)
            case OSError() | MemoryError():
                return (f"{what}: {reason_of(error)}",)
        log.error("unexpected error in a reload", file=self._source.path, exc_info=error)
        return (f"unexpected {type(error).__name__}; the log has the traceback",)
