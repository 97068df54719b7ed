"""What is to be done: a config, what discovery found, and the shard become jobs, accesses and limits (pure)."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from frs_exporter.config.load import Config
from frs_exporter.core.counting import counted
from frs_exporter.core.credentials import AssumedAgency, user_of
from frs_exporter.core.discovery import Discovery, Listing
from frs_exporter.core.model import KEY_SERVICES, Api, Job, Limit, Notice, RequestScope, Target
from frs_exporter.core.schedule import Shard
from frs_exporter.polling.capacity import overloads
from frs_exporter.status.snapshot import Unwatched

Found = Mapping[str, Listing]
"""The newest list of each rule, by the rule's name."""

PASSWORD_SHARDS = 2
KEY_SHARDS = 4
"""So many shards may each try a wrong secret once without locking it, however an account is set."""


@dataclass(frozen=True, slots=True)
class Names:
    """What a rule has found, other shards' included: how many it means, which are new, and which have a taken name.

    Of those that it means so many are `over_limit`, and not watched; where the list is `cut`, at least so many, as all
    that was not read counts as one.
    """

    meant: int = 0
    watched: frozenset[str] = frozenset()
    skipped: frozenset[str] = frozenset()
    over_limit: int = 0
    cut: bool = False

    @property
    def unwatched(self) -> Unwatched:
        """What people are told of those that are not watched."""
        return Unwatched(self.skipped, self.over_limit, self.cut)


@dataclass(frozen=True, slots=True)
class Plan:
    """All that a shard is to do, and by rule what was found; a rule that has never found anything is not in it."""

    jobs: tuple[Job, ...]
    accesses: tuple[RequestScope, ...]
    limits: Mapping[Api, Limit]
    notices: tuple[Notice, ...]
    found: Mapping[str, Names] = field(default_factory=dict)


def plan(config: Config, lists: Found, shard: Shard, before: Iterable[Job] = ()) -> Plan:
    """What a shard is to do; a job that is equal to one of `before` is that one, so that nothing new is kept for it."""
    targets = {target.project: target for target in config.targets}
    known = {user_project(target) for target in config.targets}
    found = {}
    for rule in (rule for rule in config.discovery if rule.name in lists):
        cut = lists[rule.name].cut
        meant, beyond = rule.meant(lists[rule.name].projects)
        over_limit = beyond + cut
        new = [target for target in rule.targets(meant) if user_project(target) not in known]
        taken = {target.project for target in new if targets.setdefault(target.project, target) is not target}
        own_names = {target.project for target in new} - taken
        known.update(user_project(target) for target in new if target.project in own_names)
        found[rule.name] = Names(len(meant) + over_limit, frozenset(own_names), frozenset(taken), over_limit, cut)
    own = [target for target in targets.values() if shard.owns(target.project)]
    old = {job.key: job for job in before}
    wanted = (Job(target, collector) for target in own for collector in target.display.collectors)
    jobs = tuple(same if (same := old.get(job.key)) == job else job for job in wanted)
    limits = {api: limit if api in KEY_SERVICES else limit.divided(shard.total) for api, limit in config.limits.items()}
    return Plan(
        jobs=jobs,
        accesses=(*own, *(rule.access for rule in config.discovery)),
        limits=limits,
        notices=(
            *config.notices,
            *overloads(jobs, limits),
            *many_shards(own, config.discovery, shard),
            *over_limits(config.discovery, found),
        ),
        found=found,
    )


def user_project(target: Target) -> tuple[str, ...]:
    """What is watched once: a project, as one user sees it, as what is subscribed is a user's own."""
    return target.region, target.project_id, *user_of(target.credential)


def over_limits(rules: tuple[Discovery, ...], found: Mapping[str, Names]) -> Iterator[Notice]:
    """A notice for each rule that means more projects than are watched."""
    for rule in rules:
        names = found.get(rule.name, Names())
        if over_limit := names.over_limit:
            some = f"{counted(over_limit, 'project')} {'is' if over_limit == 1 else 'are'}"
            some = f"at least {some}" if names.cut else some
            beyond = (
                f"discovery {rule.name}: {some} found but not watched, as max_projects is {rule.max_projects}; raise"
                " it, or mean fewer with regions, include or exclude"
            )
            unread = (
                f"discovery {rule.name}: {some} found but not watched, as IAM lists more projects than are read; put"
                " those that you want under projects"
            )
            yield Notice(beyond if over_limit > names.cut else unread, serious=True)


def many_shards(own: list[Target], rules: tuple[Discovery, ...], shard: Shard) -> Iterator[Notice]:
    """A notice for each credential that so many shards could lock, as each tries it by itself."""
    used = {target.credential for target in (*own, *(rule.template for rule in rules))}
    credentials = {known.base if isinstance(known, AssumedAgency) else known for known in used}
    for credential in sorted(credentials, key=lambda credential: credential.name):
        if shard.total > (PASSWORD_SHARDS if credential.kind == "token" else KEY_SHARDS):
            text = (
                f"credential {credential.name}: each of {shard.total} shards tries it by itself: should it be wrong one"
            )
            yield Notice(f"{text} day, they can lock it together; fewer shards per credential cannot")
