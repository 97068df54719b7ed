"""State that outlives the process: whole after any kill, shared without loss, never trusted, never in the way."""

import json
import os
import random
import resource
import socket
import stat
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from frs_exporter.runtime.private_folder import locked_folder
from frs_exporter.runtime.state_file import MAX_ENTRIES, MAX_SIZE, Entries, StateFile, stretched
from tests.writers import write_at_once, writer

NOW = 1_800_000_000.0
SOON = NOW + 3600
ONE = {"until": SOON, "refused": 1}
NOBODY = 65534
IGNORED, MEMORY_ONLY = "state file ignored", "state is kept in memory only"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "new" / "state"


def state(folder: Path | None) -> StateFile:
    """What a new process has."""
    return StateFile(folder, lambda: NOW)


def put(file: StateFile, name: str, **fields: Any) -> None:
    """Add an entry."""
    file.update(lambda entries: entries.update({name: {"until": SOON, **fields}}))


def mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


def document(folder: Path) -> dict[str, Any]:
    """What is on disk."""
    read: dict[str, Any] = json.loads((folder / "state.json").read_bytes())
    return read


def fill(folder: Path, content: bytes) -> None:
    """Put something else in the place of a document."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "state.json").write_bytes(content)


# Kept


def test_what_one_process_puts_there_the_next_one_finds(folder: Path) -> None:
    first = state(folder)
    put(first, "a", refused=[1.5, 2.5])
    assert state(folder).read() == first.read() == {"a": {"until": SOON, "refused": [1.5, 2.5]}}
    second = state(folder)
    second.update(lambda entries: entries["a"].update(refused=[]))
    assert first.read() == {"a": {"until": SOON, "refused": []}}
    second.update(lambda entries: entries.clear())
    assert first.read() == {}


def test_the_format_is_as_documented(folder: Path) -> None:
    put(state(folder), "a", refused=1)
    found = document(folder)
    assert len(bytes.fromhex(found.pop("key"))) == 32
    assert found == {"version": 1, "entries": {"a": ONE}}


@pytest.mark.parametrize("mask", [0o000, 0o022, 0o077])
def test_nobody_else_may_read(folder: Path, mask: int) -> None:
    before = os.umask(mask)
    put(state(folder), "a")
    os.umask(before)
    assert mode(folder) == 0o700
    assert {path.name: mode(path) for path in folder.iterdir()} == {"state.json": 0o600, "state.lock": 0o600}


def test_a_folder_that_is_there_stays_as_it_is(tmp_path: Path) -> None:
    tmp_path.chmod(0o750)
    put(state(tmp_path), "a")
    assert mode(tmp_path) == 0o750


def test_the_folder_may_be_reached_by_a_link(tmp_path: Path) -> None:
    """As with DynamicUser=: /var/lib/frs-exporter is a link to private/frs-exporter."""
    (tmp_path / "private").mkdir()
    (tmp_path / "state").symlink_to("private")
    put(state(tmp_path / "state"), "a")
    assert state(tmp_path / "private").read() == {"a": {"until": SOON}}


def test_nothing_is_made_before_there_is_something_to_keep(folder: Path) -> None:
    assert state(folder).read() == {}
    assert not folder.parent.exists()
    state(folder).flush()
    assert document(folder)["entries"] == {}


def test_what_has_not_changed_is_not_written(folder: Path) -> None:
    put(state(folder), "a")
    before = (folder / "state.json").stat()
    file = state(folder)
    file.update(lambda entries: entries.pop("b", None) and None)
    put(file, "a")
    file.flush()
    assert (folder / "state.json").stat() == before


def test_what_is_read_is_a_copy(folder: Path) -> None:
    for file in (state(folder), state(None)):
        put(file, "a", refused=[1])
        file.read()["a"]["refused"].append(2)
        assert file.read()["a"]["refused"] == [1]


def test_a_change_that_fails_changes_nothing(folder: Path) -> None:
    def change(entries: Entries) -> None:
        entries["a"]["refused"].append(2)
        raise LookupError

    for file in (state(folder), state(None)):
        put(file, "a", refused=[1])
        with pytest.raises(LookupError):
            file.update(change)
        with pytest.raises(TypeError):
            put(file, "b", refused=object())
        put(file, "b")
        assert file.read() == {"a": {"until": SOON, "refused": [1]}, "b": {"until": SOON}}


# Ends


def test_entries_end(folder: Path) -> None:
    now = [NOW]
    for file in (StateFile(folder, lambda: now[0]), StateFile(None, lambda: now[0])):
        now[0] = NOW
        file.update(lambda entries: entries.update(a={"until": NOW + 1}, b={"until": NOW + 2}))
        now[0] = NOW + 1
        assert file.read() == {"b": {"until": NOW + 2}}
        file.flush()
        now[0] = NOW
        assert file.read() == {"b": {"until": NOW + 2}}
    assert document(folder)["entries"].keys() == {"b"}


@pytest.mark.parametrize("entry", [None, 1, "x", [], {}, {"until": None}, {"until": "1e9"}, {"until": True}])
def test_what_has_no_end_is_no_entry(folder: Path, entry: Any) -> None:
    put(state(folder), "a")
    fill(folder, json.dumps({**document(folder), "entries": {"a": ONE, "b": entry}}).encode())
    assert state(folder).read() == {"a": ONE}
    put(state(folder), "c")
    assert document(folder)["entries"].keys() == {"a", "c"}


@pytest.mark.parametrize("depth", [50, 500, 900])
def test_what_is_nested_too_deeply_to_be_copied_is_no_entry(folder: Path, depth: int) -> None:
    """JSON may be read that can be neither copied nor written."""
    fill(folder, GOOD.replace('{"a"', f'{{"b": {{"until": {SOON}, "x": {"[" * depth}{"]" * depth}}}, "a"').encode())
    file = state(folder)
    assert file.read() == {"a": ONE}
    put(file, "c", refused=1)
    assert state(folder).read() == {"a": ONE, "c": ONE}
    assert not file.folder.problems


@pytest.mark.parametrize("until", ["NaN", "Infinity", "-Infinity", "-1", "0", "1e400", "9" * 400])
def test_an_end_is_a_time_to_come(folder: Path, until: str) -> None:
    key = "ab" * 32
    fill(folder, f'{{"version": 1, "key": "{key}", "entries": {{"a": {{"until": {until}}}}}}}'.encode())
    assert state(folder).read() == {}
    put(state(folder), "b")
    assert document(folder) == {"version": 1, "key": key, "entries": {"b": {"until": SOON}}}


def test_of_too_many_entries_those_stay_that_end_last(folder: Path) -> None:
    ends = list(range(MAX_ENTRIES + 100))
    random.Random(1).shuffle(ends)
    for file in (state(folder), state(None)):
        file.update(lambda entries: entries.update({str(end): {"until": SOON + end} for end in ends}))
        assert {int(name) for name in file.read()} == set(range(100, MAX_ENTRIES + 100))


def test_a_document_never_becomes_too_long_to_be_read(folder: Path) -> None:
    entries = {str(end): {"until": SOON + end, "text": "x" * (MAX_SIZE // 8)} for end in range(12)}
    state(folder).update(lambda found: found.update(entries))
    assert (folder / "state.json").stat().st_size <= MAX_SIZE
    assert list(state(folder).read()) == ["6", "7", "8", "9", "10", "11"]


# Whole


WRITER = """
import sys, time
from pathlib import Path
from frs_exporter.runtime.state_file import StateFile
state, name, times = StateFile(Path(sys.argv[1])), sys.argv[2], int(sys.argv[3])
def change(entries):
    entry = entries.setdefault(name, {"until": time.time() + 1000, "count": 0, "text": ""})
    entry.update(count=entry["count"] + 1, text="x" * (entry["count"] * 977 % 100_000))
print(end="begun", flush=True)
while times:
    state.update(change)
    times -= 1
state.flush()
"""


def test_a_kill_at_any_time_leaves_a_whole_file(folder: Path) -> None:
    """And at most one beside it that is not, which the next one takes away."""
    chance, count = random.Random(1), 0
    for _ in range(30):
        process = writer(WRITER, folder, "a", -1)
        time.sleep(chance.uniform(0, 0.05))
        process.kill()
        process.communicate()
        reader = StateFile(folder)
        entry = reader.read().get("a", {"count": 0, "text": ""})
        assert not reader.folder.problems
        assert entry["count"] >= count
        assert len(entry["text"]) == max(entry["count"] - 1, 0) * 977 % 100_000
        count = entry["count"]
        assert {path.name for path in folder.glob("*")} <= {"state.json", "state.lock", "state.json.new"}
    assert count > 30
    StateFile(folder).update(lambda entries: entries.clear())
    assert {path.name for path in folder.iterdir()} == {"state.json", "state.lock"}


def test_processes_that_write_at_once_lose_nothing(folder: Path) -> None:
    write_at_once(WRITER, folder)
    assert {name: entry["count"] for name, entry in StateFile(folder).read().items()} == {
        "a": 100,
        "b": 100,
        "both": 200,
    }


def test_threads_that_write_at_once_lose_nothing(folder: Path) -> None:
    def count(entries: Entries) -> None:
        entries["a"]["count"] += 1

    shared = state(folder)
    for file in (state(None), shared):
        put(file, "a", count=0)
        others = (file, file) if file.folder.path is None else (file, state(folder))
        threads = [threading.Thread(target=lambda f=f: [f.update(count) for _ in range(50)]) for f in others]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert file.read()["a"]["count"] == 100


def test_one_who_stands_still_with_the_lock_holds_up_nobody_for_ever(folder: Path) -> None:
    put(state(folder), "a")
    file = StateFile(folder, lambda: NOW, timeout=0.1)
    with locked_folder(folder, "state.lock"), capture_logs() as logs:
        put(file, "b")
        put(file, "c")
        assert file.read().keys() == {"a", "b", "c"}
        assert state(folder).read().keys() == {"a"}
    assert [(line["event"], line["error"]) for line in logs] == [(MEMORY_ONLY, "another process keeps it locked")]
    put(state(folder), "d")
    file.flush()
    assert state(folder).read().keys() == {"a", "b", "c", "d"}


# Damaged


GOOD = json.dumps({"version": 1, "key": "ab" * 32, "entries": {"a": ONE}})
DAMAGED = {
    "empty": (b"", "it is not JSON"),
    "cut off": (GOOD.encode()[:-1], "it is not JSON"),
    "two of them": (2 * GOOD.encode(), "it is not JSON"),
    "not text": (b"\xff\xfe\x00", "it is not JSON"),
    "zeros": (bytes(4096), "it is not JSON"),
    "nested": (b"[" * 100_000, "it is not JSON"),
    "a long number": (b"1" * 10_000, "it is not JSON"),
    "a list": (b"[]", "it is no state of this program"),
    "nothing in it": (b"{}", "it is no state of this program"),
    "no key": (GOOD.replace('"key"', '"kay"').encode(), "it is no state of this program"),
    "a short key": (GOOD.replace("abab", "ab", 1).encode(), "it is no state of this program"),
    "another key": (GOOD.replace("ab", "AB").encode(), "it is no state of this program"),
    "entries in a list": (GOOD.replace(f'{{"a": {json.dumps(ONE)}}}', "[]").encode(), "it is no state of this program"),
    "version 2": (GOOD.replace("1", "2", 1).encode(), "it is of another version"),
    "version 0": (GOOD.replace("1", "0", 1).encode(), "it is of another version"),
    "too long": (GOOD.encode() + b" " * MAX_SIZE, f"it is longer than {MAX_SIZE} bytes"),
}


@pytest.mark.parametrize(("content", "reason"), DAMAGED.values(), ids=list(DAMAGED))
def test_a_damaged_file_is_ignored_with_one_warning_and_replaced(folder: Path, content: bytes, reason: str) -> None:
    assert state_of(GOOD.encode(), folder).read() == {"a": ONE}
    file = state_of(content, folder)
    with capture_logs() as logs:
        assert file.read() == {}
        assert file.read() == {}
        assert (folder / "state.json").read_bytes() == content
        put(file, "b")
    expected = {"event": IGNORED, "file": f"{folder}/state.json", "error": reason, "log_level": "warning"}
    assert logs == [expected]
    assert file.folder.problems == {IGNORED: f"{IGNORED}: {folder}/state.json: {reason}"}
    assert state(folder).read() == {"b": {"until": SOON}}


def state_of(content: bytes, folder: Path) -> StateFile:
    fill(folder, content)
    return state(folder)


def test_what_was_known_before_the_damage_is_written_again(folder: Path) -> None:
    file = state(folder)
    put(file, "a")
    fill(folder, b"damaged")
    put(file, "b")
    assert state(folder).read().keys() == {"a", "b"}


def test_who_removes_the_file_has_all_forgotten(folder: Path) -> None:
    file = state(folder)
    put(file, "a")
    digest = file.identifier("user")
    (folder / "state.json").unlink()
    assert file.read() == {}
    put(file, "b")
    assert state(folder).read().keys() == {"b"}
    assert state(folder).identifier("user") == digest


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.just("until"), inner),
)
SHAPES = st.builds(
    lambda **fields: json.dumps(fields).encode(),
    version=st.just(1) | JSON,
    key=st.just("ab" * 32) | JSON,
    entries=st.dictionaries(st.text(), JSON) | JSON,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary() | SHAPES)
@pytest.mark.uncounted
def test_whatever_the_file_is_it_is_no_reason_to_fail(folder: Path, content: bytes) -> None:
    file = state_of(content, folder)
    file.read()
    file.identifier("x", b"y")
    put(file, "a", refused=1)
    assert file.read()["a"] == ONE
    assert state(folder).read() == file.read()
    assert MEMORY_ONLY not in file.folder.problems


# Where others may write


def test_links_are_not_followed(folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.json"
    other.write_text(GOOD)
    folder.mkdir(parents=True)
    for name in ("state.json", "state.json.new"):
        (folder / name).symlink_to(other)
    file = state(folder)
    assert file.read() == {}
    put(file, "b")
    assert file.folder.problems.keys() == {IGNORED}
    assert other.read_text() == GOOD
    assert not (folder / "state.json").is_symlink()
    assert state(folder).read().keys() == {"b"}


def test_a_lock_that_is_a_link_is_not_followed(folder: Path, tmp_path: Path) -> None:
    for target in (tmp_path / "other", tmp_path / "nowhere"):
        file = state_of(GOOD.encode(), folder)
        (tmp_path / "other").write_text("")
        (folder / "state.lock").unlink(missing_ok=True)
        (folder / "state.lock").symlink_to(target)
        put(file, "b")
        assert file.read().keys() == {"a", "b"}
        assert file.folder.problems.keys() == {MEMORY_ONLY}
        assert not (tmp_path / "nowhere").exists()
        assert document(folder)["entries"].keys() == {"a"}


def fifo(path: Path) -> None:
    os.mkfifo(path)


def listener(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))


def device(path: Path) -> None:
    path.symlink_to("/dev/zero")


@pytest.mark.parametrize("make", [fifo, listener, device])
def test_what_is_no_file_is_not_waited_for(folder: Path, make: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    folder.mkdir(parents=True)
    monkeypatch.chdir(folder)  # the name of a socket must be short
    make(Path("state.json"))
    file = state(folder)
    put(file, "a")
    assert file.folder.problems.keys() == {IGNORED}
    assert state(folder).read().keys() == {"a"}


def test_a_folder_in_the_place_of_the_file_leaves_memory(folder: Path) -> None:
    (folder / "state.json").mkdir(parents=True)
    file = state(folder)
    put(file, "a")
    assert file.read().keys() == {"a"}
    assert file.folder.problems.keys() == {IGNORED, MEMORY_ONLY}
    assert os.listdir(folder / "state.json") == []
    assert not (folder / "state.json.new").exists()


root_only = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")


@root_only
def test_a_file_of_somebody_else_is_not_believed(folder: Path) -> None:
    fill(folder, GOOD.encode())
    os.chown(folder / "state.json", NOBODY, NOBODY)
    file = state(folder)
    assert file.read() == {}
    assert file.folder.problems == {IGNORED: f"{IGNORED}: {folder}/state.json: it belongs to another user"}
    put(file, "b")
    assert state(folder).read().keys() == {"b"}


@root_only
def test_root_leaves_the_files_to_the_owner_of_the_folder(folder: Path) -> None:
    """A `check` by root beside a service of another user."""
    folder.mkdir(parents=True)
    os.chown(folder, NOBODY, NOBODY)
    put(state(folder), "a")
    assert {(path.stat().st_uid, path.stat().st_gid) for path in folder.iterdir()} == {(NOBODY, NOBODY)}
    file = state(folder)
    assert file.read().keys() == {"a"}
    assert not file.folder.problems


@root_only
def test_root_gives_away_only_what_it_has_made(folder: Path, tmp_path: Path) -> None:
    """The folder's owner may have put something else there by the name of the lock."""
    folder.mkdir(parents=True)
    os.chown(folder, NOBODY, NOBODY)
    (tmp_path / "shadow").write_text("of root alone")
    for name in ("state.json", "state.lock", "state.json.new"):
        os.link(tmp_path / "shadow", folder / name)
    put(state(folder), "a")
    assert (tmp_path / "shadow").stat().st_uid == 0
    assert (tmp_path / "shadow").read_text() == "of root alone"


# Unusable


def read_only(folder: Path) -> None:
    folder.mkdir(parents=True)
    folder.chmod(0o500)


def a_file(folder: Path) -> None:
    folder.parent.mkdir()
    folder.write_text("")


def below_a_file(folder: Path) -> None:
    folder.parent.write_text("")


def link_to_nowhere(folder: Path) -> None:
    folder.parent.mkdir()
    folder.symlink_to("nowhere")


UNUSABLE = {
    a_file: "Not a directory",
    below_a_file: "Not a directory",
    link_to_nowhere: "No such file or directory",
    **({} if os.geteuid() == 0 else {read_only: "Permission denied"}),
}


@pytest.mark.parametrize(("prepare", "reason"), UNUSABLE.items(), ids=[each.__name__ for each in UNUSABLE])
def test_where_the_folder_cannot_be_used_memory_does(folder: Path, prepare: Any, reason: str) -> None:
    prepare(folder)
    file = state(folder)
    with capture_logs() as logs:
        file.flush()
        put(file, "a")
        put(file, "b")
        assert file.read().keys() == {"a", "b"}
        assert file.digest("x") == file.digest("x")
    assert logs == [{"event": MEMORY_ONLY, "directory": str(folder), "error": reason, "log_level": "warning"}]


@pytest.mark.parametrize("path", ["/proc/frs-exporter", "/dev/null/x", "/sys/frs", f"/tmp/{'x' * 300}"])
def test_places_where_nobody_can_write(path: str) -> None:
    file = state(Path(path))
    put(file, "a")
    assert file.read().keys() == {"a"}
    assert file.folder.problems.keys() == {MEMORY_ONLY}


def test_what_memory_has_is_written_once_that_is_possible(folder: Path) -> None:
    put(state(folder), "theirs")
    file = state(folder)
    put(file, "ours")
    folder.rename(folder.with_name("away"))
    folder.write_text("")
    put(file, "new")
    file.update(lambda entries: entries.pop("ours") and None)
    folder.unlink()
    folder.with_name("away").rename(folder)
    put(state(folder), "theirs too")
    assert file.read().keys() == {"theirs", "theirs too", "new"}
    file.flush()
    assert state(folder).read().keys() == {"theirs", "theirs too", "new"}


FULL = """
import os, resource, signal, sys
from pathlib import Path
from frs_exporter.runtime.state_file import StateFile
folder = Path(sys.argv[1])
state = StateFile(folder)
change = lambda name: lambda entries: entries.update({name: {"until": 1e10}})
state.update(change("before"))
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (10, -1))
state.update(change("meanwhile"))
assert state.read().keys() == {"before", "meanwhile"}, state.read()
assert list(state.folder.problems) == ["state is kept in memory only"], state.folder.problems
assert StateFile(folder).read().keys() == {"before"}, StateFile(folder).read()
assert sorted(os.listdir(folder)) == ["state.json", "state.lock"]
resource.setrlimit(resource.RLIMIT_FSIZE, (-1, -1))
state.flush()
assert StateFile(folder).read().keys() == {"before", "meanwhile"}
"""
READER = """
import os, sys
from pathlib import Path
from frs_exporter.runtime.state_file import StateFile
if os.geteuid() == 0: os.setgroups([]), os.setresgid(*3 * [65534]), os.setresuid(*3 * [65534])
state = StateFile(Path(sys.argv[1]))
state.update(lambda entries: entries["a"].update(refused=2))
for fact in (state.read(), *state.folder.problems.values()): print(fact, file=sys.stderr)
"""


def told(script: str, folder: Path) -> str:
    """What a process says on standard error, where the log is not."""
    command = [sys.executable, "-c", script, str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stderr


def test_a_disk_that_is_full_for_a_while_is_no_matter(folder: Path) -> None:
    told(FULL, folder)


def test_a_file_that_cannot_be_read_for_a_moment_is_not_replaced(folder: Path) -> None:
    """For want of descriptors, which is nothing that the file can help."""
    put(state(folder), "a")
    before = (folder / "state.json").read_bytes()
    file, limit = state(folder), resource.getrlimit(resource.RLIMIT_NOFILE)
    (free, *_) = descriptors = [os.open(os.devnull, os.O_RDONLY) for _ in range(4)]
    for descriptor in descriptors:
        os.close(descriptor)
    resource.setrlimit(resource.RLIMIT_NOFILE, (free + 2, limit[1]))  # the folder and the lock, but no more
    try:
        put(file, "b")
        assert file.read().keys() >= {"b"}
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limit)
    assert file.folder.problems.keys() == {MEMORY_ONLY}
    assert (folder / "state.json").read_bytes() == before
    file.flush()
    assert state(folder).read().keys() == {"a", "b"}


def test_a_folder_that_may_only_be_read_is_read() -> None:
    """What is changed is changed in memory."""
    with tempfile.TemporaryDirectory() as name:
        fill(folder := Path(name), GOOD.encode())
        (folder / "state.json").chmod(0o600)
        folder.chmod(0o555)
        if os.geteuid() == 0:
            os.chown(folder / "state.json", NOBODY, NOBODY)
        facts = told(READER, folder)
    assert facts == f"{{'a': {ONE | {'refused': 2}}}}\n{MEMORY_ONLY}: {folder}: Permission denied\n"


# Memory only


def test_without_a_folder_all_is_in_memory() -> None:
    file, other = state(None), state(None)
    put(file, "a")
    file.flush()
    assert file.read() == {"a": {"until": SOON}}
    assert other.read() == {}
    assert file.digest("x") == file.digest("x") != other.digest("x")
    assert not file.folder.problems


# Digests


def test_digests_are_the_same_for_all_who_share_the_file(folder: Path, tmp_path: Path) -> None:
    first, second, elsewhere = state(folder), state(folder), state(tmp_path / "elsewhere")
    assert first.digest("user", "secret") == second.digest("user", "secret") == state(folder).digest("user", b"secret")
    assert first.identifier("user") == second.identifier("user")
    assert elsewhere.digest("user", "secret") != first.digest("user", "secret")
    assert elsewhere.identifier("user") != first.identifier("user")


def test_a_change_may_ask_for_digests(folder: Path) -> None:
    """Also when there is no file yet that has a key."""
    file = state(folder)
    started = time.monotonic()
    file.update(lambda entries: entries.update({file.identifier("user"): {"until": SOON, "x": file.digest("secret")}}))
    assert time.monotonic() - started < 2
    assert not file.folder.problems
    other = state(folder)
    assert other.read() == {other.identifier("user"): {"until": SOON, "x": other.digest("secret")}}


def test_digests_tell_parts_and_purposes_apart() -> None:
    file = state(None)
    parts: list[tuple[str, ...]] = [
        ("ab", "c"),
        ("a", "bc"),
        ("abc",),
        ("abc", ""),
        ("", "abc"),
        (),
        ("密码",),
        ("\ud800",),
    ]
    digests = {file.digest(*each) for each in parts} | {file.identifier(*each) for each in parts}
    assert len(digests) == 2 * len(parts)
    assert {len(digest) for digest in digests} == {32}


def test_a_digest_takes_long_but_once() -> None:
    file = state(None)
    started = time.process_time()
    file.digest("secret")
    first = time.process_time() - started
    started = time.process_time()
    file.digest("secret")
    assert first > 0.005 > time.process_time() - started


def test_where_scrypt_may_not_be_used_another_slow_one_is() -> None:
    assert stretched(b"x", b"y", 1 << 30) == stretched(b"x", b"y", 1 << 31) != stretched(b"x", b"y")


def test_no_secret_is_in_the_file(folder: Path) -> None:
    file, secret = state(folder), "S3cret-password-of-ops"
    name, digest = file.identifier("domain", "user"), file.digest("user", secret)
    put(file, name, refused=[digest])
    for path in folder.iterdir():
        content = path.read_bytes()
        assert not [text for text in (secret, "user", "domain") if text.encode() in content]
    (entry,) = state(folder).read().values()
    assert entry["refused"] == [state(folder).digest("user", secret)]
