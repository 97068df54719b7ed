"""What is said to a SOCKS5 proxy to get a tunnel, and what its answers mean (pure; RFC 1928 and 1929)."""

from collections.abc import Mapping
from ipaddress import ip_address
from types import MappingProxyType

from frs_exporter.core.errors import Reason
from frs_exporter.core.http_options import Proxy

# No library fits. python-socks 3.2 fails on a login that is not ASCII, takes one without a password for none, tries one
# address of the proxy's name, and tells most reasons in words alone; aiohttp-socks 0.12 is made of it, and a session of
# it has one proxy, without exceptions. socksio 1.0, of 2020, leaves it to its caller to know where an answer ends.
VERSION, CONNECT, RESERVED = 5, 1, 0
NO_LOGIN, USER_AND_PASSWORD, NO_METHOD = 0, 2, 0xFF
IPV4, NAME, IPV6 = 1, 3, 4
ADDRESS_LENGTHS: Mapping[int, int] = MappingProxyType({IPV4: 4, IPV6: 16})
REFUSALS: Mapping[int, str] = MappingProxyType(
    {
        1: "cannot reach {host}",
        2: "does not allow {host}",
        3: "cannot reach {host}: it has no route to that network",
        4: "cannot reach {host}: it does not find the host, or no route to it",
        5: "cannot reach {host}: the connection was refused",
        6: "cannot reach {host}: the way is too long",
        7: "makes no connections for its clients",
        8: "does not take this kind of address for {host}",
    }
)
"""What a proxy does when its reply is none of success (RFC 1928, 6)."""


class SocksError(Exception):
    """A proxy makes no tunnel: `does` is what it does instead, as it follows the name of the proxy.

    `other_address` says that another address of the same host may do better.
    """

    def __init__(self, does: str, reason: Reason = Reason.CONNECT, *, other_address: bool = False) -> None:
        super().__init__(does)
        self.does = does
        self.reason = reason
        self.other_address = other_address


def greeting(proxy: Proxy) -> bytes:
    """The first message: a login is offered where there is one, and none is offered always."""
    methods = [NO_LOGIN] if proxy.login is None else [NO_LOGIN, USER_AND_PASSWORD]
    return bytes([VERSION, len(methods), *methods])


def wants_login(answer: bytes, proxy: Proxy) -> bool:
    """Whether the proxy wants the login, by its two bytes of answer to the greeting; raises SocksError."""
    version, method = answer
    if version != VERSION:
        raise no_socks()
    if method == NO_METHOD:
        raise SocksError("wants a login" if proxy.login is None else "wants another kind of login")
    if method not in (NO_LOGIN, USER_AND_PASSWORD) or (method == USER_AND_PASSWORD and proxy.login is None):
        raise no_socks()
    return method == USER_AND_PASSWORD


def login_message(proxy: Proxy) -> bytes:
    """The login, in UTF-8: RFC 1929 names no encoding, and a URL's is that (RFC 3986, 2.5)."""
    assert proxy.login
    user, password = proxy.login[0].encode(), proxy.login[1].get_secret_value().encode()
    return bytes([1, len(user)]) + user + bytes([len(password)]) + password


def check_login(answer: bytes) -> None:
    """Raise SocksError unless the two bytes that answer a login say that it is right."""
    # Zero is success, whatever stands before it: RFC 1929 wants the version 1 there, and some proxies send 5.
    if answer[1] != 0:
        raise SocksError("wants another login")


def connect_message(host: str, port: int) -> bytes:
    """What asks for a tunnel to an address, or to a name in ASCII, which the proxy then looks up."""
    try:
        address = ip_address(host)
        kind, target = (IPV4 if address.version == 4 else IPV6), address.packed
    except ValueError:
        kind, target = NAME, bytes([len(host)]) + host.encode("ascii")
    return bytes([VERSION, CONNECT, RESERVED, kind]) + target + port.to_bytes(2, "big")


def check_reply(answer: bytes, host: str) -> None:
    """Raise SocksError unless the first two bytes of a reply say that there is a tunnel to `host`."""
    version, reply = answer
    if version != VERSION:
        raise no_socks()
    if reply != 0:
        does = REFUSALS.get(reply, f"refuses to connect to {{host}} (SOCKS reply {reply})").format(host=host)
        raise SocksError(does, other_address=reply not in (2, 7))


def length_of_rest(kind: int, first: int) -> int:
    """How many bytes follow a reply's kind of address and the first byte after it; raises SocksError."""
    if kind == NAME:
        return first + 2
    if kind not in ADDRESS_LENGTHS:
        raise no_socks()
    return ADDRESS_LENGTHS[kind] - 1 + 2


def no_socks() -> SocksError:
    """What something else than a SOCKS5 proxy answers."""
    return SocksError("does not speak SOCKS5", Reason.PAYLOAD)


def closed() -> SocksError:
    """What a proxy does that goes away."""
    return SocksError("closed the connection without an answer")
