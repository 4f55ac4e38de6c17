"""Grid puzzles of ARC-AGI-1, from a local archive of its files.

Source: Chollet, "On the Measure of Intelligence", 2019; the folder `data` of https://github.com/fchollet/ARC-AGI,
Apache-2.0 licence, packed as `tar czf arc_agi_1.tar.gz data`.
"""

import io
import re
import tarfile

import numpy as np

from agentarch.answers import last_block
from agentarch.errors import UsageError
from agentarch.questions import Item, LoadedTask
from agentarch.questions.files import parsed_bytes, read_bytes
from agentarch.task import QuestionRung

COLOURS = frozenset(range(10))
LARGEST = 30
INTRODUCTION = """\
Every grid below is rows of digits; a digit is a colour. One rule turns each input into its output. Find it, and write
the output that belongs to the last input."""


class ArcAgi(LoadedTask):
    """Pairs of grids that a rule joins, and one more input; the label is its output. All grids must agree wholly.

    A puzzle with several such inputs gives as many questions, all in one split; one that is there twice is asked once.
    `cells` is the share of cells that are right where the shape is. Telling designs apart: those that put a rule into
    words, or try it on the given pairs, against those that answer at once.
    """

    name = "arc_agi"
    description = "find the rule behind pairs of grids and apply it; `arc_agi:FILE` names the archive"
    answer_form = "The grid: one line a row, digits parted by spaces, and no other digits after it."
    rungs = tuple(QuestionRung(questions, tokens=80_000) for questions in (8, 50, 100, 200))
    file_name = "arc_agi_1.tar.gz"
    source = "https://github.com/fchollet/ARC-AGI (Apache-2.0)"

    def read(self, path):
        try:
            with tarfile.open(fileobj=io.BytesIO(read_bytes(path))) as archive:
                members = [one for one in archive if one.isfile() and one.name.endswith(".json")]
                contents = {one.name: archive.extractfile(one).read() for one in members}
        except tarfile.TarError:
            raise UsageError(
                f"{str(path)!r} is no tar archive, or a damaged one; pack the published folder anew as "
                "`tar czf arc_agi_1.tar.gz data`"
            ) from None
        asked = set()  # one published puzzle stands in both of the published folders
        for name in sorted(contents):
            for item in _items(parsed_bytes(path, contents[name], f"file {name!r}")):
                if item.question not in asked:
                    yield item
                asked.add(item.question)

    def grade(self, predictions, labels):
        pairs = [(grid_in(one), grid_in(other)) for one, other in zip(predictions, labels, strict=True)]
        return {
            "exact": np.array([float(given == wanted) for given, wanted in pairs]),
            "cells": np.array([_shared(given, wanted) for given, wanted in pairs]),
        }


def grid_in(answer):
    """Return the last grid of an answer as texts of digits, one a row; empty where there is none.

    Rows are lines of digits, with spaces, commas, bars and brackets between them or not, or the lists of a JSON list.
    """
    lines = "\n".join(last_block(answer[-20_000:], re.compile(r"(?=.*\d)[\s\d,|\[\]]*", re.ASCII).fullmatch))
    rows = lines.split("]" if "]" in lines else "\n")
    return tuple(filter(None, (re.sub(r"\D", "", row, flags=re.ASCII) for row in rows)))


def _shared(given, wanted):
    if [len(row) for row in given] != [len(row) for row in wanted]:
        return 0.0
    return float(np.mean([a == b for a, b in zip("".join(given), "".join(wanted), strict=True)]))


def _items(record):
    shown, asked = record.field("train"), record.field("test")
    if not isinstance(shown, list) or not isinstance(asked, list) or not shown or not asked:
        raise record.fault("its 'train' and 'test' are not both lists of pairs")
    shown = [(_grid(record, pair, "input"), _grid(record, pair, "output")) for pair in shown]
    told = "".join(
        f"\n\nInput {number}:\n{first}\n\nOutput {number}:\n{second}"
        for number, (first, second) in enumerate(shown, start=1)
    )
    for pair in asked:
        question = f"{INTRODUCTION}{told}\n\nLast input:\n{_grid(record, pair, 'input')}"
        yield Item(question, _grid(record, pair, "output"), record.place, group=told)


def _grid(record, pair, name):
    """Return a grid as text, a row a line."""
    rows = pair.get(name) if isinstance(pair, dict) else None
    is_grid = (
        isinstance(rows, list)
        and 0 < len(rows) <= LARGEST
        and all(
            isinstance(row, list) and 0 < len(row) <= LARGEST and len(row) == len(rows[0]) for row in rows
        )
        and all({type(cell) for cell in row} == {int} and set(row) <= COLOURS for row in rows)
    )
    if not is_grid:
        raise record.fault(f"an {name!r} is no grid of up to {LARGEST} rows of digits, all of one length")
    return "\n".join(" ".join(map(str, row)) for row in rows)
