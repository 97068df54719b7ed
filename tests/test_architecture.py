"""Imports point down only, pure modules stay pure, and files and functions stay small."""

import ast
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE, SIMULATOR = ROOT / "frs_exporter", ROOT / "frs_simulator"
MODULES = sorted(PACKAGE.rglob("*.py"))
SIMULATORS = sorted(SIMULATOR.rglob("*.py"))

RANKS = (
    ("cli",),
    ("web",),
    ("polling",),
    ("cloud", "config", "status"),
    ("exposition", "collectors", "runtime"),
    ("core",),
)
"""The packages from top to bottom; those of one rank do not know each other."""
CLOUD = (
    ("projects",),
    ("client",),
    ("auth", "account_ids"),
    ("temporary_keys",),
    ("ak_sk", "lease", "agency", "first_of", "metadata", "oidc", "pod_identity"),
    ("key_services", "tokens"),
    ("iam",),
    ("transport",),
    ("sessions", "network_errors", "guard"),
    ("connector", "gate", "lockout", "memory"),
    ("memory_entry", "attempt_line"),
    ("bodies", "clock_skew", "cooldown", "lockout_state", "proxy", "signing", "socks", "strict_json"),
)
"""The same within the package that protects accounts."""
PURE = (
    *(
        "cloud.clock_skew",
        "cloud.lockout",
        "cloud.lockout_state",
        "cloud.memory_entry",
        "cloud.proxy",
        "cloud.signing",
        "cloud.socks",
        "cloud.strict_json",
        "collectors.cloud_eye.tally",
    ),
    *(
        "core.alerts",
        "core.discovery",
        "core.errors",
        "core.explanations",
        "core.hints",
        "core.http_options",
        "core.model",
        "core.pasted",
    ),
    *("core.past_polls", "core.pricing", "core.redact", "core.regex", "core.site"),
    *("core.schedule", "core.trace", "exposition.page", "exposition.render", "polling.capacity", "polling.plan"),
    *(
        "status.account_troubles",
        "status.failure_view",
        "status.history",
        "status.i18n",
        "status.samples",
        "status.snapshot",
    ),
    *("status.subscription_view", "status.summary", "status.trouble_words", "status.verdict", "status.view"),
    "web.layout",
    *("web.peers", "web.slots"),
)
IMPURE = {"asyncio", "aiohttp", "time", "random", "os", "pathlib", "socket", "structlog"}


def name_of(path: Path) -> str:
    """`cloud.auth` for frs_exporter/cloud/auth.py; a package is named by its folder."""
    package = SIMULATOR if SIMULATOR in path.parents else PACKAGE
    parts = path.relative_to(package).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts)


NAMES = {name_of(module) for module in MODULES}


@cache
def tree_of(path: Path) -> ast.Module:
    """What is in a module; many tests look at each."""
    return ast.parse(path.read_text())


@cache
def imports_of(path: Path) -> frozenset[str]:
    """What a module imports, by full names: `frs_exporter.x`, `asyncio`."""
    found: set[str] = set()
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            found.add(module)
            found.update(f"{module}.{alias.name}" for alias in node.names)
    return frozenset(found)


def own_imports(path: Path) -> set[str]:
    """The modules of the package that a module imports."""
    found = {name.removeprefix("frs_exporter.") for name in imports_of(path) if name.startswith("frs_exporter.")}
    return found & NAMES - {name_of(path)}


def rank_of(name: str, ranks: tuple[tuple[str, ...], ...]) -> int:
    """The rank of a package or module, 0 being the top; raises LookupError for one that has none."""
    return next(rank for rank, names in enumerate(ranks) if name in names)


@pytest.mark.parametrize("path", [path for path in MODULES if path.parent != PACKAGE], ids=name_of)
def test_imports_point_down(path: Path) -> None:
    package, *rest = name_of(path).split(".")
    for imported in own_imports(path):
        other, *inner = imported.split(".")
        if other != package:
            assert rank_of(other, RANKS) > rank_of(package, RANKS), f"{name_of(path)} imports {imported}"
        elif package == "cloud" and rest and inner:
            higher = rank_of(inner[0], CLOUD) > rank_of(rest[0], CLOUD)
            assert higher, f"{name_of(path)} imports {imported}"


def test_no_imports_go_in_a_circle() -> None:
    """Within a package, too; that of a package is what its `__init__` imports."""
    list(TopologicalSorter({name_of(path): own_imports(path) for path in MODULES}).static_order())


def test_every_package_has_a_rank() -> None:
    folders = {path.name for path in PACKAGE.iterdir() if (path / "__init__.py").is_file()}
    assert folders == {name for names in RANKS for name in names}


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_the_simulator_is_known_to_the_demo_alone(path: Path) -> None:
    known = any(name.split(".")[0] == "frs_simulator" for name in imports_of(path))
    assert known == (name_of(path) == "cli.simulate")


@pytest.mark.parametrize("path", SIMULATORS, ids=name_of)
def test_the_simulator_shares_only_the_signature(path: Path) -> None:
    others = {name for name in imports_of(path) if name.split(".")[0] == "frs_exporter"}
    assert others <= {"frs_exporter.cloud", "frs_exporter.cloud.signing"}


@pytest.mark.parametrize("module", PURE)
def test_pure_modules_know_no_clock_no_chance_and_no_world(module: str) -> None:
    path = PACKAGE / (module.replace(".", "/") + ".py")
    assert not {name.split(".")[0] for name in imports_of(path)} & IMPURE


@pytest.mark.parametrize("path", [*MODULES, *SIMULATORS], ids=name_of)
def test_files_and_functions_are_small_and_say_what_they_are_for(path: Path) -> None:
    tree = tree_of(path)
    assert len(path.read_text().splitlines()) <= 300
    assert ast.get_docstring(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert (node.end_lineno or 0) - node.lineno < 40, node.name


def attributes(node: ast.ClassDef) -> set[str]:
    """What a class gives its objects, in whichever of its methods."""
    stored = (part for part in ast.walk(node) if isinstance(part, ast.Attribute) and isinstance(part.ctx, ast.Store))
    return {part.attr for part in stored if isinstance(part.value, ast.Name) and part.value.id == "self"}


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_objects_are_small(path: Path) -> None:
    """Telemetry is the list of the exporter's own metrics: an attribute for each, and no rule about them."""
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.ClassDef) and node.name != "Telemetry":
            assert len(attributes(node)) <= 10, node.name


@pytest.mark.parametrize("path", [*MODULES, *SIMULATORS], ids=name_of)
def test_what_is_public_has_a_docstring(path: Path) -> None:
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.ClassDef):
            inner = [part for part in node.body if isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef)]
            for part in [node, *inner]:
                assert part.name.startswith("_") or ast.get_docstring(part), part.name
    for node in tree_of(path).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert ast.get_docstring(node), node.name
