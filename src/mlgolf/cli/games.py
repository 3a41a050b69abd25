"""`mlgolf game`: make a game from one's own data, check it, list and show games."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from mlgolf.cli.options import AsJson, print_json
from mlgolf.cli.text import say

GAME = typer.Typer(help="Make, check, list and show games.", no_args_is_help=True)


def add_to(app: typer.Typer) -> None:
    GAME.command(no_args_is_help=True)(new)
    app.add_typer(GAME, name="game")


def new(
    name: Annotated[str, typer.Argument(help="Small letters, digits and dashes.")],
    source: Annotated[
        Path,
        typer.Option(
            "--from", help="A .csv, an .npz, a .txt, or a folder with one of images for each class."
        ),
    ],
    out: Annotated[Path, typer.Option(help="Where the game's folder is made.")] = Path(),
    target: Annotated[
        str | None, typer.Option(help="The column, or array, that is to be predicted.")
    ] = None,
    objective: Annotated[
        str | None, typer.Option(help="What is to be small: l1, l2, nuclear, nonzeros, ...")
    ] = None,
    budget: Annotated[float | None, typer.Option(help="Seconds of one run.")] = None,
    title: Annotated[str | None, typer.Option()] = None,
    licence: Annotated[str | None, typer.Option(help="Of the data.")] = None,
    origin: Annotated[str | None, typer.Option(help="Who made the data, and where.")] = None,
    kind: Annotated[
        Literal["vectors", "images", "text"] | None, typer.Option(help="What inputs are.")
    ] = None,
    numbers: Annotated[
        bool | None, typer.Option("--numbers/--classes", help="What targets are.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make a game from your own data: a folder that plays as it is. Says what it guessed.

    Example: mlgolf game new wine --from wine.csv --target kind --licence CC-BY-4.0
    """
    from mlgolf.core.text import quoted
    from mlgolf.golf.examples import Wishes
    from mlgolf.golf.new import Request, new_game

    made = new_game(Request(
        name=name, source=source, folder=out, title=title, objective=objective,
        budget_seconds=budget, licence=licence, origin=origin,
        wishes=Wishes(target=target, kind=kind, numbers=numbers),
    ))  # fmt: skip
    if as_json:
        print_json({"folder": str(made.folder), "guesses": list(made.guesses)})
        return
    folder, baseline = quoted(made.folder), quoted(made.folder / "baseline")
    say(f"made {folder}")
    if made.guesses:
        say("\n".join(["guessed, and yours to edit:", *(f"  - {g}" for g in made.guesses)]))
    say(
        f"next: mlgolf game show {folder}\n then: mlgolf run {baseline} --competition {folder}"
    )
