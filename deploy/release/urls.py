"""The addresses in the metadata: of the repository on GitHub that REPOSITORY_URL names, or none. For hatchling."""

import os
import re
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

PAGES = {
    "Homepage": "",
    "Documentation": "/blob/HEAD/docs/README.md",
    "Changelog": "/blob/HEAD/CHANGELOG.md",
    "Issues": "/issues",
    "Security": "/security/policy",
}


def repository() -> str:
    """The address of the repository, empty where none is named; raises ValueError if it is no address of one."""
    url = os.environ.get("REPOSITORY_URL", "").rstrip("/")
    if url and not re.fullmatch(r"https://[\w.-]+(?::\d+)?(?:/[\w.-]+)+", url):
        raise ValueError(f"REPOSITORY_URL is not like https://github.com/OWNER/REPOSITORY: {url}")
    return url


class RepositoryUrls(MetadataHookInterface):
    """The project's `urls`, which are another repository's in each fork."""

    def update(self, metadata: dict[str, Any]) -> None:
        url = repository()
        metadata["urls"] = {name: url + page for name, page in PAGES.items()} if url else {}
