from itertools import pairwise

import pytest

from agentarch.catalogue import find_tasks
from agentarch.errors import UsageError
from agentarch.suites import SUITES, find_suite


def test_suites_name_tasks_that_exist_and_none_twice():
    for suite in SUITES:
        assert set(suite.tasks) <= set(find_tasks(suite.kind))
        assert len(set(suite.tasks)) == len(suite.tasks)
        assert find_suite(suite.name, suite.kind) is suite


def test_each_suite_holds_those_before_it_and_the_last_has_every_task():
    networks = [suite for suite in SUITES if suite.kind == "network"]
    for smaller, larger in pairwise(networks):
        assert set(smaller.tasks) < set(larger.tasks)
    assert set(networks[-1].tasks) == set(find_tasks("network"))


def test_an_unknown_suite_is_refused_with_the_nearest_name():
    with pytest.raises(UsageError, match="did you mean 'standard'"):
        find_suite("standart", "network")
