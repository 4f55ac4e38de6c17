"""Takes the parts of a design away one after the other, as text: what is left shows what each contributed.

Every ablation is a whole design that reads back. The parts are those that evolution exchanges; what takes a mixer's
place is a feed forward, which looks at each position alone.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

from agentarch.proposers.anatomy import Anatomy, NotRecombinableError, arrange, define
from agentarch.proposers.edits import in_words
from agentarch.proposers.grafting import graft
from agentarch.proposers.parts import halves, mixes, place_of, splice, title, unwrap, words
from agentarch.proposers.writing import write
from agentarch.syntax import parse

_NORMALISATION = re.compile(r"([A-Z]\w*)?Norm(1d|2d|3d)?")


@dataclass(frozen=True)
class Ablation:
    """A design without one of its parts.

    Attributes:
        part: what was taken, in words: `attention in layers 1 and 3`.
        done: what was done with it: `removed`, or what stands in its place.
        source: the whole file.
    """

    part: str
    done: str
    source: str


@dataclass(frozen=True)
class _Cut:
    """A part, what is done with it, and how."""

    part: str
    done: str
    make: Callable[[], Anatomy]


def ablations(design: Anatomy, name: str, plain: Anatomy) -> tuple[Ablation, ...]:
    """Return the design without each of its parts, one at a time; of cuts that leave the same design, the first.

    Args:
        design: taken apart.
        name: what it is called, in letters, digits and hyphens.
        plain: a design whose first feed forward takes the place of a mixer.
    """
    found: list[Ablation] = []
    left: list[object] = [design.gist]
    for cut in _cuts(design, plain):
        try:
            changed = cut.make()
            if changed.gist in left:
                continue
            source = write(
                changed, f"Made from {name} to see what a part contributes: {cut.part}, {cut.done}."
            )
        except NotRecombinableError:  # nothing is left, or nothing that can be written down
            continue
        left.append(changed.gist)
        found.append(Ablation(cut.part, cut.done, source))
    return tuple(found)


def _cuts(design: Anatomy, plain: Anatomy) -> Iterator[_Cut]:
    """Yield every cut, the telling ones first."""
    kinds: dict[str, list[int]] = {}
    for index, part in enumerate(design.parts):
        kinds.setdefault(title(part), []).append(index)
    for kind, indices in kinds.items():
        what = f"{kind} in {_places(design, indices)}"
        if mixes(design.parts[indices[0]]):
            yield _Cut(what, "feed forward in its place", partial(_made_plain, design, indices, plain))
        yield _Cut(what, "removed", partial(_without_parts, design, indices))
    for place, index in enumerate(design.order):
        what = f"{title(design.parts[index])} in layer {place + 1}"
        yield _Cut(what, "removed", partial(_without_layer, design, place))
    for index, part in enumerate(design.parts):
        for kept, other in _pairs(halves(part)):
            what = f"{title(other)} in {_places(design, [index])}"
            left = unwrap(part).around(kept)
            yield _Cut(what, f"removed, {title(kept)} left", partial(_with_part, design, index, left))
    for wrapper in dict.fromkeys(_wrapper(part) for part in design.parts):
        if wrapper:
            yield _Cut(f"{words(wrapper)} around layers", "removed", partial(_unwrapped, design, wrapper))
    for name in design.definitions:
        what = f"normalisation in {words(name)}"
        yield _Cut(what, "removed", partial(_without_normalisation, design, name))
    for kind, indices in kinds.items():
        yield _Cut(f"own weights of each {kind}", "one set for all", partial(_tied, design, indices))
    for index in sorted(design.shared):
        what = f"shared weights of {title(design.parts[index])}"
        yield _Cut(what, "one set for each layer", partial(_untied, design, index))


def _wrapper(part: str) -> str:
    return unwrap(part).before.partition("(")[0]


def _pairs(both: Sequence[str]) -> Iterator[tuple[str, str]]:
    if len(both) == 2:
        yield both[0], both[1]
        yield both[1], both[0]


def _places(design: Anatomy, indices: Sequence[int]) -> str:
    return in_words([place for place, index in enumerate(design.order) if index in indices])


def _without_parts(design: Anatomy, indices: Sequence[int]) -> Anatomy:
    return _arranged(design, design.parts, [index for index in design.order if index not in indices])


def _without_layer(design: Anatomy, place: int) -> Anatomy:
    return _arranged(design, design.parts, [*design.order[:place], *design.order[place + 1 :]])


def _arranged(design: Anatomy, parts: Sequence[str], order: Sequence[int]) -> Anatomy:
    if not order:
        raise NotRecombinableError("no layer is left")
    return arrange(design, parts, order)


def _with_part(design: Anatomy, index: int, part: str) -> Anatomy:
    return arrange(design, [*design.parts[:index], part, *design.parts[index + 1 :]], design.order)


def _made_plain(design: Anatomy, indices: Sequence[int], plain: Anatomy) -> Anatomy:
    """Put the plain design's feed forward in the place of some parts, each with weights of its own."""
    simple = next(part for part in plain.parts if not mixes(part))
    grown, (new,) = graft(design, plain, [simple])
    parts = [new if index in indices else part for index, part in enumerate(design.parts)]
    return arrange(grown, parts, design.order)


def _unwrapped(design: Anatomy, wrapper: str) -> Anatomy:
    parts = [
        unwrap(part).inner if unwrap(part).before.partition("(")[0] == wrapper else part
        for part in design.parts
    ]
    return arrange(design, parts, design.order)


def _without_normalisation(design: Anatomy, name: str) -> Anatomy:
    """Put `nn.Identity` in the place of every normalisation that one class or function makes."""
    text = design.definitions[name].text
    found = [
        node.func
        for node in ast.walk(parse(text))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name | ast.Attribute)
        and _is_norm(node.func)
    ]
    if not found or design.imports.get("nn") != "from torch import nn":
        return design
    changed = define(splice(text, [(place_of(one), "nn.Identity") for one in found]))
    definitions = {**design.definitions, name: changed}
    return arrange(replace(design, definitions=definitions), design.parts, design.order)


def _is_norm(called: ast.Name | ast.Attribute) -> bool:
    name = called.id if isinstance(called, ast.Name) else called.attr
    return _NORMALISATION.fullmatch(name) is not None and called.lineno == called.end_lineno


def _tied(design: Anatomy, indices: Sequence[int]) -> Anatomy:
    """Let all parts that read the same share their weights."""
    first: dict[str, int] = {}
    for index in indices:
        first.setdefault(design.parts[index], index)
    order = [first[design.parts[index]] if index in indices else index for index in design.order]
    return arrange(design, design.parts, order)


def _untied(design: Anatomy, index: int) -> Anatomy:
    parts, order = list(design.parts), list(design.order)
    for place in [place for place, one in enumerate(order) if one == index][1:]:
        order[place] = len(parts)
        parts.append(design.parts[index])
    return arrange(design, parts, order)
