"""`agentarch status`, `show` and `tasks`: what is known, as tables or JSON."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

from rich.table import Table

from agentarch.catalogue import find_tasks
from agentarch.cli.output import (
    OUT,
    duration_text,
    elites_table,
    ledger_text,
    outcomes_text,
    plain,
    print_json,
    print_source,
    proposals_text,
    score_text,
    verdict_text,
)
from agentarch.design import Design
from agentarch.errors import UsageError, unknown_name
from agentarch.kinds import KINDS
from agentarch.kinds.words import size_of, words_of
from agentarch.search.session import is_driven, open_run
from agentarch.search.state import RunState
from agentarch.search.summary import decisions_summary, design_summary, elites_summary, run_summary
from agentarch.wording import ENDINGS


def show_status(folder: Path, as_json: bool) -> None:
    """Print how far a run is."""
    with open_run(folder) as run:
        summary = {
            **run_summary(run.state, folder),
            "is_running": is_driven(folder),
            "evaluation_limit": run.config.evaluation_limit,
            "time_limit_seconds": run.config.time,
            "tasks": [task.name for task in run.tasks],
        }
    if as_json:
        print_json(summary)
        return
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", justify="right")
    table.add_column()
    limit = summary["evaluation_limit"]
    table.add_row("run", plain(summary["run_dir"]))
    table.add_row("state", _state_text(summary))
    table.add_row(
        "evaluations",
        f"{summary['evaluations']}{f' of {limit}' if limit else ''} done, {summary['running']} running",
    )
    table.add_row("outcomes", outcomes_text(summary["outcomes"], summary["quarantined"]))
    tasks = plain(", ".join(summary["tasks"]))
    table.add_row("designs", f"{summary['designs']}, {summary['designs_scored']} scored on {tasks}")
    table.add_row("best", _best_text(summary["best"]))
    table.add_row(
        "archive",
        f"{summary['elites']} elites, coverage {summary['coverage']:.1%}, QD score {summary['qd_score']:.2f}",
    )
    for task, warning in summary["headroom"].items():
        table.add_row("headroom", f"[yellow]{plain(task)}: {plain(warning, 400)}[/yellow]")
    if summary["verdict"]:
        table.add_row("verdict", verdict_text(summary["verdict"]).removeprefix("[bold]Verdict:[/bold] "))
    if any(summary["proposals"].values()):
        table.add_row("proposals", proposals_text(summary["proposals"], summary["proposal_faults"]))
    if summary["ledger"]["requests"]:
        table.add_row("models", ledger_text(summary["ledger"]))
    table.add_row(
        "cost",
        f"{duration_text(summary['wall_seconds'])} of wall time, "
        f"{duration_text(summary['candidate_cpu_seconds'])} of processor time inside designs",
    )
    OUT.print(table)


def show_elites(folder: Path, as_json: bool) -> None:
    """Print a run's elites."""
    with open_run(folder) as run:
        elites = elites_summary(run.state)
    if as_json:
        print_json({"run_dir": str(folder), "elites": elites})
    elif elites:
        OUT.print(elites_table(elites))
    else:
        OUT.print("No design has been scored on every task yet.")


def show_decisions(folder: Path, as_json: bool) -> None:
    """Print every decision of a run with its reason."""
    with open_run(folder) as run:
        decisions = decisions_summary(run.state)
    if as_json:
        print_json({"run_dir": str(folder), "decisions": decisions})
        return
    for one in decisions:
        OUT.print(
            f"[dim]{one['number']:>5}[/dim]  {one['kind']:<9}  {plain(one['reason'], 1000)}", soft_wrap=True
        )
    if not decisions:
        OUT.print("Nothing has been decided yet.")


def show_lessons(folder: Path, as_json: bool) -> None:
    """Print a run's lab notebook, the heaviest claims first."""
    from agentarch.search.authoring.accounts import lessons_summary

    with open_run(folder) as run:
        lessons = lessons_summary(run.state)
    if as_json:
        print_json({"run_dir": str(folder), "lessons": lessons})
        return
    if not lessons:
        OUT.print("No proposal has made a claim with a prediction; only language models make them.")
        return
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("claim", overflow="fold")
    table.add_column("of")
    for column in ("weight", "predicted", "measured", "right", "wrong", "undecided"):
        table.add_column(column, justify="right")
    for one in lessons:
        table.add_row(
            plain(one["claim"]),
            one["id"],
            f"{one['weight']:.2f}",
            f"{one['predicted']:+.3f}",
            "" if one["measured"] is None else f"{one['measured']:+.3f}",
            *(str(one[verdict]) for verdict in ("right", "wrong", "undecided")),
        )
    OUT.print(table)


def show_trace(folder: Path, wanted: str, question: int, as_json: bool) -> None:
    """Print what a design asked on one question, call by call.

    Args:
        folder: of the run.
        wanted: a design's id, its beginning, or its name.
        question: its number; 0 for the first that was answered wrongly, or the very first.
        as_json: print one JSON object.

    Raises:
        UsageError: there is no such design or question, or no calls were kept.
    """
    from agentarch.cli.tracing import show_question
    from agentarch.search.traced import typical_graph
    from agentarch.traces import question_account

    with open_run(folder) as run:
        design = find_design(run.state, wanted)
        graph = typical_graph(run, design.id)
    if graph is None:
        raise UsageError(
            f"no calls of {design.label} were kept: only agents ask models, and a trace is kept once one is evaluated"
        )
    count = len(graph.questions)
    if not 0 <= question <= count:
        raise UsageError(f"{design.label} was asked {count} questions; give a number from 1 to {count}")
    first_wrong = next((one.number for one in graph.questions if not one.is_right), 1)
    told = question_account(graph.questions[(question or first_wrong) - 1])
    if as_json:
        print_json({"id": design.id, "name": design.name, "questions": count, **told})
    else:
        OUT.print(f"{plain(design.name)} ({design.id}), one of {count:,} questions")
        show_question(told)


def show_design(folder: Path, wanted: str, as_json: bool) -> None:
    """Print one design with its source, lineage and every evaluation, and how it asks where it is an agent.

    Raises:
        UsageError: no design of the run is called that, or several are.
    """
    from agentarch.search.authoring.accounts import design_account
    from agentarch.search.traced import typical_graph
    from agentarch.traces import typical_account

    with open_run(folder) as run:
        design = find_design(run.state, wanted)
        graph = typical_graph(run, design.id)
        summary = design_summary(run.state, design) | {
            "proposal": design_account(run.state, design.id),
            "pipeline": None if graph is None else typical_account(graph),
        }
    if as_json:
        print_json(summary)
        return
    OUT.print(
        f"[bold]{plain(summary['name'])}[/bold] ({summary['id']}), {summary['kind']}{_standing(summary)}"
    )
    if summary["rationale"]:
        OUT.print(plain(summary["rationale"], 600), soft_wrap=True)
    edited = f" by {plain(summary['edited_by'])}" if summary["edited_by"] else ""
    OUT.print(
        f"by {plain(summary['proposer'])}, {plain(summary['operator'])}{edited}{_ancestry(summary)}",
        soft_wrap=True,
    )
    if summary["proposal"]:
        OUT.print(_proposal_table(summary["proposal"]))
    OUT.print()
    OUT.print(_evaluations_table(summary["evaluations"], summary["kind"]))
    if summary["pipeline"]:
        from agentarch.cli.tracing import show_pipeline

        OUT.print()
        show_pipeline(summary["pipeline"])
    if summary["test_note"] and any(one["split"] == "test" for one in summary["evaluations"]):
        OUT.print(f"[yellow]{summary['test_note']}[/yellow]")
    for evaluation in summary["evaluations"]:
        if evaluation["reason"]:
            OUT.print(
                f"{evaluation['task']}, rung {evaluation['rung']}: {plain(evaluation['reason'], 400)}",
                soft_wrap=True,
            )
    OUT.print()
    print_source(summary["source"], "python")


def show_tasks(kind: str, as_json: bool) -> None:
    """Print the tasks for a kind of design."""
    if kind not in KINDS:
        raise unknown_name("kind of design", kind, KINDS)
    found = find_tasks(kind)
    if as_json:
        print_json({"tasks": [_task_summary(task) for task in found.values()]})
        return
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for column in ("task", "asks for", "metric"):
        table.add_column(column)
    for column in ("chance", f"rungs ({words_of(kind).steps})"):
        table.add_column(column, justify="right")
    for task in found.values():
        steps = ", ".join(str(rung.steps) for rung in task.rungs)
        table.add_row(
            plain(task.name), plain(task.description), plain(task.metric), f"{task.chance:.3f}", steps
        )
    OUT.print(table)
    OUT.print("\nA task of your own: --tasks my_task.py (see CONTRIBUTING.md).")


def _task_summary(task: Any) -> dict[str, Any]:
    return {
        "name": task.name,
        "kind": task.kind,
        "description": task.description,
        "metric": task.metric,
        "chance": task.chance,
        "ceiling": task.ceiling,
        "rungs": [_rung_summary(rung) for rung in task.rungs],
    }


def _rung_summary(rung: Any) -> dict[str, Any]:
    """Return a rung's facts, whatever the kind of its task."""
    facts = {one.name: getattr(rung, one.name) for one in fields(rung)}
    return {"steps": rung.steps, **facts, "size": dict(rung.size)}


def _best_text(best: dict[str, Any] | None) -> str:
    if best is None:
        return "none yet"
    score = score_text(best["score"], best["interval"])
    return f"{score} {plain(best['name'])} ({best['id']}) at rung {best['rung']}"


def _state_text(summary: dict[str, Any]) -> str:
    if summary["is_running"]:
        return "running"
    return {
        None: "killed; go on with `agentarch resume`",
        "interrupted": "interrupted; go on with `agentarch resume`",
        "failed": "failed; go on with `agentarch resume`",
    }.get(summary["stopped"]) or ENDINGS.get(summary["stopped"], plain(summary["stopped"]))


def find_design(state: RunState, wanted: str) -> Design:
    """Return the design of a run with an id, the beginning of one, or a name.

    Raises:
        UsageError: no design of the run is called that, or several are.
    """
    if wanted in state.designs:
        return state.designs[wanted]
    matches = [d for d in state.designs.values() if d.id.startswith(wanted) or d.name == wanted]
    if len(matches) == 1:
        return matches[0]
    if matches:
        raise UsageError(
            f"{wanted!r} could be any of {', '.join(d.id for d in matches[:8])}; give more of the id"
        )
    raise unknown_name("design", wanted, [*state.designs, *(d.name for d in state.designs.values())])


def _standing(summary: dict[str, Any]) -> str:
    if summary["same_as"]:
        return f", acts exactly like {summary['same_as']}"
    return ", an elite" if summary["is_elite"] else ""


def _ancestry(summary: dict[str, Any]) -> str:
    steps = [
        f"{plain(one['name'], 40)} ({one['id']}{_edit(one['edited_by'])})" for one in summary["lineage"][:6]
    ]
    more = len(summary["lineage"]) - len(steps)
    return (f" of {', '.join(steps)}" if steps else "") + (f" and {more} earlier" if more > 0 else "")


def _edit(by: str | None) -> str:
    return f", edited by {plain(by, 40)}" if by else ""


def _proposal_table(proposal: dict[str, Any]) -> Table:
    """Return what is known of the proposal that a design came of."""
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", justify="right")
    table.add_column(overflow="fold")
    stage, reason = proposal["stage"].replace("_", " "), proposal["reason"]
    table.add_row("proposal", f"{proposal['id']}, {stage}{f': {plain(reason, 400)}' if reason else ''}")
    writer = plain(proposal["model"]) if proposal["model"] else "no model"
    table.add_row("written by", f"{writer}, {plain(proposal['operator'])}, prompt pack {proposal['pack']}")
    if proposal["placebo"]:
        table.add_row("placebo", f"the parents shown were {proposal['placebo']}")
    if proposal["claim"]:
        table.add_row("claim", plain(proposal["claim"]))
    predicted, measured = proposal["predicted_change"], proposal["measured_change"]
    if predicted is not None or measured is not None:
        expected = "nothing predicted" if predicted is None else f"predicted {predicted:+.3f}"
        found = "not measured" if measured is None else f"measured {_difference_text(measured)}"
        table.add_row("effect", f"{expected}, {found}")
    if review := proposal["review"]:
        because = f": {plain(review['reason'], 400)}" if review["reason"] else ", without a reason"
        table.add_row("review", f"{review['decision']} by {plain(review['by'])}{because}")
    for fault in proposal["faults"]:
        table.add_row(fault["kind"].replace("_", " "), plain(fault["reason"], 400))
    if proposal["became"]:
        table.add_row("became", proposal["became"])
    return table


def _difference_text(found: dict[str, Any]) -> str:
    return (
        f"{found['value']:+.3f} [dim]\\[{found['low']:+.3f}, {found['high']:+.3f}][/dim] (n = {found['n']})"
    )


def _evaluations_table(evaluations: list[dict[str, Any]], kind: str) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for column in ("task", "rung", "seed", "outcome"):
        table.add_column(column)
    for column in ("score \\[95%]", words_of(kind).size, "wall", "processor", "peak memory"):
        table.add_column(column, justify="right")
    for one in evaluations:
        cost = one["cost"]
        split = "" if one["split"] == "search" else f" {one['split']}"
        size = size_of(kind, one["parameters"], one["descriptors"])
        rate = "" if one["learning_rate"] == 1.0 else f" at rate {one['learning_rate']:g}"
        table.add_row(
            plain(one["task"]),
            str(one["rung"]),
            f"{one['seed']}{split}{rate}",
            one["outcome"],
            "" if one["score"] is None else score_text(one["score"], one["interval"]),
            "" if size is None else f"{size:,.0f}",
            duration_text(cost["wall_seconds"]),
            duration_text(cost["cpu_seconds"]),
            f"{cost['peak_memory_bytes'] / 2**20:,.0f} MiB",
        )
    return table
