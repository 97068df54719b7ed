"""Discovery: what IAM lists becomes projects that are polled, and a list that cannot be had changes nothing."""

import asyncio
import copy
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import structlog

from frs_exporter.cloud.bodies import MAX_BODY
from frs_exporter.cloud.projects import MAX_LIST, MAX_PAGES, MAX_PROJECTS, PER_PAGE, list_projects
from frs_exporter.cloud.transport import Response
from frs_exporter.config.load import load
from frs_exporter.core.discovery import Discovery, Listing
from frs_exporter.core.errors import ConfigError
from frs_exporter.core.model import Target
from frs_exporter.core.schedule import Shard
from frs_exporter.exposition.telemetry import Telemetry
from frs_exporter.polling.exporter import Exporter
from frs_exporter.polling.plan import plan
from frs_simulator import Account, Project
from frs_simulator.demo import subscribed
from frs_simulator.faults import HANG, Fault
from frs_simulator.iam import items_of
from frs_simulator.world import digest
from tests.calls import Calls, counting
from tests.conftest import EPOCH, CloudContext, account, run_virtual, virtual_now
from tests.polling.living import POLLS, UP, Given, Living, config_of, living

FOUND = 'frs_exporter_discovery_projects{discovery="%s"}'
REQUESTS = "frs_exporter_api_requests_total"
SUCCESS = 'frs_exporter_discovery_success{discovery="%s"}'
SINCE = 'frs_exporter_discovery_last_success_timestamp_seconds{discovery="%s"}'
SKIPPED = 'frs_exporter_discovery_projects_skipped{discovery="%s"}'
OPEN = subscribed("2024-01-01 00:00:00")


def branch(kind: str, name: str = "branch") -> Account:
    """An account with projects in three regions, one a sub-project, and with some that FRS knows nothing of."""
    projects = [
        Project("north", "cn-north-4", OPEN),
        Project("kiosk", "cn-north-4", OPEN),
        Project("east", "cn-east-3", OPEN),
        Project("odd", "cn-southwest-2", OPEN),
    ]
    for project in projects:
        project.id = digest(name, project.name)
    return Account(name, kind, projects, other_projects=("MOS", "cn-north-9", "eu-west-101"))


def finding(*rules: dict[str, Any], projects: bool = False) -> Callable[[dict[str, Any]], None]:
    """Changes a config so that it finds projects instead of listing them."""

    def change(config: dict[str, Any]) -> None:
        url = config["endpoints"]["frs"]
        config["endpoints"] = {"frs": url + "/{region}", "iam": url + "/{region}", "ces": url + "/{region}"}
        config["discovery"] = list(rules)
        if not projects:
            del config["projects"]

    return change


def projects_of(alive: Living) -> set[str]:
    """The projects on the page."""
    return {name.split('"')[1] for name in alive.shown() if name.startswith("frs_up{")}


@pytest.mark.parametrize("kind", ["token", "ak_sk", "ecs_agency"])
def test_the_projects_of_an_account_are_found_and_polled(tmp_path: Path, kind: str) -> None:
    async def main() -> None:
        owner = branch(kind)
        rule = {"credential": "branch", "labels": {"team": "door"}, "require": ["detect"], "poll_interval": "30s"}
        async with living(tmp_path, owner, config=finding(rule)) as it:
            it.world.machine.account = owner
            await asyncio.sleep(400)
            shown = it.shown()
            assert projects_of(it) == {"cn-north-4", "cn-north-4_kiosk", "cn-east-3"}
            assert {name: shown[UP % name] for name in projects_of(it)} == dict.fromkeys(projects_of(it), 1)
            assert (shown[FOUND % "branch"], shown[SUCCESS % "branch"], shown[SKIPPED % "branch"]) == (3, 1, 0)
            assert EPOCH <= shown[SINCE % "branch"] <= EPOCH + 420
            (info,) = [name for name in shown if name.startswith('frs_project_info{project="cn-east-3"')]
            assert 'region="cn-east-3"' in info
            assert owner.projects[2].id in info
            assert (f'auth="{kind}"' in info, 'team="door"' in info) == (True, True)
            assert shown['frs_subservice_required{project="cn-east-3",subservice="detect"}'] == 1
            assert shown['frs_poll_interval_seconds{project="cn-east-3",collector="subscription"}'] == 30

    run_virtual(main())


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ({"regions": ["cn-east-3"]}, {"cn-east-3"}),
        ({"regions": ["cn-southwest-2", "cn-north-4"]}, {"cn-southwest-2", "cn-north-4", "cn-north-4_kiosk"}),
        ({"sub_projects": False}, {"cn-north-4", "cn-east-3"}),
        ({"include": "cn-north"}, set()),  # anchored: the whole name must match
        ({"include": "cn-north.*"}, {"cn-north-4", "cn-north-4_kiosk"}),
        ({"exclude": "kiosk|.*_k.*"}, {"cn-north-4", "cn-east-3"}),
        ({"exclude": "east"}, {"cn-north-4", "cn-north-4_kiosk", "cn-east-3"}),
        ({"include": ".*4.*", "exclude": "cn-north-4"}, {"cn-north-4_kiosk"}),
        (
            {"name_template": "{credential}/{region}/{project_name}"},
            {"branch/cn-north-4/cn-north-4", "branch/cn-north-4/cn-north-4_kiosk", "branch/cn-east-3/cn-east-3"},
        ),
    ],
)
def test_which_projects_are_meant_and_what_they_are_called(
    tmp_path: Path, rule: dict[str, Any], expected: set[str]
) -> None:
    async def main() -> None:
        async with living(tmp_path, branch("ak_sk"), config=finding({"credential": "branch", **rule})) as it:
            assert projects_of(it) == expected
            assert it.shown()[FOUND % "branch"] == len(expected)

    run_virtual(main())


def test_explicit_projects_win_over_found_ones_by_id_and_by_name(tmp_path: Path) -> None:
    async def main() -> list[Any]:
        owner = branch("ak_sk")

        def change(config: dict[str, Any]) -> None:
            finding({"credential": "branch"}, projects=True)(config)
            east, kiosk = owner.projects[2], owner.projects[1]
            config["projects"] = [
                {"name": "front-door", "project_id": east.id, "region": "cn-east-3", "credential": "branch"},
                {"name": "cn-north-4", "project_id": kiosk.id, "region": "cn-north-4", "credential": "branch"},
            ]

        with structlog.testing.capture_logs() as logs:
            async with living(tmp_path, owner, config=change) as it:
                assert projects_of(it) == {"front-door", "cn-north-4"}
                shown = it.shown()
                assert (shown[FOUND % "branch"], shown[SKIPPED % "branch"]) == (3, 1)
                assert any(owner.projects[1].id in name for name in shown if 'project="cn-north-4"' in name)
        return logs

    told = [
        entry
        for entry in run_virtual(main())
        if "names are taken" in entry["event"] and entry["log_level"] == "warning"
    ]
    assert [(entry["discovery"], entry["projects"]) for entry in told] == [("branch", "cn-north-4")]


def test_a_list_of_several_pages_is_found_whole(tmp_path: Path) -> None:
    async def main() -> None:
        owner = account("ak_sk", *(f"p{n:04}" for n in range(2 * PER_PAGE + 7)))
        rule = {"credential": owner.domain_name, "poll_interval": "1h"}
        async with living(tmp_path, owner, config=finding(rule)) as it:
            assert it.asked("iam") == 4, "the last one says that there are no more"
            assert len(projects_of(it)) == it.shown()[FOUND % owner.domain_name] == 2 * PER_PAGE + 7
            assert "cn-north-4_p1006" in projects_of(it)

    run_virtual(main())


def rule_of(target: Target, **options: Any) -> Discovery:
    """A rule whose projects are asked for as those of a target."""
    return Discovery(name="branch", template=target, **options)


class Pages:
    """A client whose IAM has pages of its own."""

    def __init__(self, pages: Callable[[int], list[int]]) -> None:
        self.pages, self.asked = pages, 0

    async def get(self, _: Any, __: Any, path: str, *, read: Callable[[Response], Any], max_body: int) -> Any:
        self.asked += 1
        match = re.search(r"page=(\d+)&", path)
        assert match
        assert max_body == MAX_LIST
        return answer([{"id": f"{n:032x}", "name": "cn-north-4"} for n in self.pages(int(match[1]))], read)


def answer(projects: list[dict[str, Any]], read: Callable[[Response], Any]) -> Any:
    """What is read of a list."""
    return read(Response(200, {}, json.dumps({"projects": projects}).encode()))


@pytest.mark.parametrize(
    ("pages", "found"),
    [
        (lambda page: list(range(50 * page - 50, min(50 * page, 120))), 120),  # shorter than asked for
        (lambda page: list(range(700)), 700),  # the same again, whatever page is asked for
        (lambda page: list(range(PER_PAGE)) if page == 1 else [], PER_PAGE),
    ],
)
async def test_a_list_ends_where_a_page_brings_nothing_new(
    target: Target, pages: Callable[[int], list[int]], found: int
) -> None:
    client = Pages(pages)
    listing = await list_projects(client, rule_of(target))  # type: ignore[arg-type]
    assert (len(listing.projects), listing.cut) == (found, False)
    assert client.asked <= 4


@pytest.mark.uncounted
@pytest.mark.parametrize(
    ("pages", "found", "cut", "asked"),
    [
        (lambda page: [page], MAX_PAGES, True, MAX_PAGES + 1),
        (lambda page: [page % 150], 150, False, 151),  # it repeats itself: there are no more
        (lambda page: list(range(page * 500, page * 500 + 500)), MAX_PROJECTS, True, MAX_PAGES + 1),
        (lambda page: list(range(page * 500, page * 500 + 500)) if page <= 200 else [], MAX_PROJECTS, False, 201),
        (lambda page: list(range(page * 30_000, page * 30_000 + 30_000)), 120_000, True, 5),
    ],
    ids=["one a page, for ever", "round and round", "for ever", "just as many as are read", "pages longer than wanted"],
)
async def test_a_list_without_end_is_cut(
    target: Target, pages: Callable[[int], list[int]], found: int, cut: bool, asked: int
) -> None:
    client = Pages(pages)
    listing = await list_projects(client, rule_of(target))  # type: ignore[arg-type]
    assert (len(listing.projects), listing.cut, client.asked) == (found, cut, asked)


async def test_of_a_cut_list_what_was_watched_stays_until_it_is_known_to_be_gone(target: Target) -> None:
    """IAM may list in another order each time: what is not read now may be there still."""
    order = list(range(MAX_PAGES + 50))
    disabled: set[int] = set()

    class Shuffled(Pages):
        async def get(self, *_: Any, read: Callable[[Response], Any], **__: Any) -> Any:
            self.asked += 1
            some = order[self.asked - 1 : self.asked]
            parent: dict[str, Any] = {"parent_id": "e" * 32}
            return answer(
                [
                    {"id": f"{n:032x}", "name": f"cn-north-4_{n:03}", "enabled": n not in disabled, **parent}
                    for n in some
                ],
                read,
            )

    rule, before = rule_of(target, regions=("cn-north-4",), max_projects=5), Listing()

    async def watched() -> tuple[Listing, list[int]]:
        listing = await list_projects(Shuffled(lambda _: []), rule, before)  # type: ignore[arg-type]
        return listing, [int(project.project_id, 16) for project in rule.meant(listing.projects)[0]]

    before, first = await watched()
    assert (first, before.cut) == ([0, 1, 2, 3, 4], True)
    order.reverse()
    before, after = await watched()
    assert after == first, "they are not among the first pages now"
    assert len(before.projects) == MAX_PAGES + 5, "what is kept is bounded"
    disabled.add(3)
    order.insert(0, order.pop(order.index(3)))
    before, after = await watched()
    assert after == [0, 1, 2, 4, 51], "a project that is read as disabled is gone"
    order[:] = [n for n in order if n > 1][:MAX_PAGES]
    before, after = await watched()
    assert before.cut is False
    assert 0 not in after, "a list that is read to its end lacks it"


OVER = 'frs_exporter_discovery_projects_over_limit{discovery="%s"}'


def crowd(kind: str, count: int) -> Account:
    """An account with far more sub-projects than anybody watches."""
    return Account("crowd", kind, [], other_projects=("cn-north-4", *(f"cn-north-4_p{n:05}" for n in range(count))))


@pytest.mark.uncounted
def test_of_a_list_that_is_not_read_to_its_end_the_first_are_watched_and_stay(tmp_path: Path) -> None:
    async def main() -> list[Any]:
        owner = crowd("ak_sk", 420)
        rule = {"credential": "crowd", "max_projects": 20, "poll_interval": "1h", "refresh_interval": "10m"}

        async with CloudContext(owner) as cloud:
            cloud.world.projects_per_page = 2
            it = Living(cloud, tmp_path)
            finding(rule)(it.config)
            it.config["limits"]["iam"] = {"rate": 5, "concurrency": 1}
            await it.start()
            with structlog.testing.capture_logs() as logs:
                await asyncio.sleep(120)
                first, tasks, shown = projects_of(it), it.runners(), it.shown()
                assert first == {"cn-north-4", *(f"cn-north-4_p{n:05}" for n in range(19))}
                read = 2 * MAX_PAGES
                assert it.asked("iam") == MAX_PAGES + 1
                assert (shown[SUCCESS % "crowd"], shown[FOUND % "crowd"]) == (1, read + 1)
                assert shown[OVER % "crowd"] == read + 1 - 20
                owner.other_projects = owner.other_projects[::-1]
                await asyncio.sleep(1300)
                assert it.asked("iam") > 2 * MAX_PAGES
                assert (projects_of(it), it.runners()) == (first, tasks), "they may be there, where nobody reads"
            await it.exporter.stop()
        return logs

    logs = [entry for entry in run_virtual(main()) if entry["log_level"] in ("warning", "error")]
    told = [entry["event"] for entry in logs if entry["event"].startswith("discovery")]
    assert [text for text in told if "at least 381 projects are found but not watched, as max_projects is 20" in text]
    assert not [text for text in told if "failed" in text]


def test_a_token_finds_the_projects_of_a_long_list(tmp_path: Path) -> None:
    """It comes in one answer, however long it is."""

    async def main() -> None:
        owner = crowd("token", 6000)
        assert len(json.dumps(items_of(owner))) > MAX_BODY
        rule = {"credential": "crowd", "max_projects": 20, "poll_interval": "1h"}
        async with living(tmp_path, owner, config=finding(rule)) as it:
            shown = it.shown()
            assert (len(projects_of(it)), shown[SUCCESS % "crowd"]) == (20, 1)
            assert (shown[FOUND % "crowd"], shown[OVER % "crowd"]) == (6001, 5981)

    run_virtual(main())


async def test_what_is_disabled_or_the_account_itself_is_left_out_and_regions_are_those_of_parents(
    target: Target,
) -> None:
    items: list[dict[str, Any]] = [
        {"id": "1" * 32, "name": "cn-north-4", "parent_id": "d"},
        {"id": "2" * 32, "name": "shop", "parent_id": "1" * 32},
        {"id": "3" * 32, "name": "cn-east-3_x", "parent_id": "unknown"},
        {"id": "4" * 32, "name": "cn-south-1", "enabled": False},
        {"id": "5" * 32, "name": "acme", "is_domain": True},
    ]

    class OnePage:
        async def get(self, *_: Any, read: Callable[[Response], Any], **__: Any) -> Any:
            return answer(items, read)

    listing = await list_projects(OnePage(), rule_of(target))  # type: ignore[arg-type]
    assert [(project.name, project.region, project.sub_project) for project in listing.projects] == [
        ("cn-north-4", "cn-north-4", False),
        ("shop", "cn-north-4", True),
        ("cn-east-3_x", "cn-east-3", True),
    ]


def test_what_comes_and_goes_is_followed(tmp_path: Path) -> None:
    async def main() -> None:
        owner = branch("token")
        async with living(tmp_path, owner, config=finding({"credential": "branch", "refresh_interval": "5m"})) as it:
            await asyncio.sleep(60)
            tasks, polls = it.runners(), it.shown()[POLLS % "cn-north-4"]
            owner.projects.append(Project("south", "cn-south-1", OPEN))
            owner.__dict__.pop("by_id", None)
            del owner.projects[2]
            await asyncio.sleep(330)
            assert projects_of(it) == {"cn-north-4", "cn-north-4_kiosk", "cn-south-1"}
            shown = it.shown()
            assert shown[UP % "cn-south-1"] == 1
            assert shown[POLLS % "cn-north-4"] > polls
            assert it.runners()["poll cn-north-4/subscription"] is tasks["poll cn-north-4/subscription"]
            assert not [name for name in shown if "cn-east-3" in name]

    run_virtual(main())


@pytest.mark.uncounted
@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (Fault(status=503, body="{}"), "server"),
        (Fault(status=429, body="{}"), "throttled"),
        (Fault(status=403, body='{"error": {"code": 403, "message": "Policy doesn\'t allow"}}'), "forbidden"),
        (Fault(body="<html>Please log in"), "payload"),
        (Fault(body="[]"), "payload"),
        (Fault(body='{"projects": []}'), "payload"),
        (Fault(body='{"projects": {}}'), "payload"),
        (Fault(body='{"projects": [5]}'), "payload"),
        (Fault(body='{"projects": [{"id": "../x", "name": "cn-north-4"}]}'), "payload"),
        (Fault(body='{"projects": [{"id": "' + "0" * 32 + '", "name": ["cn-north-4"]}]}'), "payload"),
        (Fault(body='{"projects": [{"id": "' + "0" * 32 + '", "name": "cn-north-4\\n# x"}]}'), "payload"),
        (Fault(body='{"projects": [{"id": "' + "0" * 32 + '", "name": "\\ud800"}]}'), "payload"),
        (Fault(body='{"projects": [{"id": "' + "0" * 32 + '", "name": "a\\u202eb"}]}'), "payload"),
        (HANG, "timeout"),
        (Fault(reset=True), "connect"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_look_that_fails_keeps_the_last_good_list(tmp_path: Path, fault: Fault, reason: str) -> None:
    async def main() -> list[Any]:
        owner = branch("ak_sk")
        async with living(tmp_path, owner, config=finding({"credential": "branch", "refresh_interval": "1m"})) as it:
            since, tasks = it.shown()[SINCE % "branch"], it.runners()
            with structlog.testing.capture_logs() as logs:
                it.world.faults.set("iam", fault)
                await asyncio.sleep(1800)
                shown = it.shown()
                assert (shown[SUCCESS % "branch"], shown[FOUND % "branch"]) == (0, 3)
                assert shown[SINCE % "branch"] < since + 120
                assert it.runners() == tasks
                assert shown[UP % "cn-east-3"] == 1
                it.world.faults.set("iam", None)
                await asyncio.sleep(400)
            assert it.shown()[SUCCESS % "branch"] == 1
        return logs

    logs = [entry for entry in run_virtual(main()) if entry["log_level"] != "debug" and "discovery" in entry]
    assert [entry["event"] for entry in logs] == ["discovery failed", "discovery works again"]
    assert (logs[0]["reason"], logs[0]["kept_projects"] > 0) == (reason, True)
    assert logs[0]["advice"]


def test_found_projects_come_though_iam_was_down_at_the_start(tmp_path: Path) -> None:
    async def main() -> None:
        owner = branch("ak_sk")

        def change(config: dict[str, Any]) -> None:
            finding({"credential": "branch"})(config)
            config["endpoints"]["iam"] = "http://127.0.0.1:9"

        async with living(tmp_path, owner, config=change) as it:
            assert projects_of(it) == set()
            assert it.exporter.not_ready() == ""
            assert it.shown()[SUCCESS % "branch"] == 0
            assert SINCE % "branch" not in it.shown()
            good = copy.deepcopy(it.config)
            good["endpoints"]["iam"] = it.cloud.url
            assert await it.reload(good) == ()
            await asyncio.sleep(10)
            assert len(projects_of(it)) == 3

    run_virtual(main())


def test_until_projects_were_looked_for_the_exporter_is_not_ready(tmp_path: Path) -> None:
    async def main() -> None:
        owner = branch("ak_sk")

        def change(config: dict[str, Any]) -> None:
            finding({"credential": "branch"})(config)
            config["defaults"] = {"poll_timeout": "50s"}

        async with living(tmp_path, owner, config=change) as it:
            await it.exporter.stop()
            it.world.faults.set("iam", HANG)
            again = Living(it.cloud, tmp_path)
            change(again.config)
            await again.start()
            await asyncio.sleep(10)
            assert again.exporter.not_ready() == "projects not discovered yet: branch"
            await asyncio.sleep(60)
            assert again.exporter.not_ready() == ""
            await again.exporter.stop()

    run_virtual(main())


def test_a_changed_rule_is_followed_at_once_without_another_look(tmp_path: Path) -> None:
    async def main() -> None:
        async with living(tmp_path, branch("ak_sk"), config=finding({"credential": "branch"})) as it:
            asked, tasks = it.asked("iam"), it.runners()
            other = copy.deepcopy(it.config)
            other["discovery"][0].update(exclude=".*_.*", labels={"team": "new"})
            assert await it.reload(other) == ()
            assert (projects_of(it), it.asked("iam")) == ({"cn-north-4", "cn-east-3"}, asked)
            assert it.runners()["poll cn-east-3/subscription"] is tasks["poll cn-east-3/subscription"]
            assert any('team="new"' in name for name in it.shown())
            del other["discovery"]
            other["projects"] = [{"name": "x", "project_id": "0" * 32, "region": "cn-north-4", "credential": "branch"}]
            assert await it.reload(other) == ()
            assert projects_of(it) == {"x"}
            assert not [name for name in it.shown() if "discovery" in name and "discovery=" in name]

    run_virtual(main())


def test_two_accounts_with_the_same_names_are_told_apart_by_their_template(tmp_path: Path) -> None:
    """Without it which account a name is of would depend on who answered first: such a config is none."""

    async def main() -> None:
        rules: list[dict[str, Any]] = [
            {"credential": name, "name_template": "{credential}:{project_name}"} for name in ("branch", "plant")
        ]
        both = branch("ak_sk"), branch("token", "plant")
        async with living(tmp_path, *both, config=finding(*rules)) as it:
            assert len(projects_of(it)) == 6
            other = copy.deepcopy(it.config)
            for rule in other["discovery"]:
                del rule["name_template"]
            (problem,) = await it.reload(other)
            assert "discovery[1].name_template: the projects would be named as those of discovery[0]" in problem
            assert len(projects_of(it)) == 6

    run_virtual(main())


def test_two_rules_that_mean_the_same_project_watch_it_once(tmp_path: Path) -> None:
    async def main() -> None:
        rules: list[dict[str, Any]] = [
            {"credential": "branch", "include": ".*north.*"},
            {"credential": "branch", "name": "all", "name_template": "all/{project_name}"},
        ]
        async with living(tmp_path, branch("ak_sk"), config=finding(*rules)) as it:
            assert projects_of(it) == {"cn-north-4", "cn-north-4_kiosk", "all/cn-east-3"}
            assert (it.shown()[FOUND % "branch"], it.shown()[FOUND % "all"]) == (2, 3)

    run_virtual(main())


def test_two_users_of_one_project_are_watched_side_by_side(tmp_path: Path) -> None:
    """What is subscribed is each user's own; one is listed, the other one finds the project."""

    async def main() -> None:
        listed, found = account("ak_sk", "shop"), account("token", "shop")
        found.projects[0].answer = subscribed("2024-01-01 00:00:00", off=("search",))
        shared = found.projects[0].id
        assert listed.projects[0].id == shared

        def change(config: dict[str, Any]) -> None:
            finding({"credential": "token-account", "name_template": "{credential}/{project_name}"}, projects=True)(
                config
            )
            config["projects"] = [project for project in config["projects"] if project["credential"] == "ak_sk-account"]

        async with living(tmp_path, listed, found, config=change) as it:
            assert projects_of(it) == {"shop", "token-account/cn-north-4"}
            shown = it.shown()
            for name, credential, auth, search in (
                ("shop", "ak_sk-account", "ak_sk", 1),
                ("token-account/cn-north-4", "token-account", "token", 0),
            ):
                assert shown[f'frs_subscribed{{project="{name}",subservice="search"}}'] == search
                facts = f'project="{name}",project_id="{shared}",region="cn-north-4",credential="{credential}"'
                assert shown[f'frs_project_info{{{facts},auth="{auth}"}}'] == 1

    run_virtual(main())


def test_what_was_found_is_told_once_with_what_came_and_went(tmp_path: Path) -> None:
    async def main() -> list[Any]:
        owner = branch("ak_sk")
        with structlog.testing.capture_logs() as logs:
            async with living(tmp_path, owner, config=finding({"credential": "branch"})) as it:
                await asyncio.sleep(1800)
                owner.projects.append(Project("south", "cn-south-1", OPEN))
                del owner.projects[2]
                await asyncio.sleep(700)
                owner.projects += [Project(f"n{n:02}", "cn-south-1", OPEN) for n in range(20)]
                await asyncio.sleep(700)
                assert it.shown()[FOUND % "branch"] == 23
        return [entry for entry in logs if entry["event"] == "projects found"]

    first, second, third = run_virtual(main())
    assert (first["discovery"], first["projects"]) == ("branch", 3)
    assert first["added"] == "cn-east-3, cn-north-4, cn-north-4_kiosk"
    assert (second["added"], second["gone"], second["projects"]) == ("cn-south-1", "cn-east-3", 3)
    assert third["added"].endswith("cn-south-1_n09 and 10 more")


def test_a_rotated_key_keeps_the_list_and_another_account_does_not(tmp_path: Path) -> None:
    async def main() -> None:
        owner = branch("ak_sk")
        async with living(tmp_path, owner, branch("ak_sk", "plant"), config=finding({"credential": "branch"})) as it:
            it.world.faults.set("iam", Fault(status=503))
            other = copy.deepcopy(it.config)
            owner.other_keys["AKNEW"] = "SKNEW"
            other["credentials"]["branch"]["ak_sk"] = {"access_key": "AKNEW", "secret_key": "SKNEW"}
            assert await it.reload(other) == ()
            await asyncio.sleep(100)
            assert len(projects_of(it)) == 3
            assert it.shown()[SUCCESS % "branch"] == 0
            other["discovery"][0].update(credential="plant", name="branch")
            assert await it.reload(other) == ()
            assert projects_of(it) == set()

    run_virtual(main())


@pytest.mark.uncounted
def test_a_look_that_is_throttled_waits_as_long_as_it_was_told_and_another_failure_at_most_minutes(
    tmp_path: Path,
) -> None:
    async def main() -> None:
        rule = {"credential": "branch", "refresh_interval": "1d"}
        async with living(tmp_path, branch("ak_sk"), config=finding(rule)) as it:
            for fault, least, most in ((Fault(throttle=2000), 1, 1), (Fault(status=503), 7, 60)):
                other = copy.deepcopy(it.config)
                other["discovery"][0]["refresh_interval"] = f"{1000 + least}m"
                it.world.faults.set("iam", fault)
                visits = it.world.watched()
                assert await it.reload(other) == ()
                await asyncio.sleep(1900)
                assert least <= len([visit for visit in visits if visit.api == "iam"]) <= most
                it.world.faults.set("iam", None)
                await asyncio.sleep(4000)
                assert it.shown()[SUCCESS % "branch"] == 1

    run_virtual(main())


def test_a_refused_secret_is_held_for_discovery_too(tmp_path: Path) -> None:
    async def main() -> None:
        owner = branch("token")

        def change(config: dict[str, Any]) -> None:
            finding({"credential": "branch", "refresh_interval": "30s"})(config)
            config["credentials"]["branch"]["token"]["password"] = "wrong"

        async with living(tmp_path, owner, config=change) as it:
            await asyncio.sleep(6 * 3600)
            assert it.shown()['frs_exporter_credential_rejected{credential="branch"}'] == 1
            assert 2 <= it.asked("iam") <= 8
            assert not any(lock.times for lock in it.world.locks.values())

    run_virtual(main())


def test_shards_share_what_is_found(tmp_path: Path) -> None:
    async def main() -> None:
        owner = account("ak_sk", *(f"p{n:03}" for n in range(60)))
        parts: list[set[str]] = []
        for index in range(3):
            rule = {"credential": owner.domain_name}
            folder = tmp_path / str(index)
            folder.mkdir()
            async with living(folder, owner, config=finding(rule), shard=Shard(index, 3)) as it:
                parts.append(projects_of(it))
                assert it.shown()[FOUND % owner.domain_name] == 60
                assert it.shown()[f'frs_exporter_shard_info{{shard="{index}",total_shards="3"}}'] == 1
                assert it.shown()["frs_exporter_shards"] == 3
        assert len(set().union(*parts)) == sum(map(len, parts)) == 60

    run_virtual(main())


def plans(calls: Calls) -> int:
    """How often all that is to be done was worked out."""
    return sum(count for (_, called), count in calls.items() if called is plan.__code__)


def test_a_list_like_the_one_before_costs_no_plan(tmp_path: Path) -> None:
    async def main() -> None:
        rule = {"credential": "branch", "refresh_interval": "30s"}
        async with living(tmp_path, branch("ak_sk"), config=finding(rule)) as it:
            asked = it.asked("iam")
            with counting() as calls:
                await asyncio.sleep(100)
            assert it.asked("iam") >= asked + 3
            assert plans(calls) == 0

    run_virtual(main())


async def test_lists_that_come_while_another_is_put_in_place_are_put_in_place_together(tmp_path: Path) -> None:
    file, telemetry = tmp_path / "config.yaml", Telemetry()
    owners = [branch("ak_sk", f"branch-{number}") for number in range(10)]

    def all_found() -> bool:
        names = [{"discovery": owner.domain_name} for owner in owners]
        return all(telemetry.registry.get_sample_value(SUCCESS.partition("{")[0], name) for name in names)

    async with CloudContext(*owners) as cloud:
        config = config_of(cloud)
        rules = [{"credential": o.domain_name, "name_template": "{credential}/{project_name}"} for o in owners]
        finding(*rules)(config)
        file.write_text(json.dumps(config))
        started, source = load(str(file)), Given(ConfigError(["a config that takes its time, and is wrong"]))
        source.answers.clear()
        exporter = Exporter(source, started, telemetry, now=virtual_now)
        with counting() as calls:
            await exporter.start()
            reload = asyncio.create_task(exporter.reload())
            while not telemetry.registry.get_sample_value(REQUESTS, {"api": "iam"}):  # noqa: ASYNC110
                await asyncio.sleep(0.01)
            await asyncio.sleep(0.1)
            assert not all_found()
            source.answers.set()
            while not all_found():  # noqa: ASYNC110  # they are across a socket
                await asyncio.sleep(0.01)
            with pytest.raises(ConfigError):
                await reload
        assert plans(calls) == 2, "at the start, and for all lists"
        assert len({key[0] for key in exporter.states}) == 3 * len(owners)
        await exporter.stop()
