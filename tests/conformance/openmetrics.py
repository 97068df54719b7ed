"""OpenMetrics 1.0 as its specification writes it: what a page must be, read without any library's parser.

Lines are those of its grammar ("ABNF"), the rest is what it says with MUST of one exposition.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby, pairwise
from math import inf, isnan
from typing import NamedTuple

NAME, LABEL_NAME = "[a-zA-Z_:][a-zA-Z0-9_:]*", "[a-zA-Z_][a-zA-Z0-9_]*"
TEXT = r'(?:[^\n"\\]|\\.)*'
LABELS = rf'\{{(?:{LABEL_NAME}="{TEXT}"(?:,{LABEL_NAME}="{TEXT}")*)?\}}'
REAL = r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
NUMBER = rf"(?:{REAL}|[+-]?(?:[iI][nN][fF](?:[iI][nN][iI][tT][yY])?)|[nN][aA][nN])"
SAMPLE = re.compile(
    rf"(?P<name>{NAME})(?P<labels>{LABELS})? (?P<value>{NUMBER})(?: (?P<time>{REAL}))?"
    rf"(?: # (?P<exemplar>{LABELS}) {NUMBER}(?: {REAL})?)?"
)
LABEL = re.compile(rf'({LABEL_NAME})="({TEXT})"')
ABOUT = re.compile(rf"# (?:(HELP) ({NAME}) ({TEXT})|(TYPE) ({NAME}) ([a-z]+)|(UNIT) ({NAME}) ([a-zA-Z0-9_:]*))")

SUFFIXES: Mapping[str, tuple[str, ...]] = {
    "counter": ("_total", "_created"),
    "summary": ("_count", "_sum", "_created", ""),
    "histogram": ("_count", "_sum", "_bucket", "_created"),
    "gaugehistogram": ("_gcount", "_gsum", "_bucket"),
    "info": ("_info",),
    "gauge": ("",),
    "stateset": ("",),
    "unknown": ("",),
}
"""Of the samples of each type (Suffixes)."""
WITHOUT_UNIT = ("info", "stateset")
LIKE_COUNTERS = {
    ("counter", "_total"),
    *((kind, suffix) for kind in ("histogram", "summary") for suffix in ("_count", "_sum")),
}
WITH_EXEMPLARS = {("counter", "_total"), ("histogram", "_bucket"), ("gaugehistogram", "_bucket")}
LONGEST_EXEMPLAR = 128


class Sample(NamedTuple):
    """A line with a value; of the name the part after the family's."""

    suffix: str
    labels: Mapping[str, str]
    value: float
    time: float | None
    exemplar: str | None


@dataclass
class Family:
    """A metric family: what its lines with # say, and its samples."""

    name: str
    about: dict[str, str] = field(default_factory=dict)
    samples: list[Sample] = field(default_factory=list)

    @property
    def type(self) -> str:
        """The type, unknown where none is told."""
        return self.about.get("TYPE", "unknown")


class BrokenRule(ValueError):
    """A page is none of OpenMetrics."""


def must(kept: object, rule: str, where: object) -> None:
    """Raise BrokenRule unless a rule is kept."""
    if not kept:
        raise BrokenRule(f"{rule}: {where}")


def check(page: str) -> list[Family]:
    """The families of a page; raises BrokenRule, with the rule and the line or family that breaks it."""
    body, end = page.removesuffix("\n").rpartition("# EOF")[::2]
    must(page.removesuffix("\n").endswith("# EOF") and not end, "the end is EOF", page[-40:])
    must(not body or body.endswith("\n"), "EOF has a line of its own", page[-40:])
    families: dict[str, Family] = {}
    for line in body.split("\n")[:-1]:
        read_line(line, families)
    names = [family.name + suffix for family in families.values() for suffix in {"", *SUFFIXES[family.type]}]
    must(len(names) == len(set(names)), "names of samples must not clash", [n for n in names if names.count(n) > 1])
    for family in families.values():
        check_family(family)
    return list(families.values())


def read_line(line: str, families: dict[str, Family]) -> None:
    """Take a line into its family; the last family is the one that is not over yet."""
    must("\r" not in line, "no carriage returns", line)
    last = next(reversed(families.values()), None)
    if about := ABOUT.fullmatch(line):
        what, name, text = filter(lambda group: group is not None, about.groups())
        family = families.setdefault(name, Family(name))
        must(last in (None, family) or family is next(reversed(families.values())), "no interleaved families", line)
        must(not family.samples, "metadata comes before samples", line)
        must(what not in family.about, "one line of each metadata", line)
        must(what != "TYPE" or text in SUFFIXES, "a known type", line)
        family.about[what] = text
        return
    found = SAMPLE.fullmatch(line)
    must(found, "a line of the grammar", line)
    assert found
    name = found["name"]
    if last is None or name not in [last.name + suffix for suffix in SUFFIXES[last.type]]:
        must(name not in families, "no interleaved families", line)
        last = families[name] = Family(name)
    labels = LABEL.findall(found["labels"] or "")
    must(len(labels) == len(dict(labels)), "names of labels are unique", line)
    must(not any(label.startswith("_") for label, _ in labels), "labels that begin with _ are reserved", line)
    time = None if found["time"] is None else float(found["time"])
    last.samples.append(
        Sample(name.removeprefix(last.name), dict(labels), float(found["value"]), time, found["exemplar"])
    )


def check_family(family: Family) -> None:
    """What must be true of a family of any type, and of the type it has."""
    must(not family.name.startswith("_"), "names that begin with _ are reserved", family.name)
    if unit := family.about.get("UNIT"):
        must(family.name.endswith(f"_{unit}"), "the unit is a suffix of the name", family.name)
        must(family.type not in WITHOUT_UNIT, "no unit", family.name)
    for sample in family.samples:
        check_sample(family, sample)
    for metric in metrics(family):
        if family.type in ("histogram", "gaugehistogram"):
            for _, point in groupby(metric, key=lambda sample: sample.time):
                check_buckets(family, list(point))


def check_sample(family: Family, sample: Sample) -> None:
    """What must be true of one sample."""
    kind, value, counted = family.type, sample.value, (family.type, sample.suffix)
    if sample.exemplar is not None:
        must(counted in WITH_EXEMPLARS, "exemplars are of counters and buckets", sample)
        length = sum(len(name) + len(text) for name, text in LABEL.findall(sample.exemplar))
        must(length <= LONGEST_EXEMPLAR, "an exemplar is not long", sample)
    if counted in LIKE_COUNTERS or sample.suffix == "_bucket":
        must(value >= 0, "what counts is neither negative nor NaN", sample)
    if sample.suffix in ("_bucket", "_count", "_gcount"):
        must(value % 1 == 0, "counts are integers", sample)
    if sample.suffix == "_bucket":
        threshold = sample.labels.get("le", "")
        must(threshold == "+Inf" or re.fullmatch(REAL, threshold), "a bucket has a threshold, infinity as +Inf", sample)
    if kind == "info":
        must(value == 1, "the value of an info is 1", sample)
    if kind == "stateset":
        must(family.name in sample.labels and value in (0, 1), "a state has its label, and is 0 or 1", sample)
    if kind == "summary" and not sample.suffix:
        must(re.fullmatch(REAL, quantile := sample.labels.get("quantile", "")), "a quantile", sample)
        must(0 <= float(quantile) <= 1, "quantiles are between 0 and 1", sample)
        must(value >= 0 or isnan(value), "values of quantiles are not negative", sample)


def metrics(family: Family) -> Iterator[Sequence[Sample]]:
    """The samples of each metric, none of which is interleaved with another, goes back in time, or is there twice."""
    own = {"histogram": "le", "gaugehistogram": "le", "summary": "quantile", "stateset": family.name}.get(family.type)

    def key(sample: Sample) -> frozenset[tuple[str, str]]:
        return frozenset((name, value) for name, value in sample.labels.items() if name != own)

    found: set[frozenset[tuple[str, str]]] = set()
    for labels, group in groupby(family.samples, key):
        must(labels not in found, "no interleaved metrics", (family.name, sorted(labels)))
        found.add(labels)
        metric = list(group)
        times = [sample.time for sample in metric]
        must(len({time is None for time in times}) == 1, "all samples of a metric have a time, or none", family.name)
        must(
            all(a <= b for a, b in pairwise(time for time in times if time is not None)), "times increase", family.name
        )
        untimed = [(sample.suffix, *sorted(sample.labels.items())) for sample in metric if sample.time is None]
        must(len(untimed) == len(set(untimed)), "each series is there once", (family.name, sorted(labels)))
        yield metric


def check_buckets(family: Family, point: Iterable[Sample]) -> None:
    """What must be true of the samples of a histogram, or a gauge histogram, at one time."""
    buckets = [(float(sample.labels["le"]), sample.value) for sample in point if sample.suffix == "_bucket"]
    values = {sample.suffix.removeprefix("_").removeprefix("g"): sample.value for sample in point}
    thresholds = [threshold for threshold, _ in buckets]
    must(thresholds and thresholds[-1] == inf, "the last bucket is +Inf", family.name)
    must(all(a < b for a, b in pairwise(thresholds)), "buckets are sorted", family.name)
    must(all(a <= b for a, b in pairwise(value for _, value in buckets)), "buckets are cumulative", family.name)
    must(("sum" in values) == ("count" in values), "a sum if and only if a count", family.name)
    must(values.get("count", buckets[-1][1]) == buckets[-1][1], "the count is the bucket +Inf", family.name)
    if "sum" in values:
        of_gauges, negative = family.type == "gaugehistogram", thresholds[0] < 0
        must(of_gauges or not negative, "no sum with negative thresholds", family.name)
        must(values["sum"] >= 0 or negative, "a sum is negative only with negative thresholds", family.name)
