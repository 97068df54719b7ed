"""Asks with the vendor's own clients: each line of JSON is a question, and has a line of answer.

It runs in an environment of the vendor's clients, requirements/vendor.txt or requirements/vendor-frs-v1.txt, where
nothing of ours is. An answer is what the typed client has read: amounts are decimals or strings as its models have
them.
"""

import importlib
import json
import os
import sys
from decimal import Decimal
from typing import Any

from huaweicloudsdkcore.auth import credentials
from huaweicloudsdkcore.exceptions.exceptions import SdkException
from huaweicloudsdkcore.region.region import Region

CLIENTS = {
    "bss": ("huaweicloudsdkbss.v2", "BssClient", credentials.GlobalCredentials),
    "ces": ("huaweicloudsdkces.v1", "CesClient", credentials.BasicCredentials),
    "frs": ("huaweicloudsdkfrs.v2", "FrsClient", credentials.BasicCredentials),
    "frs_v1": ("huaweicloudsdkfrs.v1", "FrsClient", credentials.BasicCredentials),
    "iam": ("huaweicloudsdkiam.v3", "IamClient", credentials.GlobalCredentials),
}
"""By service: the package, its client, and whether a key is used for a project or for an account."""
ERROR = ("status_code", "error_code", "error_msg", "request_id")


def client_of(
    service: str, url: str, region: str, key: tuple[str, str], subject: str | None, headers: dict[str, str]
) -> Any:
    """A client for a project or an account; one that does not know its id asks IAM, and for an account then STS."""
    os.environ["HUAWEICLOUD_SDK_STS_ENDPOINT"] = url  # some credentials have no setting for it
    package, name, kind = CLIENTS[service]
    login = kind(*key, subject).with_iam_endpoint(url)
    builder = getattr(importlib.import_module(package), name).new_builder()
    client = builder.with_credentials(login).with_region(Region(region, url)).build()
    client.preset_headers = headers  # the only way to send a token
    return client


def typed(package: Any, kind: str, value: Any) -> Any:
    """A value as a request wants it: a model where the package has one of that name, and models in lists."""
    if kind.startswith("list["):
        return [typed(package, kind[5:-1], each) for each in value]
    model = getattr(package, kind, None)
    if model is None or not isinstance(value, dict):
        return value
    return model(**{name: typed(package, model.openapi_types[name], each) for name, each in value.items()})


def in_json(value: Any) -> dict[str, Any]:
    """A decimal, which stays one, or what a model has read; its own `to_dict` is deprecated, and hides some of it."""
    if isinstance(value, Decimal):
        return {"Decimal": str(value)}
    return {name: getattr(value, name) for name in value.openapi_types}


def answer_to(login: dict[str, Any], operation: str, fields: dict[str, Any]) -> dict[str, Any]:
    """What has been read, or the typed error."""
    service, _, method = operation.partition(".")
    package = importlib.import_module(CLIENTS[service][0])
    request = "".join(word.capitalize() for word in method.split("_")) + "Request"
    try:
        return {"answer": getattr(client_of(service, **login), method)(typed(package, request, fields))}
    except SdkException as error:
        return {"error": {"kind": type(error).__name__, **{name: getattr(error, name, None) for name in ERROR}}}


if __name__ == "__main__":
    for line in sys.stdin:
        print(json.dumps(answer_to(**json.loads(line)), default=in_json), flush=True)
