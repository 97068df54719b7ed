"""The simulated IAM answers as a real Keystone does: the same statuses, the same fields."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

import pytest

from frs_simulator import Account, Project, Simulator, World
from tests.conformance.keystone import Answer, Keystone, ask, password_of


@dataclass(frozen=True)
class Side:
    """What the same requests are made of at either."""

    url: str
    domain: str
    domain_id: str
    user: str
    user_id: str
    password: str
    project: str
    project_id: str
    forbidden_id: str

    def login(self, password: str = "", user: str = "", **scope: Any) -> Answer:
        body = password_of(user or self.user, password or self.password, self.domain, **scope)
        return self.post(body)

    def post(self, body: Any) -> Answer:
        return ask("POST", f"{self.url}/v3/auth/tokens", body)

    def get(self, path: str, **scope: Any) -> Answer:
        """With a token of this scope."""
        token = self.login(**scope).headers["x-subject-token"]
        return ask("GET", self.url + path, X_Auth_Token=token)

    def swapped(self, **scope: Any) -> Answer:
        """A token for a token."""
        token = self.login().headers["x-subject-token"]
        identity = {"methods": ["token"], "token": {"id": token}}
        return self.post({"auth": {"identity": identity, **({"scope": scope} if scope else {})}})

    def by_id(self) -> Answer:
        user = {"id": self.user_id, "password": self.password}
        return self.post({"auth": {"identity": {"methods": ["password"], "password": {"user": user}}}})


QUESTIONS: dict[str, Callable[[Side], Answer]] = {
    "login for a project by id": lambda s: s.login(project={"id": s.project_id}),
    "login for a project by name": lambda s: s.login(project={"name": s.project, "domain": {"name": s.domain}}),
    "login for a project by name alone": lambda s: s.login(project={"name": s.project}),
    "login for an account by name": lambda s: s.login(domain={"name": s.domain}),
    "login for an account by id": lambda s: s.login(domain={"id": s.domain_id}),
    "login for nothing": lambda s: s.login(),
    "login by the user's id": Side.by_id,
    "token for a token of a project": lambda s: s.swapped(project={"id": s.project_id}),
    "token for a token of nothing": lambda s: s.swapped(),
    "token for a token of a forbidden project": lambda s: s.swapped(project={"id": s.forbidden_id}),
    "wrong password": lambda s: s.login("wrong"),
    "unknown user": lambda s: s.login(user="nobody"),
    "forbidden project": lambda s: s.login(project={"id": s.forbidden_id}),
    "unknown project": lambda s: s.login(project={"id": "f" * 32}),
    "unknown account": lambda s: s.login(domain={"name": "nobody"}),
    "no JSON in it": lambda s: s.post("x"),
    "no identity": lambda s: s.post({"auth": {}}),
    "unknown method": lambda s: s.post({"auth": {"identity": {"methods": ["dance"], "dance": {}}}}),
    "no method": lambda s: s.post({"auth": {"identity": {"methods": []}}}),
    "no password": lambda s: s.post({"auth": {"identity": {"methods": ["password"], "password": {}}}}),
    "own projects": lambda s: s.get("/v3/auth/projects"),
    "own projects, by a token of one": lambda s: s.get("/v3/auth/projects", project={"id": s.project_id}),
    "own projects without a token": lambda s: ask("GET", f"{s.url}/v3/auth/projects"),
    "own projects with no token of ours": lambda s: ask("GET", f"{s.url}/v3/auth/projects", X_Auth_Token="x"),
    "own accounts": lambda s: s.get("/v3/auth/domains"),
    "all projects": lambda s: s.get("/v3/projects", domain={"name": s.domain}),
    "one project": lambda s: s.get(f"/v3/projects/{s.project_id}", project={"id": s.project_id}),
    "an unknown project": lambda s: s.get(f"/v3/projects/{'f' * 32}", project={"id": s.project_id}),
}


ELSE = {
    "login for a project by name alone": ((400, 201), "the name of a region is enough for IAM (iam_30_0001)"),
    "unknown method": ((401, 401), "Keystone adds the methods that it has; the vendor's pages show no such field"),
    "own projects without a token": ((401, 401), "the vendor's gateway answers first, in its own shape"),
    "own projects with no token of ours": ((401, 401), "the vendor's gateway answers first, in its own shape"),
    "an unknown project": ((403, 404), "Keystone asks its policy first; IAM's page has 404 for what is not there"),
}
"""What the simulator answers otherwise, being as the vendor is: both statuses, and why."""
NEWER = (
    *(".token.audit_ids", ".token.is_domain", ".projects[].tags", ".projects[].options"),
    *(".project.tags", ".project.options", ".domains[].tags", ".domains[].options"),
)
"""Fields of newer Keystones: the vendor's pages show none of them."""
CATALOG = ".token.catalog[]"
"""Of services, of which this Keystone has none."""


@pytest.fixture
def real(keystone: Keystone) -> Side:
    customer = keystone.customer("cn-north-4")
    keystone.do("PUT", f"/v3/domains/{customer.domain_id}/users/{customer.user_id}/roles/{keystone.role}", None, 204)
    return Side(
        *(keystone.url, customer.domain, customer.domain_id, customer.user, customer.user_id, customer.password),
        *("cn-north-4", customer.projects["cn-north-4"], keystone.project(customer.domain_id, "forbidden")),
    )


def fields(value: Any, at: str = "") -> set[str]:
    """The paths of all that a document has, those of a list's items together."""
    if isinstance(value, list):
        return {at}.union(*(fields(item, f"{at}[]") for item in value))
    if isinstance(value, dict):
        return {at}.union(*(fields(item, f"{at}.{name}") for name, item in value.items()))
    return {at}


@pytest.fixture
async def simulated() -> AsyncIterator[Side]:
    first, second = Project("gate-1", "cn-north-4", None), Project("gate-2", "cn-south-1", None)
    account = Account("acme", "token", [first, second])
    async with Simulator(World([account], refused={second.id})) as simulator:
        yield Side(
            *(simulator.url, account.domain_name, account.domain_id, account.user_name, account.user_id),
            *(account.password, "cn-north-4", first.id, second.id),
        )


@pytest.mark.parametrize("question", QUESTIONS)
async def test_both_answer_alike(real: Side, simulated: Side, question: str) -> None:
    theirs, ours = [await asyncio.to_thread(QUESTIONS[question], side) for side in (real, simulated)]
    statuses, _ = ELSE.get(question, ((theirs.status, theirs.status), ""))
    assert (theirs.status, ours.status) == statuses
    if question not in ELSE:
        there, here = fields(theirs.json), fields(ours.json)
        assert {path for path in there - here if not path.startswith(NEWER)} == set()
        assert {path for path in here - there if not path.startswith(CATALOG)} == set()
