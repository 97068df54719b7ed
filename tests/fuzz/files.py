"""Any bytes as one of the other files that are read, for keys, regions, certificates or a secret: none is quoted."""

import ssl
from pathlib import Path

import click
from pydantic import SecretStr

from frs_exporter.cli.adhoc import given_token
from frs_exporter.cloud.key_services import token_of
from frs_exporter.config.certificate import validity
from frs_exporter.config.pem import pem_blocks, trust, use_certificate
from frs_exporter.config.sdk_chain import FILE, SdkChain
from frs_exporter.config.sdk_regions import FILE as REGIONS_FILE
from frs_exporter.config.sdk_regions import region_endpoint
from frs_exporter.config.yaml import Document, read, unwatched
from frs_exporter.core.credentials import KeyCredential, StaticToken
from frs_exporter.core.errors import ApiError, Reason
from frs_exporter.core.model import Api
from tests.conftest import run_virtual
from tests.fuzz.inputs import in_memory

SECRET = "s3cret-of-a-file"
"""What inputs have in them, and no message has."""
LONGEST = 400
"""Characters of a message: none of them holds much of a file."""
PEM_PROBLEMS = (OSError, ValueError)


def check_told(message: str) -> None:
    """A message is one line that people can read, and has no secret in it."""
    assert message.isprintable(), message
    assert 0 < len(message) < LONGEST
    assert SECRET not in message


def check_profile(data: bytes) -> None:
    """What must hold of any file as that in which the vendor's clients have their keys."""
    with in_memory() as folder:
        file = folder / "credentials"
        file.write_bytes(data)
        document = Document()
        chain = SdkChain(document, (), "c", {FILE: str(file)}, unwatched)
        found = chain.find(lambda: None, lambda: None)
    assert (found is None) is bool(document.problems)
    for text in (*(problem.message for problem in document.problems), *chain.oddities, chain.source):
        check_told(text or "nothing")
    if isinstance(found, KeyCredential):
        secret = found.secret_key.get_secret_value()
        assert secret
        assert all("!" <= character <= "~" for character in found.access_key + secret)
        assert SECRET not in repr(found) or SECRET in found.access_key


def check_regions(data: bytes) -> None:
    """What must hold of any file as that in which the vendor's clients are told where services are."""
    with in_memory() as folder:
        environment = {REGIONS_FILE: str(folder / "regions.yaml")}
        (folder / "regions.yaml").write_bytes(data)
        try:
            found = region_endpoint("FRS", "cn-north-4", environment)
        except ValueError as error:
            check_told(str(error))
            return
        assert found == region_endpoint("FRS", "cn-north-4", environment)
        assert found is None or (found[0] and found[1] == environment[REGIONS_FILE])


def check_pem(data: bytes) -> None:
    """What must hold of any file as certificates and a key: they are used, or it is told why not."""
    try:
        blocks = pem_blocks(data)
    except ValueError as error:
        check_told(str(error))
        return
    assert pem_blocks(blocks) == blocks
    assert pem_blocks(b"\xef\xbb\xbf" + blocks + b"\xff") == blocks
    try:
        trust(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations, blocks)
    except PEM_PROBLEMS as error:
        check_told(str(error))
    try:
        use_certificate(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), blocks, blocks, "another key", "neither")
    except PEM_PROBLEMS as error:
        check_told(str(error))
    try:
        valid = validity(blocks)
        assert all(text.isprintable() for text in valid.oddities(0.0))
    except ValueError:
        pass


def check_secret(data: bytes) -> None:
    """What must hold of any file with nothing but a secret in it: that of a config, a token of a pod, one of a flag."""
    text = data.decode("utf-8", "replace")
    with in_memory() as folder:
        file = folder / "file"
        file.write_bytes(data)
        document = read("password: !file file", str(folder / "c.yaml"), {})
        if document.problems:
            check_told(document.problems[0].message)
        else:
            assert document.data["password"] == text.removeprefix("\ufeff").rstrip("\r\n")
        check_token(file)
        check_given(file)


def check_token(file: Path) -> None:
    """The token that is sent in a header goes into one."""
    try:
        token = run_virtual(token_of(str(file), Api.STS))
    except ApiError as error:
        reason, message = error.failure.reason, error.failure.message
        check_told(message)
        assert reason is Reason.FORBIDDEN
    else:
        assert token
        assert all("!" <= character <= "~" for character in token)


def check_given(file: Path) -> None:
    """The same of one that a flag names, which may stand in the header that it came with."""
    try:
        given = given_token(str(file))
    except click.UsageError as error:
        check_told(error.message)
        return
    assert isinstance(given, StaticToken)
    assert isinstance(given.value, SecretStr)
    assert all("!" <= character <= "~" for character in given.value.get_secret_value())
