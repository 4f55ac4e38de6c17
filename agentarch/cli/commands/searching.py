"""Options and help of the commands that drive a run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from agentarch.cli.commands.base import Json, RunName, app


@app.command(
    epilog="Examples: agentarch search --suite quick    agentarch search --tasks recall,copy --time 8h --seed 1    "
    "agentarch search --model openai/NAME --max-usd 5 --review gate"
)
def search(
    kind: Annotated[
        str | None, typer.Option(help="Kind of design: network or agent.  [default: network]")
    ] = None,
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
