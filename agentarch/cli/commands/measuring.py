"""Options and help of the commands that need no run: designs, tasks, the machine."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from agentarch.cli.commands.base import Json, app


@app.command(
    epilog="Examples: agentarch evaluate archive/networks/gru.py --task parity --rung 2    "
    "agentarch evaluate archive/agents/*.py --task world --rung 3"
)
def evaluate(
    file: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE...",
            help="Designs: Python files that define build(spec), or solve(question, model).",
        ),
    ],
    task: Annotated[str, typer.Option(help="Task to score it on, by name or .py file.")],
    rung: Annotated[int, typer.Option(help="Fidelity: 0 is a smoke run; `agentarch tasks` lists them.")] = 1,
    seed: Annotated[
        int, typer.Option(help="Chooses data and initialisation; the same seed gives the same score.")
    ] = 0,
    learning_rate: Annotated[
        float, typer.Option(help="Times that of the frozen recipe; data and initialisation stay the same.")
    ] = 1.0,
    kind: Annotated[
        str | None, typer.Option(help="Kind of design; without it, what the first file defines.")
    ] = None,
    memory_mib: Annotated[int, typer.Option(min=512, help="Memory limit of the box, torch included.")] = 2048,
    sandbox: Annotated[
        str, typer.Option(help="What holds the design: auto, jail, landlock, docker or unsafe.")
    ] = "auto",
    solve_with: Annotated[
        list[str] | None,
        typer.Option(metavar="MODEL", help="Model that agents may ask.  [default: embedded]"),
    ] = None,
    base_url: Annotated[
        list[str] | None, typer.Option(help="Where that is served: URL, or MODEL=URL.")
    ] = None,
    price: Annotated[
        list[str] | None, typer.Option(help="What it costs: IN,OUT in dollars per million tokens.")
    ] = None,
    max_usd: Annotated[float | None, typer.Option(help="Ask no model beyond so many dollars.")] = None,
    as_json: Json = False,
) -> None:
    """Score designs in boxes, and say what came of it; of several, a line each, the best first.

    Set AGENTARCH_SECRET to draw other items than the public ones of that seed.
    """
    from agentarch.cli.evaluating import Asked, evaluate_files

    models = {
        "solve_with": ",".join(solve_with) if solve_with else None,
        "base_url": base_url or None,
        "price": price or None,
        "max_usd": max_usd,
    }
    asked = Asked(task, rung, seed, learning_rate, kind, memory_mib, sandbox, models)
    raise typer.Exit(evaluate_files(file, asked, as_json))


@app.command(
    epilog="Examples: agentarch tasks    agentarch tasks --check my_task.py    agentarch tasks --measure all"
)
def tasks(
    kind: Annotated[str, typer.Option(help="Kind of design.")] = "network",
    check: Annotated[
        str | None,
        typer.Option(
            metavar="TASK",
            help="Check a task, by name or .py file, or `all`: does it tell the truth, and what can it tell apart?",
        ),
    ] = None,
    audit: Annotated[
        str | None,
        typer.Option(metavar="TASK", help="Train designs that must not score on a task, or on `all`."),
    ] = None,
    measure: Annotated[
        str | None,
        typer.Option(metavar="TASK", help="Measure the seed designs on tasks, with commas, or on `all`."),
    ] = None,
    rung: Annotated[int, typer.Option(help="Fidelity at which an audit trains its designs.")] = 1,
    seed: Annotated[int, typer.Option(min=0, help="Of an audit's data and designs.")] = 0,
    rungs: Annotated[str, typer.Option(help="Fidelities to measure, with commas.")] = "1,2",
    seeds: Annotated[int, typer.Option(min=1, help="Training seeds to measure with.")] = 2,
    designs: Annotated[str, typer.Option(help="Seed designs to measure, with commas.")] = "all",
    workers: Annotated[
        int | None, typer.Option(min=1, help="Boxes at a time when measuring.  [default: all cores]")
    ] = None,
    sandbox: Annotated[str, typer.Option(help="What holds the designs.")] = "auto",
    as_json: Json = False,
) -> None:
    """List the tasks designs are scored on, with their rungs; or check, audit or measure some.

    A check looks at a task's items and grading for what cannot be true; one of networks is then audited, and
    measurements tell its noise, what it resolves, and how far its rungs agree. An audit trains designs that must not
    score (a constant, one on shuffled labels) or must be refused (one that looks ahead or at its batch). Both
    end with exit code 1 when something does not hold. Measuring takes long, can be stopped at any time, and
    goes on where it was.
    """
    from agentarch.cli.output import only_one
    from agentarch.errors import UsageError

    only_one({"--check": check, "--audit": audit, "--measure": measure})
    if kind != "network" and (audit or measure) is not None:
        raise UsageError(
            "tasks are audited and measured by training networks on them; for agents, look at one with --check, and "
            "score the seed designs on it with: agentarch evaluate archive/agents/*.py --task NAME"
        )
    if check is not None:
        from agentarch.cli.checking import check_tasks

        raise typer.Exit(check_tasks(kind, check, rung, seed, sandbox, as_json))
    if audit is not None:
        from agentarch.cli.auditing import audit as audit_tasks

        raise typer.Exit(audit_tasks(audit, rung, seed, sandbox, as_json))
    if measure is not None:
        from agentarch.cli.measuring import measure_tasks

        raise typer.Exit(measure_tasks(measure, rungs, seeds, designs, workers, sandbox, as_json))
    from agentarch.cli.showing import show_tasks

    show_tasks(kind, as_json)


@app.command(epilog="Example: agentarch simulate --runs 200 --designs 30 --better 0.05")
def simulate(
    suite: Annotated[str, typer.Option(help="Suite of tasks whose noise and budget are used.")] = "standard",
    runs: Annotated[int, typer.Option(min=1, help="Simulated runs of each kind.")] = 200,
    designs: Annotated[int, typer.Option(min=3, help="Designs of a run, a third of them seeds.")] = 30,
    better: Annotated[float, typer.Option(help="By how much one design is truly better.")] = 0.05,
    evaluations: Annotated[
        int | None, typer.Option(min=1, help="Budget of a run.  [default: the suite's]")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the draws.")] = 0,
    as_json: Json = False,
) -> None:
    """Simulate runs whose truth is known, and count the winners that are declared.

    The code that decides is that of a real run; only scores are drawn, from the spread between training seeds that
    was measured on the seed designs. In half of the runs all designs are equal, and no winner may be declared; in the
    others one is better, and should be found.
    """
    from agentarch.cli.simulating import Asked, simulate_runs

    raise typer.Exit(simulate_runs(Asked(suite, runs, designs, better, evaluations, seed), as_json))


@app.command(epilog="Example: agentarch doctor")
def doctor(as_json: Json = False) -> None:
    """Check that this machine can run a search, and say how to mend what does not work."""
    from agentarch.cli.doctor import examine

    raise typer.Exit(examine(as_json))
