"""The web-config file: what is good, what is told of bad ones, and what Prometheus' own toolkit says to the same."""

import re
import ssl
import subprocess
import time
from pathlib import Path

import bcrypt
import pytest
from click.testing import CliRunner

from frs_exporter.cli.main import cli
from frs_exporter.core.errors import ConfigError
from frs_exporter.web.login_cost import measured_seconds, readable, seconds_per_login
from frs_exporter.web.web_config import MAX_WEB_CONFIG, WebConfig, go_seconds, load_web_config
from tests.config.expected import assert_problems
from tests.e2e.conftest import tool
from tests.web.authority import FILES, keep, prepare, put

GOOD = sorted(path.name for path in FILES.glob("*.good.yml"))
BAD = sorted(path.name for path in FILES.glob("*.bad.yml"))

TOO_OLD = "the toolkit in Debian's node_exporter (0.8.2) does not know this key yet; newer ones accept it"
DIFFERENCES = {
    "mtls-inline.good.yml": TOO_OLD,
    "mtls-names.good.yml": TOO_OLD,
    "rate-limit-off.good.yml": TOO_OLD,
    "rate-limit.good.yml": TOO_OLD,
    "tls-inline.good.yml": TOO_OLD,
    "suites-without-http2.good.yml": "only HTTP/2, which there is none of here, needs one of two certain suites",
    "authority-no-pem.bad.yml": "it ignores a file without certificates, newer ones refuse it, too",
    "curves.bad.yml": "Python cannot choose curves",
    "headers-lines.bad.yml": "a header cannot have two lines",
    "policy-asks-only.bad.yml": "Python cannot ask for a certificate and believe any",
    "suites-of-13-only.bad.yml": "no client of TLS 1.2 could connect, so it should be said that way",
    "suites-without-forward-secrecy.bad.yml": "newer ones refuse it, too",
    "users-colon.bad.yml": "it accepts a user who can never log in (RFC 7617)",
    "version-without-certificate.bad.yml": "it serves plain HTTP, though somebody meant TLS",
    "versions-old.bad.yml": "OpenSSL's policy on this and most machines has no TLS 1.0 and 1.1",
    "versions-reversed.bad.yml": "it accepts what nobody can connect to",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where certificates are, and files are put."""
    made = tmp_path_factory.mktemp("web-config")
    prepare(made)
    return made


def problems_of(path: Path) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load_web_config(str(path))
    return [problem.removeprefix(f"{path}:") for problem in caught.value.problems]


@pytest.mark.parametrize("name", GOOD)
def test_a_good_file_loads(folder: Path, name: str) -> None:
    config = load_web_config(str(put(folder, name)))
    assert (config.tls is not None) == ("tls_server_config:\n  " in (FILES / name).read_text())


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_tells_all_its_problems(folder: Path, name: str) -> None:
    """Each file's comments of the form `# line:column: ...` are the problems it must tell, all and no other."""
    assert_problems(problems_of(put(folder, name)), FILES / name)


def toolkit_accepts(path: Path) -> bool:
    """Whether Debian's node_exporter serves with a web-config file."""
    log = path.with_suffix(".log")
    flags = ["--web.listen-address=127.0.0.1:0", "--collector.disable-defaults", f"--web.config.file={path}"]
    with log.open("w") as stderr:
        process = subprocess.Popen([tool("prometheus-node-exporter"), *flags], stderr=stderr)
    try:
        end = time.monotonic() + 20
        while process.poll() is None and "TLS is " not in log.read_text():
            assert time.monotonic() < end, log.read_text()
            time.sleep(0.01)
        time.sleep(0.2)  # suites are looked at after it has said so
        return process.poll() is None
    finally:
        process.kill()
        process.wait()


@pytest.mark.programs
@pytest.mark.parametrize("name", [*GOOD, *BAD])
def test_the_toolkit_says_the_same(folder: Path, name: str) -> None:
    """And where it does not, it is on purpose."""
    expected = name in GOOD
    assert toolkit_accepts(put(folder, name)) is (expected != (name in DIFFERENCES)), DIFFERENCES.get(name)


def test_each_difference_is_that_of_a_file() -> None:
    assert set(DIFFERENCES) <= {*GOOD, *BAD}


def test_no_secret_is_in_a_repr_or_a_message(folder: Path) -> None:
    key = "".join((folder / "server.key").read_text().splitlines()[1:-1])[:40]
    for name in ("tls-inline.good.yml", "users.good.yml"):
        path = put(folder, name)
        shown = repr(load_web_config(str(path))) + str(load_web_config(str(path)))
        assert key not in shown
        assert "$2" not in shown
    for name in BAD:
        told = "\n".join(problems_of(put(folder, name)))
        for secret in ("correct horse", "hunter2", key, "QOauhQNb"):
            assert secret not in told


def test_a_name_without_a_hash_may_be_part_of_one_and_is_not_told(tmp_path: Path) -> None:
    (tmp_path / "web.yml").write_text("basic_auth_users: {alice: x,hunter2}\n")
    assert problems_of(tmp_path / "web.yml") == ["1:36: basic_auth_users: must be text, but YAML reads it as nothing"]
    (tmp_path / "web.yml").write_text("basic_auth_users: {alice: x,hunter2,hunter2}\n")
    assert problems_of(tmp_path / "web.yml") == ["1:37: basic_auth_users: this key was given before, in line 1"]


def test_no_path_is_no_file_and_a_missing_file_is_told() -> None:
    assert load_web_config("") == WebConfig()
    assert problems_of(Path("nowhere.yml")) == [" cannot read the config file: No such file or directory"]


def test_a_file_with_a_line_break_in_its_name_is_no_file() -> None:
    with pytest.raises(ConfigError, match="cannot read the config file"):
        load_web_config("nowhere\0.yml")


def test_equal_files_make_equal_settings_and_another_certificate_makes_others(tmp_path: Path) -> None:
    prepare(tmp_path)
    path = put(tmp_path, "tls.good.yml")
    before = load_web_config(str(path))
    assert load_web_config(str(path)) == before
    keep(tmp_path, "other.pem", "server.pem", "other.key", "server.key")
    assert load_web_config(str(path)) != before


def test_defaults_are_those_of_the_toolkit(folder: Path) -> None:
    config = load_web_config(str(put(folder, "tls.good.yml")))
    assert config.tls
    context = config.tls.context
    assert (context.minimum_version, context.maximum_version) == (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3)
    assert context.verify_mode is ssl.CERT_NONE
    assert context.options & ssl.OP_CIPHER_SERVER_PREFERENCE
    config = load_web_config(str(put(folder, "suites-in-the-clients-order.good.yml")))
    assert config.tls
    assert not config.tls.context.options & ssl.OP_CIPHER_SERVER_PREFERENCE


def test_only_the_suites_that_are_listed_are_there(folder: Path) -> None:
    config = load_web_config(str(put(folder, "suites.good.yml")))
    assert config.tls
    names = {suite["name"] for suite in config.tls.context.get_ciphers() if suite["protocol"] != "TLSv1.3"}
    assert names == {"ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-RSA-AES128-GCM-SHA256"}


@pytest.mark.parametrize(
    ("text", "seconds"), [("0", 0), (0, 0), ("1s", 1), ("1m30.5s", 90.5), (".5s", 0.5), ("1h", 3600), ("250ms", 0.25)]
)
def test_durations_are_gos(text: str | int, seconds: float) -> None:
    assert go_seconds(text) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["", "1", "s", "1 s", "-1s", "1d", 5, True, None, 1.5])
def test_what_is_no_duration(text: object) -> None:
    with pytest.raises(ValueError, match="must be a duration"):
        go_seconds(text)


def test_the_check_looks_at_both_files(folder: Path) -> None:
    config = Path(__file__).parents[1] / "config" / "files" / "minimal.good.yaml"
    web, bad = put(folder, "users-without-tls.good.yml"), put(folder, "users-plain-password.bad.yml")
    run = CliRunner().invoke(cli, [f"--config.file={config}", f"--web.config.file={web}", "--config.check"])
    assert run.exit_code == 0, run.output
    assert run.stdout.splitlines()[-1] == f"{web}: good: plain HTTP, 1 login"
    assert f"{web}: warning: basic_auth_users without tls_server_config" in run.stderr
    run = CliRunner().invoke(cli, [f"--config.file={folder}/none.yaml", f"--web.config.file={bad}", "--config.check"])
    assert run.exit_code == 2
    first, second = run.stderr.splitlines()
    assert "none.yaml: cannot read the config file" in first
    assert second.startswith(f"{bad}:2:10: basic_auth_users.alice: must be a bcrypt hash")


def test_what_is_not_to_be_had_is_a_notice(folder: Path) -> None:
    """`http2: true` is the toolkit's own default: whoever writes it down is no worse off."""
    (notice,) = load_web_config(str(put(folder, "http2.good.yml"))).notices
    assert notice.startswith("http_server_config.http2: there is no HTTP/2 here; HTTP/1.1 is negotiated")
    assert load_web_config(str(put(folder, "no-http2.good.yml"))).notices == ()


def test_hashes_that_cost_too_much_are_a_notice_with_what_each_login_costs_here(folder: Path) -> None:
    """Cost 14 is the highest that is not told; the notice comes soon, though the login would take hours."""
    started = time.monotonic()
    dear, dearest = load_web_config(str(put(folder, "users-dear.good.yml"))).notices
    assert time.monotonic() - started < 2
    assert re.match(r"basic_auth_users\.dear: the hash has cost 15: each login, .* about \d+ seconds on this", dear)
    assert re.match(r"basic_auth_users\.dearest: the hash has cost 31: .* about \d+ (hours|days) on this", dearest)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.2, "1 seconds"), (90, "90 seconds"), (130, "2 minutes"), (122400, "34 hours"), (9e5, "10 days")],
)
def test_a_time_is_told_in_the_largest_unit_of_which_there_are_two(seconds: float, text: str) -> None:
    assert readable(seconds) == text


def test_what_a_login_costs_is_about_what_it_costs() -> None:
    started = time.thread_time()  # in which nobody else's work counts
    bcrypt.hashpw(b"x", bcrypt.gensalt(10))
    assert 0.2 < seconds_per_login(10, measured_seconds()) / (time.thread_time() - started) < 5


def test_a_file_that_is_too_long_is_refused_and_not_cut_off(folder: Path) -> None:
    """Its logins come last."""
    path = folder / "long.yml"
    path.write_text("#" * MAX_WEB_CONFIG + "\nbasic_auth_users: {alice: hunter2}\n")
    assert problems_of(path) == [f" cannot read the config file: it is longer than {MAX_WEB_CONFIG} bytes"]
    config = Path(__file__).parents[1] / "config" / "files" / "minimal.good.yaml"
    run = CliRunner().invoke(cli, [f"--config.file={config}", f"--web.config.file={path}", "--config.check"])
    assert run.exit_code == 2


@pytest.mark.parametrize("name", ["empty.good.yml", "comment.good.yml"])
def test_an_empty_file_is_as_good_as_none_and_warned_of(folder: Path, name: str) -> None:
    """At the start, that is, as the toolkit has it; nothing protected anybody before."""
    config = Path(__file__).parents[1] / "config" / "files" / "minimal.good.yaml"
    web = put(folder, name)
    run = CliRunner().invoke(cli, [f"--config.file={config}", f"--web.config.file={web}", "--config.check"])
    assert run.exit_code == 0, run.output
    assert f"{web}: warning: the file is empty: everybody is let in, over plain HTTP, without a login" in run.stderr
