"""Results are taken in, and leaderboards made of them, by the library's own functions.

`Run.results` has what scoring needs of a run, written down once when it was delivered; a
leaderboard is made of those, in memory, whenever its board has changed. The same folders given to
`mlgolf score` make the same leaderboard.
"""

import json
import logging
import shutil
import time
from collections.abc import Iterable
from dataclasses import asdict
from functools import lru_cache
from pathlib import Path
from typing import Any

from django.core.files.base import File
from django.core.files.storage import default_storage
from django.db import transaction
from django.utils import timezone

from mlgolf.api.results import score
from mlgolf.core.competition import Competition
from mlgolf.core.errors import BundleError
from mlgolf.core.jury_ruling import read_rulings
from mlgolf.plots.record_steps import record_steps
from mlgolf.plots.svg import framed, to_svg
from mlgolf.report.figures import draw_figures
from mlgolf.report.view import board_view, review_view
from mlgolf.results.bundles.reading import sound_bundle, unpacked
from mlgolf.results.bundles.seal import Seal
from mlgolf.results.run_folder import RunFolder
from mlgolf.scoring.kept_board import KeptBoard, board_of_kept
from mlgolf.scoring.kept_trials import KeptTrial, as_records, from_records, keep_trials
from mlgolf_site.boards.models import Snapshot, Standing
from mlgolf_site.contests.models import Board
from mlgolf_site.entries.models import Run
from mlgolf_site.jobs.models import Job, State, Worker
from mlgolf_site.jobs.services import JobLost

log = logging.getLogger(__name__)
MOST_NOTES = 20  # that a page shows


# --- a run is delivered ---


def take_in(
    run: Run, bundle: Path, *, delivered_by: Worker | None = None, sha256: str = ""
) -> None:
    """Check a bundle, keep it, and let its run count.

    Args:
      delivered_by: the worker that sent it, whose key must have signed it.
      sha256: of the bundle, as the worker announced it.
    Raises: BundleError for one that is not sound, or not of this run.
    """
    found = sound_bundle(bundle)
    assert found.seal is not None
    if delivered_by is not None:
        _check_that_it_is_by(delivered_by, found.seal, sha256)
    with unpacked(found) as folder:
        played = RunFolder(folder)
        _check_that_it_is_of(run, played)
        if delivered_by is not None:
            _check_how_it_was_played(run, played, delivered_by)
            _check_that_it_is_awaited(run, delivered_by, sha256)
        target = run.folder
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(folder, target)
    with open(bundle, "rb") as file:
        default_storage.save(run.bundle, File(file))
    results, view, figures = _results_of(run.folder)
    with transaction.atomic():
        run = Run.objects.select_for_update().select_related("entry__board").get(pk=run.pk)
        if delivered_by is not None:
            Job.objects.select_for_update().get(run=run)
            _check_that_it_is_awaited(run, delivered_by, sha256)
        run.ended, run.results, run.view = timezone.now(), json.dumps(results), view
        run.figures = figures
        run.bundle_sha256, run.signed_by = found.seal.sha256, found.seal.key or ""
        run.sandbox = played.record.sandbox
        run.entry.runs.exclude(pk=run.pk).update(counts=False)
        run.counts = True
        run.save()
        run.entry.board.has_changed()


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


@lru_cache(maxsize=200_000)
def _kept(pk: int, sha256: str) -> tuple[KeptTrial, ...]:
    """What scoring needs of one run, read once. Its bundle never changes, so nor does this."""
    return tuple(from_records(json.loads(Run.objects.values_list("results", flat=True).get(pk=pk))))


def refresh(board: Board) -> Snapshot | None:
    """Make its leaderboard, if something changed since the last. Returns: the new one."""
    board = Board.objects.select_related("version__contest", "snapshot").get(pk=board.pk)
    if board.snapshot is not None and board.snapshot.of_change >= board.changes:
        return None
    began = time.monotonic()
    runs = list(Run.objects.filter(entry__board=board, counts=True).order_by("pk").values_list(
        "pk", "bundle_sha256", "entry__name", "entry_id", "key"
    ))
    found = _leaderboard(board, runs)
    rules = board.competition
    view = asdict(board_view(rules, found.board))
    entries = {name: pk for _, _, name, pk, _ in runs}
    values = {
        entry.submission: next((c.value for c in entry.cells.values()), None)
        for entry in found.board.entries
    } if len(rules.scored_workloads) == 1 else {}
    rows = view.pop("rows")
    view["misses"], view["notes"] = (), view["notes"][:MOST_NOTES]
    figures = _figures(rules, found)
    with transaction.atomic():
        snapshot = Snapshot.objects.create(
            board=board, of_change=board.changes, seconds=time.monotonic() - began, runs=len(runs),
            rows=len(rows), view=as_json(view), record=[step.as_json() for step in found.history],
            figures=figures,
        )
        Standing.objects.bulk_create([
            Standing(
                snapshot=snapshot, place=place, entry_id=entries[row["submission"]],
                rank=_rank(found, row), value=_finite(values.get(row["submission"])),
                view=as_json(row),
            )
            for place, row in enumerate(rows, 1)
        ], batch_size=2000)
        # A keeper that read earlier never puts an older leaderboard in a newer one's place.
        newer = Board.objects.filter(pk=board.pk).exclude(snapshot__of_change__gt=board.changes)
        if newer.update(snapshot=snapshot):
            board.snapshots.exclude(pk=snapshot.pk).delete()
    return snapshot


def _leaderboard(board: Board, runs: Iterable[tuple[int, str, str, int, Any]]) -> KeptBoard:
    kept: list[KeptTrial] = []
    run_of = {}
    for pk, sha256, name, _, key in runs:
        own = _kept(pk, sha256)
        kept += own
        run_of |= {one.trial.key: f"{name}-{str(key)[:8]}" for one in own}
    return board_of_kept(
        board.competition, kept, board.ruleset, run_of=run_of,
        rulings=read_rulings(board.version.folder / "rulings"),
    )


def _rank(found: KeptBoard, row: dict[str, Any]) -> str:
    """Shared by who cannot be told apart, where the library tells that."""
    if found.shared_ranks is None:
        return row["rank"]
    shared = found.shared_ranks.get(row["submission"])
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


def refresh_all() -> int:
    """Every board that has changed. Returns: how many were made."""
    made = 0
    for board in Board.objects.select_related("snapshot"):
        if board.snapshot is None or board.snapshot.of_change < board.changes:
            try:
                made += refresh(board) is not None
            except Exception:  # one board that cannot be made keeps no other from being made
                log.exception("the leaderboard of %s could not be made", board)
    return made


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
