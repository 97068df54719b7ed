"""The projects of an account, as IAM lists them."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from frs_exporter.cloud.client import Client
from frs_exporter.core.credentials import StaticToken, TokenCredential
from frs_exporter.core.discovery import Listed
from frs_exporter.core.errors import ApiError, Failure, Reason
from frs_exporter.core.model import Api, RequestScope

# A page may have 5,000 (IAM API, iam_06_0001), but could then be longer than transport's MAX_BODY.
PER_PAGE = 500
MAX_PAGES = 200
"""A list that never ends is none."""
NEEDED = "; to list projects, the user needs iam:projects:listProjects"

Items = Mapping[str, Mapping[str, Any]]
"""Projects as they are listed, by id."""


async def list_projects(client: Client, access: RequestScope) -> tuple[Listed, ...]:
    """All projects that the credential may see, whatever they are; raises ApiError.

    Who has a token asks `/v3/auth/projects`, which needs no permission and has no pages; a signature asks
    `/v3/projects`, which needs iam:projects:listProjects (IAM API reference).
    """
    # The first lists what the user may use, the second what the account has (IAM API, iam_06_0003, iam_06_0001). Both
    # pages want a token; that a signature does for the second is seen in huaweicloudsdkcore (auth/internal.py).
    if isinstance(access.credential, TokenCredential | StaticToken):
        items = items_of(await client.get(access, Api.IAM, "/v3/auth/projects"))
    else:
        items = await all_pages(client, access)
    if not items:  # an account has one for each region it uses: this must not take all that is watched from the page
        raise ApiError(Failure(Reason.PAYLOAD, "the list of projects is empty", api=Api.IAM))
    return tuple(enabled(items))


async def all_pages(client: Client, access: RequestScope) -> Items:
    """The projects of page after page, until one brings none that is new: a page may be shorter than asked for."""
    items: dict[str, Mapping[str, Any]] = {}
    for page in range(1, MAX_PAGES + 1):
        try:
            # `page` and `per_page` count only together (IAM API, iam_06_0001).
            projects = items_of(await client.get(access, Api.IAM, f"/v3/projects?page={page}&per_page={PER_PAGE}"))
        except ApiError as error:
            if error.failure.reason is not Reason.FORBIDDEN or error.failure.lacks:
                raise
            raise ApiError(replace(error.failure, message=error.failure.message + NEEDED)) from None
        if projects.keys() <= items.keys():
            return items
        items.update(projects)
    raise ApiError(Failure(Reason.PAYLOAD, f"the list of projects has not ended after {MAX_PAGES} pages", api=Api.IAM))


def items_of(data: Any) -> Items:
    """The projects in an answer; raises ApiError where they are not what projects are."""
    projects = data.get("projects") if isinstance(data, dict) else None
    if not isinstance(projects, list):
        raise ApiError(Failure(Reason.PAYLOAD, "$.projects is not a list", api=Api.IAM))
    items = {}
    for index, item in enumerate(projects):
        project_id, name = (item.get("id"), item.get("name")) if isinstance(item, dict) else (None, None)
        if not isinstance(project_id, str) or not re.fullmatch(r"[0-9a-f]{32}", project_id):
            raise ApiError(Failure(Reason.PAYLOAD, f"$.projects[{index}].id is not 32 hexadecimal digits", api=Api.IAM))
        if not isinstance(name, str) or not name.isprintable() or not 1 <= len(name) <= 128:
            raise ApiError(
                Failure(Reason.PAYLOAD, f"$.projects[{index}].name, of {project_id}, is no name", api=Api.IAM)
            )
        items[project_id] = item
    return items


def enabled(items: Items) -> Iterator[Listed]:
    """The projects in use; the region is the name of the one that they belong to, or what their own begins with."""
    for project_id, item in items.items():
        if item.get("enabled", True) is not False and not item.get("is_domain"):
            # The parent of a region's own project is the account, of a sub-project that project (IAM API, iam_06_0001).
            # If that is not in the list, the name is all there is: cn-north-4_abc.
            parent = items.get(str(item.get("parent_id")))
            region = parent["name"] if parent else item["name"].partition("_")[0]
            yield Listed(project_id, item["name"], region, sub_project=region != item["name"])
