"""A design that was put together does what its parts do when they are put together by hand."""

import pytest
from support.tricky_pipelines import SOURCES, TRICKY, behaviours, design, job

from agentarch.proposers.anatomy import NotRecombinableError
from agentarch.proposers.pipelines.composing import plug, promote
from agentarch.proposers.pipelines.reading import read_pipeline
from agentarch.proposers.pipelines.variation import written
from agentarch.proposers.pipelines.wrappers import WRAPPERS, shipped
from agentarch.proposers.pipelines.writing import write

PIPELINES = {name: read_pipeline(source) for name, source in SOURCES.items()}


def source_of(pipeline) -> str:
    source = written(pipeline, "composed", "Made for a test.", [("one", "0123456789ab")])
    assert source is not None, "it does not read back, or is too long"
    design(source)
    return source


def test_the_sockets_of_a_design_are_its_steps_from_question_to_answer():
    sockets = {name: PIPELINES[name].sockets for name in TRICKY}
    assert sockets == {
        "vote": ("think",),
        "split": ("answer",),
        "single": (),
        "two-steps": ("quick", "slow"),
        "shadows": ("answer",),
        "state": (),  # what is decorated does more than its body says
        "recursive": (),
        "flows": ("answer",),
    }


@pytest.mark.parametrize("outer", [name for name in SOURCES if PIPELINES[name].sockets])
def test_plugging_is_what_one_would_do_by_hand(outer):
    jobs = []
    for socket in PIPELINES[outer].sockets:
        for inner, source in SOURCES.items():
            made = source_of(plug(PIPELINES[outer], socket, PIPELINES[inner]))
            jobs += [job(made), job(SOURCES[outer], {socket: source})]
    done = behaviours(jobs)
    assert done[::2] == done[1::2]


@pytest.mark.parametrize("wrapper", [*WRAPPERS, "route"])
def test_wrapping_is_plugging_into_a_design_of_few_lines(wrapper):
    frame = shipped(wrapper)
    jobs = []
    for source in SOURCES.values():
        made, fills = frame, dict.fromkeys(frame.sockets, source)
        for socket in frame.sockets:
            made = plug(made, socket, read_pipeline(source))
        jobs += [job(source_of(made)), job(source_of(frame), fills)]
    done = behaviours(jobs)
    assert done[::2] == done[1::2]


def test_unplugging_leaves_a_single_call():
    direct = source_of(shipped("direct"))
    jobs = []
    for name, pipeline in PIPELINES.items():
        for socket in pipeline.sockets:
            made = source_of(plug(pipeline, socket, shipped("direct")))
            jobs += [job(made), job(SOURCES[name], {socket: direct})]
    done = behaviours(jobs)
    assert done[::2] == done[1::2]


def test_a_promoted_socket_does_what_it_did_inside():
    jobs = []
    for name, pipeline in PIPELINES.items():
        for socket in pipeline.sockets:
            jobs += [job(source_of(promote(pipeline, socket))), job(SOURCES[name], root=socket)]
    done = behaviours(jobs)
    assert done[::2] == done[1::2]


def test_plugs_within_plugs_do_what_one_would_do_by_hand():
    inner = plug(PIPELINES["flows"], "answer", PIPELINES["shadows"])
    jobs = [job(source_of(inner)), job(SOURCES["flows"], {"answer": SOURCES["shadows"]})]
    for name in ("vote", "shadows", "split"):
        (socket,) = PIPELINES[name].sockets
        by_hand = job(SOURCES[name], {socket: source_of(inner)})
        inner = plug(PIPELINES[name], socket, inner)
        jobs += [job(source_of(inner)), by_hand]
    done = behaviours(jobs)
    assert done[::2] == done[1::2]


def test_what_both_have_in_common_is_written_once_and_what_nobody_needs_is_left_out():
    made = plug(PIPELINES["split"], "answer", PIPELINES["vote"])
    names = [name for one in made.definitions for name in one.binds]
    assert names.count("final") == 1
    assert "final_2" not in names
    assert "STYLES" not in names
    again = plug(made, "think", PIPELINES["vote"])
    assert {"SAMPLES", "SAMPLES_2", "TEMPERATURE"} < {name for one in again.definitions for name in one.binds}
    assert "TEMPERATURE_2" not in again.names, "the first was needed by nobody else"


def test_comments_and_the_docstring_of_the_step_stay():
    source = source_of(plug(PIPELINES["split"], "answer", PIPELINES["vote"]))
    assert "TEMPERATURE = 1.0  # of each" in source
    assert "# What a voter does.\nasync def think" in source
    assert '"""Answer one part."""\n    answers = await asyncio.gather' in source


def test_writing_and_reading_leave_a_design_as_it_is():
    for name, source in SOURCES.items():
        pipeline = read_pipeline(source)
        again = read_pipeline(write(pipeline, "It.", "Made for a test."))
        assert [one.code for one in again.definitions] == [one.code for one in pipeline.definitions], name
        assert sorted(again.imports) == sorted(pipeline.imports)


UNCLEAR = {
    "it looks names up": "async def solve(question, model):\n    return await globals()['answer'](question, model)\n",
    "it does things while it loads": TRICKY["single"] + "print(solve)\n",
    "one name is defined twice": TRICKY["single"] + "def final(): pass\ndef final(): pass\n",
    "it imports everything": "from math import *\n" + TRICKY["single"],
    "it assigns to several names": "A, B = 1, 2\n" + TRICKY["single"],
    "a function defines a name": TRICKY["single"] + "def put():\n    global THERE\n    THERE = 1\n",
    "it changes a module": TRICKY["single"] + "def put():\n    re.X = 1\n",
    "it has no solve": "A = 1\n",
    "its solve is not awaited": "def solve(question, model): return ''\n",
    "it does not parse": "async def solve(\n",
    "it cannot be encoded": "A = '\ud800'\n",
    "it is nested too deeply": "A = " + "-" * 5_000 + "1\n",
    "it is empty": "",
    "it is too long": "A = 1\n" * 30_000,
}


@pytest.mark.parametrize("why", UNCLEAR)
def test_what_reading_cannot_follow_is_refused_softly(why):
    with pytest.raises(NotRecombinableError):
        read_pipeline(UNCLEAR[why])


def test_a_name_that_a_class_may_mean_itself_is_not_renamed():
    single = TRICKY["single"].replace("model.ask", "A and model.ask")
    inner = read_pipeline(f"COUNT = 2\n\n\nclass A:\n    COUNT = COUNT\n\n\n{single}")
    outer = read_pipeline("COUNT = 3\n" + TRICKY["split"].replace("[:MAX_PARTS]", "[:COUNT]"))
    with pytest.raises(NotRecombinableError, match="class"):
        plug(outer, "answer", inner)
