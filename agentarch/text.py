"""Text that came out of a box or a model, made safe to print and to put in a prompt.

Such text is hostile: it may carry terminal control sequences, invisible characters that reorder a line, or
megabytes.
"""

from __future__ import annotations

import re
import unicodedata

_TERMINAL_SEQUENCE = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"  # CSI, e.g. colours and cursor moves
    r"|\x1b[\]PX^_].*?(?:\x07|\x1b\\|$)"  # OSC, DCS and other strings, e.g. window titles and links
    r"|\x1b.?",
    re.DOTALL,
)
_SURELY_VISIBLE = re.compile(r"[\n\t -~]*")
"""What nearly every text is made of; looking at each character takes a hundred times as long."""

_INVISIBLE = {"Cc", "Cf", "Cs", "Co", "Cn"}
_BLANK = re.compile(  # letters and marks that show nothing; words can be hidden in them
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)


def printable(text: str, max_characters: int) -> str:
    """Return `text` without terminal sequences and invisible characters, cut in the middle to fit.

    New lines and tabs stay. The beginning and the end survive a cut, for errors stand at either.
    """
    if len(text) > 4 * max_characters:  # bounds the work on megabytes
        text = text[: 2 * max_characters] + text[-2 * max_characters :]
    visible = (
        text
        if _SURELY_VISIBLE.fullmatch(text)
        else "".join(c for c in _TERMINAL_SEQUENCE.sub("", text) if c in "\n\t" or _is_visible(c))
    )
    if len(visible) <= max_characters:
        return visible
    mark = " […] "[:max_characters]
    kept = max_characters - len(mark)
    return visible[: kept - kept // 2] + mark + (visible[-(kept // 2) :] if kept > 1 else "")


def counted(number: int, noun: str) -> str:
    """Return e.g. `1 seed`, `3 seeds`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def one_line(text: str, max_characters: int = 400) -> str:
    """Return `printable` text with every run of white space folded to one space."""
    return " ".join(printable(" ".join(text[: 8 * max_characters].split()), max_characters).split())


def _is_visible(character: str) -> bool:
    return unicodedata.category(character) not in _INVISIBLE and not _BLANK.match(character)
