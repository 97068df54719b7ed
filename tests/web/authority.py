"""Certificates for tests: a server's, clients', and things that are none."""

import shutil
from pathlib import Path

import trustme
from cryptography.hazmat.primitives import serialization

FILES = Path(__file__).parent / "files"


def prepare(folder: Path) -> trustme.CA:
    """Fill a folder with all that the web-config files name; returns the authority of the server's certificate."""
    authority, clients = trustme.CA(), trustme.CA()
    server = authority.issue_cert("localhost", "127.0.0.1", "::1")
    write(folder, "server", server)
    write(folder, "other", authority.issue_cert("localhost"))
    for name, identity in (("prometheus", "prometheus.example.com"), ("address", "::1"), ("stranger", "evil.example")):
        write(folder, name, clients.issue_cert(identity))
    write(folder, "forged", trustme.CA().issue_cert("prometheus.example.com"))
    clients.cert_pem.write_to_path(folder / "clients.pem")
    authority.cert_pem.write_to_path(folder / "authority.pem")
    (folder / "junk.pem").write_text("hogwash\n")
    key = serialization.load_pem_private_key(server.private_key_pem.bytes(), None)
    (folder / "encrypted.key").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"x"),
        )
    )
    return authority


def write(folder: Path, name: str, certificate: trustme.LeafCert) -> None:
    """Write a certificate and its key, each into a file."""
    (folder / f"{name}.pem").write_bytes(b"".join(blob.bytes() for blob in certificate.cert_chain_pems))
    certificate.private_key_pem.write_to_path(folder / f"{name}.key")


def put(folder: Path, name: str) -> Path:
    """Copy a web-config file there; a line `@file@` becomes what is in the file."""
    lines = []
    for line in (FILES / name).read_text().splitlines():
        if line.strip().startswith("@"):
            indent = line[: len(line) - len(line.lstrip())]
            lines += [indent + text for text in (folder / line.strip().strip("@")).read_text().splitlines()]
        else:
            lines.append(line)
    path = folder / name
    path.write_text("\n".join(lines) + "\n")
    return path


def keep(folder: Path, *names: str) -> None:
    """Make files be others."""
    for new, old in zip(names[::2], names[1::2], strict=True):
        shutil.copy(folder / new, folder / old)
