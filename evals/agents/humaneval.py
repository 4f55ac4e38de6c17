"""Python functions of HumanEval, to be written from their heads, from a local copy of its file.

Source: Chen et al., "Evaluating Large Language Models Trained on Code", 2021; `data/HumanEval.jsonl.gz` of
https://github.com/openai/human-eval, MIT licence.
"""

import json

from agentarch.answers import code_in, defines
from agentarch.questions import Item, LoadedTask, json_lines
from agentarch.task import PASSED, Program, QuestionRung


class HumanEval(LoadedTask):
    """The head of a function and what it must do; the answer is the function, and tests decide.

    The published tests run as they are, after whatever the head defines above the function, for some of them use it.
    A split has about 80 or 40 of the 164 questions, so the upper rungs ask about all. Telling designs apart: those that
    look for mistakes in what a model wrote, or choose among several programs, against those that take the first.
    """

    name = "humaneval"
    description = "write a Python function from its head and examples; `humaneval:FILE` names the file"
    answer_form = "The whole function in a fenced block of Python."
    metric = "code"
    rungs = tuple(QuestionRung(questions) for questions in (8, 20, 40, 80))
    file_name = "humaneval.jsonl.gz"
    source = "https://github.com/openai/human-eval (MIT)"

    def read(self, path):
        for record in json_lines(path):
            prompt, name, tests = (record.text(field) for field in ("prompt", "entry_point", "test"))
            above, head, _ = prompt.rpartition(f"def {name}(")
            if not head:
                raise record.fault(f"its 'prompt' does not define {name!r}, which is its 'entry_point'")
            if not defines(tests, "check"):
                raise record.fault("its 'test' does not define `check`, or is no Python")
            known = {"above": above, "prompt": prompt, "name": name, "tests": tests}
            yield Item(
                f"Complete this Python function.\n\n```python\n{prompt.rstrip()}\n```",
                json.dumps(known),
                record.place,
                id=record.text("task_id"),
                solution=record.text("canonical_solution"),
            )

    def right_answer(self, item):
        return PASSED

    def programs(self, predictions, labels):
        return tuple(_program(*pair) for pair in zip(predictions, labels, strict=True))


def _program(answer, label):
    known = json.loads(label)
    source, name = code_in(answer, known["name"]), known["name"]
    if source is None and answer.strip():  # the body alone, as models of the time were asked to write it
        continued = known["prompt"] + answer
        source = continued if defines(continued, name) else None
    if source is None:
        return None
    tests = f"{known['above']}\n{known['tests']}\n\ncheck({name})\n"
    return Program(f"{known['above']}\n{source}", tests, name)
