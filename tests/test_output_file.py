"""Where a result may be written to, and what becomes of what was there before."""

import os
import resource
import select
import socket
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from frs_exporter.runtime.output_file import output_file, write
from tests.test_cli import run

TEXT = "# of a result\n" + 10_000 * "frs_up 1\n"


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@contextmanager
def umask(mask: int) -> Iterator[None]:
    before = os.umask(mask)
    yield
    os.umask(before)


@pytest.mark.parametrize("name", ["", ".", "..", "/", "new/", "here/.", "here/.."])
def test_what_names_no_file_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="must be the name of a file, or - for standard output"):
        output_file(name)


def test_what_holds_no_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=f"^{tmp_path} is a directory: name a file in it$"):
        output_file(str(tmp_path))
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "socket"))
        with pytest.raises(ValueError, match="is a socket or a block device: name a file, or - for standard output"):
            output_file(str(tmp_path / "socket"))


def test_a_wrong_name_is_told_before_anything_is_asked(tmp_path: Path) -> None:
    """There is no config, and nobody has looked for it yet."""
    for name, words in (("", "must be the name of a file"), (str(tmp_path), "is a directory")):
        result = run("check", f"--config.file={tmp_path}/none.yaml", f"--output-file={name}")
        assert (result.exit_code, result.stdout) == (2, "")
        assert words in result.stderr
        assert result.stderr.count("\n") == 1


def test_a_dash_is_standard_output_as_is_any_other_name_of_it() -> None:
    assert output_file("-") is None
    program = "from frs_exporter.runtime.output_file import output_file; print(output_file('/dev/stdout'))"
    for stdout in (subprocess.PIPE, subprocess.DEVNULL):
        run = subprocess.run([sys.executable, "-c", program], stdout=stdout, text=True, timeout=30, check=True)
        assert run.stdout in ("None\n", None)


def test_what_a_shell_appends_to_is_not_replaced(tmp_path: Path) -> None:
    program = "from frs_exporter.runtime.output_file import output_file; assert output_file('/dev/stdout') is None"
    with (tmp_path / "log").open("a") as log:
        subprocess.run([sys.executable, "-c", program], stdout=log, timeout=30, check=True)


@pytest.mark.parametrize("mask", [0o000, 0o022, 0o077])
def test_a_new_file_can_be_read_by_all(tmp_path: Path, mask: int) -> None:
    with umask(mask):
        write(TEXT, tmp_path / "frs.prom")
    assert (tmp_path / "frs.prom").read_text() == TEXT
    assert mode(tmp_path / "frs.prom") == 0o644
    assert os.listdir(tmp_path) == ["frs.prom"]


@pytest.mark.parametrize("permissions", [0o600, 0o640, 0o664, 0o444])
def test_a_replaced_file_keeps_owner_and_mode(tmp_path: Path, permissions: int) -> None:
    file, root = tmp_path / "frs.prom", os.geteuid() == 0
    file.write_text("what was there before, and is longer" + TEXT)
    os.chown(file, 12345 if root else -1, 12346 if root else os.getgroups()[-1])
    file.chmod(permissions)
    before = file.stat()
    with umask(0o077):
        write(TEXT, file)
    after = file.stat()
    assert file.read_text() == TEXT
    assert (after.st_uid, after.st_gid, mode(file)) == (before.st_uid, before.st_gid, permissions)
    assert after.st_ino != before.st_ino
    assert os.listdir(tmp_path) == ["frs.prom"]


def test_the_file_that_a_link_names_is_replaced_and_the_link_stays(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    target, link, chain = tmp_path / "there/frs.prom", tmp_path / "link", tmp_path / "chain"
    link.symlink_to("there/frs.prom")
    chain.symlink_to(link)
    for text in (TEXT, "again\n"):  # to a file that is not there yet, and to one that is
        write(text, chain)
        assert target.read_text() == text
        assert os.readlink(link) == "there/frs.prom"
        assert os.readlink(chain) == str(link)
        assert sorted(os.listdir(tmp_path)) == ["chain", "link", "there"]
        assert os.listdir(tmp_path / "there") == ["frs.prom"]


def test_links_that_wait_for_a_file_to_come_are_not_followed(tmp_path: Path) -> None:
    """The name of a file that is not whole yet cannot be foreseen."""
    other = tmp_path / "other"
    other.write_text("untouched")
    for name in (f".frs.prom.{os.getpid()}", ".frs-exporter.", "frs.prom.tmp"):
        (tmp_path / name).symlink_to(other)
    write(TEXT, tmp_path / "frs.prom")
    assert other.read_text() == "untouched"
    assert not (tmp_path / "frs.prom").is_symlink()
    assert len(os.listdir(tmp_path)) == 5


def test_a_long_name_is_no_matter(tmp_path: Path) -> None:
    write(TEXT, tmp_path / ("n" * 255))
    assert os.listdir(tmp_path) == ["n" * 255]


def test_devices_are_written_to_and_stay_devices(tmp_path: Path) -> None:
    """By way of a link, so that a machine survives a mistake here."""
    for name in ("null", "full"):
        (tmp_path / name).symlink_to(f"/dev/{name}")
    write(TEXT, tmp_path / "null")
    with pytest.raises(OSError, match="No space left on device"):
        write(TEXT, tmp_path / "full")
    assert (tmp_path / "null").is_char_device()
    assert sorted(os.listdir(tmp_path)) == ["full", "null"]


def test_a_terminal_is_written_to() -> None:
    leader, follower = os.openpty()
    write("one\n", Path(os.ttyname(follower)))
    assert os.read(leader, 100) == b"one\r\n"
    os.close(leader)
    os.close(follower)


def test_a_fifo_is_written_to_while_somebody_reads_and_refused_where_nobody_does(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    with pytest.raises(OSError, match="nobody reads from it"):
        write(TEXT, fifo)
    with open(os.open(fifo, os.O_RDONLY | os.O_NONBLOCK), "rb") as reader:
        os.set_blocking(reader.fileno(), True)
        writer = threading.Thread(target=write, args=(TEXT, fifo))
        writer.start()
        select.select([reader], [], [], 10)
        assert reader.read() == TEXT.encode(), "which is more than fits at once"
        writer.join()
    assert stat.S_ISFIFO(fifo.stat().st_mode)
    assert os.listdir(tmp_path) == ["fifo"]


def test_a_file_that_has_no_name_any_more_is_written_to(tmp_path: Path) -> None:
    with (tmp_path / "gone").open("w+") as stream:
        stream.write(2 * TEXT)
        stream.flush()
        (tmp_path / "gone").unlink()
        write(TEXT, Path(f"/proc/self/fd/{stream.fileno()}"))
        stream.seek(0)
        assert stream.read() == 3 * TEXT
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("name", ["/dev/fd/{}", "/proc/self/fd/{}"])
def test_what_is_open_goes_on_and_nothing_of_it_is_lost(tmp_path: Path, name: str) -> None:
    """As with `--output-file /dev/fd/3 3>>log`: what a shell has opened must not be replaced."""
    (tmp_path / "log").write_text("before\n")
    with (tmp_path / "log").open("a") as stream:
        file = output_file(name.format(stream.fileno()))
        assert file is not None
        write(TEXT, file)
        stream.write("after\n")
    assert (tmp_path / "log").read_text() == f"before\n{TEXT}after\n"
    assert os.listdir(tmp_path) == ["log"]


def test_standard_output_may_be_a_socket_as_under_systemd() -> None:
    program = "from frs_exporter.runtime.output_file import output_file; assert output_file('/dev/stdout') is None"
    ours, theirs = socket.socketpair()
    with ours, theirs:
        subprocess.run([sys.executable, "-c", program], stdout=theirs.fileno(), timeout=30, check=True)


def test_nothing_is_left_behind_and_nothing_is_lost_when_the_disk_is_full(tmp_path: Path) -> None:
    file = tmp_path / "frs.prom"
    file.write_text("before")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, hard))
    try:
        with pytest.raises(OSError, match="File too large"):
            write(TEXT, file)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert os.listdir(tmp_path) == ["frs.prom"]
    assert file.read_text() == "before"


def test_what_cannot_be_replaced_is_left_and_told(tmp_path: Path) -> None:
    loop = tmp_path / "loop"
    loop.symlink_to("loop")
    with pytest.raises(OSError, match="Too many levels of symbolic links"):
        write(TEXT, loop)
    with pytest.raises(OSError, match="No such file or directory"):
        write(TEXT, tmp_path / "no" / "where")
    (tmp_path / "directory").mkdir()
    with pytest.raises(OSError, match="Is a directory"):
        write(TEXT, tmp_path / "directory")
    assert sorted(os.listdir(tmp_path)) == ["directory", "loop"]
