"""Whatever comes back, the poll survives it, invents nothing, and leaves a page that both parsers read."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import structlog
from hypothesis import example, given, settings
from hypothesis import strategies as st
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from frs_exporter.collectors.subscription import DOCUMENTED, MAX_SUBSERVICES
from frs_exporter.core.errors import Reason
from frs_exporter.core.model import JobState
from frs_exporter.exposition.page import OPENMETRICS, TEXT
from tests.conftest import CloudContext, account, run_virtual, secrets_of
from tests.polling.test_poller import Polled

statuses = st.sampled_from([200, 200, 200, 201, 204, 302, 304, 400, 401, 403, 404, 429, 500, 503]) | st.integers(0, 999)
codes = st.sampled_from(["FRS.0019", "FRS.0202", "APIGW.0301", "APIGW.0308", "IAM.0067"]) | st.text(max_size=20)
names = ["subscribe_status", "create_time", "max_face_set_number", "max_face_size", "error_code", "error_msg"]
odd_names = ["detect_service", "search_service", 'a"\n\\_service', "ü_service", "_service"]
short_names = st.from_regex(r"[a-z]{1,3}_service", fullmatch=True)
keys = st.sampled_from(names + odd_names) | short_names | st.text(max_size=12)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=50),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=6),
    max_leaves=25,
)
subservices = st.fixed_dictionaries(
    {"subscribe_status": st.booleans() | values}, optional={"create_time": values | st.text(max_size=20)}
)
answers = st.dictionaries(keys, subservices | values, max_size=50)
crowds = st.dictionaries(short_names, st.just({"subscribe_status": True}), min_size=25, max_size=50)
errors = st.fixed_dictionaries({"error_code": codes, "error_msg": st.text()})
payloads = st.one_of(answers, answers, crowds, errors, values).map(lambda value: json.dumps(value).encode())
header_names = ["Retry-After", "Date", "X-Request-Id", "Content-Type", "Location", "Content-Encoding"]
header_values = ["5", "Fri, 15 Jan 2027 08:03:25 GMT", "gzip", "text/html", "http://[", "\x80"]
headers = st.dictionaries(
    st.sampled_from(header_names), st.sampled_from(header_values) | st.text(max_size=20), max_size=3
)


def response(status: int, headers: dict[str, str], body: bytes) -> bytes:
    """The bytes of an answer, proper or not."""
    lines = [f"HTTP/1.1 {status} x", f"Content-Length: {len(body)}", *(f"{n}: {v}" for n, v in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode("utf-8", "surrogatepass") + body


def true_facts(body: bytes) -> set[tuple[str, float]]:
    """What an answer of 200 with this body says is subscribed, read in another way than the exporter does."""
    try:
        payload = json.loads(body)
    except (ValueError, RecursionError):
        return set()
    members: Iterator[tuple[str, Any]] = iter(payload.items() if isinstance(payload, dict) else ())
    return {
        (key[: -len("_service")], float(value["subscribe_status"]))
        for key, value in members
        if key.endswith("_service") and isinstance(value, dict) and isinstance(value.get("subscribe_status"), bool)
    }


def check(polls: Polled, state: JobState, status: int, body: bytes) -> None:
    """What must hold after any poll."""
    now = asyncio.get_running_loop().time()
    text = b"".join(polls.page.blocks(TEXT, now)).decode()
    families = list(parse_text(text))
    assert list(parse_openmetrics(b"".join(polls.page.blocks(OPENMETRICS, now)).decode() + "# EOF\n"))
    shown = [sample for family in families for sample in family.samples if sample.name == "frs_subscribed"]
    assert len(shown) <= MAX_SUBSERVICES
    facts = {(sample.labels["subservice"], sample.value) for sample in shown}
    if state.failure is None and b"FRS.0019" in body and status // 100 != 2:
        assert facts == {(name, 0.0) for name in DOCUMENTED}
    else:
        assert facts <= (true_facts(body) if status // 100 == 2 else set())
        assert bool(facts) is state.up
    if state.failure:
        assert state.failure.reason is not Reason.INTERNAL
        assert str(state.failure).isprintable()


NO_DATES = {"Date": "Mon, 99 Jan 0000 99:99:99 GMT", "Retry-After": "9" * 30}


@example([(401, {}, b'{"error_code": "FRS.0019"}'), (200, {}, b"{}")])
@example([(302, {"Location": "http://["}, b"")])
@example([(200, NO_DATES, b'{"a_service": {"subscribe_status": true}}'), (429, NO_DATES, b"")])
@settings(max_examples=80)
@given(st.lists(st.tuples(statuses, headers, payloads | st.binary(max_size=300)), min_size=1, max_size=8))
def test_whatever_comes_back(script: list[tuple[int, dict[str, str], bytes]]) -> None:
    async def main() -> None:
        answered = b""

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(answered)
            writer.close()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        async with CloudContext(account("ak_sk", "p1")) as cloud:
            (target,) = cloud.targets(stale_after=1.0)
            for api in target.endpoints:
                target.endpoints[api] = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"  # type: ignore[index]
            with structlog.testing.capture_logs() as logs:
                for status, fields, body in script:
                    polls = await Polled.started(cloud, targets=[target])
                    await polls.poller.stop()
                    answered = response(status, fields, body)
                    runner = polls.poller.runners[polls.jobs[0].key]
                    await runner.poll()
                    state = runner.state
                    check(polls, state, status, body)
                    told = f"{logs} {state} {state.failure} {polls.shown()}"
                    assert not [secret for secret in secrets_of(cloud.world) if secret in told]
        server.close()

    run_virtual(main())
