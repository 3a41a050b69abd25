"""Results are taken in, and leaderboards made of them, by the library's own functions.

`Run.results` has what scoring needs of a run, written down once when it was delivered; a
leaderboard is made of those, in memory, whenever its board has changed. The same folders given to
`mlgolf score` make the same leaderboard.
"""

import gc
import json
import logging
import shutil
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from django.core.files.base import File
from django.core.files.storage import default_storage
from django.db import InterfaceError, OperationalError, connection, transaction
from django.db.models import F, Q
from django.utils import timezone

from mlgolf.api.results import score
from mlgolf.core.competition import Competition
from mlgolf.core.errors import BundleError
from mlgolf.core.jury_ruling import read_rulings
from mlgolf.plots.record_steps import record_steps
from mlgolf.plots.svg import framed, to_svg
from mlgolf.report.figures import draw_figures
from mlgolf.report.view import BoardView, RowView, board_view, review_view
from mlgolf.results.bundles.reading import sound_bundle, unpacked
from mlgolf.results.run_folder import RunFolder
from mlgolf.scoring.kept_board import KeptBoard, board_of_kept
from mlgolf.scoring.kept_trials import KeptTrial, as_records, from_records, keep_trials
from mlgolf_site.boards.models import Snapshot, Standing
from mlgolf_site.contests.models import Board
from mlgolf_site.entries.models import Run

log = logging.getLogger(__name__)
MOST_NOTES = 20  # that a page shows
AGAIN_SECONDS = 60.0  # before a leaderboard that could not be made is tried again, unchanged


# --- a run is delivered ---


def take_in(run: Run, bundle: Path) -> None:
    """Check a bundle, keep it, and let its run count.

    Raises: BundleError for one that is not sound, or not of this run.
    """
    found = sound_bundle(bundle)
    assert found.seal is not None
    with unpacked(found) as folder:
        played = RunFolder(folder)
        _check_that_it_is_of(run, played)
        target = run.folder
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(folder, target)
    with open(bundle, "rb") as file:
        default_storage.save(run.bundle, File(file))
    results, view, figures = _results_of(run.folder)
    with transaction.atomic():
        run = Run.objects.select_for_update().select_related("entry__board").get(pk=run.pk)
        run.ended, run.results, run.view = timezone.now(), json.dumps(results), view
        run.figures = figures
        run.bundle_sha256, run.signed_by = found.seal.sha256, found.seal.key or ""
        run.entry.runs.exclude(pk=run.pk).update(counts=False)
        run.counts = True
        run.save()
        run.entry.board.has_changed()
    _kept.forget(run.pk)


def _check_that_it_is_of(run: Run, played: RunFolder) -> None:
    """Raises: BundleError for a run of other rules, another name, or other code."""
    entry, board = run.entry, run.entry.board
    names = list(played.record.submissions)
    if names != [entry.name]:
        raise BundleError(f"it is a run of {', '.join(names)}, expected one of {entry.name}")
    code = played.record.submissions[entry.name].sha256
    if code != entry.code_sha256:
        raise BundleError(f"it is a run of other code, {code[:12]}…, than {entry} has")
    if played.competition != board.competition or played.record.ruleset != board.ruleset:
        raise BundleError(f"it was played under other rules than those of {board}")


def _results_of(folder: Path) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """What scoring needs of a run; the board of it alone, as text; and its figures."""
    run = RunFolder(folder)
    trials = run.trials()
    kept = list(keep_trials(run.competition, trials, run.record.ruleset))
    review = score(folder).review
    figures = {
        figure.sketch.name: {
            "title": figure.sketch.title, "caption": figure.sketch.caption, "svg": figure.whole,
        }
        for figure in draw_figures(review, trials)
    }
    return as_records(kept), as_json(asdict(review_view(review))), figures


def as_json(view: Any) -> Any:
    """Text without what JSON or a database refuses: characters that no text has."""
    text = json.dumps(view, allow_nan=False)
    return json.loads(text.replace("\\u0000", "\\ufffd"))


# --- a leaderboard is made ---


class _Kept:
    """What scoring needs of each run, read once: its bundle never changes, so nor does this."""

    MANY = 1000  # runs that are asked for at a time

    def __init__(self) -> None:
        self._of_run: dict[int, tuple[str, tuple[KeptTrial, ...]]] = {}
        self._boards: list[int] | None = None  # that are read ahead
        self._read_to = 0  # the last run that was

    def of(self, runs: Iterable[tuple[int, str]]) -> list[tuple[KeptTrial, ...]]:
        """Args: runs: their keys in the database, and the hashes of their bundles."""
        runs = list(runs)
        missing = [pk for pk, sha256 in runs if self._of_run.get(pk, ("",))[0] != sha256]
        for start in range(0, len(missing), self.MANY):
            for pk, sha256, results in Run.objects.filter(
                pk__in=missing[start:start + self.MANY]
            ).values_list("pk", "bundle_sha256", "results"):
                self._of_run[pk] = (sha256, tuple(from_records(json.loads(results))))
        if len(missing) >= self.MANY:
            # They stay for good: the collector of cycles need not look at them again and again.
            gc.collect()
            gc.freeze()
        return [self._of_run[pk][1] for pk, _ in runs]

    def read_ahead(self) -> bool:
        """Read some of the runs that count on boards that are open, so that their next leaderboard
        is made soon. Returns: whether there may be more."""
        if self._boards is None:
            today = timezone.now()
            self._boards = [
                board.pk for board in Board.objects.select_related("version__contest")
                if not board.competition.why_not_open(today)
            ]
        runs = list(Run.objects.filter(
            entry__board__in=self._boards, counts=True, pk__gt=self._read_to
        ).order_by("pk").values_list("pk", "bundle_sha256")[:self.MANY])
        self.of(runs)
        self._read_to = runs[-1][0] if runs else self._read_to
        return len(runs) == self.MANY

    def forget(self, pk: int) -> None:
        """A run whose results were made anew."""
        self._of_run.pop(pk, None)


_kept = _Kept()


def read_ahead() -> bool:
    """Of results that leaderboards will be made of, some more, in a process that makes them.

    Returns: whether there may be more.
    """
    try:
        return _kept.read_ahead()
    except (KeyError, ValueError):  # what cannot be read is told where its leaderboard is made
        log.exception("results of runs could not be read")
        return False


def refresh(board: Board) -> Snapshot | None:
    """Make its leaderboard, if something changed since the last. Returns: the new one."""
    board = Board.objects.select_related("version__contest", "snapshot").defer(
        *(f"snapshot__{name}" for name in Snapshot.LARGE)
    ).get(pk=board.pk)
    if board.snapshot is not None and board.snapshot.of_change >= board.changes:
        return None
    began = time.monotonic()
    runs = list(Run.objects.filter(entry__board=board, counts=True).order_by("pk").values_list(
        "pk", "bundle_sha256", "entry__name", "entry_id", "key"
    ))
    found = _leaderboard(board, runs)
    view = board_view(board.competition, found.board)
    figures = _figures(board.competition, found)
    with transaction.atomic():
        snapshot = Snapshot.objects.create(
            board=board, of_change=board.changes, seconds=time.monotonic() - began, runs=len(runs),
            rows=len(view.rows), record=[step.as_json() for step in found.history], figures=figures,
            view=as_json(_without_rows(view)),
        )
        _write_rows(snapshot, view.rows, found, {name: pk for _, _, name, pk, _ in runs})
        # A keeper that read earlier never puts an older leaderboard in a newer one's place.
        newer = Board.objects.filter(pk=board.pk).exclude(snapshot__of_change__gt=board.changes)
        if newer.update(snapshot=snapshot):
            # The last one stays, too: somebody may be reading its rows just now.
            board.snapshots.exclude(pk__in=[snapshot.pk, board.snapshot_id]).delete()
    return snapshot


def _leaderboard(board: Board, runs: Sequence[tuple[int, str, str, int, Any]]) -> KeptBoard:
    of_runs = _kept.of((pk, sha256) for pk, sha256, *_ in runs)
    rulings = read_rulings(board.version.folder / "rulings")
    run_of = {
        one.trial.key: f"{name}-{str(key)[:8]}"
        for (_, _, name, _, key), own in zip(runs, of_runs, strict=True) for one in own
    } if rulings else {}  # which nobody else asks for
    return board_of_kept(
        board.competition, (one for own in of_runs for one in own), board.ruleset, run_of=run_of,
        rulings=rulings,
    )


def _without_rows(view: BoardView) -> dict[str, Any]:
    told = asdict(replace(view, rows=(), misses=(), notes=view.notes[:MOST_NOTES]))
    del told["rows"]
    return told


_encoder = json.JSONEncoder(allow_nan=False, default=lambda view: {
    name: getattr(view, name) for name in view.__dataclass_fields__
})  # fmt: skip


def _as_text(row: RowView) -> str:
    """The JSON of what `asdict` and `as_json` make of it, in less time."""
    return _encoder.encode(row).replace("\\u0000", "\\ufffd")


def _write_rows(
    snapshot: Snapshot, rows: Sequence[RowView], found: KeptBoard, entries: dict[str, int]
) -> None:
    """Args: entries: their keys in the database, by name."""
    values = {
        entry.submission: next((c.value for c in entry.cells.values()), None)
        for entry in found.board.entries
    } if len(snapshot.board.competition.scored_workloads) == 1 else {}
    columns = ("snapshot_id", "place", "rank", "entry_id", "value", "view")
    written = (
        (snapshot.pk, place, _rank(found, row), entries[row.submission],
         _finite(values.get(row.submission)), _as_text(row))
        for place, row in enumerate(rows, 1)
    )  # fmt: skip
    if connection.vendor != "postgresql":
        Standing.objects.bulk_create((
            Standing(**{**dict(zip(columns, row, strict=True)), "view": json.loads(row[-1])})
            for row in written
        ), batch_size=2000)
        return
    with connection.cursor() as cursor, cursor.copy(
        f"COPY {Standing._meta.db_table} ({', '.join(columns)}) FROM STDIN"
    ) as copy:
        for row in written:
            copy.write_row(row)


def _rank(found: KeptBoard, row: RowView) -> str:
    """Shared by who cannot be told apart, where the library tells that."""
    if found.shared_ranks is None:
        return row.rank
    shared = found.shared_ranks.get(row.submission)
    return "–" if shared is None else str(shared)


def _finite(value: float | None) -> float | None:
    return value if value is not None and abs(value) < float("inf") else None


def _figures(rules: Competition, found: KeptBoard) -> dict[str, Any]:
    """Drawn once for all readers."""
    if not found.history:
        return {}
    row = rules.workloads[rules.scored_workloads[0]]
    chart = record_steps(found.history, rules.rules.objective, row, timezone.now())
    return {"record": {
        "title": "History of the record", "svg": framed(to_svg(chart)),
        "caption": "Each step is an entry that was a record when it came: surely better than the "
        "record before it, and not by a trifle.",
    }}


# --- all boards ---


def refresh_all(*, only_new: bool = False) -> int:
    """Every board that has changed. Returns: how many were made.

    Args: only_new: those alone that have no leaderboard yet.
    """
    made = 0
    to_make = Q(snapshot=None)
    if not only_new:
        to_make |= Q(snapshot__of_change__lt=F("changes"))
    for board in Board.objects.filter(to_make).select_related("version__contest"):
        changes, tried = _failed.get(board.pk, (-1, 0.0))
        if changes == board.changes and time.monotonic() < tried + AGAIN_SECONDS:
            continue
        try:
            made += refresh(board) is not None
            _failed.pop(board.pk, None)
        except (InterfaceError, OperationalError):  # the database itself is not there
            raise
        except Exception:  # one board that cannot be made keeps no other from being made
            log.exception("the leaderboard of %s could not be made", board)
            _failed[board.pk] = (board.changes, time.monotonic())
    return made


_failed: dict[int, tuple[int, float]] = {}  # boards: at which change, and when


def made_again(run: Run) -> None:
    """The results of a run, from its bundle: when the rules of its board are judged anew.

    Raises: BundleError, RunFolderError for a bundle that cannot be read.
    """
    with default_storage.open(run.bundle, "rb") as stored:
        run.folder.parent.mkdir(parents=True, exist_ok=True)
        local = run.folder.with_suffix(".mlgolf.zip")
        with open(local, "wb") as copy:
            shutil.copyfileobj(stored, copy)
    try:
        take_in(run, local)
    finally:
        local.unlink(missing_ok=True)
