"""The games that there are, their cells, and the best that runs have reached in each."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from posixpath import normpath
from typing import Any

from mlgolf.core.competition import Competition, competition_names, load_competition
from mlgolf.core.errors import MLGolfError
from mlgolf.core.jury_ruling import JuryRuling, rulings_of
from mlgolf.core.records import Disclosure
from mlgolf.core.rules import WorkloadRules
from mlgolf.core.target import Goal
from mlgolf.core.time_classes import UNBOUNDED, time_class
from mlgolf.results.places import runs_below
from mlgolf.results.run_folder import RunFolder
from mlgolf.scoring.jury import judged
from mlgolf.scoring.leaderboard import score_competition
from mlgolf.scoring.objective import objective_goal
from mlgolf.scoring.ties import TieBreak


@dataclass(frozen=True, slots=True, kw_only=True)
class Best:
    """The best value of the objective in a game, by the board of one run."""

    value: float
    submission: str
    run: Path
    official: bool
    disclosure: Disclosure | None  # what its authors say of it
    tie_break: TieBreak  # against those of the same value


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """Who holds a game: the best of each workload, and who has too few runs to be among them."""

    best: dict[str, Best]  # by workload, where anybody qualified
    too_few_runs: tuple[str, ...]  # a sentence each


@dataclass(frozen=True, slots=True, kw_only=True)
class Runs:
    """Runs that could be read, and what could not, a sentence each."""

    folders: tuple[RunFolder, ...]
    problems: tuple[str, ...] = ()


def game_names() -> list[str]:
    """Competitions that ship and whose contestants may drive their own training."""
    return [name for name in competition_names() if load_competition(name).rules.admits_own_pace]


def cells(game: Competition) -> list[Competition]:
    """The game itself, then each of its cells."""
    return [game, *(game.in_cell(name) for name in game.cells)]


def data_of(game: Competition) -> list[Mapping[str, Any]]:
    """What its workloads say of their data, where they are declared."""
    return [(row.definition or {}).get("data", {}) for row in game.workloads.values()]


def drawn_from(game: Competition) -> set[str]:
    """Files of its folder from which each run draws examples of its own: the pools, or the
    generators, of blind games. Nobody who plays sees them. However a path is written, it comes back
    in one form."""
    found = (data["file"] for data in data_of(game) if data.get("blind") and data.get("file"))
    return {normpath(str(path)) for path in found}


def division(game: Competition) -> str:
    """Closed where the network is given, open where a contestant brings one.

    What a competition declares has a network if it has a graph; every other workload has its own.
    """
    brought = (game.workload_of(row).brings_model for row in game.workloads)
    return "open" if any(brought) else "closed"


def time_class_of(game: Competition) -> str:
    """By the longest budget of its workloads."""
    seconds = [game.rules.seconds_allowed(row) for row in game.workloads.values()]
    return time_class(max(seconds)) if seconds else UNBOUNDED


def find_runs(paths: Sequence[Path]) -> Runs:
    """Runs, each given itself or by a folder that holds it."""
    places = [run for path in paths for run in (runs_below(path) or [path])]
    folders, problems = [], []
    for place in places:
        try:
            folders.append(RunFolder(place))
        except MLGolfError as error:
            problems.append(str(error))
    return Runs(folders=tuple(folders), problems=tuple(problems))


def listed() -> list[Competition]:
    """The games that ship, each followed by its cells."""
    return [game for name in game_names() for game in cells(load_competition(name))]


def held(game: Competition, runs: Runs) -> Held:
    """The best of the boards of all runs under the same rules.

    Official ones come first; one with fewer runs than the rules ask for is none. Equal values are
    ordered as on a board. Two runs of one submission are two boards.
    """
    rulings = rulings_of(game)
    best: dict[str, Best] = {}
    too_few: list[str] = []
    for run in runs.folders:
        if not same_rules(run.competition, game):
            continue
        asked = run.competition.rules.tuning.under(run.record.ruleset).studies
        for workload, studies, found in _found(run, rulings):
            if studies < asked:
                too_few.append(
                    f"{found.submission} in {run.path}: {studies} of {asked} runs on {workload}"
                )
                continue
            best[workload] = min(
                best.get(workload, found), found, key=lambda one: _order(game, workload, one)
            )
    return Held(best=best, too_few_runs=tuple(too_few))


def _order(game: Competition, workload: str, best: Best) -> tuple[bool, float, TieBreak]:
    goal = objective_goal(game.rules, game.workloads[workload])
    value = best.value if goal is Goal.MINIMISE else -best.value
    return not best.official, value, best.tie_break


def _found(
    run: RunFolder, rulings: Sequence[JuryRuling]
) -> Iterator[tuple[str, int, Best]]:
    """What each submission of a run reached on a workload, and in how many studies.

    Nothing where there is no board.
    """
    own, name = run.trials(), run.path.resolve().name
    trials = judged(own, rulings, {trial.key: name for trial in own}).trials
    for framework in sorted({trial.key.framework for trial in trials}):
        try:
            board = score_competition(run.competition, trials, run.record.ruleset, framework)
        except MLGolfError:
            continue
        for entry in board.entries:
            for workload, cell in entry.cells.items():
                if math.isfinite(cell.value):
                    yield workload, cell.studies, Best(
                        value=cell.value, submission=entry.submission, run=run.path,
                        official=not (board.labels.unofficial or board.labels.practice),
                        disclosure=run.record.submissions[entry.submission].disclosure,
                        tie_break=entry.tie_break,
                    )


def same_rules(one: Competition, other: Competition) -> bool:
    """Whether results of both stand on one board: equal but for what is said of them."""
    return not differing_rules(one, other)


def differing_rules(one: Competition, other: Competition) -> list[str]:
    """Keys of the rules that differ, such as "workloads.wine.bounds.train_loss"."""
    mine, others = dict(_flat(_rules(one))), dict(_flat(_rules(other)))
    missing = object()
    return [
        ".".join(key) for key in {**mine, **others}
        if mine.get(key, missing) != others.get(key, missing)
    ]


def _rules(game: Competition) -> dict[str, Any]:
    return {
        "size": game.size, "rules": game.rules.model_dump(),
        "workloads": {n: _numbers(row).model_dump() for n, row in game.workloads.items()},
    }


def _flat(table: Mapping[str, Any], above: tuple[str, ...] = ()) -> Iterator[tuple[Any, Any]]:
    for key, value in table.items():
        if isinstance(value, Mapping) and value:
            yield from _flat(value, (*above, key))
        else:
            yield (*above, key), value


def _numbers(row: WorkloadRules) -> WorkloadRules:
    said = {"par": None, "incumbent": None, "provenance": "", "sources": {}}
    return row.model_copy(update=said)


def game_row(game: Competition, best: Mapping[str, Best]) -> dict[str, Any]:
    """A game as `mlgolf game list --json` prints it.

    `par` and `best` are values of the objective, or null; by workload where there are several.
    """
    return {
        "name": game.name,
        "title": game.title,
        "objective": game.rules.objective,
        "division": division(game),
        "hardware": game.rules.hardware,
        "time_class": time_class_of(game),
        "par": one_value({n: row.par and row.par.value for n, row in game.workloads.items()}),
        "best": one_value({name: one.value for name, one in best.items()}),
    }


def one_value(values: dict[str, Any]) -> Any:
    """The value of the one workload that a game has; None for none; else all of them."""
    return next(iter(values.values()), None) if len(values) < 2 else values
