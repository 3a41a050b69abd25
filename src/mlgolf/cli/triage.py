"""`mlgolf triage`: what a host or a jury may want to look at in a submission's code."""

from typing import Annotated

import typer

from mlgolf.cli.options import AsJson, print_json
from mlgolf.cli.text import say


def add_to(app: typer.Typer) -> None:
    app.command(no_args_is_help=True)(triage)


def triage(
    submission: Annotated[
        str,
        typer.Argument(help="A submission or entry (name, folder, module), or a run's folder."),
    ],
    as_json: AsJson = False,
) -> None:
    """Read code without running it: what it imports and uses, and large literals, with lines.

    For hosts and juries, to decide what to look at. Never a verdict.

    Example: mlgolf triage my_entry/

    Example: mlgolf triage runs/a --json
    """
    from mlgolf.api.triage import triage_code

    looked = triage_code(submission)
    if as_json:
        print_json(looked.as_json())
        return
    say("\n\n".join(looked.paragraphs))
