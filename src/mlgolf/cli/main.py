"""`mlgolf`: each command parses, calls one library function and prints.

Heavy imports stand inside the commands, so that help and mistakes answer at once.
"""

import os
import sys

import typer

from mlgolf.cli import algoperf, catalogue, datasets, playing, scoring
from mlgolf.core.errors import MLGolfError

app = typer.Typer(
    name="mlgolf",
    help="Measures, and runs competitions in, training efficiency.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Start with: mlgolf data make imagenet_resnet criteo1tb; "
    "mlgolf run nadamw nesterov --trials 1 --studies 1 --out runs/first; "
    "mlgolf report runs/first -o report.html",
)
playing.add_to(app)
scoring.add_to(app)
catalogue.add_to(app)
datasets.add_to(app)
algoperf.add_to(app)


def main() -> None:
    """Run a command. A user's mistake is one message on stderr and exit code 2."""
    for stream in range(3):
        try:
            os.fstat(stream)
        except OSError:  # closed by whoever called: or the next file opened would take its place
            os.open(os.devnull, os.O_RDWR)
    try:
        app()
    except MLGolfError as error:
        print(f"mlgolf: {error}", file=sys.stderr)
        sys.exit(2)
    except OSError as error:
        if error.filename is None:
            raise
        print(f"mlgolf: {error.filename}: {error.strerror}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        print("mlgolf: interrupted", file=sys.stderr)
        sys.exit(130)


if __name__ == "__main__":
    main()
