"""Every kind of trouble: how bad it is, which alert tells the same, what it is, and what to do (pure)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum

from frs_exporter.core.explanations import Text

SUBSCRIPTION = "subscription"
"""The collector that people are woken for."""
MAX_NAMES = 3
"""Things of one kind that are named in a trouble."""


class Level(IntEnum):
    """How a project or an account is, the worst first."""

    DOWN = 0
    """It cannot be asked, or does not work: it is frozen, in arrears, or its secret is refused."""
    OFF = 1
    """A sub-service is off that must be on."""
    SOON = 2
    """It works, and somebody has to do something before it does not any more."""
    UNKNOWN = 3
    """It was not asked yet, or what is required is not known to be on."""
    WELL = 4


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of trouble; `alert` is empty where no alert tells of it, `once` is what to do after a single run."""

    level: Level
    alert: str
    text: Text
    do: Text
    once: Text | None = None


@dataclass(frozen=True, slots=True)
class SharedTrouble:
    """What is so of several projects at once, what to do, and the alert that tells the same."""

    alert: str
    text: Text
    do: Text

    @property
    def command(self) -> str:
        """What tells more on a terminal."""
        return f"frs-exporter explain {self.alert}"


SUBSCRIBE = Text(
    "subscribe to it in the FRS console of the region, as the user of the credential, or take it from require",
    "以该凭证的用户登录该区域的 FRS 控制台开通，或从 require 中去掉",
)
ROOM = Text(
    "remove faces that are not needed, or plan a second face set",
    "删除不需要的人脸，或规划第二个人脸库",
)
QUOTA = Text("delete unused face sets, or ask the vendor for more", "删除不用的人脸库，或向华为云申请更多")
FULL = Text("face sets that fill up: {names}", "人脸库即将写满：{names}")
USED = Text("{used} of {limit} face sets are there", "人脸库已有 {used} 个，上限 {limit} 个")
BUY = Text(
    "buy the next one of the same kind and region; after that calls are paid one by one",
    "购买同类型、同区域的套餐包；否则之后每次调用都按次付费",
)
SILENT = Text("{collectors}: no answer for {span}", "{collectors}：已有 {span} 没有应答")
KEEPS_UP = Text(
    "look whether the exporter keeps up: its log, and frs_exporter_schedule_lag_seconds",
    "检查 exporter 是否来得及查询：见日志和 frs_exporter_schedule_lag_seconds",
)
TOO_OLD = Text("{collectors}: what was known is too old", "{collectors}：已知的数据过旧")
WAIT = Text("wait for the next poll, or ask now", "等待下次轮询，或立即查询")
AGAIN = Text("run it again, with a longer --timeout", "再次运行，并调大 --timeout")

KINDS: Mapping[str, Kind] = {
    "refused": Kind(
        Level.DOWN,
        "FrsCredentialRejected",
        Text("the cloud refuses the secret of credential {credential}", "华为云拒绝了凭证 {credential} 的密码或密钥"),
        Text(
            "correct it where the config has it; it is taken up within half a minute",
            "在配置所写之处更正；半分钟内自动生效",
        ),
        Text("correct it in the config or the environment", "请在配置或环境变量中更正"),
    ),
    "frozen": Kind(
        Level.DOWN,
        "FrsServiceFrozen",
        Text("the service is frozen, as in arrears", "服务已冻结，例如因为欠费"),
        Text(
            "settle the account's arrears: after the retention period face data is deleted for good",
            "结清账号的欠费：保留期过后人脸数据会被永久删除",
        ),
    ),
    "debt": Kind(
        Level.DOWN,
        "FrsAccountInDebt",
        Text("it is in arrears: {amounts}", "账号已欠费：{amounts}"),
        Text(
            "settle them, before its services are frozen and face data is deleted",
            "请尽快结清，否则服务会被冻结，人脸数据会被删除",
        ),
    ),
    "silent": Kind(Level.DOWN, "FrsDataStale", SILENT, KEEPS_UP),
    "silent_beside": Kind(Level.DOWN, "FrsCollectorFailing", SILENT, KEEPS_UP),
    "off": Kind(
        Level.OFF,
        "FrsRequiredSubserviceMissing",
        Text("required, but off: {names}", "必需但未开通：{names}"),
        SUBSCRIBE,
    ),
    "unnamed": Kind(
        Level.OFF,
        "FrsRequiredSubserviceMissing",
        Text("required, but not in the vendor's answer: {names}", "必需但不在华为云的应答中：{names}"),
        Text(
            "correct the name in require{near}, or {subscribe}",
            "更正 require 中的名称{near}，或{subscribe}",
        ),
    ),
    "full": Kind(Level.SOON, "FrsFaceSetFull", FULL, ROOM),
    "quota_used": Kind(Level.SOON, "FrsFaceSetQuotaUsedUp", USED, QUOTA),
    "filling": Kind(Level.SOON, "FrsFaceSetNearlyFull", FULL, ROOM),
    "quota": Kind(Level.SOON, "FrsFaceSetQuotaNearlyUsed", USED, QUOTA),
    "budget": Kind(
        Level.SOON,
        "FrsMonthCostOverBudget",
        Text(
            "this month's calls cost about {cost} CNY, more than the {budget} of month_budget_cny",
            "本月调用费用约 {cost} 元，超过 month_budget_cny 的 {budget} 元",
        ),
        Text("look which API is called, and by whom", "查看调用了哪个 API，由谁调用"),
    ),
    "token": Kind(
        Level.SOON,
        "FrsTokenExpiring",
        Text("its token ends in {span} and was not renewed", "Token 将在 {span}后到期，尚未续期"),
        Text(
            "look in the log why it cannot be renewed; give another one where it comes from the config",
            "查看日志了解为何无法续期；若 Token 写在配置中，请换一个",
        ),
    ),
    "package_ends": Kind(
        Level.SOON,
        "FrsPackageExpires",
        Text("packages end in less than 14 days: {names}", "套餐包将在 14 天内到期：{names}"),
        BUY,
    ),
    "package_low": Kind(
        Level.SOON,
        "FrsPackageNearlyUsedUp",
        Text("packages are nearly used up: {names}", "套餐包即将用完：{names}"),
        BUY,
    ),
    "package_used": Kind(
        Level.SOON,
        "FrsPackageUsedUp",
        Text("packages are used up: {names}", "套餐包已用完：{names}"),
        BUY,
    ),
    "voucher_ends": Kind(
        Level.SOON,
        "FrsVoucherExpires",
        Text(
            "coupons or cards with money on them end in less than 14 days: {names}",
            "仍有余额的代金券或储值卡将在 14 天内到期：{names}",
        ),
        Text("spend what is left, say on a package", "用掉余额，例如购买套餐包"),
    ),
    "unproven": Kind(
        Level.UNKNOWN,
        "FrsRequiredSubserviceUnknown",
        Text("required, but not known to be on: {names}", "必需但无法确认是否开通：{names}"),
        Text(
            "ask for probes of compare, live_detect_face and live_detect in the config, or take it from require",
            "在配置中为 compare、live_detect_face 和 live_detect 启用 probes，或从 require 中去掉",
        ),
    ),
    "not_asked": Kind(
        Level.UNKNOWN,
        "",
        Text(
            "required cannot be known: subscription is not asked: {names}",
            "必需项无法得知，因为没有查询 subscription：{names}",
        ),
        Text(
            "add subscription to collectors, or take them from require",
            "在 collectors 中加入 subscription，或从 require 中去掉",
        ),
    ),
    "waiting": Kind(
        Level.UNKNOWN,
        "",
        Text("not asked yet: {collectors}", "尚未查询：{collectors}"),
        WAIT,
        AGAIN,
    ),
    "stale": Kind(Level.UNKNOWN, "FrsDataStale", TOO_OLD, WAIT, AGAIN),
    "stale_beside": Kind(Level.UNKNOWN, "FrsCollectorFailing", TOO_OLD, WAIT, AGAIN),
}
"""By name; why a job is down is told by the explanations of failures instead."""

ALERTS_OF_REASONS: Mapping[str, str] = {
    **dict.fromkeys(("auth", "token", "project_mismatch", "forbidden"), "FrsAuthFailing"),
    "absent": "FrsApiAbsent",
    "throttled": "FrsThrottled",
    "frozen": "FrsServiceFrozen",
}
"""The alerts on failing jobs by reason; of all others FrsPollFailing tells."""
OF_SUBSCRIPTION = frozenset({"FrsAuthFailing", "FrsApiAbsent"})
"""Those that wake people, so they tell of nothing beside the subscription."""


def alert_of(reason: str, collectors: list[str]) -> str:
    """The alert that tells why jobs are down."""
    if reason == "forbidden" and set(collectors) <= {"billing", "vouchers"}:
        return "FrsBillingNotPermitted"
    alert = ALERTS_OF_REASONS.get(reason, "FrsPollFailing")
    return "FrsCollectorFailing" if alert in OF_SUBSCRIPTION and SUBSCRIPTION not in collectors else alert


def some_of(names: Sequence[str]) -> str:
    """The first of some names, and how many there are beside them."""
    more = f" (+{len(names) - MAX_NAMES})" if len(names) > MAX_NAMES else ""
    return ", ".join(names[:MAX_NAMES]) + more
