"""What `route` and `transfer` share: a run opened so that its designs can be asked more, and how far that is."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from agentarch.cli.output import ERR
from agentarch.cli.sandboxes import started_executor
from agentarch.config import ABOUT_SOLVERS, EMBEDDED, RunConfig, make_config
from agentarch.errors import AgentarchError, UsageError
from agentarch.execution import Executor
from agentarch.kinds.agent import AgentKind
from agentarch.models import BudgetSpent
from agentarch.models.pricing import parse_price
from agentarch.search.authoring.setup import split_url
from agentarch.search.session import TRACES, Run, only_engine, open_run
from agentarch.wording import duration_text

INTERRUPTED = 130


@dataclass(frozen=True)
class Opened:
    """A run whose designs are to be asked more.

    Attributes:
        run: with the settings that hold now.
        kind: of its designs; traces are kept with the run.
        executor: starts boxes when first called, and returns the same ones after that.
        workers: boxes at a time.
        tell: says how many sheets are there, of how many.
        own_models: that the run itself asked.
    """

    run: Run
    kind: AgentKind
    executor: Callable[[], Executor]
    workers: int
    tell: Callable[[int, int], None]
    own_models: tuple[str, ...]


@contextlib.contextmanager
def opened(
    folder: Path, what: str, changes: Mapping[str, Any], workers: int | None, sandbox: str | None
) -> Iterator[Opened]:
    """Open a run that nothing else drives.

    Args:
        folder: of the run.
        what: is being done, to be told.
        changes: settings that hold for this session; None for those that stay.
        workers: boxes at a time; None for those of the run.
        sandbox: another than that of the run.

    Raises:
        UsageError: the run is not over agents, or a setting makes no sense.
        agentarch.search.session.RunBusy: another process drives it.
        AgentarchError: a ceiling of the run was reached; the message says how to go on.
    """
    given = {key: value for key, value in changes.items() if value is not None}
    with only_engine(folder), open_run(folder, check=True) as run:
        kind = run.kind
        if not isinstance(kind, AgentKind):
            raise UsageError(
                f"the run is over {kind.name} designs, which answer no questions; this is for runs with --kind agent"
            )
        own_models = run.config.solve_with
        if given:
            run = replace(run, config=_changed(run.config, given))
        kind.traces = run.folder / TRACES
        boxes, executors = workers or run.config.workers, list[Executor]()

        def executor() -> Executor:
            if not executors:
                name = sandbox or run.config.sandbox
                executors.append(started_executor(name, ready_boxes=boxes, program=kind.program))
            return executors[0]

        with contextlib.ExitStack() as last:
            last.callback(kind.close)
            tell = last.enter_context(_telling(what))
            try:
                yield Opened(run, kind, executor, boxes, tell, own_models)
            except BudgetSpent as error:
                raise AgentarchError(
                    f"{error}. What was answered is kept; go on with the same command and a higher ceiling, e.g. "
                    "--max-usd"
                ) from None
            finally:
                for one in executors:
                    one.close()


def say_interrupted() -> int:
    """Say how to go on after Ctrl-C; return the exit code."""
    ERR.print("Interrupted; what was answered is kept. Go on with the same command.", soft_wrap=True)
    return INTERRUPTED


def refuse_to_replace(out: Path | None) -> None:
    """Make sure that the file named with --out, if one is, is not there yet.

    Raises:
        UsageError: it is.
    """
    if out is not None and out.exists():
        raise UsageError(f"{str(out)!r} exists and is left alone; name another file with --out, or remove it")


def interrupt() -> None:
    """Turn a signal into the exception that ends a command."""
    raise KeyboardInterrupt


def _changed(config: RunConfig, given: Mapping[str, Any]) -> RunConfig:
    """Return a run's settings with others of its models; what is said of models that are not asked now is dropped.

    Raises:
        UsageError: a setting makes no sense.
    """
    settings = config.model_dump(exclude={"suite"})
    if "solve_with" in given:
        asked = {name.strip() for name in given["solve_with"].split(",")}
        known = {"", *asked, *config.model, *config.role_model.values(), *config.fallback_model}
        settings["base_url"] = tuple(text for text in config.base_url if split_url(text)[0] in known)
        settings["price"] = tuple(text for text in config.price if parse_price(text)[0] in known)
        if asked == {EMBEDDED} and not config.model:
            for name in ABOUT_SOLVERS:
                settings[name] = RunConfig.model_fields[name].default
    return make_config({**settings, **given})


class Pace:
    """How far answering is, in words, and how long the rest takes if it goes on as it began."""

    def __init__(self, what: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._what, self._clock = what, clock
        self.counts = 0  # how many were begun
        self._first, self._last, self._all, self._started = 0, 0, 0, 0.0

    def told(self, done: int, all_: int) -> str:
        """Return how far it is; another number of sheets, or fewer than before, begin another count."""
        now = self._clock()
        if all_ != self._all or done < self._last or self._last == all_:
            self._first, self._started, self.counts = done, now, self.counts + 1
        self._last, self._all = done, all_
        said = f"{self._what}: {done} of {all_} sheets of questions answered"
        if not self._first < done < all_:
            return said
        left = (now - self._started) / (done - self._first) * (all_ - done)
        return f"{said}, about {duration_text(left)} left"


@contextlib.contextmanager
def _telling(what: str) -> Iterator[Callable[[int, int], None]]:
    """Yield what says how many sheets are there: on a terminal in one place, elsewhere a line for every tenth."""
    pace = Pace(what)
    if not ERR.is_terminal:
        said: set[tuple[int, int]] = set()

        def tell_in_lines(done: int, all_: int) -> None:
            told = pace.told(done, all_)
            tenth = (pace.counts, 10 * done // max(all_, 1))
            if tenth not in said:
                said.add(tenth)
                ERR.print(told, markup=False, soft_wrap=True)

        yield tell_in_lines
        return
    with ERR.status("") as status:
        yield lambda done, all_: status.update(pace.told(done, all_))
