"""What a one-shot run found, as a table for people, as JSON, and as Prometheus' text."""

import io
import json
from collections import Counter
from collections.abc import Sequence

from rich.box import ROUNDED
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text as Styled

from frs_exporter import __version__
from frs_exporter.cli.check_report import Report, is_wrong
from frs_exporter.collectors import OF_ACCOUNTS
from frs_exporter.exposition.page import TEXT, Page
from frs_exporter.polling.exporter import PAGE_FAMILIES
from frs_exporter.polling.one_shot import Check
from frs_exporter.polling.report import some_of
from frs_exporter.polling.runner import show
from frs_exporter.status.i18n import Translator
from frs_exporter.status.region_troubles import region_troubles
from frs_exporter.status.subscription_view import SubserviceView, unusual
from frs_exporter.status.summary import (
    account_lines,
    columns_of,
    date,
    plain,
    plain_rule,
    plain_secret,
    plain_shared_trouble,
    state,
    warnings_of,
)
from frs_exporter.status.trouble_words import Level
from frs_exporter.status.verdict import TroubleView
from frs_exporter.status.view import ProjectView

STYLES = {
    Level.DOWN: "bold red",
    Level.OFF: "bold red",
    Level.SOON: "yellow",
    Level.UNKNOWN: "yellow",
    Level.WELL: "green",
}
COLUMN = 14
"""Characters that a sub-service's column takes, `on 2024-03-11` and the space beside it."""
FACTS = ("use", "latency", "token")
OTHERS = 76
"""Characters that the other columns take as a rule."""


def as_json(report: Report) -> str:
    """What /api/v1/status has, as far as a single run knows it, and what could not be asked."""
    words, up = report.words, sum(job.state.up for job in report.seen.jobs)
    document = {
        "version": __version__,
        "now": report.now,
        "well": report.well,
        "counts": {"jobs": report.jobs, "up": up, **report.counts},
        "unreachable": [plain_shared_trouble(trouble, words) for trouble in region_troubles(report.seen.jobs)],
        "discovery": [plain_rule(rule, words, once=True) for rule in report.seen.rules],
        "credentials": [
            plain_secret(name, report.seen.refused[name], numbers, words, once=True)
            for name, numbers in report.refused.items()
        ],
        "jobs": {"all": report.jobs, "not_asked": report.unasked},
        "discovery_failures": dict(report.undiscovered),
        "projects": [
            {**plain(view, report.words, once=True), "latency": report.latencies.get(view.project)}
            for view in report.projects
        ],
    }
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"


def as_prometheus(check: Check, clock: float) -> str:
    """The gauges that a scrape would show, for node_exporter's textfile collector; one run has nothing to count."""
    page = Page(PAGE_FAMILIES)
    for job, job_state in check.asked():
        show(page, job, job_state, check.expiries.get(job.target.project))
    gauges = {family.name for family in PAGE_FAMILIES if family.type == "gauge"}
    return b"".join(page.blocks(TEXT, clock, gauges)).decode("utf-8", "replace")


def as_table(report: Report, *, terminal: bool, terminal_width: int | None = None, color: bool = True) -> str:
    """The table, what is wrong with each project, and the sum of it; without a terminal each project is one line.

    `terminal_width` is in characters, that of the terminal unless it is told.
    """
    console = Console(
        file=io.StringIO(),
        force_terminal=terminal,
        no_color=None if color else True,
        width=terminal_width if terminal else max(400, terminal_width or 0),
        highlight=False,
        soft_wrap=False,
    )
    names = columns_of({name: 1 for view in report.projects for name in view.subservices})[0]
    if report.projects:
        site = max(map(len, report.sites)) + 3 if len(report.sites) > 1 else 0
        wide = not terminal or console.width >= OTHERS + site + COLUMN * len(names)
        console.print(wide_table(report, names, terminal) if wide else narrow_table(report))
    for view in report.projects:
        if view.troubles:
            print_troubles(console, report.words, view)
    for note, projects in warnings_of(report.projects).items():
        about = report.words("note", projects=some_of(projects))
        console.print(Styled(f"{about}{report.words(note.text)}", "yellow"))
    for rule, failure in report.undiscovered:
        console.print(Styled(report.words("rule", rule=rule), "bold red"))
        console.print(Padding(Styled(failure), (0, 0, 0, 2)))
    console.print(
        Styled(conclusion(report), "bold green" if report.well else "yellow" if report.passed else "bold red")
    )
    assert isinstance(console.file, io.StringIO)
    return "".join(f"{line.rstrip()}\n" for line in console.file.getvalue().splitlines())


def wide_table(report: Report, names: Sequence[str], terminal: bool) -> Table:
    """A row per project, with a column for each sub-service."""
    words = report.words
    table = Table(box=ROUNDED if terminal else None, pad_edge=terminal, header_style="bold")
    sited = len(report.sites) > 1
    for heading in ("project", "region", *(["site"] if sited else []), "credential", "state"):
        table.add_column(words(heading), no_wrap=not terminal, overflow="fold")
    for name in names:
        table.add_column(name, no_wrap=True)
    for heading in FACTS:
        table.add_column(words(heading), no_wrap=not terminal, overflow="fold")
    for view in report.projects:
        cells = [subservice(words, view.subservices.get(name)) for name in names]
        where = (view.project, region(words, view), *([view.site] if sited else []), view.credential)
        table.add_row(*map(Styled, where), status(words, view), *cells, *map(Styled, facts(report, view)))
    return table


def narrow_table(report: Report) -> Table:
    """A row per project, with its sub-services below each other."""
    words, sited = report.words, len(report.sites) > 1
    table = Table(box=ROUNDED, header_style="bold")
    for heading in ("project", "state", "subservices"):
        table.add_column(words(heading), overflow="fold")
    for view in report.projects:
        who = Styled(f"{view.project}\n")
        site = f"\n{view.site}" if sited else ""
        who.append(f"{region(words, view)}{site}\n{view.credential}", "dim")
        state_cell = status(words, view)
        for heading, fact in zip(FACTS, facts(report, view), strict=True):
            state_cell.append(f"\n{words(heading)}{words('colon')}{fact}" if fact != "–" else "", "not bold default")
        what = [Styled.assemble(f"{name} ", subservice(words, service)) for name, service in view.subservices.items()]
        table.add_row(who, state_cell, Styled("\n").join(what))
    return table


def region(words: Translator, view: ProjectView) -> str:
    """Where a project is; an account is nowhere."""
    return words("account") if view.account else view.region


def status(words: Translator, view: ProjectView) -> Styled:
    """A project's state in a word."""
    cell = Styled(state(words, view), STYLES[view.level])
    if told_by := unusual(view.sources):
        cell.append(f"\n{words('known_from', sources=told_by)}", "not bold default")
    return cell


def subservice(words: Translator, service: SubserviceView | None) -> Styled:
    """Whether a sub-service is on, and since when."""
    if service is None:
        return Styled("–", "dim")
    if service.subscribed is None:
        return Styled(words("unknown"), "bold yellow" if service.required else "yellow")
    if service.subscribed:
        return Styled(words("on") + (f" {date(service.since)}" if service.since else ""), "green")
    return Styled(
        words("off") + (words("comma") + words("required") if service.required else ""),
        "bold red" if service.required else "dim",
    )


def facts(report: Report, view: ProjectView) -> tuple[str, str, str]:
    """What is used, how long the slowest request took, and when the token ends."""
    words, use, latency = report.words, list[str](), report.latencies.get(view.project)
    if view.usage.face_sets is not None or view.usage.max_face_sets is not None:
        used, limit = ("–" if n is None else n for n in (view.usage.face_sets, view.usage.max_face_sets))
        use.append(words("face_sets", used=used, limit=limit))
    if view.usage.month_calls is not None:
        use.append(words.count("calls", view.usage.month_calls))
    if view.account:
        use += (line for line, _ in account_lines(words, view.account, report.now))
    ends = words("ahead", time=words.span(view.token_expiry - report.now)) if view.token_expiry is not None else "–"
    return ", ".join(use) or "–", f"{1000 * latency:.0f} ms" if latency else "–", ends


def print_troubles(console: Console, words: Translator, view: ProjectView) -> None:
    """Everything that is to be said of a project, and what to do."""
    console.print(Styled(view.project, "yellow" if view.level >= Level.SOON else "bold red"))
    for trouble in view.troubles:
        for line in lines_of(words, trouble):
            console.print(Padding(Styled(line), (0, 0, 0, 2)))


def lines_of(words: Translator, trouble: TroubleView) -> list[str]:
    """A trouble, the vendor's answer, what to do, and what tells more."""
    lines, failure = [words(trouble.text)], trouble.failure
    if failure:
        code = " ".join(filter(None, (failure.code, f"(HTTP {failure.status})" if failure.status else "")))
        title = f"{trouble.collectors}: {failure.reason} {code}".rstrip()
        lines = [f"{title} – {words(failure.means)}"]
        lines += [f"{words('said')}{failure.message}"] if failure.message else []
        lines += [f"{words('request_id')}{words('colon')}{failure.request_id}"] if failure.request_id else []
    lines.append(f"{words('do')}{words(trouble.once)}")
    return lines + ([f"{words('more_about')}{trouble.command}"] if trouble.command else [])


def conclusion(report: Report) -> str:
    """The sum of it, in a line."""
    words, wrong = report.words, sum(map(is_wrong, report.projects))
    accounts = sum(view.account is not None for view in report.projects)
    numbers = {"count_projects": len(report.projects) - accounts, "count_accounts": accounts}
    everything = words("and").join(words.count(name, number) for name, number in numbers.items() if number)
    if report.well:
        return words("all_well", projects=everything, jobs=words.count("count_jobs", report.jobs)) + unrequired(report)
    if report.passed:
        return less_than_well(report, everything)
    parts = [words("interrupted", signal=report.interrupted_by)] if report.interrupted_by else []
    parts += [words("not_well", count=wrong, all=everything)] if wrong else []
    not_found, not_asked = (
        ("not_answered", "not_asked") if report.interrupted_by else ("not_found", "not_asked_in_time")
    )
    parts += [words.count(not_found, len(report.undiscovered))] if report.undiscovered else []
    parts += [words(not_asked, count=report.unasked, jobs=report.jobs)] if report.unasked else []
    nothing = words("nothing_fits", accounts=", ".join(OF_ACCOUNTS)) if report.unfit else words("nothing_asked")
    return words("semicolon").join(parts) or nothing


def less_than_well(report: Report, everything: str) -> str:
    """The sum where nothing is wrong: what will be soon, and what was found and not asked."""
    words, soon = report.words, sum(view.level is Level.SOON for view in report.projects)
    parts = [words("soon_only", count=soon, all=everything)] if soon else [words("nothing_wrong", all=everything)]
    parts += [words.count("unwatched", report.unwatched)] if report.unwatched else []
    return words("semicolon").join(parts)


def unrequired(report: Report) -> str:
    """What is on, where nothing is required: to be well says little then."""
    services = [(name, service) for view in report.projects for name, service in view.subservices.items()]
    if not services or any(service.required for _, service in services):
        return ""
    number = Counter(name for name, service in services if service.subscribed)
    names = columns_of(number)[0]
    several = len(report.projects) > 1
    on = ", ".join(f"{name} ({number[name]})" if several else name for name in names)
    return report.words("semicolon") + report.words("unrequired", names=on or report.words("nothing"))
