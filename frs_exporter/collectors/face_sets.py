"""`GET /v2/{project_id}/face-sets`: the face sets of a project, how full each is and how many faces it can hold.

Source: API page face_02_0032. The list has no pages.
"""

from typing import Any

from frs_exporter.collectors.collector import (
    ApiClient,
    Collector,
    label_value,
    members,
    text,
    whole_number,
    wrong_shape,
)
from frs_exporter.core.errors import NOT_SUBSCRIBED_EITHER, ApiError, canonical
from frs_exporter.core.model import Api, CollectResult, Family, Sample, Target

FACE_SETS = Family(
    "frs_face_sets",
    "gauge",
    "How many face sets there are, out of frs_max_face_set_number (length of face_sets_info).",
    ("project",),
)
FACES = Family("frs_face_set_faces", "gauge", "How many faces a face set holds (face_number).", ("project", "face_set"))
CAPACITY = Family(
    "frs_face_set_capacity_faces",
    "gauge",
    "How many faces a face set can hold (face_set_capacity).",
    ("project", "face_set"),
)
TRUNCATED = Family(
    "frs_face_sets_truncated",
    "gauge",
    "Face sets without samples of their own: those beyond the config's max_face_sets, the emptiest.",
    ("project",),
)


async def collect(client: ApiClient, target: Target, _: None) -> CollectResult:
    """Ask for the face sets; where search is not subscribed there are none. Raises ApiError."""
    try:
        data = await client.get(Api.FRS, f"/v2/{target.project_id}/face-sets")
    except ApiError as error:
        if canonical(error.failure.code) not in NOT_SUBSCRIBED_EITHER:
            raise
        return CollectResult()
    return parse(data, target)


def parse(data: Any, target: Target) -> CollectResult:
    """The result of an answer; raises ApiError with the JSON path when it is not what the API promises."""
    items = members("$", data, "face_sets_info")
    face_sets = [face_set(f"$.face_sets_info[{index}]", item) for index, item in enumerate(items)]
    chosen = fullest(face_sets, target.max_face_sets)
    samples = [Sample(FACE_SETS, (), len(face_sets)), Sample(TRUNCATED, (), len(face_sets) - len(chosen))]
    for name, (faces, capacity) in chosen.items():
        samples += [Sample(FACES, (name,), faces), Sample(CAPACITY, (name,), capacity)]
    return CollectResult(tuple(samples))


def face_set(where: str, item: Any) -> tuple[str, float, float]:
    """Name, faces and capacity of an item of the list; raises ApiError."""
    if not isinstance(item, dict):
        raise wrong_shape(where, "an object", item)
    return (
        label_value(text(f"{where}.face_set_name", item.get("face_set_name"))),
        whole_number(f"{where}.face_number", item.get("face_number")),
        whole_number(f"{where}.face_set_capacity", item.get("face_set_capacity")),
    )


def fullest(face_sets: list[tuple[str, float, float]], limit: int) -> dict[str, tuple[float, float]]:
    """Faces and capacity by name, in the order of the names, of so many that are next to be full.

    No name is there twice: should the cloud tell two sets of one name, the fuller one counts.
    """

    def emptiness(face_set: tuple[str, float, float]) -> tuple[float, str]:
        name, faces, capacity = face_set
        return -(faces / capacity if capacity else 1.0), name

    chosen: dict[str, tuple[float, float]] = {}
    for name, faces, capacity in sorted(face_sets, key=emptiness):
        if name not in chosen and len(chosen) < limit:
            chosen[name] = faces, capacity
    return dict(sorted(chosen.items()))


COLLECTOR = Collector(Api.FRS, (FACE_SETS, FACES, CAPACITY, TRUNCATED), collect, repeatable=True)
