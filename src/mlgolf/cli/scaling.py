"""Commands that ask what compute buys: fit."""

from pathlib import Path
from typing import Annotated

import typer

from mlgolf.cli.options import AsJson, Rulings, by_name, print_json
from mlgolf.cli.text import say


def add_to(app: typer.Typer) -> None:
    app.command(no_args_is_help=True)(fit)


Runs = Annotated[
    str,
    typer.Argument(
        help="A table (.csv, .parquet) with one run per row, a run or its bundle, or a published "
        "table by name: chinchilla_runs, overtraining_runs, data_constrained_runs."
    ),
]
Params = Annotated[str, typer.Option(help="The column of numbers of parameters.")]
Tokens = Annotated[str, typer.Option(help="The column of tokens seen, repeats included.")]
Flop = Annotated[
    str | None, typer.Option(help="The column of training FLOP, in place of tokens: D = C / 6N.")
]
Loss = Annotated[str, typer.Option(help="The column of losses, nats per token.")]
Form = Annotated[
    str | None,
    typer.Option(
        help="chinchilla, data_constrained, precision, levers or isoflop. Of a folder, chinchilla "
        "and isoflop are fitted to the runs that saw no token twice.",
        show_default="what the columns given, or the runs of a folder, allow",
    ),
]
Unique = Annotated[str | None, typer.Option(help="The column of unique tokens.")]
Bits = Annotated[
    list[str] | None,
    typer.Option(help="KIND=COLUMN: bits of weights, activations or cache. May be repeated."),
]
Levers = Annotated[
    list[str] | None,
    typer.Option(
        "--lever", help="A column of 0 and 1, or of a setting: it gets a multiplier of effective "
        "compute. May be repeated.",
    ),
]
Given = Annotated[
    list[str] | None,
    typer.Option(help="NAME=VALUE: a parameter that is not fitted. May be repeated."),
]
Only = Annotated[
    str | None,
    typer.Option(help="A column of 0 and 1, or COLUMN=VALUE: rows with 1, or the value, count."),
]
Without = Annotated[str | None, typer.Option(help="The same of rows that do not count.")]
Highest = Annotated[int, typer.Option(min=0, help="Leave out so many runs of the highest loss.")]
At = Annotated[
    list[float] | None,
    typer.Option(help="Training FLOP to be spent. May be repeated.", show_default="the most of a "
                 "run, 10 and 100 times as much"),
]  # fmt: skip
Predict = Annotated[
    list[str] | None,
    typer.Option(help="PARAMETERS,TOKENS of a run whose loss is to be predicted. May be repeated."),
]
Output = Annotated[
    Path | None,
    typer.Option("-o", "--output", help="A folder for the figure, its table, a page, fit.json."),
]


def fit(
    table: Runs, params: Params = "params", tokens: Tokens = "tokens", flop: Flop = None,
    loss: Loss = "loss", form: Form = None, unique: Unique = None, bits: Bits = None,
    lever: Levers = None, given: Given = None, only: Only = None, without: Without = None,
    drop_highest: Highest = 0, at: At = None, predict: Predict = None,
    delta: Annotated[
        float, typer.Option(min=1e-9, help="Residuals of log loss beyond it count linearly.")
    ] = 1e-3,
    draws: Annotated[int, typer.Option(min=100, help="Of the bootstrap.")] = 4000,
    confidence: Annotated[float, typer.Option(min=0.5, max=0.999)] = 0.95,
    rulings: Rulings = None, output: Output = None, as_json: AsJson = False,
) -> None:
    """Fit a scaling law to runs: how the loss falls with parameters and data.

    L = E + A / N^alpha + B / D^beta by the least sum of Huber losses of log loss, with intervals,
    with what the runs do not tell, and with what compute buys at the best size.

    Example: mlgolf fit chinchilla_runs --without outlier_top5_loss --at 5.76e23

    Example: mlgolf fit runs.csv --params n --tokens d --loss validation_loss --lever moe -o figures

    Example: mlgolf fit runs.csv --predict 1.6e6,7.7e5

    Example: mlgolf fit runs.csv --form isoflop
    """
    from typing import cast, get_args

    from rich.console import Console

    from mlgolf.api.scaling import NAME, FormName
    from mlgolf.api.scaling import fit as fitted
    from mlgolf.core.errors import UnknownName

    if form is not None and form not in get_args(FormName):
        raise UnknownName("form", form, known=get_args(FormName))
    found = fitted(
        table, params=params, tokens=tokens, flop=flop, loss=loss,
        form=cast("FormName | None", form), unique=unique,
        bits=by_name("--bits", map(_pair, bits or [])), levers=lever or [],
        given=by_name("--given", map(_value, given or [])), only=only, without=without,
        drop_highest=drop_highest, budgets=at or [],
        sizes=[*map(_size, predict or [])], delta=delta, draws=draws, confidence=confidence,
        rulings=rulings,
    )  # fmt: skip
    if output is not None:
        found.save(output)
        say(f"wrote {output / NAME}.svg", err=True)
    if as_json:
        print_json(found.as_json())
    else:
        found.show(Console(highlight=False))


def _pair(text: str) -> tuple[str, str]:
    name, sign, value = text.partition("=")
    if not (name and sign and value):
        raise typer.BadParameter(f"found {text!r}, allowed is NAME=VALUE")
    return name, value


def _value(text: str) -> tuple[str, float]:
    name, value = _pair(text)
    return name, _number(name, value)


def _size(text: str) -> tuple[float, float]:
    params, _, tokens = text.partition(",")
    return _number("--predict", params), _number("--predict", tokens)


def _number(name: str, value: str) -> float:
    try:
        return float(value)
    except ValueError:
        raise typer.BadParameter(f"{name}: found {value!r}, allowed is a number") from None
