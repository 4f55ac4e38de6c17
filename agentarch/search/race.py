"""Which designs of an arm climb, and which get another training seed first: rung by rung, by paired evidence.

Asynchronous successive halving (Li et al., "A System for Massively Parallel Hyperparameter Tuning", 2020) says how many
climb; who climbs is settled by a race (Maron & Moore, "Hoeffding Races", 1993): where two designs cannot be told apart,
both get more seeds, and where they can, none is wasted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Literal

from agentarch.evaluation import Request, ScoredDesign
from agentarch.scoring import Difference, Noise, difference
from agentarch.search.arm import Arm
from agentarch.search.decision import Choice, Decision
from agentarch.text import counted

Fate = Literal["new", "pending", "done"]
"""What has become of an evaluation: nobody asked for it; it waits or is being worked on; it has ended."""

FIRST_RANKED_RUNG = 1
"""Rung 0 is a smoke run: it finds broken designs and ranks nothing."""

PROMOTED_SHARE = 4
"""One of so many designs of a rung climbs to the next."""

MOST_SEEDS = 3
"""So many training seeds at a rung, and what is close is settled by the mean."""

LEVEL = 0.8
"""Of the intervals that settle who climbs and who holds a niche; a wrong choice there costs compute, and no claim."""

LEADERS = 4
"""So many of the best designs of the top rung get all seeds, for one of them is what the run will stand for."""

FEW_AT_THE_TOP = 8
"""With fewer designs at the top rung there are no leaders yet."""

RECHECKED_SHARE = 0.05
"""Share of an arm's training steps that may go into rechecking elites, beyond what a climb or the lead hangs on."""


def compared(one: ScoredDesign, other: ScoredDesign, noise: Callable[[int], Noise]) -> Difference | None:
    """Compare two designs at the highest rung that both have done; None when there is none, or no seed in common."""
    common = one.cells.keys() & other.cells.keys()
    if not common:
        return None
    rung = max(common)
    return difference(one.cells[rung], other.cells[rung], noise(rung), LEVEL)


def takes_niche(challenger: ScoredDesign, holder: ScoredDesign, noise: Callable[[int], Noise]) -> bool:
    """Whether a design takes the niche of another: it scores higher, and evidence says so or all seeds are spent.

    What has not climbed as high as the holder waits: it may yet fall where the holder has stood.
    """
    if challenger.rung < holder.rung:
        return False
    found = compared(challenger, holder, noise)
    if found is None or found.value <= 0:
        return False
    rung = max(challenger.cells.keys() & holder.cells.keys())
    return found.is_positive or all(seeds_of(one, rung) >= MOST_SEEDS for one in (challenger, holder))


def seeds_of(scored: ScoredDesign, rung: int) -> int:
    """Return how many training seeds a design has had at a rung, on the task where it has had fewest."""
    return min(len(found) for found in scored.cells[rung].values())


class Race:
    """Decides for one arm at a time; holds nothing but what is fixed for a run.

    Args:
        tasks: the names of the run's tasks.
        top: the highest rung.
    """

    def __init__(self, tasks: Sequence[str], top: int) -> None:
        self._tasks, self.top = tuple(tasks), top

    def next(
        self, arm: Arm, noise: Callable[[int], Noise], fate: Callable[[Request], Fate]
    ) -> Decision | None:
        """Return what an arm's scores call for next; None when only a new design would help.

        Args:
            arm: its designs and elites.
            noise: of single scores at a rung.
            fate: what has become of an evaluation so far.
        """
        for decision in self._due(arm, noise, fate):
            new = tuple(request for request in decision.requests if fate(request) == "new")
            if new:
                return Decision(decision.kind, decision.reason, new, decision.facts)
        return None

    def on_every_task(self, design_id: str, rung: int, seed: int = 0) -> tuple[Request, ...]:
        """Return the evaluations of a design at a rung with one seed."""
        return tuple(Request(design_id, task, rung, seed) for task in self._tasks)

    def _due(
        self, arm: Arm, noise: Callable[[int], Noise], fate: Callable[[Request], Fate]
    ) -> Iterator[Decision]:
        """Yield what is called for, most urgent first; some of it may be under way."""
        for rung in range(self.top - 1, FIRST_RANKED_RUNG - 1, -1):
            yield from self._promotion(arm, rung, noise, fate)
        leaders = LEADERS if arm.size(self.top) >= FEW_AT_THE_TOP else 0
        for leader in arm.best(self.top, leaders):
            seeds = seeds_of(leader, self.top)
            if seeds < MOST_SEEDS:
                yield Decision(
                    Choice.REPEAT,
                    f"{leader.design.label} is among the {LEADERS} best of the top rung, "
                    f"on {counted(seeds, 'training seed')}",
                    self.on_every_task(leader.design.id, self.top, seeds),
                )
        one_more = arm.mean_steps * len(self._tasks)
        if one_more and arm.recheck_steps + one_more <= RECHECKED_SHARE * arm.steps:
            yield from self._rechecks(arm)

    def _promotion(
        self, arm: Arm, rung: int, noise: Callable[[int], Noise], fate: Callable[[Request], Fate]
    ) -> Iterator[Decision]:
        """Send up the best design that belongs to the share that climbs; where that is doubtful, ask again first."""
        count = arm.size(rung)
        share = f"one in {PROMOTED_SHARE} of {count} climbs from rung {rung}"
        if count < PROMOTED_SHARE:
            return
        *above, outside = arm.best(rung, count // PROMOTED_SHARE + 1)
        climbed = arm.climbed.get(rung + 1, set())
        best = next((one for one in above if one.design.id not in climbed), None)
        if best is None or best.scores[rung].high <= 0:  # what has learnt nothing does not climb
            return
        found = difference(best.cells[rung], outside.cells[rung], noise(rung), LEVEL)
        apart = f"{outside.design.label}, the first that does not: {found}" if found else outside.design.label
        why = f"and surely better than {apart}"
        if found is None or not found.is_positive:
            behind = [one for one in (best, outside) if seeds_of(one, rung) < MOST_SEEDS]
            fewest = min((seeds_of(one, rung) for one in behind), default=MOST_SEEDS)
            asked = [one.design.id for one in behind if seeds_of(one, rung) == fewest]
            requests = tuple(r for name in asked for r in self.on_every_task(name, rung, fewest))
            if any(
                fate(request) != "done" for request in requests
            ):  # those that are done were lost, by our fault
                yield Decision(
                    Choice.REPEAT,
                    f"{share}; {best.design.label} would, but cannot be told from {apart}",
                    requests,
                )
                return
            told = counted(min(seeds_of(one, rung) for one in (best, outside)), "seed")
            why = f"and, as far as {told} can tell, as good as {apart}"
        yield Decision(
            Choice.CLIMB,
            f"{share}: {best.design.label} scores {best.scores[rung]} {why}",
            self.on_every_task(best.design.id, rung + 1),
            {"design": best.design.id, "rung": rung + 1},
        )

    def _rechecks(self, arm: Arm) -> Iterator[Decision]:
        """Ask again where a niche is contested, and then whoever holds one on few seeds."""
        for niche, challenger in arm.archive.contested.items():
            holder = arm.archive.elites[niche]
            if challenger.rung < holder.rung:
                continue
            rung = max(challenger.cells.keys() & holder.cells.keys())
            for one in sorted((challenger, holder), key=lambda one: seeds_of(one, rung)):
                if seeds_of(one, rung) < MOST_SEEDS:
                    above = f"{challenger.design.label} scores above {holder.design.label}"
                    yield Decision(
                        Choice.RECHECK,
                        f"{above}, which holds its niche, but not surely",
                        self.on_every_task(one.design.id, rung, seeds_of(one, rung)),
                    )
                    break
        for elite in sorted(arm.archive.elites.values(), key=lambda e: (seeds_of(e, e.rung), -e.score.value)):
            seeds = seeds_of(elite, elite.rung)
            if seeds < MOST_SEEDS:
                yield Decision(
                    Choice.RECHECK,
                    f"{elite.design.label} holds a niche on {counted(seeds, 'training seed')} at rung {elite.rung}: "
                    "another washes luck out",
                    self.on_every_task(elite.design.id, elite.rung, seeds),
                )
