"""A config for one project from flags and the environment, for a first look without a file."""

import os
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click
from pydantic import SecretStr, TypeAdapter, ValidationError

from frs_exporter.cli.variables import setting
from frs_exporter.config.load import Config, build
from frs_exporter.config.sdk_chain import odd_character
from frs_exporter.config.sdk_regions import region_endpoint
from frs_exporter.config.secret_checks import OPEN_FILE
from frs_exporter.config.types import Endpoint, ProjectId, Region
from frs_exporter.config.yaml import Document
from frs_exporter.core.credentials import Credential, StaticToken
from frs_exporter.core.model import Notice, Target
from frs_exporter.runtime.files import decode_text, is_open_to_all, read_file, read_stream, reason_of

PROJECT_ID, REGION = ("HUAWEICLOUD_SDK_PROJECT_ID", "HW_PROJECT_ID"), ("HW_REGION_NAME",)
"""What says which project in which region, where no flag does: of the vendor's own clients, and of Terraform."""
IAM_ENDPOINT = "HUAWEICLOUD_SDK_IAM_ENDPOINT"
MAX_TOKEN = 1 << 16
HEADER = re.compile(r"^x-(?:subject|auth)-token:[ \t]*(\S+)[ \t\r]*$", re.IGNORECASE | re.MULTILINE)
"""What a token comes in from IAM (iam_30_0001), and goes out in."""
NAME = "first-look"
FLAGS = {
    "ca_file": "--ca-file",
    "poll_interval": "--poll-interval",
    "proxy_from_environment": "--proxy-from-environment",
}
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
    region, source = given_or_set(flags.region, "--region", REGION)
    if not region:
        raise click.UsageError("--region is missing: give --config.file=FILE, or --region for a first look")
    region = validate(Region, region, source)
    raw: dict[str, Any] = {"credentials": {NAME: {"sdk": {}}}}
    project_id, source = given_or_set(flags.project_id, "--project-id", PROJECT_ID)
    if project_id:
        name = validate(ProjectId, project_id, source)
        raw["projects"] = [{"name": name, "project_id": name, "region": region, "credential": NAME}]
    else:
        raw["discovery"] = [{"name": region, "credential": NAME, "regions": [region], "sub_projects": False}]
    raw["endpoints"] = endpoints_of(flags.endpoint, region)
    raw["http_client"] = {"proxy_from_environment": flags.proxy_from_environment}
    if flags.ca_file:
        raw["http_client"]["tls_config"] = {"ca_file": flags.ca_file}
    if not flags.token_file:
        return build_config(raw)
    raw["credentials"] = {NAME: {"ak_sk": {"access_key": "unused", "secret_key": "unused"}}}
    config, credential = build_config(raw), given_token(flags.token_file)
    return replace(
        config,
        notices=(*config.notices, *open_token(flags.token_file)),
        targets=tuple(in_its_name(target, credential) for target in config.targets),
        discovery=tuple(replace(rule, template=in_its_name(rule.template, credential)) for rule in config.discovery),
    )


def in_its_name(target: Target, credential: Credential) -> Target:
    """A target asked in the name of another credential, at the same site."""
    return replace(target, credential=replace(credential, site=target.credential.site))


def given_or_set(flag: str | None, name: str, variables: tuple[str, ...]) -> tuple[str | None, str]:
    """What a flag says, or the first variable that is set, and which of them says it."""
    if flag:
        return flag, setting(name)
    return next(((os.environ[known], known) for known in variables if os.environ.get(known)), (None, name))


def endpoints_of(flag: str | None, region: str) -> dict[str, str]:
    """Where services are, as far as that is told; raises click.UsageError."""
    if flag:
        return dict.fromkeys(("frs", "iam", "ces"), validate(Endpoint, flag, setting("--endpoint")))
    endpoints = {}
    if url := os.environ.get(IAM_ENDPOINT):
        endpoints["iam"] = validate(Endpoint, url, IAM_ENDPOINT)
    for api in ("frs", "iam", "ces"):
        try:
            found = region_endpoint(api.upper(), region, os.environ)
        except ValueError as error:
            raise click.UsageError(str(error)) from None
        if found:
            endpoints[api] = validate(Endpoint, *found)
    return endpoints


def build_config(raw: dict[str, Any]) -> Config:
    """The config of a document that no file has; raises click.UsageError."""
    document = Document(data=raw)
    config = build(document)
    if config is None or document.problems:
        problem = document.problems[0]
        flag = FLAGS.get(str(problem.path[-1]) if problem.path else "")
        raise click.UsageError(f"{setting(flag)}: {problem.message}" if flag else problem.message)
    return config


def validate(kind: Any, value: str, flag: str) -> str:
    """A value that is what it should be; raises click.UsageError."""
    try:
        return str(TypeAdapter(kind).validate_python(value))
    except ValidationError as error:
        raise click.UsageError(f"{setting(flag)} {error.errors()[0]['ctx']['error']}") from None


def given_token(file: str) -> Credential:
    """The token in a file, or on standard input, maybe in the header that it came with; raises click.UsageError."""
    try:
        on_input = file == "-"
        data = read_stream(sys.stdin.buffer, MAX_TOKEN) if on_input else read_file(Path(file), MAX_TOKEN, regular=False)
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


def open_token(file: str | None) -> Iterator[Notice]:
    """A notice where every user of this machine can read the file with the token."""
    if file and file != "-" and is_open_to_all(Path(file)):
        yield Notice(f"{setting('--token-file')} {file}: {OPEN_FILE}")
