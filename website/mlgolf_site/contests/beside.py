"""contest.json, beside the folders of a contest's versions: what the site knows of it."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction

from mlgolf.results.files import write_json
from mlgolf_site.contests.models import Announcement, Contest
from mlgolf_site.people.models import User

FILE = "contest.json"


def contest_folder(slug: str) -> Path:
    return settings.SITE.files / "competitions" / slug


def beside(contest: Contest) -> dict[str, Any]:
    """What hosts said of a contest, and which versions of its rules there are."""
    return {
        "slug": contest.slug, "title": contest.title, "prose": contest.prose,
        "is_public": contest.is_public, "code_shown": contest.code_shown,
        "created": contest.created.isoformat(),
        "results_hidden_until": _text(contest.results_hidden_until),
        "final_after": _text(contest.final_after),
        "hosts": _names(contest.hosts), "jury": _names(contest.jury),
        "announcements": [
            {"title": one.title, "text": one.text, "at": one.at.isoformat(),
             "by": one.by.username if one.by else ""}
            for one in contest.announcements.select_related("by")
        ],
        "versions": [
            {
                "number": version.number, "created": version.created.isoformat(),
                "note": version.note, "folder_sha256": version.folder_sha256,
                "rules_sha256": version.rules_sha256,
            }
            for version in contest.versions.order_by("number")
        ],
    }  # fmt: skip


def write_contest(contest: Contest) -> None:
    """Within the transaction that changes it."""
    folder = contest_folder(contest.slug)
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / FILE, beside(contest))


def restore(contest: Contest, said: Mapping[str, Any]) -> None:
    """The reverse of `beside`, but for versions. People who are not there (yet) are left out."""
    with transaction.atomic():
        for name in ("title", "prose", "is_public", "code_shown"):
            setattr(contest, name, said.get(name, getattr(contest, name)))
        for name in ("results_hidden_until", "final_after"):
            setattr(contest, name, _moment(said.get(name)))
        contest.save()
        contest.hosts.set(User.objects.filter(username__in=said.get("hosts", ())))
        contest.jury.set(User.objects.filter(username__in=said.get("jury", ())))
        contest.announcements.all().delete()
        Announcement.objects.bulk_create([
            Announcement(
                contest=contest, title=one["title"], text=one["text"], at=_moment(one["at"]),
                by=User.objects.filter(username=one["by"]).first(),
            )
            for one in said.get("announcements", ())
        ])


def _text(moment: datetime | None) -> str:
    return moment.isoformat() if moment else ""


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _names(people: Any) -> list[str]:
    return sorted(people.values_list("username", flat=True))


def edited(instance: Any, created: bool = False, **_: Any) -> None:
    """Somebody saved a contest or an announcement, or chose its hosts or jury."""
    told = isinstance(instance, Announcement)
    if told or (isinstance(instance, Contest) and not created):
        pk = instance.contest_id if told else instance.pk
        transaction.on_commit(lambda: _write_if_there(pk))


def _write_if_there(pk: int) -> None:
    contest = Contest.objects.filter(pk=pk).first()
    if contest is not None and contest.versions.exists():
        write_contest(contest)
