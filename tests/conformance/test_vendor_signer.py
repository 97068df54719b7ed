"""The vendor's newest signer signs as ours does: requests at random, and every one that the exporter makes."""

import asyncio
import importlib.metadata
import random
import re
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import quote, unquote

import yaml
from huaweicloudsdkcore.sdk_request import SdkRequest
from huaweicloudsdkcore.signer.signer import Signer

from frs_exporter.cloud.signing import Signable, parse_authorization, sign
from frs_simulator import Account, Project, Simulator, World
from frs_simulator.cce import PATH as POD_PATH
from frs_simulator.demo import face_set, subscribed
from frs_simulator.issuers import Agency, Machine, Trust
from frs_simulator.money import Balance, Billing, Card, Coupon
from frs_simulator.packages import FreeResource, Package
from frs_simulator.traffic import Traffic
from tests.conformance.recorder import Recorder, recorder
from tests.e2e.conftest import EXPORTER, ROOT, free_port

RANDOM_REQUESTS = 20_000
SEED = 20_191_115
DATE = "20191115T033655Z"
ALPHABETS = ("abcXYZ019", "-._~", "!*'();:@&=+$,/?#[] %\"<>\\^`{|}", "äßé", "人脸识别", "\U0001f600\x7f\x01")
"""What URLs and headers have, by how it is encoded."""
JSON = "application/json"
CONTENT_TYPES = (JSON, f"{JSON};charset=utf8", "text/plain", "multipart/form-data; boundary=x")


def theirs(request: Signable, access_key: str, secret_key: str) -> str:
    """The Authorization header that the vendor's signer makes of all headers of a request, its date included."""
    path, _, query = request.target.partition("?")
    pairs = [(unquote(name), unquote(value)) for name, _, value in (each.partition("=") for each in query.split("&"))]
    signed = SdkRequest(
        method=request.method,
        schema="https",
        host=request.headers["host"],
        resource_path=path,
        query_params=pairs if query else [],
        header_params={name.title(): value for name, value in request.headers.items()},
        body=request.body,
    )
    Signer(SimpleNamespace(ak=access_key, sk=secret_key)).sign(signed)
    return str(signed.header_params["Authorization"])


def text(dice: random.Random, longest: int, alphabets: tuple[str, ...] = ALPHABETS) -> str:
    """Characters of a few kinds."""
    letters = "".join(dice.sample(alphabets, dice.randint(1, len(alphabets))))
    return "".join(dice.choices(letters, k=dice.randint(0, longest)))


def at_random(dice: random.Random) -> Signable:
    """A request of any form that HTTP has, whether or not the vendor's APIs have any like it."""
    path = "".join(f"/{quote(text(dice, 10), safe='')}" for _ in range(dice.randint(1, 5)))
    pairs = [f"{quote(text(dice, 6))}={quote(text(dice, 8))}" for _ in range(dice.randint(0, 4))]
    headers = {"host": "h.example", "x-sdk-date": DATE}
    for name in dice.sample(("x-project-id", "x-domain-id", "x-security-token", "x-odd"), dice.randint(0, 4)):
        headers[name] = text(dice, 12, ALPHABETS[:-1])
    if dice.random() < 0.7:
        headers["content-type"] = dice.choice(CONTENT_TYPES)
    if not headers.get("content-type", JSON).startswith(JSON):
        headers["x-sdk-content-sha256"] = "UNSIGNED-PAYLOAD"  # which their signer adds
    method = dice.choice(("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"))
    return Signable(
        method, path + ("?" + "&".join(pairs) if pairs else ""), headers, dice.randbytes(dice.randint(0, 40))
    )


def test_it_is_the_version_that_is_locked_for_the_vendors_clients() -> None:
    """The newest, when versions were locked last."""
    installed = importlib.metadata.version("huaweicloudsdkcore")
    assert f"huaweicloudsdkcore=={installed} " in (ROOT / "requirements/vendor.txt").read_text()


def test_requests_at_random_are_signed_alike() -> None:
    dice = random.Random(SEED)
    seen = set()
    for _ in range(RANDOM_REQUESTS):
        request = at_random(dice)
        secret = text(dice, 40) + "x"
        expected = theirs(request, "AK", secret)
        assert str(sign(request, "AK", secret)) == expected, (request.target, dict(request.headers), request.body)
        seen.add(expected)
    print(f"{len(seen)} requests were signed alike")
    assert len(seen) > RANDOM_REQUESTS * 0.99


REGION, WITHOUT_SUBSCRIBE, ABROAD = "cn-north-4", "cn-south-1", "ap-southeast-1"
OWN = "own-account"
PROVIDER, AGENCY = "iam::1:oidcProvider:cluster", "iam::1:agency:frs-readers"
SIGNED = {
    "GET /v3/auth/domains",
    "GET /v3/projects",
    "POST /v3.0/OS-CREDENTIAL/securitytokens",
    "GET /v1/ID/subscribe",
    "GET /v2/ID/face-sets",
    "POST /v2/ID/face-compare",
    "POST /v1/ID/live-detect",
    "POST /v2/ID/live-detect",
    "POST /v1/ID/live-detect-face",
    "GET /V1.0/ID/metrics",
    "POST /V1.0/ID/batch-query-metric-data",
    "GET /v2/accounts/customer-accounts/balances",
    "POST /v3/payments/free-resources/query",
    "GET /v2/products/service-types",
    "GET /v2/promotions/benefits/coupons",
    "GET /v2/promotions/benefits/stored-value-cards",
}
"""All that the exporter signs, `ID` for a project's."""
UNSIGNED = {
    "POST /v3/auth/tokens",
    "GET /v3/auth/projects",
    "POST /v5/agencies/assume-with-oidc",
    "PUT /meta-data/latest/api/token",
    "GET /openstack/latest/securitykey",
    "POST /v1/credentials",
}
"""What is proven by a token, or by what is in it."""


def everything() -> World:
    """A cloud in which each kind of credential, collector, probe and discovery has what it asks for."""
    answer = subscribed("2026-01-02 03:04:05")
    projects = [Project("here", REGION, answer), Project("odd", WITHOUT_SUBSCRIBE, answer)]
    projects += [Project("abroad", ABROAD, answer)]
    projects[0].traffic, projects[0].face_sets = Traffic({"detect": 60}), [face_set("人脸", 7)]
    billing = Billing(
        [Balance(Decimal(12))],
        packages=[Package("p", (FreeResource(Decimal(9), Decimal(2)),))],
        coupons=[Coupon("new", Decimal(10), Decimal(4))],
        cards=[Card("card", Decimal(100), Decimal(99))],
    )
    keys = Account(OWN, "ak_sk", projects, billing=billing)
    others = {
        name: Account(name, "agency", [Project(name, REGION, answer)]) for name in ("assumed", "machine", "pod", "oidc")
    }
    user = Account("user", "token", [Project("by-token", REGION, answer)])
    world = World([keys, user, *others.values()], without_subscribe={WITHOUT_SUBSCRIBE, ABROAD})
    world.agencies["assumed", "readers"] = Agency(others["assumed"], {OWN})
    world.machine = Machine(others["machine"])
    world.cluster.account, world.cluster.tokens = others["pod"], {"ey.of.pod"}
    world.trust = Trust(others["oidc"], PROVIDER, AGENCY, {"ey.of.oidc"})
    return world


def config(world: World, url: str, folder: Path) -> str:
    """A config that asks all there is of that cloud, at once."""
    keys, user = world.accounts[:2]
    for name in ("pod", "oidc"):
        (folder / name).write_text(f"ey.of.{name}")
    credentials = {
        OWN: {"ak_sk": {"access_key": keys.access_key, "secret_key": keys.secret_key}},
        "user": {
            "token": {"domain_name": "user", "user_name": user.user_name, "password": user.password},
        },
        "assumed": {"agency": {"credential": OWN, "domain_name": "assumed", "agency_name": "readers"}},
        "machine": {"ecs_agency": {"endpoint": url}},
        "pod": {"pod_identity": {"uri": f"{url}{POD_PATH}", "token_file": str(folder / "pod")}},
        "oidc": {
            "oidc": {
                "provider_urn": PROVIDER,
                "agency_urn": AGENCY,
                "id_token_file": str(folder / "oidc"),
                "endpoint": url,
            }
        },
    }
    projects = [
        {"name": project.name, "project_id": project.id, "region": project.region, "credential": owner.domain_name}
        for owner, project in world.projects()
        if project.name != "here"  # which is to be found
    ]
    document = {
        "defaults": {
            "poll_interval": "10s",
            "collectors": ["subscription", "face_sets", "cloud_eye"],
            "probes": ["compare", "live_detect_face", "live_detect"],
        },
        "credentials": credentials,
        "projects": projects,
        "discovery": [
            {"credential": name, "regions": [REGION], "name_template": "{credential}/{project_name}"}
            for name in (OWN, "user")
        ],
        "accounts": [{"name": "money", "credential": OWN, "endpoint": url, "collectors": ["billing", "vouchers"]}],
        "endpoints": dict.fromkeys(("frs", "iam", "ces"), url),
        "limits": {api: {"rate": 100, "concurrency": 20} for api in ("frs", "iam", "ces", "bss")},
    }
    return yaml.safe_dump(document, allow_unicode=True)


def kinds_of(world: World, requests: list[Signable], *, signed: bool) -> set[str]:
    """Method and path of those requests that are signed, or of the others."""
    ids = re.compile("|".join(project.id for _, project in world.projects()))
    return {
        f"{each.method} {ids.sub('ID', each.target.partition('?')[0])}"
        for each in requests
        if (parse_authorization(each.headers.get("authorization", "")) is not None) is signed
    }


async def until_all_is_asked(world: World, seen: Recorder, daemon: asyncio.subprocess.Process) -> None:
    """Wait for a while, or until the daemon has ended."""
    for _ in range(300):
        if kinds_of(world, seen.requests, signed=True) >= SIGNED or daemon.returncode is not None:
            break
        await asyncio.sleep(0.1)


def secret_of(world: World, access_key: str) -> str:
    """The secret key of an access key, temporary or not."""
    temporary = world.temporary_keys.get(access_key)
    secrets = (owner.secret_of(access_key) for owner in world.accounts)
    return temporary.secret_key if temporary else next(secret for secret in secrets if secret)


async def test_every_request_of_the_exporter_is_signed_alike(tmp_path: Path) -> None:
    world = everything()
    async with Simulator(world) as simulator, recorder(simulator) as seen:
        (tmp_path / "config.yaml").write_text(config(world, seen.url, tmp_path))
        daemon = await asyncio.create_subprocess_exec(
            *EXPORTER,
            f"--config.file={tmp_path}/config.yaml",
            f"--web.listen-address=127.0.0.1:{free_port()}",
            stderr=asyncio.subprocess.PIPE,
        )
        await until_all_is_asked(world, seen, daemon)
        if daemon.returncode is None:
            daemon.terminate()
        _, log = await daemon.communicate()
    claims = [(each, each.headers.get("authorization", "")) for each in seen.requests]
    signed = [(each, claim) for each, text in claims if (claim := parse_authorization(text))]
    by_key: set[str] = set()
    for request, claim in signed:
        access_key, names, _ = claim
        part = Signable(request.method, request.target, {name: request.headers[name] for name in names}, request.body)
        assert theirs(part, access_key, secret_of(world, access_key)) == str(claim), request.target
        by_key.add(access_key)
    print(f"{len(signed)} requests of the exporter were signed alike")
    assert kinds_of(world, seen.requests, signed=True) == SIGNED, log.decode()
    assert kinds_of(world, seen.requests, signed=False) >= UNSIGNED
    assert len(by_key) == 1 + 4, "the key of the config, and one of each kind of temporary ones"
