"""The words of the status page, in the languages that it speaks, and which of them a reader wants (pure)."""

from collections.abc import Mapping
from dataclasses import dataclass

from frs_exporter.core.explanations import Text
from frs_exporter.exposition.page import negotiate


@dataclass(frozen=True, slots=True)
class Language:
    """A language by its tag's first part."""

    name: str

    def matches(self, language_range: str, _parameters: str) -> int:
        """How specifically a range of an Accept-Language header names this language; 0 is not at all."""
        return 2 if language_range.split("-", maxsplit=1)[0] == self.name else int(language_range == "*")


ENGLISH, CHINESE = Language("en"), Language("zh")
LANGUAGES = (ENGLISH, CHINESE)

WORDS: Mapping[str, Text] = {
    "title": Text("FRS subscriptions", "FRS 订阅状态"),
    "jobs": Text("{up} of {all} jobs up", "{all} 个任务中 {up} 个正常"),
    "level_down": Text("{what} down", "{what}异常"),
    "level_off": Text("{what} with something required off", "{what}未开通必需项"),
    "level_soon": Text("{what} in trouble soon", "{what}预警"),
    "level_unknown": Text("{what} unknown", "{what}未知"),
    "level_well": Text("{what} well", "{what}正常"),
    "means_down": Text(
        "cannot be asked, or does not work: frozen, in arrears, or its secret is refused",
        "无法查询，或无法使用：已冻结、已欠费或密钥被拒绝",
    ),
    "means_off": Text("a sub-service is off that must be on", "必需的子服务未开通"),
    "means_soon": Text("works, and something has to be done before it does not", "仍可用，但需要尽快处理"),
    "means_unknown": Text("not asked yet, or what is required is not known", "尚未查询，或必需项未知"),
    "means_well": Text("nothing to do", "无需处理"),
    "no_trouble": Text("all projects well", "所有项目正常"),
    "no_trouble_either": Text("all projects and accounts well", "所有项目和账号正常"),
    "loaded": Text("config loaded {ago} ago", "配置于 {ago}前加载"),
    "next_look": Text("looked at again in {ahead}", "{ahead}后再次检查"),
    "no_look": Text("not looked at again by itself", "不会自动检查"),
    "shard": Text("shard {index} of {total}", "分片 {index}/{total}"),
    "refused": Text("The newest config is not in use, the one before it is:", "最新的配置未生效，仍在使用之前的配置："),
    "refused_do": Text(
        "correct each of these places, and reload if files are not watched",
        "逐一更正以上各处（未启用文件检查时请重新加载）",
    ),
    "more_problems": Text(
        "and {count} more, which --config.check tells", "另有 {count} 个问题，可用 --config.check 查看"
    ),
    "rule": Text("discovery {rule}", "发现规则 {rule}"),
    "rule_failing": Text(
        "Discovery rule {rule} cannot look for projects: new ones are not watched",
        "发现规则 {rule} 无法查找项目：新项目不会被监控",
    ),
    "rule_untried": Text("Discovery rule {rule} has not looked for projects yet", "发现规则 {rule} 尚未查找项目"),
    "secret_refused": Text(
        "The cloud refuses the secret of credential {credential} ({projects})",
        "华为云拒绝了凭证 {credential} 的密码或密钥（{projects}）",
    ),
    "tried_again": Text("It is tried again in {span}", "{span}后重试"),
    "filter": Text("Filter", "筛选"),
    "filter_hint": Text("project, region, label, reason ...", "项目、区域、标签、原因……"),
    "clear": Text("clear", "清除"),
    "shown": Text("{shown} of {all} projects", "{all} 个项目中的 {shown} 个"),
    "shown_either": Text("{shown} of {all} projects and accounts", "{all} 个项目和账号中的 {shown} 个"),
    "show_all": Text("show all {all}", "显示全部 {all} 个"),
    "none": Text("No project matches.", "没有匹配的项目。"),
    "empty": Text("No project is watched yet.", "尚未监控任何项目。"),
    "project": Text("Project", "项目"),
    "state": Text("State", "状态"),
    "use": Text("Use", "用量"),
    "face_sets": Text("{used} of {limit} face sets", "人脸库 {used} / {limit}"),
    "calls": Text("{count:,} calls this month", "本月 {count:,} 次调用"),
    "calls_one": Text("1 call this month", "本月 1 次调用"),
    "cost": Text("about {cny} CNY", "约 {cny} 元"),
    "known_from": Text("known from {sources}", "依据：{sources}"),
    "others": Text("Others", "其他"),
    "age": Text("Data", "数据"),
    "next": Text("Next poll", "下次轮询"),
    "token": Text("Token ends", "Token 到期"),
    "recent": Text("Last polls", "最近轮询"),
    "up": Text("up", "正常"),
    "down": Text("down", "异常"),
    "frozen": Text("frozen", "已冻结"),
    "in_debt": Text("in debt", "已欠费"),
    "balance": Text("balance {amount}", "余额 {amount}"),
    "credit": Text("credit {amount}", "信用额度剩余 {amount}"),
    "coupon": Text("coupon {amount}", "代金券 {amount}"),
    "card": Text("stored-value card {amount}", "储值卡 {amount}"),
    "debt": Text("debt {amount}", "欠费 {amount}"),
    "account": Text("account", "账号"),
    "package_left": Text("{package} {part} left", "{package} 剩余 {part}"),
    "package_ends": Text("{package}, ends in {time}", "{package}，{time}后到期"),
    "not_known": Text("required is not known", "必需项未知"),
    "missing": Text("required is off", "必需项未开通"),
    "soon": Text("trouble soon", "预警"),
    "waiting": Text("not asked yet", "尚未查询"),
    "on": Text("on", "已开通"),
    "off": Text("off", "未开通"),
    "unknown": Text("unknown", "未知"),
    "required": Text("required", "必需"),
    "since": Text("since {date}", "自 {date}"),
    "last_used": Text("used {time} ago", "{time}前使用过"),
    "ago": Text("{time} ago", "{time}前"),
    "ahead": Text("in {time}", "{time}后"),
    "now": Text("now", "现在"),
    "never": Text("none yet", "尚无"),
    "over": Text("ended", "已过期"),
    "well": Text("well", "正常"),
    "polls_failed": Text("{count} polls failed in a row", "连续 {count} 次轮询失败"),
    "polls_failed_one": Text("1 poll failed", "1 次轮询失败"),
    "stop": Text(". ", "。"),
    "do": Text("What to do: ", "处理建议："),
    "last_answer": Text("last answered {time} ago", "{time}前有过应答"),
    "since_ago": Text("for {time}", "已持续 {time}"),
    "runbook": Text("runbook {alert}", "处理手册 {alert}"),
    "runbooks": Text("Runbooks", "处理手册"),
    "runbook_meaning": Text("What it means", "含义"),
    "runbook_impact": Text("Impact", "影响"),
    "runbook_diagnosis": Text("How to find the cause", "如何找到原因"),
    "runbook_mitigation": Text("What to do", "处理建议"),
    "severity_critical": Text("critical", "严重"),
    "severity_warning": Text("warning", "警告"),
    "console": Text("the vendor's console", "华为云控制台"),
    "console_china": Text("console (China)", "控制台（中国站）"),
    "console_international": Text("console (international)", "控制台（国际站）"),
    "more_about": Text("More: ", "更多："),
    "said": Text("The answer: ", "应答："),
    "request_id": Text("request id", "请求 ID"),
    "region": Text("Region", "区域"),
    "site": Text("Site", "站点"),
    "credential": Text("Credential", "凭证"),
    "subservices": Text("Sub-services", "子服务"),
    "latency": Text("Latency", "时延"),
    "nothing_asked": Text(
        "nothing to check: no project was found; check region, include and exclude, and what the credential may see",
        "没有可检查的项目：没有找到项目；请检查区域、include、exclude，以及该凭证能看到哪些项目",
    ),
    "nothing_fits": Text(
        "nothing to check: the collectors that are asked are not those of what is chosen; accounts have {accounts}",
        "没有可检查的项目：所选采集器不适用于所选对象；账号的采集器是 {accounts}",
    ),
    "unrequired": Text("nothing is required, on: {names}", "未设必需项，已开通：{names}"),
    "nothing": Text("nothing", "无"),
    "note": Text("note, {projects}: ", "注意，{projects}："),
    "all_well": Text("all well: {projects}, {jobs}", "全部正常：{projects}，{jobs}"),
    "count_projects": Text("{count} projects", "{count} 个项目"),
    "count_projects_one": Text("1 project", "1 个项目"),
    "and": Text(", ", "、"),
    "colon": Text(": ", "："),
    "comma": Text(", ", "，"),
    "answer_too": Text("a refusal that tells something: it counts as an answer", "拒绝本身说明了情况，也算作答复"),
    "semicolon": Text("; ", "；"),
    "count_accounts": Text("{count} accounts", "{count} 个账号"),
    "count_accounts_one": Text("1 account", "1 个账号"),
    "count_jobs": Text("{count} jobs", "{count} 个任务"),
    "count_jobs_one": Text("1 job", "1 个任务"),
    "not_well": Text("{count} of {all} not well", "{all}中 {count} 个异常"),
    "nothing_wrong": Text("nothing is wrong: {all}", "没有异常：{all}"),
    "unwatched": Text("{count} projects found but not checked", "{count} 个已发现的项目未检查"),
    "unwatched_one": Text("1 project found but not checked", "1 个已发现的项目未检查"),
    "soon_only": Text("nothing is wrong now, {count} of {all} in trouble soon", "目前没有异常，{all}中 {count} 个预警"),
    "not_found": Text("{count} discovery rules failed", "{count} 条发现规则失败"),
    "not_found_one": Text("1 discovery rule failed", "1 条发现规则失败"),
    "not_answered": Text("{count} discovery rules not answered", "{count} 条发现规则未得到应答"),
    "not_answered_one": Text("1 discovery rule not answered", "1 条发现规则未得到应答"),
    "not_asked": Text("{count} of {jobs} jobs not asked", "{jobs} 个任务中 {count} 个未查询"),
    "not_asked_in_time": Text("{count} of {jobs} jobs not asked in time", "{jobs} 个任务中 {count} 个未及查询"),
    "interrupted": Text("interrupted by {signal}", "被 {signal} 中断"),
    "list_interrupted": Text("the list of projects had not come by then", "中断时项目列表尚未返回"),
    "list_late": Text(
        "the list of projects did not come in time; give --timeout more, or leave it out",
        "项目列表未及返回；请调大 --timeout，或去掉该参数",
    ),
    "metrics": Text("Metrics", "指标"),
    "as_json": Text("This page as JSON", "本页 JSON"),
    "targets": Text("Targets for Prometheus", "Prometheus 目标"),
    "probe": Text("ask now", "立即查询"),
    "other": Text("中文", "English"),
    "seconds": Text("{n} s", "{n} 秒"),
    "minutes": Text("{n} min", "{n} 分钟"),
    "hours": Text("{n} h", "{n} 小时"),
    "days": Text("{n} d", "{n} 天"),
    "years": Text("{n} years", "{n} 年"),
    "as_of": Text("As of", "数据时间"),
    "old": Text(
        "no answer since {time}: what is shown is old ({why})", "自 {time} 起没有应答：显示的是旧数据（{why}）"
    ),
    "late": Text("no answer in time", "应答超时"),
    "unreachable": Text("not reachable", "无法连接"),
    "paused": Text("not refreshed while you type or select text", "正在输入或选中文字，暂停刷新"),
    "skip": Text("Skip to the content", "跳到正文"),
    "way": Text("Way back", "返回路径"),
    "all_projects": Text("All projects", "所有项目"),
    "no_such_project": Text("No project or account is called {name}.", "没有名为 {name} 的项目或账号。"),
    "project_id": Text("Project id", "项目 ID"),
    "account_id": Text("Account id", "账号 ID"),
    "labels": Text("Labels", "标签"),
    "collectors": Text("Collectors", "采集器"),
    "subservices_required": Text("Required", "必需的子服务"),
    "poll_interval": Text("Asked every", "轮询间隔"),
    "stale_after": Text("Stale after", "数据有效期"),
    "last_failing": Text("Last failing exchange", "最近一次失败的请求"),
    "last_good": Text("Last good exchange", "最近一次成功的请求"),
    "ended_at": Text("Time", "时间"),
    "request": Text("Request", "请求"),
    "none_sent": Text("none was sent", "未发出请求"),
    "answered": Text("Status", "状态码"),
    "no_answer": Text("no answer", "没有应答"),
    "took": Text("{seconds} s", "{seconds} 秒"),
    "vendor_answer": Text("The vendor's answer", "云服务的应答"),
    "cut_off": Text("... (cut here)", "……（此后省略）"),
    "newest_polls": Text("The newest {count} polls", "最近 {count} 次轮询"),
    "duration": Text("Duration", "耗时"),
    "outcome": Text("Outcome", "结果"),
    "as_table": Text("as a table", "表格"),
    "day": Text("A day", "一天之内"),
    "no_history": Text("No poll has ended yet.", "尚无完成的轮询。"),
    "history_since": Text(
        "Kept since {time} UTC, for 24 h, polls each 5 min, figures each 15; gone when the exporter restarts.",
        "自 {time} UTC 起记录，保留 24 小时，轮询每 5 分钟一点，数值每 15 分钟一点；exporter 重启后清空。",
    ),
    "poll_durations": Text("Duration of polls", "轮询耗时"),
    "highest": Text("at most {value}", "最长 {value}"),
    "red_failed": Text("red where polls failed", "红色表示有轮询失败"),
    "all_good": Text("no poll failed", "没有轮询失败"),
    "day_ago": Text("24 h ago", "24 小时前"),
    "hour_from": Text("Hour from", "起始时刻"),
    "longest_poll": Text("Longest", "最长"),
    "some_failed": Text("some failed", "部分失败"),
    "all_failed": Text("failed", "失败"),
    "last_value": Text("last {value}", "最新 {value}"),
    "range": Text("{least} to {highest}", "{least} 至 {highest}"),
    "least_value": Text("Least", "最小"),
    "highest_value": Text("Highest", "最大"),
    "latest_value": Text("Last", "最新"),
    "figure_fullness": Text("Fullest face set", "最满的人脸库"),
    "figure_face_sets": Text("Face sets", "人脸库数量"),
    "figure_month_calls": Text("Calls this month", "本月调用次数"),
    "figure_month_cost": Text("Cost this month, CNY", "本月费用（元）"),
    "figure_balance": Text("Balance, {currency}", "余额（{currency}）"),
    "figure_package_left": Text("Left of the package with the least", "剩余最少的套餐包"),
    "sorted_by": Text("sort by {column}", "按{column}排序"),
}

YEAR = 365.25 * 86400
STEPS = (
    *((2 * YEAR, "years", YEAR), (86400.0 * 2, "days", 86400)),
    *((7200.0, "hours", 3600), (120.0, "minutes", 60), (0.0, "seconds", 1)),
)


def language_of(accept: str, chosen: str = "") -> Language:
    """The language that was chosen, or the one that an Accept-Language header likes best, or English."""
    named = [language for language in LANGUAGES if language.name == chosen]
    return named[0] if named else negotiate(accept, LANGUAGES, ENGLISH)


def span(seconds: float) -> Text:
    """A span of time in both languages."""
    return Text(Translator(ENGLISH).span(seconds), Translator(CHINESE).span(seconds))


@dataclass(frozen=True, slots=True)
class Translator:
    """The words in one language."""

    language: Language

    def __call__(self, word: str | Text, **values: object) -> str:
        """A word by name, or a text, filled in."""
        text = WORDS[word] if isinstance(word, str) else word
        chosen = text.zh if self.language is CHINESE else text.en
        return chosen.format(**values) if values else chosen

    def count(self, word: str, number: int) -> str:
        """A word for so many of something, of which there is another for one of them."""
        return self(f"{word}_one") if number == 1 else self(word, count=number)

    def span(self, seconds: float) -> str:
        """A span of time as people say it, rounded."""
        seconds = max(0.0, seconds)
        word, unit = next((word, unit) for least, word, unit in STEPS if seconds >= least)
        return self(word, n=round(seconds / unit))
