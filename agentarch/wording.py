"""Numbers in words, the same in the terminal and in reports."""

from __future__ import annotations

ENDINGS = {
    "interrupted": "interrupted before its budget was spent",
    "failed": "stopped by a fault",
    "evaluations": "finished: all evaluations done",
    "time": "finished: time is up",
    "exhausted": "finished: the proposer had nothing new",
    "dollars": "finished: the next request might have passed the ceiling in dollars",
    "tokens": "finished: the next request might have passed the ceiling in tokens",
    "requests": "finished: the ceiling in requests is reached",
}
"""Why a session of a run ended, in words."""


def number_text(value: float) -> str:
    """Return a measured value in few characters, e.g. `0.42`, `115k`."""
    return (
        f"{value / 1000:.0f}k"
        if abs(value) >= 10_000
        else f"{value:.4g}"
        if abs(value) >= 10
        else f"{value:.2f}"
    )


def duration_text(seconds: float) -> str:
    """Return e.g. `45 s`, `3 min 20 s`, `2 h 5 min`."""
    whole = round(seconds)
    if whole < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
