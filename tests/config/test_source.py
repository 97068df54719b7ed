"""Which files are read again: those that have changed, and those that could not be read."""

import os
from pathlib import Path

import pytest
import trustme

from frs_exporter.config.load import Config, load
from frs_exporter.config.source import Source
from frs_exporter.core.errors import ConfigError
from tests.starving import no_descriptors

MINIMAL = (Path(__file__).parent / "files" / "minimal.good.yaml").read_text()
CLIENT = "http_client: {tls_config: {ca_file: ca.pem, cert_file: a.pem, key_file: a.key}}\n"
FILES = ("c.yaml", "sk", "ca.pem", "a.pem", "a.key")


@pytest.fixture
def source(tmp_path: Path) -> Source[Config]:
    """A config that has been loaded and names a file of each kind."""
    authority = trustme.CA()
    leaf = authority.issue_cert("a.example")
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    leaf.cert_chain_pems[0].write_to_path(tmp_path / "a.pem")
    leaf.private_key_pem.write_to_path(tmp_path / "a.key")
    (tmp_path / "sk").write_text("sk")
    (tmp_path / "c.yaml").write_text(MINIMAL.replace("secret_key: sk", "secret_key: !file sk") + CLIENT)
    loaded = Source(str(tmp_path / "c.yaml"), load)
    loaded.load()
    assert not loaded.changed()
    return loaded


def touch(file: Path) -> None:
    """Put the same file there anew."""
    file.with_name("new").write_bytes(file.read_bytes())
    os.replace(file.with_name("new"), file)


def refused(source: Source[Config]) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        source.load()
    return caught.value


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("free", [0, 1, 2])
def test_what_could_not_be_read_for_want_of_descriptors_is_read_again(
    tmp_path: Path, source: Source[Config], name: str, free: int
) -> None:
    """With none the config is not read, with one its certificates reach OpenSSL not, with two not their keys."""
    touch(tmp_path / name)
    with no_descriptors(free):
        error = refused(source)
        assert error.temporary
        assert "Too many open files" in str(error)
        assert source.changed()
    assert source.changed()
    source.load()
    assert not source.changed()


def test_what_a_change_alone_can_mend_is_not_read_before_there_is_one(tmp_path: Path, source: Source[Config]) -> None:
    (tmp_path / "sk").unlink()
    assert source.changed()
    assert not refused(source).temporary
    assert not source.changed()
    (tmp_path / "sk").symlink_to("sk")
    assert source.changed(), "a file that cannot be looked at is not one that is not there"
    assert "Too many levels of symbolic links" in str(refused(source))
    assert not source.changed()


@pytest.mark.parametrize("name", FILES[1:])
def test_the_files_of_the_config_in_force_are_watched_after_a_failed_load(
    tmp_path: Path, source: Source[Config], name: str
) -> None:
    (tmp_path / "c.yaml").write_text("{")
    refused(source)
    assert not source.changed()
    touch(tmp_path / name)
    assert source.changed()
    refused(source)
    assert not source.changed()


def test_a_load_that_is_given_up_and_ends_later_counts_for_nothing(tmp_path: Path, source: Source[Config]) -> None:
    touch(tmp_path / "sk")
    attempt = source.attempt()
    assert attempt.error is None
    assert source.changed()
    source.accept(attempt)
    assert not source.changed()


def test_an_empty_folder_in_its_place_is_no_config(tmp_path: Path, source: Source[Config]) -> None:
    (tmp_path / "c.yaml").unlink()
    (tmp_path / "c.yaml").mkdir()
    assert source.changed()
    problem = f"{tmp_path}/c.yaml: there is no file in this folder whose name ends in .yaml or .yml"
    assert refused(source).problems == (problem,)
