"""Commands that run trials: run, play-trial, replay, and the first form of targets set."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from mlgolf.cli.options import AsJson, DataDir, print_json
from mlgolf.cli.run_options import (
    Ladder,
    LedgerFolder,
    Parallel,
    PlanOnly,
    Practice,
    PublicValue,
    Resume,
    RunOut,
    Sandbox,
    Submissions,
    Timed,
    TuneAt,
    Tuning,
    Workloads,
)
from mlgolf.cli.text import say


def add_to(app: typer.Typer) -> None:
    app.command(no_args_is_help=True)(run)
    app.command(no_args_is_help=True)(play_trial)
    app.command(no_args_is_help=True)(replay)
    targets = typer.Typer(
        help="Find targets: what a tuned algorithm reaches, over seeds.", no_args_is_help=True
    )
    targets.command("set", no_args_is_help=True)(targets_set)
    app.add_typer(targets, name="targets")


def run(
    submissions: Submissions,
    out: RunOut = None,
    competition: Annotated[str, typer.Option(help="By name, file or folder.")] = "mini",
    workload: Workloads = None,
    framework: Annotated[Literal["torch", "jax"], typer.Option()] = "torch",
    tuning: Tuning = None,
    trials: Annotated[int | None, typer.Option(min=1, help="Trials a study.")] = None,
    studies: Annotated[int | None, typer.Option(min=1)] = None,
    ladder: Ladder = None,
    tune_at: TuneAt = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Random by default.")] = None,
    sandbox: Sandbox = None,
    parallel: Parallel = None,
    timing: Timed = "alone",
    *,
    data_dir: DataDir,
    practice: Practice = False,
    ledger: LedgerFolder = None,
    public_value: PublicValue = None,
    resume: Resume = False,
    plan_only: PlanOnly = False,
) -> None:
    """Train submissions under the referee and write everything down.

    Small data that are missing are made first.

    Example: mlgolf run nadamw

    Example: mlgolf run nadamw my_folder --trials 3 --studies 2 --seed 1 --out runs/a

    Example: mlgolf run nadamw my_folder --tuning self --ladder 0.25,0.5,1,2

    Example: mlgolf run nadamw my_folder --timing paired

    Example: mlgolf run nadamw my_folder --trials 5 --ladder 0.25,0.5,1,2 --tune-at 0.5
    """
    from functools import partial

    from rich.console import Console

    from mlgolf.api.live import play, say, shortfall, write_plans
    from mlgolf.api.playing import play_in_folder, trials_at_a_time
    from mlgolf.core.text import quoted
    from mlgolf.experiments.ladders import parse_factors
    from mlgolf.results.run_folder import RunFolder

    console = Console(stderr=True, highlight=False, markup=False, emoji=False)
    parallel = trials_at_a_time(parallel, timing)
    play_it = partial(play, console=console, parallel=parallel, resume="--resume")
    try:
        folder, played = play_in_folder(
            submissions, out,
            partial(write_plans, console=console, show=typer.echo) if plan_only else play_it,
            resume=resume, competition=competition, workloads=workload or (), framework=framework,
            ruleset=tuning, trials=trials, studies=studies, seed=seed,
            sandbox=sandbox, timing=timing, parallel=parallel, practice=practice, data_dir=data_dir,
            ledger=ledger, public_value=public_value,
            tell=partial(say, console), ladder=parse_factors(ladder) if ladder else (),
            tune_at=tune_at,
        )
    except KeyboardInterrupt:
        raise typer.Exit(130) from None
    if lacking := shortfall(played, "--resume", RunFolder(folder)):
        say(console, lacking)
        raise typer.Exit(1)
    if plan_only:
        return
    compare = f"curve {quoted(folder)}" if ladder else f"score {quoted(folder)}"
    say(console, f"next: mlgolf {compare}\n  or: mlgolf report {quoted(folder)}")
    if ledger is not None:
        say(console, f"then: mlgolf bundle {quoted(folder)} --ledger {quoted(ledger)}")


def play_trial(
    plan: Annotated[Path, typer.Argument(help="A plan.json inside its run.")],
    data_dir: DataDir,
    as_json: AsJson = False,
) -> None:
    """Play one trial that run --plan-only wrote down, wherever its run and data were copied to.

    The folder of the trial is the result: copied back into the run, it is one trial of it. A trial
    that has ended is not played again. Exit code 1 if the trial failed before a
    result.

    Example: mlgolf play-trial runs/a/nadamw/study_0/criteo1tb_torch/trial_1/plan.json
    """
    from mlgolf.api.live import shortfall
    from mlgolf.api.playing import play_trial as play
    from mlgolf.results.places import run_above
    from mlgolf.results.run_folder import RunFolder

    trial = play(plan, data_dir=data_dir)
    if as_json:
        print_json({
            "trial": str(trial.key), "status": trial.status, "reason": trial.reason,
            "seconds": trial.total_seconds, "unofficial": trial.unofficial,
            "disturbed": trial.disturbed, "repeated": trial.repeated,
        })  # fmt: skip
    run = run_above(plan.resolve())
    assert run is not None, "else it is no plan"
    raise typer.Exit(1 if shortfall([trial], "the same command", RunFolder(run)) else 0)


def replay(
    trial: Annotated[Path, typer.Argument(help="A trial's folder, inside its run.")],
    data_dir: DataDir,
    competition: Annotated[
        Path | None, typer.Option(help="Its folder, where data drawn for each run are in files.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Repeat a trial under its seed and compare every value exactly.

    Exit code 0 if all are equal, 1 if not. Bits are promised on the same kind of processor only.

    Example: mlgolf replay runs/a/nadamw/study_0/criteo1tb_torch/trial_1
    """
    from mlgolf.api.playing import replay as replay_trial

    result = replay_trial(trial, competition=competition, data_dir=data_dir)
    if as_json:
        print_json(result.as_json())
    else:
        say(result.text())
    raise typer.Exit(0 if result.confirmed else 1)


def targets_set(
    workloads: Annotated[list[str], typer.Argument(help="Workloads of the competition.")],
    out: Annotated[Path, typer.Option(help="Folder for the runs; may be continued.")],
    competition: Annotated[str, typer.Option()] = "mini",
    algorithm: Annotated[str, typer.Option()] = "nadamw",
    trials: Annotated[int, typer.Option(min=1, help="Points to search.")] = 12,
    seeds: Annotated[int, typer.Option(min=1, help="Repetitions of the best point.")] = 5,
    seed: Annotated[int, typer.Option(min=0)] = 0,
    parallel: Annotated[int, typer.Option(min=1, help="Trials at a time.")] = 2,
    share: Annotated[
        float | None,
        typer.Option(
            min=0.01, max=1,
            help="Of the step hint, where schedules end; as AlgoPerf's paper if left out.",
        ),
    ] = None,
    *,
    data_dir: DataDir,
    as_json: AsJson = False,
) -> None:
    """Find a target and a budget: what the best point reaches in a share of the steps.

    The target is the median over seeds. The budget is 1.25 times what the algorithm takes for the
    whole step hint, so measure it on a quiet machine, with --parallel 1.

    Example: mlgolf targets set criteo1tb --out runs/targets

    Example: mlgolf targets set criteo1tb --trials 5 --share 0.5 --parallel 1 --out runs/targets
    """
    from mlgolf.api.playing import find_targets

    found = find_targets(
        workloads, out, competition=competition, algorithm=algorithm, trials=trials, seeds=seeds,
        seed=seed, parallel=parallel, share=share, data_dir=data_dir,
    )
    if as_json:
        print_json({"targets": [target.as_json() for target in found]})
    else:
        say("\n\n".join(target.as_toml() for target in found))
