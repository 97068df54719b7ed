"""A config for one project from flags and the environment, for a first look without a file."""

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
from pydantic import SecretStr, TypeAdapter, ValidationError

from frs_exporter.config import schema
from frs_exporter.config.build import Maker
from frs_exporter.config.http_client import GLOBAL
from frs_exporter.config.load import Config, limits_of
from frs_exporter.config.types import Endpoint, ProjectId, Region, hidden_character
from frs_exporter.config.warnings import without_authorities
from frs_exporter.core.credentials import Credential, KeyCredential, StaticToken
from frs_exporter.core.model import DIRECT, HttpOptions
from frs_exporter.runtime.files import decode_text, read_file, reason_of

ACCESS_KEY, SECRET_KEY, SECURITY_TOKEN = (
    "HUAWEICLOUD_SDK_AK",
    "HUAWEICLOUD_SDK_SK",
    "HUAWEICLOUD_SDK_SECURITY_TOKEN",
)
"""As the vendor's own clients call them (huaweicloudsdkcore, auth/credentials.py)."""
MAX_TOKEN = 1 << 16


def first_look(project_id: str | None, region: str | None, token_file: str | None, endpoint: str | None) -> Config:
    """The config that these flags and the environment make; raises click.UsageError."""
    if not project_id or not region:
        missing = "--region" if project_id else "--project-id"
        message = f"{missing} is missing: give --config.file=FILE, or --project-id and --region for a first look"
        raise click.UsageError(message)
    look = {
        "name": checked(ProjectId, project_id, "--project-id"),
        "project_id": project_id,
        "region": checked(Region, region, "--region"),
        "credential": "environment",
    }
    credential = given_token(token_file) if token_file else keys_of_environment()
    keys = {"access_key": "unused", "secret_key": SecretStr("unused")}
    raw = {"credentials": {"environment": {"ak_sk": keys}}, "projects": [look]}
    if endpoint:
        base = checked(Endpoint, endpoint, "--endpoint")
        raw["endpoints"] = {"frs": base, "iam": base, "ces": base}
    file = schema.File.model_validate(raw)
    clients: dict[tuple[str | int, ...], HttpOptions] = {GLOBAL: DIRECT}
    target = Maker(file, clients).project(file.projects[0])
    targets, warnings = (replace(target, credential=credential),), tuple(without_authorities(file))
    return Config(targets=targets, limits=limits_of(file), notices=warnings)


def checked(kind: Any, value: str, flag: str) -> str:
    """A value that is what it should be; raises click.UsageError."""
    try:
        return str(TypeAdapter(kind).validate_python(value))
    except ValidationError as error:
        raise click.UsageError(f"{flag} {error.errors()[0]['ctx']['error']}") from None


def given_token(file: str) -> Credential:
    """The token in a file; raises click.UsageError."""
    try:
        token = decode_text(read_file(Path(file), MAX_TOKEN, regular=False)).strip()
    except UnicodeDecodeError:
        raise click.UsageError(f"--token-file {file}: it is not UTF-8 text") from None
    except (OSError, ValueError) as error:
        raise click.UsageError(f"--token-file {file}: {reason_of(error)}") from None
    if problem := "there is no token in it" if not token else odd_character(token):
        raise click.UsageError(f"--token-file {file}: {problem}; a token is one line of letters")
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
