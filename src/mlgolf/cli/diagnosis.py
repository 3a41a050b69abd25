"""The command that says what holds a training step back: diagnose."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

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
    int | None, typer.Option(min=0, help="0: all cores.", show_default="1, as trials of mini")
]
Processes = Annotated[
    int | None,
    typer.Option(min=1, help="Of a script that trains in several, by torchrun.", show_default="1"),
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
    size: Annotated[str | None, typer.Option(show_default="mini")] = None,
    framework: Annotated[
        Literal["torch", "jax"] | None, typer.Option(show_default="torch")
    ] = None,
    submission: Annotated[
        str | None, typer.Option(help="An algorithm, or a file.", show_default="nadamw")
    ] = None,
    batch_size: BatchSize = None,
    threads: Threads = None,
    processes: Processes = None,
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

    Example: mlgolf diagnose train_in_parallel.py --processes 2

    Example: mlgolf diagnose steps.json
    """
    from rich.console import Console

    from mlgolf.api.diagnosis import NAME, diagnose_script
    from mlgolf.api.diagnosis import diagnose as diagnosed

    of_workload = _given(
        size=size, framework=framework, submission=submission, batch_size=batch_size,
        threads=threads,
    )
    _refuse_unusable(target, arguments, of_workload, processes, fresh_ceilings=fresh_ceilings)
    shared = {
        "memory_limit": None if memory_limit is None else 1e9 * memory_limit, "on": on,
        "data_dir": data_dir, "fresh_ceilings": fresh_ceilings,
        "tell": lambda text: say(text, err=True),
    }
    if _is_script(target) or _is_stored(target):
        found = diagnose_script(target, arguments or (), processes=processes or 1, **shared)
    else:
        found = diagnosed(target, **of_workload, **shared)
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


def _is_script(target: str) -> bool:
    return target.endswith(".py")


def _is_stored(target: str) -> bool:
    return target.endswith(".json")


def _given(**options: Any) -> dict[str, Any]:
    return {name: value for name, value in options.items() if value is not None}


def _refuse_unusable(
    target: str, arguments: list[str] | None, of_workload: Mapping[str, Any],
    processes: int | None, *, fresh_ceilings: bool,
) -> None:
    """Raises: DiagnosisError for what this target cannot use."""
    from mlgolf.core.errors import DiagnosisError

    if arguments and not _is_script(target):
        raise DiagnosisError(f"found {arguments[0]!r} behind {target}; only a script has arguments")
    if of_workload and (_is_script(target) or _is_stored(target)):
        name, value = next(iter(of_workload.items()))
        raise DiagnosisError(
            f"--{name.replace('_', '-')} {value}: only a workload has this option, and {target} "
            "sets its own. Leave it out, or give it to the script as an argument behind --."
        )
    if processes is not None and not _is_script(target):
        raise DiagnosisError(
            f"--processes {processes}: only a script is run in several processes, and {target} is "
            "none. Leave it out."
        )
    if fresh_ceilings and _is_stored(target):
        raise DiagnosisError(
            f"--fresh-ceilings: {target} does not count operations, so nothing is compared with "
            "what this machine can do. Leave it out, or give the script itself."
        )
