"""One project: what is known of it, how old that is, and how it is used."""

from deploy.grafana.panels import (
    COUNTED_BY_MINUTES,
    FULLNESS,
    ON_OFF,
    UP_DOWN,
    YUAN,
    Kind,
    bars,
    lines,
    number,
    rows,
    state,
    states,
)

TITLE = "FRS / Project"
ABOUT = "One project: what is known of it, how old that is, and how it is used."

LAST = "frs_last_success_timestamp_seconds{}"
AGE = f"timestamp({LAST}) - {LAST}"
"""As of the scrape: what Prometheus cannot scrape is no older for that."""


def layout() -> dict[str, list[Kind]]:
    """The panels by the titles of their rows."""
    return {
        "": now(),
        "Subscription": subscription(),
        "Face sets": face_sets(),
        "Calls (collector cloud_eye)": calls(),
    }


def now() -> list[Kind]:
    """Its state in numbers, what the config says of it, and why it is down."""
    facts = {
        "project": "Project",
        "project_id": "Project id",
        "region": "Region",
        "credential": "Credential",
        "auth": "Authentication",
    }
    why = {"collector": "Collector", "reason": "Reason", "code": "Code"}
    return [
        state("State", "Up if all jobs of the project are.", "min(frs_up{})", UP_DOWN),
        state(
            "Service",
            "Whether the service is frozen, as in arrears.",
            "max(frs_service_frozen{})",
            {"0": ("not frozen", "green"), "1": ("frozen", "red")},
        ),
        number("Oldest answer", "How old the oldest of what is known is.", f"max({AGE})", unit="s"),
        number(
            "Token ends in",
            "Time until the token in use ends; it is renewed before. Keys have none.",
            "min(frs_token_expiry_timestamp_seconds{} - time())",
            unit="s",
        ),
        number("Face sets", "Face sets that there are.", "max(frs_face_sets{})"),
        number(
            "Cost of the month",
            "What the calls of this calendar month cost by the config's pricing: an estimate.",
            "sum(max by (api) (frs_month_api_cost_cny{}))",
            unit=YUAN,
        ),
        rows(
            "Project",
            "What the config says of the project.",
            f"max by ({', '.join(facts)}) (frs_project_info{{}})",
            facts,
            size=(12, 5),
        ),
        rows(
            "Why it is down",
            "Why jobs are down, with the vendor's code: frs-exporter explain says what to do. Empty if all is well.",
            f"max by ({', '.join(why)}) (frs_poll_error_info{{}})",
            why,
            size=(12, 5),
        ),
    ]


def subscription() -> list[Kind]:
    """What is on, and how well that is known."""
    return [
        states(
            "Sub-services",
            "Whether each sub-service is subscribed; a gap is where it is not known.",
            "min by (subservice) (frs_subscribed{})",
            "{{subservice}}",
            ON_OFF,
        ),
        states(
            "Collectors",
            "Whether each collector's newest poll told what was asked.",
            "min by (collector) (frs_up{})",
            "{{collector}}",
            UP_DOWN,
        ),
        lines(
            "Age of answers",
            "How old what is known is; healthy answers are younger than one or two poll intervals.",
            [(f"max by (collector) ({AGE})", "{{collector}}")],
            unit="s",
        ),
        lines(
            "Duration of polls",
            "How long polls take, waiting for their turn included.",
            [("max by (collector) (frs_poll_duration_seconds{})", "{{collector}}")],
            unit="s",
        ),
    ]


def face_sets() -> list[Kind]:
    """What fills up."""
    fullness = "max by (face_set) (frs_face_set_faces{} / (frs_face_set_capacity_faces{} > 0))"
    return [
        bars(
            "Fullness",
            "How full the fullest face sets are; alerts fire at 80 % and 95 %.",
            f"topk(20, {fullness})",
            "{{face_set}}",
            unit="percentunit",
            steps=FULLNESS,
        ),
        lines("Faces", "Faces in each face set.", [("max by (face_set) (frs_face_set_faces{})", "{{face_set}}")]),
        lines(
            "Face set quota",
            "Face sets that there are, and may be.",
            [("max(frs_face_sets{})", "face sets"), ("max(frs_max_face_set_number{})", "quota")],
        ),
    ]


def calls() -> list[Kind]:
    """How it is used, and what that costs."""
    return [
        lines(
            "Calls",
            "Successful calls of each API, by Cloud Eye's minutes.",
            [("max by (api) (rate(frs_api_calls_total{}[$__rate_interval]))", "{{api}}")],
            unit="reqps",
            stacked=True,
            step=COUNTED_BY_MINUTES,
        ),
        lines(
            "Errors",
            "Failed calls: 5xx are the vendor's errors, 4xx those of whoever calls.",
            [("max by (api, class) (rate(frs_api_errors_total{}[$__rate_interval]))", "{{api}} {{class}}")],
            unit="reqps",
            step=COUNTED_BY_MINUTES,
        ),
        lines(
            "Latency",
            "Average latency of each API, in the newest minute that Cloud Eye has told.",
            [("max by (api) (frs_api_latency_average_seconds{})", "{{api}}")],
            unit="s",
        ),
        lines(
            "Cost of the month",
            "What the calls of this calendar month cost by the config's pricing, and what they may cost.",
            [("max by (api) (frs_month_api_cost_cny{})", "{{api}}"), ("max(frs_month_budget_cny{})", "budget")],
            unit=YUAN,
        ),
    ]
