"""What a proposal costs the engine itself, all steps and checkpoints, with a model that answers at once.

Prints milliseconds a proposal, without the time that the model and the box take, and how much the last hundred take
compared with the first.

Usage: python proposal_overhead.py [PROPOSALS]
"""

import statistics
import sys
import tempfile
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from support import author
from support.killed_while_proposing import TableExecutor
from support.served_apart import served_apart

from agentarch.config import META, RunConfig
from agentarch.search import session
from agentarch.search.authoring import studio

TINY = Path(__file__).parent.parent / "support" / "tiny.py"
TARGET_MS = 60.0


def main() -> None:
    """Run a search until so many proposals have been accepted."""
    wanted = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    walls: dict[str, float] = {}
    drive = studio.drive

    def timed(graph, proposal, checkpoints):
        before = time.perf_counter()
        try:
            return drive(graph, proposal, checkpoints)
        finally:
            walls[proposal] = time.perf_counter() - before

    studio.drive = timed
    with tempfile.TemporaryDirectory() as folder, served_apart(author.write) as server:
        run_dir = Path(folder) / "run"
        config = RunConfig(
            tasks=(str(TINY),),
            evaluations=100 * wanted,
            seed=1,
            workers=1,
            controls=False,
            top_rung=1,
            proposer=META,
            model=("openai/scripted",),
            base_url=(server.base_url,),
            price=("1,5",),
            proposals_in_flight=1,
        )
        session.create_run(config, run_dir)
        with session.open_run(run_dir) as run:
            engine = session.make_engine(run, TableExecutor())

            def watch(state):
                if len(state.proposals) >= wanted:
                    threading.Thread(target=engine.stop, args=("enough",)).start()

            engine.run(watch, interval_seconds=0.002)
            waits = waits_of(run.store.events())
    own = [1000 * (walls[name] - waits[name]) for name in waits if name in walls]
    first, last = statistics.median(own[10:110]), statistics.median(own[-100:])
    print(
        f"{len(own)} proposals: {statistics.median(own):.1f} ms each (target {TARGET_MS:.0f}), "
        f"p95 {statistics.quantiles(own, n=20)[-1]:.1f} ms; last hundred to first hundred: {last / first:.2f}"
    )


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
