"""Calls that fail on purpose, and what their errors prove of a subscription (pure).

The vendor counts only calls that succeed (face_01_0016), so none here can: there is no face in what is sent. What is
wrong is to be found after the subscription was looked at, in the picture or video itself. In which order the vendor
checks is not published: so an error about parameters or formats proves nothing.

Sources: models of huaweicloudsdkfrs 3.1.219; error page face_02_0045; the API pages face_02_0027 and face_02_0101.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from frs_exporter.core.errors import CODES, NOT_SUBSCRIBED_EITHER, Failure, Reason, canonical

BLANK = (
    "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDABsSFBcUERsXFhceHBsgKEIrKCUlKFE6PTBCYFVlZF9VXVtqeJmBanGQc1tdhbWGkJ6jq62r"
    "Z4C8ybqmx5moq6T/wAALCACAAIABAREA/8QAFAABAAAAAAAAAAAAAAAAAAAAAP/EABQQAQAAAAAAAAAAAAAAAAAAAAD/2gAIAQEAAD8"
    + "A" * 86
    + "P/Z"
)
"""A grey JPEG of 128 by 128 pixels in base64: it can be decoded, and shows nothing."""
NO_VIDEO = "AAAAAAAAAAAAAAAA"
"""Zero bytes in base64: no video."""


@dataclass(frozen=True, slots=True)
class Probe:
    """A call of a sub-service's API; `on` are the codes that come from looking for a face, `paths` those by site.

    With `parsed` such a code may come from reading what was sent, before the subscription was looked at: it proves
    something only where the same call was told elsewhere that the sub-service is off.
    """

    path: str
    body: Mapping[str, Any]
    on: frozenset[str]
    parsed: bool = False
    international_path: str = ""

    def path_in(self, region: str) -> str:
        """The path in a region, `{project_id}` in it: those in front of the mainland have other versions."""
        return self.international_path if self.international_path and region.startswith("ap-") else self.path


PROBES: Mapping[str, Probe] = {
    "compare": Probe(
        "/v2/{project_id}/face-compare", {"image1_base64": BLANK, "image2_base64": BLANK}, frozenset({"FRS.0501"})
    ),
    "live_detect_face": Probe("/v1/{project_id}/live-detect-face", {"image_base64": BLANK}, frozenset({"FRS.0707"})),
    "live_detect": Probe(
        "/v1/{project_id}/live-detect",
        {"video_base64": NO_VIDEO, "actions": "1"},
        frozenset({"FRS.0701"}),
        parsed=True,
        international_path="/v2/{project_id}/live-detect",
    ),
}
"""By sub-service."""
NEVER_PROBED = {
    "detect": "a picture without a face may be a success there, which is billed",
    "search": "the list of face sets tells of it",
}
"""Sub-services of which there is no probe, and why."""


def about_the_request(code: str) -> bool:
    """Whether FRS itself has looked at a request and tells by this code what it thinks of it."""
    return canonical(code).startswith("FRS.") and CODES.get(canonical(code), Reason.CLIENT) is Reason.CLIENT


def proven(probe: Probe, failure: Failure | None, *, looked_at_first: bool) -> bool | None:
    """Whether a sub-service is on, by the failure of its probe, or by its success; None where nothing is proven.

    `looked_at_first` says that the same call was told that the sub-service is off: it is looked at before the rest.
    """
    if failure is None:
        return True
    code = canonical(failure.code)
    if code in NOT_SUBSCRIBED_EITHER:
        return False
    return True if code in probe.on and (looked_at_first or not probe.parsed) else None
