"""With the same web config Prometheus' exporter toolkit, in Debian's node exporter, lets in and turns away whom we do.

Which files each of them takes at all tests/web/test_config.py compares.
"""

import itertools
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

import aiohttp
import bcrypt
import pytest

from frs_simulator import Simulator, demo_world
from tests.e2e.conftest import Programs, eventually, free_port, tool
from tests.web.authority import prepare, put
from tests.web.serving import serving, trusting
from tests.web.test_guard import login

USERS = f"basic_auth_users: {{alice: {bcrypt.hashpw(b'right', bcrypt.gensalt(4)).decode()}}}\n"
FILES = [
    *("tls.good.yml", "tls12.good.yml", "tls13.good.yml", "versions.good.yml", "suites.good.yml", "no-http2.good.yml"),
    *("mtls.good.yml", "mtls-if-given.good.yml", "no-client-certificate.good.yml"),
    *("headers.good.yml", "empty.good.yml"),
]
LOGINS = {
    "none": {},
    "right": login("alice", "right"),
    "wrong": login("alice", "wrong"),
    "unknown user": login("bob", "right"),
    "no user": login("", ""),
    "another scheme": {"Authorization": "Bearer right"},
    "no base64": {"Authorization": "Basic %%%"},
}
CERTIFICATES = ("", "prometheus", "forged")
VERSIONS = (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3)
TOLD = ("X-Frame-Options", "Strict-Transport-Security", "Content-Security-Policy", "X-XSS-Protection")
"""Headers that nobody sends whom the config does not tell to. Ours always sends X-Content-Type-Options: nosniff."""
PLAIN = "plain HTTP where TLS is"
DIFFERENCES = {PLAIN: "Go reads the request and answers 400 without TLS; OpenSSL ends the connection"}
"""What else comes of a request, and why."""


class Outcome(NamedTuple):
    """What comes of a request: the status, 0 without an answer, whether a login is asked for, and headers."""

    status: int
    login_wanted: bool = False
    headers: tuple[str, ...] = ()


async def outcome(url: str, context: ssl.SSLContext | bool, headers: dict[str, str]) -> Outcome:
    """What comes of a request for the page."""
    connector = aiohttp.TCPConnector(ssl=context)
    try:
        async with (
            aiohttp.ClientSession(connector=connector) as session,
            session.get(f"{url}/metrics", headers=headers) as response,
        ):
            await response.read()
    except (aiohttp.ClientError, OSError):
        return Outcome(0)
    told = tuple(response.headers.get(name, "") for name in TOLD)
    return Outcome(response.status, "WWW-Authenticate" in response.headers, told)


def context(folder: Path, certificate: str, version: ssl.TLSVersion | None = None) -> ssl.SSLContext:
    """A client of one version or of all, with a certificate or without one."""
    made = trusting(folder)
    if version:
        made.minimum_version = made.maximum_version = version
    if certificate:
        made.load_cert_chain(folder / f"{certificate}.pem", folder / f"{certificate}.key")
    return made


async def outcomes(url: str, folder: Path, with_users: bool) -> dict[str, Outcome]:
    """What comes of each request, by what is special of it."""
    logins = LOGINS if with_users else {"none": {}, "right": LOGINS["right"]}
    if not url.startswith("https"):
        return {name: await outcome(url, True, headers) for name, headers in logins.items()}
    found = {PLAIN: await outcome(url.replace("https", "http"), True, {})}
    for certificate, version in itertools.product(CERTIFICATES, VERSIONS):
        client = context(folder, certificate, version)
        found[f"{certificate or 'none'} {version.name}"] = await outcome(url, client, LOGINS["right"])
    for name, headers in logins.items():
        found[name] = await outcome(url, context(folder, "prometheus"), headers)
    return found


@asynccontextmanager
async def ours(path: Path) -> AsyncIterator[str]:
    """Our server with a web config; its URL."""
    async with Simulator(demo_world(1)) as simulator, serving(simulator, web_config=path) as served:
        yield served.url


def theirs(programs: Programs, path: Path) -> str:
    """The toolkit's with the same one."""
    port = free_port()
    flags = [f"--web.listen-address=127.0.0.1:{port}", "--collector.disable-defaults", f"--web.config.file={path}"]
    process = programs.start(tool("prometheus-node-exporter"), *flags)
    eventually(lambda: "TLS is " in process.log)
    return f"{'https' if 'TLS is enabled' in process.log else 'http'}://127.0.0.1:{port}"


@pytest.mark.parametrize("with_users", [False, True], ids=["without users", "with users"])
@pytest.mark.parametrize("name", FILES)
async def test_the_same_requests_have_the_same_answers(
    programs: Programs, tmp_path: Path, name: str, with_users: bool
) -> None:
    prepare(tmp_path)
    path = put(tmp_path, name)
    if with_users:
        path.write_text(path.read_text() + USERS)
    url = theirs(programs, path)
    expected = await outcomes(url, tmp_path, with_users)
    async with ours(path) as url:
        found = await outcomes(url, tmp_path, with_users)
    if found.keys() >= DIFFERENCES.keys():
        assert (expected.pop(PLAIN).status, found.pop(PLAIN).status) == (400, 0), DIFFERENCES[PLAIN]
    assert found == expected
    assert 200 in {each.status for each in found.values()}
    assert (401 in {each.status for each in found.values()}) is with_users
