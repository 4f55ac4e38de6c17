"""Short Python functions of MBPP, from a local copy of its file.

Source: Austin et al., "Program Synthesis with Large Language Models", 2021; `mbpp/sanitized-mbpp.json` of
https://github.com/google-research/google-research, CC-BY-4.0.
"""

import ast
import json

from agentarch.answers import code_in, defines
from agentarch.questions import Item, LoadedTask, json_array
from agentarch.syntax import parse
from agentarch.task import PASSED, Program


class MBPP(LoadedTask):
    """What a function must do, in a sentence, and one test of it; all of its tests decide.

    Telling designs apart: those that check a program against the example and against the words, or choose among
    several, against those that take the first.
    """

    name = "mbpp"
    description = "write a short Python function from a sentence and a test; `mbpp:FILE` names the file"
    answer_form = "The whole function in a fenced block of Python."
    metric = "code"
    file_name = "mbpp_sanitized.json"
    source = "https://github.com/google-research/google-research/tree/master/mbpp (CC-BY-4.0)"

    def read(self, path):
        for record in json_array(path):
            task, code, tests = record.text("prompt"), record.text("code"), record.texts("test_list")
            imports = record.field("test_imports") and record.texts("test_imports")
            source = "\n".join((*_imports(record, code), *imports, *tests)) + "\n"
            name = _tested(record, code, source)
            yield Item(
                f"{task.strip()}\nThe function is called `{name}`, and this must hold:\n\n```python\n{tests[0]}\n```",
                json.dumps({"name": name, "tests": source}),
                record.place,
                id=record.texts("task_id")[0],
                solution=code,
            )

    def right_answer(self, item):
        return PASSED

    def programs(self, predictions, labels):
        return tuple(_program(*pair) for pair in zip(predictions, labels, strict=True))


def _program(answer, label):
    known = json.loads(label)
    source = code_in(answer, known["name"])
    return None if source is None else Program(source, known["tests"], known["name"])


def _imports(record, code):
    """Return what the solution imports, for some tests use it, too."""
    try:
        return [ast.unparse(one) for one in parse(code).body if isinstance(one, ast.Import | ast.ImportFrom)]
    except (SyntaxError, ValueError):
        raise record.fault("its 'code' is no Python") from None


def _tested(record, code, tests):
    """Return the function of the solution that the tests call."""
    try:
        called = {node.id for node in ast.walk(parse(tests)) if isinstance(node, ast.Name)}
    except (SyntaxError, ValueError):
        raise record.fault("its 'test_list' is no Python") from None
    found = [name for name in sorted(called) if defines(code, name)]
    if len(found) != 1:
        raise record.fault(f"its tests call {len(found)} functions of its 'code', expected one")
    return found[0]
