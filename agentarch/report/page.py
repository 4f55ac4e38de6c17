"""Draws a report as one HTML file that needs nothing else: no network, no other file.

Guarantees that every text of a report is shown as text, whoever wrote it: markup is escaped, control and
invisible characters are taken out, and a content security policy lets the browser run this page's own scripts,
by their hashes, and load nothing. Knows nothing of runs.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from agentarch.kinds.words import size_of, words_of
from agentarch.report.contract import Report, read_report
from agentarch.report.figures import (
    Figure,
    NicheMap,
    front_figures,
    niche_map,
    outcomes_figure,
    pipeline_figure,
    progress_figures,
    resemblance_figure,
    verdict_figure,
)
from agentarch.report.figures.base import arms_in_order
from agentarch.report.figures.outcomes import outcome_names
from agentarch.report.figures.resemblance import KINDS
from agentarch.report.source import highlighted
from agentarch.text import printable
from agentarch.traces import MEANINGS
from agentarch.wording import ENDINGS, duration_text, number_text

TEMPLATES = Path(__file__).parent / "templates"
MOST_TEXT_CHARACTERS = 200_000
MOST_ROWS = 500
"""Rows of one table; a longer one says so and points to `--json`."""

_MARK = '<meta name="generator" content="agentarch report'


def render_page(plain: Mapping[str, Any]) -> str:
    """Return a report's HTML.

    Args:
        plain: values of the form that `agentarch.report.contract.Report` describes; any part may be missing.

    Raises:
        pydantic.ValidationError: a part that is there has the wrong form.
    """
    report = read_report(plain)
    niches, progress = niche_map(report.axes, report.designs), progress_figures(report.progress)
    kind = report.config.get("kind")
    front, outcomes = front_figures(report.designs, kind), outcomes_figure(report.outcomes)
    difference = verdict_figure(report.verdict)
    resemblance = resemblance_figure(report.authoring.uses) if report.authoring else None
    scripts = {"plotly": _own_text(get_plotlyjs()), "page": _read("page.js")}
    style = _read("page.css")
    return (
        _environment()
        .get_template("page.html.jinja")
        .render(
            report=report,
            ending=_ending(report),
            created=_date(report.created_at),
            policy=_policy(scripts.values()),
            style=Markup(style),
            scripts={name: Markup(text) for name, text in scripts.items()},
            figures=_figures_json(difference, niches, progress, front, outcomes, resemblance),
            difference=difference,
            niches=niches,
            progress=progress,
            front=front,
            words=words_of(kind),
            size_of=lambda design: size_of(kind, design.parameters, design.descriptors),
            pipelines=[
                (one, figure) for one in report.pipelines if (figure := pipeline_figure(one)) is not None
            ],
            fault_meanings={fault.value: meaning for fault, meaning in MEANINGS.items()},
            outcomes=outcomes,
            resemblance=resemblance,
            resemblance_kinds=KINDS,
            outcome_names=outcome_names(report.outcomes),
            arms=arms_in_order({d.arm for d in report.designs} | {p.arm for p in report.progress}),
            best_first=sorted(
                (d for d in report.designs if d.score is not None),
                key=lambda d: (-1 if d.rung is None else d.rung, d.score),
                reverse=True,
            ),
            most_rows=MOST_ROWS,
        )
    )


def is_report(file: Path) -> bool:
    """Whether a file was written by `render_page`, and so may be replaced by a newer one."""
    try:
        with file.open("rb") as stream:
            return _MARK.encode() in stream.read(4096)
    except OSError:
        return False


def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_shown,
    )
    environment.filters.update(
        duration=duration_text,
        number=number_text,
        python=lambda text: highlighted(text, "python"),
        diff=lambda text: highlighted(text, "diff"),
        words=lambda text: text.replace("_", " "),
    )
    return environment


def _shown(value: Any) -> Any:
    """Return what a template prints of a value: text without what would not be seen."""
    return (
        printable(value, MOST_TEXT_CHARACTERS)
        if isinstance(value, str) and not isinstance(value, Markup)
        else value
    )


def _read(name: str) -> str:
    return _own_text((TEMPLATES / name).read_text())


def _own_text(text: str) -> str:
    """Return a script or a style as the browser will see it, which is what its hash is taken of."""
    return "\n" + text.replace("\r\n", "\n").replace("\r", "\n").strip() + "\n"


def _policy(scripts: Iterable[str]) -> str:
    """Return a content security policy under which these scripts run, and nothing is loaded from anywhere.

    Plotly adds style elements and draws heat maps as images of its own making, so both are allowed inline.
    """
    hashes = " ".join(
        f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'" for text in scripts
    )
    return (
        f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def _figures_json(
    difference: Figure | None,
    niches: NicheMap | None,
    progress: Sequence[Figure],
    front: Sequence[Figure],
    outcomes: Figure | None,
    resemblance: Figure | None,
) -> Markup:
    """Return what the page's script draws, as JSON that no text in it can end or turn into markup."""
    drawn = [
        *([difference] if difference else []),
        *(niches.panels if niches else []),
        *progress,
        *front,
        *([outcomes] if outcomes else []),
        *([resemblance] if resemblance else []),
    ]
    text = json.dumps(
        {figure.name: {"data": figure.traces, "layout": figure.layout} for figure in drawn},
        allow_nan=False,
        ensure_ascii=True,
        separators=(",", ":"),
    )
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)


def _ending(report: Report) -> str:
    if report.stopped is None:
        return "not ended yet"
    return ENDINGS.get(report.stopped, report.stopped)


def _date(created_at: float | str | None) -> str:
    if isinstance(created_at, float):
        try:
            return datetime.fromtimestamp(created_at, UTC).strftime("%Y-%m-%d %H:%M UTC")
        except (OverflowError, OSError, ValueError):
            return ""
    return created_at or ""
