"""The page of one project, or account: how it is, what to do, each job's last exchanges, and a day of history."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any
from urllib.parse import urlencode

from aiohttp import web

from frs_exporter.core.model import Target
from frs_exporter.core.past_polls import MAX_RECENT
from frs_exporter.polling.exchange import Exchange
from frs_exporter.polling.exporter import Exporter
from frs_exporter.polling.recorder import JobRecord
from frs_exporter.polling.runner import JobRunner
from frs_exporter.status.chart import HEIGHT, WIDTH, bars, hours, line, points_within, polled_hours, polls_within
from frs_exporter.status.history import COST, FULLNESS, MONEY, PACKAGE, Figure
from frs_exporter.status.i18n import Translator
from frs_exporter.status.json_text import indented, printable
from frs_exporter.status.moment import hour_of_day
from frs_exporter.status.snapshot import Snapshot
from frs_exporter.status.view import Expiry, Projects, ProjectView
from frs_exporter.web.layout import way_up
from frs_exporter.web.rendering import Blocks
from frs_exporter.web.renderings import Renderings, Subject
from frs_exporter.web.status_page import StatusQuery
from frs_exporter.web.stream import stream
from frs_exporter.web.templating import ENVIRONMENT, SCRIPT, STYLE, headers_of, shared, text_of

STYLES = (STYLE, text_of("project.css"))
TEMPLATE = ENVIRONMENT.get_template("project.html")
HEADERS = headers_of(STYLES, SCRIPT)
MAX_SHOWN = 200
"""Characters of a name that nobody has, as it is found."""


@dataclass(frozen=True, slots=True)
class PageQuery:
    """Whose page a reader wants, where the status page is from there, and which query keeps the reader's language."""

    name: str
    home: str
    query: StatusQuery
    by_query: bool

    @property
    def words(self) -> Translator:
        """The reader's language."""
        return self.query.words

    @property
    def home_link(self) -> str:
        """The status page in the language that was chosen."""
        return self.home + (f"?{urlencode({'lang': self.query.lang})}" if self.query.lang else "")

    def link(self, lang: str) -> str:
        """This page in another language."""
        return "?" + urlencode({"name": self.name, "lang": lang} if self.by_query else {"lang": lang})


async def page(exporter: Exporter, renderings: Renderings, prefix: str, request: web.Request) -> web.StreamResponse:
    """The page of the project that the path, or the query, names; a 404 with a way back for any other name."""
    by_query = "name" not in request.match_info
    name = request.query.get("name", "") if by_query else request.match_info["name"]
    asked = PageQuery(name, way_up(prefix, request.rel_url.raw_path), StatusQuery.of(request), by_query)
    its = {key: runner for key, runner in exporter.runners.items() if key[0] == name}
    variant = (name, asked.home, asked.query.variant, by_query)
    blocks = partial(rendered, exporter, asked, its)
    return await stream(
        request, renderings, Subject("project page", variant), blocks, HEADERS, status=200 if its else 404
    )


async def rendered(exporter: Exporter, asked: PageQuery, its: Mapping[tuple[str, str], JobRunner]) -> Blocks:
    """All of the page: one project's jobs are few, and what is kept of each is bounded."""
    snapshot = exporter.snapshot()
    view = view_of(asked.name, snapshot, exporter.token_expiry) if its else None
    jobs = [job_facts(asked.words, runner, exporter.record(key), snapshot.now) for key, runner in its.items()]
    target = next(iter(its.values())).job.target if its else None
    found: dict[str, Any] = {"view": view, "jobs": jobs, "snapshot": snapshot, "max_recent": MAX_RECENT}
    found["name"] = asked.name if target else asked.name[:MAX_SHOWN]
    found["facts"] = facts(asked.words, target) if target else []
    yield TEMPLATE.render(**found, **tools(asked)).encode("utf-8", "replace")


def view_of(name: str, snapshot: Snapshot, expiry: Expiry) -> ProjectView:
    """The same that the status page shows of a project."""
    jobs = [job for job in snapshot.jobs if job.job.target.project == name]
    projects = Projects(replace(snapshot, jobs=jobs), expiry)
    (found,) = projects.names()
    return projects.view(found)


def tools(asked: PageQuery) -> dict[str, Any]:
    """What the template uses whatever there is to show."""
    return {
        **shared(asked.words, asked.query.lang, STYLES, SCRIPT),
        "home": asked.home_link,
        "root": asked.home,
        "other": asked.link("en" if asked.words.language.name == "zh" else "zh"),
        "hour_of_day": hour_of_day,
        "width": WIDTH,
        "height": HEIGHT,
    }


def facts(words: Translator, target: Target) -> list[tuple[str, str]]:
    """What the config, or discovery, has said of a project, each with what it is."""
    credential, display = target.credential, target.display
    found = [
        ("account_id" if target.account else "project_id", target.project_id),
        ("region", target.region),
        ("site", credential.site),
        ("credential", f"{credential.name} ({credential.kind})"),
        ("labels", ", ".join(f"{name}={value}" for name, value in display.labels)),
        ("collectors", ", ".join(display.collectors)),
        ("subservices_required", ", ".join(display.require)),
        ("poll_interval", words.span(target.poll_interval)),
        ("stale_after", words.span(display.stale_after)),
    ]
    return [(words(name), value) for name, value in found if value]


def job_facts(words: Translator, runner: JobRunner, record: JobRecord | None, now: float) -> dict[str, Any]:
    """All that is found of a job."""
    state, polls = runner.state, polls_within(record.polls.slots(), now) if record else []
    return {
        "collector": runner.job.collector,
        "state": state,
        "failure": state.failure,
        "polls": state.past_polls,
        "since": record.since if record else None,
        "bars": bars(polls, now),
        "polled_hours": polled_hours(polls),
        "figures": figures(words, record.figures or {}, now) if record else [],
        "exchanges": exchanges(record) if record else [],
    }


def exchanges(record: JobRecord) -> list[tuple[str, Exchange, str]]:
    """The last of a job that failed and the last that went well, each with its answer as people read it."""
    kept = (("last_failing", record.failing), ("last_good", record.good))
    found = [(name, exchange.exchange) for name, exchange in kept if exchange]
    return [(name, exchange, printable(indented(exchange.answer))) for name, exchange in found]


def figures(words: Translator, found: Mapping[str, Figure], now: float) -> list[dict[str, Any]]:
    """The figures of a job as they are drawn, and by the hour."""
    result = []
    for name, figure in found.items():
        points = points_within(figure.points(), now)
        if drawn := line(points, now):
            is_money, currency = name.startswith(MONEY), name.removeprefix(MONEY)
            title = words("figure_balance", currency=currency) if is_money else words(f"figure_{name}")
            result.append({"title": title, "line": drawn, "hours": hours(points), "put": partial(put, name)})
    return result


def put(name: str, value: float) -> str:
    """A figure as people read it."""
    if name in (FULLNESS, PACKAGE):
        return f"{value:.1%}"
    return f"{value:,.2f}" if name == COST or name.startswith(MONEY) else f"{value:,.0f}"
