"""How much of the workers' wall time a real search spends in processor time inside designs.

Once with the built-in proposer, and once with twenty proposals in flight at a model that takes a second to answer.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from support import author
from support.served_apart import served_apart

EVALUATIONS = 60
TARGET_SHARE = 0.85


def share(*more: str) -> float:
    """Search on all cores, say what came of it, and return the share."""
    workers = len(os.sched_getaffinity(0))
    with tempfile.TemporaryDirectory() as folder:
        options = [
            "--evaluations",
            str(EVALUATIONS),
            "--seed",
            "1",
            "--run-dir",
            f"{folder}/run",
            "--json",
            *more,
        ]
        said = subprocess.run(
            [sys.executable, "-m", "agentarch", "search", *options], check=True, stdout=subprocess.PIPE
        )
    result = json.loads(said.stdout)
    wall = result["wall_seconds"] * workers
    print(
        f"{result['evaluations']} evaluations in {result['wall_seconds']:.0f} s on {workers} cores, "
        f"{result['ledger']['requests']} requests: {result['candidate_cpu_seconds'] / wall:.1%} processor time inside "
        f"designs, {result['candidate_seconds'] / wall:.1%} wall time inside boxes"
    )
    return result["candidate_cpu_seconds"] / wall


def main() -> None:
    """Measure both."""
    shares = [share()]
    with served_apart(author.write, latency_seconds=1.0) as server:
        model = ["--model", "openai/scripted", "--base-url", server.base_url, "--proposals-in-flight", "20"]
        shares.append(share(*model))
    sys.exit(min(shares) < TARGET_SHARE)


if __name__ == "__main__":
    main()
