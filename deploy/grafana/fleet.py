"""All projects and accounts at a glance: what is wrong, what is on, how old answers are, how full it is, what lasts."""

from deploy.grafana.panels import (
    ACCOUNT,
    COUNTED_BY_MINUTES,
    DAYS_LEFT,
    FULLNESS,
    GOOD_IF_NONE,
    GOOD_IF_PAID,
    IDENTITY,
    LEFT,
    PLAIN,
    YUAN,
    Kind,
    bars,
    lines,
    matrix,
    number,
    rows,
)

TITLE = "FRS / Fleet"
ABOUT = "All projects and accounts: what is wrong, what is on, how old answers are, how full it is, what is left."

MISSING = (
    f"frs_subservice_required{{}} and on ({IDENTITY}, project) frs_subscribed{{}}"
    f' unless on ({IDENTITY}, project) frs_subscription_source{{source!="subscribe"}}'
    f" unless on ({IDENTITY}, project, subservice) frs_subscribed{{}} == 1"
    f" or frs_subservice_required{{}} and on ({IDENTITY}, project, subservice) frs_subscribed{{}} == 0"
)
"""As the alert has it: what is not known is not off."""
SUBSCRIBED = "min by (project, subservice) (frs_subscribed{})"
"""Of two projects of one name, the one that has less: what is off is not hidden."""
UNKNOWN = (
    f"2 * label_replace(max by (project) (frs_project_info{{}} unless on ({IDENTITY}, project) frs_subscribed{{}}),"
    ' "subservice", "?", "", "")'
)
"""Projects of which nothing is known: a row of their own, and a column that is there with them only."""
LAST = "frs_last_success_timestamp_seconds{}"
AGE = f"(timestamp({LAST}) - {LAST}) / frs_poll_interval_seconds{{}}"
"""As of the scrape, as the alerts have it: how often Prometheus looks makes no answer older."""

ERRORS = "frs_poll_errors_total{}"
FAILED = (
    f"({ERRORS} and on ({IDENTITY}, project, collector) frs_polls_total{{}} offset $__rate_interval"
    f" unless {ERRORS} offset $__rate_interval or increase({ERRORS}[$__rate_interval]))"
)
"""A reason is there from its first failure on, with 1: where the job was there before, all that it counts is new."""
POLLED = "scalar(sum(increase(frs_polls_total{}[$__rate_interval])))"

BUSIEST = "topk(10, sum by (project) (max by (project, api) (increase(frs_api_calls_total{}[$__range] @ end()))))"
"""The same ten all the time, not at each step others."""
CALLS = "sum by (project) (max by (project, api) (rate(frs_api_calls_total{}[$__rate_interval])))"
"""However many exporters tell of a project."""
IN_FORCE = (
    f"on ({ACCOUNT}, package) group_left (name, region)"
    f" (frs_package_info{{}} and on ({ACCOUNT}, package) frs_package_active{{}} == 1)"
)
"""Which packages are, and what they are called."""


def layout() -> dict[str, list[Kind]]:
    """The panels by the titles of their rows."""
    return {"": now(), "Subscriptions": subscriptions(), "Freshness": freshness(), "Use": use(), "Accounts": accounts()}


def now() -> list[Kind]:
    """What is wrong."""
    counts = {
        "Jobs down": ("Jobs whose newest poll did not tell what was asked.", "count(frs_up{} == 0)"),
        "Missing": ("Sub-services that the config requires and that are off.", f"count({MISSING})"),
        "Frozen": ("Projects whose service is frozen, as in arrears.", "count(frs_service_frozen{} == 1)"),
        "Refused": ("Credentials that the cloud refuses.", "count(frs_exporter_credential_rejected{} == 1)"),
        "Alerts": ("FRS alerts that fire.", 'count(ALERTS{alertname=~"Frs.+", alertstate="firing"})'),
    }
    why = {"project": "Project", "collector": "Collector", "reason": "Reason", "code": "Code"}
    missing = {"project": "Project", "subservice": "Sub-service"}
    return [
        number(
            "Projects",
            "Projects that are watched.",
            "count(count by (cluster, namespace, project) (frs_project_info{}))",
        ),
        *(
            number(title, text, f"{expression} or vector(0)", steps=GOOD_IF_NONE)
            for title, (text, expression) in counts.items()
        ),
        rows(
            "Why jobs are down",
            "Jobs that cannot be asked, with the reason and the vendor's code: frs-exporter explain says what to do.",
            f"max by ({', '.join(why)}) (frs_poll_error_info{{}})",
            why,
        ),
        rows(
            "Required, but off",
            "Sub-services that the config requires and that the cloud says are off. What is not known is not listed.",
            f"max by ({', '.join(missing)}) ({MISSING})",
            missing,
        ),
    ]


def subscriptions() -> list[Kind]:
    """Who has what."""
    return [
        matrix(
            "Subscriptions",
            "What is subscribed now; without a value it is not known, or the project has never heard of it. "
            "Projects of which nothing is known are in the column ?.",
            f"{SUBSCRIBED} or {UNKNOWN}",
            ("project", "subservice"),
            (12, 10),
        ),
        lines(
            "Projects by sub-service",
            "How many projects have each sub-service. A step down is one that was switched off, or is not known now.",
            [(f"sum by (subservice) ({SUBSCRIBED})", "{{subservice}}")],
            size=(12, 10),
        ),
    ]


def freshness() -> list[Kind]:
    """How old what is known is, and why."""
    return [
        lines(
            "Age of answers, in poll intervals",
            "The median, and the oldest that are late: healthy answers are younger than one or two poll intervals.",
            [
                (f"quantile(0.5, {AGE})", "median"),
                (f"topk(10, max by (project, collector) ({AGE})) > 2", "{{project}} {{collector}}"),
            ],
        ),
        lines(
            "Failed polls",
            "How many of all polls have failed, by reason.",
            [(f"(sum by (reason) {FAILED} > 0) / {POLLED}", "{{reason}}")],
            unit="percentunit",
            stacked=True,
        ),
    ]


def use() -> list[Kind]:
    """How full it is, and what it costs."""
    return [
        bars(
            "Face set quota",
            "The ten projects that use most of the face sets they may have; alerts fire at 80 % and 95 %.",
            "topk(10, max by (project) (frs_face_sets{} / (frs_max_face_set_number{} > 0)))",
            "{{project}}",
            unit="percentunit",
            steps=FULLNESS,
        ),
        bars(
            "Fullest face sets",
            "The ten fullest face sets; alerts fire at 80 % and 95 %.",
            "topk(10, max by (project, face_set) (frs_face_set_faces{} / (frs_face_set_capacity_faces{} > 0)))",
            "{{project}} / {{face_set}}",
            unit="percentunit",
            steps=FULLNESS,
        ),
        lines(
            "Calls",
            "Successful calls by Cloud Eye's minutes, of the ten projects with most; needs the collector cloud_eye.",
            [(f"{CALLS} and {BUSIEST}", "{{project}}")],
            unit="reqps",
            stacked=True,
            step=COUNTED_BY_MINUTES,
        ),
        bars(
            "Cost of the month",
            "What the calls of this calendar month cost by the config's pricing: an estimate.",
            "topk(10, sum by (project) (max by (project, api) (frs_month_api_cost_cny{})))",
            "{{project}}",
            unit=YUAN,
            steps=PLAIN,
        ),
    ]


def accounts() -> list[Kind]:
    """What accounts have, owe, and have bought; needs `accounts` in the config."""
    return [*money(), *packages()]


def money() -> list[Kind]:
    """How much there is, for how long, and what is owed."""
    return [
        lines(
            "Balances",
            "What accounts have, by kind: balance and credit pay for use, bonus and deposit do not.",
            [
                (
                    "max by (account, account_type, currency) (frs_account_balance{})",
                    "{{account}} {{account_type}} {{currency}}",
                )
            ],
        ),
        bars(
            "Money lasts for",
            "Days for which balance and credit last by the use of the last week, once a day of it is known; an alert "
            "fires at less than 7.",
            "bottomk(10, min by (account, currency) (account_currency:frs_account_balance:days_left{}))",
            "{{account}} {{currency}}",
            unit="d",
            steps=DAYS_LEFT,
        ),
        bars(
            "Arrears",
            "What accounts owe; an alert fires at anything. After a while all is frozen, then face data is deleted.",
            "topk(10, max by (account, currency) (frs_account_debt{}))",
            "{{account}} {{currency}}",
            unit="short",
            steps=GOOD_IF_PAID,
        ),
    ]


def packages() -> list[Kind]:
    """What is left in them, for how long, and when they end."""
    kind = "account, name, region, resource"
    ends = {"account": "Account", "name": "Package", "region": "Region", "package": "Order"}
    return [
        bars(
            "Left in packages",
            "What is left in the emptiest packages in force; those of one name count together: one follows the other.",
            f"bottomk(10, sum by ({kind}) (frs_package_remaining{{}} * {IN_FORCE})"
            f" / sum by ({kind}) ((frs_package_quota{{}} > 0) * {IN_FORCE}))",
            "{{account}} {{name}} {{region}} {{resource}}",
            unit="percentunit",
            steps=LEFT,
        ),
        bars(
            "Packages last for",
            "Days for which packages last by the use of the last week, once a day of it is known; an alert fires at "
            "less than 7.",
            f"bottomk(10, min by ({kind}) (account_resource:frs_package_remaining:days_left{{}}))",
            "{{account}} {{name}} {{region}} {{resource}}",
            unit="d",
            steps=DAYS_LEFT,
        ),
        rows(
            "Packages end in",
            "Days until packages in force end; an alert fires at less than 14 unless one of the same name goes on.",
            f"min by ({', '.join(ends)}) ((frs_package_expire_timestamp_seconds{{}} - time()) / 86400 * {IN_FORCE})",
            ends,
            value="Ends in",
            unit="d",
        ),
    ]
