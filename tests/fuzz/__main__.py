"""`make fuzz`: ten minutes of inputs for all targets, by hypothesis and, where it can be had, by atheris.

A line for each target and engine tells the inputs tried, the seconds, what of the code was reached (libFuzzer's count
of edges), and what failed. An input that fails is kept in .fuzz/TARGET; `python -m tests.fuzz --replay TARGET FILE`
tries it again, and once it is mended it goes to tests/fuzz/corpus/TARGET. Exits with 1 where anything failed.
"""

import argparse
import hashlib
import importlib.util
import os
import re
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.fuzz.by_hypothesis import LONGEST, property_of
from tests.fuzz.configs import ENVIRONMENT
from tests.fuzz.targets import CORPUS, TARGETS

KEPT = Path(".fuzz")
"""What was found, and what atheris goes on from the next time."""
AT_ONCE = 300
"""Inputs that hypothesis makes in a row; it forgets what it tried after each row."""
ATHERIS = Path(".venv/others/fuzz/lib", f"python{sys.version_info[0]}.{sys.version_info[1]}", "site-packages")
WITHOUT = "atheris: there is no wheel for this Python and machine, or `make .venv/fuzz` was not run; hypothesis alone"
MOST_MEMORY = 1024
SLOWEST = 20
"""Seconds that libFuzzer gives an input."""


@dataclass(frozen=True)
class Outcome:
    """What came of a target; `failed` is the file of an input, and how it failed."""

    inputs: int
    seconds: float
    reached: str = "-"
    failed: str = ""


def by_hypothesis(
    name: str, seconds: float, folder: Path, check_input: Callable[[bytes], None] | None = None
) -> Outcome:
    """Rows of inputs until the time is over, or one fails the target's property, or another one."""
    holds = check_input or TARGETS[name].check
    begun, tried = time.monotonic(), list[bytes]()
    number = 0

    def check(data: bytes) -> None:
        nonlocal number
        number += 1
        tried[:] = [data]
        holds(data)

    while time.monotonic() < begun + seconds:
        try:
            property_of(name, AT_ONCE, check)()
        except Exception:
            file = folder / f"hypothesis-{hashlib.sha256(tried[0]).hexdigest()[:12]}"
            file.write_bytes(tried[0])  # the last one is the smallest that was found
            return Outcome(number, time.monotonic() - begun, failed=f"{file}\n{traceback.format_exc(limit=-4)}")
    return Outcome(number, time.monotonic() - begun)


def by_atheris(name: str, seconds: float, folder: Path) -> Outcome:
    """The same with a corpus that grows by what reaches more of the code."""
    grown, words = folder / "corpus", folder / "words"
    grown.mkdir(exist_ok=True)
    words.write_text("".join(f'"{escaped(piece)}"\n' for piece in TARGETS[name].pieces))
    before, begun = set(folder.iterdir()), time.monotonic()
    options = {
        "max_total_time": int(seconds),
        "max_len": LONGEST,
        "timeout": SLOWEST,
        "rss_limit_mb": MOST_MEMORY,
        "dict": words,
        "artifact_prefix": f"{folder}/",
        "print_final_stats": 1,
    }
    done = subprocess.run(
        [sys.executable, "-m", "tests.fuzz.by_atheris", name, str(grown), str(CORPUS / name)]
        + [f"-{option}={value}" for option, value in options.items()],
        env={**os.environ, "PYTHONPATH": str(ATHERIS)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    executed = re.findall(r"^#(\d+)|number_of_executed_units: (\d+)", done.stdout, re.MULTILINE)
    reached = re.findall(r" cov: (\d+) ", done.stdout)
    files = " ".join(str(file) for file in sorted(set(folder.iterdir()) - before))
    failed = f"{files}\n{done.stdout[-3000:]}" if done.returncode else ""
    inputs = max((int(number) for pair in executed for number in pair if number), default=0)
    return Outcome(inputs, time.monotonic() - begun, max(reached, key=int, default="-"), failed)


def escaped(piece: bytes) -> str:
    """A piece as libFuzzer's dictionaries have it."""
    return "".join(chr(byte) if 32 <= byte < 127 and byte not in b'"\\' else f"\\x{byte:02x}" for byte in piece)


def outcomes(names: list[str], seconds: float) -> Iterator[tuple[str, str, Outcome]]:
    """What comes of each target with each engine, one after the other."""
    engines: dict[str, Callable[[str, float, Path], Outcome]] = {"hypothesis": by_hypothesis}
    if importlib.util.find_spec("atheris") or ATHERIS.joinpath("atheris").is_dir():
        engines["atheris"] = by_atheris
    else:
        print(WITHOUT)
    for name in names:
        folder = KEPT / name
        folder.mkdir(parents=True, exist_ok=True)
        for engine, run in engines.items():
            yield name, engine, run(name, seconds / len(names) / len(engines), folder)


def main(arguments: list[str]) -> int:
    """Fuzz, or try one input again."""
    parser = argparse.ArgumentParser(prog="make fuzz", description="Fuzz targets.")
    parser.add_argument("targets", nargs="*", help=f"all of {', '.join(TARGETS)} by default")
    parser.add_argument("--seconds", type=float, default=600.0, help="for all of them together")
    parser.add_argument("--replay", nargs=2, metavar=("TARGET", "FILE"), help="try one input again")
    options = parser.parse_args(arguments)
    os.environ.update(ENVIRONMENT)
    if options.replay:
        name, file = options.replay
        TARGETS[name].check(Path(file).read_bytes())
        return 0
    failed = False
    print(f"{'target':<12}{'engine':<12}{'inputs':>9}{'seconds':>9}{'reached':>9}  failed")
    for name, engine, it in outcomes(options.targets or list(TARGETS), options.seconds):
        told = f"{name:<12}{engine:<12}{it.inputs:>9}{it.seconds:>9.0f}{it.reached:>9}  {it.failed or 'nothing'}"
        print(told, flush=True)
        failed = failed or bool(it.failed)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
