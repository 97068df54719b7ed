"""`health`: whether an exporter is healthy, for container health checks."""

import contextlib
import http.client
import socket
import ssl
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from functools import partial
from threading import Thread
from typing import TypeVar

import click
from yarl import URL

from frs_exporter.cli.common_flags import FILE
from frs_exporter.cli.options import seconds_of, service_url
from frs_exporter.cli.variables import setting
from frs_exporter.core.redact import brief
from frs_exporter.runtime.files import reason_of

ALIVE = (401, 403, 429)
"""Answers to somebody who is not let in: whoever gives them is well."""
PATH = "/-/healthy"
MAX_BODY = 1 << 16
"""Bytes of an answer that are looked at; more than one short line of it is not shown."""
T = TypeVar("T")
LOOPBACK = ("127.0.0.1", "::1")
"""What localhost is, also where no resolver knows it."""


class TurnedAway(Exception):
    """Whoever listens there speaks TLS, and lets in only who has a certificate."""


@click.command(
    epilog="""\b
Examples:
  frs-exporter health
  frs-exporter health --url=https://localhost:10377 --insecure-skip-verify
"""
)
@click.option(
    "--url",
    default="http://localhost:10377",
    show_default=True,
    metavar="URL",
    help="Where the exporter is; with --web.route-prefix, that too. /-/healthy may be at its end.",
)
@click.option("--timeout", default="5s", show_default=True, callback=seconds_of, help="How long to wait, in all.")
@click.option(
    "--insecure-skip-verify", "unverified", is_flag=True, help="Do not look at the certificate, say of localhost."
)
@click.option("--cert-file", type=FILE, metavar="FILE", help="A certificate to show, where the exporter wants one.")
@click.option("--key-file", type=FILE, metavar="FILE", help="Its key.")
def health(url: str, timeout: float, unverified: bool, cert_file: str | None, key_file: str | None) -> None:
    """Ask an exporter whether it is healthy: exit code 0 if so, 1 if not or if there is no answer."""
    service = service_url(url)
    if service is None:
        example = "http://localhost:10377; no login is needed, and none is sent"
        raise click.UsageError(f"{setting('--url')} must be a URL like {example}")
    context = context_of(unverified, cert_file, key_file) if service.scheme == "https" else None
    # It may well be what is asked in the end: what was copied from elsewhere is not wrong.
    address = str(service).rstrip("/").removesuffix(PATH) + PATH
    try:
        status, text = bounded(timeout, partial(get_status, URL(address), timeout, context))
    except TurnedAway:
        click.echo("healthy, though it lets in only who has a certificate (--cert-file)")
        return
    except (OSError, ValueError) as error:  # of which http.client.RemoteDisconnected is one
        raise click.ClickException(f"no answer from {address}: {why_none(error)}") from None
    except http.client.HTTPException:
        raise click.ClickException(f"what listens at {address} does not speak HTTP; is it another service?") from None
    if status in ALIVE:
        click.echo(f"healthy, though it lets only others in ({status})")
    elif status == 200:
        click.echo(text)
    else:
        raise click.ClickException(f"{address} answers {status}: {text}")


def bounded(timeout: float, request: Callable[[], T]) -> T:
    """What `request` returns or raises; raises TimeoutError when all of it takes longer, whatever it waits for.

    A socket's own timeout begins anew with each byte, and a lookup of a name has none.
    """
    answer: Future[T] = Future()

    def run() -> None:
        try:
            answer.set_result(request())
        except Exception as error:
            answer.set_exception(error)

    Thread(target=run, daemon=True).start()  # which keeps no process from its end
    try:
        return answer.result(timeout)
    except TimeoutError:
        if answer.done():
            raise
        raise TimeoutError("timed out") from None


def why_none(error: OSError | ValueError) -> str:
    """Why there is no answer, and what to do: who refuses to speak to us is running."""
    match error:
        case ssl.SSLCertVerificationError():
            return f"its certificate is refused: {error.verify_message}; --insecure-skip-verify does not look at it"
        case ssl.SSLError(reason="WRONG_VERSION_NUMBER" | "HTTP_REQUEST"):
            return "what listens there does not speak TLS; is it http://?"
        case http.client.RemoteDisconnected() | ConnectionResetError():
            return "the connection was closed without an answer; is it https://, or another service?"
        case _:
            return f"{reason_of(error)}; is the exporter running there?"


def context_of(unverified: bool, cert_file: str | None, key_file: str | None) -> ssl.SSLContext:
    """How TLS is spoken; raises click.UsageError."""
    context = ssl.create_default_context()
    if unverified:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    if cert_file or key_file:
        if not cert_file:
            raise click.UsageError(f"{setting('--key-file')} needs --cert-file beside it")
        try:
            context.load_cert_chain(cert_file, key_file, password=lambda: "")  # nobody is there to be asked for it
        except (OSError, ValueError) as error:
            reason = (
                "no PEM certificate with its key, unencrypted" if isinstance(error, ssl.SSLError) else reason_of(error)
            )
            raise click.UsageError(f"{setting('--cert-file')} {cert_file}: {reason}") from None
    return context


def get_status(url: URL, timeout: float, context: ssl.SSLContext | None) -> tuple[int, str]:
    """Status and first words of the answer; raises OSError, ValueError, http.client.HTTPException and TurnedAway."""
    assert url.host is not None
    assert url.port is not None
    with connect(url.host, url.port, timeout) as plain:
        with turned_away(context):
            sock = context.wrap_socket(plain, server_hostname=url.host) if context else plain
        with sock, turned_away(context, secured=True):
            connection = http.client.HTTPConnection(url.host, url.port, timeout=timeout)
            connection.sock = sock
            connection.request("GET", url.raw_path, headers={"Connection": "close"})
            answer = connection.getresponse()
            return answer.status, brief(answer.read(MAX_BODY).decode("utf-8", "replace"))


def connect(host: str, port: int, timeout: float) -> socket.socket:
    """A connection to the first address that takes one; raises OSError."""
    first_error: OSError | None = None
    for number in LOOPBACK if host == "localhost" else (host,):
        try:
            return socket.create_connection((number, port), timeout)
        except OSError as error:
            first_error = first_error or error
    assert first_error
    raise first_error


@contextlib.contextmanager
def turned_away(context: ssl.SSLContext | None, *, secured: bool = False) -> Iterator[None]:
    """Raise TurnedAway for an alert of TLS; once a connection is `secured`, also for its end without an answer.

    With TLS 1.3 a certificate is missed only after the handshake, and the alert gets lost with what was sent meanwhile.
    """
    try:
        yield
    except ssl.SSLCertVerificationError:
        raise
    except ssl.SSLError as error:
        if "ALERT" in (error.reason or ""):
            raise TurnedAway from None
        raise
    except (ConnectionResetError, BrokenPipeError, http.client.RemoteDisconnected):
        if context and secured:
            raise TurnedAway from None
        raise
