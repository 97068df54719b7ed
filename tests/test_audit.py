"""What `make audit` makes of what pip-audit says."""

from tests.audit import audited

FLAW = {"id": "PYSEC-2026-1", "fix_versions": ["2.1", "3.0"], "aliases": ["CVE-2026-1"], "description": "bad"}


def test_a_vulnerable_version_is_told_with_the_one_that_mends_it() -> None:
    found = audited([{"name": "b", "version": "2.0", "vulns": [FLAW]}, {"name": "c", "version": "1", "vulns": []}])
    assert found.text().splitlines() == [
        "b 2.0: PYSEC-2026-1, mended in 2.1, 3.0",
        "2 versions looked up, 1 known vulnerabilities",
    ]


def test_one_that_nobody_has_mended_is_told_as_well() -> None:
    (line,) = audited([{"name": "b", "version": "2.0", "vulns": [{**FLAW, "fix_versions": []}]}]).vulnerable
    assert line == "b 2.0: PYSEC-2026-1, mended in no version yet"


def test_what_could_not_be_looked_up_is_not_said_to_be_well() -> None:
    found = audited({"name": name, "skip_reason": "not found"} for name in "edcba")
    assert (found.vulnerable, found.known) == ((), 0)
    assert found.text().splitlines()[-1] == "nothing is known of 5: a, b, c, ..."


def test_what_several_locks_have_counts_once() -> None:
    one = {"name": "b", "version": "2.0", "vulns": [FLAW]}
    assert audited([one, one, {**one, "version": "2.1", "vulns": []}]).text().splitlines() == [
        "b 2.0: PYSEC-2026-1, mended in 2.1, 3.0",
        "2 versions looked up, 1 known vulnerabilities",
    ]
