"""What a failure means and what to do about it, in English and Chinese: by reason, and by the vendor's code (pure).

The codes' meanings are the vendor's: the FRS error page face_02_0045, the API gateway's error-code page, and the IAM
API reference.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from frs_exporter.errors import ApiError, Reason, canonical


@dataclass(frozen=True, slots=True)
class Text:
    """One line in each language that the exporter speaks."""

    en: str
    zh: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """What it means, and what a person can do."""

    means: Text
    do: Text


REASONS: Mapping[Reason, Explanation] = {
    Reason.DNS: Explanation(
        Text("the cloud's host name was not found", "域名解析失败"),
        Text(
            "check this machine's name servers, the project's region, and endpoints in the config",
            "检查本机 DNS 设置、该项目的区域以及配置中的 endpoints",
        ),
    ),
    Reason.CONNECT: Explanation(
        Text("no connection to the cloud", "无法连接云端"),
        Text(
            "check route, firewall and proxy (http_client.proxy_url) from this machine to the endpoint",
            "检查本机到终端节点的路由、防火墙和代理（http_client.proxy_url）",
        ),
    ),
    Reason.TLS: Explanation(
        Text("the connection could not be secured", "TLS 握手失败"),
        Text(
            "check that the port speaks TLS, its certificate, and this machine's clock; "
            "ca_file is for proxies that open TLS",
            "检查端口是否为 TLS、其证书以及本机时钟；ca_file 用于会解密 TLS 的代理",
        ),
    ),
    Reason.TIMEOUT: Explanation(
        Text("the cloud did not answer in time", "云端未在限定时间内应答"),
        Text(
            "check the network to the endpoint; raise poll_timeout if the cloud is only slow",
            "检查到终端节点的网络；如果只是应答慢，请调大 poll_timeout",
        ),
    ),
    Reason.AUTH: Explanation(
        Text("the password or the signature was refused", "密码或签名被拒绝"),
        Text(
            "correct the secret where the config has it, then reload if files are not watched; "
            "for keys, check the clock, too",
            "在配置所指之处更正密钥或密码；未启用文件检查时需重新加载；使用 AK/SK 时还要检查时钟",
        ),
    ),
    Reason.TOKEN: Explanation(
        Text("the token was refused, and a new one as well", "Token 被拒绝，换新后仍被拒绝"),
        Text(
            "a new token is refused too: check the IAM user's permissions on FRS and the account's balance",
            "新 Token 同样被拒绝：检查该 IAM 用户的 FRS 权限和账户余额",
        ),
    ),
    Reason.FORBIDDEN: Explanation(
        Text("the user may not do this", "该用户没有权限"),
        Text(
            "give the IAM user programmatic access and FRS ReadOnlyAccess on this project",
            "为该 IAM 用户开启编程访问，并在此项目上授予 FRS ReadOnlyAccess",
        ),
    ),
    Reason.PROJECT_MISMATCH: Explanation(
        Text("the project is not this credential's, or not of this region", "项目不属于该凭证或该区域"),
        Text(
            "check project_id and region: the id must be that of this credential's project there",
            "检查 project_id 和 region：必须是该凭证在该区域的项目 ID",
        ),
    ),
    Reason.FROZEN: Explanation(
        Text("the service is frozen, as in arrears", "服务被冻结，例如账户欠费"),
        Text(
            "settle the account's arrears: after the retention period face data is deleted for good",
            "请尽快结清欠费：保留期过后人脸数据将被永久删除",
        ),
    ),
    Reason.ABSENT: Explanation(
        Text("there is no such API at this address", "该地址没有此 API"),
        Text(
            "check region and endpoints: this API is not there, or not any more",
            "检查 region 和 endpoints：该处没有此 API，或已下线",
        ),
    ),
    Reason.THROTTLED: Explanation(
        Text("too many requests for the vendor's quota", "请求超过厂商的流控限额"),
        Text(
            "raise poll_interval, lower limits, or see who else calls the API as this user",
            "调大 poll_interval、调低 limits，或查看还有谁以该用户调用此 API",
        ),
    ),
    Reason.CLIENT: Explanation(
        Text("the cloud refused the request", "云端拒绝了该请求"),
        Text(
            "look the code up in the vendor's error list; ask its support with the request id",
            "在厂商错误码表中查询该代码；或凭请求 ID 联系厂商支持",
        ),
    ),
    Reason.SERVER: Explanation(
        Text("the cloud has an error of its own", "云端内部错误"),
        Text(
            "wait; if it lasts, ask the vendor's support with the request id",
            "请等待；若持续出现，凭请求 ID 联系厂商支持",
        ),
    ),
    Reason.PAYLOAD: Explanation(
        Text("the answer is not what the API promises", "应答不符合 API 约定"),
        Text(
            "check that no proxy or login portal answers in the cloud's place; if none does, report a bug",
            "检查是否有代理或登录门户代替云端应答；若没有，请报告缺陷",
        ),
    ),
    Reason.INTERNAL: Explanation(
        Text("the exporter has a bug", "导出器自身缺陷"),
        Text("a bug of the exporter: report it with the traceback in the log", "请附上日志中的回溯信息报告缺陷"),
    ),
}

CODES: Mapping[str, Explanation] = {
    "FRS.0020": Explanation(
        Text("this sub-service is not open to the user", "该用户未开通此子服务"),
        Text(
            "enable the sub-service for this very IAM user and in this region, and check endpoints.frs",
            "以该 IAM 用户在该区域开通子服务，并检查 endpoints.frs",
        ),
    ),
    "APIG.0310": Explanation(
        Text("the project is not available", "项目不可用"),
        Text(
            "the project is not available: check in the console that it is enabled and not suspended",
            "在控制台检查该项目是否启用、是否被停用",
        ),
    ),
    "APIG.0401": Explanation(
        Text("the gateway does not know this machine's address", "网关不认识本机 IP 地址"),
        Text(
            "the gateway does not know this machine's address: check the API's access control",
            "检查该 API 的访问控制",
        ),
    ),
    "APIG.0402": Explanation(
        Text("the gateway does not allow this machine's address", "网关不允许本机 IP 地址"),
        Text(
            "the gateway does not allow this machine's address: check the API's access control",
            "检查该 API 的访问控制",
        ),
    ),
    "APIG.0802": Explanation(
        Text("this IAM user is forbidden in the region", "该 IAM 用户在此区域被禁止"),
        Text(
            "this IAM user is forbidden in the region: check the account's region settings",
            "检查账户的区域设置",
        ),
    ),
    "IAM.0061": Explanation(
        Text("the user is locked after wrong passwords", "用户因密码多次错误被锁定"),
        Text(
            "the user is locked: wait until the lock ends, and find who else logs in with a wrong password",
            "等待锁定结束，并查找还有谁在用错误密码登录",
        ),
    ),
    "IAM.0081": Explanation(
        Text("the user may not log in by program", "该用户不允许编程访问"),
        Text(
            "give the IAM user programmatic access: it has access to the console only",
            "为该 IAM 用户开启编程访问：目前只能登录控制台",
        ),
    ),
    "IAM.0082": Explanation(
        Text("the user is disabled", "该用户已被停用"),
        Text("enable the IAM user: it is disabled", "启用该 IAM 用户：目前处于停用状态"),
    ),
}

METADATA = Explanation(
    Text("this machine's agency gives no key", "本机委托没有给出密钥"),
    Text(
        "give this machine (ECS) an agency that may read FRS, and check that its metadata service can be reached",
        "为本机（ECS）设置可读取 FRS 的委托，并检查能否访问元数据服务",
    ),
)

CLOUD_EYE = Explanation(
    Text("the user may not read Cloud Eye", "该用户没有云监控权限"),
    Text(
        "give the IAM user CES ReadOnlyAccess on this project, or take cloud_eye out of collectors",
        "在此项目上为该 IAM 用户授予 CES ReadOnlyAccess，或从 collectors 中去掉 cloud_eye",
    ),
)


def explain(error: ApiError) -> Explanation:
    """What a failure means, and what to do about it."""
    if error.status is not None and error.status // 100 == 3:
        return REASONS[Reason.PAYLOAD]
    if error.api == "ecs":
        return METADATA
    if known := CODES.get(canonical(error.code)):
        return known
    return CLOUD_EYE if (error.api, error.reason) == ("ces", Reason.FORBIDDEN) else REASONS[error.reason]


def advice(error: ApiError) -> str:
    """What a person can do about a failure, for the log."""
    return explain(error).do.en
