"""A character language model, on English that every Python carries or on a file of one's own.

Source: the setting of Graves, "Generating Sequences With Recurrent Neural Networks", 2013; the text is that of
Python's own help on its language, `pydoc_data.topics`, and so varies a little from one version of Python to the
next.
"""

from pathlib import Path

import numpy as np

from agentarch.errors import UsageError
from agentarch.scoring.metrics import classification_metrics
from agentarch.task import SPLITS, Data, Rung
from agentarch.tasks import ClassificationTask

CHARACTERS = "\n" + "".join(map(chr, range(32, 127)))
OTHER = len(CHARACTERS)  # the token of every other character
FEWEST_CHARACTERS = 50_000
SCORED_SHARE = 0.2
WEIGHTS = np.linspace(0, 1, 21)  # of the network, beside how frequent each character is
TINY = 1e-300  # a character that the network rules out


class Text(ClassificationTask):
    """Pieces of text; at each character the label is the next one.

    Each split has a third of the text, of which the end is scored. Chance is what knowing how frequent each
    character is gives, measured on the whole text; the ceiling of 0 bits can be reached by nobody, but no
    honest model is beyond it. Predictions are graded mixed with those frequencies, in the proportion that
    suits them best (Jelinek & Mercer, "Interpolated estimation of Markov source parameters", 1980), so that a
    model which has learnt nothing is at chance however sure of itself it is. Telling designs apart: how soon
    they learn the many short-range habits of a language, and a few long-range ones.

    Args:
        text: to be modelled; that of Python's help when None.
        name: of the task.

    Raises:
        UsageError: there is too little of it.
    """

    name = "text"
    description = (
        "next character of English text, in bits per character; `text:FILE` takes a file of your own"
    )
    metric = "bits_per_character"
    ceiling = 0.0
    vocab_size = n_outputs = len(CHARACTERS) + 1
    rungs = (
        Rung(10, 16, 256, 64, 200_000, 20, {"length": 32}),
        Rung(250, 32, 8_000, 256, 200_000, 60, {"length": 32}),
        Rung(400, 32, 12_800, 256, 200_000, 120, {"length": 48}),
        Rung(900, 32, 28_800, 256, 200_000, 300, {"length": 64}),
    )

    def __init__(self, text=None, name=name):
        self._tokens = _tokens(_python_help() if text is None else text)
        if len(self._tokens) < FEWEST_CHARACTERS:
            raise UsageError(
                f"the text of {name!r} has {len(self._tokens):,} characters, not counting paragraphs that repeat; "
                f"a language model needs at least {FEWEST_CHARACTERS:,}"
            )
        self.name = name
        self._shares = np.bincount(self._tokens, minlength=self.n_outputs) / len(self._tokens)
        found = self._shares[self._shares > 0]
        self.chance = float(-(found * np.log2(found)).sum())

    @classmethod
    def made_from(cls, path):
        """Return the task on a user's file, named after it.

        Raises:
            UsageError: it cannot be read, or is too short.
        """
        try:
            return cls(Path(path).read_text("utf-8", errors="replace"), f"text:{path}")
        except OSError as error:
            raise UsageError(f"cannot read the text {path!r}: {error.strerror}") from None

    def shape(self, size):
        return (size["length"],)

    def data(self, split, rung, seed):
        level, length = self.rungs[rung], self.rungs[rung].size["length"]
        training, scored = np.random.default_rng(seed).spawn(2)
        part = np.array_split(self._tokens, len(SPLITS))[SPLITS.index(split)]
        shown, held_out = np.split(part, [round(len(part) * (1 - SCORED_SHARE))])
        starts = training.integers(0, len(shown) - length, level.train_items)
        room = len(held_out) - length  # evenly spread, so that pieces overlap as little as the text allows
        asked = (np.arange(level.scored_items) + scored.random()) * room / level.scored_items
        return Data(*_pieces(shown, starts, length), *_pieces(held_out, asked.astype(np.int64), length))

    def grade(self, predictions, labels):
        logits = predictions.astype(np.float64)
        logits -= logits.max(axis=-1, keepdims=True)
        right = np.take_along_axis(logits, labels[..., None].astype(np.int64), axis=-1)[..., 0]
        predicted = np.exp(right) / np.exp(logits).sum(axis=-1)
        known = self._shares[labels]
        mixed = [weight * predicted + (1 - weight) * known for weight in WEIGHTS]
        bits = min((-np.log2(np.maximum(one, TINY)) for one in mixed), key=np.mean)
        return {
            "bits_per_character": bits.mean(axis=1),
            "accuracy": classification_metrics(predictions, labels)["accuracy"],
        }


def _python_help():
    from pydoc_data.topics import topics

    return "\n\n".join(topics[name] for name in sorted(topics))


def _tokens(text):
    """Return the tokens of a text, `(characters,)` int16, each paragraph once, so that no two parts share one."""
    once = "\n\n".join(dict.fromkeys(text.split("\n\n")))
    codes = np.frombuffer(once.encode("utf-32-le"), np.uint32)
    table = np.full(128, OTHER, np.int16)
    table[[ord(one) for one in CHARACTERS]] = np.arange(len(CHARACTERS))
    return np.where(codes < len(table), table[np.minimum(codes, len(table) - 1)], OTHER).astype(np.int16)


def _pieces(tokens, starts, length):
    """Return inputs and labels, both `(items, length)` int16."""
    taken = tokens[starts[:, None] + np.arange(length + 1)]
    return taken[:, :-1], taken[:, 1:]
