"""The model server in a process of its own, so that it takes no time of the engine it is measured beside."""

import contextlib
import dataclasses
import multiprocessing
from collections.abc import Callable, Iterator

from support.model_server import ModelServer, Request


class Apart:
    """A server in another process: its URL, and what it has counted."""

    def __init__(self, pipe) -> None:
        self._pipe = pipe
        self.base_url = pipe.recv()

    @property
    def count(self) -> dict:
        """What the server has counted so far, as plain values."""
        self._pipe.send("count")
        return self._pipe.recv()


@contextlib.contextmanager
def served_apart(reply: Callable[[Request], str], **settings) -> Iterator[Apart]:
    """Serve until the context ends; the arguments are those of `ModelServer`."""
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("fork").Process(
        target=_serve, args=(theirs, reply, settings), daemon=True
    )
    process.start()
    try:
        yield Apart(ours)
    finally:
        process.kill()
        process.join()


def _serve(pipe, reply, settings) -> None:
    with ModelServer(reply, **settings) as server:
        pipe.send(server.base_url)
        while pipe.recv() == "count":
            with server.lock:
                count = dataclasses.asdict(
                    dataclasses.replace(server.count, by_model={}, faults=dict(server.count.faults))
                )
            pipe.send(count)
