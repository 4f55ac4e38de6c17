"""Questions of your own: any file with one JSON object a line."""

from urllib.parse import parse_qsl

from agentarch.answers import METRICS, any_of, code_in, defines, judgement_prompt, labels_in, read_judgement
from agentarch.errors import UsageError, unknown_name
from agentarch.questions import Item, LoadedTask, json_lines
from agentarch.task import PASSED, Program

ANSWER_FORMS = {
    "exact": "The answer alone, or after `Answer:`.",
    "numeric": "The number, alone or after `####`.",
    "f1": "The words of the answer, and nothing else.",
    "code": "The whole function in a fenced block of Python.",
    "judge": "The answer, in as many words as it takes.",
}
FORM = "PATH?question=FIELD&answer=FIELD&metric=METRIC"


class Jsonl(LoadedTask):
    """Questions and answers of a user's file, as `jsonl:PATH?question=FIELD&answer=FIELD&metric=METRIC`.

    Fields are called `question` and `answer` unless others are named; a field `id` is read where there is one. An
    answer is a text, a number, or a list of several right ones. Metrics: `exact` (the default), `numeric`, `f1`,
    `code`, whose `answer` is a test in Python that raises unless the function that the field `entry_point` names is
    right, and `judge`, by which a model judges. Telling designs apart: whatever the questions do.
    """

    name = "jsonl"
    description = f"questions of your own from a file with one JSON object a line: `jsonl:{FORM}`"
    answer_form = "Whatever the questions ask for."
    file_name = "questions.jsonl"
    source = "no place but yours"

    def __init__(self, path=None, name=None, question="question", answer="answer"):
        super().__init__(path, name)
        self._fields = question, answer

    @classmethod
    def made_from(cls, given):
        path, _, options = given.partition("?")
        chosen = {"question": "question", "answer": "answer", "metric": "exact"}
        for key, value in parse_qsl(options, keep_blank_values=True):
            if key not in chosen:
                raise unknown_name("option of 'jsonl'", key, chosen)
            chosen[key] = value
        metric = chosen.pop("metric")
        if metric not in METRICS:
            raise unknown_name("metric", metric, METRICS)
        if not path:
            raise UsageError(f"'jsonl' was given no file; write jsonl:{FORM}")
        task = {"code": _WithCode, "judge": _Judged}.get(metric, cls)(path, f"jsonl:{given}", **chosen)
        task.metric, task.answer_form = metric, ANSWER_FORMS[metric]
        task.load()
        return task

    def read(self, path):
        question, answer = self._fields
        for record in json_lines(path):
            try:
                label = any_of(record.texts(answer))
            except ValueError as error:
                raise record.fault(str(error)) from None
            solution = "" if self.metric == "f1" else label
            yield Item(record.text(question), label, record.place, id=_id(record), solution=solution)

    def right_answer(self, item):
        return labels_in(item.label)[0]


class _WithCode(Jsonl):
    """The same with answers that are programs; a label is the function's name, a line end, and the test."""

    def read(self, path):
        question, answer = self._fields
        for record in json_lines(path):
            test, name = record.text(answer), record.text("entry_point")
            if not name.isidentifier():
                raise record.fault(f"its 'entry_point' is {name!r}, which names no function")
            if not defines(f"{test}\n_ = {name}\n", "_"):
                raise record.fault(f"its {answer!r} is no Python; write statements that assert")
            yield Item(record.text(question), f"{name}\n{test}", record.place, id=_id(record), solution=test)

    def right_answer(self, item):
        return PASSED

    def programs(self, predictions, labels):
        parts = [label.partition("\n") for label in labels]
        found = [code_in(answer, name) for answer, (name, _, _) in zip(predictions, parts, strict=True)]
        return tuple(
            None if source is None else Program(source, test, name)
            for source, (name, _, test) in zip(found, parts, strict=True)
        )


class _Judged(Jsonl):
    """The same with answers that a model judges."""

    def right_answer(self, item):
        return "yes"

    def judgement_prompt(self, question, answer, label):
        return judgement_prompt(question, answer, label)

    def read_judgement(self, text):
        return read_judgement(text)


def _id(record):
    if "id" not in record.fields:
        return ""
    if isinstance(record.field("id"), list):
        raise record.fault("its 'id' is a list, expected a text or a number")
    return record.texts("id")[0]
