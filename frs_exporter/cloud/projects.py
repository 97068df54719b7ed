"""The projects of an account, as IAM lists them."""

import re
from collections.abc import Iterator
from typing import Any

from frs_exporter.cloud.client import Client
from frs_exporter.discovery import Listed
from frs_exporter.errors import ApiError, Reason
from frs_exporter.model import Access, Api, TokenCredential

PER_PAGE = 500
ID = r"[0-9a-f]{32}"
NAME = r"[^\x00-\x1f\x7f\ud800-\udfff]{1,128}"
MAX_PAGES = 200
"""An answer that never ends is none."""


async def list_projects(client: Client, access: Access) -> tuple[Listed, ...]:
    """All projects that the credential may see, whatever they are; raises ApiError.

    A token's owner asks `/v3/auth/projects`, which needs no permission and has no pages; a signature asks
    `/v3/projects`, which needs iam:projects:listProjects (IAM API reference).
    """
    if isinstance(access.credential, TokenCredential):
        return parse(await client.get(access, Api.IAM, "/v3/auth/projects"))
    items: list[Any] = []
    for page in range(1, MAX_PAGES + 1):
        try:
            payload = await client.get(access, Api.IAM, f"/v3/projects?page={page}&per_page={PER_PAGE}")
        except ApiError as error:
            needed = "; to list projects, the user needs iam:projects:listProjects"
            raise error.but(message=error.message + needed) if error.reason is Reason.FORBIDDEN else error from None
        listed = projects_in(payload)
        items += listed
        if len(listed) < PER_PAGE:
            return parse({"projects": items})
    raise ApiError(Reason.PAYLOAD, f"the list of projects has not ended after {MAX_PAGES} pages", api=Api.IAM)


def parse(payload: Any) -> tuple[Listed, ...]:
    """The projects of a list that are enabled, with their regions; raises ApiError on any other shape.

    An account has a project for each region it uses: a list of none is no answer to go by, lest all that is watched
    silently leave the page.
    """
    items = projects_in(payload)
    if not items:
        raise ApiError(Reason.PAYLOAD, "the list of projects is empty", api=Api.IAM)
    names: dict[str, str] = {}
    for index, item in enumerate(items):
        names[text(item, "id", r"[0-9a-f]{32}", index)] = text(
            item, "name", r"[^\x00-\x1f\x7f\ud800-\udfff]{1,128}", index
        )
    return tuple(enabled(items, names))


def enabled(items: list[Any], names: dict[str, str]) -> Iterator[Listed]:
    """Each project once; the region is that of the project it belongs to, or what its own name begins with."""
    by_id = {item["id"]: item for item in items}
    for project_id, item in by_id.items():
        if item.get("enabled", True) is not False and not item.get("is_domain"):
            name, parent = names[project_id], names.get(str(item.get("parent_id")))
            region = parent or name.partition("_")[0]
            yield Listed(project_id, name, region, sub_project=region != name)


def projects_in(payload: Any) -> list[Any]:
    """The list in an answer; raises ApiError."""
    projects = payload.get("projects") if isinstance(payload, dict) else None
    if not isinstance(projects, list):
        raise ApiError(Reason.PAYLOAD, "$.projects is not a list", api=Api.IAM)
    return projects


def text(item: Any, name: str, pattern: str, index: int) -> str:
    """A text of a project; raises ApiError where it is not what it should be."""
    value = item.get(name) if isinstance(item, dict) else None
    if not isinstance(value, str) or not re.fullmatch(pattern, value):
        raise ApiError(Reason.PAYLOAD, f"$.projects[{index}].{name} is not what a project has there", api=Api.IAM)
    return value
