"""How long `agentarch --help` takes, beside an interpreter that does nothing."""

import statistics
import subprocess
import sys
import time

RUNS = 15
TARGET_SECONDS = 0.3


def seconds(*arguments: str) -> float:
    """Return how long a Python process with these arguments takes."""
    started = time.perf_counter()
    subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - started


def main() -> None:
    """Alternate the two, so that both meet the same moments of the machine."""
    pairs = [(seconds("-c", ""), seconds("-m", "agentarch", "--help")) for _ in range(RUNS)]
    bare, ours = (statistics.median(column) for column in zip(*pairs, strict=True))
    print(
        f"agentarch --help: {1000 * ours:.0f} ms; bare interpreter: {1000 * bare:.0f} ms; ratio {ours / bare:.1f}"
    )
    sys.exit(ours > TARGET_SECONDS)


if __name__ == "__main__":
    main()
