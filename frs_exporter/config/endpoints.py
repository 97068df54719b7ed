"""Where each credential's APIs are: its own endpoints one by one, the others those of the file."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from frs_exporter.config import schema
from frs_exporter.config.yaml import Path, mapping
from frs_exporter.core.credentials import Credential
from frs_exporter.core.site import site_of

DEFAULT_ENDPOINTS: Mapping[str, str] = schema.Endpoints().model_dump()


class WrittenEndpoint(NamedTuple):
    """An endpoint as it is written, and where; nobody has looked at it yet."""

    path: Path
    url: Any


def written_endpoints(data: Any) -> dict[str, dict[str, WrittenEndpoint]]:
    """The endpoints of each credential of a document by API; those of the file alone have an empty name."""
    common = {api: WrittenEndpoint(("endpoints", api), url) for api, url in DEFAULT_ENDPOINTS.items()}
    common |= written_in(mapping(data).get("endpoints"), ("endpoints",))
    result = {"": common}
    for name, credential in mapping(mapping(data).get("credentials")).items():
        own = written_in(mapping(credential).get("endpoints"), ("credentials", name, "endpoints"))
        result[name] = {**common, **own} if own else common
    return result


def written_in(section: Any, path: Path) -> dict[str, WrittenEndpoint]:
    """The endpoints of a section that are written there."""
    urls = mapping(section)
    return {api: WrittenEndpoint((*path, api), urls[api]) for api in DEFAULT_ENDPOINTS if urls.get(api) is not None}


def resolved_endpoints(file: schema.File) -> dict[str, schema.Endpoints]:
    """The endpoints of each credential of a valid file."""
    return {name: merged(file.endpoints, credential.endpoints) for name, credential in file.credentials.items()}


def merged(common: schema.Endpoints, own: schema.OwnEndpoints | None) -> schema.Endpoints:
    """Where all APIs are for a credential with endpoints of its own, if it has any."""
    return common.model_copy(update={api: url for api, url in own if url is not None}) if own else common


def verified_at(kind: str) -> str:
    """The API that sees the secret of a credential of a kind: a password goes to IAM, a signature with each request."""
    return "iam" if kind == "token" else "frs"


def site_of_user(credential: Credential, endpoints: schema.Endpoints) -> str:
    """The site that knows the user of a credential."""
    return site_of(str(getattr(endpoints, verified_at(credential.kind))))
