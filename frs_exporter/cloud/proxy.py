"""Whether a request goes through a proxy, and with which login (pure); `no_proxy` is read as Go's clients read it."""

import base64
from ipaddress import ip_address, ip_network

from yarl import URL

from frs_exporter.core.http_options import HttpOptions, Proxy


def proxy_for(url: URL, options: HttpOptions) -> Proxy | None:
    """The proxy for a URL, None where it is reached directly."""
    proxy = dict(options.proxies).get(url.scheme)
    if proxy is None or (options.no_proxy is not None and direct(url.host or "", url.port or 0, options.no_proxy)):
        return None
    return proxy


def looked_up(url: URL, proxy: Proxy | None) -> tuple[URL, ...]:
    """The URLs whose hosts are looked up here, in this order; a proxy mostly looks up the endpoint's itself."""
    if proxy is None:
        return (url,)
    return (proxy.url,) if proxy.looks_up else (url, proxy.url)


def login_headers(proxy: Proxy | None) -> dict[str, str]:
    """What shows an HTTP proxy who asks, in UTF-8 (RFC 7617); nothing where it is given no login."""
    if proxy is None or proxy.login is None or proxy.speaks_socks:
        return {}
    user, password = proxy.login
    return {"Proxy-Authorization": f"Basic {encoded(f'{user}:{password.get_secret_value()}')}"}


def login_secrets(proxy: Proxy | None) -> list[str]:
    """What of a proxy's login must not be told, in the forms in which it may come back."""
    if proxy is None or proxy.login is None:
        return []
    user, password = proxy.login[0], proxy.login[1].get_secret_value()
    return [password, f"{user}:{password}", encoded(f"{user}:{password}")]


def encoded(login: str) -> str:
    """A login as it is sent."""
    return base64.b64encode(login.encode()).decode()


def direct(host: str, port: int, no_proxy: str) -> bool:
    """Whether a host is this machine or in the list.

    Entries are parted by commas: `*`, an address, a network like 10.0.0.0/8, a domain with all below it, `.domain` or
    `*.domain` with only what is below it; each but networks with an optional port (golang.org/x/net/http/httpproxy).
    """
    host = host.lower().rstrip(".")
    try:
        address = ip_address(host)
    except ValueError:
        address = None
    # This machine is never reached through a proxy, even with an empty list, as in Go (httpproxy, Config.ProxyFunc).
    if host == "localhost" or (address is not None and address.is_loopback):
        return True
    for entry in filter(None, (part.strip().lower() for part in no_proxy.split(","))):
        if entry == "*":
            return True
        if "/" in entry:
            if address is not None and is_in_network(address, entry):
                return True
            continue
        name, wanted = split_port(entry)
        if wanted in (None, port) and (host == name if address is not None else below(host, name)):
            return True
    return False


def is_in_network(address: object, network: str) -> bool:
    """Whether an address is in a network; in none that cannot be read."""
    try:
        return address in ip_network(network, strict=False)
    except (ValueError, TypeError):
        return False


def below(host: str, name: str) -> bool:
    """Whether a host is in a domain."""
    name = name.removeprefix("*")
    return host.endswith(name) if name.startswith(".") else host == name or host.endswith(f".{name}")


def split_port(entry: str) -> tuple[str, int | None]:
    """Name or address, and port if there is one."""
    if entry.startswith("["):
        name, _, rest = entry[1:].partition("]")
        return name, int(rest[1:]) if rest[1:].isdigit() else None
    name, _, port = entry.rpartition(":")
    return (name, int(port)) if name and ":" not in name and port.isdigit() else (entry, None)
