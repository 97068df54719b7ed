"""Who is one client: an address, a whole network where one machine has all of that, or this machine (pure)."""

from ipaddress import IPv6Address, IPv6Network, ip_address

LOCAL = ""
"""This machine: loopback, and Unix sockets."""
PREFIX = 64
"""Bits of an IPv6 address that tell one client from another: a machine chooses the others as it likes (RFC 4291)."""


def peer_of(host: str) -> str:
    """The client that an address is of: an IPv4 address, a /64 of IPv6, or LOCAL."""
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return host  # a Unix socket's, which is empty, or one that tells clients apart all the same
    if isinstance(address, IPv6Address):
        address = address.ipv4_mapped or address  # an IPv4 client at a socket for both families
    if address.is_loopback:
        return LOCAL
    if isinstance(address, IPv6Address):
        return str(IPv6Network((int(address), PREFIX), strict=False))
    return str(address)
