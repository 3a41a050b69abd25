"""Figures, drawn by the library after tables and verdicts are shown: they take longer."""

import logging
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path

from django.db.models import Q

from mlgolf.core.errors import MLGolfError
from mlgolf.core.trial import Trial
from mlgolf.report.board_figures import draw_board
from mlgolf.results.run_folder import RunFolder
from mlgolf.scoring.twin import Twin, twin
from mlgolf_site.boards.models import Snapshot
from mlgolf_site.boards.services import as_json, counting, figures_of, leaderboard_of
from mlgolf_site.contests.models import Board
from mlgolf_site.entries.models import Run

log = logging.getLogger(__name__)
MANY_ROWS = 200  # a board with more is drawn at most so often
EVERY = timedelta(seconds=20)
NEWEST_RUNS = 50  # whose evaluations are read for the twin set


def draw_next(now: datetime) -> bool:
    """Figures of one leaderboard, or else of one run: one at a time, so that whoever keeps the
    tables can see to them in between.

    Returns: whether there was one.
    """
    return _draw_next_board(now) or _draw_next_run()


def _draw_next_board(now: datetime) -> bool:
    """Of one leaderboard that has none of its own yet, the longest shown first."""
    waiting = Snapshot.objects.filter(shown_on__isnull=False, is_drawn=False).filter(
        Q(rows__lte=MANY_ROWS) | Q(drawn__isnull=True) | Q(drawn__lte=now - EVERY)
    )
    snapshot = waiting.defer("figures").select_related(
        "board__version__contest"
    ).order_by("made").first()
    if snapshot is None:
        return False
    try:
        _draw(snapshot, now)
    except Exception:  # figures that cannot be drawn keep no table from being shown
        log.exception("the figures of %s could not be drawn", snapshot.board)
        Snapshot.objects.filter(pk=snapshot.pk).update(is_drawn=True, drawn=now)
    return True


def _draw_next_run() -> bool:
    """Of one that was taken in without them."""
    run = Run.objects.filter(figures__isnull=True).select_related("entry").defer(
        *Run.LARGE
    ).order_by("pk").first()
    if run is None:
        return False
    try:
        figures = figures_of(run.folder)
    except Exception:  # as above: its verdict is shown without them
        log.exception("the figures of %s could not be drawn", run)
        figures = {}
    # Not of one that was taken in anew meanwhile, with its own.
    Run.objects.filter(pk=run.pk, figures__isnull=True).update(figures=figures)
    return True


def _draw(snapshot: Snapshot, now: datetime) -> None:
    found = leaderboard_of(snapshot)
    figures = draw_board(found, now, _twin(snapshot.board))
    told = [
        {"name": figure.sketch.name, "title": figure.sketch.title,
         "caption": figure.sketch.caption, "below": figure.sketch.below or ""}
        for figure in figures
    ]
    Snapshot.objects.filter(pk=snapshot.pk).update(
        figures={figure.sketch.name: {"svg": figure.whole} for figure in figures},
        view=as_json({**snapshot.view, "figures": told}), is_drawn=True, drawn=now,
    )


def _twin(board: Board) -> Twin | None:
    """What predicts the error on the twin set, by the newest runs."""
    rules = board.competition
    if len(rules.scored_workloads) != 1 or not rules.rules.tuning.stands_alone(board.ruleset):
        return None  # before any folder is read
    runs = counting(board).select_related("entry")
    trials: list[Trial] = []
    for run in runs.only("key", "bundle_sha256", "entry__name").order_by("-pk")[:NEWEST_RUNS]:
        trials += _trials(run.folder, run.bundle_sha256)
    return twin(rules, trials, board.ruleset) if trials else None


@lru_cache(maxsize=300)
def _trials(folder: Path, sha256: str) -> tuple[Trial, ...]:
    """Of a run, read once: its folder never changes while its bundle does not."""
    try:
        return tuple(RunFolder(folder).trials())
    except (MLGolfError, OSError):
        return ()  # lost here; its bundle has it, and the leaderboard needs it not
