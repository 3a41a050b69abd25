"""Commands that keep track of runs: runs list, show, compare, export, import."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from mlgolf.cli.options import AsJson, Rulings, by_name, print_json
from mlgolf.cli.text import say
from mlgolf.core.text import number_of


def add_to(app: typer.Typer) -> None:
    runs = typer.Typer(
        help="Keep track of runs: list, show, compare, exchange with trackers.",
        no_args_is_help=True,
    )
    runs.command("list")(list_)
    runs.command("show", no_args_is_help=True)(show)
    runs.command("compare", no_args_is_help=True)(compare)
    runs.command("export", no_args_is_help=True)(export)
    runs.command("import", no_args_is_help=True)(import_)
    app.add_typer(runs, name="runs")


Folders = Annotated[
    list[Path] | None,
    typer.Argument(help="Folders of runs, or runs.", show_default="runs"),
]
Workloads = Annotated[
    list[str] | None, typer.Option(help="Only these; * and ? stand for any letters. Repeatable.")
]
Submissions = Annotated[list[str] | None, typer.Option(help="Only these, alike. Repeatable.")]
Frameworks = Annotated[list[str] | None, typer.Option(help="torch or jax.")]
Competitions = Annotated[list[str] | None, typer.Option(help="Only these, alike. Repeatable.")]
Where = Annotated[
    list[str] | None,
    typer.Option(
        help="Only trials for which this holds: a hyperparameter, a quantity, status or seed, one "
        "of >= <= != = > <, and a value: 'learning_rate>=0.01'. Repeatable."
    ),
]
Since = Annotated[
    str | None, typer.Option(help="Only runs begun on this day or later, in UTC: 2026-11-29.")
]
Until = Annotated[str | None, typer.Option(help="Only runs begun on this day or earlier.")]
Sort = Annotated[
    str | None,
    typer.Option(
        help="A quantity, best first (mlgolf quantities list), or objective; of runs also begun, "
        "run, trials.",
        show_default="begun, the latest first",
    ),
]
Output = Annotated[
    Path | None, typer.Option("-o", "--output", help="Write the table: .csv or .parquet.")
]


def list_(
    folders: Folders = None,
    trials: Annotated[bool, typer.Option("--trials", help="One row per trial.")] = False,
    workload: Workloads = None,
    submission: Submissions = None,
    framework: Frameworks = None,
    competition: Competitions = None,
    where: Where = None,
    since: Since = None,
    until: Until = None,
    sort: Sort = None,
    reverse: Annotated[bool, typer.Option("--reverse", help="The worst first.")] = False,
    rulings: Rulings = None,
    output: Output = None,
    as_json: AsJson = False,
) -> None:
    """List the runs in folders of runs; what cannot be read is listed with the reason.

    A trial's value of what only grows is that of its end, of all else the best at any evaluation;
    objective is what its rules count. A run's is the sum, or the best, of its trials.

    Example: mlgolf runs list

    Example: mlgolf runs list --trials --where 'learning_rate>=0.01' --sort validation_metric

    Example: mlgolf runs list runs archive --workload 'criteo*' --since 2026-11-01 -o runs.csv
    """
    from rich.console import Console

    from mlgolf.api.tracking import list_runs

    found = list_runs(
        *(folders or ()), trials=trials, workloads=workload or (), submissions=submission or (),
        frameworks=framework or (), competitions=competition or (), where=where or (),
        since=since, until=until, sort=sort, reverse=reverse, rulings=rulings,
    )
    if output is not None:
        say(f"wrote {found.save(output)}", err=True)
    if as_json:
        print_json(found.as_json())
    else:
        found.show(Console(highlight=False))


def show(
    run: Annotated[Path, typer.Argument(help="A run, or one of its trials.")],
    rulings: Rulings = None,
    as_json: AsJson = False,
) -> None:
    """Show a run or a trial: rules, machine, versions, results, and what to type next.

    Example: mlgolf runs show runs/a

    Example: mlgolf runs show runs/a/nadamw/study_0/criteo1tb_torch/trial_1
    """
    from rich.console import Console

    from mlgolf.api.tracking import show_run

    found = show_run(run, rulings=rulings)
    if as_json:
        print_json(found.as_json())
    else:
        found.show(Console(highlight=False))


def compare(
    runs: Annotated[list[Path], typer.Argument(help="Runs, or trials: two or more.")],
    rulings: Rulings = None,
    as_json: AsJson = False,
) -> None:
    """Compare runs or trials: what differs, results side by side, and whether they compare.

    Example: mlgolf runs compare runs/a runs/b
    """
    from rich.console import Console

    from mlgolf.api.tracking import compare_runs

    found = compare_runs(*runs, rulings=rulings)
    if as_json:
        print_json(found.as_json())
    else:
        found.show(Console(highlight=False))


def export(
    to: Annotated[Literal["mlflow", "tensorboard"], typer.Option(help="Whose format.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="The folder to write into.")],
    folders: Folders = None,
    as_json: AsJson = False,
) -> None:
    """Export the trials of runs to MLflow or TensorBoard, by their own libraries.

    MLflow gets mlflow.db in the folder: an experiment for each run, a run for each trial.
    TensorBoard gets event files below it. What was exported before stays as it is.

    Example: mlgolf runs export runs/a --to mlflow -o tracking

    Example: mlgolf runs export --to tensorboard -o events; tensorboard --logdir events
    """
    from mlgolf.api.tracking import export_runs

    done = export_runs(*(folders or ()), to=to, output=output)
    if as_json:
        print_json(done.as_json())
        return
    before = f", {number_of(done.kept, 'trial')} there before" if done.kept else ""
    say(f"{output}: {number_of(done.written, 'trial')} written{before}")
    for line in done.left_out:
        say(line)
    if to == "mlflow":
        say(f"look at them: mlflow ui --backend-store-uri sqlite:///{output / 'mlflow.db'}")


def import_(
    files: Annotated[
        list[Path],
        typer.Argument(
            help="Of MLflow: mlflow.db, a folder mlruns, or a CSV. Of W&B: a CSV or Parquet of "
            "runs, or one file a run: a history, wandb-summary.json, or the folder wandb."
        ),
    ],
    tracker: Annotated[Literal["mlflow", "wandb"], typer.Option("--from", help="Whose files.")],
    output: Annotated[
        Path, typer.Option("-o", "--output", help="The table to write: .csv or .parquet.")
    ],
    columns: Annotated[
        list[str] | None,
        typer.Option(
            "--map", help="Which of their columns is which of ours: quality=metrics.accuracy. "
            "Ours: method, time, quality, seed, budget, workload, params, tokens, loss, or any "
            "other. Repeatable."
        ),
    ] = None,
    keep_failed: Annotated[
        bool,
        typer.Option("--keep-failed", help="Also runs that did not finish, without a quality."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Import runs of MLflow or W&B as a table for curve, tuning and fit: one row per run.

    Columns that are not mapped are chosen by name, which is said; all others are kept.

    Example: mlgolf runs import mlruns --from mlflow --map quality=metrics.accuracy -o runs.csv

    Example: mlgolf runs import export.csv --from wandb --map method=optimizer
    --map quality=val_loss -o runs.csv; mlgolf curve runs.csv --goal minimise
    """
    from mlgolf.api.tracking import import_runs, save_table

    found = import_runs(
        *files, tracker=tracker, columns=by_name("--map", map(_pair, columns or ())),
        keep_failed=keep_failed,
    )
    path = save_table(found.table, output)
    if as_json:
        print_json({
            "from": tracker, "output": str(path), "rows": len(found.table),
            "columns": found.table.columns, "mapping": dict(found.mapping),
            "said": list(found.said),
        })
        return
    for line in found.said:
        say(line)
    say(f"{path}: {number_of(len(found.table), 'run')}")


def _pair(text: str) -> tuple[str, str]:
    ours, separator, theirs = text.partition("=")
    if not separator or not ours or not theirs:
        raise typer.BadParameter(f"--map: found {text!r}, expected OURS=THEIRS: time=metrics.hours")
    return ours, theirs
