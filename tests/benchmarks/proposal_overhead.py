"""What a proposal costs the engine itself, all steps and checkpoints, with a model that answers at once.

Prints milliseconds a proposal, without the time that the model and the box take, and how much the last hundred take
compared with the first.

Usage: python proposal_overhead.py [PROPOSALS]
"""

import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from support import author
from support.proposing import drive, make_run
from support.served_apart import served_apart

from agentarch.search import session
from agentarch.search.authoring import studio

TARGET_MS, FLAT = 60.0, 0.2


def main() -> None:
    """Run a search until so many proposals have been accepted."""
    wanted = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    walls: dict[str, float] = {}
    taken = studio.drive

    def timed(graph, proposal, checkpoints):
        before = time.perf_counter()
        try:
            return taken(graph, proposal, checkpoints)
        finally:
            walls[proposal] = time.perf_counter() - before

    studio.drive = timed
    with tempfile.TemporaryDirectory() as folder, served_apart(author.write) as server:
        run_dir = Path(folder) / "run"
        make_run(run_dir, server.base_url, evaluations=100 * wanted, proposals_in_flight=1)
        drive(run_dir, lambda state: len(state.proposals) >= wanted)
        with session.open_run(run_dir) as run:
            waits = waits_of(run.store.events())
    own = [1000 * (walls[name] - waits[name]) for name in waits if name in walls]
    first, last = statistics.median(own[10:110]), statistics.median(own[-100:])
    print(
        f"{len(own)} proposals: {statistics.median(own):.1f} ms each (target {TARGET_MS:.0f}), "
        f"p95 {statistics.quantiles(own, n=20)[-1]:.1f} ms; last hundred to first hundred: {last / first:.2f}"
    )
    sys.exit(statistics.median(own) > TARGET_MS or last > (1 + FLAT) * first)


def waits_of(events) -> dict[str, float]:
    """Return how long each accepted proposal waited for the model and for the box, in seconds."""
    waits: dict[str, float] = {}
    asked: dict[int, str] = {}
    smoke: dict[str, tuple[str, float]] = {}
    accepted = set()
    for event in events:
        body = event.body
        if event.kind == "begun":
            waits[body["proposal"]] = 0.0
        elif event.kind == "asked":
            asked[event.number] = body["proposal"]
        elif event.kind == "answered":
            waits[asked[body["number"]]] += body["latency_seconds"]
        elif event.kind == "proposed" and body["of"]:
            smoke[body["design"]["id"]] = body["of"], event.at
        elif event.kind == "evaluated" and body["evaluation"]["request"]["design_id"] in smoke:
            proposal, since = smoke.pop(body["evaluation"]["request"]["design_id"])
            waits[proposal] += event.at - since
        elif event.kind == "accepted":
            accepted.add(body["proposal"])
    return {name: wait for name, wait in waits.items() if name in accepted}


if __name__ == "__main__":
    main()
