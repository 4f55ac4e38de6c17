"""Options and help of the commands on what the agents of a run answered."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from agentarch.cli.commands.base import Json, RunName, app

MaxUsd = Annotated[
    float | None, typer.Option(help="Another ceiling in dollars, over all sessions of the run.")
]
MaxTokens = Annotated[int | None, typer.Option(help="Another ceiling in tokens.")]
MaxRequests = Annotated[int | None, typer.Option(help="Another ceiling in requests.")]
Workers = Annotated[int | None, typer.Option(min=1, help="Boxes at a time.  [default: those of the run]")]
Sandbox = Annotated[str | None, typer.Option(help="What holds the designs.  [default: that of the run]")]


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
    max_usd: MaxUsd = None,
    max_tokens: MaxTokens = None,
    max_requests: MaxRequests = None,
    workers: Workers = None,
    sandbox: Sandbox = None,
    as_json: Json = False,
) -> None:
    """Fit a policy that sends each question to the pipeline that is worth its tokens, and say what that brings.

    The run's elites answer questions drawn anew; the policy is fitted on some and judged on others. Of a task from a
    file, some may be questions that the run has asked; how many is told.
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
    max_usd: MaxUsd = None,
    max_tokens: MaxTokens = None,
    max_requests: MaxRequests = None,
    rung: Annotated[
        int | None, typer.Option(min=0, help="Fidelity of every task.  [default: that of the run's finish]")
    ] = None,
    questions: Annotated[
        int | None, typer.Option(min=8, help="Of every task.  [default: as many as the rung has]")
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Look again, with other seeds; all figures will say so.")
    ] = False,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE.json", help="Also write what was found here.")
    ] = None,
    workers: Workers = None,
    sandbox: Sandbox = None,
    as_json: Json = False,
) -> None:
    """Score a run's finalists and controls on other tasks and with other models, once, each against the control.

    Every design is asked the same questions of the test split of each task by each model. What was found is kept with
    the run and shown again when asked for; a second look needs --force, for a design chosen by it has no test, and
    says how many of its questions were asked before. After
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
