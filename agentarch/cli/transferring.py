"""`agentarch transfer`: a run's finalists on other tasks and models, once."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.table import Table

from agentarch.broker import Broker
from agentarch.catalogue import find_task, lasting_name
from agentarch.cli.asking import Opened, interrupt, opened, refuse_to_replace, say_interrupted
from agentarch.cli.output import ERR, OUT, number_text, plain, print_json, print_table, score_text
from agentarch.cli.searching import stopping_signals
from agentarch.errors import UsageError
from agentarch.files import write_whole
from agentarch.search.answered import Sheets
from agentarch.search.log import Log
from agentarch.search.race import FIRST_RANKED_RUNG
from agentarch.search.session import REAL_TIME, Run, check_tasks
from agentarch.search.solving import make_backends
from agentarch.search.transfer import Transfer, line_up_of, look, questions_before, save, transfers_of
from agentarch.task import AnyTask, check_rung


@dataclass(frozen=True)
class Place:
    """A task and a model that finalists are to be looked at on.

    Attributes:
        task: asked.
        fingerprint: of the task.
        model: that is asked.
        looks: that were taken at it before, in order.
    """

    task: AnyTask
    fingerprint: str
    model: str
    looks: tuple[Transfer, ...]


@dataclass(frozen=True)
class Asked:
    """Where finalists are to be looked at.

    Attributes:
        tasks: names with commas; None for the run's own.
        models: names with commas; None for the run's own.
        rung: of every task; None for that of the run's finish, or the highest that a task has.
        questions: of every task; None for as many as the rung has.
        force: look again where that was done before, with other seeds.
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
    refuse_to_replace(asked.out)
    changes = {**changes, "solve_with": asked.models}
    try:
        with stopping_signals(interrupt), opened(folder, "transfer", changes, workers, sandbox) as it:
            found = _looked(it, folder, asked)
    except KeyboardInterrupt:
        return say_interrupted()
    value = {"transfers": [{**asdict(one), "sentence": one.sentence} for one in found]}
    if as_json:
        print_json(value)
    else:
        for one in found:
            _tell(one)
    if asked.out is not None:
        write_whole(asked.out, json.dumps(value, indent=2) + "\n")
    return 0


def _looked(it: Opened, folder: Path, asked: Asked) -> list[Transfer]:
    """Return what is found at every task and model that was asked for; each is kept as soon as it is there."""
    run = it.run
    check_tasks(run)
    line_up = line_up_of(run.state, folder)
    before = transfers_of(folder)
    places = _places(it, _tasks(run, asked), before)
    if not places:
        raise UsageError(
            "these are the run's own tasks and models, on which its verdict stands already; name others with --tasks "
            "or --models"
        )
    for place in places:
        if place.looks and not asked.force:
            _check_same(place, asked)
    kept, found = list(before), []
    with contextlib.ExitStack() as last:
        backends = None
        for place in places:
            task, model = place.task, place.model
            if place.looks and not asked.force:
                ERR.print(
                    f"{plain(task.name)} with {plain(model)} was looked at already; what was found then stands. "
                    "Another look, with other seeds: --force",
                    soft_wrap=True,
                )
                found.append(place.looks[-1])
                continue
            if backends is None:
                backends = make_backends(Log(run.store, run.state), run.folder, run.config, REAL_TIME)
            it.kind.broker = Broker({model: backends[model]})
            last.callback(it.kind.broker.close)
            rung = min(line_up.rung, len(task.rungs) - 1) if asked.rung is None else asked.rung
            sheets = Sheets(run.folder, it.kind, (model,))
            one = look(
                line_up,
                run.state.designs,
                task,
                place.fingerprint,
                model,
                rung,
                asked.questions or task.rungs[rung].scored_items,
                place.looks[-1].look + 1 if place.looks else 1,
                questions_before(task, run, place.looks, sheets),
                sheets,
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
        tasks: list[AnyTask] = list(run.tasks)
    else:
        names = [name.strip() for name in asked.tasks.split(",") if name.strip()]
        tasks = [find_task(lasting_name(name), run.config.kind) for name in names]
    if not tasks:
        raise UsageError("--tasks names no task")
    for number, task in enumerate(tasks):
        if task.name in [one.name for one in tasks[:number]]:
            raise UsageError(f"the task {task.name!r} is named twice")
        if asked.rung is not None:
            check_rung(task, asked.rung)
    return tasks


def _places(it: Opened, tasks: Sequence[AnyTask], before: Sequence[Transfer]) -> list[Place]:
    """Return tasks with models, less those that the run itself has asked, so that its own finish tells."""
    own = {it.kind.fingerprint(task, FIRST_RANKED_RUNG) for task in it.run.tasks}
    places = []
    for task in tasks:
        fingerprint = it.kind.fingerprint(task, FIRST_RANKED_RUNG)
        for model in it.run.config.solve_with:
            if fingerprint in own and it.own_models == (model,):
                ERR.print(
                    f"{plain(task.name)} with {plain(model)} is what the run itself was about, so it is left out",
                    soft_wrap=True,
                )
            else:
                looks = tuple(one for one in before if one.is_of(task, fingerprint, model))
                places.append(Place(task, fingerprint, model, looks))
    return places


def _check_same(place: Place, asked: Asked) -> None:
    """Make sure that what is kept is what is asked for.

    Raises:
        UsageError: it was looked at otherwise.
    """
    earlier = place.looks[-1]
    if earlier.fingerprint != place.fingerprint:
        raise UsageError(
            f"a task called {earlier.task!r} was looked at already with {earlier.model}, and it asked otherwise. "
            "Restore it, or give this one a name of its own; to look at it all the same, add --force"
        )
    is_other_rung = asked.rung is not None and asked.rung != earlier.rung
    if is_other_rung or (asked.questions is not None and asked.questions != earlier.wanted):
        raise UsageError(
            f"{earlier.task} with {earlier.model} was looked at already, at rung {earlier.rung} with "
            f"{earlier.questions} questions. A second look makes its figures a choice and no test; to take it all the "
            "same, add --force"
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
    print_table(table)
    if found.asked_before:
        OUT.print(
            f"[yellow]{found.asked_before:,} of the {found.questions:,} questions were asked before, by the run or an "
            "earlier look[/yellow]",
            soft_wrap=True,
        )
    OUT.print(plain(found.sentence, 600), soft_wrap=True)
    if found.warning:
        OUT.print(f"[yellow]{plain(found.warning, 400)}[/yellow]", soft_wrap=True)
    OUT.print()
