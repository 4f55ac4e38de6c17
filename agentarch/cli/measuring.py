"""`agentarch tasks --measure`: what seed designs score on tasks, kept in a file as it is found out."""

from __future__ import annotations

import os
import time
from pathlib import Path

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from agentarch.catalogue import find_task, find_tasks, seed_designs
from agentarch.cli.output import ERR, OUT, plain, print_json
from agentarch.cli.sandboxes import started_executor
from agentarch.content import content_folder
from agentarch.design import Design
from agentarch.errors import UsageError, unknown_name
from agentarch.files import only_writer, write_whole
from agentarch.kinds.measured import Cell, Measurements, load
from agentarch.kinds.measuring import Wanted, measure, still_wanted
from agentarch.kinds.network import CONTRACT
from agentarch.kinds.task_page import with_measurements
from agentarch.task import Task

FILE, PAGE = "measured.json", "README.md"
ALL = "all"
PLAIN_SECONDS = 15.0


def measurements_file(name: str) -> Path:
    """Return where measurements are kept: of shipped tasks beside them, of a user's own file beside that.

    Raises:
        UsageError: a file was named together with other tasks.
    """
    own = [one for one in name.split(",") if one.endswith(".py") or ":" in one]
    if not own:
        return content_folder("evals") / "networks" / FILE
    if own != [name]:
        raise UsageError(f"{own[0]!r} keeps its measurements beside its file; name it alone")
    return Path(name.partition(":")[2] or name).resolve().parent / FILE


def named_tasks(name: str) -> list[Task]:
    """Return the tasks of a name, a file, several of these with commas, or `all`.

    Raises:
        UsageError: there is no such task.
    """
    if name == ALL:
        return list(find_tasks("network").values())
    return [find_task(one.strip(), "network") for one in name.split(",")]


def measure_tasks(
    name: str, rungs: str, seeds: int, designs: str, workers: int | None, sandbox: str, as_json: bool
) -> int:
    """Measure what is not measured yet, and write the file and the page of the tasks' folder; return the exit code.

    Raises:
        UsageError: there is no such task, rung or design, or the folder cannot be written to.
        ExecutorUnavailable: no sandbox works here.
        TaskFailed: a task's own code raised.
        BrokenMeasurements: the file is there and cannot be read.
        AgentarchError: another process measures into the same file.
    """
    tasks, numbers = named_tasks(name), _rungs(rungs)
    chosen = _designs(designs)
    file = measurements_file(name)
    if not os.access(file.parent, os.W_OK):
        raise UsageError(f"measurements go to {str(file)!r}, and that folder cannot be written to")
    page = file.with_name(PAGE)
    with only_writer(file.parent, "measures tasks"):
        known = load(file)
        with ERR.status("looking for what is not measured yet"):
            wanted = still_wanted(tasks, numbers, chosen, seeds, known)
        known.describe(tasks)
        try:
            lost = _measure(wanted, known, file, workers or os.cpu_count() or 1, sandbox) if wanted else 0
        finally:  # also when it was stopped, so that the page says what the file says
            known.save(file)
            if page.is_file():
                write_whole(page, with_measurements(page.read_text(), known))
    _tell(file, page, known, len(wanted) - lost, lost, as_json)
    return 1 if lost else 0


def _measure(wanted: list[Wanted], known: Measurements, file: Path, workers: int, sandbox: str) -> int:
    """Measure and keep; return how many were lost for no fault of a design."""
    executor = started_executor(sandbox, ready_boxes=workers)
    try:
        with _Told(len(wanted)) as told:

            def keep(cell: Cell) -> None:
                known.save(file)
                told.cell(cell)

            return measure(wanted, executor, workers, known, keep)
    finally:
        executor.close()


def _tell(file: Path, page: Path, known: Measurements, measured: int, lost: int, as_json: bool) -> None:
    if as_json:
        print_json({"measured": measured, "lost": lost, "known": len(known.cells), "file": str(file)})
        return
    pages = f" and {page.name}" if page.is_file() else ""
    OUT.print(f"{measured} measured now, {len(known.cells)} known; in {plain(file)}{pages}", soft_wrap=True)
    if lost:
        OUT.print(f"[yellow]{lost} could not be measured here; the same command tries them again[/yellow]")


class _Told:
    """Progress on stderr: a bar on a terminal, a line now and then elsewhere."""

    def __init__(self, total: int) -> None:
        self._total, self._done, self._last = total, 0, time.monotonic()
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
        )
        self._bar = Progress(*columns, console=ERR, transient=True, disable=not ERR.is_terminal)
        self._task = self._bar.add_task("measuring", total=total)

    def __enter__(self) -> _Told:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def cell(self, cell: Cell) -> None:
        self._done += 1
        score = cell.outcome if cell.score is None else f"{cell.score:.3f}"
        told = f"{plain(cell.task)} rung {cell.rung} seed {cell.seed}: {plain(cell.design)} {score}"
        self._bar.update(self._task, advance=1, description=told)
        if not ERR.is_terminal and (
            time.monotonic() - self._last >= PLAIN_SECONDS or self._done == self._total
        ):
            self._last = time.monotonic()
            ERR.print(f"{self._done} of {self._total}; {told}", soft_wrap=True)


def _rungs(text: str) -> list[int]:
    try:
        rungs = sorted({int(one) for one in text.split(",")})
    except ValueError:
        raise UsageError(f"--rungs takes numbers with commas, such as 1,2, not {text!r}") from None
    if rungs[0] < 0:
        raise UsageError(f"there is no rung {rungs[0]}")
    return rungs


def _designs(text: str) -> list[Design]:
    known = {design.name: design for design in seed_designs(CONTRACT)}
    names = list(known) if text == ALL else [one.strip() for one in text.split(",")]
    for name in names:
        if name not in known:
            raise unknown_name("seed design", name, known)
    return [known[name] for name in names]
