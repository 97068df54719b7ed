"""Any body of a successful answer: it is read strictly, and what comes of it is a bounded, proper page or a failure."""

import contextlib
import json
import math
from dataclasses import replace
from typing import Any

from prometheus_client.parser import text_string_to_metric_families
from pydantic import SecretStr

from frs_exporter.cloud.iam import read_token
from frs_exporter.cloud.key_services import read_keys
from frs_exporter.cloud.projects import listing, read_items
from frs_exporter.cloud.strict_json import decode
from frs_exporter.cloud.transport import Response
from frs_exporter.collectors import COLLECTORS
from frs_exporter.collectors.collector import MAX_LABEL
from frs_exporter.core.discovery import Discovery, Listing
from frs_exporter.core.errors import ApiError, Failure, Reason
from frs_exporter.core.model import Api, CollectResult, Sample, Target
from frs_exporter.core.redact import MAX_MESSAGE
from frs_exporter.exposition.render import lines
from tests.collectors.asking import client_of, now
from tests.conftest import EPOCH, account, target_of

OWNER = account("ak_sk", "gate-1")
TARGET = target_of(OWNER, OWNER.projects[0], "http://127.0.0.1:9", probes=("detect",))
RULE = Discovery(name="rule", template=TARGET)
MOST_REQUESTS = 120
"""Of one poll: what an answer says must not make it ask on and on."""
MOST_SAMPLES = 5000
"""Of one poll, from a body of some hundred bytes that is the answer to all that it asks."""
TOKEN = "MIIF-a-token-that-is-in-a-header"


def check_answer(body: bytes) -> None:
    """What must hold of any body with HTTP 200, to whatever it is the answer."""
    try:
        data = decode(body)
    except ValueError as error:
        check_words(str(error))
        return
    with contextlib.suppress(RecursionError):  # what can just be read may be too deep to be written
        assert decode(json.dumps(data).encode()) == data, "nothing of it was lost, or read as something else"
    for name in COLLECTORS:
        check_collector(name, body)
    check_readers(body, data)


def check_words(problem: str) -> None:
    """What is wrong with a body that is no JSON is told in few words, so that they quote little of it."""
    assert problem.isprintable()
    assert len(problem) < 120


def check_collector(name: str, content: bytes) -> None:
    """A collector that gets this body to each of its requests, in two polls."""
    asked = 0

    async def get(api: Api, path: str, body: Any = None) -> Any:
        nonlocal asked
        asked += 1
        assert asked <= MOST_REQUESTS, "an answer makes it ask on and on"
        return decode(content)

    client, memory = client_of(get, lambda: EPOCH), None

    async def poll() -> CollectResult:
        return await COLLECTORS[name].collect(client, TARGET, memory)

    for _ in range(2):
        asked = 0
        try:
            result = now(poll())
        except ApiError as error:
            check_failure_of_shape(error.failure)
            return
        memory = result.memory
        check_samples(result.samples)
        check_page(TARGET, result.samples)


def check_failure_of_shape(failure: Failure) -> None:
    """A body that is not as promised is told with what was found, and no exception of ours is."""
    assert failure.reason is not Reason.INTERNAL
    assert str(failure).isprintable()
    assert TOKEN not in str(failure)
    assert len(failure.message) <= max(MAX_MESSAGE, 200)


def check_samples(samples: tuple[Sample, ...]) -> None:
    """Names that can be shown, of bounded length, and numbers that are some; no series twice."""
    assert len(samples) <= MOST_SAMPLES
    for sample in samples:
        assert all(len(value) <= MAX_LABEL and value.isprintable() for value in sample.labels), sample
        assert math.isfinite(sample.value), sample
    assert len({(sample.family.name, sample.labels) for sample in samples}) == len(samples)


def check_page(target: Target, samples: tuple[Sample, ...]) -> None:
    """Prometheus reads as many samples as there are."""
    chunks = lines(target.project, samples).items()
    text = b"".join(b"# TYPE %s untyped\n%s" % (name.encode(), chunk) for name, chunk in chunks).decode()
    read = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    assert len(read) == len(samples)


def check_readers(body: bytes, data: Any) -> None:
    """The answers of IAM, and of those who give temporary keys."""
    answer = Response(200, {"x-subject-token": TOKEN}, body)
    try:
        _, issued, expires, _ = read_token(answer)
        assert -math.inf < issued < expires < math.inf
    except ApiError as error:
        check_failure_of_shape(error.failure)
    try:
        keys, end = read_keys("keys", Response(200, {}, data), "a service", Api.STS)
        assert math.isfinite(end)
        assert repr(keys) == repr(replace(keys, secret_key=SecretStr("another"))), "what is shown tells no secret"
    except ApiError as error:
        check_failure_of_shape(error.failure)
    try:
        items = read_items(answer)
    except ApiError as error:
        check_failure_of_shape(error.failure)
        return
    in_use = sum(item.in_use for item in items.values())
    known = listing(items, False, RULE, Listing())
    assert len(known.projects) == in_use
    assert all(project.name.isprintable() for project in known.projects)
