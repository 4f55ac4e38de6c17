"""What has become of each proposal of a proposer that takes several steps: part of a run's state.

A proposal goes through turns: an answer of the model, a repaired one, a reviewer's edit. What comes next follows
from what the log holds of it, so that a step which was killed is simply taken again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from agentarch.store import Event

MOST_ANSWER_REPAIRS = 1
"""So often a model may mend an answer that cannot be read."""

MOST_DESIGN_REPAIRS = 2
"""So often a design that was refused, or failed its smoke run, may be mended."""

RECENT = 200
"""So many of the latest proposals are looked at to choose and to brief the next; older ones knew other designs."""

REMEMBERED_FAULTS = 40
"""So many of the latest faults are at hand to be told to a model."""


def name_of(number: int) -> str:
    """Return the id of the proposal that was begun as the so-manieth, from 1."""
    return f"p{number}"


def number_of(name: str) -> int:
    """Return the number of a proposal from its id."""
    return int(name.removeprefix("p"))


class Step(StrEnum):
    """The steps that a proposal takes; nodes of the graph."""

    CHOOSE = "choose"
    """Parents, target, operator and model are chosen."""
    PROPOSE = "propose"
    """A model writes a design."""
    REFLECT = "reflect"
    """A model looks at it critically."""
    REPAIR = "repair"
    """A model mends what was found wrong."""
    CHECK = "check"
    """It is screened, and goes through its smoke run in a box."""
    GATE = "gate"
    """A person may look at it."""
    QUEUE = "queue"
    """It is sent to be scored."""


class Stage(StrEnum):
    """Where a proposal stands, as people are told."""

    DRAFTING = "drafting"
    CHECKING = "checking"
    PENDING_REVIEW = "pending_review"
    QUEUED = "queued"
    REJECTED = "rejected"
    FAILED = "failed"
    DROPPED = "dropped"


class FaultKind(StrEnum):
    """What was wrong with a turn."""

    NO_ANSWER = "no_answer"
    """The model gave none."""
    UNREADABLE = "unreadable"
    """No design could be read from it."""
    CONCERNS = "concerns"
    """Reflection found something."""
    SCREENED = "screened"
    """The design was refused unread."""
    DUPLICATE = "duplicate"
    """It is, or acts like, a design that the run knows."""
    SMOKE = "smoke"
    """Its smoke run failed."""


EDITED = "edit"
"""The operator of a design that a reviewer changed."""

TIMEOUT = "timeout"
"""Who decided, when nobody did in time."""

FILL = "fill"
"""The operator that gives the holes of a template other values; it asks no model."""

OF_AN_EDIT: Mapping[str, Any] = {
    "rationale": "Edited by a reviewer.",
    "form": "file",
    "template": "",
    "holes": (),
    "claim": "",
    "predicted_change": None,
    "builds_on": (),
}
"""What a person's edit does not take over from the model's draft: its template, and what it claimed."""

ANSWER_FAULTS = (FaultKind.NO_ANSWER, FaultKind.UNREADABLE)


@dataclass
class Turn:
    """One version of a proposal.

    Attributes:
        draft: as `agentarch.meta.Draft` was written down; None where nothing could be read.
        faults: what was found wrong, with its kind.
        design_id: of the design it was read as; None before that.
        is_checked: whether it came through its smoke run.
        text: what could not be read, as far as it is worth telling the model again.
        shown: ids of the designs that were in the prompt, parents first.
        answered_by: the model that wrote it; empty where a person or the filling of a template did.
    """

    draft: Mapping[str, Any] | None = None
    faults: list[tuple[FaultKind, str]] = field(default_factory=list)
    design_id: str | None = None
    is_checked: bool = False
    text: str = ""
    shown: tuple[str, ...] = ()
    answered_by: str = ""


@dataclass
class ProposalRecord:
    """One proposal so far.

    Attributes:
        id: e.g. `p17`.
        at: seconds since the epoch when it was begun.
        brief: what was chosen for it; see `agentarch.search.authoring.choosing.Chooser.brief`.
        turns: its versions.
        reflection: what reflection said; None before, or where there was none.
        gated_at: when it was put before a person; None when it was not.
        review: the decision on it: `decision`, `reason`, `by`; None before.
        stage: where it stands.
        reason: why it was rejected, failed or was dropped.
        designs_before: how many designs the run had when it was begun.
    """

    id: str
    at: float
    brief: Mapping[str, Any]
    turns: list[Turn] = field(default_factory=list)
    reflection: Mapping[str, Any] | None = None
    gated_at: float | None = None
    review: Mapping[str, Any] | None = None
    stage: Stage = Stage.DRAFTING
    reason: str = ""
    designs_before: int = 0

    @property
    def is_live(self) -> bool:
        """Whether something is still to come of it."""
        return self.stage in (Stage.DRAFTING, Stage.CHECKING, Stage.PENDING_REVIEW)

    @property
    def draft(self) -> Mapping[str, Any]:
        """The latest version that could be read; empty when none could."""
        return next((turn.draft for turn in reversed(self.turns) if turn.draft is not None), {})

    @property
    def design_id(self) -> str | None:
        """The design that its latest version is."""
        return self.turns[-1].design_id if self.turns else None

    @property
    def next_step(self) -> Step | None:
        """What is to be done next; None when nothing is."""
        if not self.is_live:
            return None
        if not self.turns:
            return Step.PROPOSE
        turn = self.turns[-1]
        if turn.faults:
            return Step.REPAIR
        if self.brief["reflects"] and self.reflection is None and self.review is None:
            return Step.REFLECT
        if not turn.is_checked:
            return Step.CHECK
        return Step.QUEUE if self.review is not None else Step.GATE

    @property
    def written_by(self) -> str:
        """The model that wrote its latest version; another than was chosen when a fallback stepped in."""
        return next(
            (turn.answered_by for turn in reversed(self.turns) if turn.answered_by), self.brief["model"]
        )

    def faults(self, *kinds: FaultKind) -> int:
        """Return how many turns had a fault of these kinds."""
        return sum(any(kind in kinds for kind, _ in turn.faults) for turn in self.turns)

    def is_beyond_repair(self) -> bool:
        """Whether what was found wrong has been found wrong too often."""
        on_answers = self.faults(*ANSWER_FAULTS)
        on_designs = self.faults(FaultKind.SCREENED, FaultKind.DUPLICATE, FaultKind.SMOKE)
        return on_answers > MOST_ANSWER_REPAIRS or on_designs > MOST_DESIGN_REPAIRS


@dataclass(frozen=True)
class Fault:
    """Something that went wrong, to be learnt from."""

    proposal: str
    name: str
    kind: FaultKind
    reason: str


class Proposals(Mapping[str, ProposalRecord]):
    """Every proposal of a run by id, in the order they were begun.

    Attributes:
        faults: the latest that were found, oldest first.
        reviewed: ids of those that were decided on, in the order they were.
        of_design: the proposal that a design came of, by the design's id.
        live: ids of those of which something is still to come.
        counts: how many there are, by stage.
        fault_counts: how many faults there were, by kind.
        fruitless: how many failed in a row, without one in between that was sent to be scored or rejected by a person.
    """

    def __init__(self) -> None:
        self.faults: list[Fault] = []
        self.of_design: dict[str, str] = {}
        self.reviewed: list[str] = []
        self.live: set[str] = set()
        self.counts: dict[Stage, int] = dict.fromkeys(Stage, 0)
        self.fault_counts: dict[FaultKind, int] = {}
        self.fruitless = 0
        self._records: dict[str, ProposalRecord] = {}
        self._order: list[ProposalRecord] = []
        self._designs = 0

    def __getitem__(self, name: str) -> ProposalRecord:
        return self._records[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._records)

    def __len__(self) -> int:
        return len(self._records)

    @property
    def pending(self) -> Sequence[ProposalRecord]:
        """Those that wait for a person, the longest waiting first."""
        waiting = [self[name] for name in self.live if self[name].stage is Stage.PENDING_REVIEW]
        return sorted(waiting, key=lambda one: one.gated_at or 0.0)

    def latest(self, most: int) -> Sequence[ProposalRecord]:
        """Return so many of those that were begun last, oldest first."""
        return self._order[-most:]

    def apply(self, event: Event) -> None:
        """Take one event of the run's log in; most are about no proposal."""
        name = event.body.get("of" if event.kind == "proposed" else "proposal")
        self._designs += event.kind == "proposed"
        if event.kind == "begun":
            record = ProposalRecord(event.body["proposal"], event.at, event.body["brief"])
            record.designs_before = self._designs
            self._records[record.id] = record
            self._order.append(record)
            self.counts[record.stage] += 1
            self.live.add(record.id)
        elif isinstance(name, str) and name in self._records:
            record = self._records[name]
            before = record.stage
            self._take(record, event)
            self.counts[before] -= 1
            self.counts[record.stage] += 1
            if not record.is_live and record.id in self.live:
                self.live.discard(record.id)
                self.fruitless = self.fruitless + 1 if record.stage is Stage.FAILED else 0

    def _take(self, record: ProposalRecord, event: Event) -> None:
        body = event.body
        if event.kind == "proposed":
            self.of_design[body["design"]["id"]] = record.id
        if not record.is_live:  # a decision that came too late
            return
        match event.kind:
            case "drafted":
                shown, by = tuple(body["shown"]), body.get("answered_by", "")
                record.turns.append(Turn(draft=body["draft"], shown=shown, answered_by=by))
                record.stage = Stage.DRAFTING
            case "faulted":
                self._fault(record, FaultKind(body["fault"]), body["reason"], body.get("text", ""))
            case "reflected":
                record.reflection = body["reflection"]
                if record.reflection["verdict"] == "revise":
                    record.turns[-1].faults.append((FaultKind.CONCERNS, body["told"]))
                    self.fault_counts[FaultKind.CONCERNS] = self.fault_counts.get(FaultKind.CONCERNS, 0) + 1
            case "proposed":
                record.turns[-1].design_id = body["design"]["id"]
                record.stage = Stage.CHECKING
            case "checked":
                record.turns[-1].is_checked = True
            case "gated":
                record.gated_at, record.stage = event.at, Stage.PENDING_REVIEW
            case "deferred":
                record.gated_at = event.at
            case "reviewed":
                self._review(record, body)
            case "accepted":
                record.stage = Stage.QUEUED
            case "abandoned":
                record.stage, record.reason = Stage.DROPPED, body["reason"]

    def _fault(self, record: ProposalRecord, kind: FaultKind, reason: str, text: str) -> None:
        if kind in ANSWER_FAULTS:
            record.turns.append(Turn(text=text))
        record.turns[-1].faults.append((kind, reason))
        name = str(record.draft.get("name", record.id))
        self.faults = [*self.faults, Fault(record.id, name, kind, reason)][-REMEMBERED_FAULTS:]
        self.fault_counts[kind] = self.fault_counts.get(kind, 0) + 1
        record.stage = Stage.DRAFTING
        is_by_a_person = record.review is not None
        if record.is_beyond_repair() or is_by_a_person or record.brief["operator"] == FILL:
            record.stage, record.reason = Stage.FAILED, reason

    def _review(self, record: ProposalRecord, body: Mapping[str, Any]) -> None:
        record.review = body
        self.reviewed.append(record.id)
        if body["decision"] == "reject":
            record.stage, record.reason = Stage.REJECTED, body["reason"]
        elif body["decision"] == "edit":
            record.turns.append(Turn(draft={**record.draft, **OF_AN_EDIT, "source": body["source"]}))
            record.stage = Stage.DRAFTING
        else:
            record.stage = Stage.DRAFTING
