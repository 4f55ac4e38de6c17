"""The house keeps its walls: what may import what, and who may run code."""

import ast
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ENGINE = sorted((ROOT / "agentarch").rglob("*.py"))
SANDBOX = sorted((ROOT / "sandbox").glob("*.py"))

TRAINING = {"muon.py", "network.py", "train.py"}
"""Files of the embedded model that train it, and need torch; nothing of the engine imports them."""

FLOORS = (
    {"clock", "differences", "errors", "fencing", "files", "syntax", "text", "wording"},
    {"design", "task", "evaluation", "config", "content", "seeding", "suites"},
    {
        *("scoring", "store", "execution", "qd", "proposers", "catalogue", "tasks", "models"),
        *("answers", "questions", "embedded", "broker", "traces"),
    },
    {"kinds", "testing", "meta"},
    {"search"},
    {"report"},
    {"cli"},
)
"""Rooms from the ground up; a room may import from its own floor and those below."""


def imported(file: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file} imports relatively"
            found |= {node.module or ""}
    return found


def floor(room: str) -> int:
    return next(level for level, rooms in enumerate(FLOORS) if room in rooms)


@pytest.mark.parametrize("file", ENGINE, ids=lambda file: str(file.relative_to(ROOT)))
def test_imports_run_one_way(file):
    room = file.relative_to(ROOT / "agentarch").parts[0].removesuffix(".py")
    if room in ("__init__", "__main__"):
        return
    for module in imported(file):
        if module.startswith("agentarch."):
            other = module.split(".")[1]
            assert floor(other) <= floor(room), f"{room} imports {other}, which stands above it"


@pytest.mark.parametrize("file", SANDBOX, ids=lambda file: file.name)
def test_what_runs_beside_a_design_imports_only_the_standard_library_numpy_and_torch(file):
    allowed = {*sys.stdlib_module_names, "numpy", "torch", *(other.stem for other in SANDBOX)}
    assert {module.split(".")[0] for module in imported(file)} <= allowed


@pytest.mark.parametrize("file", ENGINE, ids=lambda file: str(file.relative_to(ROOT)))
def test_the_engine_neither_runs_nor_unpickles_anything_and_needs_no_torch(file):
    barred = {"pickle", "torch", "marshal", "shelve", "runpy"}
    if file.parent.name == "embedded" and file.name in TRAINING:
        barred -= {"torch"}
    assert not barred & {module.split(".")[0] for module in imported(file)}
    called = {
        node.func.id
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }
    assert not called & {"exec", "eval", "compile", "__import__"}
    if file.name != "catalogue.py":  # imports tasks, which are trusted
        assert not any(module in ("importlib", "importlib.util") for module in imported(file))


@pytest.mark.parametrize("file", ENGINE, ids=lambda file: str(file.relative_to(ROOT)))
def test_nothing_but_training_imports_what_trains_the_embedded_model(file):
    if file.parent.name != "embedded" or file.name not in TRAINING:
        training = {f"agentarch.embedded.{name.removesuffix('.py')}" for name in TRAINING}
        assert not training & imported(file)


@pytest.mark.parametrize("file", ENGINE, ids=lambda file: str(file.relative_to(ROOT)))
def test_python_is_parsed_in_one_place_where_one_thread_at_a_time_can(file):
    if file.name != "syntax.py":
        assert "ast.parse(" not in file.read_text()
