"""Do racing and rungs find the same three best of 40 designs as training all of them to the end, and for how much less?

40 fixed designs (the seeds, and random proposals drawn from one stream of chance) were trained at every rung with
several training seeds; the scores and the processor time of each are in `racing.json` beside this file. Full fidelity
takes the mean over seeds of all designs at the top rung. The race is the one that decides in a run, given those scores
as it asks for them; what it asked for is its cost. `--measure` trains whatever is missing from the table, in real
boxes, and goes on where it was stopped.
"""

from __future__ import annotations

import json
import os
import random
import sys
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import replace
from itertools import product
from pathlib import Path
from statistics import mean

sys.path.insert(0, str(Path(__file__).parent.parent))

from agentarch.catalogue import find_task, seed_designs
from agentarch.design import Design, read_design
from agentarch.evaluation import Request
from agentarch.execution import LocalExecutor
from agentarch.kinds.network import CONTRACT, NetworkKind
from agentarch.proposers import Context, make_proposer
from agentarch.search.arm import SEARCH
from agentarch.search.finish import candidates
from agentarch.search.plan import SMOKE_RUNG
from agentarch.search.race import MOST_SEEDS
from agentarch.search.simulation import Rehearsal

TABLE = Path(__file__).with_suffix(".json")
TASKS, RUNGS = ("sort",), (1, 2, 3)
DESIGNS, BEST, MOST_SHARE = 40, 3, 0.25

Key = tuple[str, str, int, int]
"""Design, task, rung and training seed."""


def designs() -> list[Design]:
    """Return the fixed designs."""
    found = {design.id: design for design in seed_designs(CONTRACT)}
    seeds, proposer = tuple(found.values()), make_proposer("random")
    kind = NetworkKind("racing")
    limits = kind.limits([find_task(name, "network") for name in TASKS])
    while len(found) < DESIGNS:
        number = len(found)
        context = Context(
            random.Random(f"racing {number}"), number, seeds, (), (), found.keys(), limits, None
        )
        proposal = proposer.propose(context)
        assert proposal is not None
        design = read_design(proposal, CONTRACT)
        found[design.id] = design
    return [replace(design, operator="fixed") for design in found.values()]  # a seed is no candidate in a run


def keys(found: list[Design]) -> list[Key]:
    """Return everything that is to be measured, cheapest first."""
    smoke = [(design.id, TASKS[0], SMOKE_RUNG, 0) for design in found]
    ranked = product(RUNGS, range(MOST_SEEDS), TASKS, found)
    return smoke + [(design.id, task, rung, seed) for rung, seed, task, design in ranked]


def measure() -> None:
    """Train what is missing from the table."""
    found = {design.id: design for design in designs()}
    table = read_table()
    kind, workers = NetworkKind("racing"), len(os.sched_getaffinity(0))
    executor = LocalExecutor("jail", ready_boxes=workers)
    executor.start()

    def train(key: Key) -> tuple[Key, float | None, float]:
        design, task, rung, seed = key
        request = Request(design, task, rung, seed)
        evaluation = kind.evaluate(found[design], find_task(task, "network"), request, executor)
        score = None if evaluation.score is None else evaluation.score.value
        return key, score, evaluation.cost.cpu_seconds

    missing = [key for key in keys(list(found.values())) if key not in table]
    try:
        with ThreadPoolExecutor(workers) as pool:
            running = [pool.submit(train, key) for key in missing]
            for number, done in enumerate(as_completed(running), start=1):
                key, score, seconds = done.result()
                table[key] = (score, seconds)
                if number % 20 == 0 or number == len(missing):
                    print(f"{number} of {len(missing)}", file=sys.stderr)
                    write_table(table)
    finally:
        executor.close()


def read_table() -> dict[Key, tuple[float | None, float]]:
    """Return the scores (None for what failed) and processor seconds that were measured."""
    if not TABLE.is_file():
        return {}
    return {(d, t, r, s): (score, seconds) for d, t, r, s, score, seconds in json.loads(TABLE.read_text())}


def write_table(table: dict[Key, tuple[float | None, float]]) -> None:
    """Write the table, one line a row."""
    rows = [
        json.dumps([*key, score and round(score, 4), round(seconds, 2)])
        for key, (score, seconds) in sorted(table.items())
    ]
    TABLE.write_text("[\n" + ",\n".join(rows) + "\n]\n")


def race(found: list[Design], table: dict[Key, tuple[float | None, float]]) -> tuple[list[str], float]:
    """Return the best designs by the race, and the processor seconds of what it asked for."""
    spent = 0.0

    def score(request: Request) -> float:
        nonlocal spent
        value, seconds = table[request.design_id, request.task, request.rung, request.seed]
        spent += seconds
        return 0.0 if value is None else value

    tasks = [find_task(name, "network") for name in TASKS]
    rehearsal = Rehearsal(tasks, {SEARCH: found}, score, random.Random(0), None, RUNGS[-1], MOST_SEEDS)
    rehearsal.go()
    return [one.design.id for one in candidates(rehearsal.state)[:BEST]], spent


def full_fidelity(
    found: list[Design], table: dict[Key, tuple[float | None, float]]
) -> tuple[list[str], float]:
    """Return the best designs by all seeds of the top rung, and the processor seconds of training them all."""
    top = RUNGS[-1]

    def score(design: Design) -> float:
        return mean(
            table[design.id, task, top, seed][0] or 0.0 for task in TASKS for seed in range(MOST_SEEDS)
        )

    spent = sum(seconds for (_, _, rung, _), (_, seconds) in table.items() if rung == top)
    return [design.id for design in sorted(found, key=score, reverse=True)[:BEST]], spent


def main() -> None:
    """Print what both found, and what they cost."""
    if "--measure" in sys.argv:
        measure()
    found, table = designs(), read_table()
    absent = [key for key in keys(found) if key not in table]
    if absent:
        sys.exit(
            f"{len(absent)} of the {len(keys(found))} scores are not measured; run: {sys.argv[0]} --measure"
        )
    names = {design.id: design.name for design in found}
    best, full = full_fidelity(found, table)
    # Designs are proposed in an order that is chance's, so the race is run in several.
    shares, hits = [], []
    for order in range(20):
        shuffled = random.Random(order).sample(found, len(found))
        raced, spent = race(shuffled, table)
        shares.append(spent / full)
        hits.append(len(set(raced) & set(best)))
    print(f"the best {BEST} of {DESIGNS} at full fidelity: {', '.join(names[one] for one in best)}")
    print(
        f"the race finds {mean(hits):.2f} of them on average over {len(hits)} orders, all in {hits.count(BEST)}, "
        f"for {mean(shares):.2f} of the compute (at most {max(shares):.2f}; target {MOST_SHARE})"
    )


if __name__ == "__main__":
    main()
