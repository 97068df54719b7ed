"""What the process itself does so that its secrets stay in it, and what whoever runs it could do better."""

import os
from collections.abc import Iterator

try:
    import resource
except ImportError:  # Windows has no such limits, and no core dumps
    HAS_LIMITS = False
else:
    HAS_LIMITS = True

ROOT = (
    "runs as root (uid 0), which it never needs: whoever broke into it would have the whole machine or container; "
    "give it a user of its own (systemd: DynamicUser=yes or User=; a container: user 65534)"
)
CORE_DUMPS = (
    "core dumps are on: after a crash passwords, keys and tokens would stand in a file; "
    "turn them off (systemd: LimitCORE=0; a shell: ulimit -c 0; docker: --ulimit core=0)"
)


def forbid_core_dumps() -> None:
    """Have the system write no core dump of this process: all secrets would be in it.

    The soft limit alone, which systemd-coredump and apport heed, too (core(5)); where a filter forbids it, it stays.
    """
    if HAS_LIMITS and has_core_dumps():
        try:
            resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
        except (OSError, ValueError):
            return  # `process_notices` tells of it


def has_core_dumps() -> bool:
    """Whether a crash would leave a core dump."""
    return HAS_LIMITS and resource.getrlimit(resource.RLIMIT_CORE)[0] != 0


def descriptor_limit() -> int | None:
    """How many files and sockets the process may have open at once; None where nothing says so."""
    if not HAS_LIMITS:
        return None
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return None if limit == resource.RLIM_INFINITY else limit


def process_notices() -> Iterator[str]:
    """What puts secrets at risk in how this process was started, a line each."""
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        yield ROOT
    if has_core_dumps():
        yield CORE_DUMPS
