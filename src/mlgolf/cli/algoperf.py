"""Commands at the border to AlgoPerf: import, export."""

from pathlib import Path
from typing import Annotated

import typer

from mlgolf.cli.text import say


def add_to(app: typer.Typer) -> None:
    importing, exporting = typer.Typer(no_args_is_help=True), typer.Typer(no_args_is_help=True)
    importing.command("algoperf", no_args_is_help=True)(import_algoperf)
    exporting.command("algoperf", no_args_is_help=True)(export_algoperf)
    importing.callback()(_import_help)
    exporting.callback()(_export_help)
    app.add_typer(importing, name="import")
    app.add_typer(exporting, name="export")


def _import_help() -> None:
    """Read results of others into a run folder."""


def _export_help() -> None:
    """Write results in the form of others."""


def import_algoperf(
    logs: Annotated[Path, typer.Argument(help="A folder with submissions at any depth below.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="The run folder to write.")],
    competition: Annotated[
        str | None, typer.Option(help="If the logs do not tell: algoperf-0.5, algoperf-0.6.")
    ] = None,
    tuning: Annotated[str | None, typer.Option(help="external or self, if not as said.")] = None,
) -> None:
    """Import an AlgoPerf log tree. What cannot be read is said; the rest goes on.

    Example: mlgolf import algoperf submissions_algorithms/logs -o runs/published
    """
    from mlgolf.report.view import first_problems
    from mlgolf.results.algoperf_ledger import import_logs, open_logs
    from mlgolf.scoring.sources import as_ruleset

    done = import_logs(open_logs(logs, competition, as_ruleset(tuning)), output)
    for line in first_problems(done.problems, "in each verdict.json"):
        say(line)
    kept = f", {done.kept} of them before" if done.kept else ""
    say(
        f"{output}: {done.trials} trials{kept}, {done.evaluations} evaluations, "
        f"{len(done.problems)} problems, under the rules of {done.run.competition.name}"
    )


def export_algoperf(
    run: Annotated[Path, typer.Argument(help="A run folder.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="The log tree to write.")],
) -> None:
    """Export a run as a log tree that AlgoPerf's scorer reads.

    Example: mlgolf export algoperf runs/a -o logs/a
    """
    from mlgolf.results.algoperf_ledger import export_run
    from mlgolf.results.run_folder import RunFolder

    count = export_run(RunFolder(run), output)
    say(f"{output}: {count} trials")
