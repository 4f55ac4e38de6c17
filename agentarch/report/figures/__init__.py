"""The figures of a report: plotly traces and layouts as plain values, or an SVG, each with what it says in a sentence.

Colours are names of the page's CSS variables, e.g. `var(--text)`; the page's script looks them up whenever the
light changes.
"""

from agentarch.report.figures.base import Figure
from agentarch.report.figures.front import front_figures
from agentarch.report.figures.niches import NicheMap, niche_map
from agentarch.report.figures.outcomes import outcomes_figure
from agentarch.report.figures.pipeline import PipelineFigure, pipeline_figure
from agentarch.report.figures.progress import progress_figures
from agentarch.report.figures.resemblance import resemblance_figure
from agentarch.report.figures.verdict import verdict_figure

__all__ = [
    "Figure",
    "NicheMap",
    "PipelineFigure",
    "front_figures",
    "niche_map",
    "outcomes_figure",
    "pipeline_figure",
    "progress_figures",
    "resemblance_figure",
    "verdict_figure",
]
