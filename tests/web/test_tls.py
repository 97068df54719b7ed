"""TLS over real sockets: versions, suites, clients' certificates, and certificates that change under load."""

import asyncio
import contextlib
import socket
import ssl
import warnings
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import trustme

from frs_exporter.web.tls import Tls, normal
from frs_simulator import Simulator, demo_world
from tests.web.authority import FILES, keep, prepare, put
from tests.web.serving import Served, serving, trusting
from tests.web.test_guard import login, users


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    prepare(tmp_path)
    return tmp_path


@asynccontextmanager
async def secured(folder: Path, name: str) -> AsyncIterator[Served]:
    async with (
        Simulator(demo_world(1)) as simulator,
        serving(simulator, web_config=put(folder, name)) as served,
    ):
        yield served


async def shake_hands(port: int, context: ssl.SSLContext) -> tuple[str, tuple[str, str, int]]:
    """The version and the suite that are agreed on, once an answer has come; raises OSError where there is none."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
    try:
        writer.write(b"GET /-/healthy HTTP/1.1\r\nHost: localhost\r\n\r\n")
        if not (await reader.readline()).startswith(b"HTTP/1.1 200"):
            raise ConnectionResetError
        secured = writer.get_extra_info("ssl_object")
        return secured.version(), secured.cipher()
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


async def refused(port: int, context: ssl.SSLContext) -> bool:
    """Whether the connection ends before there is an answer: asyncio does not say why."""
    try:
        await shake_hands(port, context)
    except OSError:
        return True
    return False


def client(folder: Path, name: str = "", **versions: Any) -> ssl.SSLContext:
    """A client's context, with its certificate if it has one."""
    context = trusting(folder)
    if name:
        context.load_cert_chain(folder / f"{name}.pem", folder / f"{name}.key")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        for attribute, value in versions.items():
            setattr(context, attribute, value)
    return context


async def test_the_newest_version_is_agreed_on_and_old_ones_are_refused(folder: Path) -> None:
    async with secured(folder, "tls.good.yml") as served:
        version, _ = await shake_hands(served.port, client(folder))
        assert version == "TLSv1.3"
        older = client(folder, maximum_version=ssl.TLSVersion.TLSv1_2)
        assert (await shake_hands(served.port, older))[0] == "TLSv1.2"
        oldest = client(folder, minimum_version=ssl.TLSVersion.TLSv1, maximum_version=ssl.TLSVersion.TLSv1_1)
        oldest.set_ciphers("ALL:@SECLEVEL=0")
        assert await refused(served.port, oldest)


async def test_the_versions_may_be_narrowed(folder: Path) -> None:
    async with secured(folder, "tls13.good.yml") as served:
        assert await refused(served.port, client(folder, maximum_version=ssl.TLSVersion.TLSv1_2))
    async with secured(folder, "tls12.good.yml") as served:
        assert (await shake_hands(served.port, client(folder)))[0] == "TLSv1.2"


async def test_only_listed_suites_are_agreed_on(folder: Path) -> None:
    async with secured(folder, "suites.good.yml") as served:
        context = client(folder, maximum_version=ssl.TLSVersion.TLSv1_2)
        assert (await shake_hands(served.port, context))[1][0] == "ECDHE-ECDSA-AES128-GCM-SHA256"
        context.set_ciphers("ECDHE-ECDSA-AES256-GCM-SHA384")
        assert await refused(served.port, context)


async def test_certificates_inline(folder: Path) -> None:
    async with secured(folder, "tls-inline.good.yml") as served:
        await shake_hands(served.port, client(folder))


@pytest.mark.parametrize("name", ["mtls.good.yml", "mtls-inline.good.yml"])
async def test_a_certificate_is_required_and_verified(folder: Path, name: str) -> None:
    async with secured(folder, name) as served:
        await shake_hands(served.port, client(folder, "prometheus"))
        await shake_hands(served.port, client(folder, "stranger"))
        for other in ("", "forged"):
            assert await refused(served.port, client(folder, other))
        assert await refused(served.port, client(folder, "forged", maximum_version=ssl.TLSVersion.TLSv1_2))


async def test_a_certificate_that_need_not_be_given_is_verified_if_it_is(folder: Path) -> None:
    async with secured(folder, "mtls-if-given.good.yml") as served:
        for name in ("", "prometheus"):
            await shake_hands(served.port, client(folder, name))
        assert await refused(served.port, client(folder, "forged"))


async def test_without_an_authority_only_public_ones_count(folder: Path) -> None:
    async with secured(folder, "mtls-any-authority.good.yml") as served:
        assert await refused(served.port, client(folder, "prometheus"))


async def test_only_listed_names_come_in(folder: Path) -> None:
    async with secured(folder, "mtls-names.good.yml") as served:
        for name, status in (("prometheus", 200), ("address", 200), ("stranger", 403)):
            async with aiohttp.ClientSession(served.url) as session:
                for path in ("/metrics", "/nowhere", "/-/healthy"):
                    async with session.get(path, ssl=client(folder, name)) as response:
                        assert response.status == (404 if (status, path) == (200, "/nowhere") else status)
                        if status == 403:
                            text = await response.text()
                            assert text == "the client certificate has none of the names in client_allowed_sans\n"
        assert await refused(served.port, client(folder, "forged"))
        assert await refused(served.port, client(folder))


@pytest.mark.parametrize(
    ("names", "allowed"),
    [
        ((("DNS", "a.example"),), True),
        ((("DNS", "A.example"),), False),  # an exact match is asked for
        ((("DNS", "b.example"), ("email", "ops@example.com")), True),
        ((("URI", "spiffe://x/y"),), True),
        ((("IP Address", "0:0:0:0:0:0:0:1"),), True),
        ((("IP Address", "10.0.0.1"),), True),
        ((), False),
    ],
)
def test_names_of_every_kind(names: tuple[tuple[str, str], ...], allowed: bool) -> None:
    sans = frozenset(map(normal, ("a.example", "ops@example.com", "spiffe://x/y", "::1", "10.0.0.1")))
    assert Tls("", sans).allows({"subjectAltName": names}) is allowed
    assert not Tls("", sans).allows(None)
    assert not Tls("", frozenset()).allows({"subjectAltName": names})
    assert Tls("").allows(None)


async def until(condition: Callable[[], bool], seconds: float = 20.0) -> None:
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110  # it is for a thread and a clock
            await asyncio.sleep(0.02)


def fingerprint(context: ssl.SSLContext, port: int) -> bytes:
    with (
        socket.create_connection(("127.0.0.1", port), 5) as plain,
        context.wrap_socket(plain, server_hostname="127.0.0.1") as secured,
    ):
        return secured.getpeercert(binary_form=True) or b""


@pytest.mark.uncounted
async def test_certificates_are_renewed_under_load_without_a_failed_request(folder: Path) -> None:
    """New connections all the time, and kept ones; five renewals; not one request fails."""
    context = trusting(folder)
    answered = 0
    async with secured(folder, "tls.good.yml") as served:
        stopping = False

        async def scrape(keep: bool) -> None:
            nonlocal answered
            connector = aiohttp.TCPConnector(ssl=context, force_close=not keep)
            async with aiohttp.ClientSession(served.url, connector=connector) as session:
                while not stopping:
                    async with session.get("/metrics") as response:
                        assert response.status == 200
                        await response.read()
                        answered += 1

        scrapers = [asyncio.create_task(scrape(keep)) for keep in (True, False, False, False)]
        seen = set()
        for number in range(5):
            wanted = answered + 10
            renewed = prepare_renewal(folder)
            keep(folder, "new.pem", "server.pem")
            if number % 2:
                await asyncio.sleep(0.2)  # a certificate without its key is not used
            keep(folder, "new.key", "server.key")
            context.load_verify_locations(folder / "authority.pem")
            async with asyncio.timeout(20):
                presented = partial(asyncio.to_thread, fingerprint, context, served.port)
                while await presented() != renewed or answered < wanted:  # noqa: ASYNC110
                    await asyncio.sleep(0.02)
            seen.add(renewed)
        stopping = True
        await asyncio.gather(*scrapers)
        assert len(seen) == 5
        good = served.telemetry.registry.get_sample_value("frs_exporter_web_config_last_reload_successful")
        assert good == 1


def prepare_renewal(folder: Path) -> bytes:
    """Another certificate of another authority, which clients are to believe too; in DER."""
    authority = trustme.CA()
    new = authority.issue_cert("localhost", "127.0.0.1")
    (folder / "new.pem").write_bytes(b"".join(blob.bytes() for blob in new.cert_chain_pems))
    new.private_key_pem.write_to_path(folder / "new.key")
    authority.cert_pem.write_to_path(folder / "authority.pem")
    return ssl.PEM_cert_to_DER_cert(new.cert_chain_pems[0].bytes().decode())


async def test_everything_in_the_file_is_taken_up_when_it_changes(folder: Path) -> None:
    """From plain HTTP to TLS with logins and certificates of clients, and back, and no connection is refused."""
    file = folder / "web.yml"
    file.write_text("")
    async with Simulator(demo_world(1)) as simulator, serving(simulator, web_config=file) as served:
        port = served.port

        async def status(url: str, **options: Any) -> int | None:
            try:
                async with aiohttp.ClientSession() as session, session.get(url, **options) as response:
                    return response.status
            except aiohttp.ClientError:
                return None

        async def becomes(expected: int | None, url: str, **options: Any) -> None:
            async with asyncio.timeout(20):
                while await status(url, **options) != expected:  # noqa: ASYNC110
                    await asyncio.sleep(0.02)

        plain, tls = f"http://127.0.0.1:{port}/-/healthy", f"https://127.0.0.1:{port}/-/healthy"
        assert await status(plain) == 200
        file.write_text((FILES / "tls.good.yml").read_text())
        await becomes(200, tls, ssl=client(folder))
        assert await status(plain) is None
        file.write_text((FILES / "tls.good.yml").read_text() + users(alice="correct"))
        await becomes(401, tls, ssl=client(folder))
        assert await status(tls, ssl=client(folder), headers=login("alice", "correct")) == 200
        file.write_text((FILES / "mtls.good.yml").read_text() + users(alice="correct"))
        await becomes(None, tls, ssl=client(folder), headers=login("alice", "correct"))
        assert await status(tls, ssl=client(folder, "prometheus"), headers=login("alice", "correct")) == 200
        file.write_text((FILES / "mtls.good.yml").read_text() + users(alice="changed"))
        await becomes(401, tls, ssl=client(folder, "prometheus"), headers=login("alice", "correct"))
        file.write_text("tls_server_config: {}\nbasic_auth_users: {}\n")
        await becomes(200, plain)


async def test_a_file_that_becomes_bad_changes_nothing_and_is_told(folder: Path) -> None:
    async with secured(folder, "tls.good.yml") as served:
        value = served.telemetry.registry.get_sample_value
        name = "frs_exporter_web_config_last_reload_successful"
        assert value(name) == 1
        good = (folder / "tls.good.yml").read_text()
        (folder / "tls.good.yml").write_text("tls_server_config: {cert_file: absent.pem}\n")
        await until(lambda: value(name) == 0)
        await shake_hands(served.port, client(folder))
        (folder / "tls.good.yml").write_text(good)
        await until(lambda: value(name) == 1)
        keep(folder, "other.key", "server.key")
        await until(lambda: value(name) == 0)
        await shake_hands(served.port, client(folder))
        (folder / "tls.good.yml").unlink()
        await asyncio.sleep(0.3)
        await shake_hands(served.port, client(folder))


async def test_a_certificate_that_is_revoked_by_another_authority_does_not_resume(folder: Path) -> None:
    """A session from before does not get around the new file."""
    async with secured(folder, "mtls.good.yml") as served:
        context = client(folder, "prometheus", maximum_version=ssl.TLSVersion.TLSv1_2)
        session = await asyncio.to_thread(one_request, context, served.port, None)
        keep(folder, "authority.pem", "clients.pem")

        def resumes() -> bool:
            try:
                one_request(context, served.port, session)
            except OSError:
                return False
            return True

        async with asyncio.timeout(20):
            while await asyncio.to_thread(resumes):  # noqa: ASYNC110
                await asyncio.sleep(0.02)


def one_request(context: ssl.SSLContext, port: int, session: Any) -> Any:
    with (
        socket.create_connection(("127.0.0.1", port), 5) as plain,
        context.wrap_socket(plain, server_hostname="127.0.0.1", session=session) as secured,
    ):
        secured.sendall(b"GET /-/healthy HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        if not secured.recv(1000).startswith(b"HTTP/1.1 200"):
            raise OSError("no answer")
        return secured.session
