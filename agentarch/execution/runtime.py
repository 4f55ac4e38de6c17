"""Which files of this machine a box needs to see: Python's own library, torch, numpy, and what those two require.

No other package: one that ships a data set with its labels must not be readable from a box.
"""

from __future__ import annotations

import importlib.metadata
import re
import sys
import sysconfig
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from agentarch.execution.contract import Program

ROOTS = ("torch", "numpy")
_NAME = re.compile(r"[A-Za-z0-9._-]+")
_HIDDEN_IN_LIBRARY = (
    "site-packages",
    "dist-packages",
    "test",
    "ensurepip",
    "idlelib",
    "lib2to3",
    "pydoc_data",
)
"""Folders of Python's library with installers, data, or text that a task scores on; no network needs them."""


@dataclass(frozen=True)
class Runtime:
    """Absolute paths on this machine.

    Attributes:
        shown: files and folders to be seen in a box, an outer one before those in it.
        hidden: folders inside of those that are to look empty.
    """

    shown: tuple[str, ...]
    hidden: tuple[str, ...]


@cache
def needed_files(program: Program) -> Runtime:
    """Return what a box has to see: for agents Python's library alone."""
    base = {"base": sys.base_prefix, "platbase": sys.base_exec_prefix}  # not those of a virtual environment
    libraries = dict.fromkeys(Path(sysconfig.get_path(name, vars=base)) for name in ("stdlib", "platstdlib"))
    hidden = [library / name for library in libraries for name in _HIDDEN_IN_LIBRARY]
    needed = sorted(_required()) if program == "network" else []
    packages = [path for name in needed for path in _top_level(name)]
    return Runtime(
        shown=tuple(str(path) for path in dict.fromkeys([*libraries, *packages]) if path.exists()),
        hidden=tuple(str(path) for path in hidden if path.is_dir()),
    )


def _required() -> set[str]:
    """Return the distributions that torch and numpy need, themselves included, that are installed."""
    found: set[str] = set()
    queue = list(ROOTS)
    while queue:
        name = queue.pop()
        key = re.sub(r"[-_.]+", "-", name).lower()
        if key in found:
            continue
        try:
            requirements = importlib.metadata.requires(name) or []
        except importlib.metadata.PackageNotFoundError:
            continue
        found.add(key)
        wanted = (one for one in requirements if "extra ==" not in one)
        queue += [match.group() for one in wanted if (match := _NAME.match(one))]
    return found


def _top_level(name: str) -> list[Path]:
    """Return the files and folders that a distribution put beside other packages."""
    distribution = importlib.metadata.distribution(name)
    record = distribution.read_text("RECORD")
    names = {line.partition("/")[0].partition(",")[0] for line in record.splitlines()} if record else {name}
    described = (".dist-info", ".pth", "__pycache__")
    own = sorted(one for one in names if one and one != ".." and not one.endswith(described))
    return [Path(str(distribution.locate_file(one))) for one in own]
