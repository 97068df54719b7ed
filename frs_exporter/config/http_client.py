"""Each `http_client` becomes HttpOptions: proxies, from the file or the environment, and what TLS believes."""

import contextlib
import hashlib
import re
import ssl
import urllib.request
from typing import Any

from frs_exporter.config.certificate import Validity, validity
from frs_exporter.config.pem import check_key, read_pem, trust, use_certificate
from frs_exporter.config.types import proxy as proxy_of
from frs_exporter.config.yaml import Document, OnRead, Path, mapping
from frs_exporter.core.http_options import HttpOptions, Proxy

SCHEMES = ("http", "https")
GLOBAL: Path = ("http_client",)
UNUSABLE = "cannot use the file"
MISMATCH, NEITHER = "the key is not this certificate's", "not a PEM certificate with its key in key_file"


def read_http_clients(document: Document, on_read: OnRead) -> dict[Path, HttpOptions]:
    """The options of the file, and of each credential that has its own; problems are noted in the document."""
    file = mapping(document.data)
    clients: dict[Path, Any] = {GLOBAL: file.get("http_client")}
    for name, credential in mapping(file.get("credentials")).items():
        if own := mapping(credential).get("http_client"):
            clients["credentials", name, "http_client"] = own
    return {path: read_http_client(document, path, mapping(client), on_read) for path, client in clients.items()}


def read_http_client(document: Document, path: Path, client: dict[str, Any], on_read: OnRead) -> HttpOptions:
    """The options that an `http_client` describes; what is no text in it is the schema's business."""
    url, from_environment = client.get("proxy_url"), client.get("proxy_from_environment") is True
    tls = mapping(client.get("tls_config"))
    if url and from_environment:
        document.problem((*path, "proxy_from_environment"), "cannot be combined with proxy_url; which one is meant?")
    if client.get("no_proxy") is not None and not url:
        document.problem((*path, "no_proxy"), "is for proxy_url, which is missing")
    found = read_proxy(document, (*path, "proxy_url"), url) if isinstance(url, str) else None
    proxies = tuple((scheme, found) for scheme in SCHEMES if found)
    no_proxy = str(client["no_proxy"]) if client.get("no_proxy") else None
    if from_environment:
        proxies, no_proxy = proxies_of_environment(document, path)
    context, digest, valid = read_tls(document, (*path, "tls_config"), tls, on_read)
    return HttpOptions(
        proxies=proxies,
        no_proxy=no_proxy,
        server_name=str(tls.get("server_name") or ""),
        insecure_skip_verify=tls.get("insecure_skip_verify") is True,
        files=digest,
        validity=valid,
        context=context,
    )


def proxies_of_environment(document: Document, path: Path) -> tuple[tuple[tuple[str, Proxy], ...], str]:
    """What HTTP_PROXY, HTTPS_PROXY, ALL_PROXY for what has none of these, and NO_PROXY say, in either case.

    A proxy without a scheme is an http one.
    """
    environment = urllib.request.getproxies_environment()
    variables = {scheme: scheme if environment.get(scheme) else "all" for scheme in SCHEMES}
    found = {
        name: read_variable(document, path, name, environment.get(name, ""))
        for name in dict.fromkeys(variables.values())
    }
    proxies = [(scheme, proxy) for scheme, name in variables.items() if (proxy := found[name])]
    return tuple(proxies), environment.get("no", "")


def read_variable(document: Document, path: Path, name: str, url: str) -> Proxy | None:
    """The proxy that a variable of the environment names, if any."""
    if not url:
        return None
    if not re.match("[A-Za-z][A-Za-z0-9+.-]*://", url):
        url = f"http://{url}"
    return read_proxy(document, (*path, "proxy_from_environment"), url, f"{name.upper()}_PROXY in the environment ")


def read_proxy(document: Document, path: Path, url: str, where: str = "") -> Proxy | None:
    """The proxy that a URL names; None, and a problem at `path` that begins with `where`, if there is none."""
    try:
        return proxy_of(url)
    except ValueError as error:
        document.problem(path, f"{where}{error}")
        return None


def read_tls(
    document: Document, path: Path, tls: dict[str, Any], on_read: OnRead
) -> tuple[ssl.SSLContext | None, str, Validity | None]:
    """A context that does as a `tls_config` says, None where that is the usual one, and the digest of its files.

    The last is when the certificate that it shows is valid, if it has one and that can be read.
    """
    names = ("ca_file", "cert_file", "key_file")
    files = {name: document.folder(path) / tls[name] for name in names if isinstance(tls.get(name), str) and tls[name]}
    insecure, before = tls.get("insecure_skip_verify") is True, len(document.problems)
    for name, other in (("cert_file", "key_file"), ("key_file", "cert_file")):
        if name in files and other not in files:
            document.problem((*path, name), f"needs {other} beside it")
    pems = {name: read_pem(document, (*path, name), UNUSABLE, file, on_read) for name, file in files.items()}
    check_key(document, (*path, "key_file"), pems.get("key_file", b""))
    if not (files or insecure) or len(document.problems) > before:
        return None, "", None
    digest = hashlib.blake2b(repr(sorted(pems.items())).encode(), digest_size=16).hexdigest()
    valid = None
    with contextlib.suppress(ValueError):  # as where there is none; OpenSSL has the last word
        valid = validity(pems.get("cert_file", b""))
    return make_context(document, path, pems, insecure), digest, valid


def make_context(document: Document, path: Path, pems: dict[str, bytes], insecure: bool) -> ssl.SSLContext | None:
    """The context; None, and a problem, where the files do not hold what they should."""
    blamed = "ca_file"
    try:
        context = trust(ssl.create_default_context, pems[blamed]) if blamed in pems else ssl.create_default_context()
        blamed = "cert_file"
        if blamed in pems:
            use_certificate(context, pems[blamed], pems["key_file"], MISMATCH, NEITHER)
    except (OSError, ValueError) as error:
        document.unreadable((*path, blamed), UNUSABLE, error)
        return None
    if insecure:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context
