"""Public data files that tests read where they are, and that are no part of the project."""

import os
from pathlib import Path

VARIABLE = "AGENTARCH_DATA"
BESIDE = Path(__file__).parent.parent.parent.parent / "shared" / "data"


def data_folder() -> Path:
    """Return the folder of data files: what the environment names, else `shared/data` beside the checkout."""
    return Path(os.environ.get(VARIABLE) or BESIDE)


def data_file(name: str) -> Path:
    """Return a data file; it may not exist."""
    return data_folder() / name
