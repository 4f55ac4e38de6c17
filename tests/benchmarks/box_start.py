"""What a box costs on top of the training inside it, beside a cold interpreter with torch."""

import statistics
import subprocess
import sys
import time

import numpy as np

from agentarch.execution import Job, Limits, LocalExecutor, Question

RUNS, COLD_RUNS = 60, 5
TARGET_RATIO = 25
SOURCE = """
import torch
from torch import nn

def build(spec):
    return nn.Sequential(nn.Embedding(8, 8), nn.Linear(8, 8))
"""
COLD = """
import torch
from torch import nn
net = nn.Sequential(nn.Embedding(8, 8), nn.Linear(8, 8))
optimiser = torch.optim.AdamW(net.parameters(), fused=True)
for _ in range(2):
    loss = net(torch.zeros(4, 6, dtype=torch.int64)).sum()
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()
"""


def job() -> Job:
    """Return a job that trains two steps on four short sequences."""
    spec = {
        "kind": "tokens",
        "input_shape": (6,),
        "vocab_size": 8,
        "n_outputs": 8,
        "output": "per_position",
        "causal": True,
        "max_parameters": 1000,
    }
    recipe = {
        "steps": 2,
        "batch_size": 4,
        "learning_rate": 1e-3,
        "weight_decay": 0.0,
        "betas": (0.9, 0.98),
        "clip_norm": 1.0,
        "warmup_share": 0.1,
    }
    tokens = np.zeros((4, 6), np.int16)
    return Job(
        kind="network",
        source=SOURCE,
        seed=0,
        settings={"spec": spec, "recipe": recipe},
        arrays={"train_inputs": tokens, "train_labels": tokens},
        questions=(Question(tokens, (4, 6, 8)),),
        limits=Limits(wall_seconds=30),
    )


def main() -> None:
    """Run boxes one after the other, then cold interpreters."""
    executor = LocalExecutor()
    executor.start()
    times = []
    for _ in range(RUNS):
        started = time.perf_counter()
        result = executor.run(job())
        times.append(time.perf_counter() - started)
        assert result.outcome == "scored", result.reason
    executor.close()
    cold = []
    for _ in range(COLD_RUNS):
        started = time.perf_counter()
        subprocess.run([sys.executable, "-c", COLD], check=True)
        cold.append(time.perf_counter() - started)
    p50, p95 = statistics.median(times), statistics.quantiles(times, n=20)[18]
    reference = statistics.median(cold)
    print(
        f"box, request to result: p50 {1000 * p50:.0f} ms, p95 {1000 * p95:.0f} ms; "
        f"cold interpreter with torch: {1000 * reference:.0f} ms; ratio {reference / p50:.0f}"
    )
    sys.exit(reference / p50 < TARGET_RATIO)


if __name__ == "__main__":
    main()
