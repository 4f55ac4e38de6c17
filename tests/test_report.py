"""The report: complete when a run is, good when parts are missing, unmoved by hostile text, equal to its JSON."""

import base64
import hashlib
import json
import math
import re
import shutil
from dataclasses import replace
from itertools import pairwise

import html5lib
import plotly.graph_objects as graph_objects
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.sample_report import sample_report

from agentarch.design import Proposal, read_design
from agentarch.differences import source_difference
from agentarch.evaluation import Score
from agentarch.report import read_report, render_page, report_data
from agentarch.report.contract import DesignPart
from agentarch.report.figures import niche_map, progress_figures
from agentarch.report.figures.front import pareto_front
from agentarch.search.session import open_run
from agentarch.store import Store

HOSTILE = (
    "</script></style></title><script>alert(1)</script><img src=x onerror=alert(2)>{{7*7}}&amp;\u2028'\""
)


SCRIPT = re.compile(r"(?<=<script>)[^<]*(?:<(?!/script>)[^<]*)*(?=</script>)")


def parsed(page):
    """The page as a browser reads it, less what its scripts say, which is megabytes."""
    return html5lib.parse(SCRIPT.sub("", page), namespaceHTMLElements=False)


def figures(page):
    return json.loads(parsed(page).find(".//script[@id='figures']").text)


def shown(element):
    return " ".join("".join(element.itertext()).split())


def numbers(element):
    """Every number that is shown inside an element, as the page's full values."""
    return [float(data.get("value")) for data in element.iter("data")]


def hostile(value):
    """The same report in which every text that a design or its proposer writes is hostile."""
    if isinstance(value, dict):
        free = ("name", "rationale", "operator", "proposer", "reason", "kind", "source", "diff", "sentence")
        free += ("claim", "example", "by", "edited_by", "best_name", "run_dir")
        kept = {key: hostile(one) for key, one in value.items()}
        return kept | {
            key: HOSTILE for key in (*free, "parent_name", "control") if isinstance(kept.get(key), str)
        }
    return [hostile(one) for one in value] if isinstance(value, list) else value


# What it shows.


def test_every_figure_is_one_that_plotly_accepts():
    drawn = figures(render_page(sample_report()))
    assert {
        "difference",
        "best-evaluations",
        "coverage-cost",
        "front-latency",
        "outcomes",
        "niches-0",
    } <= drawn.keys()
    for figure in drawn.values():
        graph_objects.Figure(figure["data"], figure["layout"])


def test_every_place_for_a_figure_has_one_and_every_figure_has_its_place():
    page = render_page(sample_report())
    places = [one.get("data-figure") for one in parsed(page).iter("div") if one.get("data-figure")]
    assert sorted(places) == sorted(figures(page))


def test_the_verdict_comes_first_and_says_what_was_beaten_by_how_much():
    report = sample_report()
    page = parsed(render_page(report))
    assert shown(page.find(".//section")).startswith(
        f"Verdict beat the control {report['verdict']['sentence']}"
    )
    assert "+0.084 [+0.031, +0.137], n = 72. The interval excludes zero." in shown(page.find(".//section"))


def test_a_run_that_beat_no_control_says_so_where_the_verdict_stands():
    report = sample_report()
    report["verdict"] |= {
        "sentence": "Nothing beat the control.",
        "beat_control": False,
        "winner": None,
        "difference": {"value": 0.01, "low": -0.02, "high": 0.04, "n": 72},
    }
    section = shown(parsed(render_page(report)).find(".//section"))
    assert section.startswith("Verdict nothing beat the control Nothing beat the control.")
    assert "The interval includes zero." in section


@pytest.mark.parametrize("missing", ["absent", "none", "empty"])
@pytest.mark.parametrize("part", [*sample_report(), "everything"])
def test_any_part_may_be_missing(part, missing):
    report = sample_report()
    for name in [part] if part in report else list(report):
        if missing == "absent":
            del report[name]
        else:
            report[name] = (
                None if missing == "none" or isinstance(report[name], float) else type(report[name])()
            )
    assert parsed(render_page(report)).find(".//section[@id='cost']") is not None


def test_a_page_of_nothing_says_of_every_part_that_it_is_missing():
    page = parsed(render_page({}))
    for part in ("niches", "progress", "front", "finalists", "outcomes", "trust", "decisions", "cost"):
        section = page.find(f".//section[@id='{part}']")
        assert [one.get("class") for one in section.iter("p")] == ["missing"], part
    assert "no verdict" in shown(page.find(".//section"))


def test_the_parts_of_a_finalist_may_be_missing():
    report = sample_report()
    report["finalists"] = [
        {"id": "0a1b2c3d4e5f"},
        {"id": "1b", "tasks": {"recall": None}, "test": {}, "swept": {}},
    ]
    report["designs"] = [{"id": "0a1b2c3d4e5f", "interval": [None, 0.3]}]
    report["progress"] = [{"arm": "search"}, {"arm": "new one", "best": 0.5}]
    assert "0a1b2c3d4e5f" in render_page(report)


def test_numbers_that_are_not_finite_are_shown_as_missing():
    report = sample_report()
    for design in report["designs"]:
        design["score"], design["interval"] = math.nan, [math.nan, math.inf]
        design["measures"]["calibration_error"] = -math.inf
    report["coverage"] = math.nan
    page = render_page(report)
    assert not re.search(r"\b(NaN|nan|inf|Infinity)\b", json.dumps(figures(page)))
    assert not any(one.get("value") in ("nan", "inf", "None") for one in parsed(page).iter("data"))


# Hostile text.


def test_hostile_text_is_shown_as_text_and_adds_no_markup():
    plain, attacked = parsed(render_page(sample_report())), parsed(render_page(hostile(sample_report())))
    wanted = ("script", "style", "img", "iframe", "link", "meta", "object", "form", "base")
    for tag in wanted:
        assert len(list(plain.iter(tag))) == len(list(attacked.iter(tag))), tag
    assert not [
        name
        for one in attacked.iter()
        if isinstance(one.tag, str)
        for name in one.attrib
        if name.startswith("on")
    ]
    assert shown(attacked.find(".//p[@class='sentence']")) == " ".join(HOSTILE.split())


def test_hostile_text_in_a_figure_can_neither_end_the_script_nor_become_plotlys_markup():
    page = render_page(hostile(sample_report()))
    block = re.search(r'<script type="application/json" id="figures">(.*?)</script>', page, re.DOTALL).group(
        1
    )
    assert not set("<>&\u2028\u2029") & set(block)
    told = [
        text
        for figure in json.loads(block).values()
        for trace in figure["data"]
        for row in trace.get("hovertext", [])
        for text in (row if isinstance(row, list) else [row])
    ]
    assert any("&lt;/script&gt;" in text for text in told)
    assert set(re.findall(r"<[^>]*>", "".join(told))) <= {"<b>", "</b>", "<br>"}


def test_source_and_difference_keep_every_visible_character():
    report = sample_report()
    source = f"x = 1 < 2 & 3  # {HOSTILE}\n\ndef build(spec):\n\treturn '\x1b[31mred\u202e'\n"
    report["finalists"][0] |= {"source": source, "diff": f"--- a\n+++ b\n@@ -1 +1 @@\n-{HOSTILE}\n+y"}
    blocks = ["".join(one.itertext()) for one in parsed(render_page(report)).iter("pre")]
    assert source.replace("\x1b[31m", "").replace("\u202e", "") in blocks
    assert f"@@ -1 +1 @@\n-{HOSTILE}\n+y\n" in blocks


@given(st.text(max_size=80), st.text(max_size=80))
def test_no_name_breaks_the_figures_of_a_page(name, proposer):
    report = read_report(
        {
            "axes": [{"name": "parameters", "low": 1, "high": 2, "bins": 1}],
            "designs": [
                {"id": "a", "name": name, "proposer": proposer, "score": 0.5, "niche": [0], "is_elite": True}
            ],
        }
    )
    (panel,) = niche_map(report.axes, report.designs).panels
    (text,) = [row[0] for trace in panel.traces for row in trace.get("hovertext", [])]
    assert set(re.findall(r"<[^>]*>", text)) <= {"<b>", "</b>", "<br>"}
    assert "\n" not in text


# Alone in the world.


def test_nothing_in_the_page_points_outside_it():
    page = parsed(render_page(sample_report()))
    for element in page.iter():
        for name in ("src", "srcset", "data", "action", "poster", "background", "xlink:href"):
            assert element.get(name) is None
        assert (element.get("href") or "#").startswith("#")
    assert not list(page.iter("link"))
    assert not any(re.search(r"@import|url\(", style.text) for style in page.iter("style"))


def test_every_link_leads_to_a_part_of_the_page():
    page = parsed(render_page(sample_report()))
    ids = [one.get("id") for one in page.iter() if one.get("id")]
    assert len(ids) == len(set(ids))
    assert {one.get("href")[1:] for one in page.iter("a")} <= set(ids)


def test_the_policy_lets_the_pages_own_scripts_run_and_nothing_be_loaded():
    page = render_page(sample_report())
    policy = parsed(page).find(".//meta[@http-equiv='Content-Security-Policy']").get("content")
    rules = dict(rule.split(" ", 1) for rule in policy.split("; "))
    assert rules["default-src"] == "'none'"
    assert rules["img-src"] == "data:"
    hashes = [
        base64.b64encode(hashlib.sha256(own.encode()).digest()).decode() for own in SCRIPT.findall(page)
    ]
    assert len(hashes) == 2
    assert rules["script-src"].split() == [f"'sha256-{one}'" for one in hashes]


# How figures are made.


@given(
    st.lists(
        st.tuples(st.integers(1, 6), st.integers(0, 6)).map(
            lambda one: (one[0], DesignPart(id="d", score=one[1] / 6))
        )
    )
)
def test_the_front_holds_a_design_for_whatever_cost_and_score_nobody_beats(designs):
    points = {(cost, design.score) for cost, design in designs}
    unbeaten = {
        one
        for one in points
        if not any(other != one and other[0] <= one[0] and other[1] >= one[1] for other in points)
    }
    front = [(cost, design.score) for cost, design in pareto_front(designs)]
    assert set(front) == unbeaten
    assert len(front) == len(unbeaten)


def test_the_line_of_best_scores_breaks_where_a_higher_rung_is_reached():
    points = [
        {"evaluations": 2, "best": 0.5, "interval": [0.4, 0.6], "rung": 1},
        {"evaluations": 5, "best": 0.6, "interval": [0.5, 0.7], "rung": 1},
        {"evaluations": 9, "best": 0.3, "interval": [0.2, 0.4], "rung": 2},
    ]
    best = progress_figures(read_report({"progress": points}).progress)[0]
    assert [trace["y"] for trace in best.traces if "hovertext" in trace] == [[0.5, 0.6, 0.6], [0.3, 0.3]]


@pytest.mark.parametrize("axes", [1, 2, 3, 4])
def test_the_niche_map_shows_every_elite_once_with_any_number_of_axes(axes):
    names = ("parameters", "reach", "content", "more")[:axes]
    report = read_report(
        {
            "axes": [{"name": name, "low": 0, "high": 1, "bins": 3} for name in names],
            "designs": [
                {"id": str(bin_), "score": bin_ / 4, "niche": [bin_] * axes, "is_elite": True}
                for bin_ in range(3)
            ],
        }
    )
    found = niche_map(report.axes, report.designs)
    texts = [text for panel in found.panels for text in panel.traces[2]["text"]]
    assert sorted(texts) == ["0.00", "0.25", "0.50"]
    assert any("more" in note for note in found.notes) is (axes == 4)


def test_a_difference_between_endless_sources_is_not_looked_for():
    assert source_difference("a\n" * 5000, "b\n" * 5000, "a", "b") is None
    assert source_difference("x = 1\n", "x = 2\n", "a", "b").splitlines()[-2:] == ["-x = 1", "+x = 2"]


# Of a real run.


@pytest.fixture
def run(finished_run, tmp_path):
    """A copy of a finished run that a test may write into."""
    return shutil.copytree(finished_run.folder, tmp_path / "run")


def test_the_report_of_a_run_is_a_file_in_its_folder(agentarch, run):
    said = agentarch("report", run)
    assert said.exit_code == 0, said.err
    assert str(run / "report.html") in said.out
    assert (run / "report.html").as_uri() in said.out
    page = parsed((run / "report.html").read_text())
    with open_run(run) as opened:
        names = {scored.design.name for scored in opened.state.all_scored()}
    rows = [one for one in page.iter("tr") if one.get("data-design")]
    assert {shown(row.find("th")) for row in rows} == names
    assert names


def test_the_numbers_of_the_page_are_those_of_json(agentarch, run, tmp_path):
    said = agentarch("report", run, "--output", tmp_path / "out.html", "--json")
    assert said.exit_code == 0, said.err
    report, page = said.json, parsed((tmp_path / "out.html").read_text())
    status = agentarch("status", run, "--json").json
    assert report["file"] == str(tmp_path / "out.html")
    assert not (run / "report.html").exists()
    for key in ("coverage", "qd_score"):
        assert report[key] == status[key]
        assert report[key] in numbers(page.find(".//section[@id='verdict']"))
    assert report["cost"]["evaluations"] == status["evaluations"]
    assert report["outcomes"]["by_class"] == status["outcomes"]
    rows = {one.get("data-design"): numbers(one) for one in page.iter("tr") if one.get("data-design")}
    assert rows == {
        design["id"]: [
            design["score"],
            *design["interval"],
            design["n"],
            design["rung"],
            design["parameters"],
            *([design["latency_seconds"]] if design["latency_seconds"] is not None else []),
            *design["measures"].values(),
        ]
        for design in report["designs"]
    }
    told = {one.get("data-finalist"): numbers(one) for one in page.iter("tr") if one.get("data-finalist")}
    assert told == {
        one["id"]: [
            one["score"],
            *one["interval"],
            *(task[key] for task in one["tasks"].values() for key in ("value", "low", "high")),
            one["n"],
        ]
        for one in report["finalists"]
    }
    panels = [
        figure for name, figure in figures((tmp_path / "out.html").read_text()).items() if "niches" in name
    ]
    drawn = [z for panel in panels for row in panel["data"][1]["z"] for z in row if z is not None]
    assert sorted(drawn) == sorted(design["score"] for design in report["designs"] if design["is_elite"])


def test_progress_ends_where_the_run_stands_and_only_changes_are_points(run):
    with open_run(run) as opened:
        data, state = report_data(opened), opened.state
    arms = {"search", "random"}
    assert {point["arm"] for point in data["progress"]} == arms
    for arm in arms:
        points, found = [one for one in data["progress"] if one["arm"] == arm], state.arms[arm]
        assert points[-1]["best"] == found.archive.best.score.value
        assert points[-1]["coverage"] == found.archive.coverage
        told = [str((one["best"], one["interval"], one["rung"], one["coverage"])) for one in points[:-1]]
        assert all(one != other for one, other in pairwise(told))
        assert [one["evaluations"] for one in points] == sorted({one["evaluations"] for one in points})


def test_a_leader_is_shown_with_its_ancestors_and_what_changed_from_its_parent(run):
    with open_run(run) as opened:
        parent = opened.state.archive.best.design
        rest = {"rationale": "wider is better", "operator": "swap", "parents": (parent.id,)}
        child = read_design(Proposal(parent.source + "\nWIDTH = 96\n", "child", **rest), opened.kind.contract)
        ranked = [e for e in opened.state.evaluations(parent.id) if e.request.rung > 0]
        opened.store.add_design(child, [replace(e.request, design_id=child.id) for e in ranked])
        for evaluation in ranked:
            lease = opened.store.lease(60)
            better = replace(evaluation, request=lease.request, score=Score(0.99, 0.98, 1.0, 24))
            assert opened.store.settle(lease, better)
    with open_run(run) as opened:
        leader = report_data(opened)["finalists"][0]
    assert (leader["id"], leader["role"], leader["rationale"]) == (child.id, "leader", "wider is better")
    assert leader["parent_name"] == parent.name
    assert [one["id"] for one in leader["lineage"]] == [parent.id]
    assert [line for line in leader["diff"].splitlines()[2:] if line.startswith(("+", "-"))] == [
        "+",
        "+WIDTH = 96",
    ]


def test_decisions_are_what_the_log_gives_a_reason_for(run):
    with open_run(run) as opened:
        opened.store.refuse(Proposal("x", "twin\x1b[31m"), "the same design as gru")
    with open_run(run) as opened:
        found = report_data(opened)["decisions"]
    assert found[-1]["kind"] == "refused"
    assert found[-1]["reason"] == "twin: the same design as gru"
    assert {"number", "kind", "reason"} == set(found[0])
    assert "stopped" in {one["kind"] for one in found}


# The file it writes.


def test_an_older_report_is_replaced_and_nothing_else_is(agentarch, run, tmp_path):
    assert agentarch("report", run).exit_code == 0
    first = (run / "report.html").stat().st_ino
    assert agentarch("report", run).exit_code == 0
    assert (run / "report.html").stat().st_ino != first
    thesis = tmp_path / "thesis.html"
    thesis.write_text("three years of work")
    for place in (thesis, tmp_path, run / "run.sqlite"):
        said = agentarch("report", run, "--output", place)
        assert said.exit_code == 2
        assert "--output" in said.err
    assert thesis.read_text() == "three years of work"
    Store.open(run, check=True).close()


def test_a_report_that_cannot_be_written_is_exit_1_and_leaves_nothing(agentarch, run, tmp_path):
    said = agentarch("report", run, "--output", tmp_path / "no" / "where" / "report.html", "--json")
    assert said.exit_code == 1
    assert "cannot write" in said.json["error"]
    assert not list(tmp_path.glob("**/.*html*"))
