"""Commands for data: make small ones, prepare published ones, check either."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from mlgolf.cli.options import AsJson, DataDir, print_json
from mlgolf.cli.text import say
from mlgolf.core.text import number_of

if TYPE_CHECKING:
    from mlgolf.data.bad_records import BadRecords
    from mlgolf.data.pieces import Tell

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
        with _progress(f"preparing {workload.name}") as tell:
            prepared = layout.prepare(workload, size, data_dir, tell=tell)
        say(prepared)


def prepare(
    workloads: Names, data_dir: DataDir, size: SizeName = "mini",
    skip_bad: Annotated[
        bool, typer.Option("--skip-bad", help="Leave out records that cannot be read; say which.")
    ] = False,
) -> None:
    """Read raw data in the published format; write one folder per split, with checksums.

    Of a command that was cut short, files that were complete are kept.

    Example: mlgolf data prepare imagenet_resnet --size full --data-dir /data
    """
    from mlgolf.core.registry import load_workload
    from mlgolf.data import layout

    for workload in map(load_workload, workloads):
        with _progress(f"preparing {workload.name}") as tell:
            prepared = layout.prepare(workload, size, data_dir, skip_bad=skip_bad, tell=tell)
        say(prepared)
        _say_left_out(
            layout.left_out(workload, size, data_dir),
            layout.examples_left(workload, size, data_dir),
        )


def check(
    workloads: Names, data_dir: DataDir, size: SizeName = "mini", as_json: AsJson = False,
    raw: Annotated[
        bool, typer.Option("--raw/--no-raw", help="Read every record of the raw data, too.")
    ] = True,
) -> None:
    """Read raw data for bad records; compare prepared data with their checksums.

    Prints the fingerprint of the prepared data.

    Example: mlgolf data check criteo1tb
    """
    from mlgolf.core.registry import load_workload
    from mlgolf.data import layout

    found, left_out, examples = {}, {}, {}
    for workload in map(load_workload, workloads):
        if raw:
            with _progress(f"reading {workload.name}") as tell:
                layout.check_raw(workload, size, data_dir, tell)
        found[workload.name] = layout.check(workload, size, data_dir)
        left_out[workload.name] = layout.left_out(workload, size, data_dir)
        examples[workload.name] = layout.examples_left(workload, size, data_dir)
    if as_json:
        counts = {name: dict(bad.counts) for name, bad in left_out.items()}
        print_json({"fingerprints": found, "left_out": counts})
        return
    for name, fingerprint in found.items():
        say(f"{name}: {fingerprint}")
        _say_left_out(left_out[name], examples[name])


def _say_left_out(bad: "BadRecords", examples: str) -> None:
    if bad:
        head = f"left out {number_of(len(bad), 'bad record')}:"
        say("\n".join([head, *bad.per_file(), f"examples left: {examples}"]), err=True)


@contextmanager
def _progress(doing: str) -> Iterator["Tell"]:
    """On a terminal a line that is kept up to date."""
    from rich.console import Console

    with Console(stderr=True, highlight=False).status(doing) as status:
        yield lambda progress: status.update(f"{doing}: {progress}")
