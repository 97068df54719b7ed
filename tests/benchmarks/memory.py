"""`python -m tests.benchmarks.memory`: where the memory goes, by what is imported, and by type for each project.

`--projects=N` says how many are polled for the second table.
"""

import types

IMPORTS = (
    *("asyncio", "aiohttp", "aiohttp.web", "frs_exporter.runtime.log", "click", "yaml", "pydantic"),
    *("prometheus_client", "isal.isal_zlib", "frs_exporter.cli.serve", "re2", "bcrypt", "jinja2"),
    *("frs_exporter.web.status_page", "rich.table", "frs_exporter.cli.check", "frs_simulator"),
)
"""In the order of a start, and after `serve` what is imported only by those who use it."""
SHARED = (type, types.ModuleType, types.FunctionType, types.BuiltinFunctionType, types.CodeType, types.MethodType)
"""Programs are not of any project."""
