"""Any file as a config or as a web config: it loads, or each of its problems has a place in it and tells no secret."""

import re
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from frs_exporter.config.load import load
from frs_exporter.config.yaml import read
from frs_exporter.config.yaml_problems import LINE_END
from frs_exporter.core.errors import ConfigError
from frs_exporter.web.web_config import load_web_config
from tests.fuzz.inputs import in_memory

SECRET = "s3cret-of-the-environment"
SECRET_IN_FILE = "s3cret-of-a-file"
ENVIRONMENT: Mapping[str, str] = {"FUZZ_SECRET": SECRET}
AS_SECRET = re.compile(r"\b(?:password|secret_key|token): (?:!env FUZZ_SECRET|!file secret)\b")
"""Where a secret is meant to stand; elsewhere it is a name, and names are told."""
ANYWHERE = re.compile(r"!env FUZZ_SECRET|!file +[^ ]*secret")
SLOWEST = 5.0
"""Seconds of the processor that a file of some kilobytes may take on a slow machine that counts lines."""


def check_config(data: bytes) -> None:
    """What must hold of any file as a config."""
    check_file(data, load)
    check_document(data.decode("utf-8", "replace"))


def check_web_config(data: bytes) -> None:
    """What must hold of any file as a web config."""
    check_file(data, load_web_config)


def check_file(data: bytes, load_file: Callable[[str], Any]) -> None:
    """Load a file, twice: the same comes of it, soon, or the same problems, each of which is in the file."""
    with in_memory() as folder:
        path = folder / "c.yaml"
        path.write_bytes(data)
        (folder / "secret").write_text(SECRET_IN_FILE)
        begun = time.process_time()
        try:
            config = load_file(str(path))
            assert repr(config) == repr(load_file(str(path)))
            shown = repr(config)
        except ConfigError as error:
            check_problems(error, str(path), data)
            shown = str(error)
        assert time.process_time() - begun < SLOWEST
    text = data.decode("utf-8", "replace")
    if len(AS_SECRET.findall(text)) == len(ANYWHERE.findall(text)):
        assert SECRET not in shown
        assert SECRET_IN_FILE not in shown


def check_problems(error: ConfigError, path: str, data: bytes) -> None:
    """Each problem is one line, about a line of this file."""
    lines = LINE_END.split(data.decode("utf-8", "replace"))
    assert 0 < len(error.problems) <= len(data) + 3, "what is missing from an empty file, and one for each byte"
    for problem in error.problems:
        assert problem.isprintable(), problem
        assert problem.startswith(f"{path}:"), problem
        place = re.match(r":(\d+):(\d+): ", problem.removeprefix(path))
        if place:
            line, column = int(place[1]), int(place[2])
            assert is_inside(line, column, lines), problem


def is_inside(line: int, column: int, lines: Sequence[str]) -> bool:
    """Whether a place is in the file, or just behind its end, where what is missing is missing."""
    return 1 <= column <= len([*lines, ""][line - 1]) + 1 if 1 <= line <= len(lines) + 1 else False


def check_document(text: str) -> None:
    """All that was read has a place in the file, and no part of it is anything but plain data."""
    document = read(text, "/nowhere/c.yaml", ENVIRONMENT)
    lines = LINE_END.split(text)
    for line, column in (*document.marks.values(), *document.keys.values()):
        assert is_inside(line, column, lines)
    pending = [(document.data, 0)]
    while pending:
        value, depth = pending.pop()
        assert depth <= 21
        if isinstance(value, dict):
            assert all(isinstance(key, str) for key in value)
            pending += [(inner, depth + 1) for inner in value.values()]
        elif isinstance(value, list):
            pending += [(inner, depth + 1) for inner in value]
