"""A design made as large as another, so that the two can be compared without size between them."""

from __future__ import annotations

from agentarch.design import Design, Proposal
from agentarch.proposers.anatomy import NotRecombinableError
from agentarch.proposers.cost import estimate_parameters
from agentarch.proposers.operators import with_width
from agentarch.proposers.reading import read_anatomy
from agentarch.proposers.sizes import WIDTHS
from agentarch.proposers.writing import write


def matched_in_size(design: Design, measured: int, wanted: int, most: int) -> Proposal | None:
    """Return a design with the width that brings its parameters nearest to those of another.

    Args:
        design: to be resized.
        measured: its parameters, as counted.
        wanted: those of the other.
        most: the cap on parameters.

    Returns:
        The resized design; None when it is as near as any width brings it, or cannot be read part by part.
    """
    try:
        anatomy = read_anatomy(design.source)
    except NotRecombinableError:
        return None
    factor = measured / estimate_parameters(
        anatomy
    )  # the estimate may overlook what this family of designs does
    sizes = {width: factor * estimate_parameters(with_width(anatomy, width)) for width in WIDTHS}
    fitting = {width: size for width, size in sizes.items() if size <= most}
    width = min(fitting, key=lambda one: abs(fitting[one] - wanted), default=anatomy.width)
    if width == anatomy.width:
        return None
    rationale = (
        f"{design.name} at width {width}, to have about as many parameters as the design it is compared with."
    )
    return Proposal(
        source=write(with_width(anatomy, width), rationale),
        name=f"{design.name}-width-{width}",
        rationale=rationale,
        proposer="control",
        operator="match",
        parents=(design.id,),
    )
