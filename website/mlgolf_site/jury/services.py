"""What is done about an entry that somebody doubts: each function is one transaction.

A ruling is written into its file and the ledger before any row is: whoever is killed between has
decided, and `take_in_rulings` writes the rows at the next start.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from mlgolf.core.errors import MLGolfError
from mlgolf.core.text import bytes_in_words
from mlgolf_site.boards.models import Standing
from mlgolf_site.contests.models import Board, Contest
from mlgolf_site.entries.models import Entry
from mlgolf_site.jury.beside import write_challenge, write_decisions
from mlgolf_site.jury.models import Challenge, Decision, Remark
from mlgolf_site.jury.rulings import of_key, rulings_of, settle, write_ruling
from mlgolf_site.people.models import Team, User

DEADLINE = timedelta(days=14)
MOST_A_DAY = 10  # challenges of one person, those that were withdrawn among them


class JuryError(MLGolfError):
    """A challenge or a decision that cannot be taken in."""


class NotImpartial(JuryError):
    """Somebody would decide on what is their own."""


# --- challenges ---


def why_not_challenged(entry: Entry, by: User) -> str:
    """A sentence without its full stop; empty if somebody may challenge it now."""
    if entry.is_of(by):
        return "it is your own entry, or your team's"
    if entry.contest.hides_results:
        until = entry.contest.results_hidden_until
        return f"results are hidden until {until:%d %b %Y, %H:%M} UTC; challenge it from then on"
    if not Standing.objects.filter(entry=entry, snapshot__shown_on=entry.board).exists():
        return f"there is nothing to challenge: {entry.name} stands on no leaderboard"
    most = settings.SITE.config.limits.challenges
    if by.challenges.filter(state=Challenge.State.OPEN).count() >= most:
        return (
            f"{most} challenges of yours wait for a decision, which is the limit. Withdraw one, "
            "or wait"
        )
    made = by.challenges.filter(created__gt=timezone.now() - timedelta(days=1)).count()
    if made >= MOST_A_DAY:
        return f"you have made {made} challenges in 24 hours, which is the limit. Try later"
    return ""


@transaction.atomic
def challenge(
    entry: Entry, *, by: User, doubt: str, evidence: str = "", wants_repetition: bool = False,
    file: bytes = b"",
) -> Challenge:
    """Raises: JuryError."""
    # One person's challenges come one after the other, so that a limit is a limit.
    User.objects.select_for_update().get(pk=by.pk)
    if why := why_not_challenged(entry, by):
        raise JuryError(why)
    made = Challenge(
        entry=entry, by=by, doubt=doubt, evidence=evidence, wants_repetition=wants_repetition,
        has_file=bool(file), deadline=timezone.now() + DEADLINE,
    )
    if file:
        default_storage.save(made.file, ContentFile(_checked_text(file)))
    made.save()
    write_challenge(made)
    return made


def _checked_text(content: bytes) -> bytes:
    """Raises: JuryError for what is no text, or too long."""
    most = settings.SITE.config.limits.evidence_bytes
    if len(content) > most:
        raise JuryError(
            f"the file has {bytes_in_words(len(content))}; allowed are {bytes_in_words(most)}"
        )
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise JuryError(
            f"the file is no text: byte {error.start} is no UTF-8. Allowed are text files, such as "
            "a log, a patch or a table"
        ) from None
    if "\0" in text:
        raise JuryError("the file is no text: it has zero bytes. Allowed are text files")
    return content


@transaction.atomic
def withdraw(challenge: Challenge, *, by: User) -> None:
    """Raises: JuryError."""
    found = _open(challenge)
    if found.by_id != by.pk:
        raise JuryError("a challenge is withdrawn by whoever made it")
    found.state = Challenge.State.WITHDRAWN
    found.save(update_fields=["state"])
    write_challenge(found)


@transaction.atomic
def say(challenge: Challenge, *, by: User, speaker: Remark.Speaker, text: str) -> Remark:
    """Raises: JuryError."""
    found = _open(challenge)
    made = Remark.objects.create(challenge=found, by=by, speaker=speaker, text=text)
    write_challenge(found)
    return made


@transaction.atomic
def set_deadline(challenge: Challenge, deadline: datetime) -> None:
    """Raises: JuryError."""
    found = _open(challenge)
    if deadline < timezone.now():
        raise JuryError(f"{deadline:%Y-%m-%d} is past. Give a day from today on")
    found.deadline = deadline
    found.save(update_fields=["deadline"])
    write_challenge(found)


def _open(challenge: Challenge) -> Challenge:
    found = Challenge.objects.select_for_update().get(pk=challenge.pk)
    if not found.is_open:
        raise JuryError(f"this challenge {Challenge.State(found.state).label}: nothing is added")
    return found


# --- decisions ---


def why_not_impartial(user: User, entry: Entry, challenge: Challenge | None = None) -> str:
    """Why somebody may not decide, as a sentence without its full stop; empty if they may."""
    if entry.is_of(user):
        return "it is about your own entry, or your team's"
    if challenge is not None and challenge.by_id == user.pk:
        return "it is your own challenge"
    own = Q(owner=user) | Q(team__in=user.teams.all())
    if Entry.objects.filter(own, board=entry.board, is_baseline=False).exists():
        return "you have an entry of your own on this board, or your team has"
    sides = {entry.owner_id, *([challenge.by_id] if challenge is not None else [])}
    # Two filters: in one, the member would have to be both.
    if Team.objects.filter(members=user).filter(members__in=sides).exists():
        return "you are in a team with one of the two sides"
    return ""


@transaction.atomic
def decide(
    entry: Entry, *, by: User, key: UUID, decision: str, rule: str, reason: str,
    information: str = "", action: str = "", evidence: Sequence[str] = (),
    subject: Mapping[str, str] | None = None, challenge: Challenge | None = None,
) -> Decision:
    """A ruling, in its file, in the ledger and on the next leaderboard.

    Args:
      key: of the challenge, or of the form in which it was asked for: asked again it is the same.
      subject: `run`, `run` and `trial`, or nothing: the whole entry.
    Raises: JuryError, NotImpartial; RulesError for a ruling that cannot stand.
    """
    contest = Contest.objects.select_for_update().get(pk=entry.contest_id)
    if why := why_not_impartial(by, entry, challenge):
        raise NotImpartial(f"You may not decide on this: {why}. Leave it to another")
    before = of_key(rulings_of(contest), key)
    known = Decision.objects.filter(contest=contest, ruling=before.id).first() if before else None
    if known is not None:
        if known.by_id == by.pk:
            return known  # sent again
        raise JuryError(f"{known.by or 'somebody'} has decided already, by ruling {known.ruling}")
    if challenge is not None:
        challenge = _open(challenge)
    said = {"decision": decision, "rule": rule, "reason": _in_one(reason, information, action)}
    ruling = write_ruling(entry, key, {
        **said, "evidence": _evidence(evidence, challenge),
        "subject": {
            "submission": entry.name, "sha256": entry.code_sha256, **(subject or {})
        },
    })  # fmt: skip
    # One whose decision was cut short stands as it was written, whoever asks for another now.
    is_theirs = all(getattr(ruling, name) == text for name, text in said.items())
    return _enter(
        contest, ruling.id, by=by if is_theirs else None, challenge=challenge, boards=[entry.board]
    )


def _in_one(reason: str, information: str, action: str) -> str:
    parts = [reason, information and f"Information that it used: {information}",
             action and f"Action that it took: {action}"]
    return " ".join(f"{part.strip().removesuffix('.')}." for part in parts if part.strip())


def _evidence(given: Sequence[str], challenge: Challenge | None) -> list[str]:
    return [*given, *([f"challenge {challenge.get_absolute_url()}"] if challenge else [])]


def _enter(
    contest: Contest, ruling: str, *, by: User | None, challenge: Challenge | None,
    boards: Sequence[Board],
) -> Decision:
    if challenge is not None:
        challenge.state = Challenge.State.DECIDED
        challenge.save(update_fields=["state"])
        write_challenge(challenge)
    for board in boards:
        board.has_changed()
    made = Decision.objects.create(contest=contest, ruling=ruling, by=by, challenge=challenge)
    write_decisions(contest)
    return made


def take_in_rulings() -> int:
    """Rows for rulings that have none, all over the site. Returns: how many were missing.

    They came with the folder of a competition, or their decision was cut short.
    """
    return sum(map(_take_in, Contest.objects.order_by("pk")))


@transaction.atomic
def _take_in(contest: Contest) -> int:
    contest = Contest.objects.select_for_update().get(pk=contest.pk)
    rulings = rulings_of(contest)
    known = set(contest.decisions.values_list("ruling", flat=True))
    missing = [ruling for ruling in rulings if ruling.id not in known]
    if not missing:
        return 0
    settle(contest, rulings)
    waiting = Challenge.objects.select_for_update().filter(
        entry__contest=contest, state=Challenge.State.OPEN
    )
    of_ruling = {ruling.id: one for one in waiting if (ruling := of_key(missing, one.key))}
    boards = list(Board.objects.filter(version__contest=contest))
    for ruling in missing:
        _enter(contest, ruling.id, by=None, challenge=of_ruling.get(ruling.id), boards=boards)
    return len(missing)
