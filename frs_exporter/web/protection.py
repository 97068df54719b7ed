"""What a web config protects the exporter by, and which of it another file takes away without saying so."""

import ssl
from collections.abc import Collection, Mapping
from typing import Any

from frs_exporter.config.yaml import mapping
from frs_exporter.web.tls import REQUIRED, SECTION, TlsServerConfig

TLS, CLIENTS, AUTHORITY, NAMES = "TLS", "client certificates", "client_ca", "client_allowed_sans"
LOGINS = "logins"
USERS = "basic_auth_users"

REMEDIES: Mapping[str, str] = {
    TLS: "to serve plain HTTP, write tls_server_config: {}",
    CLIENTS: "to want no certificates of clients, write client_auth_type: NoClientCert",
    AUTHORITY: "to believe all authorities of this machine, restart",
    NAMES: "to let all names in, restart",
    LOGINS: "to let everybody in without a login, write basic_auth_users: {}",
}


def protections(tls: TlsServerConfig, users: Collection[str]) -> frozenset[str]:
    """What stands between the exporter and everybody; `tls` is a good section, or an empty one."""
    there = {
        TLS: bool(tls.model_fields_set),
        CLIENTS: tls.client_auth_type is ssl.CERT_REQUIRED,
        AUTHORITY: tls.verifies and tls.authority,
        NAMES: tls.client_allowed_sans is not None,
        LOGINS: bool(users),
    }
    return frozenset(name for name, is_there in there.items() if is_there)


def waived(data: Any) -> frozenset[str]:
    """What a file, as plain data, says that it wants no protection by.

    A key that is absent says nothing, nor does one without a value: whoever writes may not have come to it yet.
    """
    file = mapping(data)
    names: set[str] = set()
    if file.get(USERS) == {}:
        names.add(LOGINS)
    if file.get(SECTION) == {}:
        names |= {TLS, CLIENTS, AUTHORITY, NAMES}
    elif mapping(file.get(SECTION)).get("client_auth_type") not in (None, "", REQUIRED):
        names |= {CLIENTS, AUTHORITY, NAMES}
    return frozenset(names)


def lost(before: frozenset[str], after: frozenset[str], waived: frozenset[str]) -> list[str]:
    """What is wrong with a file that would take protection away without saying so; empty for nothing."""
    names = before - after - waived
    for whole, parts in ((TLS, {CLIENTS, AUTHORITY, NAMES}), (CLIENTS, {AUTHORITY, NAMES})):
        if whole in names:
            names -= parts
    return [f"nothing is said of {name}, as it was before, which stays; {REMEDIES[name]}" for name in sorted(names)]
