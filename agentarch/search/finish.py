"""How a run ends: finalists and controls on items that no decision has seen, a verdict, and the sealed test split once.

A pure function of what the run has recorded: each step looks at the state, and says the next decision, so that a killed
finish goes on where it was.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from agentarch.design import Design, read_design
from agentarch.evaluation import Cells, Request, ScoredDesign
from agentarch.kinds.controls import TUNED_BASELINE, Controls
from agentarch.scoring import Difference, Noise, NoisePool, cells_score, difference
from agentarch.scoring.selection import Judgement, judge, surest
from agentarch.search.arm import RANDOM, SEARCH
from agentarch.search.decision import Choice, Decision
from agentarch.search.state import SEED_OPERATOR, RunState
from agentarch.text import counted

SHARE = 1 / 3
"""Of a run's budget, kept for its finish at most."""

MOST_FINALISTS = 3
LEARNING_RATES = (0.25, 0.5, 1.0, 2.0)
"""Tried where a learning rate is tuned, as multiples of the frozen recipe's."""

FINALIST, BEST_SEED, BEST_RANDOM, BASELINE = "finalist", "best seed", "best random", TUNED_BASELINE


@dataclass(frozen=True)
class Contender:
    """A design that takes part in the finish.

    Attributes:
        design_id: which.
        role: finalist, or which control.
        learning_rate: as a multiple of the frozen recipe's.
    """

    design_id: str
    role: str
    learning_rate: float = 1.0

    @property
    def name(self) -> str:
        """What it is judged under: a design may be trained at two rates."""
        return f"{self.role}:{self.design_id}@{self.learning_rate:g}"


@dataclass(frozen=True)
class Extent:
    """How much of a finish a budget has room for.

    Attributes:
        finalists: designs of the search that are confirmed.
        has_random: whether the best random proposal is a control.
        made: controls that are made for the finish; 0 for none.
        tuned: how many of those get a learning rate of their own.
        has_test: whether the test split is opened.
        sweeps: whether finalists are also trained at the best of several learning rates.
    """

    finalists: int = 1
    has_random: bool = False
    made: int = 0
    tuned: int = 0
    has_test: bool = False
    sweeps: bool = False

    def evaluations(self, tasks: int, seeds: int) -> int:
        """Return how many evaluations it takes."""
        cells = tasks * seeds
        swept = self.finalists if self.sweeps else 0
        confirmed = self.finalists + swept + 1 + self.has_random + self.made
        tuned = len(LEARNING_RATES) * tasks * (swept + self.tuned)
        return cells * (confirmed + (2 if self.has_test else 0)) + tuned


def largest_extent(
    budget: float, tasks: int, seeds: int, has_random: bool, sweeps: bool, controls: Controls
) -> Extent | None:
    """Return the fullest finish that a budget of evaluations has room for, None when not even the smallest fits."""
    made = len(controls.roles)
    tuned = made if controls.has_recipe else 0
    whole = Extent(MOST_FINALISTS, has_random, made, tuned, has_test=True, sweeps=sweeps)
    steps = (  # controls come before more finalists, for a claim is worth what it was compared with
        Extent(),
        Extent(has_random=has_random),
        Extent(has_random=has_random, made=made, tuned=tuned),
        Extent(has_random=has_random, made=made, tuned=tuned, has_test=True),
        *(replace(whole, finalists=count, sweeps=False) for count in range(2, MOST_FINALISTS + 1)),
        whole,
    )
    fitting = [extent for extent in steps if extent.evaluations(tasks, seeds) <= budget]
    return fitting[-1] if fitting else None


def candidates(state: RunState) -> list[ScoredDesign]:
    """Return the designs of the search's own that have a score on every task, the surest first."""
    return [one for one in _best(state, SEARCH) if not _is_seed(one)]


def has_candidates(state: RunState) -> bool:
    """Whether there is anything to confirm."""
    return not all(_is_seed(one) for one in state.arms[SEARCH].scored.values())


class Finish:
    """Says what the finish of a run needs next.

    Args:
        tasks: the names of the run's tasks.
        seeds: training seeds of each confirmation.
        controls: that are made for it.
        sweeps: whether a sweep of finalists was asked for.
    """

    def __init__(self, tasks: Sequence[str], seeds: int, controls: Controls, sweeps: bool) -> None:
        self._tasks, self._seeds, self._sweeps = tuple(tasks), seeds, sweeps
        self._controls = controls

    def begin(self, state: RunState, extent: Extent | None) -> Decision:
        """Return the decision that ends the search: who is confirmed, and against whom."""
        found = candidates(state)
        seeds = [one for one in _best(state, SEARCH) if _is_seed(one)]
        why = None
        if not found:
            why = "the search scored no design of its own on every task"
        elif not seeds:
            why = "no seed design was scored on every task, so there is no control to compare with"
        elif extent is None:
            smallest = Extent().evaluations(len(self._tasks), self._seeds)
            why = (
                f"evaluations or time left no room to confirm anything, which takes {counted(smallest, 'evaluation')} "
                f"and at most {SHARE:.0%} of a budget"
            )
        if why or extent is None:
            return Decision(
                Choice.VERDICT, f"Nothing is claimed: {why}.", facts={"candidates": len(found), "won": None}
            )
        return self._line_up(state, extent, found, seeds)

    def _line_up(
        self, state: RunState, extent: Extent, found: Sequence[ScoredDesign], seeds: Sequence[ScoredDesign]
    ) -> Decision:
        rung = found[0].rung
        finalists = found[: extent.finalists]
        contenders = [Contender(one.design.id, FINALIST) for one in finalists]
        contenders.append(Contender(seeds[0].design.id, BEST_SEED))
        random = [one for one in _best(state, RANDOM) if not _is_seed(one)]
        if extent.has_random and random:
            contenders.append(Contender(random[0].design.id, BEST_RANDOM))
        made: dict[str, Design] = {}
        if extent.made:
            for role, control in self._made(seeds, finalists[0]):
                contenders.append(Contender(control.id, role))
                if control.id not in state.designs:
                    made[control.id] = control
        names = ", ".join(one.design.label for one in finalists)
        controls = ", ".join(one.role for one in contenders if one.role != FINALIST)
        return Decision(
            Choice.FINALISTS,
            f"the search is over; of {len(found)} designs of its own these go on at rung {rung}: {names}; "
            f"against: {controls}{self._left_out(extent)}",
            facts={
                "rung": rung,
                "seeds": self._seeds,
                "candidates": len(found),
                "contenders": [{"design": one.design_id, "role": one.role} for one in contenders],
                "opens_test": extent.has_test,
                "sweeps": extent.sweeps,
            },
            designs=tuple(made.values()),
        )

    def _left_out(self, extent: Extent) -> str:
        """Return what the budget had no room for, to be said with the finalists."""
        missing = [
            name
            for name, is_there in (
                (" and ".join(self._controls.roles), extent.made > 0),
                ("the test split", extent.has_test),
                ("the sweep that was asked for", extent.sweeps or not self._sweeps),
            )
            if not is_there
        ]
        return f"; the budget has no room for {', '.join(missing)}" if missing else ""

    def _made(self, seeds: Sequence[ScoredDesign], finalist: ScoredDesign) -> list[tuple[str, Design]]:
        """Return the controls that are made for the first finalist, each with its role."""
        made = self._controls.make(seeds[0], finalist, seeds)
        found = zip(self._controls.roles, made, strict=True)
        return [
            (role, seeds[0].design if one is None else read_design(one, self._controls.contract))
            for role, one in found
        ]

    def next(self, state: RunState) -> Decision | None:
        """Return the next decision of a finish that has begun and waits for nothing; None when it is over."""
        if state.decided(Choice.VERDICT):
            return None
        facts = state.decided(Choice.FINALISTS)[-1].facts
        if not state.decided(Choice.TUNE):
            tuned = [one for one in _line_up_of(facts) if _is_tuned(one, facts)]
            if tuned:
                return self._tune(tuned, facts)
        if not state.decided(Choice.CONFIRM):
            return self._confirm(contenders_of(state), facts)
        judgement = judged(state)
        if facts["opens_test"] and judgement and not state.decided(Choice.TEST):
            return self._test(state, judgement, facts)
        return verdict_of(state, judgement)

    def _tune(self, tuned: Sequence[Contender], facts: Any) -> Decision:
        requests = tuple(
            Request(one.design_id, task, facts["rung"], 0, learning_rate=rate)
            for one in tuned
            for rate in LEARNING_RATES
            for task in self._tasks
        )
        rates = ", ".join(f"{rate:g}" for rate in LEARNING_RATES)
        roles = ", ".join(dict.fromkeys(one.role for one in tuned))
        return Decision(
            Choice.TUNE,
            f"learning rates of {rates} times the recipe's are tried on the search split: {roles}",
            requests,
        )

    def _confirm(self, contenders: Sequence[Contender], facts: Any) -> Decision:
        requests = tuple(
            Request(one.design_id, task, facts["rung"], seed, "confirm", one.learning_rate)
            for seed in range(facts["seeds"])
            for one in contenders
            for task in self._tasks
        )
        return Decision(
            Choice.CONFIRM,
            f"{len(contenders)} designs on {facts['seeds']} training seeds of the confirm split, "
            "which no decision has seen",
            tuple(dict.fromkeys(requests)),
        )

    def _test(self, state: RunState, judgement: Judgement, facts: Any) -> Decision:
        chosen = [one for one in contenders_of(state) if one.name in (judgement.leader, judgement.control)]
        requests = test_requests([(one.design_id, one.learning_rate) for one in chosen], self._tasks, facts)
        return Decision(
            Choice.TEST,
            "the test split is opened for the leading finalist and its hardest control; what it shows decides nothing",
            requests,
        )


def test_requests(
    designs: Iterable[tuple[str, float]], tasks: Sequence[str], facts: Any
) -> tuple[Request, ...]:
    """Return the evaluations of designs, each at a learning rate, on the test split, at the rung of the finish."""
    return tuple(
        dict.fromkeys(
            Request(design_id, task, facts["rung"], seed, "test", rate)
            for seed in range(facts["seeds"])
            for design_id, rate in designs
            for task in tasks
        )
    )


def contenders_of(state: RunState) -> list[Contender]:
    """Return who takes part in the finish, at the learning rates that were found best where those were tuned."""
    facts = state.decided(Choice.FINALISTS)[-1].facts
    contenders = []
    for one in _line_up_of(facts):
        rate = _best_rate(state, one.design_id, facts["rung"]) if _is_tuned(one, facts) else 1.0
        if one.role == FINALIST:
            contenders.append(one)
        if one.role != FINALIST or rate != 1.0:
            contenders.append(Contender(one.design_id, one.role, rate))
    return contenders


def judged_contenders(state: RunState) -> list[Contender]:
    """Return who is judged: a finalist at the frozen recipe's rate only, for a rate of its own decides nothing."""
    return [one for one in contenders_of(state) if one.role != FINALIST or one.learning_rate == 1.0]


def confirmed(state: RunState, contender: Contender, split: str = "confirm") -> Cells:
    """Return a contender's scores on a split of the finish."""
    rung = state.decided(Choice.FINALISTS)[-1].facts["rung"]
    return state.cells(contender.design_id, split, rung, contender.learning_rate)


def noise_of_finish(state: RunState) -> Noise:
    """Return how much scores vary between training seeds at the rung of the finish, as its confirmations show."""
    pool = NoisePool()
    for one in judged_contenders(state):
        pool.put(one.name, confirmed(state, one))
    return pool.noise


def judged(state: RunState) -> Judgement | None:
    """Judge the finish as far as it has come; None while some contender lacks a task that it did not fail on."""
    finalists: dict[str, Cells] = {}
    controls: dict[str, Cells] = {}
    for one in judged_contenders(state):
        (finalists if one.role == FINALIST else controls)[one.name] = confirmed(state, one)
    if any(len(cells) < len(state.tasks) for cells in (*finalists.values(), *controls.values())):
        return None
    return judge(finalists, controls)


def fixed_and_tuned(state: RunState) -> list[tuple[float, float]]:
    """Return, for each design whose learning rate was tuned, its score at the frozen recipe's and at its best."""
    if not state.decided(Choice.TUNE):
        return []
    facts = state.decided(Choice.FINALISTS)[-1].facts
    tuned = {one.design_id for one in _line_up_of(facts) if _is_tuned(one, facts)}
    by_rate = [_by_rate(state, design_id, facts["rung"]) for design_id in sorted(tuned)]
    return [(found[1.0], max(found.values())) for found in by_rate if 1.0 in found]


def tested(state: RunState) -> Difference | None:
    """Return what the test split shows of the leader and the control that the verdict names; None where it does not."""
    facts = state.decided(Choice.VERDICT)[-1].facts
    if not facts.get("leader") or not state.decided(Choice.TEST):
        return None
    rung = state.decided(Choice.FINALISTS)[-1].facts["rung"]
    leader, control = (
        state.cells(one["design"], "test", rung, one["learning_rate"])
        for one in (facts["leader"], facts["control"])
    )
    if len(leader) < len(state.tasks) or len(control) < len(state.tasks):
        return None
    return difference(leader, control, noise_of_finish(state))


def verdict_of(state: RunState, judgement: Judgement | None) -> Decision:
    """Return the verdict: the control that was beaten, by how much, with interval and n, or that none was."""
    facts = state.decided(Choice.FINALISTS)[-1].facts
    base = {"candidates": facts["candidates"]}
    if judgement is None:
        why = (
            "not every finalist and control could be scored on the confirm split, through no fault of theirs"
        )
        return Decision(Choice.VERDICT, f"Nothing is claimed: {why}.", facts={**base, "won": None})
    by_name = {one.name: one for one in contenders_of(state)}
    leader, control = by_name[judgement.leader], by_name[judgement.control]
    found = judgement.difference
    named, against = _named(state, leader), f"the {control.role}, {_named(state, control)}"
    basis = (
        f"{counted(found.n, 'paired run')} over {counted(len(state.tasks), 'task')}, 95% interval corrected for "
        f"{counted(judgement.finalists, 'finalist')} of {counted(facts['candidates'], 'candidate')}"
    )
    met = [one.role for one in contenders_of(state) if one.role != FINALIST]
    if judgement.is_won:
        hardest = f"the hardest of {len(met)}" if len(met) > 1 else "the only one there was room for"
        sentence = f"{named} beat every control: {found} against {against}, {hardest} ({basis})."
    else:
        sentence = (
            f"Nothing beat the control: {named}, the leading finalist, scored {found} to {against} ({basis})."
            f"{_beaten(state, judgement, by_name)}"
        )
    return Decision(
        Choice.VERDICT,
        sentence,
        facts={
            **base,
            "won": judgement.is_won,
            "finalists": judgement.finalists,
            "leader": {
                "design": leader.design_id,
                "role": leader.role,
                "learning_rate": leader.learning_rate,
            },
            "control": {
                "design": control.design_id,
                "role": control.role,
                "learning_rate": control.learning_rate,
            },
            "difference": _as_facts(found),
            "against": [
                {"role": by_name[name].role, "design": by_name[name].design_id, **_as_facts(one)}
                for name, one in judgement.against.items()
            ],
        },
    )


def _as_facts(found: Difference) -> dict[str, Any]:
    return {"value": found.value, "low": found.low, "high": found.high, "n": found.n}


def _beaten(state: RunState, judgement: Judgement, by_name: Mapping[str, Contender]) -> str:
    """Return a sentence on the controls that a leader beat who did not beat all of them; empty for none."""
    beaten = {name: one for name, one in judgement.against.items() if one.is_positive}
    if not beaten:
        return ""
    hardest = min(beaten, key=lambda name: beaten[name].low)
    roles = ", ".join(dict.fromkeys(by_name[name].role for name in beaten))
    return (
        f" It did beat {roles}: {beaten[hardest]} to {_named(state, by_name[hardest])}, the hardest of these."
    )


def _line_up_of(facts: Any) -> list[Contender]:
    return [Contender(one["design"], one["role"]) for one in facts["contenders"]]


def _is_tuned(contender: Contender, facts: Any) -> bool:
    return contender.role == BASELINE or (contender.role == FINALIST and facts["sweeps"])


def _best_rate(state: RunState, design_id: str, rung: int) -> float:
    """Return the learning rate with the highest score over tasks; the recipe's where none was scored on all."""
    scored = _by_rate(state, design_id, rung)
    return max(scored, key=lambda rate: (scored[rate], rate == 1.0), default=1.0)


def _by_rate(state: RunState, design_id: str, rung: int) -> dict[float, float]:
    """Return a design's score over tasks by learning rate, with the one seed that all rates were tried on."""
    found = {}
    for rate in LEARNING_RATES:
        cells = state.cells(design_id, "search", rung, rate)
        first = {task: {0: scores[0]} for task, scores in cells.items() if 0 in scores}
        if len(first) == len(state.tasks):
            found[rate] = cells_score(first, {}).value
    return found


def _best(state: RunState, arm: str) -> list[ScoredDesign]:
    """Return designs of an arm by what is sure of them: the highest rung first, there by the lower end of the interval.

    Intervals are made anew, for what is known of noise has grown since each design was scored.
    """
    by_id = state.arms[arm].scored
    order = surest(
        {name: cells_score(one.cells[one.rung], state.noise(one.rung)) for name, one in by_id.items()}
    )
    return sorted((by_id[name] for name in order), key=lambda one: one.rung, reverse=True)


def _is_seed(scored: ScoredDesign) -> bool:
    return scored.design.operator == SEED_OPERATOR


def _named(state: RunState, contender: Contender) -> str:
    design = state.designs[contender.design_id]
    rate = (
        f" at {contender.learning_rate:g} times the learning rate" if contender.learning_rate != 1.0 else ""
    )
    return design.label + rate
