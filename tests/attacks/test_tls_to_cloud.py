"""Defends tokens, passwords and answers on their way to the cloud: whoever is not the cloud is sent nothing."""

import asyncio
import contextlib
import datetime
import ssl
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import trustme

from frs_exporter.config.load import load
from frs_exporter.core.errors import ApiError, Reason
from frs_exporter.core.http_options import HttpOptions
from tests.attacks.hostile import hostile, listening, told
from tests.attacks.test_answers import transport
from tests.cloud.test_transport import authorized, request_to, send
from tests.resilience.test_faults import context

HERE = "127.0.0.1"
Make = Callable[["Authorities"], ssl.SSLContext]


class Authorities:
    """One that is believed, one that is not, and the options of a config that says so."""

    def __init__(self, folder: Path) -> None:
        self.ours, self.foreign = trustme.CA(), trustme.CA()
        self.ours.cert_pem.write_to_path(folder / "ca.pem")
        (folder / "config.yaml").write_text(CONFIG)
        (target,) = load(str(folder / "config.yaml")).targets
        self.options: HttpOptions = target.http

    def good(self) -> ssl.SSLContext:
        return context(self.ours.issue_cert(HERE))


CONFIG = """\
credentials: {keys: {ak_sk: {access_key: AK, secret_key: SK}}}
projects: [{name: p, project_id: 0123456789abcdef0123456789abcdef, region: cn-north-4, credential: keys}]
http_client: {tls_config: {ca_file: ca.pem}}
"""


@pytest.fixture(scope="module")
def authorities(tmp_path_factory: pytest.TempPathFactory) -> Authorities:
    return Authorities(tmp_path_factory.mktemp("authorities"))


def valid(start: int, end: int) -> Make:
    """A certificate that is good in these days, counted from now."""
    now = datetime.datetime.now(datetime.UTC)
    first, last = (now + datetime.timedelta(days) for days in (start, end))
    return lambda authorities: context(authorities.ours.issue_cert(HERE, not_before=first, not_after=last))


def self_signed(_: Authorities) -> ssl.SSLContext:
    """An authority that serves by itself."""
    authority, made = trustme.CA(), ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    with authority.private_key_pem.tempfile() as key, authority.cert_pem.tempfile() as certificate:
        made.load_cert_chain(certificate, key)
    return made


def speaking(ciphers: str = "ALL:@SECLEVEL=0", **versions: ssl.TLSVersion) -> Make:
    """The right certificate, with versions and ciphers of yesterday."""

    def make(authorities: Authorities) -> ssl.SSLContext:
        made = authorities.good()
        made.set_ciphers(ciphers)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            made.minimum_version = versions.get("oldest", ssl.TLSVersion.TLSv1)
            made.maximum_version = versions["newest"]
        return made

    return make


FALSE: dict[str, tuple[Make, str]] = {
    "self-signed": (self_signed, "self-signed certificate"),
    "another authority": (lambda these: context(these.foreign.issue_cert(HERE)), "local issuer"),
    "another address": (lambda these: context(these.ours.issue_cert("127.0.0.2")), "IP address mismatch"),
    "another host": (lambda these: context(these.ours.issue_cert("frs.cn-north-4.myhuaweicloud.com")), "mismatch"),
    "the address as a name": (lambda these: context(these.ours.issue_cert("x", common_name=HERE)), "mismatch"),
    "an address of all": (lambda these: context(these.ours.issue_cert("*.0.0.1")), "mismatch"),
    "expired": (valid(-9, -1), "certificate has expired"),
    "not yet valid": (valid(1, 9), "certificate is not yet valid"),
    "TLS 1.0": (speaking(newest=ssl.TLSVersion.TLSv1), ""),
    "TLS 1.1": (speaking(newest=ssl.TLSVersion.TLSv1_1), ""),
    "no authentication": (speaking("aNULL:@SECLEVEL=0", newest=ssl.TLSVersion.TLSv1_2), ""),
}

ANONYMOUS = ("no authentication",)
OLD = ("TLS 1.0", "TLS 1.1", *ANONYMOUS)


@pytest.mark.parametrize("name", FALSE)
async def test_whoever_is_not_the_cloud_is_sent_nothing(authorities: Authorities, name: str) -> None:
    make, why = FALSE[name]
    async with hostile(lambda _: [told(b"{}")], make(authorities)) as server:
        answer, failure = await send(server.url, authorities.options)
    assert answer is None
    assert failure is not None
    assert failure.reason is Reason.TLS or (
        name in OLD and failure.reason is Reason.CONNECT
    )  # a server may just hang up
    assert why in failure.message
    assert server.heads == []


@pytest.mark.parametrize("name", OLD)
async def test_who_takes_anything_is_answered_by_the_servers_of_yesterday(authorities: Authorities, name: str) -> None:
    """So it is the exporter that does not take them."""
    anything = ssl.create_default_context(cadata=authorities.ours.cert_pem.bytes().decode())
    anything.set_ciphers("ALL:@SECLEVEL=0")
    anything.check_hostname = name not in ANONYMOUS
    anything.verify_mode = ssl.CERT_NONE if name in ANONYMOUS else ssl.CERT_REQUIRED
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        anything.minimum_version = ssl.TLSVersion.TLSv1
    async with hostile(lambda _: [told(b"{}")], FALSE[name][0](authorities)) as server:
        answer, failure = await send(server.url, HttpOptions(context=anything))
    assert (answer and answer.data, failure) == ({}, None)


@pytest.mark.parametrize("newest", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_the_cloud_is_asked_over_tls_of_today(authorities: Authorities, newest: ssl.TLSVersion) -> None:
    """The same server with the right certificate: what is refused above is refused for what is wrong there."""
    async with hostile(lambda _: [told(b"{}")], speaking("DEFAULT", newest=newest)(authorities)) as server:
        answer, failure = await send(server.url, authorities.options)
    assert (answer and answer.data, failure) == ({}, None)


async def test_without_an_authority_nobody_is_believed(authorities: Authorities) -> None:
    """Not even whom others believe: nothing is taken from one session to another."""
    async with transport() as made, hostile(lambda _: [told(b"{}")], authorities.good()) as server:
        assert await reason(made.send(request_to(server.url), authorized)) is Reason.TLS
        assert (await send(server.url, authorities.options))[1] is None
        assert await reason(made.send(request_to(server.url), authorized)) is Reason.TLS
    assert len(server.heads) == 1


async def reason(sending: object) -> Reason | None:
    """Why a request failed, None where it did not."""
    assert asyncio.iscoroutine(sending)
    try:
        await sending
    except ApiError as error:
        return error.failure.reason
    return None


@pytest.mark.parametrize(
    "first",
    [
        *(
            b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}",
            b"HTTP/1.1 301 x\r\nLocation: http://evil.example/\r\n\r\n",
        ),
        *(
            b"220 welcome\r\n",
            b"\x15\x03\x01\x00\x02\x02\x28",
            b"\x16\x03\x03\xff\xff" + bytes(70_000),
            b"\0" * 100,
            b"",
        ),
    ],
)
async def test_what_does_not_speak_tls_is_sent_a_greeting_and_nothing_else(
    authorities: Authorities, first: bytes
) -> None:
    """And is not asked without TLS then."""
    greetings: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(first)
        with contextlib.suppress(ConnectionError):
            greetings.append(await reader.read(1 << 16))
        writer.close()

    async with listening(serve) as url:
        answer, failure = await send(url.replace("http:", "https:"), authorities.options, timeout=2.0)
    assert answer is None
    assert failure is not None
    assert failure.reason in (Reason.TLS, Reason.CONNECT)
    assert [greeting[:1] for greeting in greetings] == [b"\x16"]
    assert b"MIIsecret" not in b"".join(greetings)


async def test_a_certificate_that_is_swapped_during_the_run_ends_the_trust(authorities: Authorities) -> None:
    """The next connection to the same address is refused; when the right one is back, so is the answer."""
    foreign = context(authorities.foreign.issue_cert(HERE))
    served, sent = {"context": authorities.good()}, list[bytes]()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            await writer.start_tls(served["context"])
            sent.append(await reader.readuntil(b"\r\n\r\n"))
            writer.write(told(b"{}", b"Connection: close"))
            await writer.drain()
        writer.close()

    async with transport() as made, listening(serve) as url:
        request = replace(request_to(url.replace("http:", "https:")), http=authorities.options)
        for good in (True, False, False, True):
            served["context"] = authorities.good() if good else foreign
            assert await reason(made.send(request, authorized)) is (None if good else Reason.TLS)
    assert len(sent) == 2
