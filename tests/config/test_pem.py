"""PEM blocks in a file: what stands around them is nothing to us, and one that is cut off is no file."""

import datetime
import ssl
from pathlib import Path

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import given
from hypothesis import strategies as st

from frs_exporter.config.load import load
from frs_exporter.config.pem import (
    AsFile,
    check_key,
    file_in_memory,
    file_on_disk,
    in_parentheses,
    pem_blocks,
    use_certificate,
)
from frs_exporter.config.yaml import Document
from frs_exporter.core.errors import ConfigError

MINIMAL = (Path(__file__).parent / "files" / "minimal.good.yaml").read_text()
AUTHORITY = trustme.CA()
LEAF = AUTHORITY.issue_cert("a.example")
CA = AUTHORITY.cert_pem.bytes()
CERT, KEY = LEAF.cert_chain_pems[0].bytes(), LEAF.private_key_pem.bytes()
AROUND = [
    b"\xef\xbb\xbf",
    "\N{ZERO WIDTH NO-BREAK SPACE}# Zürich, 北京\n".encode(),
    "Aussteller: Müller\r\n".encode("latin-1"),
    b"subject=CN = a\n-- \n----- ENCRYPTED\n",
]


@given(st.lists(st.binary().filter(lambda text: b"-" not in text), min_size=3, max_size=3))
def test_what_stands_around_blocks_is_nothing(texts: list[bytes]) -> None:
    first, second, third = texts
    assert pem_blocks(first + CERT + second + CA + third) == CERT + CA


@given(st.integers(min_value=1, max_value=len(CERT + CA) - 1))
def test_a_file_that_is_cut_off_does_not_pass_for_another(length: int) -> None:
    """But where the cut is between two blocks, or before the first word of one, which nobody can know."""
    part = (CERT + CA)[:length]
    begun = {whole + b"-----BEGIN"[:count] for whole in (b"", CERT) for count in range(11)}
    if part not in {*begun, CERT[:-1], (CERT + CA)[:-1]}:
        with pytest.raises(ValueError, match="part of it is missing"):
            pem_blocks(part)


def test_blocks_that_do_not_pair_are_refused() -> None:
    for content in (
        CERT + b"-----END CERTIFICATE-----",
        b"-----BEGIN A-----\n" + CERT,
        CERT.replace(b"END C", b"END X"),
    ):
        with pytest.raises(ValueError, match="part of it is missing"):
            pem_blocks(content)
    assert pem_blocks(b"hogwash") == b""


def test_only_a_key_can_be_encrypted() -> None:
    document = Document()
    check_key(document, (), KEY)
    assert not document.problems
    check_key(document, (), b"-----BEGIN ENCRYPTED PRIVATE KEY-----\n")
    check_key(document, (), b"-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n")
    assert len(document.problems) == 2


@pytest.mark.parametrize("as_file", [file_in_memory, file_on_disk])
def test_what_only_files_are_read_for_is_in_one_for_a_while(as_file: AsFile) -> None:
    """On disk it is where the system has no files in memory."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    with as_file(CA) as name:
        context.load_verify_locations(name)
    assert context.get_ca_certs(binary_form=True) == [ssl.PEM_cert_to_DER_cert(CA.decode())]
    assert not Path(name).is_file()


def self_signed(bits: int, days: int = 30) -> tuple[bytes, bytes]:
    """A certificate and its RSA key."""
    key = rsa.generate_private_key(65537, bits)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "a.example")])
    begin = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), 1, begin, begin + datetime.timedelta(days))
        .sign(key, hashes.SHA256())
        .public_bytes(serialization.Encoding.PEM)
    )
    encoding = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return certificate, key.private_bytes(*encoding)


def refusal(certificates: bytes, key: bytes) -> str:
    """Why a server cannot show these."""
    with pytest.raises(ValueError, match=r".+") as caught:
        use_certificate(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), certificates, key, "mismatch", "neither")
    return str(caught.value)


def test_a_key_that_is_too_short_is_told() -> None:
    text = "its key is too short for this machine's OpenSSL: RSA needs 2048 bits or more"
    assert refusal(*self_signed(1024)) == text


@pytest.mark.parametrize("issuer", [CA, self_signed(2048)[0]], ids=["same type of key", "another type"])
def test_a_chain_in_the_wrong_order_is_told(issuer: bytes) -> None:
    order = "its certificates are in the wrong order: the one that the key is of comes first, then that of its issuer"
    assert refusal(issuer + CERT, KEY) == order
    assert refusal(issuer, KEY) == "mismatch"


def test_what_is_no_certificate_or_no_key_is_told_with_openssls_reason_if_it_has_one() -> None:
    empty = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
    for certificates, key in ((b"", KEY), (CERT, b""), (CERT, CERT), (empty, KEY)):
        assert refusal(certificates, key) == "neither"
    error = ssl.SSLError()
    for reason, text in (("NO_START_LINE", ""), (None, ""), ("BAD_BASE64_DECODE", " (OpenSSL: bad base64 decode)")):
        error.reason = reason  # type: ignore[assignment]
        assert in_parentheses(error) == text


def context_of(folder: Path) -> ssl.SSLContext:
    """What the config in a folder believes and shows."""
    text = "http_client: {tls_config: {ca_file: ca.pem, cert_file: a.pem, key_file: a.key}}\n"
    (folder / "c.yaml").write_text(MINIMAL + text)
    context = load(str(folder / "c.yaml")).targets[0].http.context
    assert context
    return context


@pytest.mark.parametrize("around", AROUND)
def test_files_of_a_client_may_have_anything_around_their_blocks(tmp_path: Path, around: bytes) -> None:
    for name, content in (("ca.pem", CA), ("a.pem", CERT), ("a.key", KEY)):
        (tmp_path / name).write_bytes(around + content + around)
    assert context_of(tmp_path).get_ca_certs(binary_form=True) == [ssl.PEM_cert_to_DER_cert(CA.decode())]


@pytest.mark.parametrize("name", ["ca.pem", "a.pem", "a.key"])
def test_files_of_a_client_that_are_cut_off_are_refused(tmp_path: Path, name: str) -> None:
    for file, content in (("ca.pem", CA + CA), ("a.pem", CERT + CA), ("a.key", KEY)):
        (tmp_path / file).write_bytes(content[:-30] if file == name else content)
    with pytest.raises(ConfigError, match=r"_file: cannot use the file: a BEGIN line .* part of it is missing"):
        context_of(tmp_path)
