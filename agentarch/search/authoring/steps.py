"""What is done at each step of a proposal. A step that the log says was taken is not taken again."""

from __future__ import annotations

import random
import threading
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from agentarch.config import META, RunConfig
from agentarch.design import Contract, Design, DesignError, Proposal, read_design
from agentarch.evaluation import Evaluation, Outcome
from agentarch.meta.answers import read_answer, read_reflection
from agentarch.meta.briefing import Briefing
from agentarch.meta.draft import AnswerFault, Form
from agentarch.meta.findings import Nearest, findings
from agentarch.meta.pack import Pack, Prompt
from agentarch.meta.schemas import answer_schema, reflection_schema
from agentarch.models import Ask, BudgetSpent, Client, NoAnswer, Reply, Stopped
from agentarch.search.authoring.books import RunBooks
from agentarch.search.authoring.briefs import Briefs
from agentarch.search.authoring.choosing import Chooser
from agentarch.search.authoring.contract import NoRoom, Workshop
from agentarch.search.authoring.templates import draft_of, filled
from agentarch.search.fingerprints import Fingerprints
from agentarch.search.log import Log
from agentarch.search.proposals import EDITED, FILL, FaultKind, ProposalRecord, Step, number_of
from agentarch.search.race import FIRST_RANKED_RUNG
from agentarch.seeding import derive_seed
from agentarch.text import one_line, printable

ASKING = (Step.PROPOSE, Step.REFLECT, Step.REPAIR)
"""The steps that ask a model."""

KEPT_CHARACTERS = 20_000
"""So much of an answer that could not be read is told to the model again."""

TOLD_OUTPUT = 1_500
LOOK_SECONDS = 0.5


class ProposalSteps:
    """The steps of one run's proposals; see `agentarch.search.authoring.graph.Steps`.

    Args:
        workshop: the engine.
        log: of the run.
        client: answers questions.
        books: of the run.
        pack: of prompts.
        briefs: makes briefings.
        chooser: chooses what a proposal is to be.
        config: of the run.
        secret: of the run.
        contract: of the run's kind of design.
        stopped: set when the run is being stopped.
    """

    def __init__(
        self,
        workshop: Workshop,
        log: Log,
        client: Client,
        books: RunBooks,
        pack: Pack,
        briefs: Briefs,
        chooser: Chooser,
        config: RunConfig,
        secret: str,
        contract: Contract,
        stopped: threading.Event,
    ) -> None:
        self._workshop, self._log, self._client, self._books = workshop, log, client, books
        self._pack = pack
        self._briefs, self._chooser, self._config = briefs, chooser, config
        self._secret, self._contract, self._stopped = secret, contract, stopped
        self._known = Fingerprints()
        self._told: dict[str, Briefing] = {}
        self._steps = {
            Step.CHOOSE: self._choose,
            Step.PROPOSE: self._propose,
            Step.REFLECT: self._reflect,
            Step.REPAIR: self._repair,
            Step.CHECK: self._check,
            Step.GATE: self._gate,
            Step.QUEUE: self._queue,
        }

    def next_step(self, proposal: str) -> Step | None:
        """Return what comes next; see `Steps.next_step`."""
        with self._log.changed:
            return self._log.state.proposals[proposal].next_step

    def waits_for_a_person(self, proposal: str) -> bool:
        """Whether a decision is wanted and not there; see `Steps.waits_for_a_person`."""
        with self._log.changed:
            record = self._log.state.proposals[proposal]
            return record.is_live and record.gated_at is not None and record.review is None

    def take(self, step: Step, proposal: str) -> None:
        """Take a step, unless the log says that it was taken; see `Steps.take`."""
        if self._stopped.is_set():
            raise Stopped
        with self._log.changed:
            record = self._log.state.proposals.get(proposal)
            if (Step.CHOOSE if record is None else record.next_step) is not step:
                return
            if record is not None and step in ASKING and record.brief["pack"] != self._pack.hash:
                reason = "the prompts were changed before it was written"
                self._log.note("abandoned", proposal=proposal, reason=reason)
                return
        self._steps[step](proposal)

    def _choose(self, proposal: str) -> None:
        with self._log.changed:
            if not self._workshop.is_searching:
                raise NoRoom
            number = number_of(proposal)
            brief = self._chooser.brief(number, self._workshop.context(number), self._log.state)
            self._log.note("begun", proposal=proposal, brief=brief)

    def _propose(self, proposal: str) -> None:
        record = self._record(proposal)
        operator = record.brief["operator"]
        if operator == FILL:
            self._fill(record)
            return
        briefing = self._briefing(record)
        prompt = self._pack.propose(
            briefing, operator, nonce=self._nonce(record), max_tokens=self._config.prompt_tokens
        )
        self._ask_for_draft(record, "propose", prompt, briefing)

    def _fill(self, record: ProposalRecord) -> None:
        fills = record.brief["fills"]
        with self._log.changed:
            template = draft_of(self._log.state.proposals[fills["of"]].draft)
        draft = filled(template, tuple(fills["choice"]))
        self._log.note("drafted", proposal=record.id, draft=asdict(draft), shown=[])

    def _reflect(self, proposal: str) -> None:
        record = self._record(proposal)
        draft, briefing = draft_of(record.draft), self._briefing(record)
        with self._log.changed:
            self._known.notice(self._log.state.designs)
        nearest = self._known.nearest(draft.source)
        lines = findings(
            draft.source,
            parent=briefing.parents[0].source if briefing.parents else None,
            nearest=None if nearest is None else Nearest(nearest[0].label, nearest[1]),
            limits=briefing.limits,
        )
        prompt = self._pack.reflect(
            briefing, draft, lines, nonce=self._nonce(record), max_tokens=self._config.prompt_tokens
        )
        try:
            reply = self._ask(record, "reflect", prompt, reflection_schema(), "reflection")
            reflection = asdict(read_reflection(reply.text))
        except (NoAnswer, AnswerFault, BudgetSpent) as error:
            # It was to help: without it the design, which is paid for, is checked as it is.
            reflection = {"verdict": "accept", "concerns": [], "unreadable": one_line(str(error))}
        told = "; ".join(reflection["concerns"]) or "the reviewer asks for a revision and gives no reason"
        self._log.note("reflected", proposal=proposal, reflection=reflection, told=told)

    def _repair(self, proposal: str) -> None:
        record = self._record(proposal)
        briefing = self._briefing(record)
        drafted = [number for number, turn in enumerate(record.turns) if turn.draft is not None]
        since = record.turns[drafted[-1] :] if drafted else record.turns[-1:]
        error = "; ".join(reason for turn in since for _, reason in turn.faults)
        previous = draft_of(record.draft) if drafted else record.turns[-1].text
        prompt = self._pack.repair(
            briefing,
            record.brief["operator"],
            previous,
            error,
            len(record.turns),
            nonce=self._nonce(record),
            max_tokens=self._config.prompt_tokens,
        )
        self._ask_for_draft(record, "repair", prompt, briefing)

    def _check(self, proposal: str) -> None:
        record = self._record(proposal)
        if record.design_id is None:
            fault = self._screen(record)
            if fault is not None:
                self._log.note("faulted", proposal=proposal, fault=fault[0], reason=fault[1])
                return
            record = self._record(proposal)
        evaluation = self._smoke_run(record)
        with self._log.changed:
            same = self._log.state.same_as.get(evaluation.request.design_id)
            twin = self._log.state.designs[same].label if same else ""
        if evaluation.outcome is Outcome.INFRASTRUCTURE:
            reason = f"its smoke run failed through no fault of its own: {evaluation.reason}"
            self._log.note("abandoned", proposal=proposal, reason=reason)
        elif evaluation.outcome is not Outcome.SCORED:
            said = printable(evaluation.output, TOLD_OUTPUT)
            reason = f"{evaluation.outcome.value} in its smoke run: {evaluation.reason}"
            told = f"{reason}\n{said}" if said else reason
            self._log.note("faulted", proposal=proposal, fault=FaultKind.SMOKE, reason=told)
        elif twin:
            reason = f"it acts exactly like {twin}"
            self._log.note("faulted", proposal=proposal, fault=FaultKind.DUPLICATE, reason=reason)
        else:
            self._log.note("checked", proposal=proposal)

    def _gate(self, proposal: str) -> None:
        record = self._record(proposal)
        if self._is_reviewed(record):
            with self._log.changed:
                self._log.store.ask_for_review(proposal, {"design": record.design_id})
                self._log.advance()
        else:
            self._workshop.accept(proposal)

    def _queue(self, proposal: str) -> None:
        self._workshop.accept(proposal)

    def _record(self, proposal: str) -> ProposalRecord:
        """Return a proposal that is still wanted.

        Raises:
            Stopped: the search was over meanwhile.
        """
        with self._log.changed:
            record = self._log.state.proposals[proposal]
            if not record.is_live:
                raise Stopped
            return record

    def _briefing(self, record: ProposalRecord) -> Briefing:
        """Return what a proposal is told: the same at each of its steps, as far as one session lasts."""
        with self._log.changed:
            if record.id not in self._told:
                self._told = {
                    name: one for name, one in self._told.items() if name in self._log.state.proposals.live
                }
                context = self._workshop.context(record.brief["number"])
                self._told[record.id] = self._briefs.of(record, context, self._log.state)
            return self._told[record.id]

    def _nonce(self, record: ProposalRecord) -> str:
        return str(derive_seed(self._secret, "nonce", record.brief["number"]))

    def _ask(
        self, record: ProposalRecord, role: str, prompt: Prompt, schema: Mapping[str, Any], name: str
    ) -> Reply:
        sample, chosen = len(record.turns), record.brief["model"]
        if chosen not in self._config.models:  # the run was resumed with others
            chosen = self._config.model[0]
        kept = self._books.recall(record.id, role, sample)
        return kept or self._client.ask(
            Ask(
                model=self._config.role_model.get(role, chosen),
                role=role,
                system=prompt.system,
                prompt=prompt.user,
                schema=schema,
                schema_name=name,
                max_output_tokens=self._config.reply_tokens,
                sample=sample,
                proposal=record.id,
            )
        )

    def _ask_for_draft(self, record: ProposalRecord, role: str, prompt: Prompt, briefing: Briefing) -> None:
        assert prompt.form != "reflection"
        form: Form = prompt.form
        text = ""
        try:
            reply = self._ask(record, role, prompt, answer_schema(form), f"design_{form}")
            text = reply.text
            draft = read_answer(text, form, {one.id: one.source for one in briefing.parents})
        except NoAnswer as error:
            self._log.note(
                "faulted", proposal=record.id, fault=FaultKind.NO_ANSWER, reason=one_line(str(error)), text=""
            )
        except AnswerFault as error:
            cut = printable(text, KEPT_CHARACTERS)
            self._log.note(
                "faulted", proposal=record.id, fault=FaultKind.UNREADABLE, reason=str(error), text=cut
            )
        else:
            self._log.note(
                "drafted",
                proposal=record.id,
                draft=asdict(draft),
                shown=prompt.shown,
                answered_by=reply.model,
            )

    def _screen(self, record: ProposalRecord) -> tuple[FaultKind, str] | None:
        """Read a draft as a design and queue its smoke run; return what is wrong with it, if anything is."""
        draft, is_edited = record.draft, record.review is not None
        parents: Sequence[str] = record.brief["parents"]
        if is_edited:
            parents = [turn.design_id for turn in record.turns if turn.design_id][-1:]
        proposal = Proposal(
            source=draft["source"],
            name=draft["name"],
            rationale=draft["rationale"],
            proposer="person" if is_edited else META,
            operator=EDITED if is_edited else record.brief["operator"],
            parents=tuple(parents),
        )
        try:
            design = read_design(proposal, self._contract)
        except DesignError as error:
            return FaultKind.SCREENED, str(error)
        with self._log.changed:
            known: Design | None = self._log.state.designs.get(design.id)
            if known is not None:
                return FaultKind.DUPLICATE, f"it is the same design as {known.label}"
            self._workshop.add(design, record.id)
        return None

    def _smoke_run(self, record: ProposalRecord) -> Evaluation:
        """Wait for the smoke run of a proposal's design.

        Raises:
            Stopped: the run is being stopped.
        """
        assert record.design_id is not None
        with self._log.changed:
            while True:
                for evaluation in self._log.state.evaluations(record.design_id):
                    if evaluation.request.rung < FIRST_RANKED_RUNG:
                        return evaluation
                if self._stopped.is_set():
                    raise Stopped
                self._log.changed.wait(LOOK_SECONDS)

    def _is_reviewed(self, record: ProposalRecord) -> bool:
        mode, _, share = self._config.review.partition(":")
        if mode == "sample":
            drawn = random.Random(derive_seed(self._secret, "review", record.brief["number"])).random()
            return drawn < float(share)
        return mode == "gate"
