"""Defends every secret of a config: it is nowhere in what is shown, logged or printed, whatever goes wrong."""

import asyncio
import base64
import dataclasses
import html
import json
import re
import urllib.request
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import bcrypt
import pytest

from frs_exporter.config.load import Config, load
from frs_exporter.core.errors import ConfigError
from frs_exporter.web.web_config import load_web_config
from frs_simulator import Account, Project, Simulator, World
from frs_simulator.demo import subscribed
from frs_simulator.faults import HANG, Fault
from tests import forked
from tests.conftest import secrets_of
from tests.e2e.conftest import Programs, eventually, fetch
from tests.e2e.test_unattended import replace_file
from tests.resilience.front import NAME, Front
from tests.test_check import ended
from tests.web.authority import prepare

MARK = "mArKeR"
"""It is in every secret, so whoever tells a part of one is found."""
ODD = "\"<&>'\\;|%{}="
SECRETS = {
    "password": f"{MARK}-1{ODD}",
    "access_key": f"{MARK}2ACCESSKEY",
    "secret_key": f"{MARK}-3{ODD}",
    "proxy": f"{MARK}-4!$()*",
    "login": f"{MARK}-5{ODD}",
}


def hostile_world() -> World:
    """A user with a password and one with keys."""
    names = {"token": ("t1", "t2"), "ak_sk": ("k1", "k2")}
    projects = {
        kind: [Project(name, "cn-north-4", subscribed("2024-01-01 00:00:00")) for name in each]
        for kind, each in names.items()
    }
    first = Account("acme", "token", projects["token"], password=SECRETS["password"])
    access, secret = SECRETS["access_key"], SECRETS["secret_key"]
    return World([first, Account("globex", "ak_sk", projects["ak_sk"], access_key=access, secret_key=secret)])


def config_of(world: World, port: int, folder: Path) -> Path:
    """Each secret where it may stand: in the file, in a file of its own, in the environment, in a URL."""
    acme, globex = world.accounts
    (folder / "secret").write_text(globex.secret_key)
    password = json.dumps(acme.password)
    login = {"domain_name": acme.domain_name, "user_name": acme.user_name}
    projects = [
        {"name": project.name, "project_id": project.id, "region": project.region, "credential": owner.domain_name}
        for owner, project in world.projects()
    ]
    url, proxy = f"http://{NAME}:{port}", f"http://proxy-user:{quote(SECRETS['proxy'], safe='')}@127.0.0.1:{port}"
    text = f"""\
defaults: {{poll_interval: 1s, poll_timeout: 2s, collectors: [subscription, face_sets]}}
credentials:
  acme: {{token: {{{json.dumps(login)[1:-1]}, password: {password}}}}}
  globex: {{ak_sk: {{access_key: !env {MARK}_KEY, secret_key: !file secret}}}}
projects: {json.dumps(projects)}
endpoints: {{frs: "{url}", iam: "{url}", ces: "{url}"}}
limits: {{frs: {{rate: 1000}}, iam: {{rate: 1000}}}}
http_client: {{proxy_url: "{proxy}"}}
"""
    (folder / "config.yaml").write_text(text)
    return folder / "config.yaml"


@asynccontextmanager
async def cloud_behind_a_proxy() -> AsyncIterator[tuple[Simulator, int]]:
    """A cloud that sees, and may echo, the login at the proxy, too; and the port of both."""
    async with Simulator(hostile_world()) as simulator:
        front = Front(int(simulator.url.rpartition(":")[2]))
        await front.open()
        try:
            yield simulator, front.port
        finally:
            await front.shut()


def told_secrets(text: str, world: World) -> list[str]:
    """What of the secrets is in a text, in any spelling."""
    tokens = [
        token for secret in secrets_of(world) for token in (secret[:20], secret[-20:]) if secret.startswith("MII")
    ]
    pairs = [f"alice:{SECRETS['login']}", f"proxy-user:{SECRETS['proxy']}"]
    coded = [base64.b64encode(secret.encode()).decode()[:20] for secret in (*SECRETS.values(), *pairs)]
    return [form for form in (MARK, *tokens, *coded) if form in text]


def of_logins() -> Iterator[Fault]:
    """What IAM says of a password that it was sent, in one way after the other."""
    sent = SECRETS["password"]
    yield Fault(status=400, code="IAM.0011", echo=True)
    for form in (sent, html.escape(sent), quote(sent), json.dumps(sent), json.dumps(json.dumps(sent))):
        yield Fault(status=500, body=f"<html><p>{form}</p></html>")
    fields = dict.fromkeys(("X-Request-Id", "Server", "Date", "Retry-After", "Content-Language"), sent)
    yield Fault(status=500, headers={**fields, "Set-Cookie": f"a={sent}"})
    debugged = json.dumps({"headers": {"X-Any": [sent]}, "form": quote_plus(sent)}).replace("/", "\\/")
    yield Fault(status=500, body=debugged.replace("%", "%25"))
    yield Fault(status=500, body=f"<p>{''.join(f'&#{ord(c)};' if not c.isalnum() else c for c in sent)}</p>")
    yield Fault(status=302, headers={"Location": f"http://{quote(sent)}@evil.example/?password={quote(sent)}"})
    yield Fault(status=401, code="IAM.0061", echo=True)


def of_polls() -> Iterator[Fault]:
    """What goes wrong with requests that carry tokens and signatures; at last they are refused, and then held."""
    for status, code in ((400, "APIGW.0201"), (500, "FRS.0018"), (403, "APIGW.0302")):
        yield Fault(status=status, code=code, echo=True)
    yield from (Fault(garbage=True), Fault(reset=True), Fault(truncate=True), HANG)
    yield Fault(status=401, code="APIGW.0301", echo=True)


PATHS = (
    *("/", "/?lang=zh&all=1", "/metrics", "/sd", "/api/v1/status", "/-/ready", "/-/healthy", "/-/config", "/config"),
    *("/project/t1", "/project/k1?lang=zh", "/project?name=t2", "/runbook"),
)
LOGIN = {"Authorization": "Basic " + base64.b64encode(f"alice:{SECRETS['login']}".encode()).decode()}


class Attack:
    """A daemon with logins, and everything that it has ever said."""

    def __init__(self, programs: Programs, world: World, config: Path, format: str) -> None:
        self.world, self.config, self.said = world, config, list[str]()
        web = config.with_name("web.yml")
        web.write_text(f"basic_auth_users: {{alice: '{bcrypt.hashpw(SECRETS['login'].encode(), SALT).decode()}'}}\n")
        flags = (f"--web.config.file={web}", "--log.level=debug", f"--log.format={format}")
        state = f"--state.directory={config.parent / 'state'}"
        self.daemon, self.url = programs.daemon(config, state, *flags)
        eventually(lambda: self.page().count("\nfrs_up{") == 8)

    def page(self, path: str = "/metrics") -> str:
        return fetch(self.url + path, **LOGIN)

    def look(self) -> None:
        """Ask for everything there is, and for more."""
        self.said += [self.page(path) for path in PATHS]
        self.said += [self.page(f"/probe?debug=true&project={name}") for name in ("t1", "k1")]

    def strike(self, api: str, fault: Fault) -> None:
        """Let one thing go wrong for a while."""
        self.world.faults.set(api, fault)
        visits = self.world.watched()
        eventually(lambda: self.retry() and any(visit.struck and visit.api == api for visit in visits), 10.0)
        self.look()

    def recover(self) -> None:
        """Let all be well again."""
        self.world.faults.faults.clear()
        eventually(lambda: self.retry() and self.page().count("} 1.0\nfrs_up{") >= 7)

    def post(self, path: str) -> None:
        request = urllib.request.Request(self.url + path, method="POST", headers=LOGIN)
        try:
            with urllib.request.urlopen(request, timeout=30) as response:
                self.said.append(response.read().decode())
        except urllib.error.HTTPError as error:
            with error:
                self.said.append(f"{error.headers} {error.read().decode()}")

    def retry(self) -> bool:
        """Ask again now, though something is held; true, so that something else may be looked at then."""
        for credential in ("acme", "globex", SECRETS["password"][:3]):
            self.post(f"/-/retry?credential={quote(credential)}")
        return True

    def spoil_config(self) -> None:
        """Reload configs that are wrong, each in its own way, at the very place of a secret."""
        text = self.config.read_text()
        for old, new in SPOILED:
            assert old in text
            replace_file(self.config, text.replace(old, new, 1))
            self.post("/-/reload")
            self.look()
        replace_file(self.config, text)
        self.post("/-/reload")

    def end(self) -> str:
        """All that was said, to the last line of the log."""
        self.daemon.popen.terminate()
        self.daemon.popen.wait(20)
        state = "".join(file.read_text() for file in self.config.parent.glob("state/*") if file.suffix == ".json")
        return "\n".join([*self.said, self.daemon.log, state])


SALT = b"$2b$04$SaltForAllTestsThatWau"
SPOILED = [
    ("password: ", "pasword: "),
    ("password: ", "password: ["),
    ("secret_key: !file secret", f"secret_key: !{MARK} x"),
    ("secret_key: !file secret", f"secret_key: !file {'secret' * 60}"),
    ('proxy_url: "http:', 'proxy_url: "gopher:'),
    ("http_client: ", "http_klient: "),
    ("poll_interval: 1s", "poll_interval: soon"),
]


@pytest.mark.parametrize("format", ["logfmt", "json"])
async def test_no_secret_is_anywhere_while_everything_goes_wrong_in_turns(
    programs: Programs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, format: str
) -> None:
    monkeypatch.setenv(f"{MARK}_KEY", SECRETS["access_key"])
    async with cloud_behind_a_proxy() as (simulator, port):
        config = config_of(simulator.world, port, tmp_path)
        simulator.world.faults.set("iam", HANG)
        attack = await asyncio.to_thread(Attack, programs, simulator.world, config, format)
        for fault in of_logins():
            await asyncio.to_thread(attack.strike, "iam", fault)
        await asyncio.to_thread(attack.recover)
        for fault in of_polls():
            await asyncio.to_thread(attack.strike, "frs", fault)
        await asyncio.to_thread(attack.spoil_config)
        said = await asyncio.to_thread(attack.end)
        logged = {line for line in said.splitlines() if "canonicalRequest" in line}
    assert logged, "the echoes were shown"
    assert [line[:500] for line in said.splitlines() if told_secrets(line, simulator.world)] == []


@pytest.mark.parametrize("how", [("--raw",), ("--log.level=debug",)], ids=lambda how: how[0])
async def test_no_secret_is_in_a_check(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: tuple[str, ...]) -> None:
    monkeypatch.setenv(f"{MARK}_KEY", SECRETS["access_key"])
    async with cloud_behind_a_proxy() as (simulator, port):
        world, config = simulator.world, config_of(simulator.world, port, tmp_path)
        world.faults.set("frs", Fault(status=400, code="APIGW.0201", echo=True))
        answer = world.accounts[0].projects[1].answer
        assert answer is not None
        answer["echo"] = {"token": "hunter2", "said": "x" * 60}
        world.faults.set("frs", Fault(delay=0.01), world.accounts[0].projects[1].id)
        code, out, err = await ended(f"--config.file={config}", "--state.directory=none", *how)
    assert code == 1
    assert "t1" in out
    assert told_secrets(out + err, world) == []


ENDS = {
    "a config that is wrong": ("serve", "--config.file=config.yaml"),
    "the check of one": ("check", "--config.file=config.yaml"),
    "an address in use": ("serve", "--config.file=good.yaml", "--web.listen-address=256.0.0.1:1"),
    "a web config that is wrong": ("serve", "--config.file=good.yaml", "--web.config.file=config.yaml"),
    "a config for a project": ("check", "--config.file=good.yaml", "--project=nobody"),
    "a secret for a flag": ("check", "--region", f"{MARK}"[:0] + "cn-nowhere"),
}


@pytest.mark.parametrize("name", ENDS)
def test_no_secret_is_in_the_words_a_process_ends_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    good = config_of(hostile_world(), 9, tmp_path).read_text()
    (tmp_path / "good.yaml").write_text(good)
    (tmp_path / "config.yaml").write_text(good.replace("password: ", "password: ! ", 1).replace("user_name", "user"))
    environment = {f"{MARK}_KEY": SECRETS["access_key"]}
    environment |= {f"HUAWEICLOUD_SDK_{key}": f"{MARK} {key}" for key in ("AK", "SK", "SECURITY_TOKEN")}
    environment |= {f"{scheme}_PROXY": f"gopher://u:{MARK}@x" for scheme in ("HTTP", "HTTPS")}
    for variable, value in environment.items():
        monkeypatch.setenv(variable, value)
    code, out, err = forked.run(*ENDS[name], "--state.directory=none", cwd=tmp_path)
    assert code != 0
    assert out or err
    assert "Traceback" not in err
    assert MARK not in (out + err).replace(f"{MARK}_KEY", "")


def parts(value: Any, seen: set[int]) -> Iterator[Any]:
    """A value and all that it is made of."""
    if id(value) in seen:
        return
    seen.add(id(value))
    yield value
    inner: list[Any] = []
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        inner = [getattr(value, field.name) for field in dataclasses.fields(value)]
    elif isinstance(value, Mapping):
        inner = [*value.keys(), *value.values()]
    elif isinstance(value, list | tuple | set | frozenset):
        inner = list(value)
    for part in inner:
        yield from parts(part, seen)


def test_no_part_of_a_config_tells_a_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In whatever way it is put into a text; but for the proxy's login within its URL, which yarl stars itself."""
    monkeypatch.setenv(f"{MARK}_KEY", SECRETS["access_key"])
    config = load(str(config_of(hostile_world(), 9, tmp_path)))
    assert isinstance(config, Config)
    found = list(parts(config, set()))
    kinds = {type(value).__name__ for value in found}
    assert kinds >= {"TokenCredential", "KeyCredential", "Target", "HttpOptions", "Proxy", "SecretStr", "Limit"}
    for value in found:
        if isinstance(value, str):
            continue
        for text in (repr(value), str(value), f"{value}", f"{value!a}"):
            assert MARK not in text.replace(SECRETS["access_key"], "AK"), type(value)


def test_no_part_of_a_web_config_tells_a_secret(tmp_path: Path) -> None:
    prepare(tmp_path)
    key = (tmp_path / "server.key").read_text()
    hashed = bcrypt.hashpw(b"x", SALT).decode()
    (tmp_path / "web.yml").write_text(
        f"tls_server_config: {{cert_file: server.pem, key_file: server.key}}\nbasic_auth_users: {{alice: '{hashed}'}}\n"
    )
    told = "".join(map(repr, parts(load_web_config(str(tmp_path / "web.yml")), set())))
    (tmp_path / "web.yml").write_text(f"basic_auth_users: {{alice: '{hashed}x', bob: [{hashed}]}}\n")
    with pytest.raises(ConfigError) as caught:
        load_web_config(str(tmp_path / "web.yml"))
    for line in (hashed[29:], key.splitlines()[1]):
        assert line not in "".join(caught.value.problems)
        assert line not in re.sub(r"'\$2b[^']*'", "", told)
