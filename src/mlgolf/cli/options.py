"""Options that several commands share, and how results are printed."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

DataDir = Annotated[
    Path,
    typer.Option(
        envvar="MLGOLF_DATA_DIR", help="Where datasets lie, raw and prepared.", show_default=True
    ),
]
DEFAULT_DATA_DIR = Path.home() / ".cache" / "mlgolf" / "data"
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


def print_json(value: Any) -> None:
    typer.echo(json.dumps(value, indent=1))
