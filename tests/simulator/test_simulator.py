"""The simulated cloud: it lets the vendor's own clients in, and refuses what the real one refuses."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
import yaml
from huaweicloudsdkcore.auth.credentials import BasicCredentials
from huaweicloudsdkcore.sdk_request import SdkRequest
from yarl import URL

from frs_exporter.cloud.signing import Signable, sdk_date, sign
from frs_exporter.config.load import load
from frs_simulator import Account, Simulator, demo_world
from frs_simulator.faults import HANG, Fault
from frs_simulator.iam import items_of
from frs_simulator.server import config_text

Response = tuple[int, Any]

USER = b'{"name": "u", "password": "p", "domain": {"name": "d"}}'
ODD_SCOPE = (
    b'{"auth": {"identity": {"methods": ["password"], "password": {"user": %s}}, "scope": {"project": "x"}}}' % USER
)


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    async with Simulator(demo_world()) as started:
        yield started


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(max_field_size=1 << 16) as opened:
        yield opened


def accounts(simulator: Simulator) -> tuple[Account, Account]:
    """The accounts whose config uses a token and a key."""
    token, key = simulator.world.accounts
    return token, key


async def ask(session: aiohttp.ClientSession, method: str, url: str, **options: Any) -> Response:
    async with session.request(method, URL(url, encoded=True), allow_redirects=False, **options) as response:
        name = "X-IAM-Trace-Id" if "/v3/" in url else "X-Request-Id"
        assert len(response.headers[name]) == 32
        return response.status, json.loads(await response.read())


async def login(
    session: aiohttp.ClientSession, simulator: Simulator, account: Account, password: str | None = None, **scope: str
) -> tuple[int, Any, str]:
    """Status, body and token of a login for the account's first project, or for the scope given."""
    user = {
        "name": account.user_name,
        "password": password or account.password,
        "domain": {"name": account.domain_name},
    }
    auth = {
        "identity": {"methods": ["password"], "password": {"user": user}},
        "scope": {"project": scope or {"id": account.projects[0].id}},
    }
    async with session.post(f"{simulator.url}/v3/auth/tokens?nocatalog=true", json={"auth": auth}) as response:
        return response.status, await response.json(), response.headers.get("X-Subject-Token", "")


def subscribe_path(account: Account, project: int = 0) -> str:
    return f"/v1/{account.projects[project].id}/subscribe"


def signed(simulator: Simulator, account: Account, target: str, **changes: str) -> dict[str, str]:
    """Headers of a request signed as it should be, with single facts changed."""
    headers = {
        "host": simulator.url.removeprefix("http://"),
        "x-project-id": changes.get("project_id", account.projects[0].id),
        "x-sdk-date": changes.get("date", sdk_date(simulator.world.now())),
    }
    claim = sign(Signable("GET", target, headers, b""), account.access_key, changes.get("secret", account.secret_key))
    return {**headers, "authorization": str(claim)}


@pytest.mark.parametrize("query", [[], [("name", "cn-east-3"), ("page", "1"), ("per_page", "2")]])
async def test_the_vendors_own_signer_is_let_in(
    simulator: Simulator, session: aiohttp.ClientSession, query: list[tuple[str, str]]
) -> None:
    _, account = accounts(simulator)
    request = SdkRequest(
        method="GET",
        schema="http",
        host=simulator.url.removeprefix("http://"),
        resource_path="/v3/projects" if query else subscribe_path(account),
        query_params=query,
        header_params={"Content-Type": "application/json", "X-Sdk-Date": sdk_date(simulator.world.now())},
        body="",
    )
    BasicCredentials(account.access_key, account.secret_key, account.projects[0].id).sign_request(request)
    status, _ = await ask(session, "GET", simulator.url + request.uri, headers=request.header_params)
    assert status == 200


async def test_a_token_is_issued_and_opens_its_project(simulator: Simulator, session: aiohttp.ClientSession) -> None:
    account, _ = accounts(simulator)
    status, body, token = await login(session, simulator, account)
    assert (status, body["token"]["project"]["id"], body["token"]["catalog"]) == (201, account.projects[0].id, [])
    assert len(token) == 9000
    status, body = await ask(session, "GET", simulator.url + subscribe_path(account), headers={"X-Auth-Token": token})
    assert status == 200
    assert body["detect_service"] == {"subscribe_status": True, "create_time": "2024-03-11 02:15:00"}


async def test_a_token_can_be_scoped_by_the_projects_name(simulator: Simulator, session: aiohttp.ClientSession) -> None:
    account, _ = accounts(simulator)
    status, _, _ = await login(session, simulator, account, name="cn-north-1")
    assert status == 201
    for wanted in (401, 403):
        simulator.world.missing_role_status = wanted
        status, _, _ = await login(session, simulator, account, name="cn-north-9")
        assert status == wanted


@pytest.mark.parametrize("owner", ["by_id", "by_name"])
async def test_who_logs_in_may_be_named_by_id_and_a_token_buys_another(
    simulator: Simulator, session: aiohttp.ClientSession, owner: str
) -> None:
    account, other = accounts(simulator)
    url = f"{simulator.url}/v3/auth/tokens"
    domain = {"id": account.domain_id} if owner == "by_id" else {"name": account.domain_name}
    user = {"name": account.user_name, "password": account.password, "domain": domain}
    by_id = {"id": account.user_id, "password": account.password}
    for who in (user, by_id):
        auth: dict[str, Any] = {"identity": {"methods": ["password"], "password": {"user": who}}}
        status, body = await ask(session, "POST", url, json={"auth": {**auth, "scope": {"domain": domain}}})
        told = body["token"]
        assert (status, told["methods"]) == (201, ["password"])
        assert told["domain"] == {"id": account.domain_id, "name": account.domain_name}
        assert told["user"]["id"] == account.user_id
        assert "project" not in told
        status, body = await ask(session, "POST", url, json={"auth": auth})
        assert (status, {"project", "domain"} & body["token"].keys()) == (201, set())
        status, _ = await ask(
            session, "POST", url, json={"auth": {**auth, "scope": {"domain": {"id": other.domain_id}}}}
        )
        assert status == 401
    _, _, token = await login(session, simulator, account)
    scope = {"project": {"id": account.projects[1].id}}
    again = {"identity": {"methods": ["token"], "token": {"id": token}}, "scope": scope}
    status, body = await ask(session, "POST", url, json={"auth": again})
    assert (status, body["token"]["methods"]) == (201, ["token"])
    assert body["token"]["project"]["id"] == account.projects[1].id
    simulator.world.expire_tokens()
    status, body = await ask(session, "POST", url, json={"auth": again})
    assert (status, body["error"]["title"]) == (401, "Unauthorized")
    assert not simulator.world.locks[account.login].times, "a dead token is no wrong password"


async def test_a_wrong_password_beside_a_users_id_counts_as_that_users(
    simulator: Simulator, session: aiohttp.ClientSession
) -> None:
    account, _ = accounts(simulator)
    identity = {"methods": ["password"], "password": {"user": {"id": account.user_id, "password": "wrong"}}}
    for _ in range(5):
        await ask(session, "POST", f"{simulator.url}/v3/auth/tokens", json={"auth": {"identity": identity}})
    status, body, _ = await login(session, simulator, account)
    assert (status, body["error"]["message"]) == (401, "The account is locked.")


async def test_a_token_of_another_project_is_refused(simulator: Simulator, session: aiohttp.ClientSession) -> None:
    account, _ = accounts(simulator)
    _, _, token = await login(session, simulator, account)
    status, body = await ask(
        session, "GET", simulator.url + subscribe_path(account, 1), headers={"X-Auth-Token": token}
    )
    assert (status, body["error_code"]) == (403, "FRS.0028")


@pytest.mark.parametrize(
    ("harm", "code"), [("expired", "APIGW.0301"), ("outdated", "APIGW.0307"), ("unknown", "APIGW.0301")]
)
async def test_a_dead_token_is_refused(
    simulator: Simulator, session: aiohttp.ClientSession, harm: str, code: str
) -> None:
    account, _ = accounts(simulator)
    _, _, token = await login(session, simulator, account)
    if harm == "expired":
        now = simulator.world.now()
        simulator.world.clock = lambda: now + simulator.world.token_life
    if harm == "outdated":
        simulator.world.outdated.add(token)
    headers = {"X-Auth-Token": "MIIunknown" if harm == "unknown" else token}
    status, body = await ask(session, "GET", simulator.url + subscribe_path(account), headers=headers)
    assert (status, body["error_code"]) == (401, code)


async def test_a_right_signature_is_let_in(simulator: Simulator, session: aiohttp.ClientSession) -> None:
    _, account = accounts(simulator)
    path = subscribe_path(account)
    status, _ = await ask(session, "GET", simulator.url + path, headers=signed(simulator, account, path))
    assert status == 200


async def test_a_changed_byte_of_path_query_header_or_secret_is_refused(
    simulator: Simulator, session: aiohttp.ClientSession
) -> None:
    _, account = accounts(simulator)
    path = subscribe_path(account) + "?a=1"
    headers = signed(simulator, account, path)
    other = {**headers, "x-project-id": account.projects[1].id}
    wrong_secret = signed(simulator, account, path, secret=account.secret_key[:-1] + "x")
    for target, tampered in (
        (path.replace("/v1/", "/v1/0"), headers),
        (path.replace("a=1", "a=2"), headers),
        (path, other),
        (path, wrong_secret),
    ):
        status, body = await ask(session, "GET", simulator.url + target, headers=tampered)
        assert (status, body["error_code"]) == (401, "APIGW.0301")
        assert "verify aksk signature fail" in body["error_msg"]


@pytest.mark.parametrize(("minutes", "status"), [(-16, 401), (-14, 200), (14, 200), (16, 401)])
async def test_a_date_more_than_15_minutes_off_is_refused(
    simulator: Simulator, session: aiohttp.ClientSession, minutes: int, status: int
) -> None:
    _, account = accounts(simulator)
    path = subscribe_path(account)
    headers = signed(simulator, account, path, date=sdk_date(simulator.world.now() + 60 * minutes))
    answer = await ask(session, "GET", simulator.url + path, headers=headers)
    assert answer[0] == status


async def test_a_date_that_is_none_and_a_key_that_is_none_are_refused(
    simulator: Simulator, session: aiohttp.ClientSession
) -> None:
    token_account, account = accounts(simulator)
    path = subscribe_path(account)
    undated = signed(simulator, account, path, date="yesterday")
    status, _ = await ask(session, "GET", simulator.url + path, headers=undated)
    assert status == 401
    stranger = Account("nobody", "ak_sk", account.projects)
    status, body = await ask(session, "GET", simulator.url + path, headers=signed(simulator, stranger, path))
    assert "ak not exist" in body["error_msg"]
    status, body = await ask(session, "GET", simulator.url + path)
    assert (status, body["error_code"]) == (401, "APIGW.0301")
    other = subscribe_path(token_account)
    headers = signed(simulator, account, other)
    status, body = await ask(session, "GET", simulator.url + other, headers=headers)
    assert (status, body["error_code"]) == (403, "FRS.0028")


async def test_five_failed_signatures_lock_the_key_for_five_minutes(
    simulator: Simulator, session: aiohttp.ClientSession
) -> None:
    _, account = accounts(simulator)
    path, start = subscribe_path(account), simulator.world.now()
    simulator.world.clock = lambda: start
    for _ in range(5):
        wrong = signed(simulator, account, path, secret="wrong")
        await ask(session, "GET", simulator.url + path, headers=wrong)
    status, body = await ask(session, "GET", simulator.url + path, headers=signed(simulator, account, path))
    assert (status, body["error_msg"].endswith("AK access failed to reach the limit,forbidden")) == (401, True)
    simulator.world.clock = lambda: start + 300
    status, _ = await ask(session, "GET", simulator.url + path, headers=signed(simulator, account, path))
    assert status == 200


async def test_five_wrong_passwords_lock_the_user_for_fifteen_minutes(
    simulator: Simulator, session: aiohttp.ClientSession
) -> None:
    account, start = accounts(simulator)[0], simulator.world.now()
    simulator.world.clock = lambda: start
    for _ in range(5):
        status, body, _ = await login(session, simulator, account, "wrong")
        assert (status, body["error"]["message"]) == (401, "The username or password is wrong.")
    status, body, _ = await login(session, simulator, account)
    assert (status, body["error"]["message"]) == (401, "The account is locked.")
    simulator.world.clock = lambda: start + 900
    status, _, _ = await login(session, simulator, account)
    assert status == 201


async def test_only_failures_in_a_row_lock(simulator: Simulator, session: aiohttp.ClientSession) -> None:
    account, _ = accounts(simulator)
    for _ in range(2):
        for _ in range(4):
            await login(session, simulator, account, "wrong")
        status, _, _ = await login(session, simulator, account)
        assert status == 201


async def test_more_than_ten_requests_a_second_are_throttled(
    simulator: Simulator, session: aiohttp.ClientSession
) -> None:
    _, account = accounts(simulator)
    path, start = subscribe_path(account), simulator.world.now()
    simulator.world.clock = lambda: start
    answers = [
        await ask(session, "GET", simulator.url + path, headers=signed(simulator, account, path)) for _ in range(11)
    ]
    assert [status for status, _ in answers] == [200] * 10 + [429]
    assert answers[-1][1]["error_code"] == "FRS.0033"
    simulator.world.clock = lambda: start + 1
    status, _ = await ask(session, "GET", simulator.url + path, headers=signed(simulator, account, path))
    assert status == 200


async def test_the_gateway_throttles_at_200_a_second(simulator: Simulator, session: aiohttp.ClientSession) -> None:
    _, account = accounts(simulator)
    start = simulator.world.now()
    simulator.world.clock = lambda: start
    headers = signed(simulator, account, "/v3/projects")
    answers = [await ask(session, "GET", f"{simulator.url}/v3/projects", headers=headers) for _ in range(201)]
    assert [status for status, _ in answers] == [200] * 200 + [429]
    assert answers[-1][1]["error_code"] == "APIGW.0308"


async def test_projects_are_listed(simulator: Simulator, session: aiohttp.ClientSession) -> None:
    token_account, key_account = accounts(simulator)
    _, _, token = await login(session, simulator, token_account)
    _, body = await ask(session, "GET", f"{simulator.url}/v3/auth/projects", headers={"X-Auth-Token": token})
    assert [project["id"] for project in body["projects"]] == [project.id for project in token_account.projects]

    async def page(query: str) -> Response:
        headers = signed(simulator, key_account, f"/v3/projects?{query}")
        return await ask(session, "GET", f"{simulator.url}/v3/projects?{query}", headers=headers)

    _, first = await page("page=1&per_page=2")
    _, second = await page("page=2&per_page=2")
    listed = [project["id"] for project in first["projects"] + second["projects"]]
    assert listed == [project.id for project in key_account.projects]
    _, named = await page("name=cn-east-3")  # how the vendor's clients find a region's project
    assert [(p["id"], p["parent_id"]) for p in named["projects"]] == [
        (key_account.projects[0].id, key_account.domain_id)
    ]
    key_account.projects[1].enabled = False
    for query, expected in (("true", [0, 2]), ("false", [1])):
        _, some = await page(f"enabled={query}")
        assert [p["id"] for p in some["projects"]] == [key_account.projects[number].id for number in expected]
    for bad in ("page=0&per_page=2", "page=1", "page=x&per_page=1", "page=1&per_page=5001"):
        status, _ = await page(bad)
        assert status == 400


async def test_one_project_and_the_callers_account_are_told(
    simulator: Simulator, session: aiohttp.ClientSession
) -> None:
    account, other = accounts(simulator)
    _, _, token = await login(session, simulator, account)
    headers = {"X-Auth-Token": token}
    _, body = await ask(session, "GET", f"{simulator.url}/v3/auth/domains", headers=headers)
    (domain,) = body["domains"]
    assert (domain["id"], domain["name"], domain["enabled"]) == (account.domain_id, account.domain_name, True)
    url = f"{simulator.url}/v3/projects"
    status, body = await ask(session, "GET", f"{url}/{account.projects[0].id}", headers=headers)
    assert (status, body["project"]) == (200, items_of(account)[0])
    status, body = await ask(session, "GET", f"{url}/{other.projects[0].id}", headers=headers)
    assert (status, body["error"]["title"]) == (404, "Not Found")


async def test_one_face_set_is_told(simulator: Simulator, session: aiohttp.ClientSession) -> None:
    account, _ = accounts(simulator)
    _, _, token = await login(session, simulator, account)
    url, headers = f"{simulator.url}/v2/{account.projects[0].id}/face-sets", {"X-Auth-Token": token}
    _, body = await ask(session, "GET", url, headers=headers)
    for found in body["face_sets_info"]:
        _, body = await ask(session, "GET", f"{url}/{found['face_set_name']}", headers=headers)
        assert body == {"face_set_info": found}
    status, body = await ask(session, "GET", f"{url}/nobodys", headers=headers)
    assert (status, body["error_code"]) == (400, "FRS.0302")


@pytest.mark.parametrize("body", [b"", b"[]", b'{"auth": {}}', b"\xff", ODD_SCOPE])
async def test_a_malformed_login_is_a_bad_request(
    simulator: Simulator, session: aiohttp.ClientSession, body: bytes
) -> None:
    status, answer = await ask(session, "POST", f"{simulator.url}/v3/auth/tokens", data=body)
    assert (status, answer["error"]["title"]) == (400, "Bad Request")


async def test_sub_projects_are_below_their_regions_project() -> None:
    world = demo_world(9)
    fleet = world.accounts[2]
    first, second, _ = items_of(fleet)
    assert (first["name"], first["parent_id"]) == ("cn-north-4", fleet.domain_id)
    assert (second["name"], second["parent_id"]) == ("cn-north-4_fleet-00002", first["id"])


async def test_a_wrong_method_is_the_gateways_405(simulator: Simulator, session: aiohttp.ClientSession) -> None:
    status, body = await ask(session, "DELETE", f"{simulator.url}/v3/projects")
    assert (status, body["error_code"]) == (405, "APIGW.0101")


async def test_a_login_by_another_method_is_refused(simulator: Simulator, session: aiohttp.ClientSession) -> None:
    user = {"name": "u", "password": "p", "domain": {"name": "d"}}
    identity = {"methods": ["dance"], "password": {"user": user}}
    auth = {"auth": {"identity": identity, "scope": {"project": {"id": "x"}}}}
    status, body = await ask(session, "POST", f"{simulator.url}/v3/auth/tokens", json=auth)
    assert (status, body["error"]["title"]) == (401, "Unauthorized")


async def test_an_unknown_path_is_the_gateways_404(simulator: Simulator, session: aiohttp.ClientSession) -> None:
    status, body = await ask(session, "GET", f"{simulator.url}/v9/elsewhere")
    assert (status, body["error_code"]) == (404, "APIGW.0101")


async def test_odd_cases(simulator: Simulator, session: aiohttp.ClientSession) -> None:
    """Nothing subscribed; in arrears after a while; the other odd cases are answers."""
    _, account = accounts(simulator)
    codes, start = [], simulator.world.now()
    for project, seconds in zip(account.projects * 2, (0, 0, 0, 14, 14, 15), strict=True):
        simulator.world.clock = lambda now=start + seconds: now  # type: ignore[misc]
        path = f"/v1/{project.id}/subscribe"
        headers = signed(simulator, account, path, project_id=project.id)
        status, body = await ask(session, "GET", simulator.url + path, headers=headers)
        codes.append((status, body.get("error_code")))
    assert codes == [(200, None), (400, "FRS.0019"), (200, None), (200, None), (400, "FRS.0019"), (400, "FRS.0202")]


async def test_faults_strike_and_are_lifted(simulator: Simulator, session: aiohttp.ClientSession) -> None:
    account, _ = accounts(simulator)
    _, _, token = await login(session, simulator, account)
    faults, path = simulator.world.faults, subscribe_path(account)

    async def subscription() -> int:
        status, _ = await ask(session, "GET", simulator.url + path, headers={"X-Auth-Token": token})
        return status

    faults.set("frs", Fault(status=503, body="{}"))
    assert await subscription() == 503
    faults.set("frs", Fault(delay=0.01), account.projects[0].id)
    assert await subscription() == 200
    faults.set("frs", None, account.projects[0].id)
    assert await subscription() == 503
    faults.set("frs", HANG)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await subscription()
    faults.set("frs", None)
    assert await subscription() == 200


async def test_the_right_answer_may_come_with_other_headers(
    simulator: Simulator, session: aiohttp.ClientSession
) -> None:
    account, _ = accounts(simulator)
    _, _, token = await login(session, simulator, account)
    simulator.world.faults.set("frs", Fault(headers={"Connection": "close"}))
    url = simulator.url + subscribe_path(account)
    async with session.get(url, headers={"X-Auth-Token": token}) as response:
        assert (response.status, response.headers["Connection"]) == (200, "close")
        assert await response.json()


@pytest.mark.parametrize("projects", [None, 1, 4, 157])
def test_the_printed_config_is_complete(tmp_path: Any, projects: int | None) -> None:
    """It loads, with each project, each account that has money, and both auth kinds, as soon as there are enough."""
    world = demo_world(projects)
    text = config_text(world, "http://127.0.0.1:1")
    (tmp_path / "config.yaml").write_text(text)
    config = load(str(tmp_path / "config.yaml"))
    watched = [target.project for target in config.targets if not target.account]
    accounts = [target.project for target in config.targets if target.account]
    assert len(watched) == (projects or 6)
    assert accounts == ["acme-account", "globex-account"][: 1 if projects == 1 else 2]
    assert "&" not in text, "each entry can be copied by itself"
    kinds = {next(iter(entry)) for entry in yaml.safe_load(text)["credentials"].values()}
    assert kinds == ({"token", "ak_sk"} if projects != 1 else {"token"})
    assert max(len(account.projects) for account in world.accounts) <= 50
