"""`agentarch review`: a person looks at the proposals that wait, and decides. The search goes on meanwhile."""

from __future__ import annotations

import getpass
import os
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.prompt import Prompt
from rich.table import Table

from agentarch.cli.output import OUT, duration_text, number_text, plain, print_json, print_source
from agentarch.cli.tracing import show_pipeline
from agentarch.errors import AgentarchError, UsageError, unknown_name
from agentarch.kinds.words import words_of
from agentarch.search.fingerprints import Fingerprints
from agentarch.search.reviewing import decide, defer, proposal_summary, waiting, waiting_summaries
from agentarch.search.session import Run, is_driven, open_run

ANSWERS = {"a": "approve", "r": "reject", "e": "edit", "d": "defer", "s": "source", "q": "quit"}


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
        decision = flag.removeprefix("--")
        if decision == "reject" and not reason.strip():
            raise UsageError(
                f"--reject takes a --reason TEXT: later prompts tell it to the models. {name} was not rejected"
            )
        with open_run(folder) as run:
            proposal = find_proposal(run, name)
            if decision == "edit" and file is None:
                _edit(run, proposal, reason, {})
            else:
                _decide(run, decision, proposal, reason, file)
        said = {"proposal": proposal, "decision": decision, "reason": reason}
        print_json(said) if as_json else OUT.print(_done(folder, decision, proposal))
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
        pending, size = waiting_summaries(run), words_of(run.kind.name).size
    if as_json:
        print_json({"run_dir": str(folder), "pending": pending})
        return 0
    if not pending:
        OUT.print("Nothing waits for a review.")
        return 0
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for column in ("id", "name", "operator", "parent", size, "waits since"):
        table.add_column(column, overflow="fold")
    for one in pending:
        table.add_row(
            one["id"],
            plain(one["name"], 40),
            plain(one["operator"]),
            plain(one["parents"][0]["name"] if one["parents"] else "none", 40),
            "unknown" if one["size"] is None else number_text(one["size"]),
            duration_text(one["waiting_seconds"]),
        )
    OUT.print(table)
    OUT.print(f"[dim]look and decide:[/dim]\n  agentarch review {shlex.quote(str(folder))}", soft_wrap=True)
    return 0


def _show(summary: Mapping[str, Any]) -> None:
    """Print a proposal: what it changes, and below, where the eye is when it ends, what is known of it."""
    name = f"[bold]{summary['id']}  {plain(summary['name'])}[/bold]"
    OUT.print(f"{name} ({summary['stage'].replace('_', ' ')})", soft_wrap=True)
    OUT.print()
    if summary["difference"]:
        print_source(summary["difference"], "diff")
    else:
        print_source(summary["source"], "python")
    OUT.print()
    if summary["pipeline"]:
        show_pipeline(summary["pipeline"])
        OUT.print()
    parents = ", ".join(f"{plain(one['name'], 40)} ({one['id'][:8]})" for one in summary["parents"])
    words = words_of(summary["kind"])
    cost = "unknown" if summary["size"] is None else number_text(summary["size"])
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", justify="right", no_wrap=True)
    table.add_column(overflow="fold")
    table.add_row("proposal", name)
    table.add_row(
        "written by", f"{plain(summary['model'])}, {plain(summary['operator'])}, from {parents or 'nothing'}"
    )
    table.add_row("rationale", plain(summary["rationale"], 600))
    if summary["claim"]:
        predicted = summary["predicted_change"]
        expects = "" if predicted is None else f" (expects {predicted:+.3f})"
        table.add_row("claim", plain(summary["claim"], 200) + expects)
    if summary["concerns"]:
        table.add_row("concerns", plain("; ".join(summary["concerns"]), 600))
    if summary["faults"]:
        table.add_row("faults before", plain("; ".join(summary["faults"]), 600))
    table.add_row(
        words.size_unit, f"{cost}, measured in its smoke run; {summary['steps']:,} {words.steps} to score it"
    )
    if nearest := summary["nearest"]:
        table.add_row(
            "nearest",
            f"{plain(nearest['name'])} ({nearest['id'][:8]}), similarity {nearest['similarity']:.2f}",
        )
    if review := summary["review"]:
        because = f": {plain(review['reason'], 600)}" if review["reason"] else ""
        table.add_row("decided", f"{plain(review['decision'])}, by {plain(review['by'])}{because}")
    if summary["reason"] and not (review and review["decision"] == "reject"):
        table.add_row("because", plain(summary["reason"], 600))
    OUT.print(table)


def _go_through(folder: Path) -> int:
    """Show what waits, the longest waiting first, and ask about each."""
    if not (sys.stdin.isatty() and OUT.is_terminal):
        raise UsageError(
            "there is no terminal to ask at; decide with --approve ID, --reject ID, --edit ID --file PATH or "
            "--defer ID, and see what waits with --list"
        )
    seen: set[str] = set()
    texts: dict[str, Path] = {}
    known = Fingerprints()
    while True:
        with open_run(folder) as run:
            left = [one.id for one in run.state.proposals.pending if one.id not in seen]
            if not left:
                break
            summary = proposal_summary(run, left[0], known)
        OUT.rule(style="dim")
        _show(summary)
        if len(left) > 1:
            OUT.print(f"[dim]{len(left) - 1} more wait[/dim]")
        if not _settle(folder, summary, texts):
            break
        seen.add(left[0])
    OUT.print("The others go on waiting." if left else "Nothing else waits." if seen else "Nothing waits.")
    return 0


def _settle(folder: Path, summary: Mapping[str, Any], texts: dict[str, Path]) -> bool:
    """Ask about a proposal until it is decided or put off; return False when the person leaves."""
    proposal = summary["id"]
    while True:
        try:
            decision = ANSWERS[
                Prompt.ask(
                    "approve, reject, edit, defer, show the whole source, or quit",
                    choices=list(ANSWERS),
                    default="d",
                    console=OUT,
                )
            ]
            reason = _reason(decision)
        except EOFError:
            OUT.print()
            return False
        if decision == "quit":
            return False
        if decision == "source":
            print_source(summary["source"], "python")
            continue
        try:
            with open_run(folder) as run:
                if decision == "edit":
                    _edit(run, proposal, reason, texts)
                else:
                    _decide(run, decision, proposal, reason, None)
        except AgentarchError as error:  # somebody else was faster, or an edit cannot be used
            OUT.print(f"[red]{plain(error, 1000)}[/red]", soft_wrap=True)
            if _waits(folder, proposal):
                continue
        else:
            OUT.print(_done(folder, decision, proposal))
        return True


def _reason(decision: str) -> str:
    """Ask why, where that is told to the models; a second time for a rejection, which is of little use without."""
    asked = {"reject": ("why", "why (later prompts tell it to the models)"), "edit": ("why",)}
    for question in asked.get(decision, ()):
        if said := Prompt.ask(question, default="", show_default=False, console=OUT).strip():
            return said
    return ""


def _waits(folder: Path, proposal: str) -> bool:
    with open_run(folder) as run:
        return run.state.proposals[proposal] in run.state.proposals.pending


def _decide(run: Run, decision: str, proposal: str, reason: str, file: Path | None) -> None:
    if decision == "defer":
        defer(run, proposal, _person())
        return
    decide(run, proposal, decision, reason, _person(), None if file is None else _read(file))


def _person() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a user without a name, as in some containers
        return f"user {os.getuid()}"


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except OSError as error:
        why = error.strerror or "it cannot be read"
    except UnicodeDecodeError:
        why = "it is not UTF-8 text"
    raise UsageError(f"cannot read the edited source {str(file)!r}: {why}. Nothing was decided")


def _edit(run: Run, proposal: str, reason: str, texts: dict[str, Path]) -> None:
    """Let a person change a proposal's source in their editor, and decide by it.

    Args:
        run: an opened run.
        proposal: its id.
        reason: why.
        texts: files with what was written before and could not be used, by proposal; gone on with, and kept up to date.

    Raises:
        AgentarchError: there is no editor, it failed, what was written cannot be used, or the run's store cannot be
            written. The text is kept, and the message says where.
    """
    try:
        editor = shlex.split(os.environ.get("VISUAL") or os.environ.get("EDITOR") or "")
    except ValueError as error:
        raise UsageError(
            f"EDITOR or VISUAL cannot be read as a command: {error}; nothing was decided"
        ) from None
    if not editor:
        raise UsageError(
            "there is no editor: set EDITOR, or give the edited source with --edit ID --file PATH"
        )
    source = str(waiting(run, proposal).draft["source"])
    if proposal not in texts:
        descriptor, name = tempfile.mkstemp(prefix=f"{proposal}-", suffix=".py")
        with os.fdopen(descriptor, "w", encoding="utf-8", errors="replace") as stream:
            stream.write(source)
        texts[proposal] = Path(name)
    file = texts[proposal]
    try:
        _open(editor, file)
        changed = _read(file)
        if changed == source:
            raise UsageError("nothing was changed, so nothing was decided")
        decide(run, proposal, "edit", reason, _person(), changed)
    except AgentarchError as error:
        if _read(file) != source:
            kind = UsageError if isinstance(error, UsageError) else AgentarchError
            raise kind(f"{error}. Your text is kept in {file}") from None
        file.unlink()
        del texts[proposal]
        raise
    file.unlink()


def _open(editor: list[str], file: Path) -> None:
    try:
        done = subprocess.run([*editor, str(file)], check=False)
    except OSError as error:
        raise UsageError(
            f"the editor {editor[0]!r} cannot be started: {error.strerror}; set EDITOR, and nothing was decided"
        ) from None
    if done.returncode != 0:
        raise UsageError(f"the editor ended with {done.returncode}, so nothing was decided")


def _done(folder: Path, decision: str, proposal: str) -> str:
    if decision == "defer":
        return f"{proposal} is deferred: it goes to the end of the list."
    done = {"approve": "approved", "reject": "rejected", "edit": "edited"}[decision]
    if is_driven(folder):
        return f"{proposal} is {done}; the search picks it up."
    return (
        f"{proposal} is {done}; it counts once the run goes on: agentarch resume {shlex.quote(str(folder))}"
    )
