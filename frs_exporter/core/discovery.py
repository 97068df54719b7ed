"""Discovery: a rule, what IAM lists, and the targets that come of both (pure)."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from heapq import nsmallest

from frs_exporter.core.model import Api, RequestScope, Target
from frs_exporter.core.regex import pattern
from frs_exporter.core.site import ANY_REGION

FRS_REGIONS = ("cn-north-4", "cn-north-1", "cn-east-3", "cn-south-1", "ap-southeast-1", "ap-southeast-2")
"""Where FRS is (face_02_0057, 2022-11-22; the vendor's SDK 3.1.219 for cn-north-1)."""
PLACEHOLDERS = ("project_name", "project_id", "region", "credential")
"""What a name template may hold, in braces."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A project as IAM lists it; `region` is its own name, or that of the project it is a sub-project of."""

    project_id: str
    name: str
    region: str
    sub_project: bool


@dataclass(frozen=True, slots=True)
class Listing:
    """What is known of an account's projects after a look; `cut` says that IAM lists more than were read.

    That a project is missing in a cut list proves nothing: it may stand where nobody has read.
    """

    projects: tuple[Listed, ...] = ()
    cut: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Discovery:
    """A rule: whose projects are looked for, which of them are meant, and what they are asked.

    `template` is a target for each of them but for its name, id and region; its endpoints have `{region}` in them.
    `include` and `exclude` are for whole names; `refresh_interval` is in seconds. Of more than `max_projects` the first
    by their names in IAM are watched: a list that grows without end must not take all memory.
    """

    name: str
    template: Target
    regions: tuple[str, ...] = FRS_REGIONS
    include: str = ".*"
    exclude: str = ""
    sub_projects: bool = True
    name_template: str = "{project_name}"
    refresh_interval: float = 600.0
    max_projects: int = 10_000

    @property
    def access(self) -> RequestScope:
        """How the list is asked for: in the name of the account, where the first region's IAM is."""
        return RequestScope(
            project=self.template.project,
            project_id="",
            credential=self.template.credential,
            endpoints=endpoints_in(self.regions[0], self.template.endpoints),
            poll_timeout=self.template.poll_timeout,
            http=self.template.http,
        )

    def targets(self, projects: Iterable[Listed]) -> Iterator[Target]:
        """The targets of projects that are meant, in the order of the list; those of a region share its endpoints."""
        endpoints = {region: endpoints_in(region, self.template.endpoints) for region in self.regions}
        for project in projects:
            yield replace(
                self.template,
                project=self._name(project),
                project_id=project.project_id,
                region=project.region,
                endpoints=endpoints[project.region],
            )

    def meant(self, projects: Iterable[Listed]) -> tuple[list[Listed], int]:
        """The projects that are meant and watched, and how many more are meant."""
        meant = [project for project in projects if self._means(project)]
        if len(meant) <= self.max_projects:
            return meant, 0
        # The same ones, in whatever order IAM lists them.
        first = nsmallest(self.max_projects, meant, key=lambda project: (project.name, project.project_id))
        return first, len(meant) - self.max_projects

    def _means(self, project: Listed) -> bool:
        return (
            project.region in self.regions
            and (self.sub_projects or not project.sub_project)
            and bool(pattern(self.include).fullmatch(project.name))
            and not (self.exclude and pattern(self.exclude).fullmatch(project.name))
        )

    def _name(self, project: Listed) -> str:
        facts = (project.name, project.project_id, project.region, self.template.credential.name)
        values = dict(zip(PLACEHOLDERS, facts, strict=True))
        return re.sub(r"\{(\w+)\}", lambda match: values[match[1]], self.name_template)


def endpoints_in(region: str, templates: Mapping[Api, str]) -> dict[Api, str]:
    """The endpoints of a region."""
    return {api: url.replace(ANY_REGION, region) for api, url in templates.items()}
