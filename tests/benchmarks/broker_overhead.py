"""What a call of a design takes beside its model: box, porter and broker, with a model that answers at once.

Two ways of asking: one call after another in one question, and many questions of a few calls. Beside it stands what a
question of one call takes, its process included.
"""

import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from support.pipelines import Scripted, agent_executor

from agentarch.broker import Allowance, Broker, BrokerDesk
from agentarch.execution import Executor, Interview
from agentarch.execution.contract import Limits

CALLS, QUESTIONS, CALLS_EACH = 2_000, 200, 10
MOST_MS = 2.0

ONE_BY_ONE = """
async def solve(question, model):
    for number in range(int(question)):
        said = await model.ask(f"call {number}")
    return said
"""
AT_ONCE = """
import asyncio

async def solve(question, model):
    said = await asyncio.gather(*(model.ask(f"call {number}") for number in range(int(question))))
    return said[-1]
"""


def milliseconds(executor: Executor, source: str, questions: int, calls: int) -> float:
    """Return the wall time of one call."""
    broker = Broker({"instant": Scripted(lambda prompt, sample: "yes", batch=64)})
    desk = BrokerDesk(broker, Allowance(calls, 10**9), "", (), [b"key"] * questions)
    asked = (str(calls),) * questions
    started = time.perf_counter()
    done = executor.interview(Interview(source, asked, (questions,), 8, 60.0, Limits(600.0), desk))
    seconds = time.perf_counter() - started
    broker.close()
    assert all(ending.answer == "yes" for ending in done.endings), done.endings[0]
    return 1000 * seconds / (questions * calls)


def main() -> int:
    """Print what was measured; return 1 when a call takes longer than it may."""
    with agent_executor() as executor:
        milliseconds(executor, ONE_BY_ONE, 1, 10)  # the first box is made ready while we wait
        found = {
            f"{CALLS} calls one after another": milliseconds(executor, ONE_BY_ONE, 1, CALLS),
            f"{QUESTIONS} questions of {CALLS_EACH} calls one after another": milliseconds(
                executor, ONE_BY_ONE, QUESTIONS, CALLS_EACH
            ),
            f"{QUESTIONS} questions of {CALLS_EACH} calls at once": milliseconds(
                executor, AT_ONCE, QUESTIONS, CALLS_EACH
            ),
        }
        alone = milliseconds(executor, ONE_BY_ONE, QUESTIONS, 1)
    for name, took in found.items():
        print(f"{name}: {took:.2f} ms a call")
    print(f"a question of one call, its process and its end included: {alone:.2f} ms")
    return int(found[f"{CALLS} calls one after another"] > MOST_MS)


if __name__ == "__main__":
    sys.exit(main())
