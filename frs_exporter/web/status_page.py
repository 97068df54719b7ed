"""The status, as a page for people and as JSON: both are made in slices and written piece by piece."""

import json
from collections import Counter
from collections.abc import Hashable
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import urlencode

from aiohttp import web

from frs_exporter import __version__
from frs_exporter.polling.exporter import Exporter
from frs_exporter.runtime.offload import Yielder
from frs_exporter.status.i18n import Translator, language_of
from frs_exporter.status.order import Order, sort_of, wanted
from frs_exporter.status.region_troubles import region_troubles
from frs_exporter.status.rule_troubles import rule_troubles
from frs_exporter.status.snapshot import Snapshot
from frs_exporter.status.subscription_view import unusual
from frs_exporter.status.summary import (
    account_lines,
    columns_of,
    css_class,
    date,
    is_well,
    numbers_in_words,
    own_warnings,
    plain,
    plain_failure,
    plain_rule,
    plain_secret,
    plain_shared_trouble,
    recent_polls,
    usage_class,
)
from frs_exporter.status.trouble_words import Level
from frs_exporter.status.view import Projects
from frs_exporter.web.layout import project_path
from frs_exporter.web.rendering import Blocks
from frs_exporter.web.renderings import Renderings, Subject
from frs_exporter.web.stream import header, stream
from frs_exporter.web.templating import ENVIRONMENT, SCRIPT, STYLE, headers_of, shared

MAX_ROWS = 500
MAX_REASONS = 5
"""Reasons that are counted at the top of the page."""
MAX_PROBLEMS = 100
"""Problems of a config that are told in JSON; `/-/reload` and `--config.check` tell all."""
MAX_QUERY = 200
PIECE = 1 << 15
"""Characters that are written at once."""

TEMPLATE = ENVIRONMENT.get_template("status.html")
HEADERS = headers_of((STYLE,), SCRIPT)


@dataclass(frozen=True, slots=True)
class StatusQuery:
    """What of the status a reader wants, and in which language."""

    words: Translator
    lang: str
    text: str
    all: bool
    sort: str = ""

    @classmethod
    def of(cls, request: web.Request) -> "StatusQuery":
        """What a request asks for."""
        lang = request.query.get("lang", "")
        language = language_of(header(request, "Accept-Language", "*"), lang)
        text = request.query.get("q", "").strip()[:MAX_QUERY]
        chosen, sort = lang if lang == language.name else "", sort_of(request.query.get("sort", ""))
        return cls(Translator(language), chosen, text, request.query.get("all") == "1", sort)

    @property
    def variant(self) -> Hashable:
        """All that makes a difference to what such a reader gets."""
        return self.words.language.name, self.lang, self.text, self.all, self.sort

    def query(self, **changes: str) -> str:
        """The query of a link to the same with some changes."""
        now = {"q": self.text, "sort": self.sort, "lang": self.lang, "all": "1" if self.all else ""}
        return urlencode({name: value for name, value in {**now, **changes}.items() if value})


async def page(exporter: Exporter, renderings: Renderings, metrics: str, request: web.Request) -> web.StreamResponse:
    """The page for people; `metrics` is where the metrics are, seen from here."""
    asked = StatusQuery.of(request)
    subject, blocks = Subject("status page", asked.variant), partial(rendered, exporter, asked, metrics)
    return await stream(request, renderings, subject, blocks, HEADERS)


async def document(exporter: Exporter, renderings: Renderings, request: web.Request) -> web.StreamResponse:
    """The same as JSON, of all projects or those that a text is in."""
    asked = StatusQuery.of(request)
    subject, blocks = Subject("status document", asked.variant), partial(as_json, exporter, asked)
    return await stream(
        request, renderings, subject, blocks, {"Content-Type": "application/json", "Vary": "Accept-Language"}
    )


async def rendered(exporter: Exporter, asked: StatusQuery, metrics: str) -> Blocks:
    """The page in pieces."""
    snapshot, turn = exporter.snapshot(), Yielder(exporter.clock)
    projects, matching = await look(exporter, snapshot, asked, turn)
    names = matching if asked.all else matching[:MAX_ROWS]
    number = Counter[str]()
    for name in names:
        number.update(projects.subservices(name))
        await turn()
    columns, others = columns_of(number)
    # Each is made when its turn comes: thousands at once would also go at once, and keep the loop waiting.
    views = map(projects.view, names)
    about = {
        "snapshot": snapshot,
        "metrics": metrics,
        "reasons": projects.reasons.most_common(MAX_REASONS),
        "sites": projects.sites,
        "shown": len(names),
        "matching": len(matching),
        **banners(asked.words, snapshot, projects),
        **numbers(counts(snapshot, projects)),
    }
    chunks, size = list[str](), 0
    script = SCRIPT if len(names) <= MAX_ROWS else ""
    for piece in TEMPLATE.generate(projects=views, columns=columns, others=others, **about, **tools(asked, script)):
        chunks.append(piece)
        size += len(piece)
        if size >= PIECE:
            yield "".join(chunks).encode("utf-8", "replace")
            chunks, size = [], 0
        await turn()
    yield "".join(chunks).encode("utf-8", "replace")


def tools(asked: StatusQuery, script: str) -> dict[str, Any]:
    """What the template uses whatever there is to show."""
    words = asked.words
    return {
        **shared(words, asked.lang, (STYLE,), script),
        "q": asked.text,
        "query": asked.query,
        "sort": asked.sort,
        "css_class": css_class,
        "usage_class": usage_class,
        "account_lines": partial(account_lines, words),
        "own_warnings": own_warnings,
        "date": date,
        "project_path": project_path,
        "in_words": partial(numbers_in_words, words),
        "levels": [level.name.lower() for level in Level],
        "recent_polls": partial(recent_polls, words),
        "unusual": unusual,
    }


async def look(exporter: Exporter, snapshot: Snapshot, asked: StatusQuery, turn: Yielder) -> tuple[Projects, list[str]]:
    """All projects, and the names of those that are asked for, in the order that is asked for."""
    await turn()
    projects, text, matching = Projects(snapshot, exporter.token_expiry), asked.text.lower(), set()
    await turn()
    for name in projects.names():
        if not text or wanted(projects, name, text):
            matching.add(name)
        await turn()
    in_order = [name for name in projects.in_order() if name in matching]
    await turn()
    return projects, Order(asked.sort, snapshot, exporter.token_expiry).sorted(in_order)


def counts(snapshot: Snapshot, projects: Projects) -> dict[str, Any]:
    """How much there is, and how much of it is of each level: accounts are no projects."""
    up = sum(job.state.up for job in snapshot.jobs)
    return {"jobs": len(snapshot.jobs), "up": up, **projects.counts()}


def numbers(counts: dict[str, Any]) -> dict[str, Any]:
    """The counts as the template names them, where `projects` are those that are shown."""
    of_projects, of_accounts = counts["projects"], counts["accounts"]
    return {
        "jobs": counts["jobs"],
        "up": counts["up"],
        "number_of_projects": of_projects,
        "number_of_accounts": of_accounts,
        "number_of_all": of_projects["all"] + of_accounts["all"],
    }


def banners(words: Translator, snapshot: Snapshot, projects: Projects) -> dict[str, Any]:
    """What is about no project alone: regions without answers, rules, refused secrets, and whether all is well."""
    return {
        "well": is_well(snapshot, projects.levels.values()),
        "rules": [(rule, plain_failure(rule.failure, words)) for rule in snapshot.rules if not rule.has_come],
        "shared": [
            *region_troubles(snapshot.jobs),
            *(trouble for rule in snapshot.rules for trouble in rule_troubles(rule)),
        ],
        "secrets": [
            (name, numbers, snapshot.refused[name], plain_failure(snapshot.refused[name].failure, words))
            for name, numbers in projects.refused().items()
        ],
    }


async def as_json(exporter: Exporter, asked: StatusQuery) -> Blocks:
    """The document, project by project."""
    snapshot, turn = exporter.snapshot(), Yielder(exporter.clock)
    projects, names = await look(exporter, snapshot, asked, turn)
    about = {
        "version": __version__,
        "now": snapshot.now,
        "well": is_well(snapshot, projects.levels.values()),
        "config": {
            "loaded": snapshot.loaded,
            "next_look": snapshot.next_look,
            "problems": list(snapshot.problems[:MAX_PROBLEMS]),
            "problem_count": len(snapshot.problems),
            "alert": "FrsConfigReloadFailed" if snapshot.problems else "",
        },
        "shard": {"index": snapshot.shard.index, "total": snapshot.shard.total},
        "counts": counts(snapshot, projects),
        "unreachable": [plain_shared_trouble(trouble, asked.words) for trouble in region_troubles(snapshot.jobs)],
        "discovery": [plain_rule(rule, asked.words) for rule in snapshot.rules],
        "credentials": [
            plain_secret(name, snapshot.refused[name], numbers, asked.words)
            for name, numbers in projects.refused().items()
        ],
    }
    yield json.dumps(about, ensure_ascii=False)[:-1].encode("utf-8", "replace") + b', "projects": ['
    comma = b"\n"
    for name in names:
        view = projects.view(name)
        yield comma + json.dumps(plain(view, asked.words), ensure_ascii=False).encode("utf-8", "replace")
        comma = b",\n"
        await turn()
    yield b"\n]}\n"
