"""A provider that is down for half an hour: the run waits, loses nothing, scores nothing as zero, and goes on."""

import threading
import time

import pytest
from support import author
from support.model_server import ModelServer
from support.proposing import drive, make_run

from agentarch.clock import Clock
from agentarch.search import session
from agentarch.search.proposals import Stage

FASTER = 300
OUTAGE_SECONDS = 30 * 60


def fast_clock() -> Clock:
    """Return a clock by which an hour lasts twelve seconds."""
    return Clock(lambda: FASTER * time.monotonic(), lambda seconds, stop: stop.wait(seconds / FASTER))


class Outage:
    """The server answers until it has had some requests, then fails for half an hour by the clock, then answers."""

    def __init__(self, clock: Clock, after: int, kind: str) -> None:
        self.clock, self.after, self.kind = clock, after, kind
        self.lock, self.seen, self.failed, self.began = threading.Lock(), 0, 0, 0.0

    def fault_for(self, request) -> str | None:
        with self.lock:
            self.seen += 1
            if self.seen <= self.after:
                return None
            self.began = self.began or self.clock.monotonic()
            if self.clock.monotonic() - self.began > OUTAGE_SECONDS:
                return None
            self.failed += 1
            return self.kind


@pytest.mark.parametrize("kind", ["500", "reset", "429"])
def test_an_outage_of_half_an_hour_loses_no_proposal_and_scores_nothing_as_zero(tmp_path, kind):
    clock = fast_clock()
    outage = Outage(clock, 4, kind)
    with ModelServer(author.write, fault_for=outage.fault_for) as server:
        make_run(tmp_path / "run", server.base_url, evaluations=90, proposals_in_flight=4)
        assert drive(tmp_path / "run", clock=clock) == "evaluations"
    with session.open_run(tmp_path / "run") as run:
        state = run.state
        assert clock.monotonic() - outage.began > OUTAGE_SECONDS
        assert outage.failed > 0
        assert state.done == 90
        assert not state.proposals.live
        assert state.proposals.counts[Stage.FAILED] == 0
        assert state.proposals.counts[Stage.QUEUED] > 4  # more than those that were written before it
        assert all(e.score is not None for e in state.all_evaluations())
        assert state.ledger.total.requests == server.count.requests
        assert outage.failed < OUTAGE_SECONDS / 4, "an outage is waited out, and not asked to death"


def test_a_run_that_waits_for_a_provider_can_be_stopped_and_resumed(tmp_path):
    with ModelServer(author.write, fault_for=lambda request: "500") as server:
        make_run(tmp_path / "run", server.base_url, model_deadline=2.0)
        why = drive(tmp_path / "run", lambda state: state.ledger.total.failed >= 2)
        assert why == "enough"
        with session.open_run(tmp_path / "run") as run:
            live = set(run.state.proposals.live)
            assert live
    port = int(server.base_url.rsplit(":", 1)[1].split("/")[0])
    with ModelServer(author.write, port=port):
        assert drive(tmp_path / "run") == "evaluations"
    with session.open_run(tmp_path / "run") as run:
        assert not run.state.proposals.live
        assert live <= set(run.state.proposals)
