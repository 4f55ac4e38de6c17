"""Finds the four content folders: inside the package in an installed wheel, beside it in a checkout.

The one place that knows where `archive`, `evals`, `prompts` and `sandbox` lie.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from agentarch.errors import AgentarchError

_PACKAGE = Path(__file__).resolve().parent


def content_folder(name: Literal["archive", "evals", "prompts", "sandbox"]) -> Path:
    """Return the folder of that name.

    Raises:
        AgentarchError: the installation is incomplete.
    """
    installed, beside = _PACKAGE / "_content" / name, _PACKAGE.parent / name
    if installed.is_dir():
        return installed
    if beside.is_dir() and (_PACKAGE.parent / "pyproject.toml").is_file():
        return beside
    raise AgentarchError(
        f"the content folder {name!r} is missing: neither {installed} nor {beside} exists. "
        "The installation is incomplete; install agentarch again."
    )
