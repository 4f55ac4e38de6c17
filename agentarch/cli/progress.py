"""Progress of a running search: a live panel on a terminal, plain lines elsewhere, from the same state."""

from __future__ import annotations

import contextlib
import math
import shlex
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from rich.console import Console
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table

from agentarch.cli.output import duration_text, outcomes_text, plain
from agentarch.config import META, RunConfig
from agentarch.search.proposals import Stage
from agentarch.search.state import RunState
from agentarch.text import counted

LIVE_SECONDS = 0.5
PLAIN_SECONDS = 15.0

Watcher = Callable[[RunState], None]


@contextlib.contextmanager
def watcher(
    console: Console, config: RunConfig, folder: Path, paused_seconds: Callable[[], float]
) -> Iterator[Watcher]:
    """Yield a function to be called with the state now and then, which keeps the display up to date.

    Args:
        console: to show it on.
        config: of the run.
        folder: of the run, to say what to type.
        paused_seconds: how long it is until a provider that cannot be reached is tried again; 0 when none is.
    """
    pace = _Pace(config, folder, paused_seconds)
    if not console.is_terminal:
        yield _lines(console, pace)
        return
    with Live(console=console, auto_refresh=False, transient=True) as live:
        yield (
            lambda state: (
                live.update(_panel(state, pace), refresh=True) if pace.is_due(LIVE_SECONDS) else None
            )
        )


class _Pace:
    """Rate and time left, from what this session has done so far."""

    def __init__(self, config: RunConfig, folder: Path, paused_seconds: Callable[[], float]) -> None:
        self.config, self.folder, self.paused_seconds = config, folder, paused_seconds
        self._started = time.monotonic()
        self._at_start: tuple[int, float] | None = None
        self._looked = 0.0

    def is_due(self, seconds: float) -> bool:
        """Whether so long has passed since this last said yes."""
        now = time.monotonic()
        if now - self._looked < seconds:
            return False
        self._looked = now
        return True

    def read(self, state: RunState) -> tuple[float, float, float]:
        """Return evaluations a minute, share of the budget spent (0 to 1), seconds left (nan if unknown)."""
        done, before = self._at_start = self._at_start or (state.done, state.engine_seconds)
        elapsed = time.monotonic() - self._started
        rate = (state.done - done) / elapsed if elapsed > 0 else 0.0
        shares, left = [0.0], []
        if limit := self.config.evaluation_limit:
            shares.append(state.done / limit)
            if rate > 0:
                left.append(max(0, limit - state.done) / rate)
        if self.config.time is not None:
            shares.append(min(1.0, (before + elapsed) / self.config.time))
            left.append(max(0.0, self.config.time - before - elapsed))
        return 60 * rate, max(shares), min(left, default=float("nan"))


def _panel(state: RunState, pace: _Pace) -> Table:
    rate, share, left = pace.read(state)
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", justify="right")
    table.add_column()
    table.add_row("evaluations", _counts(state, pace))
    table.add_row("", ProgressBar(total=1.0, completed=share, width=48))
    table.add_row("outcomes", outcomes_text({o.value: n for o, n in sorted(state.outcomes.items())}))
    table.add_row("best so far", _best(state))
    table.add_row("archive", _archive(state))
    table.add_row("pace", f"{rate:.1f} a minute, {_left(left)}")
    if pace.config.proposer == META:
        table.add_row("proposals", _proposals(state, pace))
        table.add_row("models", _spent(state, pace))
    return table


def _lines(console: Console, pace: _Pace) -> Watcher:
    seen: tuple[int, int, bool] | None = None

    def report(state: RunState) -> None:
        nonlocal seen
        now = state.done, len(state.proposals.pending), pace.paused_seconds() > 0
        if now != seen and (pace.is_due(PLAIN_SECONDS) or state.stopped is not None):
            seen = now
            rate, _, left = pace.read(state)
            outcomes = outcomes_text({o.value: n for o, n in sorted(state.outcomes.items())})
            console.print(
                f"{_counts(state, pace)}; {outcomes}; best {_best(state)}; {_archive(state)}; "
                f"{rate:.1f} a minute, {_left(left)}",
                soft_wrap=True,
            )
            if pace.config.proposer == META:
                console.print(f"  {_proposals(state, pace)}; {_spent(state, pace)}", soft_wrap=True)

    return report


def _counts(state: RunState, pace: _Pace) -> str:
    limit = pace.config.evaluation_limit
    return f"{state.done}{f' of {limit}' if limit else ''} done, {len(state.running)} running"


def _proposals(state: RunState, pace: _Pace) -> str:
    """Return what is being written, and what a person is waited for."""
    counts = state.proposals.counts
    written = f"{counts[Stage.DRAFTING]} being written, {counts[Stage.CHECKING]} in their smoke runs"
    waiting = counts[Stage.PENDING_REVIEW]
    if not waiting:
        return written
    command = f"agentarch review {shlex.quote(str(pace.folder))}"
    waits = "waits" if waiting == 1 else "wait"
    return f"{written}, {counted(waiting, 'proposal')} {waits} for a review: {plain(command, 1000)}"


def _spent(state: RunState, pace: _Pace) -> str:
    """Return what models have cost so far, of what they may, and whether they cannot be reached."""
    ledger, config = state.ledger, pace.config
    tokens = ledger.total.input_tokens + ledger.total.output_tokens
    told = "price unknown" if ledger.total.unpriced else f"${ledger.total.dollars:.4f}"
    told += f" of ${config.max_usd:.2f}" if config.max_usd is not None else ""
    told += f", {tokens:,} of {config.max_tokens:,} tokens" if config.max_tokens is not None else ""
    told += f", {ledger.total.requests:,}"
    told += f" of {config.max_requests:,}" if config.max_requests is not None else ""
    told += " request" if ledger.total.requests == 1 and config.max_requests is None else " requests"
    seconds = pace.paused_seconds()
    if seconds > 0:
        told += f"; a provider cannot be reached: proposals wait, and it is tried again in {duration_text(seconds)}"
    return told


def _best(state: RunState) -> str:
    best = state.archive.best
    if best is None:
        return "none yet"
    score = best.score
    name = plain(best.design.name, 40)
    return f"{score.value:.3f} \\[{score.low:.3f}, {score.high:.3f}] {name} at rung {best.rung}"


def _archive(state: RunState) -> str:
    archive = state.archive
    return f"{len(archive.elites)} elites, coverage {archive.coverage:.1%}, {len(state.designs)} designs"


def _left(seconds: float) -> str:
    return "time left unknown" if math.isnan(seconds) else f"{duration_text(seconds)} left"
