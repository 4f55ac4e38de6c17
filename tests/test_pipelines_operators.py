"""Operators on pipelines: what each changes, what it leaves alone, and what it must not make."""

import ast
import random
import re

import pytest
from support.tricky_pipelines import SOURCES, TRICKY, behaviours, design, job

from agentarch.proposers.anatomy import NotRecombinableError
from agentarch.proposers.pipelines.calls import estimate_calls
from agentarch.proposers.pipelines.edits import Material
from agentarch.proposers.pipelines.operators import OPERATORS
from agentarch.proposers.pipelines.reading import read_pipeline, texts_of
from agentarch.proposers.pipelines.settings import near_values
from agentarch.proposers.pipelines.variation import written
from agentarch.proposers.pipelines.wording import quoted_text, sentences

LIBRARY = tuple(
    Material(f"{number:012x}", name, read_pipeline(source))
    for number, (name, source) in enumerate(SOURCES.items())
)
BY_NAME = {one.name: one for one in LIBRARY}


CALLING = """HOT = 1.2
SETTINGS = {{}}


async def tell(model, prompt, **settings):
    return await model.ask(prompt, **settings)


async def other(model, prompt, **unused):
    return prompt


async def heated(model, prompt, **settings):
    return await model.ask(prompt, temperature=0.7, **settings)


async def warmed(model, prompt, temperature=0.7, **settings):
    return await model.ask(prompt, **settings)


class Expert:
    async def ask(self, model, prompt):
        return prompt


async def solve(question, model):
    return await {call}
"""


def edits(operator: str, parent: str, times: int = 30):
    """Return what an operator makes of a design, for several draws of chance."""
    made = [OPERATORS[operator](BY_NAME[parent], LIBRARY, random.Random(number)) for number in range(times)]
    return [edit for edit in made if edit is not None]


def temperatures(definition):
    """Return the temperature of each call that a definition makes to a model, as written; `**settings` apart."""
    calls = [one for one in ast.walk(definition.node) if isinstance(one, ast.Call)]
    asked = [one for one in calls if ast.unparse(one.func) in ("ask", "model.ask")]
    found = [{key.arg: ast.unparse(key.value) for key in call.keywords} for call in asked]
    return [settings.get("temperature", "None") for settings in found if None not in settings]


def without_temperatures(definition):
    copy = ast.parse(ast.unparse(definition.node))
    for call in ast.walk(copy):
        if isinstance(call, ast.Call):
            call.keywords = [one for one in call.keywords if one.arg != "temperature"]
    return ast.dump(copy)


@pytest.mark.parametrize("operator", OPERATORS)
def test_an_operator_makes_designs_that_read_well_and_tells_what_it_did(operator):
    came = set()
    for parent in LIBRARY:
        for number in range(4):
            try:
                edit = OPERATORS[operator](parent, LIBRARY, random.Random(number))
            except NotRecombinableError:
                continue
            if edit is None:
                continue
            source = written(edit.pipeline, "child", f"Made by {edit.account}.", [])
            assert source is not None
            came.add(design(source).id)
            assert edit.account
            assert "\n" not in edit.account
            assert set(edit.borrowed) <= set(LIBRARY)
    assert came


@pytest.mark.parametrize("operator", OPERATORS)
def test_an_operator_is_deterministic_in_chance(operator):
    first, second = (OPERATORS[operator](BY_NAME["split"], LIBRARY, random.Random(5)) for _ in range(2))
    assert first == second


def test_tuning_changes_one_setting_to_a_near_value():
    values = {
        re.search(r"SAMPLES = (\d+)|$", edit.pipeline.definitions[0].text)[1]
        for edit in edits("tune", "vote")
    }
    assert values == {"1", "2", "3", "4", "6"}
    texts = {"\n".join(one.text for one in edit.pipeline.definitions) for edit in edits("tune", "vote")}
    assert any("TEMPERATURE = 1.2  # of each" in text for text in texts)


def test_tempering_gives_calls_a_temperature_and_changes_nothing_else():
    single = everywhere = 0
    for parent in LIBRARY:
        before = [one for definition in parent.pipeline.definitions for one in temperatures(definition)]
        for edit in edits("temper", parent.name):
            after = [one for definition in edit.pipeline.definitions for one in temperatures(definition)]
            changes = [(old, new) for old, new in zip(before, after, strict=True) if old != new]
            assert {old for old, _ in changes} <= {"None", "1.0"}
            (new,) = {new for _, new in changes}
            assert new in {"None", "0.0", "0.5"}
            assert edit.account.startswith(
                "sampling at the model's own" if new == "None" else f"sampling at temperature {new} "
            )
            if edit.account.endswith("wherever it can be named and is not"):
                assert "None" not in after
                everywhere += 1
            else:
                assert len(changes) == 1
                single += 1
            pairs = zip(parent.pipeline.definitions, edit.pipeline.definitions, strict=True)
            assert all(without_temperatures(one) == without_temperatures(other) for one, other in pairs)
    assert single > len(LIBRARY)
    assert everywhere > len(LIBRARY)


@pytest.mark.parametrize(
    ("call", "tempered"),
    [
        ("model.ask(question)", "model.ask(question, temperature=0.0)"),
        ("model.ask(prompt=question, )", "model.ask(prompt=question, temperature=0.0, )"),
        (
            "model.ask(\n        question,  # as it is\n    )",
            "model.ask(\n        question, temperature=0.0,  # as it is\n    )",
        ),
        ('model.ask(f"{question} So?")', 'model.ask(f"{question} So?", temperature=0.0)'),
        ("model.ask(question, temperature=1)", "model.ask(question, temperature=0.0)"),
        ("tell(model, question)", "tell(model, question, temperature=0.0)"),
        ("model.ask(question, temperature=HOT)", None),  # a setting: `tune` moves it
        ("model.ask(question, **SETTINGS)", None),
        (
            "model.ask(*(one for one in [question]))",
            "model.ask(*(one for one in [question]), temperature=0.0)",
        ),
        ("model.ask(question, temperature=None)", "model.ask(question, temperature=0.0)"),
        ("model.ask(question, temperature=0.0)", "model.ask(question, temperature=None)"),
        ('model.ask((f"{question} " "So?"))', 'model.ask((f"{question} " "So?"), temperature=0.0)'),
        ("model.ask( ( (question) ) , n=1)", "model.ask( ( (question) ) , n=1, temperature=0.0)"),
        ("model.ask(question, n=(2))", "model.ask(question, n=(2), temperature=0.0)"),
        ("heated(model, question)", None),  # names one itself: it would be given twice
        ("warmed(model, question, 0.9)", None),
        ("Expert().ask(model, question)", None),  # another `ask` than a model's
        ("question.ask(model)", None),
        ("[tell(one) for tell in (len,) for one in question]", None),  # another `tell` than the file's
        ("model.ask()", None),
        ("model.ask(one for one in question)", None),
        ("other(model, question)", None),
        ('"".join(f"{await model.ask(question)}" for _ in range(2))', None),  # Python 3.11 misplaces it
    ],
)
def test_a_temperature_is_written_where_it_can_be_and_nowhere_else(call, tempered):
    source = CALLING.format(call=call)
    made = [
        edit
        for number in range(20)
        if (
            edit := OPERATORS["temper"](
                Material("0" * 12, "x", read_pipeline(source)), (), random.Random(number)
            )
        )
    ]
    texts = {edit.pipeline.by_name["solve"].text for edit in made}
    expected = read_pipeline(CALLING.format(call=tempered)).by_name["solve"].text if tempered else None
    assert (expected in texts) if expected else not texts


def test_near_values_stay_within_bounds():
    assert near_values("SAMPLES", 1) == (2,)
    assert near_values("SAMPLES", 16) == (8, 15)
    assert near_values("REPAIRS", 0) == (1,)
    assert near_values("CHUNK_WORDS", 150) == (100, 225)
    assert near_values("TEMPERATURE", 0.1) == (0.3,)
    assert near_values("TEMPERATURE", 1.6) == (1.4,)
    assert near_values("WEIGHT", 1.0) == (0.5, 1.5)
    assert near_values("ODD", float("inf")) == ()
    assert near_values("ODD", -3) == ()


def test_rewording_changes_a_prompt_by_a_sentence_that_some_design_says():
    known = {*sentences(one.pipeline for one in LIBRARY)}
    for edit in edits("reword", "split"):
        (prompt,) = texts_of(edit.pipeline.by_name["SPLIT"])
        lines = prompt.value.split("\n")
        assert "{question}" in lines
        assert {*lines} - {"{question}"} <= known


@pytest.mark.parametrize(
    "text", ["one", 'say "it"', "a\nb", 'a\n"b"', "a\n\\b", 'a\n"""b', "tab\there", "é\n\x00", ""]
)
def test_a_text_is_written_so_that_it_reads_back(text):
    assert (
        texts_of(read_pipeline(f"A = {quoted_text(text)}\n{TRICKY['single']}").by_name["A"])[0].value == text
    )


def test_rewiring_leaves_what_is_asked_and_answered_where_only_time_changes():
    jobs = []
    for parent in LIBRARY:
        for edit in edits("rewire", parent.name, 8):
            if edit.account.startswith("asking one by one") or edit.account.startswith("asking at once"):
                source = written(edit.pipeline, "child", "Made for a test.", [])
                jobs += [job(source, is_steady=True), job(SOURCES[parent.name], is_steady=True)]
    assert jobs
    done = behaviours(jobs)
    for after, before in zip(done[::2], done[1::2], strict=True):
        assert [one[:2] for one in after] == [one[:2] for one in before]


def test_independent_steps_can_be_asked_at_once():
    sources = [written(edit.pipeline, "x", "y", []) for edit in edits("rewire", "two-steps")]
    assert any(
        "first, second = await asyncio.gather(quick(question, model), slow(question, model))" in source
        and "import asyncio" in source
        for source in sources
    )


def test_a_step_never_comes_to_call_itself():
    for parent in LIBRARY:
        for edit in edits("rewire", parent.name, 10):
            for socket in edit.pipeline.sockets:
                callers = [one.name for one in edit.pipeline.definitions if socket in one.uses]
                assert all(caller not in edit.pipeline.reach(socket) for caller in callers)


def test_what_is_there_already_is_not_put_around_again():
    vote = Material("f" * 12, "vote-split", BY_NAME["split"].pipeline)
    assert OPERATORS["vote"](vote, LIBRARY, random.Random(0)) is None


@pytest.mark.parametrize(
    ("source", "least", "typical"),
    [
        (TRICKY["single"], 1, 1),
        (TRICKY["vote"], 3, 3),
        (TRICKY["split"], 1, 4),
        (TRICKY["two-steps"], 2, 3),
        (
            "N = 4\nasync def solve(question, model):\n    return (await model.ask(question, n=N * 2))[0]\n",
            8,
            8,
        ),
        (
            "async def solve(question, model):\n    for a in (1, 2):\n        for b in range(1, 7, 2):\n"
            "            await model.ask(question)\n    return ''\n",
            6,
            6,
        ),
        ("async def solve(question, model):\n    return await solve(question, model)\n", 0, 0),
    ],
)
def test_calls_are_estimated_from_loops_and_constants(source, least, typical):
    calls = estimate_calls(read_pipeline(source))
    assert (calls.least, calls.typical) == (least, typical)
