"""Facts are in the file once they are written, whoever writes beside, is killed, or has damaged it."""

import json
import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from frs_exporter.runtime import facts
from frs_exporter.runtime.journal import SPARE, Journal
from frs_exporter.runtime.private_folder import locked_folder
from tests.writers import write_at_once, writer

NOW, SOON = 1_800_000_000.0, 1_800_000_600.0
NOBODY = 65534
MEMORY_ONLY = "state is kept in memory only"
HEAD = b'{"version": 1, "file": "' + b"0" * 32 + b'"}\n'


def journal(folder: Path | None) -> Journal:
    """As each process has one."""
    return Journal(folder, "facts", lambda: NOW)


def put(it: Journal, name: str, order: float = 1, value: Any = "it", until: float = SOON) -> None:
    """A fact, and that it is written."""

    def change(facts: Journal) -> None:
        facts.put(name, order, until, value)

    it.update(change)


def read(folder: Path, *names: str) -> list[Any]:
    """What a new process knows."""
    new = journal(folder)
    new.read()
    return [new.get(name) for name in names]


def fill(folder: Path, content: bytes) -> Journal:
    """A process that finds this in the file."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "facts.jsonl").write_bytes(content)
    return journal(folder)


def line(name: str, order: Any = 1, until: Any = SOON, value: Any = "it") -> bytes:
    """A line of the file."""
    return json.dumps({"name": name, "order": order, "until": until, "value": value}).encode() + b"\n"


def test_the_format_is_as_documented(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    it = journal(folder)
    it.read()
    assert not folder.exists(), "nothing is made before there is something to keep"
    put(it, "a", 2, [1, None])
    put(it, "b")
    head, *lines = (folder / "facts.jsonl").read_bytes().splitlines()
    assert json.loads(head) == {"version": 1, "file": json.loads(head)["file"]}
    assert json.loads(lines[0]) == {"name": "a", "order": 2, "until": SOON, "value": [1, None]}
    assert len(lines) == 2
    modes = {path.name: path.stat().st_mode & 0o777 for path in (folder, *folder.iterdir())}
    assert modes == {"state": 0o700, "facts.jsonl": 0o600, "facts.lock": 0o600}
    assert read(folder, "a", "b", "c") == [[1, None], "it", None]


def test_the_greatest_order_holds_wherever_it_stands(tmp_path: Path) -> None:
    first, second = journal(tmp_path), journal(tmp_path)
    put(first, "a", 2, "newer")
    put(second, "a", 1, "older")
    put(second, "a", 2, "as new")
    assert [it.get("a") for it in (first, second)] == ["newer", "newer"]
    with (tmp_path / "facts.jsonl").open("ab") as file:
        file.write(line("a", 1.5, value="late"))
    assert read(tmp_path, "a") == ["newer"]
    put(second, "a", 3, "newest")
    first.read()
    assert first.get("a") == "newest"


def test_what_is_known_is_not_written_again(tmp_path: Path) -> None:
    it = journal(tmp_path)
    put(it, "a")
    size = (tmp_path / "facts.jsonl").stat().st_size
    put(it, "a")
    it.update(lambda facts: None)
    put(journal(tmp_path), "a", 0)
    assert (tmp_path / "facts.jsonl").stat().st_size == size
    assert not it.unsaved


def test_facts_end(tmp_path: Path) -> None:
    it = journal(tmp_path)
    put(it, "a", 9, until=NOW)
    assert it.get("a") is None
    put(it, "a", 1, "anew")
    assert read(tmp_path, "a") == ["anew"], "whatever held before"


@pytest.mark.uncounted
def test_a_file_of_which_most_holds_no_more_is_replaced(tmp_path: Path) -> None:
    it, other = journal(tmp_path), journal(tmp_path)
    put(it, "ended", until=NOW)
    put(it, "stays")
    other.read()
    for order in range(2 * SPARE):
        it.put("a", order, SOON, order)
        it.update(lambda facts: None)
    assert (tmp_path / "facts.jsonl").stat().st_size < 2 * SPARE * len(line("a"))
    other.read()
    assert [other.get(name) for name in ("a", "stays")] == [2 * SPARE - 1, "it"]
    assert "ended" not in (tmp_path / "facts.jsonl").read_text()
    put(other, "b")
    assert read(tmp_path, "a", "stays", "b") == [2 * SPARE - 1, "it", "it"]


class Encoded(dict[str, int]):
    """A value that counts how often it is written down."""

    times = 0

    def items(self) -> Any:
        """As the encoder asks for."""
        self.times += 1
        return super().items()


def test_where_there_is_no_room_for_a_line_it_is_not_tried_with_all_that_is_known(tmp_path: Path) -> None:
    (tmp_path / "facts.jsonl.new").mkdir()
    it, value = journal(tmp_path), Encoded(a=1)
    with capture_logs() as logs:
        for order in range(10):
            put(it, "a", order, value)
    assert (value.times, it.unsaved, len(logs)) == (0, True, 1)
    (tmp_path / "facts.jsonl.new").rmdir()
    it.update(lambda facts: None)
    assert read(tmp_path, "a") == [value]


@pytest.mark.uncounted
def test_where_there_is_no_room_for_a_copy_lines_are_added_and_it_is_seldom_tried_again(tmp_path: Path) -> None:
    it, value = journal(tmp_path), Encoded(a=1)
    put(it, "stays", 1, value)
    (tmp_path / "facts.jsonl.new").mkdir()
    with capture_logs() as logs:
        for order in range(SPARE + 100):
            put(it, "a", order, order)
    assert (value.times, it.unsaved, len(logs)) == (2, False, 1)
    assert read(tmp_path, "a", "stays") == [SPARE + 99, value]
    (tmp_path / "facts.jsonl.new").rmdir()
    for order in range(SPARE + 100, 2 * SPARE + 100):
        put(it, "a", order, order)
    assert (tmp_path / "facts.jsonl").stat().st_size < SPARE * len(line("a"))
    assert read(tmp_path, "a", "stays") == [2 * SPARE + 99, value]


def test_memory_lets_go_of_what_has_ended() -> None:
    known, now = facts.Facts(lambda: clock[0]), 0.0
    clock = [now]
    for number in range(20 * SPARE):
        clock[0] = number
        known.put(f"{number}", facts.Fact(1, number + 10.0, None))
    assert len(known) <= 2 * SPARE
    assert len(known.unsaved()) <= len(known)


# Whole


WRITER = """
import sys, time
from pathlib import Path
from frs_exporter.runtime.journal import Journal
it, name, times = Journal(Path(sys.argv[1]), "facts"), sys.argv[2], int(sys.argv[3])
def change(facts):
    count = (facts.get(name) or [0])[0] + 1
    facts.put(name, count, time.time() + 1000, [count, "x" * (count * 977 % 20_000)])
print(end="begun", flush=True)
while times:
    it.update(change)
    times -= 1
"""


def test_a_kill_at_any_time_takes_nothing_that_was_written(tmp_path: Path) -> None:
    chance, count = random.Random(1), 0
    for _ in range(20):
        process = writer(WRITER, tmp_path, "a", -1)
        time.sleep(chance.uniform(0, 0.05))
        process.kill()
        process.communicate()
        it = Journal(tmp_path, "facts")
        it.read()
        number, text = it.get("a") or (0, "")
        assert number >= count
        assert len(text) == number * 977 % 20_000
        count = number
    assert count > 20


def test_processes_that_write_at_once_lose_nothing(tmp_path: Path) -> None:
    write_at_once(WRITER, tmp_path)
    it = Journal(tmp_path, "facts")
    it.read()
    assert [it.get(name)[0] for name in ("a", "b", "both")] == [100, 100, 200]


def test_what_somebody_has_left_who_was_interrupted_is_in_nobodys_way(tmp_path: Path) -> None:
    it = fill(tmp_path, HEAD + line("a") + line("b")[:-9])
    it.read()
    put(it, "c")
    put(it, "b", value="anew")
    assert (it.get("a"), *read(tmp_path, "a", "b", "c")) == ("it", "it", "anew", "it")


def test_one_who_stands_still_with_the_lock_holds_up_nobody_for_ever(tmp_path: Path) -> None:
    put(journal(tmp_path), "a")
    it = Journal(tmp_path, "facts", lambda: NOW, timeout=0.1)
    with locked_folder(tmp_path, "facts.lock"), capture_logs() as logs:
        put(it, "b")
        put(it, "c")
        assert [it.get(name) for name in "abc"] == ["it"] * 3
        assert it.unsaved
    assert [(entry["event"], entry["error"]) for entry in logs] == [(MEMORY_ONLY, "another process keeps it locked")]
    put(journal(tmp_path), "d")
    it.update(lambda facts: None)
    assert read(tmp_path, *"abcd") == ["it"] * 4


def test_who_looks_and_puts_is_alone(tmp_path: Path) -> None:
    it = journal(None)

    def count(facts: Journal) -> None:
        number = (facts.get("a") or 0) + 1
        time.sleep(0.0001)
        facts.put("a", number, SOON, number)

    def often() -> None:
        for _ in range(50):
            it.apply(count)

    threads = [threading.Thread(target=often) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert it.get("a") == 200


# Damaged


DAMAGED = {
    "zeros": (bytes(4096), "it is no state of this program"),
    "no head": (line("a"), "it is no state of this program"),
    "version 2": (HEAD.replace(b"1", b"2", 1) + line("a"), "it is no state of this program"),
    "a head that ends nowhere": (HEAD[:-1], "it is no state of this program"),
}


@pytest.mark.parametrize(("content", "reason"), DAMAGED.values(), ids=list(DAMAGED))
def test_a_file_that_cannot_be_read_stays_as_it_is_until_it_is_deleted(
    tmp_path: Path, content: bytes, reason: str
) -> None:
    """What is in it may be what must not be forgotten, of another version, say."""
    it = fill(tmp_path, content)
    with capture_logs() as logs:
        it.read()
        put(it, "b")
    error = f"facts.jsonl: {reason}; to begin anew delete it"
    assert logs == [{"event": MEMORY_ONLY, "directory": str(tmp_path), "error": error, "log_level": "warning"}]
    assert (it.was_read, it.unsaved, it.get("b")) == (False, True, "it")
    assert (tmp_path / "facts.jsonl").read_bytes() == content
    (tmp_path / "facts.jsonl").unlink()
    it.update(lambda facts: None)
    assert it.was_read
    assert read(tmp_path, "a", "b") == [None, "it"]


@pytest.mark.parametrize(
    "damage",
    [
        *(b"\n", b"\xff\xfe\n", b"[" * 100_000 + b"\n", b"[]\n", b"{}\n", b'{"name": "a"}\n', b"1" * 9999 + b"\n"),
        *(line("a", order) for order in ("a", [1], 1e300, "1", None, 10**400, float("nan"), float("inf"))),
        *(line("a", until=until) for until in (None, "soon", NOW, 1e300, float("nan"))),
        line("a").replace(b'"a"', b"7"),
        line("a", value=float("nan")),
    ],
)
def test_a_line_that_tells_no_fact_is_skipped(tmp_path: Path, damage: bytes) -> None:
    fill(tmp_path, HEAD + line("a", 0) + damage + line("b"))
    assert read(tmp_path, "a", "b") == ["it", "it"]


LOST = (Path.unlink, lambda path: path.write_bytes(HEAD), lambda path: path.write_bytes(b""))


@pytest.mark.parametrize("change", LOST)
def test_what_is_known_is_written_again_where_the_file_was_lost(tmp_path: Path, change: Callable[[Path], Any]) -> None:
    it = journal(tmp_path)
    put(it, "a")
    change(tmp_path / "facts.jsonl")
    put(it, "b")
    assert read(tmp_path, "a", "b") == ["it", "it"]


@pytest.mark.parametrize("change", LOST)
def test_and_where_somebody_else_has_begun_it_again(tmp_path: Path, change: Callable[[Path], Any]) -> None:
    it = journal(tmp_path)
    put(it, "a")
    change(tmp_path / "facts.jsonl")
    put(journal(tmp_path), "b")
    it.update(lambda facts: None)
    assert read(tmp_path, "a", "b") == ["it", "it"]


def test_an_older_copy_that_was_put_back_and_went_on_is_read_anew(tmp_path: Path) -> None:
    it, file = journal(tmp_path), tmp_path / "facts.jsonl"
    put(it, "a")
    copy = file.read_bytes()
    put(it, "b", value="x" * 100)
    file.write_bytes(copy)
    put(journal(tmp_path), "c", value="y" * 1000)
    it.update(lambda facts: None)
    assert it.get("c") == "y" * 1000
    assert read(tmp_path, "a", "b", "c") == ["it", "x" * 100, "y" * 1000]


def test_a_look_that_is_late_hides_nothing_from_the_next_one(tmp_path: Path) -> None:
    """What a position has behind it is known, whoever has read it, as soon as anybody else may look."""
    put(journal(tmp_path), "a")
    free, seen, readers = threading.Event(), list[Any](), list[str]()

    def now() -> float:
        if threading.current_thread().name == "reader":
            readers.append("reader")
            free.wait(10)
        return NOW

    slow = Journal(tmp_path, "facts", now)
    reader = threading.Thread(target=slow.read, name="reader")
    writer = threading.Thread(target=lambda: slow.update(lambda facts: seen.append(facts.get("a"))))
    for thread in (reader, writer):
        thread.start()
    time.sleep(0.05)
    free.set()
    for thread in (reader, writer):
        thread.join()
    assert readers
    assert seen == ["it"]


# Whose


@pytest.mark.parametrize("make", [os.mkfifo, Path.mkdir, lambda path: path.symlink_to("/etc/passwd")])
def test_what_is_no_file_is_not_believed_or_waited_for(tmp_path: Path, make: Callable[[Path], Any]) -> None:
    make(tmp_path / "facts.jsonl")
    it = journal(tmp_path)
    with capture_logs() as logs:
        put(it, "a")
    assert it.get("a") == "it"
    assert {entry["event"] for entry in logs} == {MEMORY_ONLY}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_a_file_of_somebody_else_is_not_believed(tmp_path: Path) -> None:
    it = fill(tmp_path, HEAD + line("a"))
    os.chown(tmp_path / "facts.jsonl", NOBODY, NOBODY)
    put(it, "b")
    assert (it.get("a"), it.get("b"), it.was_read) == (None, "it", False)


FULL = """
import resource, signal, sys
from pathlib import Path
from frs_exporter.runtime.journal import Journal
folder = Path(sys.argv[1])
it, other = Journal(folder, "facts"), Journal(folder, "facts")
change = lambda name: lambda facts: facts.put(name, 1, 1e10, "x" * 100)
it.update(change("before"))
size = (folder / "facts.jsonl").stat().st_size
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (size + 20, -1))
for name in ("one", "two"):
    it.update(change(name))
    assert it.unsaved and it.get(name)
    other.read()
    assert other.get("before") and not other.get(name)
resource.setrlimit(resource.RLIMIT_FSIZE, (-1, -1))
it.update(lambda facts: None)
other.read()
assert other.get("one") and other.get("two") and not it.unsaved
"""


def test_a_disk_that_is_full_for_a_while_is_no_matter(tmp_path: Path) -> None:
    command = [sys.executable, "-c", FULL, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("folder", ["/dev/null/none", "/proc/none"])
def test_places_where_nobody_can_write(folder: str) -> None:
    it = journal(Path(folder))
    with capture_logs() as logs:
        it.read()
        put(it, "a")
        put(it, "b")
    assert (it.get("a"), it.get("b"), len(logs), logs[0]["event"]) == ("it", "it", 1, MEMORY_ONLY)


def test_who_has_a_lock_that_was_deleted_is_not_alone_with_it(tmp_path: Path) -> None:
    inside = list[str]()

    def hold(name: str) -> None:
        with locked_folder(tmp_path, "facts.lock"):
            inside.append(name)
            assert len(inside) == 1
            time.sleep(0.05)
            inside.remove(name)

    with locked_folder(tmp_path, "facts.lock"):
        threads = [threading.Thread(target=hold, args=("first",))]
        threads[0].start()
        time.sleep(0.05)  # it waits for the file that is there
        (tmp_path / "facts.lock").unlink()
    threads.append(threading.Thread(target=hold, args=("second",)))
    threads[1].start()
    for thread in threads:
        thread.join()
    assert inside == []
