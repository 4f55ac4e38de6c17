"""Words to be put in alphabetical order.

Source: the task `word_sorting` of Suzgun et al., "Challenging BIG-Bench Tasks and Whether Chain-of-Thought Can Solve
Them", 2022; the words are made up.
"""

from agentarch.questions import MadeTask
from agentarch.task import QuestionRung

HEADS = ("ba", "be", "ka", "ke", "lo", "lu", "ma", "mi", "ra", "ro", "ta", "to")
TAILS = (
    "dan",
    "dar",
    "den",
    "lin",
    "lit",
    "lor",
    "mas",
    "met",
    "mur",
    "nak",
    "ner",
    "sol",
    "sun",
    "vex",
    "vor",
)


class Sorting(MadeTask):
    """Made-up words, of which many begin alike; the label is all of them in order.

    The order must be right throughout. A design's own code can sort without a model; one that never asks a model is not
    scored. Telling designs apart: those that sort a part at a time and merge, or check, against those that ask once.
    """

    name = "sorting"
    description = "put words in alphabetical order; needs parts that are sorted and merged, or checks"
    answer_form = "The words in order, parted by spaces, and nothing else."
    rungs = (
        QuestionRung(8, size={"words": 5}),
        QuestionRung(50, size={"words": 8}),
        QuestionRung(100, size={"words": 12}),
        QuestionRung(200, size={"words": 18}),
    )

    def item(self, rng, size):
        heads = rng.sample(HEADS, 6)  # few, so that many words begin alike
        words = set()
        while len(words) < size["words"]:
            words.add(rng.choice(heads) + rng.choice(TAILS))
        ordered = sorted(words)
        shown = rng.sample(ordered, len(ordered))
        return f"Put these words in alphabetical order: {' '.join(shown)}", " ".join(ordered)
