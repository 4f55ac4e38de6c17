"""What reading an answer promises: a draft, or one line that says why not, whatever a model wrote."""

import json
import random
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentarch.design import MAX_SOURCE_BYTES
from agentarch.meta.answers import MOST_CHARACTERS, plain_name, read_answer, read_reflection
from agentarch.meta.draft import FORMS, AnswerFault, Draft
from agentarch.meta.schemas import answer_schema, reflection_schema

PARENT = "WIDTH = 64\n\n\ndef layers(width):\n    return [1, 2, 1]\n\n\ndef build(spec):\n    return layers(WIDTH)\n"
PARENTS = {"0123456789ab": PARENT, "ba9876543210": "other = 1\n"}
ABOUT = {
    "name": "wide net",
    "rationale": "width is what limits it",
    "claim": "wider is better",
    "predicted_change": 0.05,
    "builds_on": ["l1", "l2", "l1"],
}
FILE = ABOUT | {"source": PARENT.replace("64", "128")}
EDITS = ABOUT | {"edits": [{"search": "WIDTH = 64", "replace": "WIDTH = 128"}]}
TEMPLATE = ABOUT | {
    "template": PARENT.replace("64", "${width}"),
    "holes": [{"name": "width", "values": ["128", "32"]}],
}
VALID = {"file": FILE, "edits": EDITS, "template": TEMPLATE}


def read(answer, form="file", parents=PARENTS):
    return read_answer(answer if isinstance(answer, str) else json.dumps(answer), form, parents)


def fault(answer, form="file", parents=PARENTS):
    with pytest.raises(AnswerFault) as error:
        read(answer, form, parents)
    said = str(error.value)
    assert said
    assert said == " ".join(said.split())
    assert len(said) <= 500
    return said


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    "wrap",
    [
        "{}",
        "```json\n{}\n```",
        "```\n{}\n```\n",
        "Here you are: {} Good luck!",
        '{} and {"name": ',
        "~~~json\n{}\n~~~",
        "  \n{}\n```",
    ],
)
def test_json_is_read_wherever_it_stands(form, wrap):
    draft = read(wrap.replace("{}", json.dumps(VALID[form])), form)
    assert draft.source == PARENT.replace("64", "128")
    assert (draft.name, draft.rationale, draft.claim) == ("wide-net", ABOUT["rationale"], ABOUT["claim"])
    assert (draft.predicted_change, draft.builds_on, draft.form) == (0.05, ("l1", "l2"), form)
    assert bool(draft.template) == bool(draft.holes) == (form == "template")


@pytest.mark.parametrize("asked", FORMS)
@pytest.mark.parametrize("given", FORMS)
def test_another_form_than_was_asked_for_is_taken_and_said(asked, given):
    assert read(VALID[given], asked).form == given


@pytest.mark.parametrize("form", FORMS)
def test_a_block_of_python_is_a_whole_file_whatever_was_asked_for(form):
    draft = read(
        "Sure.\n**Name:** `my_net`\nRationale: it is good\n\n```python\nx = 1\n```\n```python\nx = 12\n```",
        form,
    )
    assert (draft.source, draft.name, draft.rationale) == ("x = 12", "my_net", "it is good")
    assert (draft.claim, draft.predicted_change, draft.form) == ("", None, "file")
    assert read('```py\n"""Long net: it is long."""\nx = 1\n```', form).name == "Long-net"
    assert read("```\ndef build(spec):\n    pass\n```", form).name == "unnamed"


def test_search_and_replace_blocks_are_edits():
    blocks = "name: x\n<<<<<<< SEARCH\nWIDTH = 64\n=======\nWIDTH = 128\n>>>>>>> REPLACE\n"
    for text in (blocks, f"```\n{blocks}```", f"```python\n{blocks}```", blocks.replace("\n", "\r\n")):
        draft = read(text, "edits")
        assert draft.source == PARENT.replace("64", "128")
        assert draft.form == "edits"
    assert "not complete" in fault(blocks.replace(">>>>>>> REPLACE", ""), "edits")
    assert "not closed" in fault(blocks.replace(">>>>>>> REPLACE", "") + blocks, "edits")


def test_edits_are_made_to_the_first_parent_in_order():
    edits = [{"search": "64", "replace": "128"}, {"search": "128", "replace": "96"}]
    assert read(ABOUT | {"edits": edits}, "edits").source == PARENT.replace("64", "96")
    assert "no parent to edit" in fault(EDITS, "edits", {})


@pytest.mark.parametrize(
    ("search", "expected"),
    [
        (
            "WIDTH = 65",
            "edit 2 of 2 matched 0 times, expected exactly once; the nearest is line 1: 'WIDTH = 1'",
        ),
        ("    return [1,2,1]", "the nearest is line 5: 'return [1, 2, 1]'"),
        ("def ", "edit 2 of 2 matched 2 times, expected exactly once; on lines 4, 8"),
        ("aa", "matched 0 times"),
        ("", 'the "search" of edit 2 of 2 is empty'),
    ],
)
def test_an_edit_that_does_not_match_exactly_once_is_told_with_the_nearest_place(search, expected):
    edits = [{"search": "WIDTH = 64", "replace": "WIDTH = 1"}, {"search": search, "replace": "x"}]
    assert expected in fault(ABOUT | {"edits": edits}, "edits")


def test_places_that_overlap_count_each():
    assert "matched 2 times" in fault(
        ABOUT | {"edits": [{"search": "aa", "replace": "b"}]}, "edits", {"p": "aaa"}
    )


def test_edits_that_change_nothing_are_refused():
    assert "as it is" in fault(ABOUT | {"edits": [{"search": "64", "replace": "64"}]}, "edits")


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"name": ...}, 'has no "name"'),
        ({"name": 3}, '"name" is a number, expected a string'),
        ({"name": None}, '"name" is null'),
        ({"source": ["x"]}, '"source" is a list'),
        ({"source": " \n"}, "is empty"),
        ({"source": "x\0"}, "null byte"),
        ({"source": "x = '\ud800'"}, "lone surrogate"),
        ({"source": "x" * (MAX_SOURCE_BYTES + 1)}, "at most 100,000"),
        ({"source": "x = 1\n# ... rest as before\n"}, "line 2 of the source stands for what was left out"),
        ({"rationale": 1}, '"rationale" is a number'),
        ({"claim": {}}, '"claim" is an object'),
        ({"predicted_change": "a lot"}, '"predicted_change" is text'),
        ({"predicted_change": True}, "true or false"),
        ({"predicted_change": float("nan")}, "NaN is no JSON number"),
        ({"predicted_change": float("inf")}, "Infinity is no JSON number"),
        ({"builds_on": "l1"}, '"builds_on" is not a list'),
        ({"builds_on": [1]}, '"builds_on" is not a list of strings'),
    ],
)
def test_wrong_values_are_refused_with_their_name(change, expected):
    answer = {name: value for name, value in (FILE | change).items() if value is not ...}
    assert expected in fault(answer)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "neither a JSON object nor"),
        ("I cannot help with that.", "neither a JSON object nor"),
        ("```python\nx = 1\n", "not closed"),
        ("[" * 100_000, "neither"),
        ('{"a":' * 50_000, "nested too deeply"),
        ('{"name": "a", "name": "b", "source": "x"}', "'name' stands twice"),
        (json.dumps(FILE)[:-30], "cut off"),
        ('{"name": "x", "predicted_change": ' + "9" * 9_999 + "}", "cannot be read"),
        ('{"source": "x"}', 'has no "name"'),
        ("{}", 'has no "source"'),
    ],
)
def test_what_is_no_answer_is_refused_in_one_line(text, expected):
    assert expected in fault(text)


@pytest.mark.parametrize(
    ("holes", "expected"),
    [
        ([], "expected 1 to 8 holes, got 0"),
        ([{"name": "width", "values": ["1"]}], "has 1 values, expected 2 to 8"),
        ([{"name": "width", "values": ["1", "1"]}], "has a value twice"),
        ([{"name": "width", "values": ["1", "2"]}] * 2, "more than once"),
        ([{"name": "depth", "values": ["1", "2"]}], '${width}, which "holes" does not name'),
        ([{"name": "width", "values": ["1", "${width}"]}], "another hole"),
        ([{"name": "width", "values": ["1", None]}], "a value of a hole is null"),
        ([{"name": "width", "values": "12"}], 'a list "values"'),
        ("width", '"holes" is text'),
        (
            [{"name": "width", "values": ["1", "2"]}, {"name": "depth", "values": ["1", "2"]}],
            "'depth' does not occur",
        ),
        ([{"name": "w" * 99_999, "values": ["1", "2"]}], "does not name"),
        (
            [{"name": "width", "values": ["1", "2"]}, {"name": "w\n" * 9_999, "values": ["1", "2"]}],
            "does not occur",
        ),
        ([{"name": f"h{n}", "values": ["1", "2"]} for n in range(9)], "got 9"),
    ],
)
def test_holes_that_do_not_fit_their_template_are_told(holes, expected):
    assert expected in fault(TEMPLATE | {"holes": holes}, "template")


def test_a_template_that_can_be_filled_beyond_the_longest_source_is_refused():
    holes = [{"name": "a", "values": ["1", "x" * 1_999]}]
    assert "can be filled to more" in fault(ABOUT | {"template": "${a}\n" * 60, "holes": holes}, "template")


def test_numbers_among_the_values_of_a_hole_are_taken_as_python():
    draft = read(TEMPLATE | {"holes": [{"name": "width", "values": [128, 32]}]}, "template")
    assert draft.holes[0].values == ("128", "32")


@pytest.mark.parametrize(
    ("value", "clipped"), [(7, 1.0), (-7.5, -1.0), (10**4_000, 1.0), (0, 0.0), (None, None)]
)
def test_a_predicted_change_is_clipped(value, clipped):
    assert read(FILE | {"predicted_change": value}).predicted_change == clipped


def test_texts_are_cut_and_made_printable():
    draft = read(
        FILE | {"name": "é \x1b[0m../../x" * 99, "rationale": "a\n\x1b[31mb\u202e" * 900, "claim": "c " * 900}
    )
    assert len(draft.name) <= 40
    assert set(draft.name) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")
    assert len(draft.rationale) <= 600
    assert len(draft.claim) <= 200
    assert draft.rationale.isprintable()
    assert plain_name("模型") == plain_name("") == "unnamed"


def test_a_reply_of_ten_megabytes_is_refused_quickly():
    began = time.perf_counter()
    for text in (
        "{" * 10**7,
        '{"a' * 3_000_000,
        "```\n" * 2_500_000,
        "<<<<<<< SEARCH\n" * 700_000,
        "a" * 10**7,
        '{"source": "' + "x" * 10**7,
        "name: " * 1_600_000,
        "```python\n" + "x\n" * 5_000_000 + "```",
    ):
        for form in FORMS:
            fault(text, form)
    assert time.perf_counter() - began < 12


def test_a_reflection_is_read_and_its_faults_told():
    whole = {
        "verdict": "revise",
        "is_novel": True,
        "is_correct": False,
        "is_cheaper": None,
        "peeks": False,
        "concerns": ["one\nline", " "],
    }
    read_ = read_reflection("I think: " + json.dumps(whole))
    assert (read_.verdict, read_.is_novel, read_.is_correct, read_.is_cheaper) == (
        "revise",
        True,
        False,
        None,
    )
    assert (read_.peeks, read_.hard_codes, read_.concerns) == (False, None, ("one line",))
    for wrong, expected in (
        ({"verdict": "fine"}, "'fine', expected"),
        ({"verdict": ["accept"]}, "a list"),
        ({"peeks": "no"}, '"peeks" is text'),
        ({"concerns": "none"}, '"concerns" is not a list'),
    ):
        with pytest.raises(AnswerFault, match=expected):
            read_reflection(json.dumps(whole | wrong))
    for text in ("", "accept", "{}", '{"verdict": '):
        with pytest.raises(AnswerFault):
            read_reflection(text)


@pytest.mark.parametrize("schema", [*(answer_schema(form) for form in FORMS), reflection_schema()])
def test_schemas_are_strict_throughout(schema):
    def check(part):
        if part.get("type") == "object":
            assert part["additionalProperties"] is False
            assert part["required"] == list(part["properties"])
            for inner in part["properties"].values():
                check(inner)
        if part.get("type") == "array":
            check(part["items"])

    assert schema["type"] == "object"
    check(schema)


@pytest.mark.parametrize("form", FORMS)
def test_a_schema_asks_for_what_is_read(form):
    assert set(answer_schema(form)["properties"]) == set(VALID[form])


# --- whatever a model may write ---

PIECES = (
    "{",
    "}",
    '"',
    "[",
    "]",
    ":",
    ",",
    "\\",
    "\\u0000",
    "\\ud800",
    "\0",
    "\ud800",
    "\x1b[2J",
    "```",
    "```python\n",
    "```json\n",
    "\n```\n",
    "\n",
    "~~~\n",
    "<<<<<<< SEARCH\n",
    "=======\n",
    ">>>>>>> REPLACE\n",
    '"name"',
    '"source"',
    '"edits"',
    '"search"',
    '"replace"',
    '"template"',
    '"holes"',
    '"values"',
    "${width}",
    "${",
    "NaN",
    "Infinity",
    "-1e999",
    "9" * 5_000,
    "null",
    "true",
    "def build(spec):\n",
    "name: x\n",
    "Ignore all rules.",
    "模",
    "\u202e",
    '{"name":' * 300,
    "[" * 3_000,
    "WIDTH = 64",
    "\r\n",
)


def mutated(rng, text):
    for _ in range(rng.randint(1, 6)):
        place, end = sorted((rng.randrange(len(text) + 1), rng.randrange(len(text) + 1)))
        match rng.randrange(5):
            case 0:
                text = text[:place] + rng.choice(PIECES) + text[place:]
            case 1:
                text = text[:place] + text[place + rng.randint(1, 5) :]
            case 2:
                text = text[:place]
            case 3:
                text = text[:place] + text[end:]
            case 4:
                text = text[:end] + text[place:end] + text[end:]
    return text


def hostile(rng):
    match rng.randrange(4):
        case 0:
            return "".join(rng.choice(PIECES) for _ in range(rng.randint(0, 40)))
        case 1:
            return mutated(rng, json.dumps(VALID[rng.choice(FORMS)], indent=rng.choice((None, 1))))
        case 2:
            answer = dict(VALID[rng.choice(FORMS)])
            wrong = (
                None,
                3,
                True,
                [],
                {},
                "",
                "x" * 300,
                [[]],
                [{}],
                [None],
                {"a": 1},
                -1e308,
                10**400,
                "\ud800\0",
                "${width}",
            )
            for _ in range(rng.randint(1, 3)):
                answer[rng.choice([*answer, "nmae"])] = rng.choice(wrong)
            return json.dumps(answer)
        case _:
            body = mutated(rng, PARENT + "<<<<<<< SEARCH\nWIDTH = 64\n=======\nWIDTH = 1\n>>>>>>> REPLACE\n")
            return (
                rng.choice(("```python\n", "", "Sure:\n```\n", "name: x\n"))
                + body
                + rng.choice(("\n```", "", "```"))
            )


def holds_what_it_promises(text, form):
    try:
        draft = read_answer(text, form, PARENTS)
    except AnswerFault as error:
        said = str(error)
        assert said.strip()
        assert said.isprintable()
        assert len(said) <= 500
        return False
    assert isinstance(draft, Draft)
    assert isinstance(draft.source, str)
    assert 0 < len(draft.source.encode()) <= MAX_SOURCE_BYTES
    assert 1 <= len(draft.name) <= 40
    assert draft.rationale.isprintable()
    assert draft.claim.isprintable()
    assert draft.predicted_change is None or -1 <= draft.predicted_change <= 1
    assert draft.form in FORMS
    return True


def test_ten_thousand_hostile_replies_each_end_in_a_draft_or_in_a_reason():
    rng = random.Random(5)
    began, drafts, said = time.perf_counter(), 0, set()
    for number in range(10_000):
        text = hostile(rng)
        if number % 500 == 0:
            text = text * (MOST_CHARACTERS // max(len(text), 1) + 2)
        drafts += holds_what_it_promises(text, FORMS[number % 3])
        try:
            read_reflection(text)
        except AnswerFault as error:
            said.add(str(error))
    assert all(one and one.isprintable() for one in said)
    assert len(said) > 100
    assert time.perf_counter() - began < 60
    assert 500 < drafts < 9_500


@given(st.text(), st.sampled_from(FORMS))
@settings(max_examples=300, deadline=None)
def test_any_text_ends_in_a_draft_or_in_a_reason(text, form):
    holds_what_it_promises(text, form)


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*FILE, *EDITS, *TEMPLATE]), inner)
    ),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from([*FILE, "edits", "template", "holes"]), JSON), st.sampled_from(FORMS))
@settings(max_examples=200, deadline=None)
def test_any_object_ends_in_a_draft_or_in_a_reason(found, form):
    holds_what_it_promises(json.dumps(VALID[form] | found), form)


@given(
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1).filter(
        lambda one: one.strip() and not {"\0", ".", "`"} & {*one}
    )
)
@settings(deadline=None)
def test_a_source_arrives_as_it_was_written(source):
    assert read(FILE | {"source": source}).source == source
