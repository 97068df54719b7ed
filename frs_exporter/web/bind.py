"""Where to listen: sockets at an address, and how the address of a socket is written."""

import asyncio
import contextlib
import errno
import socket
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address, ip_address

Address = tuple[str | None, int]
"""Host, None for all of the machine's addresses, and port."""

BACKLOG = 1024
NOT_HERE = {errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT}
"""What is said of an address of a family that this machine does not have, as where IPv6 is turned off."""


def literal(host: str | None) -> IPv4Address | IPv6Address | None:
    """The IP address that a host is, None for a name or none."""
    try:
        return ip_address(host or "")
    except ValueError:
        return None


def serves_both(address: Address, others: Iterable[Address]) -> bool:
    """Whether IPv4 connections come in at an IPv6 address, too: at `[::]`, as with Go's exporters.

    Not where one of the others has an IPv4 address, or none, at the same port, and wants them itself.
    """
    host, port = address
    twins = [other for other, other_port in others if other_port == port]
    taken = any(not other or isinstance(literal(other), IPv4Address) for other in twins)
    return literal(host) == IPv6Address("::") and not taken


async def bind(address: Address, others: Iterable[Address] = ()) -> list[socket.socket]:
    """Sockets that listen at an address, of each family that it has here, where `others` are listened at, too.

    Raises OSError and UnicodeError.
    """
    host, port = address
    if serves_both(address, others):
        return [socket.create_server(("::", port), family=socket.AF_INET6, backlog=BACKLOG, dualstack_ipv6=True)]
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    bound, not_here = list[socket.socket](), list[OSError]()
    with contextlib.ExitStack() as open_sockets:
        for family, name in dict.fromkeys((family, name) for family, _, _, _, name in found):
            try:
                bound.append(open_sockets.enter_context(socket.create_server(name, family=family, backlog=BACKLOG)))
            except OSError as error:
                if error.errno not in NOT_HERE:
                    raise
                not_here.append(error)
        if not bound:
            raise not_here[0]
        open_sockets.pop_all()
    return bound


def format_address(address: Address) -> str:
    """An address as it is given, `:10377`, `localhost:10377` or `[fe80::1%eth0]:10377`."""
    host, port = address
    return f"[{host}]:{port}" if ":" in (host or "") else f"{host or ''}:{port}"


def socket_address(sock: socket.socket) -> str:
    """The address of a listening socket: `0.0.0.0:10377`, `[fe80::1%eth0]:10377`, or the path of a Unix socket."""
    name = sock.getsockname()
    if sock.family == socket.AF_INET6:
        host, port = socket.getnameinfo(name, socket.NI_NUMERICHOST | socket.NI_NUMERICSERV)
        return f"[{host}]:{port}"
    if sock.family == socket.AF_INET:
        return f"{name[0]}:{name[1]}"
    return name.decode("utf-8", "replace") if isinstance(name, bytes) else str(name)
