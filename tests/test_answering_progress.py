"""How far `route` and `transfer` say they are, and how long the rest takes."""

import pytest

from agentarch.cli.asking import Pace


class Watch:
    """A clock that is set by hand."""

    seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def watch():
    return Watch()


def test_time_left_follows_from_what_was_answered_now_and_not_from_what_was_kept(watch):
    pace = Pace("route", watch)
    assert pace.told(10, 40) == "route: 10 of 40 sheets of questions answered"
    watch.seconds = 60
    assert pace.told(12, 40) == "route: 12 of 40 sheets of questions answered, about 14 min 0 s left"
    watch.seconds = 120
    assert pace.told(40, 40) == "route: 40 of 40 sheets of questions answered"


@pytest.mark.parametrize("before", [(4, 4), (3, 4), (40, 40), (6, 40)])
def test_the_next_count_begins_anew(watch, before):
    pace = Pace("transfer", watch)
    pace.told(0, before[1])
    watch.seconds = 600
    pace.told(*before)
    assert "left" not in pace.told(5, 40)
    watch.seconds = 620
    assert pace.told(7, 40).endswith("about 5 min 30 s left")
    assert pace.counts == 2
