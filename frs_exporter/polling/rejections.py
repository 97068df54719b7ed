"""The secrets that the cloud refuses, as people are told of them."""

from frs_exporter.cloud.client import Client
from frs_exporter.status.snapshot import RefusedSecret


def refused_secrets(client: Client, offset: float) -> dict[str, RefusedSecret]:
    """The secrets that are held, by the names of their credentials; `offset` is the wall clock's against the loop's."""
    return {
        name: RefusedSecret(it.failure, None if it.since is None else it.since + offset, it.until + offset)
        for name, it in client.rejections().items()
    }
