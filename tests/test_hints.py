"""What `explain` knows beside failures: each alert, each exit code, and whatever can be wrong with a config."""

import re
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
import yaml as pyyaml

from frs_exporter.cli import exit_codes as ours
from frs_exporter.cli.early_signals import ENDED_BY
from frs_exporter.cli.state import FREE_FOLDER, OPEN_STATE
from frs_exporter.cli.variables import misspelled
from frs_exporter.config import schema
from frs_exporter.config.certificate import Validity
from frs_exporter.config.http_client import MISMATCH, NEITHER
from frs_exporter.config.load import build, load
from frs_exporter.config.pem import ORDER, UNPAIRED, WEAKNESSES
from frs_exporter.config.secret_checks import BLANKS, CUT_OFF, FILLED_IN, NAMED, OPEN_CONFIG, OPEN_FILE, QUOTES
from frs_exporter.config.yaml import read
from frs_exporter.core.alerts import Alert, alerts, without_links
from frs_exporter.core.errors import classify
from frs_exporter.core.explanations import Named, Text, codes, reasons
from frs_exporter.core.hints import ExitCode, Hint, exit_codes, hints, hints_for, hints_with
from frs_exporter.core.pasted import MANUALS, entries_of, manual_for, named_alone, names, nearest_names, unknown_codes
from frs_exporter.polling.capacity import notices
from frs_exporter.runtime.process_safety import CORE_DUMPS
from frs_exporter.runtime.process_safety import ROOT as ROOT_USER
from frs_exporter.web import web_config
from frs_exporter.web.protection import LOGINS, TLS, lost
from frs_exporter.web.tls import REFUSED, Tls
from tests.messages import said_in
from tests.test_cli import run

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "frs_exporter"
BAD = sorted([*(ROOT / "tests/config/files").glob("*.bad.yaml"), *(ROOT / "tests/web/files").glob("*.bad.yml")])
SPEAKING = [
    *sorted((PACKAGE / "config").glob("*.py")),
    *(PACKAGE / "web" / name for name in ("web_config.py", "tls.py", "login_cost.py", "protection.py")),
    *(PACKAGE / "polling" / name for name in ("plan.py", "capacity.py")),
    PACKAGE / "core/model.py",
]
"""Modules that say what is wrong or odd in a config."""
UNSAID = {
    *("no certificate", "part of the certificate is missing"),  # caught: OpenSSL takes such a certificate
    *("must be x", "x is not supported: x"),  # the whole of it is said by what is filled in, which the files have
}
EVERY_HINT = pytest.mark.parametrize("hint", hints().values(), ids=hints())


def problems_in_files() -> set[str]:
    """All problems that the bad files of other tests are refused with."""
    lines = (line for path in BAD for line in path.read_text().splitlines())
    return {found[1] for line in lines if (found := re.match(r"# \d+:\d+: (.*)", line))}


@cache
def all_messages() -> set[str]:
    """All that the package can say of a config: as its source has it, and in all bad files."""
    said = {text for file in SPEAKING for text in said_in(file)} - UNSAID
    return said | problems_in_files() | set(made_elsewhere())


def made_elsewhere() -> Iterator[str]:
    """What is put together of constants, and what pydantic says, by the code that does so."""
    yield from (f"x: {text}" for text in (FILLED_IN, BLANKS, QUOTES, NAMED, CUT_OFF))
    yield from (
        f"x: cannot use the file: {text}" for text in (MISMATCH, NEITHER, ORDER, UNPAIRED, *WEAKNESSES.values())
    )
    yield from (f"x: cannot be used: {text}" for text in (ORDER, UNPAIRED, *WEAKNESSES.values()))
    yield from (ROOT_USER, CORE_DUMPS, OPEN_STATE, FREE_FOLDER, f"--token-file x: {OPEN_FILE}", f"x: {OPEN_CONFIG}")
    yield from (*misspelled({"FRS_LOG_LEVEL"}, {"FRS_LOGLEVEL": ""}, set), command_line())
    yield classify(401, b'{"receipt": {}, "required_auth_methods": [["password", "totp"]]}', {}, by_token=False).message
    yield from lost(frozenset({TLS, LOGINS}), frozenset(), frozenset())
    yield from (f"x is not supported: {text}" for text in set(REFUSED.values()))
    yield from (web_config.EMPTY, web_config.HTTP2, *web_notices())
    for text in (
        "a: [[",
        "{a: " * 30,
        "projects: 1\nlimits: {frs: {rate: 5000, concurrency: .nan, x: 1}, iam: {rate: .inf}}",
    ):
        document = read(text, "c.yaml", {})
        build(document)
        yield from (problem.message for problem in document.problems)


def command_line() -> str:
    """What it says that is run without a config."""
    return run().stderr.removeprefix("Error: ").strip()


def web_notices() -> Iterator[str]:
    """What a web config is warned of, beside what is said with a name."""
    now, day = time.time(), 86400.0
    ending, ended, not_yet = (
        Tls("", validity=Validity(now + begin * day, now + end * day)) for begin, end in ((-99, 1), (-99, -1), (1, 99))
    )
    client = {"client_auth_type": "RequireAndVerifyClientCert"}
    users = {"a": "$2b$15$" + "a" * 53}
    for tls, section in (
        (None, {}),
        (ending, {"cert": "x"}),
        (ended, {"cert": "x"}),
        (not_yet, {"cert": "x"}),
        (ending, client),
    ):
        file = web_config.File.model_validate({"tls_server_config": section, "basic_auth_users": users})
        yield from web_config.notices(file, tls, users)


def test_the_source_is_read_as_it_speaks() -> None:
    """What this test stands on: texts over several lines, in constants, tables and branches are all found."""
    said = {text for file in SPEAKING for text in said_in(file)}
    assert {
        "the same name as x; give each rule of a credential a name of its own",
        "must be between x and x",
        "must be a sub-service like detect, compare, search or live_detect",
        "x: every user of this machine can read the file; chmod o-r takes that away",
        "cannot read the file x: x",
        "x is the same user as x: the vendor's quota and lock count them together, the exporter"
        " does not; use one of them for all projects",
        "x: what is in this file can be seen in metrics, on the status page and in the log; !file is for secrets (and x"
        " more)",
    } <= said
    assert len(said) > 80


@pytest.mark.uncounted
def test_each_message_about_a_config_has_one_explanation() -> None:
    found = {message: [hint.name for hint in hints_for(message)] for message in all_messages()}
    assert {message: kinds for message, kinds in found.items() if len(kinds) != 1} == {}
    for message, (kind,) in found.items():
        for before in ("", "config.yaml:12:5: projects[3].x: ", "config.yaml: serious warning: "):
            assert entries_of(before + message) == [hints()[kind]]


@pytest.mark.parametrize("hint", [hint for hint in hints().values() if not hint.log], ids=lambda hint: hint.name)
def test_each_explanation_is_of_a_message_that_there_is(hint: Hint) -> None:
    said = all_messages()
    for fragment in hint.says:
        assert any(Hint("", (fragment,), hint.means, hint.why, "", False, False).fits(text) for text in said), fragment


def test_notices_of_a_config_are_explained(tmp_path: Path) -> None:
    (tmp_path / "pw").write_text(" '${PW}' ")
    (tmp_path / "c.yaml").write_text(
        """
        credentials:
          a: {token: {domain_name: x, user_name: y, password: !file pw}}
          b: {token: {domain_name: x, user_name: y, password: !env PATH}}
        projects: [{name: n, project_id: d3f8e6476fbf416689f209e168ef4d31, region: xx-1, credential: a, require: [abc],
          poll_interval: 1s, poll_timeout: 100ms, month_budget_cny: 5}]
        endpoints: {iam: http://iam.example}
        limits: {frs: {rate: 0.1}}
        """
    )
    said = [notice.text for notice in notices(load(str(tmp_path / "c.yaml")))]
    assert len(said) >= 7
    assert all(len(hints_for(text)) == 1 for text in said)


@pytest.mark.uncounted
@EVERY_HINT
def test_what_is_written_right_is_right(hint: Hint, tmp_path: Path) -> None:
    model = web_config.File if hint.web else schema.File
    base = "" if hint.web else "credentials: {ops: {ecs_agency: {}}}\n"
    for name in ("frs-sk", "frs-password"):
        (tmp_path / name).write_text("secret")
    text = hint.write.replace("/run/secrets/", "")
    assert len(text.splitlines()) <= 3
    document = read(text, str(tmp_path / "c.yaml"), {"HUAWEI_AK": "AK", "FRS_PASSWORD": "secret"})
    assert document.problems == []
    data = {**(pyyaml.safe_load(base) or {}), **(document.data or {})}
    model.model_validate({key: value for key, value in data.items() if not key.startswith("x-")})


def test_explanations_are_short_and_in_both_languages() -> None:
    for hint in hints().values():
        assert re.fullmatch(r"[a-z]+(-[a-z0-9]+)*", hint.name)
        said_once(hint.means, 80)
        said_once(hint.why, 130)
    for code in exit_codes().values():
        for text in (code.means, code.do, *code.causes):
            said_once(text, 110)


def said_once(text: Text, longest: int) -> None:
    """One line in each language, which ends without a full stop."""
    assert re.fullmatch(rf"\S[^\n]{{6,{longest}}}[^.\n]", text.en), text.en
    assert re.search(r"[\u4e00-\u9fff]{2}", text.zh)
    assert not text.zh.endswith("。")


def test_every_exit_code_is_explained() -> None:
    returned = {0, 2, *ENDED_BY.values()} | {value for name, value in vars(ours).items() if name.isupper()}
    assert returned <= set(exit_codes())
    for number, code in exit_codes().items():
        assert entries_of(str(number)) == [code]


@pytest.mark.parametrize(
    "text",
    [
        *(
            "exit 3",
            "exit-3",
            "exit code 3",
            "Exit code: 3",
            "exited with code 3",
            "exit status 3",
            "Exited (3) 5 min ago",
        ),
        *("Main PID: 4 (code=exited, status=3/NOTIMPLEMENTED)", "      Exit Code:    3", "退出码 3", "退出码：3"),
        *("main process exited, code=exited, status=3/NOTIMPLEMENTED", '"exitCode": 3'),
    ],
)
def test_an_exit_code_is_understood_as_others_write_it(text: str) -> None:
    assert entries_of(text) == [exit_codes()[3]]


@pytest.mark.parametrize("name", alerts())
def test_every_alert_is_explained(name: str) -> None:
    for text in (name, name.lower(), f"[FIRING:1] {name} (frs-exporter critical)", f'ALERTS{{alertname="{name}"}}'):
        assert entries_of(text) == [alerts()[name]]
    alert = alerts()[name]
    for part in (alert.meaning, alert.impact, alert.diagnosis, alert.mitigation):
        assert "](#" not in without_links(part.en)
        assert re.search(r"[\u4e00-\u9fff]", part.zh) or part.zh == part.en, "commands are the same in both"


def test_links_between_runbooks_become_names() -> None:
    assert without_links("is [down](#frsexporterdown), see [FrsThrottled](#frsthrottled)") == (
        "is down (FrsExporterDown), see FrsThrottled"
    )


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ('{"error_code":"APIGW.0301","error_msg":"Incorrect IAM authentication information"}', "APIG.0301"),
        ("level=warning msg=down project=a reason=token code=APIGW.0307 status=401", "APIG.0307"),
        ('frs_poll_error_info{project="a", reason="throttled", code=""} 1', "throttled"),
        ("level=warning msg=down reason=dns", "dns"),
        ("HTTP/1.1 503 Service Unavailable", "HTTP 503"),
        ("503 Service Unavailable", "HTTP 503"),
        ("status=429", "HTTP 429"),
        ("FRS.9999 status=500", "HTTP 500"),
        ("  Frs.0202\n", "FRS.0202"),
    ],
)
def test_what_a_line_is_about_is_found(text: str, name: str) -> None:
    (found,) = entries_of(text)
    assert isinstance(found, Named)
    assert found.name == name


def test_each_of_several_lines_is_explained_once() -> None:
    text = (
        "c.yaml:1:2: x: unknown key\nc.yaml:2:2: y: unknown key\nnothing of ours\nc.yaml:3:2: required, but missing\n"
    )
    assert entries_of(text) == [hints()["unknown-key"], hints()["key-missing"]]
    assert entries_of("c.yaml:1:2: defaults.x: must be between\n 1s and 1d") == [hints()["duration-out-of-range"]]


@pytest.mark.parametrize("part", ["must be one of", "MUST BE ONE", "no credential is named", "is given before"])
def test_a_part_of_a_message_is_enough_if_it_is_of_one(part: str) -> None:
    assert len(entries_of(part)) == (0 if part == "is given before" else 1)


@pytest.mark.parametrize(
    "text", ["", "  ", "what", "must be", "FRS.9999", "200", "4", "137.5", "my door is open", "exit 9"]
)
def test_what_is_not_known_is_not_guessed(text: str) -> None:
    assert entries_of(text) == []


def test_what_could_be_meant_is_offered() -> None:
    assert nearest_names("frsservicefrosen") == ["FrsServiceFrozen"]
    assert nearest_names("FrsDown")[0] == "FrsExporterDown"
    assert nearest_names("FrsFrozen")[0] == "FrsServiceFrozen"
    assert nearest_names("FrsZzzz") == []
    assert "not-a-list" in nearest_names("must be")
    assert nearest_names("unknwon-key") == ["unknown-key"]
    assert nearest_names("must") == []
    assert list(hints_with("must")) == []


def test_the_vendor_is_named_who_knows_a_code() -> None:
    assert manual_for("FRS.9999") == MANUALS["FRS"]
    assert manual_for("APIGW.9999") == MANUALS["APIG"]
    assert manual_for("ces.9999") == MANUALS["CES"]
    assert manual_for("OBS.9999") is None
    assert manual_for("FRS.0019") is None
    assert unknown_codes("FRS.0019, FRS.9999 and 10.0.0.1") == ["FRS.9999"]


def test_every_name_stands_for_one_thing() -> None:
    assert len(names()) == len({name.lower() for name in names()})
    kinds = {name: named_alone(name) for name in names() if not name.startswith("exit-")}
    assert all(kinds.values())
    assert {type(entry) for entry in kinds.values()} == {Named, Alert, Hint}
    assert len(kinds) == len(codes()) + len(reasons()) + len(alerts()) + len(hints())
    for name in names():
        if name.startswith("exit-"):
            assert isinstance(entries_of(name)[0], ExitCode)
