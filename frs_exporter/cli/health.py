"""`health`: whether an exporter is healthy, for container health checks."""

import ssl
import urllib.error
import urllib.request

import click

from frs_exporter.cli.options import seconds_of, service_url
from frs_exporter.core.redact import brief

ALIVE = (401, 403, 429)
"""Answers to somebody who is not let in: whoever gives them is well."""
MAX_BODY = 1 << 16
"""Bytes of an answer that are looked at; more than one short line of it is not shown."""


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
    help="Where the exporter is; with --web.route-prefix, that too.",
)
@click.option("--timeout", default="5s", show_default=True, callback=seconds_of, help="How long to wait.")
@click.option(
    "--insecure-skip-verify", "unverified", is_flag=True, help="Do not look at the certificate, say of localhost."
)
def health(url: str, timeout: float, unverified: bool) -> None:
    """Ask an exporter whether it is healthy: exit code 0 if so, 1 if not or if there is no answer."""
    context = ssl.create_default_context()
    if unverified:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    service = service_url(url)
    if service is None:
        raise click.UsageError("--url must be a URL like http://localhost:10377; no login is needed, and none is sent")
    address = f"{str(service).rstrip('/')}/-/healthy"
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context))
    try:
        with direct.open(address, timeout=timeout) as answer:
            click.echo(brief(answer.read(MAX_BODY).decode("utf-8", "replace")))
    except urllib.error.HTTPError as error:
        with error:
            text = brief(error.read(MAX_BODY).decode("utf-8", "replace"))
        if error.code not in ALIVE:
            raise click.ClickException(f"{address} answers {error.code}: {text}") from None
        click.echo(f"healthy, though it lets only others in ({error.code})")
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", error)
        raise click.ClickException(f"no answer from {address}: {reason}; is the exporter running there?") from None
