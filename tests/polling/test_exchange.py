"""What is kept of an exchange: little, and nothing that is secret, wherever it stands."""

import json
import random
import string

from frs_exporter.core.model import CollectResult, Job, JobState
from frs_exporter.core.trace import UNTRACED, Trace
from frs_exporter.polling.exchange import MAX_LOOKED_AT, MAX_TEXT, USUAL, Exchange, Following, exchange
from frs_exporter.polling.recorder import Recorder
from frs_simulator.demo import subscribed
from tests.conftest import account, target_of

URL = "https://face.cn-north-4.myhuaweicloud.com/v1/5f9ad85aca89a36c5bc88b6b6edbef08/subscribe"
TOKEN = "MIIsecret-" + "".join(random.Random(1).choices(string.ascii_letters, k=30))


def followed(body: bytes, status: int = 200, *secrets: str, trace: Trace = UNTRACED) -> tuple[Following, Exchange]:
    following = Following(trace)
    following.headers({"x-auth-token": TOKEN}, tuple, "> %s %s%s", "GET", URL, "")
    following.headers({"x-request-id": "abc123"}, lambda: secrets, "< %s", status)
    following.body(body)
    following.request_took(0.25)
    return following, exchange(following.head(1e9), following.packed())


def test_what_is_kept_comes_back() -> None:
    _, kept = followed(b'{"error_code": "FRS.0019"}', 400)
    assert (kept.at, kept.seconds, kept.status, kept.request_id) == (1e9, 0.25, 400, "abc123")
    assert (kept.request, kept.answer, kept.cut) == (f"GET {URL}", '{"error_code": "FRS.0019"}', False)


def test_a_usual_answer_takes_few_bytes() -> None:
    following, _ = followed(json.dumps(subscribed("2024-09-02 03:00:00")).encode())
    assert len(following.packed()) + len(following.head(1e9)) < 160


def test_no_secret_is_kept_in_any_form() -> None:
    secret = 'p"w<&>ä{}'
    quoted = json.dumps({"message": f"for {secret}", "canonical": json.dumps(f"x-auth-token:{TOKEN}")})
    _, kept = followed(f"{quoted} token={secret} {TOKEN}".encode(), 401, secret, TOKEN)
    assert "***" in kept.answer
    for form in (secret, json.dumps(secret)[1:-1], TOKEN, TOKEN[:20]):
        assert form not in kept.answer
    assert TOKEN not in kept.request


def test_half_a_secret_at_the_end_is_not_kept() -> None:
    """Wherever the text is cut: much of it may have been starred, so that what is far behind moves up."""
    secret = "k-" + "".join(random.Random(2).choices(string.ascii_letters, k=30))
    for shift in range(40):
        body = (secret + " ") * 1985 + "." * (16 + shift) + secret * 3
        assert len(body) > MAX_LOOKED_AT
        _, kept = followed(body.encode(), 400, secret)
        assert kept.answer.startswith("*** ***")
        assert not any(secret[:size] in kept.answer for size in (4, 8, 16))


def test_half_of_what_looks_like_a_secret_is_not_kept() -> None:
    word = "".join(random.Random(3).choices(string.ascii_letters, k=60))
    for shift in range(0, 140, 5):
        _, kept = followed(((word + " ") * 131 + "." * shift + word * 3 + " " + word).encode())
        assert not any(word[:size] in kept.answer for size in (4, 8, 16))


def test_an_id_that_quotes_a_secret_is_not_kept() -> None:
    following = Following()
    following.headers({}, tuple, "> %s %s%s", "GET", URL, "")
    following.headers({"x-request-id": "the-key"}, lambda: ["the-key"], "< %s", 400)
    assert exchange(following.head(1.0), following.packed()).request_id == ""


def test_a_long_answer_is_cut_and_says_so() -> None:
    _, kept = followed(b'{"a": "' + b"x y " * 100_000)
    assert (len(kept.answer), kept.cut) == (MAX_TEXT, True)


def test_no_answer_and_no_request() -> None:
    following = Following()
    kept = exchange(following.head(5.0), following.packed())
    assert (kept.request, kept.status, kept.answer) == ("", None, "")
    following.headers({}, tuple, "> %s %s%s", "GET", URL, "")
    following.request_took(10.0)
    kept = exchange(following.head(5.0), following.packed())
    assert (kept.request, kept.status, kept.answer, kept.seconds) == (f"GET {URL}", None, "", 10.0)


def test_who_follows_a_probe_follows_it_still() -> None:
    lines = list[str]()
    followed(b"{}", 200, trace=Trace(lines.append))
    assert [line.split("\n")[0] for line in lines] == [f"> GET {URL}", "< 200"]


def test_what_is_known_beforehand_has_no_secret() -> None:
    assert b"token" not in USUAL.lower()
    assert b"***" not in USUAL


def test_a_record_is_not_from_after_its_polls_when_a_clock_was_set_back() -> None:
    recorder, owner = Recorder(), account("ak_sk", "p")
    job = Job(target_of(owner, owner.projects[0], "http://h"), "subscription")
    for at in (2e9, 1e9):
        recorder.record(job, JobState(), JobState().succeeded(at, 0.1, CollectResult(), 60.0), Following())
    record = recorder.of(job.key)
    assert record
    assert record.since == 1e9
