"""Options of `mlgolf run`."""

from pathlib import Path
from typing import Annotated, Literal

import typer

Submissions = Annotated[
    list[str], typer.Argument(help="Algorithms by name, or folders or modules by path.")
]
RunOut = Annotated[
    Path | None,
    typer.Option(help="The run folder to make, or to --resume.", show_default="runs/DATE-NAMES"),
]
Ladder = Annotated[
    str | None,
    typer.Option(
        help="Train for each of these multiples of the step hint, the schedule rescaled, for "
        "`mlgolf curve`: 0.25,0.5,1,2,4. All tuning trials are played at each of them, unless "
        "--tune-at is given."
    ),
]
TuneAt = Annotated[
    float | None,
    typer.Option(
        help="The one budget of --ladder at which all points are tried; then each study trains "
        "its best point alone at the others."
    ),
]
Parallel = Annotated[
    int | None,
    typer.Option(
        min=1, help="Trials at a time; above 1 the run is unofficial, unless they are paired.",
        show_default="1; paired: as many as cores",
    ),
]
Timed = Annotated[
    Literal["alone", "paired"],
    typer.Option(
        help="paired: trials play side by side, and each is priced by segments that it plays alone."
    ),
]
Sandbox = Annotated[
    Literal["none", "process", "bubblewrap"] | None,
    typer.Option(
        help="bubblewrap for anybody's code, process for your own, none for a debugger.",
        show_default="the strongest that this machine gives",
    ),
]
Practice = Annotated[
    bool,
    typer.Option(
        "--practice", help="Evaluate on held-out data that anybody can make; not official."
    ),
]
Workloads = Annotated[
    list[str] | None, typer.Option(help="Run this workload only; may be given again.")
]
Tuning = Annotated[
    Literal["external", "self"] | None,
    typer.Option(show_default="what the competition knows, external first"),
]
LedgerFolder = Annotated[
    Path | None,
    typer.Option(
        help="The folder of your ledger, which gets a line before the first trial.",
        envvar="MLGOLF_LEDGER",
    ),
]
PublicValue = Annotated[
    str | None,
    typer.Option(help="The value that your ledger named beforehand, if it named a public one."),
]
Resume = Annotated[
    bool, typer.Option("--resume", help="Continue the run in OUT, or else the latest.")
]
PlanOnly = Annotated[
    bool, typer.Option("--plan-only", help="Write down what play-trial is to play elsewhere.")
]
