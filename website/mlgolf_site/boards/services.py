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
from django.db.models import Count
from django.utils import timezone

from mlgolf.api.results import score
from mlgolf.core.errors import BundleError
from mlgolf.core.jury_ruling import read_rulings
from mlgolf.report.figures import draw_figures
from mlgolf.report.seeds import seeds_view
from mlgolf.report.view import board_view, review_view
from mlgolf.results.bundles.reading import sound_bundle, unpacked
from mlgolf.results.run_folder import RunFolder
from mlgolf.scoring.kept_board import KeptBoard, board_of_kept
from mlgolf.scoring.kept_trials import KeptTrial, as_records, from_records, keep_trials
from mlgolf_site.boards.models import Snapshot, Standing
from mlgolf_site.contests.models import Board
from mlgolf_site.entries.models import Run, Tier

log = logging.getLogger(__name__)
MOST_NOTES = 20  # that a page shows
_MADE: dict[int, tuple[Any, KeptBoard]] = {}  # by board, until its figures are drawn


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
    runs = counting_runs(board)
    found, before = _leaderboard(board, runs), board.snapshot
    rules = board.competition
    view = asdict(board_view(rules, found.board))
    entries = {name: pk for _, _, name, pk, _ in runs}
    values = {
        entry.submission: next((c.value for c in entry.cells.values()), None)
        for entry in found.board.entries
    } if len(rules.scored_workloads) == 1 else {}
    rows = view.pop("rows")
    view["misses"], view["notes"] = (), view["notes"][:MOST_NOTES]
    view["figures"] = before.view.get("figures", []) if before else []
    seeds = seeds_view(found)
    with transaction.atomic():
        snapshot = Snapshot.objects.create(
            board=board, of_change=board.changes, seconds=time.monotonic() - began, runs=len(runs),
            rows=len(rows), tiers=_tiers(board), view=as_json(view),
            record=[step.as_json() for step in found.history],
            figures=before.figures if before else {}, drawn=before.drawn if before else None,
        )
        Standing.objects.bulk_create([
            Standing(
                snapshot=snapshot, place=place, entry_id=entries[row["submission"]],
                rank=_rank(found, row), value=_finite(values.get(row["submission"])),
                view=as_json({**row, "seeds": [*map(asdict, seeds.get(row["submission"], ()))]}),
            )
            for place, row in enumerate(rows, 1)
        ], batch_size=2000)
        # A keeper that read earlier never puts an older leaderboard in a newer one's place.
        newer = Board.objects.filter(pk=board.pk).exclude(snapshot__of_change__gt=board.changes)
        if newer.update(snapshot=snapshot):
            board.snapshots.exclude(pk=snapshot.pk).delete()
    _MADE[board.pk] = (snapshot.made, found)
    return snapshot


def leaderboard_of(snapshot: Snapshot) -> KeptBoard:
    """That a snapshot is of, for its figures: as it was made, or made again."""
    board = snapshot.board
    made, found = _MADE.pop(board.pk, (None, None))
    return found if found is not None and made == snapshot.made else _leaderboard(
        board, counting_runs(board)
    )


def counting_runs(board: Board) -> list[tuple[int, str, str, int, Any]]:
    """Key in the database, hash of the bundle, name and key of the entry, key of the run."""
    return list(Run.objects.filter(entry__board=board, counts=True).order_by("pk").values_list(
        "pk", "bundle_sha256", "entry__name", "entry_id", "key"
    ))


def _tiers(board: Board) -> list[tuple[str, int]]:
    """Who played its runs, in words, and how many of them."""
    counted = Run.objects.filter(entry__board=board, counts=True).order_by().values_list(
        "tier"
    ).annotate(runs=Count("pk"))
    return sorted(((Tier(tier).label, runs) for tier, runs in counted), key=lambda one: -one[1])


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
