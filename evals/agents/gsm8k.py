"""Grade school word problems of GSM8K, from a local copy of its file.

Source: Cobbe et al., "Training Verifiers to Solve Math Word Problems", 2021; `grade_school_math/data/test.jsonl` of
https://github.com/openai/grade-school-math, MIT licence.
"""

from agentarch.questions import Item, LoadedTask, json_lines


class GSM8K(LoadedTask):
    """Word problems of two to eight steps; the label is what follows `####` in the worked solution.

    Telling designs apart: those that let a model reason in steps, check or vote against those that ask once. A model
    may have read these problems in training; compare designs on one model, never models with each other.
    """

    name = "gsm8k"
    description = "word problems of grade school in a few steps of arithmetic; `gsm8k:FILE` names the file"
    answer_form = "The number, alone or after `####`."
    metric = "numeric"
    file_name = "gsm8k_test.jsonl"
    source = "https://github.com/openai/grade-school-math (MIT)"

    def read(self, path):
        for record in json_lines(path):
            question, solution = record.text("question"), record.text("answer")
            _, mark, label = solution.rpartition("####")
            if not mark:
                raise record.fault("its 'answer' has no '####'; take the file as it is published")
            yield Item(question, label.strip(), record.place, solution=solution)
