"""Every way the cloud can fail, one row each: the page during it, the log, and the page when it is over."""

import asyncio
import datetime
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
import structlog
import trustme

from frs_exporter.cloud.bodies import MAX_BODY
from frs_exporter.collectors.subscription import DOCUMENTED
from frs_exporter.core.errors import Failure, Reason
from frs_exporter.core.explanations import advice, explain
from frs_exporter.core.model import Api
from frs_exporter.exposition.page import FORMATS
from frs_exporter.polling.job_lines import name_of
from frs_simulator.faults import HANG, Fault
from tests.conftest import Cloud, CloudContext, VirtualLoop, account, believing, run_virtual, secrets_of
from tests.polling.test_poller import Polled
from tests.resilience.front import NAME, Front

ON = '{"detect_service": {"subscribe_status": true}}'
LABELS = 'project="p1",collector="subscription"'


class Stage:
    """A project that is polled through a front, and what makes it fail."""

    def __init__(self, cloud: Cloud, front: Front, certificates: "Certificates") -> None:
        self.cloud = cloud
        self.front = front
        self.certificates = certificates
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        self.hosts = loop.hosts
        (self.owner,) = cloud.world.accounts


class Certificates:
    """Certificates good and bad, as server contexts."""

    def __init__(self, folder: Path) -> None:
        ours, foreign = trustme.CA(), trustme.CA()
        ours.cert_pem.write_to_path(folder / "ca.pem")
        self.ca_file = str(folder / "ca.pem")
        past = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
        self.good = context(ours.issue_cert(NAME))
        self.expired = context(ours.issue_cert(NAME, not_before=past, not_after=past + datetime.timedelta(days=1)))
        self.other_host = context(ours.issue_cert("elsewhere.example"))
        self.unknown_authority = context(foreign.issue_cert(NAME))


def context(certificate: trustme.LeafCert) -> ssl.SSLContext:
    made = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    certificate.configure_cert(made)
    return made


Act = Callable[[Stage], Awaitable[None] | None]


@dataclass(frozen=True)
class Row:
    """A fault: how it strikes and is lifted, and what then is shown and logged."""

    name: str
    strike: Act
    reason: Reason | None
    code: str = ""
    said: str = ""
    lift: Act | None = None
    kind: str = "ak_sk"
    scheme: str = "http"
    proxied: bool = False
    shows: dict[str, float] = field(default_factory=dict)
    back_within: float = 400.0


def fault(
    name: str, fault: Fault, reason: Reason | None, code: str = "", said: str = "", *, api: str = "frs", **row: Any
) -> Row:
    """A row for a fault of the simulator."""

    def strike(stage: Stage) -> None:
        stage.cloud.world.faults.set(api, fault)

    def lift(stage: Stage) -> None:
        stage.cloud.world.faults.set(api, None)

    return Row(name, strike, reason, code, said, lift, **row)


def told(status: int, code: str, reason: Reason, **row: Any) -> Row:
    """A row for one of the vendor's codes."""
    name = f"{code} {status} {row.get('kind', '')}"
    words = "the vendor's words"
    return fault(name, Fault(status=status, code=code, message=words), reason, code, words, **row)


def body(name: str, content: str | bytes, said: str) -> Row:
    """A row for a 200 that holds no answer."""
    return fault(name, Fault(body=content), Reason.PAYLOAD, said=said)


def front(name: str, strike: Act, reason: Reason | None, said: str = "", **rows: Any) -> Row:
    """A row for a fault of the network; the front is put right again."""

    def put_right(stage: Stage) -> Awaitable[None]:
        return stage.front.open(context=stage.certificates.good if rows.get("scheme") == "https" else None)

    return Row(name, strike, reason, said=said, lift=rows.pop("lift", put_right), **rows)


def move(address: str | None) -> Act:
    """Let the name have another address, where the front is from now on, or none."""

    async def act(stage: Stage) -> None:
        stage.hosts.pop(NAME, None)
        if address is not None:
            stage.hosts[NAME] = stage.front.address = address
        await stage.front.open()

    return act


def certified(certificate: str) -> Act:
    """Let the front show one of the certificates."""
    return lambda stage: stage.front.open(context=getattr(stage.certificates, certificate))


def saying(answer: bytes) -> Act:
    """Let the front answer everything with the same bytes."""
    return lambda stage: stage.front.open(stage.front.saying(answer))


def clock(offset: float) -> Act:
    return lambda stage: setattr(stage.cloud.world, "clock_offset", offset)


def secrets(value: str | None) -> Act:
    """Change the account's secrets, or put the first ones back."""

    def act(stage: Stage) -> None:
        owner = stage.owner
        first = owner.__dict__.setdefault("first", (owner.password, owner.secret_key))
        owner.password, owner.secret_key = first if value is None else (value, value)

    return act


HELD = 1900.0
ASKED_AGAIN = 700.0
"""Seconds after which an API that was taken for absent has been asked for again."""
SKEWED = "x-sdk-date is more than 15 minutes off; this machine's clock is 1200 s behind the cloud's: set it right"
FRS_400 = (*range(10, 18), *range(20, 23), *range(29, 33), 201, 203, *range(301, 306), *range(401, 405), 407, 501)

CODES = [
    *(told(400, f"FRS.{number:04}", Reason.CLIENT) for number in FRS_400),
    *(told(400, f"FRS.{number:04}", Reason.CLIENT) for number in (701, 702, 704, 705, 706, 707, 751)),
    told(403, "FRS.0002", Reason.FORBIDDEN),
    told(403, "FRS.0002", Reason.TOKEN, kind="token"),
    told(500, "FRS.0018", Reason.SERVER),
    told(400, "FRS.0018", Reason.SERVER),
    told(403, "FRS.0028", Reason.PROJECT_MISMATCH),
    told(429, "FRS.0033", Reason.THROTTLED),
    told(403, "FRS.0306", Reason.FORBIDDEN),
    told(400, "FRS.0202", Reason.FROZEN, shows={'frs_service_frozen{project="p1"}': 1}),
    told(404, "APIG.0101", Reason.ABSENT, back_within=ASKED_AGAIN),
    told(404, "APIGW.0101", Reason.ABSENT, back_within=ASKED_AGAIN),
    told(404, "APIC.0101", Reason.ABSENT, back_within=ASKED_AGAIN),
    *(told(500, f"APIGW.{number}", Reason.SERVER) for number in ("0103", "0104", "0105", "0201", "0601", "0608")),
    *(told(status, "APIGW.0201", Reason.CLIENT) for status in (400, 413, 414, 494)),
    *(told(status, "APIGW.0201", Reason.SERVER) for status in (502, 504)),
    *(told(401, f"APIGW.{number}", Reason.AUTH, back_within=HELD) for number in ("0301", "0303", "0305")),
    *(told(401, f"APIGW.{number}", Reason.TOKEN, kind="token") for number in ("0301", "0303", "0305", "0307")),
    *(
        told(403, f"APIGW.{number}", Reason.FORBIDDEN)
        for number in ("0302", "0304", "0306", "0310", "0401", "0402", "0404", "0802")
    ),
    told(429, "APIGW.0308", Reason.THROTTLED),
    told(502, "APIGW.0610", Reason.SERVER),
    told(503, "APIGW.0613", Reason.SERVER),
    told(418, "XYZ.1234", Reason.CLIENT),
]
STATUSES = [
    fault(
        f"{status} as a proxy's page",
        Fault(status=status, body="<html><b>busy</b></html>"),
        reason,
        str(status),
        "busy",
    )
    for status, reason in (
        *(
            (400, Reason.CLIENT),
            (401, Reason.PAYLOAD),
            (402, Reason.CLIENT),
            (403, Reason.FORBIDDEN),
            (404, Reason.ABSENT),
        ),
        *((407, Reason.CONNECT), (408, Reason.TIMEOUT), (418, Reason.CLIENT), (429, Reason.THROTTLED)),
        *((500, Reason.SERVER), (502, Reason.SERVER), (503, Reason.SERVER), (504, Reason.SERVER)),
    )
]
LOGINS = [
    told(401, "IAM.0061", Reason.AUTH, kind="token", api="iam", back_within=HELD),
    told(403, "IAM.0081", Reason.FORBIDDEN, kind="token", api="iam"),
    told(429, "IAM.0012", Reason.THROTTLED, kind="token", api="iam"),
    told(500, "IAM.0006", Reason.SERVER, kind="token", api="iam"),
    fault("IAM hangs", HANG, Reason.TIMEOUT, said="did not answer", kind="token", api="iam"),
    fault("no token", Fault(body="{}"), Reason.PAYLOAD, said="no usable token.issued_at", kind="token", api="iam"),
]
BODIES = [
    body("empty", "", "it is empty"),
    body("HTML with 200", "<html>Login</html>", "it is a page of HTML"),
    body("cut off", ON[:-3], "Expecting"),
    body("over-long", "[" + " " * MAX_BODY + "]", "longer than 1048576 bytes"),
    body("NaN", '{"a": NaN}', "NaN is not"),
    body("a huge number", '{"max_face_set_number": 1e999}', "too large"),
    body("a long number", '{"max_face_set_number": ' + "9" * 5000 + "}", "too long"),
    body("a name twice", '{"detect_service": {}, "detect_service": {}}', "occurs twice"),
    body("deep", "[" * 100_000, "nested too deeply"),
    body("not UTF-8", b'{"a": "\xff"}', "not UTF-8"),
    body("an array", "[]", "$: wanted an object, found an array"),
    body("nothing in it", "{}", "found none"),
    body("a status of text", ON.replace("true", '"true"'), "$.detect_service.subscribe_status: wanted a boolean"),
    body(
        "a limit of text", ON.replace("}}", '}, "max_face_set_number": "10"}'), "$.max_face_set_number: wanted a whole"
    ),
]
ALL_OFF = {f'frs_subscribed{{project="p1",subservice="{name}"}}': 0 for name in DOCUMENTED}
ANSWERED = {'frs_service_frozen{project="p1"}': 0, 'frs_subscription_source{project="p1",source="subscribe"}': 1}
DETECT_ON = {'frs_subscribed{project="p1",subservice="detect"}': 1}
ANSWERS = [
    fault("said to be HTML", Fault(body=ON, content_type="text/html"), None, shows={**DETECT_ON, **ANSWERED}),
    fault("FRS.0019", Fault(code="FRS.0019"), None, shows={**ALL_OFF, **ANSWERED}),
    fault("IAM down, tokens valid", HANG, None, kind="token", api="iam"),
    Row("all tokens die", lambda stage: stage.cloud.world.expire_tokens(), None, kind="token"),
    Row("a clock 10 minutes off", clock(600), None, lift=clock(0)),
    front("an idle connection closed", lambda stage: stage.front.hang_up(), None),
    front("a name with a new address", move("127.0.0.2"), None, lift=move("127.0.0.1")),
]
SLOW = f"{NAME} did not answer within 10 s"
REDIRECT = Fault(status=302, headers={"Location": "https://portal.example/login"})
UNTIL = Fault(status=429, code="FRS.0033", headers={"Retry-After": "Fri, 15 Jan 2027 08:03:25 GMT"})
WANTS_LOGIN = b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n"
BAD_GZIP = Fault(body="x" * 99, headers={"Content-Encoding": "gzip"})
NETWORK = [
    fault("hang", HANG, Reason.TIMEOUT, said=SLOW),
    fault("slow loris", Fault(drip=1.0), Reason.TIMEOUT, said=SLOW),
    fault("too slow", Fault(delay=11.0), Reason.TIMEOUT, said=SLOW),
    fault("reset before the answer", Fault(reset=True), Reason.CONNECT, said="closed the connection without an answer"),
    fault("reset inside the body", Fault(truncate=True, reset=True), Reason.CONNECT, said="halfway"),
    fault("ended inside the body", Fault(truncate=True), Reason.CONNECT, said="halfway"),
    fault("no HTTP", Fault(garbage=True), Reason.PAYLOAD, said="not proper HTTP"),
    fault("broken gzip", BAD_GZIP, Reason.PAYLOAD, said="cannot be decompressed"),
    fault("a redirect", REDIRECT, Reason.CLIENT, "302", "redirected to portal.example"),
    fault("throttled until told", Fault(throttle=150), Reason.THROTTLED, "429"),
    fault("throttled until a date", UNTIL, Reason.THROTTLED, "FRS.0033"),
    front("refused", lambda stage: stage.front.shut(), Reason.CONNECT, "Connection refused"),
    front("half-open", lambda stage: stage.front.open(stage.front.silent), Reason.TIMEOUT, SLOW),
    front("no such name", move(None), Reason.DNS, f"the name of {NAME} does not", lift=move("127.0.0.1")),
    front("an expired certificate", certified("expired"), Reason.TLS, "certificate has expired", scheme="https"),
    front("another host's", certified("other_host"), Reason.TLS, "Hostname mismatch", scheme="https"),
    front("an unknown authority", certified("unknown_authority"), Reason.TLS, "local issuer", scheme="https"),
    front("plain HTTP on the TLS port", saying(b"HTTP/1.1 400 x\r\n\r\n"), Reason.TLS, "no TLS with", scheme="https"),
    front("a proxy that wants a login", saying(WANTS_LOGIN), Reason.CONNECT, code="407", proxied=True),
]
SECRETS = [
    Row(
        "a wrong signature",
        secrets("changed"),
        Reason.AUTH,
        "APIGW.0301",
        "verify aksk signature fail",
        lift=secrets(None),
        back_within=HELD,
    ),
    Row("a clock 20 minutes off", clock(1200), Reason.AUTH, "APIGW.0301", SKEWED, lift=clock(0), back_within=HELD),
    Row(
        "a locked key",
        lambda stage: stage.cloud.world.lock(stage.owner),
        Reason.AUTH,
        "APIGW.0301",
        "AK access failed to reach the limit",
        back_within=HELD,
    ),
]
ECHOES = [
    fault(
        f"an echo of everything at {status} {kind} {api}",
        Fault(status=status, code="APIGW.0201", echo=True),
        Reason.SERVER if status == 500 else Reason.CLIENT,
        "APIGW.0201",
        "canonicalRequest:",
        kind=kind,
        api=api,
    )
    for status in (400, 500)
    for kind, api in (("ak_sk", "frs"), ("token", "frs"), ("token", "iam"))
]
ROWS = [*CODES, *ECHOES, *STATUSES, *LOGINS, *BODIES, *ANSWERS, *NETWORK, *SECRETS]


def facts(shown: dict[str, float]) -> dict[str, float]:
    """What the page says of the project, without counters, times and the token."""
    names = (
        "frs_up",
        "frs_subscribed",
        "frs_max_face_set",
        "frs_service_frozen",
        "frs_subscription_",
        "frs_poll_error_info",
    )
    return {name: value for name, value in shown.items() if name.startswith(names)}


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates(tmp_path_factory.mktemp("certificates"))


def changes(logs: list[Any]) -> list[Any]:
    return [entry for entry in logs if entry["event"] in ("up", "down")]


async def acted(act: Act | None, stage: Stage) -> None:
    result = act(stage) if act else None
    if result is not None:
        await result


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_a_fault_is_told_apart_survived_and_shown(row: Row, certificates: Certificates) -> None:
    async def main() -> None:
        options = believing(certificates.ca_file)
        async with CloudContext(account(row.kind, "p1"), options=options, token_life=3600.0) as cloud:
            front = Front(int(cloud.url.rpartition(":")[2]))
            await front.open(context=certificates.good if row.scheme == "https" else None)
            stage = Stage(cloud, front, certificates)
            stage.hosts[NAME] = stage.hosts["proxy.example"] = "127.0.0.1"
            if row.proxied:
                cloud.through(f"http://proxy.example:{front.port}")
            with structlog.testing.capture_logs() as logs:
                await play(row, stage, logs)
            await front.shut()
            page = b"".join(block for format in FORMATS for block in cloud.telemetry.blocks(format)).decode()
            assert not [secret[:20] for secret in secrets_of(cloud.world) if secret in f"{logs} {page}"]

    run_virtual(main())


async def play(row: Row, stage: Stage, logs: list[Any]) -> None:
    """Strike, look, wait until all is stale, look, lift, look."""
    (target,) = stage.cloud.targets()
    url = f"{row.scheme}://{NAME}:{stage.front.port}"
    polls = await Polled.started(stage.cloud, targets=[replace(target, endpoints=dict.fromkeys(Api, url))])
    await asyncio.sleep(65)
    well = facts(polls.shown())
    assert well[f"frs_up{{{LABELS}}}"] == 1
    del logs[:]
    if row in LOGINS or row.name.endswith("iam"):  # they show where there is no token
        stage.cloud.world.expire_tokens()
    await acted(row.strike, stage)
    await asyncio.sleep(100)
    during = facts(polls.shown())
    offset = stage.cloud.world.clock_offset
    assert stage.cloud.counted("frs_exporter_clock_skew_seconds", api="frs") == pytest.approx(-offset, abs=1)
    if row.reason is None:
        kept = row.shows or {name: value for name, value in well.items() if not name.startswith("frs_up")}
        assert during == {f"frs_up{{{LABELS}}}": 1, **kept}
        assert changes(logs) == []
    else:
        error = f'frs_poll_error_info{{{LABELS},reason="{row.reason}",code="{row.code}"}}'
        assert during == {**well, f"frs_up{{{LABELS}}}": 0, error: 1, **row.shows}
        (line,) = changes(logs)
        assert (line["event"], line["project"], line["reason"], line.get("code", "")) == (
            "down",
            "p1",
            row.reason,
            row.code,
        )
        assert row.said in line["message"]
        known: dict[str, Any] = {"by_proxy": row.proxied, "too_long": "longer than" in row.said}
        failure = Failure(row.reason, "", code=row.code, status=line.get("status"), **known)
        assert line["advice"] in (advice(failure), f"frs-exporter explain {name_of(explain(failure), failure)}")
        assert line["next_poll_seconds"] > 0
        await asyncio.sleep(200)
        stale = facts(polls.shown())
        assert stale == {f"frs_up{{{LABELS}}}": 0, error: 1, **row.shows}
        assert polls.shown()[f"frs_last_success_timestamp_seconds{{{LABELS}}}"] > 0
        assert len(changes(logs)) == 1, "repeats are counted, not logged"
    await acted(row.lift, stage)
    await asyncio.sleep(row.back_within)
    assert facts(polls.shown()) == well
    if row.reason is not None:
        assert changes(logs)[-1]["event"] == "up"
        assert changes(logs)[-1]["failed_polls"] >= 1
    state = polls.poller.states[polls.jobs[0].key]
    told = f"{polls.shown()} {state} {state.failure!r} {state.failure}"
    assert not [secret[:20] for secret in secrets_of(stage.cloud.world) if secret in told]
    await polls.poller.stop()
