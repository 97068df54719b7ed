"""Reload: a set difference over values; what is equal stays, what is wrong changes nothing."""

import asyncio
import copy
import os
import random
from pathlib import Path
from typing import Any

import pytest
import structlog

from frs_exporter.config.load import Config, load
from frs_exporter.config.yaml import OnRead
from frs_exporter.core.errors import ConfigError
from frs_exporter.polling.times import USUAL
from frs_exporter.runtime.watched import RETRY_AFTER
from frs_simulator.faults import Fault
from tests.conftest import EPOCH, account, run_virtual, secrets_of
from tests.polling.living import GOOD, LOADED_AT, POLLS, UP, Living, living, replace_file
from tests.starving import no_descriptors


def changed(config: dict[str, Any], project: int = 0, **settings: Any) -> dict[str, Any]:
    """The config with some settings of one project changed."""
    other: dict[str, Any] = copy.deepcopy(config)
    other["projects"][project].update(settings)
    return other


def both() -> tuple[Any, Any]:
    return account("token", "t1", "t2"), account("ak_sk", "k1", "k2")


def test_an_equal_job_keeps_its_task_backoff_samples_and_counters(tmp_path: Path) -> None:
    async def main() -> None:
        async with living(tmp_path, *both()) as it:
            it.world.faults.set("frs", Fault(throttle=3000), it.config["projects"][0]["project_id"])
            await asyncio.sleep(200)
            tasks, states, shown, asked = it.runners(), dict(it.exporter.states), it.shown(), it.asked()
            await asyncio.sleep(0)
            assert await it.reload(it.config) == ()
            assert it.runners() == tasks
            assert it.exporter.states == states
            assert it.asked() == asked
            again = it.shown()
            for name, value in shown.items():
                if name.startswith(("frs_up", "frs_sub", "frs_poll", "frs_last", "frs_max", "frs_project")):
                    assert again[name] == value, name
            await asyncio.sleep(2000)
            assert it.shown()[POLLS % "t1"] == shown[POLLS % "t1"], "Retry-After is still kept to"

    run_virtual(main())


def test_a_changed_label_is_shown_at_once_and_costs_no_poll(tmp_path: Path) -> None:
    async def main() -> None:
        async with living(tmp_path, *both()) as it:
            tasks, asked, before = it.runners(), it.asked(), it.shown()
            other = changed(
                it.config, labels={"team": "vision"}, require=["detect"], month_budget_cny=500, stale_after="1h"
            )
            assert await it.reload(other) == ()
            shown = it.shown()
            assert any(name.startswith("frs_project_info{") and 'team="vision"' in name for name in shown)
            assert shown['frs_subservice_required{project="t1",subservice="detect"}'] == 1
            assert shown['frs_month_budget_cny{project="t1"}'] == 500
            assert (it.runners(), it.asked()) == (tasks, asked)
            assert shown[POLLS % "t1"] == before[POLLS % "t1"]
            await asyncio.sleep(60)
            it.world.faults.set("frs", Fault(status=503))
            await asyncio.sleep(1800)
            assert 'frs_subscribed{project="t1",subservice="detect"}' in it.shown(), "the new stale_after"
            assert 'frs_subscribed{project="t2",subservice="detect"}' not in it.shown()

    run_virtual(main())


def test_a_label_changed_while_a_poll_is_under_way_stays_changed(tmp_path: Path) -> None:
    async def main() -> None:
        async with living(tmp_path, account("ak_sk", "k1")) as it:
            it.world.faults.set("frs", Fault(delay=5.0))
            visits, polls = it.world.watched(), it.shown()[POLLS % "k1"]
            while not visits:  # noqa: ASYNC110  # what is awaited is across a socket
                await asyncio.sleep(0.5)
            assert await it.reload(changed(it.config, labels={"team": "new"})) == ()
            await asyncio.sleep(10)
            shown = it.shown()
            assert shown[POLLS % "k1"] == polls + 1
            assert any('team="new"' in name for name in shown if name.startswith("frs_project_info"))

    run_virtual(main())


def test_a_removed_project_is_off_the_page_at_once_and_an_added_one_on_it(tmp_path: Path) -> None:
    async def main() -> None:
        async with living(tmp_path, *both()) as it:
            other = copy.deepcopy(it.config)
            gone = other["projects"].pop(0)
            other["projects"].append({**gone, "name": "renamed"})
            tasks = it.runners()
            assert await it.reload(other) == ()
            shown = it.shown()
            assert not [name for name in shown if 'project="t1"' in name]
            assert (shown[UP % "renamed"], shown[POLLS % "renamed"]) == (0, 0)
            kept = {name: task for name, task in tasks.items() if name != "poll t1/subscription"}
            assert kept.items() <= it.runners().items()
            assert it.runners().keys() - kept.keys() == {"poll renamed/subscription"}
            await asyncio.sleep(5)
            assert it.shown()[UP % "renamed"] == 1
            assert it.shown()["frs_exporter_jobs"] == 4

    run_virtual(main())


def test_a_changed_credential_authenticates_just_its_projects_anew(tmp_path: Path) -> None:
    async def main() -> None:
        first, second = account("token", "a1", "a2"), account("token", "b1", "b2")
        first.domain_name, second.domain_name = "first", "second"
        async with living(tmp_path, first, second) as it:
            assert it.asked("iam") == 6, "each user's password proves itself, and buys two tokens"
            tasks = it.runners()
            first.password = "Pw-changed-in-iam!"
            it.world.expire_tokens()  # as a changed password does
            it.world.outdated -= {value for value, token in it.world.tokens.items() if token.account is second}
            other = copy.deepcopy(it.config)
            other["credentials"]["first"]["token"]["password"] = first.password
            assert await it.reload(other) == ()
            await asyncio.sleep(5)
            bought = {key[2] for key, count in it.world.requests.items() if key[0] == "iam" and count == 2}
            assert bought == {"", *(project.id for project in first.projects)}
            assert it.asked("iam") == 9
            restarted = {name for name, task in tasks.items() if it.runners()[name] is not task}
            assert restarted == {"poll a1/subscription", "poll a2/subscription"}
            shown = it.shown()
            assert [shown[UP % name] for name in ("a1", "a2", "b1", "b2")] == [1, 1, 1, 1]
            assert shown['frs_poll_failures_total{project="a1",collector="subscription"}'] == 0

    run_virtual(main())


def test_a_hold_ends_when_the_secret_is_corrected_and_its_series_when_it_is_removed(tmp_path: Path) -> None:
    async def main() -> None:
        owner = account("ak_sk", "k1")

        def wrong(config: Any) -> None:
            config["credentials"]["ak_sk-account"]["ak_sk"]["secret_key"] = "wrong"

        rejected = 'frs_exporter_credential_rejected{credential="ak_sk-account"}'
        async with living(tmp_path, owner, config=wrong) as it:
            assert (it.shown()[rejected], it.shown()[UP % "k1"]) == (1, 0)
            good = copy.deepcopy(it.config)
            good["credentials"]["ak_sk-account"]["ak_sk"]["secret_key"] = owner.secret_key
            assert await it.reload(good) == ()
            assert it.shown()[rejected] == 0
            await asyncio.sleep(2)
            assert it.shown()[UP % "k1"] == 1
            good["credentials"]["other"] = good["credentials"].pop("ak_sk-account")
            good["projects"][0]["credential"] = "other"
            assert await it.reload(good) == ()
            shown = it.shown()
            assert rejected not in shown
            assert 'frs_exporter_credential_rejected{credential="other"}' in shown
            assert 'frs_exporter_insecure_skip_verify{credential="ak_sk-account"}' not in shown

    run_virtual(main())


def test_another_project_under_the_same_name_takes_nothing_over(tmp_path: Path) -> None:
    async def main() -> None:
        owner = account("ak_sk", "k1", "k2")
        async with living(tmp_path, owner) as it:
            other = copy.deepcopy(it.config)
            other["projects"].pop(1)
            other["projects"][0]["project_id"] = owner.projects[1].id
            assert await it.reload(other) == ()
            shown = it.shown()
            assert not [name for name in shown if name.startswith("frs_subscribed")]
            assert (shown[UP % "k1"], shown[POLLS % "k1"]) == (0, 0)

    run_virtual(main())


@pytest.mark.parametrize(
    ("broken", "problem"),
    [
        ('{"credentials": {"a": {', "not YAML: "),
        ("", " the file is empty"),
        ("projects: []", "projects: there is nothing to watch"),
        ("credentials: {a: {ak_sk: {access_key: AK, secret_key: !file gone}}}", "cannot read the file gone: No such"),
        (
            "{credentials: {a: {ak_sk: {access_key: AK, secret_key: sk}}}, endpoints: {frs: 'https://face.example'},"
            " discovery: [{credential: a, regions: [cn-north-4, cn-east-3]}]}",
            "discovery[0].regions: several regions, but endpoints.frs is the same for all: put {region} in it",
        ),
        ("credentials: [", "not YAML: "),
        ("\x00", "not YAML: "),
        (None, " cannot read the config file: No such file or directory"),
    ],
)
@pytest.mark.uncounted
def test_a_config_that_cannot_be_used_leaves_all_as_it_was(tmp_path: Path, broken: str | None, problem: str) -> None:
    async def main() -> list[Any]:
        async with living(tmp_path, *both()) as it:
            tasks, states, loaded = it.runners(), dict(it.exporter.states), it.shown()[LOADED_AT]
            with structlog.testing.capture_logs() as logs:
                if broken is None:
                    it.file.unlink()
                    with pytest.raises(Exception, match="cannot read the config file"):
                        await it.exporter.reload()
                else:
                    assert any(problem in told for told in await it.reload(broken))
            assert (it.runners(), it.exporter.states) == (tasks, states)
            assert (it.shown()[GOOD], it.shown()[LOADED_AT]) == (0, loaded)
            assert await it.reload(it.config) == ()
            assert (it.shown()[GOOD], it.shown()[LOADED_AT] >= loaded) == (1, True)
        return logs

    errors = [entry for entry in run_virtual(main()) if entry["log_level"] == "error"]
    assert {entry["event"] for entry in errors} == {"config not reloaded"}
    assert any(problem.strip() in entry["problem"] for entry in errors)


def test_a_file_that_changed_is_seen_within_the_interval_and_only_then_loaded(tmp_path: Path) -> None:
    async def main() -> None:
        async with living(tmp_path, *both(), reread_interval=30.0) as it:
            loaded = it.shown()[LOADED_AT]
            await asyncio.sleep(300)
            assert it.shown()[LOADED_AT] == loaded, "nothing changed, nothing loaded"
            it.write(changed(it.config, labels={"team": "new"}))
            await asyncio.sleep(31 + USUAL.settle)
            assert any('team="new"' in name for name in it.shown())
            assert it.shown()[LOADED_AT] > loaded
            it.write("{")
            with structlog.testing.capture_logs() as logs:
                await asyncio.sleep(300)
            assert it.shown()[GOOD] == 0
            assert len([entry for entry in logs if entry["event"] == "config not reloaded"]) == 1, "told once"
            it.write(it.config)
            await asyncio.sleep(31 + USUAL.settle)
            assert it.shown()[GOOD] == 1

    run_virtual(main())


class Mounted:
    """A secret as Kubernetes mounts it: the file is a link into a folder that is replaced by swapping a link."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.versions = 0
        self.file = folder / "secret"

    def swap(self, text: str) -> None:
        self.versions += 1
        version = self.folder / f"..version-{self.versions}"
        version.mkdir()
        (version / "secret").write_text(text)
        (self.folder / "..data_tmp").symlink_to(version.name)
        os.replace(self.folder / "..data_tmp", self.folder / "..data")
        if not self.file.is_symlink():
            self.file.symlink_to("..data/secret")


def with_file(alive: Living, name: str, kind: str, field: str, file: Path) -> str:
    """The config with one secret in a file, as YAML."""
    config = copy.deepcopy(alive.config)
    config["credentials"][name][kind][field] = "SECRET"
    text = repr(config).replace("'SECRET'", f"!file {file}")
    return text.replace("'", '"')


@pytest.mark.parametrize("mounted", [False, True], ids=["a file replaced", "a link swapped"])
@pytest.mark.parametrize("kind", ["token", "ak_sk"])
@pytest.mark.uncounted
def test_a_secret_replaced_on_disk_is_taken_up_by_itself(tmp_path: Path, kind: str, mounted: bool) -> None:
    """By the regular look; nothing is refused meanwhile, as tokens live on and both keys are valid."""

    async def main() -> None:
        owner = account(kind, "p1", "p2")
        mount, field = Mounted(tmp_path), {"token": "password", "ak_sk": "secret_key"}[kind]
        put = mount.swap if mounted else lambda text: replace_file(tmp_path / "secret", text)
        put(owner.password if kind == "token" else owner.secret_key)
        async with living(tmp_path, owner, reread_interval=30.0) as it:
            await it.reload(with_file(it, owner.domain_name, kind, field, mount.file))
            await asyncio.sleep(60)
            old, loaded = it.runners(), it.shown()[LOADED_AT]
            owner.password = "Pw-new-one!"
            if kind == "ak_sk":
                owner.secret_key = "SKSK-new-one"
            put(owner.password if kind == "token" else owner.secret_key)
            await asyncio.sleep(31 + USUAL.settle)
            assert it.shown()[LOADED_AT] > loaded
            assert all(it.runners()[name] is not task for name, task in old.items())
            await asyncio.sleep(120)
            shown = it.shown()
            assert [shown[UP % name] for name in ("p1", "p2")] == [1, 1]

    run_virtual(main())


@pytest.mark.uncounted
def test_while_the_old_and_the_new_key_are_valid_no_poll_fails(tmp_path: Path) -> None:
    async def main() -> None:
        owner = account("ak_sk", *(f"p{n}" for n in range(20)))
        (tmp_path / "ak").write_text(owner.access_key)
        (tmp_path / "sk").write_text(owner.secret_key)

        async with living(tmp_path, owner, reread_interval=30.0) as it:
            keys = f"{{ak_sk: {{access_key: !file {tmp_path}/ak, secret_key: !file {tmp_path}/sk}}}}"
            config = copy.deepcopy(it.config)
            config["credentials"] = {owner.domain_name: "KEYS"}
            assert await it.reload(repr(config).replace("'KEYS'", keys).replace("'", '"')) == ()
            await asyncio.sleep(100)
            for number in range(5):
                old = owner.access_key
                new, secret = f"NEWAK{number}", f"SKSK-new-{number}"
                owner.other_keys[new] = secret
                replace_file(tmp_path / "sk", secret)  # between the two, the pair is no pair
                await asyncio.sleep(0.3)
                replace_file(tmp_path / "ak", new)
                await asyncio.sleep(200)
                owner.other_keys[old] = owner.secret_key
                owner.access_key, owner.secret_key = new, secret
                del owner.other_keys[new], owner.other_keys[old]
                await asyncio.sleep(300)
            shown = it.shown()
            failures = {name: value for name, value in shown.items() if name.startswith("frs_poll_failures_total")}
            assert set(failures.values()) == {0}
            assert not any(lock.times for lock in it.world.locks.values())

    run_virtual(main())


@pytest.mark.parametrize("kind", ["token", "ak_sk"])
def test_a_replaced_secret_is_taken_up_on_the_first_rejection_before_anything_is_held(
    tmp_path: Path, kind: str
) -> None:
    async def main() -> list[Any]:
        owner = account(kind, *(f"p{n}" for n in range(10)))
        field = {"token": "password", "ak_sk": "secret_key"}[kind]
        (tmp_path / "secret").write_text(owner.password if kind == "token" else owner.secret_key)
        async with living(tmp_path, owner, reread_interval=86400.0) as it:
            assert await it.reload(with_file(it, owner.domain_name, kind, field, tmp_path / "secret")) == ()
            await asyncio.sleep(100)
            failures = {n: v for n, v in it.shown().items() if n.startswith("frs_poll_failures_total")}
            assert set(failures.values()) == {0}
            owner.password = "Pw-new-one!"
            it.world.expire_tokens()
            owner.secret_key = "SKSK-new-one"
            replace_file(tmp_path / "secret", owner.password if kind == "token" else owner.secret_key)
            with structlog.testing.capture_logs() as logs:
                await asyncio.sleep(200)
            shown = it.shown()
            assert {name: shown[UP % name] for name in ("p0", "p9")} == {"p0": 1, "p9": 1}
            assert {n: v for n, v in shown.items() if n.startswith("frs_poll_failures_total")} == failures
            assert not [text for text in secrets_of(it.world) if text in str(logs)]
        return logs

    events = {entry["event"] for entry in run_virtual(main()) if entry["log_level"] != "debug"}
    assert "config reloaded" in events
    assert not events & {"credential rejected", "down"}


@pytest.mark.parametrize("interval", [0.0, 30.0, 86400.0])
@pytest.mark.parametrize("kind", ["token", "ak_sk"])
@pytest.mark.uncounted
def test_a_replaced_secret_that_could_not_be_read_is_read_soon_and_nothing_is_held(
    tmp_path: Path, kind: str, interval: float
) -> None:
    """There is no file descriptor just then; nobody reloads, and the file does not change again."""

    async def main() -> list[Any]:
        owner = account(kind, *(f"p{n}" for n in range(10)))
        field = {"token": "password", "ak_sk": "secret_key"}[kind]
        (tmp_path / "secret").write_text(owner.password if kind == "token" else owner.secret_key)
        async with living(tmp_path, owner, reread_interval=interval) as it:
            assert await it.reload(with_file(it, owner.domain_name, kind, field, tmp_path / "secret")) == ()
            await asyncio.sleep(100)
            owner.password = owner.secret_key = "Pw-new-one!"
            it.world.expire_tokens()
            replace_file(tmp_path / "secret", owner.password)
            with structlog.testing.capture_logs() as logs:
                with no_descriptors(), pytest.raises(ConfigError, match="Too many open files"):
                    await it.exporter.reload()
                assert it.shown()[GOOD] == 0
                await asyncio.sleep(RETRY_AFTER + USUAL.settle + 5)
                assert it.shown()[GOOD] == 1
                await asyncio.sleep(200)
            assert {name: it.shown()[UP % name] for name in ("p0", "p9")} == {"p0": 1, "p9": 1}
        return logs

    events = {entry["event"] for entry in run_virtual(main()) if entry["log_level"] != "debug"}
    assert "config reloaded" in events
    assert not events & {"credential rejected", "down"}


def test_a_secret_that_is_refused_and_was_not_replaced_is_held(tmp_path: Path) -> None:
    async def main() -> None:
        owner = account("ak_sk", "k1", "k2", "k3")
        async with living(tmp_path, owner, reread_interval=30.0) as it:
            owner.secret_key = "changed where nobody tells"
            with structlog.testing.capture_logs() as logs:
                await asyncio.sleep(300)
            assert it.shown()['frs_exporter_credential_rejected{credential="ak_sk-account"}'] == 1
            assert sum(entry["event"] == "credential rejected" for entry in logs) == 1
            assert not any(lock.times for lock in it.world.locks.values())

    run_virtual(main())


def test_who_wants_no_looking_gets_none(tmp_path: Path) -> None:
    async def main() -> None:
        owner = account("ak_sk", "k1")
        (tmp_path / "secret").write_text(owner.secret_key)
        async with living(tmp_path, owner) as it:
            assert await it.reload(with_file(it, owner.domain_name, "ak_sk", "secret_key", tmp_path / "secret")) == ()
            await asyncio.sleep(100)
            owner.secret_key = "new"
            replace_file(tmp_path / "secret", "new")
            await asyncio.sleep(200)
            assert it.shown()[UP % "k1"] == 0
            await it.exporter.reload()
            await asyncio.sleep(2)
            assert it.shown()[UP % "k1"] == 1

    run_virtual(main())


@pytest.mark.uncounted
def test_changed_limits_hold_at_once(tmp_path: Path) -> None:
    async def main() -> None:
        owner = account("ak_sk", *(f"p{n}" for n in range(30)))
        async with living(tmp_path, owner) as it:
            other = copy.deepcopy(it.config)
            other["limits"]["frs"] = {"rate": 0.1, "concurrency": 2}
            assert await it.reload(other) == ()
            await asyncio.sleep(60)
            visits = it.world.watched()
            await asyncio.sleep(200)
            assert 18 <= len(visits) <= 22
            assert await it.reload(it.config) == ()
            await asyncio.sleep(120)
            visits = it.world.watched()
            await asyncio.sleep(600)
            assert len(visits) == pytest.approx(300, rel=0.1)

    run_virtual(main())


NAMES = "abcdefgh"


def drawn(rng: random.Random, base: dict[str, Any]) -> Any:
    """A config, or something that is none."""
    if rng.random() < 0.2:
        return rng.choice(["{", "", "projects: []", repr({**base, "surprise": 1}), "credentials: !file nowhere"])
    config = copy.deepcopy(base)
    config["projects"] = [project for project in config["projects"] if rng.random() < 0.7] or config["projects"][:1]
    for project in config["projects"]:
        if rng.random() < 0.3:
            project["labels"] = {"team": rng.choice(NAMES)}
        if rng.random() < 0.2:
            project["poll_interval"] = rng.choice(["30s", "1m", "2m"])
        if rng.random() < 0.2:
            project["require"] = [rng.choice(["detect", "search"])]
        if rng.random() < 0.1:
            project["name"] += "-renamed"
    if rng.random() < 0.2:
        config["limits"] = {"frs": {"rate": rng.choice([100, 1000])}}
    if rng.random() < 0.2:
        rng.shuffle(config["projects"])
    if rng.random() < 0.2:
        config["http_client"] = {"tls_config": {"insecure_skip_verify": True}}
    if rng.random() < 0.4:
        config["discovery"] = [
            {
                "credential": credential,
                "regions": ["cn-north-4"],
                "exclude": rng.choice(["", ".*2"]),
                "labels": labels,
                "name_template": "{credential}/{project_name}",
            }
            for credential, labels in (("ak_sk-account", {}), ("token-account", {"team": rng.choice(NAMES)}))
        ]
    return config


HISTORY = ("frs_polls", "frs_poll_f", "frs_poll_e", "frs_poll_d", "frs_last", "frs_token", "frs_exporter", "process")
"""What depends on how long a job has lived, and what is not about jobs."""


def essence(alive: Living) -> set[tuple[str, float]]:
    """What the page tells, whenever it began."""
    return {(name, value) for name, value in alive.shown().items() if not name.startswith((*HISTORY, "python"))}


@pytest.mark.parametrize("seed", range(40))
@pytest.mark.uncounted
def test_after_any_sequence_of_configs_all_is_as_after_a_fresh_start(tmp_path: Path, seed: int) -> None:
    """Tasks, jobs, states and page, against an exporter started on the last good config."""

    async def main() -> None:
        rng = random.Random(seed)
        async with living(tmp_path, *both(), account("ecs_agency")) as it:
            good: Any = it.config
            for _ in range(rng.randrange(1, 8)):
                config = drawn(rng, it.config)
                problems = await it.reload(config)
                good = good if problems else config
                assert it.shown()[GOOD] == (not problems)
                await asyncio.sleep(rng.choice([0, 0, 1, 30, 200]))
            if rng.random() < 0.5:
                it.world.faults.set("frs", Fault(status=503), rng.choice(it.world.accounts[0].projects).id)
            await asyncio.sleep(1300)  # what went stale is gone
            (tmp_path / "fresh").mkdir()
            fresh = Living(it.cloud, tmp_path / "fresh")
            fresh.config = good
            assert it.runners().keys() == {f"poll {'/'.join(key)}" for key in it.exporter.states}
            await fresh.start()
            await asyncio.sleep(130)
            assert essence(it) == essence(fresh)
            mine, theirs = it.exporter, fresh.exporter
            assert {key: mine.job(key) for key in mine.runners} == {key: theirs.job(key) for key in theirs.runners}
            assert mine.states.keys() == theirs.states.keys()
            for key, state in theirs.states.items():
                assert mine.states[key].up == state.up
                assert mine.states[key].samples == state.samples or not state.up
            await fresh.exporter.stop()

    run_virtual(main())


def test_time_is_told_of_the_load_that_is_in_force(tmp_path: Path) -> None:
    async def main() -> None:
        async with living(tmp_path, account("ak_sk", "k1")) as it:
            await asyncio.sleep(100)
            assert await it.reload(it.config) == ()
            assert it.shown()[LOADED_AT] == pytest.approx(EPOCH + 120, abs=1)

    run_virtual(main())


def test_a_bug_in_a_reload_is_told_and_the_next_one_works(tmp_path: Path) -> None:
    def broken(path: str, on_read: OnRead) -> Config:
        load(path, on_read)
        raise ZeroDivisionError("secret")

    async def main() -> list[Any]:
        async with living(tmp_path, *both(), reread_interval=30.0) as it:
            tasks, it.read = it.runners(), broken
            with structlog.testing.capture_logs() as logs:
                assert await it.reload(it.config) == ("unexpected ZeroDivisionError; the log has the traceback",)
                await asyncio.sleep(100)
            assert (it.runners(), it.shown()[GOOD]) == (tasks, 0)
            it.read = load
            assert await it.reload(it.config) == ()
            assert it.shown()[GOOD] == 1
        return logs

    logs = run_virtual(main())
    errors = [entry["event"] for entry in logs if entry["log_level"] == "error"]
    assert errors == ["unexpected error in a reload", "config not reloaded"]
