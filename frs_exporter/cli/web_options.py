"""What the value of a flag of the web server may be."""

import re
from collections.abc import Sequence
from ipaddress import IPv6Address

import click
from yarl import URL

from frs_exporter.cli.options import service_url
from frs_exporter.web.bind import Address, literal
from frs_exporter.web.layout import Layout

TAKEN = ("/probe", "/sd", "/api/v1/status")


def address(value: str) -> Address:
    """The address `host:port`, `:port`, `[::1]:port` or `[fe80::1%eth0]:port`."""
    match = re.fullmatch(r"(?:\[([^\[\]\s]+)\]|([^:\[\]\s]*)):(\d{1,5})", value)
    if match is None or int(match[3]) > 65535 or not (match[1] is None or isinstance(literal(match[1]), IPv6Address)):
        raise click.BadParameter(f"{value!r} is not host:port; {meant_instead(value)}")
    return match[1] or match[2] or None, int(match[3])


def meant_instead(value: str) -> str:
    """How to write an address of which a part is missing: the brackets of an IPv6 one, or the port."""
    host, _, port = value.rpartition(":")
    if isinstance(literal(host), IPv6Address) and re.fullmatch(r"\d{4,5}", port):
        return f"an IPv6 address stands in brackets: did you mean [{host}]:{port}?"
    if isinstance(literal(value.strip("[]")), IPv6Address):
        return f"an IPv6 address stands in brackets, with the port behind: did you mean [{value.strip('[]')}]:10377?"
    if re.fullmatch(r"\d{1,5}", value):
        return f"did you mean :{value}?"
    if "," in value or ";" in value:
        return "give each address by itself: the flag several times, or blanks between them in the variable"
    return "use :10377, 127.0.0.1:10377 or [::1]:10377"


def one_address(_ctx: click.Context, _param: click.Parameter, value: str) -> Address:
    """The address of an option that is given once."""
    return address(value)


def addresses(_ctx: click.Context, _param: click.Parameter, values: Sequence[str]) -> list[Address]:
    """All addresses of an option that may be given several times."""
    if not values:  # a variable with nothing but blanks in it
        raise click.BadParameter("no address is in it; use :10377, 127.0.0.1:10377 or [::1]:10377")
    return [address(value) for value in values]


def route(_ctx: click.Context, _param: click.Parameter, value: str) -> str:
    """A path that routes nothing else."""
    path = re.sub("/+", "/", value).rstrip("/")  # as many slashes as one likes are one
    if not re.fullmatch(r"/[A-Za-z0-9._~/-]*", value) or f"{path}/".startswith("/-/") or path in TAKEN:
        raise click.BadParameter(f"must be a path like /metrics, none below /-/ and none of {', '.join(TAKEN)}")
    return value


def prefix(_ctx: click.Context, _param: click.Parameter, value: str | None) -> str | None:
    """A path that all others begin with, without a slash at its end."""
    if value is not None and not re.fullmatch(r"/?([A-Za-z0-9._~-]+/?)*", value):
        raise click.BadParameter("must be a path like /frs")
    return f"/{value.strip('/')}".rstrip("/") if value is not None else None


def external_url(_ctx: click.Context, _param: click.Parameter, value: str | None) -> URL | None:
    """A URL with a host, and without what no address of a service has."""
    if value is None:
        return None
    url = service_url(value)
    if url is None:
        raise click.BadParameter("must be a URL like https://monitoring.example.com/frs/")
    prefix(_ctx, _param, url.raw_path)
    return url


def layout_of(telemetry_path: str, route_prefix: str | None, external: URL | None) -> Layout:
    """Where the endpoints are: the prefix is the external URL's path where nothing else is said."""
    path = external.path.rstrip("/") if external else ""
    return Layout(telemetry_path, path if route_prefix is None else route_prefix, external)
