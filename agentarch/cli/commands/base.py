"""The command line itself, and the options that several commands share."""

from __future__ import annotations

from typing import Annotated

import typer

app = typer.Typer(
    name="agentarch",
    help="Designs architectures: proposes them as code, scores them in a box, keeps the best of every niche.",
    epilog="Start with: agentarch search --evaluations 40",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,  # plain help answers in half the time
    pretty_exceptions_enable=False,
)

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout; logs go to stderr.")]
RunName = Annotated[
    str, typer.Argument(metavar="RUN", help="A run's folder, its name under runs/, or 'latest'.")
]


def _version(wanted: bool) -> None:
    if wanted:
        from agentarch import __version__

        typer.echo(f"agentarch {__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Designs architectures: proposes them as code, scores them in a box, keeps the best of every niche."""
