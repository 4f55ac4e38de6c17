"""What agents are compared with: the plain ways to ask a model, given as many tokens a question as the winner uses.

A pipeline that beats a single call may only have asked more often. Self-consistency (Wang et al., "Self-Consistency
Improves Chain of Thought Reasoning in Language Models", 2023) and best-of-n (Cobbe et al., "Training Verifiers to Solve
Math Word Problems", 2021) turn any number of tokens into accuracy without a design, so they get as many as it does.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from agentarch.content import content_folder
from agentarch.design import Contract, Proposal
from agentarch.evaluation import ScoredDesign
from agentarch.kinds.controls import Controls

ROLES = ("single call", "chain of thought", "self-consistency", "best of n")
FILES = ("single_call", "chain_of_thought", "self_consistency", "best_of_n")
SCALED = {"self_consistency": 1, "best_of_n": 2}
"""Those that can use more tokens, with the calls that each sample takes."""

MOST_SAMPLES = 128
_SAMPLES = re.compile(r"^SAMPLES = (\d+)$", re.MULTILINE)


def agent_controls(contract: Contract, most_calls: int) -> Controls:
    """Return the controls for agents.

    Args:
        contract: by which they are read.
        most_calls: that a question has.
    """

    def make(
        seed: ScoredDesign, finalist: ScoredDesign, known: Sequence[ScoredDesign]
    ) -> Sequence[Proposal | None]:
        wanted = finalist.descriptors["tokens"]
        measured = {one.design.name: one.descriptors["tokens"] for one in known}
        return [_control(name, wanted, measured, most_calls) for name in FILES]

    return Controls(contract, ROLES, make, has_recipe=False)


def _control(name: str, wanted: float, measured: dict[str, float], most_calls: int) -> Proposal:
    """Return a control that uses about as many tokens a question as wanted, rather more than fewer."""
    source = (content_folder("archive") / "agents" / f"{name}.py").read_text()
    if name not in SCALED:
        return Proposal(source, name, f"The control {name}.", "control", "match")
    given = _SAMPLES.search(source)
    assert given is not None
    each = measured.get(name, 0.0) / int(given[1]) or measured.get("chain_of_thought", 0.0) * SCALED[name]
    fitting = min(MOST_SAMPLES, most_calls // SCALED[name])
    samples = max(1, min(fitting, math.ceil(wanted / each))) if each else int(given[1])
    rationale = f"The control {name} with {samples} samples, for {wanted:,.0f} tokens a question."
    text = _SAMPLES.sub(f"SAMPLES = {samples}", source, count=1)
    return Proposal(text, f"{name}-{samples}", rationale, "control", "match")
