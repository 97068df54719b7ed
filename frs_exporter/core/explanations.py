"""What a failure means, why it happens, what to do about it, and whether it is retried: in English and Chinese.

All of it is in explanations.yaml, which `explain`, the status page, the log and the README share.
"""

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Any

import yaml

from frs_exporter.core.errors import Failure, Reason, canonical, reason_of


@dataclass(frozen=True, slots=True)
class Text:
    """One line in each language that the exporter speaks."""

    en: str
    zh: str


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


def read(name: str) -> Mapping[str, Any]:
    """A file beside this module, quickly: explanations.yaml is read at every start."""
    text = resources.files(__package__).joinpath(name).read_text("utf-8")
    document: Mapping[str, Any] = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    return document


RAW = read("explanations.yaml")
RETRIES: Mapping[str, Text] = {name: Text(**text) for name, text in RAW["retries"].items()}


def build(raw: Mapping[str, Any], default: Explanation | None = None) -> Explanation:
    """An explanation as it is written, with causes and retries of another where it has none."""
    causes = tuple(Text(**cause) for cause in raw.get("causes", ()))
    assert default or raw["retried"]
    return Explanation(
        means=Text(**raw["means"]),
        causes=causes or (default.causes if default else ()),
        do=Text(**raw["do"]),
        retried=RETRIES[raw["retried"]] if "retried" in raw or not default else default.retried,
        once=Text(**raw["once"]) if "once" in raw else None,
    )


REASONS: Mapping[Reason, Explanation] = {Reason(name): build(raw) for name, raw in RAW["reasons"].items()}
STATUSES: Mapping[str, int] = {code: raw["status"] for code, raw in RAW["codes"].items()}
"""The HTTP status that each code comes with."""
CODES: Mapping[str, Explanation] = {
    code: build(raw, REASONS[reason_of(code, raw["status"])]) for code, raw in RAW["codes"].items()
}
CODES_OF_REASON: Mapping[tuple[str, Reason], Explanation] = {
    (code, Reason(name)): build(raw, REASONS[Reason(name)])
    for code, about in RAW["codes"].items()
    for name, raw in about.get("of_reason", {}).items()
}
"""Codes that are said of different credentials: what was refused, a token or a signature, is known by the reason."""
OTHERS: Mapping[str, Explanation] = {name: build(raw) for name, raw in RAW["others"].items()}
"""Of failures that are known better by where they come from than by their code or reason."""
NEARBY: Mapping[str, str] = {"ecs": "metadata", "cce": "pod_identity"}
"""Services beside the exporter that give keys, by API, with the names of what is said of them, whatever they say."""
STS_REFUSALS = {Reason.AUTH, Reason.FORBIDDEN, Reason.CLIENT, Reason.ABSENT}
"""What STS says of an id token, or of whom the agency trusts."""


def explain(failure: Failure) -> Explanation:
    """What a failure means, and what to do about it."""
    if failure.by_proxy:
        return OTHERS["proxy"]
    if failure.lacks:
        return OTHERS[f"no_{failure.lacks}"]
    if failure.too_long:
        return OTHERS["long_list" if failure.api == "iam" else "long_answer"]
    if failure.status is not None and failure.status // 100 == 3:
        return REASONS[Reason.PAYLOAD]
    if failure.api in NEARBY:
        return OTHERS[NEARBY[failure.api]]
    if failure.api == "sts" and failure.reason in STS_REFUSALS:
        return OTHERS["oidc"]
    if failure.second_factor:
        return OTHERS["second_factor"]
    if failure.of_agency:
        return OTHERS["agency"]
    if failure.unrenewable and failure.reason is Reason.TOKEN:
        return OTHERS["static_token"]
    code = canonical(failure.code)
    if known := CODES_OF_REASON.get((code, failure.reason)) or CODES.get(code):
        return known
    if (failure.api, failure.reason) == ("ces", Reason.FORBIDDEN):
        return OTHERS["cloud_eye"]
    return REASONS[failure.reason]


def advice(failure: Failure) -> str:
    """What a person can do about a failure, for the log."""
    return explain(failure).do.en


def named(text: str) -> Named | None:
    """What somebody means who types a vendor's code, an HTTP status or a reason; None where it is not known."""
    code, word = canonical(text.strip()), text.strip().lower()
    if code in CODES:
        return Named(code, STATUSES[code], reason_of(code, STATUSES[code]), CODES[code])
    if match := re.fullmatch(r"(?:http)?[ /]?([1-5]\d\d)", word):
        status = int(match[1])
        reason = Reason.PAYLOAD if status < 400 else reason_of("", status)
        return Named(f"HTTP {status}", status, reason, REASONS[reason]) if not 200 <= status < 300 else None
    if word in set(Reason):
        return Named(word, None, Reason(word), REASONS[Reason(word)])
    return None


def similar(text: str) -> list[str]:
    """Names that are known and look like one that is not."""
    return difflib.get_close_matches(canonical(text.strip()), CODES, n=3, cutoff=0.75) or difflib.get_close_matches(
        text.strip().lower(), list(Reason), n=3
    )
