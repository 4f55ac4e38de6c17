"""`agentarch search` and `agentarch resume`: drive a run, show its progress, say what came of it."""

from __future__ import annotations

import contextlib
import shlex
import signal
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import Any

from rich.markup import escape

from agentarch.cli.output import (
    ERR,
    OUT,
    duration_text,
    elites_table,
    outcomes_text,
    plain,
    print_json,
    verdict_text,
)
from agentarch.cli.progress import watcher
from agentarch.cli.sandboxes import started_executor
from agentarch.config import DEFAULT_PROPOSER, META, RunConfig, make_config
from agentarch.errors import UsageError
from agentarch.evaluation import Outcome
from agentarch.execution import ExecutorUnavailable
from agentarch.execution.tiers import check_sandbox
from agentarch.search.probe import headroom_warnings
from agentarch.search.session import (
    check_tasks,
    create_run,
    make_engine,
    new_run_folder,
    only_engine,
    open_run,
)
from agentarch.search.state import RunState
from agentarch.search.summary import elites_summary, run_summary
from agentarch.wording import ENDINGS

INTERRUPTED = "interrupted"
SHOWN_ELITES = 12
_DONE, _NOTHING_SCORED, _EXIT_INTERRUPTED = 0, 3, 130


def pairs(flag: str, given: list[str] | None) -> dict[str, str] | None:
    """Return what was given as NAME=VALUE, several times, as a mapping; None when nothing was.

    Raises:
        UsageError: one is no such pair.
    """
    if not given:
        return None
    found = {}
    for text in given:
        name, mark, value = text.partition("=")
        if not mark or not value:
            raise UsageError(f"{flag} {text!r}: expected NAME=VALUE")
        found[name] = value
    return found


def with_keys(config: RunConfig) -> RunConfig:
    """Return the settings without the models whose key lacks, and say so; without any, a built-in proposer writes.

    Raises:
        UsageError: a model, a price or a base URL is written wrongly.
    """
    from agentarch.models.places import missing_key
    from agentarch.models.pricing import parse_price
    from agentarch.search.authoring.setup import settings_of, split_url

    if not config.model:
        if config.proposer == DEFAULT_PROPOSER:
            ERR.print(f"No --model is named, so {DEFAULT_PROPOSER}, which needs none, writes the designs.")
        return config
    settings = settings_of(config)
    lacking = {
        name: variable
        for name in config.models
        if (variable := missing_key(name, settings.place(name).base_url)) is not None
    }
    if not lacking:
        return config
    told = ", ".join(dict.fromkeys(lacking.values()))
    left = tuple(name for name in config.model if name not in lacking)
    changed: dict[str, Any] = {
        "model": left,
        "fallback_model": tuple(name for name in config.fallback_model if name not in lacking),
        "role_model": {role: name for role, name in config.role_model.items() if name not in lacking},
        "price": tuple(text for text in config.price if parse_price(text)[0] not in lacking),
        "base_url": tuple(text for text in config.base_url if split_url(text)[0] not in lacking),
    }
    if left:
        ERR.print(f"{told} is not set: only {', '.join(left)} is asked.", markup=False, soft_wrap=True)
        return config.model_copy(update=changed)
    ERR.print(
        f"{told} is not set, so no language model is asked: {DEFAULT_PROPOSER}, which needs none, writes the designs"
        f"{'' if config.review == 'off' else ', and nothing waits for a review'}.",
        soft_wrap=True,
    )
    return config.model_copy(
        update=changed
        | {
            "proposer": DEFAULT_PROPOSER,
            "role_model": {},
            "fallback_model": (),
            "price": (),
            "base_url": (),
            "review": "off",
        }
    )


def start(config: RunConfig, folder: Path | None, as_json: bool) -> int:
    """Make a new run and drive it; return the exit code."""
    folder = folder or new_run_folder()
    config = with_keys(config)
    create_run(config, folder)
    try:
        return _drive(folder, as_json, check=False, sandbox=None)
    except ExecutorUnavailable as error:
        again = f"agentarch resume {shlex.quote(str(folder))}"
        raise ExecutorUnavailable(
            f"{error} The run is made; once that is mended, start it with: {again}"
        ) from None


def go_on(folder: Path, as_json: bool, sandbox: str | None, changes: Mapping[str, Any]) -> int:
    """Drive an existing run to the end of its budget; return the exit code.

    Args:
        folder: of the run.
        as_json: what is told in the end.
        sandbox: another than the run was begun in.
        changes: settings of models that hold for this session; None for those that stay.
    """
    if sandbox is not None:
        check_sandbox(sandbox)
    return _drive(folder, as_json, check=True, sandbox=sandbox, changes=changes)


def _drive(
    folder: Path, as_json: bool, check: bool, sandbox: str | None, changes: Mapping[str, Any] | None = None
) -> int:
    with only_engine(folder), open_run(folder, check) as run:
        run = replace(run, config=_changed(run.config, changes or {}))
        names = ", ".join(task.name for task in run.tasks)
        ERR.print(
            f"run {folder}: {run.config.proposer} on {names}, {run.config.workers} boxes at a time",
            soft_wrap=True,
            markup=False,
        )
        check_tasks(run)
        if run.config.proposer == META:
            from agentarch.search.authoring.setup import check_models

            check_models(run.config)
            _tell_what_people_do(run.config, folder)
        try:
            with stopping_signals(_raise_interrupt):
                executor = started_executor(
                    sandbox or run.config.sandbox,
                    ready_boxes=run.config.workers,
                    used_before=run.state.sandboxes,
                    run=shlex.quote(str(folder)),
                    program=run.kind.program,
                )
        except KeyboardInterrupt:
            return _say_interrupted(folder)
        try:
            engine = make_engine(run, executor)
            with (
                watcher(ERR, run.config, folder, lambda: engine.paused_seconds) as watch,
                stopping_signals(lambda: engine.stop(INTERRUPTED, at_once=True)),
            ):
                why = engine.run(_warning_of_headroom(watch))
        finally:
            executor.close()
        summary = run_summary(run.state, folder)
        elites = elites_summary(run.state)
    if as_json:
        print_json(summary)
    else:
        _tell(summary, elites, run.config.workers, has_models=run.config.proposer == META)
    if why == INTERRUPTED:
        return _say_interrupted(folder)
    return _DONE if summary["outcomes"].get(Outcome.SCORED) else _NOTHING_SCORED


def _warning_of_headroom(watch: Callable[[RunState], None]) -> Callable[[RunState], None]:
    """Return what looks at a run as `watch` does, and says once of each task that it leaves little to find."""
    told: set[str] = set()

    def look(state: RunState) -> None:
        watch(state)
        for task, warning in headroom_warnings(state).items():
            if task not in told:
                told.add(task)
                ERR.print(f"[yellow]{plain(task)}: {plain(warning, 400)}[/yellow]", soft_wrap=True)

    return look


def _tell_what_people_do(config: RunConfig, folder: Path) -> None:
    """Say where people come in: as the model `manual`, and as reviewers."""
    from agentarch.models.places import MANUAL

    if MANUAL in config.models:
        ERR.print(
            f"Questions to the model appear in {folder / 'prompts'}; the answer to NAME.md goes into "
            f"{folder / 'answers' / 'NAME.md'}",
            soft_wrap=True,
            markup=False,
        )
    if config.review != "off":
        ERR.print(
            f"What waits for a review is decided with: agentarch review {shlex.quote(str(folder))}",
            soft_wrap=True,
            markup=False,
        )


def _changed(config: RunConfig, changes: Mapping[str, Any]) -> RunConfig:
    """Return the settings of a run with other ones of its models.

    Raises:
        UsageError: the run asks no model, or a setting makes no sense.
    """
    given = {key: value for key, value in changes.items() if value is not None}
    if given and config.proposer != META:
        raise UsageError("the run asks no model, so nothing can be said of one; begin a new run with --model")
    return make_config({**config.model_dump(exclude={"suite"}), **given}) if given else config


def _say_interrupted(folder: Path) -> int:
    ERR.print(
        f"Interrupted; nothing recorded is lost. Go on with: agentarch resume {shlex.quote(str(folder))}",
        soft_wrap=True,
        markup=False,
    )
    return _EXIT_INTERRUPTED


@contextlib.contextmanager
def stopping_signals(call: Callable[[], None]) -> Iterator[None]:
    """Call something on Ctrl-C and SIGTERM, as long as the context lasts."""

    def handle(number: int, frame: FrameType | None) -> None:
        call()

    before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _raise_interrupt() -> None:
    raise KeyboardInterrupt


def _tell(summary: dict[str, Any], elites: list[dict[str, Any]], workers: int, has_models: bool) -> None:
    folder = escape(shlex.quote(summary["run_dir"]))
    OUT.print()
    OUT.print(
        elites_table(elites, SHOWN_ELITES) if elites else "No design has been scored on every task yet."
    )
    wall, busy = summary["wall_seconds"], summary["candidate_cpu_seconds"]
    share = busy / (wall * workers) if wall else 0.0
    OUT.print()
    outcomes = outcomes_text(summary["outcomes"], summary["quarantined"])
    OUT.print(
        f"{summary['evaluations']} evaluations ({outcomes}) of {summary['designs']} designs "
        f"in {duration_text(wall)}; {summary['refused']} proposals refused, {summary['same_behaviour']} designs acted "
        "like an earlier one."
    )
    OUT.print(
        f"Cost: {duration_text(busy)} of processor time inside designs, {share:.0%} of {workers} workers' wall time. "
        f"Coverage {summary['coverage']:.1%}, QD score {summary['qd_score']:.2f}."
    )
    if summary["stopped"] not in (None, INTERRUPTED):
        OUT.print(f"It {ENDINGS.get(summary['stopped'], summary['stopped'])}.")
    if has_models and not summary["ledger"]["requests"]:
        OUT.print(
            "No model was asked: seeds, random proposals and the finish took the budget; give it more of that."
        )
    if summary["verdict"]:
        OUT.print()
        OUT.print(verdict_text(summary["verdict"]), soft_wrap=True)
    OUT.print()
    best = [("the best design, its source and lineage", f"show {folder} {elites[0]['id']}")] if elites else []
    for what, command in [
        *best,
        ("every elite", f"show {folder}"),
        ("why each design went as far as it did", f"show {folder} --decisions"),
        ("the numbers", f"status {folder} --json"),
    ]:
        OUT.print(f"[dim]{what}:[/dim]\n  agentarch {command}", soft_wrap=True)
