"""From raw per-item metrics to a score with a 95% interval. Knows no design, task or store."""

from agentarch.scoring.evidence import Difference, Noise, NoisePool, Variance, cells_score, difference
from agentarch.scoring.intervals import mean_score, score_items
from agentarch.scoring.metrics import classification_metrics

__all__ = [
    "Difference",
    "Noise",
    "NoisePool",
    "Variance",
    "cells_score",
    "classification_metrics",
    "difference",
    "mean_score",
    "score_items",
]
