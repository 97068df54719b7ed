"""What a shard is to do: no project twice, none forgotten, as evenly as may be, and no more than the vendor grants."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from frs_exporter.config.load import Config
from frs_exporter.core.credentials import TokenCredential
from frs_exporter.core.discovery import Discovery, Listed, Listing
from frs_exporter.core.model import Api, Display, Limit, Target
from frs_exporter.core.schedule import Shard, jump_hash, stable_hash
from frs_exporter.polling.plan import plan
from tests.conftest import account, credential_of, target_of

OWNER = account("ak_sk", "p")
BASE = target_of(OWNER, OWNER.projects[0], "http://{region}.example")
LIMITS = {api: Limit(6.0, 6) for api in Api}


def target(name: str) -> Target:
    return replace(BASE, project=name, project_id=f"{stable_hash(name):032x}")


def config(names: list[str], found: list[str] | None = None) -> tuple[Config, dict[str, Listing]]:
    """A config that lists some projects, and finds others."""
    rule = Discovery(name="rule", template=BASE)
    listed = tuple(Listed(f"{stable_hash(name):032x}", name, "cn-north-4", False) for name in found or ())
    return Config(tuple(map(target, names)), LIMITS, (rule,)), {"rule": Listing(listed)}


TEXT = st.text(st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp")), min_size=1, max_size=12)
NAMES = st.lists(TEXT, unique=True, max_size=60)


@settings(max_examples=150)
@given(NAMES, NAMES, st.integers(1, 40))
@pytest.mark.uncounted
def test_the_shards_projects_are_those_of_the_whole_and_nobody_has_one_twice(
    names: list[str], found: list[str], total: int
) -> None:
    whole = {job.key for job in plan(*config(names, found), Shard()).jobs}
    parts = [[job.key for job in plan(*config(names, found), Shard(index, total)).jobs] for index in range(total)]
    assert sorted(key for part in parts for key in part) == sorted(whole)
    assert {project for project, _ in whole} == {*names, *found}


@pytest.mark.parametrize("total", [2, 3, 4, 5, 8, 10])
@pytest.mark.parametrize("pattern", ["project-{:05}", "cn-north-4_{}", "{}", "客流/{}"])
@pytest.mark.uncounted
def test_shards_are_within_a_tenth_of_even_at_ten_thousand(total: int, pattern: str) -> None:
    shards = [Shard(index, total) for index in range(total)]
    sizes = [sum(shard.owns(pattern.format(n)) for n in range(10_000)) for shard in shards]
    assert sum(sizes) == 10_000
    assert all(abs(size * total / 10_000 - 1) <= 0.1 for size in sizes), sizes


def test_a_job_that_is_equal_to_one_before_is_that_one() -> None:
    """Thousands of equal ones would have to be compared on the loop, and looked at by each garbage collection."""
    before = plan(*config(["a", "b"], ["c"]), Shard()).jobs
    (a, *others), listed = config(["a", "b"], ["c"])[0].targets, config([], ["c"])[1]
    changed = Config(
        (replace(a, display=Display(labels=(("team", "x"),))), *others), LIMITS, config([], ["c"])[0].discovery
    )
    first, *unchanged = plan(changed, listed, Shard(), before).jobs
    assert first.target.display.labels == (("team", "x"),)
    assert [id(job) for job in unchanged] == [id(job) for job in before[1:]]


def test_one_shard_more_moves_only_what_becomes_its_own() -> None:
    for total in range(1, 12):
        for name in map(str, range(500)):
            key = stable_hash(name)
            before, after = jump_hash(key, total), jump_hash(key, total + 1)
            assert after in (before, total)


def test_a_rule_finds_no_more_than_it_may_and_says_so() -> None:
    """The first by their names are watched, in whatever order they are listed; by all shards together."""
    whole, lists = config([], [f"p{number}" for number in range(9)])
    (rule,) = whole.discovery
    limited = replace(whole, discovery=(replace(rule, max_projects=3),))
    for listed in (lists[rule.name].projects, lists[rule.name].projects[::-1]):
        made = plan(limited, {rule.name: Listing(listed)}, Shard(0, 1))
        assert [job.target.project for job in made.jobs] == ["p0", "p1", "p2"]
        found = made.found[rule.name]
        assert (found.meant, len(found.watched), found.over_limit) == (9, 3, 6)
        (notice,) = made.notices
        assert notice.serious
        assert notice.text.startswith(
            f"discovery {rule.name}: 6 projects are found but not watched, as max_projects is 3;"
        )
    (notice,) = plan(replace(whole, discovery=(replace(rule, max_projects=8),)), lists, Shard(0, 1)).notices
    assert ": 1 project is found but not watched, as max_projects is 8;" in notice.text
    enough = replace(whole, discovery=(replace(rule, max_projects=9),))
    assert plan(enough, lists, Shard(0, 1)).notices == ()
    assert rule.max_projects == 10_000


def test_of_a_cut_list_at_least_so_many_are_not_watched() -> None:
    whole, lists = config([], [f"p{number}" for number in range(9)])
    (rule,) = whole.discovery
    cut = {rule.name: Listing(lists[rule.name].projects, cut=True)}
    made = plan(replace(whole, discovery=(replace(rule, max_projects=3),)), cut, Shard(0, 1))
    assert (made.found[rule.name].meant, made.found[rule.name].over_limit, len(made.jobs)) == (10, 7, 3)
    (notice,) = made.notices
    assert ": at least 7 projects are found but not watched, as max_projects is 3; raise it," in notice.text
    made = plan(replace(whole, discovery=(replace(rule, include="p1"),)), cut, Shard(0, 1))
    assert (made.found[rule.name].meant, made.found[rule.name].over_limit, len(made.jobs)) == (2, 1, 1)
    (notice,) = made.notices
    assert notice.serious
    assert notice.text == (
        f"discovery {rule.name}: at least 1 project is found but not watched, as IAM lists more projects than are read;"
        " put those that you want under projects"
    )


def test_a_hash_is_the_same_for_ever() -> None:
    """Another one would move every project to another shard at an upgrade."""
    assert stable_hash("vision-prod") == 5943358080762730360
    assert [jump_hash(stable_hash(f"project-{n}"), 7) for n in range(12)] == [6, 1, 6, 6, 2, 0, 4, 0, 5, 3, 2, 6]


def test_shards_share_what_the_vendor_grants_a_user_but_not_their_own_machines_service() -> None:
    limits = plan(*config(["a"]), Shard(0, 3)).limits
    assert limits[Api.FRS] == Limit(2.0, 2)
    assert limits[Api.ECS] == Limit(6.0, 6)
    assert plan(*config(["a"]), Shard(0, 10)).limits[Api.IAM] == Limit(0.6, 1)


def test_shards_that_could_lock_a_credential_together_are_warned_about() -> None:
    def told(total: int, kind: str) -> list[str]:
        made, listed = config(["a"])
        credential = credential_of(account(kind, "p"))
        asking = replace(made, targets=(replace(made.targets[0], credential=credential),), discovery=())
        notices = plan(asking, listed, Shard(0, total)).notices + plan(asking, listed, Shard(1, total)).notices
        return [notice.text for notice in notices if "lock it" in notice.text]

    assert isinstance(credential_of(account("token", "p")), TokenCredential)
    assert (told(2, "token"), told(4, "ak_sk")) == ([], [])
    assert told(3, "token")[0].startswith("credential token-account: each of 3 shards tries it by itself")
    assert told(5, "ak_sk")


def test_the_projects_of_a_region_share_its_endpoints() -> None:
    """They are compared, kept and looked through for each way to the cloud, which thousands of equal ones are not."""
    wanted = plan(*config([], ["a", "b", "c"]), Shard())
    assert {job.target.endpoints[Api.FRS] for job in wanted.jobs} == {"http://cn-north-4.example"}
    assert len({id(job.target.endpoints) for job in wanted.jobs}) == 1
