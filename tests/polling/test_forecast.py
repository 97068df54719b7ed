"""What a config will cost: requests are exact, the page is as it will be, the rest grows in a line."""

import math
import re
from dataclasses import replace

import pytest
from pydantic import SecretStr

from frs_exporter.cli.adhoc import build_config
from frs_exporter.cli.plan import fleet_of
from frs_exporter.collectors import COLLECTORS, OF_PROJECTS
from frs_exporter.config.load import Config
from frs_exporter.core.credentials import TokenCredential
from frs_exporter.core.model import Api, Display, Limit
from frs_exporter.polling.forecast import (
    BUSY,
    FILL,
    JOB_KIB,
    LOOKED_AT,
    PROCESS_MIB,
    TOKEN_KIB,
    VICTORIA,
    forecast,
    page_of,
)
from tests.e2e.conftest import ROOT


def fleet(projects: int, credentials: int = 1, collectors: tuple[str, ...] = ("subscription",)) -> Config:
    return build_config(fleet_of(projects, credentials, collectors, "1m"))


def test_requests_are_those_of_each_gate() -> None:
    known = forecast(fleet(300, 2, ("subscription", "face_sets", "cloud_eye")))
    asked = {(demand.credential, demand.api): 60 * demand.wanted for demand in known.demands}
    assert {key: round(wanted) for key, wanted in asked.items()} == {
        ("keys-1", Api.FRS): 300,
        ("keys-2", Api.FRS): 300,
        ("keys-1", Api.CES): 332,
        ("keys-2", Api.CES): 332,
    }
    assert (known.projects, known.jobs, known.logins) == (300, 900, 0)


@pytest.mark.uncounted
@pytest.mark.parametrize(("projects", "seconds"), [(1, 0.2), (100, 20), (300, 60), (3000, 600)])
def test_a_first_round_is_as_long_as_the_jobs_are_spread_or_the_gate_takes(projects: int, seconds: float) -> None:
    assert forecast(fleet(projects)).first_round == pytest.approx(seconds)


@pytest.mark.uncounted
def test_more_than_a_gate_lets_through_is_no_more_work() -> None:
    all_of_it, much_more = forecast(fleet(300)), forecast(fleet(600))
    assert all_of_it.cpu < much_more.cpu < 1.1 * all_of_it.cpu
    (demand,) = much_more.demands
    assert demand.exceeds
    assert demand.interval == pytest.approx(120)


@pytest.mark.uncounted
def test_memory_and_the_page_grow_in_a_line() -> None:
    once, twice = forecast(fleet(2 * LOOKED_AT)), forecast(fleet(4 * LOOKED_AT))
    for name in ("memory", "page", "zipped", "series"):
        assert getattr(twice, name) == pytest.approx(2 * getattr(once, name), rel=0.03), name
    assert once.memory_of(2) == pytest.approx(twice.memory_of(4), rel=0.03)


@pytest.mark.parametrize("collectors", [("subscription",), ("subscription", "face_sets"), OF_PROJECTS])
@pytest.mark.uncounted
def test_of_many_projects_some_tell_how_large_the_page_is(collectors: tuple[str, ...]) -> None:
    """Whatever each is asked, and though every second one is asked for less."""
    config = fleet(4 * LOOKED_AT, 1, collectors)
    less = Display(collectors=("subscription",))
    targets = (replace(target, display=less) if i % 2 else target for i, target in enumerate(config.targets))
    config = replace(config, targets=tuple(targets))
    known, (text, series) = forecast(config), page_of(config.jobs)
    assert known.page == pytest.approx(len(text), rel=0.04)
    assert known.series == pytest.approx(series, rel=0.04)


@pytest.mark.uncounted
def test_there_are_as_many_shards_as_page_and_cpu_want() -> None:
    assert forecast(fleet(100)).shards == 1
    large = forecast(fleet(30_000))
    assert large.page > VICTORIA
    assert large.shards == 1
    assert large.shards_for_victoria == math.ceil(large.page / (FILL * VICTORIA))
    config = fleet(200)
    fast = tuple(replace(target, poll_interval=0.1) for target in config.targets)
    busy = forecast(Config(fast, dict.fromkeys(Api, Limit(rate=10_000))))
    assert busy.cpu > BUSY
    assert busy.shards == math.ceil(busy.cpu / BUSY)


def test_nothing_is_little() -> None:
    known = forecast(Config((), {}))
    assert (known.jobs, known.requests, known.first_round, known.age, known.shards) == (0, 0.0, 0.0, 0.0, 1)
    assert known.memory + known.cpu == pytest.approx(0, abs=0.05)


def test_who_logs_in_for_each_project_takes_longer_to_ask_them_all() -> None:
    keys = fleet(60)
    buys = TokenCredential("keys-1", "domain", "user", SecretStr("secret"))
    tokens = replace(keys, targets=tuple(replace(target, credential=buys) for target in keys.targets))
    slow = replace(tokens, limits={**tokens.limits, Api.IAM: Limit(rate=0.5)})
    assert forecast(slow).first_round == pytest.approx(61 / 0.5)
    assert forecast(keys).first_round == pytest.approx(12)


def test_each_collector_takes_memory() -> None:
    assert JOB_KIB.keys() == COLLECTORS.keys()


@pytest.mark.parametrize(
    "file",
    [
        "deploy/prometheus/runbooks.md",
        "deploy/prometheus/runbooks.zh-CN.md",
        "deploy/kubernetes/README.md",
        "deploy/kubernetes/base/deployment.yaml",
        "deploy/helm/frs-exporter/values.yaml",
    ],
)
@pytest.mark.uncounted
def test_where_memory_is_granted_it_is_as_much_as_planned(file: str) -> None:
    text = " ".join((ROOT / file).read_text().replace("#", " ").split())
    found = re.search(r"(\d+) MiB\D{1,20}(\d+) kB\D{1,40}(\d+) kB", text)
    assert found
    process, usual, with_calls = map(int, found.groups())
    assert process == pytest.approx(PROCESS_MIB, abs=5)
    for granted, collectors in ((usual, ("subscription", "face_sets")), (with_calls, OF_PROJECTS)):
        known = forecast(fleet(LOOKED_AT, 1, collectors))
        each = (known.memory + known.loading) * 1024**2 / 1000 / known.projects
        assert 0.75 * granted <= each <= granted


def test_a_token_takes_memory_and_a_key_does_not() -> None:
    keys = fleet(100)
    buys = TokenCredential("keys-1", "domain", "user", SecretStr("secret"))
    tokens = replace(keys, targets=tuple(replace(target, credential=buys) for target in keys.targets))
    assert forecast(tokens).logins == 101
    assert forecast(tokens).memory - forecast(keys).memory == pytest.approx(100 * TOKEN_KIB / 1024, rel=0.1)
