"""The command that checks a model before it is shipped: deploy."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from mlgolf.cli.options import AsJson, print_json
from mlgolf.cli.text import say


def add_to(app: typer.Typer) -> None:
    app.command(no_args_is_help=True)(deploy)


Model = Annotated[
    Path | None,
    typer.Argument(help="An ONNX file; with --requests or --profile-device it may be left out."),
]
Reference = Annotated[
    Path | None,
    typer.Option(
        help="Outputs of the source framework on the data (.npz, .npy, .safetensors), or another "
        "ONNX file."
    ),
]
Data = Annotated[
    Path | None,
    typer.Option(
        help="Inputs by their names, and 'targets' if there are any (.npz, .safetensors); one "
        "input (.npy); rows of numbers (.csv, .parquet)."
    ),
]
BudgetFile = Annotated[
    Path | None,
    typer.Option(
        help="Bounds (TOML): parity, changed_decisions, quality_drop, quantised_quality_drop, "
        "latency_p50_ms, latency_p95_ms, latency_p99_ms, throughput, cold_start_ms, memory_mb, "
        "size_mb; measured at batch_size and threads."
    ),
]
Quantise = Annotated[
    Literal["static", "dynamic", "none"], typer.Option(help="8 bits that are tried.")
]
BatchSizes = Annotated[str, typer.Option(help="For throughput.")]
Threads = Annotated[
    str | None,
    typer.Option(help="For throughput, besides the budget's.", show_default="all cores"),
]
Runs = Annotated[int, typer.Option(help="Timed for latency, unless --seconds end before.")]
On = Annotated[
    Path | None, typer.Option(help="Another device's table: predict the latency there.")
]
Here = Annotated[
    Path | None, typer.Option(help="This device's table.", show_default="measured now")
]
ProfileDevice = Annotated[
    bool, typer.Option("--profile-device", help="Write this device's table to the file of -o.")
]
Shadow = Annotated[
    Path | None,
    typer.Option(help="The old model (ONNX): may MODEL replace it, by the data in their order?"),
]
Requests = Annotated[
    Path | None,
    typer.Option(
        help="The same from a table (.csv, .parquet) of requests, with the score of each model "
        "from 0 to 1 in the columns 'old' and 'new'."
    ),
]
Margin = Annotated[float, typer.Option(help="How much worse the new model may score.")]
Output = Annotated[
    Path | None,
    typer.Option("-o", "--output", help="A folder for the page, the figure and its table."),
]


def deploy(
    model: Model = None,
    reference: Reference = None,
    data: Data = None,
    budget: BudgetFile = None,
    quantise: Quantise = "static",
    batch_sizes: BatchSizes = "1,8,32",
    threads: Threads = None,
    runs: Runs = 2000,
    seconds: float = 10.0,
    on: On = None,
    here: Here = None,
    profile_device: ProfileDevice = False,
    shadow: Shadow = None,
    requests: Requests = None,
    margin: Margin = 0.0,
    output: Output = None,
    as_json: AsJson = False,
) -> None:
    """Check a model before it is shipped: is it the same as in training, and fast enough?

    Outputs against those of the source framework, latency and throughput, cold start, memory,
    size, 8 bits; pass or fail, with what is likely wrong. Exit code 0 only if every bound is shown
    to be kept, 1 if not.

    Example: mlgolf deploy model.onnx --reference outputs.npz --data inputs.npz --budget ship.toml

    Example: mlgolf deploy --profile-device -o laptop.csv

    Example: mlgolf deploy model.onnx --reference outputs.npz --data inputs.npz --on phone.csv

    Example: mlgolf deploy new.onnx --shadow old.onnx --data requests.npz --margin 0.01
    """
    if profile_device:
        _profile(model, data, threads, output, as_json)
    elif shadow is not None or requests is not None:
        _shadow(model, shadow, requests, data, margin, as_json)
    else:
        _check(
            model, reference, data, budget, output, as_json, quantise=quantise,
            batch_sizes=_numbers("--batch-sizes", batch_sizes), runs=runs, seconds=seconds, on=on,
            here=here, threads=None if threads is None else _numbers("--threads", threads),
        )


def _check(
    model: Path | None, reference: Path | None, data: Path | None, budget: Path | None,
    output: Path | None, as_json: bool, **options: object,
) -> None:
    from rich.console import Console

    from mlgolf.api.deployment import NAME
    from mlgolf.api.deployment import deploy as checked
    from mlgolf.core.errors import DeploymentError

    if model is None or reference is None or data is None:
        given = (("MODEL", model), ("--reference", reference), ("--data", data))
        lacking = [name for name, value in given if value is None]
        raise DeploymentError(
            f"missing {', '.join(lacking)}. For example: mlgolf deploy model.onnx "
            "--reference outputs.npz --data inputs.npz"
        )
    found = checked(
        model, reference=reference, data=data, budget=budget,
        tell=lambda text: say(text, err=True), **options,  # type: ignore[arg-type]
    )
    if output is not None:
        found.save(output)
        say(f"wrote {output / NAME}.html", err=True)
    if as_json:
        print_json(found.as_json())
    else:
        found.show(Console(highlight=False))
    if not found.passed:
        raise typer.Exit(1)


def _profile(
    model: Path | None, data: Path | None, threads: str | None, output: Path | None, as_json: bool
) -> None:
    from rich.console import Console

    from mlgolf.api.deployment import profile_device
    from mlgolf.core.errors import DeploymentError

    if output is None:
        raise DeploymentError("--profile-device: give the file of the table, -o laptop.csv")
    count = 1 if threads is None else _numbers("--threads", threads)[0]
    found = profile_device(
        output, model=model, data=data, threads=count, tell=lambda text: say(text, err=True)
    )
    if as_json:
        print_json(found.as_json())
    else:
        found.show(Console(highlight=False))


def _shadow(
    model: Path | None, old: Path | None, requests: Path | None, data: Path | None, margin: float,
    as_json: bool,
) -> None:
    from rich.console import Console

    from mlgolf.api.deployment import shadow_compare
    from mlgolf.core.errors import DeploymentError

    if requests is not None:
        if model is not None or old is not None:
            raise DeploymentError("--requests has the scores of both models; give no model besides")
        found = shadow_compare(requests, margin=margin)
    elif model is None or old is None or data is None:
        raise DeploymentError(
            "--shadow: give the new model, the old one and data with targets: mlgolf deploy "
            "new.onnx --shadow old.onnx --data requests.npz"
        )
    else:
        found = shadow_compare(model, old, data, margin=margin)
    if as_json:
        print_json(found.as_json())
    else:
        found.show(Console(highlight=False))
    if found.decision != "switch":
        raise typer.Exit(1)


def _numbers(option: str, text: str) -> list[int]:
    from mlgolf.core.errors import DeploymentError

    parts = [part.strip() for part in text.split(",")]
    if not all(part.isdecimal() and int(part) > 0 for part in parts):
        raise DeploymentError(
            f"{option}: found {text!r}, allowed are whole numbers above 0 between commas: 1,8,32"
        )
    return [int(part) for part in parts]
