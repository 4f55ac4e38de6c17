"""`agentarch test`: opens the sealed split of a finished run for one design, once."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from agentarch.cli.output import ERR, OUT, plain, print_json, score_text
from agentarch.cli.sandboxes import started_executor
from agentarch.cli.searching import INTERRUPTED, stopping_signals
from agentarch.cli.showing import find_design
from agentarch.errors import UsageError
from agentarch.kinds.words import words_of
from agentarch.scoring import cells_score
from agentarch.search.decision import Choice, Decision
from agentarch.search.finish import noise_of_finish, test_requests
from agentarch.search.session import Run, check_tasks, make_engine, only_engine, open_run
from agentarch.search.summary import verdict_summary


def open_test(folder: Path, wanted: str, force: bool, sandbox: str | None, as_json: bool) -> int:
    """Score a design on the test split and print what came of it; return the exit code.

    Raises:
        UsageError: the run has no finish, the design is unknown, or the split was opened and `force` is not set.
    """
    with only_engine(folder), open_run(folder, check=True) as run:
        design = find_design(run.state, wanted)
        _check_finished(run, str(folder))
        facts = run.state.decided(Choice.FINALISTS)[-1].facts
        looks = run.state.decided(Choice.TEST)
        has_begun = any(look.facts.get("design") == design.id for look in looks)
        is_seen = len(run.state.cells(design.id, "test", facts["rung"])) == len(run.state.tasks)
        if looks and not force and (is_seen or not has_begun):  # a look that was interrupted goes on
            raise UsageError(
                "the test split of this run was opened already. A second look makes its figures a choice and no test; "
                "to take it all the same, add --force, and every figure will say so"
            )
        requests = test_requests([(design.id, 1.0)], run.state.tasks, facts)
        check_tasks(run)
        executor = started_executor(
            sandbox or run.config.sandbox, run.config.workers, run.state.sandboxes, run=str(folder)
        )
        # The time of the run may be up; this is asked for beyond it.
        engine = make_engine(replace(run, config=run.config.model_copy(update={"time": None})), executor)
        if is_seen or not has_begun:
            reason = f"{design.label} on the test split, look number {len(looks) + 1}, asked for"
            engine.decide(Decision(Choice.TEST, reason, requests, {"design": design.id}))
        try:
            with (
                ERR.status(f"{words_of(run.kind.name).being_run} {plain(design.name)}"),
                stopping_signals(lambda: engine.stop(INTERRUPTED, at_once=True)),
            ):
                why = engine.run(lambda state: None)
        finally:
            executor.close()
        cells = run.state.cells(design.id, "test", facts["rung"])
        score = cells_score(cells, noise_of_finish(run.state)) if len(cells) == len(run.state.tasks) else None
        verdict = verdict_summary(run.state)
    note = verdict["test"]["note"] if verdict and verdict["test"] else ""
    if as_json:
        interval = None if score is None else [score.low, score.high]
        value = None if score is None else score.value
        print_json({"id": design.id, "name": design.name, "score": value, "interval": interval, "note": note})
    else:
        told = (
            "not scored on every task" if score is None else score_text(score.value, [score.low, score.high])
        )
        OUT.print(f"{plain(design.name)} ({design.id}) on the test split: {told}", soft_wrap=True)
        if note:
            OUT.print(f"  {note}", soft_wrap=True)
    if why == INTERRUPTED:
        return 130
    return 0 if score is not None else 3


def _check_finished(run: Run, folder: str) -> None:
    """Make sure that the run has come to its end.

    Raises:
        UsageError: it has not, or confirmed nothing.
    """
    if not run.state.decided(Choice.VERDICT):
        raise UsageError(f"the run has no verdict yet; go on with it first: agentarch resume {folder}")
    if not run.state.decided(Choice.FINALISTS):
        raise UsageError(
            "the run confirmed no finalist, so there is nothing that a test split could tell of it"
        )
