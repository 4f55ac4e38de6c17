"""Source and differences in colour, as HTML in which nothing but the colours is markup."""

from __future__ import annotations

import re

from markupsafe import Markup
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import DiffLexer, PythonLexer

from agentarch.text import printable

MOST_CHARACTERS = 200_000
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
