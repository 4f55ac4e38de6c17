"""How agents ask, in a terminal: the typical graph of a design as a tree of levels, and one question call by call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.markup import escape
from rich.table import Table

from agentarch.cli.output import OUT, duration_text, number_text, plain
from agentarch.text import one_line
from agentarch.traces import MEANINGS, Fault

MOST_TEXT = 600
"""Characters of a prompt or an answer that are shown; `--json` has all of them."""

_WEAK = 0.1
"""Links of fewer questions are not drawn."""


def pipeline_lines(pipeline: Mapping[str, Any], width: int = 80) -> list[str]:
    """Return the drawing of a typical graph, in lines of console markup that are at most so wide.

    Args:
        pipeline: as `agentarch.traces.typical_account` gives it.
        width: columns.
    """
    lines = ["question"]
    level = -1
    for step in pipeline["steps"]:
        if step["level"] != level:
            level = step["level"]
            lines.append("│")
        facts = f"x{step['calls']:.1f}  {number_text(step['tokens'])} tokens"
        if step["share"] < 1:
            facts += f"  in {step['share']:.0%}"
        head = f"├─[{step['number']}] "
        room = width - len(head) - len(facts) - 2
        label = _cut(one_line(step["label"], 80) or "(empty)", max(12, room))
        lines.append(f"{escape(head)}{escape(label.ljust(max(12, room)))}  [dim]{facts}[/dim]")
        lines.append(_cut(f"│     from {_sources(pipeline['links'], step['number'])}", width))
        if step["first_errors"]:
            told = f"wrong first: {step['first_errors']:,} ({step['first_error_share']:.0%})"
            lines.append(f"│     [yellow]▲ {told}[/yellow]")
    lines += ["│", _cut(f"└─ answer, from {_sources(pipeline['links'], 0)}", width)]
    return lines


def show_pipeline(pipeline: Mapping[str, Any]) -> None:
    """Print a typical graph, and how its wrong answers came about."""
    OUT.print(
        f"How it asks, over {pipeline['questions']:,} questions ({pipeline['wrong']:,} answered wrongly)"
    )
    for line in pipeline_lines(pipeline, min(OUT.width, 80)):
        OUT.print(line, soft_wrap=True)
    if pipeline["rare_calls"] > 0:
        OUT.print(f"[dim]{pipeline['rare_calls']:.1%} of the calls belong to steps too rare to draw[/dim]")
    for fault, count in pipeline["faults"].items():
        OUT.print(f"{count:>6} {fault}: {MEANINGS[Fault(fault)]}", soft_wrap=True)
    if pipeline["wrong"] and not pipeline["is_checkable"]:
        OUT.print("Who was wrong first cannot be told: the right answers are no texts to look for.")


def show_question(told: Mapping[str, Any]) -> None:
    """Print one question call by call, as `agentarch.traces.question_account` gives it."""
    grade = "right" if told["is_right"] else "wrong"
    OUT.print(f"[bold]Question {told['number']}[/bold], {grade} ({told['value']:.3g}), {told['outcome']}")
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", justify="right", no_wrap=True)
    table.add_column(overflow="fold")
    table.add_row("asked", plain(told["question"], MOST_TEXT))
    table.add_row("answer", plain(told["answer"], MOST_TEXT) or "none")
    table.add_row("right", plain(told["label"], MOST_TEXT))
    price = "" if told["dollars"] is None else f", ${told['dollars']:.4f}"
    table.add_row(
        "calls",
        f"{len(told['calls'])}, depth {told['depth']}, width {told['width']}, {told['tokens']:,} tokens, "
        f"slowest chain {duration_text(told['critical_seconds'])}{price}",
    )
    if blame := told["blame"]:
        who = f"call {blame['call']} was wrong first: " if blame["call"] is not None else ""
        table.add_row("blame", f"{who}{blame['meaning']}")
    elif not told["is_right"]:
        table.add_row("blame", "cannot be told: the right answer is no text to look for")
    OUT.print(table)
    for call in told["calls"]:
        OUT.print()
        OUT.print(_call_head(call, told["finals"]), soft_wrap=True)
        table = Table.grid(padding=(0, 2))
        table.add_column(style="dim", justify="right", no_wrap=True)
        table.add_column(overflow="fold")
        if call["system"]:
            table.add_row("system", plain(call["system"], MOST_TEXT))
        table.add_row("prompt", plain(call["prompt"], MOST_TEXT))
        table.add_row("answer", plain(call["text"], MOST_TEXT) or "nothing")
        OUT.print(table)


def _call_head(call: Mapping[str, Any], finals: Sequence[int]) -> str:
    fed = ", ".join(map(str, call["fed_by"])) or "the question"
    facts = [
        f"from {fed}",
        f"{call['prompt_tokens']:,} + {call['output_tokens']:,} tokens",
        duration_text(call["seconds"]),
    ]
    if call["step"] is not None:
        facts.insert(0, f"step {call['step']}")
    marks = {
        "[green]says the right answer[/green]": call["says_right"],
        "[yellow]▲ wrong first[/yellow]": call["is_blamed"],
        "in the final answer": call["number"] in finals,
    }
    facts += [mark for mark, holds in marks.items() if holds]
    return f"[bold]call {call['number']}[/bold]  {plain(call['model'], 40)}, {', '.join(facts)}"


def _sources(links: Sequence[Mapping[str, Any]], to: int) -> str:
    found = sorted(
        (one for one in links if one["to"] == to and one["share"] >= _WEAK), key=lambda one: -one["share"]
    )
    names = [
        f"{'question' if one['start'] == 0 else one['start']}"
        + ("" if one["share"] > 0.995 else f" ({one['share']:.0%})")
        for one in found
    ]
    return ", ".join(names) or "nothing that can be traced"


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: width - 1]}…"
