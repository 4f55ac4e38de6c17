"""agentarch designs architectures: proposes them as code, scores them in a box, keeps the best of every niche."""

__version__ = "0.1.0"
