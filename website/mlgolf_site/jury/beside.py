"""What was said and decided, in the site's files: challenges/KEY.json and decisions/CONTEST.json.

A ruling is a file of its own, which says why (`rulings.py`); these say who doubted an entry, who
answered what, and who decided. They are written before the rows that they are of are committed, so
that a database that is lost can be made again (`importing/again.py`). They hold names and words, no
address of mail; and no address of the site leads to them, whoever may read a competition.
"""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import transaction

from mlgolf.core.errors import RulesError
from mlgolf_site.contests.models import Contest
from mlgolf_site.entries.models import Entry
from mlgolf_site.jury.models import Challenge, Decision, Remark
from mlgolf_site.jury.rulings import rulings_of
from mlgolf_site.people.models import User

CHALLENGES, DECISIONS = "challenges", "decisions"
ENDING = ".json"


def write_challenge(challenge: Challenge) -> None:
    """Within the transaction that changes it, or adds to it: a file too new is better than none."""
    found = Challenge.objects.select_related("entry__contest", "by").get(pk=challenge.pk)
    _write(f"{CHALLENGES}/{found.key}{ENDING}", {
        "key": str(found.key), "contest": found.entry.contest.slug, "entry": found.entry.name,
        "by": found.by.username, "doubt": found.doubt, "evidence": found.evidence,
        "wants_repetition": found.wants_repetition, "has_file": found.has_file,
        "state": found.state, "created": found.created.isoformat(),
        "deadline": found.deadline.isoformat(),
        "remarks": [
            {"by": one.by.username, "speaker": one.speaker, "text": one.text,
             "created": one.created.isoformat()}
            for one in found.remarks.select_related("by")
        ],
    })  # fmt: skip


def write_decisions(contest: Contest) -> None:
    """Within the transaction that adds one."""
    _write(f"{DECISIONS}/{contest.slug}{ENDING}", {
        "contest": contest.slug,
        "decisions": [
            {"ruling": one.ruling, "by": one.by.username if one.by else "",
             "made": one.made.isoformat(),
             "challenge": str(one.challenge.key) if one.challenge else ""}
            for one in contest.decisions.select_related("by", "challenge").order_by("made", "pk")
        ],
    })  # fmt: skip


def _write(name: str, table: Mapping[str, Any]) -> None:
    content = json.dumps(table, indent=1, ensure_ascii=False).encode()
    default_storage.save(name, ContentFile(content))


# --- the reverse ---


def restore_challenge(table: Mapping[str, Any]) -> int:
    """With its remarks. Returns: how many challenges were not there.

    Raises: RulesError, KeyError, ValueError for what the file lacks, or should not say.
    """
    key = UUID(table["key"])
    if Challenge.objects.filter(key=key).exists():
        return 0
    entry = Entry.objects.filter(contest__slug=table["contest"], name=table["entry"]).first()
    if entry is None:
        raise RulesError(f"its entry {table['contest']}/{table['entry']} is not here")
    with transaction.atomic():
        made = Challenge.objects.create(
            key=key, entry=entry, by=_person(table["by"]), doubt=table["doubt"],
            evidence=table["evidence"], wants_repetition=table["wants_repetition"],
            has_file=table["has_file"], state=Challenge.State(table["state"]),
            deadline=datetime.fromisoformat(table["deadline"]),
        )
        Challenge.objects.filter(pk=made.pk).update(created=table["created"])
        for one in table["remarks"]:
            remark = Remark.objects.create(
                challenge=made, by=_person(one["by"]), speaker=Remark.Speaker(one["speaker"]),
                text=one["text"],
            )
            Remark.objects.filter(pk=remark.pk).update(created=one["created"])
        if made.has_file and not default_storage.exists(made.file):
            raise RulesError(f"its evidence {made.file} is missing")
    return 1


def restore_decisions(table: Mapping[str, Any]) -> int:
    """Who decided, and on which challenge. Returns: how many decisions were not there.

    Raises: RulesError, KeyError, ValueError for what the file lacks, or should not say.
    """
    contest = Contest.objects.filter(slug=table["contest"]).first()
    if contest is None:
        raise RulesError(f"there is no competition {table['contest']}")
    rulings = {ruling.id for ruling in rulings_of(contest)}
    known = set(contest.decisions.values_list("ruling", flat=True))
    missing = [one for one in table["decisions"] if one["ruling"] not in known]
    for one in missing:
        if one["ruling"] in rulings:
            _restore_decision(contest, one)
    if lost := [one["ruling"] for one in missing if one["ruling"] not in rulings]:
        raise RulesError(
            f"rulings/{lost[0]}.toml is missing in the folders of {contest}; what was decided "
            "otherwise is back"
        )
    return len(missing)


@transaction.atomic
def _restore_decision(contest: Contest, said: Mapping[str, Any]) -> None:
    challenge = None
    if said["challenge"]:
        challenge = Challenge.objects.filter(key=UUID(said["challenge"])).first()
    made = Decision.objects.create(
        contest=contest, ruling=said["ruling"], challenge=challenge,
        by=_person(said["by"]) if said["by"] else None,
    )
    Decision.objects.filter(pk=made.pk).update(made=said["made"])


def _person(name: str) -> User:
    found = User.objects.filter(username=name).first()
    if found is None:
        raise RulesError(f"nobody called {name!r} is here")
    return found
