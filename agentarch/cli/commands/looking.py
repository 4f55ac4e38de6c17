"""Options and help of the commands that look at a run, or decide about one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from agentarch.cli.commands.base import Json, RunName, app


@app.command(epilog="Example: agentarch status latest --json")
def status(run: RunName, as_json: Json = False) -> None:
    """Say how far a run is: outcomes, best design, coverage, cost. Works while it runs."""
    from agentarch.cli.showing import show_status
    from agentarch.search.session import find_run

    show_status(find_run(run), as_json)


@app.command(
    epilog="Examples: agentarch show latest    agentarch show latest 3f9c    agentarch show latest 3f9c --trace 7"
)
def show(
    run: RunName,
    design: Annotated[
        str | None, typer.Argument(metavar="ID", help="A design's id, its beginning, or its name.")
    ] = None,
    decisions: Annotated[
        bool, typer.Option("--decisions", help="Show every decision of the run with its reason instead.")
    ] = False,
    lessons: Annotated[
        bool,
        typer.Option("--lessons", help="Show what proposals claimed, and what was measured of it, instead."),
    ] = False,
    trace: Annotated[
        int | None,
        typer.Option(
            min=0,
            metavar="QUESTION",
            help="Show what an agent asked on one question, call by call; 0 for the first it answered wrongly.",
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Show a run's elites, or one design with its source, lineage and every evaluation, or decisions, or lessons."""
    from agentarch.cli.output import only_one
    from agentarch.cli.showing import show_decisions, show_design, show_elites, show_lessons, show_trace
    from agentarch.errors import UsageError
    from agentarch.search.session import find_run

    flags = {"--decisions": decisions, "--lessons": lessons}
    only_one({"ID": design, **{flag: "" if given else None for flag, given in flags.items()}})
    if trace is not None and design is None:
        raise UsageError("--trace goes with a design: agentarch show RUN ID --trace QUESTION")
    folder = find_run(run)
    if lessons:
        show_lessons(folder, as_json)
    elif decisions:
        show_decisions(folder, as_json)
    elif design is None:
        show_elites(folder, as_json)
    elif trace is not None:
        show_trace(folder, design, trace, as_json)
    else:
        show_design(folder, design, as_json)


@app.command(
    epilog="Examples: agentarch review latest    agentarch review latest --list    "
    "agentarch review latest --reject p7 --reason 'it only renames a layer'"
)
def review(
    run: RunName,
    waiting: Annotated[bool, typer.Option("--list", help="List what waits, and decide nothing.")] = False,
    show_one: Annotated[
        str | None, typer.Option("--show", metavar="ID", help="Show one proposal, and decide nothing.")
    ] = None,
    approve: Annotated[str | None, typer.Option(metavar="ID", help="Send a proposal to be scored.")] = None,
    reject: Annotated[
        str | None, typer.Option(metavar="ID", help="Refuse a proposal; --reason says why.")
    ] = None,
    edit: Annotated[
        str | None,
        typer.Option(metavar="ID", help="Put another source in its place: that of --file, or from $EDITOR."),
    ] = None,
    defer: Annotated[
        str | None, typer.Option(metavar="ID", help="Look at it later: its timeout starts again.")
    ] = None,
    reason: Annotated[str, typer.Option(help="Why; later prompts tell it to the models.")] = "",
    file: Annotated[Path | None, typer.Option(help="The edited source, for --edit.")] = None,
    as_json: Json = False,
) -> None:
    """Look at proposals that wait for a person, and approve, reject, edit or defer them.

    Without an option, it goes through them one by one: difference from the parent, rationale, predicted cost, nearest
    known design. Works while the search runs, which never waits for it; a decision is made once, whoever comes first.
    """
    from agentarch.cli.output import only_one
    from agentarch.cli.reviewing import review_run
    from agentarch.search.session import find_run

    asked = {
        "--list": "" if waiting else None,
        "--show": show_one,
        "--approve": approve,
        "--reject": reject,
        "--edit": edit,
        "--defer": defer,
    }
    only_one(asked)
    raise typer.Exit(review_run(find_run(run), asked, reason, file, as_json))


@app.command(
    epilog="Examples: agentarch report latest    agentarch report latest --output night.html    "
    "agentarch report chosen --beside shuffled --beside none"
)
def report(
    run: RunName,
    output: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Where to write it.  [default: report.html in the run's folder]"),
    ] = None,
    beside: Annotated[
        list[str] | None,
        typer.Option(
            metavar="RUN", help="Another run, e.g. with --placebo, to see whether its models use the archive."
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Write a run as one HTML file to read offline: verdict, niches, progress, finalists, cost. Works while it runs.

    With --json the same numbers are printed besides. An older report is replaced; any other file is left alone.
    """
    from agentarch.cli.reporting import write_report
    from agentarch.search.session import find_run

    write_report(find_run(run), output, [find_run(one) for one in beside or ()], as_json)


@app.command("test", epilog="Example: agentarch test latest 3f9c --force")
def open_the_test_split(
    run: RunName,
    design: Annotated[str, typer.Argument(metavar="ID", help="A design's id, its beginning, or its name.")],
    force: Annotated[
        bool,
        typer.Option("--force", help="Look again although the split was opened; all figures will say so."),
    ] = False,
    sandbox: Annotated[
        str | None,
        typer.Option(help="Another sandbox than the run was begun in.  [default: that of the run]"),
    ] = None,
    as_json: Json = False,
) -> None:
    """Score a design of a finished run on the sealed test split, which may be opened once in a run.

    The finish of a run opens it for its leading finalist and the hardest control, where the budget has room. A second
    look is refused unless forced, for a design chosen by its test score has no test score.
    """
    from agentarch.cli.opening import open_test
    from agentarch.search.session import find_run

    raise typer.Exit(open_test(find_run(run), design, force, sandbox, as_json))


@app.command(epilog="Example: agentarch knockout latest 3f9c --seeds 3")
def knockout(
    run: RunName,
    design: Annotated[str, typer.Argument(metavar="ID", help="A design's id, its beginning, or its name.")],
    rung: Annotated[
        int | None,
        typer.Option(min=0, help="Fidelity of every task.  [default: the highest it has done, up to 2]"),
    ] = None,
    seeds: Annotated[int, typer.Option(min=2, help="Training seeds on each task, paired.")] = 2,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Boxes at a time.  [default: those of the run]")
    ] = None,
    sandbox: Annotated[
        str | None, typer.Option(help="What holds the designs.  [default: that of the run]")
    ] = None,
    as_json: Json = False,
) -> None:
    """Take each part of a design away, or put something plain in its place, and say what it contributed.

    The design and what is left without each part are trained on the run's tasks with fresh seeds. The run itself is not
    changed; what was found is kept in its folder, under knockouts/.
    """
    from agentarch.cli.knocking import knock_out_parts
    from agentarch.search.session import find_run

    raise typer.Exit(knock_out_parts(find_run(run), design, rung, seeds, workers, sandbox, as_json))
