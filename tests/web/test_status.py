"""The status page and its JSON: what is in trouble comes first, and everything is shown as what it is, text."""

import asyncio
import json
import math
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any
from urllib.parse import quote

import pytest
from pydantic import SecretStr

from frs_exporter.collectors.billing.balance import DEBT
from frs_exporter.collectors.cloud_eye import LAST_USED
from frs_exporter.collectors.subscription import SOURCE, SUBSCRIBED, proven_samples
from frs_exporter.config.load import Config
from frs_exporter.core.credentials import KeyCredential
from frs_exporter.core.discovery import Discovery
from frs_exporter.core.errors import ConfigError, Failure, Reason
from frs_exporter.core.explanations import Text as Bilingual
from frs_exporter.core.explanations import codes, reasons
from frs_exporter.core.model import Account, Api, CollectResult, Display, Job, JobState, Sample
from frs_exporter.core.notes import note
from frs_exporter.core.pricing import LIST_PRICE_2018
from frs_exporter.core.schedule import Shard
from frs_exporter.core.site import PUBLIC_SITE
from frs_exporter.status.i18n import CHINESE, ENGLISH, WORDS, Translator, language_of
from frs_exporter.status.snapshot import JobSnapshot, RuleSnapshot, Snapshot, Unwatched
from frs_exporter.status.subscription_view import SubserviceView
from frs_exporter.status.summary import columns_of, css_class, date, is_well, plain_rule, usage_class
from frs_exporter.status.trouble_words import KINDS, Level
from frs_exporter.status.view import Projects
from frs_exporter.web.layout import Layout
from frs_simulator import Simulator, World, demo_world
from tests.conftest import LIMITS, account, target_of
from tests.web.serving import Served, fill, serving

HOSTILE = """"><script>alert('x')</script>{{ 7*7 }}&amp;'"""


class Text(HTMLParser):
    """What a reader of the page reads, and which elements there are."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.tags: list[str] = []
        self.links: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [value or "" for name, value in attrs if name in ("href", "src", "action")]

    def handle_data(self, data: str) -> None:
        if self.tags[-1:] not in (["style"], ["script"]):
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


@asynccontextmanager
async def demo(projects: int | None = None, **settings: Any) -> AsyncIterator[Served]:
    async with Simulator(demo_world(projects)) as simulator, serving(simulator, **settings) as served:
        await served.ready()
        yield served


async def page(served: Served, path: str = "/", **headers: str) -> Text:
    status, _, body = await served.get(path, headers=headers)
    assert status == 200
    return Text(body.decode())


async def test_what_is_in_trouble_comes_first_then_by_name() -> None:
    async with demo(poll_interval=600.0, require=("detect", "search")) as served:
        states = served.exporter.states
        key = ("vision-prod", "subscription")
        error = Failure(Reason.SERVER, "no luck", status=503, code="APIGW.0613", request_id="r-1")
        served.exporter.runners[key].state = states[key].failed(time.time(), 1.0, error)
        text = (await page(served)).text
        order = ["vision-prod", "new-branch", "visitor-kiosk", "door-access", "in-arrears", "vip-lounge"]
        places = [text.index(f"{name} ") for name in order]
        assert places == sorted(places)
        levels = "1 project down 2 projects with something required off 3 projects well"
        assert f"{levels} 5 of 6 jobs up server: 1 config loaded" in text
        why = "subscription: server APIGW.0613 – the gateway cannot reach IAM at the moment . 1 poll failed ."
        assert why.replace(" .", ".") in text.replace(" .", ".")
        assert f"What to do: {codes()['APIG.0613'].do.en}." in text
        assert "The answer: no luck (request id r-1 )" in text


async def test_a_frozen_project_says_so() -> None:
    async with demo(poll_interval=600.0) as served:
        world_key = ("in-arrears", "subscription")
        job = served.exporter.job(world_key)
        assert job
        error = Failure(Reason.FROZEN, "frozen", code="FRS.0202")
        state = served.exporter.states[world_key]
        frozen = proven_samples(job.target, error)
        served.exporter.runners[world_key].state = state.failed(1.0, 1.0, error, frozen, served.exporter.clock() + 100)
        text = (await page(served)).text
        assert re.search(r"in-arrears cn-\S+ · \S+ frozen", text)


async def test_what_an_answer_left_open_is_told() -> None:
    """What is so of a whole region is told where somebody wants to know why, and not on each row."""
    async with demo(poll_interval=600.0, require=("detect",)) as served:
        region = served.exporter.states
        for project in ("door-access", "new-branch"):
            key = (project, "subscription")
            job = served.exporter.job(key)
            assert job
            notes = (
                note(Bilingual("of {name} alone", "仅 {name}"), name=project),
                note(Bilingual("of all in it", "区域内所有项目"), region=job.target.region),
            )
            served.exporter.runners[key].state = region[key]._replace(warnings=notes)
        text = (await page(served)).text
        assert all(f"of {project} alone" in text for project in ("door-access", "new-branch"))
        assert text.count(": of all in it") == 1
        assert "new-branch" in text.partition(": of all in it")[0]
        assert job
        where, text = job.target.region, (await page(served, "/?lang=zh")).text
        assert text.count(f"{where}：区域内所有项目") == 1
        assert ("仅 door-access" in text, "of door-access alone" in text) == (True, False)
        assert "仅 door-access" in (await page(served, "/project/door-access?lang=zh")).text
        told = json.loads((await served.get("/api/v1/status?lang=zh&q=new-branch"))[2])["projects"][0]["jobs"][0]
        assert told["warnings"] == ["仅 new-branch", f"{where}：区域内所有项目"]


async def test_hostile_text_is_shown_as_text() -> None:
    """Labels from the config, messages and codes from the wire: nothing becomes markup, and no template runs."""
    async with demo(1, poll_interval=600.0, labels=(("team", HOSTILE),)) as served:
        (key,) = served.exporter.states
        error = Failure(Reason.CLIENT, HOSTILE, code="FRS.9999", status=400)
        served.exporter.runners[key].state = served.exporter.states[key].failed(1.0, 1.0, error)
        for path in ("/", f"/?q={quote(HOSTILE)}", f"/?lang={quote(HOSTILE)}&q=a"):
            _, _, body = await served.get(path)
            assert b"<script>alert" not in body
            shown = Text(body.decode())
            if "q=a" not in path:
                assert HOSTILE in " ".join(shown.words)
            assert shown.tags.count("script") == 1  # our own
            assert not [link for link in shown.links if "script>" in link]
        told = json.loads((await served.get("/api/v1/status"))[2])
        assert told["projects"][0]["labels"]["team"] == HOSTILE
        assert told["projects"][0]["jobs"][0]["failure"]["message"] == HOSTILE


async def test_nothing_comes_from_elsewhere_and_the_policy_allows_just_what_is_there() -> None:
    async with demo(1) as served:
        _, headers, body = await served.get("/")
        policy = headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'; style-src 'sha256-")
        assert "unsafe" not in policy
        assert (headers["X-Content-Type-Options"], headers["Cache-Control"]) == ("nosniff", "no-store")
        assert headers["Referrer-Policy"] == "no-referrer"
        shown = Text(body.decode())
        assert not [link for link in shown.links if ":" in link or link.startswith("/")], "links work behind any proxy"
        assert b"style=" not in body


async def test_where_several_sites_are_watched_each_project_tells_its_own() -> None:
    async with demo(poll_interval=600.0) as served:
        first, *others = served.config.targets
        assert PUBLIC_SITE not in (await page(served)).text
        elsewhere = replace(first.credential, site="127.0.0.1:9")
        moved = replace(first, endpoints=dict.fromkeys(Api, "http://127.0.0.1:9"), credential=elsewhere)
        await served.becomes(moved, *others)
        text = (await page(served)).text
        assert f"{first.region} · 127.0.0.1:9 · {first.credential.name}" in text
        assert f"{others[0].region} · {PUBLIC_SITE} · {others[0].credential.name}" in text
        assert (await page(served, "/?q=127.0.0.1:9&")).text.count("127.0.0.1:9") >= 1
        status = json.loads((await served.get("/api/v1/status?q=127.0.0.1:9"))[2])
        assert [project["site"] for project in status["projects"]] == ["127.0.0.1:9"]
        targets = json.loads((await served.get("/sd"))[2])
        assert {target["labels"]["__meta_frs_site"] for target in targets} == {"127.0.0.1:9", PUBLIC_SITE}


async def test_the_filter_finds_text_in_whatever_is_known() -> None:
    async with demo(poll_interval=600.0) as served:
        key = ("vip-lounge", "subscription")
        error = Failure(Reason.THROTTLED, "slow down", code="APIG.0308")
        served.exporter.runners[key].state = served.exporter.states[key].failed(1.0, 1.0, error)
        for text, found in (("VIP", "vip-lounge"), ("apig.0308", "vip-lounge"), ("throttled", "vip-lounge")):
            shown = await page(served, f"/?q={text}")
            assert found in shown.text
            assert "1 of 6 projects" in shown.text
            assert "door-access" not in shown.text
        assert "No project matches." in (await page(served, "/?q=nothing+like+this")).text
        told = json.loads((await served.get("/api/v1/status?q=vip"))[2])
        assert [project["project"] for project in told["projects"]] == ["vip-lounge"]
        assert told["counts"]["projects"]["all"] == 6


@pytest.mark.uncounted
async def test_500_rows_and_a_link_to_all() -> None:
    async with Simulator(demo_world(520)) as simulator, serving(simulator, poll_interval=3600.0) as served:
        fill(served.exporter)
        shown = await page(served)
        assert shown.tags.count("tbody") == 500
        assert "500 of 520 projects · show all 520" in shown.text
        assert "?all=1" in shown.links
        everything = await page(served, "/?all=1")
        assert everything.tags.count("tbody") == 520
        assert "script" not in everything.tags, "what is long is not fetched again and again"
        assert len(json.loads((await served.get("/api/v1/status"))[2])["projects"]) == 520


async def test_both_languages() -> None:
    async with demo(poll_interval=600.0) as served:
        key = ("vip-lounge", "subscription")
        error = Failure(Reason.TIMEOUT, "no answer")
        served.exporter.runners[key].state = served.exporter.states[key].failed(1.0, 1.0, error)
        chinese = await page(served, **{"Accept-Language": "zh-CN,zh;q=0.9,en;q=0.8"})
        assert "6 个任务中 5 个正常" in chinese.text
        assert reasons()[Reason.TIMEOUT].do.zh in chinese.text
        assert "What to do" not in chinese.text
        english = await page(served, **{"Accept-Language": "de, en;q=0.5"})
        assert "5 of 6 jobs up" in english.text
        assert "6 个任务中" in (await page(served, "/?lang=zh")).text
        assert "5 of 6 jobs" in (await page(served, "/?lang=xx", **{"Accept-Language": "fr"})).text
        told = json.loads((await served.get("/api/v1/status", headers={"Accept-Language": "zh"}))[2])
        assert told["projects"][0]["jobs"][0]["failure"]["do"] == reasons()[Reason.TIMEOUT].do.zh


@pytest.mark.parametrize(
    ("accept", "language"),
    [
        *(("zh", CHINESE), ("zh-TW", CHINESE), ("en-GB", ENGLISH), ("*", ENGLISH), ("en;q=0.1, zh;q=0.2", CHINESE)),
        *(("fr", ENGLISH), ("", ENGLISH), ("zh;q=0", ENGLISH), (",;q=,,", ENGLISH)),
    ],
)
def test_the_language_is_negotiated(accept: str, language: Any) -> None:
    assert language_of(accept) is language


def test_what_is_counted_as_one_is_written_so() -> None:
    words, counts = Translator(ENGLISH), [name.removesuffix("_one") for name in WORDS if name.endswith("_one")]
    assert {"calls", "polls_failed", "not_found", "count_projects", "count_jobs"} <= set(counts)
    for name in counts:
        assert re.match(r"1 (\w+ )?(project|account|job|call|rule|poll)\b", words.count(name, 1)), name
        assert re.match(r"2,000 |2000 ", words.count(name, 2000)), name


def test_every_word_is_there_in_both_languages_and_takes_the_same() -> None:
    of_kinds = (text for kind in KINDS.values() for text in (kind.text, kind.do))
    for text in (*WORDS.values(), *of_kinds):
        assert set(re.findall(r"\{(\w+)\}", text.en)) == set(re.findall(r"\{(\w+)\}", text.zh))
        assert text.zh


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(-5, "0 s"), (0.4, "0 s"), (119, "119 s"), (120, "2 min"), (7199, "120 min"), (7200, "2 h"), (172800, "2 d")],
)
def test_spans_are_as_people_say_them(seconds: float, text: str) -> None:
    assert Translator(ENGLISH).span(seconds) == text


async def test_the_json_tells_what_the_page_shows() -> None:
    async with demo(poll_interval=600.0, require=("search",)) as served:
        told = json.loads((await served.get("/api/v1/status"))[2])
        about = {"version", "now", "well", "config", "shard", "counts", "unreachable", "discovery", "credentials"}
        assert set(told) == {*about, "projects"}
        levels = {"down": 0, "off": 2, "soon": 0, "unknown": 0, "well": 4}
        nothing = dict.fromkeys(("all", *levels), 0)
        assert told["counts"] == {"jobs": 6, "up": 6, "projects": {"all": 6, **levels}, "accounts": nothing}
        assert (told["well"], told["discovery"], told["credentials"]) == (False, [], [])
        assert abs(told["config"]["loaded"] - time.time()) < 60
        by_name = {project["project"]: project for project in told["projects"]}
        kiosk = by_name["visitor-kiosk"]
        assert kiosk["trouble"] == "off"
        assert kiosk["subservices"]["search"]["subscribed"] is False
        assert kiosk["subservices"]["search"]["required"] is True
        assert kiosk["subservices"]["detect"]["since"] > 1e9
        (job,) = kiosk["jobs"]
        assert (job["collector"], job["up"], job["failure"], job["recent"]) == ("subscription", True, None, [""])
        assert told["now"] < job["next_poll"] < told["now"] + 660
        assert kiosk["token_expiry"] > told["now"]
        assert by_name["vip-lounge"]["token_expiry"] is None


async def test_when_it_was_last_used_is_told_where_nothing_tells_whether_it_is_on() -> None:
    async with demo(1, poll_interval=600.0) as served:
        (runner,) = served.exporter.runners.values()
        used = time.time() - 300
        samples = [Sample(SUBSCRIBED, ("search",), 1), Sample(SOURCE, ("face_sets",), 1)]
        samples += (Sample(LAST_USED, (name,), used) for name in ("detect", "search"))
        runner.state = runner.state.succeeded(time.time(), 0.1, CollectResult(tuple(samples)), math.inf)
        shown = (await page(served)).text
        assert "unknown used 5 min ago" in shown
        assert shown.count("used 5 min ago") == 1, "what is on needs no such hint"
        (project,) = json.loads((await served.get("/api/v1/status"))[2])["projects"]
        detect = project["subservices"]["detect"]
        assert (detect["subscribed"], detect["last_used"]) == (None, used)


async def test_what_is_used_is_told_beside_what_is_subscribed() -> None:
    asked = {"collectors": ("subscription", "face_sets", "cloud_eye"), "pricing": (LIST_PRICE_2018,)}
    async with demo(4, poll_interval=600.0, **asked) as served:
        shown = await page(served)
        for words in ("3 of 10 face sets employees 96%", "9 of 10 face sets building-9 81%", "– of 10 face sets"):
            assert words in shown.text
        assert re.search(r"employees 96% [\d,]+ calls this month about [\d,]+\.\d\d CNY", shown.text)
        assert re.search(r"vip 1% [\d,]+ calls this month [^a]", shown.text), "search has no price"
        projects = {one["project"]: one for one in json.loads((await served.get("/api/v1/status"))[2])["projects"]}
        use = projects["vision-prod"]["usage"]
        assert (use["face_sets"], use["max_face_sets"], use["fullest"], use["fullness"]) == (3, 10, "employees", 0.964)
        assert use["month_calls"] > 0 < use["month_cost_cny"]
        assert projects["visitor-kiosk"]["usage"]["face_sets"] is None


async def test_one_reason_of_several_jobs_is_told_once() -> None:
    async with demo(1, poll_interval=600.0, collectors=("subscription", "face_sets", "cloud_eye")) as served:
        states = served.exporter.states
        frozen = Failure(Reason.FROZEN, "The service has been freeze.", status=400, code="FRS.0202")
        denied = Failure(Reason.FORBIDDEN, "no", status=403, code="ces.0015")
        for collector, error in (("subscription", frozen), ("face_sets", frozen), ("cloud_eye", denied)):
            key = ("vision-prod", collector)
            served.exporter.runners[key].state = states[key].failed(time.time(), 1.0, error)
        text = (await page(served)).text
        assert "subscription, face_sets: frozen FRS.0202" in text
        assert "cloud_eye: forbidden ces.0015" in text
        assert text.count("The service has been freeze.") == 1


@pytest.mark.parametrize(("fullness", "shown"), [(0.0, "unknown"), (0.799, "unknown"), (0.8, "blind"), (0.95, "lost")])
def test_a_face_set_looks_as_full_as_it_is(fullness: float, shown: str) -> None:
    assert usage_class(fullness) == shown


async def test_all_is_well_only_where_everything_is() -> None:
    async with demo(1, poll_interval=600.0) as served:
        assert "all projects well" in (await page(served)).text
        assert json.loads((await served.get("/api/v1/status"))[2])["well"] is True
        served.source.loads.append(ConfigError(["c.yaml:1:2: wrong"]))
        with pytest.raises(ConfigError):
            await served.exporter.reload()
        assert "all projects well" not in (await page(served)).text


async def test_where_nothing_is_watched_nothing_is_well() -> None:
    async with demo(1) as served:
        await served.becomes()
        shown = await page(served)
        assert "well" not in shown.text
        assert json.loads((await served.get("/api/v1/status"))[2])["well"] is False


async def test_accounts_are_counted_as_accounts() -> None:
    async with demo(1, poll_interval=600.0) as served:
        (target,) = served.config.targets
        money = replace(
            target, project="acme", project_id="", account=Account(), display=Display(collectors=("billing",))
        )
        await served.becomes(target, money)
        known = JobState().succeeded(time.time(), 0.1, CollectResult((Sample(DEBT, ("CNY",), 7),)), math.inf)
        served.exporter.runners[("acme", "billing")].state = known
        text = (await page(served)).text
        assert "1 project well 1 account down" in text
        assert "2 of 2 projects and accounts" in text
        assert "it is in arrears: 7.00 CNY . What to do: settle them" in text
        known = JobState().succeeded(time.time(), 0.1, CollectResult((Sample(DEBT, ("CNY",), 0),)), math.inf)
        served.exporter.runners[("acme", "billing")].state = known
        assert "all projects and accounts well" in (await page(served)).text


async def test_what_was_never_asked_is_unknown_not_well() -> None:
    async with demo(3, poll_interval=600.0) as served:
        key = ("vision-prod", "subscription")
        served.exporter.runners[key].state = JobState()
        shown = await page(served)
        assert "1 project unknown 2 projects well 2 of 3 jobs up" in shown.text
        assert "all projects well" not in shown.text
        assert "not asked yet: subscription ." in shown.text


async def test_what_a_rule_finds_and_does_not_watch_is_told_above_all_projects() -> None:
    """Its projects have names that are taken, or are more than it may have: all are not well, whoever is watched."""
    async with Simulator(World([account("ak_sk", "one", "two", "three")])) as simulator, serving(simulator) as served:
        (one, *_) = served.config.targets
        taken = replace(one, project=f"{one.region}_two")
        rule = Discovery(name="branches", template=one)
        for limit, count, alert, shown_as in (
            (10, "skipped", "FrsDiscoveredProjectsSkipped", ("name_template", "名称已被")),
            (1, "over_limit", "FrsDiscoveryOverLimit", ("raise max_projects", "超出了 max_projects")),
        ):
            served.source.loads.append(Config((taken,), LIMITS, (replace(rule, max_projects=limit),)))
            await served.exporter.reload()
            async with asyncio.timeout(10):
                while True:
                    told = json.loads((await served.get("/api/v1/status"))[2])
                    if told["discovery"][0][count] and told["counts"]["jobs"] == told["counts"]["up"]:
                        break
                    await asyncio.sleep(0.05)
            (about,) = told["discovery"]
            assert (about["well"], told["well"], about["failure"]) == (False, False, None)
            (trouble,) = [trouble for trouble in about["troubles"] if trouble["alert"] == alert]
            assert trouble["runbook"].endswith(f"#{alert.lower()}")
            for language, words in zip(("en", "zh"), shown_as, strict=True):
                shown = await page(served, f"/?lang={language}")
                assert words in shown.text
                assert f"runbook/{alert}?lang={language}" in shown.links
                assert not [well for well in ("all projects well", "所有项目正常") if well in shown.text]


@pytest.mark.parametrize(
    ("left", "alerts_told", "said"),
    [
        (Unwatched(), (), ()),
        (Unwatched(frozenset("ab")), ("FrsDiscoveredProjectsSkipped",), ("2 projects that it has found", "a, b")),
        (Unwatched(over_limit=1), ("FrsDiscoveryOverLimit",), ("watch 1 project that", "max_projects")),
        (Unwatched(over_limit=7, cut=True), ("FrsDiscoveryOverLimit",), ("at least 7 projects", "max_projects")),
        (Unwatched(over_limit=1, cut=True), ("FrsDiscoveryOverLimit",), ("at least 1 project", "than are read")),
        (
            Unwatched(frozenset("a"), 2),
            ("FrsDiscoveryOverLimit", "FrsDiscoveredProjectsSkipped"),
            ("2 projects", "1 project"),
        ),
    ],
)
def test_a_rule_is_well_where_all_that_it_finds_is_watched(
    left: Unwatched, alerts_told: tuple[str, ...], said: tuple[str, ...]
) -> None:
    rule = RuleSnapshot("branches", unwatched=left)
    seen = Snapshot(0.0, 0.0, Shard(), 0.0, (), None, (), (rule,))
    assert rule.has_come
    assert (rule.is_well, is_well(seen, [Level.WELL])) == (not alerts_told, not alerts_told)
    told = plain_rule(rule, Translator(ENGLISH))
    assert (told["skipped"], told["over_limit"]) == (len(left.taken), left.over_limit)
    assert tuple(trouble["alert"] for trouble in told["troubles"]) == alerts_told
    assert told["alert"] == (alerts_told or ("",))[0]
    text = " ".join(trouble["text"] for trouble in told["troubles"])
    assert [words for words in said if words not in text] == []


async def test_a_rule_and_a_secret_that_are_refused_are_told_above_all_projects() -> None:
    async with demo(poll_interval=600.0) as served:
        (target,) = [target for target in served.config.targets if target.project == "vip-lounge"]
        assert isinstance(target.credential, KeyCredential)
        wrong = replace(target, credential=replace(target.credential, name="wrong", secret_key=SecretStr("wrong")))
        rules = (Discovery(name="branches", template=wrong),)
        served.source.loads.append(Config((wrong, *served.config.targets[:1]), LIMITS, rules))
        await served.exporter.reload()
        async with asyncio.timeout(10):
            while True:
                told = json.loads((await served.get("/api/v1/status"))[2])
                if told["credentials"] and told["discovery"][0]["failure"]:
                    break
                await asyncio.sleep(0.05)
        (rule,), (secret,) = told["discovery"], told["credentials"]
        assert (rule["rule"], rule["well"], rule["alert"]) == ("branches", False, "FrsDiscoveryFailing")
        assert abs(rule["since"] - time.time()) < 60
        assert (secret["credential"], secret["projects"], secret["accounts"]) == ("wrong", 1, 0)
        assert secret["until"] > time.time() > secret["since"] > time.time() - 60
        (project,) = [project for project in told["projects"] if project["project"] == "vip-lounge"]
        assert (project["trouble"], told["well"]) == ("down", False)
        assert "FrsCredentialRejected" in [trouble["alert"] for trouble in project["troubles"]]
        for language, rule_words, secret_words in (
            ("en", "Discovery rule branches cannot look", "credential wrong (1 project)"),
            ("zh", "发现规则 branches 无法查找项目", "凭证 wrong 的密码或密钥（1 个项目）"),
        ):
            shown = (await page(served, f"/?lang={language}")).text
            assert rule_words in shown
            assert secret_words in shown
            assert "frs-exporter explain FrsCredentialRejected" in shown


async def test_each_trouble_is_told_with_its_doors() -> None:
    async with demo(4, poll_interval=600.0, require=("search",), collectors=("face_sets",)) as served:
        told = {it["project"]: it for it in json.loads((await served.get("/api/v1/status"))[2])["projects"]}
        (full, unknown) = told["vision-prod"]["troubles"]
        assert (full["level"], full["alert"]) == ("soon", "FrsFaceSetFull")
        assert full["runbook"] == "deploy/prometheus/runbooks.md#frsfacesetfull"
        assert (unknown["level"], unknown["text"]) == (
            "unknown",
            "required cannot be known: subscription is not asked: search",
        )
        shown = await page(served)
        for text in (full["text"], full["do"], full["command"], unknown["text"], unknown["do"]):
            assert text in shown.text
        assert "runbook/FrsFaceSetFull" in shown.links
        assert "runbook/FrsFaceSetFull?lang=en" in (await page(served, "/?lang=en")).links


async def test_a_refused_config_is_told_on_the_page() -> None:
    async with demo(1) as served:
        served.source.loads.append(ConfigError(["c.yaml:1:2: projects: there is <nothing> to watch"]))
        with pytest.raises(ConfigError):
            await served.exporter.reload()
        shown = await page(served)
        assert "The newest config is not in use" in shown.text
        assert "correct each of these places" in shown.text
        assert "runbook/FrsConfigReloadFailed" in shown.links
        assert "c.yaml:1:2: projects: there is <nothing> to watch" in shown.text


async def test_of_many_problems_the_first_are_told_and_all_are_counted() -> None:
    async with demo(1) as served:
        served.source.loads.append(ConfigError([f"c.yaml:{line}:1: wrong" for line in range(1, 4001)]))
        with pytest.raises(ConfigError):
            await served.exporter.reload()
        config = json.loads((await served.get("/api/v1/status"))[2])["config"]
        assert (len(config["problems"]), config["problem_count"]) == (100, 4000)
        assert config["problems"][99] == "c.yaml:100:1: wrong"
        text = (await page(served)).text
        assert "c.yaml:20:1: wrong and 3980 more, which --config.check tells" in text
        assert "c.yaml:21:1" not in text


async def test_no_projects_and_a_shard() -> None:
    async with demo(1, shard=Shard(2, 5)) as served:
        await served.becomes()
        text = (await page(served)).text
        assert "No project is watched yet." in text
        assert "shard 2 of 5" in text
        assert json.loads((await served.get("/api/v1/status"))[2])["projects"] == []


async def test_head_has_no_body_and_gzip_is_for_those_who_ask() -> None:
    async with demo(1) as served:
        for path in ("/", "/api/v1/status", "/sd"):
            status, headers, body = await served.get(path, method="HEAD")
            assert (status, body) == (200, b"")
            _, headers, body = await served.get(path, headers={"Accept-Encoding": "gzip"})
            assert headers["Content-Encoding"] == "gzip"
            assert body[:2] == b"\x1f\x8b"
            assert "Accept-Encoding" in headers["Vary"]


async def test_behind_a_prefix_and_an_external_url() -> None:
    async with (
        Simulator(demo_world(1)) as simulator,
        serving(simulator, Layout("/own", "/frs")) as served,
    ):
        assert (await served.get("/frs/"))[0] == 200
        assert "own" in (await page(served, "/frs/")).links
        for path in ("/", "/frs"):
            status, headers, _ = await served.get(path, allow_redirects=False)
            assert (status, headers["Location"]) == (302, "/frs/")
        for path in ("/frs/own", "/frs/-/healthy", "/frs/sd", "/frs/api/v1/status"):
            assert (await served.get(path))[0] == 200
            assert (await served.get(path.removeprefix("/frs")))[0] == 404


@pytest.mark.parametrize(
    ("subservice", "expected"),
    [
        (SubserviceView(True, True, None), "on"),
        (SubserviceView(False, True, None), "lost"),
        (SubserviceView(False, False, None), "off"),
        (SubserviceView(None, True, None), "blind"),
        (SubserviceView(None, False, None), "unknown"),
    ],
)
def test_a_cell_looks_like_what_it_says(subservice: SubserviceView, expected: str) -> None:
    assert css_class(subservice) == expected


@pytest.mark.parametrize("seconds", [float("nan"), float("inf"), 1e18, -1e18])
def test_a_date_that_is_none_is_no_failure(seconds: float) -> None:
    assert date(seconds) == "?"


def seen_of(*states: JobState, require: tuple[str, ...] = (), clock: float = 0.0) -> Projects:
    owner = account("ak_sk", *(f"p{i}" for i in range(len(states))))
    targets = [target_of(owner, project, "http://127.0.0.1:9", require=require) for project in owner.projects]
    jobs = [JobSnapshot(Job(target, "subscription"), state, 0.0) for target, state in zip(targets, states, strict=True)]
    projects = Projects(Snapshot(0.0, clock, Shard(), 0.0, (), None, jobs))
    assert list(projects.names()) == [target.project for target in targets]
    return projects


def test_what_is_stale_is_not_known_any_more() -> None:
    """Old data never looks fresh."""
    findings = CollectResult((Sample(SUBSCRIBED, ("search",), 1.0),))
    state = JobState().succeeded(1.0, 0.1, findings, fresh_until=100.0)
    fresh = seen_of(state, require=("search",), clock=99.0)
    assert (fresh.levels["p0"], fresh.view("p0").subservices["search"].subscribed) == (Level.WELL, True)
    stale = seen_of(state, require=("search",), clock=100.0)
    assert (stale.levels["p0"], stale.view("p0").subservices["search"].subscribed) == (Level.UNKNOWN, None)


def test_troubles_are_told_apart() -> None:
    down = JobState().failed(1.0, 0.1, Failure(Reason.DNS, "x"))
    up = JobState().succeeded(1.0, 0.1, CollectResult(), 100.0)
    projects = seen_of(up, JobState(), down)
    assert projects.levels == {"p0": Level.WELL, "p1": Level.UNKNOWN, "p2": Level.DOWN}
    assert projects.in_order() == ["p2", "p1", "p0"]
    assert projects.view("p1").jobs[0].up is None


def test_many_odd_subservices_share_a_column() -> None:
    odd = {f"odd_{i:02}": 1 for i in range(30)}
    columns, others = columns_of({**odd, "odd_29": 2, "search": 1})
    assert (columns[:2], len(columns), others) == (["search", "odd_29"], 10, True)
    assert columns_of({"b": 1, "a": 1}) == (["a", "b"], False)


async def test_odd_subservices_are_shown_all_the_same() -> None:
    world = demo_world(1)
    ((_, project),) = world.projects()
    assert project.answer
    project.answer.update({f"odd_{i:02}_service": {"subscribe_status": True} for i in range(20)})
    async with Simulator(world) as simulator, serving(simulator) as served:
        await served.ready()
        text = (await page(served)).text
        assert all(f"odd_{i:02}" in text for i in range(20))
        assert "Others" in text
