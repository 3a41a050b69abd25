"""`mlgolf game`: make a game from one's own data, check it, list and show games."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from mlgolf.cli.options import AsJson, DataDir, print_json
from mlgolf.cli.text import say

if TYPE_CHECKING:
    from mlgolf.core.competition import Competition
    from mlgolf.golf.games import Runs

GAME = typer.Typer(help="Make, check, list and show games.", no_args_is_help=True)


def add_to(app: typer.Typer) -> None:
    GAME.command(no_args_is_help=True)(new)
    GAME.command("list")(list_)
    GAME.command(no_args_is_help=True)(show)
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
        f"next: mlgolf game show {folder}\n then: mlgolf game check {folder}\n"
        f"  and: mlgolf run {baseline} --competition {folder}"
    )


RunPaths = Annotated[
    list[Path] | None,
    typer.Argument(help="Run folders, or folders of them.", show_default="those in runs/"),
]


def list_(runs: RunPaths = None, as_json: AsJson = False) -> None:
    """List the games that ship, with par and the best value that runs here have reached.

    Example: mlgolf game list
    """
    from mlgolf.golf.games import game_rows

    rows = game_rows(_found(runs))
    if as_json:
        print_json({"games": rows})
    else:
        _print_games(rows)


def _print_games(rows: list[dict[str, Any]]) -> None:
    from rich.console import Console

    from mlgolf.report.terminal import text_table

    heads = ["name", "objective", "division", "hardware", "time_class", "par", "best"]
    cells = [["–" if row[head] is None else _cell(row[head]) for head in heads] for row in rows]
    table = text_table("games", [head.removesuffix("_class") for head in heads], cells)
    Console(highlight=False).print(table)


def _cell(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {_cell(part)}" for name, part in value.items())
    return f"{value:.6g}" if isinstance(value, int | float) else str(value)


def _found(runs: list[Path] | None) -> "Runs":
    from mlgolf.golf.games import find_runs
    from mlgolf.results.run_names import RUNS

    found = find_runs(runs or ([RUNS] if any(RUNS.glob("*/run.json")) else []))
    for problem in found.problems:
        say(f"left out: {problem}", err=True)
    return found


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
    from mlgolf.core.competition import load_competition
    from mlgolf.report.games import game_as_json, game_in_words

    rules = load_competition(game)
    if board:
        _show_board(rules, _found(runs), as_json)
    elif runs:
        raise typer.BadParameter("runs are read for a board: add --board")
    elif as_json:
        print_json({"game": game_as_json(rules, game)})
    else:
        say("\n\n".join(game_in_words(rules, game)))


def _show_board(rules: "Competition", runs: "Runs", as_json: bool) -> None:
    from rich.console import Console

    from mlgolf.golf.games import best_of, cells
    from mlgolf.report.games import cell_matrix, cell_rows
    from mlgolf.report.terminal import text_table
    from mlgolf.scoring.labels import OUTSIDE

    rows = cell_rows([(cell, best_of(cell, runs)) for cell in cells(rules)])
    if as_json:
        print_json({"cells": rows})
        return
    objective = rules.rules.objective_quantity
    table = text_table(f"{rules.name}: best {objective.noun}", *cell_matrix(rows))
    Console(highlight=False).print(table)
    for said in dict.fromkeys(row["declared"] for row in rows if row["declared"]):
        say(said)
    say(f"{OUTSIDE} A board of one cell: mlgolf score RUN.")


@GAME.command()
def costliest(
    run: Annotated[
        Path | None, typer.Argument(help="A run's folder; the latest if left out.")
    ] = None,
    competition: Annotated[
        str, typer.Option(help="The game's folder; not needed for one that ships.")
    ] = "",
    share: Annotated[float, typer.Option(help="Of the examples, those that cost most.")] = 0.01,
    next_round: Annotated[
        Path | None, typer.Option(help="Write the game without them into this folder.")
    ] = None,
    *, data_dir: DataDir, as_json: AsJson = False,
) -> None:
    """Say which examples of a game cost most to fit, by the models that were kept.

    Example: mlgolf game costliest --competition my-game --next-round my-game-2
    """
    from mlgolf.api import games

    found = games.costliest(run, competition=competition, data_dir=data_dir)
    if as_json:
        print_json({"workloads": [
            {
                "workload": losses.workload, "models": losses.models,
                "examples": [
                    {"row": int(row), "line": losses.line(int(row)), "loss": float(loss)}
                    for row, loss in zip(losses.rows, losses.losses, strict=True)
                ],
            }
            for losses in found
        ]})  # fmt: skip
    for losses in found if not as_json else ():
        for line in games.costliest_lines(losses, share):
            say(line)
    if next_round is not None:
        number = games.next_round(found, share, competition, next_round)
        say(
            f"round {number} is in {next_round}: without these examples. Play an entry in both "
            "rounds to see how its score moves: mlgolf run ENTRY --competition "
            f"{next_round}", err=as_json,
        )


@GAME.command(no_args_is_help=True)
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
    from mlgolf.golf.check import check_game

    found = check_game(
        game, data_dir, play=not no_play, tell=lambda text: say(f"{text} ...", err=True)
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
