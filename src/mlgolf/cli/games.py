"""`mlgolf game`: make a game from one's own data, check it, list and show games."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from mlgolf.cli import own_evaluation, rounds
from mlgolf.cli.options import AsJson, DataDir, print_json
from mlgolf.cli.text import say

if TYPE_CHECKING:
    from mlgolf.api.games import CellBoard

GAME = typer.Typer(help="Make, check, list and show games.", no_args_is_help=True)


def add_to(app: typer.Typer) -> None:
    GAME.command(no_args_is_help=True)(new)
    GAME.command(no_args_is_help=True)(check)
    GAME.command("list")(list_)
    GAME.command(no_args_is_help=True)(show)
    rounds.add_to(GAME)
    own_evaluation.add_to(GAME)
    app.add_typer(GAME, name="game")


def new(
    name: Annotated[str, typer.Argument(help="Small letters, digits and dashes.")],
    source: Annotated[
        Path,
        typer.Option(
            "--from",
            help="A .csv, an .npz, a .txt, a .py that makes examples, or a folder with one of "
            "images for each class.",
        ),
    ],
    out: Annotated[Path, typer.Option(help="Where the game's folder is made.")] = Path(),
    target: Annotated[
        str | None, typer.Option(help="The column, or array, that is to be predicted.")
    ] = None,
    objective: Annotated[
        str | None,
        typer.Option(
            help="What is to be small: l1, l2, nuclear, nonzeros, ...; bits, of a text, for models "
            "that players bring."
        ),
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

    Example: mlgolf game new letters --from letters.txt --objective bits
    """
    from mlgolf.api.games import new_game
    from mlgolf.core.text import quoted

    made = new_game(
        name, source, out=out, target=target, objective=objective, budget_seconds=budget,
        title=title, licence=licence, origin=origin, kind=kind, numbers=numbers,
    )
    if as_json:
        print_json(made.as_json())
        return
    folder, baseline = quoted(made.folder), quoted(made.folder / "baseline")
    say(f"made {folder}")
    if made.guesses:
        say("\n".join(["guessed, and yours to edit:", *(f"  - {g}" for g in made.guesses)]))
    say(
        f"next: mlgolf game show {folder}\n then: mlgolf game check {folder}\n"
        f"  and: mlgolf run {baseline} --competition {folder}"
    )


RunPaths = Annotated[
    list[Path] | None,
    typer.Argument(help="Run folders, or folders of them.", show_default="those in runs/"),
]


def list_(runs: RunPaths = None, as_json: AsJson = False) -> None:
    """List games and their cells, with par and the best value that runs here have reached.

    Example: mlgolf game list
    """
    from mlgolf.api.games import list_games

    games = list_games(runs)
    _say_what_was_left_out([*games.problems, *games.too_few_runs])
    if as_json:
        print_json({"games": games.rows})
    else:
        _print_games(games.rows)


def _print_games(rows: Sequence[dict[str, Any]]) -> None:
    heads = ["name", "objective", "division", "hardware", "time_class", "par", "best"]
    cells = [
        ["–" if row[head] is None else _cell(row[head], row["objective"]) for head in heads]
        for row in rows
    ]
    _print_table("games", [head.removesuffix("_class") for head in heads], cells)


def _print_table(title: str, heads: Sequence[str], cells: Sequence[Sequence[str]]) -> None:
    from rich.console import Console

    from mlgolf.report.terminal import text_table

    Console(highlight=False).print(text_table(title, heads, cells))


def _cell(value: Any, objective: str) -> str:
    from mlgolf.core.quantities import quantity

    if isinstance(value, dict):
        return ", ".join(f"{name} {_cell(part, objective)}" for name, part in value.items())
    return quantity(objective).given(value) if isinstance(value, int | float) else str(value)


def _say_what_was_left_out(problems: Sequence[str]) -> None:
    for problem in problems:
        say(f"left out: {problem}", err=True)


def show(
    game: Annotated[str, typer.Argument(help="By name, file or folder; NAME@CELL for a cell.")],
    runs: RunPaths = None,
    board: Annotated[
        bool, typer.Option("--board", help="The best value in each of its cells, from runs.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Explain the rules of a game in plain words, or show the best in each of its cells.

    Example: mlgolf game show digits-l2

    Example: mlgolf game show digits-l2 --board
    """
    from mlgolf.api.games import show_cells, show_game

    if board:
        _print_board(show_cells(game, runs), as_json)
    elif runs:
        raise typer.BadParameter("runs are read for a board: add --board")
    elif as_json:
        print_json({"game": show_game(game)})
    else:
        say("\n\n".join(show_game(game)["words"]))


def _print_board(board: "CellBoard", as_json: bool) -> None:
    _say_what_was_left_out([*board.problems, *board.too_few_runs])
    if as_json:
        print_json({"cells": board.rows})
        return
    _print_table(board.title, board.heads, board.cells)
    for note in board.notes:
        say(note)
    say("A board of one cell: mlgolf score RUN.")


def check(
    game: Annotated[str, typer.Argument(help="By name, or the path of its folder.")],
    no_play: Annotated[
        bool, typer.Option("--no-play", help="Leave out the trial of the baseline.")
    ] = False,
    *,
    data_dir: DataDir,
    as_json: AsJson = False,
) -> None:
    """List all that is wrong with a game, and refuse one that can be won without learning.

    Its files are read, its rules compared, models tried, and its baseline is played once.

    Exit code 0 if everything was looked at and nothing was found; 1 with findings; 3 if nothing
    was found, and something was not looked at.

    Example: mlgolf game check digits-l2
    """
    from mlgolf.api.games import check_game

    found = check_game(
        game, play=not no_play, data_dir=data_dir, tell=lambda text: say(f"{text} ...", err=True)
    )
    if as_json:
        print_json(found.as_json())
    else:
        for finding in found.findings:
            say(finding)
        for word, lines in (("ok", found.passed), ("not checked", found.skipped)):
            for line in lines:
                say(f"{word}  {line}")
    raise typer.Exit(0 if found.is_fine else 1 if found.findings else 3)
