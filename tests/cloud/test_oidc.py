"""The temporary keys of an agency that trusts an issuer of id tokens: had from STS, for the token of now."""

import asyncio
import itertools
import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import structlog
from huaweicloudsdkcore.auth.provider import OidcStsCredentialProvider
from huaweicloudsdkcore.exceptions.exception_handler import DefaultExceptionHandler
from huaweicloudsdkcore.http.http_client import HttpClient
from huaweicloudsdkcore.http.http_config import HttpConfig
from huaweicloudsdkcore.http.http_handler import HttpHandler
from pydantic import SecretStr

from frs_exporter.core.credentials import OidcCredential
from frs_exporter.core.errors import ApiError
from frs_exporter.core.explanations import advice
from frs_exporter.core.model import Target
from frs_simulator import Simulator, World
from frs_simulator.faults import Fault
from frs_simulator.issuers import Trust
from tests.cloud.temporary import FAILED, ID_TOKEN, Then, ask, every, failure_by, faults, parts, told_secrets, with_keys
from tests.conftest import Cloud, account
from tests.polling.test_poller import UP, Polled

PROVIDER, AGENCY = "iam::0123:oidcProvider:cluster", "iam::0123:agency:frs-readers"


def trusted(file: Path, then: Then, **settings: Any) -> Any:
    """Run with two projects of an account whose agency trusts whoever has issued the token."""
    owner = account("oidc", "p1", "p2")

    def give(cloud: Cloud) -> OidcCredential:
        cloud.world.trust = Trust(owner, PROVIDER, AGENCY, {ID_TOKEN})
        return OidcCredential("ci", PROVIDER, AGENCY, str(file), endpoint=cloud.url, **settings)

    return with_keys(owner, give, then)


def renew(cloud: Cloud, file: Path, token: str) -> None:
    """Issue another token; the one before has ended."""
    cloud.world.trust.tokens = {token}
    file.write_text(token)


@pytest.mark.parametrize("duration", [900, 3600, 43200])
@pytest.mark.uncounted
def test_keys_are_renewed_ahead_with_the_token_of_now(token_file: Path, duration: int) -> None:
    async def then(cloud: Cloud, targets: list[Target]) -> None:
        polls = await Polled.started(cloud, every(duration / 10, targets, stale_after=duration))
        await asyncio.sleep(duration / 5)
        assert cloud.counted("frs_exporter_api_requests_total", api="sts") == 1
        assert any('auth="oidc"' in name for name in polls.shown())
        for number in range(8):
            renew(cloud, token_file, f"{ID_TOKEN}{number}")
            await asyncio.sleep(duration)
        assert polls.shown()[FAILED] == 0
        assert 8 <= len(cloud.world.temporary_keys) <= 12
        await polls.poller.stop()

    trusted(token_file, then, duration=duration)


def test_a_token_of_the_environment_needs_no_file(token_file: Path) -> None:
    async def then(cloud: Cloud, targets: list[Target]) -> None:
        credential = OidcCredential("ci", PROVIDER, AGENCY, id_token=SecretStr(ID_TOKEN), endpoint=cloud.url)
        assert await ask(cloud, replace(targets[0], credential=credential))

    trusted(token_file, then)


def test_a_refused_id_token_is_held_and_tried_at_once_when_it_is_another_one(token_file: Path) -> None:
    async def then(cloud: Cloud, targets: list[Target]) -> None:
        cloud.world.trust.tokens.clear()
        visits = cloud.world.watched()
        with structlog.testing.capture_logs() as logs:
            polls = await Polled.started(cloud, targets)
            await asyncio.sleep(86400)
        assert cloud.counted("frs_exporter_credential_rejected", credential="ci") == 1
        asked = [visit for visit in visits if visit.api == "sts"]
        assert 20 <= len(asked) <= 32, "after 6, 12, 24, 48 minutes, then every hour"
        (rejected,) = [entry for entry in logs if entry["event"] == "credential rejected"]
        assert (rejected["api"], rejected["code"]) == ("sts", "STS5.0401")
        assert rejected["advice"].startswith("check that whoever issues the id token renews its file")
        info = 'frs_poll_error_info{project="p1",collector="subscription",reason="auth",code="STS5.0401"}'
        assert polls.shown()[info] == 1
        renew(cloud, token_file, f"{ID_TOKEN}2")
        with structlog.testing.capture_logs() as logs:
            assert await ask(cloud, targets[0])
            assert await ask(cloud, targets[1])
        assert "credential accepted again" in [entry["event"] for entry in logs]
        assert cloud.counted("frs_exporter_credential_rejected", credential="ci") == 0
        await polls.poller.stop()

    trusted(token_file, then)


def test_while_renewals_are_refused_keys_serve_to_their_end(token_file: Path) -> None:
    async def then(cloud: Cloud, targets: list[Target]) -> None:
        polls = await Polled.started(cloud, targets)
        await asyncio.sleep(60)
        cloud.world.trust.tokens.clear()
        await asyncio.sleep(3400)
        assert polls.shown()[FAILED] == 0
        assert cloud.counted("frs_exporter_credential_rejected", credential="ci") == 0
        await asyncio.sleep(1200)
        assert cloud.counted("frs_exporter_credential_rejected", credential="ci") == 1
        renew(cloud, token_file, f"{ID_TOKEN}2")
        await asyncio.sleep(3700)
        assert polls.shown()[UP % "p1"] == 1
        await polls.poller.stop()

    trusted(token_file, then)


@pytest.mark.uncounted
def test_a_renewal_that_is_refused_is_repeated_ever_less_often_but_in_time(token_file: Path) -> None:
    """For hours keys would serve on, and each minute STS would refuse the same token."""

    async def then(cloud: Cloud, targets: list[Target]) -> None:
        polls = await Polled.started(cloud, targets)
        await asyncio.sleep(60)
        cloud.world.trust.tokens.clear()
        await asyncio.sleep(0.8 * 43200)
        visits = cloud.world.watched()
        with structlog.testing.capture_logs() as logs:
            await asyncio.sleep(0.19 * 43200)
        times = [visit.time for visit in visits if visit.api == "sts"]
        pauses = [later - before for before, later in itertools.pairwise(times)]
        assert 6 <= len(times) <= 16
        assert max(pauses[:3]) < 300 < max(pauses) < 3700
        assert pauses[-1] < 1800, "the nearer the end, the more often"
        (told,) = [entry for entry in logs if entry["event"] == "temporary key not renewed"]
        assert told["valid_seconds"] > 3600
        assert polls.shown()[FAILED] == 0
        await polls.poller.stop()

    trusted(token_file, then, duration=43200)


@pytest.mark.uncounted
def test_another_token_ends_the_rest_of_a_refused_renewal(token_file: Path) -> None:
    async def then(cloud: Cloud, targets: list[Target]) -> None:
        polls = await Polled.started(cloud, targets)
        await asyncio.sleep(60)
        cloud.world.trust.tokens.clear()
        await asyncio.sleep(0.93 * 43200)
        visits = cloud.world.watched()
        renew(cloud, token_file, f"{ID_TOKEN}2")
        await asyncio.sleep(130)
        assert len([visit for visit in visits if visit.api == "sts"]) == 1
        assert len(cloud.world.temporary_keys) == 2
        await polls.poller.stop()

    trusted(token_file, then, duration=43200)


@pytest.mark.uncounted
def test_a_renewal_that_meets_a_fault_is_repeated_each_minute(token_file: Path) -> None:
    async def then(cloud: Cloud, targets: list[Target]) -> None:
        polls = await Polled.started(cloud, targets)
        await asyncio.sleep(60)
        cloud.world.faults.set("sts", Fault(status=500, body=""))
        await asyncio.sleep(0.91 * 43200)
        visits = cloud.world.watched()
        await asyncio.sleep(1800)
        assert 20 <= len([visit for visit in visits if visit.api == "sts"]) <= 31
        await polls.poller.stop()

    trusted(token_file, then, duration=43200)


def test_keys_refused_while_their_renewal_is_refused_hang_nobody(token_file: Path) -> None:
    """The renewal is shared by who wants keys and by who has met a refusal: neither may wait for the other."""

    async def then(cloud: Cloud, targets: list[Target]) -> None:
        polls = await Polled.started(cloud, targets)
        await asyncio.sleep(60)
        cloud.world.temporary_keys.clear()
        cloud.world.trust.tokens.clear()
        cloud.world.faults.set("sts", Fault(delay=5.0))
        results = await asyncio.gather(*(ask(cloud, target) for target in targets * 20), return_exceptions=True)
        assert all(isinstance(result, ApiError) for result in results)
        await asyncio.sleep(4000)
        assert cloud.counted("frs_exporter_credential_rejected", credential="ci") == 1
        await polls.poller.stop()

    trusted(token_file, then)


@faults(
    *("STS", 10),
    (Fault(status=403, code="STS5.0403"), "forbidden", "simulated"),
    (Fault(status=400, code="STS5.0400"), "client", "simulated"),
)
def test_why_there_are_no_keys_is_told(token_file: Path, fault: Fault, reason: str, message: str) -> None:
    async def then(cloud: Cloud, targets: list[Target]) -> None:
        error = await failure_by(fault, "sts", cloud, targets[0])
        assert (error.reason, error.message, error.api) == (reason, message, "sts")
        assert ("id token" in advice(error)) == (reason in ("forbidden", "client"))

    trusted(token_file, then)


def test_no_secret_is_told(token_file: Path) -> None:
    async def then(cloud: Cloud, targets: list[Target]) -> None:
        with structlog.testing.capture_logs() as logs:
            polls = await Polled.started(cloud, targets)
            await asyncio.sleep(60)
            cloud.world.faults.set("frs", Fault(code="FRS.0010", echo=True))
            cloud.world.faults.set("sts", Fault(code="STS5.0401", echo=True, status=401))
            await asyncio.sleep(20_000)
            credential = OidcCredential("ci", PROVIDER, AGENCY, id_token=SecretStr(ID_TOKEN))
            text = f"{logs} {polls.shown()} {polls.poller.states} {targets[0]!r} {credential!r}"
        assert "STS5.0401" in text
        assert not told_secrets(text, cloud, ID_TOKEN)
        await polls.poller.stop()

    trusted(token_file, then)


@pytest.mark.filterwarnings("ignore:datetime.datetime.utcnow:DeprecationWarning")  # the vendor's client
async def test_the_vendors_own_client_is_given_keys_for_the_same_environment(
    token_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = account("oidc", "p1")
    async with Simulator(World([owner], trust=Trust(owner, PROVIDER, AGENCY, {ID_TOKEN}))) as simulator:
        monkeypatch.setenv("HUAWEICLOUD_OIDC_PROVIDER_URN", PROVIDER)
        monkeypatch.setenv("HUAWEICLOUD_OIDC_AGENCY_URN", AGENCY)
        monkeypatch.setenv("HUAWEICLOUD_OIDC_TOKEN_FILE", str(token_file))
        monkeypatch.setenv("HUAWEICLOUD_SDK_STS_ENDPOINT", simulator.url)
        theirs = OidcStsCredentialProvider.get_basic().get_credentials()
        http = HttpClient(HttpConfig(), HttpHandler(), DefaultExceptionHandler(), logging.getLogger("theirs"))
        await asyncio.to_thread(theirs.process_sts, http)
        (key,) = simulator.world.temporary_keys.values()
        assert (theirs.ak, theirs.sk, theirs.security_token) == parts(key)
