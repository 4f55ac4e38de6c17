"""How results and messages reach a person or a script: consoles, JSON, and numbers in words."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.measure import Measurement
from rich.table import Table

from agentarch.errors import UsageError
from agentarch.text import one_line, printable
from agentarch.wording import duration_text as duration_text  # told to every command from here
from agentarch.wording import number_text as number_text

PIPE_WIDTH = 120
"""Columns of a table that is written to a file or a pipe."""

MOST_COLUMNS = 10_000

MOST_SOURCE_CHARACTERS = 200_000

_ID_WIDTH, _SCORE_WIDTH = 8, 20


def _console(to_stderr: bool) -> Console:
    console = Console(stderr=to_stderr, highlight=False, emoji=False)
    return (
        console
        if console.is_terminal
        else Console(stderr=to_stderr, highlight=False, emoji=False, width=PIPE_WIDTH)
    )


OUT, ERR = _console(to_stderr=False), _console(to_stderr=True)


def only_one(options: Mapping[str, str | None]) -> None:
    """Make sure that at most one of several options was given.

    Raises:
        UsageError: more were.
    """
    given = [name for name, value in options.items() if value is not None]
    if len(given) > 1:
        raise UsageError(f"{' and '.join(given)} do different things; give one of them")


def print_json(value: Mapping[str, Any]) -> None:
    """Print one JSON object on stdout."""
    print(json.dumps(value, indent=2))


def plain(text: object, max_characters: int = 200) -> str:
    """Return hostile text so that it can be printed: one line, no control sequences, no markup."""
    return escape(one_line(str(text), max_characters))


def print_source(text: str, language: str) -> None:
    """Print hostile source text to the end of every line: folded on a terminal, as it is elsewhere.

    Args:
        text: the source, or a difference.
        language: `python` or `diff`.
    """
    shown = printable(text, MOST_SOURCE_CHARACTERS)
    if OUT.is_terminal:
        from rich.syntax import Syntax  # brings every lexer's machinery with it

        OUT.print(Syntax(shown, language, background_color="default", word_wrap=True))
    else:
        print(shown)


def print_table(table: Table) -> None:
    """Print a table of names and numbers; on a narrow terminal its lines run over rather than lose any of them."""
    needed = Measurement.get(OUT, OUT.options.update(max_width=MOST_COLUMNS), table).maximum
    if needed > OUT.width:
        table.width = needed
    OUT.print(table, crop=False)


def score_text(score: float, interval: Sequence[float]) -> str:
    """Return a score with its 95% interval, e.g. `0.412 [0.391, 0.433]`."""
    return f"{score:.3f} [dim]\\[{interval[0]:.3f}, {interval[1]:.3f}][/dim]"


def outcomes_text(outcomes: Mapping[str, int], quarantined: int = 0) -> str:
    """Return counts by outcome, e.g. `38 scored, 2 timeout`."""
    told = ", ".join(f"{count} {name}" for name, count in outcomes.items()) or "none yet"
    return f"{told}; {quarantined} of the invalid quarantined" if quarantined else told


def proposals_text(stages: Mapping[str, int], faults: Mapping[str, int]) -> str:
    """Return how many proposals stand where, and what was wrong, e.g. `3 drafting, 12 queued; 2 unreadable`."""
    told = ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in stages.items() if count) or "none"
    wrong = ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in faults.items())
    return f"{told}; faults on the way: {wrong}" if wrong else told


def ledger_text(ledger: Mapping[str, Any]) -> str:
    """Return what language models have cost, in one line."""
    dollars = ledger["dollars"]
    price = "price unknown" if dollars is None else f"${dollars:.4f}"
    told = (
        f"{ledger['requests']:,} requests ({ledger['failed']:,} failed), {ledger['input_tokens']:,} tokens in "
        f"({ledger['cached_tokens']:,} cached), {ledger['output_tokens']:,} out, {price}"
    )
    untold = ledger["untold"]
    if untold["requests"]:
        told += f"; {untold['requests']:,} cut off, which may have cost up to ${untold['dollars']:.4f} more"
    for model, times in ledger["exceeded"].items():
        told += f"; {model} used up to {times:.1f} times what was reserved for a request, so a ceiling may be passed"
    return told


def verdict_text(verdict: Mapping[str, Any]) -> str:
    """Return the verdict of a run, and what the test split showed, in a few sentences."""
    told = f"[bold]Verdict:[/bold] {plain(verdict['sentence'], 1000)}"
    shown = verdict["test"]["sentence"] if verdict["test"] else ""
    return f"{told} {plain(shown)}" if shown else told


def elites_table(elites: Sequence[Mapping[str, Any]], most: int | None = None) -> Table:
    """Return a table of elites, as `agentarch.search.summary.elites_summary` gives them."""
    shown = elites if most is None else elites[:most]
    more = f", the best {len(shown)} of {len(elites)}" if len(shown) < len(elites) else ""
    table = Table(title=f"Elites{more}", title_justify="left", box=None, pad_edge=False, padding=(0, 2, 0, 0))
    measured = {name: name.replace("_", " ") for name in (shown[0]["descriptors"] if shown else ())}
    widths = {header: max(map(len, header.split())) for header in ("rung", *measured.values())}
    taken = _ID_WIDTH + _SCORE_WIDTH + sum(widths.values()) + 2 * (2 + len(widths))
    table.add_column("id", no_wrap=True, min_width=_ID_WIDTH)
    table.add_column("name", no_wrap=True, overflow="ellipsis", max_width=max(8, OUT.width - taken))
    table.add_column("score \\[95%]", no_wrap=True, min_width=_SCORE_WIDTH)
    for header, width in widths.items():
        table.add_column(header, justify="right", width=width)
    for elite in shown:
        table.add_row(
            elite["id"][:_ID_WIDTH],
            plain(elite["name"]),
            score_text(elite["score"], elite["interval"]),
            str(elite["rung"]),
            *(number_text(elite["descriptors"][name]) for name in measured),
        )
    return table
