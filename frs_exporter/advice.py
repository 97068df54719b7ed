"""What to do about a failure: a sentence for each reason, and for the vendor's codes that say more (pure)."""

from collections.abc import Mapping

from frs_exporter.errors import ApiError, Reason, canonical

REASONS: Mapping[Reason, str] = {
    Reason.DNS: "check this machine's name servers, the project's region, and endpoints in the config",
    Reason.CONNECT: "check route, firewall and proxy (http_client.proxy_url) from this machine to the endpoint",
    Reason.TLS: "check that the port speaks TLS, its certificate, and this machine's clock; "
    "ca_file is for proxies that open TLS",
    Reason.TIMEOUT: "check the network to the endpoint; raise poll_timeout if the cloud is only slow",
    Reason.AUTH: "correct the secret where the config has it, then reload if files are not watched; "
    "for keys, check the clock, too",
    Reason.TOKEN: "a new token is refused too: check the IAM user's permissions on FRS and the account's balance",
    Reason.FORBIDDEN: "give the IAM user programmatic access and FRS ReadOnlyAccess on this project",
    Reason.PROJECT_MISMATCH: "check project_id and region: the id must be that of this credential's project there",
    Reason.FROZEN: "settle the account's arrears: after the retention period face data is deleted for good",
    Reason.ABSENT: "check region and endpoints: this API is not there, or not any more",
    Reason.THROTTLED: "raise poll_interval, lower limits, or see who else calls the API as this user",
    Reason.CLIENT: "look the code up in the vendor's error list; ask its support with the request id",
    Reason.SERVER: "wait; if it lasts, ask the vendor's support with the request id",
    Reason.PAYLOAD: "check that no proxy or login portal answers in the cloud's place; if none does, report a bug",
    Reason.INTERNAL: "a bug of the exporter: report it with the traceback in the log",
}

CODES: Mapping[str, str] = {
    "FRS.0020": "enable the sub-service for this very IAM user and in this region, and check endpoints.frs",
    "APIG.0310": "the project is not available: check in the console that it is enabled and not suspended",
    "APIG.0401": "the gateway does not know this machine's address: check the API's access control",
    "APIG.0402": "the gateway does not allow this machine's address: check the API's access control",
    "APIG.0802": "this IAM user is forbidden in the region: check the account's region settings",
    "IAM.0061": "the user is locked: wait until the lock ends, and find who else logs in with a wrong password",
    "IAM.0081": "give the IAM user programmatic access: it has access to the console only",
    "IAM.0082": "enable the IAM user: it is disabled",
}


METADATA = "give this machine (ECS) an agency that may read FRS, and check that its metadata service can be reached"


def advice(error: ApiError) -> str:
    """What a person can do about a failure."""
    if error.status is not None and error.status // 100 == 3:
        return REASONS[Reason.PAYLOAD]
    if error.api == "ecs":
        return METADATA
    return CODES.get(canonical(error.code)) or REASONS[error.reason]
