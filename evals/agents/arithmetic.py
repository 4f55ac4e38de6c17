"""Word problems made afresh, with numbers that are not needed.

Source: the form of GSM8K (Cobbe et al. 2021); sentences that do not matter, as in Shi et al., "Large Language Models
Can Be Easily Distracted by Irrelevant Context", 2023.
"""

from agentarch.questions import MadeTask
from agentarch.task import QuestionRung

PEOPLE = ("Amir", "Bella", "Chen", "Dora", "Emil", "Farah", "Goran", "Hana", "Ivo", "Jana", "Kofi", "Lena")
THINGS = ("apples", "beads", "buttons", "cards", "coins", "marbles", "pens", "shells", "stamps", "stickers")
MOST = 999


class Arithmetic(MadeTask):
    """Somebody's things become more and fewer in several steps; the label is how many there are in the end.

    Other sentences tell of other people, other things and prices, and change nothing. A design's own code would have to
    understand English to reckon without a model; one that never asks a model is not scored. Telling designs apart:
    those that drop what does not matter and go step by step, or vote, against those that ask once.
    """

    name = "arithmetic"
    description = "word problems of several steps, with numbers that are not needed, made afresh"
    answer_form = "The number, alone or after `####`."
    metric = "numeric"
    rungs = (
        QuestionRung(8, size={"steps": 2, "distractors": 1}),
        QuestionRung(50, size={"steps": 3, "distractors": 2}),
        QuestionRung(100, size={"steps": 5, "distractors": 3}),
        QuestionRung(200, size={"steps": 7, "distractors": 4}),
    )

    def item(self, rng, size):
        (hero, *others), (thing, *rest) = rng.sample(PEOPLE, 4), rng.sample(THINGS, 3)
        first, count = _beginning(rng, hero, others[0], thing)
        told = []
        while len(told) < size["steps"] - 1:
            sentence, count = rng.choice(STEPS)(rng, hero, others[0], thing, count)
            if sentence:
                told.append(sentence)
        for _ in range(size["distractors"]):
            sentence = rng.choice(DISTRACTORS).format(
                hero=hero,
                other=rng.choice(others[1:]),
                thing=thing,
                rest=rng.choice(rest),
                number=rng.randint(2, 60),
            )
            told.insert(rng.randint(0, len(told)), sentence)
        return f"{first} {' '.join(told)} How many {thing} does {hero} have now?", str(count)


DISTRACTORS = (
    "{other} has {number} {thing}.",
    "{hero} also has {number} {rest}.",
    "{other} pays {number} dollars for some {rest}.",
    "{other} is {number} years old.",
    "{other} would like to have {number} {thing}.",
    "A shop nearby sells {rest} at {number} cents each.",
)


def _beginning(rng, hero, other, thing):
    """Return how it begins, and with how many; every step but this one changes a number that is known."""
    base = rng.randint(5, 40)
    form = rng.randrange(3)
    if form == 0:
        times = rng.randint(2, 4)
        return f"{other} has {base} {thing}, and {hero} has {times} times as many.", base * times
    if form == 1:
        more = rng.randint(2, 30)
        return f"{other} has {base} {thing}, and {hero} has {more} more than that.", base + more
    each = rng.randint(2, 9)
    return f"{hero} has {base} bags with {each} {thing} in each, and nothing else.", base * each


def _gain(rng, hero, other, thing, count):
    more = rng.randint(2, 60)
    return f"{hero} finds {more} more {thing}.", count + more


def _boxes(rng, hero, other, thing, count):
    boxes, each = rng.randint(2, 9), rng.randint(3, 12)
    return f"{hero} buys {boxes} boxes with {each} {thing} in each.", count + boxes * each


def _give(rng, hero, other, thing, count):
    if count < 6:
        return "", count
    fewer = rng.randint(2, count // 2)
    return f"{hero} gives {fewer} {thing} to {other}.", count - fewer


def _share(rng, hero, other, thing, count):
    parts = {2: "half", 3: "a third", 4: "a quarter", 5: "a fifth"}
    fitting = [part for part in parts if count % part == 0 and count >= 4 * part]
    if not fitting:
        return "", count
    part = rng.choice(fitting)
    return f"{hero} loses {parts[part]} of the {thing}.", count - count // part


def _double(rng, hero, other, thing, count):
    if 2 * count > MOST:
        return "", count
    return f"Then {hero} gets as many {thing} again as {hero} has.", 2 * count


STEPS = (_gain, _boxes, _give, _share, _double)
