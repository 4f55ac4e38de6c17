"""The first code in a design's process: loads the source and turns whatever goes wrong into one line.

Everything after the `exec` here may have been tampered with by the design, which is why a message sent from
here is a claim, checked by the engine and by the supervisor outside.
"""

import linecache
import sys
import traceback
import types
from collections.abc import Callable

from wire import Channel, HungUp

REASON_CHARACTERS = 400
FILE = "design.py"


class Refused(Exception):
    """The design broke its contract; the message tells its author how."""


def serve(channel: Channel, on_job: Callable[[], None]) -> None:
    """Read one job, run it, and report a fault if there is one; `on_job` is called between the two."""
    job, arrays = channel.receive()
    on_job()
    try:
        if job["kind"] == "network":
            import network as program
        else:
            raise Refused(f"this box cannot run designs of kind {job['kind']!r}")
        program.run(load(job["source"]), job, arrays, channel)
    except HungUp:
        return
    except BaseException as error:  # SystemExit and KeyboardInterrupt are the design's doing, too
        channel.send({"type": "fault", **report(error)})


def report(error: BaseException) -> dict:
    """Return the outcome and the reason of a design that raised."""
    return {"outcome": "out_of_memory" if _is_out_of_memory(error) else "invalid", "reason": _reason(error)}


def load(source: str) -> types.ModuleType:
    """Run a design's source; return the module that it makes."""
    module = types.ModuleType("design")
    module.__file__ = FILE
    sys.modules["design"] = module  # dataclasses look their module up
    linecache.cache[FILE] = (len(source), None, source.splitlines(keepends=True), FILE)
    exec(compile(source, FILE, "exec"), module.__dict__)
    return module


def _is_out_of_memory(error: BaseException) -> bool:
    return isinstance(error, MemoryError) or "can't allocate memory" in _message(error)


def _reason(error: BaseException) -> str:
    """Put an exception on one line: what was raised, and where in the design."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    if isinstance(error, Refused):
        text = str(error)
    else:
        name, message = type(error).__name__, " ".join(_message(error).split())
        text = f"raised {name}: {message}" if message else f"raised {name}"
        frames = [f for f in traceback.extract_tb(error.__traceback__) if f.filename == FILE]
        if frames:
            where = f" (line {frames[-1].lineno}, in {frames[-1].name}: {frames[-1].line})"
            text = text[: REASON_CHARACTERS - min(len(where), 200)] + where[:200]
    return text[:REASON_CHARACTERS]


def _message(error: BaseException) -> str:
    try:
        return str(error)
    except BaseException:  # an exception of the design's own may refuse
        return ""
