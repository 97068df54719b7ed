"""A config for one project from flags and the environment, for a first look without a file."""

import os
import re
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click
from pydantic import SecretStr, TypeAdapter, ValidationError

from frs_exporter.cli.variables import setting
from frs_exporter.config.load import Config, build
from frs_exporter.config.types import Endpoint, ProjectId, Region, hidden_character
from frs_exporter.config.yaml import Document
from frs_exporter.core.credentials import Credential, KeyCredential, StaticToken
from frs_exporter.core.model import Target
from frs_exporter.runtime.files import decode_text, read_file, reason_of

ACCESS_KEY, SECRET_KEY, SECURITY_TOKEN = (
    "HUAWEICLOUD_SDK_AK",
    "HUAWEICLOUD_SDK_SK",
    "HUAWEICLOUD_SDK_SECURITY_TOKEN",
)
"""As the vendor's own clients call them (huaweicloudsdkcore, auth/credentials.py)."""
MAX_TOKEN = 1 << 16
HEADER = re.compile(r"^x-(?:subject|auth)-token:[ \t]*(\S+)[ \t\r]*$", re.IGNORECASE | re.MULTILINE)
"""What a token comes in from IAM (iam_30_0001), and goes out in."""
NAME = "environment"
FLAGS = {"ca_file": "--ca-file", "proxy_from_environment": "--proxy-from-environment"}
"""Flags, by the setting that each stands for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstLook:
    """What flags say of a project that no config names; without its id it is that of the region."""

    region: str | None
    project_id: str | None = None
    token_file: str | None = None
    endpoint: str | None = None
    ca_file: str | None = None
    proxy_from_environment: bool = False


def first_look(flags: FirstLook) -> Config:
    """The config that these flags and the environment make; raises click.UsageError."""
    if not flags.region:
        raise click.UsageError("--region is missing: give --config.file=FILE, or --region for a first look")
    region = checked(Region, flags.region, "--region")
    raw: dict[str, Any] = {"credentials": {NAME: {"ak_sk": {"access_key": "unused", "secret_key": "unused"}}}}
    if flags.project_id:
        name = checked(ProjectId, flags.project_id, "--project-id")
        raw["projects"] = [{"name": name, "project_id": name, "region": region, "credential": NAME}]
    else:
        raw["discovery"] = [{"name": region, "credential": NAME, "regions": [region], "sub_projects": False}]
    if flags.endpoint:
        base = checked(Endpoint, flags.endpoint, "--endpoint")
        raw["endpoints"] = {"frs": base, "iam": base, "ces": base}
    raw["http_client"] = {"proxy_from_environment": flags.proxy_from_environment}
    if flags.ca_file:
        raw["http_client"]["tls_config"] = {"ca_file": flags.ca_file}
    config = built(raw)
    credential = given_token(flags.token_file) if flags.token_file else keys_of_environment()
    return replace(
        config,
        targets=tuple(in_its_name(target, credential) for target in config.targets),
        discovery=tuple(replace(rule, template=in_its_name(rule.template, credential)) for rule in config.discovery),
    )


def in_its_name(target: Target, credential: Credential) -> Target:
    """A target asked in the name of another credential, at the same site."""
    return replace(target, credential=replace(credential, site=target.credential.site))


def built(raw: dict[str, Any]) -> Config:
    """The config of a document that no file has; raises click.UsageError."""
    document = Document(data=raw)
    config = build(document)
    if config is None or document.problems:
        problem = document.problems[0]
        flag = FLAGS.get(str(problem.path[-1]) if problem.path else "")
        raise click.UsageError(f"{setting(flag)}: {problem.message}" if flag else problem.message)
    return config


def checked(kind: Any, value: str, flag: str) -> str:
    """A value that is what it should be; raises click.UsageError."""
    try:
        return str(TypeAdapter(kind).validate_python(value))
    except ValidationError as error:
        raise click.UsageError(f"{setting(flag)} {error.errors()[0]['ctx']['error']}") from None


def given_token(file: str) -> Credential:
    """The token in a file, or on standard input, maybe in the header that it came with; raises click.UsageError."""
    try:
        data = sys.stdin.buffer.read(MAX_TOKEN) if file == "-" else read_file(Path(file), MAX_TOKEN, regular=False)
        text = decode_text(data).strip()
    except UnicodeDecodeError:
        raise click.UsageError(f"{setting('--token-file')} {file}: it is not UTF-8 text") from None
    except (OSError, ValueError) as error:
        raise click.UsageError(f"{setting('--token-file')} {file}: {reason_of(error)}") from None
    header = HEADER.search(text)
    token = header[1] if header else text
    if problem := "there is no token in it" if not token else odd_character(token):
        raise click.UsageError(f"{setting('--token-file')} {file}: {problem}; a token is one line of letters")
    return StaticToken("token-file", SecretStr(token))


def odd_character(secret: str) -> str:
    """What no key and no token has: the first character that is no visible one of ASCII; empty for none."""
    found = hidden_character(secret, lambda character: "!" <= character <= "~")
    return f"it has {found}" if found else ""


def keys_of_environment() -> Credential:
    """The access key in the environment; raises click.UsageError."""
    access_key, secret_key = os.environ.get(ACCESS_KEY, ""), os.environ.get(SECRET_KEY, "")
    for name, value in ((ACCESS_KEY, access_key), (SECRET_KEY, secret_key)):
        if not value:
            raise click.UsageError(f"{name} is not set: set {ACCESS_KEY} and {SECRET_KEY}, or give --token-file=FILE")
    token = os.environ.get(SECURITY_TOKEN)
    for name, value in ((ACCESS_KEY, access_key), (SECRET_KEY, secret_key), (SECURITY_TOKEN, token or "")):
        if problem := odd_character(value):
            raise click.UsageError(f"{name} is no key: {problem}")
    return KeyCredential("environment", access_key, SecretStr(secret_key), SecretStr(token) if token else None)
