"""A running Keystone, what its administrator does there, and customers of it."""

import itertools
import json
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from frs_exporter.cloud.iam import iam_time
from frs_simulator import Account, Project, World
from frs_simulator.demo import subscribed
from frs_simulator.world import IssuedToken
from tests.e2e.conftest import ROOT, eventually, fetch, free_port, missing

STAMP = ".venv/keystone"
SERVER = Path(__file__).with_name("keystone_server.py")
PASSWORD = "of-the-administrator"
NUMBERS = itertools.count(1)


@dataclass(frozen=True)
class Answer:
    """What was answered; names of headers are in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def ask(method: str, url: str, body: Any = None, **headers: str) -> Answer:
    """The answer of any status."""
    data = None if body is None else json.dumps(body).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    request = urllib.request.Request(url, data, {"Content-Type": "application/json", **named}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=10) as response:
            return answer_of(response.status, response)
    except urllib.error.HTTPError as error:
        with error:
            return answer_of(error.code, error)


def answer_of(status: int, response: Any) -> Answer:
    return Answer(status, {name.lower(): value for name, value in response.headers.items()}, response.read())


def password_of(user: str, password: str, account: str, **scope: Any) -> dict[str, Any]:
    """The body of a login."""
    about = {"name": user, "password": password, "domain": {"name": account}}
    identity = {"methods": ["password"], "password": {"user": about}}
    return {"auth": {"identity": identity, **({"scope": scope} if scope else {})}}


@dataclass
class Customer:
    """An account at Keystone with a user who has a role on its projects, by name with their ids."""

    keystone: "Keystone"
    domain: str
    domain_id: str
    user_id: str
    password: str
    projects: dict[str, str] = field(default_factory=dict)
    user: str = "frs-monitor"

    def login(self, password: str | None = None, **scope: Any) -> Answer:
        """Log in by hand, as anybody may who knows the password."""
        body = password_of(self.user, password or self.password, self.domain, **scope)
        return ask("POST", f"{self.keystone.url}/v3/auth/tokens", body)

    def lock(self) -> None:
        """Fail to log in as often as locks the user."""
        for _ in range(5):
            assert self.login("wrong").status == 401

    def change(self, **fields: Any) -> None:
        """Change the user."""
        self.keystone.do("PATCH", f"/v3/users/{self.user_id}", {"user": fields}, 200)

    def set_role(self, project_id: str, *, given: bool = True) -> None:
        """Give the user the role on a project, or take it."""
        path = f"/v3/projects/{project_id}/users/{self.user_id}/roles/{self.keystone.role}"
        self.keystone.do("PUT" if given else "DELETE", path, None, 204)

    def world(self) -> World:
        """A cloud with an FRS that takes Keystone's tokens of these projects."""
        answer = subscribed("2024-01-01 00:00:00")
        projects = [Project(name, "cn-north-4", answer, id=its) for name, its in self.projects.items()]
        account = Account(self.domain, "token", projects, user_name=self.user, password=self.password)
        return World([account], tokens=CheckedTokens(self.keystone, account))

    def config(self, frs: str, *, password: str = "") -> dict[str, Any]:
        """The config of this customer of a cloud of its own."""
        login = {"domain_name": self.domain, "user_name": self.user, "password": password or self.password}
        return {
            "defaults": {"collectors": ["subscription"], "poll_interval": "10s"},
            "credentials": {"own": {"token": login}},
            "projects": [
                {"name": name, "project_id": its, "region": "cn-north-4", "credential": "own"}
                for name, its in self.projects.items()
            ],
            "endpoints": {"frs": frs, "iam": self.keystone.url, "ces": frs},
            "limits": {"iam": {"rate": 100}, "frs": {"rate": 100}},
        }


class CheckedTokens(dict[str, IssuedToken]):
    """Asks Keystone about each token that is `shown`, as services of an OpenStack do."""

    def __init__(self, keystone: "Keystone", account: Account) -> None:
        super().__init__()
        self.keystone, self.account = keystone, account
        self.shown: set[str] = set()

    def get(self, value: str, default: Any = None) -> Any:
        """What a token is good for, if it is valid."""
        self.shown.add(value)
        answer = self.keystone.ask("GET", "/v3/auth/tokens?nocatalog=1", X_Subject_Token=value)
        if answer.status != 200:
            return default
        token = answer.json["token"]
        project = self.account.by_id.get(token.get("project", {}).get("id"))
        issued, expires = (iam_time(token[name]) for name in ("issued_at", "expires_at"))
        return IssuedToken(self.account, project, issued, expires, unscoped=project is None and "domain" not in token)


class Keystone:
    """One that runs; `do` is its administrator."""

    def __init__(self, url: str) -> None:
        self.url = url
        body = password_of("admin", PASSWORD, "Default", project={"name": "admin", "domain": {"name": "Default"}})
        self._token = ask("POST", f"{url}/v3/auth/tokens", body).headers["x-subject-token"]
        (role,) = self.ask("GET", "/v3/roles?name=member").json["roles"]
        self.role = role["id"]

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        """What the administrator is answered."""
        return ask(method, self.url + path, body, **{"X_Auth_Token": self._token, **headers})

    def do(self, method: str, path: str, body: Any, status: int) -> Any:
        """What came of it, which must end so."""
        answer = self.ask(method, path, body)
        assert answer.status == status, answer
        return answer.json if answer.body else None

    def revoke(self, token: str) -> None:
        """End a token before its time."""
        assert self.ask("DELETE", "/v3/auth/tokens", X_Subject_Token=token).status == 204

    def domain(self, name: str) -> str:
        """The id of a new account."""
        return str(self.do("POST", "/v3/domains", {"domain": {"name": name}}, 201)["domain"]["id"])

    def project(self, domain_id: str, name: str, **fields: Any) -> str:
        """The id of a new project."""
        project = {"name": name, "domain_id": domain_id, **fields}
        return str(self.do("POST", "/v3/projects", {"project": project}, 201)["project"]["id"])

    def customer(self, *projects: str, password: str = "right-and-long") -> Customer:
        """A new account."""
        domain = f"acme-{next(NUMBERS)}"
        domain_id = self.domain(domain)
        user = {"name": "frs-monitor", "domain_id": domain_id, "password": password}
        user_id = self.do("POST", "/v3/users", {"user": user}, 201)["user"]["id"]
        its = Customer(self, domain, domain_id, user_id, password)
        for name in projects:
            its.projects[name] = self.project(domain_id, name)
            its.set_role(its.projects[name])
        return its


@contextmanager
def running_keystone(folder: Path) -> Iterator[Keystone]:
    """Keystone in an environment and a process of its own; without its environment as without a program."""
    if not (ROOT / STAMP).exists():
        missing(f"Keystone is not installed: run make {STAMP}")
    port, log = free_port(), folder / "log"
    python = ROOT / ".venv/others/keystone/bin/python"
    with log.open("w") as file:  # -I: so that no file here is taken for a module
        process = subprocess.Popen(
            [python, "-I", "-W", "ignore", SERVER, folder, str(port), PASSWORD],
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            cwd=folder,
            env={"HOME": str(folder)},
        )
    try:
        url = f"http://127.0.0.1:{port}"
        eventually(lambda: process.poll() is not None or fetch(f"{url}/v3"), 60.0)
        assert process.poll() is None, log.read_text()
        yield Keystone(url)
    finally:
        process.kill()
        process.wait()
