"""Defends logins: nobody learns who is a user, no odd header comes in, and what a login costs is bounded."""

import asyncio
import base64
import unicodedata
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from frs_exporter.web.basic_auth import Logins
from frs_simulator import Simulator, demo_world
from tests.attacks.test_requests import CLOSE, request, statuses
from tests.calls import Calls, counting, ours
from tests.web.serving import Served, serving
from tests.web.test_guard import PATHS, login, said, users
from tests.web.test_login import USERS, basic, hashed, noted_in

USER, PASSWORD = "zo\u00eb", "correct: horse"
RIGHT = base64.b64encode(f"{USER}:{PASSWORD}".encode())


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Served]:
    """A server with two users, which lets them in as before when the attack is over."""
    (tmp_path / "web.yml").write_text(users(alice="correct", **{USER: PASSWORD}))
    async with (
        Simulator(demo_world(1)) as simulator,
        serving(simulator, web_config=tmp_path / "web.yml") as started,
    ):
        yield started
        assert (await started.get("/-/healthy", headers=login("alice", "correct")))[0] == 200


WRONG = {
    "no login": {},
    "a wrong password": login("alice", "wrong"),
    "an unknown user": login("mallory", "wrong"),
    "an unknown user with a known password": login("mallory", "correct"),
    "another's password": login("alice", PASSWORD),
    "no user": login("", "correct"),
    "no password": login("alice", ""),
    "no base64": {"Authorization": "Basic !"},
    "another scheme": {"Authorization": "Bearer correct"},
}


@pytest.mark.parametrize("path", PATHS)
async def test_all_who_may_not_come_in_are_told_the_same(served: Served, path: str) -> None:
    """Byte for byte but for the time, at each path, whether it is there or not."""
    answers = set()
    for headers in WRONG.values():
        fields = [f"{name}: {value}".encode() for name, value in headers.items()]
        status, head, body = await said(served.port, request(CLOSE, *fields, target=path.encode()))
        answers.add((status, "\n".join(line for line in head.splitlines() if not line.startswith("Date:")), body))
    assert len(answers) == 1
    ((status, _, _),) = answers
    assert status == 401


@pytest.mark.parametrize("again", [1, 3])
async def test_an_unknown_user_and_a_wrong_password_cost_the_same(again: int) -> None:
    """In hashes that are computed, the first time and later, and in all else that is called, but for a few lines."""
    cost, work = Counter[str](), dict[str, Calls]()
    for name in ("a wrong password", "an unknown user", "an unknown user with a known password"):
        computed: list[str] = []
        logins = Logins(noted_in(computed))
        assert await logins.accepts({"alice": hashed("correct")}, basic("alice", "correct"))
        with counting() as work[name]:
            for _ in range(again):
                assert not await logins.accepts(USERS, WRONG[name]["Authorization"], "192.0.2.1")
        cost[name] = len(computed) - 1
    assert set(cost.values()) == {1}
    totals = [ours(calls).total() for calls in work.values()]
    assert max(totals) - min(totals) <= 8 * again, totals


async def test_where_there_is_no_room_nobody_learns_who_is_a_user() -> None:
    """Whose turn it is depends on where he comes from, and not on whom he says he is."""
    told = []
    for name in ("a wrong password", "an unknown user"):
        logins = Logins(max_waiting=2)
        tries = [logins.accepts(USERS, basic(f"user {n}", "x"), "192.0.2.1") for n in range(4)]
        tries.append(logins.accepts(USERS, WRONG[name]["Authorization"], "192.0.2.1"))
        told.append([type(result).__name__ for result in await asyncio.gather(*tries, return_exceptions=True)])
    assert told[0] == told[1]
    assert "TooManyLogins" in told[0]


ACCEPTED = {
    "as it should be": b"Basic " + RIGHT,
    "in capital letters": b"BASIC " + RIGHT,
    "with blanks": b"Basic    " + RIGHT + b"  ",
}
REFUSED = {
    "nothing": b"",
    "blanks": b"   ",
    "no scheme": RIGHT,
    "the scheme alone": b"Basic",
    "a tab": b"Basic\t" + RIGHT,
    "another scheme": b"Bearer " + RIGHT,
    "the scheme and more": b"BasicX " + RIGHT,
    "quoted": b'Basic "' + RIGHT + b'"',
    "two in one": b"Basic " + RIGHT + b", Basic " + RIGHT,
    "one after the other": b"Basic " + RIGHT + b" " + RIGHT,
    "parameters": b"Basic " + RIGHT + b', charset="UTF-8"',
    "no padding": b"Basic " + RIGHT.rstrip(b"=") if RIGHT.endswith(b"=") else b"Basic " + RIGHT + b"=",
    "rubbish inside": b"Basic " + RIGHT[:5] + b"*" + RIGHT[5:],
    "for URLs": b"Basic " + base64.urlsafe_b64encode(f"{USER}:{PASSWORD}\u00ff\u00fe??>".encode()),
    "not encoded": f"Basic {USER}:{PASSWORD}".encode(),
    "twice encoded": b"Basic " + base64.b64encode(RIGHT),
    "bytes beyond ASCII": b"Basic \xff\xfe",
    **{
        name: b"Basic " + base64.b64encode(pair)
        for name, pair in {
            "the user alone": USER.encode(),
            "a colon alone": b":",
            "another case": f"{USER.upper()}:{PASSWORD}".encode(),
            "decomposed": f"{unicodedata.normalize('NFD', USER)}:{PASSWORD}".encode(),
            "in Latin-1": f"{USER}:{PASSWORD}".encode("latin-1"),
            "in UTF-16": f"{USER}:{PASSWORD}".encode("utf-16"),
            "a blank behind the user": f"{USER} :{PASSWORD}".encode(),
            "a NUL behind the user": f"{USER}\0:{PASSWORD}".encode(),
            "a NUL behind the password": f"{USER}:{PASSWORD}\0".encode(),
            "a NUL and more": f"{USER}:{PASSWORD}\0more".encode(),
            "a line break": f"{USER}:{PASSWORD}\n".encode(),
            "a long password": f"{USER}:{PASSWORD}{'x' * 4000}".encode(),
            "a long user": f"{USER * 1000}:{PASSWORD}".encode(),
            "half a password": f"{USER}:{PASSWORD[:-1]}".encode(),
            "a hash for a password": f"{USER}:$2b$04$".encode(),
            "a wildcard": f"*:{PASSWORD}".encode(),
            "a lone surrogate": b"\xed\xa0\x80:" + PASSWORD.encode(),
        }.items()
    },
}


@pytest.mark.parametrize(("table", "status"), [(ACCEPTED, 200), (REFUSED, 401)])
async def test_a_login_is_exactly_one(served: Served, table: dict[str, bytes], status: int) -> None:
    told = {
        name: await statuses(served.port, request(b"Authorization: " + value, CLOSE)) for name, value in table.items()
    }
    assert told == {name: [status] for name in table}


@pytest.mark.parametrize(
    "field",
    [
        *(b"Proxy-Authorization", b"X-Authorization", b"Authorisation", b"X-Forwarded-User", b"Remote-User", b"Cookie"),
        *(b"X-Remote-User", b"X-WEBAUTH-USER"),
    ],
)
async def test_nothing_else_is_a_login(served: Served, field: bytes) -> None:
    for value in (b"Basic " + RIGHT, USER.encode(), b"alice", b"Authorization=Basic " + RIGHT):
        assert await statuses(served.port, request(field + b": " + value, CLOSE)) == [401]
    at = b"http://alice:correct@x/-/healthy"
    assert (await statuses(served.port, request(CLOSE, target=at)))[0] in (400, 401)
    assert await statuses(served.port, request(CLOSE, target=b"/-/healthy?user=alice&password=correct")) == [401]


async def test_whoever_is_in_has_its_answers_during_a_flood(served: Served) -> None:
    """A thousand wrong logins at once, each another, on a hundred connections."""
    right = login("alice", "correct")
    assert (await served.get("/-/healthy", headers=right))[0] == 200
    wrong = [request(f"Authorization: {basic('alice', f'wrong {n}')}".encode()) for n in range(1000)]
    flood = [
        asyncio.create_task(statuses(served.port, b"".join(wrong[n::100]) + request(CLOSE), 60)) for n in range(100)
    ]
    await asyncio.sleep(0.05)
    for _ in range(20):
        async with asyncio.timeout(2):
            assert (await served.get("/-/healthy", headers=right))[0] == 200
    answers = [status for told in await asyncio.gather(*flood) for status in told]
    assert set(answers) <= {401, 503}
    assert answers.count(401) > 100
