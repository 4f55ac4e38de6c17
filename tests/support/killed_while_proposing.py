"""Runs a small search with a language model, killed at one event after the other, and finished by another engine.

Usage: python killed_while_proposing.py FOLDER EVALUATIONS

A real server answers, and it counts. Prints one JSON object: for each kill, what the ledger says in the end, and
what the server counted. Everything is real but the box, which would take the time of the test.
"""

import contextlib
import dataclasses
import json
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import openai  # noqa: F401 - loaded once for all children

from agentarch.search import session
from agentarch.search.authoring import setup  # noqa: F401 - loaded once for all children
from agentarch.search.ledger import KILLED
from agentarch.store import Store
from support import author
from support.model_server import ModelServer
from support.proposing import drive, make_run

KINDS = (
    "begun",
    "asked",
    "answered",
    "drafted",
    "reflected",
    "proposed",
    "checked",
    "gated",
    "reviewed",
    "accepted",
    "faulted",
)
"""Each is what one step of a proposal writes down."""

ALSO_BEFORE = ("asked", "answered", "drafted", "accepted")


class KilledAtEvent(Store):
    """A store whose process is killed just before, or just after, the commit of one kind of event."""

    kind = ""
    is_after = False
    _written: tuple[str, ...] = ()

    def _append(self, kind, body):
        is_of_a_proposal = kind != "proposed" or body["of"] is not None
        self._written = (*self._written, kind) if is_of_a_proposal else self._written
        return super()._append(kind, body)

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        self._written = ()
        with super()._transaction():
            yield
            is_fatal = self.kind in self._written
            if is_fatal and not self.is_after:
                os.kill(os.getpid(), signal.SIGKILL)
        if is_fatal:
            os.kill(os.getpid(), signal.SIGKILL)


def in_a_child(folder: Path, kind: str, is_after: bool) -> bool:
    """Drive a run in a process of its own that is killed at an event; return whether it was."""
    child = os.fork()
    if child == 0:
        session.Store, KilledAtEvent.kind, KilledAtEvent.is_after = KilledAtEvent, kind, is_after
        try:
            drive(folder)
        except BaseException:
            sys.excepthook(*sys.exc_info())
            os._exit(1)
        os._exit(0)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert code in (0, -signal.SIGKILL), f"an engine ended with {code} when killed at {kind}"
    return code != 0


def written(request):
    """Answer: the first draft of every third proposal cannot be read."""
    if "refine" in request.prompt and request.number % 3 == 0 and "verdict" not in str(request.schema):
        return "I would rather not."
    return author.write(request)


def main() -> None:
    """Do it for every kind of event, before and after its commit."""
    top, evaluations = Path(sys.argv[1]), int(sys.argv[2])
    found = {}
    for kind in KINDS:
        for is_after in (False, True) if kind in ALSO_BEFORE else (True,):
            name = f"{kind}-{'after' if is_after else 'before'}"
            with ModelServer(written) as server:
                make_run(
                    top / name,
                    server.base_url,
                    evaluations=evaluations,
                    review="gate",
                    review_timeout=0.01,
                    on_timeout="approve",
                )
                was_killed = in_a_child(top / name, kind, is_after)
                assert not in_a_child(top / name, "", False)
                with session.open_run(top / name) as run:
                    ledger = run.state.ledger
                    found[name] = {
                        "was_killed": was_killed,
                        "requests": ledger.total.requests,
                        "input_tokens": ledger.total.input_tokens,
                        "output_tokens": ledger.total.output_tokens,
                        "open": len(ledger.open),
                        "killed_requests": sum(
                            event.kind == "answered" and event.body["outcome"] == KILLED
                            for event in run.store.events()
                        ),
                        "server": {
                            key: getattr(server.count, key)
                            for key in ("requests", "input_tokens", "output_tokens")
                        },
                        "stages": {one.id: one.stage.value for one in run.state.proposals.values()},
                        "evaluated": run.state.done,
                        "designs": sorted(run.state.proposals.of_design.values()),
                        "asked": sorted(
                            [record.id, dataclasses.asdict(tally)["requests"]]
                            for record in run.state.proposals.values()
                            if (tally := ledger.by_proposal.get(record.id)) is not None
                        ),
                    }
    print(json.dumps(found))


if __name__ == "__main__":
    main()
