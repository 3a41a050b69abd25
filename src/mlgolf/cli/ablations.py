"""The command that measures methods together: ablate."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from mlgolf.cli.options import AsJson, DataDir, Rulings, print_json
from mlgolf.cli.text import say


def add_to(app: typer.Typer) -> None:
    app.command(no_args_is_help=True)(ablate)


Given = Annotated[
    list[Path],
    typer.Argument(
        help="With --methods a submission that reads its methods from its point. Else run folders "
        "of ablations, or one table (.csv, .parquet) with the columns methods (colout+ema; none), "
        "time or quality, and perhaps workload, seed, budget and tuning_trials."
    ),
]
Methods = Annotated[
    str | None, typer.Option(help="Methods to switch on and off, up to 8: colout,ema,mixup.")
]
Kind = Annotated[
    Literal["full", "fractional"],
    typer.Option("--design", help="All combinations, or a balanced fraction of them."),
]
Resolution = Annotated[
    int,
    typer.Option(
        min=4, max=5, help="Of a fraction. 5: interactions of two are told apart; 4: fewer "
        "combinations, and they hide each other."
    ),
]
Space = Annotated[
    Path | None,
    typer.Option(help="A tuning_search_space.json.", show_default="the submission's own"),
]
Trials = Annotated[
    int | None,
    typer.Option(min=1, help="Tuning trials a study, the same points for every combination."),
]
Studies = Annotated[int | None, typer.Option(min=1, help="3 or more, for intervals.")]
Out = Annotated[
    Path | None,
    typer.Option(help="The run folder to make, or to --resume.", show_default="runs/DATE-NAMES"),
]
Time = Annotated[str | None, typer.Option(help="A table's column of time to the target.")]
Quality = Annotated[str | None, typer.Option(help="A table's column of quality at a budget.")]
ItsGoal = Annotated[
    Literal["maximise", "minimise"] | None,
    typer.Option(help="Of a table's quality.", show_default="maximise"),
]
Confidence = Annotated[
    float,
    typer.Option(min=0.5, max=0.999, help="Of each interval; verdicts are at 5%, by Holm."),
]
Unfair = Annotated[
    bool, typer.Option("--unfair", help="Compare what was not tuned alike, and say so everywhere.")
]
Output = Annotated[
    Path | None, typer.Option("-o", "--output", help="A folder for the figure, its table, a page.")
]


def ablate(
    given: Given,
    methods: Methods = None,
    workload: Annotated[
        list[str] | None, typer.Option(help="This one only; may be given again.")
    ] = None,
    design: Kind = "full",
    resolution: Resolution = 5,
    search_space: Space = None,
    trials: Trials = None,
    studies: Studies = None,
    competition: Annotated[str, typer.Option(help="By name, file or folder.")] = "mini",
    framework: Annotated[Literal["torch", "jax"], typer.Option()] = "torch",
    seed: Annotated[int | None, typer.Option(min=0, help="Random by default.")] = None,
    parallel: Annotated[
        int, typer.Option(min=1, help="Trials at a time; above 1 the run is unofficial.")
    ] = 1,
    *,
    data_dir: DataDir,
    practice: Annotated[
        bool, typer.Option("--practice", help="On held-out data that anybody can make.")
    ] = False,
    out: Out = None,
    resume: Annotated[bool, typer.Option("--resume", help="Continue the run in OUT.")] = False,
    time: Time = None,
    quality: Quality = None,
    goal: ItsGoal = None,
    confidence: Confidence = 0.95,
    unfair: Unfair = False,
    rulings: Rulings = None, output: Output = None, as_json: AsJson = False,
) -> None:
    """Measure methods alone and together, every combination of them tuned alike.

    A main effect is what a method gives, averaged over the others being on or off. An interaction
    is how much more it gives where the other is on. The attribution shares out the gain of all
    together. Intervals need two studies at least.

    Example: mlgolf ablate examples/methods --methods colout,ema --workload imagenet_resnet
    --search-space examples/methods/learning_rates.json --trials 3 --out runs/ablation

    Example: mlgolf ablate runs/ablation --json

    Example: mlgolf ablate my_folder --methods colout,mixup,ema,label_smoothing,cutout
    --design fractional

    Example: mlgolf ablate measured.csv --quality accuracy -o figures
    """
    from rich.console import Console

    from mlgolf.api.ablation_runs import measure
    from mlgolf.api.ablations import NAME
    from mlgolf.api.ablations import ablate as analysed
    from mlgolf.experiments.ablations import parse_methods

    if methods:
        if len(given) > 1:
            raise typer.BadParameter(f"--methods takes one submission; {len(given)} were given")
        console = Console(stderr=True, highlight=False, markup=False, emoji=False)
        try:
            given = [measure(
                given[0], parse_methods(methods), console, workloads=workload or (),
                design=design, resolution=resolution, search_space=search_space,
                competition=competition, framework=framework, trials=trials, studies=studies,
                seed=seed, practice=practice, data_dir=data_dir, out=out, parallel=parallel,
                resume=resume, resume_by="--resume",
            )]  # fmt: skip
        except KeyboardInterrupt:
            raise typer.Exit(130) from None
    found = analysed(
        *given, workloads=workload or (), time=time, quality=quality, goal=goal,
        confidence=confidence, unfair=unfair, rulings=rulings,
    )
    if output is not None:
        found.save(output)
        say(f"wrote {output / NAME}.svg", err=True)
    if as_json:
        print_json(found.as_json())
    else:
        found.show(Console(highlight=False))
