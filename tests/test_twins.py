"""Each page in Chinese says what its English twin says: the same sections, code, tables, names and figures."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

import pytest

from frs_exporter.core.chinese import own_chinese

ROOT = Path(__file__).parents[1]
HAN = re.compile(r"[\u4e00-\u9fff]+")
PAGES = (
    "README",
    "SECURITY",
    "docs/configuration",
    "docs/metrics",
    "docs/operations",
    "docs/releasing",
    "docs/stability",
    "docs/unverified",
    "deploy/mixin/README",
    "deploy/prometheus/elsewhere",
)
HEADINGS = """
Try it = 试一试
Run it = 运行
Configure it = 配置
Documents = 文档
Beside other exporters = 与其他 exporter 比较
Promised until the next major version = 在下一个主版本之前承诺不变
Not promised = 不承诺的
How something goes = 如何移除
Before a version is final = 正式版之前
What is supported = 支持什么
Security = 安全
Scope = 范围
Report = 报告
Assets = 资产
Boundaries = 边界
Hostile cloud = 恶意的云
Hostile network = 恶意的网络
Hostile scraper = 恶意的抓取方
Hostile config author = 恶意的配置作者
Hostile neighbour = 恶意的邻居
Without a web config = 没有 web 配置时
What remains = 余下的风险
Configuration = 配置
Four questions first = 先看四个问题
Several files = 多个文件
Settings in common = 共同的设置
Reload = 重新加载
Discovery = 自动发现
Credentials = 凭证
Shards = 分片
Several clouds = 多个云
Proxies and certificates = 代理和证书
Commands and flags = 命令和参数
All settings = 所有设置
Metrics = 指标
Queries and alerts = 查询与告警
What an answer shows = 答复与页面
Use = 使用
Settings = 设置
Thresholds = 阈值
Changes = 修改
Collectors = 采集器
Probes = 探测
All metrics = 所有指标
Operations = 运维
Check = 检查
Plan = 规划
Endpoints = 路径
Status page = 状态页
Probe = 立即查询
Where it runs = 运行环境
TLS and authentication = TLS 与认证
Secrets on the machine = 本机上的密钥
Connections = 连接
Slow readers = 读得慢的客户端
Polls and quota = 轮询与配额
Refused secrets = 被拒绝的密码和密钥
Scrapes = 抓取
Log = 日志
Reasons = 原因
Codes = 错误码
Rehearsal = 演练
What is not confirmed = 尚未证实
What stays as it is = 哪些保持不变
The subscription = 开通状态
Where it is absent = 没有此接口时
Cloud Eye = 云监控
Billing = 费用
Requests and limits = 请求和限制
Releases = 发布
What a release is = 发布包含什么
Verify it = 校验
Make one = 如何发布
What was tried, and what was not = 试过什么，没试过什么
Elsewhere than in Prometheus = 在 Prometheus 之外
Thanos and Mimir = Thanos 与 Mimir
"""
"""How each heading is called in Chinese; those that are names are the same in both."""
OF_OTHER_TESTS = ("docs/first-hour", "deploy/prometheus/runbooks")
"""Pages that are compared with their twins by tests/test_first_hour.py and tests/deploy/test_prometheus.py."""
OTHER_TERMS = {
    "账号": ("账户", "帐号", "帐户"),
    "凭证": ("凭据",),
    "子服务": ("子业务", "子功能"),
    "轮询": ("轮训", "拉取"),
    "采集器": ("收集器", "采集项"),
    "处理手册": ("运行手册", "操作手册", "排障手册", "runbook"),
    "终端节点": ("端点",),
    "区域": ("地域",),
    "告警": ("报警", "警报"),
    "套餐包": ("资源包",),
    "开通": ("订购",),
    "错误码": ("错误代码",),
    "分片": ("切片",),
    "人脸库": ("人脸集", "人脸仓"),
    "华为云": ("厂商", "供应商", "服务商"),
    "exporter": ("导出器", "输出器"),
}
"""One term for one thing, and what else it might be called."""
SPEAKS_CHINESE = [
    *sorted((ROOT / "frs_exporter").rglob("*.yaml")),
    *(path for path in sorted((ROOT / "frs_exporter").rglob("*.py")) if HAN.search(path.read_text())),
    *(*sorted((ROOT / "deploy/mixin").rglob("*.libsonnet")), ROOT / "deploy/grafana/chinese.py"),
]
"""What the program and what is deployed say in Chinese."""
GENERATED = re.compile(r"<!-- begin (\w+): made by make docs -->.*?<!-- end \1 -->", re.DOTALL)
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
TABLE = re.compile(r"(?:^\|.*\n)+", re.MULTILINE)
POWERS = {"million": 1_000_000, "万": 10_000}


@dataclass(frozen=True)
class Section:
    """A part of a page: its level and heading, its code, its tables, and its prose."""

    level: int
    heading: str
    code: tuple[tuple[str, str], ...]
    tables: tuple[tuple[tuple[str, ...], ...], ...]
    prose: str


def sections(text: str) -> Iterator[Section]:
    """The parts of a page in their order."""
    text = GENERATED.sub("", text)
    hidden = FENCE.sub(lambda block: block[0].replace("\n#", "\n\0"), text)
    before, *parts = re.split(r"^(?=#{1,6} )", hidden, flags=re.MULTILINE)
    assert not before, "a page begins with its heading"
    for part in parts:
        first, _, body = part.replace("\0", "#").partition("\n")
        marks, _, heading = first.partition(" ")
        without_code = FENCE.sub("", body)
        tables = tuple(
            tuple(tuple(cell.strip() for cell in row.strip("|").split("|")) for row in table.strip().splitlines())
            for table in TABLE.findall(without_code)
        )
        code = tuple((kind, text) for kind, text in FENCE.findall(body))
        yield Section(len(marks), heading, code, tables, TABLE.sub("", without_code))


def twins(page: str) -> list[tuple[Section, Section]]:
    """The sections of a page, each with its twin."""
    ours, theirs = (list(sections((ROOT / f"{page}{ending}.md").read_text())) for ending in ("", ".zh-CN"))
    return list(zip_longest(ours, theirs, fillvalue=Section(0, "nothing", (), (), "")))


def commands(code: str) -> str:
    """A block of code without comments, and without what asks for Chinese."""
    return re.sub(r"[ \t]+(?:#|--lang=zh\b)[^\n>]*?(?=\n| >)", "", code.replace(" --lang=zh", ""))


def shown(kind: str, code: str) -> tuple[str, str | list[float]]:
    """What both twins have of a block of code."""
    return kind, commands(code) if kind else figures(code)


def names(text: str) -> list[str]:
    """What stands in backticks."""
    return sorted(set(re.findall(r"`([^`]+)`", re.sub(r"\s+", " ", text.replace(" --lang=zh", "")))))


def figures(text: str) -> list[float]:
    """The numbers of a text, outside of names and addresses."""
    text = re.sub(r"`[^`]+`|\]\([^)]*\)|https?:\S+", " ", re.sub(r"\s+", " ", text))
    found = re.findall(r"(?<![\w.])(\d[\d,]*(?:\.\d+)?)(?![\d.]*\.\d)(?: (million|万))?", text)
    return sorted({float(digits.replace(",", "")) * POWERS.get(power, 1) for digits, power in found})


ALL = [(page, *pair) for page in PAGES for pair in twins(page)]
each_section = pytest.mark.parametrize(
    ("page", "english", "chinese"), ALL, ids=[f"{page}: {english.heading}" for page, english, _ in ALL]
)


@each_section
def test_the_same_sections_in_the_same_order(page: str, english: Section, chinese: Section) -> None:
    called = dict(line.split(" = ") for line in HEADINGS.strip().splitlines())
    assert (english.level, called.get(english.heading, english.heading)) == (chinese.level, chinese.heading)


@each_section
def test_the_same_code(page: str, english: Section, chinese: Section) -> None:
    """Commands and configs to the byte but for comments; of what is printed, which may be Chinese, the figures."""
    assert [shown(kind, code) for kind, code in english.code] == [shown(kind, code) for kind, code in chinese.code]


@each_section
def test_the_same_tables(page: str, english: Section, chinese: Section) -> None:
    """As many rows and columns, and in each row the same names and figures."""
    for ours, theirs in zip_longest(english.tables, chinese.tables, fillvalue=()):
        assert [len(row) for row in ours] == [len(row) for row in theirs]
        for row, twin in zip(ours, theirs, strict=True):
            assert names(" ".join(row)) == names(" ".join(twin)), row
            assert figures(" ".join(row)) == figures(" ".join(twin)), row


@each_section
def test_the_same_names_and_figures_in_prose(page: str, english: Section, chinese: Section) -> None:
    assert names(english.prose) == names(chinese.prose)
    assert figures(english.prose) == figures(chinese.prose)


def test_each_page_in_chinese_is_compared() -> None:
    folders = (ROOT.glob("*"), (ROOT / "docs").rglob("*"), (ROOT / "deploy").rglob("*"))
    found = [str(path.relative_to(ROOT)) for paths in folders for path in paths if path.name.endswith(".zh-CN.md")]
    assert sorted(found) == sorted(f"{page}.zh-CN.md" for page in (*PAGES, *OF_OTHER_TESTS))


@pytest.mark.parametrize("page", [*PAGES, *OF_OTHER_TESTS])
def test_a_page_in_chinese_leads_to_pages_in_chinese(page: str) -> None:
    """But for its own twin."""
    path = ROOT / f"{page}.zh-CN.md"
    for link in re.findall(r"\]\((?!https?:)([^)# ]+)\.md\b", re.sub(r"\[English\]\([^)]*\)", "", path.read_text())):
        assert link.endswith(".zh-CN") or not (path.parent / f"{link}.zh-CN.md").exists(), link


@pytest.mark.parametrize("page", [*PAGES, *OF_OTHER_TESTS])
def test_one_term_for_one_thing(page: str) -> None:
    text = FENCE.sub("", GENERATED.sub("", (ROOT / f"{page}.zh-CN.md").read_text()))
    only_these_terms(re.sub(r"\]\([^)]*\)|`[^`]+`", "", text))


@pytest.mark.parametrize("path", SPEAKS_CHINESE, ids=lambda path: path.name)
def test_one_term_for_one_thing_in_what_is_said(path: Path) -> None:
    only_these_terms(" ".join(HAN.findall(path.read_text())))


def only_these_terms(text: str) -> None:
    """Fail where a thing is called by another name."""
    for term, others in OTHER_TERMS.items():
        for other in others:
            assert other not in text, f"{other} is called {term}"


@pytest.mark.parametrize(("english", "chinese"), own_chinese().items(), ids=range(len(own_chinese())))
def test_the_same_figures_in_what_is_made_of_the_code(english: str, chinese: str) -> None:
    assert figures(chinese) == figures(english)
    assert names(chinese) == names(english)


def test_what_differs_is_seen() -> None:
    """A figure, a name, a command, a row that only one twin has."""
    text = "# One\n\nBetween 5 and 1,000 of `it`, 3 million.\n\n```sh\nls  # all\n```\n\n"
    (one,) = sections(f"{text}| a | b |\n|---|---|\n| `x` | 7 |\n")
    assert (names(one.prose), figures(one.prose)) == (["it"], [5, 1000, 3_000_000])
    assert (one.heading, [commands(code) for _, code in one.code]) == ("One", ["ls\n"])
    assert one.tables == ((("a", "b"), ("---", "---"), ("`x`", "7")),)
    assert figures("300 万") == [3_000_000]
    assert commands("frs-exporter config-example --lang=zh > config.yaml     # 然后修改\n") == commands(
        "frs-exporter config-example > config.yaml     # then edit it\n"
    )
