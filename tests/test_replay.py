import pytest
from benchmarks.replay import FILE, read, replay_all
from support.data import VARIABLE, data_file, data_folder

pytestmark = pytest.mark.skipif(
    not data_file(FILE).is_file(),
    reason=f"no {FILE} in {data_folder().name!r}; name its folder in {VARIABLE}",
)


def test_replaying_published_searches_our_selection_loses_less_than_the_highest_validation_median():
    found = replay_all(data_file(FILE))
    assert len(found) == 5
    assert sum(one.loss for one in found) < sum(one.highest_loss for one in found)
    assert all(one.loss <= one.highest_loss for one in found)


def test_replaying_published_searches_every_winner_that_is_claimed_is_better_on_test():
    found = replay_all(data_file(FILE))
    claimed = [one for one in found if one.claims]
    assert claimed
    assert all(one.test_difference > 0 for one in claimed)


def test_every_interval_that_is_used_holds_its_own_median():
    for row in read(data_file(FILE)):
        assert row.validation.low <= row.validation.value <= row.validation.high
