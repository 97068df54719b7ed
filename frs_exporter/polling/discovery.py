"""A task per discovery rule: look for projects, keep the newest good list, wait."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterable, Mapping

import structlog

from frs_exporter.cloud.client import Client
from frs_exporter.cloud.projects import NOTHING, list_projects
from frs_exporter.core.discovery import Discovery, Listing
from frs_exporter.core.errors import ApiError, ConfigError, Failure, Reason
from frs_exporter.core.explanations import advice
from frs_exporter.core.schedule import next_delay
from frs_exporter.exposition.telemetry import Telemetry
from frs_exporter.polling.plan import Names
from frs_exporter.runtime.tasks import cancel_and_wait, interrupt
from frs_exporter.status.snapshot import RuleSnapshot

FIRST_RETRY_INTERVAL = 60.0
"""A rule that fails is tried again as a job of this poll interval would be: until then its projects are not watched."""

log = structlog.get_logger()


class Discoverer:
    """Looks for the projects of each rule for ever; `changed` is awaited when there is something new in `lists`."""

    def __init__(
        self,
        client: Client,
        telemetry: Telemetry,
        changed: Callable[[], Awaitable[None]],
        now: Callable[[], float],
        rng: random.Random,
    ) -> None:
        self.lists: dict[str, Listing] = {}
        self.untried: set[str] = set()
        self.failing: dict[str, tuple[Failure, float]] = {}
        """The rules whose newest look has failed: why, and since when, in Unix seconds."""
        self._client = client
        self._telemetry = telemetry
        self._changed = changed
        self._now = now
        self._rng = rng
        self._rules: dict[str, Discovery] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def reconcile(self, rules: Iterable[Discovery]) -> None:
        """Look by these rules from now on; one that asks as before keeps its task, one of the same user its list."""
        wanted = {rule.name: rule for rule in rules}
        for name in self._rules.keys() - wanted.keys():
            interrupt(self._tasks.pop(name))
            self.lists.pop(name, None)
            self.untried.discard(name)
            self.failing.pop(name, None)
            self._telemetry.forget_rule(name)
        for name, rule in wanted.items():
            before = self._rules.get(name)
            if before and (before.access, before.refresh_interval) == (rule.access, rule.refresh_interval):
                continue
            if before:
                interrupt(self._tasks[name])
            if before is None or not before.template.same_subject(rule.template):
                self.lists.pop(name, None)
                self.untried.add(name)
                self.failing.pop(name, None)
                self._telemetry.discovery_success.labels(name).set(0)
            self._tasks[name] = asyncio.create_task(self._run(name), name=f"discover {name}")
        self._rules = wanted

    def kept_lists(self, rules: Iterable[Discovery]) -> dict[str, Listing]:
        """The lists that were there, by the rule's name, if these were the rules: those of the same user."""
        known = {rule.name: rule for rule in rules if rule.name in self.lists}
        return {
            name: self.lists[name]
            for name, rule in known.items()
            if self._rules[name].template.same_subject(rule.template)
        }

    def rules(self, found: Mapping[str, Names]) -> list[RuleSnapshot]:
        """How each rule is; `found` is what the newest plan made of their lists."""
        known = {name: self.failing.get(name, (None, None)) for name in self._rules}
        return [
            RuleSnapshot(name, name not in self.untried, failure, since, found.get(name, Names()).unwatched)
            for name, (failure, since) in known.items()
        ]

    async def stop(self) -> None:
        """Stop every task; returns when all have ended."""
        await cancel_and_wait(self._tasks.values())

    async def _run(self, name: str) -> None:
        failures, reason = 0, ""
        while True:
            rule, retry_after = self._rules[name], None
            try:
                before = self.lists.get(name)
                self.lists[name] = await list_projects(self._client, rule, before or NOTHING)
                if failures or self.lists[name] != before:
                    await self._changed()
                failures, reason = 0, self._succeeded(name, reason)
            except ApiError as error:
                failures, reason = failures + 1, self._failed(name, error.failure, reason)
                retry_after = error.failure.retry_after
            except ConfigError:
                return  # the exporter is stopping
            except Exception:
                failures += 1
                log.exception("unexpected error in discovery", discovery=name)
                self._fails(name, Failure(Reason.INTERNAL, "unexpected error in discovery"))
            self.untried.discard(name)
            interval = min(rule.refresh_interval, FIRST_RETRY_INTERVAL) if failures else rule.refresh_interval
            await asyncio.sleep(next_delay(interval, failures, retry_after, self._rng.uniform))

    def _succeeded(self, name: str, reason: str) -> str:
        self.failing.pop(name, None)
        self._telemetry.discovery_success.labels(name).set(1)
        self._telemetry.discovery_time.labels(name).set(self._now())
        if reason:
            log.info("discovery works again", discovery=name)
        return ""

    def _fails(self, name: str, failure: Failure) -> None:
        _, since = self.failing.get(name, (failure, self._now()))
        self.failing[name] = failure, since
        self._telemetry.discovery_success.labels(name).set(0)

    def _failed(self, name: str, failure: Failure, reason: str) -> str:
        self._fails(name, failure)
        if reason != failure.reason:
            details = {**failure.log_fields(), "advice": advice(failure)}
            kept = len(self.lists.get(name, NOTHING).projects)
            log.warning("discovery failed", discovery=name, **details, kept_projects=kept)
        return failure.reason
