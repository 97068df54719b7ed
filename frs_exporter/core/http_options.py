"""How the cloud is reached: through which proxy, and whom TLS believes, as frozen values."""

import ssl
from dataclasses import dataclass, field

from pydantic import SecretStr
from yarl import URL


@dataclass(frozen=True, slots=True)
class Proxy:
    """A forward proxy: `url` is its scheme, host and port; `login` is a user name and a password, if it gets any."""

    url: URL
    login: tuple[str, SecretStr] | None = field(default=None, repr=False)

    @property
    def speaks_socks(self) -> bool:
        """Whether it is asked in SOCKS5: then all goes through a tunnel, plain http, too."""
        return self.url.scheme.startswith("socks5")

    @property
    def looks_up(self) -> bool:
        """Whether it is given the endpoint's name; to a `socks5` proxy goes an address, as with curl."""
        return self.url.scheme != "socks5"

    def __str__(self) -> str:
        return f"{self.url.host_subcomponent}:{self.url.port}"


@dataclass(frozen=True, slots=True)
class HttpOptions:
    """How to reach the cloud: a proxy by the scheme of what is asked through it, and what TLS believes.

    `no_proxy` lists hosts to reach directly, and this machine is always one; with None there are none. `files` is a
    digest of the certificates and keys read, so that changed ones make other options; `context` is made of them, None
    for the system's own. `validity` is from when to when the own certificate is valid, in Unix seconds.
    """

    proxies: tuple[tuple[str, Proxy], ...] = ()
    no_proxy: str | None = None
    server_name: str = ""
    insecure_skip_verify: bool = False
    files: str = ""
    context: ssl.SSLContext | None = field(default=None, compare=False, repr=False)
    validity: tuple[float, float] | None = field(default=None, compare=False)


DIRECT = HttpOptions()
"""No proxy, the system's certificates."""
