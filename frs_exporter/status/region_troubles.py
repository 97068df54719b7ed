"""Which regions give no answers, or whether none does: as the rules of FrsRegionUnreachable have it (pure)."""

from collections import defaultdict
from collections.abc import Iterable

from frs_exporter.core.errors import Reason
from frs_exporter.core.explanations import Text, both
from frs_exporter.core.model import JobState
from frs_exporter.status.snapshot import JobSnapshot
from frs_exporter.status.trouble_words import SharedTrouble

NO_ANSWER = frozenset({Reason.DNS, Reason.CONNECT, Reason.TLS, Reason.TIMEOUT, Reason.SERVER, Reason.PAYLOAD})
NOT_ASKED = frozenset({Reason.AUTH, Reason.TOKEN})
"""Who is refused by IAM has asked nothing of FRS."""
NOT_OF_FRS = frozenset({"cloud_eye"})
"""Collectors of projects that ask another service, which is up and down by itself."""
MOST = 0.5
"""The part of a region's projects beyond which it is the region."""

REGION = SharedTrouble(
    "FrsRegionUnreachable",
    Text(
        "Most projects of {region} get no answers: {down} of {all}, whichever account they are of",
        "{region} 的多数项目没有答复：{all} 个中有 {down} 个，无论属于哪个账号",
    ),
    Text(
        "look at the vendor's health dashboard, and at the way to this region; it is asked again by itself",
        "查看华为云的状态公告，以及到该区域的网络；exporter 会自动重试",
    ),
)
CLOUD = SharedTrouble(
    "FrsCloudUnreachable",
    Text(
        "Most projects get no answers, in each of {regions} regions: {down} of {all}",
        "全部 {regions} 个区域的多数项目都没有答复：{all} 个中有 {down} 个",
    ),
    Text(
        "look at the network, DNS and proxy of the exporter: all regions at once are rarely the vendor's",
        "检查 exporter 的网络、域名解析和代理：所有区域同时异常，很少是华为云的问题",
    ),
)


def region_troubles(jobs: Iterable[JobSnapshot]) -> list[SharedTrouble]:
    """The regions in which most projects get no answers, or all of them at once."""
    asked: defaultdict[str, defaultdict[str, list[bool]]] = defaultdict(lambda: defaultdict(list))
    for job, state, _ in jobs:
        if job.target.region and job.collector not in NOT_OF_FRS and is_witness(state):
            asked[job.target.region][job.collector].append(bool(state.failure and state.failure.reason in NO_ANSWER))
    # One API of FRS may be down alone.
    worst = {region: max(of_it.values(), key=part) for region, of_it in asked.items()}
    if len(worst) > 1 and all(part(down) > MOST for down in worst.values()):
        every = [is_down for down in worst.values() for is_down in down]
        return [filled(CLOUD, every, regions=len(worst))]
    found = []
    for region, of_it in sorted(asked.items()):
        several = [down for down in of_it.values() if len(down) > 1 and part(down) > MOST]
        found += [filled(REGION, max(several, key=part), region=region)] if several else []
    return found


def is_witness(state: JobState) -> bool:
    """Whether anything was asked of FRS."""
    return not state.failure or state.failure.reason not in NOT_ASKED


def part(down: list[bool]) -> float:
    """How many of all are down."""
    return sum(down) / len(down)


def filled(kind: SharedTrouble, down: list[bool], **values: object) -> SharedTrouble:
    """A kind of trouble with what it is about."""
    return SharedTrouble(kind.alert, both(kind.text, down=sum(down), all=len(down), **values), kind.do)
