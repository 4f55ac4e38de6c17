"""Containers: the command line, the relay and the errors, with a stand-in that runs the container's program directly.

Against a container engine itself: `test_conformance.py`, where one answers.
"""

import os
import sys
from pathlib import Path

import pytest
from support.processes import below

from agentarch.evaluation import Outcome
from agentarch.execution import ExecutorUnavailable, Limits
from agentarch.execution.contract import GIB
from agentarch.execution.docker import DockerExecutor, image_name
from agentarch.testing import SOUND, ExecutorConformance, small_job

ALONE = Path(__file__).parent.parent / "sandbox" / "alone.py"
STAND_IN = f"""#!/bin/sh
echo "$@" >> "$0.log"
case "$1" in
    info|image) exit 0 ;;
    run) exec {sys.executable} -s -P {ALONE} ;;
    kill) exit 0 ;;
esac
"""


def program(folder: Path, text: str = STAND_IN) -> str:
    path = folder / "docker"
    path.write_text(text)
    path.chmod(0o755)
    return str(path)


@pytest.mark.slow
class TestStandIn(ExecutorConformance):
    contains = False  # a stand-in has no walls of its own

    # What a box decides and not the way to it is tested often enough; a container takes seconds to load torch.
    test_a_fault_of_the_design_is_invalid_with_one_line_that_says_what = None
    test_cost_is_measured_from_outside = None
    test_jobs_at_the_same_time_do_not_mix = None
    test_nothing_passes_from_one_design_to_the_next = None
    test_printed_text_comes_back_bounded_and_without_control_sequences = None
    test_a_design_that_eats_memory_is_out_of_memory = None

    @pytest.fixture(autouse=True)
    def _folder(self, tmp_path_factory):
        type(self)._stand_in = program(tmp_path_factory.mktemp("engine"))

    def make_executor(self):
        return DockerExecutor(self._stand_in)


def test_a_container_is_given_every_wall_its_engine_has(tmp_path):
    executor = DockerExecutor(program(tmp_path))
    line = " ".join(executor.arguments("one", Limits(10.0, memory_bytes=GIB)))
    for wall in (
        "--network none",
        "--read-only",
        "--cap-drop ALL",
        "--security-opt no-new-privileges",
        "--user 65534:65534",
        "--ipc none",
        "--pids-limit 64",
        f"--memory {GIB + 512 * 2**20}",
        "--pull never",
        "--rm",
    ):
        assert wall in line
    assert line.endswith(f"{image_name()} network")
    assert "--volume" not in line
    assert "--env" not in line


def test_no_container_is_left_when_the_executor_is_closed(tmp_path):
    executor = DockerExecutor(program(tmp_path))
    executor.start()
    before = below(os.getpid())
    assert executor.run(small_job(SOUND)).outcome is Outcome.SCORED
    executor.close()
    assert below(os.getpid()) <= before


def test_without_a_container_engine_it_says_so():
    with pytest.raises(ExecutorUnavailable, match="no container engine answers; tried /nowhere/docker"):
        DockerExecutor("/nowhere/docker").start()


def test_without_the_image_it_says_how_to_build_it(tmp_path):
    text = STAND_IN.replace("info|image) exit 0", "info) exit 0")
    with pytest.raises(ExecutorUnavailable, match=f"build it with: .*build -t {image_name()}"):
        DockerExecutor(program(tmp_path, text.replace("kill)", "image) exit 1 ;;\n    kill)"))).start()


def test_a_container_that_says_nothing_is_our_fault(tmp_path):
    for run in ("exit 125", "echo hello", "printf '\\\\377\\\\377\\\\377\\\\377\\\\377'"):
        executor = DockerExecutor(
            program(tmp_path, STAND_IN.replace(f"exec {sys.executable} -s -P {ALONE}", run))
        )
        result = executor.run(small_job(SOUND))
        executor.close()
        assert result.outcome is Outcome.INFRASTRUCTURE, run
