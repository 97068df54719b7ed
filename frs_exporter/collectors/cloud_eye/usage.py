"""Which sub-services were used of late: a call that succeeded proves that its sub-service was on then (pure)."""

import re
from collections.abc import Mapping

from frs_exporter.collectors.cloud_eye.metric_data import Series
from frs_exporter.collectors.cloud_eye.month import CALLS
from frs_exporter.collectors.cloud_eye.tally import Tally

DAY = 86400
NAMES = (
    ("live_detect_face", re.compile("livedetectface|livedetectsilent|silent")),
    ("live_detect", re.compile("live")),
    ("compare", re.compile("compare")),
    ("search", re.compile("search")),
    ("detect", re.compile("detect")),
)
"""Sub-services, and what the names of their APIs have in them, the first that fits. Cloud Eye's pages do not tell which
names there are; those of the vendor's SDK are like DetectFaceByBase64, CompareFaceByUrl, DetectLiveFaceByFile."""


def subservice_of(api: str) -> str | None:
    """The sub-service that an API belongs to, None where its name does not tell."""
    letters = re.sub("[^a-z]", "", api.lower()).replace("detectlive", "livedetect")
    return next((name for name, pattern in NAMES if pattern.search(letters)), None)


def last_used(before: Mapping[str, int], tallies: Mapping[Series, Tally], now: int) -> dict[str, int]:
    """The Unix seconds at which the newest minute with a successful call began, by sub-service, of the last day."""
    used = dict(before)
    for key, tally in tallies.items():
        subservice = subservice_of(key.api) if key.metric == CALLS else None
        times = [time for time, calls in tally.counted.items() if calls > 0]
        if subservice and times:
            used[subservice] = max(used.get(subservice, 0), *times)
    return {subservice: time for subservice, time in used.items() if now - time <= DAY}
