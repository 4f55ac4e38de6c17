"""A router sends each question where it is worth its tokens, and says plainly when that brings nothing."""

import json
import re
from dataclasses import replace

import numpy as np
import pytest
from support import commands, written_runs
from support.model_server import ModelServer
from support.pipelines import Quiz, agent_executor, kind_with
from support.written_runs import read

from agentarch.design import Proposal, read_design
from agentarch.evaluation import Outcome, Request
from agentarch.kinds.agent import CONTRACT
from agentarch.search.answered import Sheets
from agentarch.search.routing.cascades import MOST_CASCADES, Cascade, best_cascades, with_cascades
from agentarch.search.routing.choosing import choose, features
from agentarch.search.routing.fitting import Answers, NothingToRoute, fit, telling_words
from agentarch.search.routing.judging import front_of, judge_router
from agentarch.search.routing.measuring import FITTED, HELD_OUT, measure, requests_for
from agentarch.search.routing.route import told, writable
from agentarch.search.routing.writing import NotWritable, write_router
from agentarch.search.session import only_engine
from agentarch.traces import read_trace

RELATIONS = ("friend", "boss", "teacher", "rival", "founder", "home")
NAMES = {"cheap": "cheap", "dear": "dear", "middling": "middling"}


def questions(seed, count, longest=4):
    """Questions of the embedded world's form, with a name of its own each."""
    rng = np.random.default_rng(seed)
    made = []
    for _ in range(count):
        hops = int(rng.integers(1, longest + 1))
        chain = "".join(f"the {RELATIONS[rng.integers(6)]} of " for _ in range(hops))
        made.append(f"Who is {chain}{''.join(rng.choice(list('abcdefgh'), 9)).title()}?")
    return tuple(made)


def planted(seed, count, has_structure=True):
    """A cheap pipeline that is right on short questions, a dear one that is on all, one between them."""
    rng = np.random.default_rng(seed + 1)
    asked = questions(seed, count)
    hops = np.array([one.count(" of ") for one in asked])
    chance = np.array([np.where(hops <= 2, 0.92, 0.1), np.where(hops <= 3, 0.88, 0.4), np.full(count, 0.9)])
    if not has_structure:
        chance = np.broadcast_to(np.array([[0.5], [0.65], [0.8]]), (3, count))
    scores = (rng.random((3, count)) < chance).astype(float)
    tokens = np.array([20 + 5.0 * hops, 60 + 10.0 * hops, 300 + 40.0 * hops])
    if not has_structure:
        tokens = np.broadcast_to(tokens.mean(1, keepdims=True), tokens.shape)
    return Answers(("cheap", "middling", "dear"), asked, ("quiz",) * count, scores, tokens)


def judged(fitting, held_out, keep=0.95):
    fitted = fit(fitting)
    policy = fitted.policy_that_keeps(keep)
    return judge_router(fitted, policy, keep, held_out), policy


# What it learns.


def test_it_keeps_95_percent_of_the_best_for_60_percent_of_its_tokens_where_questions_tell():
    kept, shares = [], []
    for seed in range(6):
        found, policy = judged(planted(10 * seed, 300), planted(10 * seed + 5, 400))
        kept.append(found.kept)
        shares.append(found.token_share)
        assert found.best == "dear"
        assert found.helps
        assert found.against_mixture.low > 0
        assert "surely" not in told(found, NAMES)
        assert set(policy.designs) <= {"cheap", "middling", "dear"}
    assert np.mean([value for value, _, _ in kept]) >= 0.95
    assert all(high >= 0.95 for _, _, high in kept)
    assert np.mean(shares) <= 0.6


def test_it_says_so_when_questions_do_not_tell_which_pipeline_they_need():
    helped = []
    for seed in range(10):
        found, _ = judged(planted(10 * seed, 300, False), planted(10 * seed + 5, 400, False), keep=0.85)
        helped.append(found.helps)
        if not found.helps:
            sentence = told(found, NAMES)
            assert "not surely more" in sentence or "does not help" in sentence
    assert sum(helped) <= 1  # of 10 intervals, 2.5% lie above by chance


def test_where_no_price_keeps_enough_the_best_is_always_asked():
    found, policy = judged(planted(0, 300, False), planted(5, 400, False), keep=0.999)
    assert policy.designs == ("dear",)
    assert found.kept[0] == 1
    assert found.token_share == 1
    assert not found.helps
    assert "routing does not help here" in told(found, NAMES)


def test_one_cheap_pipeline_that_is_as_good_is_asked_alone_and_called_no_router():
    plain, others = planted(0, 300), planted(5, 400)
    found, policy = judged(
        replace(plain, scores=plain.scores[[2, 1, 2]]), replace(others, scores=others.scores[[2, 1, 2]])
    )
    assert policy.designs == ("cheap",)
    assert found.best == "cheap"
    scores = plain.scores[[2, 1, 2]]
    scores[0, :2] = 0.0  # by a little worse than the best
    found, policy = judged(replace(plain, scores=scores), replace(others, scores=others.scores[[2, 1, 2]]))
    assert (found.best, policy.designs) == ("dear", ("cheap",))
    assert "cheap alone keeps" in told(found, NAMES)


def agreeing(seed, count):
    """Two cheap pipelines that err, each in its own way, on questions that no word gives away; and a dear one."""
    rng = np.random.default_rng(seed)
    asked = questions(seed, count, longest=1)
    hard = rng.random(count) < 0.4
    right = np.array(
        [np.where(hard, rng.random(count) < 0.3, True) for _ in range(2)] + [rng.random(count) < 0.95]
    )
    said = tuple(
        tuple(
            "Yes." if one else f"wrong {at}" for at, one in zip(rng.integers(9, size=count), row, strict=True)
        )
        for row in right
    )
    tokens = np.array([np.full(count, 100.0), np.full(count, 120.0), np.full(count, 1500.0)])
    return Answers(("one", "other", "dear"), asked, ("quiz",) * count, right.astype(float), tokens, said)


def cascading(fitting, held_out):
    cascades = best_cascades(fitting)
    return cascades, *judged(*(with_cascades(one, cascades) for one in (fitting, held_out)))


def test_where_no_word_tells_it_asks_the_dear_pipeline_when_cheap_ones_differ():
    cascades, found, policy = cascading(agreeing(1, 400), agreeing(2, 400))
    assert Cascade("one", "other", "dear") in cascades
    assert policy.designs == ("one+other/dear",)
    assert found.kept[0] >= 0.95
    assert found.token_share <= 0.6
    assert found.helps
    assert found.best == "dear"
    assert {one.name for one in found.singles} == {"one", "other", "dear"}
    names = {one: one for one in ("one", "other", "dear")}
    names |= {one.id: one.told(names) for one in cascades}
    assert told(found, names).startswith("Asking one and other, and dear where they differ keeps ")


def test_a_cascade_scores_and_takes_what_its_members_do():
    answers = Answers(
        ("a", "b", "c"),
        ("q1", "q2", "q3"),
        ("t",) * 3,
        np.array([[1.0, 0, 0], [1, 1, 0], [0, 1, 1]]),
        np.array([[10.0, 10, 10], [20, 20, 20], [100, 100, 100]]),
        (("Rome.", "x", ""), (" rome", "y", ""), ("z", "y", "w")),
    )
    found = with_cascades(answers, (Cascade("a", "b", "c"),))
    assert found.designs == ("a", "b", "c", "a+b/c")
    assert found.scores[3].tolist() == [1, 1, 1], "two that have failed agree on nothing"
    assert found.tokens[3].tolist() == [30, 130, 130]
    assert found.singles.designs == ("a", "b", "c")


def test_few_cascades_are_tried_and_none_of_two_pipelines():
    three = agreeing(1, 100)
    assert 0 < len(best_cascades(three)) <= MOST_CASCADES
    two = replace(three, designs=three.designs[:2], scores=three.scores[:2], tokens=three.tokens[:2])
    assert best_cascades(two) == ()


def test_names_do_not_count_as_words():
    asked = questions(3, 300)
    words = telling_words(asked)
    assert {"of", "friend"} <= set(words)
    assert all(word in {*RELATIONS, "of", "the", "who", "is"} for word in words)


def test_the_price_moves_it_from_the_best_to_the_cheapest():
    fitted = fit(planted(0, 300))
    assert fitted.at(0.0).designs != fitted.at(fitted.prices[-1]).designs
    assert fitted.at(fitted.prices[-1]).designs == ("cheap",)
    tokens = [fitted.expected(price)[1].mean() for price in fitted.prices]
    assert tokens[0] > 2 * tokens[-1]


def test_nothing_that_is_held_out_is_fitted_on():
    fitting, held_out = planted(0, 300), planted(5, 400)
    other = replace(held_out, scores=1 - held_out.scores)
    (_, first), (_, second) = judged(fitting, held_out), judged(fitting, other)
    assert first == second
    with pytest.raises(NothingToRoute, match="were fitted on"):
        judged(fitting, fitting)


@pytest.mark.parametrize(
    ("answers", "why"),
    [
        (planted(0, 30), "needs 50 questions"),
        (
            replace(
                planted(0, 60),
                designs=("dear",),
                scores=planted(0, 60).scores[2:],
                tokens=planted(0, 60).tokens[2:],
            ),
            "one pipeline only",
        ),
    ],
)
def test_too_little_to_choose_between_is_refused_with_a_reason(answers, why):
    with pytest.raises(NothingToRoute, match=why):
        fit(answers)


def test_pipelines_that_are_always_right_or_never_and_take_nothing_are_fitted_all_the_same():
    plain = planted(0, 100)
    scores = np.vstack([np.ones(100), np.zeros(100), np.ones(100)])
    tokens = np.vstack([np.full(100, 50.0), np.zeros(100), np.full(100, 500.0)])
    found, policy = judged(
        replace(plain, scores=scores, tokens=tokens),
        replace(planted(5, 100), scores=scores, tokens=tokens),
    )
    assert policy.designs == ("cheap",)
    assert found.kept[0] == 1


def test_the_front_is_that_of_mixtures():
    scores = np.array([[0.2], [0.4], [0.8], [0.7], [0.8]])
    tokens = np.array([[10.0], [60.0], [100.0], [20.0], [90.0]])
    answers = Answers(tuple("abcde"), ("q",), ("t",), scores, tokens)
    assert [answers.designs[one] for one in front_of(answers)] == ["a", "d", "e"]


def test_features_of_any_text_are_finite():
    for text in ("", "?", "12 and 30.5, or 7?", "\x00\u202e" * 50, "É " * 2000, "\uff19 \u00b2"):
        found = features(text, ("of", "and"))
        assert len(found) == 9
        assert np.isfinite(found).all()
    assert choose("", ("of",), ((0.0,) * 9, (1e9,) * 9), ((0.0,) * 9, (1e9,) * 9), 0.1) == 0


# Pipelines in boxes.

CHEAP = '''"""Asks once."""
PROMPT = """Short:
  {question}"""


async def solve(question, model):
    return await model.ask(PROMPT.format(question=question))
'''
DEAR = """from __future__ import annotations

PROMPT = "Think long " + "and hard " * 30 + ": {question}"  # the same name, another text


class Later:
    def use(self, it: Later) -> str:
        return it


async def ask(question, model):
    return await model.ask(PROMPT.format(question=question))


async def solve(question, model):
    first = await ask(question, model)
    return (await model.ask(f"Long, check {first}: {question}")).strip()
"""


def right(question):
    return "yes" if question.count(" of ") % 2 else "no"


def says(prompt, sample):
    """What the scripted model says: a short prompt is enough for questions of up to two steps."""
    question = prompt[prompt.index("Who is") :]
    knows = "long" in prompt.lower() or question.count(" of ") <= 2
    return right(question) if knows else "maybe"


class Split(Quiz):
    """Other questions for every split and seed."""

    def __init__(self, count=30):
        super().__init__([("", "")] * count)

    def data(self, split, rung, seed):
        asked = questions([seed % 2**32, len(split)], self.rungs[rung].questions)
        return type(super().data(split, rung, seed))(asked, tuple(map(right, asked)))


def designs(*sources):
    read = [read_design(Proposal(one, f"it{at}"), CONTRACT) for at, one in enumerate(sources)]
    return {one.id: one for one in read}


@pytest.fixture(scope="module")
def boxes():
    with agent_executor(ready_boxes=1) as executor:
        yield executor


def measured(folder, boxes, counts=(90, 60), answer=says, sources=(CHEAP, DEAR)):
    kind = kind_with(answer, traces=folder / "traces")
    pool = designs(*sources)
    sheets = Sheets(folder, kind, ("scripted",))
    numbers = dict(zip((FITTED, HELD_OUT), counts, strict=True))
    try:
        answers, left_out = measure(sheets, pool, [Split()], 1, numbers, lambda: boxes, 1, lambda a, b: None)
    finally:
        kind.close()
    return pool, answers, left_out


@pytest.fixture(scope="module")
def routed(tmp_path_factory, boxes):
    folder = tmp_path_factory.mktemp("routed")
    pool, answers, _ = measured(folder, boxes)
    found, policy = judged(answers[FITTED], answers[HELD_OUT])
    return folder, pool, answers, found, policy


def test_in_boxes_it_learns_which_questions_the_cheap_pipeline_knows(routed):
    *_, answers, found, policy = routed
    assert len(answers[FITTED].questions) == 90
    assert len(answers[HELD_OUT].questions) == 60
    assert not set(answers[FITTED].questions) & set(answers[HELD_OUT].questions)
    assert len(policy.designs) == 2
    assert found.kept[0] >= 0.95
    assert found.token_share <= 0.6


def test_what_is_written_out_chooses_as_the_engine_does_in_a_box(routed, boxes, tmp_path):
    _, pool, *_, policy = routed
    router = write_router(policy, pool, CONTRACT, 'It says "so" \\ here.')
    assert router.parents == policy.designs
    kind = kind_with(says, traces=tmp_path)
    request = Request(router.id, "quiz", 1, 77, "confirm")
    done = kind.evaluate(router, Split(120), request, boxes)
    assert done.outcome is Outcome.SCORED, done.reason
    trace = read_trace(done.report["trace"], tmp_path)
    names = [pool[one].source for one in policy.designs]
    chosen = policy.choices(trace.questions)
    assert len(set(chosen.tolist())) == 2
    for number, calls in zip(chosen, trace.calls, strict=True):
        assert len(calls) == (1 if names[number] == CHEAP else 2)
        assert calls[0].prompt.startswith(
            "Short:\n  Who" if names[number] == CHEAP else "Think long and hard"
        )


def test_a_cascade_is_written_out_and_asks_the_last_where_the_first_two_differ(boxes, tmp_path):
    other = CHEAP.replace("Short", "Brief")
    pool = designs(CHEAP, other, DEAR)
    cascade = Cascade(*pool)
    fitted = fit(with_cascades(agreeing_of(pool), (cascade,)))
    router = write_router(fitted.whole.among([cascade.id]), pool, CONTRACT, "It is so.", (cascade,))
    assert router.parents == tuple(pool)
    assert "type: ignore" not in router.source

    def differs(prompt, sample):
        question = prompt[prompt.index("Who is") :]
        unsure = question.count(" of ") > 2 and "long" not in prompt.lower()
        return ("brief" if "Brief" in prompt else "short") if unsure else right(question)

    kind = kind_with(differs, traces=tmp_path)
    done = kind.evaluate(router, Split(60), Request(router.id, "quiz", 1, 78, "confirm"), boxes)
    assert done.outcome is Outcome.SCORED, done.reason
    assert done.score.value == 1.0
    trace = read_trace(done.report["trace"], tmp_path)
    for question, calls in zip(trace.questions, trace.calls, strict=True):
        assert len(calls) == (2 if question.count(" of ") <= 2 else 4)


def agreeing_of(pool):
    return replace(agreeing(1, 100), designs=tuple(pool))


def test_a_second_time_nothing_is_asked(routed, boxes):
    folder, _, answers, *_ = routed

    def refuse(prompt, sample):
        raise AssertionError("it was asked again")

    kind = kind_with(refuse, traces=folder / "traces")
    sheets = Sheets(folder, kind, ("scripted",))
    pool = designs(CHEAP, DEAR)

    def none():
        raise AssertionError("boxes were started")

    again, _ = measure(sheets, pool, [Split()], 1, {FITTED: 90, HELD_OUT: 60}, none, 1, lambda a, b: None)
    assert again[FITTED].questions == answers[FITTED].questions
    assert (again[HELD_OUT].tokens == answers[HELD_OUT].tokens).all()


def test_one_that_is_stopped_in_the_middle_goes_on_with_what_lacks(tmp_path):
    class Stopped(Exception):
        pass

    def stop(done, all_):
        if done == 3:
            raise Stopped

    pool, task = designs(CHEAP, DEAR), Split()
    requests = requests_for(list(pool), [task], 1, 60, "search")
    asked = []

    def count(prompt, sample):
        asked.append(prompt)
        return says(prompt, sample)

    kind = kind_with(count, traces=tmp_path / "traces")
    with agent_executor(ready_boxes=1) as executor, pytest.raises(Stopped):
        Sheets(tmp_path, kind, ("scripted",)).fill(pool, {"quiz": task}, requests, lambda: executor, 1, stop)
    first = {one.name for one in (tmp_path / "sheets").iterdir()}
    assert len(first) == 3
    asked.clear()
    kind = kind_with(count, traces=tmp_path / "traces")  # as whoever starts anew: the first was closed
    with agent_executor(ready_boxes=1) as executor:
        sheets = Sheets(tmp_path, kind, ("scripted",))
        found = sheets.fill(pool, {"quiz": task}, requests, lambda: executor)
    assert len(found) == 4
    assert len(asked) == 60  # two calls for each question of the sheet that lacked


def test_a_sheet_of_another_model_or_task_is_not_taken_for_it(routed):
    folder, *_ = routed
    pool = designs(CHEAP, DEAR)
    kind = kind_with(says, traces=folder / "traces")
    (request, *_) = requests_for(list(pool), [Split()], 1, 30, "search")
    assert Sheets(folder, kind, ("scripted",)).find(Split(), request)
    assert Sheets(folder, kind, ("another",)).find(Split(), request) is None
    assert Sheets(folder, kind, ("scripted",)).find(Split(31), request) is None


def test_a_pipeline_that_fails_is_left_out_with_its_reason(tmp_path, boxes):
    failing = "async def solve(question, model):\n    raise ValueError('no')\n"
    _, answers, left_out = measured(tmp_path, boxes, (30, 30), sources=(CHEAP, DEAR, failing))
    assert len(answers[FITTED].designs) == 2
    assert len(left_out) == 1
    assert "no" in next(iter(left_out.values()))
    with pytest.raises(NothingToRoute, match="fewer than two"):
        measured(tmp_path, boxes, (30, 30), sources=(CHEAP, failing))


COUNTING = "N = 0\n\nasync def solve(question, model):\n    global N\n    return await model.ask(question)\n"
TAKING_ALL = "from re import *\n\n" + CHEAP
TOO_LONG = CHEAP + f"\n\nTEXT = {'x' * 98_000!r}\n"
SHARING = "from __future__ import annotations; import json\n\n" + CHEAP


@pytest.mark.parametrize(
    ("source", "why"),
    [
        (COUNTING, "global N"),
        (TAKING_ALL, "everything of `re`"),
        (TOO_LONG, "bytes"),
        (SHARING, "shares a line"),
    ],
)
def test_a_pipeline_that_cannot_stand_in_a_router_is_left_out_with_a_reason(source, why):
    kept, left_out = writable([*designs(CHEAP, DEAR, source).values()], CONTRACT)
    assert [one.source for one in kept.values()] == [CHEAP, DEAR]
    ((name, reason),) = left_out.items()
    assert name.startswith("it2 (")
    assert why in reason
    with pytest.raises(NothingToRoute, match="fewer than two"):
        writable([*designs(CHEAP, source).values()], CONTRACT)


def test_pipelines_that_are_too_long_together_are_refused_with_what_to_do():
    long = f"\n\nTEXT = {'x' * 60_000!r}\n"
    pool = designs(CHEAP + long, DEAR + long)
    assert len(writable([*pool.values()], CONTRACT)[0]) == 2
    policy = replace(fit(planted(0, 300)).whole.among(["cheap", "dear"]), designs=tuple(pool))
    with pytest.raises(NotWritable, match="higher --price"):
        write_router(policy, pool, CONTRACT, "")


def test_the_sentence_says_how_many_held_out_questions_the_run_had_asked():
    found, _ = judged(planted(0, 300), planted(5, 400))
    assert "400 held-out questions, 150 of which the run had asked before" in told(found, NAMES, 150)


def test_sheets_are_plain_json(routed):
    folder, *_ = routed
    for file in (folder / "sheets").iterdir():
        assert {"questions", "scores", "tokens"} <= json.loads(file.read_text()).keys()


# The command.


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    pool = [(read(CHEAP, "cheap"), "finalist"), (read(DEAR, "dear"), "best seed")]
    with ModelServer(reply=lambda request: written_runs.says(request.prompt)) as server:
        about = {"solve_with": written_runs.MODEL, "base_url": (server.base_url,), "price": ("1,5",)}
        yield written_runs.write_run(folder, pool, has_finish=False, **about), server


def command(run, *more):
    return commands.run("route", run, *more, folder=run.parent, OPENAI_API_KEY="", OPENAI_BASE_URL="")


def test_the_command_tells_keeps_draws_and_writes_the_router_and_pays_once(run):
    folder, server = run
    numbers = ("--questions", 90, "--held-out", 60)
    before = server.count.requests
    said = command(folder, *numbers, "--json", "--out", "router.py")
    assert said.exit_code == 0, said.err
    assert re.search(r"route: \d of \d+ sheets of questions answered, about .+ left\n", said.err)
    found = said.json
    assert found["helps"]
    assert found["asked_before"] == {"fitted_on": 0, "questions": 0}
    assert found["kept"][0] >= 0.95
    assert found["token_share"] <= 0.6
    assert (found["fitted_on"], found["questions"]) == (90, 60)
    source = (folder.parent / "router.py").read_text()
    assert read(source, "router").id == found["design"]
    assert json.loads((folder / "routes" / "route.json").read_text())["kept"] == found["kept"]
    page = (folder / "route.html").read_text()
    assert "<svg" in page
    assert "<script" not in page
    asked = server.count.requests
    assert asked - before == 150 * 3
    again = command(folder, *numbers)
    assert again.exit_code == 0, again.err
    assert server.count.requests == asked
    assert "oracle" in again.out
    assert "held-out questions" in " ".join(again.out.split())
    dearer = command(folder, *numbers, "--price", 0, "--json").json
    assert dearer["asked_to_keep"] is None
    assert dearer["price"] == 0
    assert server.count.requests == asked


def test_what_cannot_be_written_is_asked_nothing_and_names_are_clean_in_every_file(tmp_path, run):
    _, server = run
    pool = [
        (read(CHEAP, "cheap\x1b[31m\nred"), "finalist"),
        (read(DEAR, "dear"), "best seed"),
        (read(COUNTING, "counting\x1b[31m"), "elite"),
    ]
    about = {"solve_with": written_runs.MODEL, "base_url": (server.base_url,), "price": ("1,5",)}
    folder = written_runs.write_run(tmp_path, pool, has_finish=False, **about)
    before = server.count.requests
    said = command(folder, "--questions", 60, "--held-out", 30, "--json")
    assert said.exit_code == 0, said.err
    assert server.count.requests - before == 90 * 3
    ((name, why),) = said.json["left_out"].items()
    assert name.startswith("counting (")
    assert "global N" in why
    assert set(said.json["names"].values()) == {"cheap red", "dear"}
    for file in ("routes/router.py", "routes/route.json", "route.html"):
        text = (folder / file).read_text()
        assert "\x1b" not in text
        assert "u001b" not in text


def test_it_tells_how_many_questions_of_a_pool_the_run_had_asked(tmp_path, run, monkeypatch):
    _, server = run
    pooled = written_runs.TASK.replace("rng([seed, len(split)])", "rng(len(split))")
    monkeypatch.setattr(written_runs, "TASK", pooled.replace("QuestionRung(30)", "QuestionRung(60)"))
    pool = [(read(CHEAP, "cheap"), "finalist"), (read(DEAR, "dear"), "best seed")]
    about = {"solve_with": written_runs.MODEL, "base_url": (server.base_url,), "price": ("1,5",)}
    folder = written_runs.write_run(tmp_path, pool, has_finish=False, **about)
    numbers = ("--questions", 60, "--held-out", 60)
    said = command(folder, *numbers, "--json")
    assert said.exit_code == 0, said.err
    assert said.json["asked_before"] == {"fitted_on": 60, "questions": 0}
    assert "had asked 60 of the questions it was fitted on before" in command(folder, *numbers).out


def test_what_cannot_be_done_is_refused_and_says_what_to_do(run, tmp_path):
    folder, server = run
    both = command(folder, "--keep", 0.9, "--price", 1)
    assert both.exit_code == 2
    assert "--keep and --price" in both.err
    (tmp_path / "there.py").write_text("")
    there = command(folder, "--out", tmp_path / "there.py")
    assert there.exit_code == 2
    assert "left alone" in there.err
    with only_engine(folder):
        busy = command(folder)
    assert busy.exit_code == 1
    assert "being driven" in busy.err
    about = {"solve_with": written_runs.MODEL, "base_url": (server.base_url,), "price": ("1,5",)}
    alone = written_runs.write_run(tmp_path, [(read(CHEAP, "cheap"), "finalist")], has_finish=False, **about)
    few = command(alone)
    assert few.exit_code == 1
    assert "two at least" in few.err
