"""Imports point down only, pure rooms stay pure, and files and functions stay small."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "frs_exporter"
MODULES = sorted(PACKAGE.rglob("*.py"))

LAYERS = [
    ("__main__",),
    ("cli",),
    (
        *("commands.check", "commands.completion", "commands.config_example", "commands.config_schema"),
        *("commands.explain", "commands.health", "commands.simulate"),
    ),
    ("commands.serve", "commands.first_look", "report"),
    ("check",),
    ("daemon",),
    ("web_flags",),
    ("flags",),
    ("log", "hard_exit"),
    ("web",),
    ("polling.exporter",),
    ("polling.probe", "polling.reload", "polling.discovery", "polling.plan"),
    ("polling.snapshot",),
    ("polling.poller", "polling.demand"),
    ("polling.poll",),
    ("cloud.projects",),
    ("cloud.client",),
    ("cloud.auth",),
    ("cloud.keys",),
    ("cloud.metadata", "cloud.lease"),
    ("cloud.login",),
    ("cloud.transport",),
    ("cloud.connections", "cloud.proxy", "cloud.unreachable"),
    ("cloud.hold",),
    ("cloud.gate",),
    ("cloud.pauses",),
    ("exposition.telemetry",),
    ("exposition.page",),
    ("watched",),
    ("config.load",),
    ("config.source", "config.explain"),
    ("config.notices",),
    ("config.make",),
    ("config.checks", "config.http_client"),
    ("config.schema", "config.document", "config.pem"),
    ("collectors", "config.values"),
    ("exposition.render", "cloud.signing", "cloud.strict_json", "polling.schedule"),
    ("discovery",),
    ("model", "advice"),
    ("credentials",),
    ("pricing",),
    ("patterns",),
    ("errors",),
    ("steps",),
    ("redact",),
    ("background", "files", "log_writer", "output_file", "systemd"),
    ("__init__",),
]
PURE = (
    *(
        "redact",
        "errors",
        "advice",
        "model",
        "cloud.signing",
        "cloud.strict_json",
        "polling.schedule",
        "polling.demand",
        "polling.plan",
        "discovery",
        "pricing",
        "patterns",
        "collectors.tally",
        "cloud.proxy",
        "polling.snapshot",
        "steps",
        "web.view",
        "web.summary",
        "web.layout",
        "web.texts",
    ),
    *("exposition.render", "exposition.page"),
)
IMPURE = {"asyncio", "aiohttp", "time", "random", "os", "pathlib", "socket", "structlog"}


def name_of(path: Path) -> str:
    """`cloud.auth` for frs_exporter/cloud/auth.py; a package is named by its folder."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts)


def imports_of(path: Path) -> set[str]:
    """What a module imports, by full names: `frs_exporter.x`, `asyncio`."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            found.add(module)
            found.update(f"{module}.{alias.name}" for alias in node.names)
    return found


def layer_of(module: str) -> int:
    """The height of a module, 0 being the top."""
    ranks = [
        (len(entry), rank)
        for rank, layer in enumerate(LAYERS)
        for entry in layer
        if module == entry or module.startswith(f"{entry}.")
    ]
    assert ranks, f"{module} has no layer"
    return max(ranks)[1]


def package_imports(path: Path) -> set[str]:
    """The modules of the package that a module imports."""
    names = {name_of(module) for module in MODULES}
    wanted = {name.removeprefix("frs_exporter.") for name in imports_of(path) if name.startswith("frs_exporter.")}
    return wanted & names - {name_of(path)} - {"config", "cloud", "exposition", "polling", "web"}  # folders, no code


ROOMS = [path for path in MODULES if not name_of(path).startswith("simulator")]
SIMULATOR = [path for path in MODULES if name_of(path).startswith("simulator")]


@pytest.mark.parametrize("path", ROOMS, ids=name_of)
def test_imports_point_down(path: Path) -> None:
    module = name_of(path)
    for imported in package_imports(path):
        if imported == "simulator" or imported.startswith("simulator."):
            assert module == "commands.simulate", f"{module} imports {imported}"
        elif layer_of(imported) == layer_of(module):
            assert imported.split(".")[0] == module.split(".")[0], f"{module} imports {imported} beside it"
        else:
            assert layer_of(imported) > layer_of(module), f"{module} imports {imported} above it"


@pytest.mark.parametrize("path", SIMULATOR, ids=name_of)
def test_the_simulator_shares_only_the_signature(path: Path) -> None:
    others = {name for name in package_imports(path) if name.split(".")[0] != "simulator"}
    assert others <= {"cloud", "cloud.signing"}


@pytest.mark.parametrize("module", PURE)
def test_pure_rooms_know_no_clock_no_chance_and_no_world(module: str) -> None:
    path = PACKAGE / (module.replace(".", "/") + ".py")
    assert not {name.split(".")[0] for name in imports_of(path)} & IMPURE


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_files_and_functions_are_small_and_say_what_they_are_for(path: Path) -> None:
    text = path.read_text()
    tree = ast.parse(text)
    assert len(text.splitlines()) <= 300
    assert ast.get_docstring(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert (node.end_lineno or 0) - node.lineno < 40, node.name


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_what_is_public_has_a_docstring(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ClassDef):
            inner = [part for part in node.body if isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef)]
            for part in [node, *inner]:
                assert part.name.startswith("_") or ast.get_docstring(part), part.name
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert ast.get_docstring(node), node.name
