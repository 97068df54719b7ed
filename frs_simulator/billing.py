"""BSS, the billing API: who may ask about an account, how often, and what goes wrong with it.

It is one for all regions, and asked with an account's id instead of a project's.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from aiohttp import web
from pydantic import ValidationError

from frs_exporter.cloud import signing
from frs_simulator.billing_answers import (
    Inquiry,
    balances,
    cards,
    coupons,
    measurements,
    packages,
    sent,
    service_types,
)
from frs_simulator.gateway import CALLER, WORLD, Caller, Handler, Refusal
from frs_simulator.money import Failure
from frs_simulator.world import Account

QUOTA = 10
"""Requests per second of an account, for every API (fci_00002)."""
FREE_FOR_ALL = ("service-types", "measurements")
"""APIs that need no permission."""
REFUSALS = {
    Failure.NO_PERMISSION: (403, "CBC.0151", "user access denied.checkCustomerPermission"),
    Failure.WRONG_SITE: (403, "CBC.0156", "The customer does not belong to the website you are now at."),
    Failure.RESELLER: (400, "CBC.18000016", "Insufficient permission. Contact your partner."),
    Failure.TOKEN: (401, "CBC.0154", "Token authentication failed."),
    Failure.NOT_PUBLISHED: (
        404,
        "APIGW.0101",
        "The API does not exist or has not been published in the environment",
    ),
    Failure.OTHER: (500, "CBC.0999", "Other error."),
    Failure.FAILED_WITH_200: (200, "CBC.0100", "Parameter error."),
}


class Api(NamedTuple):
    """One of the APIs, with what answers."""

    method: str
    path: str
    answer: Callable[[Inquiry], dict[str, Any]]


APIS = {
    "balances": Api("GET", "/v2/accounts/customer-accounts/balances", balances),
    "packages": Api("POST", "/v3/payments/free-resources/query", packages),
    "service-types": Api("GET", "/v2/products/service-types", service_types),
    "measurements": Api("GET", "/v2/bases/measurements", measurements),
    "coupons": Api("GET", "/v2/promotions/benefits/coupons", coupons),
    "cards": Api("GET", "/v2/promotions/benefits/stored-value-cards", cards),
}
"""By the names that accounts have failures by."""


class Throttled(Refusal):
    """A request too many, whose answer names its text differently than all others do."""

    def __init__(self) -> None:
        policy = f"policy user over ratelimit,limit:{QUOTA},time:1 second"
        super().__init__(429, "APIGW.0308", f"The throttling threshold has been reached: {policy}")

    def body(self, request_id: str) -> dict[str, Any]:
        """As the page of the API shows it (fci_00002)."""
        about = {"status_code": self.status, "request_id": request_id}
        return {**about, "error_code": self.code, "error_message": self.message}


def handler(api: str) -> Handler:
    """What answers one of the APIs."""

    async def handle(request: web.Request) -> web.Response:
        account, now = account_of(request, api), request.app[WORLD].now()
        language = request.headers.get("X-Language", "zh_CN")
        inquiry = Inquiry(account, now, language, await parameters_of(request))
        try:
            body = APIS[api].answer(inquiry)
        except ValidationError:
            raise Refusal(400, "CBC.0100", "Parameter error.") from None
        success = {"error_code": "CBC.0000", "error_msg": "Success"} if account.billing.says_success else {}
        return web.json_response({**sent(body, account.billing.amounts), **success})

    return handle


def account_of(request: web.Request, api: str) -> Account:
    """The account that asks about itself, within its quota of this API; raises Refusal."""
    caller: Caller = request[CALLER]
    account = caller.account
    if not request.app[WORLD].within_quota(account.domain_id, f"bss {api}", QUOTA):
        raise Throttled
    if not entitled(request, caller):
        raise Refusal(403, "CBC.0155", "The request is not allowed.")
    if failure := account.billing.failure_of(api, free_for_all=api in FREE_FOR_ALL):
        raise Refusal(*REFUSALS[failure])
    return account


def entitled(request: web.Request, caller: Caller) -> bool:
    """Whether the caller asks for its account, with a token of that or with a signature that covers its id."""
    domain_id = request.headers.get("X-Domain-Id")
    if request.headers.get("X-Auth-Token"):
        return caller.domain_token and domain_id in (None, caller.account.domain_id)
    claim = signing.parse_authorization(request.headers["Authorization"])
    return claim is not None and "x-domain-id" in claim.signed_headers and domain_id == caller.account.domain_id


async def parameters_of(request: web.Request) -> Mapping[str, Any]:
    """What the query asks, or the body, which must be an object; raises Refusal."""
    if request.method == "GET":
        return request.query
    try:
        body = json.loads(await request.read())
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise Refusal(400, "CBC.0100", "Parameter error.")
    return body
