"""Asks the billing API with the vendor's own client: each line of JSON is a question, and has a line of answer.

It runs in the environment of requirements/vendor.txt, where nothing of ours is. An answer is what the typed client
has read: amounts are decimals or strings as its models have them.
"""

import json
import os
import sys
from decimal import Decimal
from typing import Any

from huaweicloudsdkbss import v2
from huaweicloudsdkcore.auth.credentials import GlobalCredentials
from huaweicloudsdkcore.exceptions.exceptions import ServiceResponseException
from huaweicloudsdkcore.region.region import Region


def client_of(url: str, access_key: str, secret_key: str, domain_id: str | None) -> Any:
    """A client of the account; one that does not know its id asks IAM, and then STS."""
    os.environ["HUAWEICLOUD_SDK_STS_ENDPOINT"] = url  # credentials of this kind have no setting for it
    credentials = GlobalCredentials(access_key, secret_key, domain_id).with_iam_endpoint(url)
    return v2.BssClient.new_builder().with_credentials(credentials).with_region(Region("anywhere", url)).build()


def request_of(operation: str, fields: dict[str, Any]) -> Any:
    """The typed request of an operation; its body is typed, too."""
    kind = getattr(v2, "".join(word.capitalize() for word in operation.split("_")) + "Request")
    if "body" in fields:
        fields = {**fields, "body": getattr(v2, kind.openapi_types["body"])(**fields["body"])}
    return kind(**fields)


def in_json(value: Any) -> dict[str, Any]:
    """A decimal, which stays one, or what a model has read; its own `to_dict` is deprecated, and hides some of it."""
    if isinstance(value, Decimal):
        return {"Decimal": str(value)}
    return {name: getattr(value, name) for name in value.openapi_types}


def answer_to(account: dict[str, Any], operation: str, fields: dict[str, Any]) -> dict[str, Any]:
    """What has been read, or the typed error."""
    try:
        return {"answer": getattr(client_of(**account), operation)(request_of(operation, fields))}
    except ServiceResponseException as error:
        kind = type(error).__name__
        return {"error": {"kind": kind, "status_code": error.status_code, "error_code": error.error_code}}


if __name__ == "__main__":
    for line in sys.stdin:
        print(json.dumps(answer_to(**json.loads(line)), default=in_json), flush=True)
