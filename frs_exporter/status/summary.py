"""How a view of a project is put: the same on the status page, in a table on a terminal and as JSON (pure)."""

import heapq
from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from frs_exporter.collectors.subscription import DOCUMENTED
from frs_exporter.core.alerts import alerts
from frs_exporter.core.errors import Failure
from frs_exporter.core.explanations import explain
from frs_exporter.core.notes import Note
from frs_exporter.status.account_troubles import LITTLE, SOON
from frs_exporter.status.account_view import AccountView
from frs_exporter.status.i18n import Translator
from frs_exporter.status.rule_troubles import rule_troubles
from frs_exporter.status.snapshot import RefusedSecret, RuleSnapshot, Snapshot
from frs_exporter.status.subscription_view import SubserviceView
from frs_exporter.status.trouble_words import Level, SharedTrouble
from frs_exporter.status.verdict import FULL, NEARLY, TroubleView
from frs_exporter.status.view import JobView, ProjectView

MAX_COLUMNS = 10
"""Sub-services with a column of their own; the vendor has about half as many."""
MAX_LINES = 5
"""Packages that the page shows of an account, and vouchers: the next to end."""
SPENT = ("balance", "credit")
"""Types of balances that pay for use, which rules add up; bonus and deposit do not."""
STATES = {
    Level.DOWN: "down",
    Level.OFF: "missing",
    Level.SOON: "soon",
    Level.UNKNOWN: "unknown",
    Level.WELL: "well",
}


def own_warnings(view: ProjectView) -> list[Note]:
    """What answers have left open; what is so of all projects of a region is for those in trouble."""
    return [note for note in warnings_of([view]) if view.level is not Level.WELL or not note.region]


def account_lines(words: Translator, account: AccountView, now: float) -> list[tuple[str, str]]:
    """What to say of an account, each with what its cell looks like: money, debt, packages in use, and vouchers."""
    lines = [
        (words(kind, amount=money(amount, currency)), "unknown")
        for kind in SPENT
        for currency, amount in account.balances.get(kind, {}).items()
    ]
    lines += ((words("debt", amount=money(owed, currency)), "lost") for currency, owed in account.debts.items() if owed)
    for package in [package for package in account.packages if package.active][:MAX_LINES]:
        text = package.name or package.package
        if package.part_left is not None:
            text = words("package_left", package=text, part=f"{package.part_left:.0%}")
        if package.expires is not None:
            text = words("package_ends", package=text, time=words.span(package.expires - now))
        little = package.part_left is not None and package.part_left < LITTLE
        soon = package.expires is not None and package.expires < now + SOON
        lines.append((text, "blind" if little or soon else "unknown"))
    for voucher in account.vouchers[:MAX_LINES]:
        text = words(voucher.kind, amount=money(voucher.amount, voucher.currency))
        if voucher.expires is not None:
            text = words("package_ends", package=text, time=words.span(voucher.expires - now))
        soon = voucher.expires is not None and voucher.expires < now + SOON
        lines.append((text, "blind" if soon else "unknown"))
    return lines


def numbers_in_words(words: Translator, numbers: Mapping[str, int]) -> str:
    """So many projects, and so many accounts where there are any."""
    counted = [words.count(f"count_{kind}", number) for kind, number in numbers.items() if number]
    return words("and").join(counted) or words.count("count_projects", 0)


def money(amount: float, currency: str) -> str:
    """An amount as people read it."""
    return f"{amount:,.2f} {currency}".rstrip()


def usage_class(fullness: float) -> str:
    """How a face set is shown that is so full: as the verdict has it."""
    return "lost" if fullness >= FULL else "blind" if fullness >= NEARLY else "unknown"


def columns_of(number: Mapping[str, int]) -> tuple[list[str], bool]:
    """The sub-services that get a column: documented ones, then the commonest; and whether there are others."""
    documented = [name for name in DOCUMENTED if name in number]
    commonest = heapq.nsmallest(MAX_COLUMNS, number.keys() - documented, key=lambda name: (-number[name], name))
    return [*documented, *commonest][:MAX_COLUMNS], len(number) > MAX_COLUMNS


def state(words: Translator, view: ProjectView) -> str:
    """A project's state in a word or two."""
    if view.frozen:
        return words("frozen")
    if view.account and view.account.in_debt:
        return words("in_debt")
    if view.level is Level.UNKNOWN:
        waiting = any(job.up is None for job in view.jobs)
        return words("waiting" if waiting else "not_known" if is_required(view) else "unknown")
    return words(STATES[view.level])


def is_required(view: ProjectView) -> bool:
    """Whether anything must be on."""
    return any(service.required for service in view.subservices.values())


def since(words: Translator, trouble: TroubleView, now: float) -> str:
    """Since when something is so, empty where that is not known."""
    if trouble.since is None:
        return ""
    return words("last_answer" if trouble.failure else "since_ago", time=words.span(now - trouble.since))


def is_well(seen: Snapshot, levels: Collection[Level]) -> bool:
    """Whether nothing is wrong, unknown or left out: of each project, of discovery and of the config."""
    in_use = not seen.problems and all(rule.is_well for rule in seen.rules)
    return in_use and set(levels) == {Level.WELL}


def warnings_of(views: Iterable[ProjectView]) -> dict[Note, list[str]]:
    """What answers have left open, with the projects whose answers did."""
    result: dict[Note, list[str]] = {}
    for view in views:
        for warning in dict.fromkeys(warning for job in view.jobs for warning in job.warnings):
            result.setdefault(warning, []).append(view.project)
    return result


def css_class(subservice: SubserviceView) -> str:
    """What a sub-service's cell looks like."""
    if subservice.subscribed is None:
        return "blind" if subservice.required else "unknown"
    return "on" if subservice.subscribed else "lost" if subservice.required else "off"


def recent_polls(words: Translator, job: JobView) -> str:
    """The newest polls in words, the oldest of them first."""
    return ", ".join(reason or words("well") for reason in job.recent)


def date(seconds: float) -> str:
    """A day, by UTC."""
    try:
        return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d}"
    except (ValueError, OverflowError, OSError):
        return "?"


def plain(view: ProjectView, words: Translator, *, once: bool = False) -> dict[str, Any]:
    """A project as JSON has it: names in place of numbers, texts in the reader's language.

    `once` says that it was asked only once, so that advice is for that.
    """
    result = {"trouble" if name == "level" else name: value for name, value in asdict(view).items()}
    result["trouble"] = view.level.name.lower()
    result["troubles"] = [plain_trouble(trouble, words, once=once) for trouble in view.troubles]
    for job, seen in zip(result["jobs"], view.jobs, strict=True):
        job["warnings"] = [words(note.text) for note in seen.warnings]
        if seen.failure:
            del job["failure"]["once"]
            advice = seen.failure.once if once else seen.failure.do
            job["failure"].update(means=words(seen.failure.means), do=words(advice))
    return result


def plain_trouble(trouble: TroubleView, words: Translator, *, once: bool) -> dict[str, Any]:
    """A trouble as JSON has it."""
    return {
        "level": trouble.level.name.lower(),
        "text": words(trouble.text),
        "do": words(trouble.once if once else trouble.do),
        "alert": trouble.alert,
        "runbook": words(alerts()[trouble.alert].page) if trouble.alert else "",
        "command": trouble.command,
        "since": trouble.since,
    }


def plain_failure(failure: Failure | None, words: Translator, *, once: bool = False) -> dict[str, Any] | None:
    """Why a rule fails or a secret is refused, as JSON has it."""
    if failure is None:
        return None
    about = explain(failure)
    return {
        "reason": str(failure.reason),
        "code": failure.code,
        "message": failure.message,
        "request_id": failure.request_id,
        "means": words(about.means),
        "do": words(about.once or about.do if once else about.do),
    }


def plain_rule(rule: RuleSnapshot, words: Translator, *, once: bool = False) -> dict[str, Any]:
    """A discovery rule as JSON has it."""
    troubles = [plain_shared_trouble(trouble, words) for trouble in rule_troubles(rule)]
    failing = [] if rule.has_come else ["FrsDiscoveryFailing"]
    (alert, *_) = [*failing, *(trouble["alert"] for trouble in troubles), ""]
    about = {"rule": rule.name, "well": rule.is_well, "tried": rule.tried, "since": rule.since, "alert": alert}
    numbers = {"skipped": len(rule.unwatched.taken), "over_limit": rule.unwatched.over_limit}
    return {**about, **numbers, "troubles": troubles, "failure": plain_failure(rule.failure, words, once=once)}


def plain_shared_trouble(trouble: SharedTrouble, words: Translator) -> dict[str, str]:
    """What a rule leaves out, or what a region does not answer, as JSON has it."""
    about = {"text": words(trouble.text), "do": words(trouble.do), "alert": trouble.alert}
    return {**about, "runbook": words(alerts()[trouble.alert].page), "command": trouble.command}


def plain_secret(
    name: str, secret: RefusedSecret, numbers: Mapping[str, int], words: Translator, *, once: bool = False
) -> dict[str, Any]:
    """A secret that is refused, and for how many projects and accounts it is used, as JSON has it."""
    about = {"credential": name, **numbers, "since": secret.since, "until": secret.until}
    failure = plain_failure(secret.failure, words, once=once)
    return {**about, "alert": "FrsCredentialRejected", "failure": failure}
