"""`agentarch transfer`: a run's finalists on other tasks and models, once."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.table import Table

from agentarch.broker import Broker
from agentarch.catalogue import find_task
from agentarch.cli.asking import Opened, interrupt, opened, say_interrupted
from agentarch.cli.output import ERR, OUT, number_text, plain, print_json, score_text
from agentarch.cli.searching import stopping_signals
from agentarch.errors import UsageError
from agentarch.files import write_whole
from agentarch.search.answered import Sheets
from agentarch.search.log import Log
from agentarch.search.session import REAL_TIME, Run
from agentarch.search.solving import make_backends
from agentarch.search.transfer import LineUp, Transfer, line_up_of, look, save, transfers_of
from agentarch.task import AnyTask


@dataclass(frozen=True)
class Asked:
    """Where finalists are to be looked at.

    Attributes:
        tasks: names with commas; None for the run's own.
        models: names with commas; None for the run's own.
        rung: of every task; None for that of the run's finish, or the highest that a task has.
        questions: of every task; None for as many as the rung has.
        force: look again where that was done before, with other questions.
        out: where what was found is written as JSON besides.
    """

    tasks: str | None
    models: str | None
    rung: int | None
    questions: int | None
    force: bool
    out: Path | None


def transfer(
    folder: Path,
    asked: Asked,
    changes: Mapping[str, Any],
    workers: int | None,
    sandbox: str | None,
    as_json: bool,
) -> int:
    """Look at a run's finalists elsewhere, keep what was found with the run and print it; return the exit code.

    Args:
        folder: of the run.
        asked: where.
        changes: settings of models that hold now; None for those that stay.
        workers: boxes at a time.
        sandbox: another than that of the run.
        as_json: whether one JSON object is printed.

    Raises:
        UsageError: the run has no finalists, or nothing but its own tasks and models was named.
        AgentarchError: some designs could not be asked; what was answered is kept.
    """
    if asked.out is not None and asked.out.exists():
        raise UsageError(
            f"{str(asked.out)!r} exists and is left alone; name another file with --out, or remove it"
        )
    changes = {**changes, "solve_with": asked.models}
    try:
        with stopping_signals(interrupt), opened(folder, "transfer", changes, workers, sandbox) as it:
            found = _looked(it, folder, asked)
    except KeyboardInterrupt:
        return say_interrupted("transfer", folder)
    value = {"transfers": [{**asdict(one), "sentence": one.sentence} for one in found]}
    if as_json:
        print_json(value)
    else:
        for one in found:
            _tell(one)
    if asked.out is not None:
        from json import dumps

        write_whole(asked.out, dumps(value, indent=2) + "\n")
    return 0


def _looked(it: Opened, folder: Path, asked: Asked) -> list[Transfer]:
    """Return what is found at every task and model that was asked for; each is kept as soon as it is there."""
    run = it.run
    line_up = line_up_of(run.state, folder)
    tasks = _tasks(run, asked)
    places = [
        (task, model)
        for task in tasks
        for model in run.config.solve_with
        if not _is_own(run, it, task, model)
    ]
    if not places:
        raise UsageError(
            "these are the run's own tasks and models, on which its verdict stands already; name others with --tasks "
            "or --models"
        )
    before = transfers_of(folder)
    latest = {(one.task, one.model): one for one in before}
    for task, model in places:
        if (task.name, model) in latest and not asked.force:
            _check_same(latest[task.name, model], line_up, task, asked)
    kept, found = list(before), []
    with contextlib.ExitStack() as last:
        backends = None
        for task, model in places:
            earlier = latest.get((task.name, model))
            if earlier is not None and not asked.force:
                ERR.print(
                    f"{plain(task.name)} with {plain(model)} was looked at already; what was found then stands. "
                    "Another look, with other questions: --force",
                    soft_wrap=True,
                )
                found.append(earlier)
                continue
            if backends is None:
                backends = make_backends(Log(run.store, run.state), run.folder, run.config, REAL_TIME)
            it.kind.broker = Broker({model: backends[model]})
            last.callback(it.kind.broker.close)
            rung = _rung(line_up, task, asked)
            one = look(
                line_up,
                run.state.designs,
                task,
                model,
                rung,
                asked.questions or task.rungs[rung].scored_items,
                1 if earlier is None else earlier.look + 1,
                Sheets(run.folder, it.kind, (model,)),
                it.executor,
                it.workers,
                it.tell,
            )
            kept.append(one)
            found.append(one)
            save(kept, folder)
    return found


def _tasks(run: Run, asked: Asked) -> list[AnyTask]:
    """Return the tasks that were named.

    Raises:
        UsageError: there is none of that name, it is named twice, or has no such rung.
    """
    if asked.tasks is None:
        return list(run.tasks)
    names = [name.strip() for name in asked.tasks.split(",") if name.strip()]
    tasks = [find_task(name, run.config.kind) for name in dict.fromkeys(names)]
    if not tasks:
        raise UsageError("--tasks names no task")
    for task in tasks:
        if asked.rung is not None and asked.rung >= len(task.rungs):
            raise UsageError(
                f"the task {task.name!r} has rungs 0 to {len(task.rungs) - 1}, and no rung {asked.rung}"
            )
    return tasks


def _is_own(run: Run, it: Opened, task: AnyTask, model: str) -> bool:
    """Whether the run itself has asked this of this model, so that its own finish tells."""
    is_own = task.name in run.state.tasks and it.own_models == (model,)
    if is_own:
        ERR.print(
            f"{plain(task.name)} with {plain(model)} is what the run itself was about, so it is left out",
            soft_wrap=True,
        )
    return is_own


def _rung(line_up: LineUp, task: AnyTask, asked: Asked) -> int:
    return min(line_up.rung, len(task.rungs) - 1) if asked.rung is None else asked.rung


def _check_same(earlier: Transfer, line_up: LineUp, task: AnyTask, asked: Asked) -> None:
    """Make sure that what is kept is what is asked for.

    Raises:
        UsageError: it was looked at otherwise.
    """
    is_other_rung = asked.rung is not None and asked.rung != earlier.rung
    if is_other_rung or (asked.questions is not None and asked.questions != earlier.questions):
        raise UsageError(
            f"{task.name} with {earlier.model} was looked at already, at rung {earlier.rung} with {earlier.questions} "
            "questions. A second look makes its figures a choice and no test; to take it all the same, add --force"
        )


def _tell(found: Transfer) -> None:
    again = f", [yellow]look number {found.look}: a choice, and no test[/yellow]" if found.look > 1 else ""
    OUT.print(
        f"[bold]{plain(found.task)}[/bold] with [bold]{plain(found.model)}[/bold], rung {found.rung}, "
        f"{found.questions:,} questions of the test split{again}",
        soft_wrap=True,
    )
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for title in ("design", "role", "score \\[95%]"):
        table.add_column(title, no_wrap=title != "design")
    table.add_column("tokens", justify="right", no_wrap=True)
    table.add_column("against the control", no_wrap=True)
    for one in found.rows:
        score = (
            plain(one.reason, 60)
            if one.score is None
            else score_text(one.score, [one.low or 0.0, one.high or 0.0])
        )
        against = "the control" if one.design == found.control else plain(one.against_control or "")
        tokens = "" if one.tokens is None else number_text(one.tokens)
        role = "leader" if one.is_leader else one.role
        table.add_row(plain(one.name, 40), role, score, tokens, against)
    OUT.print(table)
    OUT.print(plain(found.sentence, 600), soft_wrap=True)
    if found.warning:
        OUT.print(f"[yellow]{plain(found.warning, 400)}[/yellow]", soft_wrap=True)
    OUT.print()
