"""What the billing API names: services and units, in Chinese and in English.

Source: the models of huaweicloudsdkbss 3.1.219 and pages of api-oce. Which code FRS has is not published; this one is
made up, as are the names of units that no page shows.
"""

from dataclasses import dataclass

MONEY, TENTH, HUNDREDTH = 1, 2, 3
"""Units of sums: the currency's, and two parts of it, which only the old API v1.0 has."""
HOURS, GIGABYTES, MEGABYTES, TIMES = 4, 10, 11, 14
ENGLISH = "en_US"


@dataclass(frozen=True)
class Name:
    """A name in Chinese, and in English where it has another one there."""

    chinese: str
    english: str = ""

    def text(self, language: str) -> str:
        """The name as it is sent to who asks for this language; the default is Chinese."""
        return self.english if language == ENGLISH and self.english else self.chinese


@dataclass(frozen=True)
class ServiceType:
    """A service as bills name it; its code need not follow its name."""

    code: str
    name: Name
    abbreviation: str


@dataclass(frozen=True)
class MeasureUnit:
    """What amounts are measured in; `type` tells what that is a unit of, as 3 does of traffic."""

    id: int
    name: Name
    abbreviation: str
    type: int


def service(code: str, chinese: str, english: str, abbreviation: str) -> ServiceType:
    """A service by the end of its code."""
    return ServiceType(f"hws.service.type.{code}", Name(chinese, english), abbreviation)


FRS = service("frs", "人脸识别服务", "Face Recognition Service", "FRS")
OBS = service("obs", "对象存储服务", "Object Storage Service", "OBS")
SERVICE_TYPES = (
    service("ec2", "弹性云服务器", "Elastic Cloud Server", "ECS"),
    service("ebs", "云硬盘", "Elastic Volume Service", "EVS"),
    service("vpc", "虚拟私有云", "Virtual Private Cloud", "VPC"),
    service("elb", "弹性负载均衡", "Elastic Load Balance", "ELB"),
    service("rds", "云数据库", "Relational Database Service", "RDS"),
    service("dcs", "分布式缓存服务", "Distributed Cache Service", "DCS"),
    service("cdn", "内容分发网络", "Content Delivery Network", "CDN"),
    service("cce", "云容器引擎", "Cloud Container Engine", "CCE"),
    service("smn", "消息通知服务", "Simple Message Notification", "SMN"),
    service("ces", "云监控服务", "Cloud Eye", "CES"),
    OBS,
    FRS,
    service("irs", "图像识别", "Image Recognition", "IRS"),
)
"""More than a page has by default, and FRS not on the first."""
MEASURE_UNITS = (
    MeasureUnit(MONEY, Name("元", "Yuan"), "CNY", 1),
    MeasureUnit(HOURS, Name("小时", "Hour"), "h", 2),
    MeasureUnit(GIGABYTES, Name("GB"), "G", 3),
    MeasureUnit(MEGABYTES, Name("MB"), "M", 3),
    MeasureUnit(TIMES, Name("个（次）", "Count"), "count", 4),
    MeasureUnit(15, Name("Mbps"), "Mbps", 16),
    MeasureUnit(17, Name("GB"), "G", 7),
)
