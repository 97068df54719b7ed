"""The exporter itself: requests to the cloud, credentials, config, process."""

from deploy.grafana.panels import GOOD_IF_NONE, IDENTITY, Kind, Texts, lines, number, state, states

TITLE = "FRS / Exporter"
ABOUT = "The exporter itself: requests to the cloud, credentials, config, process."

SHARDS_MISSING = (
    "max by (cluster, namespace, job) (frs_exporter_shards{})"
    " - count by (cluster, namespace, job) (count by (cluster, namespace, job, shard) (frs_exporter_shard_info{}))"
)
TOKENS_END_IN = (
    "min by (credential) ((frs_token_expiry_timestamp_seconds{} - time())"
    f" * on ({IDENTITY}, project) group_left (credential)"
    ' (frs_project_info{} or label_replace(frs_account_info{}, "project", "$1", "account", "(.+)")))'
)
BUCKETS = "sum by (api, le) (rate(frs_exporter_api_request_duration_seconds_bucket{}[$__rate_interval]))"
STARTED = "process_start_time_seconds{}"
IN_USE: Texts = {"0": ("refused", "red"), "1": ("in use", "green")}
OF_VERSION = f"* on ({IDENTITY}) group_left (version) frs_exporter_build_info{{}}"
"""Keeps to processes that are exporters of ours."""


def layout() -> dict[str, list[Kind]]:
    """The panels by the titles of their rows."""
    return {
        "": now(),
        "Requests to the cloud": requests(),
        "Credentials, clock, discovery": credentials(),
        "Process": process(),
    }


def now() -> list[Kind]:
    """Whether all is there, and as it was told to be."""
    good, web_good = "frs_exporter_config_last_reload_successful{}", "frs_exporter_web_config_last_reload_successful{}"
    return [
        number("Exporters", "Exporters that are scraped.", "count(frs_exporter_build_info{})"),
        number("Jobs", "Projects times collectors that are polled.", "sum(frs_exporter_jobs{})"),
        number(
            "Shards missing",
            "Shards that there should be and that are not scraped: nobody polls their projects.",
            f"max({SHARDS_MISSING})",
            steps=GOOD_IF_NONE,
        ),
        state("Config", "Whether the newest config is in use.", f"min({good})", IN_USE),
        state("Web config", "Whether the newest web config is in use.", f"min({web_good})", IN_USE),
        number(
            "Refused",
            "Credentials that the cloud refuses.",
            "sum(frs_exporter_credential_rejected{}) or vector(0)",
            steps=GOOD_IF_NONE,
        ),
    ]


def requests() -> list[Kind]:
    """What it asks, what comes of it, and how long that takes."""
    failures = "sum by (api, reason) (rate(frs_exporter_api_request_failures_total{}[$__rate_interval])) > 0"
    return [
        lines(
            "Requests",
            "Requests by the vendor's service: frs, iam, ces, and ecs, the machine's own metadata service.",
            [("sum by (api) (rate(frs_exporter_api_requests_total{}[$__rate_interval]))", "{{api}}")],
            unit="reqps",
            stacked=True,
        ),
        lines(
            "Failures",
            "Requests that did not get the answer asked for, by reason.",
            [(failures, "{{api}} {{reason}}")],
            unit="reqps",
            stacked=True,
        ),
        lines(
            "Duration of requests",
            "How long requests take: the median, and what one in twenty exceeds. Where none was made there is no line.",
            [
                (f"histogram_quantile(0.5, {BUCKETS}) >= 0", "{{api}} median"),
                (f"histogram_quantile(0.95, {BUCKETS}) >= 0", "{{api}} 95 %"),
            ],
            unit="s",
        ),
        lines(
            "Schedule lag",
            "How long the request that waits longest has been waiting for its turn; an alert fires above 30 s.",
            [("max by (instance) (frs_exporter_schedule_lag_seconds{})", "{{instance}}")],
            unit="s",
        ),
    ]


def credentials() -> list[Kind]:
    """What can end, or drift away."""
    return [
        states(
            "Credentials",
            "Whether the cloud refuses the password or the key.",
            "max by (credential) (frs_exporter_credential_rejected{})",
            "{{credential}}",
            {"0": ("accepted", "green"), "1": ("refused", "red")},
        ),
        lines(
            "Tokens end in",
            "Time until the first token of each credential ends; they are renewed with 3 to 8 % of their life left.",
            [(TOKENS_END_IN, "{{credential}}")],
            unit="s",
        ),
        lines(
            "Clock skew",
            "How far the machine's clock is ahead of the cloud's; an alert fires beyond a minute, signatures fail "
            "beyond 15.",
            [("max by (instance, api) (frs_exporter_clock_skew_seconds{})", "{{instance}} {{api}}")],
            unit="s",
            least=None,
        ),
        lines(
            "Projects found",
            "Projects that each rule finds, and those of them that are not watched: their name is taken, or they are "
            "too many.",
            [
                ("max by (discovery) (frs_exporter_discovery_projects{})", "{{discovery}}"),
                ("max by (discovery) (frs_exporter_discovery_projects_skipped{})", "{{discovery}}, not watched"),
                ("max by (discovery) (frs_exporter_discovery_projects_over_limit{})", "{{discovery}}, too many"),
            ],
        ),
    ]


def process() -> list[Kind]:
    """What it needs, and what it says."""
    warnings = 'frs_exporter_log_messages_total{level=~"warning|error|critical"}'
    legend = "{{instance}} {{version}}"
    return [
        lines(
            "Log",
            "Log lines, from warnings on.",
            [(f"sum by (level) (rate({warnings}[$__rate_interval]))", "{{level}}")],
            unit="ops",
            stacked=True,
        ),
        lines(
            "Memory", "Resident memory.", [(f"process_resident_memory_bytes{{}} {OF_VERSION}", legend)], unit="bytes"
        ),
        lines(
            "Processor",
            "Processors in use; the event loop has one.",
            [(f"rate(process_cpu_seconds_total{{}}[$__rate_interval]) {OF_VERSION}", legend)],
        ),
        lines(
            "Uptime",
            "Time since the process started: each fall is a restart.",
            [(f"(timestamp({STARTED}) - {STARTED}) {OF_VERSION}", legend)],
            unit="s",
        ),
    ]
