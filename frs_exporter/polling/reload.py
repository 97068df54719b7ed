"""The config is loaded again: when told to, when a file has changed, when a secret was refused; one at a time."""

import asyncio
from collections.abc import Awaitable, Callable
from contextvars import Context

import structlog

from frs_exporter.background import in_background
from frs_exporter.config.load import Config
from frs_exporter.config.source import Source
from frs_exporter.errors import ConfigError
from frs_exporter.exposition.telemetry import Telemetry

LONGEST_LOAD = 60.0
"""Seconds for reading the config: more means that a file system does not answer."""
LONGEST_LOOK = 10.0
LONGEST_REREAD = 30.0
"""Seconds for which a refused secret waits for what its files may have become."""
SETTLE = 1.0
"""Seconds between seeing that a file has changed and reading it: whoever writes may not have finished."""
MAX_LOGGED = 20
"""Problems of one config that are logged; the answer to `/-/reload` and `--config.check` tell all."""

log = structlog.get_logger()


class Reloader:
    """Loads off the event loop, and applies what is good, which tells how many jobs it makes."""

    def __init__(
        self,
        source: Source[Config],
        apply: Callable[[Config], Awaitable[int]],
        lock: asyncio.Lock,
        telemetry: Telemetry,
        now: Callable[[], float],
    ) -> None:
        self._source = source
        self._apply = apply
        self._lock = lock
        self._telemetry = telemetry
        self._now = now
        self._next: asyncio.Task[None] | None = None
        self._under_way: set[asyncio.Task[None]] = set()
        self._stopping = False
        self.loaded = now()
        """When the config in use was loaded, in Unix seconds."""
        self.problems: tuple[str, ...] = ()
        """What is wrong with the newest config, empty where that is the one in use."""
        self.next_look: float | None = None
        """When files are looked at next, by the loop's clock; None for never."""

    async def reload(self) -> None:
        """Load and apply; whoever comes before the loading begins shares it. Raises ConfigError."""
        if self._stopping:
            raise ConfigError(["the exporter is stopping"])
        if self._next is None:
            # Not in the context of whoever asks: it starts tasks that outlive them.
            self._next = asyncio.create_task(self._reload(), name="reload", context=Context())
            self._under_way.add(self._next)
            self._next.add_done_callback(self._ended)
        await asyncio.shield(self._next)

    async def reread(self) -> None:
        """Reload if a file has changed; what comes of it the log and the metrics tell."""
        try:
            async with asyncio.timeout(LONGEST_REREAD):
                if await in_background(self._source.changed, within=LONGEST_LOOK):
                    await asyncio.sleep(SETTLE)
                    await self.reload()
        except (ConfigError, TimeoutError):
            pass
        except Exception:
            log.exception("unexpected error while looking for changed files")

    async def watch(self, interval: float) -> None:
        """Look for changes for ever, every `interval` seconds."""
        while True:
            self.next_look = asyncio.get_running_loop().time() + interval
            await asyncio.sleep(interval)
            await self.reread()

    async def stop(self) -> None:
        """Give up a reload that is under way, and begin none any more."""
        self._stopping = True
        for task in (under_way := list(self._under_way)):
            task.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._under_way.discard(task)
        if not task.cancelled():
            task.exception()  # has been told by now, and nobody else may have been waiting

    async def _reload(self) -> None:
        async with self._lock:
            self._next = None
            try:
                config = await in_background(self._source.load, within=LONGEST_LOAD)
                jobs = await self._apply(config)
            except ConfigError as error:
                raise self._refused(*error.problems) from None
            except TimeoutError:
                raise self._refused(f"{self._source.path}: it, or a file it names, cannot be read to its end") from None
            except Exception as error:
                log.exception("unexpected error in a reload")
                raise self._refused(f"unexpected {type(error).__name__}; the log has the traceback") from None
            self.in_force()
            log.info("config reloaded", file=self._source.path, jobs=jobs)

    def in_force(self) -> None:
        """The config in use was loaded just now."""
        self.loaded, self.problems = self._now(), ()
        self._telemetry.config_loaded(self.loaded)

    def _refused(self, *problems: str) -> ConfigError:
        """Tell why the config is not in force."""
        self.problems = problems
        self._telemetry.config_refused()
        for problem in problems[:MAX_LOGGED]:
            log.error("config not reloaded", problem=problem, problems=len(problems))
        return ConfigError(problems)
