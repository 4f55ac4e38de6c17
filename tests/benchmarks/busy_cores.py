"""How much of the workers' wall time a real search spends in processor time inside designs."""

import json
import os
import subprocess
import sys
import tempfile

EVALUATIONS = 40
TARGET_SHARE = 0.85


def main() -> None:
    """Search with the default tasks and proposer, on all cores."""
    workers = len(os.sched_getaffinity(0))
    with tempfile.TemporaryDirectory() as folder:
        command = [
            "search",
            "--evaluations",
            str(EVALUATIONS),
            "--seed",
            "1",
            "--run-dir",
            f"{folder}/run",
            "--json",
        ]
        said = subprocess.run(
            [sys.executable, "-m", "agentarch", *command], check=True, stdout=subprocess.PIPE
        )
    result = json.loads(said.stdout)
    wall = result["wall_seconds"] * workers
    print(
        f"{result['evaluations']} evaluations in {result['wall_seconds']:.0f} s on {workers} cores: "
        f"{result['candidate_cpu_seconds'] / wall:.1%} processor time inside designs, "
        f"{result['candidate_seconds'] / wall:.1%} wall time inside boxes"
    )
    sys.exit(result["candidate_cpu_seconds"] / wall < TARGET_SHARE)


if __name__ == "__main__":
    main()
