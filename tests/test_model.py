"""A job's state and its two transitions; values that do not show their secrets."""

from frs_exporter.core.counting import counted
from frs_exporter.core.errors import Failure, Reason
from frs_exporter.core.model import CollectResult, Family, JobState, Sample
from tests.conftest import account, credential_of

ON = Family("frs_subscribed", "gauge", "h", ("project", "subservice"))
FROZEN = Family("frs_service_frozen", "gauge", "h", ("project",))
SAMPLES = (Sample(ON, ("detect",), 1), Sample(FROZEN, (), 0))
FOUND = CollectResult(SAMPLES)


def test_a_job_is_down_until_its_first_answer() -> None:
    assert not JobState().up
    assert JobState().succeeded(10, 0.1, FOUND, 190).up


def test_a_failure_keeps_the_samples_and_counts_by_reason() -> None:
    state = JobState().succeeded(10, 0.1, FOUND, 190)
    state = state.failed(20, 0.2, Failure(Reason.TIMEOUT, "slow"))
    state = state.failed(30, 0.3, Failure(Reason.TIMEOUT, "slow")).failed(40, 0.4, Failure(Reason.DNS, "gone"))
    assert not state.up
    assert (state.polls, state.failures, state.failures_in_a_row) == (4, 3, 3)
    assert state.errors == {Reason.TIMEOUT: 2, Reason.DNS: 1}
    assert (state.samples, state.fresh_until, state.last_success, state.last_poll) == (SAMPLES, 190, 10, 40)


def test_what_a_failure_tells_supersedes_older_samples_of_it() -> None:
    """A frozen service says so by failing; the subscription stays as last told."""
    told = (Sample(FROZEN, (), 1),)
    state = JobState().succeeded(10, 0.1, FOUND, 190).failed(20, 0.1, Failure(Reason.FROZEN, "frozen"), told, 500)
    assert (state.samples, state.proven_samples, state.proven_until) == (SAMPLES[:1], told, 500)
    assert state.succeeded(30, 0.1, FOUND, 210).proven_samples == ()


def test_a_failure_that_tells_nothing_takes_nothing_back() -> None:
    told = (Sample(FROZEN, (), 1),)
    state = JobState().failed(20, 0.1, Failure(Reason.FROZEN, "frozen"), told, 500)
    state = state.failed(30, 0.1, Failure(Reason.TIMEOUT, "slow"), (), 510)
    assert (state.proven_samples, state.proven_until) == (told, 500)


def test_a_success_ends_the_row_of_failures_and_forgets_none() -> None:
    state = JobState().failed(10, 0.1, Failure(Reason.DNS, "gone")).succeeded(20, 0.1, FOUND, 200)
    assert state.up
    assert (state.failures, state.failures_in_a_row, state.failure) == (1, 0, None)


def test_credentials_do_not_show_their_secrets() -> None:
    for kind in ("token", "ak_sk"):
        owner = account(kind, "p")
        shown = repr(credential_of(owner)) + str(credential_of(owner))
        assert owner.password not in shown
        assert owner.secret_key not in shown


def test_there_are_several_of_all_but_one() -> None:
    assert [counted(number, "job") for number in (0, 1, 2, "1", "1,000")] == [
        "0 jobs",
        "1 job",
        "2 jobs",
        "1 job",
        "1,000 jobs",
    ]
