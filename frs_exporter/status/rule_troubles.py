"""What is wrong with a discovery rule whose list has come: it has found more than is watched (pure)."""

from collections.abc import Iterator

from frs_exporter.core.explanations import Text, both
from frs_exporter.status.snapshot import RuleSnapshot
from frs_exporter.status.trouble_words import SharedTrouble, some_of

AT_LEAST = {False: Text("", ""), True: Text("at least ", "至少 ")}
PROJECTS = {False: Text("{number} projects", "{number} 个项目"), True: Text("1 project", "1 个项目")}
"""By whether it is one."""

TAKEN = SharedTrouble(
    "FrsDiscoveredProjectsSkipped",
    Text(
        "Discovery rule {rule} does not watch {projects} that it has found, as others have their names: {names}",
        "发现规则 {rule} 找到的 {projects}未被监控，因为其名称已被其他项目使用：{names}",
    ),
    Text(
        "put {credential} or {project_id} into its name_template, so that each project has a name of its own",
        "在其 name_template 中加入 {credential} 或 {project_id}，使每个项目的名称各不相同",
    ),
)
BEYOND = SharedTrouble(
    "FrsDiscoveryOverLimit",
    Text(
        "Discovery rule {rule} does not watch {least}{projects} that it has found, beyond its max_projects",
        "发现规则 {rule} 找到的{least} {projects}未被监控，因为超出了 max_projects",
    ),
    Text(
        "raise max_projects, or mean fewer with regions, include or exclude",
        "调大 max_projects，或用 regions、include、exclude 缩小范围",
    ),
)
UNREAD = SharedTrouble(
    "FrsDiscoveryOverLimit",
    Text(
        "Discovery rule {rule} does not watch {least}{projects}, as IAM lists more projects than are read",
        "发现规则 {rule} 有{least} {projects}未被监控，因为 IAM 列出的项目多于可读取的数量",
    ),
    Text("put those that you want under projects", "将需要的项目写在 projects 中"),
)


def rule_troubles(rule: RuleSnapshot) -> Iterator[SharedTrouble]:
    """What a rule has found and does not watch."""
    unwatched = rule.unwatched
    if unwatched.over_limit:
        kind = BEYOND if unwatched.over_limit > unwatched.cut else UNREAD
        yield filled(kind, rule=rule.name, least=AT_LEAST[unwatched.cut], projects=projects(unwatched.over_limit))
    if unwatched.taken:
        yield filled(
            TAKEN, rule=rule.name, projects=projects(len(unwatched.taken)), names=some_of(sorted(unwatched.taken))
        )


def projects(number: int) -> Text:
    """So many projects."""
    return both(PROJECTS[number == 1], number=number)


def filled(kind: SharedTrouble, **values: object) -> SharedTrouble:
    """A kind of trouble with what it is about; what to do may have braces of its own."""
    return SharedTrouble(kind.alert, both(kind.text, **values), kind.do)
