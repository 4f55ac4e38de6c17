"""`python -m agentarch`."""

from agentarch.cli import main

main()
