"""Results are taken in, and leaderboards made of them, by the library's own functions.

`Run.results` has what scoring needs of a run, written down once when it was delivered; a
leaderboard is made of those, in memory, whenever its board has changed. The same folders given to
`mlgolf score` make the same leaderboard.
"""

import gc
import json
import logging
import shutil
import tempfile
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from django.core.files.base import File
from django.core.files.storage import default_storage
from django.db import InterfaceError, OperationalError, connection, transaction
from django.db.models import Count, F, OuterRef, Q, QuerySet, Subquery
from django.utils import timezone

from mlgolf.api.results import score
from mlgolf.core.errors import BundleError, MLGolfError
from mlgolf.core.jury_ruling import read_rulings
from mlgolf.report.figures import draw_figures
from mlgolf.report.seeds import SeedView, seeds_view
from mlgolf.report.view import BoardView, RowView, board_view, review_view
from mlgolf.results.bundles.reading import sound_run
from mlgolf.results.bundles.seal import Seal
from mlgolf.results.run_folder import RunFolder
from mlgolf.scoring.kept_board import KeptBoard, board_of_kept
from mlgolf.scoring.kept_trials import KeptTrial, as_records, from_records, keep_trials
from mlgolf_site.boards.models import Snapshot, Standing
from mlgolf_site.contests.models import Board
from mlgolf_site.contests.services import own_script
from mlgolf_site.entries.models import Run, Tier
from mlgolf_site.jobs.beside import write_beside
from mlgolf_site.jobs.evaluations import columns_of, values_of
from mlgolf_site.jobs.models import Job, State, Worker
from mlgolf_site.jobs.services import JobLost

log = logging.getLogger(__name__)
MOST_NOTES = 20  # that a page shows
AGAIN_SECONDS = 60.0  # before a leaderboard that could not be made is tried again, unchanged
_MADE: dict[int, tuple[Any, KeptBoard]] = {}  # by board, until its figures are drawn


# --- a run is delivered ---


def take_in(
    run: Run, bundle: Path, *, ended: datetime | None = None, counts: bool = True,
    anew: bool = False, delivered_by: Worker | None = None, sha256: str = "", draw: bool = True,
) -> None:
    """Check a bundle, keep it, and let its run count.

    What is killed in between is done again from the start: files come first, the row last.

    Args:
      ended, counts: of a run that was taken in before, in a database that is lost.
      anew: it was taken in before, and stays what it is now: it counts, or it does not.
      delivered_by: the worker that sent it, whose key must have signed it.
      sha256: of the bundle, as the worker announced it.
      draw: figures at once, and not soon by whoever keeps the boards.
    Raises: BundleError for one that is not sound, or not of this run.
    """
    with sound_run(bundle) as (found, folder):
        assert found.seal is not None
        if delivered_by is not None:
            _check_that_it_is_by(delivered_by, found.seal, sha256)
        played = RunFolder(folder)
        _check_that_it_is_of(run, played)
        if delivered_by is not None:
            _check_how_it_was_played(run, played, delivered_by)
            _check_that_it_is_awaited(run, delivered_by, sha256)
        results, view = _unpacked_into(run.folder, folder)
        figures = figures_of(run.folder) if draw else None
    with open(bundle, "rb") as file:
        default_storage.save(run.bundle, File(file))
    with transaction.atomic():
        run = Run.objects.select_for_update(of=("self",)).select_related(
            "entry__board__version", "job"
        ).get(pk=run.pk)
        if delivered_by is not None:
            Job.objects.select_for_update(of=("self",)).get(run=run)
            _check_that_it_is_awaited(run, delivered_by, sha256)
        run.results, run.view, run.figures = json.dumps(results), view, figures
        run.bundle_sha256, run.signed_by = found.seal.sha256, found.seal.key or ""
        run.sandbox = played.record.sandbox
        if not anew:
            run.ended, run.counts = ended or timezone.now(), counts
        run.save()
        if run.counts:
            _count_no_other(run)
        write_beside(run)
        run.entry.board.has_changed()
    _kept.forget(run.pk)


def _count_no_other(run: Run) -> None:
    for other in run.entry.runs.filter(counts=True).exclude(pk=run.pk).select_related("job"):
        other.counts = False
        other.save(update_fields=["counts"])
        write_beside(other)


def _unpacked_into(
    target: Path, folder: Path
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Copy a run folder, whole or not at all. Returns: as `_results_of`."""
    target.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix=".taking-in-", dir=target.parent))
    try:
        copied = scratch / target.name  # by which rulings know it
        shutil.copytree(folder, copied)
        results = _results_of(copied)
        shutil.rmtree(target, ignore_errors=True)
        try:
            copied.rename(target)
        except OSError:
            # Who delivers the same bundle at the same time has put the same there.
            if not target.is_dir():
                raise
        return results
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _check_that_it_is_by(worker: Worker, seal: Seal, sha256: str) -> None:
    """Raises: BundleError for a bundle that is not the announced one, or signed by another key."""
    if seal.sha256 != sha256:
        raise BundleError(f"it is the bundle {seal.sha256[:12]}…, announced was {sha256[:12]}…")
    if seal.key != worker.public_key:
        by = f"signed by {seal.key[:12]}…" if seal.key else "not signed"
        raise BundleError(
            f"it is {by}; {worker.name} said at its first hello that it signs with "
            f"{worker.public_key[:12]}…"
        )


def _check_that_it_is_awaited(run: Run, worker: Worker, sha256: str) -> None:
    """Raises: JobLost where the job was given to another worker meanwhile."""
    awaited = Job.objects.filter(
        run=run, state=State.JUDGING, worker=worker, bundle_sha256=sha256
    )
    if not awaited.exists():
        raise JobLost(f"{run} was given to another worker while its bundle was checked")


def _check_how_it_was_played(run: Run, played: RunFolder, worker: Worker) -> None:
    """Raises: BundleError for a weaker sandbox than the worker said, or other draws than asked."""
    record, board = played.record, run.entry.board
    if record.sandbox != worker.sandbox:
        raise BundleError(
            f"it was played at the level {record.sandbox}; {worker.name} said {worker.sandbox}"
        )
    tuning = board.competition.rules.tuning.under(board.ruleset)
    if (record.studies, record.trials) != (tuning.studies, tuning.trials):
        raise BundleError(
            f"it has {record.studies} studies of {record.trials} trials; the rules ask for "
            f"{tuning.studies} of {tuning.trials}"
        )
    if record.held_out is None or record.held_out.is_known:
        raise BundleError("its held-out data were known before it was played, or it was imported")


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


def _results_of(folder: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """What scoring needs of a run, and the board of it alone, as text."""
    run = RunFolder(folder)
    kept = list(keep_trials(run.competition, run.trials(), run.record.ruleset))
    return as_records(kept), as_json(asdict(review_view(score(folder).review)))


def figures_of(folder: Path) -> dict[str, dict[str, str]]:
    """Of a run alone: `Run.figures`."""
    return {
        figure.sketch.name: {
            "title": figure.sketch.title, "caption": figure.sketch.caption, "svg": figure.whole,
        }
        for figure in draw_figures(score(folder).review, RunFolder(folder).trials())
    }


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
        *Board.LARGE
    ).get(pk=board.pk)
    if board.snapshot is not None and board.snapshot.of_change >= board.changes:
        return None
    began = time.monotonic()
    runs = _counting_runs(board)
    found, before = _leaderboard(board, runs), board.snapshot
    view = board_view(board.competition, found.board)
    told, own = _without_rows(view), _own_of(board)
    told |= {"own_columns": columns_of(own[row.submission] for row in view.rows
                                       if row.submission in own)} if own else {}
    told["figures"] = before.view.get("figures", []) if before else []
    with transaction.atomic():
        snapshot = Snapshot.objects.create(
            board=board, of_change=board.changes, seconds=time.monotonic() - began, runs=len(runs),
            rows=len(view.rows), record=[step.as_json() for step in found.history],
            tiers=_tiers(board), view=as_json(told),
            figures=before.figures if before else {}, drawn=before.drawn if before else None,
        )
        _write_rows(snapshot, view.rows, found, {name: pk for _, _, name, pk, _ in runs}, own)
        # A keeper that read earlier never puts an older leaderboard in a newer one's place.
        newer = Board.objects.filter(pk=board.pk).exclude(snapshot__of_change__gt=board.changes)
        if newer.update(snapshot=snapshot):
            # The last one stays, too: somebody may be reading its rows just now.
            board.snapshots.exclude(pk__in=[snapshot.pk, board.snapshot_id]).delete()
    _MADE[board.pk] = (snapshot.made, found)
    return snapshot


def leaderboard_of(snapshot: Snapshot) -> KeptBoard:
    """That a snapshot is of, for its figures: as it was made, or made again."""
    board = snapshot.board
    made, found = _MADE.pop(board.pk, (None, None))
    return found if found is not None and made == snapshot.made else _leaderboard(
        board, _counting_runs(board)
    )


def counting(board: Board) -> QuerySet[Run]:
    """The runs that its leaderboard is made of: the newest of each entry; where the board is
    final, the newest of those that ended in time."""
    runs = Run.objects.filter(entry__board=board)
    contest = board.version.contest
    if not contest.is_final:
        return runs.filter(counts=True)
    newest = Run.objects.filter(
        entry=OuterRef("entry"), ended__lte=contest.final_after
    ).order_by("-ended", "-pk")
    return runs.filter(pk=Subquery(newest.values("pk")[:1]))


def _counting_runs(board: Board) -> list[tuple[int, str, str, int, Any]]:
    """Key in the database, hash of the bundle, name and key of the entry, key of the run."""
    return list(counting(board).order_by("pk").values_list(
        "pk", "bundle_sha256", "entry__name", "entry_id", "key"
    ))


def _own_of(board: Board) -> dict[str, dict[str, Any]]:
    """What the host's own script said of the runs that count, by entry; empty without a script."""
    if own_script(board.version) is None:
        return {}
    evaluated = counting(board).filter(own_evaluation__isnull=False)
    return {
        name: values for name, kept in evaluated.values_list("entry__name", "own_evaluation")
        if (values := values_of(kept))
    }


def _tiers(board: Board) -> list[tuple[str, int]]:
    """Who played its runs, in words, and how many of them."""
    counted = counting(board).order_by().values_list("tier").annotate(runs=Count("pk"))
    return sorted(((Tier(tier).label, runs) for tier, runs in counted), key=lambda one: -one[1])


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


def _as_text(row: RowView, seeds: Sequence[SeedView], own: dict[str, Any]) -> str:
    """The JSON of what `asdict` and `as_json` make of it, with every run, in less time.

    Args: own: what the host's own script said.
    """
    beside = f', "own": {_encoder.encode(own)}' if own else ""
    text = f'{_encoder.encode(row)[:-1]}, "seeds": {_encoder.encode(seeds)}{beside}}}'
    return text.replace("\\u0000", "\\ufffd")


def _write_rows(
    snapshot: Snapshot, rows: Sequence[RowView], found: KeptBoard, entries: dict[str, int],
    own: dict[str, dict[str, Any]],
) -> None:
    """Args: entries: their keys in the database, by name."""
    values = {
        entry.submission: next((c.value for c in entry.cells.values()), None)
        for entry in found.board.entries
    } if len(snapshot.board.competition.scored_workloads) == 1 else {}
    columns = ("snapshot_id", "place", "rank", "entry_id", "value", "view")
    seeds = seeds_view(found)
    written = (
        (snapshot.pk, place, _rank(found, row), entries[row.submission],
         _finite(values.get(row.submission)),
         _as_text(row, seeds.get(row.submission, ()), own.get(row.submission, {})))
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
        take_in(run, local, anew=True)
    finally:
        local.unlink(missing_ok=True)


# --- results are made anew ---


def judge_anew(runs: QuerySet[Run]) -> int:
    """Mark runs, whose results the keeper of the boards then makes anew. Returns: how many."""
    return runs.exclude(bundle_sha256="").update(judging_anew=Run.WAITS)


def judge_waiting(most: int = 5) -> int:
    """Make some of the results anew that are waited for. Returns: how many."""
    waiting = list(
        Run.objects.filter(judging_anew=Run.WAITS)
        .select_related("entry__board__version__contest").order_by("pk")[:most]
    )
    for run in waiting:
        problem = ""
        try:
            made_again(run)
        except (InterfaceError, OperationalError):  # the database itself is not there
            raise
        except Exception as error:  # one that cannot be judged keeps no other from being judged
            log.exception("%s could not be judged anew", run)
            said = str(error) if isinstance(error, MLGolfError) else type(error).__name__
            problem = f"could not be judged anew: {said}".replace(f"{run.folder}", "its bundle")
        Run.objects.filter(pk=run.pk).update(judging_anew=problem[:300])
    return len(waiting)
