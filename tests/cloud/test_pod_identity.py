"""The temporary keys of a pod: had from the agent of its node, for a token that the kubelet renews."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
import structlog
from huaweicloudsdkcore.auth.provider import PodIdentityCredentialProvider

from frs_exporter.cloud.pod_identity import pod_identity
from frs_exporter.core.credentials import PodIdentityCredential
from frs_exporter.core.errors import ApiError, Failure, Reason
from frs_exporter.core.explanations import advice
from frs_exporter.core.model import Target
from frs_exporter.core.trace import UNTRACED
from frs_simulator import Simulator, World
from frs_simulator.cce import PATH
from frs_simulator.faults import Fault
from frs_simulator.issuers import Cluster
from tests.cloud.temporary import FAILED, ID_TOKEN, Then, ask, every, failure_by, faults, parts, told_secrets, with_keys
from tests.conftest import Cloud, account, run_virtual, target_of
from tests.polling.test_poller import UP, Polled


def replace_token(file: Path, content: bytes | None) -> None:
    """Put something into the file, or take it away."""
    file.unlink(missing_ok=True)
    if content is not None:
        file.write_bytes(content)


def in_a_pod(file: Path, then: Then, **cluster: Any) -> Any:
    """Run in a pod of a simulated cluster, with two projects of the account whose agency it may use."""
    owner = account("pod_identity", "p1", "p2")

    def give(cloud: Cloud) -> PodIdentityCredential:
        cloud.world.cluster = Cluster(owner, tokens={ID_TOKEN}, **cluster)
        return PodIdentityCredential("on-cce", f"{cloud.url}{PATH}", str(file))

    return with_keys(owner, give, then)


def test_keys_come_from_the_agent_of_the_node_once_for_all(token_file: Path) -> None:
    async def then(cloud: Cloud, targets: list[Target]) -> None:
        polls = await Polled.started(cloud, targets)
        await asyncio.sleep(600)
        shown = polls.shown()
        assert (shown[UP % "p1"], shown[UP % "p2"], shown[FAILED]) == (1, 1, 0)
        assert any('auth="pod_identity"' in name for name in shown)
        assert len(cloud.world.temporary_keys) == 1
        assert cloud.counted("frs_exporter_api_requests_total", api="cce") == 1
        await polls.poller.stop()

    in_a_pod(token_file, then)


@pytest.mark.parametrize("life", [900.0, 2300.0, 86400.0])
@pytest.mark.uncounted
def test_keys_are_renewed_ahead_however_short_they_live(token_file: Path, life: float) -> None:
    """The vendor's own client asks at every call where less than 40 minutes are left."""

    async def then(cloud: Cloud, targets: list[Target]) -> None:
        polls = await Polled.started(cloud, every(life / 30, targets, stale_after=life))
        await asyncio.sleep(10 * life)
        assert polls.shown()[FAILED] == 0
        assert 10 <= len(cloud.world.temporary_keys) <= 14
        await polls.poller.stop()

    in_a_pod(token_file, then, life=life)


def test_the_token_file_is_read_again_for_each_renewal(token_file: Path) -> None:
    async def then(cloud: Cloud, targets: list[Target]) -> None:
        polls = await Polled.started(cloud, targets)
        await asyncio.sleep(60)
        for number in range(5):
            cloud.world.cluster.tokens = {f"{ID_TOKEN}{number}"}
            replace_token(token_file, f"{ID_TOKEN}{number}".encode())
            await asyncio.sleep(900)
        assert polls.shown()[FAILED] == 0
        assert len(cloud.world.temporary_keys) >= 5
        await polls.poller.stop()

    in_a_pod(token_file, then, life=900.0)


def test_another_token_is_tried_at_once_after_a_refusal(token_file: Path) -> None:
    async def then(cloud: Cloud, targets: list[Target]) -> None:
        cloud.world.cluster.tokens = {f"{ID_TOKEN}2"}
        with pytest.raises(ApiError, match="the pod is given no keys"):
            await ask(cloud, targets[0])
        await asyncio.sleep(2)
        with pytest.raises(ApiError, match="not asked for another"):
            await ask(cloud, targets[0])
        await asyncio.sleep(2)
        replace_token(token_file, f"{ID_TOKEN}2".encode())
        assert await ask(cloud, targets[0])

    in_a_pod(token_file, then)


def test_a_refusal_is_told_to_all_and_asked_about_once_a_minute(token_file: Path) -> None:
    async def then(cloud: Cloud, targets: list[Target]) -> None:
        cloud.world.cluster.account = None
        visits = cloud.world.watched()
        for _ in range(60):
            for target in targets:
                with pytest.raises(ApiError, match="the pod is given no keys: no pod identity association") as caught:
                    await ask(cloud, target)
                assert caught.value.failure.reason == "forbidden"
            await asyncio.sleep(10)
        assert 9 <= len(visits) <= 11
        assert "bind an agency" in advice(caught.value.failure)
        cloud.world.cluster.account = cloud.world.accounts[0]
        await asyncio.sleep(61)
        assert await ask(cloud, targets[0])

    in_a_pod(token_file, then)


@faults(
    *("the pod identity agent", 5),
    (Fault(status=401, body="Unauthorized"), "forbidden", "the pod is given no keys: Unauthorized"),
    (Fault(code="CCE.01400001", status=400), "forbidden", "the pod is given no keys: simulated"),
)
def test_why_there_are_no_keys_is_told(token_file: Path, fault: Fault, reason: str, message: str) -> None:
    async def then(cloud: Cloud, targets: list[Target]) -> None:
        error = await failure_by(fault, "cce", cloud, targets[0])
        assert (error.reason, error.message, error.api) == (reason, message, "cce")

    in_a_pod(token_file, then)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (None, "No such file or directory"),
        (b"", "it has no token in it"),
        (b"two words", "it has no token in it"),
        (b"\xff\xfe", "it is not UTF-8 text"),
        (b"x" * 70_000, "it is longer than 65536 bytes"),
    ],
)
def test_a_token_file_that_is_none_is_told_by_its_name(token_file: Path, content: bytes | None, why: str) -> None:
    async def then(cloud: Cloud, targets: list[Target]) -> None:
        replace_token(token_file, content)
        with pytest.raises(ApiError) as caught:
            await ask(cloud, targets[0])
        assert caught.value.failure.message == f"cannot read the token in {token_file}: {why}"
        assert advice(caught.value.failure).startswith("check the path, that the file is mounted there")
        replace_token(token_file, ID_TOKEN.encode())
        assert await ask(cloud, targets[0]), "as soon as it is there"

    in_a_pod(token_file, then)


def test_new_keys_that_frs_refuses_one_after_the_other_are_held(token_file: Path) -> None:
    """Each is another key: none is locked, but nobody is asked for ever."""

    async def then(cloud: Cloud, targets: list[Target]) -> None:
        polls = await Polled.started(cloud, targets)
        await asyncio.sleep(60)
        cloud.world.faults.set("frs", Fault(status=401, code="APIGW.0301"))
        visits = cloud.world.watched()
        await asyncio.sleep(3600)
        assert cloud.counted("frs_exporter_credential_rejected", credential="on-cce") == 1
        assert len([visit for visit in visits if visit.api == "cce"]) <= 11, "with each hold's end"
        assert len([visit for visit in visits if visit.api == "frs"]) <= 22
        cloud.world.faults.set("frs", None)
        await asyncio.sleep(3700)
        assert polls.shown()[UP % "p1"] == 1
        assert not any(lock.times for lock in cloud.world.locks.values())
        await polls.poller.stop()

    in_a_pod(token_file, then)


@pytest.mark.uncounted
def test_no_secret_of_the_pod_is_told(token_file: Path) -> None:
    async def then(cloud: Cloud, targets: list[Target]) -> None:
        with structlog.testing.capture_logs() as logs:
            polls = await Polled.started(cloud, targets)
            await asyncio.sleep(60)
            cloud.world.faults.set("frs", Fault(code="FRS.0010", echo=True))
            cloud.world.faults.set("cce", Fault(code="X.1", echo=True, status=401))
            await asyncio.sleep(90_000)
            with pytest.raises(ApiError) as caught:
                await ask(cloud, targets[0])
            text = f"{logs} {polls.shown()} {polls.poller.states} {caught.value.failure!r} {targets[0]!r}"
        assert not told_secrets(text, cloud, ID_TOKEN)
        await polls.poller.stop()

    in_a_pod(token_file, then)


@pytest.mark.filterwarnings("ignore:datetime.datetime.utcnow:DeprecationWarning")  # the vendor's client
async def test_the_vendors_own_client_is_given_keys_for_the_same_environment(
    token_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = account("pod_identity", "p1")
    async with Simulator(World([owner], cluster=Cluster(owner, tokens={ID_TOKEN}))) as simulator:
        monkeypatch.setenv("HC_CONTAINER_CREDENTIALS_FULL_URI", f"{simulator.url}{PATH}")
        monkeypatch.setenv("HC_CONTAINER_AUTHORIZATION_TOKEN_FILE", str(token_file))
        theirs = await asyncio.to_thread(PodIdentityCredentialProvider.get_basic().get_credentials)
        (key,) = simulator.world.temporary_keys.values()
        assert (theirs.ak, theirs.sk, theirs.security_token) == parts(key)


def test_a_uri_is_asked_as_it_stands(token_file: Path) -> None:
    asked = []

    async def send(request: Any, authorize: Any) -> Any:
        async with authorize(request) as headers:
            asked.append((request.method, str(request.url), request.body, dict(headers)))
        raise ApiError(Failure(Reason.SERVER, "x"))

    async def main() -> None:
        for uri in (
            "http://127.0.0.1:9/a/b?c=d%2Fe",
            "http://[fe80::1]:81",
            "https://agent.example.com/",
            "http://t/x",
        ):
            service = pod_identity(PodIdentityCredential("p", uri, str(token_file)), send)
            with pytest.raises(ApiError):
                await service.fetch(target_of(account("ak_sk", "p1"), account("ak_sk", "p1").projects[0], ""), UNTRACED)

    run_virtual(main())
    headers = {"content-type": "application/json", "authorization": ID_TOKEN}
    urls = ("http://127.0.0.1:9/a/b?c=d%2Fe", "http://[fe80::1]:81/", "https://agent.example.com/", "http://t/x")
    assert asked == [("POST", url, b"{}", headers) for url in urls]
