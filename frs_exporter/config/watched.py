"""A config that is loaded again, when told to or when its files have changed; what cannot be used changes nothing."""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Mapping
from contextvars import Context
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import structlog
from prometheus_client import Gauge

from frs_exporter.config.source import Source, is_incomplete
from frs_exporter.core.errors import ConfigError
from frs_exporter.runtime.files import reason_of
from frs_exporter.runtime.offload import run_offloaded
from frs_exporter.runtime.tasks import cancel_and_wait

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
class WatchOptions:
    """What a config is called in the log, and its times in seconds.

    `settle` goes by between seeing that a file has changed and reading it, as whoever writes may not have finished;
    reading that takes longer than `timeout` is given up.
    """

    name: str
    settle: float
    timeout: float


class Watched(Generic[T]):
    """Loads a config off the event loop, one at a time, and applies what is good; `succeeded` and `loaded_at` show it.

    What was not read to its end, for a reason that passes, is tried again by itself.
    """

    def __init__(
        self,
        source: Source[T],
        apply: Apply[T],
        options: WatchOptions,
        succeeded: Gauge,
        loaded_at: Gauge,
        *,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._source = source
        self._apply = apply
        self._options = options
        self._succeeded = succeeded
        self._loaded_at = loaded_at
        self._now = now
        self._lock = asyncio.Lock()
        self._looking = asyncio.Lock()
        self._next: asyncio.Task[None] | None = None
        self._under_way: set[asyncio.Task[None]] = set()
        self._watching: asyncio.Task[None] | None = None
        self._interval = 0.0
        self._stopping = False
        self._incomplete = asyncio.Event()
        self._logged_at = -QUIET
        self.loaded = now()
        """When the config in use was loaded, in Unix seconds."""
        self.problems: tuple[str, ...] = ()
        """What is wrong with the newest config, empty where that is the one in use."""
        self.next_look: float | None = None
        """When files are looked at next, by the loop's clock; None for never."""

    def start(self, interval: float) -> None:
        """The config in use was loaded just now; look for changes every `interval` seconds, with 0 never."""
        self._in_force()
        self._interval = interval
        self._watching = asyncio.create_task(self._watch(), name=f"watch {self._options.name}")

    async def reload(self) -> None:
        """Load and apply; whoever comes before the loading begins shares it. Raises ConfigError."""
        if self._stopping:
            raise ConfigError(["the exporter is stopping"])
        if self._next is None:
            # Not in the context of whoever asks: it starts tasks that outlive them.
            self._next = asyncio.create_task(self._reload(), name=f"reload {self._options.name}", context=Context())
            self._under_way.add(self._next)
            self._next.add_done_callback(self._ended)
        await asyncio.shield(self._next)

    async def look(self) -> None:
        """Reload if a file has changed, where such are looked for, or could not be read.

        What comes of it the log and the metrics tell.
        """
        if not (self._interval or self._incomplete.is_set()):
            return
        try:
            async with self._looking:  # a second look at the same time would be taken for one that hangs
                changed = await run_offloaded(self._source.changed, timeout=LONGEST_LOOK)
                if changed:
                    await self._settled()
            if changed:
                await self.reload()
        except ConfigError:
            pass
        except Exception as error:
            self._refused(error)

    async def stop(self) -> None:
        """Give up a reload that is under way, and begin none any more."""
        self._stopping = True
        await cancel_and_wait([*self._under_way, *([self._watching] if self._watching else [])])

    async def _watch(self) -> None:
        """Look for ever, and soon where something could not be read."""
        clock = asyncio.get_running_loop().time
        while True:
            self.next_look = clock() + self._interval if self._interval else None
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout_at(self.next_look):
                    await self._incomplete.wait()
                    await asyncio.sleep(RETRY_AFTER)
            await self.look()

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._under_way.discard(task)
        if not task.cancelled():
            task.exception()  # has been told by now, and nobody else may have been waiting

    async def _settled(self) -> None:
        """Wait until files stay as they are."""
        before = None
        for _ in range(MAX_SETTLES):
            files = await run_offloaded(self._source.look, timeout=LONGEST_LOOK)
            if files == before:
                break
            before = files
            await asyncio.sleep(self._options.settle)

    async def _reload(self) -> None:
        async with self._lock:
            self._next = None
            try:
                attempt = await run_offloaded(self._source.attempt, timeout=self._options.timeout)
                about = await self._apply(self._source.accept(attempt))
            except Exception as error:
                raise self._refused(error) from None
            self._incomplete.clear()
            self._in_force()
            log.info(f"{self._options.name} reloaded", file=self._source.path, **about)

    def _in_force(self) -> None:
        self.loaded, self.problems = self._now(), ()
        self._succeeded.set(1)
        self._loaded_at.set(self.loaded)

    def _refused(self, error: Exception) -> ConfigError:
        """Tell why the newest config is not in force, which the one before is; it is tried again if that may help."""
        again = is_incomplete(error)
        self._source.incomplete = again
        (self._incomplete.set if again else self._incomplete.clear)()
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
