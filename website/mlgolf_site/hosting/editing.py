"""What hosts change of a contest while it runs. Its rules are changed by new versions alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F, QuerySet
from django.utils import timezone

from mlgolf_site.contests.beside import write_contest
from mlgolf_site.contests.models import Announcement, Board, CodeShown, Contest, Edit
from mlgolf_site.entries.models import Entry
from mlgolf_site.people.models import User

TEXTS = ("title", "prose", "is_public", "code_shown")
DATES = ("results_hidden_until", "final_after")
PEOPLE = ("hosts", "jury")
IN_WORDS = {
    "title": "the title", "prose": "the description", "is_public": "whether it is public",
    "code_shown": "when code is shown",
    "results_hidden_until": "until when results are hidden",
    "final_after": "after when boards are final", "hosts": "the hosts", "jury": "the jury",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All that a host may change at once."""

    title: str
    prose: str
    is_public: bool
    code_shown: str
    hosts: Sequence[User]
    jury: Sequence[User]
    results_hidden_until: datetime | None
    final_after: datetime | None


class EditRefused(Exception):
    """By field: what was found, and what is allowed."""

    def __init__(self, errors: dict[str, str]) -> None:
        super().__init__("; ".join(errors.values()))
        self.errors = errors


class EditedMeanwhile(Exception):
    """Somebody else changed the contest since the form was opened; nothing was written."""

    def __init__(self, edits: Sequence[Edit], number: int) -> None:
        super().__init__("\n".join(line for edit in edits for line in lines_of(edit)))
        self.edits, self.number = edits, number


def lines_of(edit: Edit) -> list[str]:
    """What was changed at one time, a sentence without its full stop for each field."""
    who = edit.by.username if edit.by else "somebody"
    at = f"{edit.at:%d %b %Y %H:%M} UTC"
    return [
        f"{who} changed {IN_WORDS[field]}, {at}: it was {_short(before)}, and is {_short(after)}"
        for field, (before, after) in edit.changes.items()
    ]


def _short(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(value) or "nobody"
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = " ".join(str(value).split()) if value else "empty"
    return text if len(text) <= 200 else f"{text[:200]}…"


def edit(contest: Contest, *, by: User, seen: int, to: Settings) -> Edit | None:
    """Write what a host typed. Returns: what was changed; None if nothing was.

    Args: seen: `Contest.edits` when the form was opened.
    Raises: EditedMeanwhile, EditRefused.
    """
    with transaction.atomic():
        found = Contest.objects.select_for_update().get(pk=contest.pk)
        if found.edits != seen:
            later = list(found.edited.filter(number__gt=seen).select_related("by"))
            raise EditedMeanwhile(later, found.edits)
        before, after = _as_text(found), _to_text(to)
        changes = {key: [before[key], after[key]] for key in after if before[key] != after[key]}
        if not changes:
            return None
        if errors := _errors(found, to, changes, by):
            raise EditRefused(errors)
        for name in (*TEXTS, *DATES):
            setattr(found, name, getattr(to, name))
        found.edits += 1
        found.save()
        found.hosts.set(to.hosts)
        found.jury.set(to.jury)
        if "final_after" in changes:
            Board.objects.filter(version__contest=found).update(changes=F("changes") + 1)
        written = Edit.objects.create(contest=found, number=found.edits, by=by, changes=changes)
    write_contest(found)
    return written


def _as_text(contest: Contest) -> dict[str, Any]:
    return _to_text(Settings(
        title=contest.title, prose=contest.prose, is_public=contest.is_public,
        code_shown=contest.code_shown,
        hosts=list(contest.hosts.all()), jury=list(contest.jury.all()),
        results_hidden_until=contest.results_hidden_until, final_after=contest.final_after,
    ))


def _to_text(found: Settings) -> dict[str, Any]:
    dates = {name: getattr(found, name) for name in DATES}
    return {
        **{name: getattr(found, name) for name in TEXTS},
        **{name: f"{date:%Y-%m-%d %H:%M} UTC" if date else "" for name, date in dates.items()},
        **{name: sorted(user.username for user in getattr(found, name)) for name in PEOPLE},
    }


def _errors(
    contest: Contest, to: Settings, changes: dict[str, Any], by: User
) -> dict[str, str]:
    errors = {}
    for name in DATES:
        value = getattr(to, name)
        if name in changes and value is not None and value <= timezone.now():
            errors[name] = (
                f"found {value:%d %b %Y %H:%M} UTC, which has passed; give a later time, or none"
            )
    if "final_after" in changes and contest.is_final and not by.is_superuser:
        errors["final_after"] = (
            f"the boards are final since {contest.final_after:%d %b %Y %H:%M} UTC: only an "
            "administrator may change that"
        )
    if "code_shown" in changes and Entry.objects.filter(
        contest=contest, is_baseline=False
    ).exists():
        errors["code_shown"] = (
            f"somebody has submitted, and was told {CodeShown(contest.code_shown).label}: it stays "
            "so in this competition"
        )
    if "hosts" in changes and not to.hosts and not by.is_superuser:
        errors["hosts"] = "nobody is left: name at least one host"
    return errors


def people_of(names: str) -> tuple[list[User], list[str]]:
    """People by names between commas or spaces; and the names that nobody has."""
    found: dict[int, User] = {}
    missing = []
    for name in names.replace(",", " ").split():
        user = User.objects.filter(username__iexact=name, is_active=True).first()
        if user is None:
            missing.append(name)
        else:
            found[user.pk] = user
    return list(found.values()), missing


def edits_of(contest: Contest, most: int = 20) -> QuerySet[Edit]:
    """The newest first."""
    return contest.edited.select_related("by")[:most]


def announce(contest: Contest, *, by: User, title: str, text: str) -> Announcement:
    made = Announcement.objects.create(contest=contest, by=by, title=title, text=text)
    write_contest(contest)
    return made


def take_back(contest: Contest, pk: int) -> bool:
    """Remove an announcement. Returns: whether there was one."""
    gone, _ = contest.announcements.filter(pk=pk).delete()
    write_contest(contest)
    return bool(gone)
