"""What prompt packs promise: files of a user's own, and mistakes found before a run begins."""

from dataclasses import replace

import pytest

from agentarch.content import content_folder
from agentarch.errors import UsageError
from agentarch.meta import load_pack
from agentarch.meta.checking import FULL
from agentarch.meta.views import CHANGING, STABLE

SHIPPED = load_pack(None, "network")
HEAD = '{#\nanswer = "file"\nparents = 0\nabout = "mine"\n#}\n'


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "operators").mkdir()
    return tmp_path


def fault(folder, **files):
    for name, text in files.items():
        (folder / (name.replace("__", "/") + ".jinja")).write_text(text)
    with pytest.raises(UsageError) as error:
        load_pack(folder, "network")
    assert "\n" not in str(error.value)
    return str(error.value)


def test_the_shipped_pack_has_the_operators_and_its_readme_names_every_variable():
    assert {name: (one.answer, one.parents) for name, one in SHIPPED.operators.items()} == {
        "refine": ("edits", 1),
        "rewrite": ("file", 1),
        "cross": ("file", 2),
        "invent": ("file", 0),
        "parametrize": ("template", 1),
    }
    readme = (content_folder("prompts") / "README.md").read_text()
    for variable in (
        *STABLE,
        *CHANGING,
        "operator",
        "draft",
        "findings",
        "answer",
        "error",
        "attempt",
        "form",
    ):
        assert f"`{variable}`" in readme


def test_a_user_s_file_takes_the_place_of_the_shipped_one_and_the_rest_stays(folder):
    (folder / "operators" / "refine.jinja").write_text(HEAD + "Mine: {{ target }}")
    (folder / "operators" / "dream.jinja").write_text(HEAD + "Dream.")
    (folder / "operators" / "cross.jinja").write_text("\n")
    pack = load_pack(folder, "network")
    assert sorted(pack.operators) == ["dream", "invent", "parametrize", "refine", "rewrite"]
    assert pack.operators["refine"].answer == "file"
    assert pack.propose(FULL, "refine", nonce="n").user.endswith("Mine: trainable parameters: at most 20k.")
    assert pack.propose(FULL, "rewrite", nonce="n") == SHIPPED.propose(FULL, "rewrite", nonce="n")


def test_a_folder_of_packs_may_be_given_too(folder):
    (folder / "network").mkdir()
    (folder / "network" / "system.jinja").write_text("Hello {{ kind }}")
    assert (
        load_pack(folder, "network").propose(FULL, "refine", nonce="n").system.startswith("Hello network\n")
    )


def test_the_hash_changes_with_every_text_and_name_and_with_nothing_else(folder):
    assert load_pack(None, "network").hash == SHIPPED.hash
    assert len(SHIPPED.hash) == 12
    hashes = {SHIPPED.hash}
    for name in ("a", "b"):
        for text in ("one", "two"):
            (folder / "operators" / f"{name}.jinja").write_text(HEAD + text)
            hashes.add(load_pack(folder, "network").hash)
            (folder / "operators" / f"{name}.jinja").unlink()
            (folder / "system.jinja").write_text(
                (content_folder("prompts") / "network/system.jinja").read_text()
            )
    assert len(hashes) == 5
    assert load_pack(folder, "network").hash == SHIPPED.hash


def test_an_unknown_variable_is_named_with_its_file_its_line_and_the_nearest_known_one(folder):
    said = fault(folder, operators__mine=HEAD + "one\n{{ lesons }}")
    assert "operators/mine.jinja, line 7: unknown variable 'lesons'; did you mean 'lessons'?" in said


def test_so_is_an_unknown_field_and_one_in_a_branch(folder):
    said = fault(folder, operators__mine=HEAD + "{% for one in elites %}\n{{ one.sorce }}{% endfor %}")
    assert "operators/mine.jinja, line 7" in said
    assert "unknown field 'sorce'; did you mean 'source'?" in said
    said = fault(folder, operators__mine=HEAD + "{% if 0 %}{{ parnets }}{% endif %}")
    assert "did you mean 'parents'?" in said


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{% if %}", "line 6"),
        ("{{ target", "line 6"),
        ("{% include 'pats.jinja' %}", "line 6: unknown template 'pats.jinja'; did you mean 'parts.jinja'?"),
        (
            "{% import 'pats.jinja' as p %}",
            "line 6: unknown template 'pats.jinja'; did you mean 'parts.jinja'?",
        ),
        ("{{ target | uper }}", "No filter named 'uper'"),
        ("\n{{ 1 / 0 }}", "line 7: ZeroDivisionError"),
        ("{{ target.__class__.__mro__ }}", "line 6"),
        ("{{ elites[0].score.value + 'x' }}", "line 6: TypeError"),
        ("{{ draft.source }}", "unknown variable 'draft'"),
        ("x " * 90_000, "takes about"),
        ("{% for n in range(3000) %}{{ target }}{% endfor %}", "takes about"),
        ("{% for n in range(10 ** 9) %}{% endfor %}", "Range too big"),
    ],
)
def test_a_template_that_fails_is_found_when_the_pack_is_loaded(folder, text, expected):
    assert expected in fault(folder, operators__mine=HEAD + text)


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        ("", "line 1: expected a comment"),
        ("{# answer = 'fille'\nparents = 0 #}", "line 1: unknown answer 'fille'; did you mean 'file'?"),
        ("{#\nanswer = 'file'\nparents = 3 #}", "line 3: expected parents = 0, 1 or 2, got 3"),
        ("{#\nanswer = 'file' #}", "got None"),
        ("{#\nanswer = 'edits'\nparents = 0 #}", "edits need a parent"),
        (
            "{#\nanswer = 'file'\nparents = 1\nabuot = 'x' #}",
            "line 4: unknown key 'abuot'; did you mean 'about'?",
        ),
        ("{#\nanswer = file #}", "is not TOML"),
        ("{#\nanswer = 'file'\nparents = true #}", "got True"),
    ],
)
def test_a_head_that_makes_no_sense_is_refused_with_its_line(folder, head, expected):
    said = fault(folder, operators__mine=head + "text")
    assert "operators/mine.jinja" in said
    assert expected in said


def test_what_changes_during_a_run_may_not_stand_in_the_system_prompt(folder):
    assert "unknown variable 'budget'" in fault(folder, system="{{ budget }}")


def test_a_misspelt_file_is_not_passed_over(folder):
    assert "did you mean 'system.jinja'?" in fault(folder, sytem="Hello")


def test_folders_and_files_that_cannot_be_used_are_named(folder, tmp_path):
    assert "no template" in fault(folder)
    with pytest.raises(UsageError, match="is not a folder"):
        load_pack(tmp_path / "missing", "network")
    with pytest.raises(UsageError, match=r"lacks system\.jinja"):
        load_pack(None, "poem")
    (folder / "system.jinja").write_bytes(b"line\nline \xff\n")
    with pytest.raises(UsageError, match=r"system\.jinja, line 2: is not UTF-8"):
        load_pack(folder, "network")


def test_a_pack_without_operators_is_refused(folder):
    for name in SHIPPED.operators:
        (folder / "operators" / f"{name}.jinja").write_text("")
    assert "has no operator" in fault(folder)


def test_a_user_s_template_cannot_show_a_design_outside_of_its_markers(folder):
    (folder / "operators" / "mine.jinja").write_text(
        '{#\nanswer = "file"\nparents = 1\n#}\n{{ parents[0].source | upper }}{{ parents[0].name | trim }}'
    )
    prompt = load_pack(folder, "network").propose(
        replace(FULL, parents=(replace(FULL.parents[0], source="# obey me", name="obey"),)), "mine", nonce="n"
    )
    body = prompt.user.split("\n\n", 1)[1]
    assert body.upper().startswith("<DATA-")
    assert body.upper().count("<DATA-") == body.upper().count("</DATA-") == 2


def test_an_unknown_operator_is_named_with_the_nearest():
    with pytest.raises(UsageError, match="did you mean 'refine'"):
        SHIPPED.propose(FULL, "refin", nonce="n")
