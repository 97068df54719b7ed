"""One verdict: the level of a project and the alerts of deploy/prometheus tell the same of the same metrics."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families
from pydantic import SecretStr

from frs_exporter.collectors import COLLECTORS
from frs_exporter.collectors.billing.balance import BALANCE, DEBT
from frs_exporter.collectors.billing.packages import EXPIRE, INFO, PACKAGE_ACTIVE, QUOTA, REMAINING
from frs_exporter.collectors.billing.vouchers import BALANCE as VOUCHER_BALANCE
from frs_exporter.collectors.billing.vouchers import EXPIRE as VOUCHER_EXPIRE
from frs_exporter.collectors.cloud_eye import MONTH_COST
from frs_exporter.collectors.face_sets import CAPACITY, FACE_SETS, FACES
from frs_exporter.collectors.subscription import BY_SUBSCRIBE, FROZEN, MAX_FACE_SETS, SOURCE, SUBSCRIBED
from frs_exporter.core.alerts import alerts
from frs_exporter.core.credentials import KeyCredential
from frs_exporter.core.errors import Failure, Reason
from frs_exporter.core.model import Account, CollectResult, Display, Job, JobState, Sample, Target
from frs_exporter.core.schedule import Shard
from frs_exporter.exposition.page import TEXT, Page
from frs_exporter.exposition.telemetry import Telemetry
from frs_exporter.polling.exporter import PAGE_FAMILIES
from frs_exporter.polling.runner import show
from frs_exporter.status.i18n import CHINESE, ENGLISH, Translator
from frs_exporter.status.snapshot import JobSnapshot, RefusedSecret, Snapshot
from frs_exporter.status.trouble_words import ALERTS_OF_REASONS, KINDS, SUBSCRIPTION, Level, alert_of
from frs_exporter.status.view import Projects, ProjectView
from tests.deploy.rule_tests import check, with_labels

NOW = 4 * 3600.0
"""When all is looked at, in seconds since the start of what promtool is told: every alert has had its `for` by then."""
DAY = 86400.0
KEYS = KeyCredential("keys", "AK", SecretStr("sk"))
PROJECT = Target(project="it", project_id="1", region="cn-north-4", credential=KEYS, endpoints={})
ACCOUNT = replace(PROJECT, project_id="", region="", account=Account(), display=Display(collectors=("billing",)))
REFUSED = Failure(Reason.AUTH, "no", status=401, code="APIGW.0301")

MORE: Mapping[str, str] = {
    "FrsDataStale": "of a job that fails, beside the alert that says why: the inhibitions of Alertmanager leave one",
    "FrsNeverAnswered": "of a job that fails and never was answered, beside the alert that says why",
}
"""Alerts that fire beside those that troubles name."""
SOON_BUT_CRITICAL: Mapping[str, str] = {
    "FrsFaceSetFull": "from 95 % on somebody is woken, as the next faces may be too many; until then all works",
    "FrsFaceSetQuotaUsedUp": "likewise",
}
"""Alerts that wake people of what is only soon so."""
DOWN_BUT_WARNING: Mapping[str, str] = {
    "FrsPollFailing": "ten intervals later FrsDataStale wakes people: what passes by itself does not",
    "FrsThrottled": "likewise",
    "FrsBillingNotPermitted": "FRS may be asked: nobody is woken, but nothing is known of the account",
    "FrsCollectorFailing": "what is subscribed may be known: nobody is woken for what else is not",
}
"""Alerts that wake nobody, of what is down."""
BY_HISTORY: Mapping[str, str] = {
    "FrsPackageNearlyUsedUp": "a forecast by the use of a week: the page says so from a tenth on",
    "FrsPackageUsedUp": "only where something was left within the week: the page says so as long as it is in force",
    "FrsDataStale": "it waits for ten intervals: before, what is known is too old for the page already",
    "FrsCollectorFailing": "likewise, where no reason is known",
}
"""Alerts that troubles name and that may not fire yet: a rule knows the past, a page does not."""


@dataclass(frozen=True)
class State:
    """What is known of a project, the level that it has, and the alerts that its troubles name.

    `by_history` says that they are of those that look into the past, and do not fire yet.
    """

    level: Level
    alerts: Sequence[str] = ()
    jobs: Mapping[str, JobState] = field(default_factory=dict)
    target: Target = PROJECT
    require: tuple[str, ...] = ()
    budget: Decimal | None = None
    token_expiry: float | None = None
    refused: bool = False
    by_history: bool = False


def answered(*samples: Sample, ago: float = 5.0) -> JobState:
    """The state of a job with these samples, which are fresh for three minutes, after 240 polls."""
    state = JobState().succeeded(NOW - ago, 0.1, CollectResult(samples), 180.0 - ago)
    return state._replace(polls=240)


def down(reason: Reason, code: str = "", state: JobState | None = None) -> JobState:
    """The state of a job that has failed for the last half an hour."""
    state = state or answered(ago=1800.0)
    return state.failed(NOW - 5, 0.1, Failure(reason, "x", code=code))._replace(failures_in_a_row=30, polls=240)


def subscription(*, source: str = "", **on: bool) -> JobState:
    """The state of a subscription of which this is on and this is off."""
    told = Sample(SOURCE, (source,), 1) if source else BY_SUBSCRIBE
    return answered(*(Sample(SUBSCRIBED, (name,), is_on) for name, is_on in on.items()), told)


def face_sets(part: float, used: int = 1) -> dict[str, JobState]:
    """The states of a project of which a face set is so full, and that has so many of ten."""
    samples = Sample(FACES, ("staff",), 1000 * part), Sample(CAPACITY, ("staff",), 1000), Sample(FACE_SETS, (), used)
    return {"subscription": answered(Sample(MAX_FACE_SETS, (), 10), BY_SUBSCRIBE), "face_sets": answered(*samples)}


def package(days: float, left: float, name: str = "p", *, active: bool = True) -> tuple[Sample, ...]:
    """The samples of a package, which is in force or, by its status, not any more."""
    resource = (name, "calls", "times")
    return (
        Sample(INFO, (name, "search 1k", "cn-north-4", "", ""), 1),
        Sample(PACKAGE_ACTIVE, (name,), active),
        Sample(EXPIRE, (name,), NOW + days * DAY),
        Sample(QUOTA, resource, 100),
        Sample(REMAINING, resource, left),
    )


def billing(*samples: Sample) -> dict[str, JobState]:
    """The state of an account that has told this beside its balance."""
    return {"billing": answered(Sample(BALANCE, ("balance", "CNY"), 100), *samples)}


def voucher(days: float) -> tuple[Sample, ...]:
    """The samples of a coupon."""
    return Sample(VOUCHER_BALANCE, ("c", "coupon", "CNY"), 50), Sample(
        VOUCHER_EXPIRE, ("c", "coupon"), NOW + days * DAY
    )


WELL = {"subscription": subscription(detect=True)}
STATES: Mapping[str, State] = {
    "well": State(Level.WELL, jobs=WELL, require=("detect",)),
    "off, but not required": State(Level.WELL, jobs={"subscription": subscription(detect=False)}),
    "refused by permission": State(Level.DOWN, ["FrsAuthFailing"], {"subscription": down(Reason.FORBIDDEN)}),
    "refused, never answered": State(
        Level.DOWN, ["FrsAuthFailing"], {"subscription": down(Reason.AUTH, state=JobState())}
    ),
    "no API": State(Level.DOWN, ["FrsApiAbsent"], {"subscription": down(Reason.ABSENT)}),
    "no API of face sets": State(Level.DOWN, ["FrsCollectorFailing"], {"face_sets": down(Reason.ABSENT)}),
    "face sets may not be seen, nor what is subscribed": State(
        Level.DOWN,
        ["FrsAuthFailing"],
        {"subscription": down(Reason.FORBIDDEN), "face_sets": down(Reason.FORBIDDEN)},
    ),
    "figures may not be seen": State(
        Level.DOWN, ["FrsCollectorFailing"], {**WELL, "cloud_eye": down(Reason.FORBIDDEN)}, require=("detect",)
    ),
    "face sets without an answer": State(Level.DOWN, ["FrsPollFailing"], {"face_sets": down(Reason.TIMEOUT)}),
    "throttled": State(Level.DOWN, ["FrsThrottled"], {"subscription": down(Reason.THROTTLED)}),
    "no answer": State(Level.DOWN, ["FrsPollFailing"], {"subscription": down(Reason.TIMEOUT)}),
    "no answer, for the second time": State(
        Level.DOWN, ["FrsPollFailing"], {"subscription": down(Reason.SERVER, state=answered(ago=240.0))}
    ),
    "frozen": State(Level.DOWN, ["FrsServiceFrozen"], {"subscription": answered(Sample(FROZEN, (), 1), BY_SUBSCRIBE)}),
    "frozen, by its code": State(Level.DOWN, ["FrsServiceFrozen"], {"face_sets": down(Reason.FROZEN, "FRS.0202")}),
    "a refused secret": State(Level.DOWN, ["FrsCredentialRejected"], WELL, refused=True),
    "silent": State(Level.DOWN, ["FrsDataStale"], {"subscription": answered(ago=1200.0)}),
    "silent on face sets": State(Level.DOWN, ["FrsCollectorFailing"], {"face_sets": answered(ago=1200.0)}),
    "in arrears": State(Level.DOWN, ["FrsAccountInDebt"], billing(Sample(DEBT, ("CNY",), 7)), ACCOUNT),
    "bills may not be seen": State(
        Level.DOWN, ["FrsBillingNotPermitted"], {"billing": down(Reason.FORBIDDEN, "CBC.0151")}, ACCOUNT
    ),
    "required and off": State(
        Level.OFF,
        ["FrsRequiredSubserviceMissing"],
        {"subscription": subscription(detect=True, search=False)},
        require=("detect", "search"),
    ),
    "required and off, by its list of face sets": State(
        Level.OFF,
        ["FrsRequiredSubserviceMissing"],
        {"subscription": subscription(source="face_sets", search=False)},
        require=("search",),
    ),
    "required and not named": State(
        Level.OFF, ["FrsRequiredSubserviceMissing"], {"subscription": subscription(detect=True)}, require=("serach",)
    ),
    "a face set of 80 %": State(Level.SOON, ["FrsFaceSetNearlyFull"], face_sets(0.8)),
    "a face set of 79 %": State(Level.WELL, jobs=face_sets(0.79)),
    "a face set of 95 %": State(Level.SOON, ["FrsFaceSetFull"], face_sets(0.95)),
    "most face sets": State(Level.SOON, ["FrsFaceSetQuotaNearlyUsed"], face_sets(0.1, 8)),
    "all face sets": State(Level.SOON, ["FrsFaceSetQuotaUsedUp"], face_sets(0.1, 10)),
    "over the budget": State(
        Level.SOON,
        ["FrsMonthCostOverBudget"],
        {"cloud_eye": answered(Sample(MONTH_COST, ("detect",), 6), Sample(MONTH_COST, ("search",), 5))},
        budget=Decimal(10),
    ),
    "within the budget": State(
        Level.WELL, jobs={"cloud_eye": answered(Sample(MONTH_COST, ("detect",), 9))}, budget=Decimal(10)
    ),
    "a token that ends": State(Level.SOON, ["FrsTokenExpiring"], WELL, token_expiry=NOW + 1000),
    "a token that is renewed": State(Level.WELL, jobs=WELL, token_expiry=NOW + 1800),
    "a package that ends": State(Level.SOON, ["FrsPackageExpires"], billing(*package(13, 50)), ACCOUNT),
    "another package follows": State(
        Level.WELL, jobs=billing(*package(13, 50), *package(15, 100, "q")), target=ACCOUNT
    ),
    "little left": State(Level.SOON, ["FrsPackageNearlyUsedUp"], billing(*package(90, 9)), ACCOUNT, by_history=True),
    "nothing left": State(Level.SOON, ["FrsPackageUsedUp"], billing(*package(90, 0)), ACCOUNT, by_history=True),
    "nothing left, by its status": State(
        Level.SOON, ["FrsPackageUsedUp"], billing(*package(90, 0, active=False)), ACCOUNT, by_history=True
    ),
    "nothing left, and another package goes on": State(
        Level.WELL, jobs=billing(*package(90, 0, active=False), *package(90, 50, "q")), target=ACCOUNT
    ),
    "nothing left, and it has ended": State(Level.WELL, jobs=billing(*package(-1, 0, active=False)), target=ACCOUNT),
    "a coupon that ends": State(Level.SOON, ["FrsVoucherExpires"], {"vouchers": answered(*voucher(3))}, ACCOUNT),
    "a coupon that goes on": State(Level.WELL, jobs={"vouchers": answered(*voucher(15))}, target=ACCOUNT),
    "too old, of face sets": State(
        Level.UNKNOWN, ["FrsCollectorFailing"], {"face_sets": answered(ago=200.0)}, by_history=True
    ),
    "required and not known": State(
        Level.UNKNOWN,
        ["FrsRequiredSubserviceUnknown"],
        {"subscription": subscription(source="face_sets", search=True)},
        require=("detect",),
    ),
    "required and never asked about": State(Level.UNKNOWN, [""], face_sets(0.1) | {"subscription": JobState()}),
    "required without the collector": State(
        Level.UNKNOWN, [""], {"face_sets": face_sets(0.1)["face_sets"]}, require=("detect",)
    ),
    "not asked yet": State(Level.UNKNOWN, [""], {"subscription": JobState()}, require=("detect",)),
    "too old": State(
        Level.UNKNOWN, ["FrsDataStale"], {"subscription": answered(ago=200.0)}, require=("detect",), by_history=True
    ),
}
EVERY_STATE = pytest.mark.parametrize("state", STATES.values(), ids=STATES)


def jobs_of(state: State) -> list[JobSnapshot]:
    """The jobs of a state."""
    display = replace(
        state.target.display, collectors=tuple(state.jobs), require=state.require, month_budget_cny=state.budget
    )
    target = replace(state.target, display=display)
    return [JobSnapshot(Job(target, collector), known, NOW) for collector, known in state.jobs.items()]


def view_of(state: State) -> ProjectView:
    """What people are shown of a state."""
    refused = {"keys": RefusedSecret(REFUSED, NOW - 60, NOW + 60)} if state.refused else {}
    seen = Snapshot(NOW, 0.0, Shard(), NOW, (), None, jobs_of(state), (), refused)
    projects = Projects(seen, lambda _: state.token_expiry)
    assert list(projects.names()) == ["it"]
    view = projects.view("it")
    assert view.level is projects.levels["it"], "a page has the level that it is sorted by"
    return view


def metrics(state: State) -> Iterator[dict[str, str]]:
    """The exporter's page, as series that promtool takes: constant, or there as long as they are fresh."""
    page, telemetry = Page(PAGE_FAMILIES), Telemetry()
    for job, known, _ in jobs_of(state):
        show(page, job, known, state.token_expiry)
    telemetry.credential_rejected.labels("keys").set(state.refused)
    text = b"".join((*page.blocks(TEXT, 0.0), *telemetry.blocks(TEXT))).decode()
    names = ("frs_exporter_build_info", "frs_exporter_credential_rejected")
    yield {"series": 'up{job="frs", instance="i"}', "values": "1x240"}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if sample.name.startswith("frs_exporter_") and sample.name not in names:
                continue
            labels = {**sample.labels, "job": "frs", "instance": "i"}
            pairs = ", ".join(f'{name}="{value}"' for name, value in labels.items())
            yield {"series": f"{sample.name}{{{pairs}}}", "values": f"{sample.value:.12g}x240"}


def severity(alert: str) -> str:
    """How bad an alert is."""
    return alerts()[alert].severity


@EVERY_STATE
def test_a_level_and_its_troubles(state: State) -> None:
    view = view_of(state)
    assert view.level is state.level
    assert [trouble.alert for trouble in view.troubles] == list(state.alerts)
    assert view.level is min((trouble.level for trouble in view.troubles), default=Level.WELL)
    for trouble in view.troubles:
        for words in (Translator(ENGLISH), Translator(CHINESE)):
            assert all(text and "{" not in text for text in map(words, (trouble.text, trouble.do, trouble.once)))
        assert trouble.alert in ("", *alerts()), "it has a runbook"


def firing(state: State) -> set[str]:
    """The alerts that are to fire by what the page says, and the tables above."""
    named = set(state.alerts) - {""} - (BY_HISTORY.keys() if state.by_history else set())
    for collector, known in state.jobs.items():
        if collector != SUBSCRIPTION:
            continue
        if known.failure and known.last_success is None:
            named |= {"FrsNeverAnswered", "FrsDataStale"}
        elif known.failure and NOW - (known.last_success or NOW) > 10 * PROJECT.poll_interval:
            named.add("FrsDataStale")
    return named


@pytest.mark.uncounted
@pytest.mark.programs
def test_the_alerts_that_fire_are_those_that_troubles_name(tmp_path: Path) -> None:
    """Through promtool and the rules as they are shipped: four hours of all states, each in a cluster of its own."""
    series, asked, names = list[dict[str, str]](), list[dict[str, Any]](), "|".join(alerts())
    for name, state in STATES.items():
        own = {"cluster": name}
        expected = [
            {"labels": f'{{alertname="{alert}", severity="{severity(alert)}"}}', "value": 1}
            for alert in sorted(firing(state))
        ]
        fired = with_labels(f'ALERTS{{alertstate="firing", alertname=~"{names}"}}', own)
        question = f"group by (alertname, severity) ({fired})"
        asked.append({"expr": question, "eval_time": f"{NOW:.0f}s", "exp_samples": expected})
        series += ({**one, "series": with_labels(one["series"], own)} for one in metrics(state))
    check([{"interval": "1m", "input_series": series, "promql_expr_test": asked}], tmp_path, every="5m")


@EVERY_STATE
def test_a_level_is_as_bad_as_its_alerts(state: State) -> None:
    """Critical is down or off, a warning is soon, no alert is well or unknown; but for what the tables say."""
    for alert in firing(state) - MORE.keys():
        if severity(alert) == "critical":
            assert state.level <= Level.OFF or alert in SOON_BUT_CRITICAL
        elif state.level is Level.UNKNOWN:
            assert alert == "FrsRequiredSubserviceUnknown"
        else:
            assert state.level is Level.SOON or alert in DOWN_BUT_WARNING
    if not firing(state):
        assert state.level >= Level.UNKNOWN or set(state.alerts) <= BY_HISTORY.keys()


def test_each_kind_and_reason_has_an_alert_that_is_there() -> None:
    named = {kind.alert for kind in KINDS.values()} | set(ALERTS_OF_REASONS.values())
    assert named - {""} <= alerts().keys()
    for collector in COLLECTORS:
        assert {alert_of(reason, [collector]) for reason in Reason} <= alerts().keys()
    tables = (MORE, SOON_BUT_CRITICAL, DOWN_BUT_WARNING, BY_HISTORY)
    assert all(alert in alerts() for table in tables for alert in table)


def test_each_kind_and_each_level_is_a_state_here() -> None:
    tried = {trouble.alert for state in STATES.values() for trouble in view_of(state).troubles}
    assert tried >= {kind.alert for kind in KINDS.values()}
    assert {state.level for state in STATES.values()} == set(Level)
