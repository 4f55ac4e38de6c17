"""Machines that lack something: agentarch says what is missing, what still works, and never goes on in silence."""

import os
import subprocess
import sys

import pytest
from support import commands, lacking
from support.commands import TINY_FILE, Said
from support.designs import SOUND
from support.lacking import REFUSALS

STARTED_BEFORE = """
from agentarch.cli.sandboxes import started_executor
started_executor(SANDBOX, 1, used_before={BEFORE: 12}).close()
"""


def started_before(before: str, sandbox: str = "auto") -> list[str]:
    """Return a command line that chooses the sandbox for a run with scores of one tier."""
    told = STARTED_BEFORE.replace("SANDBOX", repr(sandbox)).replace("BEFORE", repr(before))
    return [sys.executable, "-c", told]


needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can take this away")


@pytest.fixture
def without(tmp_path):
    """Return a function that runs a command on a machine that lacks some things."""
    (tmp_path / "design.py").write_text(SOUND)

    def run(things: str, *arguments: object, program: list[str] | None = None, **environment: str) -> Said:
        line = program or commands.command(*arguments)
        done = subprocess.run(
            lacking.command(things, *line) if things else line,
            cwd=tmp_path,
            env=os.environ | environment,
            capture_output=True,
            text=True,
            check=False,
        )
        return Said(done.returncode, done.stdout, done.stderr)

    return run


EVALUATE = ("evaluate", "design.py", "--task", TINY_FILE, "--json")


def test_where_namespaces_are_refused_auto_takes_landlock_and_says_so(without):
    said = without("namespaces", *EVALUATE)
    assert said.exit_code == 0, said.err
    assert said.json["sandbox"] == "landlock"
    assert "landlock sandbox, which is weaker" in said.err
    assert "unshare: Operation not permitted" in said.err


def test_a_sandbox_that_is_asked_for_by_name_is_not_replaced(without):
    said = without("namespaces", *EVALUATE, "--sandbox", "jail")
    assert said.exit_code == 1
    assert "the warm process did not come up" in said.err
    assert "agentarch doctor" in said.err


@pytest.mark.parametrize("things", ["seccomp", "namespaces,landlock"])
def test_where_no_sandbox_works_nothing_is_run(things, without, tmp_path):
    said = without(things, *commands.search(tmp_path / "run", 3))
    assert said.exit_code == 1
    assert "no sandbox works here" in said.err
    assert "agentarch doctor" in said.err
    assert "--sandbox unsafe" in said.err
    status = without("", "status", tmp_path / "run", "--json").json
    assert status["evaluations"] == 0


@pytest.mark.parametrize("things", REFUSALS)
def test_the_doctor_says_which_sandbox_fails_why_and_how_to_mend_it(things, without):
    said = without(things, "doctor", "--json")
    tiers = {tested["tier"]: tested for tested in said.json["sandboxes"]}
    failing = {"namespaces": {"jail"}, "landlock": {"landlock"}, "seccomp": {"jail", "landlock"}}[things]
    assert {name for name in ("jail", "landlock") if not tiers[name]["works"]} == failing
    assert all(tiers[name]["reason"] and tiers[name]["mend"] for name in failing)
    assert said.exit_code == (1 if things == "seccomp" else 0)


def test_a_run_begun_in_the_jail_is_not_continued_elsewhere_by_itself(without):
    said = without("namespaces", program=started_before("jail"))
    assert said.exit_code != 0
    assert "this run's scores were made in jail" in said.err
    assert "--sandbox landlock" in said.err


def test_a_root_that_rules_no_users_gets_the_jail_of_an_ordinary_user(without):
    said = without("users", *EVALUATE)
    assert said.exit_code == 0, said.err
    assert said.json["sandbox"] == "jail"


def test_a_limit_of_no_user_namespaces_is_named_with_the_command_that_lifts_it(without):
    said = without("user_namespaces", "doctor", "--json")
    tiers = {tested["tier"]: tested for tested in said.json["sandboxes"]}
    assert not tiers["jail"]["works"]
    assert "sudo sysctl -w user.max_user_namespaces=10000" in tiers["jail"]["mend"], tiers["jail"]
    assert said.exit_code == 0, said.err


@needs_root
def test_where_a_supervisor_cannot_see_its_box_no_design_is_run(without):
    said = without("sight", "doctor", "--json")
    tiers = {tested["tier"]: tested for tested in said.json["sandboxes"]}
    assert not tiers["jail"]["works"]
    assert "it may be mounted with hidepid" in tiers["jail"]["reason"]
    assert "Mount /proc without hidepid" in tiers["jail"]["mend"]
    assert tiers["landlock"]["works"]  # there root stays root, and sees everybody


@needs_root
def test_a_full_temporary_directory_is_not_needed(without):
    said = without("space", *EVALUATE)
    assert said.exit_code == 0, said.err
    assert said.json["sandbox"] == "jail"


def test_a_run_begun_in_a_weaker_sandbox_is_told_how_to_go_on_in_it(without):
    said = without("", program=started_before("landlock"))
    assert said.exit_code != 0
    assert "this run's scores were made in landlock, and auto takes jail here now." in said.err
    assert "agentarch resume RUN --sandbox landlock; or" in said.err


def test_a_run_that_goes_on_in_another_sandbox_is_told_that_its_scores_keep_their_stamp(without):
    said = without("", program=started_before("unsafe", "jail"))
    assert said.exit_code == 0, said.err
    assert (
        "This run has scores from unsafe; they keep that stamp, and what is made now gets jail." in said.err
    )


@pytest.mark.parametrize("folder", ["/proc", "/nowhere"], ids=["read_only", "missing"])
def test_no_temporary_directory_is_needed(folder, without):
    said = without("", *EVALUATE, TMPDIR=folder)
    assert said.exit_code == 0, said.err
    assert said.json["sandbox"] == "jail"


def test_one_processor_is_enough(without):
    alone = [
        sys.executable,
        "-c",
        "import os, sys; os.sched_setaffinity(0, {0}); os.execv(sys.argv[1], sys.argv[1:])",
    ]
    said = without("", program=[*alone, *commands.command(*EVALUATE)])
    assert said.exit_code == 0, said.err


def test_the_unsafe_sandbox_is_loud_stamped_and_makes_no_elite(without, tmp_path):
    said = without("", *commands.search(tmp_path / "run", 6), "--sandbox", "unsafe")
    assert "THE SANDBOX IS UNSAFE" in said.err
    assert said.json["sandboxes"] == {"unsafe": 6}
    assert said.json["outcomes"]["scored"] > 0
    assert said.json["elites"] == 0
    assert said.json["best"] is None


def test_an_unknown_sandbox_is_refused_before_anything_is_made(without, tmp_path):
    said = without("", *commands.search(tmp_path / "run", 3), "--sandbox", "jial")
    assert said.exit_code == 2
    assert "did you mean 'jail'" in said.err
    assert not (tmp_path / "run").exists()


def test_no_typo_is_taken_to_mean_the_unsafe_sandbox(without):
    said = without("", *EVALUATE, "--sandbox", "unsaf")
    assert said.exit_code == 2
    assert "did you mean" not in said.err


def test_a_sandbox_that_is_not_there_says_how_to_start_the_run_later(without, tmp_path):
    said = without("namespaces", *commands.search(tmp_path / "run", 3), "--sandbox", "jail")
    assert said.exit_code == 1
    assert "once that is mended, start it with: agentarch resume" in said.err
