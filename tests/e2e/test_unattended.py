"""What must not need a restart, under running processes: reload, rotated secrets, shards, projects that come."""

import contextlib
import json
import os
import re
import signal
import urllib.error
import urllib.request
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests import forked
from tests.e2e.conftest import Programs, eventually, fetch, free_port
from tests.polling.living import GOOD
from tests.root import without_root

RELOADED = 'msg="config reloaded"'
UP = 'frs_up{project="%s",collector="subscription"} 1.0'


def projects(page: str) -> set[str]:
    return set(re.findall(r'^frs_up{project="([^"]+)"', page, re.MULTILINE))


def failures(page: str) -> set[str]:
    """The projects of which a poll failed."""
    return set(re.findall(r'^frs_poll_failures_total{project="([^"]+)",collector="subscription"} [1-9]', page, re.M))


def polled(url: str) -> float:
    """The polls of one project so far."""
    polls = 'frs_polls_total{project="vision-prod",collector="subscription"} '
    return float(fetch(f"{url}/metrics").split(polls)[1].split()[0])


def post(url: str, body: Any = None) -> tuple[int, str]:
    """Status and body of what a POST is answered."""
    request = urllib.request.Request(url, data=json.dumps(body).encode(), method="POST")
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, str(answer.read(), "utf-8")
    except urllib.error.HTTPError as error:
        with error:
            return error.code, str(error.read(), "utf-8")


def replace_file(file: Path, text: str) -> None:
    (new := file.with_name("new")).write_text(text)
    os.replace(new, file)


def without(config: str, project: str) -> str:
    """The config without one project."""
    return re.sub(rf"- name: {project}\n(  .*\n)+", "", config)


@pytest.mark.parametrize("way", ["SIGHUP", "POST", "by itself"])
def test_a_changed_config_is_taken_up(programs: Programs, way: str) -> None:
    _, file = programs.simulator("--poll-interval=1s", "--projects=4")
    interval = "1s" if way == "by itself" else "0"
    daemon, url = programs.daemon(file, f"--config.auto-reload-interval={interval}")
    eventually(lambda: UP % "vip-lounge" in fetch(f"{url}/metrics"))
    text = file.read_text()

    def reload() -> None:
        if way == "SIGHUP":
            daemon.popen.send_signal(signal.SIGHUP)
        elif way == "POST":
            post(f"{url}/-/reload")

    replace_file(file, without(text, "vision-prod"))
    reload()
    eventually(lambda: projects(fetch(f"{url}/metrics")) == {"door-access", "visitor-kiosk", "vip-lounge"})
    replace_file(file, text.replace("credential: acme", "credential: acmee"))
    reload()
    eventually(lambda: f"\n{GOOD} 0.0\n" in fetch(f"{url}/metrics"))
    assert len(projects(fetch(f"{url}/metrics"))) == 3
    assert UP % "vip-lounge" in fetch(f"{url}/metrics")
    if way == "POST":
        status, told = post(f"{url}/-/reload")
        assert (status, len(told.splitlines())) == (500, 3)
        assert "no credential is named acmee; did you mean acme?" in told
    replace_file(file, text)
    reload()
    eventually(lambda: f"\n{GOOD} 1.0\n" in fetch(f"{url}/metrics"))
    eventually(lambda: UP % "vision-prod" in fetch(f"{url}/metrics"))
    assert daemon.stop()[0] == 0
    problems = [line for line in daemon.log.splitlines() if 'msg="config not reloaded"' in line]
    assert len(problems) == (6 if way == "POST" else 3)
    assert "Traceback" not in daemon.log


def test_secrets_replaced_on_disk_are_taken_up_on_the_first_rejection(programs: Programs) -> None:
    """Files are hardly ever looked at here: it is the rejection that makes the exporter look."""
    port = free_port()
    _, file = programs.simulator(f"--listen-address=127.0.0.1:{port}", "--poll-interval=1s", "--projects=5")
    text = file.read_text()
    for name, field in (("acme", "password"), ("globex", "secret_key")):
        secret = re.search(rf"{field}: (.*)", text)
        assert secret
        (programs.folder / name).write_text(f"{secret[1]}\n")
        text = text.replace(secret[0], f"{field}: !file {name}")
    file.write_text(text)
    daemon, url = programs.daemon(file, "--config.auto-reload-interval=1d")
    eventually(lambda: fetch(f"{url}/metrics").count('collector="subscription"} 1.0\nfrs_up') >= 4)
    for number in range(3):
        new = f"Pw-rotated-{number}"
        for name in ("acme", "globex"):
            replace_file(programs.folder / name, f"{new}\n")
            reloads = daemon.log.count(RELOADED)
            assert post(f"http://127.0.0.1:{port}/_simulator/faults", {"new_secrets": {name: new}})[0] == 200
            eventually(partial(lambda before: daemon.log.count(RELOADED) > before, reloads))
        eventually(partial(lambda before: polled(url) > before, polled(url) + 2))
        page = fetch(f"{url}/metrics")
        assert (failures(page), len(projects(page))) == (set(), 5)
    assert daemon.stop()[0] == 0
    assert "Pw-rotated" not in daemon.log
    assert "level=warning" not in without_root(daemon.log)
    assert "level=error" not in daemon.log


def test_shards_named_as_pods_share_the_projects(programs: Programs, monkeypatch: pytest.MonkeyPatch) -> None:
    _, file = programs.simulator("--poll-interval=10s", "--projects=60")
    monkeypatch.setenv("FRS_TOTAL_SHARDS", "3")
    parts = []
    for index in range(3):
        monkeypatch.setenv("FRS_SHARD", f"frs-exporter-{index}")
        _, url = programs.daemon(file)
        page = fetch(f"{url}/metrics")
        assert f'frs_exporter_shard_info{{shard="{index}",total_shards="3"}} 1.0' in page
        parts.append(projects(page))
    assert sum(map(len, parts)) == len(set().union(*parts)) == 60
    monkeypatch.setenv("FRS_SHARD", "frs-exporter-3")
    code, _, said = forked.run(f"--config.file={file}")
    assert (code, "no shard 3 of 3" in said) == (2, True)


def test_projects_are_found_in_all_regions(programs: Programs) -> None:
    _, file = programs.simulator("--poll-interval=1s")
    text = file.read_text()
    (url,) = re.findall(r"frs: (\S+)", text)
    rules = "".join(
        f"  - {{credential: {name}, poll_interval: 1s, name_template: '{{credential}}/{{project_name}}'}}\n"
        for name in ("acme", "globex")
    )
    endpoints = f"endpoints: {{frs: '{url}/{{region}}', iam: '{url}/{{region}}', ces: '{url}/{{region}}'}}\n"
    file.write_text(f"{text.split('projects:')[0]}discovery:\n{rules}{endpoints}")
    daemon, address = programs.daemon(file)
    names = {f"acme/{region}" for region in ("cn-north-4", "cn-north-1", "cn-south-1")}
    names |= {f"globex/{region}" for region in ("cn-east-3", "ap-southeast-1", "cn-north-4")}
    eventually(lambda: projects(fetch(f"{address}/metrics")) == names)
    up = names - {"globex/cn-north-4"}  # which falls into arrears
    eventually(lambda: all(UP % name in fetch(f"{address}/metrics") for name in up))
    assert daemon.stop()[0] == 0
    assert "Traceback" not in daemon.log


def test_certificates_that_are_not_verified_are_loud_in_log_and_metric(programs: Programs) -> None:
    _, file = programs.simulator("--projects=1")
    file.write_text(file.read_text() + "http_client: {tls_config: {insecure_skip_verify: true}}\n")
    daemon, url = programs.daemon(file)
    assert 'frs_exporter_insecure_skip_verify{credential="acme"} 1.0' in fetch(f"{url}/metrics")
    daemon.stop()
    (line,) = [line for line in daemon.log.splitlines() if "insecure_skip_verify" in line]
    assert "level=error" in line


def test_bodies_that_cannot_be_unpacked_are_no_matter(programs: Programs) -> None:
    """No body is wanted, so none is unpacked: anybody could fill the log with what goes wrong."""
    _, file = programs.simulator("--projects=2")
    daemon, url = programs.daemon(file)
    for path in ("/-/healthy", "/-/reload", "/x"):
        request = urllib.request.Request(url + path, data=b"abcde", headers={"Content-Encoding": "gzip"})
        with contextlib.suppress(urllib.error.HTTPError), urllib.request.urlopen(request, timeout=10):
            pass
    assert daemon.stop()[0] == 0
    assert "Traceback" not in daemon.log
    assert "level=error" not in daemon.log
