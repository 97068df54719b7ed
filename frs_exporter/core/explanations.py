"""What a failure means, why it happens, what to do about it, and whether it is retried: in English and Chinese.

All of it is in explanations.yaml, which `explain`, the status page, the log and docs/operations.md share.
"""

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

import yaml

from frs_exporter.core.errors import Failure, Reason, canonical, reason_of


@dataclass(frozen=True, slots=True)
class Text:
    """One line in each language that the exporter speaks."""

    en: str
    zh: str


def both(text: Text, **values: object) -> Text:
    """A text filled in, in both languages; values may be texts themselves."""
    en, zh = (
        {name: getattr(value, language) if isinstance(value, Text) else value for name, value in values.items()}
        for language in ("en", "zh")
    )
    return Text(text.en.format(**en), text.zh.format(**zh))


@dataclass(frozen=True, slots=True)
class Explanation:
    """What it means, why it happens, the likeliest first, what a person can do, and whether it is retried.

    `once` is what a person can do who has asked only once, where that is something else.
    """

    means: Text
    causes: tuple[Text, ...]
    do: Text
    retried: Text
    once: Text | None = None


@dataclass(frozen=True, slots=True)
class Named:
    """What somebody asked about: its name as tables have it, the HTTP status that it comes with, and its reason."""

    name: str
    status: int | None
    reason: Reason
    explanation: Explanation


def text_of(name: str) -> str:
    """A file beside this module."""
    return resources.files(__package__).joinpath(name).read_text("utf-8")


def parse(text: str) -> Mapping[str, Any]:
    """What such a file says, quickly."""
    document: Mapping[str, Any] = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506
    return document


EXPLANATIONS = text_of("explanations.yaml")
"""Parsed when something is to be explained first, but read at the start: what failed may be that no file can be opened
any more."""


@cache
def raw() -> Mapping[str, Any]:
    """What the file says."""
    return parse(EXPLANATIONS)


@cache
def retries() -> Mapping[str, Text]:
    """What is said of whether a failure is retried, by the names that the file has for it."""
    return {name: Text(**text) for name, text in raw()["retries"].items()}


def build(about: Mapping[str, Any], default: Explanation | None = None) -> Explanation:
    """An explanation as it is written, with causes and retries of another where it has none."""
    causes = tuple(Text(**cause) for cause in about.get("causes", ()))
    assert default or about["retried"]
    return Explanation(
        means=Text(**about["means"]),
        causes=causes or (default.causes if default else ()),
        do=Text(**about["do"]),
        retried=retries()[about["retried"]] if "retried" in about or not default else default.retried,
        once=Text(**about["once"]) if "once" in about else None,
    )


@cache
def reasons() -> Mapping[Reason, Explanation]:
    """What each reason means."""
    return {Reason(name): build(about) for name, about in raw()["reasons"].items()}


@cache
def statuses() -> Mapping[str, int]:
    """The HTTP status that each code comes with."""
    return {code: about["status"] for code, about in raw()["codes"].items()}


@cache
def codes() -> Mapping[str, Explanation]:
    """What each of the vendor's codes means."""
    return {code: build(about, reasons()[reason_of(code, about["status"])]) for code, about in raw()["codes"].items()}


@cache
def codes_of_reason() -> Mapping[tuple[str, Reason], Explanation]:
    """Codes that are said of different credentials: what was refused, a token or a signature, the reason tells."""
    return {
        (code, Reason(name)): build(other, reasons()[Reason(name)])
        for code, about in raw()["codes"].items()
        for name, other in about.get("of_reason", {}).items()
    }


@cache
def of_api() -> Mapping[tuple[str, Reason], Explanation]:
    """What a reason means where one of the vendor's services other than FRS gives it, by API."""
    return {
        (api, Reason(name)): build(about, reasons()[Reason(name)])
        for api, by_reason in raw()["of_api"].items()
        for name, about in by_reason.items()
    }


@cache
def others() -> Mapping[str, Explanation]:
    """Of failures that are known better by where they come from than by their code or reason."""
    return {name: build(about) for name, about in raw()["others"].items()}


NEARBY: Mapping[str, str] = {"ecs": "metadata", "cce": "pod_identity"}
"""Services beside the exporter that give keys, by API, with the names of what is said of them, whatever they say."""
STS_REFUSALS = {Reason.AUTH, Reason.FORBIDDEN, Reason.CLIENT, Reason.ABSENT}
"""What STS says of an id token, or of whom the agency trusts."""


def explain(failure: Failure) -> Explanation:
    """What a failure means, and what to do about it."""
    if failure.by_proxy:
        return others()["proxy"]
    if failure.lacks:
        return others()[f"no_{failure.lacks}"]
    if failure.too_long:
        return others()["long_list" if failure.api == "iam" else "long_answer"]
    if failure.status is not None and failure.status // 100 == 3:
        return reasons()[Reason.PAYLOAD]
    if failure.api in NEARBY:
        return others()[NEARBY[failure.api]]
    if failure.api == "sts" and failure.reason in STS_REFUSALS:
        return others()["oidc"]
    if failure.second_factor:
        return others()["second_factor"]
    if failure.of_agency:
        return others()["agency"]
    if failure.unrenewable and failure.reason is Reason.TOKEN:
        return others()["static_token"]
    code = canonical(failure.code)
    # What the gateway says of all services alike is known better of the billing service, whose scope is an account.
    if failure.api == "bss" and not code.startswith("CBC.") and (known := of_api().get((failure.api, failure.reason))):
        return known
    if known := codes_of_reason().get((code, failure.reason)) or codes().get(code):
        return known
    return of_api().get((failure.api, failure.reason)) or reasons()[failure.reason]


def advice(failure: Failure) -> str:
    """What a person can do about a failure, for the log."""
    return explain(failure).do.en


def named(text: str) -> Named | None:
    """What somebody means who types a vendor's code, an HTTP status or a reason; None where it is not known."""
    code, word = canonical(text.strip()), text.strip().lower()
    if code in codes():
        return Named(code, statuses()[code], reason_of(code, statuses()[code]), codes()[code])
    if match := re.fullmatch(r"(?:http)?[ /]?([1-5]\d\d)", word):
        status = int(match[1])
        reason = Reason.PAYLOAD if status < 400 else reason_of("", status)
        return Named(f"HTTP {status}", status, reason, reasons()[reason]) if not 200 <= status < 300 else None
    if word in set(Reason):
        return Named(word, None, Reason(word), reasons()[Reason(word)])
    return None


def similar(text: str) -> list[str]:
    """Names that are known and look like one that is not."""
    code = canonical(text.strip())
    near = difflib.get_close_matches(code, codes(), n=9, cutoff=0.75)
    near.sort(key=lambda known: not known.startswith(code[:-2]))  # most are wrong in the last digits
    return near[:3] or difflib.get_close_matches(text.strip().lower(), list(Reason), n=3)
