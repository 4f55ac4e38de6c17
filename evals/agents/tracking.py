"""Who holds what after a row of swaps.

Source: the task `tracking_shuffled_objects` of Suzgun et al., "Challenging BIG-Bench Tasks and Whether
Chain-of-Thought Can Solve Them", 2022; the stories are our own.
"""

from agentarch.questions import MadeTask
from agentarch.task import QuestionRung

PEOPLE = ("Ada", "Ben", "Cleo", "Dan", "Eva", "Finn", "Gail", "Hugo", "Iris", "Jon", "Kim", "Leo")
THINGS = ("ball", "book", "cup", "drum", "fan", "flute", "hat", "kite", "lamp", "map", "ring", "scarf")
HOLDERS = 5


class Tracking(MadeTask):
    """Five people, each with a thing, swap in pairs; the label is what one of them holds in the end.

    Chance is naming one of the five. A design's own code can follow the swaps without a model; one that never asks a
    model is not scored. Telling designs apart: those that keep a state and bring it up to date step by step against
    those that ask for the end at once.
    """

    name = "tracking"
    description = "follow things through a row of swaps; needs a state that is kept step by step"
    answer_form = "One word: the thing."
    chance = 1 / HOLDERS
    rungs = (
        QuestionRung(8, size={"swaps": 4}),
        QuestionRung(50, size={"swaps": 5}),
        QuestionRung(100, size={"swaps": 8}),
        QuestionRung(200, size={"swaps": 12}),
    )

    def item(self, rng, size):
        people, things = rng.sample(PEOPLE, HOLDERS), rng.sample(THINGS, HOLDERS)
        holds = dict(zip(people, things, strict=True))
        told = [f"{', '.join(people[:-1])} and {people[-1]} each hold one thing."]
        told += [f"{person} has the {thing}." for person, thing in holds.items()]
        for number in range(size["swaps"]):
            one, other = rng.sample(people, 2)
            holds[one], holds[other] = holds[other], holds[one]
            told.append(f"{'First' if number == 0 else 'Then'} {one} and {other} swap what they hold.")
        asked = rng.choice(people)
        return f"{' '.join(told)}\n\nWhat does {asked} hold in the end?", holds[asked]
