"""The smaller commands: explain, health and completion."""

import asyncio
import contextlib
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from frs_exporter.cli.daemon import ServerOptions, running_server
from frs_exporter.cli.main import cli
from frs_exporter.config.load import Config, load
from frs_exporter.config.source import Source
from frs_exporter.core.pasted import names
from frs_exporter.exposition.telemetry import Telemetry
from frs_exporter.polling.exporter import Exporter
from frs_exporter.web.layout import Layout
from frs_exporter.web.web_config import load_web_config
from frs_simulator import Simulator, demo_world
from frs_simulator.control import PATH as FAULTS_PATH
from tests.conftest import LIMITS
from tests.e2e.conftest import fetch, free_port, tool
from tests.test_cli import run
from tests.web.authority import prepare, put
from tests.web.serving import Served, serving


@pytest.fixture(autouse=True)
def english(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)


def test_a_code_is_explained() -> None:
    assert run("explain", "frs.0019").stdout == (
        "FRS.0019 (HTTP 400, reason client): nothing of FRS is subscribed by this user in this region\n"
        "\n"
        "Likely causes:\n"
        "  1. it is subscribed for another IAM user: each subscribes for itself\n"
        "  2. it is subscribed in another region\n"
        "  3. it was never subscribed, or was switched off\n"
        "\n"
        "What to do: subscribe in the FRS console as this very IAM user and in this region\n"
        "Retried: it is an answer, so nothing is retried; it is asked again at the next poll\n"
    )


@pytest.mark.parametrize("asked", ["APIG.0301", "IAM.0081", "403", "HTTP 503", "throttled"])
def test_whatever_it_is_called_there_is_what_to_do(asked: str) -> None:
    result = run("explain", asked)
    assert result.exit_code == 0
    for heading in ("Likely causes:\n  1. ", "What to do: ", "Retried: "):
        assert heading in result.stdout


def test_a_status_and_a_reason_say_what_they_are() -> None:
    assert run("explain", "503").stdout.startswith("HTTP 503 (reason server): the cloud has an error of its own\n")
    assert run("explain", "dns").stdout.startswith("dns: the cloud's host name was not found\n")


@pytest.mark.parametrize(
    ("environment", "chinese"),
    [
        ({"LANG": "zh_CN.UTF-8"}, True),
        ({"LANG": "C.UTF-8"}, False),
        ({"LANG": "zh_CN.UTF-8", "LC_ALL": "en_US.UTF-8"}, False),
        ({"LANG": "en_US.UTF-8", "LC_MESSAGES": "zh_TW"}, True),
        ({}, False),
    ],
)
def test_the_language_is_the_environments(
    environment: dict[str, str], chinese: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert ("处理建议" in run("explain", "FRS.0202").stdout) == chinese
    assert "处理建议" in run("explain", "FRS.0202", "--lang=zh").stdout
    assert "What to do" in run("explain", "FRS.0202", "--lang=en").stdout


def test_an_unknown_code_says_so() -> None:
    result = run("explain", "FRS.0091")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("Error: 'FRS.0091' is not known here; did you mean FRS.00")
    assert run("explain", "what").stderr == (
        "Error: 'what' is not known here; without a CODE, all that are known are listed\n"
    )
    assert "did you mean FrsServiceFrozen?" in run("explain", "FrsServiceFrosen").stderr
    assert len(run("explain", "x" * 1000).stderr) < 150


def test_all_that_is_known_is_listed() -> None:
    lines = run("explain").stdout.splitlines()
    assert len(lines) == len(names()) + 11, "six headings, and a blank line before each but the first"
    assert all(len(line) <= 100 for line in lines)
    assert {line.split()[0] for line in lines if line.startswith("  ")} == set(names())


def test_what_is_pasted_is_explained_in_both_languages() -> None:
    line = "config.yaml:12:5: defaults.poll_interval: must be between 1s and 1d"
    assert run("explain", line).stdout == (
        "duration-out-of-range (config): the time is shorter or longer than makes sense\n"
        "\n"
        "Why, and what to do: the message has both bounds: shorter would only burn quota, longer would hide what is"
        " wrong\n"
        "\n"
        "Written right:\n"
        "  defaults:\n"
        "    poll_interval: 1m\n"
    )
    assert run("explain", *line.split(), "--lang=zh").stdout.startswith(
        "duration-out-of-range (配置)：时长过短或过长\n"
    )
    assert run("explain", "must be a bcrypt hash", "--lang=zh").stdout.startswith("not-a-hash (Web 配置)：")


def test_an_alert_is_explained_by_its_runbook() -> None:
    text = run("explain", "FrsServiceFrozen", "--lang=en").stdout
    assert text.startswith("FrsServiceFrozen (alert, critical): FRS answers FRS.0202: ")
    for heading in (
        "\nImpact:\n  All calls",
        "\nHow to find the cause:\n  The",
        "\nWhat to do:\n  Settle the arrears.",
    ):
        assert heading in text
    assert "\n      frs_service_frozen == 1\n" in text
    assert text.endswith("\nRunbook: deploy/prometheus/runbooks.md#frsservicefrozen\n")
    assert "\n处理建议：\n  结清欠费。" in run("explain", "FrsServiceFrozen", "--lang=zh").stdout
    listed = run("explain", "FrsPollFailing", "--lang=en").stdout
    assert "\n  - `server`: the vendor's trouble; " in listed


def test_an_exit_code_is_explained() -> None:
    for words in (("3",), ("exit", "3"), ("exit code 3",)):
        assert run("explain", *words, "--lang=en").stdout.startswith("exit code 3: the program itself has failed")
    assert run("explain", "exit", "3", "--lang=zh").stdout.startswith("退出码 3：程序自身出错")
    assert run("explain", "401").stdout.startswith("HTTP 401 ")


def test_a_code_that_is_not_known_is_explained_by_what_stands_beside_it() -> None:
    result = run("explain", "FRS.9999 (HTTP 500)")
    assert (result.exit_code, result.stdout[:9]) == (0, "HTTP 500 ")
    page = "https://support.huaweicloud.com/intl/en-us/api-face/face_02_0045.html"
    assert result.stderr == f"FRS.9999 is not known here; the vendor lists such codes at {page}\n"
    result = run("explain", "FRS.9999", "--lang=zh")
    assert result.exit_code == 1
    page = "https://support.huaweicloud.com/api-face/face_02_0045.html"
    unknown = "此处没有关于 {} 的说明；{}华为云的错误码列表见 {}\n"
    assert result.stderr == "错误：" + unknown.format("'FRS.9999'", "不带 CODE 则列出全部已知内容；", page)
    assert run("explain", "FRS.9999 (HTTP 500)", "--lang=zh").stderr == unknown.format("FRS.9999", "", page)
    meant = run("explain", "FrsServiceFrosen", "--lang=zh").stderr
    assert meant == "错误：此处没有关于 'FrsServiceFrosen' 的说明；是否指 FrsServiceFrozen？\n"


@pytest.fixture
async def served() -> AsyncIterator[Served]:
    async with Simulator(demo_world(1)) as simulator, serving(simulator) as started:
        yield started


async def health(url: str, *arguments: str) -> Result:
    """What the command says, from another thread than the one that serves."""
    return await asyncio.to_thread(run, "health", f"--url={url}", *arguments)


async def test_a_healthy_exporter(served: Served) -> None:
    result = await health(f"http://127.0.0.1:{served.port}")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "healthy\n", "")


class Stuck(Exporter):
    """Says of itself that it does not turn, as one that does not could not be asked."""

    def not_healthy(self) -> str:
        return "the event loop has not turned for 20 s"


async def test_one_that_does_not_turn() -> None:
    telemetry, source = Telemetry(), Source("", load_web_config)
    stuck = Stuck(Source("", load), Config((), LIMITS), telemetry)
    options = ServerOptions([("127.0.0.1", 0)], source.load(), source, Layout())
    async with running_server(stuck, telemetry, options) as (address,):
        result = await health(f"http://{address}/")
    assert result.exit_code == 1
    assert "/-/healthy answers 503: " in result.stderr
    assert "has not turned for 20 s" in result.stderr
    assert result.stderr.count("\n") == 1


async def test_one_that_is_not_there() -> None:
    result = await health("http://127.0.0.1:1")
    assert result.exit_code == 1
    assert result.stderr.endswith("http://127.0.0.1:1/-/healthy: Connection refused; is the exporter running there?\n")


async def test_one_that_says_nothing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        result = await health(f"http://127.0.0.1:{silent.getsockname()[1]}", "--timeout=200ms")
    assert result.exit_code == 1
    assert "timed out" in result.stderr


@pytest.mark.parametrize(
    "url",
    ["localhost:10377", "file:///etc/passwd", "ftp://x", "http://user:hunter2@localhost", "http://:hunter2@localhost"],
)
async def test_what_is_no_url_is_refused(url: str) -> None:
    result = await health(url)
    assert result.exit_code == 2
    assert "--url must be a URL like http://localhost:10377" in result.stderr
    assert "hunter2" not in result.output


async def test_who_wants_a_certificate_is_alive(tmp_path: Path) -> None:
    """To be turned away is an answer; who has a certificate is let in."""
    prepare(tmp_path)
    mine = (f"--cert-file={tmp_path}/prometheus.pem", f"--key-file={tmp_path}/prometheus.key")
    async with (
        Simulator(demo_world(1)) as simulator,
        serving(simulator, None, put(tmp_path, "mtls.good.yml")) as strict,
    ):
        for host in ("127.0.0.1", "localhost"):
            url = f"https://{host}:{strict.port}"
            for _ in range(3):
                result = await health(url, "--insecure-skip-verify")
                assert (result.exit_code, result.stderr) == (0, "")
                assert result.stdout == "healthy, though it lets in only who has a certificate (--cert-file)\n"
            result = await health(url, "--insecure-skip-verify", *mine)
            assert (result.exit_code, result.stdout, result.stderr) == (0, "healthy\n", "")
            untrusted = await health(url)
            assert (untrusted.exit_code, untrusted.stderr.count("\n")) == (1, 1)
            assert "its certificate is refused: " in untrusted.stderr
            assert "--insecure-skip-verify does not look at it" in untrusted.stderr
            plain = await health(url.replace("https:", "http:"))
            assert plain.exit_code == 1
            assert plain.stderr.endswith("closed without an answer; is it https://, or another service?\n")


async def test_where_nobody_speaks_tls(served: Served) -> None:
    result = await health(f"https://127.0.0.1:{served.port}", "--insecure-skip-verify")
    assert result.exit_code == 1
    assert result.stderr.endswith("/-/healthy: what listens there does not speak TLS; is it http://?\n")


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--key-file=x"], "--key-file needs --cert-file beside it"),
        (["--cert-file=/nowhere"], "--cert-file /nowhere: No such file or directory"),
        (["--cert-file={}/junk.pem"], "no PEM certificate with its key, unencrypted"),
        (["--cert-file={}/server.pem"], "no PEM certificate with its key, unencrypted"),
        (["--cert-file={}/server.pem", "--key-file={}/encrypted.key"], "no PEM certificate with its key, unencrypted"),
    ],
)
async def test_a_certificate_that_is_none(flags: list[str], message: str, tmp_path: Path) -> None:
    prepare(tmp_path)
    result = await health("https://localhost:1", *(flag.format(tmp_path) for flag in flags))
    assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (2, "", 1)
    assert message in result.stderr


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (b"SSH-2.0-OpenSSH_9.2\r\n", "does not speak HTTP; is it another service?"),
        (b"HTTP/1.1 abc\r\n\r\n", "does not speak HTTP; is it another service?"),
        (b"\x15\x03\x03\x00\x02\x02\x0a", "does not speak HTTP; is it another service?"),
        (b"", "the connection was closed without an answer; is it https://, or another service?"),
        (b"HTTP/1.1 301 Moved\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n", "answers 301: "),
    ],
)
async def test_whatever_else_listens_there_is_one_line(said: bytes, expected: str) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(said)
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        result = await health(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
    assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (1, "", 1)
    assert expected in result.stderr


@pytest.mark.parametrize(
    "said", [b"", b"HTTP/1.1 200 OK\r\nX: ", b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n"], ids=len
)
async def test_one_that_says_a_little_all_the_time_is_waited_for_no_longer(said: bytes) -> None:
    gone = asyncio.Event()

    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(said)
        with contextlib.suppress(ConnectionError):
            for _ in range(40):
                writer.write(b"x")
                await writer.drain()
                await asyncio.sleep(0.1)
        writer.close()
        gone.set()

    async with await asyncio.start_server(drip, "127.0.0.1", 0) as server:
        result = await health(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", "--timeout=500ms")
        assert not gone.is_set(), "it would still be saying something"
        assert (result.exit_code, result.stdout) == (1, "")
        assert result.stderr.endswith("/-/healthy: timed out; is the exporter running there?\n")
        await gone.wait()


@pytest.mark.parametrize("end", ["/-/healthy", "/-/healthy/", "/"])
async def test_the_path_may_be_given_too(served: Served, end: str) -> None:
    result = await health(f"http://127.0.0.1:{served.port}{end}")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "healthy\n", "")


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
async def test_localhost_is_found_by_number_and_by_the_environment(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    telemetry, source = Telemetry(), Source("", load_web_config)
    exporter = Exporter(Source("", load), Config((), LIMITS), telemetry)
    options = ServerOptions([(host, 0)], source.load(), source, Layout())
    async with running_server(exporter, telemetry, options) as (bound,):
        monkeypatch.setenv("FRS_HEALTH_URL", f"http://localhost:{bound.rpartition(':')[2]}")
        result = await asyncio.to_thread(run, "health")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "healthy\n", "")


async def test_behind_tls_a_login_and_a_prefix(tmp_path: Path) -> None:
    """Whoever is not let in has been answered all the same."""
    prepare(tmp_path)
    layout = Layout("/metrics", "/frs")
    file = put(tmp_path, "users.good.yml")
    async with Simulator(demo_world(1)) as simulator, serving(simulator, layout, file) as secured:
        url = f"https://127.0.0.1:{secured.port}/frs"
        strict = await health(url)
        assert strict.exit_code == 1
        assert "its certificate is refused: unable to get local issuer certificate" in strict.stderr
        result = await health(url, "--insecure-skip-verify")
        assert (result.exit_code, result.stdout) == (0, "healthy, though it lets only others in (401)\n")


@pytest.mark.programs
@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_completion_script_is_one_of_its_shell(shell: str, tmp_path: Path) -> None:
    result = run("completion", shell)
    assert result.exit_code == 0
    assert "_FRS_EXPORTER_COMPLETE" in result.stdout
    (tmp_path / "script").write_text(result.stdout)
    subprocess.run([tool(shell), "-n", str(tmp_path / "script")], check=True)


@pytest.mark.programs
def test_fish_and_zsh_load_their_scripts(tmp_path: Path) -> None:
    """And know then that there is something to complete."""
    for shell in ("fish", "zsh"):
        (tmp_path / shell).write_text(run("completion", shell).stdout)
    zsh = f"autoload -U compinit; compinit -u -D; source {tmp_path}/zsh; print $_comps[frs-exporter]"
    fish = f"source {tmp_path}/fish; complete -c frs-exporter"
    for shell, program, word in (
        ("zsh", ["-f", "-c", zsh], "_frs_exporter"),
        ("fish", ["-N", "-c", fish], "frs-exporter"),
    ):
        result = subprocess.run([tool(shell), *program], capture_output=True, text=True, timeout=30, check=True)
        assert word in result.stdout


def completion_of(line: str) -> dict[str, str]:
    """What bash tells a program that it wants to complete a line."""
    words = line.split(" ")
    return {"_FRS_EXPORTER_COMPLETE": "bash_complete", "COMP_WORDS": line, "COMP_CWORD": str(len(words) - 1)}


def test_bash_completes_commands_flags_and_values() -> None:
    def completed(line: str) -> set[str]:
        result = CliRunner().invoke(cli, prog_name="frs-exporter", env=completion_of(line))
        return set(result.stdout.splitlines())

    def values(line: str) -> set[str]:
        return {entry.partition(",")[2] for entry in completed(line)}

    assert {"check", "completion", "config-schema"} <= values("frs-exporter c")
    assert values("frs-exporter check --out") == {"--output", "--output-file"}
    assert values("frs-exporter check --output j") == {"json"}
    assert "--config.file" in values("frs-exporter --conf")
    assert values("frs-exporter explain frs.001") == {"FRS.0018", "FRS.0019"}
    assert values("frs-exporter explain thr") == {"throttled"}
    assert values("frs-exporter explain FrsTh") == {"FrsThrottled"}
    assert values("frs-exporter explain exit-13") == {"exit-130", "exit-134", "exit-137"}
    assert values("frs-exporter explain bad-reg") == {"bad-region"}
    for flag in ("-c", "--config.file", "--config-file", "--output-file", "--token-file"):
        assert completed(f"frs-exporter check {flag} con") == {"file,con"}
    for flag in ("-c", "--config.file", "--config.check --web.config.file"):
        assert completed(f"frs-exporter {flag} con") == {"file,con"}, "serve is the default"
    assert completed("frs-exporter --log.level de") == {"plain,debug"}
    assert completed("frs-exporter check --state.directory st") == {"dir,st"}


def test_bash_completes_by_the_program_itself() -> None:
    """All that is imported for it is there, and nothing else is said."""
    program = "import sys; sys.argv = ['frs-exporter']; from frs_exporter.__main__ import main; main()"
    result = subprocess.run(
        [sys.executable, "-c", program],
        env=completion_of("frs-exporter explain frs.001"),
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert (result.stdout, result.stderr) == ("plain,FRS.0018\nplain,FRS.0019\n", "")


def test_an_example_of_a_config_is_printed_in_the_language_that_is_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    english, chinese = run("config-example", "--lang=en").stdout, run("config-example", "--lang=zh").stdout
    assert "# For every project" in english
    assert "# 适用于所有项目" in chinese
    assert run("config-example").stdout == english
    monkeypatch.setenv("LANG", "zh_CN.UTF-8")
    assert run("config-example").stdout == chinese


def test_help_has_examples_and_fits_a_terminal() -> None:
    for command, words in (("check", "Examples:"), ("explain", "Examples:"), ("completion", "~/.config/fish")):
        text = run(command, "--help").stdout
        assert words in text
        assert max(map(len, text.splitlines())) <= 110
    assert "frs-exporter check --project-id ID --region cn-north-4" in run("--help").stdout


@pytest.mark.parametrize(
    ("host", "reached", "shown"),
    [
        ("[::]", ("127.0.0.1", "[::1]"), "[::]"),
        ("[::1]", ("[::1]",), "[::1]"),
        ("", ("127.0.0.1",), "127.0.0.1"),
    ],
)
def test_the_simulator_listens_where_the_daemon_would(host: str, reached: tuple[str, ...], shown: str) -> None:
    """At [::] for IPv4, too; without a host it stays on this machine."""
    port = free_port()
    command = [sys.executable, "-m", "frs_exporter", "simulate", f"--listen-address={host}:{port}", "--projects=1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as started:
        assert started.stdout
        assert f"frs: http://{shown}:{port}\n" in started.stdout.read()
        for each in ("127.0.0.1", "[::1]"):
            if each in reached:
                assert "faults" in fetch(f"http://{each}:{port}{FAULTS_PATH}")
            else:
                with pytest.raises(OSError, match="refused"):
                    fetch(f"http://{each}:{port}{FAULTS_PATH}")
        assert started.stderr
        said = [started.stderr.readline().rstrip() for _ in range(5)]  # the first answers may come before
        started.terminate()
        started.communicate(timeout=30)
    assert started.returncode == 0
    url = f"http://{shown}:{port}"
    assert said[:4] == [
        f"simulating Huawei Cloud at {url}; stop with Ctrl-C",
        f"  metadata of a machine, with keys of the last account: ecs_agency: {{endpoint: {url}}}",
        f"  agent of a pod, which refuses all tokens: pod_identity: {{uri: {url}/v1/credentials}}",
        f"  STS, which refuses all tokens: oidc: {{endpoint: {url}}}",
    ]
    assert said[4].startswith("  let something go wrong: curl -d ")
