"""`agentarch report`: a run as one HTML file, or the same numbers as JSON."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from pathlib import Path

from rich.markup import escape

from agentarch.cli.output import OUT, print_json
from agentarch.errors import UsageError
from agentarch.files import write_whole
from agentarch.report import is_report, render_page, report_data
from agentarch.search.session import open_run

FILE_NAME = "report.html"


def write_report(folder: Path, output: Path | None, beside: Sequence[Path], as_json: bool) -> None:
    """Write a run's report and say where it is; as JSON, print its numbers too.

    Args:
        folder: of the run.
        output: the file; None for `report.html` in the folder.
        beside: folders of other runs, to see what showing the chosen parents to models brings.
        as_json: whether to print the numbers.

    Raises:
        UsageError: `output` is something that is no report, and would be overwritten; or the other runs do not
            compare with this one.
        AgentarchError: the file cannot be written.
    """
    file = output or folder / FILE_NAME
    _check_replaceable(file)
    with contextlib.ExitStack() as opened:
        run, *others = [opened.enter_context(open_run(one)) for one in (folder, *beside)]
        numbers = report_data(run, others)
    write_whole(file, render_page(numbers))
    if as_json:
        print_json({**numbers, "file": str(file)})
        return
    OUT.print(f"The report is in {escape(str(file))}", soft_wrap=True)
    OUT.print(
        "It needs no network and no other file. Open it in a browser:\n  " + escape(file.resolve().as_uri()),
        soft_wrap=True,
    )


def _check_replaceable(file: Path) -> None:
    if file.is_dir():
        raise UsageError(f"{str(file)!r} is a folder; name a file in it, e.g. --output {file / FILE_NAME}")
    if os.path.lexists(file) and not is_report(file):
        raise UsageError(
            f"{str(file)!r} exists and was not written by `agentarch report`, so it is left alone; "
            "name another file with --output, or remove it"
        )
