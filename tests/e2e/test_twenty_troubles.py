"""Twenty troubles, each made in the simulator: the page names it, why, and what to do, in the first screen.

So does the page that its alert links to.
"""

import asyncio
import json
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus

import pytest
from pydantic import SecretStr

from frs_exporter.config.load import Config, load
from frs_exporter.core import model
from frs_exporter.core.credentials import KeyCredential
from frs_exporter.core.discovery import Discovery
from frs_exporter.core.errors import ConfigError, Reason
from frs_exporter.core.explanations import Explanation, Text, both, codes, codes_of_reason, reasons
from frs_exporter.core.model import Target
from frs_exporter.core.pricing import Price, Tier
from frs_exporter.status.i18n import CHINESE, ENGLISH, WORDS, Translator
from frs_exporter.status.trouble_words import KINDS
from frs_simulator import Account, Project, Simulator, World
from frs_simulator.demo import face_set, subscribed
from frs_simulator.faults import Fault
from frs_simulator.money import Balance, Billing, Coupon, Failure
from frs_simulator.packages import DAY, FreeResource, Package
from frs_simulator.traffic import Traffic
from tests.conftest import LIMITS, target_of
from tests.deploy.artifacts import rules
from tests.e2e.browser import Tab, browser
from tests.web.serving import Served, serving

TWENTY = 20
ABOVE = ("FrsCredentialRejected", "FrsDiscoveryFailing", "FrsConfigReloadFailed")
"""Alerts of the troubles that are told above all projects."""
HEIGHT = 800
LANGUAGES = Translator(ENGLISH), Translator(CHINESE)
ANY = "…"
"""Stands for a figure in a text that depends on the time of day."""
ON = subscribed("2024-03-11 02:15:00")
FIRST_SCREEN = """[...document.querySelectorAll("%s")].filter((it) => {
  const box = it.getBoundingClientRect();
  return box.height && box.top >= 0 && box.bottom <= innerHeight && box.left >= 0 && box.right <= innerWidth;
}).map((it) => [it.innerText, [...it.querySelectorAll("a")].map((link) => link.pathname)])"""
"""What of a kind stands in the first screen as a whole: its text, and the paths that it links to."""


@dataclass(frozen=True, kw_only=True)
class Trouble:
    """What is wrong with a project or an account, how it is made, and what the page has to say of it.

    `state` is a word of its state, `told` what is wrong, why and what to do. `fault` is one of an API; `settings` are
    those of its target, whose endpoints are `at` what is made of the simulator's URL.
    """

    name: str
    state: str
    alert: str
    told: Sequence[Text]
    project: Mapping[str, Any] = field(default_factory=dict)
    kind: str = "ak_sk"
    billing: Billing | None = None
    fault: tuple[str, Fault] | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    at: Callable[[str], str] = str


def of_kind(kind: str, **values: object) -> tuple[Text, Text]:
    """What is told of a kind of trouble."""
    return both(KINDS[kind].text, **values), KINDS[kind].do


def of_failure(about: Explanation) -> tuple[Text, Text]:
    """What is told of a failure."""
    return about.means, about.do


def of_projects() -> list[Trouble]:
    """Troubles of projects that answer."""
    room = {"collectors": ("subscription", "face_sets")}
    full = [face_set("staff", 96_000)]
    many = [face_set(f"building-{number}", 10) for number in range(8)]
    spent = {
        "collectors": ("cloud_eye",),
        "month_budget_cny": Decimal("0.01"),
        "pricing": (Price(".*", (Tier(None, Decimal("0.1")),)),),
    }
    return [
        Trouble(
            name="frozen",
            state="frozen",
            alert="FrsServiceFrozen",
            told=of_failure(codes()["FRS.0202"]),
            project={"frozen": True},
        ),
        Trouble(
            name="never-subscribed",
            state="missing",
            alert="FrsRequiredSubserviceMissing",
            told=of_kind("off", names="detect, search"),
            project={"answer": None},
            settings={"require": ("detect", "search")},
        ),
        Trouble(
            name="no-subscribe",
            state="not_known",
            alert="FrsRequiredSubserviceUnknown",
            told=of_kind("unproven", names="detect"),
            project={"region": "ap-southeast-2"},
            settings={"require": ("detect", "search")},
        ),
        Trouble(
            name="face-set-full",
            state="soon",
            alert="FrsFaceSetFull",
            told=of_kind("full", names="staff 96%"),
            project={"face_sets": full},
            settings=room,
        ),
        Trouble(
            name="many-face-sets",
            state="soon",
            alert="FrsFaceSetQuotaNearlyUsed",
            told=of_kind("quota", used=8, limit=10),
            project={"face_sets": many},
            settings=room,
        ),
        Trouble(
            name="over-budget",
            state="soon",
            alert="FrsMonthCostOverBudget",
            told=of_kind("budget", cost=ANY, budget="0.01"),
            project={"traffic": Traffic({"detect": 420})},
            settings=spent,
        ),
        Trouble(
            name="token-ends", state="soon", alert="FrsTokenExpiring", told=of_kind("token", span=ANY), kind="token"
        ),
    ]


def of_failures() -> list[Trouble]:
    """Troubles of projects that are asked in vain."""
    return [
        Trouble(
            name="no-permission",
            state="down",
            alert="FrsAuthFailing",
            told=of_failure(codes()["APIG.0302"]),
            fault=("frs", Fault(status=403, code="APIGW.0302")),
        ),
        Trouble(
            name="other-region",
            state="down",
            alert="FrsAuthFailing",
            told=of_failure(codes()["FRS.0028"]),
            at=lambda url: f"{url}/cn-east-3",
        ),
        Trouble(
            name="throttled",
            state="down",
            alert="FrsThrottled",
            told=of_failure(codes()["APIG.0308"]),
            fault=("frs", Fault(throttle=60, code="APIGW.0308")),
        ),
        Trouble(
            name="iam-is-down",
            state="down",
            alert="FrsPollFailing",
            told=of_failure(codes()["APIG.0613"]),
            kind="token",
            fault=("iam", Fault(status=503, code="APIGW.0613")),
        ),
        Trouble(
            name="no-tls",
            state="down",
            alert="FrsPollFailing",
            told=of_failure(reasons()[Reason.TLS]),
            at=lambda url: url.replace("http:", "https:"),
        ),
        Trouble(
            name="no-api",
            state="down",
            alert="FrsApiAbsent",
            told=of_failure(codes()["APIG.0101"]),
            fault=("frs", Fault(status=404, code="APIGW.0101")),
        ),
    ]


def of_accounts() -> list[Trouble]:
    """Troubles of accounts."""
    now, calls = time.time(), FreeResource(Decimal(1000), used=Decimal(1000))
    package = Package("calls", (calls,), effective=now - 100 * DAY, expires=now + 200 * DAY)
    coupon = Coupon("c-1", Decimal(500), Decimal("132.50"), now - DAY, now + 3 * DAY)
    return [
        Trouble(
            name="in-debt",
            state="in_debt",
            alert="FrsAccountInDebt",
            told=of_kind("debt", amounts="86.40 CNY"),
            billing=Billing([Balance()], debt=Decimal("86.40")),
        ),
        Trouble(
            name="package-used-up",
            state="soon",
            alert="FrsPackageUsedUp",
            told=of_kind("package_used", names=package.name.chinese),
            billing=Billing(packages=[package]),
        ),
        Trouble(
            name="coupon-ends",
            state="soon",
            alert="FrsVoucherExpires",
            told=of_kind("voucher_ends", names="c-1 (132.50 CNY)"),
            billing=Billing(coupons=[coupon]),
            settings={"collectors": ("vouchers",)},
        ),
        Trouble(
            name="wrong-site",
            state="down",
            alert="FrsBillingNotPermitted",
            told=of_failure(codes()["CBC.0156"]),
            billing=Billing(failures={"": Failure.WRONG_SITE}),
        ),
    ]


def owner(trouble: Trouble) -> str:
    """Whose what is in trouble is, and the name of the credential."""
    return f"owner-{trouble.name}"


def made(trouble: Trouble, simulator: Simulator) -> Target:
    """What is in trouble, made in a simulator, as a target."""
    project = Project(**{"name": trouble.name, "region": "cn-north-4", "answer": ON, **trouble.project})
    account = Account(owner(trouble), trouble.kind, [project])
    settings = {"poll_interval": 60.0, **trouble.settings}
    if trouble.billing:
        account.billing = trouble.billing
        subject = model.Account(domain_id=account.domain_id, service_types=("hws.service.type.frs",))
        settings = {"collectors": ("billing",), **settings, "account": subject}
    simulator.world.accounts.append(account)
    if trouble.fault:
        api, fault = trouble.fault
        simulator.world.faults.set(api, fault, project.id)
    return target_of(account, project, trouble.at(simulator.url), **settings)


def is_told(words: Translator, told: Sequence[Text], text: str) -> bool:
    """Whether a text has all that is to be told, up to figures."""
    return all(part in text for each in told for part in words(each).split(ANY))


def linked(url: str, alert: str, **labels: str) -> str:
    """The page that an alert with these labels links to, of an exporter at a URL."""
    link = rules("alert")[alert]["annotations"]["page_url"].replace("http://{{ $labels.instance }}", url)
    return re.sub(r"{{ \$labels\.(\w+) \| urlquery }}", lambda label: quote_plus(labels[label[1]]), link)


async def check(tab: Tab, url: str, alert: str, told: Sequence[Text], state: str = "") -> None:
    """A trouble is told in the first screen, in both languages, with a link to the runbook of its alert.

    So is the state of what is looked at, where it is a project or an account.
    """
    for words in LANGUAGES:
        await tab.open(url, language=words.language.name, height=HEIGHT)
        seen = await tab.run(FIRST_SCREEN % "tr.why, .alarm")
        its = [text for text, links in seen if f"/runbook/{alert}" in links]
        assert any(is_told(words, [WORDS["do"], *told], text) for text in its), (words.language.name, url, seen)
        states = await tab.run(FIRST_SCREEN % "tbody a[class*=level-], h1 [class*=level-]")
        assert [text for text, _ in states] == ([words(state)] if state else []), url


async def test_troubles_of_projects_and_accounts(chromium: str) -> None:
    """Each is looked at alone, as who follows a link to it does; no other trouble is named."""
    troubles = [*of_projects(), *of_failures(), *of_accounts()]
    assert len(troubles) == TWENTY - len(ABOVE)
    world = World([], token_life=1500.0, without_subscribe={"ap-southeast-2"})
    async with Simulator(world) as simulator, serving(simulator) as served, browser(chromium) as tab:
        await polled(served, *(made(trouble, simulator) for trouble in troubles))
        for trouble in troubles:
            page = linked(
                served.url, trouble.alert, project=trouble.name, account=trouble.name, credential=owner(trouble)
            )
            for url in dict.fromkeys((page, f"{served.url}/?q=project:{trouble.name}")):
                await check(tab, url, trouble.alert, trouble.told, trouble.state)
            names = await tab.run("[...document.querySelectorAll('tbody th b')].map((it) => it.innerText)")
            assert names == [trouble.name]
            its = json.loads((await served.get(f"/api/v1/status?q=project:{trouble.name}"))[2])
            assert [it["alert"] for it in its["projects"][0]["troubles"]] == [trouble.alert]
        assert tab.troubles == []


async def polled(served: Served, *targets: Target, discovery: tuple[Discovery, ...] = ()) -> None:
    """Watch these, and wait until each was asked."""
    served.source.loads.append(Config(targets, LIMITS, discovery))
    await served.exporter.reload()
    await served.ready()


async def test_troubles_that_are_told_above_all_projects(tmp_path: Path, chromium: str) -> None:
    """A secret and a list of projects that are refused, then a config with many mistakes."""
    async with Simulator(World([])) as simulator, serving(simulator) as served, browser(chromium) as tab:
        target = made(Trouble(name="wrong-key", state="down", alert="", told=()), simulator)
        assert isinstance(target.credential, KeyCredential)
        template = made(Trouble(name="branch", state="", alert="", told=()), simulator)
        simulator.world.faults.set("iam", Fault(status=403, code="IAM.0002"))
        wrong = replace(target, credential=replace(target.credential, name="keys", secret_key=SecretStr("wrong")))
        await polled(served, wrong, discovery=(Discovery(name="branches", template=template),))
        await until_told(served)

        url = linked(served.url, ABOVE[0], credential="keys")
        await check(tab, url, ABOVE[0], of_kind("refused", credential="keys"), "down")
        refused = of_failure(codes_of_reason()["APIG.0301", Reason.AUTH])
        named = both(WORDS["secret_refused"], credential="keys", projects=Text("1 project", "1 个项目"))
        await check(tab, url, ABOVE[0], (named, *refused), "down")
        denied = both(WORDS["rule_failing"], rule="branches"), *of_failure(codes()["IAM.0002"])
        await check(tab, linked(served.url, ABOVE[1]), ABOVE[1], denied, "down")

        problem = await mistaken(served, tmp_path)
        told = WORDS["refused"], Text(problem, problem), WORDS["refused_do"]
        await check(tab, linked(served.url, ABOVE[2]), ABOVE[2], told)
        assert tab.troubles == []


async def until_told(served: Served) -> None:
    """Wait until the refusals of the list of projects and of the secret are known."""
    async with asyncio.timeout(10):
        while True:
            seen = served.exporter.snapshot()
            if seen.refused and seen.rules and all(rule.failure for rule in seen.rules):
                return
            await asyncio.sleep(0.02)


async def mistaken(served: Served, folder: Path) -> str:
    """Reload a config with a mistake in each of many projects; the first of them."""
    file = folder / "config.yaml"
    projects = "".join(f"  - {{name: gate-{number}, region: nowhere, credential: keys}}\n" for number in range(30))
    file.write_text(f"credentials: {{keys: {{ak_sk: {{access_key: AK, secret_key: sk}}}}}}\nprojects:\n{projects}")
    with pytest.raises(ConfigError) as raised:
        load(str(file))
    served.source.loads.append(raised.value)
    with pytest.raises(ConfigError):
        await served.exporter.reload()
    return raised.value.problems[0]
