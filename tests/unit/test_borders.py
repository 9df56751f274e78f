"""Who may import whom, and what must not be imported before the first frame is drawn."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

import tui

# Where the packages are: the checkout, or where they are installed.
ROOT = Path(tui.__file__).parents[1]
HEAVY = (
    "openai",
    "starlette",
    "uvicorn",
    "sqlalchemy",
    "aiosqlite",
    "pydantic",
    "keyring",
    "httpx2",
    "httpx",
    "numpy",
    "mcp",
    "jupyter_client",
)


@dataclass(frozen=True)
class Import:
    """One import statement: where it stands, what it names, and whether it runs on import."""

    module: str
    names: str
    line: int
    at_start: bool

    def __str__(self) -> str:
        return f"{self.module}:{self.line} imports {self.names}"


def modules(*folders: str) -> Iterator[tuple[str, Path]]:
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts), path


def imports_of(module: str, path: Path) -> list[Import]:
    """Every import, also inside functions; those for type checkers alone are left out."""
    found: list[Import] = []

    def walk(node: ast.AST, at_start: bool) -> None:
        if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
            for child in node.orelse:
                walk(child, at_start)
            return
        if isinstance(node, ast.Import):
            found.extend(Import(module, each.name, node.lineno, at_start) for each in node.names)
        elif isinstance(node, ast.ImportFrom):
            origin = resolved(module, path, node)
            # "from services import records" imports services.records.
            for each in node.names:
                inner = f"{origin}.{each.name}"
                name = inner if is_module(inner) else origin
                found.append(Import(module, name, node.lineno, at_start))
        inside = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        for child in ast.iter_child_nodes(node):
            walk(child, at_start and not inside)

    walk(ast.parse(path.read_text(encoding="utf-8")), True)
    return found


def resolved(module: str, path: Path, node: ast.ImportFrom) -> str:
    if not node.level:
        return node.module or ""
    package = module.split(".") if path.name == "__init__.py" else module.split(".")[:-1]
    base = package[: len(package) - node.level + 1]
    return ".".join([*base, *([node.module] if node.module else [])])


def is_module(name: str) -> bool:
    path = ROOT.joinpath(*name.split("."))
    return path.with_suffix(".py").exists() or (path / "__init__.py").exists()


def begins(name: str, *prefixes: str) -> bool:
    return any(name == prefix or name.startswith(f"{prefix}.") for prefix in prefixes)


ALL = [each for module, path in modules("tui", "services") for each in imports_of(module, path)]
TUI = [each for each in ALL if begins(each.module, "tui")]
ENGINE = [each for each in ALL if begins(each.module, "services.engine")]
CLIENT = [each for each in ALL if begins(each.module, "services") and each not in ENGINE]

THE_DOOR = ("services.workspace", "services.records", "services.events")
BEHIND_THE_COMMANDS = ("services.headless", "services.serve", "services.log")
KNOWS_THE_ENGINE = ("services.connection.embedded", "services.serve")
TUI_LIBRARIES = {"textual", "rich", "markdown_it", "pygments"}


def test_there_is_something_to_look_at() -> None:
    assert TUI
    assert ENGINE
    assert CLIENT


def test_the_terminal_part_enters_services_by_the_door_alone() -> None:
    wrong = [
        str(each)
        for each in TUI
        if begins(each.names, "services")
        and each.names not in THE_DOOR
        and not (each.module == "tui.cli" and each.names in BEHIND_THE_COMMANDS)
    ]
    assert wrong == []


def test_the_terminal_part_uses_terminal_libraries_alone() -> None:
    allowed = TUI_LIBRARIES | sys.stdlib_module_names | {"tui", "services"}
    assert [str(each) for each in TUI if each.names.split(".")[0] not in allowed] == []


def test_services_know_nothing_of_the_screen() -> None:
    services = CLIENT + ENGINE
    screen = ("textual", "rich", "tui")
    assert [str(each) for each in services if begins(each.names, *screen)] == []


def test_the_client_side_knows_the_engine_in_two_places_alone() -> None:
    wrong = [
        str(each)
        for each in CLIENT
        if begins(each.names, "services.engine") and each.module not in KNOWS_THE_ENGINE
    ]
    assert wrong == []


def test_the_engine_knows_nothing_of_the_client_side() -> None:
    wrong = [
        str(each)
        for each in ENGINE
        if begins(each.names, "services") and not begins(each.names, "services.engine")
    ]
    assert wrong == []


# -- nothing heavy at import ---------------------------------------------------------------------


@cache
def loaded_by(module: str) -> set[str]:
    """The modules of ours that importing ``module`` imports, itself among them."""
    own: dict[str, set[str]] = {}
    for each in ALL:
        if each.at_start and begins(each.names, "tui", "services"):
            own.setdefault(each.module, set()).add(each.names)
    seen: set[str] = set()
    waiting = [module]
    while waiting:
        current = waiting.pop()
        if current in seen:
            continue
        seen.add(current)
        parent = current.rpartition(".")[0]
        waiting.extend(own.get(current, set()) | ({parent} if parent else set()))
    return seen


LIGHT = [module for module, _ in modules("tui")] + [
    "services.workspace",
    "services.records",
    "services.events",
    "services.log",
    "services.headless",
    "services.serve",
]


@pytest.mark.parametrize("module", LIGHT)
def test_importing_it_imports_nothing_heavy(module: str) -> None:
    reached = loaded_by(module)
    wrong = [
        str(each)
        for each in ALL
        if each.module in reached and each.at_start and begins(each.names, *HEAVY)
    ]
    assert wrong == []


def test_the_command_line_draws_in_no_screen_before_the_command_is_known() -> None:
    wrong = [
        str(each)
        for each in ALL
        if each.module in loaded_by("tui.cli")
        and each.at_start
        and begins(each.names, "textual", "rich", "services", "asyncio")
    ]
    assert wrong == []


# -- no import runs up ---------------------------------------------------------------------------

FLOORS = (
    # Each floor may use the ones after it. Parts on one floor may use each other.
    ("services.engine.app",),
    ("services.engine.access", "services.engine.http_connection"),
    ("services.engine.guard", "services.engine.routes", "services.engine.strict"),
    ("services.engine.engine",),
    ("services.engine.runs",),
    ("services.engine.tools",),
    ("services.engine.retrieval", "services.engine.sandbox"),
    ("services.engine.models", "services.engine.store"),
    (
        "services.engine.schemas",
        "services.engine.settings",
        "services.engine.errors",
        "services.engine.ids",
    ),
)


def floor_of(name: str) -> int | None:
    for number, parts in enumerate(FLOORS):
        if begins(name, *parts):
            return number
    return None


def test_every_part_of_the_engine_has_its_floor() -> None:
    there = [module for module, _ in modules("services/engine") if module != "services.engine"]
    assert [module for module in there if floor_of(module) is None] == []


@pytest.mark.parametrize("floor", range(len(FLOORS)), ids=lambda number: FLOORS[number][0])
def test_no_import_in_the_engine_runs_up(floor: int) -> None:
    wrong = []
    for each in ENGINE:
        target = floor_of(each.names)
        if floor_of(each.module) == floor and target is not None and target < floor:
            wrong.append(str(each))
    assert wrong == []


def test_the_store_and_the_models_do_not_know_each_other() -> None:
    store, models = "services.engine.store", "services.engine.models"
    wrong = [
        str(each)
        for each in ENGINE
        if (begins(each.module, store) and begins(each.names, models))
        or (begins(each.module, models) and begins(each.names, store))
    ]
    assert wrong == []


def test_no_import_in_services_goes_in_a_circle() -> None:
    own = {
        module: {each.names for each in CLIENT + ENGINE if each.module == module and each.at_start}
        for module, _ in modules("services")
    }
    done: set[str] = set()

    def circle(module: str, path: tuple[str, ...]) -> tuple[str, ...] | None:
        if module in path:
            return (*path[path.index(module) :], module)
        if module in done:
            return None
        for name in sorted(own.get(module, set()) & own.keys()):
            if found := circle(name, (*path, module)):
                return found
        done.add(module)
        return None

    assert [found for module in own if (found := circle(module, ()))] == []


# -- the first frame -----------------------------------------------------------------------------

FIRST_FRAME = """
import asyncio, sys
from services.workspace import Workspace

drawn = asyncio.Event()
first_frame = None
heavy = sys.argv[1].split(",")
really_open = Workspace.open

async def open_after_the_first_frame(self):
    await drawn.wait()
    return await really_open(self)

Workspace.open = open_after_the_first_frame

from tui.app import UnderstudyApp

async def main():
    global first_frame
    app = UnderstudyApp(Workspace.at_home())
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        text = "".join(
            segment.text for line in app.screen._compositor.render_strips() for segment in line
        )
        assert "Message" in text, "the composer is not on the first frame"
        first_frame = sorted(name for name in heavy if name in sys.modules)
        drawn.set()

asyncio.run(main())
print("loaded:", ",".join(first_frame))
"""


def test_nothing_heavy_is_loaded_when_the_first_frame_is_drawn() -> None:
    script = [sys.executable, "-c", FIRST_FRAME, ",".join(HEAVY)]
    done = subprocess.run(
        script, cwd=ROOT, env=os.environ, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1].strip() == "loaded:"
