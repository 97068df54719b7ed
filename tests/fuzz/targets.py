"""What is fuzzed: each target is a property of any bytes, and the pieces that its inputs are made of."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.fuzz.answers import check_answer
from tests.fuzz.configs import check_config, check_web_config
from tests.fuzz.failures import SECRETS, check_failure, written
from tests.fuzz.files import SECRET, check_pem, check_profile, check_regions, check_secret
from tests.fuzz.headers import check_headers
from tests.fuzz.lockouts import check_lockout
from tests.fuzz.signatures import check_signature
from tests.fuzz.states import check_probes, check_state

CORPUS = Path(__file__).parent / "corpus"


@dataclass(frozen=True)
class Target:
    """A property, and what its inputs may be made of; `examples` are tried in `make test`."""

    check: Callable[[bytes], None]
    pieces: Sequence[bytes]
    examples: int


def pieces(text: str) -> list[bytes]:
    """The pieces of a text, parted by spaces; a space is written as an underscore twice."""
    return [piece.replace("__", " ").replace("\\n", "\n").encode() for piece in text.split(" ")]


JSON = pieces('{ } [ ] , : " null true false 0 -1 1e308 9007199254740993 NaN "" {} [] [[[[[[[[[[ \\u0000 \\ud800 \\n')
NAMES = pieces(
    '"detect_service" "subscribe_status" "create_time" "face_sets_info" "face_number" "face_set_capacity" '
    '"face_set_name" "metrics" "dimensions" "name":"call_of_api" "value" "datapoints" "timestamp" "sum" "average" '
    '"meta_data" "marker" "token" "issued_at" "expires_at" "project" "id" "projects" "parent_id" "enabled" '
    '"account_balances" "amount" "credit_amount" "measure_id" "currency" "free_resources" "order_instance_id" '
    '"user_coupons" "coupon_id" "balance" "count" "error_code" "error_msg" "2026-01-01T00:00:00Z" "CBC.0000"'
)
FAILURES = pieces(
    '"error":{ "code" "message" "title" "details" "error_code":"FRS.0019" "APIGW.0301" "IAM.0011" "receipt":{} '
    '"required_auth_methods":[[ "http_code" <html> token= password: Authorization: Bearer http://u:p@h/ \\\\ &amp; %25'
)
YAML = pieces(
    ":__ -__ \\n \\n__ \\n____ & * *a &a <<:__*a !env__FUZZ_SECRET !file__secret !file__/dev/null !!binary !!timestamp "
    "!<x> | > ? {} [] { } [ ] , ' \" # %YAML__1.1\\n --- ... \\t \\x85 0x10 1e9 .inf 2001-01-01 yes ~ x-a: \\u2028 [[[["
    ' "\\\\e[2J" "\\\\x9b":'
)
SETTINGS = pieces(
    "credentials: projects: accounts: discovery: apis: http_client: endpoints: defaults: name:__ region:__cn-north-4 "
    "project_id:__ credential:__ password:__!env__FUZZ_SECRET secret_key:__!file__secret access_key:__ user_name:__ "
    "domain_name:__ ca_file:__ proxy_url:__ collectors:__ require:__ labels: poll_interval:__ stale_after:__1m"
)
WEB = pieces(
    "tls_server_config: cert_file:__ key_file:__ client_auth_type:__ client_ca_file:__ min_version:__TLS12 "
    "cipher_suites: http_server_config: http2:__ headers: X-Frame-Options:__deny rate_limit: interval:__1s burst:__1 "
    "basic_auth_users: $2b$04$ $2b$31$"
)
HEADERS = pieces(
    "*/* text/* text/plain application/openmetrics-text ;version=1.0.0 ;version=0.0.4 ;q= q=0 q=1 q=0.5 q=1.001 "
    "gzip identity * deflate , ; zh-CN zh en en;q=0 Basic__ YTpi Og== = __ \\n"
)
SIGNED = pieces(
    "GET / // ? & = % %20 %2F %25 + ~ . .. ; a=1 a=2 SDK-HMAC-SHA256__Access=AK,__SignedHeaders=host,__Signature= \\n "
    "host;x-sdk-date x-sdk-content-sha256 é 中"
)
STATE = pieces(
    '"version":1, "key" "entries":{ "until": "attempts":[ "held":{ "answered": "rung": "ahead": "sited":true '
    '1800000000.5 1800003000 9e10 1e11 -1800000000 99999999999999999999999999999999 Infinity -Infinity "a": true,'
)
PROBES = pieces(
    '"name":__"probe__compare__ "useless__live_detect__ "refused__compare__ "turn__ "order":__ "until":__ "value":__ '
    '[null, true, 1800000100.5 9e10 -1e300 1e300 1800000000 "FRS.0501" "FRS.0202" "\\u001b[2J" "\\u202e"'
)
PROFILE = pieces(
    "[basic] [global] [DEFAULT] [ ] = : \\n \\n__ ak__=__AK sk__=__ security_token__=__ % %% %(ak)s %(sk)s ; # \\x00 é"
)
REGIONS = pieces("FRS: frs: FRS__: __-__ id:__cn-north-4 endpoint: endpoints: https://h.example , ? {id:__cn-north-4,")
PEM = pieces(
    "-----BEGIN__ -----END__ ----- CERTIFICATE----- PRIVATE__KEY----- EC__PRIVATE__KEY----- TRUSTED__CERTIFICATE----- "
    "Proc-Type:__4,ENCRYPTED \\n MIIB AAAA ==== \\r\\n"
)
TOKEN = pieces("X-Subject-Token:__ x-auth-token:\t \\n \\r \ufeff \t __ é 中 \\x00 = HTTP/1.1__201")
TARGETS = {
    "answer": Target(check_answer, [*JSON, *NAMES], 300),
    "failure": Target(
        check_failure, [*JSON, *FAILURES, *(spelled.encode() for it in SECRETS for spelled in written(it))], 1500
    ),
    "config": Target(check_config, [*YAML, *SETTINGS], 800),
    "web_config": Target(check_web_config, [*YAML, *WEB], 800),
    "headers": Target(check_headers, HEADERS, 2000),
    "signature": Target(check_signature, SIGNED, 1500),
    "state": Target(check_state, [*JSON, *STATE], 300),
    "probes": Target(check_probes, [*JSON, *PROBES], 300),
    "profile": Target(check_profile, [*PROFILE, SECRET.encode()], 500),
    "regions": Target(check_regions, [*YAML, *REGIONS, SECRET.encode()], 500),
    "pem": Target(check_pem, PEM, 300),
    "secret": Target(check_secret, [*TOKEN, SECRET.encode()], 300),
    "lockout": Target(check_lockout, [b"\0\0\3\1", b"\1\1\3\2", b"\5\xff", b"\6\0", b"\6\1", b"\6\2", b"\7\0"], 1000),
}


def corpus(name: str) -> list[Path]:
    """The inputs that are kept for a target."""
    return sorted((CORPUS / name).iterdir())
