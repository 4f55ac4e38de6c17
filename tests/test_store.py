import sqlite3

import pytest

from agentarch.design import Design, Proposal
from agentarch.errors import UsageError
from agentarch.evaluation import Cost, Evaluation, Outcome, Request, Score
from agentarch.store import Store

LONG = 1000.0


@pytest.fixture
def store(tmp_path):
    opened = Store.create(tmp_path / "run", {"config": "{}"})
    yield opened
    opened.close()


def design(name: str = "a") -> Design:
    return Design(name, "network", name, f"# {name}\n", parents=("p",))


def requests(name: str = "a", tasks: str = "x") -> list[Request]:
    return [Request(name, task, 0, 0) for task in tasks]


def result(request: Request, value: float = 0.5) -> Evaluation:
    return Evaluation(request, Outcome.SCORED, score=Score(value, 0.4, 0.6, 10), cost=Cost(1.0, 0.9, 100))


def kinds(store: Store) -> list[str]:
    return [event.kind for event in store.events()]


def test_what_was_written_is_read_again_after_closing(tmp_path):
    store = Store.create(tmp_path / "run", {"config": "{}", "secret": "s"})
    store.add_design(design(), requests())
    lease = store.lease(LONG)
    assert lease is not None
    store.settle(lease, result(lease.request))
    before = list(store.events())
    store.close()
    again = Store.open(tmp_path / "run", check=True)
    assert list(again.events()) == before
    assert again.settings == {"config": "{}", "secret": "s"}
    assert [event.kind for event in before] == ["proposed", "queued", "leased", "evaluated"]
    assert [event.number for event in before] == [1, 2, 3, 4]
    again.close()


def test_a_folder_that_holds_a_run_is_not_overwritten(store):
    with pytest.raises(UsageError, match="holds a run already"):
        Store.create(store.file.parent, {})


def test_an_evaluation_exists_once(store):
    store.add_design(design(), requests(tasks="xy"))
    store.decide("begin", "it acts like none before", requests(tasks="xyz"))
    assert kinds(store).count("queued") == 3


def test_a_design_exists_once(store):
    store.add_design(design(), requests())
    with pytest.raises(sqlite3.IntegrityError):
        store.add_design(design(), requests())
    assert kinds(store).count("proposed") == 1


def test_work_is_leased_in_the_order_it_was_queued_and_to_one_worker_only(store):
    store.add_design(design(), requests(tasks="xy"))
    leases = [store.lease(LONG) for _ in range(3)]
    assert [lease.request.task for lease in leases if lease] == ["x", "y"]
    assert leases[2] is None


def test_a_lost_lease_is_taken_again_and_the_late_result_cannot_overwrite(store):
    store.add_design(design(), requests())
    slow = store.lease(-1.0)  # has run out at once
    quick = store.lease(LONG)
    assert slow is not None
    assert quick is not None
    assert (slow.number, slow.attempt, quick.number, quick.attempt) == (1, 1, 1, 2)
    assert store.settle(quick, result(quick.request, 0.7))
    assert not store.settle(slow, result(slow.request, 0.1))
    events = list(store.events())
    assert [e.kind for e in events[-2:]] == ["evaluated", "late"]
    assert events[-2].body["evaluation"]["score"]["value"] == 0.7


def test_a_result_is_settled_once(store):
    store.add_design(design(), requests())
    lease = store.lease(LONG)
    assert lease is not None
    assert store.settle(lease, result(lease.request))
    assert not store.settle(lease, result(lease.request))
    assert kinds(store).count("evaluated") == 1


def test_a_fault_of_ours_counts_as_an_attempt_and_a_stop_does_not(store):
    store.add_design(design(), requests())
    attempts = []
    for is_attempt in (True, False, False, True):
        lease = store.lease(LONG)
        assert lease is not None
        attempts.append(lease.attempt)
        store.release(lease, "why", is_attempt)
    assert attempts == [1, 2, 2, 2]


def test_what_a_dead_engine_had_leased_is_worked_on_again(store):
    store.add_design(design(), requests(tasks="xy"))
    dead = store.lease(LONG)
    assert store.release_all("it died") == 1
    assert dead is not None
    assert not store.settle(dead, result(dead.request))
    again = store.lease(LONG)
    assert again is not None
    assert again.number == dead.number


def test_a_refused_proposal_is_kept_with_its_reason(store):
    store.refuse(Proposal("source\0", name="bad"), "does not parse", duplicate_of=None)
    (event,) = store.events()
    assert event.body["reason"] == "does not parse"
    assert event.body["proposal"]["source"] == "source\0"


def test_a_reader_follows_the_log_while_it_is_written(store):
    reader = Store.open(store.file.parent)
    store.add_design(design(), requests())
    assert [event.kind for event in reader.events()] == ["proposed", "queued"]
    store.note("stopped", why="time")
    assert [event.kind for event in reader.events(after=2)] == ["stopped"]
    reader.close()
