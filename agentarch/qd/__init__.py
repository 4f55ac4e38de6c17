"""Quality diversity: niches from measured behaviour, an elite in each, and parents drawn from them."""

from agentarch.qd.archive import Archive
from agentarch.qd.axes import Axis, Niche, niche_of
from agentarch.qd.parents import choose_inspirations, choose_parents

__all__ = ["Archive", "Axis", "Niche", "choose_inspirations", "choose_parents", "niche_of"]
