"""Designs that break, cheat or attack, and what must come of each."""

from dataclasses import dataclass

from agentarch.evaluation import Outcome
from support.designs import ON_THE_CHANNEL, network

INVALID, TIMEOUT, OUT_OF_MEMORY, OUTPUT_LIMIT = (
    Outcome.INVALID,
    Outcome.TIMEOUT,
    Outcome.OUT_OF_MEMORY,
    Outcome.OUTPUT_LIMIT,
)


@dataclass(frozen=True)
class Case:
    """A design, and what must come of it.

    Attributes:
        source: of the design.
        outcome: the one it must get.
        reason: words that its reason must have, for its author to act on.
        wall_seconds: limit; short for what would never end.
        memory_mib: limit.
    """

    source: str
    outcome: Outcome
    reason: str
    wall_seconds: float = 60.0
    memory_mib: int = 2048


def endless(source: str, reason: str) -> Case:
    return Case(source, TIMEOUT, reason, wall_seconds=2.5)


def greedy(**lines: str) -> Case:
    return Case(network(**lines), OUT_OF_MEMORY, "memory", memory_mib=600)


BROKEN = {
    "build_returns_no_module": Case(network(build="return 3"), INVALID, "an int, expected a torch.nn.Module"),
    "wrong_shape": Case(network(forward="y = y[:, :-1]"), INVALID, "returned shape (8, 7, 6) for (8, 8)"),
    "wrong_shape_only_when_predicting": Case(
        network(forward="if not self.training: y = y[..., :2]"), INVALID, "returned shape"
    ),
    "one_item_too_many": Case(network(forward="y = torch.cat([y, y[:1]])"), INVALID, "returned shape"),
    "no_tensor": Case(network(forward="y = y.tolist()"), INVALID, "a list, expected a tensor"),
    "nothing": Case(network(forward="y = None"), INVALID, "None, expected a tensor"),
    "whole_numbers": Case(network(forward="y = y.long()"), INVALID, "expected floating-point logits"),
    "raises_at_top_level": Case(
        network(top="1 / 0"), INVALID, "raised ZeroDivisionError: division by zero (line"
    ),
    "raises_in_build": Case(
        network(build="raise ValueError('no heads')"), INVALID, "raised ValueError: no heads (line"
    ),
    "raises_in_forward": Case(network(forward="y = y @ y"), INVALID, "raised RuntimeError"),
    "raises_without_a_message": Case(network(build="raise KeyError"), INVALID, "raised KeyError (line"),
    "raises_what_cannot_be_printed": Case(
        network(
            top="""
            class Mute(Exception):
                def __str__(self): raise self
                __repr__ = __str__
            """,
            build="raise Mute",
        ),
        INVALID,
        "raised mute (line",
    ),
    "exhausts_recursion": Case(network(build="return build(spec)"), INVALID, "raised RecursionError"),
    "too_many_parameters": Case(
        network(build="network.more = nn.Linear(1000, 1000)"), INVALID, "parameters; the task allows 200,000"
    ),
    "loss_is_nan": Case(
        network(forward="y = y * float('nan')"), INVALID, "the training loss became nan at step 1"
    ),
    "predictions_are_nan": Case(
        network(forward="if not self.training: y = y * float('nan')"), INVALID, "predictions contain NaN"
    ),
    "predictions_are_infinite": Case(
        network(forward="if not self.training: y = y + float('inf')"),
        INVALID,
        "predictions contain NaN or infinity",
    ),
    "recipe_is_no_dict": Case(network(top="def recipe(): return [1]"), INVALID, "`recipe` returned a list"),
    "writes_a_file": Case(
        network(build="open('/agentarch-was-here', 'w').write('x' * 10_000)"),
        INVALID,
        "raised OSError: [Errno 30] Read-only file system",
    ),
}

ENDING = {
    "exits_with_0": Case(network(build="import_('os')._exit(0)"), INVALID, "ended with exit code 0 before"),
    "exits_with_137": Case(
        network(forward="import_('os')._exit(137)"), INVALID, "ended with exit code 137 before"
    ),
    "exits_when_predicting": Case(
        network(forward="if not self.training: import_('os')._exit(0)"),
        INVALID,
        "ended with exit code 0 before",
    ),
    "sys_exit": Case(network(build="import_('sys').exit('bye')"), INVALID, "raised SystemExit: bye"),
    "keyboard_interrupt": Case(network(build="raise KeyboardInterrupt"), INVALID, "raised KeyboardInterrupt"),
    "segfaults": Case(network(build="import_('ctypes').string_at(0)"), INVALID, "ended by signal 11 before"),
    "aborts": Case(network(build="import_('os').abort()"), INVALID, "ended by signal 11 before"),
}

ENDLESS = {
    "loops_in_build": endless(network(build="while True: pass"), "still building after 2.5 s"),
    "loops_in_training": endless(network(forward="while True: pass"), "still training after 2.5 s"),
    "loops_in_predicting": endless(
        network(forward="while not self.training: pass"), "still predicting after 2.5 s"
    ),
    "ignores_signals": endless(
        network(
            build="""
            signal, time = import_('signal'), import_('time')
            for number in set(signal.Signals) - {signal.SIGKILL, signal.SIGSTOP}:
                signal.signal(number, signal.SIG_IGN)
            while True: time.sleep(1)
            """
        ),
        "still building",
    ),
    "closes_every_descriptor_and_sleeps": endless(
        network(build="import_('os').closerange(0, 64); import_('time').sleep(1000)"), "still building"
    ),
    "catches_everything_for_ever": endless(
        network(
            build="""
            while True:
                try:
                    while True: pass
                except BaseException: pass
            """
        ),
        "still building",
    ),
    "its_exception_never_ends": endless(
        network(
            top="""
            class Endless(Exception):
                def __str__(self):
                    while True: pass
            """,
            build="raise Endless",
        ),
        "still building",
    ),
}

GREEDY = {
    "one_giant_object": greedy(build="bytes(2**42)"),
    "one_giant_tensor": greedy(build="torch.ones(2**40)"),
    "one_giant_tensor_in_training": greedy(forward="torch.ones(2**40)"),
    "step_by_step": greedy(build="hoard = []\nwhile True: hoard.append(bytes(10**6))"),
    "in_small_pieces": greedy(build="hoard = []\nwhile True: hoard.append([None] * 8)"),
    "in_tensors": greedy(build="hoard = []\nwhile True: hoard.append(torch.ones(10**5))"),
}

IN_PROCESSES = {
    "memory": greedy(
        build="""
        os, time = import_('os'), import_('time')
        for _ in range(8):
            if os.fork() == 0:
                hoard = b'x' * (150 * 2**20)
                time.sleep(1000)
        time.sleep(1000)
        """
    ),
    "output": Case(
        network(
            build="""
            os = import_('os')
            if os.fork() == 0:
                for _ in range(1000): print('x' * 10**6)
            import_('time').sleep(1000)
            """
        ),
        OUTPUT_LIMIT,
        "printed more than",
    ),
    "the_channel_held_open": Case(
        network(build="os = import_('os')\nif os.fork() == 0: import_('time').sleep(1000)\nos._exit(0)"),
        INVALID,
        "ended with exit code 0 before",
    ),
}
"""What a box must hold even if its designs could start processes."""

HARMLESS = {
    "terminates_itself": "os.kill(os.getpid(), 15)",
}
"""Signals that the first process of a box cannot be harmed by, not even by its own."""

LOUD = {
    "a_gigabyte_on_stdout": network(build="for _ in range(1000): print('x' * 10**6)"),
    "a_gigabyte_on_stderr_in_one_line": network(
        build="for _ in range(1000): import_('sys').stderr.write('x' * 10**6)"
    ),
    "a_gigabyte_past_python": network(build="for _ in range(1000): import_('os').write(1, b'\\0' * 10**6)"),
}

LYING = {
    "more_learnt_than_is_allowed": (
        """say({"type": "built", "parameters": 5, "recipe": None}); """
        """say({"type": "trained", "losses": [], "bytes": 2**50})"""
    ),
    "less_than_nothing_learnt": (
        """say({"type": "built", "parameters": 5, "recipe": None}); """
        """say({"type": "trained", "losses": [], "bytes": -1})"""
    ),
    "garbage": "channel().sendall(bytes(range(256)) * 400)",
    "a_header_of_4_gigabytes": "channel().sendall(b'\\xff\\xff\\xff\\xff')",
    "a_header_that_never_ends": "channel().sendall(b'\\x00\\x00\\xff\\xff{'); channel().shutdown(1)",
    "no_json": "say(b'hello')",
    "no_object": "say(b'[1, 2]')",
    "nan": """say(b'{"type": "built", "parameters": NaN, "recipe": null}')""",
    "infinity": """say(b'{"type": "trained", "losses": [Infinity]}')""",
    "an_infinite_number": """say(b'{"type": "trained", "losses": [1e999]}')""",
    "repeated_keys": """say(b'{"type": "built", "type": "trained", "losses": []}')""",
    "deep_json": "say(b'{\"a\":' * 10_000 + b'1' + b'}' * 10_000)",
    "a_number_of_5000_digits": """say(b'{"type": "built", "recipe": null, "parameters": ' + b'9' * 5000 + b'}')""",
    "negative_parameters": """say({"type": "built", "parameters": -1, "recipe": None})""",
    "fractional_parameters": """say({"type": "built", "parameters": 0.5, "recipe": None})""",
    "too_many_losses": """say({"type": "trained", "losses": [0] * 1000})""",
    "an_outcome_of_ours": """say({"type": "fault", "outcome": "infrastructure", "reason": "not me"})""",
    "a_score": """say({"type": "scored", "score": 1.0})""",
    "nothing_of_meaning": "say({})",
    "not_utf_8": "say(b'\\xff\\xfe{}')",
}
"""Lines that send something which the protocol does not allow."""

HOSTILE = [
    *BROKEN.values(),
    *ENDING.values(),
    *ENDLESS.values(),
    *GREEDY.values(),
    *(Case(source, OUTPUT_LIMIT, "printed") for source in LOUD.values()),
    *(Case(network(top=ON_THE_CHANNEL, build=lines), INVALID, "") for lines in LYING.values()),
]
"""All of them that need no wall lifted."""
