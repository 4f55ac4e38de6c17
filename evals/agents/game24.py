"""The game of 24: four numbers, each used once, make 24.

Source: Yao et al., "Tree of Thoughts: Deliberate Problem Solving with Large Language Models", 2023; the numbers are
drawn afresh, and each four of them has a solution.
"""

import ast
from fractions import Fraction
from functools import cache
from itertools import combinations

import numpy as np

from agentarch.answers import stated
from agentarch.questions import MadeTask
from agentarch.syntax import parse_expression
from agentarch.task import QuestionRung

GOAL = 24
LONGEST = (
    100  # characters of an expression: four numbers, three operators and more brackets than anybody needs
)
READ_LINES = 20
DECIMALS = 6  # the values of three numbers up to 13 are further apart than that
SIGNS = str.maketrans({"×": "*", "·": "*", "÷": "/", "−": "-", "[": "(", "]": ")", "{": "(", "}": ")"})  # noqa: RUF001
OPERATORS = {
    ast.Add: lambda one, other: one + other,
    ast.Sub: lambda one, other: one - other,
    ast.Mult: lambda one, other: one * other,
    ast.Div: lambda one, other: one / other,
}


class Game24(MadeTask):
    """Four numbers from 1 up; the answer is an expression of them that has the value 24, and any such is right.

    There are few different questions, at most some hundred a split, so seeds share many of them. A design's own code
    can try every expression without a model; one that never asks a model is not scored. Telling designs apart:
    those that try, look ahead and go back against those that answer at once.
    """

    name = "game24"
    description = "make 24 of four numbers; needs attempts, checks and a way back"
    answer_form = "One expression of the four numbers, + - * / and brackets, e.g. (10 - 4) * (5 - 1)."
    metric = "solved"
    rungs = (
        QuestionRung(8, size={"largest": 9}),
        QuestionRung(50, size={"largest": 10}),
        QuestionRung(100, size={"largest": 13}),
        QuestionRung(200, size={"largest": 13}),
    )

    def item(self, rng, size):
        while True:
            numbers = tuple(sorted(rng.randint(1, size["largest"]) for _ in range(4)))
            if solution := solved(numbers):
                break
        shown = ", ".join(map(str, numbers))
        question = (
            f"Use each of the numbers {shown} exactly once, with + - * / and brackets, to make {GOAL}. "
            "Answer with the expression."
        )
        return question, solution

    def grade(self, predictions, labels):
        pairs = zip(predictions, labels, strict=True)
        return {"solved": np.array([float(_is_solution(answer, label)) for answer, label in pairs])}


@cache
def solved(numbers):
    """Return an expression of sorted numbers that makes the goal, or None."""
    for one, other in _halves(numbers):
        makers = _makers(other)
        for first, how in _makers(one).items():
            needed = [("+", GOAL - first), ("-", first - GOAL)]
            needed += [("*", GOAL / first), ("/", first / GOAL)] if first else []
            for operator, second in needed:
                if then := makers.get(round(second, DECIMALS)):
                    return f"({how} {operator} {then})"
    return None


@cache
def _makers(numbers):
    """Return every value that up to three sorted numbers make, rounded, each with an expression that makes it."""
    if len(numbers) == 1:
        return {float(numbers[0]): str(numbers[0])}
    found = {}
    for one, other in _halves(numbers):
        for first, how in _makers(one).items():
            for second, then in _makers(other).items():
                made = {"+": first + second, "-": first - second, "*": first * second}
                if second:
                    made["/"] = first / second
                for operator, value in made.items():
                    found.setdefault(round(value, DECIMALS), f"({how} {operator} {then})")
    return found


def _halves(numbers):
    """Yield every way to part numbers in two, either part first."""
    places = range(len(numbers))
    for size in range(1, len(numbers)):
        for chosen in combinations(places, size):
            yield (
                tuple(numbers[place] for place in chosen),
                tuple(numbers[place] for place in places if place not in chosen),
            )


def _is_solution(answer, label):
    wanted = sorted(_leaves(parse_expression(label)))
    told = stated(answer) or ""
    for line in [*told.strip().split("\n")[:1], *reversed(answer[-10_000:].split("\n")[-READ_LINES:])]:
        text = line.translate(SIGNS).partition("=")[0].strip(" \t`*.$")
        if not any(character.isdigit() for character in text):
            continue
        return _value(text, wanted) == GOAL  # one try: the last line with an expression
    return False


def _value(text, wanted):
    """Return what an expression makes, or None unless it is of the wanted numbers and of nothing else."""
    if len(text) > LONGEST:
        return None
    try:
        tree = parse_expression(text)
        return _made(tree) if sorted(_leaves(tree)) == wanted else None
    except (SyntaxError, ValueError, ZeroDivisionError, RecursionError, MemoryError):
        return None


def _leaves(tree):
    return [
        node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and type(node.value) is int
    ]


def _made(tree):
    """Return the value of an expression; four small numbers and three operators make no large one."""
    if isinstance(tree, ast.Constant) and type(tree.value) is int:
        return Fraction(tree.value)
    if isinstance(tree, ast.BinOp) and type(tree.op) in OPERATORS:
        return OPERATORS[type(tree.op)](_made(tree.left), _made(tree.right))
    raise ValueError("neither a number nor one of the four operations")
