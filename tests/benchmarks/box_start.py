"""From the request of a box to the first line of its design, all walls up, beside a cold interpreter with torch."""

import statistics
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from support.processes import memory_of, waiting_boxes, warm_processes

from agentarch.execution import LocalExecutor
from agentarch.execution.contract import MIB
from agentarch.testing import small_job

RUNS, COLD_RUNS = 200, 7
P50_MS, P95_MS, RATIO = 40, 80, 25
WARM_MIB, READY_MIB = 350, 120
SOURCE = """
import time
print(time.monotonic(), flush=True)
import torch
from torch import nn

def build(spec):
    return nn.Sequential(nn.Embedding(spec.vocab_size, 8), nn.Linear(8, spec.n_outputs))
"""
COLD = "import time; start = time.monotonic(); import torch; print(time.monotonic())"


def boxes() -> tuple[list[float], list[float]]:
    """Run boxes one after the other; return milliseconds to the first line, and to the result."""
    executor = LocalExecutor("jail")
    executor.start()
    first_line, result = [], []
    try:
        for _ in range(RUNS):
            started = time.monotonic()
            came = executor.run(small_job(SOURCE))
            result.append(1000 * (time.monotonic() - started))
            assert came.outcome == "scored", came.reason
            first_line.append(1000 * (float(came.output.split()[0]) - started))
        _show_memory()
    finally:
        executor.close()
    return first_line, result


def _show_memory() -> None:
    time.sleep(0.5)  # until the boxes that are made ready are ready
    (warm,) = warm_processes()
    resident, _ = memory_of(warm)
    private = max(memory_of(pid)[1] for pid in waiting_boxes())
    print(
        f"warm process: {resident / MIB:.0f} MiB resident; a ready box: {private / MIB:.0f} MiB private at most"
    )
    assert resident < WARM_MIB * MIB
    assert private < READY_MIB * MIB


def cold() -> float:
    """Return the median milliseconds from starting an interpreter to having torch loaded."""
    times = []
    for _ in range(COLD_RUNS):
        started = time.monotonic()
        said = subprocess.run([sys.executable, "-c", COLD], check=True, capture_output=True, text=True).stdout
        times.append(1000 * (float(said) - started))
    return statistics.median(times)


def main() -> None:
    """Print the times and their ratio; exit with 1 when a target is missed."""
    first_line, result = boxes()
    p50, p95 = statistics.median(first_line), statistics.quantiles(first_line, n=20)[18]
    reference = cold()
    print(
        f"request to the design's first line: p50 {p50:.1f} ms, p95 {p95:.1f} ms; "
        f"to the result: p50 {statistics.median(result):.0f} ms; "
        f"cold interpreter with torch: {reference:.0f} ms; ratio {reference / p50:.0f}"
    )
    sys.exit(p50 > P50_MS or p95 > P95_MS or reference / p50 < RATIO)


if __name__ == "__main__":
    main()
