"""`mlgolf`: each command parses, calls one library function and prints.

Heavy imports stand inside the commands, so that help and mistakes answer at once.
"""

import os
import sys
from io import TextIOWrapper
from typing import NoReturn

import typer

from mlgolf.cli import (
    ablations,
    algoperf,
    bundles,
    catalogue,
    curves,
    datasets,
    deployment,
    diagnosis,
    games,
    offered,
    planning,
    playing,
    progress,
    sandboxes,
    scaling,
    scoring,
    tracking,
    triage,
    tuning,
    version,
)
from mlgolf.core.errors import MLGolfError, SearchSpaceError, SubmissionError
from mlgolf.core.text import in_words, printable

app = typer.Typer(
    name="mlgolf",
    help="Benchmark training algorithms, and run competitions in training efficiency.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Start with: mlgolf run nadamw nesterov --trials 1 --studies 1; mlgolf score; "
    "mlgolf report",
)
playing.add_to(app)
scoring.add_to(app)
bundles.add_to(app)
curves.add_to(app)
progress.add_to(app)
ablations.add_to(app)
tuning.add_to(app)
tracking.add_to(app)
diagnosis.add_to(app)
scaling.add_to(app)
planning.add_to(app)
deployment.add_to(app)
catalogue.add_to(app)
datasets.add_to(app)
algoperf.add_to(app)
games.add_to(app)
sandboxes.add_to(app)
triage.add_to(app)
version.add_to(app)
offered.add_to(app)


def main(refused: int = 2) -> None:
    """Run a command. A user's mistake is one message on stderr and exit code 2.

    Args: refused: exit code where the mistake is in a submission, for programs that play others'.
    """
    _open_streams()
    try:
        app()
        sys.stdout.flush()
    except (SubmissionError, SearchSpaceError) as error:
        _end(str(error), code=refused)
    except MLGolfError as error:
        _end(str(error))
    except OSError as error:
        message = in_words(error)
        if message is None:
            raise
        _end(message)
    except KeyboardInterrupt:
        _end("interrupted", code=130)


def _open_streams() -> None:
    """Three open streams that take any text, whatever the caller closed and the locale lacks."""
    for stream in range(3):
        try:
            os.fstat(stream)
        except OSError:  # or the next file that is opened would take its place
            os.open(os.devnull, os.O_RDWR)
    for output in (sys.stdout, sys.stderr):
        if isinstance(output, TextIOWrapper):
            output.reconfigure(errors="backslashreplace")


def _end(message: str, code: int = 2) -> NoReturn:
    print(f"mlgolf: {printable(message)}", file=sys.stderr)
    try:
        sys.stdout.flush()
    except OSError:  # it goes to a full disk: Python would try once more at its end
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    sys.exit(code)


if __name__ == "__main__":
    main()
