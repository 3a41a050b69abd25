"""Contests are made and changed here: folders are copied first, rows written last."""

import json
import shutil
import tempfile
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import transaction

from mlgolf.core.competition import FILE, Competition, load_competition
from mlgolf.core.errors import RulesError
from mlgolf.core.jury_ruling import FOLDER as RULINGS
from mlgolf.core.jury_ruling import read_rulings
from mlgolf.core.toml_files import SHIPPED
from mlgolf.golf.games import cells, time_class_of
from mlgolf.report.words import pretraining_in_words
from mlgolf.results.frozen_code import digest, files_below
from mlgolf_site.contests.models import Announcement, Board, Contest, Version
from mlgolf_site.people.models import User


def add_contest(
    folder: Path, *, slug: str | None = None, prose: str = "", by: User | None = None,
    note: str = "", is_public: bool = True,
) -> Version:
    """A contest from the folder of a competition, with the first version of its rules.

    Raises: RulesError for a folder that is none, or a name that is taken.
    """
    rules = load_competition(folder)
    slug = slug or rules.name
    if Contest.objects.filter(slug=slug).exists():
        raise RulesError(f"{slug}: there is a competition of this name. Give another name")
    with transaction.atomic():
        contest = Contest.objects.create(
            slug=slug, title=rules.title, prose=prose, is_public=is_public
        )
        if by is not None:
            contest.hosts.add(by)
        return _add(contest, folder, rules, note)


def add_version(contest: Contest, folder: Path, *, note: str = "") -> Version:
    """New rules. Entries of before keep theirs, and their boards.

    Raises: RulesError for a folder that is no competition, or that changes nothing.
    """
    rules = load_competition(folder)
    current = contest.current
    if rules_digest(folder) == current.folder_sha256:
        raise RulesError(f"{contest}: nothing differs from version {current.number}")
    with transaction.atomic():
        return _add(contest, folder, rules, note)


def _add(contest: Contest, folder: Path, rules: Competition, note: str) -> Version:
    read_rulings(folder / RULINGS)  # what is wrong with them is told before anything is kept
    last = contest.versions.order_by("number").last()
    version = Version(
        contest=contest, number=last.number + 1 if last else 1, note=note,
        folder_sha256=rules_digest(folder), rules_sha256=rules.fingerprint(),
    )
    _copy(folder, version.folder)
    if last is not None:
        _keep_rulings(last.folder / RULINGS, version.folder / RULINGS)
    version.save()
    for cell in cells(version.competition):
        Board.objects.create(
            version=version, cell=cell.name.partition("@")[2], hardware=cell.rules.hardware,
            time_class=time_class_of(cell),
            pretraining=pretraining_in_words(cell.rules.pretraining),
            # As the command line chooses where nobody says.
            ruleset=cell.rules.tuning.rulesets[0],
        )
    return version


def _copy(folder: Path, target: Path) -> None:
    """Whole or not at all. What lies there without a row is of an attempt that was cut short."""
    target.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix=".making-", dir=target.parent))
    try:
        copied = scratch / "folder"
        shutil.copytree(folder, copied, ignore=shutil.ignore_patterns("__pycache__", ".*"))
        shutil.rmtree(target, ignore_errors=True)
        copied.rename(target)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def rules_digest(folder: Path) -> str:
    """SHA-256 of all that a competition is played by. Rulings come later, and change none of it."""
    files = files_below(folder)
    return digest(sorted((n, f) for n, f in files.items() if not n.startswith(f"{RULINGS}/")))


def _keep_rulings(before: Path, now: Path) -> None:
    """Rulings are not taken back by a new version: the ledger has them."""
    for file in sorted(before.glob("*.toml")):
        now.mkdir(exist_ok=True)
        shutil.copyfile(file, now / file.name)


def shipped_folder(name: str, scratch: Path) -> Path:
    """The folder of a competition that ships; one is made around those that are a file alone."""
    folder = Path(str(SHIPPED / name))
    if folder.is_dir():
        return folder
    made = scratch / name
    made.mkdir()
    shutil.copyfile(folder.with_name(f"{name}.toml"), made / FILE)
    return made


def starter_folder(version: Version) -> Path | None:
    """What a newcomer begins from: the host's baseline, which may be submitted as it is."""
    baseline = version.folder / "baseline"
    return baseline if baseline.is_dir() else None


def storage_root() -> Path:
    return settings.SITE.files


# --- what no folder of rules says, kept beside them ---


def beside(contest: Contest) -> dict[str, Any]:
    """What hosts said of a contest, so that a database that is lost can be made again."""
    dates = {name: getattr(contest, name) for name in ("results_hidden_until", "final_after")}
    return {
        "title": contest.title, "prose": contest.prose, "is_public": contest.is_public,
        **{name: date.isoformat() if date else None for name, date in dates.items()},
        **{role: sorted(people.values_list("username", flat=True))
           for role, people in (("hosts", contest.hosts), ("jury", contest.jury))},
        "announcements": [
            {"title": one.title, "text": one.text, "at": one.at.isoformat(),
             "by": one.by.username if one.by else ""}
            for one in contest.announcements.select_related("by")
        ],
    }


def write_beside(contest: Contest) -> None:
    content = json.dumps(beside(contest), indent=1).encode()
    default_storage.save(f"competitions/{contest.slug}/contest.json", ContentFile(content))


def restore(contest: Contest, said: Mapping[str, Any]) -> None:
    """The reverse of `beside`. People who are not there (yet) are left out."""
    dates = {
        name: datetime.fromisoformat(said[name]) if said[name] else None
        for name in ("results_hidden_until", "final_after")
    }
    with transaction.atomic():
        for name, value in {
            **{name: said[name] for name in ("title", "prose", "is_public")}, **dates
        }.items():
            setattr(contest, name, value)
        contest.save()
        contest.hosts.set(User.objects.filter(username__in=said["hosts"]))
        contest.jury.set(User.objects.filter(username__in=said["jury"]))
        contest.announcements.all().delete()
        Announcement.objects.bulk_create([
            Announcement(
                contest=contest, title=one["title"], text=one["text"],
                at=datetime.fromisoformat(one["at"]),
                by=User.objects.filter(username=one["by"]).first(),
            )
            for one in said["announcements"]
        ])
