"""Names of which all are known, as regions, time zones and placeholders, and which of them was probably meant."""

import difflib
import re
import zoneinfo
from collections.abc import Sequence
from functools import partial

from frs_exporter.collectors.probes import PROBES
from frs_exporter.config.suggestions import UnknownName, did_you_mean, nearest
from frs_exporter.core.discovery import FRS_REGIONS, PLACEHOLDERS
from frs_exporter.core.model import FIELD_ENDING, subservice_name

REGION = re.compile("[a-z0-9](-?[a-z0-9]){0,62}")
PLACEHOLDER = re.compile(r"\{(\w*)\}")
NEAR_ZONE = 0.85
SUBSERVICES = ["detect", "compare", "search", "live_detect", "face_quality"]
"""Those that an answer has ever had: the API page face_02_0025, and the real answer of 2018."""
KNOWN_SUBSERVICES = (*SUBSERVICES, *(name for name in PROBES if name not in SUBSERVICES))
"""These, and those that probes learn of."""


def region(value: str) -> str:
    """The name of a region; raises ValueError."""
    if not REGION.fullmatch(value):
        spelled = re.sub("[_ ]+", "-", value.strip().lower())
        near = nearest(spelled, FRS_REGIONS) or (spelled if REGION.fullmatch(spelled) else "")
        raise ValueError(f"must be a region like cn-north-4{did_you_mean(near)}")
    return value


def time_zone(value: str) -> str:
    """A zone of the IANA database; raises ValueError."""
    try:
        zoneinfo.ZoneInfo(value)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        raise UnknownName("must be a time zone like UTC or Asia/Shanghai", partial(near_zone, value)) from None
    return value


def near_zone(value: str) -> str:
    """The zone that a name was probably meant for: in other letters, without its continent, or with a letter wrong.

    Short names are not compared, CST is not meant for EST; and Etc/GMT+8 is eight hours west of Greenwich.
    """
    wanted = re.sub("[ -]+", "_", value.strip().casefold())
    zones = {zone.casefold(): zone for zone in sorted(zoneinfo.available_timezones()) if not zone.startswith("Etc/")}
    in_place = (name for name in zones if name.rpartition("/")[2] == wanted)
    near = difflib.get_close_matches(wanted, zones, n=1, cutoff=NEAR_ZONE) if "/" in wanted else ()
    found = wanted if wanted in zones else next(iter((*in_place, *near)), "")
    return zones.get(found, "")


def subservice(value: str) -> str:
    """The name of a sub-service; raises ValueError."""
    try:
        return subservice_name(value)
    except ValueError as error:
        spelled = re.sub(r"\W+", "_", value.strip().lower()).removesuffix(FIELD_ENDING)
        raise ValueError(f"{error}{did_you_mean(nearest(spelled, SUBSERVICES))}") from None


def check_placeholders(value: str, known: Sequence[str]) -> set[str]:
    """The placeholders in a text; raises ValueError where one is none of those that are known."""
    used = set(PLACEHOLDER.findall(value))
    unknown = sorted(used - set(known))
    if unknown or re.search("[{}]", PLACEHOLDER.sub("", value)):
        near = nearest(unknown[0].lower(), known) if unknown else ""
        there = " ".join(f"{{{name}}}" for name in known)
        question = did_you_mean(near and f"{{{near}}}")
        raise ValueError(
            f"has a placeholder that is not there; there {'are' if len(known) > 1 else 'is'} {there}{question}"
        )
    return used


def name_template(value: str) -> str:
    """A name with placeholders of which one tells projects apart; raises ValueError."""
    if not {"project_name", "project_id"} & check_placeholders(value, PLACEHOLDERS):
        raise ValueError("names all projects alike: put {project_name} or {project_id} in it")
    return value
