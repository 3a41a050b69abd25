"""The command that checks a model before it is shipped: deploy."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from mlgolf.cli.options import AsJson, DataDir, print_json
from mlgolf.cli.text import say

if TYPE_CHECKING:
    from mlgolf.api.deployment import Deployment, DeviceProfile, ShadowComparison


def add_to(app: typer.Typer) -> None:
    app.command(no_args_is_help=True)(deploy)


Model = Annotated[
    Path | None,
    typer.Argument(
        help="An ONNX file, or a trial's folder inside its run, whose model is exported first; "
        "with --requests or --profile-device it may be left out."
    ),
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
Examples = Annotated[int, typer.Option(min=1, help="Of a trial's data, at most so many.")]
Competition = Annotated[
    Path | None,
    typer.Option(help="As of mlgolf replay, for a trial that is trained again.")
]
Margin = Annotated[float, typer.Option(help="How much worse the new model may score.")]
Output = Annotated[
    Path | None,
    typer.Option(
        "-o", "--output",
        help="A folder for the page, the figure and its table; and for model.onnx, reference.npz "
        "and data.npz of a trial.",
    ),
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
    examples: Examples = 1000,
    competition: Competition = None,
    *,
    data_dir: DataDir,
    output: Output = None,
    as_json: AsJson = False,
) -> None:
    """Check a model before it is shipped: is it the same as in training, and fast enough?

    Outputs against those of the source framework, latency and throughput, cold start, memory,
    size, 8 bits; pass or fail, with what is likely wrong. Exit code 0 only if every bound is shown
    to be kept, 1 if not. From a trial of a run, its model is trained again where the run kept none,
    exported, and checked on the validation split.

    Example: mlgolf deploy model.onnx --reference outputs.npz --data inputs.npz --budget ship.toml

    Example: mlgolf deploy runs/a/nadamw/study_0/criteo1tb_torch/trial_1 --budget ship.toml -o ship

    Example: mlgolf deploy --profile-device -o laptop.csv

    Example: mlgolf deploy model.onnx --reference outputs.npz --data inputs.npz --on phone.csv

    Example: mlgolf deploy new.onnx --shadow old.onnx --data requests.npz --margin 0.01
    """
    from mlgolf.api.deployment import deploy as checked
    from mlgolf.core.errors import DeploymentError

    counts = None if threads is None else _numbers("--threads", threads)
    if profile_device:
        _show(_profile(model, data, counts, output), as_json)
    elif shadow is not None or requests is not None:
        compared = _compared(model, shadow, requests, data, margin)
        _show(compared, as_json, passed=compared.decision == "switch")
    elif model is None:
        raise DeploymentError(
            "missing MODEL. For example: mlgolf deploy model.onnx --reference outputs.npz "
            "--data inputs.npz, or mlgolf deploy and the folder of a trial"
        )
    else:
        found = checked(
            model, reference=reference, data=data, budget=budget, quantise=quantise,
            batch_sizes=_numbers("--batch-sizes", batch_sizes), threads=counts, runs=runs,
            seconds=seconds, on=on, here=here, examples=examples, competition=competition,
            data_dir=data_dir, export_to=output, tell=_tell,
        )
        if output is not None:
            found.save(output)
            _tell(f"wrote {output / 'deploy.html'}")
        _show(found, as_json, passed=found.passed)


def _tell(text: str) -> None:
    say(text, err=True)


def _show(
    found: "Deployment | DeviceProfile | ShadowComparison", as_json: bool, *, passed: bool = True
) -> None:
    """Print it, and end with 1 unless it passed."""
    from rich.console import Console

    if as_json:
        print_json(found.as_json())
    else:
        found.show(Console(highlight=False))
    if not passed:
        raise typer.Exit(1)


def _profile(
    model: Path | None, data: Path | None, threads: list[int] | None, output: Path | None
) -> "DeviceProfile":
    from mlgolf.api.deployment import profile_device
    from mlgolf.core.errors import DeploymentError

    if output is None:
        raise DeploymentError("--profile-device: give the file of the table, -o laptop.csv")
    return profile_device(
        output, model=model, data=data, threads=threads[0] if threads else 1, tell=_tell
    )


def _compared(
    model: Path | None, old: Path | None, requests: Path | None, data: Path | None, margin: float
) -> "ShadowComparison":
    from mlgolf.api.deployment import shadow_compare
    from mlgolf.core.errors import DeploymentError

    if requests is not None:
        if model is not None or old is not None:
            raise DeploymentError("--requests has the scores of both models; give no model besides")
        return shadow_compare(requests, margin=margin)
    if model is None or old is None or data is None:
        raise DeploymentError(
            "--shadow: give the new model, the old one and data with targets: mlgolf deploy "
            "new.onnx --shadow old.onnx --data requests.npz"
        )
    return shadow_compare(model, old, data, margin=margin)


def _numbers(option: str, text: str) -> list[int]:
    from mlgolf.core.errors import DeploymentError

    parts = [part.strip() for part in text.split(",")]
    if not all(part.isdecimal() and int(part) > 0 for part in parts):
        raise DeploymentError(
            f"{option}: found {text!r}, allowed are whole numbers above 0 between commas: 1,8,32"
        )
    return [int(part) for part in parts]
