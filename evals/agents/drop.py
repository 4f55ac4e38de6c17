"""Questions on a passage that ask for counting, comparing and reckoning, from a local copy of DROP's file.

Source: Dua et al., "DROP: A Reading Comprehension Benchmark Requiring Discrete Reasoning Over Paragraphs", 2019;
`drop_dataset_dev.json` of https://allenai.org/data/drop, CC-BY-SA-4.0.
"""

from agentarch.answers import any_of
from agentarch.questions import Item, LoadedTask, json_members
from agentarch.questions.files import Record
from agentarch.task import QuestionRung


class Drop(LoadedTask):
    """A passage and a question; answers are numbers, dates or spans of the passage, graded by shared words.

    Every answer that a validator gave is right, too. Questions on one passage are in one split. Telling designs apart:
    those that gather what a question needs before they reckon against those that read once.
    """

    name = "drop"
    description = "read a passage and count, compare or reckon over what it says; `drop:FILE` names the file"
    answer_form = "The number, the date or the words from the passage, and nothing else."
    metric = "f1"
    rungs = tuple(QuestionRung(questions, tokens=40_000) for questions in (8, 50, 100, 200))
    file_name = "drop_dataset_dev.json"
    source = "https://allenai.org/data/drop (CC-BY-SA-4.0)"

    def read(self, path):
        for name, passage in json_members(path):
            told, pairs = passage.text("passage"), passage.field("qa_pairs")
            if not isinstance(pairs, list):
                raise passage.fault("its 'qa_pairs' is no list")
            for number, pair in enumerate(pairs, start=1):
                record = Record(path, f"{passage.place}, question {number}", {})
                if not isinstance(pair, dict):
                    raise record.fault("it is no object with named fields")
                record = Record(path, record.place, pair)
                validated = pair.get("validated_answers") or []
                given = [record.field("answer"), *(validated if isinstance(validated, list) else [])]
                answers = dict.fromkeys(answer for one in given if (answer := _text(one)))
                if not answers:
                    raise record.fault("its 'answer' has no number, no date and no spans")
                yield Item(
                    f"{told.strip()}\n\nQuestion: {record.text('question').strip()}",
                    any_of(answers),
                    record.place,
                    group=name,
                )

    def right_answer(self, item):
        return item.label.split("\x1f")[0]


def _text(answer):
    """Return one answer as text, whichever of its three forms it has."""
    if not isinstance(answer, dict):
        return ""
    date = answer.get("date")
    parts = [answer.get("number")]
    parts += [date.get(part) for part in ("day", "month", "year")] if isinstance(date, dict) else []
    spans = answer.get("spans")
    parts += spans if isinstance(spans, list) else []
    return " ".join(str(part).strip() for part in parts if isinstance(part, str | int | float)).strip()
