"""Every call of an evaluation as it was made and answered, kept beside the store by the hash of what it holds."""

from __future__ import annotations

import gzip
import hashlib
import json
import zlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from agentarch.errors import AgentarchError
from agentarch.files import write_whole_bytes


class TraceLost(AgentarchError):
    """A trace is not where it was kept, or is not what was kept."""


@dataclass(frozen=True)
class CallRecord:
    """One call to a model.

    Attributes:
        number: from 1, in the order in which a question's calls were made.
        ask: number of the ask that it came of; samples of one ask share it.
        after: so many asks had been answered, and their answers read, when it was made.
        model: who was asked.
        prompt: the question to the model; hostile text.
        system: instructions that went before; hostile text.
        temperature: of sampling; None for the model's own.
        text: what the model wrote; hostile text.
        prompt_tokens: sent.
        output_tokens: written.
        seconds: from the call to its answer, the time it waited its turn included.
        dollars: at the given prices; None where they are not known.
        max_tokens: no answer was to be longer; None in traces that do not tell.
        told: place of its ask's answer among all that the question's design was sent, from 1; 0 for that of its ask.
    """

    number: int
    ask: int
    after: int
    model: str
    prompt: str
    system: str
    temperature: float | None
    text: str
    prompt_tokens: int
    output_tokens: int
    seconds: float
    dollars: float | None = None
    told: int = 0
    max_tokens: int | None = None

    @property
    def tokens(self) -> int:
        """Sent and written."""
        return self.prompt_tokens + self.output_tokens

    @property
    def place(self) -> int:
        """Place of its answer among those the design was sent: a call with `after` from there on may have read it."""
        return self.told or self.ask


@dataclass(frozen=True)
class Trace:
    """What was asked in an evaluation, what was answered, and every call in between.

    Attributes:
        questions: as the design was asked.
        answers: as it answered; empty where it failed.
        outcomes: how each question ended, e.g. `scored`.
        values: what each was graded.
        calls: of each question, in order.
        labels: what would have been right, as the task writes it.
    """

    questions: tuple[str, ...]
    answers: tuple[str, ...]
    outcomes: tuple[str, ...]
    values: tuple[float, ...]
    calls: tuple[tuple[CallRecord, ...], ...]
    labels: tuple[str, ...] = field(default_factory=tuple)


def write_trace(trace: Trace, folder: Path) -> str:
    """Write a trace into a folder; return the name it is found by, a hash of what it holds.

    Raises:
        OSError: the disk refuses.
    """
    data = json.dumps(asdict(trace), ensure_ascii=True, separators=(",", ":")).encode()
    name = hashlib.sha256(data).hexdigest()[:24]
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.json.gz"
    if not path.exists():
        write_whole_bytes(path, gzip.compress(data, 5, mtime=0))
    return name


def read_trace(name: str, folder: Path) -> Trace:
    """Read a trace.

    Raises:
        TraceLost: it is not there, or was changed.
    """
    path = folder / f"{name}.json.gz"
    try:
        data = gzip.decompress(path.read_bytes())
        if hashlib.sha256(data).hexdigest()[:24] != name:
            raise TraceLost(f"the trace {path} is not what was kept; evaluate the design again")
        kept = json.loads(data)
        return Trace(
            **{key: tuple(value) for key, value in kept.items() if key != "calls"},
            calls=tuple(_calls(one) for one in kept["calls"]),
        )
    except (OSError, EOFError, zlib.error, ValueError, KeyError, TypeError) as error:
        raise TraceLost(f"the trace {path} cannot be read ({error}); evaluate the design again") from None


def _calls(kept: Sequence[dict[str, object]]) -> tuple[CallRecord, ...]:
    return tuple(CallRecord(**one) for one in kept)  # type: ignore[arg-type]
