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


@app.command(
    epilog="Examples: agentarch search --suite quick    agentarch search --tasks recall,copy --time 8h --seed 1    "
    "agentarch search --model openai/NAME --max-usd 5 --review gate"
)
def search(
    kind: Annotated[str | None, typer.Option(help="Kind of design: network.  [default: network]")] = None,
    tasks: Annotated[
        str | None,
        typer.Option(
            help="Tasks to score on, by name or .py file, comma-separated.  [default: those of the suite]"
        ),
    ] = None,
    suite: Annotated[
        str | None,
        typer.Option(
            help="Named set of tasks with a budget: quick, standard or full; for agents, world.  [default: the first]"
        ),
    ] = None,
    evaluations: Annotated[
        int | None,
        typer.Option(
            help="Stop after so many evaluations.  [default: the suite's, or 120; none when --time is given]"
        ),
    ] = None,
    time: Annotated[str | None, typer.Option(help="Stop after so long: 90s, 30m, 8h, 1h30m.")] = None,
    workers: Annotated[
        int | None, typer.Option(help="Boxes at a time, one thread each.  [default: all cores]")
    ] = None,
    proposer: Annotated[
        str | None,
        typer.Option(
            help="evolve, random or seeds; for agents also edges and layers.  [default: evolve, or --model]"
        ),
    ] = None,
    solve_with: Annotated[
        list[str] | None,
        typer.Option(
            metavar="MODEL",
            help="Model that agents may ask: embedded, openai/NAME, ...; may be given again.  [default: embedded]",
        ),
    ] = None,
    model: Annotated[
        list[str] | None,
        typer.Option(
            help="Language model that writes the designs: openai/NAME, anthropic/NAME, manual, or any name that "
            "litellm knows. Several share the work by what they gain for a dollar."
        ),
    ] = None,
    base_url: Annotated[
        list[str] | None,
        typer.Option(help="Where models are served: URL, or MODEL=URL.  [default: by their makers]"),
    ] = None,
    price: Annotated[
        list[str] | None,
        typer.Option(
            help="IN,OUT or MODEL=IN,OUT in dollars per million tokens.  [default: as litellm lists]"
        ),
    ] = None,
    max_usd: Annotated[float | None, typer.Option(help="Ask no model beyond so many dollars.")] = None,
    max_tokens: Annotated[int | None, typer.Option(help="Nor beyond so many tokens.")] = None,
    max_requests: Annotated[int | None, typer.Option(help="Nor beyond so many requests.")] = None,
    proposals_in_flight: Annotated[
        int | None, typer.Option(help="Proposals that models work on at a time.  [default: 4]")
    ] = None,
    fallback_model: Annotated[
        list[str] | None, typer.Option(help="Asked when a model cannot be reached.")
    ] = None,
    role_model: Annotated[
        list[str] | None,
        typer.Option(metavar="ROLE=MODEL", help="Model for one role: propose, reflect, repair or judge."),
    ] = None,
    reflect: Annotated[
        bool | None,
        typer.Option(
            "--reflect/--no-reflect", help="Let a model look at each design first.  [default: reflect]"
        ),
    ] = None,
    prompts: Annotated[
        Path | None, typer.Option(help="Folder of prompt templates that replace the shipped ones.")
    ] = None,
    review: Annotated[
        str | None,
        typer.Option(help="Which proposals wait for a person: off, gate, or sample:0.2.  [default: off]"),
    ] = None,
    review_timeout: Annotated[
        str | None, typer.Option(help="Decide without a person after so long, e.g. 30m.")
    ] = None,
    on_timeout: Annotated[
        str | None, typer.Option(help="What is decided then: approve or reject.  [default: reject]")
    ] = None,
    placebo: Annotated[
        str | None,
        typer.Option(help="Show the models other parents than the chosen ones: shuffled, or none."),
    ] = None,
    model_deadline: Annotated[
        str | None, typer.Option(help="How long a question may take, retries included.  [default: 300s]")
    ] = None,
    model_stall: Annotated[
        str | None, typer.Option(help="How long a model may be silent in a request.  [default: 120s]")
    ] = None,
    prompt_tokens: Annotated[
        int | None,
        typer.Option(
            help="No prompt is longer, by a cautious estimate, not counting the schema.  [default: 24000]"
        ),
    ] = None,
    reply_tokens: Annotated[int | None, typer.Option(help="No answer is longer.  [default: 8192]")] = None,
    controls: Annotated[
        bool | None,
        typer.Option(
            "--controls/--no-controls",
            help="Give random proposals a budget equal to the search's.  [default: controls]",
        ),
    ] = None,
    top_rung: Annotated[
        int | None, typer.Option(help="Highest rung a design climbs to.  [default: the highest of the tasks]")
    ] = None,
    confirm_seeds: Annotated[
        int | None, typer.Option(help="Training seeds of each confirmation at the end.  [default: 3]")
    ] = None,
    sweep: Annotated[
        bool | None,
        typer.Option("--sweep", help="Also train the finalists at the best of several learning rates."),
    ] = None,
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

    Half of the search's budget goes to a control, random proposals that are treated alike. The last third of the budget
    confirms the best designs and the controls on items that no decision has seen; the verdict says which control was
    beaten, by how much and how surely, or that none was.

    With --kind agent the designs are pipelines that ask language models, by default the embedded one, which needs no
    key; --solve-with names others.

    With --model a language model writes the designs; its key is taken from the usual environment variable. What it
    costs is reserved before each request, so that --max-usd is never passed. `agentarch review` decides on what waits.

    Ctrl-C stops it at once and loses nothing that was recorded; `agentarch resume` goes on.
    """
    from agentarch.cli.searching import pairs, start
    from agentarch.config import make_config

    given = {
        "kind": kind,
        "tasks": tasks,
        "suite": suite,
        "evaluations": evaluations,
        "time": time,
        "workers": workers,
        "proposer": proposer,
        "solve_with": ",".join(solve_with) if solve_with else None,
        "model": ",".join(model) if model else None,
        "base_url": base_url or None,
        "price": price or None,
        "max_usd": max_usd,
        "max_tokens": max_tokens,
        "max_requests": max_requests,
        "proposals_in_flight": proposals_in_flight,
        "fallback_model": ",".join(fallback_model) if fallback_model else None,
        "role_model": pairs("--role-model", role_model),
        "reflect": reflect,
        "prompts": None if prompts is None else str(prompts.absolute()),
        "review": review,
        "review_timeout": review_timeout,
        "on_timeout": on_timeout,
        "placebo": placebo,
        "model_deadline": model_deadline,
        "model_stall": model_stall,
        "prompt_tokens": prompt_tokens,
        "reply_tokens": reply_tokens,
        "controls": controls,
        "top_rung": top_rung,
        "confirm_seeds": confirm_seeds,
        "sweep": sweep,
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
    model: Annotated[list[str] | None, typer.Option(help="Other models than the run was begun with.")] = None,
    base_url: Annotated[list[str] | None, typer.Option(help="Where models are served now.")] = None,
    price: Annotated[list[str] | None, typer.Option(help="What they cost now.")] = None,
    max_usd: Annotated[
        float | None, typer.Option(help="Another ceiling in dollars, over all sessions.")
    ] = None,
    max_tokens: Annotated[int | None, typer.Option(help="Another ceiling in tokens.")] = None,
    max_requests: Annotated[int | None, typer.Option(help="Another ceiling in requests.")] = None,
    as_json: Json = False,
) -> None:
    """Go on with a run that was interrupted, killed, ran out of disk, or lost its model.

    Budgets go on where they were: nothing recorded is done twice, and nothing is forgotten. What is said of models
    here holds for this session.
    """
    from agentarch.cli.searching import go_on
    from agentarch.search.session import find_run

    changes = {
        "model": ",".join(model) if model else None,
        "base_url": base_url or None,
        "price": price or None,
        "max_usd": max_usd,
        "max_tokens": max_tokens,
        "max_requests": max_requests,
    }
    raise typer.Exit(go_on(find_run(run), as_json, sandbox, changes))


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


@app.command(
    epilog="Examples: agentarch route latest    agentarch route latest --keep 0.98 --out router.py    "
    "agentarch route latest --price 0.05"
)
def route(
    run: RunName,
    keep: Annotated[
        float | None,
        typer.Option(
            min=0.01,
            max=1.0,
            help="Share of the best pipeline's score to keep, for as few tokens as can be.  [default: 0.95]",
        ),
    ] = None,
    price: Annotated[
        float | None,
        typer.Option(
            min=0.0, help="What 1,000 tokens are worth, as a share of a right answer; instead of --keep."
        ),
    ] = None,
    questions: Annotated[int, typer.Option(min=50, help="Of every task, to fit on.")] = 300,
    held_out: Annotated[int, typer.Option(min=20, help="Of every task, to judge on.")] = 400,
    rung: Annotated[
        int | None,
        typer.Option(
            min=0, help="Fidelity of every task.  [default: the highest that all have done, up to 2]"
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE.py", help="Also write the router as one pipeline here.")
    ] = None,
    max_usd: Annotated[
        float | None, typer.Option(help="Another ceiling in dollars, over all sessions of the run.")
    ] = None,
    max_tokens: Annotated[int | None, typer.Option(help="Another ceiling in tokens.")] = None,
    max_requests: Annotated[int | None, typer.Option(help="Another ceiling in requests.")] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Boxes at a time.  [default: those of the run]")
    ] = None,
    sandbox: Annotated[
        str | None, typer.Option(help="What holds the designs.  [default: that of the run]")
    ] = None,
    as_json: Json = False,
) -> None:
    """Fit a policy that sends each question to the pipeline that is worth its tokens, and say what that brings.

    The run's elites answer questions that the search has not asked; the policy is fitted on some and judged on others.
    What it keeps is told beside every single pipeline and beside mixing two of them by a coin, which needs no policy.
    The router is written out as one pipeline, its curve drawn in route.html in the run's folder. What was answered is
    kept, so that a second time, or after Ctrl-C, nothing is paid again.
    """
    from agentarch.cli.output import only_one
    from agentarch.cli.routing import route_run
    from agentarch.search.routing.route import KEEP, Wanted
    from agentarch.search.session import find_run

    only_one({"--keep": "" if keep is not None else None, "--price": "" if price is not None else None})
    wanted = Wanted(
        keep=(KEEP if keep is None else keep) if price is None else None,
        price=None if price is None else price / 1000,
        questions=questions,
        held_out=held_out,
        rung=rung,
    )
    changes = {"max_usd": max_usd, "max_tokens": max_tokens, "max_requests": max_requests}
    raise typer.Exit(route_run(find_run(run), wanted, changes, out, workers, sandbox, as_json))


@app.command(
    epilog="Examples: agentarch transfer latest --tasks arithmetic,tracking    "
    "agentarch transfer latest --tasks gsm8k --models openai/NAME --max-usd 2"
)
def transfer(
    run: RunName,
    tasks: Annotated[
        str | None,
        typer.Option(help="Other tasks, by name or .py file, comma-separated.  [default: those of the run]"),
    ] = None,
    models: Annotated[
        str | None,
        typer.Option(help="Other models, comma-separated: embedded, openai/NAME, ...  [default: the run's]"),
    ] = None,
    base_url: Annotated[list[str] | None, typer.Option(help="Where models are served.")] = None,
    price: Annotated[list[str] | None, typer.Option(help="What they cost, IN,OUT or MODEL=IN,OUT.")] = None,
    max_usd: Annotated[
        float | None, typer.Option(help="Another ceiling in dollars, over all sessions of the run.")
    ] = None,
    max_tokens: Annotated[int | None, typer.Option(help="Another ceiling in tokens.")] = None,
    max_requests: Annotated[int | None, typer.Option(help="Another ceiling in requests.")] = None,
    rung: Annotated[
        int | None, typer.Option(min=0, help="Fidelity of every task.  [default: that of the run's finish]")
    ] = None,
    questions: Annotated[
        int | None, typer.Option(min=8, help="Of every task.  [default: as many as the rung has]")
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Look again, at other questions; all figures will say so.")
    ] = False,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE.json", help="Also write what was found here.")
    ] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Boxes at a time.  [default: those of the run]")
    ] = None,
    sandbox: Annotated[
        str | None, typer.Option(help="What holds the designs.  [default: that of the run]")
    ] = None,
    as_json: Json = False,
) -> None:
    """Score a run's finalists and controls on other tasks and with other models, once, each against the control.

    Every design is asked the same questions of the test split of each task by each model. What was found is kept with
    the run and shown again when asked for; a second look needs --force, for a design chosen by it has no test. After
    Ctrl-C or a kill the same command goes on, and pays for nothing twice.
    """
    from agentarch.cli.transferring import Asked
    from agentarch.cli.transferring import transfer as transfer_run
    from agentarch.search.session import find_run

    changes = {
        "base_url": base_url or None,
        "price": price or None,
        "max_usd": max_usd,
        "max_tokens": max_tokens,
        "max_requests": max_requests,
    }
    asked = Asked(tasks, models, rung, questions, force, out)
    raise typer.Exit(transfer_run(find_run(run), asked, changes, workers, sandbox, as_json))


@app.command(epilog="Example: agentarch doctor")
def doctor(as_json: Json = False) -> None:
    """Check that this machine can run a search, and say how to mend what does not work."""
    from agentarch.cli.doctor import examine

    raise typer.Exit(examine(as_json))
