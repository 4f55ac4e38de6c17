"""Every command with its options and help. Imports nothing heavy, so that `--help` answers at once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    name="agentarch",
    help="Designs architectures: proposes them as code, scores them in a box, keeps the best of every niche.",
    epilog="Start with: agentarch search --evaluations 40",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,  # plain help answers in half the time
    pretty_exceptions_enable=False,
)

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout; logs go to stderr.")]
RunName = Annotated[
    str, typer.Argument(metavar="RUN", help="A run's folder, its name under runs/, or 'latest'.")
]


def _version(wanted: bool) -> None:
    if wanted:
        from agentarch import __version__

        typer.echo(f"agentarch {__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Designs architectures: proposes them as code, scores them in a box, keeps the best of every niche."""


@app.command(epilog="Example: agentarch search --tasks recall,parity --evaluations 40 --seed 1")
def search(
    kind: Annotated[str | None, typer.Option(help="Kind of design: network.  [default: network]")] = None,
    tasks: Annotated[
        str | None,
        typer.Option(
            help="Tasks to score on, by name or .py file, comma-separated.  [default: recall,parity]"
        ),
    ] = None,
    evaluations: Annotated[
        int | None,
        typer.Option(help="Stop after so many evaluations.  [default: 120, unless --time is given]"),
    ] = None,
    time: Annotated[str | None, typer.Option(help="Stop after so long: 90s, 30m, 8h, 1h30m.")] = None,
    workers: Annotated[
        int | None, typer.Option(help="Boxes at a time, one thread each.  [default: all cores]")
    ] = None,
    proposer: Annotated[str | None, typer.Option(help="evolve, random or seeds.  [default: evolve]")] = None,
    seed: Annotated[
        int | None,
        typer.Option(
            help="Make the run's data and proposals repeatable. Without it they come from a fresh secret."
        ),
    ] = None,
    run_dir: Annotated[
        Path | None, typer.Option(help="Folder for the run.  [default: runs/DATE-TIME-XXXX]")
    ] = None,
    config: Annotated[Path | None, typer.Option(help="TOML file with the same settings; flags win.")] = None,
    memory_mib: Annotated[
        int | None, typer.Option(help="Memory limit of one box, torch included.  [default: 2048]")
    ] = None,
    sandbox: Annotated[
        str | None,
        typer.Option(help="What holds the designs: auto, jail, landlock, docker or unsafe.  [default: auto]"),
    ] = None,
    as_json: Json = False,
) -> None:
    """Search for designs: propose, train and score, archive, again, until the budget is spent.

    Ctrl-C stops it at once and loses nothing that was recorded; `agentarch resume` goes on.
    """
    from agentarch.cli.searching import start
    from agentarch.config import make_config

    given = {
        "kind": kind,
        "tasks": tasks,
        "evaluations": evaluations,
        "time": time,
        "workers": workers,
        "proposer": proposer,
        "seed": seed,
        "sandbox": sandbox,
        "memory_mib": memory_mib,
    }
    raise typer.Exit(start(make_config(given, config), run_dir, as_json))


@app.command(epilog="Example: agentarch resume latest")
def resume(
    run: RunName,
    sandbox: Annotated[
        str | None,
        typer.Option(help="Another sandbox than the run was begun in.  [default: that of the run]"),
    ] = None,
    as_json: Json = False,
) -> None:
    """Go on with a run that was interrupted, killed, or ran out of disk.

    Budgets go on where they were: nothing recorded is done twice, and nothing is forgotten.
    """
    from agentarch.cli.searching import go_on
    from agentarch.search.session import find_run

    raise typer.Exit(go_on(find_run(run), as_json, sandbox))


@app.command(epilog="Example: agentarch status latest --json")
def status(run: RunName, as_json: Json = False) -> None:
    """Say how far a run is: outcomes, best design, coverage, cost. Works while it runs."""
    from agentarch.cli.showing import show_status
    from agentarch.search.session import find_run

    show_status(find_run(run), as_json)


@app.command(epilog="Examples: agentarch show latest    agentarch show latest 3f9c")
def show(
    run: RunName,
    design: Annotated[
        str | None, typer.Argument(metavar="ID", help="A design's id, its beginning, or its name.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Show a run's elites, or one design with its source, lineage and every evaluation."""
    from agentarch.cli.showing import show_design, show_elites
    from agentarch.search.session import find_run

    folder = find_run(run)
    if design is None:
        show_elites(folder, as_json)
    else:
        show_design(folder, design, as_json)


@app.command(epilog="Example: agentarch evaluate archive/networks/gru.py --task parity --rung 2")
def evaluate(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="A design: a Python file that defines build(spec).")
    ],
    task: Annotated[str, typer.Option(help="Task to score it on, by name or .py file.")],
    rung: Annotated[int, typer.Option(help="Fidelity: 0 is a smoke run; `agentarch tasks` lists them.")] = 1,
    seed: Annotated[
        int, typer.Option(help="Chooses data and initialisation; the same seed gives the same score.")
    ] = 0,
    learning_rate: Annotated[
        float, typer.Option(help="Times that of the frozen recipe; data and initialisation stay the same.")
    ] = 1.0,
    kind: Annotated[str, typer.Option(help="Kind of design.")] = "network",
    memory_mib: Annotated[int, typer.Option(min=512, help="Memory limit of the box, torch included.")] = 2048,
    sandbox: Annotated[
        str, typer.Option(help="What holds the design: auto, jail, landlock, docker or unsafe.")
    ] = "auto",
    as_json: Json = False,
) -> None:
    """Train and score one design in a box, and say what came of it.

    Set AGENTARCH_SECRET to draw other items than the public ones of that seed.
    """
    from agentarch.cli.evaluating import evaluate_file

    request = (task, rung, seed, learning_rate)
    raise typer.Exit(evaluate_file(file, *request, kind, memory_mib, sandbox, as_json))


@app.command(epilog="Examples: agentarch tasks    agentarch tasks --audit my_task.py --rung 2")
def tasks(
    kind: Annotated[str, typer.Option(help="Kind of design.")] = "network",
    audit: Annotated[
        str | None,
        typer.Option(metavar="TASK", help="Audit a task, by name or .py file, or `all`, instead of listing."),
    ] = None,
    rung: Annotated[int, typer.Option(help="Fidelity at which an audit trains its designs.")] = 1,
    seed: Annotated[int, typer.Option(min=0, help="Of an audit's data and designs.")] = 0,
    sandbox: Annotated[str, typer.Option(help="What holds an audit's designs.")] = "auto",
    as_json: Json = False,
) -> None:
    """List the tasks designs are scored on, with their rungs; or audit some.

    An audit trains designs that must not score (a constant, one on shuffled labels) or must be refused (one that looks
    ahead or at its batch). The exit code is 1 when something does not hold.
    """
    from agentarch.cli.auditing import audit as audit_tasks
    from agentarch.cli.showing import show_tasks

    if audit is None:
        show_tasks(kind, as_json)
    else:
        raise typer.Exit(audit_tasks(audit, rung, seed, sandbox, as_json))


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


@app.command(epilog="Example: agentarch doctor")
def doctor(as_json: Json = False) -> None:
    """Check that this machine can run a search, and say how to mend what does not work."""
    from agentarch.cli.doctor import examine

    raise typer.Exit(examine(as_json))
