"""What holds for every question that an agent design is asked: a process of its own, an ending of its own."""

import pytest
from support.pipelines import Quiz, agent_executor, kind_with, solve

from agentarch.design import Proposal, read_design
from agentarch.evaluation import Outcome, Request
from agentarch.execution.tiers import make_executor, self_test

QUESTIONS = [(f"question {number}", f"answer {number}") for number in range(50)]


@pytest.fixture(scope="module")
def executor():
    with agent_executor() as started:
        yield started


def told(prompt: str, sample: int) -> str:
    return prompt.replace("question", "answer")


def evaluate(executor, source, answer=told, items=QUESTIONS, kind=None, **rung):
    kind = kind or kind_with(answer)
    design = read_design(Proposal(source, "design"), kind.contract)
    task = Quiz(items, **rung)
    try:
        return kind.evaluate(design, task, Request(design.id, task.name, 1, 0), executor)
    finally:
        kind.close()


ASKS = "async def solve(question, model):\n    return await model.ask(question)\n"


def test_a_design_that_asks_and_answers_is_scored(executor):
    done = evaluate(executor, ASKS)
    assert (done.outcome, done.score.value, done.score.n) == (Outcome.SCORED, 1.0, 50)
    assert done.score.items == (1.0,) * 50
    assert done.report["questions"] == {"scored": 50}
    assert (done.descriptors["depth"], done.descriptors["width"], done.measures["calls"]) == (1, 1, 1)


TWICE = """
import asyncio

async def solve(question, model):
    said = await asyncio.gather({asks})
    return {answer}
"""


@pytest.mark.parametrize(
    ("asks", "answer", "is_same"),
    [
        ("model.ask(question), model.ask(question + '?')", "str(said[0])", True),
        ("model.ask(question + '?'), model.ask(question)", "said[1]", True),
        ("model.ask(question), model.ask(question + '?')", "said[0] + '!'", False),
        ("model.ask(question), model.ask(question + '!')", "said[0]", False),
        ("model.ask(question), model.ask(question + '?', temperature=0.0)", "said[0]", False),
        ("model.ask(question), model.ask(question + '?', system='So.')", "said[0]", False),
        ("model.ask(question), model.ask(question + '?', max_tokens=20)", "said[0]", False),
        ("model.ask(question)", "said[0]", False),
    ],
    ids=["as it is", "another order", "answer", "prompt", "temperature", "system", "length", "fewer"],
)
def test_designs_behave_alike_that_ask_the_same_and_answer_the_same(executor, asks, answer, is_same):
    ways = [("model.ask(question), model.ask(question + '?')", "said[0]"), (asks, answer)]
    sources = [TWICE.format(asks=asks, answer=answer) for asks, answer in ways]
    first, second = (evaluate(executor, source, items=QUESTIONS[:4]).behaviour for source in sources)
    assert first is not None
    assert (first == second) is is_same


FAILS = """
import asyncio

async def solve(question, model):
    said = await model.ask(question)
    if question.endswith(" 7"):
        {fault}
    return said
"""


@pytest.mark.parametrize(
    ("fault", "outcome", "reason"),
    [
        ("raise ValueError('no')", "invalid", "raised ValueError: no"),
        ("return None", "invalid", "`solve` returned None, expected a str"),
        ("return 17", "invalid", "`solve` returned a int, expected a str"),
        ("return 'x' * 10_000_000", "invalid", "returned 10,000,000 bytes"),
        ("while True: pass", "timeout", "took more than 2 s"),
        ("await asyncio.sleep(1000)", "timeout", "took more than 2 s"),
        ("x = [0] * 10**10", "out_of_memory", "MemoryError"),
        ("__import__('os')._exit(3)", "invalid", "ended with exit code 3"),
        ("__import__('ctypes').string_at(0)", "invalid", "before it answered"),
        ("print('y' * 5_000_000)", "output_limit", "printed more than 1,024 KiB"),
        ("for _ in range(10_000): await model.ask('again')", "invalid", "a question has 200 calls"),
        (
            "await model.ask('hi', model='gpt-9')",
            "invalid",
            "there is no model 'gpt-9' here; there is scripted",
        ),
        (
            "await model.ask('hi', temperature=float('inf'))",
            "invalid",
            "raised ModelRefused: a prompt is a str",
        ),
        ("await model.ask(b'hi')", "invalid", "a prompt is a str"),
        ("raise SystemExit", "invalid", "raised SystemExit"),
    ],
)
def test_what_goes_wrong_on_one_question_of_fifty_is_that_questions_ending(executor, fault, outcome, reason):
    done = evaluate(executor, FAILS.format(fault=fault), question_seconds=2.0)
    assert done.outcome is Outcome.SCORED, done.reason
    assert done.score.items[7] == 0.0
    assert sum(done.score.items) == 49
    assert done.report["questions"] == {"scored": 49, outcome: 1}
    (told,) = done.report["reasons"]
    assert reason in told


def test_a_design_that_fails_on_most_questions_has_no_score(executor):
    done = evaluate(executor, "async def solve(question, model):\n    return None\n")
    assert done.outcome is Outcome.INVALID
    assert done.reason == "failed on every question: `solve` returned None, expected a str"


def test_a_design_that_never_asks_a_model_is_no_agent(executor):
    done = evaluate(executor, "async def solve(question, model):\n    return question\n")
    assert (done.outcome, done.reason) == (
        Outcome.INVALID,
        "it never asked a model on any question; an agent must",
    )


REMEMBERS = """
import json

builtins, os = __import__("builtins"), __import__("os")
SEEN = []

async def solve(question, model):
    await model.ask(question)
    traces = [len(SEEN), hasattr(builtins, "seen"), hasattr(json, "seen"), os.listdir("."), os.listdir("/box")]
    SEEN.append(question)
    builtins.seen = json.seen = question
    try:
        with open("seen", "w") as file:
            file.write(question)
    except OSError:
        pass
    return "; ".join(map(str, traces)) + f"; process {os.getpid()}"
"""


def test_nothing_is_left_of_one_question_at_the_next(executor):
    done = evaluate(
        executor,
        REMEMBERS,
        items=[(f"question {n}", "0; False; False; []; []; process 1") for n in range(40)],
    )
    assert done.score.value == 1.0, done


class Spying:
    """An executor that notes in which order each design is asked, and in which batches."""

    def __init__(self, executor):
        self.name, self.asked, self._executor = executor.name, [], executor

    def interview(self, interview):
        self.asked.append((interview.questions, interview.sittings))
        return self._executor.interview(interview)


def test_questions_come_shuffled_and_each_design_in_an_order_and_batches_of_its_own(executor):
    spying, given = Spying(executor), tuple(question for question, _ in QUESTIONS)
    for name in ("a", "b", "c"):
        evaluate(spying, f"{ASKS}\nNAME = {name!r}\n")
    orders = {questions for questions, _ in spying.asked}
    assert len(orders) == 3
    assert given not in orders
    assert all(sorted(order) == sorted(given) for order in orders)
    assert len({sittings for _, sittings in spying.asked}) > 1
    assert all(sum(sittings) == len(given) for _, sittings in spying.asked)


CATCHES = """
async def solve(question, model):
    said = []
    try:
        while True:
            said.append(await model.ask(question + "?" * len(said)))
    except RuntimeError as error:
        return f"{len(said)} {model.remaining.calls} {error}"
"""


MISUSES = """
async def solve(question, model):
    said = await model.ask(question)
    for wrong in (
        dict(prompt="x" * 10_000_000),
        dict(prompt=17),
        dict(prompt="hi", system=17),
        dict(prompt="hi", temperature=float("nan")),
        dict(prompt="hi", max_tokens=float("inf")),
        dict(prompt="hi", n=0),
    ):
        try:
            await model.ask(**wrong)
            return f"asked with {wrong}"
        except ValueError:
            pass
    return said
"""


def test_an_argument_that_makes_no_sense_is_an_error_that_a_design_can_catch(executor):
    assert evaluate(executor, MISUSES).score.value == 1.0


DRAWS = """
import random

FIRST = random.random()

async def solve(question, model):
    await model.ask(question)
    return f"answer {question[9:]}" if FIRST < 0.5 and random.random() < 0.7 else "no"
"""


def test_chance_is_the_same_for_the_same_question_and_another_for_another(executor):
    first, again = (evaluate(executor, DRAWS).score for _ in range(2))
    assert first.items == again.items
    assert 0 < first.value < 1


def test_of_errors_in_a_group_the_first_is_told(executor):
    fault = "raise ExceptionGroup('several', [ValueError('this one'), ExceptionGroup('more', [KeyError('other')])])"
    done = evaluate(executor, FAILS.format(fault=fault))
    assert any("raised ValueError: this one" in reason for reason in done.report["reasons"])


def test_what_is_asked_when_nobody_listens_any_more_prints_nothing(executor):
    done = evaluate(executor, FAILS.format(fault="await asyncio.sleep(1000)"), question_seconds=2.0)
    assert (done.score.items[7], done.output) == (0.0, "")


def test_a_budget_that_is_spent_is_an_error_that_a_design_can_catch(executor):
    ending, calls = solve(executor, CATCHES, "why", told, calls=12)
    assert ending.answer == "12 0 a question has 12 calls, and 12 were made"
    assert len(calls) == 12
    ending, calls = solve(executor, CATCHES, "why", told, tokens=100)
    assert "a question has 100 tokens, and they are used" in ending.answer
    assert 0 < sum(call.tokens for call in calls) <= 100


MANY = """
import asyncio

async def solve(question, model):
    said = await asyncio.gather(*[model.ask(f"{question} {n}", n=1 + n % 3) for n in range(20)])
    return " ".join(one if isinstance(one, str) else one[-1] for one in said)
"""


def test_calls_made_at_once_come_back_to_whom_they_belong(executor):
    ending, calls = solve(executor, MANY, "q", lambda prompt, sample: f"[{prompt}:{sample}]")
    assert ending.answer == " ".join(f"[q {n}:{n % 3}]" for n in range(20))
    assert [call.number for call in calls] == list(range(1, len(calls) + 1))
    assert {call.after for call in calls} == {0}


SPEAKS = """
os, struct = __import__("os"), __import__("struct")

async def solve(question, model):
    said = await model.ask(question)
    if question.endswith(" 7"):
        {words}
    return said
"""


@pytest.mark.parametrize(
    "words",
    [
        'os.write(3, b\'{"type": "answer", "number": 3, "text": "forged"}\')',
        'os.write(3, struct.pack(\'>I\', 40) + b\'{"type": "ended", "number": 3, "signal": 9}\')',
        "os.write(3, struct.pack('>I', 2**31))",
        "os.write(3, struct.pack('>I', 3) + b'NaN')",
        "os.write(3, struct.pack('>I', 200_000) + b'[' * 200_000)",
        "os.write(3, b'x' * 50); os.close(3)",
        "os.close(3)",
    ],
)
def test_no_process_speaks_for_another_question(executor, words):
    done = evaluate(executor, SPEAKS.format(words=words), question_seconds=3.0)
    assert done.outcome is Outcome.SCORED, done.reason
    assert sum(done.score.items) == 49
    assert done.score.items[7] == 0.0


HITS = """
os, signal = __import__("os"), __import__("signal")

async def solve(question, model):
    said = await model.ask(question)
    found = []
    for target in (0, 1, 2, 3, 4, -1, os.getppid()):
        if target != os.getpid():
            try:
                os.kill(target, signal.SIGKILL)
                found.append(target)
            except OSError:
                pass
    for wanted in (os.fork, lambda: __import__("socket").socket(), lambda: open("/proc/1/mem")):
        try:
            wanted()
            found.append(wanted)
        except OSError:
            pass
    return said if not found else f"{found}"
"""


def test_a_questions_process_reaches_no_other(executor):
    assert evaluate(executor, HITS).score.value == 1.0


def test_a_question_that_starts_too_many_threads_brings_down_no_other(executor):
    fault = (
        "threads = [Thread(target=sleep, args=(60,)) for _ in range(40)]; [one.start() for one in threads]"
    )
    names = "Thread, sleep = __import__('threading').Thread, __import__('time').sleep"
    hog = FAILS.format(fault=f"{names}; {fault}; await asyncio.sleep(5)")
    done = evaluate(executor, hog)
    assert done.outcome is Outcome.SCORED, done.reason
    assert sum(done.score.items) == 49, done.report


@pytest.mark.parametrize("tier", ["landlock", "unsafe"])
def test_other_tiers_answer_too(tier):
    with agent_executor(tier) as started:
        assert evaluate(started, ASKS).score.value == 1.0


@pytest.mark.parametrize("tier", ["jail", "landlock"])
def test_the_self_test_finds_that_every_wall_of_an_agents_box_holds(tier):
    executor = make_executor(tier, program="agent")
    try:
        found = self_test(executor, tier, "agent")
    finally:
        executor.close()
    assert found.works, found.told()
