"""`make audit`: which locked versions have known vulnerabilities, and how many could not be looked up.

pip-audit asks PyPI about each version. Without an answer nothing is known, which is told and is no failure: an update
must be possible where PyPI's advisories are not to be had. Exits with 1 where a version is vulnerable, and with 2 where
nobody could be asked.
"""

import json
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
PIP_AUDIT = ROOT / ".venv/others/audit/bin/pip-audit"
SEVERAL = 3


@dataclass(frozen=True, slots=True)
class Audit:
    """What is known of the versions in some locks: a line for each vulnerability, and how many were looked up."""

    vulnerable: tuple[str, ...]
    known: int
    unknown: tuple[str, ...]

    def text(self) -> str:
        """What is told, vulnerabilities first."""
        lines = [*self.vulnerable, f"{self.known} versions looked up, {len(self.vulnerable)} known vulnerabilities"]
        if self.unknown:
            more = ", ..." if len(self.unknown) > SEVERAL else ""
            lines.append(f"nothing is known of {len(self.unknown)}: {', '.join(self.unknown[:SEVERAL])}{more}")
        return "\n".join(lines)


def audited(dependencies: Iterable[dict[str, Any]]) -> Audit:
    """The same from what pip-audit says of each dependency in its JSON; one that several locks have counts once."""
    vulnerable, known, unknown = list[str](), set[tuple[str, str]](), set[str]()
    for found in dependencies:
        if "skip_reason" in found:
            unknown.add(found["name"])
            continue
        if (one := (found["name"], found["version"])) in known:
            continue
        known.add(one)
        for flaw in found["vulns"]:
            fixed = ", ".join(flaw["fix_versions"]) or "no version yet"
            vulnerable.append(f"{one[0]} {one[1]}: {flaw['id']}, mended in {fixed}")
    return Audit(tuple(vulnerable), len(known), tuple(sorted(unknown)))


def ask(lock: Path, options: Sequence[str] = (), program: Path = PIP_AUDIT) -> list[dict[str, Any]]:
    """What pip-audit says of a lock's versions; raises CalledProcessError, with its stderr, where it says nothing."""
    command = (
        program,
        "--requirement",
        lock,
        "--disable-pip",
        "--require-hashes",
        "--format=json",
        "--progress-spinner=off",
    )
    done = subprocess.run((*command, *options), capture_output=True, text=True, check=False)
    if done.returncode and not done.stdout:  # 1 is also that of a vulnerability
        raise subprocess.CalledProcessError(done.returncode, command, stderr=done.stderr)
    dependencies: list[dict[str, Any]] = json.loads(done.stdout)["dependencies"]
    return dependencies


def main(options: Sequence[str]) -> int:
    """The exit code."""
    try:
        audit = audited(each for lock in sorted((ROOT / "requirements").glob("*.txt")) for each in ask(lock, options))
    except subprocess.CalledProcessError as error:
        print(f"nothing was looked up: {error.stderr.rstrip().splitlines()[-1]}", file=sys.stderr)
        return 2
    print(audit.text())
    return 1 if audit.vulnerable else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
