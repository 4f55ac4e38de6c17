"""The command line. Commands are declared in `commands`; what they do is imported only when they run."""

from __future__ import annotations

import json
import os
import sys

_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
"""The engine's matrices are small, and its cores belong to the boxes: more threads would only wait for each other."""


def main() -> None:
    """Run the command line and exit: 0 done, 1 failed, 2 bad usage, 3 nothing scored, 130 interrupted."""
    for name in _THREADS:
        os.environ.setdefault(name, "1")
    from agentarch.cli.commands import app
    from agentarch.errors import AgentarchError

    try:
        app(prog_name="agentarch")
    except AgentarchError as error:
        print(f"error: {error}", file=sys.stderr)
        if "--json" in sys.argv:
            print(json.dumps({"error": str(error), "exit_code": error.exit_code}))
        sys.exit(error.exit_code)
    except SystemExit as done:
        if done.code == 2 and "--json" in sys.argv:  # a flag or an argument is wrong; stderr says which
            print(json.dumps({"error": "bad usage; see the message on stderr", "exit_code": 2}))
        raise
    except BrokenPipeError:  # the reader of a pipe left, e.g. `| head`
        sys.stderr.close()
        sys.exit(1)
