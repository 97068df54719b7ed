"""The config of a large fleet: many credentials, and for each project all that a project may have."""

from typing import Any

import yaml

from frs_simulator.world import digest

PER_CREDENTIAL = 20


def fleet(projects: int) -> dict[str, Any]:
    """A config of so many projects; nobody is where they are asked for."""
    return {
        "defaults": {"poll_interval": "1h", "require": ["detect"]},
        "credentials": {
            f"keys-{number:05}": {"ak_sk": {"access_key": f"AK{number:05}", "secret_key": f"sk-{number}"}}
            for number in range(-(-projects // PER_CREDENTIAL))
        },
        "projects": [project(number) for number in range(projects)],
        "endpoints": dict.fromkeys(("frs", "iam", "ces"), "http://127.0.0.1:9"),
    }


def project(number: int) -> dict[str, Any]:
    """One of them."""
    return {
        "name": f"fleet-{number:05}",
        "project_id": digest("fleet", str(number)),
        "region": "cn-north-4",
        "credential": f"keys-{number // PER_CREDENTIAL:05}",
        "collectors": ["subscription", "face_sets", "cloud_eye"],
        "require": ["detect", "compare", "search"],
        "month_budget_cny": 500,
        "labels": {"team": f"team-{number % 50}", "env": "prod"},
    }


def written(config: dict[str, Any]) -> str:
    """A config as YAML."""
    dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    return str(yaml.dump(config, Dumper=dumper, sort_keys=False))
