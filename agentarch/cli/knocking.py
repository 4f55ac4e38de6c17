"""`agentarch knockout`: what each part of a design contributed."""

from __future__ import annotations

import shlex
from dataclasses import asdict
from pathlib import Path

from rich.table import Table

from agentarch.cli.output import ERR, OUT, plain, print_json, score_text
from agentarch.cli.sandboxes import started_executor
from agentarch.cli.showing import find_design
from agentarch.errors import UsageError
from agentarch.search.knockout import (
    BETTER_WITHOUT,
    FAILS_WITHOUT,
    NEEDED,
    Knockout,
    knock_out,
    parts_of,
    save,
)
from agentarch.search.session import check_tasks, open_run
from agentarch.task import check_rung

HIGHEST_DEFAULT_RUNG, UNSCORED_RUNG = 2, 1
_STYLES = {NEEDED: "green", FAILS_WITHOUT: "green", BETTER_WITHOUT: "yellow"}


def knock_out_parts(
    folder: Path,
    wanted: str,
    rung: int | None,
    seeds: int,
    workers: int | None,
    sandbox: str | None,
    as_json: bool,
) -> int:
    """Measure what every part of a design contributes, keep it in the run's folder and print it; return the exit code.

    Raises:
        UsageError: there is no such design or rung, or the run's tasks have changed.
        agentarch.search.knockout.NotReadable: the design cannot be taken apart.
        ExecutorUnavailable: no sandbox works here.
        TaskFailed: a task's own code raised.
    """
    with open_run(folder) as run:
        check_tasks(run)
        design = find_design(run.state, wanted)
        if rung is None:
            scored = run.state.scored(design.id)
            rung = UNSCORED_RUNG if scored is None else min(scored.rung, HIGHEST_DEFAULT_RUNG)
        kind, tasks, config = run.kind, run.tasks, run.config
    if kind.name != "network":
        raise UsageError(
            "parts are taken out of networks only; what each call of an agent did to its answers stands in: "
            f"agentarch show {shlex.quote(str(folder))} {design.id}"
        )
    for task in tasks:
        check_rung(task, rung)
    parts_of(design, kind)  # so that one that cannot be read is told so at once
    workers = workers or config.workers
    executor = started_executor(sandbox or config.sandbox, ready_boxes=workers)
    try:
        with ERR.status("") as status:

            def tell(done: int, all_: int) -> None:
                status.update(f"knocking parts out of {plain(design.name)}: {done} of {all_} evaluations")

            found = knock_out(design, kind, tasks, rung, seeds, executor, workers, tell)
    finally:
        executor.close()
    if not as_json:
        _tell(found)  # first, so that a full disk does not hide what was found
    file = save(found, folder)
    if as_json:
        print_json({**asdict(found), "file": str(file)})
    else:
        OUT.print(f"kept in {plain(file)}", soft_wrap=True)
    return 0


def _tell(found: Knockout) -> None:
    scores = ", ".join(f"{plain(task)} {score:.3f}" for task, score in found.scores.items())
    parameters = "" if found.parameters is None else f", {found.parameters:,} parameters"
    OUT.print(
        f"{plain(found.name)} ({found.design}), rung {found.rung}, {found.seeds} seeds: {scores}{parameters}",
        soft_wrap=True,
    )
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("part")
    table.add_column("what was done")
    table.add_column("lost without it \\[95%]", no_wrap=True)
    table.add_column("parameters", justify="right", no_wrap=True)
    table.add_column("verdict", no_wrap=True)
    for one in found.contributions:
        lost = "" if one.difference is None else score_text(one.difference, (one.low or 0.0, one.high or 0.0))
        style = _STYLES.get(one.verdict, "dim")
        table.add_row(
            plain(one.part),
            plain(one.done),
            lost,
            "" if one.parameters is None else f"{one.parameters:,}",
            f"[{style}]{one.verdict}[/{style}]",
        )
    OUT.print(table)
    for one in found.contributions:
        if one.reason:
            OUT.print(f"{plain(one.part)}, {plain(one.done)}: {plain(one.reason, 400)}", soft_wrap=True)
