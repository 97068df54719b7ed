"""The dashboards in Chinese: what they say, and how a rendered one is turned into its twin (pure)."""

import re
from typing import Any

TEXTS = {
    # Dashboards
    "FRS / Fleet": "FRS / 总览",
    "All projects and accounts: what is wrong, what is on, how old answers are, how full it is, what is left.": (
        "所有项目和账号：哪里异常、开通了什么、数据有多旧、用了多少、还剩多少。"
    ),
    "FRS / Project": "FRS / 项目",
    "One project: what is known of it, how old that is, and how it is used.": (
        "单个项目：已知的情况、数据的新旧、使用量。"
    ),
    "FRS / Exporter": "FRS / Exporter 运行状态",
    "The exporter itself: requests to the cloud, credentials, config, process.": (
        "exporter 本身：对云端的请求、凭证、配置、进程。"
    ),
    # Variables, links, marks
    "Data source": "数据源",
    "Cluster": "集群",
    "Job": "任务",
    "Exporter": "Exporter",
    "Project": "项目",
    "All": "全部",
    "FRS": "FRS",
    "Look at this project": "查看该项目",
    "Switched off": "已关闭",
    "Switched on": "已开通",
    # States
    "on": "已开通",
    "off": "未开通",
    "unknown": "未知",
    "up": "正常",
    "down": "异常",
    "frozen": "已冻结",
    "not frozen": "未冻结",
    "in use": "已生效",
    "accepted": "有效",
    "refused": "被拒绝",
    # Columns
    "Collector": "采集器",
    "Reason": "原因",
    "Code": "错误码",
    "Sub-service": "子服务",
    "Account": "账号",
    "Package": "套餐包",
    "Region": "区域",
    "Order": "订单",
    "Ends in": "剩余时间",
    "Project id": "项目 ID",
    "Credential": "凭证",
    "Authentication": "认证方式",
    # Fleet
    "Projects": "项目",
    "Projects that are watched.": "监控中的项目数。",
    "Jobs down": "异常任务",
    "Jobs whose newest poll did not tell what was asked.": "最近一次轮询没有得到结果的任务数。",
    "Missing": "必需未开通",
    "Sub-services that the config requires and that are off.": "配置要求但未开通的子服务数。",
    "Frozen": "已冻结",
    "Projects whose service is frozen, as in arrears.": "服务被冻结（例如因欠费）的项目数。",
    "Refused": "被拒绝的凭证",
    "Credentials that the cloud refuses.": "被云端拒绝的凭证数。",
    "Alerts": "告警",
    "FRS alerts that fire.": "正在触发的 FRS 告警数。",
    "Why jobs are down": "任务异常的原因",
    "Jobs that cannot be asked, with the reason and the vendor's code: frs-exporter explain says what to do.": (
        "无法查询的任务，以及原因和华为云的错误码：如何处理，见 frs-exporter explain。"
    ),
    "Required, but off": "必需但未开通",
    "Sub-services that the config requires and that the cloud says are off. What is not known is not listed.": (
        "配置要求但云端答复未开通的子服务。未知的不列出。"
    ),
    "Subscriptions": "开通状态",
    "What is subscribed now; without a value it is not known, or the project has never heard of it. "
    "Projects of which nothing is known are in the column ?.": (
        "当前开通的子服务；没有值表示未知，或该项目没有此子服务。完全未知的项目见“?”列。"
    ),
    "Projects by sub-service": "各子服务的项目数",
    "How many projects have each sub-service. A step down is one that was switched off, or is not known now.": (
        "开通每个子服务的项目数。下降表示有项目将其关闭，或当前未知。"
    ),
    "Freshness": "数据时效",
    "Age of answers, in poll intervals": "数据距今（轮询周期数）",
    "The median, and the oldest that are late: healthy answers are younger than one or two poll intervals.": (
        "中位数，以及迟到最久的：正常的数据不超过一两个轮询周期。"
    ),
    "median": "中位数",
    "Failed polls": "失败的轮询",
    "How many of all polls have failed, by reason.": "失败的轮询占全部轮询的比例，按原因统计。",
    "Use": "使用量",
    "Face set quota": "人脸库配额",
    "The ten projects that use most of the face sets they may have; alerts fire at 80 % and 95 %.": (
        "人脸库配额用得最多的十个项目；达到 80% 和 95% 时告警。"
    ),
    "Fullest face sets": "最满的人脸库",
    "The ten fullest face sets; alerts fire at 80 % and 95 %.": "最满的十个人脸库；达到 80% 和 95% 时告警。",
    "Calls": "调用量",
    "Successful calls by Cloud Eye's minutes, of the ten projects with most; needs the collector cloud_eye.": (
        "调用最多的十个项目的成功调用，按云监控的分钟数据；需要采集器 cloud_eye。"
    ),
    "Cost of the month": "本月费用",
    "What the calls of this calendar month cost by the config's pricing: an estimate.": (
        "本自然月的调用费用，按配置中的 pricing 估算。"
    ),
    "Accounts": "账号",
    "Balances": "余额",
    "What accounts have, by kind: balance and credit pay for use, bonus and deposit do not.": (
        "账号的各类余额：balance（现金）和 credit（信用额度）用于支付使用费用，"
        "bonus（奖励金）和 deposit（保证金）不用于支付。"
    ),
    "Money lasts for": "余额可用天数",
    "Days for which balance and credit last by the use of the last week, once a day of it is known; an alert fires at "
    "less than 7.": "按过去一周的花费，余额与信用额度还够用的天数，有一天的数据后才有；少于 7 天时告警。",
    "Arrears": "欠费",
    "What accounts owe; an alert fires at anything. After a while all is frozen, then face data is deleted.": (
        "账号的欠费金额；只要欠费就告警。一段时间后服务被冻结，之后人脸数据被删除。"
    ),
    "Left in packages": "套餐包剩余",
    "What is left in the emptiest packages in force; those of one name count together: one follows the other.": (
        "剩余最少的生效中的套餐包；同名的合并计算：用完一个再用下一个。"
    ),
    "Packages last for": "套餐包可用天数",
    "Days for which packages last by the use of the last week, once a day of it is known; an alert fires at "
    "less than 7.": "按过去一周的用量，套餐包还够用的天数，有一天的数据后才有；少于 7 天时告警。",
    "Packages end in": "套餐包到期",
    "Days until packages in force end; an alert fires at less than 14 unless one of the same name goes on.": (
        "生效中的套餐包距到期的天数；少于 14 天且没有后续的同名套餐包时告警。"
    ),
    # Project
    "State": "状态",
    "Up if all jobs of the project are.": "项目的所有任务都正常时为正常。",
    "Service": "服务",
    "Whether the service is frozen, as in arrears.": "服务是否被冻结，例如因欠费。",
    "Oldest answer": "最旧的数据",
    "How old the oldest of what is known is.": "已知情况中最旧的数据距今多久。",
    "Token ends in": "Token 剩余时间",
    "Time until the token in use ends; it is renewed before. Keys have none.": (
        "使用中的 Token 距到期的时间；到期前会续期。访问密钥没有 Token。"
    ),
    "Face sets": "人脸库",
    "Face sets that there are.": "现有人脸库的数量。",
    "What the config says of the project.": "配置中该项目的信息。",
    "Why it is down": "异常的原因",
    "Why jobs are down, with the vendor's code: frs-exporter explain says what to do. Empty if all is well.": (
        "任务异常的原因和华为云的错误码：如何处理，见 frs-exporter explain。一切正常时为空。"
    ),
    "Subscription": "开通状态",
    "Sub-services": "子服务",
    "Whether each sub-service is subscribed; a gap is where it is not known.": "各子服务是否开通；空白处为未知。",
    "Collectors": "采集器",
    "Whether each collector's newest poll told what was asked.": "各采集器最近一次轮询是否得到结果。",
    "Age of answers": "数据距今时长",
    "How old what is known is; healthy answers are younger than one or two poll intervals.": (
        "已知情况的数据距今多久；正常的数据不超过一两个轮询周期。"
    ),
    "Duration of polls": "轮询耗时",
    "How long polls take, waiting for their turn included.": "每次轮询的耗时，含排队时间。",
    "Fullness": "容量使用率",
    "How full the fullest face sets are; alerts fire at 80 % and 95 %.": (
        "最满的人脸库的使用率；达到 80% 和 95% 时告警。"
    ),
    "Faces": "人脸数",
    "Faces in each face set.": "各人脸库中的人脸数。",
    "Face sets that there are, and may be.": "现有人脸库的数量和配额。",
    "face sets": "人脸库",
    "quota": "配额",
    "Calls (collector cloud_eye)": "调用（采集器 cloud_eye）",
    "Successful calls of each API, by Cloud Eye's minutes.": "各 API 的成功调用，按云监控的分钟数据。",
    "Errors": "错误",
    "Failed calls: 5xx are the vendor's errors, 4xx those of whoever calls.": (
        "失败的调用：5xx 是华为云的错误，4xx 是调用方的错误。"
    ),
    "Latency": "时延",
    "Average latency of each API, in the newest minute that Cloud Eye has told.": (
        "各 API 的平均时延，取云监控最新的一分钟。"
    ),
    "What the calls of this calendar month cost by the config's pricing, and what they may cost.": (
        "本自然月的调用费用，按配置中的 pricing 估算，以及预算。"
    ),
    "budget": "预算",
    # Exporter
    "Exporters": "Exporter",
    "Exporters that are scraped.": "被抓取的 exporter 数。",
    "Jobs": "任务",
    "Projects times collectors that are polled.": "轮询的任务数，即项目数乘以采集器数。",
    "Shards missing": "缺少的分片",
    "Shards that there should be and that are not scraped: nobody polls their projects.": (
        "应有但没有被抓取的分片：它们的项目无人查询。"
    ),
    "Config": "配置",
    "Whether the newest config is in use.": "最新的配置是否已生效。",
    "Web config": "Web 配置",
    "Whether the newest web config is in use.": "最新的 Web 配置是否已生效。",
    "Requests to the cloud": "对云端的请求",
    "Requests": "请求",
    "Requests by the vendor's service: frs, iam, ces, and ecs, the machine's own metadata service.": (
        "按华为云服务统计的请求：frs、iam、ces，以及 ecs（本机的元数据服务）。"
    ),
    "Failures": "失败",
    "Requests that did not get the answer asked for, by reason.": "没有得到所需答复的请求，按原因统计。",
    "Duration of requests": "请求耗时",
    "How long requests take: the median, and what one in twenty exceeds. Where none was made there is no line.": (
        "请求的耗时：中位数，以及每二十个中有一个超过的值（95 分位）。没有请求时没有曲线。"
    ),
    "{{api}} median": "{{api}} 中位数",
    "Schedule lag": "排队时间",
    "How long the request that waits longest has been waiting for its turn; an alert fires above 30 s.": (
        "排队最久的请求已等待的时间；超过 30 秒时告警。"
    ),
    "Credentials, clock, discovery": "凭证、时钟、项目发现",
    "Credentials": "凭证",
    "Whether the cloud refuses the password or the key.": "云端是否拒绝密码或密钥。",
    "Tokens end in": "Token 剩余时间",
    "Time until the first token of each credential ends; they are renewed with 3 to 8 % of their life left.": (
        "每个凭证最早到期的 Token 的剩余时间；有效期剩余 3% 至 8% 时续期。"
    ),
    "Clock skew": "时钟偏差",
    "How far the machine's clock is ahead of the cloud's; an alert fires beyond a minute, signatures fail "
    "beyond 15.": "本机时钟比云端快多少；超过一分钟时告警，超过 15 分钟时签名失败。",
    "Projects found": "发现的项目",
    "Projects that each rule finds, and those of them that are not watched: their name is taken, or they are "
    "too many.": "每条规则发现的项目数，以及其中没有被监控的：重名，或超过上限。",
    "{{discovery}}, not watched": "{{discovery}}，未监控",
    "{{discovery}}, too many": "{{discovery}}，超过上限",
    "Process": "进程",
    "Log": "日志",
    "Log lines, from warnings on.": "warning 及以上级别的日志行。",
    "Memory": "内存",
    "Resident memory.": "常驻内存。",
    "Processor": "CPU",
    "Processors in use; the event loop has one.": "占用的 CPU 数；事件循环占一个。",
    "Uptime": "运行时间",
    "Time since the process started: each fall is a restart.": "进程启动至今的时间：每次下降是一次重启。",
}
"""English texts with their Chinese ones, as the vendor's console and runbooks.zh-CN.md call things."""

SUFFIX = "-zh"
"""At the end of what must not be that of the English one where both are installed."""
FIELDS = ("title", "description", "legendFormat", "label", "text")
"""Fields that hold texts, wherever they are."""


def twin(english: dict[str, Any]) -> dict[str, Any]:
    """A rendered dashboard in Chinese; raises KeyError for a text that has no Chinese one."""
    document: dict[str, Any] = translated(english)
    document["uid"] += SUFFIX
    document["tags"] = [tag + SUFFIX for tag in document["tags"]]
    for link in document["links"]:
        link["tags"] = document["tags"]
    for mark in document["annotations"]["list"]:
        name = chinese(mark["name"])
        mark |= {"name": name, "titleFormat": mark["titleFormat"].replace(f"{mark['name']}: ", f"{name}：")}
    return document


def translated(node: Any, name: str = "") -> Any:
    """A part of a dashboard, which is the value of the field of this name."""
    match node:
        case {"id": "byName", "options": column}:
            return {**node, "options": chinese(column)}
        case {"id": "byRegexp", "options": pattern}:
            return {**node, "options": re.sub(r"\w{2,}", lambda column: chinese(column[0]), pattern)}
        case dict():
            columns = name == "renameByName"
            return {key: translated(value, "title" if columns else key) for key, value in node.items()}
        case list():
            return [translated(value) for value in node]
        case str() if name in FIELDS:
            return chinese(node)
        case str() if name == "url":
            return re.sub(r"^(/d/[\w-]+)", rf"\1{SUFFIX}", node)
    return node


def chinese(text: str) -> str:
    """A text in Chinese: one that has labels and no words is the same."""
    return TEXTS[text] if re.search(r"[A-Za-z]", re.sub(r"{{\w+}}", "", text)) else text
