"""`agentarch review`: a person looks at the proposals that wait, and decides. The search goes on meanwhile."""

from __future__ import annotations

import getpass
import os
import shlex
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.prompt import Prompt
from rich.syntax import Syntax
from rich.table import Table

from agentarch.cli.output import ERR, OUT, duration_text, number_text, plain, print_json
from agentarch.errors import AgentarchError, UsageError, unknown_name
from agentarch.search.proposals import Stage
from agentarch.search.reviewing import decide, defer, proposal_summary, waiting_summaries
from agentarch.search.session import Run, is_driven, open_run
from agentarch.text import printable

MOST_SOURCE_CHARACTERS = 200_000


def review_run(
    folder: Path, asked: Mapping[str, str | None], reason: str, file: Path | None, as_json: bool
) -> int:
    """Do one thing that was asked for, or go through what waits one by one; return the exit code.

    Raises:
        UsageError: there is no such proposal, it does not wait, or an edited source cannot be read as a design.
    """
    given = [(flag, value) for flag, value in asked.items() if value is not None]
    flag, name = given[0] if given else ("", "")
    if file is not None and flag != "--edit":
        raise UsageError("--file goes with --edit")
    if flag == "--list" or (not flag and as_json):
        return _list(folder, as_json)
    if flag == "--show":
        with open_run(folder) as run:
            summary = proposal_summary(run, find_proposal(run, name))
        print_json(summary) if as_json else _show(summary)
        return 0
    if flag:
        with open_run(folder) as run:
            proposal = find_proposal(run, name)
            _decide(run, flag.removeprefix("--"), proposal, reason, file)
        said = {"proposal": proposal, "decision": flag.removeprefix("--"), "reason": reason}
        print_json(said) if as_json else OUT.print(_done(folder, flag.removeprefix("--"), proposal))
        return 0
    return _go_through(folder)


def find_proposal(run: Run, name: str) -> str:
    """Return the id of a proposal, given it, or an id, or its beginning, of the design that it is.

    Raises:
        UsageError: there is none.
    """
    proposals = run.state.proposals
    if name in proposals:
        return name
    found = {one for design, one in proposals.of_design.items() if len(name) >= 4 and design.startswith(name)}
    if len(found) == 1:
        return found.pop()
    raise unknown_name("proposal", name, [one.id for one in proposals.pending] or list(proposals))


def _list(folder: Path, as_json: bool) -> int:
    with open_run(folder) as run:
        waiting = waiting_summaries(run)
    if as_json:
        print_json({"run_dir": str(folder), "pending": waiting})
        return 0
    if not waiting:
        OUT.print("Nothing waits for a review.")
        return 0
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for column in ("id", "name", "operator", "parent", "parameters", "waits since"):
        table.add_column(column, overflow="fold")
    for one in waiting:
        table.add_row(
            one["id"],
            plain(one["name"], 40),
            plain(one["operator"]),
            plain(one["parents"][0]["name"] if one["parents"] else "none", 40),
            "unknown" if one["parameters"] is None else number_text(one["parameters"]),
            duration_text(one["waiting_seconds"]),
        )
    OUT.print(table)
    OUT.print(f"[dim]look and decide:[/dim]\n  agentarch review {shlex.quote(str(folder))}", soft_wrap=True)
    return 0


def _show(summary: Mapping[str, Any]) -> None:
    parents = ", ".join(f"{plain(one['name'], 40)} ({one['id'][:8]})" for one in summary["parents"]) or "none"
    cost = "unknown" if summary["parameters"] is None else number_text(summary["parameters"])
    nearest = summary["nearest"]
    OUT.print(
        f"[bold]{summary['id']}  {plain(summary['name'])}[/bold] ({summary['stage'].replace('_', ' ')})"
    )
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", justify="right")
    table.add_column(overflow="fold")
    table.add_row("written by", f"{plain(summary['model'])}, {plain(summary['operator'])}, from {parents}")
    table.add_row("rationale", plain(summary["rationale"], 600))
    if summary["claim"]:
        predicted = summary["predicted_change"]
        expects = "" if predicted is None else f" (expects {predicted:+.3f})"
        table.add_row("claim", plain(summary["claim"], 200) + expects)
    if summary["concerns"]:
        table.add_row("concerns", plain("; ".join(summary["concerns"]), 600))
    table.add_row(
        "parameters", f"{cost}, measured in its smoke run; {summary['steps']:,} training steps to score it"
    )
    if nearest:
        table.add_row(
            "nearest",
            f"{plain(nearest['name'])} ({nearest['id'][:8]}), similarity {nearest['similarity']:.2f}",
        )
    OUT.print(table)
    OUT.print()
    shown = summary["difference"] or summary["source"]
    OUT.print(
        Syntax(
            printable(shown, MOST_SOURCE_CHARACTERS),
            "diff" if summary["difference"] else "python",
            background_color="default",
        )
    )


def _go_through(folder: Path) -> int:
    """Show what waits, the longest waiting first, and ask about each."""
    if not ERR.is_terminal:
        raise UsageError(
            "there is no terminal to ask at; decide with --approve ID, --reject ID, --edit ID --file PATH or "
            "--defer ID, and see what waits with --list"
        )
    seen: set[str] = set()
    while True:
        with open_run(folder) as run:
            left = [one.id for one in run.state.proposals.pending if one.id not in seen]
            if not left:
                break
            summary = proposal_summary(run, left[0])
        seen.add(left[0])
        _show(summary)
        answer = Prompt.ask(
            "approve, reject, edit, defer, or quit",
            choices=["a", "r", "e", "d", "q"],
            default="d",
            console=OUT,
        )
        if answer == "q":
            break
        decision = {"a": "approve", "r": "reject", "e": "edit", "d": "defer"}[answer]
        reason = Prompt.ask("why", default="", console=OUT) if answer in "re" else ""
        try:
            with open_run(folder) as run:
                _decide(run, decision, left[0], reason, None)
            OUT.print(_done(folder, decision, left[0]))
        except AgentarchError as error:  # somebody else was faster, or an edit does not parse
            OUT.print(f"[red]{plain(error, 1000)}[/red]", soft_wrap=True)
            if decision == "edit":
                seen.discard(left[0])
    OUT.print("Nothing else waits." if not left else "The others go on waiting.")
    return 0


def _decide(run: Run, decision: str, proposal: str, reason: str, file: Path | None) -> None:
    by = getpass.getuser()
    if decision == "defer":
        defer(run, proposal, by)
        return
    source = None
    if decision == "edit":
        source = _read(file) if file is not None else _edited(run, proposal)
    decide(run, proposal, decision, reason, by, source)


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot read the edited source {str(file)!r}: {error}") from None


def _edited(run: Run, proposal: str) -> str:
    """Let a person change a proposal's source in their editor; what they wrote is kept where it cannot be used.

    Raises:
        UsageError: there is no editor, it failed, or nothing was changed.
    """
    editor = os.environ.get("VISUAL") or os.environ.get("EDITOR")
    if not editor:
        raise UsageError("there is no editor: set EDITOR, or give the edited source with --file PATH")
    source = str(run.state.proposals[proposal].draft["source"])
    descriptor, name = tempfile.mkstemp(prefix=f"{proposal}-", suffix=".py")
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        stream.write(source)
    done = subprocess.run([*shlex.split(editor), name], check=False)
    changed = _read(Path(name))
    if done.returncode != 0:
        raise UsageError(
            f"the editor ended with {done.returncode}; nothing was decided, and your text is in {name}"
        )
    if changed == source:
        Path(name).unlink()
        raise UsageError("nothing was changed, so nothing was decided")
    return changed


def _done(folder: Path, decision: str, proposal: str) -> str:
    done = {"approve": "approved", "reject": "rejected", "edit": "edited", "defer": "deferred"}[decision]
    follows = "the search picks it up" if is_driven(folder) else "it counts once the run is resumed"
    return f"{proposal} is {done}; {follows}." if decision != "defer" else f"{proposal} is deferred."


__all__ = ["Stage", "find_proposal", "review_run"]
