"""`python -m tests.benchmarks.shards`: what ten shards would do with 100,000 projects, by the plan of each.

Exits with 1 where a shard is beyond what one may take, or the shards together ask a gate for more than it lets through.
"""

import sys
from collections import Counter, defaultdict
from dataclasses import replace

from frs_exporter.cli.adhoc import build_config
from frs_exporter.cli.plan import fleet_of
from frs_exporter.core.model import Api
from frs_exporter.core.schedule import Shard
from frs_exporter.polling.forecast import BUSY, VICTORIA, forecast
from frs_exporter.polling.plan import plan

SHARE = 0.05
"""A shard may have so much more or less than its part."""


def main(projects: int = 100_000, shards: int = 10, credentials: int = 400) -> bool:
    """Print a row for each shard; whether all is well."""
    config = build_config(fleet_of(projects, credentials, ("subscription",), "1m"))
    owners, well = Counter[str](), True
    asked: defaultdict[str, float] = defaultdict(float)
    heads = ("shard", "projects", "polls/min", "slower", "first round", "% core", "MiB", "page MB")
    print("".join(f"{head:>12}" for head in heads))
    for index in range(shards):
        wanted = plan(config, {}, Shard(index, shards))
        own = replace(config, targets=tuple(job.target for job in wanted.jobs), limits=wanted.limits)
        known = forecast(own)
        owners.update(job.target.project for job in wanted.jobs)
        for demand in known.demands:
            asked[demand.credential] += min(demand.wanted, demand.allowed)
        polls = 60 * sum(min(demand.wanted, demand.allowed) for demand in known.demands)
        slower = sum(len(demand.jobs) for demand in known.demands if demand.exceeds)
        memory = known.process + known.memory
        print(
            f"{index:>12}{known.projects:>12,}{polls:>12,.0f}{slower:>12,}{known.first_round:>12.0f}"
            f"{known.cpu:>12.2f}{memory:>12.0f}{known.page / 1e6:>12.1f}"
        )
        equal = abs(known.projects / (projects / shards) - 1) <= SHARE
        well = well and equal and known.cpu <= BUSY and known.page <= VICTORIA
    allowed = config.limits[Api.FRS].rate
    most = max(asked.values())
    print(f"{len(owners):,} projects, each of one shard: {owners.total() == len(owners) == projects}")
    print(f"of one credential all shards ask {60 * most:.0f} times a minute at most, and may {60 * allowed:.0f} times")
    return well and owners.total() == len(owners) == projects and most <= allowed * (1 + 1e-9)


if __name__ == "__main__":
    sys.exit(0 if main() else 1)
