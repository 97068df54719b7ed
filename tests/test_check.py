"""`check`: what it asks, what it tells on a terminal, in a pipe and to machines, and how it ends."""

import asyncio
import contextlib
import fcntl
import json
import os
import pty
import re
import signal
import ssl
import stat
import struct
import subprocess
import sys
import termios
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import pytest
import trustme
import yaml
from prometheus_client.parser import text_string_to_metric_families
from yarl import URL

from frs_exporter.cli.adhoc import FirstLook, first_look
from frs_exporter.cli.check_output import as_json, as_prometheus, as_table
from frs_exporter.cli.check_report import Report, report_of
from frs_exporter.collectors import COLLECTORS
from frs_exporter.config.load import Config, load
from frs_exporter.core.credentials import KeyCredential
from frs_exporter.core.model import Api
from frs_exporter.polling.one_shot import Check, Selection
from frs_exporter.status.i18n import CHINESE, ENGLISH, Translator
from frs_simulator import Account, Project, Simulator, World, demo_world
from frs_simulator.demo import subscribed
from frs_simulator.faults import HANG, Fault
from frs_simulator.money import Billing
from frs_simulator.server import config_text
from tests import forked
from tests.cloud.proxies import ForwardProxy, SocksProxy
from tests.conftest import Cloud, CloudContext, account, loop_time, run_virtual, secrets_of, virtual_now
from tests.root import without_root
from tests.test_cli import run

GOLDEN = Path(__file__).parent / "golden"
EN, ZH = Translator(ENGLISH), Translator(CHINESE)
FAST = "limits: {frs: {rate: 1000}, ces: {rate: 1000}, iam: {rate: 1000}}\n"
AT = 1_795_408_400.0
"""When the golden outputs were made, in Unix seconds."""


def config_of(world: World, url: str, folder: Path, change: Any = None) -> Config:
    """The config for a simulated world."""
    text = config_text(world, url)
    (folder / "config.yaml").write_text(change(text) if change else text)
    return load(str(folder / "config.yaml"))


async def checked(config: Config, words: Translator = EN, **selection: Any) -> tuple[Check, Report]:
    """A run to its end."""
    check = Check(config, Selection(**selection), now=lambda: AT)
    await check.run()
    check.latencies = dict.fromkeys(check.latencies, 0.0123)
    check.expiries = dict.fromkeys(check.expiries, AT + 86400)
    return check, report_of(check, words)


@asynccontextmanager
async def demo(folder: Path) -> AsyncIterator[tuple[Simulator, Config]]:
    """The demo's cloud at the time of the golden outputs, with something of everything wrong with it."""
    world = demo_world()
    world.clock = lambda: AT
    for owner in world.accounts:
        owner.billing = Billing()  # money goes by time
    (arrears,) = [project for _, project in world.projects() if project.name == "in-arrears"]
    arrears.frozen = True
    async with Simulator(world) as simulator:
        ids = {project.name: project.id for _, project in world.projects()}
        world.faults.set("frs", Fault(status=503, code="APIGW.0613", message="IAM is away"), ids["door-access"])
        yield simulator, config_of(world, simulator.url, folder, lambda text: text + FAST)


def golden(name: str, text: str) -> None:
    """Compare with a file, or make it where GOLDEN=write says so."""
    told = re.sub(r"[0-9a-f]{32}", "ID", text)
    if os.environ.get("GOLDEN") == "write":
        GOLDEN.mkdir(exist_ok=True)
        (GOLDEN / name).write_text(told)
    assert told == (GOLDEN / name).read_text()


@pytest.mark.uncounted
@pytest.mark.parametrize(
    ("name", "how"),
    [
        ("wide.txt", {"terminal": True, "terminal_width": 180}),
        ("80.txt", {"terminal": True, "terminal_width": 80}),
        ("narrow.txt", {"terminal": True, "terminal_width": 50}),
        ("no-color.txt", {"terminal": True, "terminal_width": 80, "color": False}),
        ("piped.txt", {"terminal": False}),
    ],
)
async def test_the_table(tmp_path: Path, name: str, how: dict[str, Any]) -> None:
    async with demo(tmp_path) as (_, config):
        _, report = await checked(config)
        text = as_table(report, **how)
        golden(name, text)
        plain = re.sub(r"\x1b\[[0-9;]*m", "", text)
        if how["terminal"]:
            assert max(map(len, plain.splitlines())) <= how["terminal_width"]
        assert ("\x1b[" in text) == how["terminal"]
        assert ("\x1b[31" in text or "\x1b[1;31" in text) == (how["terminal"] and how.get("color", True))


async def test_accounts_are_checked_beside_projects(tmp_path: Path) -> None:
    world = demo_world()
    world.clock = lambda: AT  # as money goes by time
    async with Simulator(world) as simulator:
        file = tmp_path / "config.yaml"
        file.write_text(config_text(world, simulator.url))
        config = load(str(file))
        _, report = await checked(config, require=("detect",))
        told = {view["project"]: view for view in json.loads(as_json(report))["projects"]}
        assert told["acme-account"]["trouble"] == "soon", "of an account no sub-service is required"
        assert told["acme-account"]["account"]["balances"]["balance"] == {"CNY": 25310.42}
        assert told["vision-prod"]["account"] is None
        for width in (0, 200, 60):
            table = as_table(report, terminal=width > 0, terminal_width=width, color=False)
            assert "25,310.42" in table
        run, _ = await checked(config, collectors=("subscription",))
        assert {job.target.account for job in run.jobs} == {None}
        run, _ = await checked(config, collectors=("billing",))
        assert {job.target.project for job in run.jobs} == {"acme-account", "globex-account"}
        _, report = await checked(config, projects=("acme-account",))
        assert (
            as_table(report, terminal=False).splitlines()[-1] == "nothing is wrong now, 1 of 1 account in trouble soon"
        )
        assert "stored-value card 640.00 CNY" in as_table(report, terminal=False)


@pytest.mark.parametrize(("project", "collector"), [("vision-prod", "billing"), ("acme-account", "subscription")])
async def test_collectors_that_do_not_fit_are_told(tmp_path: Path, project: str, collector: str) -> None:
    world = demo_world()
    async with Simulator(world) as simulator:
        config = config_of(world, simulator.url, tmp_path)
        _, report = await checked(config, projects=(project,), collectors=(collector,))
        assert not report.well
        assert as_table(report, terminal=False) == (
            "nothing to check: the collectors that are asked are not those of what is chosen; "
            "accounts have billing, vouchers\n"
        )


async def test_what_is_found_but_not_checked_is_told(tmp_path: Path) -> None:
    world = World([account("ak_sk", "one", "two", "three")], clock=lambda: AT)
    async with Simulator(world) as simulator:
        text = config_text(world, simulator.url)
        rule = {"credential": world.accounts[0].domain_name, "regions": ["cn-north-4"]}
        file = tmp_path / "config.yaml"
        written = yaml.safe_load(text) | {"discovery": [rule]}
        written["projects"] = [{**written["projects"][0], "name": "cn-north-4_three"}]
        file.write_text(yaml.safe_dump(written))
        run, report = await checked(load(str(file)))
        (notice,) = run.notices
        assert notice.endswith(": 1 project found but not checked, names are taken: cn-north-4_three")
        assert (report.well, report.passed) == (False, True)
        assert as_table(report, terminal=False).endswith(
            "nothing is wrong: 2 projects; 1 project found but not checked\n"
        )
        chinese = as_table(replace(report, words=Translator(CHINESE)), terminal=False)
        assert chinese.endswith("没有异常：2 个项目；1 个已发现的项目未检查\n")
        told = json.loads(as_json(report))
        assert (told["well"], told["discovery"][0]["well"], told["discovery"][0]["skipped"]) == (False, False, 1)


async def test_where_several_sites_are_asked_each_project_tells_its_own(tmp_path: Path) -> None:
    first, second = (World([account("ak_sk", "one")], clock=lambda: AT) for _ in range(2))
    async with Simulator(first) as here, Simulator(second) as there:
        config_of(first, here.url, tmp_path)
        file = tmp_path / "config.yaml"
        config = yaml.safe_load(file.read_text())
        name = first.accounts[0].domain_name
        config["credentials"]["plant"] = {
            **config["credentials"][name],
            "endpoints": dict.fromkeys(("frs", "iam"), there.url),
        }
        config["projects"].append({**config["projects"][0], "name": "two", "credential": "plant"})
        file.write_text(json.dumps(config))
        _, report = await checked(load(str(file)))
        assert report.well
        sites = [simulator.url.removeprefix("http://") for simulator in (here, there)]
        assert [view["site"] for view in json.loads(as_json(report))["projects"]] == sites
        piped, wide, narrow = (
            as_table(report, terminal=width > 0, terminal_width=width, color=False) for width in (0, 200, 60)
        )
        assert [piped.splitlines()[number].split()[2] for number in (0, 1, 2)] == ["Site", *sites]
        assert all(site in text for site in sites for text in (wide, narrow))
        assert max(map(len, re.sub(r"\x1b\[[0-9;]*m", "", narrow).splitlines())) <= 60
        _, report = await checked(load(str(file)), projects=("two",))
        assert sites[1] not in as_table(report, terminal=False)


async def test_the_table_in_chinese(tmp_path: Path) -> None:
    async with demo(tmp_path) as (_, config):
        _, report = await checked(config, ZH)
        golden("zh.txt", as_table(report, terminal=True, terminal_width=100, color=False))


async def test_the_json(tmp_path: Path) -> None:
    async with demo(tmp_path) as (_, config):
        _, report = await checked(config)
        text = re.sub(r'"duration": [\d.e-]+', '"duration": 0.1', as_json(report))
        text = re.sub(r'"version": "[^"]+"', '"version": "VERSION"', text)
        golden("check.json", re.sub(r'"site": "127.0.0.1:\d+"', '"site": "SITE"', text))
        assert json.loads(text)["well"] is False


async def test_prometheus_text_for_the_textfile_collector(tmp_path: Path) -> None:
    """Gauges only: one run has nothing to count, and a counter that is always 1 misleads."""
    async with demo(tmp_path) as (_, config):
        check, _ = await checked(config)
        text = re.sub(r"(frs_poll_duration_seconds{.*}) .*", r"\1 0.1", as_prometheus(check, loop_time()))
        golden("check.prom", text)
        families = list(text_string_to_metric_families(text))
        assert {family.type for family in families} == {"gauge"}
        names = {family.name for family in families}
        assert {"frs_up", "frs_subscribed", "frs_face_sets", "frs_month_api_calls", "frs_poll_error_info"} <= names


def test_where_subscribe_answers_a_page_has_but_one_family_more() -> None:
    """`first_version.prom` is the page of before there was any other source; it is never written again."""
    shown = (GOLDEN / "check.prom").read_text().splitlines()
    before = (GOLDEN / "first_version.prom").read_text().splitlines()
    assert [line for line in shown if "frs_subscription_source" not in line] == before


def process(*arguments: str, **options: Any) -> subprocess.Popen[str]:
    """The command as a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "frs_exporter", "check", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


async def ended(*arguments: str, **options: Any) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of a fork of a process that has imported the command."""
    code, out, err = await asyncio.to_thread(forked.run, "check", *arguments, **options)
    return code, out, without_root(err)


async def test_what_is_required_decides_as_in_the_task(tmp_path: Path) -> None:
    """Detect, compare and search must be on: the vendor's own task, in one command."""
    world = World([account("ak_sk", "full"), Account("two", "token", [])])
    world.accounts[1].projects.append(Project("off", "cn-north-4", subscribed("2024-01-01 00:00:00", off=("search",))))
    async with Simulator(world) as simulator:
        config_of(world, simulator.url, tmp_path)
        file = f"--config.file={tmp_path}/config.yaml"
        require = "--require=detect,compare,search"
        code, out, err = await ended(file, "--project=full", require)
        assert (code, err) == (0, "")
        assert out.splitlines()[-1] == "all well: 1 project, 2 jobs"
        code, out, err = await ended(file, "--project=o*", require)
        assert (code, err) == (1, "")
        lines = out.splitlines()
        assert lines[-5:-3] == ["off", "  required, but off: search"]
        assert lines[-3].startswith("  What to do: subscribe to it in the FRS console")
        assert lines[-2:] == ["  More: frs-exporter explain FrsRequiredSubserviceMissing", "1 of 1 project not well"]
        assert (await ended(file, "--project=off", "--require=detect,compare"))[0] == 0
        assert (await ended(file, "--project=off", "--require="))[0] == 0, "nothing is required"
        code, out, _ = await ended(file, "--project=full", "--require=detect,face_quality")
        assert code == 1
        assert "required, but not in the vendor's answer: face_quality" in out


async def test_a_first_look_without_a_config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world = World([account("ak_sk", "keys"), account("token", "tokens")])
    async with Simulator(world) as simulator:
        keys, tokens = world.accounts
        one = ["--region=cn-north-4", f"--endpoint={simulator.url}"]
        monkeypatch.setenv("HUAWEICLOUD_SDK_AK", keys.access_key)
        monkeypatch.setenv("HUAWEICLOUD_SDK_SK", keys.secret_key)
        code, out, err = await ended(f"--project-id={keys.projects[0].id}", "--require=detect,compare,search", *one)
        assert (code, err) == (0, "")
        assert keys.projects[0].id in out
        value, _ = world.issue(tokens, tokens.projects[0])
        (tmp_path / "token").write_text(f"{value}\n")
        token = f"--token-file={tmp_path}/token"
        code, out, _ = await ended(f"--project-id={tokens.projects[0].id}", token, *one)
        assert code == 0
        world.expire_tokens()
        code, out, _ = await ended(f"--project-id={tokens.projects[0].id}", token, *one)
        assert code == 1
        assert "token APIGW.0307 (HTTP 401)" in out
        assert "get a new token of this very project" in " ".join(out.split())
        assert value not in out


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\xef\xbb\xbf\n", "there is no token in it; a token is one line of letters"),
        ("MII\N{NO-BREAK SPACE}x".encode(), "it has U+00A0 (no-break space) as character 4; a token is one"),
        ("MIIé".encode(), "it has U+00E9 (latin small letter e with acute) as character 4; a token is one"),
        (b"MII\nMII", "it has U+000A (line feed) as character 4; a token is one"),
        (b"MII x", "it has U+0020 (space) as character 4; a token is one"),
        (b"MII\xe9", "it is not UTF-8 text"),
    ],
)
def test_what_is_no_token_is_told_by_its_character(content: bytes, message: str, tmp_path: Path) -> None:
    (tmp_path / "token").write_bytes(content)
    result = run("check", f"--project-id={'a' * 32}", "--region=y", f"--token-file={tmp_path}/token")
    assert (result.exit_code, result.stdout) == (2, "")
    assert message in result.stderr
    assert "MII" not in result.stderr


NO_PROJECT = (
    "nothing to check: no project was found; check region, include and exclude, and what the credential may see\n"
)


def nothing_is_told(monkeypatch: pytest.MonkeyPatch, home: str = "/nowhere") -> None:
    """Nothing of the vendor's is in the environment, nor in the home folder."""
    for name in os.environ:
        if name.startswith(("HUAWEICLOUD_", "HW_", "HC_CONTAINER_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", home)


def test_a_first_look_without_keys_tells_where_it_has_looked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody but the machine could give some: on one that can, it fails for a reason of its own."""
    nothing_is_told(monkeypatch)
    result = run("check", f"--project-id={'a' * 32}", "--region=y", "--endpoint=http://127.0.0.1:9", "--output=json")
    assert result.exit_code == 1
    if "no keys found" in result.stdout:
        for name in ("HUAWEICLOUD_OIDC_PROVIDER_URN", "HUAWEICLOUD_SDK_AK", "HW_ACCESS_KEY"):
            assert f"{name} is not set" in result.stdout
        assert "/nowhere/.huaweicloud/credentials: No such file" in result.stdout
        assert "or give a token by --token-file" in result.stdout, "what to do here, where there is no ECS"


def test_a_first_look_takes_project_region_and_places_from_the_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    nothing_is_told(monkeypatch, str(tmp_path))
    monkeypatch.setenv("HW_ACCESS_KEY", "TF")
    monkeypatch.setenv("HW_SECRET_KEY", "tf-secret")
    monkeypatch.setenv("HW_REGION_NAME", "cn-north-4")
    monkeypatch.setenv("HW_PROJECT_ID", "a" * 32)
    (target,) = first_look(FirstLook(region=None)).targets
    assert (target.region, target.project_id) == ("cn-north-4", "a" * 32)
    assert isinstance(target.credential, KeyCredential)
    assert target.credential.access_key == "TF"
    monkeypatch.setenv("HUAWEICLOUD_SDK_PROJECT_ID", "b" * 32)
    monkeypatch.setenv("HUAWEICLOUD_SDK_IAM_ENDPOINT", "https://iam.example.com")
    monkeypatch.setenv("HUAWEICLOUD_SDK_REGION_FRS_CN_EAST_3", "https://face.example.com,https://other.example.com")
    (target,) = first_look(FirstLook(region="cn-east-3")).targets
    assert (target.region, target.project_id) == ("cn-east-3", "b" * 32), "the flag comes first"
    assert target.endpoints[Api.FRS] == "https://face.example.com"
    assert target.endpoints[Api.IAM] == "https://iam.example.com"
    assert target.endpoints[Api.CES] == "https://ces.cn-east-3.myhuaweicloud.com"
    (target,) = first_look(FirstLook(region="cn-east-3", endpoint="http://h")).targets
    assert set(target.endpoints.values()) == {"http://h"}
    (target,) = first_look(FirstLook(region="cn-north-4")).targets
    assert target.endpoints[Api.FRS] == "https://face.cn-north-4.myhuaweicloud.com"


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("HW_REGION_NAME", "Y!", "HW_REGION_NAME must be a region like cn-north-4"),
        ("HW_PROJECT_ID", "x", "HW_PROJECT_ID must be 32 hexadecimal digits"),
        ("HUAWEICLOUD_SDK_IAM_ENDPOINT", "h", "HUAWEICLOUD_SDK_IAM_ENDPOINT must be a URL"),
        ("HUAWEICLOUD_SDK_REGION_FRS_Y", "h", "HUAWEICLOUD_SDK_REGION_FRS_Y must be a URL"),
        ("HUAWEICLOUD_SDK_REGIONS_FILE", "/dev/zero", "/dev/zero: it is not a regular file"),
    ],
)
def test_what_is_wrong_in_the_environment_is_told_by_its_name(
    name: str, value: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    nothing_is_told(monkeypatch)
    monkeypatch.setenv("HW_REGION_NAME", "y")
    monkeypatch.setenv(name, value)
    result = run("check")
    assert (result.exit_code, result.stdout) == (2, "")
    assert message in result.stderr


@pytest.mark.parametrize("name", ["AK", "SK", "SECURITY_TOKEN"])
def test_a_key_of_the_environment_that_is_none_is_told_by_its_character(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in ("AK", "SK", "SECURITY_TOKEN"):
        monkeypatch.setenv(f"HUAWEICLOUD_SDK_{variable}", "secret\n" if variable == name else "secret")
    result = run("check", f"--project-id={'a' * 32}", "--region=y")
    assert (result.exit_code, result.stdout) == (2, "")
    assert f"HUAWEICLOUD_SDK_{name} is no key: it has U+000A (line feed) as character 7" in result.stderr
    assert "secret" not in result.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "--region is missing: give --config.file=FILE, or --region for a first look"),
        (("--region=cn-north-4", "--ca-file=/nowhere"), "--ca-file: cannot use the file: No such file"),
        (("--config.file=x", "--ca-file=y"), "--ca-file is for a first look without --config.file"),
        (("--config.file=x", "--proxy-from-environment"), "--proxy-from-environment is for a first look"),
        (("--project-id=x",), "--region is missing"),
        (("--project-id=x", "--region=y"), "--project-id must be 32 hexadecimal digits, in lower case"),
        ((f"--project-id={'a' * 32}", "--region=Y!"), "--region must be a region like cn-north-4"),
        ((f"--project-id={'a' * 32}", "--region=y", "--token-file=/nowhere"), "--token-file /nowhere: No such file"),
        ((f"--project-id={'a' * 32}", "--region=y", "--token-file=/dev/null"), "there is no token in it"),
        ((f"--project-id={'a' * 32}", "--region=y", "--token-file=/dev/zero"), "it is longer than 65536 bytes"),
        (("--config.file=x", "--region=y"), "--region is for a first look without --config.file"),
        (("--config.file=x", "--require=Search"), "--require: 'Search' is no sub-service; did you mean search?"),
        (("--config.file=x", "--require=!"), "--require: '!' is no sub-service like detect"),
        (
            ("--config.file=x", "--require=search", "--collector=face_sets"),
            "--require needs the collector subscription",
        ),
        (("--config.file=x", "--timeout=0s"), "must be more than 0s"),
        (("--config.file=x", "--timeout=5"), "must be a duration like 30s"),
        (("--config.file=x", "--lang=fr"), "must be one of en, zh"),
        (("--config.file=x", "--output=xml"), "'xml' is not one of 'table', 'json', 'prometheus'"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_code_2(
    arguments: tuple[str, ...], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    nothing_is_told(monkeypatch)
    result = run("check", *arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert message in result.stderr
    assert result.stderr.count("\n") == 1
    assert result.stderr.endswith(" (see frs-exporter check --help)\n")


def test_a_bad_config_is_told_as_ever(tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text("credentials: {}\n")
    result = run("check", f"--config.file={tmp_path}/c.yaml")
    assert result.exit_code == 2
    assert result.stderr.startswith(f"{tmp_path}/c.yaml:1:1: ")


async def test_a_project_that_is_not_there_is_told(tmp_path: Path) -> None:
    async with demo(tmp_path) as (_, config):
        with pytest.raises(LookupError) as caught:
            await checked(config, projects=("vision-*", "nope"))
        assert caught.value.args == (
            "nope",
            ["door-access", "in-arrears", "new-branch", "vip-lounge", "vision-prod", "visitor-kiosk"],
        )
    code, out, err = await ended(f"--config.file={tmp_path}/config.yaml", "--project=nope")
    assert (code, out) == (2, "")
    assert err.startswith("Error: --project: none is called 'nope'; there are door-access, in-arrears,")


async def test_names_with_brackets_are_names(tmp_path: Path) -> None:
    names = ("door [east]", "door e", "a*b", "aXb")
    async with Simulator(World([account("ak_sk", *names)])) as simulator:
        config = config_of(simulator.world, simulator.url, tmp_path, lambda text: text + FAST)
        for pattern, found in (
            ("door [east]", ["door [east]"]),
            ("door [*", ["door [east]"]),
            ("door ?", ["door e"]),
            ("a*b", ["a*b"]),
            ("a?b", ["a*b", "aXb"]),
        ):
            check, _ = await checked(config, projects=(pattern,), collectors=("subscription",))
            assert sorted(job.target.project for job in check.jobs) == found, pattern
        with pytest.raises(LookupError):
            await checked(config, projects=("door [e]",))


async def test_the_vendors_names_are_taken_and_what_is_nearly_right_is_named(tmp_path: Path) -> None:
    async with Simulator(World([account("ak_sk", "full")])) as simulator:
        config_of(simulator.world, simulator.url, tmp_path)
        file = f"--config.file={tmp_path}/config.yaml"
        code, out, err = await ended(file, "--require=detect_service,live_detect_service")
        assert (code, err) == (0, "")
        assert "detect_service" not in out
        code, _, err = await ended(file, "--require=detect,serach")
        assert code == 2
        assert "--require: no sub-service 'serach' is known; did you mean search?" in err
        code, _, err = await ended(file, "--require=detect_servic")
        assert (code, "did you mean detect_service?" in err) == (2, True)
        code, out, _ = await ended(file, "--require=emotion")
        assert (code, "required, but not in the vendor's answer: emotion" in out) == (1, True), "it may be a new one"
        code, _, err = await ended(file, "--project=fulll")
        assert (code, err) == (
            2,
            "Error: --project: none is called 'fulll'; did you mean full? (see frs-exporter check --help)\n",
        )


async def test_a_first_look_requires_what_the_task_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world = World([account("ak_sk", "keys")])
    (project,) = world.accounts[0].projects
    project.answer = subscribed("2024-01-01 00:00:00", off=("search",))
    async with Simulator(world) as simulator:
        monkeypatch.setenv("HUAWEICLOUD_SDK_AK", world.accounts[0].access_key)
        monkeypatch.setenv("HUAWEICLOUD_SDK_SK", world.accounts[0].secret_key)
        look = (f"--project-id={project.id}", "--region=cn-north-4", f"--endpoint={simulator.url}")
        code, out, _ = await ended(*look)
        assert code == 1
        assert "  required, but off: search" in out.splitlines()
        code, out, _ = await ended(*look, "--require=detect")
        assert (code, out.splitlines()[-1]) == (0, "all well: 1 project, 2 jobs")
        code, out, _ = await ended(*look, "--require=")
        assert (code, out.splitlines()[-1]) == (
            0,
            "all well: 1 project, 2 jobs; nothing is required, on: detect, compare, live_detect",
        )


async def test_a_first_look_finds_the_project_of_the_region(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world = World([account("ak_sk", "keys")])
    (owner,) = world.accounts
    async with Simulator(world) as simulator:
        monkeypatch.setenv("HUAWEICLOUD_SDK_AK", owner.access_key)
        monkeypatch.setenv("HUAWEICLOUD_SDK_SK", owner.secret_key)
        region = owner.projects[0].region
        code, out, err = await ended(f"--region={region}", f"--endpoint={simulator.url}", "--raw")
        assert (code, err) == (0, "")
        assert f"/v1/{owner.projects[0].id}/subscribe\n" in out
        code, out, err = await ended("--region=cn-east-3", f"--endpoint={simulator.url}")
        assert (code, out) == (1, NO_PROJECT)


async def test_more_than_a_token_on_standard_input_is_told(tmp_path: Path) -> None:
    """Its head alone would be refused by the cloud, and nobody would see why."""
    (tmp_path / "token").write_text("x" * 65537)
    with (tmp_path / "token").open() as stdin:
        flags = (f"--project-id={'a' * 32}", "--region=y", "--endpoint=http://127.0.0.1:9", "--token-file=-")
        code, out, err = await ended(*flags, stdin=stdin)
    assert (code, out) == (2, "")
    assert "Error: --token-file -: it is longer than 65536 bytes (" in err


async def test_a_first_look_with_a_token_asks_for_the_projects_that_need_no_permission(tmp_path: Path) -> None:
    world = World([account("token", "tokens")])
    (owner,) = world.accounts
    (project,) = owner.projects
    async with Simulator(world) as simulator:
        visits = world.watched()
        (tmp_path / "token").write_text(world.issue(owner, project)[0])
        flags = (f"--region={project.region}", f"--endpoint={simulator.url}", f"--token-file={tmp_path}/token")
        assert (await ended(*flags))[0] == 0
    assert [visit.path for visit in visits if "projects" in visit.path] == ["/v3/auth/projects"]


@pytest.mark.parametrize(
    "form", ["{}", "X-Subject-Token: {}", "HTTP/1.1 201 Created\r\nx-subject-token: {}\r\nVia: x\r\n"]
)
async def test_a_token_may_come_on_standard_input_and_in_its_header(form: str, tmp_path: Path) -> None:
    world = World([account("token", "tokens")])
    async with Simulator(world) as simulator:
        value, _ = world.issue(world.accounts[0], world.accounts[0].projects[0])
        (tmp_path / "token").write_text(form.format(value))
        one = (f"--project-id={world.accounts[0].projects[0].id}", f"--endpoint={simulator.url}", "--region=cn-north-4")
        assert (await ended(*one, f"--token-file={tmp_path}/token"))[0] == 0
        with (tmp_path / "token").open() as stdin:
            assert (await ended(*one, "--token-file=-", stdin=stdin))[0] == 0


async def test_a_first_look_through_a_proxy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Which is heeded only if that is said, as ever; if it is not, the advice names it."""
    world = World([account("ak_sk", "keys")])
    (owner,) = world.accounts
    monkeypatch.setenv("HUAWEICLOUD_SDK_AK", owner.access_key)
    monkeypatch.setenv("HUAWEICLOUD_SDK_SK", owner.secret_key)
    for name, value in (("http_proxy", "http://127.0.0.1:1"), ("no_proxy", "")):
        monkeypatch.setenv(name, value)
        monkeypatch.delenv(name.upper(), raising=False)
    async with Simulator(world) as simulator:
        one = (f"--project-id={owner.projects[0].id}", f"--endpoint={simulator.url}", "--region=cn-north-4")
        assert (await ended(*one))[0] == 0
    elsewhere = (one[0], "--endpoint=http://frs.invalid", one[2])
    code, out, _ = await ended(*elsewhere, "--proxy-from-environment")
    assert code == 1
    assert "check the proxy in http_client or HTTPS_PROXY" in out
    code, out, _ = await ended(*one)
    assert code == 1
    assert "behind a proxy set HTTPS_PROXY and proxy_from_environment" in out


@pytest.mark.parametrize("kind", ["http", "https", "socks5h"])
@pytest.mark.parametrize("variable", ["HTTP_PROXY", "ALL_PROXY"])
async def test_a_first_look_through_any_kind_of_proxy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, variable: str
) -> None:
    world = World([account("ak_sk", "keys")])
    (owner,) = world.accounts
    monkeypatch.setenv("HUAWEICLOUD_SDK_AK", owner.access_key)
    monkeypatch.setenv("HUAWEICLOUD_SDK_SK", owner.secret_key)
    authority, tls = trustme.CA(), ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(tls)
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    one = (f"--project-id={owner.projects[0].id}", "--endpoint=http://frs.example", "--region=cn-north-4")
    async with Simulator(world) as simulator:
        proxy = (SocksProxy if kind == "socks5h" else ForwardProxy)(login="user:p w", port=URL(simulator.url).port)
        await proxy.start(tls if kind == "https" else None)
        monkeypatch.setenv(variable, f"{kind}://user:p%20w@{proxy.address}")
        code, out, err = await ended(*one, "--proxy-from-environment", f"--ca-file={tmp_path}/ca.pem")
        await proxy.stop()
        assert code == 0, out + err
        assert {login for _, login in proxy.asked} == {"user:p w"}
        assert "p w" not in out + err


async def test_without_a_requirement_it_tells_what_is_on(tmp_path: Path) -> None:
    world = World([account("ak_sk", "one", "two")], clock=lambda: AT)
    off = ("detect", "compare", "search", "live_detect")
    world.accounts[0].projects[1].answer = subscribed("2024-01-01 00:00:00", off=off)
    async with Simulator(world) as simulator:
        config = config_of(world, simulator.url, tmp_path, lambda text: text + FAST)

        async def last(**selection: Any) -> str:
            return as_table((await checked(config, **selection))[1], terminal=False).splitlines()[-1]

        services = "detect (1), compare (1), search (1), live_detect (1)"
        assert await last(require=()) == f"all well: 2 projects, 4 jobs; nothing is required, on: {services}"
        assert (await last(projects=("two",), require=())).endswith("; nothing is required, on: nothing")
        assert (await last(projects=("one",), require=("detect",))).endswith("1 project, 2 jobs")
        assert (await last(collectors=("face_sets",))).endswith("2 projects, 2 jobs")


async def test_nothing_to_check_is_not_well(tmp_path: Path) -> None:
    """A discovery that means nobody must not pass for all well in a pipeline."""
    async with Simulator(World([account("ak_sk", "one")])) as simulator:
        config_of(simulator.world, simulator.url, tmp_path)
        text = (tmp_path / "config.yaml").read_text()
        head, _, tail = text.partition("projects:")
        endpoints = "endpoints:" + tail.partition("endpoints:")[2]
        rule = "discovery: [{credential: ak_sk-account, include: nobody, regions: [cn-north-4]}]\n"
        (tmp_path / "config.yaml").write_text(head + rule + endpoints)
        code, out, err = await ended(f"--config.file={tmp_path}/config.yaml")
        assert (code, out, err) == (1, NO_PROJECT, "")
        code, out, _ = await ended(f"--config.file={tmp_path}/config.yaml", "--output=json")
        assert (code, json.loads(out)["well"]) == (1, False)


async def test_collectors_instead_of_the_configs(tmp_path: Path) -> None:
    async with demo(tmp_path) as (_, config):
        check, report = await checked(config, projects=("visitor-kiosk",), collectors=("face_sets",))
        assert [job.collector for job in check.jobs] == ["face_sets"]
        assert report.well, "what is required is not asked about"


async def test_what_is_required_without_the_collector_is_unknown(tmp_path: Path) -> None:
    """As on the page: where the config asks for no subscription, nothing tells what is on."""
    async with Simulator(World([account("ak_sk", "full")])) as simulator:
        config_of(simulator.world, simulator.url, tmp_path)
        file = tmp_path / "config.yaml"
        document = yaml.safe_load(file.read_text())
        document["defaults"] = {"collectors": ["face_sets"], "require": ["detect"]}
        file.write_text(yaml.safe_dump(document))
        code, out, err = await ended(f"--config.file={file}")
        assert code == 1
        assert "  required cannot be known: subscription is not asked: detect" in out.splitlines()
        assert out.splitlines()[-1] == "1 of 1 project not well"
        assert "nothing tells what is on without subscription" in err


async def test_what_is_to_be_done_soon_is_told_and_stops_no_pipeline(tmp_path: Path) -> None:
    async with demo(tmp_path) as (_, config):
        _, report = await checked(config, projects=("vision-prod",))
        assert (report.well, report.passed) == (False, True)
        lines = as_table(report, terminal=False).splitlines()
        assert "  face sets that fill up: employees 96%" in lines
        assert lines[-1] == "nothing is wrong now, 1 of 1 project in trouble soon"
        _, report = await checked(config, projects=("vip-lounge",))
        assert (report.well, report.passed) == (True, True)


async def test_projects_that_are_found_are_checked_and_a_search_that_fails_is_told(tmp_path: Path) -> None:
    world = World([account("token", "t1"), account("ak_sk", "k1")], clock=lambda: AT)

    def rules(text: str) -> str:
        head, _, tail = text.partition("projects:")
        endpoints = "endpoints:" + tail.partition("endpoints:")[2]
        rule = "  - {credential: %s, name_template: '{credential}/{project_name}', regions: [cn-north-4]}\n"
        return head + "discovery:\n" + "".join(rule % owner.domain_name for owner in world.accounts) + endpoints

    async with Simulator(world) as simulator:
        config = config_of(world, simulator.url, tmp_path, rules)
        _, report = await checked(config)
        found = [view.project for view in report.projects]
        assert len(found) == 2
        assert all("-account/" in name for name in found)
        world.accounts[1].secret_key = "rotated"
        _, report = await checked(config)
        assert not report.well
        text = as_table(report, terminal=False)
        assert "discovery ak_sk-account\n  auth: " in text
        assert "1 discovery rule failed" in text
        assert json.loads(as_json(report))["discovery_failures"].keys() == {"ak_sk-account"}


async def test_a_file_is_replaced_as_a_whole_and_readable(tmp_path: Path) -> None:
    world = World([account("ak_sk", "full")])
    async with Simulator(world) as simulator:
        config_of(world, simulator.url, tmp_path)
        file, target = f"--config.file={tmp_path}/config.yaml", tmp_path / "frs.prom"
        target.write_text("what was there before")
        old = target.stat().st_ino
        code, out, err = await ended(file, "--output=prometheus", f"--output-file={target}")
        assert (code, out, err) == (0, "", "")
        assert target.read_text().startswith("# HELP frs_project_info")
        assert target.stat().st_ino != old
        assert stat.S_IMODE(target.stat().st_mode) == 0o644
        assert sorted(os.listdir(tmp_path)) == ["config.yaml", "frs.prom"]
        code, out, err = await ended(file, f"--output-file={tmp_path}/no/where")
        assert (code, err) == (3, f"Error: cannot write {tmp_path}/no/where: No such file or directory\n")


async def test_whatever_the_file_is_nothing_but_a_regular_one_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    link, target, fifo, null, full = (tmp_path / "out" / name for name in ("link", "frs.prom", "fifo", "null", "full"))
    link.symlink_to("frs.prom")
    null.symlink_to("/dev/null")  # by way of a link, so that a machine survives a mistake here
    full.symlink_to("/dev/full")
    os.mkfifo(fifo)
    world = World([account("ak_sk", "full")])
    async with Simulator(world) as simulator:
        config_of(world, simulator.url, tmp_path)
        options = (f"--config.file={tmp_path}/config.yaml", "--collector=subscription", "--output=prometheus")
        code, out, err = await ended(*options, "--output-file=-", cwd=tmp_path / "out")
        assert (code, err) == (0, "")
        assert out.startswith("# HELP frs_project_info")
        assert await ended(*options, f"--output-file={link}", umask=0o077) == (0, "", "")
        assert await ended(*options, f"--output-file={null}") == (0, "", "")
        assert await ended(*options, f"--output-file={fifo}") == (
            3,
            "",
            f"Error: cannot write {fifo}: nobody reads from it\n",
        )
        code, out, err = await ended(*options, f"--output-file={full}")
        assert (code, out, err) == (3, "", f"Error: cannot write {full}: No space left on device\n")
    assert target.read_text().startswith("# HELP frs_project_info")
    assert stat.S_IMODE(target.stat().st_mode) == 0o644
    assert os.readlink(link) == "frs.prom"
    assert fifo.is_fifo()
    assert null.is_char_device()
    assert sorted(os.listdir(tmp_path / "out")) == ["fifo", "frs.prom", "full", "link", "null"]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
async def test_whoever_is_interrupted_tells_what_is_known(tmp_path: Path, number: int, code: int) -> None:
    world = World([account("ak_sk", "quick"), account("token", "slow")])
    world.accounts[1].domain_name = "slow"
    async with Simulator(world) as simulator:
        world.faults.set("frs", HANG, world.accounts[1].projects[0].id)
        config_of(world, simulator.url, tmp_path)
        started = process(f"--config.file={tmp_path}/config.yaml", "--collector=subscription")
        quick = ("frs", "ak_sk-account/frs-monitor", world.accounts[0].projects[0].id)
        async with asyncio.timeout(30):
            while not (world.tokens and world.requests[quick]):  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        await asyncio.sleep(0.3)
        started.send_signal(number)
        out, err = await asyncio.to_thread(started.communicate, timeout=10)
    assert started.returncode == code
    assert re.search(r"^quick .* well ", out, re.MULTILINE)
    assert out.splitlines()[-4:] == [
        "slow",
        "  not asked yet: subscription",
        "  What to do: run it again, with a longer --timeout",
        f"interrupted by {signal.Signals(number).name}; 1 of 2 projects not well; 1 of 2 jobs not asked",
    ]
    assert without_root(err) == ""


@asynccontextmanager
async def endless_list(folder: Path) -> AsyncIterator[tuple[World, Path]]:
    """A cloud whose list of projects does not come, and a config that wants it."""
    world = World([account("token", "slow")])
    async with Simulator(world) as simulator:
        config_of(world, simulator.url, folder)
        file = folder / "config.yaml"
        config = yaml.safe_load(file.read_text())
        del config["projects"]
        config["discovery"] = [{"credential": "token-account", "regions": ["cn-north-4"]}]
        file.write_text(yaml.safe_dump(config))
        world.faults.set("iam", HANG)
        yield world, file


async def test_projects_that_were_not_found_in_time_are_not_well(tmp_path: Path) -> None:
    async with endless_list(tmp_path) as (_, file):
        code, out, _ = await ended(f"--config.file={file}", "--timeout=1s")
    assert code == 1
    assert out.splitlines() == [
        "discovery token-account",
        "  the list of projects did not come in time; give --timeout more, or leave it out",
        "1 discovery rule failed",
    ]


async def test_whoever_is_interrupted_before_projects_are_found_is_given_no_advice(tmp_path: Path) -> None:
    async with endless_list(tmp_path) as (world, file):
        visits = world.watched()
        started = process(f"--config.file={file}")
        async with asyncio.timeout(30):
            while not visits:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        started.send_signal(signal.SIGTERM)
        out, err = await asyncio.to_thread(started.communicate, timeout=10)
    assert started.returncode == 143
    assert out.splitlines() == [
        "discovery token-account",
        "  the list of projects had not come by then",
        "interrupted by SIGTERM; 1 discovery rule not answered",
    ]
    assert without_root(err) == ""


async def test_whoever_reads_no_further_does_not_keep_it_from_ending(tmp_path: Path) -> None:
    async with demo(tmp_path):
        started = process(f"--config.file={tmp_path}/config.yaml", "--output=json")
        assert started.stdout
        size = fcntl.fcntl(started.stdout, fcntl.F_SETPIPE_SZ, 4096)
        async with asyncio.timeout(30):
            while fcntl.ioctl(started.stdout, termios.FIONREAD, bytes(4)) != size.to_bytes(4, sys.byteorder):  # noqa: ASYNC110
                await asyncio.sleep(0.05)
    started.terminate()
    assert await asyncio.to_thread(started.wait, 5) == 143
    started.communicate()


async def test_a_timeout_is_not_well(tmp_path: Path) -> None:
    world = World([account("ak_sk", "slow")])
    async with Simulator(world) as simulator:
        world.faults.set("frs", HANG)
        config_of(world, simulator.url, tmp_path)
        code, out, _ = await ended(f"--config.file={tmp_path}/config.yaml", "--timeout=300ms")
    assert code == 1
    assert "2 of 2 jobs not asked in time" in out


@pytest.mark.uncounted
def test_a_thousand_projects_take_what_the_rates_allow(tmp_path: Path) -> None:
    """Two jobs each at 5 per second and account, on virtual time."""
    owners = [account("ak_sk", *(f"p{owner}-{number}" for number in range(250))) for owner in range(4)]
    for number, owner in enumerate(owners):
        owner.domain_name, owner.access_key = f"account-{number}", f"AK{number}"

    async def check(cloud: Cloud) -> tuple[float, Report]:
        config = config_of(cloud.world, cloud.url, tmp_path)
        one = Check(config, now=virtual_now)
        started = loop_time()
        await one.run()
        return loop_time() - started, report_of(one, EN)

    async def main() -> tuple[float, Report]:
        async with CloudContext(*owners) as cloud:
            return await check(cloud)

    seconds, report = run_virtual(main())
    allowed = 250 * 2 / 5
    assert report.well
    assert (len(report.projects), report.jobs) == (1000, 2000)
    assert allowed * 0.99 <= seconds <= allowed * 1.1


class Unmetered(World):
    """Nobody is throttled here."""

    def within_quota(self, user: str, api: str, quota: int, window: float = 1.0) -> bool:
        return True


@pytest.mark.uncounted
async def test_a_thousand_projects_fit_in_150_mib(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = [f"p{number}" for number in range(1000)]
    world = Unmetered([account("ak_sk", *names)])
    fast = "limits: {frs: {rate: 1000, concurrency: 100}}\n"
    async with Simulator(world) as simulator:
        config_of(world, simulator.url, tmp_path, lambda text: text + fast)
        program = (
            "import sys\n"
            "from frs_exporter.cli.main import cli\n"
            "try:\n    cli(['check', '--config.file', sys.argv[1], '--output', 'json'])\n"
            "finally:\n    sys.stderr.write(open('/proc/self/status').read())\n"
        )
        command = [sys.executable, "-c", program, str(tmp_path / "config.yaml")]
        result = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, timeout=120)
    assert result.returncode == 0, result.stderr[-500:]
    assert len(json.loads(result.stdout)["projects"]) == 1000
    peak = re.search(r"VmHWM:\s+(\d+) kB", result.stderr)  # ru_maxrss would be that of whoever started it, too
    assert peak
    assert int(peak[1]) / 1024 < 150
    with capsys.disabled():
        print(f"\ncheck of 1,000 projects, two jobs each: at most {int(peak[1]) / 1024:.0f} MiB")


async def test_raw_shows_what_went_over_the_wire_and_no_secret(tmp_path: Path) -> None:
    """What the vendor's own task hands in: the request, its status, and the JSON."""
    world = World([account("ak_sk", "keys"), account("token", "tokens")])
    world.accounts[0].projects[0].answer = {"echo": "x" * 50, **subscribed("2024-01-01 00:00:00", off=("search",))}
    async with Simulator(world) as simulator:
        config_of(world, simulator.url, tmp_path)
        file = f"--config.file={tmp_path}/config.yaml"
        code, out, err = await ended(file, "--raw", "--require=detect")
        assert (code, err) == (0, "")
        assert out.splitlines()[-1] == "all well: 2 projects, 4 jobs"
        head, keys, tokens = (
            out.partition("keys subscription\n")[0],
            *out.partition("keys subscription\n")[2].split("tokens subscription\n"),
        )
        assert head.startswith("keys face_sets\n> GET ")
        keys_id, tokens_id = (owner.projects[0].id for owner in world.accounts)
        assert keys.startswith(f"> GET {simulator.url}/v1/{keys_id}/subscribe\n")
        assert re.search(r"^< 200 OK$", keys, re.MULTILINE)
        assert re.search(r"^took \d+\.\d{3} s$", keys, re.MULTILINE)
        assert '\n  "echo": "***",\n' in keys
        body = re.search(r"^{.*?^}$", tokens, re.MULTILINE | re.DOTALL)
        assert body
        assert json.loads(body[0]) == world.accounts[1].projects[0].answer
        assert f"> GET {simulator.url}/v1/{tokens_id}/subscribe\n" in tokens
        assert not [secret for secret in secrets_of(world) if secret in out]
        code, _, err = await ended(file, "--raw", "--output=json")
        assert (code, err.count("\n")) == (2, 1)


async def test_raw_shows_the_vendors_json_of_a_failure_too(tmp_path: Path) -> None:
    """As the vendor's own task has it beside the answer of success."""
    async with Simulator(World([account("ak_sk", "none")])) as simulator:
        config_of(simulator.world, simulator.url, tmp_path)
        simulator.world.accounts[0].projects[0].frozen = True
        code, out, _ = await ended(f"--config.file={tmp_path}/config.yaml", "--raw", "--collector=subscription")
        assert code == 1
        assert re.search(r"^< 4\d\d [A-Z]", out, re.MULTILINE)
        body = re.search(r"^{.*?^}$", out, re.MULTILINE | re.DOTALL)
        assert body
        assert json.loads(body[0])["error_code"] == "FRS.0202"
        assert not [secret for secret in secrets_of(simulator.world) if secret in out]


async def test_a_failure_is_told_with_its_request_id_and_advice_for_a_single_run(tmp_path: Path) -> None:
    async with Simulator(World([account("ak_sk", "busy")])) as simulator:
        config_of(simulator.world, simulator.url, tmp_path)
        file = f"--config.file={tmp_path}/config.yaml"
        simulator.world.faults.set("frs", Fault(status=503))
        code, out, err = await ended(file)
        assert (code, err) == (1, "")
        assert re.search(r"^  request id: [0-9a-z-]{8,}$", out, re.MULTILINE)
        assert "  What to do: try again later; if it lasts," in out
        simulator.world.faults.set("frs", Fault(status=429, code="APIGW.0308"))
        _, out, _ = await ended(file, "--output=json")
        (project,) = json.loads(out)["projects"]
        assert "poll_interval" not in project["jobs"][0]["failure"]["do"]
        assert "once" not in project["jobs"][0]["failure"]


async def test_a_refused_key_is_told_once_and_by_the_log_only_if_that_is_wanted(tmp_path: Path) -> None:
    async with Simulator(World([account("ak_sk", "full")])) as simulator:
        config_of(simulator.world, simulator.url, tmp_path)
        simulator.world.accounts[0].secret_key = "rotated"
        file = f"--config.file={tmp_path}/config.yaml"
        code, out, err = await ended(file, "--state.directory=none")
        assert (code, err) == (1, "")
        assert "check the key in IAM and in the config or the environment" in out
        code, _, err = await ended(file, "--state.directory=none", "--log.level=error")
        assert code == 1
        assert 'level=error msg="credential rejected"' in err


async def test_what_a_config_probably_does_not_mean_is_told(tmp_path: Path) -> None:
    async with Simulator(World([account("ak_sk", "full")])) as simulator:
        config_of(simulator.world, simulator.url, tmp_path, lambda text: text.replace("detect", "serach", 1))
        file = f"--config.file={tmp_path}/config.yaml"
        _, _, err = await ended(file, "--require=detect")
        assert err == "warning: defaults.require[0]: no sub-service serach is known; did you mean search?\n"
        code, out, _ = await ended(file)
        assert code == 1
        assert "  What to do: correct the name in require (search?), or subscribe to it" in out


async def test_a_bug_is_told_and_the_others_are_asked_all_the_same(tmp_path: Path) -> None:
    async def wrong(*_: Any) -> Any:
        raise RuntimeError("never thought of it")

    collectors = {**COLLECTORS, "face_sets": replace(COLLECTORS["face_sets"], collect=wrong)}
    async with demo(tmp_path) as (_, config):
        check = Check(config, Selection(("vision-prod",)), now=lambda: AT)
        await check.run(collectors=collectors)
        report = report_of(check, EN)
        assert [job.failure.reason if job.failure else "" for job in report.projects[0].jobs] == ["", "internal", ""]


async def test_no_secret_is_told(tmp_path: Path) -> None:
    async with demo(tmp_path) as (simulator, config):
        for fault in (Fault(status=401, code="APIGW.0301", echo=True), Fault(status=400, code="FRS.0010", echo=True)):
            simulator.world.faults.set("frs", fault)
            check, report = await checked(config)
            told = as_table(report, terminal=True) + as_json(report) + as_prometheus(check, loop_time())
            assert not [secret for secret in secrets_of(simulator.world) if secret in told]


def test_a_first_look_is_a_config_like_any_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUAWEICLOUD_SDK_AK", "AK")
    monkeypatch.setenv("HUAWEICLOUD_SDK_SK", "sk with no space".replace(" ", ""))
    monkeypatch.setenv("HUAWEICLOUD_SDK_SECURITY_TOKEN", "sts")
    flags = FirstLook(project_id="a" * 32, region="cn-north-4")
    (target,) = first_look(flags).targets
    assert (target.project, target.display.collectors) == ("a" * 32, ("subscription", "face_sets"))
    assert target.credential.kind == "ak_sk"
    assert "sts" not in repr(target)
    (elsewhere,) = first_look(replace(flags, endpoint="https://gateway.partner.example")).targets
    assert elsewhere.credential.site == "gateway.partner.example"
    assert elsewhere.credential.user != target.credential.user
    monkeypatch.setenv("HUAWEICLOUD_SDK_SK", "two words")
    with pytest.raises(click.UsageError, match="HUAWEICLOUD_SDK_SK is no key"):
        first_look(flags)


async def test_output_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    world = World([account("ak_sk", "full")])
    async with Simulator(world) as simulator:
        config_of(world, simulator.url, tmp_path)
        command = f"{sys.executable} -m frs_exporter check --config.file={tmp_path}/config.yaml --output=json"
        shell = ["bash", "-c", f"set -o pipefail; {command} > /dev/full; echo $?; {command} | head -1"]
        result = await asyncio.to_thread(subprocess.run, shell, capture_output=True, text=True, timeout=60)
    assert result.stdout == "3\n{\n"
    assert without_root(result.stderr) == "Error: cannot write to standard output: No space left on device\n"


@pytest.mark.parametrize(("kind", "most"), [("ak_sk", 1), ("token", 1)])
async def test_a_wrong_secret_is_tried_once_however_many_projects_there_are(
    tmp_path: Path, kind: str, most: int
) -> None:
    """Or whoever checks twice locks the account."""
    world = World([account(kind, *(f"p{number}" for number in range(40)))], clock=lambda: AT)
    async with Simulator(world) as simulator:
        config = config_of(world, simulator.url, tmp_path, lambda text: text + FAST)
        (owner,) = world.accounts
        owner.password = owner.secret_key = "rotated"
        check, report = await checked(config)
        login = owner.login if kind == "token" else owner.access_key
        assert len(world.locks[login].failures) == most
        reasons = {job.failure.reason for view in report.projects for job in view.jobs if job.failure}
        assert (reasons, len(check.states)) == ({"auth"}, 80)


def on_terminal(command: list[str], columns: int, environment: dict[str, str]) -> tuple[int, str]:
    """Exit code of a command on a terminal of its own, and all that it has written there."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    names = {"TERM": "xterm-256color", "PATH": os.environ["PATH"], **environment}
    with subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave, env=names) as started:
        os.close(slave)
        written = b""
        with contextlib.suppress(OSError):  # which is how the other end of a terminal ends
            while data := os.read(master, 1 << 16):
                written += data
        os.close(master)
    return started.returncode, written.decode()


@pytest.mark.parametrize(("environment", "colors"), [({}, True), ({"NO_COLOR": "1"}, False)])
async def test_on_a_terminal_there_is_a_bar_then_a_table_as_wide_as_that(
    tmp_path: Path, environment: dict[str, str], colors: bool
) -> None:
    async with Simulator(World([account("ak_sk", "gate-1", "gate-2")])) as simulator:
        config_of(simulator.world, simulator.url, tmp_path)
        command = [sys.executable, "-m", "frs_exporter", "check", f"--config.file={tmp_path}/config.yaml"]
        code, written = await asyncio.to_thread(on_terminal, command, 72, environment)
    bar, _, table = written.partition("╭")
    assert code == 0
    assert re.search(r"asking .*4/4", re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", bar), re.DOTALL), "the bar"
    assert "asking" not in table
    lines = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", table).splitlines()
    assert max(map(len, lines)) <= 72
    assert bool(re.search(r"\x1b\[(1;)?3[0-9]m", table)) == colors
    assert "all well: 2 projects, 4 jobs" in lines


async def test_the_simulated_machine_has_an_agency_of_the_last_account(tmp_path: Path) -> None:
    async with Simulator(demo_world()) as simulator:
        url, project = simulator.url, simulator.world.accounts[-1].projects[0]
        file = tmp_path / "config.yaml"
        file.write_text(
            f"credentials: {{m: {{ecs_agency: {{endpoint: '{url}'}}}}}}\nendpoints: {{frs: '{url}', iam: '{url}'}}\n"
            f"projects: [{{name: p, project_id: {project.id}, region: {project.region}, credential: m}}]\n"
        )
        code, out, _ = await ended(f"--config.file={file}")
    assert (code, out.splitlines()[-1][:28]) == (0, "all well: 1 project, 2 jobs;")
