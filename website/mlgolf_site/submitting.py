"""Entries are taken in here: checked, kept, and put into the queue, in this order."""

import hashlib
import json
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import IntegrityError, transaction
from django.db.models import Exists, F, OuterRef, Q
from django.utils import timezone

from mlgolf.api.checking import CheckedCode
from mlgolf.core.errors import MLGolfError, RulesError, SubmissionError
from mlgolf.core.text import printable
from mlgolf_site.contests.models import Board
from mlgolf_site.entries.models import KEY, Entry, Run, SubmissionKey
from mlgolf_site.entries.reading import read_code
from mlgolf_site.entries.uploads import Upload, read_upload
from mlgolf_site.jobs.models import OPEN, Job, State
from mlgolf_site.jobs.services import enqueue
from mlgolf_site.people.models import Team, User
from mlgolf_site.people.often import too_often

ENTRY_NAME = re.compile(rf"[a-z0-9][a-z0-9_-]{{0,{KEY - 1}}}")
SENT_KEY = re.compile(r"[A-Za-z0-9._:-]{1,200}")
DAY = timedelta(days=1)
UPLOADS_A_MINUTE = 30  # of one person, checks among them


class LimitReached(MLGolfError):
    """Somebody submitted as often as the site allows."""


class OtherContent(MLGolfError):
    """A key that came before with another submission."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Once:
    """One submission of one person, however often it is sent within a day."""

    key: str
    sha256: str  # of all that is sent

    @classmethod
    def of(cls, key: str, content: bytes, **asked: str) -> "Once":
        """Raises: SubmissionError for what can be no key."""
        if not SENT_KEY.fullmatch(key):
            raise SubmissionError(
                f"Idempotency-Key: found {printable(repr(key[:60]))}; allowed are 1 to 200 "
                "letters, digits, dots, colons, dashes and underscores"
            )
        whole = json.dumps([sorted(asked.items()), hashlib.sha256(content).hexdigest()])
        return cls(key=key, sha256=hashlib.sha256(whole.encode()).hexdigest())

    def answered(self, owner: User) -> Run | None:
        """The run that it made when it came before. Raises: OtherContent."""
        found = SubmissionKey.objects.filter(
            user=owner, key=self.key, created__gt=timezone.now() - DAY
        ).select_related("run__entry__board__version", "run__entry__contest").first()
        if found is not None and found.sha256 != self.sha256:
            raise OtherContent(
                f"Idempotency-Key {self.key}: it came before with another submission, "
                f"{found.run.entry}. Send a new key with what is new"
            )
        return found.run if found else None

    def keep(self, owner: User, run: Run) -> None:
        SubmissionKey.objects.filter(user=owner, created__lte=timezone.now() - DAY).delete()
        SubmissionKey.objects.create(user=owner, key=self.key, sha256=self.sha256, run=run)


def count_upload(user: User) -> None:
    """Whoever sends code to be looked at takes time of the site. Raises: LimitReached."""
    if too_often("upload", user.pk, most=UPLOADS_A_MINUTE):
        raise LimitReached(
            f"More than {UPLOADS_A_MINUTE} uploads or checks in a minute. Wait a minute"
        )


def check_upload(board: Board, name: str, file: str, content: bytes, framework: str) -> CheckedCode:
    """What would be refused, within seconds: nothing is run, and nothing is kept.

    Raises: SubmissionError, RulesError.
    """
    check_name(name)
    with _laid_out(_read(file, content), name) as folder:
        return _checked(board, folder, framework)


def submit(
    board: Board, *, owner: User, name: str, file: str, content: bytes, framework: str = "torch",
    team: Team | None = None, based_on: Entry | None = None, is_baseline: bool = False,
    once: Once | None = None,
) -> Run:
    """Take in an entry, and queue its first run.

    Args: once: what was taken in under its key gives the same run again.
    Raises: SubmissionError, RulesError for what would be refused; LimitReached; OtherContent.
    """
    if once is not None and (earlier := once.answered(owner)):
        return earlier
    check_name(name)
    if board.version != board.version.contest.current:
        raise SubmissionError(
            f"{board}: entries are taken for version {board.version.contest.current.number} of the "
            "rules. Submit there"
        )
    if (closed := why_not_taken(board)) and not is_baseline:
        raise SubmissionError(f"{board.version.contest}: {closed}")
    upload = _read(file, content)
    with _laid_out(upload, name) as folder:
        checked = _checked(board, folder, framework)
    return _kept(
        board.in_framework(framework), upload, checked, owner=owner, name=name,
        framework=framework, team=team, based_on=based_on, is_baseline=is_baseline, once=once,
    )


def _kept(
    board: Board, upload: Upload, checked: CheckedCode, *, owner: User, name: str, framework: str,
    team: Team | None, based_on: Entry | None, is_baseline: bool, once: Once | None,
) -> Run:
    contest = board.version.contest
    try:
        with transaction.atomic():
            # One person's submissions come one after the other, so that a limit is a limit.
            User.objects.select_for_update().get(pk=owner.pk)
            # It may have come twice at the same time.
            if once is not None and (earlier := once.answered(owner)):
                return earlier
            if not is_baseline:
                _check_limits(owner)
            entry = Entry.objects.create(
                board=board, contest=contest, name=name, owner=owner, team=team,
                code_sha256=checked.sha256, framework=framework, based_on=based_on,
                disclosure=checked.disclosure.as_json() if checked.disclosure else {},
                is_baseline=is_baseline,
            )
            # Before the row can be seen: a row without its code would be a lost submission.
            default_storage.save(entry.archive, ContentFile(upload.as_zip(name)))
            run = enqueue(entry)
            if once is not None:
                once.keep(owner, run)
            return run
    except IntegrityError:
        raise SubmissionError(
            f"{contest} has an entry called {name!r}. Try {_next_name(contest.entries, name)!r}"
        ) from None


@transaction.atomic
def play_again(entry: Entry) -> Run:
    """Raises: RulesError if it is played already."""
    Entry.objects.select_for_update(of=("self",)).get(pk=entry.pk)  # asked twice, it is played once
    latest = entry.latest_run
    if latest is not None and latest.job.state in OPEN:
        raise RulesError(f"{entry.name} {latest.job.get_state_display()} already")
    return enqueue(entry)


@transaction.atomic
def play_failed_again(entry: Entry) -> Run:
    """As its owner asks: for what the site could not play, and nothing else.

    Raises: SubmissionError for what was played, or is of a closed competition; LimitReached;
      RulesError if it is played already.
    """
    latest = entry.latest_run
    if latest is None or latest.job.state not in (*OPEN, State.FAILED):
        raise SubmissionError(
            f"{entry.name}: you may play again what the site could not play, and this it did. "
            "Submit an improved version"
        )
    if closed := why_not_taken(entry.board):
        raise SubmissionError(f"{entry.contest}: {closed}")
    User.objects.select_for_update().get(pk=entry.owner.pk)
    _check_limits(entry.owner)
    return play_again(entry)


def why_not_taken(board: Board) -> str:
    """Why a board takes no entries now, in words; empty if it takes them."""
    contest = board.version.contest
    if contest.is_final:
        return f"its boards are final since {contest.final_after:%d %b %Y, %H:%M} UTC"
    return board.competition.why_not_open(timezone.now()) or ""


def left_today(user: User) -> int:
    """How many more submissions a person may make now."""
    return max(0, settings.SITE.config.limits.submissions - _counted_today(user))


def _counted_today(user: User) -> int:
    """What the site could not play costs nobody anything, nor what was cancelled before it was
    played. What was played and then cancelled does: somebody has watched it."""
    never_played = Q(state__in=[State.FAILED, State.REFUSED]) | Q(
        state=State.CANCELLED, attempts__lte=F("spoilt")
    )
    costs = Job.objects.filter(run__entry=OuterRef("pk")).exclude(never_played)
    return user.entries.filter(
        Exists(costs), created__gt=timezone.now() - DAY, is_baseline=False
    ).count()


def _check_limits(owner: User) -> None:
    limits = settings.SITE.config.limits
    if _counted_today(owner) >= limits.submissions:
        raise LimitReached(
            f"{owner} has submitted {limits.submissions} times in 24 hours, which is the limit. "
            "Try later"
        )
    waiting = Run.objects.filter(
        entry__owner=owner, entry__is_baseline=False, job__state__in=OPEN
    ).count()
    if waiting >= limits.waiting:
        raise LimitReached(
            f"{waiting} submissions of {owner} have no verdict yet; allowed are {limits.waiting} "
            "at a time. Wait for one, or cancel one"
        )


def check_name(name: str) -> None:
    """Raises: SubmissionError for what cannot be a name of an entry."""
    if not ENTRY_NAME.fullmatch(name):
        raise SubmissionError(
            f"name: found {name!r}; allowed are small letters, digits, dash and underscore, the "
            f"first a letter or a digit, at most {KEY}"
        )


def suggested_name(board: Board, user: User) -> str:
    return _next_name(board.version.contest.entries, user.username.lower())


def improved_name(entry: Entry) -> str:
    """With a number beyond its own."""
    found = _NUMBER.search(entry.name)
    return _next_name(entry.contest.entries, entry.name, int(found[1]) + 1 if found else 2)


_NUMBER = re.compile(r"-(\d{1,4})$")


def _next_name(entries, name: str, number: int = 0) -> str:
    """One that nobody has.

    Args: number: the least that it may have at its end; 0: it may have none.
    """
    stem = _NUMBER.sub("", name)[: KEY - 6]
    taken = set(entries.filter(name__startswith=stem).values_list("name", flat=True))
    if not number and stem not in taken:
        return stem
    number = max(number, 2)
    while f"{stem}-{number}" in taken:
        number += 1
    return f"{stem}-{number}"


def _read(file: str, content: bytes) -> Upload:
    """What is checked, and what is kept. Raises: SubmissionError."""
    upload = read_upload(file, content, settings.SITE.config.limits)
    (only, *others) = upload.files
    # A module alone may have any name; a folder has its modules by known ones.
    if not others and "/" not in only and only.removesuffix(".py") not in KNOWN:
        return Upload(files={"submission.py": upload.files[only]})
    return upload


@contextmanager
def _laid_out(upload: Upload, name: str) -> Iterator[Path]:
    """A folder with the entry's name, for as long as it is looked at."""
    with tempfile.TemporaryDirectory(prefix="mlgolf-check-") as scratch:
        folder = Path(scratch) / name
        upload.write(folder)
        yield folder


KNOWN = ("submission", "submission_torch", "submission_jax", "entry", "entry_torch", "entry_jax")


def _checked(board: Board, folder: Path, framework: str) -> CheckedCode:
    """Messages speak of the upload, not of where it lies here."""
    try:
        return read_code(folder, board.competition, framework)
    except MLGolfError as error:
        told = str(error).replace(f"{folder}/", "").replace(str(folder), folder.name)
        raise SubmissionError(told) from None
