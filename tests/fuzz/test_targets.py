"""Each target is tried with some inputs, and with all of its corpus, where what was found once is kept."""

from pathlib import Path

import pytest

from tests.fuzz.by_hypothesis import property_of
from tests.fuzz.configs import ENVIRONMENT
from tests.fuzz.targets import CORPUS, TARGETS, corpus

FILES = [(name, file) for name in TARGETS for file in corpus(name)]
LARGEST = 4096


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """What configs may take from it."""
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)


@pytest.mark.uncounted
@pytest.mark.parametrize("name", TARGETS)
def test_it_holds_for_inputs_that_hypothesis_makes(name: str) -> None:
    property_of(name, TARGETS[name].examples, TARGETS[name].check)()


@pytest.mark.uncounted
@pytest.mark.parametrize(("name", "file"), FILES, ids=lambda it: getattr(it, "name", it))
def test_it_holds_for_what_is_kept(name: str, file: Path) -> None:
    TARGETS[name].check(file.read_bytes())


def test_each_target_has_a_corpus_of_small_files() -> None:
    assert {folder.name for folder in CORPUS.iterdir()} == set(TARGETS)
    assert all(file.stat().st_size <= LARGEST for _, file in FILES)
