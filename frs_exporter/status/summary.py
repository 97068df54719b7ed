"""How a view of a project is put: the same on the status page, in a table on a terminal and as JSON (pure)."""

import heapq
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from frs_exporter.collectors.subscription import DOCUMENTED
from frs_exporter.status.account_view import AccountView
from frs_exporter.status.i18n import Translator
from frs_exporter.status.view import FailureView, JobView, ProjectView, Severity, SubserviceView, unusual

MAX_COLUMNS = 10
"""Sub-services with a column of their own; the vendor has about half as many."""
MAX_LINES = 5
"""Packages that the page shows of an account, and vouchers: the next to end."""
SOON, LITTLE = 14 * 86400.0, 0.1
"""What ends within so many seconds, or a package with less than this part left, is for somebody to look at."""
SPENT = ("balance", "credit")
"""Types of balances that pay for use, which rules add up; bonus and deposit do not."""
STATES = {
    Severity.DOWN: "down",
    Severity.MISSING: "missing",
    Severity.UNKNOWN: "waiting",
    Severity.NONE: "up",
}


def failures(project: ProjectView) -> list[tuple[str, FailureView]]:
    """Why jobs are down, each reason once, with the collectors whom it keeps from knowing."""
    result: dict[tuple[str, str], tuple[list[str], FailureView]] = {}
    for job in project.jobs:
        if failure := job.failure:
            names, _ = result.setdefault((failure.reason, failure.code), ([], failure))
            names.append(job.collector)
    return [(", ".join(names), failure) for names, failure in result.values()]


def own_warnings(view: ProjectView) -> list[str]:
    """What answers have left open; what is so of all projects of a region is for those in trouble."""
    region = f"{view.region}: "
    return [text for text in warnings_of([view]) if view.trouble is not Severity.NONE or not text.startswith(region)]


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


def money(amount: float, currency: str) -> str:
    """An amount as people read it."""
    return f"{amount:,.2f} {currency}".rstrip()


def usage_class(fullness: float) -> str:
    """How a face set is shown that is so full: as the alerts have it, at 80 % and at 95 %."""
    return "lost" if fullness >= 0.95 else "blind" if fullness >= 0.8 else "unknown"


def columns_of(number: Mapping[str, int]) -> tuple[list[str], bool]:
    """The sub-services that get a column: documented ones, then the commonest; and whether there are others."""
    documented = [name for name in DOCUMENTED if name in number]
    commonest = heapq.nsmallest(MAX_COLUMNS, number.keys() - documented, key=lambda name: (-number[name], name))
    return [*documented, *commonest][:MAX_COLUMNS], len(number) > MAX_COLUMNS


def state(words: Translator, view: ProjectView) -> str:
    """A project's state in a word."""
    if view.frozen:
        return words("frozen")
    if view.account and view.account.in_debt:
        return words("in_debt")
    return words("not_known" if is_not_known(view) else STATES[view.trouble])


def is_not_known(view: ProjectView) -> bool:
    """Whether something that is required is not known to be on, and nothing is known to be off."""
    off = any(service.required and service.subscribed is False for service in view.subservices.values())
    return bool(view.trouble is Severity.MISSING and unusual(view.sources) and not off)


def warnings_of(views: Iterable[ProjectView]) -> dict[str, list[str]]:
    """What answers have left open, with the projects whose answers did."""
    result: dict[str, list[str]] = {}
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
    result = asdict(view)
    result["trouble"] = "not_known" if is_not_known(view) else view.trouble.name.lower()
    for job, seen in zip(result["jobs"], view.jobs, strict=True):
        if seen.failure:
            del job["failure"]["once"]
            advice = seen.failure.once if once else seen.failure.do
            job["failure"].update(means=words(seen.failure.means), do=words(advice))
    return result
