"""What a host learns of the data of a game, and the next round of it."""

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from mlgolf.api.playing import run as play
from mlgolf.core.cells import SEPARATOR, split_name
from mlgolf.core.competition import Competition, load_competition, shipped_folder
from mlgolf.core.disk import disk_errors_told
from mlgolf.core.errors import RulesError, UnknownName
from mlgolf.core.text import number_of, quoted
from mlgolf.data.layout import default_data_dir
from mlgolf.golf.costliest import ExampleLosses, example_losses
from mlgolf.golf.games import differing_rules, same_rules
from mlgolf.golf.moved_scores import MovedScore, moved_in_words, moved_scores
from mlgolf.golf.next_round import without_examples, write_next_round, write_recorded_round
from mlgolf.results.run_folder import RunFolder
from mlgolf.results.run_names import latest_run
from mlgolf.scoring.leaderboard import Leaderboard, score_competition

AnyPath = str | PathLike[str]
SHOWN, SHOWN_KEYS = 20, 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """A game without its costliest examples, written into a folder."""

    number: int
    folder: Path
    competition: str  # what `mlgolf run` is given to play it: the folder, or a cell of it
    left_out: int  # examples

    def as_json(self) -> dict[str, Any]:
        return {
            "round": self.number, "folder": str(self.folder), "competition": self.competition,
            "left_out": self.left_out,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class NextRound:
    """A run of the next round, beside the one before."""

    run: Path
    objective: str
    left_out: int  # examples
    blind: bool  # whether each run draws its examples
    scores: Sequence[MovedScore]

    def as_json(self) -> dict[str, Any]:
        """As `mlgolf game costliest --play --json` prints it; null for what is no number."""
        return {
            "run": str(self.run), "objective": self.objective,
            "scores": [score.as_json() for score in self.scores],
        }

    def lines(self) -> Iterator[str]:
        """For a person: both scores of each submission, and how far to trust a difference."""
        return moved_in_words(self.scores, self.objective, self.left_out, blind=self.blind)


@disk_errors_told()
def costliest(
    run: AnyPath | None = None, *, competition: AnyPath = "", data_dir: AnyPath | None = None
) -> list[ExampleLosses]:
    """The loss of every training example, costliest first, by the models that a run kept.

    Args:
      run: the latest if None.
      competition: its folder, where data that are drawn anew need its files; or its name.
    Raises: RunFolderError where none was kept; RulesError where the run was played under other
      rules than those of the competition that is given; DataError.
    """
    folder = RunFolder(Path(run) if run is not None else latest_run())
    if competition:
        check_that_it_was_played(folder, str(competition))
    files = Path(competition) if competition and Path(competition).is_dir() else None
    return example_losses(folder, Path(data_dir or default_data_dir()), files)


def check_that_it_was_played(run: RunFolder, competition: str) -> None:
    """Raises: RulesError naming what differs."""
    played, given = run.competition, load_competition(competition)
    _, cell = split_name(played.name)
    if cell in given.cells:
        given = given.in_cell(cell)
    differing = differing_rules(given.select(list(played.workloads)), played)
    if differing:
        more = f" and {len(differing) - SHOWN_KEYS} more" if differing[SHOWN_KEYS:] else ""
        raise RulesError(
            f"{run.path} was played under other rules than those of {competition}: what differs is "
            f"{', '.join(differing[:SHOWN_KEYS])}{more}. Play an entry there first (mlgolf run "
            f"ENTRY --competition {quoted(competition)}), or give the game that was played"
        )


def costliest_lines(losses: ExampleLosses, share: float) -> Iterator[str]:
    """For a person: the costliest examples, and how much of all loss is theirs."""
    count = len(losses.costliest(share))
    yield (
        f"{losses.workload}: the costliest {count} of {len(losses.rows)} examples ({share:.1%}) "
        f"have {losses.share_of_loss(count):.0%} of the loss; mean over "
        f"{number_of(losses.models, 'model')}"
    )
    for row, loss in list(zip(losses.rows, losses.losses, strict=True))[: min(count, SHOWN)]:
        line = losses.line(row)
        where = f"example {row}, from 0" + (f" (line {line} of {losses.file})" if line else "")
        yield f"  {where}: {loss:.4g} {losses.unit}".rstrip()
    if count > SHOWN:
        yield f"  and {count - SHOWN} more: with --json all examples are listed"


@disk_errors_told()
def next_round(
    found: Sequence[ExampleLosses], share: float, *, competition: AnyPath = "",
    out: AnyPath | None = None,
) -> Round:
    """Write a game without its costliest examples.

    Args:
      found: what `costliest` found. share: of the examples, in (0, 1).
      competition: the game's folder, or its name. If empty it is the one that was played: by its
        name where it ships and has not changed, else as the run recorded it.
      out: a folder that is made; None for NAME-round-NUMBER, here.
    Raises: RulesError for several workloads, a folder that exists, or data in a file of a game
      whose folder is not known.
    """
    if len(found) != 1:
        raise RulesError("the next round of a game with several workloads is written by hand")
    (losses,) = found
    left_out, (name, cell) = losses.costliest(share), split_name(losses.game.name)
    folder = Path(out) if out is not None else Path(f"{name}-round-{losses.game.round + 1}")
    source = folder_of(str(competition), losses.game)
    if source is None:
        number = write_recorded_round(losses.game, folder, losses.workload, left_out)
    else:
        number = write_next_round(source, folder, left_out)
    of_a_cell = source is not None and cell
    return Round(
        number=number, folder=folder, left_out=len(left_out),
        competition=f"{folder}{SEPARATOR}{cell}" if of_a_cell else str(folder),
    )


def folder_of(competition: str, played: Competition) -> Path | None:
    """Of the competition that is named, or of the one that was played if none is; None where there
    is no folder with its rules."""
    if competition:
        folder = Path(competition)
        return folder if folder.is_dir() else shipped_folder(split_name(competition)[0])
    try:
        folder = shipped_folder(split_name(played.name)[0])
        return folder if same_rules(load_competition(played.name), played) else None
    except UnknownName:
        return None


def play_next_round(
    run: AnyPath | None, found: Sequence[ExampleLosses], following: Round, *,
    data_dir: AnyPath | None = None, progress: bool = True,
) -> NextRound:
    """Play the submissions of a run on the next round, and compare scores. Lasts as the run did.

    The code is the copy that the run has, and seeds and tuning are the run's. The new run goes to
    runs/DATE-NAMES.

    Args:
      run: as of `costliest`, which `found` is from. following: what `next_round` wrote of it.
      progress: whether to say how it goes.
    Raises: RulesError if the rules are not those of the run, nothing is played then; and as `run`.
    """
    folder = RunFolder(Path(run) if run is not None else latest_run())
    (losses,) = found
    _check_that_they_compare(folder, losses, following)
    record = folder.record
    with _kept_code(folder) as submissions:
        again = play(
            submissions, competition=following.competition,
            workloads=list(folder.competition.workloads), framework=record.framework or "torch",
            tuning=record.ruleset, trials=record.trials, studies=record.studies, seed=record.seed,
            sandbox=record.sandbox, practice=not (record.held_out and record.held_out.run),
            data_dir=data_dir, progress=progress,
        )
    boards = _board(folder), _board(RunFolder(again.path))
    definition = folder.competition.workloads[losses.workload].definition or {}
    return NextRound(
        run=again.path, objective=folder.competition.rules.objective, left_out=following.left_out,
        blind=definition["data"].get("blind", False), scores=moved_scores(*boards, losses.workload),
    )


def _check_that_they_compare(run: RunFolder, losses: ExampleLosses, following: Round) -> None:
    left_out = losses.rows[: following.left_out]
    expected = without_examples(run.competition, losses.workload, left_out)
    written = load_competition(following.competition).select(list(expected.workloads))
    if not same_rules(written, expected):
        raise RulesError(
            f"{following.folder} is written, but its rules are not those that {run.path} was "
            "played under, so that scores would not compare. Play an entry in the game as it is "
            "now, and try that run"
        )


@contextmanager
def _kept_code(run: RunFolder) -> Iterator[list[Path]]:
    """The modules that were played, each in a folder that is called as its submission."""
    with TemporaryDirectory(prefix="mlgolf_round_") as place:
        for name in run.record.submissions:
            shutil.copytree(run.code_path(name), Path(place) / name)
        yield [Path(place) / name / s.module for name, s in run.record.submissions.items()]


def _board(run: RunFolder) -> Leaderboard:
    return score_competition(run.competition, run.trials(), run.record.ruleset)
