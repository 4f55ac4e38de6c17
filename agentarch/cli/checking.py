"""`agentarch tasks --check`: whether a task tells the truth, and how small a difference it can tell."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

from agentarch.catalogue import find_task, find_tasks, seed_designs
from agentarch.cli.auditing import LEARNER, tell
from agentarch.cli.measuring import ALL, measurements_file, named_tasks
from agentarch.cli.output import ERR, OUT, plain, print_json
from agentarch.cli.sandboxes import started_executor
from agentarch.errors import UsageError
from agentarch.execution.contract import Executor
from agentarch.kinds.audits import Audit, audit_in_boxes
from agentarch.kinds.checks import check_task
from agentarch.kinds.measured import (
    Measurements,
    RungFound,
    load,
    rank_correlations,
    rungs_found,
)
from agentarch.kinds.measuring import SECRET
from agentarch.kinds.network import CONTRACT, NetworkKind
from agentarch.kinds.question_checks import check_questions
from agentarch.questions import LoadedTask
from agentarch.task import AnyTask, Task, check_rung


@dataclass(frozen=True)
class _Checked:
    """One task, and everything that was found."""

    task: Task
    checks: list[Audit]
    found: tuple[RungFound, ...]
    outdated: int

    @property
    def holds(self) -> bool:
        return all(one.holds for one in self.checks)


def check_tasks(kind: str, name: str, rung: int, seed: int, sandbox: str, as_json: bool) -> int:
    """Check tasks of a kind and print what was found; return the exit code.

    What needs no box comes first, and a task that fails it is not trained on.

    Raises:
        UsageError: there is no such task or rung.
        ExecutorUnavailable: no sandbox works here.
        BrokenMeasurements: the file of measurements cannot be read.
    """
    if kind == "agent":
        return _check_questions(name, seed, as_json)
    tasks = named_tasks(name)
    for task in tasks:
        check_rung(task, rung)
    known = load(measurements_file(name))
    boxes = _Boxes(sandbox)
    try:
        checked = [_checked(task, name, rung, seed, known, boxes, as_json) for task in tasks]
    finally:
        boxes.close()
    holds = all(one.holds for one in checked)
    if as_json:
        print_json({"holds": holds, "rung": rung, "seed": seed, "tasks": [_as_json(one) for one in checked]})
    return 0 if holds else 1


def _check_questions(name: str, seed: int, as_json: bool) -> int:
    """Check tasks for agents, which needs neither a box nor a model; of all, those whose data file is there."""
    if name == ALL:
        tasks = [
            task
            for task in find_tasks("agent").values()
            if not isinstance(task, LoadedTask) or _is_there(task)
        ]
    else:
        tasks = [find_task(one.strip(), "agent") for one in name.split(",")]
    found: dict[str, list[Audit]] = {}
    for task in tasks:
        found[task.name] = []
        if not as_json:
            _tell_terms(task)
        with ERR.status(f"checking {plain(task.name)}"):
            for one in check_questions(task, seed):
                found[task.name].append(one)
                if not as_json:
                    tell(one)
    holds = all(one.holds for checks in found.values() for one in checks)
    if as_json:
        told = [{"task": task, "checks": [asdict(one) for one in checks]} for task, checks in found.items()]
        print_json({"holds": holds, "seed": seed, "tasks": told})
    return 0 if holds else 1


def _is_there(task: LoadedTask) -> bool:
    try:
        task.load()
    except UsageError as error:
        ERR.print(f"[dim]{plain(task.name)} is passed over: {plain(str(error), 400)}[/dim]", soft_wrap=True)
        return False
    return True


def _tell_terms(task: AnyTask) -> None:
    ends = ", ".join(f"{name} {_number(getattr(task, name))}" for name in ("chance", "ceiling"))
    OUT.print(f"{plain(task.name)}: {plain(task.metric)}, {ends}", soft_wrap=True)


class _Boxes:
    """An executor that is started when it is first wanted."""

    def __init__(self, sandbox: str) -> None:
        self._sandbox, self._executor = sandbox, None  # type: str, Executor | None

    def executor(self) -> Executor:
        if self._executor is None:
            self._executor = started_executor(self._sandbox, ready_boxes=1)
        return self._executor

    def close(self) -> None:
        if self._executor is not None:
            self._executor.close()


def _checked(
    task: Task, given: str, rung: int, seed: int, known: Measurements, boxes: _Boxes, as_json: bool
) -> _Checked:
    if not as_json:
        _tell_terms(task)
    checks = []
    with ERR.status(f"checking {plain(task.name)}") as status:
        for one in _findings(
            task, rung, seed, boxes, lambda name: status.update(f"{plain(task.name)}: {name}?")
        ):
            checks.append(one)
            if not as_json:
                tell(one)
    if not all(one.holds for one in checks):
        return _Checked(task, checks, (), 0)
    with ERR.status(f"looking at the measurements of {plain(task.name)}"):
        kind = NetworkKind(SECRET)
        current = {
            (task.name, number): kind.fingerprint(task, number)
            for number in {cell.rung for cell in known.of(task.name)}
            if number < len(task.rungs)
        }
        valid = known.without_outdated(current).of(task.name)
    done = _Checked(task, checks, rungs_found(valid), len(known.of(task.name)) - len(valid))
    if not as_json:
        _tell_measured(done, given if given.endswith(".py") else task.name)
    return done


def _number(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, int | float) else plain(repr(value), 40)


def _findings(
    task: Task, rung: int, seed: int, boxes: _Boxes, begins: Callable[[str], None]
) -> Iterator[Audit]:
    for one in check_task(task, seed, begins):
        yield one
        if not one.holds:
            return
    begins("audits")
    learner = next(design.source for design in seed_designs(CONTRACT) if design.name == LEARNER)
    yield from audit_in_boxes(task, learner, boxes.executor(), rung, seed)


def _tell_measured(done: _Checked, name: str) -> None:
    if done.outdated:
        told = f"{done.outdated} measurements are of other data than the task makes now, and do not count"
        OUT.print(f"  [yellow]{told}[/yellow]")
    if not done.found:
        OUT.print(
            f"  not measured yet; measure it with: agentarch tasks --measure {plain(name)}",
            soft_wrap=True,
        )
        return
    for one in done.found:
        OUT.print(
            f"  rung {one.rung}: {one.median_seconds:.1f} s a design (at most {one.longest_seconds:.1f}); best "
            f"{plain(one.best)} {one.scores[one.best]:.3f}, worst {plain(one.worst)} {one.scores[one.worst]:.3f}, "
            f"spread {one.spread:.3f} over {len(one.scores)} designs",
            soft_wrap=True,
        )
        if one.noise is None:
            OUT.print("    noise floor unknown: measured with one seed; measure again with --seeds 2")
        else:
            verdict = "told apart" if one.separates else "[red]not told apart[/red]"
            chance = (
                ""
                if one.by_chance is None
                else f" (equal designs spread more than {one.by_chance:.3f} one time in 20)"
            )
            OUT.print(
                f"    noise floor {one.noise:.4f} (standard deviation over {one.seeds} seeds of "
                f"{plain(', '.join(one.noise_designs))}); best and worst are {verdict}{chance}",
                soft_wrap=True,
            )
        if one.resolves:
            told = ", ".join(f"{seeds} seeds {value:.3f}" for seeds, value in one.resolves.items())
            OUT.print(
                f"    smallest difference that is found 80 times in 100 (paired, at 5%): {told}",
                soft_wrap=True,
            )
    for low, high, told_as, designs in rank_correlations(done.found):
        value = "unknown" if told_as is None else f"{told_as:.2f}"
        OUT.print(f"  rank correlation of rungs {low} and {high}: {value} over {designs} designs")


def _as_json(done: _Checked) -> dict[str, Any]:
    task = done.task
    return {
        "task": task.name,
        "metric": task.metric,
        "chance": task.chance,
        "ceiling": task.ceiling,
        "holds": done.holds,
        "checks": [asdict(one) for one in done.checks],
        "outdated_measurements": done.outdated,
        "measured": [
            asdict(one)
            | {"spread": one.spread, "best": one.best, "worst": one.worst, "separates": one.separates}
            for one in done.found
        ],
        "rank_correlations": [
            {"rungs": [low, high], "spearman": value, "designs": designs}
            for low, high, value, designs in rank_correlations(done.found)
        ],
    }
