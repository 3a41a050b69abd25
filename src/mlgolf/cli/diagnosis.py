"""The command that says what holds a training step back: diagnose."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from mlgolf.cli.options import AsJson, DataDir, print_json
from mlgolf.cli.text import say


def add_to(app: typer.Typer) -> None:
    app.command(no_args_is_help=True)(diagnose)


Target = Annotated[
    str, typer.Argument(help="A workload, a Python script with mlgolf.observe, or its steps.json.")
]
Arguments = Annotated[
    list[str] | None, typer.Argument(help="Of the script, behind --.", metavar="[ARGUMENTS]...")
]
BatchSize = Annotated[int | None, typer.Option(min=1, show_default="the workload's own")]
Threads = Annotated[
    int, typer.Option(min=0, help="As trials of mini have; 0: all cores. A script sets its own.")
]
MemoryLimit = Annotated[
    float | None,
    typer.Option(help="GB that the step may take.", show_default="what is free"),
]
On = Annotated[
    str | None, typer.Option(help="An instance type, such as a100: what bounds the step there?")
]
Output = Annotated[
    Path | None, typer.Option("-o", "--output", help="A folder for the figure, its table, a page.")
]
Fresh = Annotated[
    bool, typer.Option("--fresh-ceilings", help="Measure anew what this machine can do.")
]


def diagnose(
    target: Target,
    data_dir: DataDir,
    arguments: Arguments = None,
    size: str = "mini",
    framework: Literal["torch", "jax"] = "torch",
    submission: Annotated[str, typer.Option(help="An algorithm, or a file.")] = "nadamw",
    batch_size: BatchSize = None,
    threads: Threads = 1,
    memory_limit: MemoryLimit = None,
    on: On = None,
    fresh_ceilings: Fresh = False,
    output: Output = None,
    as_json: AsJson = False,
) -> None:
    """Say what holds a training step back, and what to try against it.

    Loading, copies, starting operations, computing, moving bytes and the optimizer, each with its
    share of the step; the batch and the threads that are best here; what fits into memory.

    Example: mlgolf diagnose criteo1tb

    Example: mlgolf diagnose imagenet_resnet --framework jax --batch-size 64 -o figures

    Example: mlgolf diagnose train.py --on a100 -- --epochs 1

    Example: mlgolf diagnose steps.json
    """
    from rich.console import Console

    from mlgolf.api.diagnosis import NAME, diagnose_script
    from mlgolf.api.diagnosis import diagnose as diagnosed
    from mlgolf.core.errors import DiagnosisError

    shared = {
        "memory_limit": None if memory_limit is None else 1e9 * memory_limit, "on": on,
        "data_dir": data_dir, "fresh_ceilings": fresh_ceilings,
        "tell": lambda text: say(text, err=True),
    }
    is_script = target.endswith(".py")
    if arguments and not is_script:
        raise DiagnosisError(f"found {arguments[0]!r} behind {target}; only a script has arguments")
    if is_script or target.endswith(".json"):
        found = diagnose_script(target, arguments or (), **shared)
    else:
        found = diagnosed(
            target, size=size, framework=framework, submission=submission, batch_size=batch_size,
            threads=threads, **shared,
        )
    if output is not None:
        written = found.save(output)
        say(
            f"wrote {output / NAME}.svg" if written else
            "no figure: memory ran out before a step could be measured", err=True,
        )
    if as_json:
        print_json(found.as_json())
    else:
        found.show(Console(highlight=False))
