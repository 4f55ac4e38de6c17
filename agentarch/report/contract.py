"""What a report is made of: the plain values that `page` draws and `--json` prints.

Every part may be left out, None or empty: a run that has just begun has few of them, and the page says what is
missing. A number that is not finite counts as left out. All scores are on the scale where 0 is the trivial baseline
and 1 is perfect. Every text may come from a design and is hostile.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, model_validator


def finite_only(value: Any) -> Any:
    """Return plain values with None for every number that is not finite, which JSON cannot hold."""
    if isinstance(value, Mapping):
        return {key: finite_only(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [finite_only(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _whole(interval: Any) -> Any:
    return None if interval is None or any(end is None for end in interval) else interval


def _known(values: Any) -> Any:
    return {k: v for k, v in values.items() if v is not None} if isinstance(values, Mapping) else values


Interval = Annotated[tuple[float, float] | None, BeforeValidator(_whole)]
"""Lower and upper end of a 95% interval."""

Measures = Annotated[dict[str, float], BeforeValidator(_known)]
"""Finite numbers by name."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    @model_validator(mode="before")
    @classmethod
    def _absent_is_default(cls, values: Any) -> Any:
        return _known(values)


class Estimate(_Part):
    """A number with its 95% interval and what it rests on.

    Attributes:
        value: the number.
        low: lower end of the interval.
        high: upper end of the interval.
        n: seeds or items behind it.
    """

    value: float | None = None
    low: float | None = None
    high: float | None = None
    n: int | None = None


class TaskPart(_Part):
    """A task of the run, as `agentarch.task.Task` describes it; `warning` when it leaves little to find."""

    name: str = ""
    description: str = ""
    metric: str = ""
    chance: float | None = None
    ceiling: float | None = None
    warning: str = ""


class Verdict(_Part):
    """What the run may claim.

    Attributes:
        sentence: the claim in words, or that nothing beat the control.
        beat_control: whether something did; None when that could not be decided.
        winner: id of the design that won.
        control: name of the control it is compared with.
        difference: winner minus control, paired.
        candidates: designs of the search's own that were scored.
        finalists: those scored again on the `confirm` split, for whose number the interval is corrected.
        looks: how often the test split was opened.
        notes: what a reader must know beside it, e.g. that the test split was opened twice.
    """

    sentence: str = ""
    beat_control: bool | None = None
    winner: str | None = None
    control: str | None = None
    difference: Estimate | None = None
    candidates: int | None = None
    finalists: int | None = None
    looks: int | None = None
    notes: list[str] = []


class AxisPart(_Part):
    """An axis of the archive, as `agentarch.qd.Axis` describes it."""

    name: str
    low: float
    high: float
    bins: int
    log: bool = False


class DesignPart(_Part):
    """A scored design.

    Attributes:
        id: of the design.
        name: what its proposer called it.
        arm: `search`, `random` or `baseline`.
        proposer: what wrote it.
        operator: what the proposer did.
        parents: ids of the designs it was made from.
        score: at the highest rung it has done on every task.
        interval: of the score.
        n: seeds or items behind the score.
        rung: that rung; scores of different rungs do not compare.
        descriptors: by axis.
        parameters: trainable ones; None for agents, which have `tokens` among their descriptors.
        latency_seconds: of one item; for agents, of the slowest chain of calls.
        niche: its bin on every axis.
        is_elite: whether it holds its niche.
        measures: secondary measures, by name.
    """

    id: str
    name: str = ""
    arm: str = "search"
    proposer: str = ""
    operator: str = ""
    parents: list[str] = []
    score: float | None = None
    interval: Interval = None
    n: int | None = None
    rung: int | None = None
    descriptors: Measures = {}
    parameters: int | None = None
    latency_seconds: float | None = None
    niche: list[int] = []
    is_elite: bool = False
    measures: Measures = {}


class ProgressPoint(_Part):
    """How far an arm was when something changed.

    Attributes:
        arm: `search`, `random` or `baseline`.
        evaluations: the arm had finished.
        cpu_seconds: processor time the arm had spent inside designs.
        best: its best score so far.
        interval: of that score.
        rung: of that score; the drawn line breaks where it changes.
        coverage: share of all niches that hold a design of the arm.
    """

    arm: str = "search"
    evaluations: int = 0
    cpu_seconds: float = 0.0
    best: float | None = None
    interval: Interval = None
    rung: int | None = None
    coverage: float = 0.0


class Swept(_Part):
    """A finalist's score under the best learning rate of a sweep, apart from the frozen recipe."""

    learning_rate: float | None = None
    score: float | None = None
    interval: Interval = None


class Ancestor(_Part):
    """A design that a finalist descends from; `edited_by` names the person who changed a proposal into it."""

    id: str
    name: str = ""
    operator: str = ""
    edited_by: str = ""


class Finalist(_Part):
    """A design that is shown in full.

    Attributes:
        id: of the design.
        name: what its proposer called it.
        role: `finalist`, `best seed`, `best random`, `tuned baseline`; or `leader`: best so far, not confirmed.
        score: over all tasks, on the `confirm` split; a leader's, on the `search` split.
        interval: of the score.
        n: seeds or items behind it.
        tasks: its score on each task.
        test: on the sealed split, when that was opened.
        swept: with a learning rate of its own.
        proposer: what wrote it.
        operator: what the proposer did.
        rationale: why its proposer thought it good.
        parents: ids of the designs it was made from.
        lineage: its ancestors, nearest first.
        source: the whole file.
        parent_name: of the design that `diff` starts from.
        diff: from that parent's source to its own, unified.
    """

    id: str
    name: str = ""
    role: str = "finalist"
    score: float | None = None
    interval: Interval = None
    n: int | None = None
    tasks: dict[str, Estimate | None] = {}
    test: Estimate | None = None
    swept: Swept | None = None
    proposer: str = ""
    operator: str = ""
    rationale: str = ""
    parents: list[str] = []
    lineage: list[Ancestor] = []
    source: str = ""
    parent_name: str | None = None
    diff: str | None = None


class Decision(_Part):
    """Something the run decided, with its reason in one line."""

    number: int | None = None
    kind: str = ""
    reason: str = ""


class Outcomes(_Part):
    """How evaluations ended: counts by outcome, and by outcome for each proposer."""

    by_class: dict[str, int] = {}
    by_proposer: dict[str, dict[str, int]] = {}


class ArmCost(_Part):
    """What one arm was given: evaluations, optimiser steps of its search, processor time inside designs."""

    evaluations: int | None = None
    steps: int | None = None
    cpu_seconds: float | None = None


class CostPart(_Part):
    """What the run took: wall time an engine was at work, processor time inside designs, evaluations."""

    wall_seconds: float | None = None
    cpu_seconds: float | None = None
    evaluations: int | None = None
    by_arm: dict[str, ArmCost] = {}


class Shortcut(_Part):
    """How far something cheaper than a score can be trusted: its rank correlation with what it stands in for.

    Attributes:
        name: of the shortcut: a rung, a score that needs no training, the frozen recipe.
        stands_in_for: what it is held against.
        among: which designs.
        correlation: Spearman's; None where it is undefined.
        n: designs behind it.
    """

    name: str
    stands_in_for: str = ""
    among: str = ""
    correlation: float | None = None
    n: int | None = None


class TallyPart(_Part):
    """What requests to language models came to.

    Attributes:
        requests: that were sent.
        input_tokens: of everything sent.
        output_tokens: of everything written.
        cached_tokens: of those sent, that the provider read from its cache.
        dollars: at the prices of the run; None where some price is unknown.
        cache_hits: questions that our own cache answered without a request.
        retries: requests that repeated one that had failed.
        failed: requests that were not answered.
        latency_seconds: summed over requests.
    """

    requests: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    dollars: float | None = None
    cache_hits: int = 0
    retries: int = 0
    failed: int = 0
    latency_seconds: float = 0.0


class UntoldPart(_Part):
    """The most that requests may have come to whose answer was cut off, so that nobody told."""

    requests: int = 0
    tokens: int = 0
    dollars: float = 0.0


class LedgerPart(TallyPart):
    """All requests of a run, by the model that was asked, and by the role that it was asked in."""

    untold: UntoldPart = UntoldPart()
    by_model: dict[str, TallyPart] = {}
    by_role: dict[str, TallyPart] = {}


class TrialsPart(_Part):
    """What an operator, a model or a prompt pack has brought.

    Attributes:
        name: of it.
        tried: proposals of which it is known what came of them.
        gained: those that filled or took a niche.
        share: of those tried.
        dollars: that they cost; None where some price is unknown.
        per_dollar: gains for a dollar.
    """

    name: str = ""
    tried: int = 0
    gained: int = 0
    share: Estimate | None = None
    dollars: float | None = None
    per_dollar: float | None = None


class FaultPart(_Part):
    """How often something was wrong on the way, with the reason that was given last, and of which proposal."""

    kind: str = ""
    count: int = 0
    example: str = ""
    proposal: str = ""


class ReviewPart(_Part):
    """A decision on a proposal, by a person or, after its timeout, by nobody."""

    proposal: str = ""
    name: str = ""
    decision: str = ""
    reason: str = ""
    by: str = ""


class LessonPart(_Part):
    """A claim that a proposal made, with what it predicted and what was measured.

    Attributes:
        id: of the proposal that made it first.
        claim: one sentence.
        weight: from 0 to 1; a half while nothing is decided.
        right: times that it predicted rightly.
        wrong: times that it predicted wrongly.
        undecided: times that a measurement could not tell.
        predicted: change of the score against the parent.
        measured: that change, averaged over every time it was measured.
    """

    id: str = ""
    claim: str = ""
    weight: float | None = None
    right: int = 0
    wrong: int = 0
    undecided: int = 0
    predicted: float | None = None
    measured: float | None = None


class ArchiveUsePart(_Part):
    """How one run's proposals stand to what its archive chose; see `agentarch.search.archive_use.ArchiveUse`."""

    run_dir: str = ""
    placebo: str = ""
    proposals: int = 0
    to_shown: Estimate | None = None
    to_chosen: Estimate | None = None
    to_others: Estimate | None = None
    closer: Estimate | None = None
    gained: int = 0
    share: Estimate | None = None
    change: Estimate | None = None
    best: Estimate | None = None
    best_name: str = ""


class ComparisonPart(_Part):
    """Runs that showed the chosen parents against runs with a placebo: the difference of their shares of gains."""

    placebo: str = ""
    difference: Estimate | None = None
    runs: int = 0
    placebo_runs: int = 0
    sentence: str = ""


class AuthoringPart(_Part):
    """What language models wrote in a run, what it cost and what came of it.

    Attributes:
        ledger: every request.
        ceilings: of the run, in dollars, tokens and requests; those that there are.
        elites: that proposals hold.
        gains: proposals that filled or took a niche.
        dollars_per_elite: of everything that was spent.
        dollars_per_gain: likewise.
        stages: how many proposals stand where.
        faults: what was wrong on the way, by kind.
        by_model: what each model has brought.
        by_operator: what each operator has.
        by_pack: what each prompt pack has, by its hash.
        reviews: decisions, in order.
        lessons: the claims most worth telling.
        uses: of the archive: this run's, then those that were put beside it.
        comparisons: of the runs with each kind of placebo.
        sentence: what these runs can tell of showing the chosen parents.
        notes: what else differs between them.
    """

    ledger: LedgerPart = LedgerPart()
    ceilings: Measures = {}
    elites: int | None = None
    gains: int | None = None
    dollars_per_elite: float | None = None
    dollars_per_gain: float | None = None
    stages: dict[str, int] = {}
    faults: list[FaultPart] = []
    by_model: list[TrialsPart] = []
    by_operator: list[TrialsPart] = []
    by_pack: list[TrialsPart] = []
    reviews: list[ReviewPart] = []
    lessons: list[LessonPart] = []
    uses: list[ArchiveUsePart] = []
    comparisons: list[ComparisonPart] = []
    sentence: str = ""
    notes: list[str] = []


class PipelineStep(_Part):
    """Calls of an agent that do the same on many questions; see `agentarch.traces.Step`."""

    number: int
    level: int = 0
    label: str = ""
    prompt: str = ""
    share: float = 0.0
    calls: float = 0.0
    tokens: float = 0.0
    seconds: float = 0.0
    right: float | None = None
    first_errors: int = 0
    first_error_share: float = 0.0
    faults: dict[str, int] = {}


class PipelineLink(_Part):
    """What feeds what, in what share of the questions; 0 is the question as `start`, the final answer as `to`."""

    start: int = 0
    to: int = 0
    share: float = 0.0


class PipelinePart(_Part):
    """How an agent asks: its typical graph over many questions; see `agentarch.traces.Typical`."""

    id: str = ""
    name: str = ""
    role: str = ""
    questions: int = 0
    wrong: int = 0
    is_checkable: bool = False
    faults: dict[str, int] = {}
    rare_calls: float = 0.0
    steps: list[PipelineStep] = []
    links: list[PipelineLink] = []


class Report(_Part):
    """Everything a report shows.

    Attributes:
        run_dir: the run directory.
        created_at: of the run; seconds since the epoch, or a date as text.
        version: of agentarch.
        config: the run's settings.
        stopped: why the run's last session ended; None while one is at work, or when it was killed.
        tasks: that designs are scored on.
        verdict: what the run may claim.
        axes: of the archive.
        coverage: share of all niches that hold a design.
        qd_score: sum of the elites' scores.
        designs: every scored one.
        progress: of every arm, in order.
        finalists: shown in full, best first.
        decisions: in order.
        outcomes: how evaluations ended.
        cost: what the run took.
        shortcuts: how well lower rungs, untrained scores, size and the frozen recipe rank.
        authoring: what language models wrote; None where none were asked.
        pipelines: how the best agents ask, the leader first; empty for networks.
    """

    run_dir: str = ""
    created_at: float | str | None = None
    version: str = ""
    config: dict[str, Any] = {}
    stopped: str | None = None
    tasks: list[TaskPart] = []
    verdict: Verdict | None = None
    axes: list[AxisPart] = []
    coverage: float | None = None
    qd_score: float | None = None
    designs: list[DesignPart] = []
    progress: list[ProgressPoint] = []
    finalists: list[Finalist] = []
    decisions: list[Decision] = []
    outcomes: Outcomes = Outcomes()
    cost: CostPart = CostPart()
    shortcuts: list[Shortcut] = []
    authoring: AuthoringPart | None = None
    pipelines: list[PipelinePart] = []


def read_report(plain: Mapping[str, Any]) -> Report:
    """Return plain values as a report.

    Raises:
        pydantic.ValidationError: a part that is there has the wrong form.
    """
    return Report.model_validate(finite_only(plain))
