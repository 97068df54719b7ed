"""`python -m tests.benchmarks.memory`: where the memory goes, by what is imported, and by type for each project.

`--projects=N` says how many are polled for the second table.
"""

import argparse
import asyncio
import gc
import subprocess
import sys
import types
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import aiohttp

from frs_exporter.config.load import load
from frs_exporter.config.source import Source
from frs_exporter.exposition.telemetry import Telemetry
from frs_exporter.polling.exporter import Exporter
from tests.benchmarks.processes import resident
from tests.benchmarks.whole import cloud, config

IMPORTS = (
    *("asyncio", "aiohttp", "aiohttp.web", "frs_exporter.runtime.log", "click", "yaml", "pydantic"),
    *("prometheus_client", "isal.isal_zlib", "frs_exporter.cli.serve", "re2", "bcrypt", "jinja2"),
    *("frs_exporter.web.status_page", "rich.table", "frs_exporter.cli.check", "frs_simulator"),
)
"""In the order of a start, and after `serve` what is imported only by those who use it."""
SHARED = (type, types.ModuleType, types.FunctionType, types.BuiltinFunctionType, types.CodeType, types.MethodType)
"""Programs are not of any project."""
