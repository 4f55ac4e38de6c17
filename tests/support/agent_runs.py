"""Runs of agents with a scripted model, from real boxes to a real store."""

from __future__ import annotations

from pathlib import Path

from agentarch.broker import Broker
from agentarch.catalogue import seed_designs
from agentarch.config import RunConfig
from agentarch.design import Proposal, read_design
from agentarch.kinds.agent import AgentKind
from agentarch.proposers import make_proposer
from agentarch.search.engine import Engine
from agentarch.search.log import Log
from agentarch.search.session import TRACES, create_run, open_run
from support import riddles
from support.pipelines import Scripted, agent_executor

SEEDS = ("single_call", "chain_of_thought", "self_consistency", "debate", "best_of_n")


def agent_run(folder: Path, evaluations: int = 30, seeds: tuple[str, ...] = SEEDS, more: str = "") -> Path:
    """Make a run whose designs ask a scripted model, and let it come to its end; return its folder.

    Args:
        folder: of the run.
        evaluations: that it has.
        seeds: names of seed designs.
        more: source of one more.
    """
    config = RunConfig(
        kind="agent",
        tasks=(str(riddles.__file__),),
        proposer="seeds",
        evaluations=evaluations,
        workers=2,
        controls=False,
        seed=1,
    )
    create_run(config, folder)
    with open_run(folder) as run, agent_executor() as executor:
        assert isinstance(run.kind, AgentKind)
        run.kind.broker = Broker({"scripted": Scripted(riddles.reply)})
        run.kind.traces = folder / TRACES
        known = seed_designs(run.kind.contract)
        chosen = tuple(design for design in known if Path(design.name).stem in seeds)
        assert len(chosen) == len(seeds), [design.name for design in known]
        if more:
            chosen += (read_design(Proposal(more, "more"), run.kind.contract),)
        log = Log(run.store, run.state)
        engine = Engine(
            log, config, run.secret, run.kind, run.tasks, make_proposer("seeds"), chosen, executor
        )
        engine.run(lambda state: None, interval_seconds=0.05)
        run.kind.close()
    return folder
