"""Keeps keys out of every text that leaves this room: errors, transcripts, replies."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote, unquote

MASK = "***"
LEAST_CHARACTERS = 8
"""Shorter ones are placeholders such as `EMPTY`, or would tear ordinary text apart."""

_NAMES = re.compile(r"(KEY|ACCESS_KEY_ID|_CREDENTIALS?)$|(^|_)(TOKEN|SECRET|PASSWORD)(_|$)", re.IGNORECASE)
_USERINFO = re.compile(r"(?<=://)[^/\s@'\"]+(?=@)")
_LOOKS_LIKE_KEY = re.compile(r"\bsk-[A-Za-z0-9_-]{16,}")


class Secrets:
    """The values that nobody may read.

    Args:
        values: those in use, and URLs whose user and password are secret.
        environment: every variable whose name is like that of a key holds one, too, for libraries read their own.
    """

    def __init__(self, values: Iterable[str] = (), environment: Mapping[str, str] = os.environ) -> None:
        found = {value for name, value in environment.items() if _NAMES.search(name)}
        for value in values:
            found |= {value, *_userinfo(value)} if "://" not in value else _userinfo(value)
        kept = {value for value in found if len(value) >= LEAST_CHARACTERS and not value.isdigit()}
        kept |= {quote(value, safe="") for value in kept}
        longest_first = sorted(kept, key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, longest_first))) if longest_first else None

    def scrub(self, text: str) -> str:
        """Return a text with every secret replaced by `***`."""
        text = _USERINFO.sub(MASK, text) if "://" in text and "@" in text else text
        text = _LOOKS_LIKE_KEY.sub(MASK, text) if "sk-" in text else text
        return self._known.sub(MASK, text) if self._known else text

    def scrub_all(self, value: Any) -> Any:
        """Return plain JSON values with every text in them scrubbed."""
        if isinstance(value, str):
            return self.scrub(value)
        if isinstance(value, Mapping):
            return {self.scrub(str(key)): self.scrub_all(inner) for key, inner in value.items()}
        if isinstance(value, list | tuple):
            return [self.scrub_all(inner) for inner in value]
        return value


def _userinfo(url: str) -> set[str]:
    return {
        part
        for found in _USERINFO.findall(url)
        for whole in (found, unquote(found))
        for part in (whole, *whole.split(":", 1))
    }
