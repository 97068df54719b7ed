"""Payload in, exposition lines out."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from frs_exporter.collectors.subscription import COLLECTOR, SUBSCRIBED, collect, parse, proven_samples, timestamp
from frs_exporter.core.errors import ApiError, Failure, Reason
from frs_exporter.core.explanations import Text
from frs_exporter.core.model import Api, CollectResult, Display, Sample, Target
from frs_exporter.core.sharing import first_equal
from frs_exporter.exposition.render import lines
from frs_simulator.demo import SCREENSHOT, subscribed
from tests.collectors.asking import client_of


def page(samples: tuple[Sample, ...]) -> list[str]:
    return b"".join(lines("gate-1", samples).values()).decode().splitlines()


def test_the_documented_answer(target: Target) -> None:
    payload = subscribed("2018-09-03 08:16:48", off=("search",))
    assert page(parse(payload, target).samples) == [
        'frs_subscribed{project="gate-1",subservice="detect"} 1.0',
        'frs_subscribed{project="gate-1",subservice="compare"} 1.0',
        'frs_subscribed{project="gate-1",subservice="search"} 0.0',
        'frs_subscribed{project="gate-1",subservice="live_detect"} 1.0',
        'frs_subscription_create_timestamp_seconds{project="gate-1",subservice="detect"} 1535962608.0',
        'frs_subscription_create_timestamp_seconds{project="gate-1",subservice="compare"} 1535962608.0',
        'frs_subscription_create_timestamp_seconds{project="gate-1",subservice="search"} 1535962608.0',
        'frs_subscription_create_timestamp_seconds{project="gate-1",subservice="live_detect"} 1535962608.0',
        'frs_max_face_set_number{project="gate-1"} 10.0',
        'frs_subservices_ignored{project="gate-1"} 0.0',
        'frs_service_frozen{project="gate-1"} 0.0',
        'frs_subscription_source{project="gate-1",source="subscribe"} 1.0',
    ]


def test_the_real_answer_of_2018(target: Target) -> None:
    """With face_quality_service and max_face_size, which no table has; in China's zone when told so."""
    shown = page(parse(SCREENSHOT, replace(target, create_time_zone="Asia/Shanghai")).samples)
    assert 'frs_subscribed{project="gate-1",subservice="face_quality"} 1.0' in shown
    assert 'frs_max_face_set_number{project="gate-1"} 10.0' in shown
    created = 'frs_subscription_create_timestamp_seconds{project="gate-1",subservice="face_quality"}'
    assert f"{created} 1537902777.0" in shown


@pytest.mark.parametrize(
    ("payload", "message"),
    [
        ([], "$: wanted an object, found an array"),
        (None, "$: wanted an object, found null"),
        ("x", "$: wanted an object, found a string"),
        (1, "$: wanted an object, found a number"),
        ({}, "$: wanted at least one *_service with a subscribe_status, found none"),
        ({"max_face_set_number": 1}, "$: wanted at least one *_service with a subscribe_status, found none"),
        ({"detect_service": True}, "$: wanted at least one *_service with a subscribe_status, found none"),
        (
            {"detect_service": {"subscribe_status": "true"}},
            "$.detect_service.subscribe_status: wanted a boolean, found a string",
        ),
        (
            {"detect_service": {"subscribe_status": True}, "max_face_set_number": True},
            "$.max_face_set_number: wanted a whole number from 0, found a boolean",
        ),
        (
            {"detect_service": {"subscribe_status": True}, "max_face_size": -1},
            "$.max_face_size: wanted a whole number from 0, found a number",
        ),
        (
            {"detect_service": {"subscribe_status": True}, "max_face_set_number": 10**400},
            "$.max_face_set_number: wanted a whole number from 0, found a number",
        ),
    ],
)
def test_a_wrong_shape_is_told_with_its_path(target: Target, payload: Any, message: str) -> None:
    with pytest.raises(ApiError) as caught:
        parse(payload, target)
    assert (caught.value.failure.reason, caught.value.failure.message) == (Reason.PAYLOAD, message)


@pytest.mark.parametrize(
    ("limits", "shown"),
    [
        ({"max_face_set_number": 10.0}, ["10.0"]),
        ({"max_face_set_number": None, "max_face_size": 5}, ["5.0"]),
        ({"max_face_set_number": None}, []),
    ],
)
def test_the_limit_on_face_sets_as_it_may_be_written(target: Target, limits: dict[str, Any], shown: list[str]) -> None:
    lines = page(parse({"detect_service": {"subscribe_status": True}, **limits}, target).samples)
    assert [line.split()[1] for line in lines if line.startswith("frs_max_face_set_number")] == shown


ON = {"subscribe_status": True}


def test_names_that_are_no_label_are_counted_and_told_and_never_shown(target: Target) -> None:
    odd = {'x"y_service': ON, "_service": ON, "A_service": ON, "a" * 41 + "_service": ON}
    findings = parse({**odd, "note_service": "beta", "detect_service": ON}, target)
    assert page(findings.samples) == [
        'frs_subscribed{project="gate-1",subservice="detect"} 1.0',
        'frs_subservices_ignored{project="gate-1"} 4.0',
        'frs_service_frozen{project="gate-1"} 0.0',
        'frs_subscription_source{project="gate-1",source="subscribe"} 1.0',
    ]
    (note,) = findings.warnings
    assert note.text == Text(
        'sub-services not shown, see frs_subservices_ignored: A_service, _service, ***, x"y_service',
        '未显示的子服务，见 frs_subservices_ignored：A_service, _service, ***, x"y_service',
    )


def test_at_most_32_sub_services_are_shown_the_known_ones_first(target: Target) -> None:
    many = {f"a{number:02}_service": ON for number in range(40)}
    findings = parse(
        {**many, "detect_service": ON, "zz_service": ON}, replace(target, display=Display(require=("zz",)))
    )
    shown = [sample.labels[0] for sample in findings.samples if sample.family is SUBSCRIBED]
    assert shown == [*(f"a{number:02}" for number in range(30)), "detect", "zz"]
    assert 'frs_subservices_ignored{project="gate-1"} 10.0' in page(findings.samples)
    again = parse({"zz_service": ON, "detect_service": ON, **many}, replace(target, display=Display(require=("zz",))))
    assert set(again.samples) == set(findings.samples), "whatever the order of the answer"


def test_an_answer_of_which_nothing_can_be_shown_is_no_answer(target: Target) -> None:
    with pytest.raises(ApiError, match="found none"):
        parse({"A_service": ON}, target)


def test_a_date_that_is_none_is_noted_and_hides_nothing(target: Target) -> None:
    findings = parse({"detect_service": {**ON, "create_time": "yesterday"}, "search_service": ON}, target)
    assert [note.text.en for note in findings.warnings] == ["$.detect_service.create_time is no date and time"]
    assert len([sample for sample in findings.samples if sample.family is SUBSCRIBED]) == 2


@pytest.mark.parametrize(
    ("text", "zone", "expected"),
    [
        ("2018-09-03 08:16:48", "UTC", 1535962608.0),
        ("2018-09-03 08:16:48", "Asia/Shanghai", 1535933808.0),
        ("2018-09-03T08:16:48Z", "Asia/Shanghai", 1535962608.0),
        ("", "UTC", None),
        ("yesterday", "UTC", None),
        (None, "UTC", None),
        (5, "UTC", None),
    ],
)
def test_create_time(text: Any, zone: str, expected: float | None) -> None:
    assert timestamp(text, zone) == expected


async def answered(target: Target, error: Failure, memory: tuple[str, ...] | None = None) -> CollectResult:
    async def ask(api: Api, path: str, body: Any = None) -> Any:
        assert (api, path, body) == (Api.FRS, f"/v1/{target.project_id}/subscribe", None)
        raise ApiError(error)

    return await collect(client_of(ask), target, memory)


async def test_nothing_subscribed_is_an_answer(target: Target) -> None:
    """Zero for each sub-service known of: documented, required, or seen before; and no limit on face sets."""
    target = replace(target, display=Display(require=("detect", "face_quality")))
    before = parse({"silent_live_service": {"subscribe_status": True}}, target)
    findings = await answered(target, Failure(Reason.CLIENT, "no", status=400, code="FRS.0019"), before.memory)
    assert "silent_live" in findings.memory, "it is still known when nothing is subscribed twice"
    assert page(findings.samples) == [
        'frs_subscribed{project="gate-1",subservice="detect"} 0.0',
        'frs_subscribed{project="gate-1",subservice="compare"} 0.0',
        'frs_subscribed{project="gate-1",subservice="search"} 0.0',
        'frs_subscribed{project="gate-1",subservice="live_detect"} 0.0',
        'frs_subscribed{project="gate-1",subservice="face_quality"} 0.0',
        'frs_subscribed{project="gate-1",subservice="silent_live"} 0.0',
        'frs_subservices_ignored{project="gate-1"} 0.0',
        'frs_service_frozen{project="gate-1"} 0.0',
        'frs_subscription_source{project="gate-1",source="subscribe"} 1.0',
    ]


async def test_any_other_failure_is_no_answer(target: Target) -> None:
    with pytest.raises(ApiError):
        await answered(target, Failure(Reason.CLIENT, "no", status=400, code="FRS.0020"))


def test_only_a_frozen_service_tells_by_failing(target: Target) -> None:
    assert page(proven_samples(target, Failure(Reason.FROZEN, "x"))) == ['frs_service_frozen{project="gate-1"} 1.0']
    assert proven_samples(target, Failure(Reason.TIMEOUT, "x")) == ()


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["subscribe_status", "create_time", "detect_service", "max_face_set_number", 'a"_service'])
            | st.text(max_size=10),
            inner,
            max_size=4,
        )
    ),
    max_leaves=15,
)


@given(anything)
def test_any_json_gives_samples_of_declared_families_or_an_api_error(payload: Any) -> None:
    value = json.loads(json.dumps(payload))
    target = Target(project="p", project_id="0" * 32, region="r", credential=None, endpoints={})  # type: ignore[arg-type]
    try:
        samples = parse(value, target).samples
    except ApiError:
        return
    assert {sample.family for sample in samples} <= set(COLLECTOR.families)
    assert isinstance(value, dict)
    for sample in samples:
        if sample.family is SUBSCRIBED:
            assert value[f"{sample.labels[0]}_service"]["subscribe_status"] is bool(sample.value)


def test_of_names_that_are_not_shown_nothing_is_kept(target: Target) -> None:
    value = {"subscribe_status": True}
    parse({"detect_service": value}, target)
    before = first_equal.cache_info().currsize
    for number in range(20):
        parse({"detect_service": value, f"{number}{'Y' * 10_000}_service": value}, target)
    assert first_equal.cache_info().currsize <= before + 1  # how many are not shown


def test_zero_is_zero(target: Target) -> None:
    minus_zero = parse({"detect_service": {"subscribe_status": True}, "max_face_set_number": -0.0}, target)
    assert 'frs_max_face_set_number{project="gate-1"} 0.0' in page(minus_zero.samples)
