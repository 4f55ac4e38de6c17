"""How agents ask is shown wherever a design is: terminal, JSON, report; nothing changes for networks."""

import re
import shutil
import unicodedata

import html5lib
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.text import Text
from support.agent_runs import agent_run
from support.sample_report import sample_agent_report, sample_report
from support.traced import trace

from agentarch.cli.tracing import pipeline_lines
from agentarch.report import render_page
from agentarch.report.contract import PipelinePart
from agentarch.report.figures import pipeline_figure
from agentarch.traces import typical_account, typical_of

HOSTILE = (
    "</title></svg><script>alert(1)</script><img src=x onerror=alert(2)>[bold]{{7*7}}&amp;\x1b[31m\u202e\"'"
)
SCRIPT = re.compile(r"(?<=<script>)[^<]*(?:<(?!/script>)[^<]*)*(?=</script>)")


def parsed(page):
    return html5lib.parse(SCRIPT.sub("", page), namespaceHTMLElements=False)


def each(root, *tags):
    """Elements by tag, those of drawings included."""
    return [one for one in root.iter() if one.tag.rpartition("}")[2] in tags]


def tags(root):
    return {one.tag.rpartition("}")[2] for one in root.iter()}


def shown(element):
    return " ".join("".join(element.itertext()).split())


# The drawing.


def test_every_step_and_link_of_a_pipeline_is_drawn_once_and_the_worst_is_marked():
    (one, _) = sample_agent_report()["pipelines"]
    figure = pipeline_figure(PipelinePart.model_validate(one))
    drawn = parsed(str(figure.svg))
    kinds = [group.get("class") for group in each(drawn, "g")]
    assert kinds.count("link") == len(one["links"])
    assert kinds.count("step") + kinds.count("step worst") == len(one["steps"])
    worst = next(group for group in each(drawn, "g") if group.get("class") == "step worst")
    assert "Think step by step." in shown(worst)
    assert "wrong first: 40 (67%)" in shown(worst)
    assert "Think step by step. (2.0 calls, wrong first on 40)" in each(drawn, "svg")[0].get("aria-label")


TEXTS = st.text(max_size=60) | st.just(HOSTILE)
STEPS = st.lists(st.tuples(TEXTS, st.integers(0, 5), st.floats(0, 1), st.integers(0, 9)), max_size=20)


def pipeline(rows):
    steps = [
        {
            "number": n,
            "label": label,
            "prompt": label,
            "level": level,
            "share": share,
            "calls": 1.5,
            "tokens": 9e5,
        }
        | {"first_errors": errors, "first_error_share": 0.5, "right": None, "seconds": 1.0, "faults": {}}
        for n, (label, level, share, errors) in enumerate(sorted(rows, key=lambda row: row[1]), start=1)
    ]
    links = [{"start": a, "to": b, "share": 0.5} for a in range(len(rows) + 1) for b in range(len(rows) + 1)]
    return {"questions": 9, "wrong": 3, "is_checkable": True, "faults": {"never": 3}, "rare_calls": 0.0} | {
        "steps": steps,
        "links": links,
    }


@settings(deadline=None, max_examples=40)
@given(STEPS)
def test_no_text_of_a_design_becomes_markup_in_a_drawing(rows):
    figure = pipeline_figure(PipelinePart.model_validate(pipeline(rows)))
    assert (figure is None) == (not rows)
    if figure is not None:
        drawn = each(parsed(str(figure.svg)), "body")[0]
        assert tags(drawn) <= {"body", "svg", "g", "title", "rect", "text", "path"}
        assert not any(key.startswith("on") for one in drawn.iter() for key in one.attrib)


@settings(deadline=None, max_examples=40)
@given(STEPS)
def test_a_terminals_drawing_fits_80_columns_and_moves_no_cursor(rows):
    lines = [Text.from_markup(line).plain for line in pipeline_lines(pipeline(rows), 80)]
    assert all(len(line) <= 80 for line in lines)
    assert not any(unicodedata.category(character) in ("Cc", "Cf") for line in lines for character in line)
    assert sum("├─[" in line for line in lines) >= len(rows)


# The page.


def test_a_page_of_agents_speaks_of_questions_and_tokens_and_never_of_training():
    page = parsed(render_page(sample_agent_report() | {"tasks": []}))
    text = " ".join(shown(section) for section in page.iter("section"))
    assert "questions of the search" in text
    assert "Score against tokens" in text
    assert page.find(".//div[@data-figure='front-critical-path']") is not None
    for word in ("training", "parameters", "learning rate", "latency"):
        assert word not in text, word


def test_a_page_of_networks_has_no_pipelines_and_speaks_of_training():
    page = parsed(render_page(sample_report()))
    assert page.find(".//section[@id='pipelines']") is None
    text = " ".join(shown(section) for section in page.iter("section"))
    assert "training steps of the search" in text
    assert "own learning rate" in text
    assert page.find(".//div[@data-figure='front-latency']") is not None


def test_hostile_labels_and_prompts_are_shown_as_text():
    report = sample_agent_report()
    for one in report["pipelines"]:
        one["name"] = one["role"] = HOSTILE
        one["faults"] = {HOSTILE: 3}
        for step in one["steps"]:
            step["label"] = step["prompt"] = HOSTILE
    html = render_page(report)
    page, clean = parsed(html), parsed(render_page(sample_agent_report()))
    assert tags(page) == tags(clean)
    assert len(each(page, "script")) == len(each(clean, "script"))
    assert "\x1b" not in html
    assert "\u202e" not in html


# Of a real run, with a model that a test wrote.

TELLS_TERMINALS = """
async def solve(question, model):
    \"\"\"Ask in a way that would colour a terminal.\"\"\"
    said = await model.ask(question + "\\\\x1b[31m </script>[bold]Say it.")
    return await model.ask("Someone says " + said + ". " + question)
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    source = TELLS_TERMINALS.replace("\\\\x1b", "\\x1b")
    return agent_run(
        tmp_path_factory.mktemp("agents") / "run", seeds=("single_call", "best_of_n"), more=source
    )


def test_a_design_is_shown_with_its_pipeline(agentarch, run):
    told = agentarch("show", run, "best_of_n", "--json").json["pipeline"]
    assert [(step["level"], step["calls"]) for step in told["steps"]] == [(0, 5.0), (1, 5.0)]
    assert sum(told["faults"].values()) == told["wrong"] > 0
    said = agentarch("show", run, "best_of_n")
    assert "Is the answer …? Yes or no." in said.out
    assert "tokens" in said.out.splitlines()[3]
    assert "parameters" not in said.out.partition("How it asks")[0]


def test_one_question_is_shown_call_by_call(agentarch, run):
    told = agentarch("show", run, "best_of_n", "--trace", "0", "--json").json
    assert not told["is_right"]
    assert len(told["calls"]) == 10
    assert all(call["fed_by"] for call in told["calls"][5:])
    assert [call["number"] for call in told["calls"] if call["is_blamed"]] == [told["blame"]["call"]]
    said = agentarch("show", run, "best_of_n", "--trace", told["number"])
    assert said.out.count("▲ wrong first") == 1
    assert agentarch("show", run, "best_of_n", "--trace", "9999").exit_code == 2
    assert agentarch("show", run, "--trace", "1").exit_code == 2


def test_what_a_design_asks_cannot_colour_the_terminal(agentarch, run):
    said = agentarch("show", run, "more", "--trace", "1")
    assert said.exit_code == 0, said.err
    assert "\x1b" not in said.out
    assert "[bold]Say it." in said.out


def test_the_report_of_a_run_of_agents_draws_how_the_best_ask(agentarch, run, tmp_path):
    report = agentarch("report", run, "--output", tmp_path / "out.html", "--json").json
    page = parsed((tmp_path / "out.html").read_text())
    ids = [one.get("data-pipeline") for one in page.iter("details") if one.get("data-pipeline")]
    assert ids == [one["id"] for one in report["pipelines"]]
    assert ids
    assert len(each(page.find(".//section[@id='pipelines']"), "svg")) == len(ids)


def test_a_run_whose_traces_were_cleared_is_still_shown(agentarch, run, tmp_path):
    copy = shutil.copytree(run, tmp_path / "copy", ignore=shutil.ignore_patterns("traces"))
    assert agentarch("show", copy, "best_of_n", "--json").json["pipeline"] is None
    said = agentarch("show", copy, "best_of_n", "--trace", "1")
    assert said.exit_code == 2
    assert "no calls of best_of_n" in said.err


def test_a_network_has_no_trace(agentarch, finished_run):
    elite = agentarch("show", finished_run.folder, "--json").json["elites"][0]["id"]
    assert agentarch("show", finished_run.folder, elite, "--json").json["pipeline"] is None
    assert agentarch("show", finished_run.folder, elite, "--trace", "1").exit_code == 2


def test_a_typical_graph_as_json_has_plain_values_and_bounded_prompts():
    told = typical_account(typical_of([trace(solved=6, failed=2)]))
    assert all(len(step["prompt"]) <= 4000 for step in told["steps"])
    assert {link["start"] for link in told["links"]} >= {0}
