"""`agentarch evaluate`: designs on one task, each in boxes of its own."""

from __future__ import annotations

import contextlib
import math
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from rich.table import Table

from agentarch.catalogue import find_task, kind_of_task, proposal_from_file
from agentarch.cli.output import ERR, OUT, duration_text, plain, print_json, print_table, score_text
from agentarch.cli.sandboxes import started_executor
from agentarch.config import available_cores, make_config
from agentarch.design import Design, DesignError, Proposal, defines, read_design
from agentarch.errors import UsageError
from agentarch.evaluation import Evaluation, Outcome, Request
from agentarch.execution.contract import MIB, Executor
from agentarch.kinds import KINDS, Asking, Kind, make_kind
from agentarch.scoring.headroom import headroom
from agentarch.search.summary import evaluation_summary
from agentarch.task import AnyTask, check_rung

ATTEMPTS = 3
SECRET_VARIABLE = "AGENTARCH_SECRET"


@dataclass(frozen=True)
class Asked:
    """What designs are evaluated on.

    Attributes:
        task: its name or file.
        rung: at which fidelity.
        seed: of the data.
        learning_rate: as a multiple of the frozen recipe's.
        kind: of the designs; None for what the first of them defines.
        memory_mib: limit of a box.
        sandbox: which.
        models: settings of the models that agents may ask, as `agentarch.config.RunConfig` names them.
    """

    task: str
    rung: int
    seed: int
    learning_rate: float
    kind: str | None
    memory_mib: int
    sandbox: str
    models: Mapping[str, Any] = field(default_factory=dict)


def evaluate_files(files: Sequence[Path], asked: Asked, as_json: bool) -> int:
    """Evaluate the designs of some files and print what came of them; return the exit code.

    Raises:
        UsageError: a file, the task, the rung or a number is not to be had.
    """
    name = asked.kind or _kind_of(files[0], asked.task)
    kind = make_kind(name, os.environ.get(SECRET_VARIABLE, ""), asked.memory_mib)
    task = find_task(asked.task, kind.name)
    _check(task, asked)
    proposals = [proposal_from_file(file) for file in files]
    request = Request("", task.name, asked.rung, asked.seed, learning_rate=asked.learning_rate)
    read = [_read(proposal, kind, request) for proposal in proposals]
    found = {at: one for at, one in enumerate(read) if isinstance(one, Evaluation)}
    designs = {at: one for at, one in enumerate(read) if isinstance(one, Design)}
    if designs:
        with _models(kind, asked):
            found |= _evaluated(kind, designs, task, request, asked.sandbox)
    summaries = [evaluation_summary(found[at]) for at in range(len(files))]
    _print(files, summaries, as_json, asks_models=isinstance(kind, Asking))
    outcomes = {one.outcome for one in found.values()}
    if Outcome.INFRASTRUCTURE in outcomes:
        return 1
    return 0 if Outcome.SCORED in outcomes else 3


@contextlib.contextmanager
def _models(kind: Kind, asked: Asked) -> Iterator[None]:
    """Have the models at hand that designs of a kind ask, and say in the end what they cost.

    Raises:
        UsageError: a model is named that cannot be asked, or for designs that ask none.
    """
    config = make_config({"kind": kind.name, "tasks": asked.task, **asked.models})
    if not isinstance(kind, Asking):
        yield
        return
    from agentarch.search.solving import loose_broker

    with loose_broker(config) as (broker, tally):
        kind.broker = broker
        yield
    if tally.requests:
        used = tally.usage
        ERR.print(
            f"{tally.requests:,} requests, {used.input_tokens:,} tokens in, {used.output_tokens:,} out, "
            f"{tally.dollars:.4f} dollars as far as prices are known"
        )


def _kind_of(file: Path, task: str) -> str:
    """Return the kind of design that a file defines; where it defines none, that which the task is for.

    Raises:
        UsageError: the file cannot be read.
    """
    source = proposal_from_file(file).source
    kinds: list[Kind] = [make_kind(name, "", 512) for name in KINDS]
    defined = [kind.name for kind in kinds if defines(source, kind.contract.function)]
    return defined[0] if len(defined) == 1 else kind_of_task(task) or KINDS[0]


def _check(task: AnyTask, asked: Asked) -> None:
    check_rung(task, asked.rung)
    if asked.seed < 0:
        raise UsageError(f"a seed is a whole number from 0 up, not {asked.seed}")
    if not (math.isfinite(asked.learning_rate) and asked.learning_rate > 0):
        raise UsageError(f"a learning rate is a number above 0, not {asked.learning_rate}")


def _read(proposal: Proposal, kind: Kind, request: Request) -> Design | Evaluation:
    """Return a design, or the evaluation of one that is refused by reading alone."""
    try:
        return read_design(proposal, kind.contract)
    except DesignError as error:
        return Evaluation(request, Outcome.INVALID, str(error))


def _evaluated(
    kind: Kind, designs: Mapping[int, Design], task: AnyTask, request: Request, sandbox: str
) -> dict[int, Evaluation]:
    """Evaluate designs, as many at a time as there are cores; return what came of each, by its number."""
    workers = min(available_cores(), len(designs))
    executor = started_executor(sandbox, ready_boxes=workers, program=kind.program)
    found: dict[int, Evaluation] = {}
    told = f"evaluating on {task.name}, rung {request.rung}"
    try:
        with ERR.status(told) as status, ThreadPoolExecutor(workers) as pool:
            futures = {
                pool.submit(_one, kind, design, task, replace(request, design_id=design.id), executor): at
                for at, design in designs.items()
            }
            for future in as_completed(futures):
                found[futures[future]] = future.result()
                status.update(f"{told}: {len(found)} of {len(designs)} done")
    finally:
        executor.close()
    return found


def _one(kind: Kind, design: Design, task: AnyTask, request: Request, executor: Executor) -> Evaluation:
    for _ in range(ATTEMPTS):
        evaluation = kind.evaluate(design, task, request, executor)
        if evaluation.outcome is not Outcome.INFRASTRUCTURE:
            break
    return evaluation


def _print(
    files: Sequence[Path], summaries: Sequence[dict[str, Any]], as_json: bool, asks_models: bool
) -> None:
    if as_json and len(files) == 1:
        print_json(summaries[0])
    elif as_json:
        told = zip(files, summaries, strict=True)
        print_json({"evaluations": [{"file": str(file), **summary} for file, summary in told]})
    elif len(files) == 1:
        _tell(files[0], summaries[0])
    else:
        _tell_all(files, summaries, asks_models)


def _tell(file: Path, summary: dict[str, Any]) -> None:
    where = f"{plain(file.name)} on {summary['task']}, rung {summary['rung']}, seed {summary['seed']}"
    if summary["learning_rate"] != 1:
        where += f", {summary['learning_rate']:g} times the learning rate"
    if summary["score"] is None:
        OUT.print(f"{where}: {summary['outcome']}: {plain(summary['reason'], 400)}", soft_wrap=True)
    else:
        metrics = ", ".join(f"{name} {value:.4f}" for name, value in summary["metrics"].items())
        measured = ", ".join(
            f"{name} {value:.3g}" for name, value in summary["descriptors"].items() if name != "parameters"
        )
        size = "" if summary["parameters"] is None else f"{summary['parameters']:,} parameters; "
        OUT.print(f"{where}: score {score_text(summary['score'], summary['interval'])}, n = {summary['n']}")
        OUT.print(f"  {metrics}; {size}{measured}", soft_wrap=True)
    if summary["measures"]:
        also = ", ".join(f"{name.replace('_', ' ')} {v:.4g}" for name, v in summary["measures"].items())
        OUT.print(f"  {also}", soft_wrap=True)
    for reason, count in (summary["report"].get("reasons") or {}).items():
        OUT.print(f"  {plain(reason, 400)} (questions: {count})", soft_wrap=True)
    cost = summary["cost"]
    OUT.print(
        f"  took {duration_text(cost['wall_seconds'])}, {duration_text(cost['cpu_seconds'])} of processor time, "
        f"{cost['peak_memory_bytes'] / MIB:,.0f} MiB at its peak"
        + (f", in the {summary['sandbox']} sandbox" if summary["sandbox"] else "")
    )
    if summary["output"]:
        OUT.print(f"  it printed: {plain(summary['output'], 400)}", soft_wrap=True)


def _tell_all(files: Sequence[Path], summaries: Sequence[dict[str, Any]], asks_models: bool) -> None:
    """Print a line for each design, the best first; of those that ask models also whether the task leaves room."""
    columns = _columns(summaries)
    table = Table(box=None, pad_edge=False)
    table.add_column("design", no_wrap=True)
    table.add_column("score \\[95%]", justify="right", no_wrap=True)
    for name in columns:
        table.add_column(name.replace("_", " "), justify="right", no_wrap=True)
    order = sorted(
        zip(files, summaries, strict=True),
        key=lambda one: -math.inf if one[1]["score"] is None else one[1]["score"],
        reverse=True,
    )
    for file, summary in order:
        if summary["score"] is None:
            told = plain(f"{summary['outcome']}: {summary['reason']}", 60)
        else:
            told = score_text(summary["score"], summary["interval"])
        cells = [read(summary) for read in columns.values()]
        table.add_row(plain(file.stem), told, *("" if one is None else f"{one:,.4g}" for one in cells))
    first = summaries[0]
    OUT.print(f"{first['task']}, rung {first['rung']}, seed {first['seed']}", soft_wrap=True)
    print_table(table)
    scores = {file.stem: one["score"] for file, one in order if one["score"] is not None}
    if asks_models and (warning := headroom(scores)):
        OUT.print(f"[yellow]{plain(warning, 400)}[/yellow]", soft_wrap=True)


def _columns(summaries: Sequence[dict[str, Any]]) -> dict[str, Callable[[dict[str, Any]], float | None]]:
    """Return how to read what is worth comparing: the metrics, the measured shape, and how often models were asked."""

    def reader(part: str, name: str) -> Callable[[dict[str, Any]], float | None]:
        return lambda summary: summary[part].get(name)

    wanted = [("metrics", None), ("measures", ("calls",)), ("descriptors", None), ("measures", ("rounds",))]
    found: dict[str, Callable[[dict[str, Any]], float | None]] = {}
    for part, only in wanted:
        for name in dict.fromkeys(name for one in summaries for name in one[part]):
            if only is None or name in only:
                found[name] = reader(part, name)
    return found
