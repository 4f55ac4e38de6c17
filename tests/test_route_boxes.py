"""What a router is worth is measured in boxes, kept, and written out as a design that chooses as the engine does."""

import json
from dataclasses import replace

import pytest
from support.pipelines import Quiz, agent_executor, kind_with
from support.routers import CHEAP, COUNTING, DEAR, agreeing, judged, planted, questions, right

from agentarch.design import Proposal, read_design
from agentarch.evaluation import Outcome, Request
from agentarch.execution import ExecutionStopped
from agentarch.kinds.agent import CONTRACT
from agentarch.search.answered import Sheets
from agentarch.search.routing.cascades import Cascade, with_cascades
from agentarch.search.routing.fitting import NothingToRoute, fit
from agentarch.search.routing.measuring import FITTED, HELD_OUT, measure, requests_for
from agentarch.search.routing.route import writable
from agentarch.search.routing.writing import NotWritable, write_router
from agentarch.traces import read_trace


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
    with agent_executor(ready_boxes=1) as executor:
        sheets = Sheets(tmp_path, kind, ("scripted",))
        with pytest.raises(Stopped):
            sheets.fill(pool, {"quiz": task}, requests, lambda: executor, 1, stop)
    first = {one.name for one in (tmp_path / "sheets").iterdir()}
    assert len(first) == 3
    with agent_executor(ready_boxes=1) as executor:
        with pytest.raises(ExecutionStopped):  # the kind was closed, too, so that nothing waits in it
            kind.evaluate(next(iter(pool.values())), task, requests[0], executor)
        asked.clear()
        kind = kind_with(count, traces=tmp_path / "traces")
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


def test_sheets_are_plain_json(routed):
    folder, *_ = routed
    for file in (folder / "sheets").iterdir():
        assert {"questions", "scores", "tokens"} <= json.loads(file.read_text()).keys()
