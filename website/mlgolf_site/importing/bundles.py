"""Runs that exist as bundles become entries with results: those that ship, and all of a site.

Beside each bundle of a site lies a small file that says what no bundle has: whose entry it is, and
when it was handed in (`jobs/beside.py`). Pages show nothing else that is not in the bundles, so a
database that is lost can be made again from them.
"""

import shutil
import tempfile
import uuid
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from django.core.files.base import ContentFile, File
from django.core.files.storage import default_storage
from django.db import transaction
from django.utils import timezone

from mlgolf.core.errors import BundleError, MLGolfError
from mlgolf.results.bundles.reading import ENDING, sound_run
from mlgolf.results.run_folder import RunFolder
from mlgolf_site.boards.services import take_in
from mlgolf_site.contests.models import Board
from mlgolf_site.entries.models import Entry, Run, Tier
from mlgolf_site.entries.uploads import Upload
from mlgolf_site.jobs.evaluations import restored
from mlgolf_site.jobs.models import Job, State
from mlgolf_site.jobs.services import VERDICT, end_judging, wait_for_worker
from mlgolf_site.people.models import Team, User
from mlgolf_site.submitting import check_name


def import_bundle(
    bundle: Path, *, board: Board, owner: User, about: Mapping[str, Any] | None = None,
) -> int:
    """A run that was played elsewhere, as an entry with a verdict.

    Args: about: more of what the file beside it will say, such as `is_baseline`.
    Returns: how many runs were not there.
    Raises: BundleError for one that is not sound, or not of the board's rules.
    """
    with sound_run(bundle) as (found, folder):
        played = RunFolder(folder)
        names = list(played.record.submissions)
        if len(names) != 1:
            raise BundleError(f"{bundle} has {len(names)} submissions; a site keeps one in each")
        record, begun = played.record.submissions[names[0]], played.record.begun
        framework = played.record.framework or "torch"
        check_name(names[0])
        _keep_code(_archive_of(board, names[0], record.sha256), played.code_path(names[0]))
    assert found.seal is not None
    now = timezone.now().isoformat()
    table = {
        "key": str(uuid.uuid5(uuid.NAMESPACE_OID, found.seal.sha256)), "entry": names[0],
        "owner": owner.username, "team": "", "framework": framework,
        "created": begun.isoformat() if begun else now,
        "code_sha256": record.sha256, "based_on": "", "tier": Tier.PLATFORM, "begun": now,
        "disclosure": record.disclosure.as_json() if record.disclosure else {},
        "is_baseline": False, "is_code_public": False, "is_verified": False, "counts": True,
        "ended": now, "state": State.DONE, "reason": "imported with its verdict",
        **(about or {}),
    }  # fmt: skip
    with open(bundle, "rb") as file:
        default_storage.save(_bundle_of(table), File(file))
    return import_run(board, table)


def _bundle_of(table: Mapping[str, Any]) -> str:
    """As `Run.bundle`."""
    return f"bundles/{table['entry']}-{table['key'][:8]}{ENDING}"


def import_run(board: Board, table: Mapping[str, Any]) -> int:
    """A run of which the files are the site's: its bundle if it was played, else its code.

    A run without a verdict waits for a worker again.

    Args: table: what the file beside the bundle says.
    Returns: how many runs were not there, or not whole.
    Raises: BundleError, SubmissionError for files that do not fit, or are missing.
    """
    check_name(table["entry"])
    state = State(table["state"])
    is_played = default_storage.exists(_bundle_of(table)) and (
        state == State.DONE or not state.has_ended
    )
    if state == State.DONE and not is_played:
        raise BundleError(f"{_bundle_of(table)} is missing")
    run = Run.objects.filter(key=table["key"]).select_related("entry__board").first()
    if run is not None and (run.bundle_sha256 or not is_played):
        return 0
    if not is_played:
        _rows(board, table, state)
        return 1
    with tempfile.TemporaryDirectory(prefix="mlgolf-import-") as scratch:
        # Its folder is called as the run's, by which rulings know it.
        copy = Path(scratch) / Path(_bundle_of(table)).name
        with default_storage.open(_bundle_of(table), "rb") as stored, open(copy, "wb") as written:
            shutil.copyfileobj(stored, written)
        _check_code_is_there(board, table, copy)
        made = run or _rows(board, table, State.DONE)
        try:
            take_in(
                made, copy, ended=_moment(table["ended"]),
                counts=bool(table["counts"] or not table["ended"]), draw=False,
            )
            end_judging(made.job.pk, VERDICT)  # of one that waited when the database was saved
        except MLGolfError:
            if run is None:
                _remove(made)
            raise
    return 1


def _remove(run: Run) -> None:
    """Rows of what turned out to be something else."""
    entry = run.entry
    run.delete()
    if not entry.runs.exists():
        entry.delete()


def _check_code_is_there(board: Board, table: Mapping[str, Any], bundle: Path) -> None:
    """The bundle has it, where the site's own copy is lost."""
    archive = _archive_of(board, table["entry"], table["code_sha256"])
    if not default_storage.exists(archive):
        with sound_run(bundle) as (_, folder):
            _keep_code(archive, RunFolder(folder).code_path(table["entry"]))


def _archive_of(board: Board, entry: str, code_sha256: str) -> str:
    return Entry(contest=board.version.contest, name=entry, code_sha256=code_sha256).archive


def _keep_code(archive: str, code: Path) -> None:
    if default_storage.exists(archive):
        return
    files = {
        str(file.relative_to(code)): file.read_bytes()
        for file in sorted(code.rglob("*")) if file.is_file()
    }
    default_storage.save(archive, ContentFile(Upload(files=files).as_zip(code.name)))


@transaction.atomic
def _rows(board: Board, table: Mapping[str, Any], state: State) -> Run:
    contest = board.version.contest
    owner = User.objects.get(username=table["owner"])
    entry, is_new = Entry.objects.get_or_create(contest=contest, name=table["entry"], defaults={
        "board": board, "owner": owner, "code_sha256": table["code_sha256"],
        "framework": table["framework"], "disclosure": table["disclosure"],
        "is_baseline": table["is_baseline"], "is_code_public": table["is_code_public"],
        "team": Team.objects.get(name=table["team"]) if table["team"] else None,
        "based_on": contest.entries.filter(name=table["based_on"]).first(),
    })  # fmt: skip
    if is_new:
        Entry.objects.filter(pk=entry.pk).update(created=table["created"])
        entry.refresh_from_db()
    if not default_storage.exists(entry.archive):
        raise BundleError(f"{entry.archive}, its code, is missing")
    run = Run.objects.create(
        entry=entry, key=table["key"], tier=table["tier"], is_verified=table["is_verified"],
        own_evaluation=restored(table.get("own_evaluation")),
    )
    Run.objects.filter(pk=run.pk).update(created=table["begun"])
    run.refresh_from_db()
    if not state.has_ended:
        return wait_for_worker(run, "waits again: the site's database was made anew")
    Job.objects.create(
        run=run, hardware=board.hardware, state=state, reason=table["reason"],
        since=_moment(table["ended"]) or run.created,
    )
    return run


def _moment(text: str) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
