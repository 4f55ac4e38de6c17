"""Grade school word problems of MGSM, in whichever of its languages, from a local copy of its file.

Source: Shi et al., "Language Models are Multilingual Chain-of-Thought Reasoners", 2022; `mgsm/mgsm_en.tsv` and its
neighbours of https://github.com/google-research/url-nlp, CC-BY-4.0.
"""

from agentarch.questions import Item, LoadedTask, tab_lines
from agentarch.task import QuestionRung


class MGSM(LoadedTask):
    """A question and a number a line, parted by a tab: 250 problems of GSM8K's test set, translated.

    A split has 125 or 62 of them, so the upper rungs ask about all. Telling designs apart: as `gsm8k`, and in other
    languages those that reason in a language which the model knows better.
    """

    name = "mgsm"
    description = "word problems of grade school, in one of eleven languages; `mgsm:FILE` names the file"
    answer_form = "The number, in digits, alone or after `####`."
    metric = "numeric"
    rungs = tuple(QuestionRung(questions) for questions in (8, 50, 100))
    file_name = "mgsm_en.tsv"
    source = "https://github.com/google-research/url-nlp (CC-BY-4.0)"

    def read(self, path):
        for record in tab_lines(path, ("question", "answer")):
            yield Item(record.text("question"), record.text("answer"), record.place)
