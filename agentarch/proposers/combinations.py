"""Edits that make one part of two: in series, in parallel, or gated. The modules that do so are source text.

The sum follows hybrid heads (Dong et al., "Hymba", 2024), the gate highway networks (Srivastava et al., 2015).
"""

from __future__ import annotations

import random

from agentarch.proposers.anatomy import Anatomy, arrange, define
from agentarch.proposers.edits import Edit, Library, in_words
from agentarch.proposers.grafting import graft
from agentarch.proposers.parts import classes, combines, describe, halves, mixes, unwrap

_SERIES = '''class Series(nn.Module):
    """Two parts, the second reading what the first made."""

    def __init__(self, first, second):
        super().__init__()
        self.first, self.second = first, second

    def forward(self, x):
        return self.second(self.first(x))'''

_PARALLEL = '''class Parallel(nn.Module):
    """The sum of what two parts make of the same input."""

    def __init__(self, first, second):
        super().__init__()
        self.first, self.second = first, second

    def forward(self, x):
        return self.first(x) + self.second(x)'''

_GATE = '''class Gate(nn.Module):
    """Two parts on the same input; the input says, channel by channel, how much of which to take."""

    def __init__(self, width, first, second):
        super().__init__()
        self.first, self.second = first, second
        self.share = nn.Linear(width, width)

    def forward(self, x):
        share = torch.sigmoid(self.share(x))
        return share * self.first(x) + (1 - share) * self.second(x)'''

_MODULES = Anatomy(
    imports={"torch": "import torch", "nn": "from torch import nn"},
    definitions={one.name: one for one in map(define, (_SERIES, _PARALLEL, _GATE))},
    parts=(),
    order=(),
)

_FORMS = {
    "series": "Series({first}, {second})",
    "parallel": "Parallel({first}, {second})",
    "gate": "Gate(width, {first}, {second})",
}


def series(design: Anatomy, library: Library, rng: random.Random) -> Edit | None:
    """Let a mixer of another design read what a mixer of this one made, inside one residual."""
    return _combine("series", design, library, rng)


def parallel(design: Anatomy, library: Library, rng: random.Random) -> Edit | None:
    """Add a mixer of another design beside a mixer of this one."""
    return _combine("parallel", design, library, rng)


def gate(design: Anatomy, library: Library, rng: random.Random) -> Edit | None:
    """Put a mixer of another design beside a mixer of this one, and let the input choose between them."""
    return _combine("gate", design, library, rng)


def simplify(design: Anatomy, library: Library, rng: random.Random) -> Edit | None:
    """Keep one of two combined parts."""
    combined = [index for index, part in enumerate(design.parts) if halves(part)]
    if not combined:
        return None
    index = rng.choice(combined)
    part = design.parts[index]
    kept = rng.choice(halves(part))
    parts = [*design.parts[:index], unwrap(part).around(kept), *design.parts[index + 1 :]]
    places = in_words([at for at, one in enumerate(design.order) if one == index])
    account = f"keeping only {describe(kept)} of {places}, {describe(part)}"
    return Edit(arrange(design, parts, design.order), account)


def _combine(form: str, design: Anatomy, library: Library, rng: random.Random) -> Edit | None:
    """Combine a mixer of the design with one of another's, where neither is a combination already."""
    own = [index for index, part in enumerate(design.parts) if _is_single_mixer(part)]
    if not own:
        return None
    index = rng.choice(own)
    mixer = unwrap(design.parts[index])
    choices = [
        (donor, unwrap(part).inner)
        for donor in library
        for part in donor.anatomy.parts
        if _is_single_mixer(part) and classes(part) != classes(mixer.inner)
    ]
    if not choices:
        return None
    donor, part = rng.choice(choices)
    grown, (borrowed,) = graft(design, donor.anatomy, [part])
    first, second = (mixer.inner, borrowed) if rng.random() < 0.5 else (borrowed, mixer.inner)
    bare = _FORMS[form].partition("(")[0]
    grown, (name,) = graft(grown, _MODULES, [bare])
    combined = _FORMS[form].replace(bare, name, 1).format(first=first, second=second)
    parts = [*design.parts[:index], mixer.around(combined), *design.parts[index + 1 :]]
    places = in_words([at for at, one in enumerate(design.order) if one == index])
    way = {"series": "in series with", "parallel": "in parallel to", "gate": "gated against"}[form]
    account = f"putting {describe(part)} of {donor.name} {way} {describe(mixer.inner)} in {places}"
    return Edit(arrange(grown, parts, design.order), account, (donor,))


def _is_single_mixer(part: str) -> bool:
    return bool(unwrap(part).before) and mixes(part) and not combines(part)
