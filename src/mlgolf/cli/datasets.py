"""Commands for data: make small ones, prepare published ones, check either."""

from typing import Annotated

import typer

from mlgolf.cli.options import AsJson, DataDir, print_json
from mlgolf.cli.text import say

Names = Annotated[list[str], typer.Argument(help="Workloads whose data are meant.")]
SizeName = Annotated[str, typer.Option(help="mini, full, or a variant of either.")]


def add_to(app: typer.Typer) -> None:
    data = typer.Typer(help="Make, prepare and check datasets.", no_args_is_help=True)
    for command in (make, prepare, check):
        data.command(no_args_is_help=True)(command)
    app.add_typer(data, name="data")


def make(
    workloads: Names, data_dir: DataDir, size: SizeName = "mini",
    seed: Annotated[int, typer.Option(min=0, help="Another seed makes other data.")] = 0,
) -> None:
    """Generate small data in the published raw format, and prepare them.

    Example: mlgolf data make imagenet_resnet criteo1tb
    """
    from mlgolf.core.registry import load_workload
    from mlgolf.data import layout

    for workload in map(load_workload, workloads):
        say(f"making the data of {workload.name} in {data_dir}", err=True)
        layout.make(workload, size, data_dir, seed)
        say(f"preparing the data of {workload.name}", err=True)
        say(layout.prepare(workload, size, data_dir))


def prepare(workloads: Names, data_dir: DataDir, size: SizeName = "mini") -> None:
    """Read raw data in the published format; write one folder per split, with checksums.

    Example: mlgolf data prepare imagenet_resnet --size full --data-dir /data
    """
    from mlgolf.core.registry import load_workload
    from mlgolf.data import layout

    for workload in map(load_workload, workloads):
        say(layout.prepare(workload, size, data_dir))


def check(
    workloads: Names, data_dir: DataDir, size: SizeName = "mini", as_json: AsJson = False,
) -> None:
    """Compare prepared data with their checksums; print their fingerprint.

    Example: mlgolf data check criteo1tb
    """
    from mlgolf.core.registry import load_workload
    from mlgolf.data import layout

    found = {name: layout.check(load_workload(name), size, data_dir) for name in workloads}
    if as_json:
        print_json({"fingerprints": found})
        return
    for name, fingerprint in found.items():
        say(f"{name}: {fingerprint}")
