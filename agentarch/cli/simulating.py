"""`agentarch simulate`: how often a run declares a winner that is none, and how often it finds one that is."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

from rich.progress import track

from agentarch.catalogue import find_task
from agentarch.cli.output import ERR, OUT, print_json
from agentarch.config import available_cores
from agentarch.content import content_folder
from agentarch.errors import UsageError
from agentarch.kinds.measured import load
from agentarch.scoring.intervals import share_interval
from agentarch.search.simulation import Found, Setting, residuals_of, simulate
from agentarch.suites import find_suite


@dataclass(frozen=True)
class Asked:
    """What is to be simulated.

    Attributes:
        suite: whose tasks, budget, rungs and confirmation are used.
        runs: how many runs of each kind.
        designs: proposals of each arm.
        better: by how much one design is truly better.
        evaluations: budget of a run; None for the suite's.
        seed: of the draws.
    """

    suite: str
    runs: int
    designs: int
    better: float
    evaluations: int | None
    seed: int


def simulate_runs(asked: Asked, as_json: bool) -> int:
    """Simulate runs of equal designs and of one better one, and print what they declared; return the exit code.

    Raises:
        UsageError: there is no such suite, or the noise of its tasks has not been measured.
    """
    if not 0 < asked.better <= 1:
        raise UsageError(
            f"--better is a difference of scores, above 0 and at most 1, and not {asked.better:g}"
        )
    null, powered = setting_of(asked, 0.0), setting_of(asked, asked.better)
    told: dict[str, Any] = {
        "suite": asked.suite,
        "runs": asked.runs,
        "designs": asked.designs,
        "better": asked.better,
        "evaluations_limit": null.limit,
        "equal": _told(_simulated(null, asked, f"{asked.runs} runs of equal designs"), "is_won"),
        "one_better": _told(
            _simulated(powered, asked, f"{asked.runs} runs with one {asked.better:g} better"), "is_right"
        ),
    }
    if as_json:
        print_json(told)
        return 0
    equal, one = told["equal"], told["one_better"]
    OUT.print(
        f"Suite {asked.suite}: {asked.designs} designs an arm, at most {null.limit} evaluations a run, "
        "noise between training seeds as measured on the seed designs."
    )
    OUT.print(f"  all designs equal:         a winner was declared in {_share(equal)}", soft_wrap=True)
    OUT.print(
        f"  one design {asked.better:g} better:   it was declared the winner in {_share(one)}", soft_wrap=True
    )
    OUT.print(
        f"  {'':<26} it was a finalist in {one['finalist']:.1%}, another won in {one['wrong']:.1%}",
        soft_wrap=True,
    )
    return 0


def setting_of(asked: Asked, better: float) -> Setting:
    """Return what one simulated run is told.

    Raises:
        UsageError: there is no such suite, or the noise of its tasks has not been measured.
    """
    suite = find_suite(asked.suite, "network")
    tasks = [find_task(name, "network") for name in suite.tasks]
    cells = load(content_folder("evals") / "networks" / "measured.json").cells.values()
    residuals = residuals_of((c.task, c.rung, c.design, c.score) for c in cells if c.score is not None)
    top = min(min(len(task.rungs) for task in tasks) - 1, suite.top_rung)
    missing = [(t.name, rung) for t in tasks for rung in range(1, top + 1) if (t.name, rung) not in residuals]
    if missing:
        names, rungs = (list(dict.fromkeys(part)) for part in zip(*missing, strict=True))
        raise UsageError(
            "how much scores vary between training seeds is not known of "
            f"{', '.join(f'{name} at rung {rung}' for name, rung in missing)}; measure it with: agentarch tasks "
            f"--measure {','.join(names)} --rungs {','.join(map(str, sorted(rungs)))} --seeds 2"
        )
    limit = asked.evaluations or suite.evaluations
    return Setting(tasks, residuals, asked.designs, better, limit, suite.confirm_seeds, top)


def _simulated(setting: Setting, asked: Asked, what: str) -> list[Found]:
    first = asked.seed * asked.runs
    with ProcessPoolExecutor(available_cores()) as pool:
        found = pool.map(partial(simulate, setting), range(first, first + asked.runs), chunksize=4)
        return list(track(found, what, total=asked.runs, console=ERR))


def _told(found: list[Found], counted: str) -> dict[str, Any]:
    count, runs = sum(getattr(one, counted) for one in found), len(found)
    return {
        "count": count,
        "share": count / runs,
        "interval": list(share_interval(count, runs)),
        "finalist": sum(one.was_finalist for one in found) / runs,
        "wrong": sum(one.is_won and not one.is_right for one in found) / runs,
        "evaluations": sum(one.evaluations for one in found) / runs,
        "example": found[0].sentence,
    }


def _share(told: dict[str, Any]) -> str:
    low, high = told["interval"]
    return f"{told['share']:.1%} \\[{low:.1%}, {high:.1%}]"
