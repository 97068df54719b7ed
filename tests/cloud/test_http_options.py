"""What an `http_client` of the config does on real sockets: client certificates, names, proxies, and none of them."""

import asyncio
import json
import ssl
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import trustme
from aiohttp import web

from frs_exporter.cloud.sessions import Connections
from frs_exporter.cloud.transport import Request, Transport
from frs_exporter.config.load import load
from frs_exporter.core.errors import ApiError
from frs_exporter.core.http_options import DIRECT, HttpOptions
from frs_exporter.core.model import Api
from frs_exporter.exposition.telemetry import Telemetry
from tests.cloud.test_transport import authorized
from tests.conftest import LIMITS, proxied

CREDENTIAL = {"ak_sk": {"access_key": "AK", "secret_key": "sk"}}
PROJECT = {"name": "a", "project_id": "0" * 32, "region": "cn-north-4", "credential": "keys"}


def options_of(folder: Path, client: Any, own: Any = None) -> HttpOptions:
    """What the config makes of an `http_client`, the file's or the credential's own."""
    credential = {**CREDENTIAL, **({"http_client": own} if own is not None else {})}
    config = {"credentials": {"keys": credential}, "projects": [PROJECT], "http_client": client}
    (folder / "c.yaml").write_text(json.dumps(config))
    (target,) = load(str(folder / "c.yaml")).targets
    return target.http


class Cloud:
    """A server that tells who asked, and a proxy that counts what goes through it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.authority = trustme.CA()
        self.authority.cert_pem.write_to_path(folder / "ca.pem")
        ours = self.authority.issue_cert("client.example")
        ours.private_key_pem.write_to_path(folder / "client.key")
        for index, blob in enumerate(ours.cert_chain_pems):
            blob.write_to_path(folder / "client.pem", append=index > 0)
        self.through: list[str] = []
        self.url = self.proxy = ""

    async def start(self, *, name: str = "127.0.0.1", ask: ssl.VerifyMode = ssl.CERT_NONE) -> None:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self.authority.issue_cert(name).configure_cert(context)
        self.authority.configure_trust(context)
        context.verify_mode = ask
        self.runner = web.ServerRunner(web.Server(tell), shutdown_timeout=0.1)
        await self.runner.setup()
        await web.TCPSite(self.runner, "127.0.0.1", 0, ssl_context=context).start()
        self.port = self.runner.addresses[0][1]
        self.url = f"https://127.0.0.1:{self.port}"
        self.server = await asyncio.start_server(self._tunnel, "127.0.0.1", 0)
        self.proxy = f"http://127.0.0.1:{self.server.sockets[0].getsockname()[1]}"

    async def stop(self) -> None:
        self.server.close()
        await self.runner.cleanup()

    async def _tunnel(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked = (await reader.readuntil(b"\r\n\r\n")).decode()
        self.through.append(asked.split()[1])
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.port)
        await asyncio.gather(pump(reader, far_writer), pump(far_reader, writer))

    async def get(self, options: HttpOptions, url: str = "") -> Any:
        """What an API answers, or the error."""
        transport = Transport(LIMITS, Telemetry(), time.time)
        try:
            request = Request(Api.FRS, url or self.url, "keys", "GET", "/v1/x", 5.0, options)
            return (await transport.send(request, authorized)).data
        except ApiError as error:
            return str(error)
        finally:
            await transport.close()


async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(1 << 16):
        writer.write(data)
    writer.close()


async def tell(request: web.BaseRequest) -> web.Response:
    assert request.transport
    certificate = request.transport.get_extra_info("peercert") or {}
    return web.json_response({"client": bool(certificate)})


@pytest.fixture
async def cloud(tmp_path: Path) -> AsyncIterator[Cloud]:
    started = Cloud(tmp_path)
    yield started
    await started.stop()


async def test_a_client_certificate_is_shown_to_who_wants_one(cloud: Cloud) -> None:
    await cloud.start(ask=ssl.CERT_REQUIRED)
    without = options_of(cloud.folder, {"tls_config": {"ca_file": "ca.pem"}})
    assert (await cloud.get(without)).split(":")[0] in ("tls", "connect")
    files = {"ca_file": "ca.pem", "cert_file": "client.pem", "key_file": "client.key"}
    assert await cloud.get(options_of(cloud.folder, {"tls_config": files})) == {"client": True}


async def test_the_servers_name_may_be_another_than_the_endpoints(cloud: Cloud) -> None:
    await cloud.start(name="face.example")
    plain = options_of(cloud.folder, {"tls_config": {"ca_file": "ca.pem"}})
    assert (await cloud.get(plain)).startswith("tls: the certificate of 127.0.0.1 is refused: ")
    named = {"tls_config": {"ca_file": "ca.pem", "server_name": "face.example"}}
    assert await cloud.get(options_of(cloud.folder, named)) == {"client": False}
    for name in ("other.example", "127.0.0.1"):
        wrong = {"tls_config": {"ca_file": "ca.pem", "server_name": name}}
        assert (await cloud.get(options_of(cloud.folder, wrong))).startswith("tls: ")


async def test_the_servers_name_counts_behind_a_proxy_too(cloud: Cloud) -> None:
    await cloud.start(name="face.example")
    named = {"proxy_url": cloud.proxy, "tls_config": {"ca_file": "ca.pem", "server_name": "face.example"}}
    assert await cloud.get(options_of(cloud.folder, named)) == {"client": False}
    assert cloud.through == [f"127.0.0.1:{cloud.port}"]
    wrong = {"proxy_url": cloud.proxy, "tls_config": {"ca_file": "ca.pem", "server_name": "other.example"}}
    assert (await cloud.get(options_of(cloud.folder, wrong))).startswith("tls: ")


async def test_whoever_skips_verification_believes_anybody(cloud: Cloud) -> None:
    await cloud.start(name="elsewhere.example")
    assert (await cloud.get(options_of(cloud.folder, {}))).startswith("tls: ")
    insecure = options_of(cloud.folder, {"tls_config": {"insecure_skip_verify": True}})
    assert insecure.insecure_skip_verify
    assert await cloud.get(insecure) == {"client": False}


async def test_what_no_proxy_lists_does_not_go_through_it(cloud: Cloud) -> None:
    await cloud.start()
    client = {"proxy_url": cloud.proxy, "tls_config": {"ca_file": "ca.pem"}}
    assert await cloud.get(options_of(cloud.folder, client)) == {"client": False}
    assert len(cloud.through) == 1
    assert await cloud.get(options_of(cloud.folder, {**client, "no_proxy": ""})) == {"client": False}
    assert len(cloud.through) == 2, "an empty list is none"
    assert await cloud.get(options_of(cloud.folder, {**client, "no_proxy": "example.com"})) == {"client": False}
    assert len(cloud.through) == 2, "this machine is never behind a proxy with exceptions"
    url = f"https://face.example:{cloud.port}"
    assert (await cloud.get(options_of(cloud.folder, {**client, "no_proxy": "face.example"}), url)).startswith("dns: ")
    assert (await cloud.get(options_of(cloud.folder, {**client, "no_proxy": "other"}), url)).startswith("tls: ")
    assert cloud.through[2:] == [f"face.example:{cloud.port}"]


async def test_a_proxy_of_the_environment_is_used_only_where_that_is_said(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    await cloud.start(name="face.example")
    monkeypatch.setenv("HTTPS_PROXY", cloud.proxy.removeprefix("http://"))
    monkeypatch.setenv("NO_PROXY", ".internal.example")
    url = f"https://face.example:{cloud.port}"
    tls = {"tls_config": {"ca_file": "ca.pem"}}
    assert (await cloud.get(options_of(cloud.folder, tls), url)).startswith("dns: ")
    options = options_of(cloud.folder, {**tls, "proxy_from_environment": True})
    assert await cloud.get(options, url) == {"client": False}
    assert cloud.through == [f"face.example:{cloud.port}"]
    assert (await cloud.get(options, f"https://x.internal.example:{cloud.port}")).startswith("dns: ")


def test_a_credentials_own_options_stand_instead_of_the_files(tmp_path: Path) -> None:
    file = {"proxy_url": "http://file.example:1"}
    assert options_of(tmp_path, file) == HttpOptions(proxies=proxied("http://file.example:1").proxies)
    own = {"tls_config": {"insecure_skip_verify": True}}
    mine = options_of(tmp_path, file, own)
    assert (mine.proxies, mine.insecure_skip_verify) == ((), True)
    assert options_of(tmp_path, file, {}) == options_of(tmp_path, file), "an empty one is none"


def test_a_changed_certificate_makes_other_options(tmp_path: Path) -> None:
    client = {"tls_config": {"ca_file": "ca.pem"}}
    trustme.CA().cert_pem.write_to_path(tmp_path / "ca.pem")
    first, again = options_of(tmp_path, client), options_of(tmp_path, client)
    assert first == again
    assert hash(first) == hash(again)
    trustme.CA().cert_pem.write_to_path(tmp_path / "ca.pem")
    assert options_of(tmp_path, client) != first


async def test_connections_that_nobody_wants_are_closed_when_nobody_uses_them() -> None:
    connections = Connections()
    async with connections.session(DIRECT) as used:
        await connections.retain([])
        closed = [used.closed]
    assert [*closed, used.closed] == [False, True]
    async with connections.session(DIRECT) as other:
        pass
    assert other is not used
    await connections.retain([DIRECT])
    async with connections.session(DIRECT) as again:
        assert again is not other  # as long as nobody wanted it, it was closed after each use
    assert not again.closed
    await connections.close()
    assert again.closed


async def test_options_in_use_before_anybody_wants_them_share_one_session_and_keep_it() -> None:
    """As those of a config that is taken now: its jobs poll before the last of them is in place."""
    connections, options = Connections(), HttpOptions(server_name="new")
    await connections.retain([DIRECT])
    async with connections.session(options) as first:
        async with connections.session(options) as second:
            assert second is first
        await connections.retain([options])
    async with connections.session(options) as later:
        assert later is first
    await connections.close()
    assert first.closed
    async with connections.session(options) as after:
        assert not after.closed
    assert after.closed, "nobody wants it"


async def test_a_way_that_is_new_trusts_the_authorities_of_now(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever adds an authority to this machine's, and then a proxy to the config, needs no restart."""
    store = cloud.folder / "store.pem"
    trustme.CA().cert_pem.write_to_path(store)
    monkeypatch.setenv("SSL_CERT_FILE", str(store))
    await cloud.start()
    assert (await cloud.get(DIRECT)).startswith("tls: ")
    cloud.authority.cert_pem.write_to_path(store)
    assert await cloud.get(HttpOptions(no_proxy="another.example")) == {"client": False}
