"""`python -m tests.benchmarks.shards`: what ten shards would do with 100,000 projects, by the plan of each.

Limits are divided by the shards, and a credential's projects are not the same number in each: so in some a gate is
asked for more than its part, and polls come later there. Exits with 1 where a shard is beyond what one may take,
samples would go stale between polls, or the shards together want more of a credential than it may.
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
    heads = ("shard", "projects", "polls/min", "slower", "interval", "first round", "% core", "MiB", "page MB")
    print("".join(f"{head:>12}" for head in heads))
    for index in range(shards):
        wanted = plan(config, {}, Shard(index, shards))
        own = replace(config, targets=tuple(job.target for job in wanted.jobs), limits=wanted.limits)
        known = forecast(own)
        owners.update(job.target.project for job in wanted.jobs)
        for demand in known.demands:
            asked[demand.credential] += demand.wanted
        polls = 60 * sum(min(demand.wanted, demand.allowed) for demand in known.demands)
        slower = sum(len(demand.jobs) for demand in known.demands if demand.exceeds)
        slowest = max(demand.interval for demand in known.demands)
        stale = min(job.target.display.stale_after - job.target.poll_timeout for job in wanted.jobs)
        memory = known.memory_of(1)
        print(
            f"{index:>12}{known.projects:>12,}{polls:>12,.0f}{slower:>12,}{slowest:>12.0f}{known.first_round:>12.0f}"
            f"{known.cpu:>12.2f}{memory:>12.0f}{known.page / 1e6:>12.1f}"
        )
        equal = abs(known.projects / (projects / shards) - 1) <= SHARE
        well = well and equal and slowest <= stale and known.cpu <= BUSY and known.page <= VICTORIA
    allowed = config.limits[Api.FRS].rate
    most = max(asked.values())
    print(f"{len(owners):,} projects, each of one shard: {owners.total() == len(owners) == projects}")
    print(f"requests a minute of the busiest credential: {60 * most:.0f} of {60 * allowed:.0f} that it may make")
    return well and owners.total() == len(owners) == projects and most <= allowed * (1 + 1e-9)


if __name__ == "__main__":
    sys.exit(0 if main() else 1)
