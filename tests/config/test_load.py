"""The config file: good ones load, bad ones tell every problem with its place, secrets never print."""

import datetime
import json
import os
import re
import subprocess
import sys
import threading
import traceback
from decimal import Decimal
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import trustme
from hypothesis import given
from hypothesis import strategies as st

from frs_exporter.config.load import MAX_CONFIG, load
from frs_exporter.config.schema import File
from frs_exporter.config.source import Source
from frs_exporter.config.suggestions import suggestion
from frs_exporter.config.types import endpoint, host_name, seconds
from frs_exporter.config.yaml import MAX_NODES, Document, read
from frs_exporter.core import regex
from frs_exporter.core.credentials import AgencyCredential, KeyCredential, TokenCredential
from frs_exporter.core.discovery import FRS_REGIONS
from frs_exporter.core.errors import ConfigError
from frs_exporter.core.model import Api
from tests.calls import counting
from tests.config.expected import assert_problems
from tests.fleet import fleet, written

PROJECTS = 5000
FILES = Path(__file__).parent / "files"
FILE = str(FILES / "c.yaml")
"""A name for texts that no file has."""
ROOT = Path(__file__).parents[2]
BAD = sorted(FILES.glob("*.bad.yaml"))
EXAMPLES = sorted((ROOT / "frs_exporter/config").glob("example.*.yaml"))


def problems_of(path: Path) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load(str(path))
    return [problem.removeprefix(f"{path}:") for problem in caught.value.problems]


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.name)
def test_a_bad_file_tells_all_its_problems(path: Path) -> None:
    assert_problems(problems_of(path), path)


def test_problems_come_in_the_order_of_the_file() -> None:
    marks = [tuple(map(int, problem.split(":")[:2])) for problem in problems_of(FILES / "values.bad.yaml")]
    assert marks == sorted(marks)


def test_the_smallest_config() -> None:
    (target,) = load(str(FILES / "minimal.good.yaml")).targets
    assert (target.poll_interval, target.poll_timeout, target.display.stale_after) == (60, 10, 180)
    assert (target.display.collectors, target.display.require, target.create_time_zone) == (
        ("subscription", "face_sets"),
        (),
        "UTC",
    )
    assert target.endpoints[Api.FRS] == "https://face.cn-north-4.myhuaweicloud.com"
    assert target.endpoints[Api.IAM] == "https://iam.cn-north-4.myhuaweicloud.com"


def test_every_setting() -> None:
    config = load(str(FILES / "full.good.yaml"))
    first, second, third = config.targets
    assert (first.project, first.poll_interval, first.display.require) == ("门禁/1", 300, ("detect", "search"))
    assert first.display.labels == (("Site", "1.10"), ("team", "vision"))
    assert (second.poll_interval, second.poll_timeout, second.display.stale_after) == (90, 2.5, 3600)
    assert (second.create_time_zone, second.display.require) == ("Asia/Shanghai", ("detect",))
    assert third.endpoints[Api.FRS] == "https://gateway.example:8443/cn-east-3/frs"
    assert isinstance(first.credential, TokenCredential)
    assert first.credential.password.get_secret_value() == "p:#{ '"
    assert isinstance(second.credential, KeyCredential)
    assert second.credential.secret_key.get_secret_value() == "from-a-file"
    assert second.credential.security_token
    assert (config.limits[Api.FRS].rate, config.limits[Api.FRS].concurrency) == (2.5, 1)
    assert (config.limits[Api.IAM].rate, config.limits[Api.IAM].concurrency) == (1.0, 5)
    assert len(config.jobs) == 3


def test_the_vendors_names_of_sub_services_are_taken(tmp_path: Path) -> None:
    """Once, whatever they are called; a notice tells of one that nobody knows by its short name."""
    file = tmp_path / "c.yaml"
    file.write_text(
        (FILES / "minimal.good.yaml").read_text()
        + "defaults: {require: [detect_service, live_detect_service, detect, serach_service]}\n"
    )
    config = load(str(file))
    assert config.targets[0].display.require == ("detect", "live_detect", "serach")
    (notice,) = config.notices
    assert notice.text == "defaults.require[3]: no sub-service serach is known; did you mean search?"
    for name in ("_service", "Detect_service", "''"):
        file.write_text((FILES / "minimal.good.yaml").read_text() + f"defaults: {{require: [{name}]}}\n")
        assert "must be a sub-service like detect, compare, search or live_detect" in problems_of(file)[0]


def test_a_section_with_every_line_commented_out_is_as_if_it_were_not_there() -> None:
    assert load(str(FILES / "empty-sections.good.yaml")) == load(str(FILES / "minimal.good.yaml"))


def test_equal_files_make_equal_configs() -> None:
    """Reload will be a comparison of values."""
    assert load(str(FILES / "full.good.yaml")).jobs == load(str(FILES / "full.good.yaml")).jobs


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_an_example_loads_and_says_what_holds_without_it(
    path: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    text = path.read_text()
    assert text.startswith("# yaml-language-server: $schema=frs-exporter.schema.json\n")
    monkeypatch.setenv("HUAWEI_AK", "AK")
    for name in re.findall(r"!file /run/secrets/(\S+)", text):
        (tmp_path / name).write_text("secret\n")
    (tmp_path / "config.yaml").write_text(text.replace("/run/secrets/", ""))
    example = load(str(tmp_path / "config.yaml"))
    bare = load(str(FILES / "minimal.good.yaml"))
    assert example.limits == bare.limits
    settings = ("poll_interval", "poll_timeout", "create_time_zone", "max_face_sets")
    for setting in (*settings, "pricing"):
        assert getattr(example.targets[0], setting) == getattr(bare.targets[0], setting)
    for setting in ("stale_after", "collectors"):
        assert getattr(example.targets[0].display, setting) == getattr(bare.targets[0].display, setting)
    assert example.targets[0].endpoints == bare.targets[0].endpoints


def test_the_examples_have_the_same_settings_in_the_same_order() -> None:
    """Those that are commented out, too; only what the comments say is in another language."""
    english, chinese = ([line for line in map(setting, path.read_text().splitlines()) if line] for path in EXAMPLES)
    assert chinese == english
    assert {"  # month_budget_cny: 500", "    # key_file: client.key", "  poll_interval: 1m"} <= set(english)


def setting(line: str) -> str:
    """What a line of an example sets, or would set if it were not commented out; without its remark."""
    found = re.match(r"""( *(?:# )?(?:- )?(?:[a-z_-]+|"\(.*"):(?: .*?)?|  +- .*?)(?: *# .*)?$""", line)
    return found[1] if found else ""


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    assert problems_of(tmp_path / "gone.yaml") == [" cannot read the config file: No such file or directory"]
    (tmp_path / "latin.yaml").write_bytes(b"credentials: \xe9 x")
    assert problems_of(tmp_path / "latin.yaml") == [" not UTF-8 text: invalid continuation byte at byte 13"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: &a [*a]", "1:4: not YAML: nested too deeply or too large"),
        ("[" * 200_000, "1:21: not YAML: nested too deeply"),
        ("门: " + "[" * 200_000, "1:23: not YAML: nested too deeply"),
        ("门: 1\nb: " + "[{a: " * 200_000, "2:50: not YAML: nested too deeply"),
        ("- " * 200_000, "1:41: not YAML: nested too deeply"),
        ("? " * 200_000, "1:41: not YAML: nested too deeply"),
        ("a: 1\nb: x\x01", "2:5: not YAML: "),
        ("a: !!int x", "1:4: a: unknown tag; there are !env NAME and !file PATH for text"),
        ("a: !!timestamp x", "1:4: a: unknown tag; "),
        ("a: !!binary /w==", "1:4: a: unknown tag; "),
        ("a: !!str [x]", "1:4: a: unknown tag; "),
        ("a: !!python/object:os.system x", "1:4: a: unknown tag; "),
        ("a: 2026-13-45", "1:4: a: YAML cannot read this value; put it in quotes if it is text"),
        ("---\na: 1\n---\nb: 2", "3:1: not YAML: "),
    ],
)
def test_hostile_yaml(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "c.yaml").write_text(text)
    assert message in "\n".join(problems_of(tmp_path / "c.yaml"))


def test_a_small_file_that_unfolds_without_end_is_refused(tmp_path: Path) -> None:
    layers = "".join(f"{b}: &{b} [{', '.join([f'*{a}'] * 10)}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True))
    document = read(f"a: &a [x]\n{layers}", FILE, {}, after=Document(nodes=MAX_NODES - 50_000))
    assert [problem.message for problem in document.problems] == ["not YAML: nested too deeply or too large"]


def config_with_secret(folder: Path, content: bytes) -> Path:
    """A config whose secret is what is in a file."""
    (folder / "sk").write_bytes(content)
    (folder / "c.yaml").write_text(
        (FILES / "minimal.good.yaml").read_text().replace("secret_key: sk", "secret_key: !file sk")
    )
    return folder / "c.yaml"


@pytest.mark.parametrize("content", [b"sk", b"sk\r\n", b"\xef\xbb\xbfsk\n"])
def test_a_byte_order_mark_and_a_last_line_break_are_no_part_of_a_secret(tmp_path: Path, content: bytes) -> None:
    credential = load(str(config_with_secret(tmp_path, content))).targets[0].credential
    assert isinstance(credential, KeyCredential)
    assert credential.secret_key.get_secret_value() == "sk"


def test_a_byte_order_mark_is_no_part_of_a_config(tmp_path: Path) -> None:
    """And does not move the places of what is wrong in it."""
    text = (FILES / "minimal.good.yaml").read_bytes()
    (tmp_path / "c.yaml").write_bytes(b"\xef\xbb\xbf" + text)
    (tmp_path / "same.yaml").write_bytes(text)
    assert load(str(tmp_path / "c.yaml")) == load(str(tmp_path / "same.yaml"))
    (tmp_path / "c.yaml").write_bytes(b"\xef\xbb\xbf" + text.replace(b"credentials:", b"credential:"))
    assert problems_of(tmp_path / "c.yaml")[0].startswith("1:1: credential")


@pytest.mark.parametrize(
    ("secret", "found"),
    [
        ("s\N{NO-BREAK SPACE}k", "U+00A0 (no-break space) as character 2"),
        ("sk\N{ZERO WIDTH SPACE}", "U+200B (zero width space) as character 3"),
        ("sk\N{ZERO WIDTH NO-BREAK SPACE}", "U+FEFF (zero width no-break space) as character 3"),
        ("sk\nsk", "U+000A (line feed) as character 3"),
        ("s\x85k", "U+0085 (a character that does not show) as character 2"),
    ],
)
def test_a_character_that_does_not_show_in_a_secret_is_named(tmp_path: Path, secret: str, found: str) -> None:
    (problem,) = problems_of(config_with_secret(tmp_path, secret.encode()))
    assert problem.endswith(f"credentials.keys.ak_sk.secret_key: the secret has {found}: take it out")


def test_a_secret_file_that_is_too_long_is_refused(tmp_path: Path) -> None:
    (tmp_path / "long").write_text("x" * 70_000)
    document = read("a: !file long", str(tmp_path / "c.yaml"), {})
    assert document.problems[0].message == "cannot read the file long: it is longer than 65536 bytes"


def test_a_config_that_is_too_long_is_refused_and_not_cut_off(tmp_path: Path) -> None:
    text = (FILES / "minimal.good.yaml").read_text()
    (tmp_path / "c.yaml").write_text(text + "#" * MAX_CONFIG)
    assert problems_of(tmp_path / "c.yaml") == [
        f" cannot read the config file: it is longer than {MAX_CONFIG} bytes",
    ]


def test_the_environment_fills_in_any_text() -> None:
    assert read("{a: !env X, b: [!env Y]}", FILE, {"X": "1", "Y": ""}).data == {"a": "1", "b": [""]}


def test_a_bad_ca_file_is_told(tmp_path: Path) -> None:
    text = (FILES / "minimal.good.yaml").read_text()
    (tmp_path / "c.yaml").write_text(text + "http_client: {tls_config: {ca_file: gone.pem}}\n")
    place = "5:37: http_client.tls_config.ca_file: cannot use the file: "
    assert problems_of(tmp_path / "c.yaml") == [f"{place}No such file or directory"]
    (tmp_path / "gone.pem").write_text("no certificate")
    assert problems_of(tmp_path / "c.yaml") == [f"{place}no PEM certificates in it"]


def test_plain_http_is_warned_about_except_on_loopback(tmp_path: Path) -> None:
    text = (FILES / "minimal.good.yaml").read_text()
    for loopback in ("127.0.0.1:1", "localhost", "[::1]:2"):
        (tmp_path / "c.yaml").write_text(text + f'endpoints: {{frs: "http://{loopback}"}}\n')
        assert load(str(tmp_path / "c.yaml")).notices == ()
    for elsewhere in ("iam.example", "localhost.evil.example", "127.evil.example"):
        (tmp_path / "c.yaml").write_text(text + f'endpoints: {{iam: "http://{elsewhere}"}}\n')
        (notice,) = load(str(tmp_path / "c.yaml")).notices
        assert notice.text == "endpoints.iam is plain http: tokens and signatures can be read on the way"


@pytest.mark.parametrize(
    "text",
    [
        "defaults: 5",
        "defaults: {poll_interval: 1, stale_after: [1]}",
        "projects: {a: 1}",
        "projects: [1, {credential: [x]}]\ncredentials: []",
        "projects: [{name: [], region: 1, project_id: {}}]",
        "http_client: {tls_config: 5}",
        "http_client: 5\ncredentials: {a: 5, b: [], c: {token: 1, ak_sk: 2}}",
        "endpoints: []\nlimits: ~",
        "5",
    ],
)
def test_parts_of_any_wrong_kind_are_problems_and_no_exceptions(tmp_path: Path, text: str) -> None:
    (tmp_path / "c.yaml").write_text(text)
    assert problems_of(tmp_path / "c.yaml")


@pytest.mark.parametrize(
    "url",
    [
        "https://a..b",
        f"https://{'a' * 64}.example",
        "https://a:0",
        "https://a:65536",
        "https://a'b<x>",
        "https://a/%zz",
        "https://",
        "https://-a",
        "https://[::g]",
        "https://a?x=1",
        "https://a#x",
        "https://ä.example",
        "https://\u212aface.example",
        "https://face.example/人",
        "https://user:pw@face.example",
        "https://[::1]x",
        "https://[1.2.3.4]",
        "https://xn--a.example",
        "https://127.1",
        "https://1.2.3.999",
        f"https://{'a.' * 126}aa",
    ],
)
def test_what_is_no_endpoint(url: str) -> None:
    with pytest.raises(ValueError, match="must be a URL like"):
        endpoint(url)


@pytest.mark.parametrize(
    "url",
    [
        "https://a",
        "http://[::1]:8080",
        "https://A.b-c.example:65535/x/{region}",
        "http://{region}.gw_1.example/",
        f"https://{'a.' * 126}a",
    ],
)
def test_what_is_an_endpoint(url: str) -> None:
    assert endpoint(url) == url.rstrip("/")


@pytest.mark.parametrize("name", ["a:b", "a/b", "user@a", "a?b", "a#b", "", "a b", "-a"])
def test_what_is_no_server_name(name: str) -> None:
    with pytest.raises(ValueError, match="must be a host name, without port"):
        host_name(name)


def test_the_default_of_stale_after_lasts_until_the_next_answer(tmp_path: Path) -> None:
    """With a short interval and a long timeout three intervals are not enough."""
    text = (FILES / "minimal.good.yaml").read_text() + "defaults: {poll_interval: 2s}\n"
    (tmp_path / "c.yaml").write_text(text)
    (target,) = load(str(tmp_path / "c.yaml")).targets
    assert target.display.stale_after == pytest.approx(12.1)


SECRET = "hunter2-tOpSeCrEt"
CONFIG = """
credentials:
  user: {{token: {{domain_name: acme, user_name: monitor, password: {0}}}}}
  keys: {{ak_sk: {{access_key: AK, secret_key: {0}, security_token: {0}}}}}
projects:
  - {{name: a, project_id: d3f8e6476fbf416689f209e168ef4d31, region: cn-north-4, credential: user}}
  - {{name: b, project_id: d3f8e6476fbf416689f209e168ef4d32, region: cn-north-4, credential: keys}}
http_client: {{proxy_url: "http://user:{0}@proxy.example:3128"}}
"""


def test_secrets_print_nowhere(tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text(CONFIG.format(SECRET))
    config = load(str(tmp_path / "c.yaml"))
    assert SECRET not in repr(config) + str(config)


@pytest.mark.parametrize(
    "break_it",
    [
        lambda text: text.replace("password:", "pasword:"),
        lambda text: text.replace(f"password: {SECRET}", f"password: [{SECRET}]"),
        lambda text: text.replace(f"secret_key: {SECRET}", f'secret_key: "{SECRET}\\n"'),
        lambda text: text.replace("http://user", "socks4://user"),
        lambda text: text.replace("ak_sk: {", "ak_sk: {token: {}, "),
        lambda text: text.replace("keys: {ak_sk", "keys: {ak_skk"),
        lambda text: text.replace(f"password: {SECRET}}}}}", f"password: {SECRET}}}"),
        lambda text: text.replace(f"password: {SECRET}", f"password:{SECRET}"),
        lambda text: text.replace(f"password: {SECRET}", f"password: x,{SECRET}"),
        lambda text: text.replace(f"password: {SECRET}", f"password: !{SECRET}"),
        lambda text: text.replace(f"password: {SECRET}", f"password: !!{SECRET}"),
        lambda text: text.replace(f"password: {SECRET}", f"password: !{SECRET} x"),
        lambda text: text.replace(f"password: {SECRET}", f"password: x,{SECRET},{SECRET}"),
        lambda text: text.replace(f"password: {SECRET}", f"password: x,{SECRET}: 1,{SECRET}: 2"),
        lambda text: text.replace(f"password: {SECRET}}}}}", f"password: x}},{SECRET}}}"),
        lambda text: text.replace(f"password: {SECRET}}}}}", f"password: x}},{SECRET}: !x y,{SECRET}: {{{SECRET}}}}}"),
        lambda text: text.replace(f"password: {SECRET}", f"password: {{{SECRET}: {{{SECRET}, {SECRET}}}}}"),
        lambda text: text.replace(f"password: {SECRET}", f"password: !!timestamp {SECRET}"),
        lambda text: text.replace(f"password: {SECRET}", f"password: !!set {{{SECRET}}}"),
        lambda text: text.replace(f'"http://user:{SECRET}@', f'x,{SECRET},{SECRET}, proxy_url: "'),
        lambda text: text.replace(f'"http://user:{SECRET}@', f'x,{SECRET}: {{{SECRET}}}, proxy_url: "'),
    ],
)
def test_secrets_are_in_no_problem_and_no_traceback(tmp_path: Path, break_it: Any) -> None:
    (tmp_path / "c.yaml").write_text(break_it(CONFIG.format(SECRET)))
    with pytest.raises(ConfigError) as caught:
        load(str(tmp_path / "c.yaml"))
    assert SECRET not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("30s", 30),
        ("1m30s", 90),
        ("2h", 7200),
        ("1d", 86400),
        ("1w2d3h4m5s6ms", 788645.006),
        ("1y", 31536000),
        ("0s", 0),
        ("100ms", 0.1),
    ],
)
def test_durations_are_prometheus_own(text: str, expected: float) -> None:
    assert seconds(text) == pytest.approx(expected)


@pytest.mark.parametrize(
    "text", ["", "1", "s", "1s1m", "1.5s", "-1s", "1 s", "1M", 5, None, "1s\n", "９s", "9" * 5000 + "s"]
)
def test_nothing_else_is_a_duration(text: Any) -> None:
    with pytest.raises(ValueError, match="must be a duration"):
        seconds(text)


TAGS = (
    *("int", "float", "bool", "null", "timestamp", "binary", "str", "merge", "value"),
    *("set", "omap", "pairs", "map", "seq"),
)


@given(st.sampled_from(TAGS), st.text())
def test_no_tag_of_yaml_makes_an_exception(tag: str, text: str) -> None:
    for value in (text, json.dumps(text), f"[{json.dumps(text)}]", f"{{{json.dumps(text)}: 1}}"):
        document = read(f"a: !!{tag} {value}", FILE, {})
        assert document.problems or isinstance(document.data, dict)


def test_what_does_not_show_is_escaped_in_problems(tmp_path: Path) -> None:
    """It would do as it pleases with terminals and logs."""
    (tmp_path / "c.yaml").write_text('"\\e[2J\\x9b\\n": 1\n')
    assert any(told.startswith("1:1: \\x1b[2J\\x9b\\n: unknown key") for told in problems_of(tmp_path / "c.yaml"))


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", "\x85", "\u2028"])
def test_a_control_character_is_in_the_line_that_yaml_counts(end: str) -> None:
    for value in ("1", "中"):
        (problem,) = read(f"a: {value}{end}b: \x02", FILE, {}).problems
        assert (problem.line, problem.column) == (2, 4)


@given(st.text(max_size=80))
def test_any_text_is_a_config_or_a_list_of_problems(text: str) -> None:
    document = read(text, FILE, {})
    assert document.problems or document.data is None or document.data is not None


@pytest.mark.uncounted
@pytest.mark.parametrize(
    "path", [*EXAMPLES, FILES / "full.good.yaml", FILES / "minimal.good.yaml"], ids=lambda p: p.name
)
def test_good_files_fit_the_schema_for_editors(path: Path) -> None:
    environment = dict.fromkeys(("HUAWEI_AK",), "AK")
    data = read(path.read_text().replace("!file /run/secrets/", "!file empty.txt #"), FILE, environment).data
    jsonschema.validate(data, File.model_json_schema())


@pytest.mark.parametrize("name", ["unknown-keys", "ids", "numbers", "missing", "nothing-in-it"])
@pytest.mark.uncounted
def test_bad_files_do_not_fit_the_schema_for_editors(name: str) -> None:
    data = read((FILES / f"{name}.bad.yaml").read_text(), FILE, {}).data
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(data, File.model_json_schema())


def test_the_schema_describes_the_file() -> None:
    schema = File.model_json_schema()
    assert schema["additionalProperties"] is False
    sections = ("defaults", "credentials", "projects", "discovery", "accounts", "limits", "endpoints")
    assert tuple(schema["properties"]) == (*sections, "http_client", "pricing")
    assert schema["$defs"]["Token"]["properties"]["password"]["writeOnly"] is True
    json.dumps(schema)


def test_two_credentials_of_one_user_are_warned_about(tmp_path: Path) -> None:
    """What locks and quotas count together must be guarded together."""
    text = """
credentials:
  a: {token: {domain_name: acme, user_name: monitor, password: one}}
  b: {token: {domain_name: acme, user_name: monitor, password: two}}
  c: {token: {domain_name: other, user_name: monitor, password: one}}
  d: {ak_sk: {access_key: AK1, secret_key: one}}
  e: {ak_sk: {access_key: AK1, secret_key: one}}
projects:
  - {name: p, project_id: d3f8e6476fbf416689f209e168ef4d31, region: cn-north-4, credential: a}
"""
    (tmp_path / "c.yaml").write_text(text)
    told = [notice.text for notice in load(str(tmp_path / "c.yaml")).notices]
    assert [line.split(":")[0] for line in told] == [
        "credentials.b is the same user as credentials.a",
        "credentials.e is the same user as credentials.d",
    ]
    assert "AK1" not in str(told)


RULES = """
credentials:
  keys: {ak_sk: {access_key: AK, secret_key: sk}}
  machine: {ecs_agency: {}}
discovery:
  - {credential: keys}
  - credential: machine
    name: two
    regions: [cn-north-4, cn-north-4, cn-east-3]
    include: "cn-.*"
    exclude: ".*_test"
    sub_projects: false
    name_template: "{credential}-{project_name}"
    refresh_interval: 1h
    labels: {team: vision}
    require: [detect]
    poll_interval: 5m
"""


def test_rules_need_no_projects_and_have_defaults(tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text(RULES)
    config = load(str(tmp_path / "c.yaml"))
    first, second = config.discovery
    assert (config.targets, config.notices) == ((), ())
    assert (first.name, first.regions, first.include, first.exclude) == ("keys", FRS_REGIONS, ".*", "")
    assert (first.sub_projects, first.name_template, first.refresh_interval) == (True, "{project_name}", 600)
    assert (second.name, second.regions, second.sub_projects) == ("two", ("cn-north-4", "cn-east-3"), False)
    assert (second.name_template, second.refresh_interval) == ("{credential}-{project_name}", 3600)
    assert (second.template.display.labels, second.template.display.require) == ((("team", "vision"),), ("detect",))
    assert (second.template.poll_interval, second.template.display.stale_after) == (300, 900)
    assert second.template.credential == AgencyCredential("machine", "http://169.254.169.254")
    assert second.access.endpoints[Api.IAM] == "https://iam.cn-north-4.myhuaweicloud.com"
    assert second.access.project_id == ""


def test_one_iam_for_all_regions_is_no_mistake(tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text(RULES + 'endpoints: {iam: "https://iam.myhuaweicloud.com"}\n')
    assert load(str(tmp_path / "c.yaml")).discovery[0].access.endpoints[Api.IAM] == "https://iam.myhuaweicloud.com"


def test_certificates_that_are_not_verified_are_loud(tmp_path: Path) -> None:
    text = (
        (FILES / "minimal.good.yaml")
        .read_text()
        .replace("sk}}", "sk}, http_client: {tls_config: {insecure_skip_verify: true}}}")
    )
    (tmp_path / "c.yaml").write_text(text)
    (notice,) = load(str(tmp_path / "c.yaml")).notices
    assert notice.serious
    assert notice.text.startswith("credentials.keys.http_client.tls_config.insecure_skip_verify: certificates are not ")


def test_an_encrypted_key_is_told_and_nobody_is_asked_for_its_passphrase(tmp_path: Path) -> None:
    text = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIIB\n-----END ENCRYPTED PRIVATE KEY-----\n"
    (tmp_path / "k.pem").write_text(text)
    client = "http_client: {tls_config: {cert_file: k.pem, key_file: k.pem}}\n"
    (tmp_path / "c.yaml").write_text((FILES / "minimal.good.yaml").read_text() + client)
    (problem,) = problems_of(tmp_path / "c.yaml")
    assert problem.endswith("key_file: the key is encrypted: use one without a passphrase")


def test_a_key_of_another_certificate_is_told(tmp_path: Path) -> None:
    authority = trustme.CA()
    first, second = authority.issue_cert("a.example"), authority.issue_cert("b.example")
    first.cert_chain_pems[0].write_to_path(tmp_path / "a.pem")
    second.private_key_pem.write_to_path(tmp_path / "b.key")
    client = "http_client: {tls_config: {cert_file: a.pem, key_file: b.key}}\n"
    (tmp_path / "c.yaml").write_text((FILES / "minimal.good.yaml").read_text() + client)
    (problem,) = problems_of(tmp_path / "c.yaml")
    assert problem.endswith("cert_file: cannot use the file: the key is not this certificate's")


@pytest.mark.parametrize(
    ("begin", "end", "oddity"),
    [
        (-90, 31, ""),
        (-90, 29, "ends on "),
        (-90, -1, "ended on "),
        (1, 90, "is not valid before "),
    ],
)
def test_a_certificate_that_servers_will_refuse_is_told(tmp_path: Path, begin: int, end: int, oddity: str) -> None:
    now, day = datetime.datetime.now(datetime.UTC), datetime.timedelta(1)
    issued = trustme.CA().issue_cert("a.example", not_before=now + begin * day, not_after=now + end * day)
    issued.cert_chain_pems[0].write_to_path(tmp_path / "a.pem")
    issued.private_key_pem.write_to_path(tmp_path / "a.key")
    client = "http_client: {tls_config: {cert_file: a.pem, key_file: a.key}}\n"
    (tmp_path / "c.yaml").write_text((FILES / "minimal.good.yaml").read_text() + client)
    texts = [notice.text for notice in load(str(tmp_path / "c.yaml")).notices]
    assert len(texts) == bool(oddity)
    assert all(text.startswith(f"http_client.tls_config.cert_file: the certificate {oddity}") for text in texts)


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("HTTPS_PROXY", "ftp://user:hunter2@proxy", "HTTPS_PROXY in the environment must begin with one of http://, "),
        ("all_proxy", "socks://user:hunter2@proxy", "ALL_PROXY in the environment must begin with one of http://, "),
        ("http_proxy", "user:hunter2@", "HTTP_PROXY in the environment must be a URL like http://proxy"),
    ],
)
def test_a_proxy_of_the_environment_that_is_none_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str, problem: str
) -> None:
    monkeypatch.setenv(name, value)
    text = (FILES / "minimal.good.yaml").read_text() + "http_client: {proxy_from_environment: true}\n"
    (tmp_path / "c.yaml").write_text(text)
    (told,) = problems_of(tmp_path / "c.yaml")
    assert told.startswith(f"5:39: http_client.proxy_from_environment: {problem}")
    assert "hunter2" not in told


@pytest.mark.parametrize(
    ("environment", "http", "https"),
    [
        ({"ALL_PROXY": "socks5h://a"}, "socks5h://a:1080", "socks5h://a:1080"),
        ({"all_proxy": "a:1", "HTTPS_PROXY": "https://b"}, "http://a:1", "https://b"),
        ({"ALL_PROXY": "socks5://a:1", "http_proxy": "b:2", "https_proxy": ""}, "http://b:2", "socks5://a:1"),
        ({"HTTPS_PROXY": "socks5://b:2"}, None, "socks5://b:2"),
        ({"ALL_PROXY": ""}, None, None),
    ],
)
def test_all_proxy_is_for_what_has_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], http: str | None, https: str | None
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    text = (FILES / "minimal.good.yaml").read_text() + "http_client: {proxy_from_environment: true}\n"
    (tmp_path / "c.yaml").write_text(text)
    (target,) = load(str(tmp_path / "c.yaml")).targets
    wanted = {scheme: url for scheme, url in (("http", http), ("https", https)) if url}
    assert {scheme: str(proxy.url) for scheme, proxy in target.http.proxies} == wanted


def test_all_files_that_are_read_are_watched(tmp_path: Path) -> None:
    """Those that are not there, too: they may come."""
    (tmp_path / "sk").write_text("sk")
    trustme.CA().cert_pem.write_to_path(tmp_path / "ca.pem")
    text = (FILES / "minimal.good.yaml").read_text().replace("secret_key: sk", "secret_key: !file sk")
    (tmp_path / "c.yaml").write_text(text + "http_client: {tls_config: {ca_file: ca.pem}}\n")
    source = Source(str(tmp_path / "c.yaml"), load)
    source.load()
    assert not source.changed()
    for name in ("sk", "ca.pem", "c.yaml"):
        content = (tmp_path / name).read_bytes()
        (tmp_path / "new").write_bytes(content)
        os.replace(tmp_path / "new", tmp_path / name)
        assert source.changed()
        source.load()
        assert not source.changed()
    (tmp_path / "sk").unlink()
    assert source.changed()
    with pytest.raises(ConfigError):
        source.load()
    assert not source.changed()
    (tmp_path / "sk").write_text("sk")
    assert source.changed()


@pytest.mark.parametrize(
    "text",
    [
        "discovery: [{credential: a, exclude: !file e}]",
        "discovery: [{credential: a}]\nhttp_client: {proxy_url: 'http://a.b', no_proxy: !file e}",
    ],
)
def test_a_file_that_was_emptied_does_not_stand_for_nothing(tmp_path: Path, text: str) -> None:
    """What it kept from being watched, or from the proxy, would not be kept any more."""
    (tmp_path / "c.yaml").write_text(f"credentials: {{a: {{ecs_agency: {{}}}}}}\n{text}\n")
    (tmp_path / "e").write_text("\n")
    (problem,) = problems_of(tmp_path / "c.yaml")
    assert problem.endswith(": cannot read the file e: it is empty")
    (tmp_path / "e").write_text("test.*\n")
    assert load(str(tmp_path / "c.yaml")).discovery


def test_an_empty_section_is_there_with_its_defaults_at_any_depth(tmp_path: Path) -> None:
    text = "credentials: {machine: {ecs_agency: }}\nhttp_client: {tls_config: }\nlimits: {frs: }\ndiscovery:\n"
    project = "{name: a, project_id: d3f8e6476fbf416689f209e168ef4d31, region: cn-north-4, credential: machine}"
    (tmp_path / "c.yaml").write_text(f"{text}projects: [{project}]\n")
    (target,) = load(str(tmp_path / "c.yaml")).targets
    assert target.credential == AgencyCredential("machine", "http://169.254.169.254")
    (tmp_path / "c.yaml").write_text(f"credentials: {{machine: {{token: }}}}\nprojects: [{project}]\n")
    missing = [problem.split(": ", 1)[1] for problem in problems_of(tmp_path / "c.yaml")]
    names = ("domain_name", "password", "user_name")
    assert sorted(missing) == [f"credentials.machine.token.{name}: required, but missing" for name in names]


def test_a_region_that_may_be_mistyped_is_told(tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text(RULES.replace("cn-east-3]", "cn-norht-1]"))
    (notice,) = load(str(tmp_path / "c.yaml")).notices
    assert notice.text.startswith(
        "discovery[1].regions[2]: cn-norht-1 is not known to have FRS; did you mean cn-north-1?"
    )
    text = (FILES / "minimal.good.yaml").read_text()
    (tmp_path / "c.yaml").write_text(text.replace("cn-north-4", "cn-north-99"))
    (notice,) = load(str(tmp_path / "c.yaml")).notices
    assert notice.text.startswith("projects[0].region: cn-north-99 is not known to have FRS; did you mean cn-north-")
    elsewhere = 'endpoints: {frs: "https://face.{region}.another.example"}\n'
    (tmp_path / "c.yaml").write_text(text.replace("cn-north-4", "cn-north-99") + elsewhere)
    assert load(str(tmp_path / "c.yaml")).notices == (), "another cloud has regions of its own"


def test_a_required_sub_service_that_may_be_mistyped_is_told_once(tmp_path: Path) -> None:
    text = (FILES / "minimal.good.yaml").read_text()
    (tmp_path / "c.yaml").write_text(text + "defaults: {require: [search, detekt, detekt, face_quality, emotion]}\n")
    assert [notice.text for notice in load(str(tmp_path / "c.yaml")).notices] == [
        "defaults.require[1]: no sub-service detekt is known; did you mean detect?",
        "defaults.require[4]: no sub-service emotion is known; known here: compare, detect, face_quality, live_detect, "
        "live_detect_face, search",
    ]


def test_a_budget_against_which_nothing_is_counted_is_told(tmp_path: Path) -> None:
    text = (FILES / "minimal.good.yaml").read_text()
    (tmp_path / "c.yaml").write_text(text + "defaults: {month_budget_cny: 500.5}\n")
    loaded = load(str(tmp_path / "c.yaml"))
    assert loaded.targets[0].display.month_budget_cny == Decimal("500.5")
    assert [notice.text for notice in loaded.notices] == [
        "defaults.month_budget_cny: nothing is counted against it; add cloud_eye to collectors"
    ]
    (tmp_path / "c.yaml").write_text(text + "defaults: {month_budget_cny: 500, collectors: [cloud_eye]}\n")
    assert load(str(tmp_path / "c.yaml")).notices == ()


def test_a_requirement_about_which_nothing_is_asked_is_told(tmp_path: Path) -> None:
    text = (FILES / "minimal.good.yaml").read_text()
    for collectors, told in (("face_sets", 1), ("subscription", 0)):
        (tmp_path / "c.yaml").write_text(text + f"defaults: {{require: [detect], collectors: [{collectors}]}}\n")
        notices = [notice.text for notice in load(str(tmp_path / "c.yaml")).notices]
        expected = "defaults.require: nothing tells what is on without subscription; add it to collectors"
        assert notices == [expected] * told


def test_probes_that_nothing_sends_are_told(tmp_path: Path) -> None:
    text = (FILES / "minimal.good.yaml").read_text()
    for collectors, told in (("face_sets", 1), ("subscription", 0)):
        (tmp_path / "c.yaml").write_text(text + f"defaults: {{probes: [compare], collectors: [{collectors}]}}\n")
        notices = [notice.text for notice in load(str(tmp_path / "c.yaml")).notices]
        assert notices == ["defaults.probes: none is sent without subscription; add it to collectors"] * told


@pytest.mark.parametrize("character", [*"\x80\x85\x9b\x9f\u2028\u2029\x7f\x1b\u200b\u202e\u2066\ufeff"])
def test_no_name_has_a_control_character(tmp_path: Path, character: str) -> None:
    """A terminal takes U+009B for the beginning of a command."""
    text = (FILES / "minimal.good.yaml").read_text()
    name = json.dumps(f"a{character}b")
    (tmp_path / "c.yaml").write_text(text.replace("name: a,", f"name: {name}, labels: {{team: {name}}},"))
    about = "characters on one line, no control characters"
    told = [problem.split(": ", 1)[1] for problem in problems_of(tmp_path / "c.yaml")]
    assert told == [
        f"projects[0].name: must be 1 to 128 {about}",
        f"projects[0].labels.team: must be at most 256 {about}",
    ]
    (tmp_path / "c.yaml").write_text(text.replace("keys", name))
    assert any(problem.endswith(f"must be 1 to 128 {about}") for problem in problems_of(tmp_path / "c.yaml"))


def test_a_file_outside_of_secrets_is_told(tmp_path: Path) -> None:
    text = (
        (FILES / "minimal.good.yaml")
        .read_text()
        .replace("access_key: AK, secret_key: sk", "access_key: !file x, secret_key: !file x")
    )
    (tmp_path / "x").write_text("AK")
    (tmp_path / "c.yaml").write_text(text)
    assert load(str(tmp_path / "c.yaml")).notices == ()
    (tmp_path / "c.yaml").write_text(text.replace("name: a,", "name: !file x, labels: {team: !file x, b: '!file x'},"))
    assert [notice.text for notice in load(str(tmp_path / "c.yaml")).notices] == [
        "projects[0].name: what is in this file can be seen in metrics, on the status page and in the log; "
        "!file is for secrets (and 1 more)"
    ]


LITERAL = "it has quotes around it, which are taken for a part of it"
BLANKS = "it begins or ends with a blank, which is taken for a part of it"
PLACEHOLDER = "nobody fills in what looks like a placeholder: use !env NAME or !file PATH"
NAMED = "the file seems to hold a name before the secret; write nothing but the secret into it"


def notices_of_password(folder: Path, password: str) -> list[str]:
    """What is told of a password, as it is written in a config or, with `!file`, in a file."""
    if password.startswith("!file "):
        (folder / "pw").write_text(password.removeprefix("!file "))
        password = "!file pw"
    text = (FILES / "minimal.good.yaml").read_text()
    token = f"token:\n      domain_name: acme\n      user_name: u\n      password: {password}\n"
    (folder / "c.yaml").write_text(text.replace("{ak_sk: {access_key: AK, secret_key: sk}}", f"\n    {token}"))
    return [notice.text for notice in load(str(folder / "c.yaml")).notices]


@pytest.mark.parametrize(
    ("password", "notice"),
    [
        *((text, PLACEHOLDER) for text in ("${FRS_PW}", "$FRS_PW", "$(cat pw)", "<password>", "CHANGE_ME", "'%PW%'")),
        *((text, PLACEHOLDER) for text in ('"{{ frs_pw }}"', "'{{ .Values.pw }}'", "!file ${FRS_PW}")),
        *((text, PLACEHOLDER) for text in ("'***'", "xxx", "...", "YOUR_PASSWORD", "__FRS_PW__", "'@FRS_PW@'")),
        *((text, PLACEHOLDER) for text in ("'#{FRS_PW}#'", "'%{frs_pw}'", "'@{frs_pw}'", "ENC[AES256_GCM,data:a]")),
        *((text, LITERAL) for text in ("\u201chunter2\u201d", "!file \u2018hunter2\u2019")),
        *((text, BLANKS) for text in ("' hunter2'", '"hunter2 "', "!file hunter2 \n")),
        *((text, LITERAL) for text in ("\"'hunter2'\"", "!file 'hunter2'\n", '!file "hunter2"')),
        *((f"!file {key}hunter2\n", NAMED) for key in ("password=", "export FRS_PW=", "sk: ", "secret_key = ")),
        (
            "hunter2 #cret",
            "what comes after the # is not read, as a blank stands before it; put the whole secret in quotes",
        ),
    ],
)
def test_a_secret_that_is_probably_meant_otherwise_is_told_by_its_place(
    tmp_path: Path, password: str, notice: str
) -> None:
    assert notices_of_password(tmp_path, password) == [f"credentials.keys.token.password: {notice}"]


@pytest.mark.parametrize(
    "password",
    [
        "hunter2 # ours since May",
        "hunter2#cret",
        "'hunter2 #cret'",
        "a$b",
        "<a>b",
        "'\"'",
        "password=x",
        "xx",
        "your-passwords",
        "xxxy",
        "__a1__",
        "!file b64=\n",
        "!file 5=x",
    ],
)
def test_other_secrets_are_as_they_are(tmp_path: Path, password: str) -> None:
    assert notices_of_password(tmp_path, password) == []


def test_secrets_and_keys_that_everybody_can_read_are_told(open_folder: Path) -> None:
    authority = trustme.CA()
    leaf = authority.issue_cert("a.example")
    leaf.cert_chain_pems[0].write_to_path(open_folder / "a.pem")
    leaf.private_key_pem.write_to_path(open_folder / "a.key")
    path = config_with_secret(open_folder, b"sk")
    path.write_text(path.read_text() + "http_client: {tls_config: {cert_file: a.pem, key_file: a.key}}\n")
    (open_folder / "link").symlink_to("sk")
    for name in ("sk", "a.key"):
        (open_folder / name).chmod(0o644)
    about = "every user of this machine can read the file; chmod o-r takes that away"
    told = [f"credentials.keys.ak_sk.secret_key: {about}", f"http_client.tls_config.key_file: {about}"]
    assert [notice.text for notice in load(str(path)).notices] == told
    path.write_text(path.read_text().replace("!file sk", "!file link"))
    assert [notice.text for notice in load(str(path)).notices] == told
    (open_folder / "sk").chmod(0o640)
    assert [notice.text for notice in load(str(path)).notices] == told[1:]
    open_folder.chmod(0o750)
    assert load(str(path)).notices == (), "nobody else gets there"


@pytest.mark.uncounted
def test_thousands_of_mistakes_are_told_at_once(tmp_path: Path) -> None:
    """Only the first are compared with all names that there are, and no problem lists a thousand names."""
    credentials = "".join(f"  name-{n}: {{ak_sk: {{access_key: AK{n}, secret_key: sk}}}}\n" for n in range(1000))
    projects = "".join(
        f"  - {{name: p{n}, project_id: {n:031x}a, region: cn-north-4, credential: nmae-{n}, odd_{n}: 1}}\n"
        for n in range(2000)
    )
    (tmp_path / "c.yaml").write_text(f"credentials:\n{credentials}projects:\n{projects}")
    with counting() as calls:
        problems = problems_of(tmp_path / "c.yaml")
    compared = sum(number for (_, code), number in calls.items() if getattr(code, "co_name", "") == "suggestion")
    assert len(problems) == 4000
    assert compared == 40
    assert sum("did you mean name-" in problem for problem in problems) == 20
    assert max(map(len, problems)) < 500


def test_few_names_are_listed_and_many_are_counted() -> None:
    assert suggestion("x", ["b", "a"]) == "; known here: a, b"
    assert suggestion("x", []) == "; none is known here"
    assert suggestion("x", [f"name-{n:03}" for n in range(100)]).endswith("name-018, name-019 and 80 more")
    assert suggestion("nam-007", [f"name-{n:03}" for n in range(100)]) == "; did you mean name-007?"


def test_a_machine_that_trusts_nobody_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text, folder = (FILES / "minimal.good.yaml").read_text(), tmp_path / "certs"
    folder.mkdir()
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "none.pem"))
    monkeypatch.setenv("SSL_CERT_DIR", str(folder))

    def told(more: str = "") -> list[tuple[str, bool]]:
        (tmp_path / "c.yaml").write_text(text + more)
        return [(notice.text, notice.serious) for notice in load(str(tmp_path / "c.yaml")).notices]

    about = "this machine trusts nobody, as it has no certificates of authorities: install ca-certificates, or name "
    assert told() == [(f"{about}http_client.tls_config.ca_file", True)]
    trustme.CA().cert_pem.write_to_path(tmp_path / "ca.pem")
    assert told("http_client: {tls_config: {ca_file: ca.pem}}\n") == []
    plain = ", ".join(f'{api}: "http://127.0.0.1:1"' for api in ("frs", "iam", "ces"))
    assert told(f"endpoints: {{{plain}}}\n") == []
    (folder / "0a1b2c3d.0").write_text("")
    assert told() == [], "read when they are wanted"
    (folder / "0a1b2c3d.0").unlink()
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    assert told() == []


EXTENDED = """
x-keys: &keys {access_key: AK, secret_key: sk, odd: &odd [1, 2]}
x-far: &far {region: cn-east-3, labels: {team: far}}
x-vision: &vision {<<: *far, labels: {team: vision}, poll_interval: 5m, credential: keys}
x-odd: !env FRS_NOT_SET_BUT_NOT_NEEDED
credentials:
  keys: {ak_sk: {<<: {access_key: AK, secret_key: sk}}}
projects:
  - {name: a, project_id: d3f8e6476fbf416689f209e168ef4d31, <<: *vision}
  - {<<: [*vision, *far], name: b, project_id: d3f8e6476fbf416689f209e168ef4d32, region: cn-north-4}
  - {<<: [*far, *vision], name: c, project_id: d3f8e6476fbf416689f209e168ef4d33}
"""


def test_merge_keys_and_sections_for_anchors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What stands in a mapping itself comes first, then the first that is merged (yaml.org/type/merge)."""
    monkeypatch.setenv("FRS_NOT_SET_BUT_NOT_NEEDED", "")
    (tmp_path / "c.yaml").write_text(EXTENDED)
    targets = load(str(tmp_path / "c.yaml")).targets
    told = [(target.region, target.poll_interval, dict(target.display.labels)["team"]) for target in targets]
    assert told == [("cn-east-3", 300, "vision"), ("cn-north-4", 300, "vision"), ("cn-east-3", 300, "far")]
    jsonschema.validate(read(EXTENDED, FILE, os.environ).data, File.model_json_schema())
    (tmp_path / "c.yaml").write_text(EXTENDED.replace("poll_interval: 5m", "poll_intervall: 5m"))
    assert problems_of(tmp_path / "c.yaml")[0] == (
        "4:54: projects[0].poll_intervall: unknown key; did you mean poll_interval?"
    ), "where it stands"


@pytest.mark.parametrize(
    ("section", "problem"),
    [
        ("defaults: {requires: [detect]}", "defaults.requires: unknown key; did you mean require?"),
        ("limits: {frs: {rat: 5}}", "limits.frs.rat: unknown key; did you mean rate?"),
        ("pricing: {x: [{upto: 1, cny: 1}]}", "pricing.x[0].upto: unknown key; did you mean up_to?"),
        ("pricing: {x: [{up_to: 1, cny: 1}, {rmb: 1}]}", "pricing.x[1].rmb: unknown key; known here: cny, up_to"),
        ("pricing: {x: [1]}", "pricing.x[0]: must be a mapping, but is a number"),
        ("discovery: [{credental: keys}]", "discovery[0].credental: unknown key; did you mean credential?"),
        ("http_client: {tls_config: {ca-file: x}}", "http_client.tls_config: unknown key; did you mean ca_file?"),
    ],
)
def test_an_unknown_key_is_told_in_each_section(tmp_path: Path, section: str, problem: str) -> None:
    (tmp_path / "c.yaml").write_text(f"{section}\n{(FILES / 'minimal.good.yaml').read_text()}")
    assert any(told.endswith(problem) for told in problems_of(tmp_path / "c.yaml"))


@pytest.mark.parametrize(
    ("section", "problem"),
    [
        *(
            (
                f"defaults: {{create_time_zone: {zone}}}",
                f"defaults.create_time_zone: must be a time zone like UTC or Asia/Shanghai{meant}",
            )
            for zone, meant in (
                *((zone, "; did you mean Asia/Shanghai?") for zone in ("asia/shanghai", "Shanghai", "Asia/Shangai")),
                ("Asia/Hong Kong", "; did you mean Asia/Hong_Kong?"),
                *((zone, "") for zone in ("UTC+8", "GMT+8", "CST", "Asia/Beijing", "Nowhere")),
            )
        ),
        *(
            (
                f"defaults: {{require: ['{name}']}}",
                f"defaults.require[0]: must be a sub-service like detect, compare, search or live_detect{meant}",
            )
            for name, meant in (
                ("Live Detect", "; did you mean live_detect?"),
                ("SEARCH_SERVICE", "; did you mean search?"),
                ("Ocean!", ""),
            )
        ),
        *(
            (
                f"defaults: {{probes: [{name}]}}",
                f"defaults.probes[0]: must be one of compare, live_detect_face, live_detect{meant}",
            )
            for name, meant in (
                ("live-detect", "; did you mean live_detect?"),
                ("search", "; search has no probe: the list of face sets tells of it"),
                ("detect", "; detect has no probe: a picture without a face may be a success there, which is billed"),
                ("quality", ""),
            )
        ),
        *(
            (
                f"endpoints: {{frs: 'https://face.{placeholder}.example'}}",
                f"endpoints.frs: has a placeholder that is not there; there is {{region}}{meant}",
            )
            for placeholder, meant in (
                *((name, "; did you mean {region}?") for name in ("{regoin}", "{Region}", "{REGIONS}")),
                *((name, "") for name in ("{zone}", "{region", "{}", "{ region }")),
            )
        ),
    ],
)
def test_what_was_probably_meant_by_a_name_is_told(tmp_path: Path, section: str, problem: str) -> None:
    (tmp_path / "c.yaml").write_text(f"{section}\n{(FILES / 'minimal.good.yaml').read_text()}")
    assert problem in [told.partition(" ")[2] for told in problems_of(tmp_path / "c.yaml")]


def test_zones_are_looked_for_as_often_as_is_bearable(tmp_path: Path) -> None:
    projects = "".join(
        f"  - {{name: p{n}, project_id: a{n:031x}, region: cn-north-4, credential: k, create_time_zone: utc}}\n"
        for n in range(100)
    )
    (tmp_path / "c.yaml").write_text(f"credentials: {{k: {{ecs_agency: {{}}}}}}\nprojects:\n{projects}")
    problems = problems_of(tmp_path / "c.yaml")
    assert (len(problems), sum("did you mean UTC?" in problem for problem in problems)) == (100, 20)


@pytest.mark.parametrize("value", ["cn-north-4", "!env REGION", "5", "2026-01-01", "true", "", "[a, [b]]", "{a: b}"])
def test_a_section_for_anchors_may_be_of_any_type(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("REGION", "cn-north-4")
    text = (FILES / "minimal.good.yaml").read_text()
    (tmp_path / "c.yaml").write_text(f"x-any: &any {value}\n{text}")
    (target,) = load(str(tmp_path / "c.yaml")).targets
    assert target.region == "cn-north-4"


@pytest.mark.uncounted
def test_what_is_merged_without_end_is_refused() -> None:
    layers = "".join(
        f"{b}: &{b} {{<<: [{', '.join([f'*{a}'] * 10)}]}}\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True)
    )
    for text in (f"a: &a {{x: 1}}\n{layers}", "a: &a {<<: *a}"):
        document = read(text, FILE, {})
        assert [problem.message for problem in document.problems] == ["not YAML: nested too deeply or too large"]


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("{ak_sk: {access_key: AK, secret_key: sk}}", "ecs_agency", "but is text; did you mean {ecs_agency: {}}?"),
        ("{ak_sk: {access_key: AK, secret_key: sk}}", "ecs-agency", "but is text; did you mean {ecs_agency: {}}?"),
        ("{ak_sk: {access_key: AK, secret_key: sk}}", "hunter2", "credentials.keys: must be a mapping, but is text"),
        ("cn-north-4", "my_region1", "must be a region like cn-north-4; did you mean my-region1?"),
        ("cn-north-4", "CN_North_4", "must be a region like cn-north-4; did you mean cn-north-4?"),
        ("cn-north-4", "'!'", "must be a region like cn-north-4"),
        ("credential: keys", "credential: keys, collectors: [face_set]", "cloud_eye; did you mean face_sets?"),
        ("credential: keys", "credential: keys, collectors: [x]", "must be one of subscription, face_sets, cloud_eye"),
    ],
)
def test_what_was_probably_meant_is_told(tmp_path: Path, old: str, new: str, problem: str) -> None:
    (tmp_path / "c.yaml").write_text((FILES / "minimal.good.yaml").read_text().replace(old, new))
    assert any(told.endswith(problem) for told in problems_of(tmp_path / "c.yaml"))


def test_no_regular_expression_takes_long() -> None:
    """Python's own would take years for this one, and hold everybody up."""
    assert regex.pattern("cn-north-4(_|[a-z]+)*").fullmatch("cn-north-4_" + "a" * 100 + "!") is None
    with pytest.raises(ValueError, match="invalid perl operator"):
        regex.pattern("(?=a)")


def test_a_pipe_is_refused_where_it_would_be_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    text = (FILES / "minimal.good.yaml").read_text().replace("secret_key: sk", "secret_key: !file pipe")
    (tmp_path / "c.yaml").write_text(text + "http_client: {tls_config: {ca_file: pipe}}\n")
    first, second = problems_of(tmp_path / "c.yaml")
    assert first.endswith("secret_key: cannot read the file pipe: it is not a regular file")
    assert second.endswith("ca_file: cannot use the file: it is not a regular file")


def test_a_config_from_a_pipe_is_read_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "c.yaml")
    source = Source(str(tmp_path / "c.yaml"), load)
    text = (FILES / "minimal.good.yaml").read_text()
    writer = threading.Thread(target=(tmp_path / "c.yaml").write_text, args=(text,))
    writer.start()
    assert len(source.load().targets) == 1
    writer.join()
    with pytest.raises(ConfigError, match="not a regular file: it cannot be read again"):
        source.load()


@pytest.mark.uncounted
def test_what_was_made_to_read_a_file_gives_its_memory_back(tmp_path: Path) -> None:
    """In a process of its own, as memory is only given back in large blocks that nobody uses any part of."""
    file, code = tmp_path / "config.yaml", f"from {resident.__module__} import resident; print(*resident(sys.argv[1]))"
    file.write_text(written(fleet(PROJECTS)))
    shown = subprocess.run([sys.executable, "-c", f"import sys; {code}", str(file)], capture_output=True, check=True)
    before, after = map(int, shown.stdout.split())
    assert after - before <= 6 * 1024 * PROJECTS


def resident(file: str) -> tuple[int, int]:
    """Bytes of memory of this process before and after it loads a config."""

    def now() -> int:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    load(str(FILES / "minimal.good.yaml"))  # so that all is imported
    before = now()
    config = load(file)
    after = now()
    assert len(config.targets) == PROJECTS
    return before, after
