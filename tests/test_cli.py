"""The command line as people and scripts meet it: exit codes, one JSON object, names that are nearly right."""

import json
import shutil
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from support import scoring
from support.commands import TINY_FILE, command, finish, search, start
from support.designs import SOUND, network
from support.logs import evaluated
from support.processes import descendants, wait_until
from support.tiny import Tiny

from agentarch import __version__
from agentarch.config import make_config, parse_duration
from agentarch.errors import UsageError
from agentarch.task import TaskFailed

GRU = Path(__file__).parents[1] / "archive" / "networks" / "gru.py"
COMMANDS = (
    *("search", "resume", "status", "show", "review", "report", "test", "knockout"),
    *("route", "transfer"),
    *("evaluate", "tasks", "simulate", "doctor"),
)


@pytest.fixture
def design(tmp_path):
    """Return a function that writes a design's file and returns its path."""

    def write(source, name="design.py"):
        path = tmp_path / name
        path.write_bytes(source if isinstance(source, bytes) else source.encode())
        return path

    return write


def evaluate(design, *more):
    return ["evaluate", design, "--task", TINY_FILE, "--rung", 0, "--json", *more]


# Help and names.


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself_with_an_example(name, agentarch):
    said = agentarch(name, "--help")
    assert said.exit_code == 0
    assert f"agentarch {name}" in said.out
    assert "Example" in said.out


def test_help_lists_every_command_and_where_to_start(agentarch):
    said = agentarch("--help")
    assert said.exit_code == 0
    assert all(name in said.out for name in COMMANDS)
    assert "agentarch search" in said.out


def test_the_version_is_said(agentarch):
    assert agentarch("--version").out.strip() == f"agentarch {__version__}"


@pytest.mark.parametrize(
    ("arguments", "nearest"),
    [
        (["serch"], "search"),
        (["evalute", "x.py"], "evaluate"),
        (["search", "--evaluation", "3"], "--evaluations"),
        (["search", "--worker", "3"], "--workers"),
        (["search", "--tasks", "recal"], "recall"),
        (["search", "--tasks", "recall,parety"], "parity"),
        (["search", "--kind", "netwrk"], "network"),
        (["search", "--proposer", "evolv"], "evolve"),
        (["evaluate", GRU, "--task", "sries"], "series"),
        (["evaluate", "x.py", "--task", "recall", "--kind", "networks"], "network"),
        (["tasks", "--kind", "networks"], "network"),
    ],
    ids=lambda value: " ".join(Path(one).name for one in value) if isinstance(value, list) else value,
)
def test_a_name_that_is_nearly_right_is_exit_2_with_the_right_one(arguments, nearest, agentarch, tmp_path):
    said = agentarch(*arguments)
    assert said.exit_code == 2
    assert nearest in said.err
    assert "Traceback" not in said.err
    assert said.out == ""
    assert not list(tmp_path.iterdir())


def test_a_run_that_is_nearly_right_is_exit_2_with_the_right_one(agentarch, tmp_path, finished_run):
    shutil.copytree(finished_run.folder, tmp_path / "runs" / "monday")
    for name in ("status", "show", "resume"):
        said = agentarch(name, "mondey")
        assert said.exit_code == 2
        assert "'monday'" in said.err


def test_a_design_that_is_nearly_right_is_exit_2_with_the_right_one(agentarch, finished_run):
    said = agentarch("show", finished_run.folder, "gated_convlution")
    assert said.exit_code == 2
    assert "'gated_convolution'" in said.err


def test_a_rung_that_a_task_does_not_have_is_exit_2_with_those_it_has(agentarch, design):
    for rung in (3, -1):
        said = agentarch("evaluate", design(SOUND), "--task", TINY_FILE, "--rung", rung)
        assert said.exit_code == 2
        assert "rungs 0 to 2" in said.err


@pytest.mark.parametrize(
    "arguments",
    [
        ["status"],
        ["status", "nowhere"],
        ["show", "latest"],
        ["search", "--bogus"],
        ["search", "--evaluations", "many"],
        ["search", "--evaluations", "0"],
        ["search", "--workers", "-1"],
        ["search", "--seed", "-1"],
        ["search", "--memory-mib", "1"],
        ["search", "--tasks", ""],
        ["search", "--tasks", "recall,recall"],
        ["search", "--tasks", "missing.py"],
        ["search", "--proposer", "nobody"],
        ["search", "--config", "missing.toml"],
        ["evaluate"],
        ["evaluate", "missing.py", "--task", "recall"],
        ["evaluate", "missing.py", "--task", "recall", "--seed", "-1"],
        ["evaluate", ".", "--task", "recall"],
        ["nonsense"],
    ],
    ids=" ".join,
)
def test_bad_usage_is_exit_2_with_a_reason_and_one_object_for_a_script(arguments, agentarch, tmp_path):
    said = agentarch(*arguments, "--json")
    assert said.exit_code == 2
    assert said.err.strip()
    assert "Traceback" not in said.err
    assert said.json["exit_code"] == 2
    assert said.json["error"]
    assert not list(tmp_path.iterdir())


# Configuration.


def test_settings_come_from_a_file_and_flags_win(agentarch, tmp_path):
    lines = (
        f'tasks = ["{TINY_FILE}"]\nevaluations = 50\nworkers = 1\nproposer = "seeds"\nseed = 3\nrung = 1\n'
    )
    (tmp_path / "run.toml").write_text(lines)
    said = agentarch("search", "--config", "run.toml", "--json")
    assert said.exit_code == 2
    assert "unknown key in run.toml 'rung'" in said.err
    (tmp_path / "run.toml").write_text(lines.replace("rung = 1", ""))
    said = agentarch("search", "--config", "run.toml", "--evaluations", 2, "--run-dir", "run", "--json")
    assert said.exit_code == 0, said.err
    assert said.json["evaluations"] == 2
    status = agentarch("status", "run", "--json").json
    assert status["evaluation_limit"] == 2
    assert status["tasks"] == ["tiny"]
    with sqlite3.connect(tmp_path / "run" / "run.sqlite") as store:
        config = json.loads(store.execute("SELECT value FROM settings WHERE key = 'config'").fetchone()[0])
    assert (config["workers"], config["proposer"], config["seed"]) == (1, "seeds", 3)


@pytest.mark.parametrize(
    ("lines", "said_of_it"),
    [
        ("evalutions = 3", "did you mean 'evaluations'?"),
        ("evaluations = 'many'", "evaluations"),
        ("time = 'soon'", "write 90s, 30m, 8h or 1h30m"),
        ("workers = 0", "workers"),
        ("workers = 1.5", "workers"),
        ("tasks = 3", "tasks"),
        ("[search]\nevaluations = 3", "unknown key"),
        ("evaluations = ", "is not TOML"),
        (b"kind = '\xff'", "is not TOML"),
    ],
    ids=str,
)
def test_a_bad_configuration_names_what_is_wrong(lines, said_of_it, tmp_path):
    file = tmp_path / "run.toml"
    file.write_bytes(lines if isinstance(lines, bytes) else lines.encode())
    with pytest.raises(UsageError) as refusal:
        make_config({}, file)
    assert said_of_it in str(refusal.value)


@pytest.mark.parametrize("text", ["0", "-5", "soon", "5 parsecs", "nan", "inf", "1h-5m", "h", ""])
def test_a_time_that_is_none_is_refused(text):
    with pytest.raises(UsageError, match=r"^time: "):
        make_config({"time": text})


def test_a_time_that_is_none_is_exit_2(agentarch, tmp_path):
    said = agentarch("search", "--time", "soon")
    assert said.exit_code == 2
    assert "write 90s, 30m, 8h or 1h30m" in said.err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90s", 90),
        ("30m", 1800),
        ("8h", 28800),
        ("1h30m", 5400),
        ("1.5h", 5400),
        ("45", 45),
        (" 2M ", 120),
        (7, 7),
    ],
)
def test_times_are_read_as_people_write_them(text, seconds):
    assert parse_duration(text) == seconds


# evaluate.


def test_a_sound_design_is_scored_and_described(agentarch, design):
    said = agentarch(*evaluate(design(SOUND)), "--seed", 7)
    assert said.exit_code == 0, said.err
    got = said.json
    assert (got["outcome"], got["task"], got["rung"], got["seed"]) == ("scored", "tiny", 0, 7)
    assert got["interval"][0] <= got["score"] <= got["interval"][1]
    assert got["metrics"].keys() >= {"accuracy", "cross_entropy"}
    assert got["descriptors"].keys() == {"parameters", "mixing_range", "content_dependence"}
    assert got["parameters"] == got["descriptors"]["parameters"] > 100
    assert got["reason"] == ""
    assert all(got["cost"][key] > 0 for key in ("wall_seconds", "cpu_seconds", "peak_memory_bytes"))


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("def build(spec:\n", "does not parse: '(' was never closed on line 1"),
        ("", "lacks `build`"),
        ("import os\ndef build(spec): pass", "imports `os` on line 1"),
        ("x = '\0'\ndef build(spec): pass", "does not parse"),
        ("x = " + "-" * 50_000 + "1\ndef build(spec): pass", "does not parse"),
        ("#" * 100_001, "at most 100,000"),
    ],
    ids=lambda value: value[:20],
)
def test_a_design_that_reads_badly_is_refused_without_a_box(source, reason, agentarch, design):
    said = agentarch(*evaluate(design(source)))
    assert said.exit_code == 3
    assert said.json["outcome"] == "invalid"
    assert said.json["score"] is None
    assert reason in said.json["reason"]
    assert len(said.json["reason"].splitlines()) == 1
    assert said.json["cost"]["wall_seconds"] == 0


@pytest.mark.parametrize(
    ("source", "outcome", "reason"),
    [
        (network(build="import_('os')._exit(0)"), "invalid", "ended with exit code 0"),
        (network(build="while True: print('x' * 10**6)"), "output_limit", "printed more than"),
    ],
    ids=["exits", "prints"],
)
def test_a_design_that_fails_in_its_box_is_exit_3_with_its_outcome(
    source, outcome, reason, agentarch, design
):
    said = agentarch(*evaluate(design(source)), "--memory-mib", 700)
    assert said.exit_code == 3
    assert said.json["outcome"] == outcome
    assert reason in said.json["reason"].lower()
    assert said.json["score"] is None


def test_a_person_reads_the_outcome_in_one_line_without_control_characters(agentarch, design):
    source = network(build=r"raise ValueError('\x1b[31m[red]no[/red]\nsecond')")
    said = agentarch("evaluate", design(source), "--task", TINY_FILE, "--rung", 0)
    assert said.exit_code == 3
    first = said.out.splitlines()[0]
    assert first.startswith(
        "design.py on tiny, rung 0, seed 0: invalid: raised ValueError: [red]no[/red] second"
    )
    assert "\x1b" not in said.out


def test_a_design_file_that_is_not_utf_8_is_exit_2(agentarch, design):
    said = agentarch(*evaluate(design(b"# \xff\xfe\ndef build(spec): pass")))
    assert said.exit_code == 2
    assert "is not UTF-8" in said.json["error"]


@pytest.mark.parametrize(
    ("lines", "said_of_it"),
    [
        ("raise RuntimeError('no')", "does not load: RuntimeError: no"),
        ("x = 1", "must define exactly one task class"),
        ("class Half:\n    def grade(self, predictions, labels): ...", "it lacks"),
        ("def (", "does not load: SyntaxError"),
    ],
    ids=["raises", "no_task", "half_a_task", "does_not_parse"],
)
def test_a_task_file_that_is_none_is_exit_2(lines, said_of_it, agentarch, design, tmp_path):
    (tmp_path / "mine.py").write_text(lines)
    said = agentarch("evaluate", design(SOUND), "--task", "mine.py", "--json")
    assert said.exit_code == 2
    assert said_of_it in said.json["error"]
    assert "Traceback" not in said.err


class Faulty(Tiny):
    """The tiny task, whose code raises in one place."""

    def __init__(self, method):
        super().__init__()
        setattr(self, method, self.fail)

    def fail(self, *arguments):
        raise KeyError("mine")


@pytest.mark.parametrize("method", ["spec", "data", "grade"])
def test_a_task_whose_code_raises_is_named_and_no_designs_fault(method, executor):
    with pytest.raises(TaskFailed, match="the task 'tiny' raised KeyError: 'mine'"):
        scoring.evaluate(SOUND, executor, task=Faulty(method))


def test_a_task_whose_code_raises_is_exit_1(agentarch, design, tmp_path):
    raises = "def grade(self, predictions, labels):\n        raise KeyError('mine')"
    tiny = TINY_FILE.read_text().replace("def grade(self, predictions, labels):", raises)
    (tmp_path / "mine.py").write_text(tiny)
    said = agentarch("evaluate", design(SOUND), "--task", "mine.py", "--json")
    assert said.exit_code == 1
    assert "the task 'tiny' raised KeyError" in said.json["error"]
    assert "Traceback" not in said.err


# search, status, show, resume.


def test_a_search_says_what_came_of_it(finished_run):
    got = finished_run.said.json
    assert got["run_dir"] == str(finished_run.folder)
    assert got["evaluations"] == finished_run.evaluations == sum(got["outcomes"].values())
    assert got["designs"] >= got["elites"] >= 1
    assert 0 < got["coverage"] <= 1
    assert got["qd_score"] >= 0
    assert got["best"].keys() >= {"id", "name", "score", "interval"}
    assert got["best"]["interval"][0] <= got["best"]["score"] <= got["best"]["interval"][1]
    assert got["wall_seconds"] > 0
    assert got["candidate_seconds"] > 0


def test_status_says_the_same_numbers_as_the_search(finished_run, agentarch):
    said = agentarch("status", finished_run.folder, "--json")
    assert said.exit_code == 0
    assert said.json.items() >= finished_run.said.json.items()
    assert said.json["is_running"] is False
    assert said.json["stopped"] == "evaluations"


def test_status_loads_nothing_that_only_an_engine_needs(finished_run):
    heavy = ("agentarch.search.engine", "agentarch.models", "agentarch.proposers.operators", "torch")
    code = f"""
import sys
from agentarch.cli import main
try:
    main()
finally:
    print([name for name in {heavy} if name in sys.modules], file=sys.stderr)
"""
    done = subprocess.run(
        [sys.executable, "-c", code, "status", str(finished_run.folder), "--json"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout)["evaluations"] == finished_run.evaluations
    assert done.stderr.strip() == "[]"


def test_show_lists_the_elites_and_each_by_its_id(finished_run, agentarch):
    shown = agentarch("show", finished_run.folder, "--json").json
    assert len(shown["elites"]) == finished_run.said.json["elites"]
    best = shown["elites"][0]
    assert best["id"] == finished_run.said.json["best"]["id"]
    one = agentarch("show", finished_run.folder, best["id"][:8], "--json").json
    assert one["id"] == best["id"]
    assert "def build(spec)" in one["source"]
    assert isinstance(one["lineage"], list)
    assert len(one["evaluations"]) >= 2
    assert all(e["outcome"] == "scored" and e["score"] is not None for e in one["evaluations"])


def test_what_scripts_read_people_can_read_too(finished_run, agentarch):
    for arguments in (["status"], ["show"], ["show", finished_run.said.json["best"]["id"]]):
        said = agentarch(arguments[0], finished_run.folder, *arguments[1:])
        assert said.exit_code == 0
        assert (
            finished_run.said.json["best"]["id"][:8] in said.out
        )  # tables show as much of an id as a prefix needs
        assert "\x1b" not in said.out


def test_resuming_a_finished_run_does_nothing(finished_run, agentarch, tmp_path):
    shutil.copytree(finished_run.folder, tmp_path / "run")
    said = agentarch("resume", "run", "--json")
    assert said.exit_code == 0
    unchanged = (
        "evaluations",
        "outcomes",
        "designs",
        "elites",
        "coverage",
        "qd_score",
        "best",
        "candidate_seconds",
    )
    assert {key: said.json[key] for key in unchanged} == {
        key: finished_run.said.json[key] for key in unchanged
    }


def test_a_folder_that_holds_a_run_is_not_searched_into(finished_run, agentarch):
    said = agentarch(*search(finished_run.folder, 2))
    assert said.exit_code == 2
    assert f"agentarch resume {finished_run.folder}" in said.json["error"]


def test_a_folder_that_cannot_be_made_is_exit_2(agentarch, tmp_path):
    (tmp_path / "file").write_text("")
    said = agentarch(*search(tmp_path / "file" / "run", 2))
    assert said.exit_code == 2
    assert "cannot make the run directory" in said.json["error"]


def test_a_search_in_which_nothing_is_scored_is_exit_3(agentarch, tmp_path):
    hopeless = TINY_FILE.read_text().replace("200_000", "1")
    (tmp_path / "hopeless.py").write_text(hopeless)
    options = ["--evaluations", 2, "--seed", 1, "--proposer", "seeds", "--run-dir", "run", "--json"]
    said = agentarch("search", "--tasks", "hopeless.py", *options)
    assert said.exit_code == 3
    assert said.json["outcomes"] == {"invalid": 2}
    assert said.json["best"] is None
    assert agentarch("show", "run", "--json").json["elites"] == []
    assert agentarch("status", "run").exit_code == 0


def test_a_search_that_is_out_of_time_ends_and_says_so(agentarch, tmp_path):
    options = ["--time", "1s", "--seed", 1, "--workers", 1, "--run-dir", "run", "--json"]
    said = agentarch("search", "--tasks", TINY_FILE, *options)
    assert said.exit_code in (0, 3)
    assert said.json["stopped"] == "time"


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["ctrl_c", "sigterm"])
def test_an_interrupted_search_is_exit_130_and_goes_on_where_it_was(
    number, agentarch, tmp_path, nothing_left
):
    process = start(*search(tmp_path / "run", 8), folder=tmp_path)
    wait_until(lambda: len(evaluated(tmp_path / "run")) >= 2, "two evaluations are recorded")
    process.send_signal(number)
    said = finish(process)
    nothing_left()
    assert said.exit_code == 130
    assert said.json["stopped"] == "interrupted"
    assert "agentarch resume" in said.err
    assert "Traceback" not in said.err
    resumed = agentarch("resume", "run", "--json")
    assert resumed.exit_code == 0
    assert resumed.json["evaluations"] == 8


def test_a_search_that_is_interrupted_while_the_box_starts_is_exit_130_too(tmp_path, nothing_left):
    process = start(*search(tmp_path / "run", 2), folder=tmp_path)
    wait_until(lambda: descendants(process.pid), "the warm process loads")
    process.send_signal(signal.SIGINT)
    try:
        said = finish(process)
    finally:
        process.kill()
    nothing_left()
    assert said.exit_code == 130
    assert "Traceback" not in said.err


def test_an_interrupted_evaluate_leaves_no_process_and_is_exit_130(design, tmp_path, nothing_left):
    process = start(*evaluate(design(network(build="import_('time').sleep(1000)"))), folder=tmp_path)
    wait_until(lambda: len(descendants(process.pid)) >= 3, "the design runs")
    process.send_signal(signal.SIGINT)
    said = finish(process)
    nothing_left()
    assert said.exit_code == 130
    assert "Traceback" not in said.err


def test_a_second_engine_on_a_run_is_told_who_drives_it(agentarch, tmp_path, nothing_left):
    first = start(*search(tmp_path / "run", 200), folder=tmp_path)
    wait_until(lambda: evaluated(tmp_path / "run"), "the first engine works")
    second = agentarch("resume", "run", "--json")
    status = agentarch("status", "run", "--json").json
    first.send_signal(signal.SIGTERM)
    assert finish(first).exit_code == 130
    assert second.exit_code == 1
    assert f"driven by process {first.pid}" in second.json["error"]
    assert status["is_running"] is True
    nothing_left()


# tasks, doctor.


def test_tasks_are_listed_with_their_rungs(agentarch):
    listed = {task["name"]: task for task in agentarch("tasks", "--json").json["tasks"]}
    assert listed.keys() >= {"copy", "parity", "recall", "series"}
    assert all(len(task["rungs"]) >= 2 for task in listed.values())
    said = agentarch("tasks")
    assert said.exit_code == 0
    assert all(name in said.out for name in listed)


def test_the_doctor_tries_every_sandbox_and_leaves_nothing_behind(agentarch, nothing_left):
    left = {*Path("/").glob("agentarch*"), *Path("/tmp").glob("agentarch-self-test*")}
    said = agentarch("doctor", "--json")
    assert said.exit_code == 0, said.out
    assert {finding["name"] for finding in said.json["findings"]} >= {"python", "sqlite", "sandbox"}
    tiers = {tested["tier"]: tested for tested in said.json["sandboxes"]}
    assert tiers["jail"]["works"]
    assert all(wall["holds"] for wall in tiers["jail"]["walls"])
    assert tiers["docker"]["works"] or tiers["docker"]["mend"]
    nothing_left()
    assert {*Path("/").glob("agentarch*"), *Path("/tmp").glob("agentarch-self-test*")} <= left


def test_a_pipe_whose_reader_left_is_no_traceback(tmp_path):
    head = f"{' '.join(command('tasks', '--json'))} | head -c 1; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", head], cwd=tmp_path, capture_output=True, text=True)
    assert "Traceback" not in done.stderr
