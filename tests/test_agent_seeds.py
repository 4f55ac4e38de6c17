"""Promises of the hand-written agent designs in `archive/agents/`.

A design runs apart from the tests, with a model whose answers are written here.
"""

import ast
import re
from dataclasses import replace
from pathlib import Path

import pytest
from support.pipelines import Answerer, agent_executor, solve

from agentarch.design import Proposal, read_design
from agentarch.evaluation import Outcome
from agentarch.kinds.agent import CONTRACT
from agentarch.traces import CallRecord

FOLDER = Path(__file__).parents[1] / "archive" / "agents"
SEEDS = sorted(path.stem for path in FOLDER.glob("*.py"))
SINGLE = {"single_call", "chain_of_thought"}
"""Designs of one call, which have no part that another design could replace."""

SHARED = {"ask", "final", "ranked", "plain", "split", "filled", "accepts", "listed", "choose", "quoted"}
"""Functions that a file carries as its neighbours do."""


def source_of(seed: str) -> str:
    return (FOLDER / f"{seed}.py").read_text()


class Failed(AssertionError):
    """A design that did not answer; the message is the reason."""


@pytest.fixture(scope="module", autouse=True)
def boxes():
    """Start the boxes that `run` uses."""
    with agent_executor() as started:
        BOXES.append(started)
        yield
        BOXES.pop()


BOXES = []


def run(
    source: str, question: str, answer: Answerer, calls: int = 10_000
) -> tuple[str, tuple[CallRecord, ...]]:
    ending, made = solve(BOXES[-1], source, question, answer, calls=calls)
    if ending.outcome is not Outcome.SCORED:
        raise Failed(ending.reason)
    return ending.answer, tuple(replace(call, seconds=0.0) for call in made)


def promised_calls(source: str) -> tuple[int, int]:
    """Return the fewest and the most calls that a design's docstring promises for one question."""
    docstring = ast.get_docstring(ast.parse(source))
    fewest, most = re.search(r"^Calls a question: (\d+)(?: to (\d+))?$", docstring, re.MULTILINE).groups()
    return int(fewest), int(most or fewest)


def functions(source: str) -> dict[str, ast.FunctionDef | ast.AsyncFunctionDef]:
    found = (ast.FunctionDef, ast.AsyncFunctionDef)
    return {node.name: node for node in ast.parse(source).body if isinstance(node, found)}


def sockets(source: str) -> set[str]:
    """Return the functions of a design, other than `solve`, whose body another design's `solve` can replace."""
    return {
        name
        for name, node in functions(source).items()
        if isinstance(node, ast.AsyncFunctionDef) and arguments(node) == ["question", "model"]
    } - {"solve"}


def arguments(node: ast.FunctionDef | ast.AsyncFunctionDef) -> list[str]:
    return [argument.arg for argument in node.args.args]


def constants(source: str) -> dict[str, ast.expr]:
    return {node.targets[0].id: node.value for node in ast.parse(source).body if isinstance(node, ast.Assign)}


def with_constant(source: str, name: str, value: object) -> str:
    node = constants(source)[name]
    old = ast.get_source_segment(source, node)
    assert source.count(f"{name} = {old}") == 1
    return source.replace(f"{name} = {old}", f"{name} = {value!r}")


# Models. Each understands the same few phrases; whatever else a prompt says is no concern of theirs.

PHRASES = ("Split the question.", "Ask it in other words.", "Think step by step.")
FACTS = {"the mother of Mira": "Jane", "the boss of Jane": "Tom", "the pet of Tom": "dog"}
HOPS = ["Who is the mother of Mira?", "Who is the boss of #1?", "What is the pet of #2?"]
WORLD = "What is the pet of the boss of the mother of Mira?"


def truth(question: str) -> str:
    """Return the right answer to a question of the world, in any wording."""
    while found := next((one for one in FACTS if one in question), None):
        question = question.replace(found, FACTS[found])
    return re.findall(r"\w+", question)[-1]


def world(prompt: str, sample: int) -> str:
    """Answer as the embedded model does that knows everything: one line, no word more than it learnt."""
    questions = re.findall(r"[^.?!\n]*\bof\b[^.?!\n]*\?", prompt)
    if not questions:
        return "It is cow."
    asked = questions[-1].strip()
    right = truth(asked)
    if verify := re.search(r"Is (?:the answer )?(\w+)(?: correct)?\? Yes or no\.", prompt):
        return "Yes." if verify[1] == right else "No."
    if choice := re.search(r"Which is right, (.+)\?", prompt):
        assert right in re.split(", | or ", choice[1])
        return f"{right}."
    if "Split the question." in prompt:
        return " ".join(HOPS) if asked == WORLD else asked
    if "Ask it in other words." in prompt:
        return asked if sample % 2 else f"Tell me: {asked}"
    if "Think step by step." in prompt:
        return f"The mother of Mira is Jane. The boss of Jane is Tom. The answer is {right}."
    return ("It is {}.", "Surely {}.", "I guess {}.")[sample % 3].format(right)


ROLLS = "A bakery sells 12 boxes of 100 rolls and gives 60 rolls away. How many rolls left the bakery?"


def large(prompt: str, sample: int) -> str:
    """Answer as a large model does: with headings, formulas and remarks."""
    if "Yes or no." in prompt:
        return "**Yes.** I checked: no step is wrong."
    if "Which is right" in prompt:
        return "Both lists agree, so the answer is 1,260."
    if "Split the question." in prompt:
        return (
            "Here are the parts:\n\n1. A bakery sells 12 boxes of 100 rolls. How many rolls does it sell?\n"
            "2. A bakery sells #1 rolls and gives 60 rolls away. How many rolls left the bakery?\n"
        )
    if "one a line" in prompt:
        return "1. **Baker.** Knows rolls.\n2. Accountant\n3. Mathematician\n"
    if "Ask it in other words." in prompt:
        return "How many rolls are gone after " + ("a day" if sample % 2 else "that day") + "?\n"
    if "12 boxes of 100 rolls. How many rolls does it sell?" in prompt:
        return "12 \\cdot 100 = 1200, so it sells $\\boxed{1200}$ rolls."
    return (
        f"First, 12 * 100 = 1200 rolls.\n\nThen 1200 + 60 = 1260.\n\n"
        f"**Final answer:** {'$1,260$' if sample % 2 else '1260'}\n"
    )


CODE = "Here it is:\n```python\ndef add(a, b):\n    return a + b  # the answer is 5\n```\nIt is short."


def coder(prompt: str, sample: int) -> str:
    """Answer every request with the same code."""
    return "Yes." if "Yes or no." in prompt else CODE


def content(prompt: str, sample: int) -> str:
    """Find no parts, reword nothing, and be of one opinion: what costs a design the least."""
    if "Yes or no." in prompt:
        return "Yes."
    return prompt.partition("\n")[0] if "Ask it in other words." in prompt else "It is dog."


class Doubting:
    """Splits into as many parts as are allowed, never says the same thing twice, and accepts nothing."""

    def __init__(self, parts: int, plan: int) -> None:
        self.parts, self.plan, self.said = parts, plan, 0

    def __call__(self, prompt: str, sample: int) -> str:
        self.said += 1
        if "Yes or no." in prompt:
            return "No. Look again."
        if "Which is right" in prompt:
            return "Neither."
        if "Split the question." in prompt and sample >= self.plan:
            return "\n".join(
                ["Who is first?", *(f"{i}. Who is next to #{i - 1}?" for i in range(2, self.parts + 1))]
            )
        if "Ask it in other words." in prompt:
            return f"I wonder: {prompt.partition('?')[0]}, number {self.said}?"
        words = " ".join(["so"] * 9)
        return f"{words} {self.said}" if sample < 3 * self.plan else f"The answer is {self.said}."


class Noisy:
    """Says the right thing but for every third sample of a way of reasoning."""

    def __call__(self, prompt: str, sample: int) -> str:
        wrong = "Think step by step." in prompt and sample % 3 == 2
        return f"The answer is cat{sample}." if wrong else world(prompt, sample)


@pytest.fixture(params=SEEDS)
def seed(request: pytest.FixtureRequest) -> str:
    return request.param


def test_there_are_at_least_twenty_seeds():
    assert len(SEEDS) >= 20


def test_a_seed_reads_well(seed):
    assert read_design(Proposal(source_of(seed), seed), CONTRACT).name == seed


def test_the_docstring_names_the_design_then_gives_the_idea_its_calls_and_a_dated_source(seed):
    name, *rest = ast.get_docstring(ast.parse(source_of(seed))).split("\n\n")
    assert "\n" not in name
    assert re.fullmatch(r"[A-Z][^.]*\.", name)
    assert [paragraph.split(":")[0] for paragraph in rest] == ["Idea", "Calls a question", "Source"]
    assert re.search(r"\b(19|20)\d\d\b", rest[-1])


@pytest.mark.parametrize(
    ("model", "question", "right"),
    [(world, WORLD, "dog"), (large, ROLLS, "1260"), (coder, "Write a function add.", CODE)],
    ids=["world", "large", "coder"],
)
def test_a_model_that_is_right_makes_a_right_answer_within_the_promised_calls(seed, model, question, right):
    source = source_of(seed)
    answer, calls = run(source, question, model)
    assert answer.replace(",", "") == right.replace(",", "")
    fewest, most = promised_calls(source)
    assert fewest <= len(calls) <= most


def test_a_seed_makes_no_fewer_calls_than_it_promises_and_can_make_so_few(seed):
    answer, calls = run(source_of(seed), WORLD, content)
    assert answer == "dog"
    assert len(calls) == promised_calls(source_of(seed))[0]


def test_a_seed_makes_no_more_calls_than_it_promises_and_can_make_so_many(seed):
    source = source_of(seed)
    parts = ast.literal_eval(constants(source).get("MAX_PARTS", ast.Constant(1)))
    question = "word " * 3000 if seed == "chunk_memory" else WORLD
    _, calls = run(source, question, Doubting(parts, plan=int(seed == "contract_agents")))
    assert len(calls) == promised_calls(source)[1]


def test_a_seed_gives_a_text_wherever_its_budget_ends(seed):
    source = source_of(seed)
    whole = len(run(source, WORLD, Noisy())[1])
    for budget in range(1, whole, 1 + whole // 8):
        answer, calls = run(source, WORLD, Noisy(), calls=budget)
        assert isinstance(answer, str)
        assert len(calls) == budget


def test_a_seed_of_several_calls_gives_an_empty_text_without_any_budget(seed):
    if seed not in SINGLE:
        assert run(source_of(seed), WORLD, world, calls=0) == ("", ())


def test_a_vote_outlives_the_end_of_the_budget():
    assert run(source_of("self_consistency"), WORLD, world, calls=2)[0] == "dog"
    assert run(source_of("fan_out"), WORLD, Noisy(), calls=5)[0] == "dog"


@pytest.mark.parametrize(
    "voting", ["self_consistency", "dynamic_roles", "fan_out", "archon", "quality_diversity"]
)
def test_what_most_samples_say_is_the_answer(voting):
    assert run(source_of(voting), WORLD, Noisy())[0] == "dog"


def test_the_same_answers_of_the_model_make_the_same_calls_and_the_same_answer(seed):
    first, second = (run(source_of(seed), WORLD, Noisy()) for _ in range(2))
    assert first == second


def test_every_number_can_be_doubled_or_halved_and_every_list_cut_to_one(seed):
    source = source_of(seed)
    changes = {
        int: lambda n: (2 * n, max(1, n // 2)),
        float: lambda x: (2 * x, x / 2),
        tuple: lambda texts: (texts[:1],),
        str: lambda text: (),
    }
    for name, node in constants(source).items():
        value = ast.literal_eval(node)
        for other in changes[type(value)](value):
            assert run(with_constant(source, name, other), WORLD, world)[0] == "dog", f"{name} = {other!r}"


def test_every_whole_number_can_be_one(seed):
    source = source_of(seed)
    numbers = [name for name, node in constants(source).items() if type(ast.literal_eval(node)) is int]
    for name in numbers:
        source = with_constant(source, name, 1)
    assert numbers == [] or isinstance(run(source, WORLD, world)[0], str)


def test_constants_are_numbers_texts_or_lists_of_texts_in_capitals(seed):
    for name, node in constants(source_of(seed)).items():
        value = ast.literal_eval(node)
        assert name.isupper()
        assert isinstance(value, int | float | str | tuple)
        assert not isinstance(value, tuple) or all(isinstance(text, str) for text in value)


def test_a_composite_has_a_socket_and_a_single_call_has_none(seed):
    assert bool(sockets(source_of(seed))) == (seed not in SINGLE)


def test_what_takes_a_question_and_a_model_answers_it_and_all_else_takes_the_model_first(seed):
    for name, node in functions(source_of(seed)).items():
        if isinstance(node, ast.AsyncFunctionDef) and name != "solve":
            assert name in sockets(source_of(seed)) or arguments(node)[0] == "model"


def test_any_design_can_be_plugged_into_a_socket(seed):
    """What evolution does with names is its own affair: here the other design runs with names of its own."""
    source = source_of(seed)
    other = ast.unparse(ast.parse(source_of("self_consistency")))
    for socket in sockets(source):
        plugged = (
            f"{source}\n\nINNER = {{}}\nexec({other!r}, INNER)\n\n\n"
            f"async def {socket}(question, model):\n    return await INNER['solve'](question, model)\n"
        )
        answer, calls = run(plugged, WORLD, world)
        assert answer == "dog", socket
        assert len(calls) >= promised_calls(source)[0]


def test_a_function_that_several_designs_carry_is_the_same_in_all_of_them(seed):
    own = functions(source_of(seed))
    assert "final" in own
    for other in SEEDS:
        theirs = functions(source_of(other))
        for name in SHARED & own.keys() & theirs.keys():
            assert ast.get_source_segment(source_of(seed), own[name]) == ast.get_source_segment(
                source_of(other), theirs[name]
            ), f"{name} differs in {other}.py"


@pytest.mark.parametrize(
    ("reply", "answer"),
    [
        ("It is dog.", "dog"),
        ("Surely dog.", "dog"),
        ("I guess dog.", "dog"),
        ("dog", "dog"),
        ("The boss of Mira is Tom. The pet of Tom is dog. The answer is dog.", "dog"),
        ("The mother of Mira is Jane Smith.", "Jane Smith"),
        ("She has 42 apples left.", "42"),
        ("So 3 * 14 = 42.\n\nShe pays $1,042.50.", "1,042.50"),
        ("3 + 4 = 7\n#### 7", "7"),
        ("**Answer:** 42", "42"),
        ("**Final answer**: -3.5.", "-3.5"),
        ("The answer is **42**. I hope that this helps.", "42"),
        ("Hence $\\boxed{\\frac{1}{2}}$.", "\\frac{1}{2}"),
        ("The answer is (10 - 4) * (5 - 1).", "(10 - 4) * (5 - 1)"),
        ("(10 - 4) * (5 - 1) = 24", "(10 - 4) * (5 - 1) = 24"),
        ("The answer is [1, 2, 3].", "[1, 2, 3]"),
        ("1, 2, 3", "1, 2, 3"),
        ("def add(a, b):\n    return a + b", "def add(a, b):\n    return a + b"),
        (CODE, CODE),
        ("  dog\n", "dog"),
        ("", ""),
    ],
)
def test_a_final_answer_is_found_in_all_kinds_of_replies_and_long_ones_are_left_alone(reply, answer):
    assert run(source_of("single_call"), "?", lambda prompt, sample: reply)[0] == answer


def test_parts_that_do_not_wait_for_each_other_run_in_any_order_of_the_graph():
    def planner(prompt: str, sample: int) -> str:
        if "Split the question." in prompt:
            return "Who is the mother of #2?\nWho is first?\nWho is the boss of #1 and #2?"
        if "Yes or no." in prompt:
            return "Yes."
        return {
            "Who is first?": "It is Mira.",
            "Who is the mother of Mira?": "It is Jane.",
            "Who is the boss of Jane and Mira?": "It is Tom.",
        }[prompt]

    assert run(source_of("task_graph"), "Who?", planner)[0] == "Tom"


def test_tasks_that_wait_for_each_other_are_given_up_for_the_whole_question():
    def planner(prompt: str, sample: int) -> str:
        if "Split the question." in prompt:
            return "Who is the mother of #2?\nWho is the boss of #1?"
        return "Yes." if "Yes or no." in prompt else "It is Tom."

    answer, calls = run(source_of("task_graph"), "Who?", planner)
    assert answer == "Tom"
    assert calls[1].prompt == "Who?"


def test_facts_of_every_chunk_reach_the_end_of_a_long_text():
    def reader(prompt: str, sample: int) -> str:
        notes = re.findall(r"fact\d+", prompt)
        return "".join(f"- {note}\n" for note in notes) + f"The answer is {' '.join(sorted(set(notes)))}."

    question = " ".join(f"fact{i} " + "word " * 200 for i in range(5)) + "Which facts?"
    assert run(source_of("chunk_memory"), question, reader)[0] == "fact0 fact1 fact2 fact3 fact4"
