"""Attacks 27 to 52: getting out of the box, and taking what is outside."""

from support.designs import network

from agentarch.evaluation import Outcome
from attacks.contract import Attack

ESCAPE: tuple[Attack, ...] = (
    Attack(
        35,
        "tcp_to_a_listener",
        network(
            build="""
            try:
                import_("socket").create_connection(("127.0.0.1", {listener}), 2).sendall(b"hello")
                print("BREACH: connected")
            except OSError as error:
                print("held:", error)
            """
        ),
        (Outcome.SCORED,),
        lifted=("network", "syscalls.sockets"),
        needs=("listener",),
    ),
)
