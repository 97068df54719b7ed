"""Commands and flags, without a process of their own."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result
from yarl import URL

from frs_exporter.cli.main import cli, command
from frs_exporter.cli.options import shard_of
from frs_exporter.cli.web_options import address, layout_of, prefix
from tests.root import without_root

FILES = Path(__file__).parent / "config" / "files"


def run(*arguments: str) -> Result:
    """A command, in this process; what it says of root is left out."""
    result = CliRunner().invoke(cli, arguments, prog_name="frs-exporter")
    result.stderr_bytes = without_root(result.stderr).encode()
    result.output_bytes = without_root(result.output).encode()
    return result


def test_help_shows_the_commands_and_the_flags_of_serve() -> None:
    result = run("--help")
    assert result.exit_code == 0
    for word in ("demo", "simulate", "config-schema", "--config.file", "--web.listen-address", "--log.format"):
        assert word in result.output
    assert run("-h").output == result.output


def test_help_is_a_word_too() -> None:
    assert run("help").output == run("--help").output
    assert run("help", "check").output == run("check", "--help").output


@pytest.mark.parametrize("flag", ["-c", "--config-file", "--config.file"])
def test_the_config_has_a_flag_by_any_name(flag: str, tmp_path: Path) -> None:
    good = str(shutil.copy(FILES / "minimal.good.yaml", tmp_path))
    for arguments in ((flag, good, "--config.check"), ("serve", flag, good, "--config.check")):
        result = run(*arguments)
        assert (result.exit_code, result.stderr) == (0, "")
    assert "--project: none is called 'nobody'" in run("check", flag, good, "--project=nobody").stderr


def test_the_config_may_be_several_files_and_folders(tmp_path: Path) -> None:
    keys, projects = (FILES / "minimal.good.yaml").read_text().split("projects:")
    (tmp_path / "keys.yaml").write_text(keys)
    (tmp_path / "conf.d").mkdir()
    (tmp_path / "conf.d/projects.yaml").write_text(f"projects:{projects}")
    given = f"--config.file={tmp_path}/keys.yaml", f"--config.file={tmp_path}/conf.d"
    result = run(*given, "--config.check")
    assert (result.exit_code, result.stderr) == (0, "")
    name = f"{tmp_path}/keys.yaml, {tmp_path}/conf.d"
    assert result.stdout == f"{name}: good: 1 project, 2 jobs, 1 credential in use\n"
    assert "--project: none is called 'nobody'; there are a" in run("check", *given, "--project=nobody").stderr
    (tmp_path / "conf.d/more.yaml").write_text(keys)
    twice = f"{tmp_path}/conf.d/more.yaml:2:3: credentials.keys: this key was given before, in {tmp_path}/keys.yaml:2\n"
    for arguments in (given, (*given, "--config.check"), ("check", *given)):
        result = run(*arguments)
        assert (result.exit_code, result.stdout, result.stderr) == (2, "", twice)


@pytest.mark.parametrize(("written", "level"), [("warn", "warning"), ("WARN", "warning"), ("Debug", "debug")])
def test_levels_as_other_exporters_have_them(written: str, level: str) -> None:
    serve = command("serve")
    assert serve.make_context("serve", [f"--log.level={written}"]).params["level"] == level


def test_serve_is_the_default_command(tmp_path: Path) -> None:
    good = f"--config.file={shutil.copy(FILES / 'minimal.good.yaml', tmp_path)}"
    for arguments in ((good, "--config.check"), ("serve", good, "--config.check")):
        result = run(*arguments)
        assert (result.exit_code, result.stderr) == (0, "")
        assert result.stdout == f"{tmp_path}/minimal.good.yaml: good: 1 project, 2 jobs, 1 credential in use\n"


def test_a_bad_config_is_told_on_standard_error_with_exit_code_2() -> None:
    for arguments in ((), ("--config.check",)):
        result = run(f"--config.file={FILES}/stale.bad.yaml", *arguments)
        assert (result.exit_code, result.stdout) == (2, "")
        file, rule = (
            f"{FILES}/stale.bad.yaml",
            "must be at least 73s: poll_interval (1m), a twentieth of it, and poll_timeout (10s)",
        )
        assert result.stderr.splitlines() == [
            f"{file}:3:28: defaults.stale_after: stale_after (30s) {rule}",
            f"{file}:9:18: projects[0].stale_after: stale_after (20s) {rule}",
        ]


def test_warnings_are_told_by_the_check(tmp_path: Path) -> None:
    text = (FILES / "minimal.good.yaml").read_text() + "endpoints: {frs: 'http://frs.example'}\n"
    (tmp_path / "c.yaml").write_text(text)
    result = run(f"--config.file={tmp_path}/c.yaml", "--config.check")
    assert result.exit_code == 0
    assert "warning: endpoints.frs is plain http" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "--config.file=FILE is missing"),
        (("--config.fil=x",), "No such option"),
        (("--config.file=x", "--web.listen-address=10377"), "'10377' is not host:port; did you mean :10377?"),
        *(
            (
                ("--config.file=x", f"--web.listen-address={given}"),
                f"an IPv6 address stands in brackets{more}: did you mean {meant}?",
            )
            for given, more, meant in (
                ("fe80::1%lo:9000", "", "[fe80::1%lo]:9000"),
                ("::1:9000", "", "[::1]:9000"),
                ("::", ", with the port behind", "[::]:10377"),
                ("[::1]", ", with the port behind", "[::1]:10377"),
            )
        ),
        (("--config.file=x", "--web.listen-address=:1,[::1]:2"), "is not host:port; give each address by itself"),
        (("--config.file=x", "--web.listen-address=localhost"), "'localhost' is not host:port; use :10377, "),
        (("--config.file=x", "--web.listen-address=[::1:5"), "is not host:port"),
        (("--config.file=x", "--web.listen-address=:70000"), "is not host:port"),
        (("--config.file=x", "--web.listen-address=[fe80::1%]:5"), "is not host:port"),
        (("--config.file=x", "--web.listen-address=[127.0.0.1]:5"), "is not host:port"),
        (("--config.file=x", "--web.listen-address=[1:2]:5"), "is not host:port"),
        (("--config.file=x", "--web.telemetry-path=metrics"), "must be a path like /metrics"),
        (("--config.file=x", "--web.telemetry-path=/-/healthy"), "none below /-/"),
        (("--config.file=x", "--web.telemetry-path=//-"), "none below /-/"),
        (("--config.file=x", "--web.telemetry-path=//probe/"), "none of /probe, /sd"),
        (("--config.file=x", "--log.level=loud"), "'loud' is not one of"),
        (("--config.file=x", "--config.auto-reload-interval=30"), "must be a duration like 30s, 1m30s or 2h"),
        (("--config.file=x", "--config.auto-reload-interval=5ms"), "must be between 1s and 1d, or 0 for never"),
        (("--config.file=x", "--total-shards=0"), "0 is not in the range"),
        (("--config.file=x", "--total-shards=3"), "which of the 3 shards is this one? Set --shard"),
        (("--config.file=x", "--shard=3", "--total-shards=3"), "no shard 3 of 3: they count from 0"),
        (("--config.file=x", "--shard=frs-exporter-2"), "no shard 2 of 1: they count from 0"),
        (("--config.file=x", "--shard=-1", "--total-shards=2"), "'-1' is no number from 0 on"),
        (("--config.file=x", "--shard=first"), "'first' is no number from 0 on, and no pod name like frs-exporter-3"),
        (("demo", "--projects=0"), "0 is not in the range"),
        (("simulate", "--listen-address=nowhere"), "'nowhere' is not host:port"),
        (("simulate", "--poll-interval=10"), "must be a duration"),
        (("unknown",), "No such command 'unknown'; commands are check, "),
        (("-config.file=x",), "No such option '-config.file'; did you mean '--config.file'?"),
        (("-web.listen-address", ":1"), "No such option '-web.listen-address'; did you mean '--web.listen-address'?"),
        (("check", "-project=x"), "No such option '-project'; did you mean '--project'?"),
        (("completion",), "Missing argument 'shell'. Choose from: bash, zsh, fish"),
        (("config_example",), "No such command 'config_example'; did you mean config-example?"),
        (("chekc",), "did you mean check?"),
        (("frs.yaml",), "to run with a config: frs-exporter --config.file=frs.yaml"),
        ((str(FILES / "minimal.good.yaml"), "--log.level=debug"), "to run with a config: frs-exporter --config.file="),
        (("--config.file", "a/1.yaml", "a/2.yaml"), "(a/2.yaml); write --config.file before each file, or name their"),
        (("help", "nothing"), "No such command 'nothing'"),
        (("--config.file=x", "--log.level=none"), "'none' is no level: error writes the fewest lines, and 2>/dev/null"),
    ],
)
def test_wrong_usage_is_exit_code_2_and_says_what_to_do(arguments: tuple[str, ...], message: str) -> None:
    result = run(*arguments)
    assert (result.exit_code, result.stderr.count("\n")) == (2, 1)
    assert message in result.stderr


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (":10377", (None, 10377)),
        ("127.0.0.1:0", ("127.0.0.1", 0)),
        ("localhost:1", ("localhost", 1)),
        ("[::1]:2", ("::1", 2)),
        ("[::]:65535", ("::", 65535)),
        ("[fe80::1%eth0]:2", ("fe80::1%eth0", 2)),
        ("[fe80::1%wlp3s0.12]:2", ("fe80::1%wlp3s0.12", 2)),
    ],
)
def test_addresses(text: str, expected: tuple[str | None, int]) -> None:
    assert address(text) == expected


def test_the_schema_is_printed() -> None:
    schema = json.loads(run("config-schema").stdout)
    assert "several files" in schema["description"]
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["additionalProperties"] is False


@pytest.mark.parametrize(
    ("arguments", "environment", "expected"),
    [
        ((), {}, (0, 1)),
        (("--shard=2", "--total-shards=3"), {}, (2, 3)),
        (("--shard=frs-exporter-3", "--total-shards=8"), {}, (3, 8)),
        ((), {"FRS_SHARD": "frs-exporter-3", "FRS_TOTAL_SHARDS": "4"}, (3, 4)),
        (("--shard=1",), {"FRS_SHARD": "0", "FRS_TOTAL_SHARDS": "2"}, (1, 2)),
    ],
)
def test_which_shard_it_is(arguments: tuple[str, ...], environment: dict[str, str], expected: tuple[int, int]) -> None:
    serve = command("serve")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        options = serve.make_context("serve", ["--config.file=x", *arguments]).params
    shard = shard_of(options["shard"], options["total_shards"])
    assert (shard.index, shard.total) == expected


def test_the_check_counts_discovery_rules(tmp_path: Path) -> None:
    text = "credentials: {keys: {ak_sk: {access_key: AK, secret_key: sk}}}\ndiscovery: [{credential: keys}]\n"
    (tmp_path / "c.yaml").write_text(text)
    result = run(f"--config.file={tmp_path}/c.yaml", "--config.check")
    assert result.stdout.endswith("c.yaml: good: 0 projects, 1 discovery rule, 1 credential in use\n")


@pytest.mark.parametrize(
    ("flags", "problem"),
    [
        (["--web.external-url=monitoring"], "must be a URL like https://monitoring.example.com/frs/"),
        (["--web.external-url=ftp://x/"], "must be a URL like https://monitoring.example.com/frs/"),
        (["--web.external-url=http://"], "must be a URL like https://monitoring.example.com/frs/"),
        (["--web.external-url=http://user:pw@x/"], "must be a URL like https://monitoring.example.com/frs/"),
        (["--web.external-url=http://:pw@x/"], "must be a URL like https://monitoring.example.com/frs/"),
        (["--web.external-url=http://x/?a=b"], "must be a URL like https://monitoring.example.com/frs/"),
        (["--web.external-url=http://x:99999/"], "must be a URL like https://monitoring.example.com/frs/"),
        (["--web.external-url=http://[::1/"], "must be a URL like https://monitoring.example.com/frs/"),
        (["--web.external-url=http://x/a%20b"], "must be a path like /frs"),
        (["--web.route-prefix=/a b"], "must be a path like /frs"),
        (["--web.route-prefix=/{x}"], "must be a path like /frs"),
        (["--web.telemetry-path=/probe"], "none below /-/ and none of /probe, /sd, /api/v1/status"),
    ],
)
def test_where_it_cannot_be_reached(flags: list[str], problem: str) -> None:
    result = run("--config.file=x", *flags)
    assert result.exit_code == 2
    assert problem in " ".join(result.stderr.split())
    assert "pw" not in result.stderr


@pytest.mark.parametrize(
    ("external", "route_prefix", "prefix", "home"),
    [
        (None, None, "", "/"),
        ("https://example.com", None, "", "/"),
        ("https://example.com/frs/", None, "/frs", "/frs/"),
        ("https://example.com/frs", "", "", "/frs/"),
        ("https://example.com/", "/inner", "/inner", "/"),
        (None, "/a/b", "/a/b", "/a/b/"),
    ],
)
def test_where_the_endpoints_are(external: str | None, route_prefix: str | None, prefix: str, home: str) -> None:
    layout = layout_of("/metrics", route_prefix, URL(external) if external else None)
    assert (layout.prefix, layout.home) == (prefix, home)


@pytest.mark.parametrize(("given", "taken"), [("/", ""), ("", ""), ("frs", "/frs"), ("/frs/", "/frs")])
def test_a_prefix_has_a_slash_before_it_and_none_after(given: str, taken: str) -> None:
    assert prefix(click.Context(cli), click.Option(["--x"]), given) == taken


@pytest.mark.parametrize(("name", "unneeded"), [("health", "aiohttp"), ("explain", "aiohttp"), ("check", "jinja2")])
def test_a_command_imports_what_it_needs(name: str, unneeded: str) -> None:
    """`health` runs every half a minute where containers are watched with it."""
    look = (
        f"import sys; from frs_exporter.cli.main import command; command({name!r}); print({unneeded!r} in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True).stdout == "False\n"
