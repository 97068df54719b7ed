"""The simulated cloud's facts: accounts, projects, what is subscribed, and what has been issued, counted and locked."""

import hashlib
import secrets
import time
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Any, NamedTuple

from frs_simulator.faults import Faults
from frs_simulator.issuers import Agency, Cluster, Machine, TemporaryKey, Trust
from frs_simulator.money import Billing
from frs_simulator.traffic import Traffic

QUOTA = 10
"""Requests per second that FRS grants a user per API."""
GATEWAY_QUOTA = 200
TOKEN_LENGTH = 9000
"""Real tokens are signed messages of several kilobytes, which not every HTTP client takes in a header."""


@dataclass(frozen=True)
class LockRule:
    """So many failures in a row, each at most `window` seconds before the last, lock for `seconds`."""

    failures: int = 5
    window: float = 900.0
    seconds: float = 900.0


USER_LOCK = LockRule()
"""As accounts have it by default (IAM API, iam_17_0005)."""
KEY_LOCK = LockRule(window=300.0, seconds=300.0)
"""Source: devg-apisign, api-sign-0001; it does not say how far apart failures may be."""


@dataclass
class Project:
    """A project of IAM; `answer` is what /subscribe tells, None where nothing is subscribed.

    It is frozen at once, or `freezes_after` seconds from when it was first asked about: as accounts fall into arrears.
    """

    name: str
    region: str
    answer: dict[str, Any] | None
    frozen: bool = False
    enabled: bool = True
    """As IAM lists it."""
    freezes_after: float | None = None
    first_asked: float | None = None
    id: str = ""
    face_sets: list[dict[str, Any]] = field(default_factory=list)
    """As the list of face sets tells them."""
    traffic: Traffic = field(default_factory=Traffic)

    def __post_init__(self) -> None:
        self.id = self.id or digest("project", self.name)

    def freeze_if_due(self, now: float) -> None:
        """Fall into arrears, if it is time to."""
        if self.first_asked is None:
            self.first_asked = now
        if self.freezes_after is not None and now - self.first_asked >= self.freezes_after:
            self.frozen = True


@dataclass
class Account:
    """An account with one IAM user, who has a password and an access key; `kind` is how the config uses it."""

    domain_name: str
    kind: str
    projects: list[Project]
    user_name: str = "frs-monitor"
    password: str = ""
    access_key: str = ""
    secret_key: str = ""
    other_projects: tuple[str, ...] = ()
    """Names of projects that IAM lists and FRS knows nothing of, like MOS."""
    other_keys: dict[str, str] = field(default_factory=dict)
    """Access keys of the user beside the first, with their secret keys: two are valid while one replaces the other."""
    billing: Billing = field(default_factory=Billing)

    def __post_init__(self) -> None:
        self.password = self.password or f"Pw-{digest('password', self.domain_name)[:16]}!"
        self.access_key = self.access_key or digest("access", self.domain_name)[:20].upper()
        self.secret_key = self.secret_key or digest("secret", self.domain_name) + "SKSKSKSK"

    @cached_property
    def by_id(self) -> dict[str, Project]:
        """The projects by their ids; they do not change once somebody has asked."""
        return {project.id: project for project in self.projects}

    def secret_of(self, access_key: str) -> str | None:
        """The secret key of an access key, None where it is nobody's here."""
        return self.secret_key if access_key == self.access_key else self.other_keys.get(access_key)

    @property
    def login(self) -> str:
        """The user, as it logs in."""
        return f"{self.domain_name}/{self.user_name}"

    @property
    def user_id(self) -> str:
        """The user's id."""
        return digest("user", self.domain_name, self.user_name)

    @property
    def domain_id(self) -> str:
        """The account's id."""
        return digest("domain", self.domain_name)


@dataclass(frozen=True)
class IssuedToken:
    """What a token stands for: a project, without one the account, or `unscoped` neither; times in Unix seconds."""

    account: Account
    project: Project | None
    issued_at: float
    expires_at: float
    unscoped: bool = False


@dataclass
class Lock:
    """One user or key: when it failed to log in, in a row; until when it is locked, and how often it was."""

    failures: list[float] = field(default_factory=list)
    until: float = 0.0
    times: int = 0


@dataclass(frozen=True)
class Visit:
    """A request, of a project or with BSS an account, and whether a fault kept it from its answer; in Unix seconds."""

    time: float
    api: str
    path: str
    project_id: str
    struck: bool


class FirstCheck(StrEnum):
    """What is checked first of a call with a picture; which it is in truth is not published."""

    SUBSCRIPTION = "subscription"
    PARAMETERS = "parameters"
    PICTURE = "picture"
    """Whatever is wrong with the parameters, or with the picture or video itself, is told before the subscription."""


class Call(NamedTuple):
    """A call with a picture or a video: when, in Unix seconds, for which project, of which sub-service, its code."""

    time: float
    project_id: str
    subservice: str
    code: str


@dataclass
class World:
    """Everything the simulator knows; `clock` tells Unix seconds, and the cloud's own is `clock_offset` ahead of it."""

    accounts: list[Account]
    clock: Callable[[], float] = time.time
    token_life: float = 86400.0
    clock_offset: float = 0.0
    user_lock: LockRule = USER_LOCK
    key_lock: LockRule = KEY_LOCK
    faults: Faults = field(default_factory=Faults)
    tokens: dict[str, IssuedToken] = field(default_factory=dict)
    machine: Machine = field(default_factory=lambda: Machine(None))
    cluster: Cluster = field(default_factory=Cluster)
    trust: Trust = field(default_factory=Trust)
    agencies: dict[tuple[str, str], Agency] = field(default_factory=dict)
    """By the account's name and their own."""
    temporary_keys: dict[str, TemporaryKey] = field(default_factory=dict)
    outdated: set[str] = field(default_factory=set)
    """Tokens that died early, as on arrears or changed permissions."""
    requests: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    """Requests by API, user and project id, with BSS the account's."""
    refused: set[str] = field(default_factory=set)
    """Ids of projects and accounts on which no user has a role."""
    missing_role_status: int = 401
    """What a login without a role on its project is answered: Keystone says 401, as of a wrong password; 403 tells."""
    unscoped_logins: bool = True
    """Whether IAM takes logins without a scope, as it does."""
    without_subscribe: set[str] = field(default_factory=set)
    """Regions whose gateway does not know `GET /v1/{project_id}/subscribe` any more."""
    first_check: FirstCheck = FirstCheck.SUBSCRIPTION
    """What of a call with a picture is checked first."""
    codes: dict[str, str] = field(default_factory=dict)
    """What calls with a picture are answered whatever is in them, by sub-service."""
    billed: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Calls that succeeded, by project id and sub-service: the vendor counts these alone (face_01_0016)."""
    calls: list[Call] = field(default_factory=list)
    """All calls with a picture or a video."""
    projects_per_page: int = 5000
    """The most that IAM puts on a page of the list of projects, whatever is asked for."""
    visits: list[Visit] | None = None
    """Every request, where somebody wants to know."""
    locks: defaultdict[str, Lock] = field(default_factory=lambda: defaultdict(Lock))
    recent: defaultdict[tuple[str, str], deque[float]] = field(default_factory=lambda: defaultdict(deque))

    def watched(self) -> list[Visit]:
        """The list of all requests that come in from now on."""
        self.visits = []
        return self.visits

    def now(self) -> float:
        """The cloud's time."""
        return self.clock() + self.clock_offset

    def projects(self) -> Iterator[tuple[Account, Project]]:
        """All projects with their accounts."""
        return ((account, project) for account in self.accounts for project in account.projects)

    def account_of_key(self, access_key: str) -> Account | None:
        """Who owns an access key."""
        return next((account for account in self.accounts if account.secret_of(access_key)), None)

    def account_of_user(self, domain_name: str, user_name: str) -> Account | None:
        """Who a login name belongs to."""
        wanted = (domain_name, user_name)
        return next((account for account in self.accounts if (account.domain_name, account.user_name) == wanted), None)

    def temporary_key(self, account: Account) -> TemporaryKey:
        """The key that the machine is given now."""
        machine = self.machine
        if machine.key is None or machine.key.expires_at - self.now() <= machine.overlap:
            machine.key = self.issue_key(account, machine.life)
        return machine.key

    def issue_key(self, account: Account, life: float) -> TemporaryKey:
        """A new key that lives for so many seconds; older ones stay valid."""
        access, secret = secrets.token_hex(10).upper(), secrets.token_hex(20)
        key = TemporaryKey(account, access, secret, secrets.token_urlsafe(600), self.now() + life)
        self.temporary_keys[access] = key
        return key

    def issue(self, account: Account, project: Project | None, *, unscoped: bool = False) -> tuple[str, IssuedToken]:
        """A new token; older ones stay valid."""
        value = ("MII" + secrets.token_urlsafe(TOKEN_LENGTH))[:TOKEN_LENGTH]
        now = self.now()
        self.tokens[value] = IssuedToken(account, project, now, now + self.token_life, unscoped)
        return value, self.tokens[value]

    def within_quota(self, user: str, api: str, quota: int, window: float = 1.0) -> bool:
        """Whether one more request in so many seconds is allowed; if so it is counted."""
        times, now = self.recent[user, api], self.clock()
        while times and times[0] <= now - window:
            times.popleft()
        if len(times) >= quota:
            return False
        times.append(now)
        return True

    def locked(self, login: str) -> bool:
        """Whether a user or key is locked now."""
        return self.locks[login].until > self.now()

    def login_failed(self, login: str, rule: LockRule) -> None:
        """Count a failed login of a user or key; enough of them in a row lock it."""
        lock, now = self.locks[login], self.now()
        lock.failures = [time for time in lock.failures if time > now - rule.window] + [now]
        if len(lock.failures) >= rule.failures:
            lock.failures, lock.until = [], now + rule.seconds
            lock.times += 1

    def login_succeeded(self, login: str) -> None:
        """Only failures in a row count."""
        self.locks[login].failures.clear()

    def lock(self, account: Account) -> None:
        """Lock an account's user and key, as somebody else's failures do."""
        for login, rule in ((account.login, self.user_lock), (account.access_key, self.key_lock)):
            self.locks[login].until = self.now() + rule.seconds

    def change_secret(self, account: Account, secret: str) -> None:
        """Give a user another password and secret key, which ends all its tokens."""
        account.password = account.secret_key = secret
        self.outdated.update(value for value, token in self.tokens.items() if token.account is account)

    def expire_tokens(self) -> None:
        """Let all tokens issued so far die early."""
        self.outdated.update(self.tokens)


def digest(*parts: str) -> str:
    """32 hexadecimal digits that are always the same for the same parts."""
    return hashlib.blake2b("/".join(parts).encode(), digest_size=16).hexdigest()
