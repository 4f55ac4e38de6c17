"""Questions that are not answered yet, so that a run that was killed asks the very same again.

What a run knows changes while a question is open. Were it put anew, an answer that a person wrote meanwhile, or one
that was paid for and is in the cache, would answer another question, and be lost.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from agentarch.files import write_whole
from agentarch.meta.pack import Prompt

FOLDER = "questions"


class Questions:
    """The open questions of one run, each in a file of its folder.

    Args:
        folder: of the run.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder / FOLDER

    def get(self, name: str, put: Callable[[], Prompt]) -> Prompt:
        """Return the question of a name: as it was put before, or else put, and kept.

        Raises:
            AgentarchError: it cannot be kept.
        """
        try:
            kept = json.loads(self._file(name).read_text(encoding="utf-8"))
            return Prompt(**{**kept, "shown": tuple(kept["shown"])})
        except (OSError, ValueError, TypeError, LookupError):
            prompt = put()
        write_whole(self._file(name), json.dumps(asdict(prompt)))
        return prompt

    def close(self, name: str) -> None:
        """Forget a question: what came of it is in the log."""
        self._file(name).unlink(missing_ok=True)

    def _file(self, name: str) -> Path:
        return self._folder / f"{name}.json"
