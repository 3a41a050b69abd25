"""Games, for their hosts and for who chooses one: make, check, list, explain, compare cells.

What `mlgolf game` does, as functions: each returns a record, and `mlgolf game --json` prints it.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any, Literal

from mlgolf.core.competition import Competition, load_competition
from mlgolf.core.disk import disk_errors_told
from mlgolf.data.layout import default_data_dir
from mlgolf.golf import check, games, new
from mlgolf.golf.examples import Wishes
from mlgolf.golf.findings import Checked
from mlgolf.report.games import cell_matrix, cell_rows, game_as_json
from mlgolf.results.run_names import RUNS
from mlgolf.scoring.labels import OUTSIDE
from mlgolf.scoring.objective import par_beaten

AnyPath = str | PathLike[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Games:
    """The games that ship and their cells, a row each; and what counts for none, in sentences."""

    rows: Sequence[dict[str, Any]]
    problems: tuple[str, ...]  # runs that could not be read
    too_few_runs: tuple[str, ...]  # submissions with fewer than the rules ask for


@dataclass(frozen=True, slots=True, kw_only=True)
class CellBoard:
    """The best of each cell of a game: as records, and as a table of text."""

    title: str
    rows: Sequence[dict[str, Any]]  # a row for each cell and workload, as `report.games.cell_rows`
    heads: Sequence[str]  # of the table: hardware, then classes of time
    cells: Sequence[Sequence[str]]
    notes: tuple[str, ...]  # what who holds a cell declares, and what no budget counts
    problems: tuple[str, ...]  # a sentence for each run that could not be read
    too_few_runs: tuple[str, ...]  # and for each submission with fewer than the rules ask for


@disk_errors_told()
def new_game(
    name: str, source: AnyPath, *, out: AnyPath = ".", target: str | None = None,
    objective: str | None = None, budget_seconds: float | None = None, title: str | None = None,
    licence: str | None = None, origin: str | None = None,
    kind: Literal["vectors", "images", "text"] | None = None, numbers: bool | None = None,
) -> new.Made:
    """Make the folder of a game from a host's own data, whole or not at all. It plays as it is.

    What is None is guessed, and `.guesses` of what is returned says how, a sentence each.

    Args:
      name: small letters, digits and dashes; the folder is called so.
      source: a .csv, an .npz, a .txt, a .py that makes examples, or a folder with one of images for
        each class.
      out: where the folder is made.
      target: the column, or the array, that is to be predicted.
      objective: the quantity that is to be small, such as "l2"; "bits", of a text, makes a game
        of the open division.
      budget_seconds: of one run.
      licence, origin: of the data, in words.
      kind: what inputs are. numbers: whether targets are numbers; else they are classes.
    Raises: DataError, a line for each thing that is wrong; nothing has been written then.
    """
    return new.new_game(new.Request(
        name=name, source=Path(source), folder=Path(out), title=title, objective=objective,
        budget_seconds=budget_seconds, licence=licence, origin=origin,
        wishes=Wishes(target=target, kind=kind, numbers=numbers),
    ))  # fmt: skip


@disk_errors_told()
def check_game(
    game: AnyPath, *, play: bool = True, data_dir: AnyPath | None = None,
    tell: Callable[[str], None] = lambda _: None,
) -> Checked:
    """All that is wrong with a game, at once; and whether it can be won without learning.

    Args:
      game: by the name of one that ships, or the path of its folder or file.
      play: whether to play the baseline once, which takes as long as it trains.
      data_dir: where data lie; None for $MLGOLF_DATA_DIR or ~/.cache/mlgolf/data. Small data that
        are missing are made.
      tell: hears a sentence before each step that lasts.
    Returns: findings, what was looked at, and what was not; `.is_fine` if all was, without any.
    Raises: UnknownName if there is no such game.
    """
    folder = default_data_dir() if data_dir is None else Path(data_dir)
    return check.check_game(str(game), folder, play=play, tell=tell)


@disk_errors_told()
def list_games(runs: Sequence[AnyPath] | None = None) -> Games:
    """The games that ship, with par and the best value that runs have reached.

    Args: runs: run folders, or folders of them; None for those in runs/, if there are any.
    Returns: rows with `name`, `title`, `objective`, `division`, `hardware`, `time_class`, `par`,
      `best`. The last two are values of the objective or None, and by workload where a game has
      several.
    """
    found = _found(runs)
    held = [(game, games.held(game, found)) for game in games.listed()]
    return Games(
        rows=[games.game_row(game, by.best) for game, by in held], problems=found.problems,
        too_few_runs=tuple(said for _, by in held for said in by.too_few_runs),
    )


def show_game(game: AnyPath) -> dict[str, Any]:
    """A game in plain words and as data.

    Args: game: by name, file or folder; "NAME@CELL" for a cell.
    Returns: `words`, a paragraph each, and `competition`, its rules; see `report.games`.
    Raises: UnknownName; RulesError for a file that cannot be read as rules.
    """
    return game_as_json(load_competition(str(game)), str(game))


@disk_errors_told()
def show_cells(game: AnyPath, runs: Sequence[AnyPath] | None = None) -> CellBoard:
    """The best value in each cell of a game, and who holds it.

    Args: as of `show_game` and `list_games`.
    Raises: as `show_game`.
    """
    rules, found = load_competition(str(game)), _found(runs)
    held = [(cell, games.held(cell, found)) for cell in games.cells(rules)]
    rows = cell_rows([(cell, by.best) for cell, by in held])
    objective = rules.rules.objective_quantity
    heads, cells = cell_matrix(rows)
    declared = dict.fromkeys(row["declared"] for row in rows if row["declared"])
    return CellBoard(
        title=f"{rules.with_round(rules.name)}: best {objective.noun}",
        rows=rows, heads=heads, cells=cells,
        notes=(*_beaten([(cell, by.best) for cell, by in held]), *declared, OUTSIDE),
        problems=found.problems,
        too_few_runs=tuple(said for _, by in held for said in by.too_few_runs),
    )


def _beaten(held: Sequence[tuple[Competition, Mapping[str, games.Best]]]) -> Iterator[str]:
    for cell, best in held:
        for workload, one in best.items():
            if said := par_beaten(cell, workload, one.submission, one.value):
                yield f"{cell.name}: {said}."


def _found(runs: Sequence[AnyPath] | None) -> games.Runs:
    here = [RUNS] if any(RUNS.glob("*/run.json")) else []
    return games.find_runs([Path(run) for run in runs] if runs else here)
