"""Finished runs over agents, written down without searching, for what is done with a run afterwards."""

from pathlib import Path
from typing import Any

from agentarch.config import make_config
from agentarch.design import Design, Proposal, read_design
from agentarch.evaluation import Evaluation, Outcome, Request, Score
from agentarch.kinds.agent import CONTRACT
from agentarch.search.session import create_run
from agentarch.store import Store

MODEL = "openai/test-model"

TASK = '''"""Questions of a test: who, over how many steps; even ones are answered no."""

import numpy as np

from agentarch.task import Questions, QuestionRung

RELATIONS = ("friend", "boss", "teacher", "rival")


class Steps:
    name, kind, description, answer_form = "NAME", "agent", "questions of a test", "yes or no."
    metric, chance, ceiling, world = "accuracy", 0.0, 1.0, ""
    rungs = (QuestionRung(8), QuestionRung(30), QuestionRung(30))

    def data(self, split, rung, seed):
        rng = np.random.default_rng([seed, len(split)])
        asked, labels = [], []
        for _ in range(self.rungs[rung].questions):
            hops = int(rng.integers(1, 5))
            chain = "".join(f"the {RELATIONS[rng.integers(4)]} of " for _ in range(hops))
            asked.append(f"Who is {chain}{''.join(rng.choice(list('abcdefgh'), 9)).title()}?")
            labels.append("yes" if hops % 2 else "no")
        return Questions(tuple(asked), tuple(labels))

    def grade(self, predictions, labels):
        return {"accuracy": np.array([float(a == b) for a, b in zip(predictions, labels)])}
'''


def says(prompt: str) -> str:
    """What the model of these runs says: a short prompt is enough for questions of up to two steps."""
    question = prompt[prompt.index("Who is") :]
    steps = question.count(" of ")
    knows = "long" in prompt.lower() or steps <= 2
    return ("yes" if steps % 2 else "no") if knows else "maybe"


def task_file(folder: Path, name: str = "steps") -> Path:
    """Write the task into a folder under a name; return its file."""
    file = folder / f"{name}.py"
    file.write_text(TASK.replace("NAME", name))
    return file


def read(source: str, name: str, operator: str = "written") -> Design:
    """Return a design."""
    return read_design(Proposal(source, name, operator=operator), CONTRACT)


def write_run(
    folder: Path, designs: list[tuple[Design, str]], has_finish: bool = True, **config: Any
) -> Path:
    """Write a run down in which every design is the elite of a niche of its own.

    Args:
        folder: in which the task and the run are made.
        designs: with the role of each in the finish, the leader first and its hardest control second.
        has_finish: whether there is a verdict.
        config: further settings.
    """
    run = folder / "run"
    settings = {"kind": "agent", "tasks": str(task_file(folder)), "seed": 1, "workers": 1, **config}
    create_run(make_config(settings), run)
    store = Store.open(run)
    for number, (design, _) in enumerate(designs):
        request = Request(design.id, "steps", 1, 0)
        store.add_design(design, [request])
        lease = store.lease(60.0)
        descriptors = {"tokens": 20.0 * 5**number, "depth": 1.0, "width": 1.0, "revision_share": 0.0}
        score = Score(0.5 + 0.1 * number, 0.4, 0.9, 30)
        done = Evaluation(request, Outcome.SCORED, score=score, descriptors=descriptors, sandbox="jail")
        store.settle(lease, done)
    if has_finish:
        contenders = [{"design": design.id, "role": role} for design, role in designs]
        facts = {
            "rung": 1,
            "seeds": 3,
            "candidates": 1,
            "contenders": contenders,
            "opens_test": False,
            "sweeps": False,
        }
        store.decide("finalists", "of a test", facts=facts)
        (leader, role), (control, other) = designs[:2]
        told = {
            "won": True,
            "leader": {"design": leader.id, "role": role, "learning_rate": 1.0},
            "control": {"design": control.id, "role": other, "learning_rate": 1.0},
        }
        store.decide("verdict", "of a test", facts=told)
    store.close()
    return run
