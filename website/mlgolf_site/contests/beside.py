"""contest.json, beside the folders of a contest's versions: what the site knows of it."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction

from mlgolf.results.files import write_json
from mlgolf_site.contests.models import Contest

FILE = "contest.json"


def contest_folder(slug: str) -> Path:
    return settings.SITE.files / "competitions" / slug


def write_contest(contest: Contest) -> None:
    """Within the transaction that changes it."""
    folder = contest_folder(contest.slug)
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / FILE, {
        "slug": contest.slug, "title": contest.title, "prose": contest.prose,
        "is_public": contest.is_public, "created": contest.created.isoformat(),
        "hosts": _names(contest.hosts), "jury": _names(contest.jury),
        "versions": [
            {
                "number": version.number, "created": version.created.isoformat(),
                "note": version.note, "folder_sha256": version.folder_sha256,
                "rules_sha256": version.rules_sha256,
            }
            for version in contest.versions.order_by("number")
        ],
    })  # fmt: skip


def _names(people: Any) -> list[str]:
    return sorted(people.values_list("username", flat=True))


def edited(instance: Any, created: bool = False, **_: Any) -> None:
    """Somebody saved a contest, or chose its hosts or jury."""
    if isinstance(instance, Contest) and not created:
        pk = instance.pk
        transaction.on_commit(lambda: _write_if_there(pk))


def _write_if_there(pk: int) -> None:
    contest = Contest.objects.filter(pk=pk).first()
    if contest is not None and contest.versions.exists():
        write_contest(contest)
