"""How many tokens a text may take, without any provider's tokenizer.

Errs on the side of too many. Measured against the tokenizers that OpenAI and Anthropic have published: Python and prose
take one token for 3.6 to 4.2 bytes, digits and punctuation one for 1.5 to 2.1, and what has no words, such as long
strings of random letters, one for 1.5 to 1.9.
"""

from __future__ import annotations

import math

_LETTERS = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ \n\t"
_LONG_RUN = 60
_BYTES_A_TOKEN_IN_WORDS = 4
_FURTHER_TOKENS_A_LETTER = 0.45  # with the quarter above 0.7, more than random letters take

CUT = "\n[... cut here: {left_out:,} of {all:,} characters are left out ...]\n"
"""What stands where the middle of a text was left out."""


def estimate_tokens(text: str) -> int:
    """Return about how many tokens a text takes, rather too many than too few.

    Letters and white space count a quarter, in runs without any break 0.7, and every other byte counts one, which no
    tokenizer over bytes can exceed. For designs as people write them that is about a third too many.
    """
    encoded = text.encode("utf-8", "replace")
    others = len(encoded.translate(None, _LETTERS))
    in_runs = sum(len(run) for run in text.split() if len(run) >= _LONG_RUN)
    letters = len(encoded) - others
    return math.ceil(others + letters / _BYTES_A_TOKEN_IN_WORDS + in_runs * _FURTHER_TOKENS_A_LETTER)


def cut_in_the_middle(text: str, max_characters: int) -> str:
    """Return a text of at most so many characters, with a line that says how many are missing where it was cut.

    Cuts between lines where it can. Where not even that line fits, nothing is left.
    """
    if len(text) <= max_characters:
        return text
    kept = max_characters - len(CUT.format(left_out=len(text), all=len(text)))
    if kept < 0:
        return ""
    first, last = text[: kept - kept // 2], text[len(text) - kept // 2 :]
    if "\n" in first:
        first = first[: first.rindex("\n")]
    if "\n" in last:
        last = last[last.index("\n") + 1 :]
    return first + CUT.format(left_out=len(text) - len(first) - len(last), all=len(text)) + last
