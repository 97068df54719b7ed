"""Where the vendor's own clients are told that a service is, if not at its usual address.

Source: huaweicloudsdkcore, region/provider.py and region/cache.py. The environment comes before the file.
"""

import os
from typing import Any

import yaml

from frs_exporter.config.depth import check_depth
from frs_exporter.config.sdk_chain import Environment, home_file
from frs_exporter.config.yaml import MAX_FILE
from frs_exporter.runtime.files import decode_text, read_file, reason_of

PREFIX = "HUAWEICLOUD_SDK_REGION"
FILE, USUAL_FILE = "HUAWEICLOUD_SDK_REGIONS_FILE", ".huaweicloud/regions.yaml"


def region_endpoint(service: str, region: str, environment: Environment) -> tuple[str, str] | None:
    """The first endpoint of a service in a region, and where it is told; None for the usual one.

    Raises ValueError where the file cannot be used.
    """
    variable = f"{PREFIX}_{service}_{region}".upper().replace("-", "_")
    if where := environment.get(variable):
        return where.split(",")[0].strip(), variable
    file = home_file(environment, FILE, USUAL_FILE)
    if file is None or not os.path.exists(file):
        return None
    try:
        text = decode_text(read_file(file, MAX_FILE))
        check_depth(text)
        document = yaml.load(text, Loader=yaml.BaseLoader)  # noqa: S506  # all is text, so no tag can make it fail
    except (OSError, ValueError, yaml.YAMLError) as error:
        why = "it is not YAML" if isinstance(error, yaml.YAMLError) else reason_of(error)
        raise ValueError(f"{file}: {why}") from None
    found = endpoint_in(document, service, region)
    return (found, str(file)) if found else None


def endpoint_in(document: Any, service: str, region: str) -> str | None:
    """The first endpoint in a file of regions; what has another shape than it should says nothing."""
    services = document.items() if isinstance(document, dict) else ()
    for entries in (value for name, value in services if str(name).upper() == service and isinstance(value, list)):
        for entry in entries:
            if isinstance(entry, dict) and entry.get("id") == region:
                several = entry.get("endpoints")
                endpoints = [*(several if isinstance(several, list) else ()), entry.get("endpoint")]
                return next((endpoint for endpoint in endpoints if isinstance(endpoint, str) and endpoint), None)
    return None
