"""At which addresses it listens, and what is said of them."""

import asyncio
import socket
from pathlib import Path

import pytest

from frs_exporter.cli.daemon import listening_sockets
from frs_exporter.web.bind import Address, bind, serves_both, socket_address


@pytest.mark.parametrize(
    ("address", "others", "both"),
    [
        (("::", 1), [], True),
        (("0:0::0", 1), [], True),
        (("::", 1), [("0.0.0.0", 2), (None, 2), ("::1", 1), ("example.com", 1)], True),
        (("::", 1), [("0.0.0.0", 1)], False),
        (("::", 1), [("127.0.0.1", 1)], False),
        (("::", 1), [(None, 1)], False),
        (("::1", 1), [], False),
        (("::%1", 1), [], False),
        ((None, 1), [], False),
        (("0.0.0.0", 1), [], False),
        (("localhost", 1), [], False),
    ],
)
def test_who_serves_both_families(address: Address, others: list[Address], both: bool) -> None:
    assert serves_both(address, [address, *others]) is both


async def free_port() -> int:
    """A port that both families have free."""
    (sock,) = await bind(("::", 0))
    with sock:
        return int(sock.getsockname()[1])


async def comes_in(host: str, port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection(host, port)
    except OSError:
        return False
    writer.close()
    return True


async def test_any_ipv6_address_is_any_address_at_all() -> None:
    (sock,) = await listening_sockets([("::", 0)])
    with sock:
        port = sock.getsockname()[1]
        assert socket_address(sock) == f"[::]:{port}"
        assert [await comes_in(host, port) for host in ("127.0.0.1", "::1")] == [True, True]


@pytest.mark.parametrize("twin", ["0.0.0.0", "127.0.0.1"])
@pytest.mark.parametrize("first", [True, False])
async def test_its_ipv4_twin_has_those_connections_where_it_is_given_too(twin: str, first: bool) -> None:
    port = await free_port()
    addresses: list[Address] = [("::", port), (twin, port)]
    sockets = await listening_sockets(addresses if first else addresses[::-1])
    assert {socket_address(sock) for sock in sockets} == {f"[::]:{port}", f"{twin}:{port}"}
    assert [await comes_in(host, port) for host in ("127.0.0.1", "::1")] == [True, True]
    for sock in sockets:
        sock.close()


async def test_all_addresses_are_told() -> None:
    port = await free_port()
    sockets = await listening_sockets([(None, port)])
    assert sorted(map(socket_address, sockets)) == [f"0.0.0.0:{port}", f"[::]:{port}"]
    for sock in sockets:
        sock.close()


async def test_an_address_with_a_zone_is_one_of_that_interface() -> None:
    """No machine has this one: that it is looked for is what can be seen everywhere."""
    with pytest.raises(OSError, match="assign requested address"):
        await bind(("fe80::ffff%lo", 0))
    with pytest.raises(OSError, match="not known"):
        await bind(("fe80::ffff%nowhere0", 0))


def test_a_unix_socket_is_told_by_its_path(tmp_path: Path) -> None:
    for name, text in ((str(tmp_path / "s"), str(tmp_path / "s")), (b"\0frs-exporter-test", "\0frs-exporter-test")):
        with socket.socket(socket.AF_UNIX) as sock:
            sock.bind(name)
            assert socket_address(sock) == text
