"""The daemon as a process: what it prints, how it starts, recovers and stops."""

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from frs_exporter.collectors import COLLECTORS
from frs_exporter.collectors.cloud_eye import LAST_USED
from frs_exporter.polling.forecast import UNUSUAL
from tests import forked
from tests.e2e.conftest import EXPORTER, ROOT, Programs, eventually, fetch, free_port, tool
from tests.root import without_root

NOWHERE = "endpoints: {frs: 'http://127.0.0.1:1', iam: 'http://127.0.0.1:1', ces: 'http://127.0.0.1:1'}\n"
FAMILIES = (
    "frs_up",
    "frs_subscribed",
    "frs_max_face_set_number",
    "frs_subscription_create_timestamp_seconds",
    "frs_poll_failures_total",
    "frs_subservice_required",
)


def test_the_demo_shows_every_family_for_both_kinds_of_credential(programs: Programs) -> None:
    port = free_port()
    demo = programs.exporter("demo", f"--web.listen-address=127.0.0.1:{port}")
    url = f"http://127.0.0.1:{port}"
    eventually(lambda: fetch(f"{url}/-/ready") == "ready\n")
    page = fetch(f"{url}/metrics")
    for project in ("vision-prod", "vip-lounge"):  # the one with a token, the other with AK/SK
        for family in FAMILIES:
            assert f'\n{family}{{project="{project}"' in page
    code, _ = demo.stop()
    assert code == 0
    assert "Traceback" not in demo.log


def test_a_hangup_before_there_is_a_config_waits_for_it(programs: Programs, tmp_path: Path) -> None:
    """It does not end the process, and the reload that it asked for is made up for."""
    config = tmp_path / "fifo.yaml"
    os.mkfifo(config)
    flags = (f"--config.file={config}", "--web.listen-address=127.0.0.1:0", "--state.directory=none")
    daemon = programs.start(*EXPORTER, *flags)
    with open(config, "w") as stream:  # it waits here for the other side, which is reading the config by then
        daemon.popen.send_signal(signal.SIGHUP)
        time.sleep(0.2)
        stream.write((ROOT / "tests/config/files/minimal.good.yaml").read_text() + NOWHERE)
    eventually(lambda: "msg=serving" in daemon.log)
    eventually(lambda: "not a regular file: it cannot be read again" in daemon.log)
    code, _ = daemon.stop()
    assert code == 0


HELD = """
import importlib, pathlib, sys
here = pathlib.Path(__file__).parent
print("importing", flush=True)
sys.stdin.readline()
sys.path.remove(str(here))
del sys.modules["click"]
importlib.import_module("click")
"""
"""A module `click` that is not imported before something is read."""


@contextlib.contextmanager
def importing(folder: Path, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """The exporter while it imports what it is made of."""
    (folder / "click.py").write_text(HELD)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join((str(folder), *sys.path))}
    with subprocess.Popen(
        [*EXPORTER, *arguments],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == "importing\n"
        try:
            yield process
        finally:
            process.kill()


def test_a_hangup_while_the_program_is_imported_does_not_end_it(tmp_path: Path) -> None:
    with importing(tmp_path, f"--config.file={tmp_path}/none.yaml") as process:
        process.send_signal(signal.SIGHUP)
        said, _ = process.communicate("go\n", timeout=30)
    assert "none.yaml: cannot read the config file" in said
    assert process.returncode == 2


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_who_ends_the_program_while_it_is_imported_sees_no_traceback(
    tmp_path: Path, number: signal.Signals, code: int
) -> None:
    with importing(tmp_path, "check") as process:
        process.send_signal(number)
        said, _ = process.communicate(timeout=30)
    assert (process.returncode, said) == (code, "")


@pytest.mark.parametrize(("flags", "code"), [((), 0), (("--config.check",), 143)])
def test_what_sigterm_ends_before_there_is_a_config_was_a_service_or_an_answer(
    programs: Programs, tmp_path: Path, flags: tuple[str, ...], code: int
) -> None:
    """A service that is stopped early was stopped; a check that has not looked must not say that all is well."""
    config = tmp_path / "fifo.yaml"
    os.mkfifo(config)
    process = programs.start(*EXPORTER, f"--config.file={config}", *flags)
    with open(config, "w"):  # it waits here for the other side, which is reading the config by then
        assert process.stop()[0] == code
    assert process.log == ""


def test_the_demo_shows_every_family_of_every_collector_within_half_a_minute(programs: Programs) -> None:
    port = free_port()
    demo = programs.exporter("demo", f"--web.listen-address=127.0.0.1:{port}")
    started = time.monotonic()
    projects = ("vision-prod", "door-access", "visitor-kiosk", "vip-lounge")
    later = {*UNUSUAL, LAST_USED}  # where `subscribe` is absent, and once a minute with calls has passed
    families = {family for collector in COLLECTORS.values() for family in collector.families} - later
    wanted = {f"{family.name}{{" for family in families}
    wanted |= {f'frs_up{{project="{project}",collector="cloud_eye"}} 1.0' for project in projects}
    missing = wanted
    while missing and time.monotonic() - started < 30:
        time.sleep(0.5)
        with contextlib.suppress(OSError):
            page = fetch(f"http://127.0.0.1:{port}/metrics")
            missing = {name for name in wanted if f"\n{name}" not in page}
    assert not missing
    demo.stop()


def test_make_demo(programs: Programs) -> None:
    """The README's own command; `make test` has made the virtual environment that it runs in."""
    if not (ROOT / ".venv/run").exists():
        assert os.environ.get("CI") != "true"
        pytest.skip("there is no .venv: run make test")
    port = free_port()
    make = programs.start(
        tool("make"), "-C", str(ROOT), "demo", f"ARGS=--projects=4 --web.listen-address=127.0.0.1:{port}"
    )
    url = f"http://127.0.0.1:{port}"
    eventually(lambda: fetch(f"{url}/-/ready") == "ready\n")
    assert fetch(f"{url}/metrics").count('collector="subscription"} 1.0\n') >= 4
    make.stop()
    eventually(lambda: "stopping" in make.log)


def test_the_demo_says_what_to_open(programs: Programs) -> None:
    port = free_port()
    demo = programs.exporter("demo", "--projects=3", f"--web.listen-address=127.0.0.1:{port}")
    eventually(lambda: fetch(f"http://127.0.0.1:{port}/-/ready") == "ready\n")
    demo.popen.send_signal(signal.SIGINT)
    printed, _ = demo.popen.communicate(timeout=10)
    assert f"open http://127.0.0.1:{port}/ and http://127.0.0.1:{port}/metrics" in printed
    assert demo.popen.returncode == 0


def test_an_unreachable_cloud_is_waited_for(programs: Programs) -> None:
    """It starts, serves, keeps trying, and recovers by itself when the cloud appears."""
    port = free_port()
    cloud, config = programs.simulator(f"--listen-address=127.0.0.1:{port}", "--poll-interval=1s", "--projects=4")
    cloud.stop()
    daemon, url = programs.daemon(config)
    refused = 'frs_poll_error_info{project="vision-prod",collector="subscription",reason="connect",code=""} 1.0'
    eventually(lambda: refused in fetch(f"{url}/metrics"))
    assert 'frs_up{project="vip-lounge",collector="subscription"} 0.0' in fetch(f"{url}/metrics")
    eventually(lambda: fetch(f"{url}/-/ready") == "ready\n")
    programs.simulator(f"--listen-address=127.0.0.1:{port}", "--projects=4")
    up = [f'frs_up{{project="{project}",collector="subscription"}} 1.0' for project in ("vision-prod", "vip-lounge")]
    eventually(lambda: all(line in fetch(f"{url}/metrics") for line in up))
    assert daemon.stop()[0] == 0
    assert "Traceback" not in daemon.log
    down = [line for line in daemon.log.splitlines() if "level=warning" in line and "project=vision-prod" in line]
    assert len(down) == 1
    assert "reason=connect" in down[0]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_stops_gracefully_while_every_request_hangs(programs: Programs, number: int) -> None:
    """Within five seconds, exit code 0, though the cloud accepts connections and never answers."""
    with socket.create_server(("127.0.0.1", 0), backlog=50) as silent:
        _, config = programs.simulator("--poll-interval=1s")
        text = config.read_text()
        port = text.split("http://127.0.0.1:", 1)[1].split("\n", 1)[0].strip()
        config.write_text(text.replace(f"127.0.0.1:{port}", f"127.0.0.1:{silent.getsockname()[1]}"))
        daemon, url = programs.daemon(config)
        time.sleep(1.5)
        assert 'frs_up{project="vip-lounge",collector="subscription"} 0.0' in fetch(f"{url}/metrics")
        code, seconds = daemon.stop(number)
        assert code == 0
        assert seconds < 5
        assert "Traceback" not in daemon.log


def test_scrapers_that_give_up_or_stop_reading_harm_nobody(programs: Programs) -> None:
    """A scrape cut off halfway is no error of ours, and one that hangs does not hold up the stop."""
    _, config = programs.simulator("--projects=3000")
    daemon, url = programs.daemon(config)
    # Its first round goes on meanwhile, and on a busy machine it has a small part of a core for both.
    eventually(lambda: len(fetch(f"{url}/metrics")) > 1_500_000)
    clients = []
    for _ in range(10):
        client = socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2])), timeout=10)
        client.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
        assert client.recv(100).startswith(b"HTTP/1.1 200 ")
        clients.append(client)
    for client in clients[1:]:
        client.close()
    eventually(lambda: "frs_exporter_jobs 3000.0" in fetch(f"{url}/metrics"))
    code, seconds = daemon.stop()
    clients[0].close()
    assert code == 0
    assert seconds < 5
    assert "level=error" not in daemon.log
    assert "Traceback" not in daemon.log


def test_a_folder_is_a_config_and_its_files_come_and_go(programs: Programs) -> None:
    """New, changed and removed files by themselves, by SIGHUP and by POST; a bad one leaves what is in force."""
    _, config = programs.simulator("--poll-interval=1s", "--projects=4")
    document = yaml.safe_load(config.read_text())
    one, two, *more = document.pop("projects")
    folder = programs.folder / "conf.d"
    folder.mkdir()
    for name, part in (("0-base", document), ("1", {"projects": [one]}), ("2", {"projects": [two, *more]})):
        (folder / f"{name}.yaml").write_text(yaml.safe_dump(part))
    daemon, url = programs.daemon(folder, "--config.auto-reload-interval=1s")

    def watched() -> set[str]:
        found = re.findall(r'^frs_up{project="([^"]+)"', fetch(f"{url}/metrics"), re.MULTILINE)
        return set(found)

    everything = {project["name"] for project in (one, two, *more)}
    eventually(lambda: watched() == everything)
    (folder / "2.yaml").unlink()
    eventually(lambda: watched() == {one["name"]})
    (folder / "3.yaml").write_text(yaml.safe_dump({"projects": [two]}))
    eventually(lambda: watched() == {one["name"], two["name"]})
    (folder / "4.yaml").write_text(yaml.safe_dump({"projects": [two]}))
    eventually(lambda: "frs_exporter_config_last_reload_successful 0.0" in fetch(f"{url}/metrics"))
    told = json.loads(fetch(f"{url}/api/v1/status"))["config"]["problems"]
    same = f"projects[0].name: the same name as projects[0] in {folder}/3.yaml:"
    assert any(problem.startswith(f"{folder}/4.yaml:") and same in problem for problem in told)
    assert watched() == {one["name"], two["name"]}
    (folder / "4.yaml").write_text(yaml.safe_dump({"projects": more}))
    daemon.popen.send_signal(signal.SIGHUP)
    eventually(lambda: watched() == everything)
    assert f"file={folder}" in [line for line in daemon.log.splitlines() if "config reloaded" in line][-1]
    assert daemon.stop()[0] == 0


def test_it_stops_when_told_so_before_it_serves(programs: Programs) -> None:
    """Loading a large config takes a while."""
    _, config = programs.simulator("--projects=20000")
    fifo = config.with_name("fifo.yaml")
    os.mkfifo(fifo)
    process = programs.start(*EXPORTER, f"--config.file={fifo}", "--web.listen-address=127.0.0.1:0")
    fifo.write_text(config.read_text())  # it has begun when nearly all is read
    assert "serving" not in process.log
    assert process.stop()[0] == 0


def test_an_address_in_use_is_one_line_and_exit_code_1(programs: Programs) -> None:
    _, config = programs.simulator()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        command = [*EXPORTER, f"--config.file={config}", f"--web.listen-address={address}", "--log.level=warning"]
        run = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert (run.returncode, run.stdout) == (1, "")
    assert without_root(run.stderr) == f"Error: cannot listen on {address}: Address already in use\n"


def test_a_fault_shows_within_seconds_and_is_over_when_it_is_lifted(programs: Programs) -> None:
    """A rehearsal, as the README has it."""
    port = free_port()
    faults = f"http://127.0.0.1:{port}/_simulator/faults"
    _, config = programs.simulator(f"--listen-address=127.0.0.1:{port}", "--poll-interval=1s", "--projects=4")
    daemon, url = programs.daemon(config)
    up, down = 'frs_up{project="vision-prod",collector="subscription"} 1.0', 'reason="server",code="APIGW.0613"} 1.0'
    eventually(lambda: up in fetch(f"{url}/metrics"))
    order = {"project": "vision-prod", "fault": {"status": 503, "code": "APIGW.0613", "echo": True}}
    request = urllib.request.Request(faults, data=json.dumps(order).encode())
    with urllib.request.urlopen(request, timeout=10) as answer:
        assert json.load(answer)["faults"]
    eventually(lambda: down in fetch(f"{url}/metrics"))
    assert 'frs_subscribed{project="vision-prod",subservice="detect"} 1.0' in fetch(f"{url}/metrics")
    with urllib.request.urlopen(urllib.request.Request(faults, method="DELETE"), timeout=10) as answer:
        assert json.load(answer)["faults"] == []
    eventually(lambda: up in fetch(f"{url}/metrics"))
    daemon.stop()
    (line,) = [line for line in daemon.log.splitlines() if "msg=down" in line]
    for part in ("project=vision-prod", "code=APIGW.0613", "request_id=", "advice=", "next_poll_seconds="):
        assert part in line
    assert "MII" not in daemon.log


def test_a_config_that_wants_too_much_says_so_at_the_start(programs: Programs) -> None:
    """Loudly, where samples will be missing because of it."""
    _, config = programs.simulator("--poll-interval=10s")
    for rate, level in (("0.2", "warning"), ("0.1", "error")):
        config.write_text(config.read_text().split("limits:")[0] + f"limits: {{frs: {{rate: {rate}}}}}\n")
        daemon, _ = programs.daemon(config)
        daemon.stop()
        (line,) = [line for line in daemon.log.splitlines() if "credential acme at" in line]
        assert f"level={level}" in line
        assert f"3 jobs want 0.3 requests per second, limits.frs.rate allows {rate}" in line


def test_logs_are_json_when_asked(programs: Programs) -> None:
    _, config = programs.simulator("--projects=4")
    daemon, url = programs.daemon(config, "--log.format=json")
    eventually(lambda: fetch(f"{url}/-/ready") == "ready\n")
    daemon.stop()
    entries = [json.loads(line) for line in without_root(daemon.log).splitlines()]
    assert {entry["msg"] for entry in entries} == {"serving", "up", "stopping"}
    assert sum(entry.get("jobs", 1) for entry in entries if entry["msg"] == "up") == 4, "at the latest at the end"
    assert {entry.get("project") or entry["projects"] for entry in entries if entry["msg"] == "up"} == {
        "vision-prod",
        "door-access",
        "visitor-kiosk",
        "vip-lounge",
    }


def test_no_secret_is_in_the_log_or_on_the_page(programs: Programs) -> None:
    _, config = programs.simulator("--poll-interval=1s")
    daemon, url = programs.daemon(config, "--log.level=debug")
    eventually(lambda: fetch(f"{url}/-/ready") == "ready\n")
    shown = fetch(f"{url}/metrics") + fetch(f"{url}/")
    daemon.stop()
    shown += daemon.log
    secrets = [
        line.split(": ", 1)[1]
        for line in config.read_text().splitlines()
        if "password:" in line or "secret_key:" in line or "access_key:" in line
    ]
    assert len(secrets) == 3
    for secret in (*secrets, "MII"):
        assert secret not in shown


@pytest.mark.parametrize(
    ("sent", "answered"),
    [
        (b"not http\r\n\r\n", b"HTTP/1.0 400 "),
        (b"GET / HTTP/1.1\r\nX-A: " + b"a" * 20_000 + b"\r\n\r\n", b"HTTP/1.0 400 "),
        (b"GET /../../etc/passwd HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", b"HTTP/1.1 404 "),
        (b"GET /-/healthy HTTP/1.0\r\n\r\n", b"HTTP/1.0 200 "),
        (b"GET /metrics HTTP/1.0\r\n\r\n", b"HTTP/1.0 200 "),
        (b"\x16\x03\x01\x02\x00", b""),
    ],
    ids=["garbage", "long header", "traversal", "http/1.0", "metrics over http/1.0", "tls"],
)
def test_odd_clients_get_their_answer_and_fill_no_log(programs: Programs, sent: bytes, answered: bytes) -> None:
    _, config = programs.simulator("--projects=1")
    daemon, url = programs.daemon(config)
    with socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2])), timeout=10) as client:
        client.sendall(sent)
        assert not answered or client.recv(100).startswith(answered)
    assert fetch(f"{url}/-/healthy") == "healthy\n"
    daemon.stop()
    assert "level=error" not in daemon.log
    assert "Traceback" not in daemon.log


def test_it_runs_as_a_module() -> None:
    run = subprocess.run([*EXPORTER, "--version"], capture_output=True, text=True, check=True)
    assert run.stdout.startswith("frs_exporter, version ")


def test_a_wrong_password_is_tried_once_however_often_the_daemon_is_killed_and_started(programs: Programs) -> None:
    """And `check` knows it as well; the user would be locked at the fifth attempt."""
    port = free_port()
    _, config = programs.simulator(f"--listen-address=127.0.0.1:{port}")
    config.write_text(re.sub(r"password: .*", "password: wrong", config.read_text()))
    state = f"--state.directory={programs.folder / 'state'}"
    for number in range(6):
        daemon, url = programs.daemon(config, state)
        eventually(lambda: 'credential_rejected{credential="acme"} 1.0' in fetch(f"{url}/metrics"))  # noqa: B023
        eventually(lambda: 'msg="credential rejected"' in daemon.log)  # noqa: B023  # a thread writes it
        daemon.stop(signal.SIGKILL)
        assert ("by another process or before this one" in daemon.log) is (number > 0)
    for _ in range(6):
        _, looked, _ = forked.run("check", f"--config.file={config}", state, "--collector=subscription")
        assert "auth" in looked
        assert "wrong" not in looked.replace("password is wrong", "")
    assert json.loads(fetch(f"http://127.0.0.1:{port}/_simulator/faults"))["locked"] == []
    assert "wrong" not in (programs.folder / "state/state.json").read_text()
