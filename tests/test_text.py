"""Text out of a box or a model: nothing hidden, nothing that moves a cursor, never more than was asked for."""

import unicodedata

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from agentarch.text import one_line, printable

hostile = st.text(st.characters() | st.sampled_from("\x1b\x07\x9b\u202e\u200b\ufeff[]m;0\\\n\t\r\u2028 "))
bounds = st.integers(0, 80)

HIDES_TEXT = {
    "tags": "\U000e0041",
    "variation selector": "\ufe01",
    "variation selector supplement": "\U000e0101",
    "zero-width space": "\u200b",
    "zero-width joiner": "\u200d",
    "soft hyphen": "\u00ad",
    "byte order mark": "\ufeff",
    "combining grapheme joiner": "\u034f",
    "invisible times": "\u2062",
    "Hangul filler": "\u3164",
    "override": "\u202e",
    "isolate": "\u2066",
    "private use": "\ue000",
    "surrogate": "\ud800",
    "unassigned": "\U0003ffff",
}
"""Characters that show nothing, each of which has been used to hide words from a reader or reorder a line."""


def is_hidden(character: str) -> bool:
    return unicodedata.category(character) in {"Cc", "Cf", "Cs", "Co", "Cn"}


@given(hostile, bounds)
@example("\x1b]0;title" + "x" * 100, 10)
@example("x" * 100, 0)
@example("x" * 100, 3)
@example("x" * 10_000, 5)
@example("\x1b[" + "0" * 1000, 20)
def test_printable_text_has_no_control_or_invisible_character_and_fits(text, most):
    safe = printable(text, most)
    assert len(safe) <= most
    assert not any(is_hidden(c) for c in safe if c not in "\n\t")


@given(hostile, bounds)
@example("a\u2028b\u2029c\x85d\x0be\x1cf\r\ng", 80)
def test_one_line_is_one_line_and_fits(text, most):
    safe = one_line(text, most)
    assert len(safe) <= most
    assert safe.isprintable() or all(c.isprintable() or unicodedata.category(c) == "Zs" for c in safe)
    assert len(safe.splitlines()) <= 1
    assert safe == safe.strip()
    assert "  " not in safe


@given(hostile, bounds)
def test_safe_text_stays_as_it_is(text, most):
    assert printable(printable(text, most), most) == printable(text, most)
    assert one_line(one_line(text, most), most) == one_line(text, most)


@pytest.mark.parametrize(
    "text",
    [
        "naïve café",
        "日本語のテキスト",
        "Ελληνικά",
        "עברית",
        "العربية",
        "हिन्दी",
        "x² ≤ √y ∀ε>0",
        "🙂🚀",
        "e\u0301",
        "a\tb\nc",
        "“quoted” — so…",
    ],
)
def test_ordinary_text_in_any_script_stays(text):
    assert printable(text, 100) == text
    assert one_line(text, 100) == " ".join(text.split())


@pytest.mark.parametrize("name", HIDES_TEXT)
def test_characters_that_hide_text_are_dropped(name):
    assert printable(f"a{HIDES_TEXT[name]}b", 100) == "ab"
    assert one_line(f"a{HIDES_TEXT[name] * 50}b", 100) == "ab"


@pytest.mark.parametrize(
    "sequence",
    [
        "\x1b[31m",
        "\x1b[2J\x1b[1;1H",
        "\x1b]0;a title\x07",
        "\x1b]8;;https://example.org\x1b\\",
        "\x1bPdevice\x1b\\",
        "\x1b_application\x1b\\",
        "\x1b7",
        "\x1b(B"[:2],
        "\x07\x08\x00\x7f",
        "\r",
    ],
    ids=ascii,
)
def test_terminal_sequences_go_and_the_words_around_them_stay(sequence):
    assert printable(f"before {sequence}after", 100) == "before after"


def test_both_ends_of_long_text_survive():
    safe = printable("the beginning " + "x" * 10**6 + " the end", 60)
    assert safe.startswith("the beginning")
    assert safe.endswith("the end")
    assert "[…]" in safe


@given(st.text(max_size=40))
@settings(deadline=None)
def test_markup_of_the_terminal_library_is_not_interpreted(text):
    from rich.text import Text

    from agentarch.cli.output import plain

    assert Text.from_markup(plain(f"{text}.")).plain == one_line(f"{text}.", 200)
