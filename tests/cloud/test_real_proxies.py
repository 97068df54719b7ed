"""Real proxies that are reached by TLS and by SOCKS5: squid, microsocks, and dante."""

import contextlib
import os
import pwd
import socket
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import bcrypt
import pytest
import trustme

from frs_exporter.core.errors import Reason
from frs_exporter.core.http_options import HttpOptions
from tests.cloud.proxies import TwoDoors
from tests.cloud.test_http_options import options_of
from tests.cloud.test_proxy_kinds import answered
from tests.cloud.test_proxy_login import PASSWORD, failure
from tests.e2e.conftest import free_port, tool

pytestmark = pytest.mark.programs

LOGIN = "user:p-w.1"
CLOSED = 9
"""A port that nobody listens at."""
SQUID = """\
https_port 127.0.0.1:{port} tls-cert={folder}/proxy.pem
auth_param basic program /usr/lib/squid/basic_ncsa_auth {folder}/logins
acl known proxy_auth REQUIRED
acl forbidden port 10
http_access deny forbidden
http_access allow known
http_access deny all
pid_filename none
access_log none
cache_log {folder}/cache.log
cache deny all
shutdown_lifetime 0 seconds
"""
DANTE = """\
internal: 127.0.0.1 port = {port}
external: lo
socksmethod: none
clientmethod: none
user.unprivileged: {user}
client pass {{ from: 0.0.0.0/0 to: 0.0.0.0/0 }}
socks block {{ from: 0.0.0.0/0 to: 0.0.0.0/0 port = 10 }}
socks pass {{ from: 0.0.0.0/0 to: 0.0.0.0/0 }}
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    """Where a program can read that has given up its rights."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o777)
        yield Path(name)


@pytest.fixture
async def doors(folder: Path) -> AsyncIterator[TwoDoors]:
    async with TwoDoors(folder) as doors:
        yield doors


@contextlib.contextmanager
def running(port: int, *command: str) -> Iterator[str]:
    """A program that listens at a port of this machine, and that address."""
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            deadline = time.monotonic() + 20
            while process.poll() is None and time.monotonic() < deadline:
                with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                    break
                time.sleep(0.05)
            else:
                pytest.fail(f"{command[0]} does not listen")
            yield f"127.0.0.1:{port}"
        finally:
            process.terminate()


@pytest.fixture
def squid(folder: Path, doors: TwoDoors) -> Iterator[str]:
    """Reached by TLS, with a certificate of an authority that is in both.pem; wants a login, allows no port 10."""
    authority, port = trustme.CA(), free_port()
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(folder / "proxy.pem")
    (folder / "both.pem").write_bytes((folder / "ca.pem").read_bytes() + authority.cert_pem.bytes())
    user, password = LOGIN.split(":")
    (folder / "logins").write_text(f"{user}:{bcrypt.hashpw(password.encode(), bcrypt.gensalt(4)).decode()}\n")
    (folder / "squid.conf").write_text(SQUID.format(port=port, folder=folder))
    with running(port, tool("squid"), "-N", "-f", str(folder / "squid.conf")) as address:
        yield address


@pytest.fixture
def microsocks() -> Iterator[str]:
    """Wants a login."""
    port = free_port()
    user, password = LOGIN.split(":")
    login = ("-u", user, "-P", password)
    with running(port, tool("microsocks"), "-i", "127.0.0.1", "-p", str(port), *login) as address:
        yield address


@pytest.fixture
def dante(folder: Path) -> Iterator[str]:
    """Lets everybody in, and allows no port 10."""
    port, user = free_port(), "nobody" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
    (folder / "danted.conf").write_text(DANTE.format(port=port, user=user))
    with running(port, tool("danted"), "-f", str(folder / "danted.conf")) as address:
        yield address


def through(folder: Path, url: str) -> HttpOptions:
    """What the config makes of a proxy."""
    ca_file = "both.pem" if (folder / "both.pem").exists() else "ca.pem"
    return options_of(folder, {"proxy_url": url, "tls_config": {"ca_file": ca_file}})


async def told(options: HttpOptions, url: str) -> str:
    """What is said of a proxy where there is no answer."""
    error = await failure(options, url)
    assert error.by_proxy
    assert error.reason is Reason.CONNECT
    assert PASSWORD not in repr(error)
    return error.message


async def test_a_real_proxy_is_reached_by_tls(folder: Path, doors: TwoDoors, squid: str) -> None:
    options = through(folder, f"https://{LOGIN}@{squid}")
    for headers in await answered(options, *doors.urls.values(), *doors.urls.values()):
        assert "proxy-authorization" not in headers
    for scheme, url in doors.urls.items():
        wants = f"the proxy {squid} wants"
        assert await told(through(folder, f"https://{squid}"), url) == f"{wants} a login"
        assert await told(through(folder, f"https://user:{PASSWORD}@{squid}"), url) == f"{wants} another login"
        assert await told(options, f"{scheme}://127.0.0.1:{CLOSED}") == f"the proxy {squid} cannot reach 127.0.0.1"
        assert await told(options, f"{scheme}://127.0.0.1:10") == f"the proxy {squid} does not allow 127.0.0.1"
    error = await failure(
        through(folder, f"https://{LOGIN}@{squid}"), doors.urls["https"].replace("127.0.0.1", "localhost")
    )
    assert error.message.startswith(f"the certificate of localhost (through the proxy {squid}) is refused: Hostname")
    assert not error.by_proxy


@pytest.mark.parametrize("kind", ["socks5", "socks5h"])
async def test_a_real_proxy_of_socks_lets_in_who_has_the_login(
    folder: Path, doors: TwoDoors, microsocks: str, kind: str
) -> None:
    options = through(folder, f"{kind}://{LOGIN}@{microsocks}")
    await answered(options, *doors.urls.values(), *doors.urls.values())
    for scheme, url in doors.urls.items():
        wants = f"the proxy {microsocks} wants"
        assert await told(through(folder, f"{kind}://{microsocks}"), url) == f"{wants} a login"
        assert await told(through(folder, f"{kind}://user:{PASSWORD}@{microsocks}"), url) == f"{wants} another login"
        refused = f"the proxy {microsocks} cannot reach 127.0.0.1: the connection was refused"
        assert await told(options, f"{scheme}://127.0.0.1:{CLOSED}") == refused
    name = doors.urls["http"].replace("127.0.0.1", "localhost")
    await answered(options, name)


@pytest.mark.parametrize("kind", ["socks5", "socks5h"])
async def test_a_real_proxy_of_socks_has_rules(folder: Path, doors: TwoDoors, dante: str, kind: str) -> None:
    for login in ("", f"{LOGIN}@"):
        options = through(folder, f"{kind}://{login}{dante}")
        await answered(options, *doors.urls.values())
        for scheme in doors.urls:
            assert await told(options, f"{scheme}://127.0.0.1:10") == f"the proxy {dante} does not allow 127.0.0.1"
            assert (await told(options, f"{scheme}://127.0.0.1:{CLOSED}")).endswith(": the connection was refused")
