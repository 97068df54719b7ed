"""What services answer that give temporary keys, in each of the shapes that the vendor's own client reads."""

from itertools import product
from typing import Any

import pytest

from frs_exporter.cloud.key_services import Keys, read_keys
from frs_exporter.cloud.transport import Response
from frs_exporter.core.errors import ApiError, Reason
from frs_exporter.core.model import Api

END = "2020-01-08T03:50:07.574000Z"
NAMES = (
    ("access", "secret", "securitytoken", "expires_at"),
    ("accessKeyId", "secretAccessKey", "securityToken", "expiration"),
    ("access_key_id", "secret_access_key", "security_token", "expiration"),
)


def read(data: Any) -> Keys:
    return read_keys("ops", Response(200, {}, data), "the service", Api.CCE)


@pytest.mark.parametrize(("around", "names"), [*product(("credential", "credentials", ""), NAMES)])
def test_every_shape_of_keys_is_read(around: str, names: tuple[str, ...]) -> None:
    data = dict(zip(names, ("AK", "sk", "STS", END), strict=True))
    keys, expires_at = read({around: data} if around else data)
    assert (keys.name, keys.access_key, keys.secret_key.get_secret_value(), expires_at) == (
        *("ops", "AK", "sk"),
        1578455407.574,
    )
    assert keys.security_token is not None
    assert keys.security_token.get_secret_value() == "STS"
    assert not {"STS", "'sk'"} & set(repr(keys).replace("(", " ").split())


@pytest.mark.parametrize(
    "data",
    [
        None,
        [],
        {"credential": None},
        {"credential": []},
        {"credential": {"access": "AK"}},
        {"credential": {"access": "A\nK", "secret": "s", "securitytoken": "t", "expires_at": END}},
        {"credential": {"access": "AK", "secret": 5, "securitytoken": "t", "expires_at": END}},
        {"credential": {"access": "AK", "secret": "s", "securitytoken": "t", "expires_at": "soon"}},
        {"credential": {"access": "AK", "secret": "s", "securitytoken": "t", "expires_at": 1578455407}},
        {"credential": {"access": "AK", "secret": "s", "securitytoken": "t", "expires_at": ["2020"]}},
    ],
)
def test_any_other_shape_is_a_payload_error(data: Any) -> None:
    with pytest.raises(ApiError) as caught:
        read(data)
    assert (caught.value.failure.reason, caught.value.failure.api) == (Reason.PAYLOAD, "cce")
    assert caught.value.failure.message == "no usable credential in the service's answer"
