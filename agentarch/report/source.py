"""Source and differences in colour, as HTML in which nothing but the colours is markup."""

from __future__ import annotations

import difflib
import re

from markupsafe import Markup
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import DiffLexer, PythonLexer

from agentarch.text import printable

MOST_CHARACTERS = 200_000
MOST_DIFF_LINES = 3_000
"""A difference between longer sources is not looked for: the search for it grows with the square."""

_FILE_NAMES = re.compile(r"\A--- .*\n\+\+\+ .*\n")
"""How a unified difference begins; the page says beside it what is compared, and these read like changed lines."""

_LEXERS = {"python": PythonLexer, "diff": DiffLexer}


def highlighted(text: str, language: str) -> Markup:
    """Return hostile source as HTML; `language` is `python` or `diff`."""
    lexer = _LEXERS[language](stripnl=False)
    shown = printable(text, MOST_CHARACTERS)
    if language == "diff":
        shown = _FILE_NAMES.sub("", shown, count=1)
    return Markup(highlight(shown, lexer, HtmlFormatter(nowrap=True)))


def difference(before: str, after: str, before_name: str, after_name: str) -> str | None:
    """Return how two sources differ, as a unified difference; None when they are too long to compare."""
    old, new = before.splitlines(), after.splitlines()
    if max(len(old), len(new)) > MOST_DIFF_LINES:
        return None
    return "\n".join(difflib.unified_diff(old, new, before_name, after_name, n=3, lineterm=""))
