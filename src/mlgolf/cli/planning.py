"""Commands that spend a budget: plan."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from mlgolf.cli.options import AsJson, by_name, print_json
from mlgolf.cli.text import say


def add_to(app: typer.Typer) -> None:
    app.command(no_args_is_help=True)(plan)


Number = float | None
Flops = Annotated[Number, typer.Option(help="The budget: training FLOP, 6 N D.")]
Dollars = Annotated[Number, typer.Option(help="The budget: dollars.")]
Hours = Annotated[Number, typer.Option(help="The budget: hours of --devices of --device.")]
DeviceName = Annotated[
    list[str] | None, typer.Option("--device", help="Only this one: 'H100 SXM 80GB'. Repeatable.")
]
Without = Annotated[
    list[str] | None, typer.Option("--without-device", help="Not this one. Repeatable.")
]
Devices = Annotated[int | None, typer.Option(min=1, show_default="as many as needed")]
Deadline = Annotated[
    Number, typer.Option(help="Hours within which the run must end.", show_default="720")
]
Kind = Annotated[str | None, typer.Option(help="on_demand or spot.", show_default="the better")]
Fit = Annotated[
    Path | None,
    typer.Option(help="What mlgolf fit --json printed.", show_default="Chinchilla's runs refitted"),
]
Prices = Annotated[
    str,
    typer.Option(help="A table: device, usd_per_hour, date, source; perhaps kind, vendor, "
                 "interruptions_per_month; of a device that no table describes fp16_bf16, "
                 "memory_gb, memory_bw_gbs."),
]  # fmt: skip
Utilisation = Annotated[
    Number,
    typer.Option(help="Model FLOP per peak FLOP.", show_default="the median of published runs"),
]
Precision = Annotated[
    list[str] | None, typer.Option(help="bf16, fp8 or fp32; may be repeated.", show_default="bf16")
]
Answers = Annotated[
    float, typer.Option(help="Tokens that the same budget has to answer with, over the life.")
]
Unique = Annotated[Number, typer.Option(help="Unique tokens that there are.", show_default="any")]
Levers = Annotated[
    list[str] | None,
    typer.Option("--lever", help="NAME=TIMES or NAME=TIMES,LOW,HIGH: a method that is worth so "
                 "many times the compute, to see what it would buy. Repeatable.",
                 show_default="the levers of the fit"),
]  # fmt: skip
ServiceFile = Annotated[
    Path | None,
    typer.Option("--service", help="A TOML file of requests, their value by loss, and latency: "
                 "also finds the model of most profit."),
]  # fmt: skip
AsCompetition = Annotated[
    Path | None,
    typer.Option("--as-competition", help="A folder for a competition: the best validation metric "
                 "for these dollars. Play it by mlgolf run --competition."),
]  # fmt: skip
Workload = Annotated[str, typer.Option(help="Of that competition.")]
Output = Annotated[
    Path | None, typer.Option("-o", "--output", help="A folder for the figure, its table, a page.")
]


def plan(
    flops: Flops = None, dollars: Dollars = None, hours: Hours = None, device: DeviceName = None,
    without_device: Without = None, devices: Devices = None, deadline: Deadline = None,
    kind: Kind = None, fit: Fit = None, prices: Prices = "prices",
    utilisation: Utilisation = None, precision: Precision = None,
    inference_tokens: Answers = 0.0, unique_tokens: Unique = None, lever: Levers = None,
    service: ServiceFile = None, as_competition: AsCompetition = None,
    workload: Workload = "finewebedu_lm",
    confidence: Annotated[float, typer.Option(min=0.5, max=0.999)] = 0.95,
    output: Output = None, as_json: AsJson = False,
) -> None:
    """Spend a budget on a model: parameters, tokens, devices, checkpoints, and the loss they buy.

    Each number says where it is from. The default law is Chinchilla's runs refitted, prices are
    dated and can be replaced.

    Example: mlgolf plan --dollars 500

    Example: mlgolf plan --hours 24 --device "H100 SXM 80GB" --devices 8 --fit fit.json

    Example: mlgolf plan --dollars 500 --lever moe=2.9,2.6,3.2

    Example: mlgolf plan --dollars 1e-4 --as-competition cheapest --workload finewebedu_lm;
    mlgolf run nadamw --competition cheapest --tuning self
    """
    from rich.console import Console

    from mlgolf.api.planning import NAME
    from mlgolf.api.planning import plan as planned

    if as_competition is not None:
        others = {
            "--flops": flops, "--hours": hours, "--device": device, "--devices": devices,
            "--without-device": without_device, "--deadline": deadline, "--kind": kind,
            "--fit": fit, "--utilisation": utilisation, "--precision": precision,
            "--inference-tokens": inference_tokens, "--unique-tokens": unique_tokens,
            "--lever": lever, "--service": service, "--output": output,
            "--prices": None if prices == "prices" else prices,
        }  # fmt: skip
        _as_competition(as_competition, dollars, workload, others, as_json=as_json)
        return
    found = planned(
        flop=flops, dollars=dollars, hours=hours, device=device or (),
        without_device=without_device or (), devices=devices, deadline_hours=deadline, kind=kind,
        fit=fit, prices=prices, utilisation=utilisation, precisions=precision or ("bf16",),
        inference_tokens=inference_tokens,
        unique_tokens=math.inf if unique_tokens is None else unique_tokens, service=service,
        levers=by_name("--lever", map(_lever, lever or [])), confidence=confidence,
    )  # fmt: skip
    if output is not None:
        found.save(output)
        say(f"wrote {output / NAME}.svg", err=True)
    if as_json:
        print_json(found.as_json())
    else:
        found.show(Console(highlight=False))


def _lever(text: str) -> tuple[str, list[float]]:
    name, _, numbers = text.partition("=")
    try:
        claim = [float(number) for number in numbers.split(",")]
    except ValueError:
        claim = []
    if not (name and claim):
        raise typer.BadParameter(
            f"--lever: found {text!r}, allowed is NAME=TIMES or NAME=TIMES,LOW,HIGH, such as "
            "moe=2.9,2.6,3.2"
        )
    return name, claim


def _as_competition(
    folder: Path, dollars: float | None, workload: str, others: Mapping[str, object], *,
    as_json: bool,
) -> None:
    """Args: others: options that do not reach a competition, with their values."""
    from mlgolf.api.planning import plan_as_competition
    from mlgolf.core.competition import FILE
    from mlgolf.core.errors import ScoringError

    found = [name for name, value in others.items() if value]
    if found or dollars is None:
        raise ScoringError(
            f"--as-competition: found {found[0] if found else 'no --dollars'}; it is played on its "
            "hardware class, at the price of that, for --dollars on a --workload. Give these alone"
        )
    planned, lines = plan_as_competition(dollars, folder, workload=workload)
    say(f"wrote {folder / FILE}", err=True)
    if as_json:
        print_json({
            "competition": str(folder / FILE), "workload": workload, "dollars": planned.dollars,
            "hardware": planned.hardware, "usd_per_hour": planned.dollars_per_hour,
            "seconds": planned.seconds, "steps": planned.steps,
            "sources": {"usd_per_hour": planned.price_provenance},
        })  # fmt: skip
        return
    for line in lines:
        say(line)
