"""Face sets: payload in, exposition lines out."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from frs_exporter.collectors.face_sets import FACE_SETS, FACES, TRUNCATED, collect, parse
from frs_exporter.core.errors import ApiError, Failure, Reason
from frs_exporter.core.model import Api, Target
from frs_exporter.exposition.render import lines
from frs_simulator.demo import face_set
from tests.collectors.asking import client_of, now, page
from tests.conftest import account, target_of

DOCUMENTED = {
    "face_sets_info": [
        {
            "face_number": 0,
            "face_set_id": "ylXMMZTO",
            "face_set_name": "test",
            "create_date": "2018-05-11 07:49:40",
            "face_set_capacity": 100000,
            "external_fields": {"timestamp": {"type": "long"}},
        },
        {"face_number": 41000, "face_set_name": "staff", "face_set_capacity": 50000},
    ]
}


def test_the_documented_answer(target: Target) -> None:
    assert page(parse(DOCUMENTED, target).samples) == [
        'frs_face_sets{project="gate-1"} 2.0',
        'frs_face_sets_truncated{project="gate-1"} 0.0',
        'frs_face_set_faces{project="gate-1",face_set="staff"} 41000.0',
        'frs_face_set_faces{project="gate-1",face_set="test"} 0.0',
        'frs_face_set_capacity_faces{project="gate-1",face_set="staff"} 50000.0',
        'frs_face_set_capacity_faces{project="gate-1",face_set="test"} 100000.0',
    ]


def test_an_empty_account_has_no_face_sets(target: Target) -> None:
    assert page(parse({"face_sets_info": []}, target).samples) == [
        'frs_face_sets{project="gate-1"} 0.0',
        'frs_face_sets_truncated{project="gate-1"} 0.0',
    ]


def answered(target: Target, code: str) -> Any:
    async def ask(api: Api, path: str, body: Any = None) -> Any:
        assert (api, path, body) == (Api.FRS, f"/v2/{target.project_id}/face-sets", None)
        raise ApiError(Failure(Reason.CLIENT, "no", status=400, code=code))

    return now(collect(client_of(ask), target, None))


@pytest.mark.parametrize("code", ["FRS.0019", "FRS.0020", "frs.0020"])
def test_without_search_there_is_nothing_to_tell_which_is_an_answer(target: Target, code: str) -> None:
    assert answered(target, code).samples == ()


def test_other_errors_are_failures(target: Target) -> None:
    with pytest.raises(ApiError):
        answered(target, "FRS.0202")


@pytest.mark.parametrize(
    ("payload", "message"),
    [
        ([], "$: wanted an object, found an array"),
        ({}, "$.face_sets_info: wanted an array, found null"),
        ({"face_sets_info": {}}, "$.face_sets_info: wanted an array, found an object"),
        ({"face_sets_info": [1]}, "$.face_sets_info[0]: wanted an object, found a number"),
        ({"face_sets_info": [{}]}, "$.face_sets_info[0].face_set_name: wanted a string, found null"),
        (
            {"face_sets_info": [face_set("a", 1), {**face_set("b", 1), "face_number": -1}]},
            "$.face_sets_info[1].face_number: wanted a whole number from 0, found a number",
        ),
        (
            {"face_sets_info": [{**face_set("b", 1), "face_set_capacity": "100000"}]},
            "$.face_sets_info[0].face_set_capacity: wanted a whole number from 0, found a string",
        ),
    ],
)
def test_a_wrong_shape_is_told_with_its_path(target: Target, payload: Any, message: str) -> None:
    with pytest.raises(ApiError) as caught:
        parse(payload, target)
    assert (caught.value.failure.reason, caught.value.failure.message) == (Reason.PAYLOAD, message)


def test_beyond_the_limit_the_emptiest_are_counted_only(target: Target) -> None:
    sets = [face_set(f"set-{n}", 1000 * n) for n in range(12)] + [{**face_set("tiny", 9), "face_set_capacity": 10}]
    samples = parse({"face_sets_info": sets}, replace(target, max_face_sets=3)).samples
    values = {sample.family: sample.value for sample in samples}
    assert (values[FACE_SETS], values[TRUNCATED]) == (13, 10)
    assert [sample.labels[0] for sample in samples if sample.family is FACES] == ["set-10", "set-11", "tiny"]


def test_two_sets_of_one_name_make_one_series(target: Target) -> None:
    sets = [face_set("a", 5), face_set("a", 7), face_set("b", 1)]
    samples = parse({"face_sets_info": sets}, target).samples
    assert [(sample.labels[0], sample.value) for sample in samples if sample.family is FACES] == [("a", 7), ("b", 1)]
    assert next(sample.value for sample in samples if sample.family is TRUNCATED) == 1


@given(st.lists(st.text(max_size=200), max_size=8))
def test_no_name_breaks_the_page_or_makes_a_series_twice(names: list[str]) -> None:
    """Quotes, line breaks, NUL, half of a surrogate pair: a name is text, and shown as far as it can be."""
    owner = account("ak_sk", "gate-1")
    target = target_of(owner, owner.projects[0], "http://127.0.0.1:9", max_face_sets=5)
    samples = parse({"face_sets_info": [face_set("x", 1) | {"face_set_name": name} for name in names]}, target).samples
    chunks = lines("gate-1", samples).items()
    text = b"".join(b"# TYPE %s gauge\n%s" % (name.encode(), chunk) for name, chunk in chunks).decode()
    read = [(s.name, s.labels.get("face_set")) for f in text_string_to_metric_families(text) for s in f.samples]
    assert len(read) == len(set(read)) == len(samples)
    assert len([series for series in read if series[0] == "frs_face_set_faces"]) <= 5
