"""Sources of designs: a sound small network, and the same with lines of one's own."""

from textwrap import dedent, indent

_NETWORK = """
import torch
from torch import nn

import_ = __import__
{top}

class Network(nn.Module):
    def __init__(self, spec):
        super().__init__()
        self.embed = nn.Embedding(spec.vocab_size, 12)
        self.mix = nn.GRU(12, 12, batch_first=True)
        self.readout = nn.Linear(12, spec.n_outputs)

    def forward(self, x):
        y = self.readout(self.mix(self.embed(x))[0])
{forward}
        return y


def build(spec):
    network = Network(spec)
{build}
    return network
"""


def network(*, top: str = "", build: str = "", forward: str = "") -> str:
    """Return the source of a sound network with further lines.

    Args:
        top: at top level; `import_` is `__import__`, which reading the text does not catch.
        build: in `build`, before it returns `network`.
        forward: in `forward`, before it returns `y`, with input `x`.
    """
    return _NETWORK.format(
        top=dedent(top).strip("\n"),
        build=indent(dedent(build).strip("\n"), "    "),
        forward=indent(dedent(forward).strip("\n"), "        "),
    )


SOUND = network()

ON_THE_CHANNEL = """
os, socket, stat, json, struct = (import_(name) for name in ("os", "socket", "stat", "json", "struct"))

def channel():
    for number in range(64):
        try:
            if stat.S_ISSOCK(os.fstat(number).st_mode):
                return socket.socket(fileno=os.dup(number))
        except OSError:
            continue

def say(message):
    data = message if isinstance(message, bytes) else json.dumps(message).encode()
    channel().sendall(struct.pack(">I", len(data)) + data)
"""
"""Top-level lines that give a design `say`, which writes a message of its own to the engine."""
