"""Every executor of ours keeps the promises that `agentarch.testing` lists."""

import pytest

from agentarch.execution import ExecutorUnavailable, LocalExecutor
from agentarch.execution.docker import DockerExecutor
from agentarch.testing import ExecutorConformance


@pytest.mark.slow
class TestJail(ExecutorConformance):
    def make_executor(self):
        return LocalExecutor("jail")


@pytest.mark.slow
class TestLandlock(ExecutorConformance):
    def make_executor(self):
        return LocalExecutor("landlock")


@pytest.mark.slow
class TestUnsafe(ExecutorConformance):
    contains = False

    def make_executor(self):
        return LocalExecutor("unsafe")


@pytest.mark.slow
class TestDocker(ExecutorConformance):
    def make_executor(self):
        executor = DockerExecutor()
        try:
            executor.start()
        except ExecutorUnavailable as error:
            pytest.skip(str(error))
        return executor


class Forgetful(LocalExecutor):
    """An executor that breaks one promise: it forgets how a box ended."""

    def run(self, job):
        from dataclasses import replace

        from agentarch.evaluation import Outcome

        return replace(super().run(job), outcome=Outcome.INVALID, reason="it failed")


class TestTheKitItself:
    def test_an_executor_that_breaks_a_promise_fails_its_test(self):
        class TestForgetful(ExecutorConformance):
            def make_executor(self):
                return Forgetful()

        with pytest.raises(AssertionError):
            TestForgetful().test_each_question_is_answered_in_the_dictated_shape_with_finite_floats()
        with pytest.raises(AssertionError):
            TestForgetful().test_a_design_that_floods_its_output_is_stopped()
