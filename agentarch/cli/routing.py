"""`agentarch route`: a policy that picks a pipeline for every question, what it keeps, and for how many tokens."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.table import Table

from agentarch.broker import Broker
from agentarch.cli.asking import interrupt, opened, refuse_to_replace, say_interrupted
from agentarch.cli.output import ERR, OUT, number_text, plain, print_json, score_text
from agentarch.cli.searching import stopping_signals
from agentarch.files import write_whole
from agentarch.report.route import render_route
from agentarch.search.answered import Sheets
from agentarch.search.log import Log
from agentarch.search.routing.judging import Point
from agentarch.search.routing.route import Route, Wanted, as_json, route, save
from agentarch.search.session import REAL_TIME, check_tasks
from agentarch.search.solving import make_backends

PAGE = "route.html"
MOST_PRICES = 8
"""So many prices are shown in the terminal; the page draws all."""


def route_run(
    folder: Path,
    wanted: Wanted,
    changes: Mapping[str, Any],
    out: Path | None,
    workers: int | None,
    sandbox: str | None,
    as_json_: bool,
) -> int:
    """Fit a router, judge it, keep it in the run's folder and print what it is worth; return the exit code.

    Args:
        folder: of the run.
        wanted: what the router is asked for.
        changes: settings of models that hold now; None for those that stay.
        out: where its design is written besides; None for nowhere.
        workers: boxes at a time.
        sandbox: another than that of the run.
        as_json_: whether one JSON object is printed.

    Raises:
        UsageError: the run is of another kind, its tasks have changed, or `out` is there already.
        agentarch.search.routing.fitting.NothingToRoute: there is nothing to choose between.
    """
    refuse_to_replace(out)
    try:
        with stopping_signals(interrupt), opened(folder, "route", changes, workers, sandbox) as it:
            run = it.run
            check_tasks(run)
            it.kind.broker = Broker(
                make_backends(Log(run.store, run.state), run.folder, run.config, REAL_TIME)
            )
            sheets = Sheets(run.folder, it.kind, run.config.solve_with)
            found = route(run, wanted, sheets, it.executor, it.workers, it.tell)
    except KeyboardInterrupt:
        return say_interrupted()
    if not as_json_:
        _tell(found)  # first, so that a full disk does not hide what was found
    file = save(found, folder)
    page = folder / PAGE
    write_whole(page, render_route(found.judged, found.names, found.sentence))
    if out is not None:
        write_whole(out, found.design.source)
        file = out
    if as_json_:
        print_json({**as_json(found), "file": str(file), "page": str(page)})
    else:
        OUT.print(f"the router as one pipeline: {plain(file)}\nthe curve: {plain(page)}", soft_wrap=True)
    return 0


def _tell(found: Route) -> None:
    judged, names = found.judged, found.names
    best = next(one for one in judged.singles if one.name == judged.best)
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("way")
    table.add_column("score \\[95%]", no_wrap=True)
    for title in ("tokens", "of the best's", "questions sent to it"):
        table.add_column(title, justify="right", no_wrap=True)

    def add(name: str, one: Point, style: str = "") -> None:
        share = f"{judged.shares[one.name]:.0%}" if one.name in judged.shares else ""
        score = score_text(one.score, [one.low, one.high])
        of_best = f"{one.tokens / max(best.tokens, 1e-9):.0%}"
        table.add_row(name, score, number_text(one.tokens), of_best, share, style=style)

    for one in judged.singles:
        add(plain(names[one.name], 40), one, "bold" if one.name == judged.best else "")
    table.add_section()
    for price, one in _some(judged.curve):
        add(f"router at {1000 * price:.3g} a 1,000 tokens", one, "dim")
    add(f"router at {1000 * judged.price:.3g}, chosen", judged.router, "green")
    table.add_section()
    add("oracle, which knows", judged.oracle, "dim")
    OUT.print(table)
    alone = {one.name for one in judged.singles}
    for way, share in judged.shares.items():
        if way not in alone:
            OUT.print(f"{share:.0%} of the questions go to {plain(names[way], 200)}", soft_wrap=True)
    OUT.print(
        f"[dim]a price is what 1,000 tokens are worth, as a share of a right answer; fitted on {judged.fitted_on:,} "
        f"questions, judged on {judged.questions:,} others, rung {found.rung}[/dim]",
        soft_wrap=True,
    )
    if found.fitted_before or found.judged_before:
        OUT.print(
            f"[yellow]the run had asked {found.fitted_before:,} of the questions it was fitted on before, and "
            f"{found.judged_before:,} of those it was judged on: they have chosen these pipelines[/yellow]",
            soft_wrap=True,
        )
    OUT.print(f"Against always asking {plain(names[judged.best])}: {plain(judged.against_best)}")
    if judged.affordable is not None and judged.against_affordable is not None:
        OUT.print(
            f"Against {plain(names[judged.affordable])}, the best single pipeline that takes no more tokens: "
            f"{plain(judged.against_affordable)}",
            soft_wrap=True,
        )
    OUT.print(plain(found.sentence, 900), soft_wrap=True)
    for name, why in found.left_out.items():
        ERR.print(f"left out: {plain(name)}: {plain(why, 300)}", soft_wrap=True)


def _some(curve: tuple[tuple[float, Point], ...]) -> list[tuple[float, Point]]:
    """Return some points of the curve, evenly over those that differ."""
    different = [curve[0]]
    for price, one in curve[1:]:
        if one.tokens != different[-1][1].tokens:
            different.append((price, one))
    step = max(1, -(-len(different) // MOST_PRICES))
    return different[::step]
