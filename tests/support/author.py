"""What a scripted model answers: small networks or agents, each another one, in whatever form it is asked for."""

import json
import random

from support.model_server import Request

SOURCE = '''"""A causal convolution of width {width} that reaches back {reach} positions."""

from torch import nn


class Network(nn.Module):
    def __init__(self, spec):
        super().__init__()
        self.embed = nn.Embedding(spec.vocab_size, {width})
        self.mix = nn.Conv1d({width}, {width}, {reach})
        self.activate = nn.{activation}()
        self.readout = nn.Linear({width}, spec.n_outputs)

    def forward(self, tokens):
        x = self.embed(tokens).transpose(1, 2)
        x = x + self.activate(self.mix(nn.functional.pad(x, ({reach} - 1, 0))))
        return self.readout(x.transpose(1, 2))


def build(spec):
    return Network(spec)
'''
AGENT = '''"""Ask {count} times in {wording} words, and take what comes most often."""

from collections import Counter

WORDING = "{wording}"


async def solve(question, model):
    said = Counter([await model.ask(question) for _ in range({count})])
    return said.most_common(1)[0][0]
'''
ACTIVATIONS = ("GELU", "ReLU", "Tanh", "SiLU", "Sigmoid", "Softplus", "ELU", "Hardswish")
WIDTHS = "WIDTH, REACH, ACT"


def source(number: int) -> str:
    """Return one of thousands of designs that differ in what they compute."""
    rng = random.Random(number)
    width = 4 + number % 61
    return SOURCE.format(width=width, reach=rng.randrange(1, 9), activation=rng.choice(ACTIVATIONS))


def agent(number: int) -> str:
    """Return the source of one of many agents, which differ in their text and in how often they ask."""
    return AGENT.format(count=1 + number % 4, wording=f"{number} plain")


def write_agent(request: Request) -> str:
    """Answer a request for an agent, as `write` answers one for a network."""
    source = agent(request.number)
    if "template" in (request.schema or {}).get("properties", ()):
        count = f"range({1 + request.number % 4})"
        holes = [{"name": "count", "values": ["5", "6"]}]
        about = json.loads(write(request))
        return json.dumps(about | {"template": source.replace(count, "range(${count})"), "holes": holes})
    told = json.loads(write(request))
    return json.dumps(told | {"source": source} if "source" in told else told)


def write(request: Request) -> str:
    """Answer a request: accept what is to be reflected upon, and otherwise write a design."""
    wanted = set((request.schema or {}).get("properties", ()))
    if "verdict" in wanted:
        return json.dumps(
            {
                "concerns": [],
                "is_novel": True,
                "is_correct": True,
                "is_cheaper": True,
                "peeks": False,
                "hard_codes": False,
                "verdict": "accept",
            }
        )
    number = request.number
    about = {
        "name": f"reach-{number}",
        "rationale": "A short reach suffices for these tasks.",
        "claim": f"A reach of {random.Random(number).randrange(1, 9)} is enough.",
        "predicted_change": 0.05,
        "builds_on": [],
    }
    if "template" in wanted:
        template = source(number).replace("nn.Linear(", "nn.Linear(${extra}").replace("${extra}", "")
        template = template.replace(f"{4 + number % 61}, spec.n_outputs", "${width}, spec.n_outputs")
        width = str(4 + number % 61)
        return json.dumps(
            {**about, "template": template, "holes": [{"name": "width", "values": [width, f"{width} + 0"]}]}
        )
    return json.dumps({**about, "source": source(number)})
