"""The projects of an account, as IAM lists them."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import NamedTuple

from frs_exporter.cloud.client import Client
from frs_exporter.cloud.strict_json import decode
from frs_exporter.cloud.transport import Response
from frs_exporter.core.credentials import StaticToken, TokenCredential
from frs_exporter.core.discovery import Discovery, Listed, Listing
from frs_exporter.core.errors import ApiError, Failure, Reason
from frs_exporter.core.model import Api, RequestScope
from frs_exporter.runtime.offload import drain, run_offloaded

# A page may have 5,000 (IAM API, iam_06_0001), but is then so long that it is read in a thread.
PER_PAGE = 500
MAX_PAGES = 200
"""Pages of which projects are taken; what one more tells is only whether there are more."""
MAX_PROJECTS = PER_PAGE * MAX_PAGES
"""Projects after which no further page is asked for."""
MAX_LIST = 32 << 20
"""Bytes of a list in one answer: a project has some 315, and MAX_PROJECTS of them are 31.5 MB."""
NAMES = frozenset({"projects", "id", "name", "parent_id", "enabled", "is_domain"})
"""What is read of a list."""
NOTHING = Listing()
"""What is known before the first look."""
NEEDED = "; to list projects, the user needs iam:projects:listProjects"


class Item(NamedTuple):
    """A project as it is listed."""

    name: str
    parent: str
    in_use: bool


Items = dict[str, Item]
"""Projects as they are listed, by id."""


async def list_projects(client: Client, rule: Discovery, before: Listing = NOTHING) -> Listing:
    """All projects that the rule's credential may see, whatever they are; raises ApiError.

    Who has a token asks `/v3/auth/projects`, which needs no permission and has no pages; a signature asks
    `/v3/projects`, which needs iam:projects:listProjects (IAM API reference). Of a list in pages MAX_PAGES are read, or
    MAX_PROJECTS projects; if there are more, what comes of it is `cut`.

    `before` is what the last look found. What a cut list lacks may be there all the same, so what the rule has watched
    and was not read now stays as it was: IAM promises no order, and a project must neither seem gone while it may be
    there, nor come and go as others are made before it. It goes when a list is read to its end without it, when it is
    read as disabled, or when others that come first by their names take its place, as in any list. Until then a project
    that was deleted fails its polls, which is told. After a restart nothing is known but what is read.
    """
    access = rule.access
    # The first lists what the user may use, the second what the account has (IAM API, iam_06_0003, iam_06_0001). Both
    # pages want a token; that a signature does for the second is seen in huaweicloudsdkcore (auth/internal.py).
    if isinstance(access.credential, TokenCredential | StaticToken):
        items, cut = await projects_at(client, access, "/v3/auth/projects"), False
    else:
        items, cut = await all_pages(client, access)
    if not items:  # an account has one for each region it uses: this must not take all that is watched from the page
        raise ApiError(Failure(Reason.PAYLOAD, "the list of projects is empty", api=Api.IAM))
    try:
        return await run_offloaded(listing, items, cut, rule, before)
    except OSError as error:
        message = f"no thread to read the list of projects in: {error}"
        raise ApiError(Failure(Reason.INTERNAL, message, api=Api.IAM)) from None


async def projects_at(client: Client, access: RequestScope, path: str) -> Items:
    """The projects of one answer; raises ApiError."""
    items: Items = await client.get(access, Api.IAM, path, read=read_items, max_body=MAX_LIST)
    return items


async def all_pages(client: Client, access: RequestScope) -> tuple[Items, bool]:
    """The projects of page after page, and whether there are more: until a page brings none that is new.

    A page may be shorter than asked for. Pages that repeat themselves end the list, too.
    """
    items: Items = {}
    for page in range(1, MAX_PAGES + 2):
        try:
            # `page` and `per_page` count only together (IAM API, iam_06_0001).
            projects = await projects_at(client, access, f"/v3/projects?page={page}&per_page={PER_PAGE}")
        except ApiError as error:
            if error.failure.reason is not Reason.FORBIDDEN or error.failure.lacks:
                raise
            raise ApiError(replace(error.failure, message=error.failure.message + NEEDED)) from None
        if projects.keys() <= items.keys():
            return items, False
        if len(items) >= MAX_PROJECTS:
            break
        if page <= MAX_PAGES:
            items.update(projects)
    return items, True


def read_items(raw: Response) -> Items:
    """The projects in an answer; raises ValueError where it is no JSON, ApiError where they are not as projects are."""
    data = decode(raw.data, NAMES)
    projects = data.get("projects") if isinstance(data, dict) else None
    if not isinstance(projects, list):
        raise ApiError(Failure(Reason.PAYLOAD, "$.projects is not a list", api=Api.IAM))
    items: Items = {}
    parents: dict[str, str] = {}
    for index, item in enumerate(projects):
        project_id, name = (item.get("id"), item.get("name")) if isinstance(item, dict) else (None, None)
        if not isinstance(project_id, str) or not re.fullmatch(r"[0-9a-f]{32}", project_id):
            raise ApiError(Failure(Reason.PAYLOAD, f"$.projects[{index}].id is not 32 hexadecimal digits", api=Api.IAM))
        if not isinstance(name, str) or not name.isprintable() or not 1 <= len(name) <= 128:
            raise ApiError(
                Failure(Reason.PAYLOAD, f"$.projects[{index}].name, of {project_id}, is no name", api=Api.IAM)
            )
        parent = str(item.get("parent_id"))
        in_use = item.get("enabled", True) is not False and not item.get("is_domain")
        items[project_id] = Item(name, parents.setdefault(parent, parent), in_use)
        projects[index] = None  # a long list that is let go of at once would keep everybody waiting
    return items


def listing(items: Items, cut: bool, rule: Discovery, before: Listing) -> Listing:
    """What is known after a look, which takes the `items`.

    A project that is as before is the very one of before: two lists of the same ones are quickly compared.
    """
    known = {project.project_id: project for project in before.projects}
    projects = [old if (old := known.get(new.project_id)) == new else new for new in enabled(items, known, cut)]
    if cut:
        watched, _ = rule.meant(before.projects)
        projects += (project for project in watched if project.project_id not in items)
    drain(known)  # here, and not on the loop
    drain(items)
    return Listing(tuple(projects), cut)


def enabled(items: Items, known: Mapping[str, Listed], cut: bool) -> Iterator[Listed]:
    """The projects in use; the region is the name of the one that they belong to, or what their own begins with."""
    for project_id, item in items.items():
        if item.in_use:
            # The parent of a region's own project is the account, of a sub-project that project (IAM API, iam_06_0001).
            # If that is not in the list, the name is all there is: cn-north-4_abc. It may stand behind a cut.
            parent, old = items.get(item.parent), known.get(project_id)
            if parent:
                region = parent.name
            elif cut and old and old.name == item.name:
                region = old.region
            else:
                region = item.name.partition("_")[0]
            yield Listed(project_id, item.name, region, sub_project=region != item.name)
