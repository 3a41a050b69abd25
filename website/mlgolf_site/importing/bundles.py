"""Runs that exist as bundles become entries with results: those that ship, and a whole ledger.

Beside each bundle of a site lies a small file that says what no bundle has: whose entry it is, and
when it was handed in. Pages show nothing else that is not in the bundles, so a database that is
lost can be made again from them.
"""

import json
import shutil
import tempfile
import uuid
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import transaction

from mlgolf.core.errors import BundleError
from mlgolf.results.bundles.reading import ENDING, sound_bundle, unpacked
from mlgolf.results.run_folder import RunFolder
from mlgolf_site.boards.services import take_in
from mlgolf_site.contests.models import Board
from mlgolf_site.entries.models import Entry, Run, Tier
from mlgolf_site.entries.uploads import Upload
from mlgolf_site.jobs.models import Job, State
from mlgolf_site.people.models import Team, User


def import_bundle(
    bundle: Path, *, board: Board, owner: User, about: Mapping[str, Any] | None = None,
) -> list[Run]:
    """Entries and ended runs for each submission of a bundle; those that are there are left alone.

    Args: about: what the file beside it says: `key`, `tier`, `team`, `created`, and so on.
    Raises: BundleError for one that is not sound, or not of the board's rules.
    """
    about = about or {}
    found = sound_bundle(bundle)
    with unpacked(found) as folder:
        played = RunFolder(folder)
        if played.competition != board.competition or played.record.ruleset != board.ruleset:
            raise BundleError(f"{bundle} was played under other rules than those of {board}")
        names = list(played.record.submissions)
        if len(names) != 1:
            raise BundleError(f"{bundle} has {len(names)} submissions; a site keeps one in each")
        (name,) = names
        record = played.record.submissions[name]
        code = {
            str(file.relative_to(played.code_path(name))): file.read_bytes()
            for file in sorted(played.code_path(name).rglob("*")) if file.is_file()
        }
        begun = played.record.begun
    with transaction.atomic():
        entry, is_new = Entry.objects.get_or_create(
            contest=board.version.contest, name=name, defaults={
                "board": board, "owner": owner, "code_sha256": record.sha256,
                "framework": played.record.framework or "torch",
                "disclosure": record.disclosure.as_json() if record.disclosure else {},
                "is_baseline": about.get("is_baseline", False),
                "is_code_public": about.get("is_code_public", False),
                "team": _team(about.get("team"), owner),
            },
        )
        if is_new:
            created = about.get("created") or begun
            if created:
                Entry.objects.filter(pk=entry.pk).update(created=created)
            default_storage.save(entry.archive, ContentFile(Upload(files=code).as_zip(name)))
        key = uuid.UUID(about["key"]) if "key" in about else uuid.uuid5(
            uuid.NAMESPACE_OID, found.seal.sha256 if found.seal else name
        )
        run, is_new = Run.objects.get_or_create(key=key, defaults={
            "entry": entry, "tier": about.get("tier", Tier.PLATFORM),
            "is_verified": about.get("is_verified", False), **_place_of(about),
        })
        if not is_new:
            return []
        Job.objects.create(
            run=run, hardware=board.hardware, state=State.DONE, reason="imported with its verdict"
        )
    with tempfile.TemporaryDirectory(prefix="mlgolf-import-") as scratch:
        # Its folder is called as the run's, by which rulings know it.
        copy = Path(scratch) / f"{run.folder_name}{ENDING}"
        shutil.copyfile(bundle, copy)
        take_in(run, copy)
    return [run]


def _place_of(about: Mapping[str, Any]) -> dict[str, Any]:
    """When a run ended, and whether it counts: which board it is on follows from both."""
    if not about.get("ended"):
        return {}  # as of a run that is delivered now
    return {"ended": datetime.fromisoformat(about["ended"]), "counts": about["counts"]}


def _team(name: str | None, founder: User) -> Team | None:
    if not name:
        return None
    team, is_new = Team.objects.get_or_create(name=name, defaults={"founder": founder})
    if is_new:
        team.members.add(founder)
    return team


def beside(run: Run) -> dict[str, Any]:
    """What no bundle says of a run, for the file beside it."""
    entry = run.entry
    return {
        "key": str(run.key), "tier": run.tier, "is_verified": run.is_verified,
        "contest": entry.contest.slug, "version": entry.board.version.number,
        "cell": entry.board.cell, "owner": entry.owner.username,
        "team": entry.team.name if entry.team else "", "created": entry.created.isoformat(),
        "is_baseline": entry.is_baseline, "is_code_public": entry.is_code_public,
        "based_on": entry.based_on.name if entry.based_on else "", "counts": run.counts,
        "ended": run.ended.isoformat() if run.ended else None,
    }


def write_beside(run: Run) -> None:
    default_storage.save(
        f"{run.bundle}.json", ContentFile(json.dumps(beside(run), indent=1).encode())
    )
